// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/envelope.h"
#include "server/cluster/json_msgpack.h"
#include <QtCore/QRandomGenerator>
#include <algorithm>
#include <msgpack.hpp>
#include <vector>

namespace server {
namespace {

constexpr std::size_t UidLength = 6;
constexpr std::int64_t PacketEvent = 2, PacketBinaryEvent = 5;
/// More than any client can send; bounds what a foreign server makes us hold.
constexpr std::size_t MostBytes = std::size_t(16) << 20, MostAttachments = 256, MostRooms = 100000,
                      MostKeyBytes = 1024;

/// Writes the Message as the msgpack comes; holds nothing else of it. Called by msgpack's parser, in which
/// true means: go on.
class EnvelopeVisitor : public msgpack::null_visitor {
public:
    EnvelopeVisitor(std::string_view ownUid, const NamespaceName& nsp) : m_ownUid(ownUid), m_expected(nsp) {}

    shared::Result<Opened> opened(bool isParsed, bool isAllRead) {
        if (m_isOwn)
            return Ignored::OwnEcho;
        if (m_problem.empty() && !isParsed)
            m_problem = "it is no msgpack, or cut off";
        if (m_problem.empty() && !isAllRead)
            m_problem = "something follows it";
        if (m_problem.empty() && !m_hasPacket)
            m_problem = "it holds no packet";
        if (!m_problem.empty())
            return shared::failure(shared::ErrorCode::BadRequest,
                                   "an envelope of another node was refused: " + m_problem);
        if (m_nsp.empty())
            m_nsp = "/";
        if (m_nsp != m_expected.text())
            return Ignored::OtherNamespace;
        if (m_type != PacketEvent && m_type != PacketBinaryEvent)
            return Ignored::OtherPacket;
        if (!m_hasEvent || m_message.event.empty())
            return shared::failure(shared::ErrorCode::BadRequest,
                                   "an envelope of another node was refused: its event has no name");
        // Clients would take it for an attachment that is not there, and close.
        if (m_hasPlaceholder && !m_message.attachments.empty())
            return shared::failure(shared::ErrorCode::BadRequest,
                                   "an envelope of another node was refused: a placeholder in its arguments");
        m_message.nsp = m_expected;
        if (m_hasSeq && m_hasTime && !m_stamp.origin.empty())
            m_message.stamp = std::move(m_stamp);
        return std::move(m_message);
    }

    // What msgpack's parser calls:
    bool visit_nil() {
        return scalar([this](Place place) { isJson(place) ? json("null") : void(); });
    }
    bool visit_boolean(bool value) {
        return scalar([this, value](Place place) {
            if (isJson(place))
                json(value ? "true" : "false");
            else if (place == Place::Volatile)
                m_message.isVolatile = value;
            else if (place == Place::Compress)
                m_message.compress = value;
        });
    }
    bool visit_positive_integer(std::uint64_t value) {
        return scalar([this, value](Place place) {
            if (isJson(place))
                json(std::to_string(value));
            else
                number(place, value);
        });
    }
    bool visit_negative_integer(std::int64_t value) {
        return scalar([this, value](Place place) {
            if (isJson(place))
                json(std::to_string(value));
            else if (place == Place::Room || place == Place::Except)
                room(place, std::to_string(value));
        });
    }
    bool visit_float32(float value) { return visit_float64(double(value)); }
    bool visit_float64(double value) {
        return scalar([this, value](Place place) {
            if (isJson(place)) {
                separate();
                appendJsonNumber(m_message.args, value);
            } else if (value >= 0 && value < 9007199254740992.0) {
                number(place, std::uint64_t(value)); // JavaScript's large integers
            }
        });
    }
    bool visit_str(const char* bytes, std::uint32_t size) {
        const std::string_view text(bytes, size);
        if (m_isKey)
            return key(text);
        return scalar([this, text](Place place) { string(place, text); });
    }
    bool visit_bin(const char* bytes, std::uint32_t size) {
        if (m_isKey)
            return refuse("a key is binary");
        return scalar([this, bytes, size](Place place) {
            if (!isJson(place))
                return string(place, std::string_view(bytes, size)); // old packers know no strings
            if (m_message.attachments.size() >= MostAttachments) {
                refuse("it has too many attachments");
                return;
            }
            json("{\"_placeholder\":true,\"num\":" + std::to_string(m_message.attachments.size()) + "}");
            m_message.attachments.emplace_back(bytes, size);
        });
    }
    /// JavaScript's `undefined` is one of them, and in JSON it is null.
    bool visit_ext(const char*, std::uint32_t) { return visit_nil(); }

