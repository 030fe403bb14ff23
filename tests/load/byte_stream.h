// SPDX-License-Identifier: Apache-2.0
// The bytes between a load client and a server: over a bare socket where the system allows, else over Qt's.
// Main thread.
#pragma once
#include "tests/load/options.h"
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

class ByteStream {
public:
    class Host {
    public:
        virtual void streamOpened() = 0;
        virtual void streamReadable() = 0;
        /// It failed or was ended by the other side. The stream must outlive the call.
        virtual void streamBroken(std::string sentence) = 0;

    protected:
        ~Host() = default;
    };

    /// What is lightest for `target`; the host outlives it.
    static std::unique_ptr<ByteStream> make(const Target& target, Host& host);
    virtual ~ByteStream() = default; ///< closes
    /// `source` is an address of ours; empty: the system's choice.
    virtual void open(const Target& target, const std::string& source) = 0;
    /// How many bytes came; 0 when there is nothing now, or when it broke, which the host was then told.
    virtual std::size_t read(char* into, std::size_t most) = 0;
    virtual void write(std::string_view bytes) = 0;
    /// The host hears no more of it.
    virtual void close() = 0;
};
