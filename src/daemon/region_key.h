/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_REGION_KEY_H
#define DAEMON_REGION_KEY_H

#include "crypto/region.h"

/* The store's file in the data folder, and the secret's. */
extern const char region_store_name[], region_key_name[];

/*
 * The region's secret: a file of 32 random bytes, mode 0600, made on the first
 * start; region.key in the data folder, or wherever region_key_file says.
 * One that others can read, or that is missing beside a store, is refused:
 * going on would be worse.  random NULL: it is never made.
 * message_r: what happened, what it means, what to do.
 */
DOM_MUST_CHECK enum dom_status region_key_load(const char *path, const char *data,
    const struct dom_random *random, struct dom_region_key **key_r, char *message_r,
    size_t message_size);

#endif
