// SPDX-License-Identifier: Apache-2.0
// What a dialect costs: decoding what clients say, encoding what a room is told.
#include "server/dialect/dialects.h"
#include <benchmark/benchmark.h>
#include <string>

namespace {

using namespace server;

/// An object of about so many bytes.
std::string data(std::size_t bytes) {
    std::string text = R"({"user":"alice","at":1700000000000,"tags":["a","b"],"text":")";
    text.append(bytes > text.size() + 2 ? bytes - text.size() - 2 : 0, 'x');
    return text + "\"}";
}

std::string publish(const Dialect& dialect, std::size_t bytes) {
    if (dialect.name() == "json")
        return R"({"op":"publish","room":"lobby","event":"news","data":)" + data(bytes) + R"(,"id":7})";
    return R"(427["publish","lobby","news",)" + data(bytes) + "]";
}

void decode(benchmark::State& state, const Dialect& dialect) {
    const std::string text = publish(dialect, std::size_t(state.range(0)));
    const auto decoder = dialect.makeDecoder({shared::Bytes::mebi(1)});
    for (auto _ : state) {
        const auto request = decoder->decode(FrameKind::Text, text);
        if (!request || !std::holds_alternative<EventRequest>(*request))
            return state.SkipWithError("not understood");
        benchmark::DoNotOptimize(request);
    }
    state.SetBytesProcessed(std::int64_t(text.size()) * state.iterations());
}

/// The heartbeat, which every client says twice a minute.
void pong(benchmark::State& state) {
    const auto decoder = socketIoDialect().makeDecoder({shared::Bytes::mebi(1)});
    for (auto _ : state)
        benchmark::DoNotOptimize(decoder->decode(FrameKind::Text, "3"));
}

void encode(benchmark::State& state, const Dialect& dialect) {
    Message message;
    message.rooms.emplace_back("lobby");
    message.event = "news";
    message.args = data(std::size_t(state.range(0)));
    message.stamp = Stamp{"node-1.0.1700000000000", 4711, 1700000000123};
    for (auto _ : state)
        benchmark::DoNotOptimize(dialect.encode(DeliverEvent{message}));
    state.SetBytesProcessed(std::int64_t(message.args.size()) * state.iterations());
}

BENCHMARK_CAPTURE(decode, socketio, socketIoDialect())->Arg(100)->Arg(300)->Arg(10000);
BENCHMARK_CAPTURE(decode, json, jsonDialect())->Arg(100)->Arg(300)->Arg(10000);
BENCHMARK(pong);
BENCHMARK_CAPTURE(encode, socketio, socketIoDialect())->Arg(100)->Arg(10000);
BENCHMARK_CAPTURE(encode, json, jsonDialect())->Arg(100)->Arg(10000);

} // namespace
