// SPDX-License-Identifier: Apache-2.0
#include "server/process.h"
#include <QSocketNotifier>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

extern char** environ;

namespace server::process {

namespace {

constexpr char Stop = 1, Reload = 2;

/// The write end of the pipe: a signal handler has no other way to know it.
std::atomic<int> signalPipe{-1};

void signalled(int signal) {
    const int before = errno;
    const char byte = signal == SIGHUP ? Reload : Stop;
    if (write(signalPipe.load(std::memory_order_relaxed), &byte, 1) < 0) {
        // full: as many signals are waiting as anybody could count
    }
    errno = before;
}

constexpr std::array Handled{SIGTERM, SIGINT, SIGHUP};

std::string reason() {
    return std::strerror(errno);
}

shared::Result<void> cannot(const std::string& path, const std::string& why) {
    return shared::failure(shared::ErrorCode::Unavailable, fmt::format("{}: {}", path, why));
}

shared::Result<void> ensureDirectory(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        mkdir(path.substr(0, slash).c_str(), 0700); // parents: those that exist stay as they are
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return cannot(path, reason());
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0)
        return cannot(path, reason());
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid())
        return cannot(path, "is not a directory of the user that runs this node");
    if ((status.st_mode & 0777) != 0700 && chmod(path.c_str(), 0700) != 0)
        return cannot(path, reason());
    return {};
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

} // namespace

std::int64_t raiseDescriptorLimit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        rlimit raised = limit;
        raised.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return std::int64_t(std::min<rlim_t>(limit.rlim_cur, 100'000'000));
}

void ignoreBrokenPipes() {
    std::signal(SIGPIPE, SIG_IGN);
}

std::string hostName() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0')
        return "node";
    std::string text;
    for (const char c : std::string_view(name.data()).substr(0, 50))
        text += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' ? c : '-';
    return text;
}

std::vector<std::pair<std::string, std::string>> environment(const std::string& prefix) {
    std::vector<std::pair<std::string, std::string>> found;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=');
        if (text.starts_with(prefix) && equals != std::string_view::npos)
            found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return found;
}

bool isJournal() {
    struct stat status {};
    return fstat(STDERR_FILENO, &status) == 0 &&
           variable("JOURNAL_STREAM") == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

Figures figures() {
    Figures result;
    std::ifstream memory("/proc/self/statm");
    std::int64_t pages = 0, residentPages = 0;
    if (memory >> pages >> residentPages)
        result.residentBytes = residentPages * sysconf(_SC_PAGESIZE);
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        result.cpu_s = double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    struct stat directory {};
    if (stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0) {
        result.openDescriptors = directory.st_size; // kernels from 6.2 on: their number, without a walk
    } else if (DIR* open = opendir("/proc/self/fd")) {
        while (readdir(open) != nullptr)
            ++result.openDescriptors;
        closedir(open);
        result.openDescriptors = std::max<std::int64_t>(0, result.openDescriptors - 3); // . and .. and itself
    }
    return result;
}

struct Signals::Inner {
    int ends[2] = {-1, -1};
    std::unique_ptr<QSocketNotifier> notifier;
};

Signals::Signals(Asked asked) : m_inner(std::make_unique<Inner>()) {
    if (pipe(m_inner->ends) != 0)
        return; // without it a signal ends the process as it does by default
    for (const int end : m_inner->ends) {
        fcntl(end, F_SETFD, FD_CLOEXEC);
        fcntl(end, F_SETFL, O_NONBLOCK);
    }
    m_inner->notifier = std::make_unique<QSocketNotifier>(m_inner->ends[0], QSocketNotifier::Read);
    QObject::connect(m_inner->notifier.get(), &QSocketNotifier::activated, m_inner->notifier.get(),
                     [end = m_inner->ends[0], asked = std::move(asked)] {
                         char byte = 0;
                         while (read(end, &byte, 1) == 1)
                             byte == Reload ? asked.reload() : asked.stop();
                     });
    signalPipe.store(m_inner->ends[1], std::memory_order_relaxed);
    struct sigaction action {};
    action.sa_handler = &signalled;
    action.sa_flags = SA_RESTART;
    for (const int signal : Handled)
        sigaction(signal, &action, nullptr);
}

Signals::~Signals() {
    for (const int signal : Handled)
        std::signal(signal, SIG_DFL);
    signalPipe.store(-1, std::memory_order_relaxed);
    m_inner->notifier.reset();
    for (const int end : m_inner->ends)
        if (end >= 0)
            close(end);
}

std::function<bool(const std::string&)> supervisorLine() {
    const auto path = variable("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return {};
    std::copy(path.begin(), path.end(), address.sun_path);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; // a name in no file system, which ends with its length
    const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + path.size());
    const std::shared_ptr<const int> end(new int(socket(AF_UNIX, SOCK_DGRAM, 0)), [](const int* descriptor) {
        if (*descriptor >= 0)
            close(*descriptor);
        delete descriptor;
    });
    if (*end < 0)
        return {};
    fcntl(*end, F_SETFD, FD_CLOEXEC);
    fcntl(*end, F_SETFL, O_NONBLOCK); // main serves operators: it never waits for a supervisor
    return [end, address, length](const std::string& text) {
        const auto sent =
            sendto(*end, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), length);
        return sent == ssize_t(text.size());
    };
}

std::chrono::milliseconds watchdogInterval() {
    const auto number = [](const char* name) {
        const auto text = variable(name);
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc() && end == text.data() + text.size() ? value : 0;
    };
    // The variable may be meant for a parent that passed its environment on.
    if (!variable("WATCHDOG_PID").empty() && number("WATCHDOG_PID") != getpid())
        return {};
    return std::chrono::milliseconds(std::max<std::int64_t>(0, number("WATCHDOG_USEC") / 1000));
}

std::string stateDirectory() {
    const auto state = variable("STATE_DIRECTORY");
    return state.empty() ? runDirectory() : state.substr(0, state.find(':'));
}

std::string runDirectory() {
    if (const auto runtime = variable("RUNTIME_DIRECTORY"); !runtime.empty())
        return runtime.substr(0, runtime.find(':'));
#ifdef __APPLE__
    return variable("HOME") + "/Library/Caches/Weirkeeper/run";
#else
    if (const auto runtime = variable("XDG_RUNTIME_DIR"); !runtime.empty())
        return runtime + "/weirkeeper";
    if (geteuid() == 0)
        return "/run/weirkeeper";
    return variable("HOME") + "/.cache/weirkeeper/run";
#endif
}

shared::Result<RunFile> RunFile::create(const std::string& directory, const std::string& name,
                                        const std::string& text) {
    if (auto ensured = ensureDirectory(directory); !ensured)
        return tl::unexpected(ensured.error());
    const auto path = directory + "/" + name;
    const auto failed = [&](const std::string& why) { return tl::unexpected(cannot(path, why).error()); };
    // We own the port, so a file of this name is a dead node's. The directory is ours: nobody else can race
    // us.
    if (unlink(path.c_str()) != 0 && errno != ENOENT)
        return failed(reason());
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return failed(reason());
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto written = write(file, rest.data(), rest.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            const auto why = reason();
            close(file);
            unlink(path.c_str());
            return failed(why);
        }
        rest.remove_prefix(std::size_t(written));
    }
    close(file);
    return RunFile(path);
}

RunFile::~RunFile() {
    if (!m_path.empty())
        unlink(m_path.c_str());
}

} // namespace server::process
