// SPDX-License-Identifier: Apache-2.0
// A byte stream over QTcpSocket or QSslSocket: for TLS, for names, and where there are no bare sockets. Main
// thread.
#pragma once
#include "tests/load/byte_stream.h"
#include <QObject>
#include <QTcpSocket>

class QtStream final : public QObject, public ByteStream {
public:
    QtStream(const Target& target, Host& host);
    ~QtStream() override;
    void open(const Target& target, const std::string& source) override;
    std::size_t read(char* into, std::size_t most) override;
    void write(std::string_view bytes) override;
    void close() override;

private:
    Host& m_host;
    std::unique_ptr<QTcpSocket> m_socket;
};
