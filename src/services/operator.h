/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_OPERATOR_H
#define SERVICES_OPERATOR_H

#include "services/service.h"

/*
 * What an operator may do to accounts, by the same rules as everyone: run it
 * in a job.  On DOM_EDENIED detail_r is a sentence that says why not; it lives
 * in the arena or is constant.
 */

/*
 * An account without keys: whoever signs up with its name first, also while
 * sign-up is closed, brings them and owns it.
 * Source: etebase-protocol 4.2.2.
 */
DOM_MUST_CHECK enum dom_status operator_user_add(const struct service *service,
    struct store_txn *txn, struct dom_slice name, struct dom_slice email,
    struct dom_arena *arena, const char **detail_r);

/*
 * Refuse an account's sessions and logins from now on, or take them again.
 * Nothing is deleted.
 */
DOM_MUST_CHECK enum dom_status operator_user_switch(const struct service *service,
    struct store_txn *txn, struct dom_slice name, bool disabled, struct dom_arena *arena,
    const char **detail_r);

/*
 * What the account may keep; below zero: what the region says.  What is there
 * stays, also if it is more.
 */
DOM_MUST_CHECK enum dom_status operator_user_quota(const struct service *service,
    struct store_txn *txn, struct dom_slice name, int64_t quota_bytes, struct dom_arena *arena,
    const char **detail_r, struct store_usage *usage_r);

/*
 * A code with which somebody may sign up where sign-up is by invitation; the
 * text is the only copy.
 */
enum { OPERATOR_CODE_TEXT_SIZE = 23 }; /* four groups of five, hyphens between */
struct operator_invite {
	int64_t uses_max; /* accounts that may be made with it */
	int64_t life_ms;
	int64_t quota_bytes; /* of each of them; below zero: as the region says */
};
DOM_MUST_CHECK enum dom_status operator_invite_add(const struct service *service,
    struct store_txn *txn, const struct operator_invite *wanted,
    char text_r[OPERATOR_CODE_TEXT_SIZE + 1], int64_t *number_r, const char **detail_r);
/* By its number, or by the code itself.  Accounts that were made with it stay. */
DOM_MUST_CHECK enum dom_status operator_invite_revoke(const struct service *service,
    struct store_txn *txn, struct dom_slice which, const char **detail_r);

#endif
