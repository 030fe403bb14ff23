// SPDX-License-Identifier: Apache-2.0
// What every event dispatcher has to do the same way: cases that log what happened. Each runs on a thread of
// its own.
#pragma once
#include <QtCore/QEvent>
#include <QtCore/QEventLoop>
#include <QtCore/QObject>
#include <QtCore/QSocketNotifier>
#include <QtCore/QStringList>
#include <array>
#include <functional>
#include <memory>
#include <vector>

namespace tests {

struct DispatcherCase {
    const char* name;
    std::function<void(QStringList& log)> run;
    QStringList expected;
};

std::vector<DispatcherCase> timerCases();
std::vector<DispatcherCase> loopCases();
std::vector<DispatcherCase> notifierCases();

/// Two connected stream sockets, closed at the end unless taken or closed before.
class SocketPair {
public:
    enum class Family { Local, Tcp };
    explicit SocketPair(Family family = Family::Local);
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;
    ~SocketPair();
    int here() const { return m_ends[0]; }
    int there() const { return m_ends[1]; }
    void closeHere();
    void closeThere();
    void send(char byte = 'x');
    void sendUrgent();
    void receive();

private:
    std::array<int, 2> m_ends{-1, -1};
};

/// Gets timer events and posted events and does what it is told with them.
class Receiver : public QObject {
public:
    std::function<void(int id)> onTimer;
    std::function<void(int number)> onPosted;
    void post(int number, int priority = 0);

protected:
    void timerEvent(QTimerEvent* event) override;
    void customEvent(QEvent* event) override;
};

/// Runs passes until `isDone`, for at most ten seconds; false when it was not done by then.
bool spinUntil(const std::function<bool()>& isDone,
               QEventLoop::ProcessEventsFlags flags = QEventLoop::WaitForMoreEvents);
/// Some passes that do not wait: enough for whatever is ready.
void passes(int count = 3, QEventLoop::ProcessEventsFlags flags = QEventLoop::AllEvents);

} // namespace tests
