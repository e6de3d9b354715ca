/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_ERASE_H
#define STORE_ERASE_H

#include "store/store.h"

/*
 * Removing for good, a part of store/store.h.
 *
 * Removal goes in steps, each a job that removes at most `rows` rows and
 * STORE_ERASE_STEP_SIZE_MAX bytes or so (at least one row, so it always gets
 * on).  A step adds what it removed to *sum and answers
 *   DOM_OK      more is left: ask again, in another job
 *   DOM_ABSENT  all of it is gone (or never was)
 * A crash between steps loses nothing: ask again.
 *
 * The file of an erased chunk stays until store_settle(), which unlinks it and
 * says when all of it has left the disk: it is called after erasures and after
 * retention's work alike.
 */
enum { STORE_ERASE_STEP_SIZE_MAX = 1 << 18 };

struct store_erased {
	uint64_t collections, items, revisions, chunks;
	uint64_t bytes; /* metadata, keys, and ciphertext of chunks */
};

/* --- what there is ----------------------------------------------------------- */

struct store_owned {
	struct store_collection collection;
	bool abandoned;
	int64_t abandoned_ms; /* T */
	int64_t erasure;      /* number of the erasure that it goes with, 0: none */
	/* The owner's type, also after it left; empty: none, or it is no member. */
	struct dom_slice type;
};

/* All that the account owns, with number > after, by ascending number, at most limit. */
DOM_MUST_CHECK enum dom_status store_collections_owned(struct store_txn *txn, int64_t account,
    int64_t after, unsigned limit, struct dom_arena *arena, struct store_owned **rows_r,
    size_t *count_r);
/* Those that go with an erasure, the same way. */
DOM_MUST_CHECK enum dom_status store_collections_erasing(struct store_txn *txn, int64_t erasure,
    int64_t after, unsigned limit, struct dom_arena *arena, struct store_owned **rows_r,
    size_t *count_r);

/* --- steps ------------------------------------------------------------------- */

/*
 * An abandoned collection (else DOM_CONFLICT): revisions, items, chunks,
 * invitations, then itself.  The owner's count of bytes falls.
 */
DOM_MUST_CHECK enum dom_status store_erase_collection(
    struct store_txn *txn, int64_t collection, unsigned rows, struct store_erased *sum);
/*
 * An item's revisions before the one that was current at this clock of its
 * owner's: what is written later is not meant.  Chunks that they named are noted
 * for store_chunks_due().
 */
DOM_MUST_CHECK enum dom_status store_erase_history(struct store_txn *txn, int64_t item,
    uint64_t clock, unsigned rows, struct store_erased *sum);

/*
 * From the commit of this job on nobody finds the account, and what was sealed
 * cannot be opened: it is STORE_ACCOUNT_ERASING, name, address, keys and key at
 * rest are emptied; sessions, consents and invitations (in both directions)
 * are gone.  Number, id, clock, statements and collections stay for the steps.
 * It must be a member of nothing any more: DOM_CONFLICT.
 */
DOM_MUST_CHECK enum dom_status store_account_begin_erase(
    struct store_txn *txn, int64_t account);
/*
 * An account that begin_erase has seen and that owns nothing any more (else
 * DOM_CONFLICT): statements, notes, then itself.
 */
DOM_MUST_CHECK enum dom_status store_erase_account(
    struct store_txn *txn, int64_t account, unsigned rows, struct store_erased *sum);

/*
 * Everything that jobs removed before is on no page, in no log and in no file
 * any more: DOM_OK.  DOM_CONFLICT: a reader's snapshot still needs the old log,
 * or a backup is copying; ask again later.  Blocks, for a few syncs and as long
 * as there are files to remove, and until whoever else asked for the same has
 * ended; any thread but the writer's.
 */
DOM_MUST_CHECK enum dom_status store_settle(struct store *store);

/* --- chunks that no revision names ------------------------------------------- */

struct store_chunk_due {
	int64_t number;
	uint64_t size; /* that its row takes; a file's bytes do not count */
	bool
	    is_named; /* after all, by another revision: store_erase_chunks() only notes that */
};

/*
 * Chunks of the collection that no revision names, current or not, and that
 * were stored before before_ms (T) or were named by a revision that was erased;
 * at most limit.  before_ms 0: only the latter, and among them those that are
 * named after all; asking and erasing until none is told ends.  Reads all of the
 * collection's lists of chunks in bounded memory, which takes its time (a second
 * for a million): for a snapshot of one's own.  clock_r: for
 * store_erase_chunks().  DOM_ABSENT: no collection.
 */
DOM_MUST_CHECK enum dom_status store_chunks_due(struct store_txn *txn, int64_t collection,
    int64_t before_ms, unsigned limit, struct dom_arena *arena, struct store_chunk_due **rows_r,
    size_t *count_r, uint64_t *clock_r);
