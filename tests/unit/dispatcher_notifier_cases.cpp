// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/dispatcher_cases.h"
#include <QtCore/QAbstractEventDispatcher>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tests {

namespace {

std::unique_ptr<QSocketNotifier> notifier(int descriptor, QSocketNotifier::Type type,
                                          std::function<void()> act) {
    auto made = std::make_unique<QSocketNotifier>(descriptor, type);
    QObject::connect(made.get(), &QSocketNotifier::activated, made.get(), std::move(act));
    return made;
}

} // namespace

std::vector<DispatcherCase> notifierCases() {
    constexpr auto Read = QSocketNotifier::Read;
    constexpr auto Write = QSocketNotifier::Write;
    constexpr auto Exception = QSocketNotifier::Exception;
    return {
        {"level-triggered until it is read",
         [](QStringList& log) {
             SocketPair pair;
             const auto read = notifier(pair.here(), Read, [&] { log << "read"; });
             passes(1);
             pair.send();
             passes(2);
             pair.receive();
             passes(1);
         },
         {"read", "read"}},
        {"one descriptor: read, then write",
         [](QStringList& log) {
             SocketPair pair;
             pair.send();
             const auto write = notifier(pair.here(), Write, [&] { log << "write"; });
             const auto read = notifier(pair.here(), Read, [&] { log << "read"; });
             passes(2);
         },
         {"read", "write", "read", "write"}},
        {"urgent bytes",
         [](QStringList& log) {
             SocketPair pair(SocketPair::Family::Tcp);
             pair.sendUrgent();
             bool isSeen = false;
             const auto exception = notifier(pair.here(), Exception, [&] {
                 log << "exception";
                 isSeen = true;
                 char byte = 0;
                 ::recv(pair.here(), &byte, 1, MSG_OOB);
             });
             spinUntil([&] { return isSeen; });
             passes(1);
         },
         {"exception"}},
        {"a hang-up reaches readers, writers and exceptions",
         [](QStringList& log) {
             SocketPair pair;
             const auto read = notifier(pair.here(), Read, [&] { log << "read"; });
             const auto write = notifier(pair.here(), Write, [&] { log << "write"; });
             const auto exception = notifier(pair.here(), Exception, [&] { log << "exception"; });
             pair.closeThere();
             passes(1);
         },
         {"read", "write", "exception"}},
        {"a hang-up reaches a lone writer",
         [](QStringList& log) {
             SocketPair pair;
             pair.closeThere();
             const auto write = notifier(pair.here(), Write, [&] { log << "write"; });
             passes(1);
         },
         {"write"}},
        {"a hang-up reaches a lone exception notifier",
         [](QStringList& log) {
             SocketPair pair;
             pair.closeThere();
             const auto exception = notifier(pair.here(), Exception, [&] { log << "exception"; });
             passes(1);
         },
         {"exception"}},
        {"disabled inside its own activation, then enabled",
         [](QStringList& log) {
             SocketPair pair;
             pair.send();
             std::unique_ptr<QSocketNotifier> read;
             read = notifier(pair.here(), Read, [&] {
                 log << "read";
                 read->setEnabled(false);
             });
             passes(3);
             log << "enable";
             read->setEnabled(true);
             passes(3);
         },
         {"read", "enable", "read"}},
        {"deleted later inside its own activation",
         [](QStringList& log) {
             SocketPair pair;
             pair.send();
             auto* const read = notifier(pair.here(), Read, [] {}).release();
             QObject::connect(read, &QSocketNotifier::activated, [&log, read] {
                 log << "read";
                 read->setEnabled(false);
                 read->deleteLater();
             });
             QObject::connect(read, &QObject::destroyed, [&log] { log << "deleted"; });
             QEventLoop loop;
             QObject::connect(read, &QObject::destroyed, &loop, &QEventLoop::quit);
             loop.exec();
             passes(2);
         },
         {"read", "deleted"}},
        {"the reader disables the writer of the same descriptor",
         [](QStringList& log) {
             SocketPair pair;
             pair.send();
             std::unique_ptr<QSocketNotifier> write;
             const auto read = notifier(pair.here(), Read, [&] {
                 log << "read";
                 write->setEnabled(false);
             });
             write = notifier(pair.here(), Write, [&] { log << "write"; });
             passes(2);
         },
         {"read", "read"}},
        {"the reader deletes the writer and makes another",
         [](QStringList& log) {
             SocketPair pair;
             pair.send();
             std::unique_ptr<QSocketNotifier> write;
             const auto read = notifier(pair.here(), Read, [&] {
                 log << "read";
                 pair.receive();
                 write.reset();
                 write = notifier(pair.here(), Write, [&] { log << "new write"; });
             });
             write = notifier(pair.here(), Write, [&] { log << "old write"; });
             passes(2);
         },
         {"read", "new write"}},
        {"of two ready ones the first deletes the other",
         [](QStringList& log) {
             SocketPair one, two;
             one.send();
             two.send();
             std::unique_ptr<QSocketNotifier> first, second;
             first = notifier(one.here(), Read, [&] {
                 log << "read";
                 one.receive();
                 second.reset();
             });
             second = notifier(two.here(), Read, [&] {
                 log << "read";
                 two.receive();
                 first.reset();
             });
             passes(3);
         },
         {"read"}},
        {"the other's number is closed and used again within the batch",
         [](QStringList& log) {
             // Both are ready; the first closes the other's descriptor and opens a silent one with its
             // number.
             auto one = std::make_unique<SocketPair>(), two = std::make_unique<SocketPair>();
             one->send();
             two->send();
             std::unique_ptr<QSocketNotifier> first, second, fresh;
             std::unique_ptr<SocketPair> reused;
             const auto swap = [&](std::unique_ptr<SocketPair>& own, std::unique_ptr<SocketPair>& other,
                                   std::unique_ptr<QSocketNotifier>& victim) {
                 own->receive();
                 const int number = other->here();
                 victim.reset();
                 other->closeHere();
                 reused = std::make_unique<SocketPair>();
                 log << (reused->here() == number ? "same number" : "other number");
                 fresh = notifier(reused->here(), Read, [&] { log << "stale"; });
             };
             first = notifier(one->here(), Read, [&] { swap(one, two, second); });
             second = notifier(two->here(), Read, [&] { swap(two, one, first); });
             passes(3);
         },
         {"same number"}},
        {"a number closed and used again 10,000 times",
         [](QStringList& log) {
             int right = 0, wrong = 0, number = -1, others = 0;
             for (int i = 0; i < 10'000; ++i) {
                 SocketPair pair;
                 if (number < 0)
                     number = pair.here();
                 others += pair.here() != number ? 1 : 0;
                 const bool isReady = i % 3 == 0;
                 if (isReady)
                     pair.send();
                 const auto read = notifier(pair.here(), Read, [&] { ++(isReady ? right : wrong); });
                 passes(1);
                 if (i % 2 == 0)
                     read->setEnabled(false);
             }
             log << QString::number(right) << QString::number(wrong) << QString::number(others);
         },
         {"3334", "0", "0"}},
        {"a duplicate does not keep a notifier alive",
         [](QStringList& log) {
             SocketPair pair;
             auto read = notifier(pair.here(), Read, [&] { log << "ghost"; });
             passes(1);
             const int duplicate = ::fcntl(pair.here(), F_DUPFD_CLOEXEC, 0);
             const int number = pair.here();
             read.reset();
             pair.closeHere();
             SocketPair stranger;
             log << (stranger.here() == number ? "same number" : "other number");
             const auto other = notifier(stranger.here(), Read, [&] { log << "stranger"; });
             pair.send();
             passes(3);
             stranger.send();
             passes(1);
             ::close(duplicate);
         },
         {"same number", "stranger"}},
        {"a nested loop goes on with what the batch has left",
         [](QStringList& log) {
             SocketPair one, two;
             one.send();
             two.send();
             std::unique_ptr<QSocketNotifier> first, second;
             int depth = 0;
             const auto act = [&](SocketPair& pair) {
                 pair.receive();
                 log << QString("read at %1").arg(depth);
                 ++depth;
                 passes(2);
                 --depth;
             };
             first = notifier(one.here(), Read, [&] { act(one); });
             second = notifier(two.here(), Read, [&] { act(two); });
             passes(1);
         },
         {"read at 0", "read at 1"}},
        {"the same notifier again in a nested loop while it is ready",
         [](QStringList& log) {
             SocketPair pair;
             pair.send();
             int depth = 0;
             const auto read = notifier(pair.here(), Read, [&] {
                 log << QString("read at %1").arg(depth);
                 if (depth++ < 2)
                     passes(1);
                 else
                     pair.receive();
             });
             passes(1);
         },
         {"read at 0", "read at 1", "read at 2"}},
        {"three hundred ready writers leave timers and posted events their turn",
         [](QStringList& log) {
             std::vector<std::unique_ptr<SocketPair>> pairs;
             std::vector<std::unique_ptr<QSocketNotifier>> writers;
             int written = 0;
             for (int i = 0; i < 300; ++i) {
                 auto& pair = *pairs.emplace_back(std::make_unique<SocketPair>());
                 writers.push_back(notifier(pair.here(), Write, [&] { ++written; }));
             }
             Receiver receiver;
             int fired = 0, posted = 0;
             receiver.onTimer = [&](int) { ++fired; };
             receiver.onPosted = [&](int) { ++posted; };
             receiver.startTimer(0);
             for (int i = 0; i < 10; ++i) {
                 receiver.post(i);
                 passes(1);
             }
             log << QString::number(fired) << QString::number(posted);
             log << (written >= 10 * 200 ? "all served" : QString::number(written));
         },
         {"10", "10", "all served"}},
    };
}

} // namespace tests
