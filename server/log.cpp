// SPDX-License-Identifier: Apache-2.0
#include "server/log.h"
#include <QString>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

namespace server {

namespace {

constexpr std::size_t LongestLine = 2048;
constexpr std::size_t QueuedLines = 8192;

/// Fields that a line may begin with, each once and in this order.
constexpr std::array<std::string_view, 4> Fields{"shard", "client", "origin", "seq"};

/// What a client said may stand in a line: nothing of it may begin a new line or move a terminal's cursor,
/// and a line is UTF-8 whatever was put into it.
std::string printed(std::string_view text) {
    QString out;
    for (const QChar c : QString::fromUtf8(text.data(), qsizetype(std::min(text.size(), LongestLine)))) {
        const auto unit = c.unicode();
        const bool isControl = unit < 0x20 || (unit >= 0x7f && unit < 0xa0);
        const bool isDirection = (unit >= 0x202a && unit <= 0x202e) || (unit >= 0x2066 && unit <= 0x2069);
        if (isControl || isDirection)
            out += QString::fromStdString(isControl ? fmt::format("\\x{:02x}", int(unit))
                                                    : fmt::format("\\u{:04x}", int(unit)));
        else
            out += c;
    }
    return out.toStdString() + (text.size() > LongestLine ? "..." : "");
}

std::string quoted(std::string_view printedText) {
    std::string out = "\"";
    for (const char c : printedText) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

/// `,"client":"0-17"` and so on of a line's beginning, which is taken away from it.
std::string takeFields(std::string_view& text) {
    std::string out;
    for (const auto field : Fields) {
        if (!text.starts_with(field) || text.substr(field.size(), 1) != "=")
            continue;
        const auto end = text.find(' ');
        if (end == std::string_view::npos)
            break;
        const auto value = text.substr(field.size() + 1, end - field.size() - 1);
        const bool isNumber = !value.empty() && value.size() < 16 &&
                              value.find_first_not_of("0123456789") == std::string_view::npos;
        out += fmt::format(",\"{}\":{}", field, isNumber ? std::string(value) : quoted(value));
        text.remove_prefix(end + 1);
    }
    return out;
}

std::string loggerOf(std::string_view text, std::string_view name) {
    constexpr std::string_view Shard = "shard=";
    if (!text.starts_with(Shard))
        return std::string(name);
    const auto number = text.substr(Shard.size(), std::min(text.find(' '), text.size()) - Shard.size());
    return "shard " + std::string(number);
}

LogLevel levelOf(spdlog::level::level_enum level) {
    return LogLevel(std::min(int(level), int(LogLevel::Error)));
}

/// As syslog counts: <7> debug, <6> info, <4> warning, <3> error.
int priority(LogLevel level) {
    constexpr std::array Priorities{7, 7, 6, 4, 3};
    return Priorities[std::size_t(level)];
}

} // namespace

/// Calls come from the writing thread only, but for what is atomic.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    StderrSink(LogFormat format, LogPlace place)
        : m_format(format), m_place(place),
          m_time("%Y-%m-%dT%H:%M:%S.%eZ", spdlog::pattern_time_type::utc, "") {}

    std::atomic<std::int64_t> linesPerSecond{0};
    std::atomic<std::int64_t> overRate{0}; ///< left out so far
    std::atomic<std::int64_t> told{0};     ///< left out, over the rate or in the queue, and said so
    /// Until it has ended: what its queue lost. Not owned, for the writing thread must not be the last to let
    /// it go.
    std::atomic<spdlog::details::thread_pool*> pool{nullptr};
    LogTap tap;

