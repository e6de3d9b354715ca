/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_CONTROL_RETENTION_H
#define DAEMON_CONTROL_RETENTION_H

#include "daemon/control.h"

/* The commands of domicilectl about retention, inside the server: exit codes. */
int control_retention_rules(struct control_call *call);
int control_retention_report(struct control_call *call);
int control_retention_notices(struct control_call *call);

#endif
