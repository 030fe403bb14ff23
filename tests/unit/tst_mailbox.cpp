// SPDX-License-Identifier: Apache-2.0
// Order, bounds and ends of the mailbox, alone and between threads.
#include <QtTest/QTest> // first: moc cannot begin with <compare>

#include "server/core/mailbox.h"
#ifndef WEIR_PORTABLE
#include "server/net/linux/epoll_dispatcher.h"
#endif
#include <QtCore/QCoreApplication>
#include <QtCore/QEventLoop>
#include <QtCore/QThread>
#include <QtCore/QTimer>
#include <thread>

using server::Mailbox;
using server::MailboxLimits;
using server::Posted;
using shared::Bytes;

namespace {

using Box = Mailbox<std::string>;

MailboxLimits limits(std::size_t traffic = 1000, std::size_t handovers = 1000,
                     std::uint64_t bytes = 1'000'000) {
    return MailboxLimits{traffic, handovers, Bytes(bytes)};
}

/// What of a mail counts is its length here.
Posted traffic(Box& box, std::string text) {
    const Bytes size(text.size());
    return box.postTraffic(std::move(text), size);
}

void passes(int count = 3) {
    for (int i = 0; i < count; ++i)
        QAbstractEventDispatcher::instance()->processEvents(QEventLoop::AllEvents);
}

/// Attached for its life, and logs what it is given.
struct Reader {
    explicit Reader(Box& attached) : box(attached) {
        box.attach([this](std::string& mail) {
            log << QString::fromStdString(mail);
            if (act)
                act(mail);
        });
    }
    ~Reader() { box.detach(); }
    Box& box;
    QStringList log;
    std::function<void(const std::string&)> act;
};

struct Step {
    enum Kind { State, Traffic, Handover, Take } kind;
    std::string text; ///< State: key=value
    Posted expected = Posted::Accepted;
};

} // namespace

Q_DECLARE_METATYPE(std::vector<Step>)

class TstMailbox : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void bounds_data();
    void bounds();
    void postsItselfWhileTaking();
    void nestedLoopTakesNothing();
    void slices_data();
    void slices();
    void ioBetweenSlices();
    void postedBeforeAttach();
    void detached();
    void detachedWhileTaking();
    void wakesOnlyWhenItWasEmpty();
    void threadsBothWays_data();
    void threadsBothWays();
    void sendersOutliveTheOwner();
};

void TstMailbox::bounds_data() {
    QTest::addColumn<std::vector<Step>>("steps");
    QTest::addColumn<QStringList>("taken");
    QTest::addColumn<int>("refused");
    using S = Step;
    constexpr auto No = Posted::Refused;
    // Limits: 3 traffic messages of 10 bytes together, 2 handovers.
    const auto row = [](const char* name, std::vector<Step> steps, QStringList taken, int refused) {
        QTest::newRow(name) << steps << taken << refused;
    };
    row("in order of posting, all kinds",
        {{S::Traffic, "a"}, {S::State, "k=b"}, {S::Handover, "c"}, {S::Traffic, "d"}}, {"a", "k=b", "c", "d"},
        0);
    row("traffic full by messages: the newest is refused",
        {{S::Traffic, "a"},
         {S::Traffic, "b"},
         {S::Traffic, "c"},
         {S::Traffic, "d", No},
         {S::Take, ""},
         {S::Traffic, "e"}},
        {"a", "b", "c", "e"}, 1);
    row("traffic full by bytes, a smaller one still fits",
        {{S::Traffic, "123456"}, {S::Traffic, "12345", No}, {S::Traffic, "1234"}, {S::Traffic, "x", No}},
        {"123456", "1234"}, 2);
    row("bytes are given back when taken",
        {{S::Traffic, "1234567890"}, {S::Traffic, "x", No}, {S::Take, ""}, {S::Traffic, "0987654321"}},
        {"1234567890", "0987654321"}, 1);
    row("one larger than the whole box", {{S::Traffic, "12345678901", No}, {S::Traffic, "ok"}}, {"ok"}, 1);
    row("empty mails count as messages",
        {{S::Traffic, ""}, {S::Traffic, ""}, {S::Traffic, ""}, {S::Traffic, "", No}}, {"", "", ""}, 1);
    row("handovers full",
        {{S::Handover, "a"}, {S::Handover, "b"}, {S::Handover, "c", No}, {S::Take, ""}, {S::Handover, "d"}},
        {"a", "b", "d"}, 1);
    row("a full kind does not refuse another",
        {{S::Handover, "a"},
         {S::Handover, "b"},
         {S::Handover, "c", No},
         {S::Traffic, "d"},
         {S::State, "k=e"}},
        {"a", "b", "d", "k=e"}, 1);
    row("state: the newest of a key, in its own place",
        {{S::State, "k=1"}, {S::Traffic, "a"}, {S::State, "l=1"}, {S::State, "k=2"}}, {"a", "l=1", "k=2"}, 0);
    row("state: what was taken is not replaced", {{S::State, "k=1"}, {S::Take, ""}, {S::State, "k=2"}},
        {"k=1", "k=2"}, 0);
    std::vector<Step> many;
    for (int i = 0; i < 5000; ++i)
        many.push_back({S::State, "k=" + std::to_string(i)});
    row("state: never refused, however often it is posted", many, {"k=4999"}, 0);
}