    bool start_array(std::uint32_t) { return start(true); }
    bool start_array_item() { return true; }
    bool end_array_item() {
        ++m_frames.back().index;
        return m_problem.empty();
    }
    bool end_array() { return end("]"); }
    bool start_map(std::uint32_t) { return start(false); }
    bool start_map_key() {
        m_isKey = true;
        return true;
    }
    bool end_map_key() {
        m_isKey = false;
        return m_problem.empty();
    }
    bool end_map_value() {
        ++m_frames.back().index;
        return m_problem.empty();
    }
    bool end_map() { return end("}"); }
    void parse_error(std::size_t, std::size_t) {}
    void insufficient_bytes(std::size_t, std::size_t) {}
    bool referenced() const { return false; }
    void set_referenced(bool) {}

private:
    /// What the next value is.
    enum class Place {
        Envelope,
        Uid,
        Packet,
        Options,
        Stamp,
        Type,
        Nsp,
        Data,
        Event,
        Argument, ///< directly in data
        Nested,   ///< in an argument
        Rooms,
        Room,
        Excepts,
        Except,
        Flags,
        Volatile,
        Compress,
        Seq,
        Origin,
        Time,
        Unknown ///< and everything in it
    };
    struct Frame {
        Place place;
        bool isArray;
        std::size_t index = 0;
    };

    static bool isJson(Place place) { return place == Place::Argument || place == Place::Nested; }
    bool refuse(const char* why) {
        if (m_problem.empty())
            m_problem = why;
        return false;
    }

    Place next() const {
        if (m_frames.empty())
            return Place::Envelope;
        const Frame& frame = m_frames.back();
        switch (frame.place) {
        case Place::Envelope:
            switch (frame.index) {
            case 0:
                return Place::Uid;
            case 1:
                return Place::Packet;
            case 2:
                return Place::Options;
            case 3:
                return Place::Stamp;
            default:
                return Place::Unknown;
            }
        case Place::Packet:
            return m_key == "type"   ? Place::Type
                   : m_key == "nsp"  ? Place::Nsp
                   : m_key == "data" ? Place::Data
                                     : Place::Unknown;
        case Place::Options:
            return m_key == "rooms"    ? Place::Rooms
                   : m_key == "except" ? Place::Excepts
                   : m_key == "flags"  ? Place::Flags
                                       : Place::Unknown;
        case Place::Flags:
            return m_key == "volatile"   ? Place::Volatile
                   : m_key == "compress" ? Place::Compress
                                         : Place::Unknown;
        case Place::Stamp:
            return m_key == "s"   ? Place::Seq
                   : m_key == "o" ? Place::Origin
                   : m_key == "t" ? Place::Time
                                  : Place::Unknown;
        case Place::Data:
            return frame.index == 0 ? Place::Event : Place::Argument;
        case Place::Argument:
        case Place::Nested:
            return Place::Nested;
        case Place::Rooms:
            return Place::Room;
        case Place::Excepts:
            return Place::Except;
        case Place::Uid:
        case Place::Type:
        case Place::Nsp:
        case Place::Event:
        case Place::Room:
        case Place::Except:
        case Place::Volatile:
        case Place::Compress:
        case Place::Seq:
        case Place::Origin:
        case Place::Time:
        case Place::Unknown:
            break;
        }
        return Place::Unknown;
    }

