/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_ROOT_ROOT_H
#define SERVICES_ROOT_ROOT_H

#include "wire/root.h"

#include "store/store.h"

/*
 * The root (wire/root.h) of what the store holds of an account, in one snapshot.
 *
 *   WIRE_SCOPE_ACCOUNT  the account, its statements, consents, notes and past
 *                       erasures, and every collection that it owns
 *   WIRE_SCOPE_SERVICE  the collections that go with an erasure
 *   WIRE_SCOPE_ITEM     the revisions of one item before the one that was current at
 *                       the clock
 *
 * Of a collection: itself with its owner's membership, all revisions, all chunks.
 * An account that is being erased has neither name nor keys any more.
 */
struct root_options {
	enum wire_scope scope;
	int64_t account;
	uint8_t identity_public[32]; /* as in the account's statements */
	uint64_t clock;              /* the account's, that the root is said to be of */
	int64_t erasure;             /* WIRE_SCOPE_SERVICE: number */
	struct dom_slice collection_uid, item_uid; /* WIRE_SCOPE_ITEM */
	size_t memory_max;                         /* 0: WIRE_ROOT_MEMORY */
	/* Asked now and then, so that a program that ends need not wait; may be NULL. */
	bool (*stopped)(void *context);
	void *context;
};

/*
 *   DOM_OK
 *   DOM_ABSENT    no such account, or no such item
 *   DOM_ESTOPPED  stopped() said so
 * and what the store's operations answer.  A million items with a chunk each take
 * 7 s of a processor, see docs/statements.md: not on an event loop.
 */
DOM_MUST_CHECK enum dom_status root_compute(struct store_txn *txn,
    const struct root_options *options, uint8_t root_r[WIRE_ROOT_SIZE],
    struct wire_erased *sum_r);

/* --- records, for whoever else needs them ---------------------------------------- */

/* Borrowed until it returns; anything but DOM_OK ends the walk with that. */
typedef enum dom_status root_take(void *context, const struct wire_record *record);

/*
 * What the account consists of beside its collections: itself, its statements,
 * consents, notes of memberships that ended, and past erasures.
 */
DOM_MUST_CHECK enum dom_status root_walk_small(
    struct store_txn *txn, const struct store_account *account, root_take *take, void *context);

/* Collections, revisions and chunks as records; slices are borrowed from the rows. */
struct store_owned;
struct store_item;
struct store_history;
DOM_MUST_CHECK enum dom_status root_collection_record(struct store_txn *txn,
    const struct store_owned *owned, struct dom_arena *arena, struct wire_record *record_r);
struct wire_record root_item_record(
    struct dom_slice collection_uid, const struct store_item *item);
struct wire_record root_history_record(
    struct dom_slice collection_uid, const struct store_history *row);

#endif
