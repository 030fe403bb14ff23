// SPDX-License-Identifier: GPL-3.0-or-later
// The operating system around weirctl: terminal, signals, and what the kernel says of this machine. Main
// thread.
#pragma once
#include <QByteArray>
#include <QObject>
#include <QSocketNotifier>
#include <memory>
#include <optional>

namespace console {

enum class Stream : int { In = 0, Out = 1, Error = 2 };
bool isTerminal(Stream stream);

struct Extent {
    int columns = 80, lines = 24;
};
/// What is typed after the question, without its newline; nothing at the end of stdin. Links live on
/// meanwhile.
std::optional<QByteArray> typedAnswer(const char* question);
/// All of stdin; nothing when it cannot be read, or is longer than `most`.
std::optional<QByteArray> wholeInput(qsizetype most);

/// Of the terminal behind stdout.
Extent terminalExtent();

/// Turns SIGINT, SIGTERM and SIGWINCH into Qt signals while it lives. One at a time.
class SignalWatch : public QObject {
    Q_OBJECT

public:
    SignalWatch();
    ~SignalWatch() override;

Q_SIGNALS:
    void interrupted();
    void resized();

private:
    struct Before;
    std::unique_ptr<Before> m_before; ///< what the signals did until now
    std::unique_ptr<QSocketNotifier> m_notifier;
};

/// Keys one by one and an alternate screen while it lives; then the terminal is as it was.
class RawTerminal : public QObject {
    Q_OBJECT

public:
    RawTerminal();
    ~RawTerminal() override;

Q_SIGNALS:
    void typed(char key);

private:
    struct Before;
    std::unique_ptr<Before> m_before;
    std::unique_ptr<QSocketNotifier> m_notifier;
};

} // namespace console
