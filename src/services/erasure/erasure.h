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
	/* A copy that was being made of another region's account: no journal, no receipt. */
	ERASURE_SCOPE_STAGED = 32,
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
	/* WIRE_SCOPE_SOURCE: what was given away, STORE_ROOT_SIZE bytes. */
	const uint8_t *root;
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
 * Begin to erase what this region still holds of an account that lives in another:
 * request is the subject of the order that moved it, root and clock are those of the
 * hand-off.  In a job.  The caller has seen that the target is home.
 *
 *   DOM_OK        begun: nothing of it is readable any more
 *   DOM_ABSENT    no such account
 *   DOM_CONFLICT  the request is known already, or the account is not
 *                 STORE_ACCOUNT_GONE
 *   DOM_EFENCED   somebody who is in one of its collections is frozen: later
 */
DOM_MUST_CHECK enum dom_status erasure_source(struct store_txn *txn, struct dom_arena *arena,
    const struct erasure_order *order, struct service_changes *changes);
/*
 * Begin to erase a copy that never became home; scope, root and clock do not count.
 * DOM_CONFLICT: the request is known already, or the account is not
 * STORE_ACCOUNT_STAGING.
 */
DOM_MUST_CHECK enum dom_status erasure_staged(
    struct store_txn *txn, struct dom_arena *arena, const struct erasure_order *order);

/* What came of an erasure; slices live in the arena. */
struct erasure_end {
	struct dom_slice receipt, signature; /* empty: of ERASURE_SCOPE_STAGED */
	struct store_erased sum;
};
/*
 *   DOM_OK        all of it has left the disk
 *   DOM_CONFLICT  not yet
 *   DOM_ABSENT    there is no such request
 */
DOM_MUST_CHECK enum dom_status erasure_ended(struct store_txn *txn,
    const uint8_t request[STORE_REQUEST_SIZE], struct dom_arena *arena,
    struct erasure_end *end_r);

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
/* The epoch of a JOURNAL_SOURCE. */
void erasure_put_epoch(uint64_t epoch, uint8_t item_r[JOURNAL_HASH_SIZE]);
uint64_t erasure_get_epoch(const uint8_t item[JOURNAL_HASH_SIZE]);
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
