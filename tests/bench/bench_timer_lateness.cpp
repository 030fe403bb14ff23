// SPDX-License-Identifier: Apache-2.0
// How late a 10 ms timer is beside busy sockets on the epoll dispatcher. Prints JSON; exit 1: later than the
// line.
#include "server/net/linux/epoll_dispatcher.h"
#include <QtCore/QCoreApplication>
#include <QtCore/QTimer>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr int Sockets = 500;
constexpr auto Interval = std::chrono::milliseconds(10);
constexpr double LineMs = 20;

/// Sends back what comes to both ends, for ever: each socket is ready in nearly every pass.
class Echo final : public server::EpollDispatcher::Handler {
public:
    Echo(server::EpollDispatcher& loop, int descriptor, std::uint64_t& messages)
        : m_descriptor(descriptor), m_messages(messages),
          m_isWatched(loop.watch(descriptor, server::Interest::Read, *this).isSet()) {}
    Echo(const Echo&) = delete;
    Echo& operator=(const Echo&) = delete;
    ~Echo() { ::close(m_descriptor); }
    bool isWatched() const { return m_isWatched; }
    void ready(server::Ready) override {
        std::array<char, 256> bytes;
        const ssize_t count = ::recv(m_descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count > 0 &&
            ::send(m_descriptor, bytes.data(), std::size_t(count), MSG_NOSIGNAL | MSG_DONTWAIT) == count)
            ++m_messages;
    }

private:
    const int m_descriptor;
    std::uint64_t& m_messages;
    const bool m_isWatched;
};

} // namespace

int main(int argc, char** argv) {
    auto* const loop = new server::EpollDispatcher; // Qt's from here on
    QCoreApplication::setEventDispatcher(loop);
    QCoreApplication application(argc, argv);
    int seconds = 10;
    if (argc == 3 && std::string_view(argv[1]) == "--seconds")
        seconds = std::atoi(argv[2]);
    if ((argc != 1 && argc != 3) || seconds < 1 || seconds > 3600) {
        std::fputs("usage: bench_timer_lateness [--seconds N]\n", stderr);
        return 64;
    }

    std::uint64_t messages = 0;
    std::vector<std::unique_ptr<Echo>> echoes;
    for (int i = 0; i < Sockets / 2; ++i) {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            std::fputs("bench_timer_lateness: no descriptors left, see ulimit -n\n", stderr);
            return 69;
        }
        for (const int end : ends) {
            echoes.push_back(std::make_unique<Echo>(*loop, end, messages));
            if (!echoes.back()->isWatched() || ::send(end, "a message of some bytes", 23, MSG_NOSIGNAL) != 23)
                return 70;
        }
    }

    std::vector<double> lateness; // ms behind the interval since the time-out before
    Clock::time_point last = Clock::now();
    QTimer timer;
    timer.setTimerType(Qt::PreciseTimer);
    QObject::connect(&timer, &QTimer::timeout, [&] {
        const Clock::time_point now = Clock::now();
        lateness.push_back(std::max(0.0, Milliseconds(now - last - Interval).count()));
        last = now;
    });
    timer.start(Interval);
    QTimer::singleShot(std::chrono::seconds(seconds), &application, &QCoreApplication::quit);
    QCoreApplication::exec();

    if (lateness.empty())
        return 1;
    std::sort(lateness.begin(), lateness.end());
    const auto quantile = [&](double share) {
        return lateness[std::min(lateness.size() - 1, std::size_t(share * double(lateness.size())))];
    };
    const double p99 = quantile(0.99);
    std::printf(
        "{\"bench\":\"timer_lateness\",\"sockets\":%d,\"interval_ms\":%d,\"seconds\":%d,\"timeouts\":%zu,"
        "\"messages_per_s\":%.0f,\"late_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},\"line_ms\":%.0f}\n",
        Sockets, int(Interval.count()), seconds, lateness.size(), double(messages) / seconds, quantile(0.5),
        p99, lateness.back(), LineMs);
    return p99 < LineMs ? 0 : 1;
}
