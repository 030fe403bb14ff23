// SPDX-License-Identifier: Apache-2.0
// permessage-deflate (RFC 7692): what is agreed in the handshake, and the two streams. Shard thread.
#pragma once
#include "server/core/settings.h"
#include "shared/close_reasons.h"
#include "shared/types.h"
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace server {

/// Whether a side goes on with its window from message to message.
enum class ContextTakeover : std::uint8_t { No, Yes };

/// What both sides keep to (§7.1).
struct DeflateTerms {
    ContextTakeover server = ContextTakeover::No, client = ContextTakeover::No;
    int serverWindowBits = 15, clientWindowBits = 15;
    /// Whether the client said client_max_window_bits: only then may the answer.
    bool mayLimitClient = false;

    /// The first offer of a Sec-WebSocket-Extensions header that can be served; offers that are wrong or
    /// unknown are passed over (§5, §7.1).
    static std::optional<DeflateTerms> choose(std::string_view offers, const DeflateSettings& settings);
    /// The value of the answer's header.
    std::string answer() const;
};

/// Deflates messages. Without takeover one serves all connections of a shard that have its window.
class Deflater {
public:
    Deflater(int level, int memoryLevel, int windowBits, ContextTakeover takeover);
    ~Deflater();
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    /// The payload of a deflated message (§7.2.1), or nothing when it would be no shorter, or out of memory.
    /// With takeover a message that was deflated must also be sent so: nothing is then only said of an empty
    /// one.
    std::optional<std::string> deflated(std::string_view payload);

private:
    struct Stream;
    std::unique_ptr<Stream> m_stream;
    const ContextTakeover m_takeover;
};

/// Inflates messages, never beyond a limit. Without takeover one serves all connections of a shard.
class Inflater {
public:
    Inflater(int windowBits, ContextTakeover takeover);
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// The message (§7.2.2), which lives until the next call. TooLarge at the limit, ProtocolError for bytes
    /// that are not deflated. Final blocks are taken as any other.
    tl::expected<std::string_view, shared::CloseReason> inflated(std::string_view payload,
                                                                 shared::Bytes most);

private:
    struct Stream;
    std::unique_ptr<Stream> m_stream;
    const ContextTakeover m_takeover;
    std::string m_message;
};

} // namespace server
