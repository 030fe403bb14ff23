// SPDX-License-Identifier: Apache-2.0
#include "server/net/try_page.h"
#include "server/http/http.h"
#include <QCryptographicHash>

namespace server {
namespace {

/// What a policy calls the text of the page's only element `name`.
std::string hashOf(std::string_view name) {
    const std::string opening = '<' + std::string(name) + '>';
    const auto from = TryPage.find(opening) + opening.size();
    const auto text = TryPage.substr(from, TryPage.find("</", from) - from);
    const auto hash = QCryptographicHash::hash(QByteArrayView(text.data(), qsizetype(text.size())),
                                               QCryptographicHash::Sha256);
    return "'sha256-" + hash.toBase64().toStdString() + '\'';
}

} // namespace

std::string tryPageAnswer() {
    const std::string policy = "default-src 'none'; script-src " + hashOf("script") + "; style-src " +
                               hashOf("style") +
                               "; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                               "frame-ancestors 'none'";
    const HttpHeader headers[] = {{"Content-Security-Policy", policy}, {"Referrer-Policy", "no-referrer"}};
    return httpAnswer(200, headers, "text/html; charset=utf-8", TryPage);
}

} // namespace server
