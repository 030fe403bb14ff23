// SPDX-License-Identifier: Apache-2.0
#include "server/dialect/dialects.h"
#include "server/dialect/socketio.h"
#include <array>

namespace server {
namespace {

const SocketIoDialect SocketIo;
constexpr std::array<const Dialect*, 1> Table{&SocketIo};

} // namespace

std::span<const Dialect* const> dialects() {
    return Table;
}
const Dialect& socketIoDialect() {
    return SocketIo;
}

} // namespace server
