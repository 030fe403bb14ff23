// SPDX-License-Identifier: Apache-2.0
// The same cases on Qt's dispatcher and on ours: both logs must be the expected one. And what only ours has:
// watch().
#include "tests/unit/dispatcher_cases.h"
#ifndef WEIR_PORTABLE
#include "server/net/linux/epoll_dispatcher.h"
#endif
#include <QtCore/QAbstractEventDispatcher>
#include <QtCore/QCoreApplication>
#include <QtCore/QThread>
#include <QtTest/QTest>
#include <algorithm>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace tests;

std::vector<DispatcherCase> allCases() {
    std::vector<DispatcherCase> all = timerCases();
    for (auto* const more : {&loopCases, &notifierCases})
        for (DispatcherCase& one : more())
            all.push_back(std::move(one));
    return all;
}

enum class Kind { Qt, Epoll };

/// On a fresh thread, so that nothing of an earlier case is left; returns the dispatcher's class name.
QByteArray runOn(Kind kind, const std::function<void()>& act) {
    QByteArray name;
    std::thread thread([&] {
#ifndef WEIR_PORTABLE
        if (kind == Kind::Epoll)
            QThread::currentThread()->setEventDispatcher(new server::EpollDispatcher);
#else
        Q_UNUSED(kind)
#endif
        const QEventLoop makesQtsOwn;
        name = QAbstractEventDispatcher::instance()->metaObject()->className();
        act();
    });
    thread.join();
    return name;
}

#ifndef WEIR_PORTABLE
class Watcher final : public server::EpollDispatcher::Handler {
public:
    explicit Watcher(std::function<void(server::Ready)> act) : m_act(std::move(act)) {}
    void ready(server::Ready what) override {
        ++count;
        if (m_act)
            m_act(what);
    }
    int count = 0;

private:
    std::function<void(server::Ready)> m_act;
};

QString text(server::Ready what) {
    return QString(what.canRead ? "r" : "-") + (what.canWrite ? "w" : "-") + (what.isBroken ? "b" : "-");
}

using Act = std::function<void(server::EpollDispatcher& loop, QStringList& log)>;
#endif

} // namespace

#ifndef WEIR_PORTABLE
Q_DECLARE_METATYPE(Act)
#endif

class TstDispatcher : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void sameAsQt_data();
    void sameAsQt();
#ifndef WEIR_PORTABLE
    void watch_data();
    void watch();
#endif
};

void TstDispatcher::sameAsQt_data() {
    QTest::addColumn<int>("index");
    const auto all = allCases();
    for (std::size_t i = 0; i < all.size(); ++i)
        QTest::newRow(all[i].name) << int(i);
}

void TstDispatcher::sameAsQt() {
    QFETCH(int, index);
    const DispatcherCase one = allCases().at(std::size_t(index));
    QStringList theirs;
    const QByteArray theirName = runOn(Kind::Qt, [&] { one.run(theirs); });
    QCOMPARE(theirs, one.expected);
#ifdef Q_OS_LINUX
    QCOMPARE(theirName, QByteArray("QEventDispatcherUNIX"));
#endif
#ifndef WEIR_PORTABLE
    QStringList ours;
    const QByteArray ourName = runOn(Kind::Epoll, [&] { one.run(ours); });
    QCOMPARE(ours, one.expected);
    QCOMPARE(ourName, QByteArray("server::EpollDispatcher"));
#endif
}