void TstMailbox::bounds() {
    QFETCH(std::vector<Step>, steps);
    QFETCH(QStringList, taken);
    QFETCH(int, refused);
    Box box(limits(3, 2, 10));
    Reader reader(box);
    for (const Step& step : steps) {
        switch (step.kind) {
        case Step::State:
            box.postState(step.text.substr(0, step.text.find('=')), step.text);
            break;
        case Step::Traffic:
            QCOMPARE(int(traffic(box, step.text)), int(step.expected));
            break;
        case Step::Handover:
            QCOMPARE(int(box.postHandover(step.text)), int(step.expected));
            break;
        case Step::Take:
            passes();
            break;
        }
    }
    passes();
    QCOMPARE(reader.log, taken);
    QCOMPARE(box.refused(), std::uint64_t(refused));
}

void TstMailbox::postsItselfWhileTaking() {
    Box box(limits());
    Reader reader(box);
    reader.act = [&](const std::string& mail) {
        if (mail.size() < 4)
            QCOMPARE(int(traffic(box, mail + "x")), int(Posted::Accepted));
    };
    (void)traffic(box, "a");
    (void)traffic(box, "b");
    passes();
    QCOMPARE(reader.log, QStringList({"a", "b", "ax", "bx", "axx", "bxx", "axxx", "bxxx"}));
}

void TstMailbox::nestedLoopTakesNothing() {
    Box box(limits());
    Reader reader(box);
    bool isNested = false;
    reader.act = [&](const std::string& mail) {
        QVERIFY2(!isNested, "a mail overtook the one in hand");
        if (mail != "a")
            return;
        isNested = true;
        (void)traffic(box, "c");
        passes(5); // eats the wake-up as well
        isNested = false;
    };
    (void)traffic(box, "a");
    (void)traffic(box, "b");
    QTRY_COMPARE(reader.log, QStringList({"a", "b", "c"}));
}

void TstMailbox::slices_data() {
    QTest::addColumn<int>("busyMs");
    QTest::addColumn<int>("mails");
    QTest::addColumn<int>("most");
    QTest::newRow("by number") << 0 << 1000 << 256;
    QTest::newRow("by time") << 6 << 8 << 1;
}

void TstMailbox::slices() {
    QFETCH(int, busyMs);
    QFETCH(int, mails);
    QFETCH(int, most);
    Box box(limits(2000));
    Reader reader(box);
    reader.act = [&](const std::string&) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(busyMs);
        while (std::chrono::steady_clock::now() < end) {
        }
        if (reader.log.size() == mails)
            QAbstractEventDispatcher::instance()->interrupt(); // or its pass would wait for a next mail
    };
    for (int i = 0; i < mails; ++i)
        QCOMPARE(int(traffic(box, std::to_string(i))), int(Posted::Accepted));
    qsizetype before = 0;
    while (reader.log.size() < mails) {
        // Waits: what is left must have asked for another pass by itself.
        QAbstractEventDispatcher::instance()->processEvents(QEventLoop::WaitForMoreEvents);
        QVERIFY(reader.log.size() > before || mails == reader.log.size());
        QVERIFY(reader.log.size() - before <= most);
        before = reader.log.size();
    }
    for (int i = 0; i < mails; ++i)
        QCOMPARE(reader.log[i], QString::number(i));
}

