// SPDX-License-Identifier: Apache-2.0
#include "tests/load/qt_stream.h"
#include <QHostAddress>
#include <QNetworkProxy>
#include <QSslSocket>

QtStream::QtStream(const Target& target, Host& host)
    : m_host(host), m_socket(target.tls ? std::make_unique<QSslSocket>() : std::make_unique<QTcpSocket>()) {
    m_socket->setProxy(QNetworkProxy::NoProxy); // nothing between us and what is measured
    const auto opened = [this] {
        m_socket->setSocketOption(QAbstractSocket::LowDelayOption, 1);
        m_host.streamOpened();
    };
    if (auto* const tls = qobject_cast<QSslSocket*>(m_socket.get()))
        connect(tls, &QSslSocket::encrypted, this, opened);
    else
        connect(m_socket.get(), &QTcpSocket::connected, this, opened);
    connect(m_socket.get(), &QTcpSocket::readyRead, this, [this] { m_host.streamReadable(); });
    connect(m_socket.get(), &QTcpSocket::errorOccurred, this, [this](QAbstractSocket::SocketError) {
        m_host.streamBroken(m_socket->errorString().toStdString());
    });
    connect(m_socket.get(), &QTcpSocket::disconnected, this,
            [this] { m_host.streamBroken("the connection was closed"); });
}

QtStream::~QtStream() {
    m_socket->disconnect(this);
}

void QtStream::open(const Target& target, const std::string& source) {
    if (!source.empty())
        m_socket->bind(QHostAddress(QString::fromStdString(source)));
    if (auto* const tls = qobject_cast<QSslSocket*>(m_socket.get())) {
        tls->setSslConfiguration(*target.tls);
        tls->connectToHostEncrypted(QString::fromStdString(target.host), target.port);
        return;
    }
    // Unbuffered: thousands of these live in one process, and a frame is written in one call.
    m_socket->connectToHost(QString::fromStdString(target.host), target.port,
                            QIODevice::ReadWrite | QIODevice::Unbuffered);
}

std::size_t QtStream::read(char* into, std::size_t most) {
    const qint64 got = m_socket->read(into, qint64(most));
    if (got < 0)
        m_host.streamBroken(m_socket->errorString().toStdString());
    return got > 0 ? std::size_t(got) : 0;
}

void QtStream::write(std::string_view bytes) {
    m_socket->write(bytes.data(), qint64(bytes.size()));
}

void QtStream::close() {
    m_socket->disconnect(this);
    m_socket->disconnectFromHost();
}
