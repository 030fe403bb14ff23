// SPDX-License-Identifier: Apache-2.0
// What a frame costs: its head, reading it (unmasking included), and deflating and inflating it.
#include "server/net/deflate.h"
#include "server/net/websocket_codec.h"
#include "tests/load/frame_codec.h"
#include <benchmark/benchmark.h>
#include <string>
#include <vector>

namespace {

using server::Compression;
using server::ContextTakeover;

/// JSON as rooms get it: it compresses as such does.
std::string json(std::size_t bytes, unsigned from = 0) {
    std::string text = "[";
    for (unsigned i = from; text.size() < bytes; ++i)
        text += R"({"sku":"A-)" + std::to_string(i * 7919 % 1000) + R"(","price":)" +
                std::to_string(i * 104729 % 10000) + R"(,"open":true},)";
    text.resize(bytes);
    return text;
}

class Counting final : public server::FrameDecoder::Listener {
public:
    void messageReceived(server::FrameKind, std::string_view payload, Compression) override {
        bytes += payload.size();
        ++messages;
    }
    void pingReceived(std::string_view) override {}
    void pongReceived(std::string_view) override {}
    void closeReceived(std::uint16_t) override {}
    std::size_t bytes = 0, messages = 0;
};

void head(benchmark::State& state) {
    const auto bytes = std::uint64_t(state.range(0));
    for (auto _ : state) {
        const server::FrameHead made(server::Opcode::Text, bytes);
        benchmark::DoNotOptimize(made.bytes().data());
    }
}
BENCHMARK(head)->Arg(100)->Arg(1000)->Arg(100000);

/// Frames as one read brings them: several to a buffer of 64 KiB, or one that needs several buffers.
void decode(benchmark::State& state) {
    const std::string payload = json(std::size_t(state.range(0)));
    std::string stream;
    do
        appendFrame(stream, Opcode::Text, payload, 0x12345678);
    while (stream.size() + payload.size() < 65536);
    server::FrameDecoder decoder;
    Counting listener;
    std::string chunk;
    for (auto _ : state) {
        for (std::size_t at = 0; at < stream.size(); at += chunk.size()) {
            chunk.assign(stream, at, 65536); // it is unmasked in place
            std::span<char> bytes(chunk);
            const auto fault = decoder.feed(bytes, {shared::Bytes::mebi(1), Compression::None}, listener,
                                            [] { return true; });
            if (fault)
                return state.SkipWithError("a fault");
        }
    }
    state.SetBytesProcessed(std::int64_t(listener.bytes));
    state.SetItemsProcessed(std::int64_t(listener.messages));
}
BENCHMARK(decode)->Arg(20)->Arg(100)->Arg(1000)->Arg(200000);

void deflate(benchmark::State& state) {
    server::Deflater deflater(3, 7, 15, ContextTakeover(state.range(1)));
    std::vector<std::string> payloads; // alike, as messages of a room are, but not the same
    for (unsigned i = 0; i < 64; ++i)
        payloads.push_back(json(std::size_t(state.range(0)), i * 1000));
    std::size_t in = 0, out = 0;
    for (std::size_t turn = 0; auto _ : state) {
        const std::string& payload = payloads[turn++ % payloads.size()];
        const auto deflated = deflater.deflated(payload);
        in += payload.size();
        out += deflated ? deflated->size() : payload.size();
    }
    state.SetBytesProcessed(std::int64_t(in));
    state.counters["shrinks"] = double(in) / double(out);
}
BENCHMARK(deflate)
    ->ArgNames({"bytes", "takeover"})
    ->Args({300, 1})
    ->Args({1024, 0})
    ->Args({1024, 1})
    ->Args({20000, 0});

void inflate(benchmark::State& state) {
    const std::string payload = json(std::size_t(state.range(0)));
    server::Deflater deflater(3, 7, 15, ContextTakeover::No);
    const auto deflated = deflater.deflated(payload);
    if (!deflated)
        return state.SkipWithError("not deflated");
    server::Inflater inflater(15, ContextTakeover::No);
    for (auto _ : state) {
        const auto out = inflater.inflated(*deflated, shared::Bytes::mebi(1));
        if (!out || out->size() != payload.size())
            return state.SkipWithError("not inflated");
    }
    state.SetBytesProcessed(std::int64_t(payload.size()) * state.iterations());
}
BENCHMARK(inflate)->Arg(1024)->Arg(20000);

} // namespace