    /// Whether `place` may hold an array or a map; the rest is skipped, for others may add to the form.
    bool isContainer(Place place, bool isArray) {
        switch (place) {
        case Place::Envelope:
            return isArray || refuse("it is no array");
        case Place::Packet:
            m_hasPacket = true;
            return !isArray || refuse("its packet is no map");
        case Place::Data:
            return isArray || refuse("its data is no array");
        case Place::Rooms:
        case Place::Excepts:
            return isArray || refuse("its rooms are no array");
        case Place::Options:
        case Place::Flags:
        case Place::Stamp:
            return !isArray || refuse("its options are no map");
        case Place::Uid:
        case Place::Type:
        case Place::Nsp:
        case Place::Event:
        case Place::Room:
        case Place::Except:
        case Place::Volatile:
        case Place::Compress:
        case Place::Seq:
        case Place::Origin:
        case Place::Time:
            return refuse("a name or number in it is an array or a map");
        case Place::Argument:
        case Place::Nested:
        case Place::Unknown:
            break;
        }
        return true;
    }

    bool start(bool isArray) {
        if (m_isKey)
            return refuse("a key is no text");
        const Place place = next();
        if (!isContainer(place, isArray))
            return false;
        const auto isInArguments = [](const Frame& frame) { return isJson(frame.place); };
        const auto depth = std::count_if(m_frames.begin(), m_frames.end(), isInArguments);
        // Four levels lead to an argument; what is unknown may not be deeper either.
        if (depth >= MostJsonDepth || m_frames.size() >= MostJsonDepth + 4)
            return refuse("it is nested deeper than 32");
        if (isJson(place))
            json(isArray ? "[" : "{");
        m_frames.push_back(Frame{place, isArray});
        return true;
    }
    bool end(const char* bracket) {
        if (isJson(m_frames.back().place))
            m_message.args.append(bracket);
        m_frames.pop_back();
        return m_problem.empty();
    }

    template <class Take>
    bool scalar(Take take) {
        if (m_isKey)
            return refuse("a key is no text");
        const Place place = next();
        if (place == Place::Envelope)
            return refuse("it is no array");
        take(place);
        return m_problem.empty() && !m_isOwn;
    }

    /// The comma before the next item; in a map it was written with the key.
    void separate() {
        const Frame& frame = m_frames.back();
        const std::size_t first = frame.place == Place::Data ? 1 : 0;
        if (frame.isArray && frame.index > first)
            m_message.args.push_back(',');
    }
    void json(std::string_view text) {
        separate();
        m_message.args.append(text);
    }
    bool key(std::string_view text) {
        const Frame& frame = m_frames.back();
        if (isJson(frame.place)) {
            if (frame.index > 0)
                m_message.args.push_back(',');
            appendJsonText(m_message.args, text);
            m_message.args.push_back(':');
            m_hasPlaceholder = m_hasPlaceholder || text == "_placeholder";
            return true;
        }
        m_key.assign(text.substr(0, MostKeyBytes));
        return true;
    }
    void room(Place place, std::string name) {
        auto& rooms = place == Place::Room ? m_message.rooms : m_message.except;
        if (rooms.size() >= MostRooms)
            refuse("it names too many rooms");
        else
            rooms.emplace_back(std::move(name));
    }
    void number(Place place, std::uint64_t value) {
        if (place == Place::Type) {
            m_type = std::int64_t(std::min<std::uint64_t>(value, 255));
        } else if (place == Place::Seq) {
            m_stamp.seq = value;
            m_hasSeq = true;
        } else if (place == Place::Time) {
            m_stamp.ts_ms = std::int64_t(std::min<std::uint64_t>(value, INT64_MAX));
            m_hasTime = true;
        } else if (place == Place::Room || place == Place::Except) {
            room(place, std::to_string(value)); // JavaScript rooms may be numbers
        } else if (place == Place::Event) {
            string(place, std::to_string(value)); // and so may its events
        }
    }
    void string(Place place, std::string_view text) {
        if (isJson(place)) {
            separate();
            appendJsonText(m_message.args, text);
        } else if (place == Place::Uid) {
            m_isOwn = text == m_ownUid;
        } else if (place == Place::Nsp) {
            m_nsp.assign(text.substr(0, MostKeyBytes));
        } else if (place == Place::Event) {
            m_message.event.assign(text);
            m_hasEvent = true;
        } else if (place == Place::Room || place == Place::Except) {
            room(place, std::string(text));
        } else if (place == Place::Origin) {
            m_stamp.origin.assign(text.substr(0, MostKeyBytes));
        }
    }

