// SPDX-License-Identifier: Apache-2.0
// What the node asks of its operating system beside sockets: limits, signals, figures, the run directory.
// Main thread.
#pragma once
#include "shared/result.h"
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace server::process {

/// Raises the limit of open descriptors as far as it may go; what it is then.
std::int64_t raiseDescriptorLimit();
/// A write to a socket whose peer has gone must be an error, not a death.
void ignoreBrokenPipes();
/// This machine's name, for the default node id; "node" when it has none.
std::string hostName();
/// Names and values of the environment that begin with `prefix`.
std::vector<std::pair<std::string, std::string>> environment(const std::string& prefix);

/// Whether stderr goes to systemd's journal ($JOURNAL_STREAM names the very file).
bool isJournal();

struct Figures {
    std::int64_t residentBytes = 0, openDescriptors = 0;
    double cpu_s = 0;
};
Figures figures();

/// The limits of memory: the machine's, the control group's, the address space's.
struct Memory {
    double usedPercent = 0;     ///< of the limit that is nearest
    std::uint64_t smallest = 0; ///< bytes, of all limits
};
Memory memory();

/// Hands back to the system what the allocator keeps of memory that was freed.
void returnFreedMemory();

/// Calls on main, until it is destroyed. One at a time.
class Signals {
public:
    struct Asked {
        std::function<void()> stop;   ///< each SIGTERM or SIGINT
        std::function<void()> reload; ///< SIGHUP
    };
    explicit Signals(Asked asked);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

private:
    struct Inner;
    std::unique_ptr<Inner> m_inner;
};

/// Passes a text to the supervisor that started this process; false when it cannot take it now. Empty: there
/// is none.
std::function<bool(const std::string&)> supervisorLine();
/// After how much silence the supervisor takes this process for dead; 0: it does not watch.
std::chrono::milliseconds watchdogInterval();

/// Where the node keeps what outlives it: $STATE_DIRECTORY, else the run directory.
std::string stateDirectory();
/// Where running nodes leave their token and address files.
std::string runDirectory();

/// A file for the owner alone in a directory of ours alone; removed with this object.
class RunFile {
public:
    /// Replaces a stale one of ours; never follows a link, never writes into what another user could read.
    static shared::Result<RunFile> create(const std::string& directory, const std::string& name,
                                          const std::string& text);
    RunFile(RunFile&& other) noexcept : m_path(std::exchange(other.m_path, {})) {}
    RunFile& operator=(RunFile&& other) noexcept {
        std::swap(m_path, other.m_path);
        return *this;
    }
    ~RunFile();
    const std::string& path() const { return m_path; }

private:
    explicit RunFile(std::string path) : m_path(std::move(path)) {}
    std::string m_path;
};

} // namespace server::process
