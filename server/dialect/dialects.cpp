// SPDX-License-Identifier: Apache-2.0
#include "server/dialect/dialects.h"
#include "server/dialect/json.h"
#include "server/dialect/socketio.h"
#include <array>

namespace server {
namespace {

const SocketIoDialect SocketIo;
const JsonDialect Json;
constexpr std::array<const Dialect*, DialectSlots> Table{&SocketIo, &Json};

} // namespace

std::span<const Dialect* const> dialects() {
    return Table;
}
const Dialect& socketIoDialect() {
    return SocketIo;
}
const Dialect& jsonDialect() {
    return Json;
}

} // namespace server
