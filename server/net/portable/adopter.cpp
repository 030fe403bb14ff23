// SPDX-License-Identifier: Apache-2.0
#include "server/net/adopter.h"

namespace server {

std::unique_ptr<Adopter> makeAdopter(ConnectionWorld&) {
    return nullptr;
}

} // namespace server
