# SPDX-License-Identifier: Apache-2.0
# The Debian side of the three packages: names, dependencies, texts, maintainer scripts.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The Weirkeeper authors <maintainers@weirkeeper.org>")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_NODE_PACKAGE_NAME weirkeeper-node)
set(CPACK_DEBIAN_NODE_PACKAGE_SECTION net)
set(CPACK_DEBIAN_NODE_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_NODE_PACKAGE_SUGGESTS "redis-server, weirkeeper-tools, weirkeeper-console")
set(CPACK_COMPONENT_NODE_DESCRIPTION "WebSocket cluster node for Socket.IO clients
weir-node serves official Socket.IO clients over WebSocket: rooms,
acknowledgements, binary data. It stands alone, or joins other nodes and
Node.js servers through Redis.
.
Operators see every connection, and drain a node before a deploy, through the
admin channel that weirkeeper-console and weirkeeper-tools speak.")
foreach(script conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_NODE_PACKAGE_CONTROL_EXTRA ${weir_packaging}/debian/${script})
endforeach()

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME weirkeeper-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "command line tools for weir-node
Tools for a cluster of weir-node servers: weir-load opens many WebSocket
connections and measures connect rate, throughput and latency, and where it is
part of the build, weirctl does from a script what the console does.")

set(CPACK_DEBIAN_CONSOLE_PACKAGE_NAME weirkeeper-console)
set(CPACK_DEBIAN_CONSOLE_PACKAGE_SECTION net)
# A plug-in, so that no library of the program's own names it: without it icons draw nothing.
set(CPACK_DEBIAN_CONSOLE_PACKAGE_DEPENDS "libqt6svg6")
set(CPACK_COMPONENT_CONSOLE_DESCRIPTION "desktop console of a WebSocket cluster
weirkeeper shows the connections of a cluster of weir-node servers while it
happens, charts the fleet, and drains or disconnects with a preview, a rate and
a way to stop half way.")
