// SPDX-License-Identifier: Apache-2.0
#include "server/admin/tokens.h"
#include <QCryptographicHash>
#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace server {

using shared::admin::Role;

namespace {

constexpr std::size_t MostTokens = 10000, LongestName = 64, LongestToken = 512;

QByteArray digest(std::string_view token) {
    return QCryptographicHash::hash(QByteArrayView(token.data(), qsizetype(token.size())),
                                    QCryptographicHash::Sha256);
}

bool isSame(const QByteArray& a, const QByteArray& b) {
    unsigned difference = a.size() == b.size() ? 0U : 1U;
    for (qsizetype i = 0; i < std::min(a.size(), b.size()); ++i)
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    return difference == 0;
}

std::string_view nextWord(std::string_view& line) {
    constexpr const char* Blanks = " \t\r";
    line.remove_prefix(std::min(line.find_first_not_of(Blanks), line.size()));
    const auto word = line.substr(0, line.find_first_of(Blanks));
    line.remove_prefix(word.size());
    return word;
}

bool isVisible(std::string_view word) {
    return std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c < 127; });
}

} // namespace

shared::Result<Tokens> Tokens::parse(std::string_view text) {
    Tokens tokens;
    int number = 0;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        ++number;
        const auto name = nextWord(line);
        if (name.empty() || name.front() == '#')
            continue;
        const auto role = nextWord(line), token = nextWord(line);
        const bool isRole = role == "viewer" || role == "operator";
        if (!isRole || token.empty() || !nextWord(line).empty() || !isVisible(name) || !isVisible(token) ||
            name.size() > LongestName || token.size() > LongestToken || tokens.m_rows.size() >= MostTokens)
            return shared::failure(
                shared::ErrorCode::Configuration,
                fmt::format("line {}: NAME ROLE TOKEN is allowed, with viewer or operator as role", number));
        tokens.add({std::string(name), role == "operator" ? Role::Operator : Role::Viewer}, token);
    }
    return tokens;
}

void Tokens::add(Owner owner, std::string_view token) {
    owner.digest = digest(token);
    m_rows.push_back(std::move(owner));
}

const Tokens::Owner* Tokens::find(std::string_view token) const {
    if (token.empty() || token.size() > LongestToken)
        return nullptr;
    const auto wanted = digest(token);
    const Owner* found = nullptr;
    for (const auto& row : m_rows) // to the end, found or not
        if (isSame(row.digest, wanted))
            found = &row;
    return found;
}

bool Tokens::holds(const Owner& owner) const {
    return std::find(m_rows.begin(), m_rows.end(), owner) != m_rows.end();
}

std::string_view bearerToken(std::string_view authorization) {
    constexpr std::string_view Scheme = "bearer ";
    if (authorization.size() <= Scheme.size())
        return {};
    for (std::size_t i = 0; i < Scheme.size(); ++i)
        if (std::tolower(static_cast<unsigned char>(authorization[i])) != Scheme[i])
            return {};
    auto token = authorization.substr(Scheme.size());
    token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
    return token;
}

} // namespace server