    const std::string_view m_ownUid;
    const NamespaceName& m_expected;
    Message m_message;
    Stamp m_stamp;
    std::vector<Frame> m_frames;
    std::string m_key, m_nsp, m_problem;
    std::int64_t m_type = -1;
    bool m_isKey = false, m_isOwn = false;
    bool m_hasPacket = false, m_hasEvent = false, m_hasPlaceholder = false;
    bool m_hasSeq = false, m_hasTime = false;
};

std::string prefixOf(std::string_view keyPrefix, std::string_view nsp) {
    return std::string(keyPrefix).append("#").append(nsp).append("#");
}

} // namespace

std::string makeUid() {
    constexpr std::string_view Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string uid(UidLength, '\0');
    for (char& c : uid)
        c = Alphabet[QRandomGenerator::system()->bounded(quint32(Alphabet.size()))];
    return uid;
}

shared::Result<std::string> encodeEnvelope(const Message& message, std::string_view uid) {
    std::string out;
    out.reserve(128 + message.event.size() + message.args.size());
    MsgpackWriter writer(out);
    writer.array(message.stamp ? 4 : 3);
    writer.text(uid);

    writer.map(3);
    writer.text("type");
    writer.integer(PacketEvent);
    writer.text("data");
    const std::size_t at = writer.position();
    writer.text(message.event);
    const auto arguments = packJson(message.args, message.attachments, out);
    if (!arguments)
        return tl::unexpected(arguments.error());
    writer.arrayAt(at, *arguments + 1);
    writer.text("nsp");
    writer.text(message.nsp.text());

    writer.map(3);
    const auto names = [&writer](std::string_view key, const std::vector<RoomName>& rooms) {
        writer.text(key);
        writer.array(rooms.size());
        for (const auto& room : rooms)
            writer.text(room.text());
    };
    names("rooms", message.rooms);
    names("except", message.except);
    writer.text("flags");
    writer.map(std::size_t(message.isVolatile) + std::size_t(!message.compress));
    if (message.isVolatile) {
        writer.text("volatile");
        writer.boolean(true);
    }
    if (!message.compress) {
        writer.text("compress");
        writer.boolean(false);
    }

    if (message.stamp) {
        writer.map(3);
        writer.text("s");
        writer.integer(message.stamp->seq);
        writer.text("o");
        writer.text(message.stamp->origin);
        writer.text("t");
        writer.integer(message.stamp->ts_ms);
    }
    return out;
}

std::string channelOf(const Message& message, std::string_view keyPrefix) {
    std::string channel = prefixOf(keyPrefix, message.nsp.text());
    if (message.rooms.size() == 1)
        channel.append(message.rooms.front().text()).push_back('#');
    return channel;
}

std::string escapeGlob(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        if (std::string_view("*?[]\\^-").find(c) != std::string_view::npos)
            escaped.push_back('\\');
        escaped.push_back(c);
    }
    return escaped;
}

std::string patternOf(std::string_view keyPrefix, std::string_view nsp) {
    return escapeGlob(prefixOf(keyPrefix, nsp)) + "*";
}

shared::Result<Opened> decodeEnvelope(std::string_view bytes, std::string_view ownUid,
                                      const NamespaceName& nsp) {
    if (bytes.size() > MostBytes)
        return shared::failure(shared::ErrorCode::TooLarge,
                               "an envelope of another node was refused: it is over 16 MB");
    EnvelopeVisitor visitor(ownUid, nsp);
    std::size_t read = 0;
    bool isParsed = false;
    try {
        isParsed = msgpack::parse(bytes.data(), bytes.size(), read, visitor);
    } catch (const std::exception&) { // sizes that the parser itself will not hold
        isParsed = false;
    }
    return visitor.opened(isParsed, read == bytes.size());
}

} // namespace server
