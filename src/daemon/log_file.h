/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_LOG_FILE_H
#define DAEMON_LOG_FILE_H

#include <stddef.h>

#include <domicile/status.h>

/*
 * log: "stderr", "none" or a path; *fd_r: -1 for none.  Nobody waits for it: it
 * does not block.  message_r: for an operator.
 */
DOM_MUST_CHECK enum dom_status log_file_open(
    const char *log, int *fd_r, char *message_r, size_t message_size);
/* After a file was moved away: go on in a new one of its name, under the same number. */
void log_file_reopen(const char *log, int log_fd);

#endif