    std::int64_t leftOut() const {
        auto* const queue = pool.load(std::memory_order_acquire);
        return overRate.load(std::memory_order_relaxed) +
               (queue != nullptr ? std::int64_t(queue->overrun_counter()) : m_overrun);
    }
    /// Nothing is logged any more: the queue loses nothing more, and may go.
    void keepCount() {
        m_overrun = std::int64_t(pool.load(std::memory_order_acquire)->overrun_counter());
        pool.store(nullptr, std::memory_order_release);
    }
    void tellLeftOut() {
        const auto left = leftOut() - told.load(std::memory_order_relaxed);
        if (left <= 0)
            return;
        told.fetch_add(left, std::memory_order_relaxed);
        ++m_lines;
        write({"node", spdlog::level::warn,
               fmt::format("{} log lines were left out: more than log.lines_per_s, or than stderr took",
                           left)});
    }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        beginSecond();
        const auto most = linesPerSecond.load(std::memory_order_relaxed);
        if (most > 0 && m_lines >= most) {
            overRate.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        ++m_lines;
        write(message);
    }
    void flush_() override { beginSecond(); }

private:
    /// By the clock that only goes forward: a line a second at most says what was left out, and it is one of
    /// the second's lines unless the limit is 1.
    void beginSecond() {
        const auto second = std::chrono::duration_cast<std::chrono::seconds>(
                                std::chrono::steady_clock::now().time_since_epoch())
                                .count();
        if (second == m_second)
            return;
        m_second = second;
        m_lines = 0;
        tellLeftOut();
        if (linesPerSecond.load(std::memory_order_relaxed) == 1)
            m_lines = 0;
    }
    void write(const spdlog::details::log_msg& message) {
        const auto text = printed({message.payload.data(), message.payload.size()});
        const auto level = levelOf(message.level);
        const auto logger = loggerOf(text, {message.logger_name.data(), message.logger_name.size()});
        const auto line =
            m_format == LogFormat::Json ? jsonLine(message, text, logger) : textLine(message, text);
        std::fwrite(line.data(), 1, line.size(), stderr);
        const auto unixTime = message.time.time_since_epoch();
        tap.put(
            {std::chrono::duration_cast<std::chrono::milliseconds>(unixTime).count(), level, logger, text});
    }
    std::string textLine(const spdlog::details::log_msg& message, const std::string& text) {
        if (m_place == LogPlace::Journal)
            return fmt::format("<{}>{}\n", priority(levelOf(message.level)), text);
        return fmt::format("time={} level={} {}\n", stamp(message),
                           shared::admin::name(levelOf(message.level)), text);
    }
    std::string jsonLine(const spdlog::details::log_msg& message, const std::string& text,
                         const std::string& logger) {
        std::string_view rest = text;
        const auto fields = takeFields(rest);
        const auto what =
            fmt::format("\"level\":\"{}\",\"logger\":{}{},\"message\":{}}}\n",
                        shared::admin::name(levelOf(message.level)), quoted(logger), fields, quoted(rest));
        if (m_place == LogPlace::Journal)
            return fmt::format("<{}>{{{}", priority(levelOf(message.level)), what);
        return fmt::format("{{\"time\":\"{}\",{}", stamp(message), what);
    }
    std::string stamp(const spdlog::details::log_msg& message) {
        spdlog::memory_buf_t time;
        m_time.format(message, time);
        return {time.data(), time.size()};
    }
    const LogFormat m_format;
    const LogPlace m_place;
    spdlog::pattern_formatter m_time;
    std::int64_t m_overrun = 0; ///< of a queue that has ended; written before `pool` is null
    std::int64_t m_second = 0, m_lines = 0;
};

struct Log::Inner {
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<StderrSink> sink;
    std::shared_ptr<spdlog::logger> logger;
};

Log::Log(const LogSettings& settings, LogPlace place) : m_inner(new Inner) {
    m_inner->pool = std::make_shared<spdlog::details::thread_pool>(QueuedLines, 1);
    m_inner->sink = std::make_shared<StderrSink>(settings.format, place);
    m_inner->sink->pool = m_inner->pool.get();
    m_inner->logger = std::make_shared<spdlog::async_logger>("node", m_inner->sink, m_inner->pool,
                                                             spdlog::async_overflow_policy::overrun_oldest);
    configure(settings);
    spdlog::set_default_logger(m_inner->logger);
}

Log::~Log() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("node"));
    m_inner->sink->keepCount();
    m_inner->pool.reset(); // joins the writing thread, which has then written the queue
    m_inner->sink->tellLeftOut();
}

void Log::configure(const LogSettings& settings) {
    m_inner->sink->linesPerSecond.store(settings.linesPerSecond, std::memory_order_relaxed);
    m_inner->logger->set_level(spdlog::level::from_str(settings.level));
}

void Log::tick() {
    m_inner->logger->flush();
}

std::int64_t Log::leftOut() const {
    return m_inner->sink->leftOut();
}

LogTap& Log::tap() {
    return m_inner->sink->tap;
}

} // namespace server