void TstMailbox::ioBetweenSlices() {
    Box box(limits(2000));
    Reader reader(box);
    qsizetype takenBefore = -1;
    QTimer timer;
    timer.setSingleShot(true);
    QObject::connect(&timer, &QTimer::timeout, this, [&] { takenBefore = reader.log.size(); });
    timer.start(0);
    for (int i = 0; i < 1000; ++i)
        (void)traffic(box, "x");
    QTRY_COMPARE(reader.log.size(), qsizetype(1000));
    QVERIFY(takenBefore > 0 && takenBefore <= 256);
}

void TstMailbox::postedBeforeAttach() {
    Box box(limits());
    (void)traffic(box, "early");
    passes();
    Reader reader(box);
    QAbstractEventDispatcher::instance()->processEvents(QEventLoop::WaitForMoreEvents);
    QCOMPARE(reader.log, QStringList{"early"});
}

void TstMailbox::detached() {
    Box box(limits());
    QStringList log;
    box.attach([&](std::string& mail) { log << QString::fromStdString(mail); });
    (void)traffic(box, "a");
    passes();
    (void)box.postHandover("left 1");
    box.postState("k", "left 2");
    const std::vector<std::string> left = box.detach();
    QCOMPARE(left, (std::vector<std::string>{"left 1", "left 2"}));
    QCOMPARE(box.refused(), std::uint64_t(2));
    QCOMPARE(int(traffic(box, "b")), int(Posted::Refused));
    QCOMPARE(int(box.postHandover("c")), int(Posted::Refused));
    box.postState("k", "d");
    QCOMPARE(box.refused(), std::uint64_t(5));
    passes();
    QCOMPARE(log, QStringList{"a"});
    QVERIFY(box.detach().empty()); // again: nothing happens
    QCOMPARE(box.refused(), std::uint64_t(5));
}

void TstMailbox::detachedWhileTaking() {
    Box box(limits());
    QStringList log;
    std::vector<std::string> left;
    box.attach([&](std::string& mail) {
        log << QString::fromStdString(mail);
        if (mail == "stop")
            left = box.detach(); // what it was called from lives on until it returns
        log << "end";
    });
    (void)traffic(box, "a");
    (void)traffic(box, "stop");
    (void)traffic(box, "b");
    passes();
    QCOMPARE(log, QStringList({"a", "end", "stop", "end"}));
    QCOMPARE(left, std::vector<std::string>{"b"});
}

void TstMailbox::wakesOnlyWhenItWasEmpty() {
    Box box(limits());
    Reader reader(box);
    passes();
    int awakes = 0;
    QObject scope;
    QObject::connect(QAbstractEventDispatcher::instance(), &QAbstractEventDispatcher::awake, &scope,
                     [&] { ++awakes; });
    for (int i = 0; i < 100; ++i)
        (void)traffic(box, "x");
    QAbstractEventDispatcher::instance()->processEvents(QEventLoop::WaitForMoreEvents);
    QCOMPARE(reader.log.size(), qsizetype(100));
    QCOMPARE(awakes, 1);
    QVERIFY(
        !QAbstractEventDispatcher::instance()->processEvents(QEventLoop::AllEvents)); // no wake-up is left
}

// Between threads
// ---------------------------------------------------------------------------------------------

namespace {

enum class Kind { Qt, Epoll };

struct Payload {
    int sender = 0;
    int number = 0;
    std::string text;
};
using PayloadBox = Mailbox<Payload>;
constexpr int Stop = -1;

/// A thread with its own dispatcher and loop, ended by a mail and joined.
std::thread ownLoop(Kind kind, PayloadBox& box, std::function<void(Payload&)> take) {
    return std::thread([kind, &box, take = std::move(take)] {
#ifndef WEIR_PORTABLE
        if (kind == Kind::Epoll)
            QThread::currentThread()->setEventDispatcher(new server::EpollDispatcher);
#else
        Q_UNUSED(kind)
#endif
        QEventLoop loop;
        box.attach([&](Payload& mail) {
            if (mail.number == Stop)
                loop.quit();
            else
                take(mail);
        });
        loop.exec();
        box.detach();
    });
}

/// Until the other side has taken something: a full box is no reason to lose a mail here.
void postPatiently(PayloadBox& box, const Payload& mail) {
    while (box.postTraffic(mail, Bytes(mail.text.size())) == Posted::Refused)
        std::this_thread::yield();
}

} // namespace

