/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_SHARE_SHARE_H
#define SERVICES_SHARE_SHARE_H

#include "wire/share.h"

#include "services/vault/vault.h"

/*
 * Members and invitations: see DESIGN.md beside this file.  Source:
 * etebase-protocol 4.5 and 4.6.
 */
enum {
	/* Other owners whose collections an account is in; a sync token holds as many. */
	SHARE_OWNERS_MAX = WIRE_STOKEN_OWNERS_MAX - 1,
};

/* The collection of a request, for its admins: 404, 403. */
DOM_MUST_CHECK enum dom_status share_open(
    struct service_call *call, struct vault_place *place_r);

/*
 * For the devices that wait: the owner's clock has come here, and what this
 * account may read has changed.  One that may not any more is cut off.
 */
void share_announce(struct service_call *call, const struct store_collection *collection,
    uint64_t clock, int64_t member);

/* Is there room for one more member?  413 if not. */
DOM_MUST_CHECK enum dom_status share_check_members(
    struct service_call *call, int64_t collection);

/* --- operations; after service_authenticate() -------------------------------- */

DOM_MUST_CHECK enum dom_status share_member_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_member_set(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_member_remove(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_member_leave(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_profile(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_invite(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_outgoing_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_outgoing_withdraw(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_incoming_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_incoming_get(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_incoming_reject(struct service_call *call);
DOM_MUST_CHECK enum dom_status share_incoming_accept(struct service_call *call);

/* --- pages (list.c) ------------------------------------------------------------ */

/* A list under way: rows with a clock of one account. */
struct share_list {
	struct vault_page page;
	const uint8_t *account_id; /* whose clock orders the rows */
	uint64_t after;
	bool moved;
};

/*
 * garbage: what an iterator that is not ours is refused with.  An empty one is
 * garbage too, unless empty_is_start.
 */
DOM_MUST_CHECK enum dom_status share_list_open(struct service_call *call,
    const uint8_t account_id[STORE_ID_SIZE], enum service_code garbage, bool empty_is_start,
    struct share_list *list_r);
/* A row was put at the end of list->page.values. */
DOM_MUST_CHECK enum dom_status share_list_put(struct share_list *list, uint64_t clock);
DOM_MUST_CHECK enum dom_status share_list_finish(struct share_list *list, bool done);
void share_list_close(struct share_list *list);

#endif
