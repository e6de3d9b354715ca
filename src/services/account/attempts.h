/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_ACCOUNT_ATTEMPTS_H
#define SERVICES_ACCOUNT_ATTEMPTS_H

#include "base/random.h"

#include "services/service.h"

/*
 * How often somebody may be wrong about a password: a bucket of attempts for
 * each account, whatever it is called by, and one for each address that asks.
 * A failed login takes one out of both; they come back with time.  An account
 * that does not exist has its bucket too, so nothing can be learned.
 *
 * Only in memory, and only hashes: a restart forgets it.  Where more buckets
 * are in use than there is room for, the fullest is forgotten.
 * Thread: the writer, where logins run.
 */
struct login_limits {
	int64_t burst, per_hour; /* of one account, at least 1 */
	int64_t address_burst, address_per_hour;
};

/* NULL: no memory. */
struct login_attempts *login_attempts_new(
    const struct login_limits *limits, const struct dom_random *random);
void login_attempts_free(struct login_attempts **attempts);

/*
 * Take one for both; 0: go on.  Else nothing was taken, and it is the
 * milliseconds until one is there.  An empty peer has no bucket; account NULL:
 * only the address is concerned.
 */
int64_t login_attempts_take(struct login_attempts *attempts, const uint8_t *account,
    struct dom_slice peer, int64_t now_ms);
/* The password was right, or it was not about the password. */
void login_attempts_give_back(struct login_attempts *attempts, const uint8_t *account,
    struct dom_slice peer, int64_t now_ms);

#endif
