/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_PUSH_PUSH_H
#define SERVICES_PUSH_PUSH_H

#include "base/buffer.h"

#include "wire/stoken.h"

#include "services/service.h"

/*
 * What devices that wait are told, and who may wait: see DESIGN.md beside
 * this file.  Source: etebase-protocol 4.7, docs/HACKING.md "Push".
 */
enum {
	PUSH_TICKET_LIFE_MS = 20 * 1000,
	PUSH_TICKETS_MAX = 4096,
	PUSH_TICKETS_OF_ACCOUNT_MAX = 64, /* one more takes the place of its oldest */
	PUSH_MESSAGE_ITEMS_MAX = 50,
	/* Contents beyond this are nil: the device downloads those chunks. */
	PUSH_MESSAGE_SIZE_MAX = 2 << 20,
	PUSH_UID_SIZE_MAX = 64, /* wire_uid_valid() */
};

/* Where in one owner's clock a subscription has come to. */
struct push_owner {
	int64_t number;
	uint8_t id[STORE_ID_SIZE];
	uint64_t clock;
};

/* What one device follows.  It lives on the heap, outside of any request. */
struct push_subscription {
	int64_t account;
	uint8_t token_hash[STORE_TOKEN_HASH_SIZE]; /* of the session that asked for it */
	int64_t collection;                        /* 0: everything that the account may read */
	char uid[PUSH_UID_SIZE_MAX + 1];           /* of the collection */
	struct push_owner *owners;                 /* of a collection: one */
	size_t owner_count;
};
void push_subscription_free(struct push_subscription **subscription);

/*
 * A message, and which one it is: the next subscription at the same place of
 * the same collection gets it without building it again, as long as the
 * transaction is the same.  {0} is none.
 */
struct push_message {
	struct dom_buffer body;
	int64_t collection;
	uint64_t from, upto; /* what was asked for: clock > from, up to upto */
	uint64_t reached;    /* the clock that the token in it says */
};

/*
 * What comes next for this subscription, at most up to clock upto of its
 * collection's owner (UINT64_MAX: all there is); the subscription moves on.
 *
 *   DOM_OK       message holds it; perhaps there is more
 *   DOM_ABSENT   nothing more, up to there
 *   DOM_EDENIED  the session has ended or the account is no member any more
 *   DOM_EFENCED  the account lives in another region now
 *   below        memory or the store
 *
 * The arena is for the call alone.  Thread: any, with a reader's transaction.
 */
DOM_MUST_CHECK enum dom_status push_next(const struct service *service, struct store_txn *txn,
    struct push_subscription *subscription, uint64_t upto, struct dom_arena *arena,
    struct push_message *message);
/* push_next()'s for subscriptions without a collection: see changes.c. */
DOM_MUST_CHECK enum dom_status push_next_change(struct store_txn *txn,
    struct push_subscription *subscription, struct dom_arena *arena, struct dom_buffer *body);
/*
 * The owners whose collections the account may read now: new ones come in
 * at clock 0, those that are gone go.  *moved_r: there were such.
 * DOM_EDENIED: the account itself was erased.
 */
DOM_MUST_CHECK enum dom_status push_owners_renew(struct store_txn *txn,
    struct push_subscription *subscription, struct dom_arena *arena, bool *moved_r);

/* --- tickets (ticket.c) --------------------------------------------------------- */

/* Between the threads that share the tickets; handed in, as a clock is. */
struct push_lock {
	void (*take)(void *context);
	void (*give)(void *context);
	void *context;
};

/* In memory; NULL: no memory. */
struct push_tickets *push_tickets_open(const struct push_lock *lock);
void push_tickets_close(struct push_tickets **tickets);

struct push_ticket {
	int64_t account, collection;
	uint8_t token_hash[STORE_TOKEN_HASH_SIZE];
	char uid[PUSH_UID_SIZE_MAX + 1];
};

enum {
	PUSH_TICKET_BYTES = 24, /* the first two say where it lies, the others are secret */
	PUSH_TICKET_SIZE = 32,  /* as text: letters, digits, "-" and "_" */
};

/*
 * fresh: random bytes; the first two are replaced.  DOM_ELIMIT: too many
 * tickets are alive.
 */
DOM_MUST_CHECK enum dom_status push_ticket_put(struct push_tickets *tickets,
    const struct push_ticket *ticket, int64_t now_ms, uint8_t fresh[PUSH_TICKET_BYTES],
    char text_r[PUSH_TICKET_SIZE + 1]);
/* Takes it away: it works once.  DOM_ABSENT: unknown, used or too old. */
DOM_MUST_CHECK enum dom_status push_ticket_take(struct push_tickets *tickets,
    struct dom_slice text, int64_t now_ms, struct push_ticket *ticket_r);

/* --- operations; only services/ calls them ---------------------------------------- */

struct service_call;
DOM_MUST_CHECK enum dom_status push_ticket(struct service_call *call);
DOM_MUST_CHECK enum dom_status push_subscribe(struct service_call *call);
DOM_MUST_CHECK enum dom_status push_changes_ticket(struct service_call *call);
DOM_MUST_CHECK enum dom_status push_changes(struct service_call *call);

#endif
