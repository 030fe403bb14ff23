// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/console.h"
#include "shared/nearest_word.h"
#include "weir_version.h"
#include <CLI/CLI.hpp>
#include <QApplication>
#include <QFile>
#include <QSaveFile>
#include <QTimer>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

namespace {

using namespace std::chrono_literals;

constexpr int Fine = 0, NoNodeAnswered = 2, UsageError = 64, CannotCreate = 73, InputOutputError = 74;
constexpr auto NoSnapshotAfter = 10s;

struct Words {
    std::vector<std::string> addresses;
    std::string screenshot, dump, tokenFile, caFile, pin, page = "fleet", theme = "system", size = "1280x800";
    double after_s = 2;
};

/// `, the nearest is 'dark'`, or nothing when no known word is near.
std::string nearest(const std::string& word, const std::vector<std::string>& known) {
    const auto near = shared::nearestWord(word, known);
    return near.empty() ? std::string() : ", the nearest is '" + near + "'";
}

int usage(const std::string& sentence) {
    std::fprintf(stderr, "weirkeeper: %s\nTry 'weirkeeper --help'\n", sentence.c_str());
    return UsageError;
}

std::optional<QSize> sizeOf(const std::string& text) {
    const auto parts = QString::fromStdString(text).split(QLatin1Char('x'));
    bool isWidth = false;
    bool isHeight = false;
    const QSize size(parts.value(0).toInt(&isWidth), parts.value(1).toInt(&isHeight));
    const bool isFine = parts.size() == 2 && isWidth && isHeight && size.width() >= 320 &&
                        size.height() >= 240 && size.width() <= 8192 && size.height() <= 8192;
    return isFine ? std::optional(size) : std::nullopt;
}

template <class List>
std::optional<std::size_t> placeOf(const std::string& word, const List& list) {
    const auto found = std::find(list.begin(), list.end(), word);
    return found == list.end() ? std::nullopt : std::optional(std::size_t(found - list.begin()));
}

bool write(const QString& path, const QByteArray& bytes) {
    QSaveFile file(path);
    return file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit();
}

/// Writes picture and dump, then says how the program ends.
int record(console::Console& console, const Words& words, bool isLive) {
    auto& window = console.window();
    window.refresh();
    QCoreApplication::processEvents();
    if (!words.screenshot.empty() && !window.grab().save(QString::fromStdString(words.screenshot))) {
        std::fprintf(stderr, "weirkeeper: cannot write %s\n", words.screenshot.c_str());
        return CannotCreate;
    }
    if (!words.dump.empty() && !write(QString::fromStdString(words.dump), console.dump())) {
        std::fprintf(stderr, "weirkeeper: cannot write %s\n", words.dump.c_str());
        return CannotCreate;
    }
    if (!isLive)
        std::fprintf(stderr, "weirkeeper: no node answered within 10 s\n");
    return isLive ? Fine : NoNodeAnswered;
}

int run(int argc, char** argv, const Words& words, const QString& token, const console::TlsTrust& trust,
        std::size_t page) {
    QApplication app(argc, argv);
    QCoreApplication::setOrganizationName(QStringLiteral("weirkeeper"));
    QCoreApplication::setApplicationName(QStringLiteral("weirkeeper"));
    QCoreApplication::setApplicationVersion(QLatin1String(shared::Version));
    QGuiApplication::setDesktopFileName(QStringLiteral("org.weirkeeper.Weirkeeper"));
    QApplication::setStyle(console::Theme::makeStyle());
    QApplication::setFont(console::Theme::body());

    console::ConsoleOptions options;
    for (const auto& address : words.addresses)
        options.addresses.append(QString::fromStdString(address));
    options.token = token;
    options.trust = trust;
    // Before a palette of ours is set, the application's own tells what the desktop is like.
    const bool isDarkDesktop = QApplication::palette().color(QPalette::Window).lightness() < 128;
    options.theme = words.theme == "light" || (words.theme == "system" && !isDarkDesktop)
                        ? console::ThemeKind::Light
                        : console::ThemeKind::Dark;
    QApplication::setPalette(console::Theme(options.theme).palette());

    console::Console console(options);
    auto& window = console.window();
    window.resize(*sizeOf(words.size));
    window.showPage(console::PageKind(page));
    window.show();
    const auto wrong = console.start();
    if (!wrong.isEmpty())
        return usage("--connect: " + wrong.toStdString());
    if (words.screenshot.empty() && words.dump.empty())
        return QApplication::exec();

    QTimer limit;
    limit.setSingleShot(true);
    QObject::connect(&limit, &QTimer::timeout, &app,
                     [&] { QCoreApplication::exit(record(console, words, false)); });
    limit.start(NoSnapshotAfter);
    QObject::connect(&console, &console::Console::firstSnapshotReceived, &app, [&] {
        limit.stop();
        QTimer::singleShot(std::chrono::milliseconds(std::int64_t(words.after_s * 1000)), &app,
                           [&] { QCoreApplication::exit(record(console, words, true)); });
    });
    return QApplication::exec();
}

} // namespace

