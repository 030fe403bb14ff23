// SPDX-License-Identifier: Apache-2.0
#include "tests/load/byte_stream.h"
#include "tests/load/qt_stream.h"
#ifndef WEIR_PORTABLE
#include "tests/load/bare_stream.h"
#include <QHostAddress>
#endif

std::unique_ptr<ByteStream> ByteStream::make(const Target& target, Host& host) {
#ifndef WEIR_PORTABLE
    auto* const dispatcher = qobject_cast<server::EpollDispatcher*>(QAbstractEventDispatcher::instance());
    if (dispatcher && !target.tls && !QHostAddress(QString::fromStdString(target.host)).isNull())
        return std::make_unique<BareStream>(*dispatcher, host);
#endif
    return std::make_unique<QtStream>(target, host);
}
