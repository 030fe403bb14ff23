// SPDX-License-Identifier: Apache-2.0
// permessage-deflate, section by section of RFC 7692; Python's and the browsers' side is played by zlib
// itself.
#ifndef Q_MOC_RUN // moc cannot read tl::expected
#include "server/net/deflate.h"
#endif
#include <QTest>
#include <zlib.h>

using namespace server;
using shared::Bytes;
using shared::CloseReason;

namespace {

constexpr auto No = ContextTakeover::No, Yes = ContextTakeover::Yes;
const Bytes Million{1000000};

std::string json(int size) {
    std::string text = "{\"event\":\"price\",\"items\":[";
    for (int i = 0; int(text.size()) < size; ++i)
        text += "{\"symbol\":\"S" + std::to_string(i * 7919 % 1000) +
                "\",\"bid\":" + std::to_string(i * 31 % 997) + "},";
    return text + "0]}";
}

/// What a peer makes of a message, in one raw stream that ends as `flush` says.
std::string deflatedBy(std::string_view text, int flush, int windowBits = 15) {
    z_stream z{};
    deflateInit2(&z, 9, Z_DEFLATED, -windowBits, 8, Z_DEFAULT_STRATEGY);
    std::string out(text.size() + 1000, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = uInt(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = uInt(out.size());
    deflate(&z, flush);
    out.resize(out.size() - z.avail_out);
    deflateEnd(&z);
    return out;
}

QByteArray bytes(std::string_view text) {
    return {text.data(), qsizetype(text.size())};
}

} // namespace

class TestDeflate : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void offers_data() { // §5, §7.1
        QTest::addColumn<QByteArray>("offers");
        QTest::addColumn<bool>("takeover");
        QTest::addColumn<QByteArray>("answer"); // empty: none
        const auto row = [](const char* offers, const char* answer, bool takeover = false) {
            QTest::addRow("%s%s", offers, takeover ? ", with takeover" : "")
                << QByteArray(offers) << takeover << QByteArray(answer);
        };
        const char* const ours = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        row("permessage-deflate", ours);
        row("permessage-deflate", "permessage-deflate", true);
        row("permessage-deflate; client_max_window_bits", ours); // what browsers and ws offer
        row(" permessage-deflate ;client_max_window_bits ", ours);
        row("permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover", true);
        row("permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover", true);
        row("permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9",
            true);
        row("permessage-deflate; server_max_window_bits=\"10\"",
            "permessage-deflate; server_max_window_bits=10", true);
        row("permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10",
            true);
        row("permessage-deflate; server_max_window_bits=8", ""); // zlib has none
        row("permessage-deflate; server_max_window_bits=8, permessage-deflate", ours);
        row("permessage-deflate; server_max_window_bits=16", "");
        row("permessage-deflate; server_max_window_bits=09", "");
        row("permessage-deflate; server_max_window_bits", "");
        row("permessage-deflate; server_max_window_bits=", "");
        row("permessage-deflate; client_max_window_bits=7", "");
        row("permessage-deflate; server_no_context_takeover=1", "");
        row("permessage-deflate; server_no_context_takeover; server_no_context_takeover", "");
        row("permessage-deflate; unknown", "");
        row("permessage-deflate; unknown, permessage-deflate; server_no_context_takeover", ours);
        row("permessage-bzip2", "");
        row("x-webkit-deflate-frame, permessage-deflate", ours);
        row("", "");
        row(",;,=;", "");
    }
    void offers() {
        QFETCH(QByteArray, offers);
        QFETCH(bool, takeover);
        QFETCH(QByteArray, answer);
        DeflateSettings settings;
        settings.contextTakeover = takeover;
        const auto terms = DeflateTerms::choose(offers.toStdString(), settings);
        QCOMPARE(terms.has_value(), !answer.isEmpty());
        if (terms)
            QCOMPARE(QByteArray::fromStdString(terms->answer()), answer);
    }
    void thereAndBack_data() {
        QTest::addColumn<int>("size");
        QTest::addColumn<int>("windowBits");
        QTest::addColumn<bool>("takeover");
        for (const int size : {200, 1000, 16384, 70000, 900000})
            for (const int bits : {9, 12, 15})
                for (const bool takeover : {false, true})
                    QTest::addRow("%d bytes, window %d%s", size, bits, takeover ? ", takeover" : "")
                        << size << bits << takeover;
    }
    void thereAndBack() {
        QFETCH(int, size);
        QFETCH(int, windowBits);
        QFETCH(bool, takeover);
        Deflater deflater(3, 7, windowBits, takeover ? Yes : No);
        Inflater inflater(windowBits, takeover ? Yes : No);
        for (int i = 0; i < 3; ++i) {
            const auto text = json(size + i);
            const auto sent = deflater.deflated(text);
            QVERIFY(sent.has_value());
            QVERIFY(sent->size() < text.size());
            const auto got = inflater.inflated(*sent, Million);
            QVERIFY(got.has_value());
            QVERIFY(*got == text);
        }
    }
    void whatDoesNotShrinkGoesPlain() {
        Deflater deflater(3, 7, 15, No);
        QVERIFY(!deflater.deflated("x").has_value());
        QVERIFY(!deflater.deflated("").has_value());
        std::string noise;
        for (unsigned i = 0, value = 12345; i < 5000; ++i) {
            value = value * 1664525 + 1013904223;
            noise.push_back(char(static_cast<unsigned char>(value >> 24)));
        }
        QVERIFY(!deflater.deflated(noise).has_value());
        QVERIFY(deflater.deflated(json(5000)).has_value()); // and it goes on
    }
    void takeoverShrinksWhatIsAlike() { // 100 messages of 300 bytes
        Deflater deflater(3, 7, 15, Yes);
        Inflater inflater(15, Yes);
        std::size_t before = 0, after = 0;
        for (int i = 0; i < 100; ++i) {
            auto text = json(300);
            text += std::to_string(i * 7907);
            const auto sent = deflater.deflated(text);
            QVERIFY(sent.has_value());
            before += text.size();
            after += sent->size();
            const auto got = inflater.inflated(*sent, Million);
            QVERIFY(got && *got == text);
        }
        QVERIFY2(before > 5 * after, qPrintable(QStringLiteral("%1 to %2").arg(before).arg(after)));
    }
    void peers_data() { // §7.2.1, §7.2.3
        QTest::addColumn<QByteArray>("payload");
        QTest::addColumn<QByteArray>("wanted");
        const auto cut = [](std::string text) {
            text.resize(text.size() - 4);
            return text;
        };
        const auto row = [](const char* name, const std::string& payload, const std::string& wanted) {
            QTest::newRow(name) << bytes(payload) << bytes(wanted);
        };
        row("the example of §7.2.3.1", std::string("\xf2\x48\xcd\xc9\xc9\x07\x00", 7), "Hello");
        row("a block without compression, §7.2.3.3",
            std::string("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11), "Hello");
        row("a final block, §7.2.3.4", std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8), "Hello");
        row("two blocks, §7.2.3.5", std::string("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13),
            "Hello");
        row("an empty message, §7.2.3.6", std::string("\x00", 1), "");
        row("sync flush", cut(deflatedBy(json(3000), Z_SYNC_FLUSH)), json(3000));
        row("full flush", cut(deflatedBy(json(3000), Z_FULL_FLUSH)), json(3000));
        row("finished", deflatedBy(json(3000), Z_FINISH), json(3000));
        row("a small window", cut(deflatedBy(json(30000), Z_SYNC_FLUSH, 9)), json(30000));
    }
    void peers() {
        QFETCH(QByteArray, payload);
        QFETCH(QByteArray, wanted);
        for (const auto takeover : {No, Yes}) {
            Inflater inflater(15, takeover);
            for (int i = 0; i < 2; ++i) {
                const auto got =
                    inflater.inflated({payload.constData(), std::size_t(payload.size())}, Million);
                QVERIFY(got.has_value());
                QCOMPARE(bytes(*got), wanted);
            }
        }
    }
    void bombs() { // 1 KB that would be 1 MB, and more
        auto bomb = deflatedBy(std::string(50000000, '\0'), Z_SYNC_FLUSH);
        QVERIFY(bomb.size() < 100000);
        Inflater inflater(15, No);
        const auto got = inflater.inflated(bomb, Million);
        QVERIFY(!got);
        QVERIFY(got.error() == CloseReason::TooLarge);
        const auto limit = deflatedBy(std::string(1000, 'a'), Z_FINISH);
        QVERIFY(inflater.inflated(limit, Bytes(1000)).has_value());
        QVERIFY(inflater.inflated(limit, Bytes(999)).error() == CloseReason::TooLarge);
    }
    void nonsense_data() {
        QTest::addColumn<QByteArray>("payload");
        QTest::newRow("a reserved kind of block") << QByteArray::fromHex("07");
        QTest::newRow("a wrong length") << QByteArray::fromHex("000500faf048656c6c6f00");
        QTest::newRow("far behind the window") << QByteArray::fromHex("4b04a20300");
        QTest::newRow("text") << QByteArray("plain text, not deflated at all");
    }
    void nonsense() {
        QFETCH(QByteArray, payload);
        Inflater inflater(15, No);
        const auto got = inflater.inflated({payload.constData(), std::size_t(payload.size())}, Million);
        QVERIFY(!got);
        QVERIFY(got.error() == CloseReason::ProtocolError);
        const auto good = deflatedBy("again", Z_FINISH);
        QVERIFY(inflater.inflated(good, Million).has_value()); // the next one is another peer's
    }
};

QTEST_GUILESS_MAIN(TestDeflate)
#include "tst_deflate.moc"
