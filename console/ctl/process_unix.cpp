// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/process.h"
#include <QEventLoop>
#include <QFile>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace console {

namespace {

constexpr std::array Watched{SIGINT, SIGTERM, SIGWINCH};
/// A signal handler can reach nothing else.
volatile std::sig_atomic_t handlerEnd = -1;

void tell(int signal) {
    const int before = errno;
    const char byte = signal == SIGWINCH ? 'r' : 'i';
    [[maybe_unused]] const auto written = ::write(int(handlerEnd), &byte, 1);
    errno = before;
}

void write(const char* text) {
    std::fputs(text, stdout);
    std::fflush(stdout);
}

} // namespace

bool isTerminal(Stream stream) {
    return ::isatty(int(stream)) == 1;
}

Extent terminalExtent() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return {};
    return {size.ws_col, size.ws_row};
}

std::optional<QByteArray> typedAnswer(const char* question) {
    std::fputs(question, stderr);
    QEventLoop loop;
    QSocketNotifier notifier(STDIN_FILENO, QSocketNotifier::Read);
    QObject::connect(&notifier, &QSocketNotifier::activated, &loop, &QEventLoop::quit);
    loop.exec();
    std::array<char, 256> line{};
    if (!std::fgets(line.data(), int(line.size()), stdin))
        return {};
    return QByteArray(line.data()).trimmed();
}

std::optional<QByteArray> wholeInput(qsizetype most) {
    QFile input;
    if (!input.open(stdin, QIODevice::ReadOnly))
        return {};
    auto bytes = input.read(most + 1);
    if (input.error() != QFileDevice::NoError || bytes.size() > most)
        return {};
    return bytes;
}

struct SignalWatch::Before {
    std::array<struct sigaction, Watched.size()> actions{};
    std::array<int, 2> pipe{-1, -1};
};

SignalWatch::SignalWatch() : m_before(std::make_unique<Before>()) {
    auto& pipe = m_before->pipe;
    if (::pipe(pipe.data()) != 0)
        return;
    for (const int end : pipe) {
        ::fcntl(end, F_SETFL, O_NONBLOCK);
        ::fcntl(end, F_SETFD, FD_CLOEXEC);
    }
    handlerEnd = pipe[1];
    m_notifier = std::make_unique<QSocketNotifier>(pipe[0], QSocketNotifier::Read);
    connect(m_notifier.get(), &QSocketNotifier::activated, this, [this] {
        std::array<char, 64> bytes{};
        const auto count = ::read(m_before->pipe[0], bytes.data(), bytes.size());
        for (ssize_t i = 0; i < count; ++i) {
            if (bytes[std::size_t(i)] == 'r')
                Q_EMIT resized();
            else
                Q_EMIT interrupted();
        }
    });
    struct sigaction action {};
    action.sa_handler = &tell;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < Watched.size(); ++i)
        ::sigaction(Watched[i], &action, &m_before->actions[i]);
}

SignalWatch::~SignalWatch() {
    if (!m_notifier)
        return;
    for (std::size_t i = 0; i < Watched.size(); ++i)
        ::sigaction(Watched[i], &m_before->actions[i], nullptr);
    m_notifier.reset();
    handlerEnd = -1;
    for (const int end : m_before->pipe)
        ::close(end);
}

struct RawTerminal::Before {
    termios mode{};
    bool isKnown = false;
};

RawTerminal::RawTerminal() : m_before(std::make_unique<Before>()) {
    m_before->isKnown = ::tcgetattr(STDIN_FILENO, &m_before->mode) == 0;
    if (m_before->isKnown) {
        auto raw = m_before->mode;
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO); // ISIG stays: Ctrl-C is a signal
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
    m_notifier = std::make_unique<QSocketNotifier>(STDIN_FILENO, QSocketNotifier::Read);
    connect(m_notifier.get(), &QSocketNotifier::activated, this, [this] {
        std::array<char, 64> bytes{};
        const auto count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count <= 0)
            m_notifier->setEnabled(false); // the terminal has gone
        for (ssize_t i = 0; i < count; ++i)
            Q_EMIT typed(bytes[std::size_t(i)]);
    });
    write("\x1b[?1049h\x1b[?25l"); // alternate screen, no cursor
}

RawTerminal::~RawTerminal() {
    write("\x1b[?25h\x1b[?1049l");
    if (m_before->isKnown)
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &m_before->mode);
}

} // namespace console
