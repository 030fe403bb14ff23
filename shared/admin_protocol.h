// SPDX-License-Identifier: Apache-2.0
// Every message of the admin channel as a struct, and its JSON-RPC 2.0 codec: the contract of node and
// console. Plain values, any thread.
#pragma once
#include "shared/admin_config.h"
#include "shared/admin_connections.h"
#include "shared/admin_node.h"
#include "shared/admin_records.h"
#include "shared/admin_rooms.h"
#include "shared/admin_rpc.h"
