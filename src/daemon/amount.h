/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_AMOUNT_H
#define DAEMON_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Amounts as an operator types them.  False: it is none, or too large. */

/* "500", "64K", "200M", "5G", "1T": bytes, by powers of 1024. */
bool amount_bytes(const char *text, int64_t *bytes_r);
/* "90m", "12h", "7d", "4w"; never 0. */
bool amount_life(const char *text, int64_t *ms_r);

#endif
