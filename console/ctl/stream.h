// SPDX-License-Identifier: GPL-3.0-or-later
// Notifications of nodes as lines on stdout, until they end or Ctrl-C. Main thread.
#pragma once
#include "console/ctl/errand.h"
#include <functional>

namespace console {

struct StreamPlan {
    QString start; ///< the method that begins it
    QJsonObject params;
    QString stop;         ///< the method that ends it
    QString notification; ///< each is a line
    std::optional<double> limit_s;
    std::function<std::string(const QJsonObject&)> text;
};

/// A notification with `ended` is its node's last. Ctrl-C is a fine end.
ExitCode stream(Errand& errand, const std::vector<NodeLink*>& nodes, const StreamPlan& plan);

} // namespace console