void TstMailbox::threadsBothWays_data() {
    QTest::addColumn<int>("kind");
    QTest::addColumn<int>("senders");
    QTest::addColumn<int>("posts");
    QTest::addColumn<int>("limit");
    QTest::newRow("Qt's dispatcher, roomy") << int(Kind::Qt) << 1 << 100'000 << 1'000'000;
#ifndef WEIR_PORTABLE
    QTest::newRow("ours, roomy") << int(Kind::Epoll) << 1 << 100'000 << 1'000'000;
    QTest::newRow("ours, often full") << int(Kind::Epoll) << 1 << 100'000 << 100;
    QTest::newRow("ours, four senders") << int(Kind::Epoll) << 4 << 25'000 << 1'000;
#endif
}

void TstMailbox::threadsBothWays() {
    QFETCH(int, kind);
    QFETCH(int, senders);
    QFETCH(int, posts);
    QFETCH(int, limit);
    // Forth as tight as asked for; back it must hold all, for a reply that waits for room could wait for
    // itself.
    PayloadBox there(limits(std::size_t(limit), 10, 100'000'000));
    PayloadBox here(limits(std::size_t(senders) * std::size_t(posts), 10, 1'000'000'000));
    std::atomic<int> lost{0};
    std::thread echo = ownLoop(Kind(kind), there, [&](Payload& mail) {
        mail.text += '!';
        const Bytes size(mail.text.size());
        if (here.postTraffic(std::move(mail), size) == Posted::Refused)
            ++lost;
    });
    std::vector<int> next(std::size_t(senders), 0);
    int wrong = 0, count = 0;
    QEventLoop loop;
    here.attach([&](Payload& mail) {
        int& expected = next[std::size_t(mail.sender)];
        wrong += mail.number == expected && mail.text == std::to_string(mail.number) + "!" ? 0 : 1;
        ++expected;
        if (++count == senders * posts)
            loop.quit();
    });
    std::vector<std::thread> threads;
    for (int sender = 0; sender < senders; ++sender)
        threads.emplace_back([&there, sender, posts] {
            for (int i = 0; i < posts; ++i)
                postPatiently(there, Payload{sender, i, std::to_string(i)});
        });
    QTimer::singleShot(120'000, &loop, &QEventLoop::quit);
    loop.exec();
    for (std::thread& thread : threads)
        thread.join();
    there.postState("stop", Payload{0, Stop, {}});
    echo.join();
    here.detach();
    QCOMPARE(count, senders * posts);
    QCOMPARE(wrong, 0);
    QCOMPARE(lost.load(), 0);
    QCOMPARE(here.refused(), std::uint64_t(0));
}

void TstMailbox::sendersOutliveTheOwner() {
    // Owners come and go while others post: no post may reach a dispatcher that is being destroyed.
    for (int round = 0; round < 50; ++round) {
        PayloadBox box(limits(100, 10, 1'000'000));
        std::atomic<int> taken{0};
        std::atomic<bool> isOver{false};
        std::atomic<std::uint64_t> accepted{0}, refused{0};
#ifdef WEIR_PORTABLE
        std::thread owner = ownLoop(Kind::Qt, box, [&](Payload&) { ++taken; });
#else
        std::thread owner = ownLoop(Kind::Epoll, box, [&](Payload&) { ++taken; });
#endif
        std::vector<std::thread> senders;
        for (int sender = 0; sender < 2; ++sender)
            senders.emplace_back([&, sender] {
                for (int i = 0; !isOver; ++i)
                    ++(box.postTraffic(Payload{sender, i, {}}, Bytes(1)) == Posted::Accepted ? accepted
                                                                                             : refused);
            });
        while (taken == 0)
            std::this_thread::yield();
        box.postState("stop", Payload{0, Stop, {}});
        owner.join();
        isOver = true;
        for (std::thread& sender : senders)
            sender.join();
        // Every mail was taken, refused, or counted among what was left at the end.
        QCOMPARE(std::uint64_t(taken) + box.refused(), accepted + refused);
    }
}

int main(int argc, char** argv) {
    qputenv("QT_NO_GLIB", "1");
    QCoreApplication application(argc, argv);
    TstMailbox test;
    QTEST_SET_MAIN_SOURCE_PATH
    return QTest::qExec(&test, argc, argv);
}

#include "tst_mailbox.moc"
