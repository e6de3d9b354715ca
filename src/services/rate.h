/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_RATE_H
#define SERVICES_RATE_H

#include <domicile/slice.h>

#include "base/random.h"

/*
 * How often somebody may do something: for each name a bucket, out of which
 * each time takes one, and which fills up again with time.  Of a kind all
 * buckets have one rule; a full bucket needs no memory.
 *
 * The memory is what the table was made with, however many names come: where
 * more buckets are in use than there is room for, the fullest is forgotten, so
 * a flood of names helps nobody who has used up a bucket.  Names are only kept
 * as keyed hashes.  One thread at a time.
 */
struct rate_table;

/* burst at once, and one back in each interval. */
struct rate_rule {
	int64_t interval_us, burst_us; /* burst_us: all of it */
};
/* count of them in period_us. */
struct rate_rule rate_rule_of(int64_t burst, int64_t count, int64_t period_us);

/* For 4 * sets buckets of 16 bytes; NULL: no memory. */
struct rate_table *rate_table_new(size_t sets, const struct dom_random *random);
void rate_table_free(struct rate_table **table);

/*
 * Take one; 0: go on.  Else nothing was taken, and it is the microseconds until
 * one is there.  What has no name (size 0) has no bucket.
 */
int64_t rate_take(struct rate_table *table, const struct rate_rule *rule, char kind,
    struct dom_slice name, int64_t now_us);
/* What rate_take() would answer. */
int64_t rate_wait(struct rate_table *table, const struct rate_rule *rule, char kind,
    struct dom_slice name, int64_t now_us);
void rate_give_back(struct rate_table *table, const struct rate_rule *rule, char kind,
    struct dom_slice name, int64_t now_us);

#endif
