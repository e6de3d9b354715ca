/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_ACCOUNT_ACCOUNT_H
#define SERVICES_ACCOUNT_ACCOUNT_H

#include "services/call.h"

/*
 * Accounts and sessions: see DESIGN.md beside this file.  Source:
 * etebase-protocol 4.2.
 */
enum {
	ACCOUNT_NAME_CHARACTERS_MAX = 150,
	ACCOUNT_TOUCH_EVERY_MS = 60 * 60 * 1000, /* a session's expiry is written this often */
};

/* Operations; those below "session" need service_authenticate() before. */
DOM_MUST_CHECK enum dom_status account_signup(struct service_call *call);
DOM_MUST_CHECK enum dom_status account_login_challenge(struct service_call *call);
#ifdef DOM_TEST_API
DOM_MUST_CHECK enum dom_status account_reset(struct service_call *call);
#endif
DOM_MUST_CHECK enum dom_status account_login(struct service_call *call);
/* session */
DOM_MUST_CHECK enum dom_status account_logout(struct service_call *call);
DOM_MUST_CHECK enum dom_status account_change_password(struct service_call *call);
DOM_MUST_CHECK enum dom_status account_session_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status account_session_revoke(struct service_call *call);

/*
 * A new account, if its name and address may be used and are nobody's; the id
 * and number are set here.  For signing up and for operators.
 */
DOM_MUST_CHECK enum dom_status account_create(
    struct service_call *call, struct store_account *account);

/*
 * Sign up with this code: one of its uses is taken.  Refused if it has none;
 * that counts as an attempt of the address.
 */
DOM_MUST_CHECK enum dom_status account_invite_take(
    struct service_call *call, struct dom_slice text, struct store_invite *invite_r);
/* True if the session was last used long enough ago to be written down. */
bool account_session_wants_touch(const struct service_call *call);
DOM_MUST_CHECK enum dom_status account_session_touch(struct service_call *call);
/* A new session of the account, and the answer to signup and login. */
DOM_MUST_CHECK enum dom_status account_session_start(
    struct service_call *call, const struct store_account *account);

/*
 * The form in which names and e-mail addresses are kept and looked up: lower
 * case.  Anything is accepted; what no account can have is simply not found.
 */
DOM_MUST_CHECK enum dom_status account_name_fold(
    struct dom_arena *arena, struct dom_slice text, struct dom_slice *folded_r);
/* What is wrong with a new account's name or address, or NULL. */
const char *account_name_fault(struct dom_slice folded);
const char *account_email_fault(struct dom_slice folded);

/* By name, then by e-mail address; DOM_ABSENT. */
DOM_MUST_CHECK enum dom_status account_find(
    struct service_call *call, struct dom_slice login, struct store_account *account_r);
/* Does it live here, for others?  One that has moved away, or is only a copy, does not. */
bool account_lives_here(const struct store_account *account);

/*
 * Does host, as a client signed it, name this server?  Ports, letter case and
 * the brackets of IPv6 literals do not count.
 */
bool account_host_is_ours(const struct service_call *call, struct dom_slice host);

#endif
