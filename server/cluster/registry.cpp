// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/registry.h"
#include "server/cluster/envelope.h"
#include <QtCore/QJsonDocument>
#include <array>

namespace server {

namespace {

constexpr std::size_t MostNodes = 10000, MostRowBytes = 65536;
/// A read that got no end is begun anew: its answers went down with a link.
constexpr std::chrono::seconds ReadingPatience{30};
constexpr int StillBeats = 2;

std::string told(const std::string& text) {
    return text.empty() ? "(not told)" : text;
}

} // namespace

Registry::Registry(const std::string& keyPrefix, RedisLink& link, AdapterHost& host, const Clock& clock)
    : m_keyStart("weir:" + keyPrefix + ":node:"), m_link(link), m_host(host), m_clock(clock) {}

void Registry::announce(const shared::admin::ClusterNode& row) {
    const bool isFirst = !m_row;
    m_row = row;
    if (isFirst)
        beat();
}

void Registry::beat() {
    if (!m_link.isUp() || !m_row || m_isDuplicate)
        return;
    if (m_isOurs || m_stranger)
        look();
    else
        take();
    readAll();
}

std::optional<Registry::Found> Registry::parsed(const std::string& json) {
    if (json.size() > MostRowBytes)
        return {};
    const auto object =
        QJsonDocument::fromJson(QByteArray::fromRawData(json.data(), qsizetype(json.size()))).object();
    auto row = shared::admin::ClusterNode::fromJson(object);
    if (!row)
        return {};
    return Found{std::move(*row), object.value(QLatin1String("beat")).toInteger()};
}

bool Registry::isRefused(const Reply& reply, const char* what) {
    if (reply.kind != Reply::Kind::Error)
        return false;
    const auto word = reply.text.substr(0, std::min(reply.text.find(' '), std::size_t(32)));
    m_host.errorSeen(shared::ErrorKind::RedisError,
                     std::string("Redis does not let us ") + what + " the registry: " + word);
    return true;
}

namespace {

std::string rowText(const shared::admin::ClusterNode& row, std::int64_t beat, std::int64_t now) {
    auto said = row;
    said.seen_ms = now;
    auto object = said.toJson();
    object.insert(QLatin1String("beat"), qint64(beat));
    return QJsonDocument(object).toJson(QJsonDocument::Compact).toStdString();
}

} // namespace

/// Only if nobody holds the id.
void Registry::take() {
    const auto text = rowText(*m_row, ++m_beat, m_clock.unixMs());
    const auto key = keyOf(m_row->id);
    const auto life = std::to_string(RowLife.count());
    const std::array<std::string_view, 6> words{"SET", key, text, "PX", life, "NX"};
    std::ignore = m_link.command(words, [this](const Reply* reply) {
        if (!reply || isRefused(*reply, "write"))
            return;
        if (reply->kind == Reply::Kind::Nil)
            return look();
        m_isOurs = true;
        m_confirmedAt = m_clock.now();
    });
}

void Registry::look() {
    const auto key = keyOf(m_row->id);
    const std::array<std::string_view, 2> words{"GET", key};
    std::ignore = m_link.command(words, [this](const Reply* reply) {
        if (!reply || isRefused(*reply, "read"))
            return;
        if (reply->kind == Reply::Kind::Nil) { // it ended: ours while Redis was away, or a stranger's
            m_isOurs = false;
            m_stranger.reset();
            return take();
        }
        looked(reply->text);
    });
}

void Registry::looked(const std::string& json) {
    const auto found = parsed(json);
    if (!found || found->row.instance == m_row->instance) { // nobody lives in a row that cannot be read
        m_stranger.reset();
        return write();
    }
    m_isOurs = false;
    if (!m_stranger || m_stranger->row.instance != found->row.instance) {
        m_stranger = found;
        m_stillBeats = 0;
        return;
    }
    if (found->beat != m_stranger->beat) {
        m_isDuplicate = true;
        m_host.duplicateFound("another living node has the id " + m_row->id + ": instance " +
                              found->row.instance + ", clients at " + told(found->row.clients) + ", ops at " +
                              told(found->row.ops) + "; give this one a node.id of its own");
        return;
    }
    if (++m_stillBeats < StillBeats)
        return;
    m_stranger.reset();
    write();
}

void Registry::write() {
    const auto text = rowText(*m_row, ++m_beat, m_clock.unixMs());
    const auto key = keyOf(m_row->id);
    const auto life = std::to_string(RowLife.count());
    const std::array<std::string_view, 5> words{"SET", key, text, "PX", life};
    std::ignore = m_link.command(words, [this](const Reply* reply) {
        if (!reply || isRefused(*reply, "write"))
            return;
        m_isOurs = true;
        m_confirmedAt = m_clock.now();
    });
}

void Registry::readAll() {
    if (m_isReading && m_clock.now() - m_readingSince < ReadingPatience)
        return; // a large database is walked in more than one interval
    m_isReading = true;
    m_readingSince = m_clock.now();
    m_keys.clear();
    scan("0");
}

void Registry::scan(const std::string& cursor) {
    const auto pattern = escapeGlob(m_keyStart) + "*";
    const std::array<std::string_view, 6> words{"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"};
    m_isReading = m_link.command(words, [this](const Reply* reply) {
        const bool isPage = reply && !isRefused(*reply, "read") && reply->kind == Reply::Kind::Array &&
                            reply->elements.size() == 2;
        if (!isPage) {
            m_isReading = false;
            return;
        }
        for (const auto& key : reply->elements[1].elements)
            if (m_keys.size() < MostNodes)
                m_keys.insert(key.text);
        const auto& next = reply->elements[0].text;
        if (next == "0")
            fetch();
        else
            scan(next);
    });
}

void Registry::fetch() {
    m_isReading = false;
    if (m_keys.empty())
        return m_host.clusterChanged({});
    std::vector<std::string_view> words{"MGET"};
    words.insert(words.end(), m_keys.begin(), m_keys.end());
    m_isReading = m_link.command(words, [this](const Reply* reply) {
        m_isReading = false;
        if (reply && !isRefused(*reply, "read") && reply->elements.size() == m_keys.size())
            report(*reply);
    });
}

void Registry::report(const Reply& rows) {
    std::vector<shared::admin::ClusterNode> nodes;
    auto key = m_keys.begin();
    for (const auto& row : rows.elements) {
        auto found = parsed(row.text);
        // Under a key that is not its own a row would speak for another node.
        if (found && keyOf(found->row.id) == *key)
            nodes.push_back(std::move(found->row));
        ++key;
    }
    m_host.clusterChanged(std::move(nodes));
}

void Registry::leave() {
    // While it was confirmed lately nobody else can have taken it: it cannot have ended yet.
    if (!m_row || !m_isOurs || m_clock.now() - m_confirmedAt > RowLife - BeatInterval)
        return;
    const auto key = keyOf(m_row->id);
    const std::array<std::string_view, 2> words{"DEL", key};
    std::ignore = m_link.command(words, {});
    m_isOurs = false;
}

} // namespace server
