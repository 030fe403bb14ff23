// SPDX-License-Identifier: GPL-3.0-or-later
// QWebSocket hides the body of a refusal: this asks once more in plain HTTP, to read the node's sentence.
// Main thread.
#pragma once
#include <QByteArray>
#include <QObject>
#include <QTcpSocket>
#include <QTimer>
#include <QUrl>

namespace console {

class RefusalProbe : public QObject {
    Q_OBJECT

public:
    RefusalProbe(QUrl url, QString token, QObject* parent);
    void start();

Q_SIGNALS:
    void finished(const QString& sentence); ///< once; empty when nothing readable came

private:
    void finish();
    QUrl m_url;
    QString m_token;
    QTcpSocket m_socket;
    QTimer m_limit;
    QByteArray m_answer;
    bool m_isFinished = false;
};

/// The sentence in the JSON body of an HTTP answer, empty when there is none.
QString sentenceInAnswer(const QByteArray& answer);

} // namespace console
