// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/ctl/runs.h"
namespace console {
ExitCode runDoctor(Errand& errand) {
    return errand.finish({});
}
} // namespace console