/*
 * Remove those of the chunks that items changed since clock do not name, at
 * most as many as a step takes: *done_r of them are settled either way.
 * DOM_CONFLICT: more has changed since than a job can look at: ask
 * store_chunks_due() again.
 */
DOM_MUST_CHECK enum dom_status store_erase_chunks(struct store_txn *txn, int64_t collection,
    const struct store_chunk_due *chunks, size_t count, uint64_t clock, size_t *done_r,
    struct store_erased *sum);

/* --- what is due -------------------------------------------------------------- */

/* Where a scan goes on; {0} begins. */
struct store_due {
	int64_t ms, number;
};

struct store_revision_due {
	struct store_due at;
	int64_t replaced_ms; /* T when it ceased to be current */
	int64_t item, collection, owner;
	struct dom_slice type; /* the owner's, as in struct store_owned */
};
/* Revisions that are history since before before_ms (T), oldest first, at most limit. */
DOM_MUST_CHECK enum dom_status store_revisions_due(struct store_txn *txn, int64_t before_ms,
    struct store_due after, unsigned limit, struct dom_arena *arena,
    struct store_revision_due **rows_r, size_t *count_r);
/*
 * Remove these if they are still history since before before_ms; numbers that
 * are gone are passed over.  Chunks as in store_erase_history().  DOM_OK: done
 * with *done_r of them, a step's worth.
 */
DOM_MUST_CHECK enum dom_status store_erase_revisions(struct store_txn *txn,
    const int64_t *numbers, size_t count, int64_t before_ms, size_t *done_r,
    struct store_erased *sum);

/* Collections that were abandoned before before_ms (T) and go with no erasure. */
DOM_MUST_CHECK enum dom_status store_collections_due(struct store_txn *txn, int64_t before_ms,
    struct store_due after, unsigned limit, struct dom_arena *arena,
    struct store_owned **rows_r, size_t *count_r);

struct store_account_due {
	int64_t number;
	int64_t active_ms, notice_ms; /* T */
	bool disabled;
};
/* Accounts at home that were last active before before_ms (T), with number > after. */
DOM_MUST_CHECK enum dom_status store_accounts_due(struct store_txn *txn, int64_t before_ms,
    int64_t after, unsigned limit, struct dom_arena *arena, struct store_account_due **rows_r,
    size_t *count_r);
/* T of the notice, 0: none. */
DOM_MUST_CHECK enum dom_status store_account_notice_set(
    struct store_txn *txn, int64_t account, int64_t notice_ms);

/* --- erasures ------------------------------------------------------------------ */

/* Never renumber: stored. */
enum store_erasure_state {
	STORE_ERASURE_WAITING = 0,  /* requested: nothing is readable any more */
	STORE_ERASURE_ERASING = 1,  /* root and journal are done; rows go */
	STORE_ERASURE_SETTLING = 2, /* rows are gone; the disk follows */
	STORE_ERASURE_ERASED = 3,   /* and signed */
	STORE_ERASURE_NOTED = 4,    /* between 0 and 1: it is in the journal */
};

struct store_erasure {
	int64_t number;
	uint8_t request[STORE_REQUEST_SIZE]; /* unique; who knows it may ask */
	int64_t account;                     /* 0: gone, or not to be known any more */
	int scope, state;
	struct dom_slice service, collection_uid, item_uid;
	int64_t requested_ms, ended_ms; /* wall clock */
	uint64_t clock;
	uint8_t root[STORE_ROOT_SIZE]; /* before; zeros until it is known */
	struct store_erased sum;
	/* What asked for it; empty once nothing may name the account any more. */
	struct dom_slice statement_public, statement, signature;
	struct dom_slice receipt, receipt_signature;
};

/* number is set by the store.  DOM_CONFLICT: the request is known. */
DOM_MUST_CHECK enum dom_status store_erasure_add(
    struct store_txn *txn, const struct store_erasure *erasure, int64_t *number_r);
DOM_MUST_CHECK enum dom_status store_erasure_find(struct store_txn *txn,
    const uint8_t request[STORE_REQUEST_SIZE], struct dom_arena *arena,
    struct store_erasure *erasure_r);
/* The first with number > after that is not STORE_ERASURE_ERASED; DOM_ABSENT: none. */
DOM_MUST_CHECK enum dom_status store_erasure_next(struct store_txn *txn, int64_t after,
    struct dom_arena *arena, struct store_erasure *erasure_r);
/* Of one account (0: of all), with number > after, in order, at most limit. */
DOM_MUST_CHECK enum dom_status store_erasure_list(struct store_txn *txn, int64_t account,
    int64_t after, unsigned limit, struct dom_arena *arena, struct store_erasure **rows_r,
    size_t *count_r);
/* All fields but number and request become these. */
DOM_MUST_CHECK enum dom_status store_erasure_update(
    struct store_txn *txn, const struct store_erasure *erasure);
DOM_MUST_CHECK enum dom_status store_erasure_remove(struct store_txn *txn, int64_t number);

#endif
