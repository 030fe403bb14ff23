// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_authority.h"
#include <QFile>
#include <QProcess>
#include <QSslCertificate>
#include <cstdio>

namespace {

void openssl(const QStringList& words) {
    QProcess process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    process.start(QStringLiteral("openssl"), words);
    const bool isDone = process.waitForStarted(10000) && process.waitForFinished(60000);
    if (!isDone || process.exitCode() != 0)
        qFatal("openssl %s: %s", qUtf8Printable(words.join(QLatin1Char(' '))), process.readAll().constData());
}

const QStringList NewKey{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"};

} // namespace

TestAuthority::TestAuthority(const QString& name) {
    openssl(QStringList{"req", "-x509"} + NewKey +
            QStringList{"-keyout", path(QStringLiteral("ca.key")), "-out", file(), "-days", "30", "-subj",
                        "/CN=" + name});
}

TestPair TestAuthority::issue(const QString& name, const QStringList& names, Life life) const {
    const TestPair pair{path(name + QStringLiteral(".pem")), path(name + QStringLiteral(".key"))};
    const auto request = path(name + QStringLiteral(".csr"));
    openssl(QStringList{"req"} + NewKey +
            QStringList{"-keyout", pair.key, "-out", request, "-subj", "/CN=" + name, "-addext",
                        "subjectAltName=" + names.join(QLatin1Char(','))});
    const auto days = life == Life::Valid ? "30" : life == Life::Expired ? "-1" : "3";
    openssl({"x509", "-req", "-in", request, "-CA", file(), "-CAkey", path(QStringLiteral("ca.key")),
             "-CAcreateserial", "-days", QLatin1String(days), "-copy_extensions", "copyall", "-out",
             pair.certificate});
    return pair;
}

QString pinOf(const QString& certificateFile) {
    const auto certificates = QSslCertificate::fromPath(certificateFile);
    return certificates.isEmpty()
               ? QString()
               : QStringLiteral("sha256:") +
                     QString::fromLatin1(certificates.first().digest(QCryptographicHash::Sha256).toHex());
}

void replaceFile(const QString& file, const QString& from) {
    const auto fresh = file + QStringLiteral(".new");
    QFile::remove(fresh);
    if (!QFile::copy(from, fresh) ||
        std::rename(QFile::encodeName(fresh).constData(), QFile::encodeName(file).constData()) != 0)
        qFatal("%s could not be replaced", qUtf8Printable(file));
}
