/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_MOVE_H
#define STORE_MOVE_H

#include "store/scan.h"
#include "store/store.h"

/*
 * Moving an account between regions, a part of store/store.h: what a region
 * knows of a move, reading everything that moves, and making the copy.
 */

/* --- moves ------------------------------------------------------------------- */

enum { STORE_MOVE_ID_SIZE = 16 };

/* Never renumber: stored. */
enum store_move_side {
	STORE_MOVE_SOURCE = 0,
	STORE_MOVE_TARGET = 1,
};

struct store_move {
	int64_t number;
	uint8_t id[STORE_MOVE_ID_SIZE]; /* with side: unique */
	int side;
	int state;             /* counted by whoever runs the move; below 64 */
	bool open;             /* something is left to do */
	int64_t account;       /* 0: not yet, or not any more */
	uint8_t identity[32];  /* the account's public key */
	struct dom_slice peer; /* the other region's name */
	/*
	 * Who was known here by this name: the source finds the move of an account
	 * that is erased by it.  Kept as a keyed hash; set by add and name_as only.
	 */
	struct dom_slice name;
	uint64_t epoch; /* in which the account lived at the source */
	uint8_t attempt[STORE_MOVE_ID_SIZE];
	unsigned attempts;
	int64_t started_ms, changed_ms;
	int64_t due_ms; /* wall clock, or T at the end of a grace: nothing before */
	/* Progress of the copy: what has come, and what the source said there is. */
	uint64_t clock; /* the target has everything up to here */
	uint64_t bytes, bytes_total;
};

/* DOM_CONFLICT: the id is known on this side. */
DOM_MUST_CHECK enum dom_status store_move_add(
    struct store_txn *txn, const struct store_move *move, int64_t *number_r);
DOM_MUST_CHECK enum dom_status store_move_find(struct store_txn *txn,
    const uint8_t id[STORE_MOVE_ID_SIZE], int side, struct dom_arena *arena,
    struct store_move *move_r);
/* The account's newest. */
DOM_MUST_CHECK enum dom_status store_move_of(
    struct store_txn *txn, int64_t account, struct dom_arena *arena, struct store_move *move_r);
/* The account's, newest first, at most limit. */
DOM_MUST_CHECK enum dom_status store_moves_of(struct store_txn *txn, int64_t account,
    unsigned limit, struct dom_arena *arena, struct store_move **rows_r, size_t *count_r);
/* Of accounts of this name, newest first, at most limit; also after they were erased. */
DOM_MUST_CHECK enum dom_status store_moves_by_name(struct store_txn *txn, struct dom_slice name,
    unsigned limit, struct dom_arena *arena, struct store_move **rows_r, size_t *count_r);
/* With number > after, in order, at most limit; only_open: those that are not over. */
DOM_MUST_CHECK enum dom_status store_move_list(struct store_txn *txn, int64_t after,
    bool only_open, unsigned limit, struct dom_arena *arena, struct store_move **rows_r,
    size_t *count_r);
/*
 * Those that are not over, by ascending due_ms, at most limit: in one of the
 * states (bit n for state n), and of the numbers whose remainder by `lanes` is `lane`.
 */
DOM_MUST_CHECK enum dom_status store_move_due(struct store_txn *txn, uint64_t states,
    unsigned lane, unsigned lanes, unsigned limit, struct dom_arena *arena,
    struct store_move **rows_r, size_t *count_r);
/*
 * Counts the commits that have put moves into one of these states, or have changed them in it:
 * while it says the same as before a look with store_move_due(), that would find nothing
 * new.  Any thread.
 */
uint64_t store_move_news(struct store *store, uint64_t states);
/* All fields but number, id, side and name become these. */
DOM_MUST_CHECK enum dom_status store_move_update(
    struct store_txn *txn, const struct store_move *move);
/* It is of who was known by the name of the other move. */
DOM_MUST_CHECK enum dom_status store_move_name_as(
    struct store_txn *txn, int64_t number, int64_t other);
DOM_MUST_CHECK enum dom_status store_move_remove(struct store_txn *txn, int64_t number);

/*
 * What was signed, byte for byte; one of each kind for a move.  put replaces
 * what was there.  Kinds are counted by services/move/.
 */
DOM_MUST_CHECK enum dom_status store_move_message_put(struct store_txn *txn, int64_t move,
    int kind, struct dom_slice bytes, struct dom_slice signature);
DOM_MUST_CHECK enum dom_status store_move_message_get(struct store_txn *txn, int64_t move,
    int kind, struct dom_arena *arena, struct dom_slice *bytes_r,
    struct dom_slice *signature_r);
DOM_MUST_CHECK enum dom_status store_move_message_remove(
    struct store_txn *txn, int64_t move, int kind);

