// SPDX-License-Identifier: Apache-2.0
#include "server/net/deflate.h"
#include <algorithm>
#include <array>
#include <charconv>
#include <vector>
#include <zlib.h>

namespace server {

using shared::CloseReason;

namespace {

constexpr std::string_view Name = "permessage-deflate";
constexpr std::string_view Tail{"\x00\x00\xff\xff", 4}; // of a sync flush; never sent
constexpr int LeastWindowBits = 9,
              MostWindowBits = 15;      // zlib takes 8 for 9, which such a peer cannot inflate
constexpr std::size_t MostKept = 65536; // of a buffer between two messages
constexpr std::size_t Step = 16384;

std::string_view trimmed(std::string_view text) {
    const auto from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos)
        return {};
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(at);
        parts.push_back(trimmed(text.substr(0, end)));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

/// 8 to 15, in decimal without leading zeros, quoted or not (§7.1.2).
std::optional<int> windowBits(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
    int bits = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bits);
    if (error != std::errc() || end != value.data() + value.size() || value.front() == '0' || bits < 8 ||
        bits > MostWindowBits)
        return std::nullopt;
    return bits;
}

std::optional<DeflateTerms> termsOf(std::string_view offer, const DeflateSettings& settings) {
    const auto parts = split(offer, ';');
    if (parts.front() != Name)
        return std::nullopt;
    DeflateTerms terms;
    terms.server = terms.client = settings.contextTakeover ? ContextTakeover::Yes : ContextTakeover::No;
    std::vector<std::string_view> seen;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const auto equals = parts[i].find('=');
        const bool hasValue = equals != std::string_view::npos;
        const auto name = trimmed(parts[i].substr(0, equals));
        const auto value = hasValue ? trimmed(parts[i].substr(equals + 1)) : std::string_view();
        if (std::find(seen.begin(), seen.end(), name) != seen.end())
            return std::nullopt;
        seen.push_back(name);
        if (name == "server_no_context_takeover" && !hasValue) {
            terms.server = ContextTakeover::No;
        } else if (name == "client_no_context_takeover" && !hasValue) {
            terms.client = ContextTakeover::No;
        } else if (name == "server_max_window_bits" && hasValue) {
            const auto bits = windowBits(value);
            if (!bits || *bits < LeastWindowBits)
                return std::nullopt;
            terms.serverWindowBits = *bits;
        } else if (name == "client_max_window_bits") {
            const auto bits = hasValue ? windowBits(value) : MostWindowBits;
            if (!bits)
                return std::nullopt;
            terms.mayLimitClient = true;
            terms.clientWindowBits = *bits;
        } else {
            return std::nullopt;
        }
    }
    return terms;
}

z_const Bytef* inputOf(std::string_view bytes) {
    return reinterpret_cast<z_const Bytef*>(const_cast<char*>(bytes.data())); // zlib only reads it
}

} // namespace

std::optional<DeflateTerms> DeflateTerms::choose(std::string_view offers, const DeflateSettings& settings) {
    for (const auto offer : split(offers, ','))
        if (const auto terms = termsOf(offer, settings))
            return terms;
    return std::nullopt;
}

std::string DeflateTerms::answer() const {
    std::string text(Name);
    if (server == ContextTakeover::No)
        text += "; server_no_context_takeover";
    if (client == ContextTakeover::No)
        text += "; client_no_context_takeover";
    if (serverWindowBits < MostWindowBits)
        text += "; server_max_window_bits=" + std::to_string(serverWindowBits);
    if (mayLimitClient && clientWindowBits < MostWindowBits)
        text += "; client_max_window_bits=" + std::to_string(clientWindowBits);
    return text;
}

struct Deflater::Stream {
    z_stream z{};
    bool isOpen = false;
};

Deflater::Deflater(int level, int memoryLevel, int windowBits, ContextTakeover takeover)
    : m_stream(std::make_unique<Stream>()), m_takeover(takeover) {
    m_stream->isOpen =
        deflateInit2(&m_stream->z, level, Z_DEFLATED, -windowBits, memoryLevel, Z_DEFAULT_STRATEGY) == Z_OK;
}

Deflater::~Deflater() {
    if (m_stream->isOpen)
        deflateEnd(&m_stream->z);
}

std::optional<std::string> Deflater::deflated(std::string_view payload) {
    if (!m_stream->isOpen || payload.empty())
        return std::nullopt;
    z_stream& z = m_stream->z;
    if (m_takeover == ContextTakeover::No)
        deflateReset(&z);
    std::string out(deflateBound(&z, uLong(payload.size())) + 16, '\0');
    z.next_in = inputOf(payload);
    z.avail_in = uInt(payload.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = uInt(out.size());
    if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_in != 0 || z.avail_out == 0)
        return std::nullopt;
    out.resize(out.size() - z.avail_out);
    if (out.ends_with(Tail))
        out.resize(out.size() - Tail.size());
    if (m_takeover == ContextTakeover::No && out.size() >= payload.size())
        return std::nullopt;
    out.shrink_to_fit();
    return out;
}

struct Inflater::Stream {
    z_stream z{};
    bool isOpen = false;
};

Inflater::Inflater(int windowBits, ContextTakeover takeover)
    : m_stream(std::make_unique<Stream>()), m_takeover(takeover) {
    // zlib cannot inflate a window of 256 bytes as such, but any larger one holds it.
    m_stream->isOpen = inflateInit2(&m_stream->z, -std::max(windowBits, LeastWindowBits)) == Z_OK;
}

Inflater::~Inflater() {
    if (m_stream->isOpen)
        inflateEnd(&m_stream->z);
}

tl::expected<std::string_view, CloseReason> Inflater::inflated(std::string_view payload, shared::Bytes most) {
    if (!m_stream->isOpen)
        return tl::unexpected(CloseReason::ServerError);
    z_stream& z = m_stream->z;
    if (m_takeover == ContextTakeover::No)
        inflateReset(&z);
    m_message.clear();
    if (m_message.capacity() > MostKept)
        m_message.shrink_to_fit();
    std::array<char, Step> out{};
    bool isFinished = false; // a final block was the last that came: no tail belongs to it
    for (const auto part : {payload, Tail}) {
        if (isFinished)
            break;
        z.next_in = inputOf(part);
        z.avail_in = uInt(part.size());
        for (bool isMore = true; isMore;) {
            z.next_out = reinterpret_cast<Bytef*>(out.data());
            z.avail_out = uInt(out.size());
            const int result = ::inflate(&z, Z_SYNC_FLUSH);
            const std::size_t got = out.size() - z.avail_out;
            if (m_message.size() + got > most.count())
                return tl::unexpected(CloseReason::TooLarge);
            m_message.append(out.data(), got);
            if (result == Z_STREAM_END) {
                // §7.2.3.5: a final block ends no message. The next block begins a new stream; with takeover
                // the window stays.
                inflateResetKeep(&z);
                isMore = z.avail_in > 0;
                isFinished = !isMore;
            } else if (result == Z_OK) {
                isMore = z.avail_in > 0 || z.avail_out == 0;
            } else if (result == Z_BUF_ERROR) {
                isMore = false; // nothing was left to do
            } else {
                return tl::unexpected(CloseReason::ProtocolError);
            }
        }
    }
    return std::string_view(m_message);
}

} // namespace server
