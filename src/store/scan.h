/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "store/store.h"

/*
 * Reading all that a collection holds, a part of store/store.h: for the root
 * (services/root/) and whoever else walks an account.  Current revisions come
 * from store_item_scan().
 */

/* Where a scan of revisions goes on; {0} begins. */
struct store_history_at {
	uint64_t item_clock, clock;
};

struct store_history {
	struct store_history_at at;
	int64_t item;
	struct dom_slice item_uid;
	int version;
	struct dom_slice encryption_key; /* of the item; NULL data: none */
	int64_t replaced_ms;             /* T when it ceased to be current */
	struct store_revision revision;
};
/*
 * Revisions of the collection's items that are not current, by the clock of
 * their item and then by their own, at most limit.  Fewer than limit may be
 * more to come, none is the end.
 */
DOM_MUST_CHECK enum dom_status store_history_scan(struct store_txn *txn, int64_t collection,
    struct store_history_at after, unsigned limit, struct dom_arena *arena,
    struct store_history **rows_r, size_t *count_r);

/*
 * Numbers of the collection's chunks with uid > after (empty begins), at most
 * limit, in the order of uids; last_r: the last one's if there were so many, else
 * absent.  Read by ascending number
 * they are read as they lie on the disk, which uids are not.
 */
DOM_MUST_CHECK enum dom_status store_chunk_numbers(struct store_txn *txn, int64_t collection,
    struct dom_slice after, unsigned limit, struct dom_arena *arena, int64_t **numbers_r,
    size_t *count_r, struct dom_slice *last_r);

struct store_chunk {
	struct dom_slice uid;
	uint64_t size;
	uint8_t sha256[32]; /* of the ciphertext, as it was when it came */
};
DOM_MUST_CHECK enum dom_status store_chunk_by_number(struct store_txn *txn, int64_t number,
    struct dom_arena *arena, struct store_chunk *chunk_r);

/* The collection types that a consent names, ascending; none if it covers any. */
DOM_MUST_CHECK enum dom_status store_consent_types(struct store_txn *txn, int64_t account,
    struct dom_slice service, struct dom_arena *arena, struct dom_slice **types_r,
    size_t *count_r);

#endif
