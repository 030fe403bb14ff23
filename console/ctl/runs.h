// SPDX-License-Identifier: GPL-3.0-or-later
// What each sub-command does. Main thread; each waits for its answers in Qt's event loop.
#pragma once
#include "console/ctl/errand.h"

namespace console {

ExitCode runNodes(Errand& errand);
ExitCode runStatus(Errand& errand);
ExitCode runTop(Errand& errand);
ExitCode runConnections(Errand& errand);
ExitCode runRooms(Errand& errand);
ExitCode runEvict(Errand& errand);
ExitCode runDrain(Errand& errand);
ExitCode runResume(Errand& errand);
ExitCode runPublish(Errand& errand);
ExitCode runOperations(Errand& errand);
ExitCode runClosed(Errand& errand);
ExitCode runTrace(Errand& errand);
ExitCode runRollingDrain(Errand& errand);
ExitCode runRebalance(Errand& errand);
ExitCode runConfig(Errand& errand);
ExitCode runAudit(Errand& errand);
ExitCode runLog(Errand& errand);
ExitCode runDoctor(Errand& errand);

} // namespace console
