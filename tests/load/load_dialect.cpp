// SPDX-License-Identifier: Apache-2.0
#include "tests/load/load_dialect.h"
#include "server/core/router.h"
#include <charconv>

using std::chrono::milliseconds;
using Kind = Heard::Kind;

namespace {

constexpr std::size_t LongestSentence = 200;

std::uint64_t numberAfter(std::string_view json, std::string_view key) {
    const auto at = json.rfind(key);
    std::uint64_t value = 0;
    if (at != std::string_view::npos)
        std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value);
    return value;
}

/// The text of a JSON string without escapes that follows `key`.
std::string_view textAfter(std::string_view json, std::string_view key) {
    const auto at = json.rfind(key);
    if (at == std::string_view::npos)
        return {};
    json.remove_prefix(at + key.size());
    return json.substr(0, json.find('"'));
}

Heard heard(Kind kind, std::string_view sentence = {}) {
    Heard out;
    out.kind = kind;
    out.sentence = sentence.substr(0, LongestSentence);
    return out;
}

class SocketIoWords final : public LoadDialect {
public:
    std::string request(const Target& target) const override {
        return target.path + "?EIO=4&transport=websocket";
    }
    Heard hear(std::string_view text) const override {
        if (text.empty())
            return {};
        const std::string_view rest = text.substr(1);
        switch (text.front()) {
        case '0': {
            Heard open;
            open.answer = "40";
            open.silence = milliseconds(
                std::int64_t(numberAfter(rest, "\"pingInterval\":") + numberAfter(rest, "\"pingTimeout\":")));
            return open;
        }
        case '1':
            return heard(Kind::Closed, "the server closed the session");
        case '2': {
            Heard ping = heard(Kind::Ping);
            ping.answer = "3";
            return ping;
        }
        case '4':
            return hearPacket(rest);
        default:
            return {};
        }
    }
    void appendJoin(std::string& out, std::string_view room) const override {
        out.append("420[\"join\",\"").append(room).append("\"]");
    }
    void appendPublish(std::string& out, std::string_view room, std::string_view data,
                       Echo echo) const override {
        out.append("42[\"publish\",\"").append(room).append("\",\"load\",").append(data);
        out.append(echo == Echo::Yes ? ",{\"echo\":true}]" : "]");
    }

private:
    static Heard hearPacket(std::string_view packet) {
        if (packet.starts_with("0"))
            return heard(Kind::Connected);
        if (packet.starts_with("1")) // an operator's word: official clients stay away after it
            return heard(Kind::Evicted, "evicted");
        if (packet.starts_with("2[\"weir:reconnect\""))
            return heard(Kind::Hint);
        if (packet.starts_with("2")) {
            Heard event = heard(Kind::Event);
            event.packet = packet;
            return event;
        }
        if (packet.starts_with("30["))
            return packet.find("\"ok\":true") != std::string_view::npos
                       ? heard(Kind::Joined)
                       : heard(Kind::Refused, packet.substr(2));
        if (packet.starts_with("4"))
            return heard(Kind::Refused, packet.substr(1));
        return {};
    }
};

class JsonWords final : public LoadDialect {
public:
    std::string request(const Target&) const override { return "/ws"; }
    Heard hear(std::string_view text) const override {
        if (text.starts_with("{\"op\":\"event\"")) {
            Heard event = heard(Kind::Event);
            event.packet = text;
            event.seq = numberAfter(text, ",\"seq\":");
            event.origin = textAfter(text, ",\"origin\":\"");
            return event;
        }
        if (text.starts_with("{\"op\":\"ack\",\"id\":0,"))
            return text.find(",\"ok\":true") != std::string_view::npos ? heard(Kind::Joined)
                                                                       : heard(Kind::Refused, text);
        if (text.starts_with("{\"op\":\"ack\"")) {
            Heard published = heard(Kind::Published);
            published.seq = numberAfter(text, ",\"seq\":");
            return published;
        }
        if (text.starts_with("{\"op\":\"hello\"")) {
            Heard hello = heard(Kind::Connected);
            hello.silence = milliseconds(std::int64_t(2 * numberAfter(text, "\"heartbeat_ms\":")));
            const auto shard = server::shardOfId(textAfter(text, "\"id\":\""));
            hello.origin =
                std::string(textAfter(text, "\"node\":\"")) + "." + std::to_string(shard.value()) + ".";
            return hello;
        }
        // What a server says that only echoes: it is what JSON servers are compared with.
        if (text.starts_with("{\"op\":\"publish\"")) {
            Heard event = heard(Kind::Event);
            event.packet = text;
            return event;
        }
        if (text.starts_with("{\"op\":\"reconnect\""))
            return heard(Kind::Hint);
        if (text.starts_with("{\"op\":\"error\""))
            return heard(Kind::Refused, text);
        return {};
    }
    void appendJoin(std::string& out, std::string_view room) const override {
        out.append("{\"op\":\"join\",\"id\":0,\"room\":\"").append(room).append("\"}");
    }
    void appendPublish(std::string& out, std::string_view room, std::string_view data,
                       Echo echo) const override {
        out.append("{\"op\":\"publish\",\"room\":\"").append(room).append("\",\"event\":\"load\",\"data\":");
        out.append(data);
        out.append(echo == Echo::Yes ? ",\"options\":{\"echo\":true}}" : ",\"id\":1}");
    }
};

} // namespace

const LoadDialect& loadDialect(DialectName name) {
    static const SocketIoWords SocketIo;
    static const JsonWords Json;
    switch (name) {
    case DialectName::SocketIo:
        return SocketIo;
    case DialectName::Json:
        break;
    }
    return Json;
}
