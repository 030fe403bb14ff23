// SPDX-License-Identifier: Apache-2.0
#include "server/core/json_args.h"
#include "server/core/json_spans.h"

namespace server {

void appendDataMembers(std::string& out, std::string_view args) {
    if (args.empty())
        return;
    std::size_t first = args.size();
    const std::string array = '[' + std::string(args) + ']';
    if (const auto elements = jsonElements(array, JsonDepth + 1); elements && elements->size() > 1)
        first = std::size_t((*elements)[0].data() + (*elements)[0].size() - (array.data() + 1));
    out.append(",\"data\":").append(args.substr(0, first));
    if (first < args.size())
        out.append(",\"rest\":[").append(args.substr(args.find(',', first) + 1)).append("]");
}

void appendStampMembers(std::string& out, const Stamp& stamp) {
    out.append("\"seq\":").append(std::to_string(stamp.seq)).append(",\"origin\":");
    appendQuoted(out, stamp.origin);
    out.append(",\"ts\":").append(std::to_string(stamp.ts_ms));
}

} // namespace server
