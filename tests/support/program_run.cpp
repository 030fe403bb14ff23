// SPDX-License-Identifier: Apache-2.0
#include "tests/support/program_run.h"
#include <QCoreApplication>
#include <QProcessEnvironment>
#include <QTest>

namespace {
#ifdef WEIR_SANITIZED
constexpr int Patience_ms = 300'000;
#else
constexpr int Patience_ms = 30'000;
#endif
} // namespace

void startProgram(QProcess& process, const QString& program, const QStringList& arguments,
                  const QStringList& variables) {
    auto environment = QProcessEnvironment::systemEnvironment();
    for (const auto& key : environment.keys()) {
        if (key.startsWith(QStringLiteral("WEIR_")))
            environment.remove(key);
    }
    environment.remove(QStringLiteral("RUNTIME_DIRECTORY"));
    environment.remove(QStringLiteral("XDG_RUNTIME_DIR"));
    environment.remove(QStringLiteral("DISPLAY"));
    for (const auto& variable : variables)
        environment.insert(variable.section(u'=', 0, 0), variable.section(u'=', 1));
    process.setProcessEnvironment(environment);
    process.start(QCoreApplication::applicationDirPath() + u'/' + program, arguments);
}

Outcome outcomeOf(QProcess& process) {
    const bool ended = QTest::qWaitFor([&] { return process.state() == QProcess::NotRunning; }, Patience_ms);
    if (!ended) {
        process.kill();
        process.waitForFinished();
    }
    const int code = !ended ? -1 : process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -2;
    return {code, process.readAllStandardOutput(), process.readAllStandardError()};
}

Outcome runProgram(const QString& program, const QStringList& arguments, const QStringList& variables,
                   const QByteArray& input) {
    QProcess process;
    startProgram(process, program, arguments, variables);
    process.write(input);
    process.closeWriteChannel();
    return outcomeOf(process);
}
