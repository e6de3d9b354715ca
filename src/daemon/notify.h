/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>

#include "http/server.h"

/* Telling others that we are ready. */

/*
 * Write the process id and then where it listens, one line each; the file
 * appears whole.  False: errno says why.
 */
bool notify_ready_file(const char *path, const struct http_server *server);

/* A state such as "READY=1" to systemd, if it started us (sd_notify(3)). */
void notify_supervisor(const char *state);

#endif
