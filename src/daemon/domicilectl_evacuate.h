/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_DOMICILECTL_EVACUATE_H
#define DAEMON_DOMICILECTL_EVACUATE_H

#include "daemon/domicilectl.h"
#include "daemon/timetable.h"

/* Until the plan is carried out, something stops it, or SIGINT comes. */
int evacuate_run(const struct ctl *ctl, const struct plan *plan, const char *target);

#endif
