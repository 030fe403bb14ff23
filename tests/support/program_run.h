// SPDX-License-Identifier: Apache-2.0
// A program of the build directory run to its end, while the test's own event loop goes on. Main thread.
#pragma once
#include <QByteArray>
#include <QProcess>
#include <QStringList>

struct Outcome {
    int exitCode = -1; ///< -1: it did not end in time, -2: it crashed
    QByteArray out, err;
};

/// Its environment is the test's without WEIR_… and run directories, plus `variables` (NAME=VALUE).
void startProgram(QProcess& process, const QString& program, const QStringList& arguments,
                  const QStringList& variables = {});
/// Waits for the end of a started one, then tells what it wrote.
Outcome outcomeOf(QProcess& process);
Outcome runProgram(const QString& program, const QStringList& arguments, const QStringList& variables = {},
                   const QByteArray& input = {});