#ifndef WEIR_PORTABLE
void TstDispatcher::watch_data() {
    using server::EpollDispatcher;
    using server::Interest;
    using server::Ready;
    using server::WatchHandle;
    QTest::addColumn<Act>("act");
    QTest::addColumn<QStringList>("expected");
    const auto row = [](const char* name, Act act, QStringList expected) {
        QTest::newRow(name) << std::move(act) << std::move(expected);
    };

    row("reads until read",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair pair;
            Watcher watcher([&](Ready what) { log << text(what); });
            const WatchHandle handle = loop.watch(pair.here(), Interest::Read, watcher);
            passes(1);
            pair.send();
            passes(2);
            pair.receive();
            passes(1);
            loop.unwatch(handle);
        },
        {"r--", "r--"});
    row("one call for both directions; modify",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair pair;
            pair.send();
            Watcher watcher([&](Ready what) { log << text(what); });
            const WatchHandle handle = loop.watch(pair.here(), Interest::ReadWrite, watcher);
            passes(1);
            loop.modify(handle, Interest::Write);
            passes(1);
            loop.modify(handle, Interest::Nothing);
            pair.closeThere();
            passes(3);
            loop.modify(handle, Interest::Read);
            passes(1);
            loop.unwatch(handle);
        },
        {"rw-", "-w-", "r-b"});
    row("a hang-up makes ready what was asked for",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair one, two;
            one.closeThere();
            two.closeThere();
            Watcher writer([&](Ready what) { log << text(what); });
            const WatchHandle handle = loop.watch(one.here(), Interest::Write, writer);
            passes(1);
            loop.unwatch(handle);
            Watcher both([&](Ready what) { log << text(what); });
            const WatchHandle second = loop.watch(two.here(), Interest::ReadWrite, both);
            passes(1);
            loop.unwatch(second);
        },
        {"-wb", "rwb"});
    row("unwatched inside its own call",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair pair;
            pair.send();
            WatchHandle handle;
            Watcher watcher([&](Ready what) {
                log << text(what);
                loop.unwatch(handle);
                loop.unwatch(handle); // stale: nothing happens
                loop.modify(handle, Interest::ReadWrite);
            });
            handle = loop.watch(pair.here(), Interest::Read, watcher);
            passes(3);
        },
        {"r--"});
    row("of two ready ones the first unwatches the other, whose slot is taken anew",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair one, two, silent;
            one.send();
            two.send();
            WatchHandle first, second, fresh;
            Watcher never([&](Ready) { log << "stale"; });
            const auto act = [&](SocketPair& pair, WatchHandle& other) {
                log << "read";
                pair.receive();
                loop.unwatch(other);
                fresh = loop.watch(silent.here(), Interest::Read, never);
            };
            Watcher a([&](Ready) { act(one, second); });
            Watcher b([&](Ready) { act(two, first); });
            first = loop.watch(one.here(), Interest::Read, a);
            second = loop.watch(two.here(), Interest::Read, b);
            passes(3);
        },
        {"read"});
    row("no more reading once modified, even if it was reported",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair one, two;
            one.send();
            two.send();
            WatchHandle first, second;
            Watcher a([&](Ready) {
                log << "read";
                one.receive();
                loop.modify(second, Interest::Nothing);
            });
            Watcher b([&](Ready) {
                log << "read";
                two.receive();
                loop.modify(first, Interest::Nothing);
            });
            first = loop.watch(one.here(), Interest::Read, a);
            second = loop.watch(two.here(), Interest::Read, b);
            passes(3);
        },
        {"read"});
    row("watched twice, never open, not pollable: unset",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair pair;
            Watcher watcher({});
            const WatchHandle handle = loop.watch(pair.here(), Interest::Read, watcher);
            log << (handle.isSet() ? "set" : "unset");
            log << (loop.watch(pair.here(), Interest::Read, watcher).isSet() ? "set" : "unset");
            log << (loop.watch(-1, Interest::Read, watcher).isSet() ? "set" : "unset");
            log << (loop.watch(999'999, Interest::Read, watcher).isSet() ? "set" : "unset");
            const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
            log << (loop.watch(file, Interest::Read, watcher).isSet() ? "set" : "unset");
            ::close(file);
            pair.send(); // the first watch is as it was
            passes(1);
            log << QString::number(watcher.count);
        },
        {"set", "unset", "unset", "unset", "unset", "1"});
    row("excluded with the socket notifiers",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair pair;
            pair.send();
            Watcher watcher([&](Ready) { log << "read"; });
            const WatchHandle handle = loop.watch(pair.here(), Interest::Read, watcher);
            passes(3, QEventLoop::ExcludeSocketNotifiers);
            log << "then";
            passes(1);
            loop.unwatch(handle);
        },
        {"then", "read"});
    row("a nested loop inside a call",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair pair;
            pair.send();
            int depth = 0;
            Watcher watcher([&](Ready) {
                log << QString::number(depth);
                if (depth++ == 0)
                    passes(1);
                else
                    pair.receive();
            });
            const WatchHandle handle = loop.watch(pair.here(), Interest::Read, watcher);
            passes(2);
            loop.unwatch(handle);
        },
        {"0", "1"});
    row("a pass is bounded, and the next one goes on with the others",
        [](EpollDispatcher& loop, QStringList& log) {
            std::vector<std::unique_ptr<SocketPair>> pairs;
            std::vector<std::unique_ptr<Watcher>> watchers;
            int calls = 0;
            for (int i = 0; i < 400; ++i) {
                auto& pair = *pairs.emplace_back(std::make_unique<SocketPair>());
                auto& watcher =
                    *watchers.emplace_back(std::make_unique<Watcher>([&calls](Ready) { ++calls; }));
                if (!loop.watch(pair.here(), Interest::Write, watcher).isSet())
                    log << "unset";
            }
            passes(1);
            log << (calls > 0 && calls <= EpollDispatcher::EventsPerPass ? "bounded"
                                                                         : QString::number(calls));
            passes(1);
            const auto isServed = [](const auto& watcher) { return watcher->count > 0; };
            log << (std::all_of(watchers.begin(), watchers.end(), isServed) ? "all" : "not all");
        },
        {"bounded", "all"});
    row("a number closed and used again 10,000 times",
        [](EpollDispatcher& loop, QStringList& log) {
            int right = 0, wrong = 0;
            for (int i = 0; i < 10'000; ++i) {
                SocketPair pair;
                Watcher watcher([&](Ready) { ++(i % 3 == 0 ? right : wrong); });
                const WatchHandle handle = loop.watch(pair.here(), Interest::Read, watcher);
                if (i % 3 == 0)
                    pair.send();
                passes(1);
                loop.unwatch(handle);
            }
            log << QString::number(right) << QString::number(wrong);
        },
        {"3334", "0"});
    row("closed before it was unwatched, and a duplicate lives: no ghost",
        [](EpollDispatcher& loop, QStringList& log) {
            SocketPair pair, other;
            Watcher ghost([&](Ready) { log << "ghost"; });
            Watcher good([&](Ready) {
                log << "good";
                other.receive();
            });
            const WatchHandle handle = loop.watch(pair.here(), Interest::Read, ghost);
            const WatchHandle kept = loop.watch(other.here(), Interest::Read, good);
            const int duplicate = ::fcntl(pair.here(), F_DUPFD_CLOEXEC, 0);
            pair.closeHere();
            loop.unwatch(handle); // too late: nobody can name the registration any more
            pair.send();
            QTest::ignoreMessage(
                QtWarningMsg, "A descriptor was closed while it was watched; its registration outlived it");
            passes(3);
            other.send();
            passes(2);
            loop.unwatch(kept);
            ::close(duplicate);
        },
        {"good"});
    row("beside a socket notifier of another descriptor with a duplicate of it",
        [](EpollDispatcher& loop, QStringList& log) {
            // What adoption does: the old owner lets go of the descriptor, its duplicate is watched.
            SocketPair pair;
            auto notifier = std::make_unique<QSocketNotifier>(pair.here(), QSocketNotifier::Read);
            const int duplicate = ::fcntl(pair.here(), F_DUPFD_CLOEXEC, 0);
            Watcher watcher([&](Ready what) { log << text(what); });
            const WatchHandle handle = loop.watch(duplicate, Interest::Read, watcher);
            notifier.reset();
            pair.closeHere();
            pair.send();
            passes(1);
            loop.unwatch(handle);
            passes(1);
            ::close(duplicate);
        },
        {"r--"});
}

void TstDispatcher::watch() {
    QFETCH(Act, act);
    QFETCH(QStringList, expected);
    QStringList log;
    runOn(Kind::Epoll,
          [&] { act(*qobject_cast<server::EpollDispatcher*>(QAbstractEventDispatcher::instance()), log); });
    QCOMPARE(log, expected);
}
#endif

int main(int argc, char** argv) {
    qputenv("QT_NO_GLIB", "1"); // Qt's own for Unix is the one to compare with
    QCoreApplication application(argc, argv);
    TstDispatcher test;
    QTEST_SET_MAIN_SOURCE_PATH
    return QTest::qExec(&test, argc, argv);
}

#include "tst_dispatcher.moc"
