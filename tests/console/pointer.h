// SPDX-License-Identifier: Apache-2.0
// The pointer of a real X server, moved by xdotool as a hand would. Main thread of a test.
#pragma once
#include <QProcess>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QWidget>

/// Moves it to `at` of the widget, then does what xdotool calls `then`; false when it could not.
inline bool movePointer(const QWidget& widget, QPoint at, const QStringList& then = {}) {
    const QPoint place = widget.mapToGlobal(at);
    QProcess pointer;
    pointer.start(QStringLiteral("xdotool"),
                  QStringList{"mousemove", QString::number(place.x()), QString::number(place.y())} + then);
    return QTest::qWaitFor([&] { return pointer.state() == QProcess::NotRunning; }, 10'000) &&
           pointer.exitStatus() == QProcess::NormalExit && pointer.exitCode() == 0;
}

/// And presses its first button there.
inline bool clickAt(const QWidget& widget, QPoint at) {
    return movePointer(widget, at, {"click", "1"});
}

/// A progress line that wraps may move the button while the pointer is on its way: as a person would, again.
inline bool press(const QPushButton& button) {
    QSignalSpy pressed(&button, &QPushButton::clicked);
    for (int attempt = 0; attempt < 5 && pressed.isEmpty(); ++attempt) {
        if (!clickAt(button, button.rect().center()))
            return false;
        (void)QTest::qWaitFor([&pressed] { return !pressed.isEmpty(); }, 2000);
    }
    return pressed.size() == 1;
}
