/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_ACCESS_H
#define SIM_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

struct oracle;
struct region;
struct serving;

/*
 * Who may still ask: sessions that ended stay ended, each in its region.  One is known from
 * the first request on that it was good for.
 */
struct access;

struct access *access_new(void);
void access_free(struct access **access);
/* In the order of the commits: ends sessions. */
void access_committed(struct access *access, const struct serving *serving);
/* After a request that was done. */
void access_answered(struct access *access, struct serving *serving);
/* Sessions may have come back with the backup. */
void access_restored(struct access *access, const struct region *region);

#endif
