// SPDX-License-Identifier: Apache-2.0
// A certificate authority of the test's own, made when the test runs and gone with it; openssl does the work.
// Test thread.
#pragma once
#include <QByteArray>
#include <QString>
#include <QStringList>
#include <QTemporaryDir>

/// Files in PEM.
struct TestPair {
    QString certificate, key;
};

class TestAuthority {
public:
    enum class Life { Valid, Expired, NearlyOver /**< for three days */ };

    /// Asserts in the test's name when openssl is not there.
    explicit TestAuthority(const QString& name = QStringLiteral("Test Authority"));
    QString file() const { return path(QStringLiteral("ca.pem")); }
    /// For the names of a certificate, as openssl writes them: "DNS:localhost", "IP:127.0.0.1".
    TestPair issue(const QString& name, const QStringList& names = {"DNS:localhost", "IP:127.0.0.1"},
                   Life life = Life::Valid) const;
    QString path(const QString& file) const { return m_directory.filePath(file); }

private:
    QTemporaryDir m_directory;
};

/// SHA-256 of a certificate in a file, as `--pin` takes it: "sha256:…".
QString pinOf(const QString& certificateFile);
/// Lets `file` hold what `from` holds, in one step, as `mv` does.
void replaceFile(const QString& file, const QString& from);
