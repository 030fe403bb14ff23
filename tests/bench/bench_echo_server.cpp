// SPDX-License-Identifier: Apache-2.0
// QWebSocketServer as Qt ships it, echoing weir-load's messages, on Qt's event dispatcher or on ours: what
// the dispatcher alone is worth. `bench_echo_server qt|epoll`; prints {"port":N}; ends with its standard
// input.
#include "server/net/linux/epoll_dispatcher.h"
#include <QCoreApplication>
#include <QSocketNotifier>
#include <QTcpServer>
#include <QTcpSocket>
#include <QWebSocket>
#include <QWebSocketServer>
#include <cstdio>
#include <cstring>

namespace {

constexpr int Backlog = 4096;

/// The least of Socket.IO that an echo run needs.
void answer(QWebSocket& socket, const QString& text) {
    if (text == QLatin1String("40")) {
        socket.sendTextMessage(QStringLiteral("40{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}"));
    } else if (text.startsWith(QLatin1String("420[\"join\","))) {
        socket.sendTextMessage(QStringLiteral("430[{\"ok\":true}]"));
    } else if (text.startsWith(QLatin1String("42[\"publish\","))) {
        const auto begin = text.indexOf(QLatin1String("\"load\","));
        const auto end = text.lastIndexOf(QLatin1String(",{\"echo\":true}]"));
        if (begin > 0 && end > begin)
            socket.sendTextMessage(QStringLiteral("42[") + text.mid(begin, end - begin) + QLatin1Char(']'));
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2 || (std::strcmp(argv[1], "qt") != 0 && std::strcmp(argv[1], "epoll") != 0)) {
        std::fputs("bench_echo_server: wants qt or epoll\n", stderr);
        return 64;
    }
    if (std::strcmp(argv[1], "epoll") == 0)
        QCoreApplication::setEventDispatcher(new server::EpollDispatcher);
    QCoreApplication application(argc, argv);

    QTcpServer listener;
    listener.setListenBacklogSize(Backlog);
    listener.setMaxPendingConnections(Backlog);
    QWebSocketServer door(QStringLiteral("bench"), QWebSocketServer::NonSecureMode);
    door.setMaxPendingConnections(Backlog);
    QObject::connect(&listener, &QTcpServer::newConnection, &door, [&] {
        while (QTcpSocket* socket = listener.nextPendingConnection())
            door.handleConnection(socket);
    });
    QObject::connect(&door, &QWebSocketServer::newConnection, &door, [&] {
        while (QWebSocket* socket = door.nextPendingConnection()) {
            socket->setParent(&door);
            QObject::connect(socket, &QWebSocket::disconnected, socket, &QObject::deleteLater);
            QObject::connect(socket, &QWebSocket::textMessageReceived, socket,
                             [socket](const QString& text) { answer(*socket, text); });
            socket->sendTextMessage(
                QStringLiteral("0{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\",\"upgrades\":[],\"pingInterval\":250000,"
                               "\"pingTimeout\":50000,\"maxPayload\":1000000}"));
        }
    });
    if (!listener.listen(QHostAddress::LocalHost, 0)) {
        std::fprintf(stderr, "bench_echo_server: %s\n", qPrintable(listener.errorString()));
        return 71;
    }
    QSocketNotifier input(fileno(stdin), QSocketNotifier::Read);
    QObject::connect(&input, &QSocketNotifier::activated, &application, [] {
        if (std::getchar() == EOF)
            QCoreApplication::quit();
    });
    std::printf("{\"port\":%d}\n", int(listener.serverPort()));
    std::fflush(stdout);
    return QCoreApplication::exec();
}
