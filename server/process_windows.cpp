// SPDX-License-Identifier: Apache-2.0
#include "server/process.h"
#include <QWinEventNotifier>
#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#ifndef NOMINMAX
#define NOMINMAX
#endif
#define WIN32_LEAN_AND_MEAN
#define PSAPI_VERSION 2 // GetProcessMemoryInfo is kernel32's
#include <windows.h>
// after windows.h
#include <psapi.h>
#include <sddl.h>

namespace server::process {

namespace {

/// Called on a thread of the system's own, which has no other way to know whom: main waits for this event.
std::atomic<HANDLE> stopAsked{nullptr};

BOOL WINAPI controlled(DWORD event) {
    const HANDLE asked = stopAsked.load();
    if (asked == nullptr || SetEvent(asked) == 0)
        return FALSE;
    // After these the system ends the process as soon as we return: the drain runs for as long as it lets us.
    if (event == CTRL_CLOSE_EVENT || event == CTRL_SHUTDOWN_EVENT)
        Sleep(INFINITE);
    return TRUE;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::string reason() {
    return "error " + std::to_string(GetLastError());
}

tl::unexpected<shared::Error> cannot(const std::string& path, const std::string& why) {
    return shared::failure(shared::ErrorCode::Unavailable, path + ": " + why);
}

/// A descriptor that lets nobody but the owner in, and inherits nothing.
class OwnerOnly {
public:
    OwnerOnly() {
        m_attributes.nLength = sizeof m_attributes;
        if (ConvertStringSecurityDescriptorToSecurityDescriptorA(
                "D:P(A;OICI;FA;;;OW)", SDDL_REVISION_1, &m_attributes.lpSecurityDescriptor, nullptr) == 0)
            m_attributes.lpSecurityDescriptor = nullptr;
    }
    ~OwnerOnly() {
        if (m_attributes.lpSecurityDescriptor != nullptr)
            LocalFree(m_attributes.lpSecurityDescriptor);
    }
    OwnerOnly(const OwnerOnly&) = delete;
    OwnerOnly& operator=(const OwnerOnly&) = delete;
    bool isMade() const { return m_attributes.lpSecurityDescriptor != nullptr; }
    SECURITY_ATTRIBUTES* attributes() { return &m_attributes; }

private:
    SECURITY_ATTRIBUTES m_attributes{};
};

} // namespace

std::int64_t raiseDescriptorLimit() {
    return 100'000; // sockets are handles here, and memory is their limit
}

void ignoreBrokenPipes() {} // there are none: send() answers an error

std::string hostName() {
    std::array<char, 256> name{};
    DWORD size = DWORD(name.size());
    if (GetComputerNameExA(ComputerNameDnsHostname, name.data(), &size) == 0 || size == 0)
        return "node";
    std::string text;
    for (const char c : std::string_view(name.data(), std::min<std::size_t>(size, 50)))
        text += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' ? c : '-';
    return text;
}

std::vector<std::pair<std::string, std::string>> environment(const std::string& prefix) {
    std::vector<std::pair<std::string, std::string>> found;
    char* const block = GetEnvironmentStringsA();
    for (const char* entry = block; entry != nullptr && *entry != '\0';
         entry += std::string_view(entry).size() + 1) {
        const std::string_view text(entry);
        const auto equals = text.find('=');
        if (text.starts_with(prefix) && equals != std::string_view::npos)
            found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    if (block != nullptr)
        FreeEnvironmentStringsA(block);
    return found;
}

bool isJournal() {
    return false;
}

Figures figures() {
    Figures result;
    const HANDLE self = GetCurrentProcess();
    PROCESS_MEMORY_COUNTERS counters{};
    if (GetProcessMemoryInfo(self, &counters, sizeof counters) != 0)
        result.residentBytes = std::int64_t(counters.WorkingSetSize);
    DWORD handles = 0;
    if (GetProcessHandleCount(self, &handles) != 0)
        result.openDescriptors = std::int64_t(handles);
    FILETIME created{}, exited{}, kernel{}, user{};
    if (GetProcessTimes(self, &created, &exited, &kernel, &user) != 0)
        for (const auto& time : {kernel, user}) // in 100 ns
            result.cpu_s += (double(time.dwHighDateTime) * 4294967296.0 + double(time.dwLowDateTime)) / 1e7;
    return result;
}

Memory memory() {
    MEMORYSTATUSEX status{};
    status.dwLength = sizeof status;
    Memory result;
    if (GlobalMemoryStatusEx(&status) != 0) {
        result.usedPercent = double(status.dwMemoryLoad);
        result.smallest = status.ullTotalPhys;
    }
    return result;
}

void returnFreedMemory() {
    HeapCompact(GetProcessHeap(), 0);
}

struct Signals::Inner {
    HANDLE event = CreateEventA(nullptr, FALSE, FALSE, nullptr); ///< reset by who hears it
    QWinEventNotifier notifier{event};
};

/// `asked.reload` is never called: there is no SIGHUP.
Signals::Signals(Asked asked) : m_inner(std::make_unique<Inner>()) {
    QObject::connect(&m_inner->notifier, &QWinEventNotifier::activated, &m_inner->notifier,
                     [stop = std::move(asked.stop)] { stop(); });
    stopAsked.store(m_inner->event);
    SetConsoleCtrlHandler(&controlled, TRUE);
}

Signals::~Signals() {
    SetConsoleCtrlHandler(&controlled, FALSE);
    m_inner->notifier.setEnabled(false);
    CloseHandle(stopAsked.exchange(nullptr));
}

std::function<bool(const std::string&)> supervisorLine() {
    return {};
}

std::chrono::milliseconds watchdogInterval() {
    return {};
}

std::string runDirectory() {
    return variable("LOCALAPPDATA") + "\\Weirkeeper\\run";
}

std::string stateDirectory() {
    const auto state = variable("STATE_DIRECTORY");
    return state.empty() ? runDirectory() : state;
}

shared::Result<RunFile> RunFile::create(const std::string& directory, const std::string& name,
                                        const std::string& text) {
    OwnerOnly owner;
    if (!owner.isMade())
        return cannot(directory, reason());
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
    if (CreateDirectoryA(directory.c_str(), owner.attributes()) == 0 &&
        GetLastError() != ERROR_ALREADY_EXISTS)
        return cannot(directory, reason());
    const auto path = directory + "\\" + name;
    // We own the port, so a file of this name is a dead node's.
    if (DeleteFileA(path.c_str()) == 0 && GetLastError() != ERROR_FILE_NOT_FOUND)
        return cannot(path, reason());
    const HANDLE file = CreateFileA(path.c_str(), GENERIC_WRITE, 0, owner.attributes(), CREATE_NEW,
                                    FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
    if (file == INVALID_HANDLE_VALUE)
        return cannot(path, reason());
    DWORD written = 0;
    const bool isWhole =
        WriteFile(file, text.data(), DWORD(text.size()), &written, nullptr) != 0 && written == text.size();
    const auto why = isWhole ? std::string() : reason();
    CloseHandle(file);
    if (!isWhole) {
        DeleteFileA(path.c_str());
        return cannot(path, why);
    }
    return RunFile(path);
}

RunFile::~RunFile() {
    if (!m_path.empty())
        DeleteFileA(m_path.c_str());
}

} // namespace server::process