/* How much there is of an account; counts them, a fraction of a second for a million. */
struct store_extent {
	uint64_t collections, items, chunks;
};
DOM_MUST_CHECK enum dom_status store_account_extent(
    struct store_txn *txn, int64_t account, struct store_extent *extent_r);

/* --- a store that was made out of a backup -------------------------------------- */

/*
 * Another region has said what lives there: when this store had been made out of a backup so
 * often (store_restores()).  DOM_ABSENT: it never has.
 */
DOM_MUST_CHECK enum dom_status store_peer_answer(
    struct store_txn *txn, struct dom_slice name, uint64_t *restores_r);
DOM_MUST_CHECK enum dom_status store_peer_answer_set(
    struct store_txn *txn, struct dom_slice name, uint64_t restores);

/* With whom an account shares; quick. */
struct store_sharing {
	uint64_t shared;      /* of its collections: others are in them */
	uint64_t memberships; /* in collections of others */
};
DOM_MUST_CHECK enum dom_status store_account_sharing(
    struct store_txn *txn, int64_t account, struct store_sharing *sharing_r);

/* --- the account's state ------------------------------------------------------ */

/*
 * From one state to another, with the epoch it lives in from then on.
 * DOM_CONFLICT: it is in another state; nothing was changed.
 */
DOM_MUST_CHECK enum dom_status store_account_turn(struct store_txn *txn, int64_t account,
    enum store_account_state from, enum store_account_state to, uint64_t epoch);
/*
 * A copy that is being made: state STAGING, clock 0.  DOM_CONFLICT: the name,
 * the address or the id is taken here, or files of an account that had the id are still to
 * leave the disk (store_settle()): new ones would lie in the same folder and go with them.
 */
DOM_MUST_CHECK enum dom_status store_account_stage(
    struct store_txn *txn, const struct store_account *account, int64_t *number_r);
/* Of a copy: all that the account itself consists of; the clock comes last. */
DOM_MUST_CHECK enum dom_status store_copy_account(
    struct store_txn *txn, const struct store_account *account, int64_t quota_bytes);
/* Of a copy: the clock and the epoch of the original. */
DOM_MUST_CHECK enum dom_status store_account_set_clock(
    struct store_txn *txn, int64_t account, uint64_t clock, uint64_t epoch);

/* --- reading what moves: beside store/scan.h
 * ------------------------------------------------------- */

struct store_chunk_entry {
	int64_t number; /* grows with each chunk that is stored */
	struct dom_slice uid;
	uint64_t size;
	uint8_t sha256[32];
	int64_t stored_ms; /* T */
};
/* The largest number that a chunk of anybody has. */
DOM_MUST_CHECK enum dom_status store_chunk_newest(struct store_txn *txn, int64_t *number_r);
/* The collection's chunks with number > after, ascending, at most limit. */
DOM_MUST_CHECK enum dom_status store_chunk_log(struct store_txn *txn, int64_t collection,
    int64_t after, unsigned limit, struct dom_arena *arena, struct store_chunk_entry **rows_r,
    size_t *count_r);

/* --- making the copy ---------------------------------------------------------- */

/*
 * Into an account that is STAGING (else DOM_EFENCED).  What is there already is
 * replaced or left as it should be, so that each may be repeated.
 */

/* items_clock, members_clock and abandoned_ms (T, 0: it is not) become these. */
DOM_MUST_CHECK enum dom_status store_copy_collection(struct store_txn *txn, int64_t account,
    struct dom_slice uid, uint64_t items_clock, uint64_t members_clock, int64_t abandoned_ms,
    int64_t *number_r);
/* The owner's membership. */
DOM_MUST_CHECK enum dom_status store_copy_member(
    struct store_txn *txn, const struct store_member *member);
/*
 * The item with its current revision.  A revision that was current is history
 * from then on; its replaced_ms comes with store_copy_history().
 */
DOM_MUST_CHECK enum dom_status store_copy_item(
    struct store_txn *txn, int64_t collection, const struct store_item *item);
/* item_uid, revision and replaced_ms count.  DOM_ABSENT: no such item. */
DOM_MUST_CHECK enum dom_status store_copy_history(
    struct store_txn *txn, int64_t collection, const struct store_history *history);
/* Of a chunk that was put: when it was stored first. */
DOM_MUST_CHECK enum dom_status store_copy_chunk_time(
    struct store_txn *txn, int64_t collection, struct dom_slice uid, int64_t stored_ms);
/*
 * What is sent whole: statements, consents and notes of removed memberships.
 * Forget what came of them before; then they are put by store_statement_add(),
 * store_consent_set() and store_removed_put().
 */
DOM_MUST_CHECK enum dom_status store_copy_clear_small(struct store_txn *txn, int64_t account);

#endif
