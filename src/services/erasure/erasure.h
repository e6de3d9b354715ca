/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_ERASURE_ERASURE_H
#define SERVICES_ERASURE_ERASURE_H

#include "wire/receipt.h"

#include "services/call.h"
#include "services/journal.h"
#include "store/erase.h"

/*
 * Erasing: see DESIGN.md beside this file.  What is here happens in the job of
 * the request, so that from its commit on nothing of it is readable; what is
 * left is to remove bytes, which is services/keeper/'s.
 */
enum {
	/* struct store_erasure.scope besides enum wire_scope: what was withdrawn is
	   kept; it is only noted in the journal, then the row goes. */
	ERASURE_SCOPE_KEEP = 0,
};

/* What the journal says: collections by their hashes. */
struct erasure_trace {
	const struct dom_region_key *key;
	const uint8_t (*collections)[JOURNAL_HASH_SIZE];
	size_t count;
};

struct erasure_order {
	int scope; /* enum wire_scope, or ERASURE_SCOPE_KEEP */
	int64_t account;
	struct dom_slice service;                  /* of WIRE_SCOPE_SERVICE and _KEEP */
	struct dom_slice collection_uid, item_uid; /* of WIRE_SCOPE_ITEM */
	uint8_t request[STORE_REQUEST_SIZE];       /* wire_subject() of what asked for it */
	int64_t requested_ms;
	uint64_t clock; /* of the account, when it was taken */
	/* An entry of the journal is followed again: see erasure_replay(). */
	const struct erasure_trace *trace; /* NULL: it is not */
};

/*
 * Begin: memberships end (each with a note in that member's clock), consents,
 * sessions and names go, and the erasure is noted for the keeper.  In a job.
 *
 *   changes     for the devices that wait; NULL: nobody is told
 *
 *   DOM_OK        begun
 *   DOM_ABSENT    no such account, or no such item in a collection that it owns
 *   DOM_CONFLICT  the request is known already, or the account is being erased
 */
DOM_MUST_CHECK enum dom_status erasure_begin(struct store_txn *txn, struct dom_arena *arena,
    const struct erasure_order *order, struct service_changes *changes);

/*
 * Within a request, after its statement (a withdrawal or an erasure) was kept
 * and the account's clock has given it this number; consents are cleared here.
 * DOM_EDENIED: the reply says why.
 */
DOM_MUST_CHECK enum dom_status erasure_statement(struct service_call *call,
    const struct wire_statement *statement, const uint8_t request[STORE_REQUEST_SIZE],
    uint64_t clock);

/* --- orders ----------------------------------------------------------------------- */

/* What the region signed, for who ordered it to keep; in the arena. */
struct erasure_ordered {
	uint8_t request[STORE_REQUEST_SIZE];
	struct dom_slice statement_public, statement, signature;
};

/*
 * Begin to erase an account because an operator or a rule says so; in a job.
 * Answers as erasure_begin() does.  The name is folded; DOM_ABSENT: nobody has it.
 */
DOM_MUST_CHECK enum dom_status erasure_order_account(const struct service *service,
    struct store_txn *txn, int64_t account, struct dom_arena *arena,
    struct erasure_ordered *ordered_r, struct service_changes *changes);
DOM_MUST_CHECK enum dom_status erasure_order_name(const struct service *service,
    struct store_txn *txn, struct dom_slice name, struct dom_arena *arena,
    struct erasure_ordered *ordered_r, struct service_changes *changes);

/* --- the journal ------------------------------------------------------------------ */

/* As the journal knows them. */
void erasure_hash_account(const struct dom_region_key *key, const uint8_t id[STORE_ID_SIZE],
    uint8_t hash_r[JOURNAL_HASH_SIZE]);
void erasure_hash_service(const struct dom_region_key *key,
    const uint8_t account_id[STORE_ID_SIZE], struct dom_slice service,
    uint8_t hash_r[JOURNAL_HASH_SIZE]);
/* Of a collection or an item. */
void erasure_hash_uid(
    const struct dom_region_key *key, struct dom_slice uid, uint8_t hash_r[JOURNAL_HASH_SIZE]);
/* What tells this region's journal from others'. */
void erasure_hash_region(
    const struct dom_region_key *key, const char *region, uint8_t hash_r[JOURNAL_HASH_SIZE]);

/*
 * Follow again what the journal holds and the store does not know: it was made
 * out of a backup.  Before anything is served; the keeper does the rest.
 *   followed_r  how many requests were begun again
 */
DOM_MUST_CHECK enum dom_status erasure_replay(const struct service *service,
    struct store *store, const struct journal *journal, uint64_t *followed_r);

/* Operations. */
DOM_MUST_CHECK enum dom_status erasure_get(struct service_call *call);
DOM_MUST_CHECK enum dom_status erasure_list(struct service_call *call);

#endif
