// SPDX-License-Identifier: Apache-2.0
#include "server/log.h"
#include <atomic>
#include <cstdio>
#include <memory>
#include <spdlog/async.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

namespace server {

namespace {

constexpr std::size_t LongestLine = 2048;
constexpr std::size_t QueuedLines = 8192;

/// What a client said may stand in a line: nothing of it may begin a new line or move a terminal's cursor.
void appendEscaped(std::string& out, std::string_view text, LogFormat format) {
    for (const char c : text.substr(0, LongestLine)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            out +=
                format == LogFormat::Json ? fmt::format("\\u{:04x}", byte) : fmt::format("\\x{:02x}", byte);
        else if (format == LogFormat::Json && (c == '"' || c == '\\'))
            out += {'\\', c};
        else
            out += c;
    }
    if (text.size() > LongestLine)
        out += "...";
}

/// Calls come from the writing thread only.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    StderrSink(LogFormat format, std::int64_t linesPerSecond)
        : m_format(format), m_linesPerSecond(linesPerSecond),
          m_time("%Y-%m-%dT%H:%M:%S.%eZ", spdlog::pattern_time_type::utc, "") {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (!isWithinRate(message))
            return;
        write(message, std::string_view(message.payload.data(), message.payload.size()));
    }
    void flush_() override { std::fflush(stderr); }

private:
    bool isWithinRate(const spdlog::details::log_msg& message) {
        const auto second =
            std::chrono::duration_cast<std::chrono::seconds>(message.time.time_since_epoch()).count();
        if (second != m_second) {
            if (m_dropped > 0)
                write(message, fmt::format("{} log lines left out by log.lines_per_s", m_dropped));
            m_second = second;
            m_lines = m_dropped = 0;
        }
        if (m_linesPerSecond > 0 && ++m_lines > m_linesPerSecond) {
            ++m_dropped;
            return false;
        }
        return true;
    }
    void write(const spdlog::details::log_msg& message, std::string_view text) {
        spdlog::memory_buf_t time;
        m_time.format(message, time);
        const std::string_view stamp(time.data(), time.size());
        const auto level = spdlog::level::to_string_view(message.level);
        const std::string_view levelName(level.data(), level.size());
        std::string line = m_format == LogFormat::Json
                               ? fmt::format(R"({{"time":"{}","level":"{}","message":")", stamp, levelName)
                               : fmt::format("time={} level={} ", stamp, levelName);
        appendEscaped(line, text, m_format);
        line += m_format == LogFormat::Json ? "\"}\n" : "\n";
        std::fwrite(line.data(), 1, line.size(), stderr);
    }

    const LogFormat m_format;
    const std::int64_t m_linesPerSecond;
    spdlog::pattern_formatter m_time;
    std::int64_t m_second = 0, m_lines = 0, m_dropped = 0;
};

} // namespace

void startLog(const LogSettings& settings) {
    spdlog::init_thread_pool(QueuedLines, 1);
    auto logger = std::make_shared<spdlog::async_logger>(
        "node", std::make_shared<StderrSink>(settings.format, settings.linesPerSecond), spdlog::thread_pool(),
        spdlog::async_overflow_policy::overrun_oldest);
    logger->set_level(spdlog::level::from_str(settings.level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

void stopLog() {
    // The logger and its sink outlive the writing thread, which shutdown() joins after it has let them go.
    const auto logger = spdlog::default_logger();
    spdlog::shutdown();
}

} // namespace server
