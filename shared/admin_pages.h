// SPDX-License-Identifier: Apache-2.0
// What all paged lists of the admin channel have in common: a filter, a sort key, a cursor, and a page of
// rows. Included by the codec's own sources alone. Plain values, any thread.
#pragma once
#include "shared/admin_fields.h"

namespace shared::admin {

template <class Request>
QJsonObject pageRequestJson(const Request& request) {
    const std::string key(nameOf(request.sort));
    return Writer()
        .put("filter", request.filter)
        .put("sort", request.descending ? '-' + key : key)
        .put("cursor", request.cursor)
        .put("limit", request.limit)
        .json();
}
template <class Request>
Result<Request> pageRequest(const QJsonObject& json) {
    Request out;
    std::string sort(nameOf(out.sort)), allowed = "must be one of";
    for (const auto word : names(out.sort))
        allowed.append(" ").append(word);
    allowed += ", with - to descend";
    Reader in(json);
    in.may("filter", out.filter).may("sort", sort).may("cursor", out.cursor).may("limit", out.limit);
    out.descending = sort.starts_with('-');
    const bool isKnown = read(text(std::string_view(sort).substr(out.descending ? 1 : 0)), out.sort);
    in.check("sort", isKnown, allowed)
        .check("limit", out.limit >= 1 && out.limit <= LongestPage, "must be 1 to 1000");
    return in.result(std::move(out));
}

template <class Answer>
QJsonObject pageAnswerJson(const Answer& answer) {
    return Writer()
        .put("rows", answer.rows)
        .put("total", answer.total)
        .put("cursor", answer.cursor)
        .put("partial", answer.partial)
        .json();
}
template <class Answer>
Result<Answer> pageAnswer(const QJsonObject& json) {
    Answer out;
    Reader in(json);
    in.rows("rows", out.rows).need("total", out.total).may("cursor", out.cursor).may("partial", out.partial);
    return in.result(std::move(out));
}

} // namespace shared::admin