int main(int argc, char** argv) {
    Words words;
    CLI::App app("The console of a Weirkeeper fleet: watch every node, drain and evict with a preview.",
                 "weirkeeper");
    app.allow_extras(false);
    app.add_option("--connect", words.addresses,
                   "Admin channel of a node, ws://HOST:7401/admin; may be repeated")
        ->allow_extra_args(false)
        ->type_name("URL");
    app.add_option("--screenshot", words.screenshot, "Write a picture of the window and end")
        ->type_name("FILE");
    app.add_option("--page", words.page,
                   "fleet, charts, connections, rooms, operations, closed, log or audit")
        ->type_name("PAGE");
    app.add_option("--after", words.after_s, "Seconds from the first snapshot to the picture (2)")
        ->check(CLI::Range(0.0, 86400.0))
        ->type_name("SECONDS");
    app.add_option("--size", words.size, "Size of the window (1280x800)")->type_name("WxH");
    app.add_option("--theme", words.theme, "light, dark or system")->type_name("THEME");
    app.add_option("--token-file", words.tokenFile, "File whose first line is the token")->type_name("FILE");
    app.add_option("--ca", words.caFile, "PEM file of the authorities to trust at wss:// addresses")
        ->type_name("FILE");
    app.add_option("--pin", words.pin, "The one certificate to trust there: sha256: and its fingerprint")
        ->type_name("PIN");
    app.add_option("--dump", words.dump, "Write what is shown as JSON and end")->type_name("FILE");
    bool wantsVersion = false;
    app.add_flag("--version", wantsVersion, "Print the version and end");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::fputs(app.help().c_str(), stdout);
        return Fine;
    } catch (const CLI::ExtrasError&) {
        const auto words = app.remaining(true);
        const auto word = words.empty() ? std::string() : words.front().substr(0, words.front().find('='));
        std::vector<std::string> known;
        for (const auto* option : app.get_options())
            known.push_back(option->get_name());
        return usage("unknown word '" + word + "'" + nearest(word, known));
    } catch (const CLI::ParseError& error) {
        return usage(error.what());
    }
    if (wantsVersion) {
        std::printf("weirkeeper %s\ncommit %s\nQt %s (built with %s)\nhiredis not used\n", shared::Version,
                    shared::Commit, qVersion(), QT_VERSION_STR);
        return Fine;
    }
    const std::vector<std::string> pages(console::PageNames.begin(), console::PageNames.end());
    const auto page = placeOf(words.page, pages);
    if (!page)
        return usage("--page: unknown page '" + words.page + "'" + nearest(words.page, pages));
    const std::vector<std::string> themes{"light", "dark", "system"};
    if (!placeOf(words.theme, themes))
        return usage("--theme: unknown theme '" + words.theme + "'" + nearest(words.theme, themes));
    for (const auto& address : words.addresses) {
        if (!console::adminUrl(QString::fromStdString(address)).isValid())
            return usage("--connect: '" + address +
                         "' is no address, the nearest is 'ws://127.0.0.1:7401/admin'");
    }
    if (!sizeOf(words.size))
        return usage("--size: '" + words.size + "' is no size, the nearest is '1280x800'");
    QString token = qEnvironmentVariable("WEIR_ADMIN_TOKEN");
    if (!words.tokenFile.empty()) {
        QFile file(QString::fromStdString(words.tokenFile));
        if (!file.open(QIODevice::ReadOnly)) {
            std::fprintf(stderr, "weirkeeper: cannot read the token file %s: %s\n", words.tokenFile.c_str(),
                         qUtf8Printable(file.errorString()));
            return InputOutputError;
        }
        token = QString::fromUtf8(file.readLine(4096)).trimmed();
    }
    const auto trust =
        console::TlsTrust::from(QString::fromStdString(words.caFile), QString::fromStdString(words.pin));
    if (!trust)
        return usage(trust.error().message);
    return run(argc, argv, words, token, *trust, *page);
}
