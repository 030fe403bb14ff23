// SPDX-License-Identifier: Apache-2.0
// The kernel's header of TCP_INFO knows more than the C library's, and cannot stand beside it.
#include "server/net/raw_socket.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace server {

std::optional<shared::admin::TcpState> tcpState(Descriptor socket) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(int(socket), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return std::nullopt; // a Unix socket, or it has just ended
    shared::admin::TcpState state;
    state.rtt_ms = double(info.tcpi_rtt) / 1000;
    state.rtt_deviation_ms = double(info.tcpi_rttvar) / 1000;
    state.retransmits = info.tcpi_total_retrans;
    state.unacknowledged = info.tcpi_unacked;
    state.unsent_bytes = info.tcpi_notsent_bytes; // an older kernel leaves what it does not know at 0
    state.peer_window_bytes = info.tcpi_snd_wnd;
    state.delivered_bytes_per_s = std::int64_t(info.tcpi_delivery_rate);
    return state;
}

} // namespace server
