/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rows go, some in each job, so that nobody who writes waits for long. */
#include "services/erasure/erasure.h"
#include "services/keeper/parts.h"

enum {
	STEP_ROWS = 500,
	STEP_CHUNKS = 200,
	SCRUB_ROWS = 100,
};

struct removal {
	struct keeper *keeper;
	struct store_erasure before, row; /* before the job, and as it leaves it */
	struct dom_arena *arena;          /* of the job */
	/* WIRE_SCOPE_ITEM, once its history is gone: chunks that nothing names. */
	int64_t collection, chunk_collection;
	const struct store_chunk_due *chunks;
	size_t chunk_count;
	uint64_t clock;
	bool removes_chunks;
	bool history_ended; /* in this job */
};

static enum dom_status
next_collection(struct removal *removal, struct store_txn *txn, struct store_owned **owned_r,
    size_t *count_r)
{
	return store_collections_erasing(
	    txn, removal->row.number, 0, 1, removal->arena, owned_r, count_r);
}

/* DOM_OK: some; DOM_ABSENT: all of them are gone. */
static enum dom_status
remove_collections(struct removal *removal, struct store_txn *txn)
{
	struct store_owned *owned;
	size_t count;
	enum dom_status st = next_collection(removal, txn, &owned, &count);

	if (st != DOM_OK)
		return st;
	if (count == 0)
		return DOM_ABSENT;
	st = store_erase_collection(
	    txn, owned[0].collection.number, STEP_ROWS, &removal->row.sum);
	/* That one is gone; the next has its own job. */
	return st == DOM_ABSENT ? DOM_OK : st == DOM_CONFLICT ? DOM_ESTORE : st;
}

/*
 * Receipts of its other erasures stay, for who knows their numbers, and say
 * nothing any more of whose and what they were.
 */
static enum dom_status
scrub_others(struct removal *removal, struct store_txn *txn)
{
	const struct dom_slice none = dom_slice("", 0);
	struct store_erasure *rows;
	int64_t after = 0;
	size_t count;
	enum dom_status st;

	do {
		dom_arena_reset(removal->arena);
		st = store_erasure_list(txn, removal->row.account, after, SCRUB_ROWS,
		    removal->arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = rows[i].number;
			if (after == removal->row.number)
				continue;
			/* One that is not signed yet comes first. */
			if (rows[i].state != STORE_ERASURE_ERASED)
				return DOM_CONFLICT;
			rows[i].account = 0;
			rows[i].service = rows[i].collection_uid = rows[i].item_uid = none;
			st = store_erasure_update(txn, &rows[i]);
		}
	} while (st == DOM_OK && count != 0);
	return st;
}

static enum dom_status
remove_account(struct removal *removal, struct store_txn *txn)
{
	enum dom_status st = remove_collections(removal, txn);

	if (st != DOM_ABSENT)
		return st;
	if ((st = scrub_others(removal, txn)) != DOM_OK)
		return st;
	return store_erase_account(txn, removal->row.account, STEP_ROWS, &removal->row.sum);
}

static enum dom_status
remove_history(struct removal *removal, struct store_txn *txn)
{
	struct store_collection collection;
	struct dom_slice etag;
	int64_t item;
	enum dom_status st;

	st = store_collection_find(
	    txn, removal->row.collection_uid, removal->arena, &collection);
	if (st == DOM_OK)
		st = store_item_etag(txn, collection.number, removal->row.item_uid,
		    removal->arena, &item, &etag);
	/* It went with something larger in the meantime. */
	if (st != DOM_OK)
		return st;
	removal->collection = collection.number;
	return store_erase_history(txn, item, removal->row.clock, STEP_ROWS, &removal->row.sum);
}

static enum dom_status
remove_chunks(struct removal *removal, struct store_txn *txn)
{
	size_t done;
	enum dom_status st;

	st = store_erase_chunks(txn, removal->chunk_collection, removal->chunks,
	    removal->chunk_count, removal->clock, &done, &removal->row.sum);
	/* Too much has changed: the next step looks again. */
	return st == DOM_CONFLICT || st == DOM_ABSENT ? DOM_OK : st;
}

static enum dom_status
remove_some(struct removal *removal, struct store_txn *txn)
{
	switch (removal->row.scope) {
	case WIRE_SCOPE_SERVICE:
		return remove_collections(removal, txn);
	case WIRE_SCOPE_ACCOUNT:
	case WIRE_SCOPE_SOURCE:
	case ERASURE_SCOPE_STAGED:
		return remove_account(removal, txn);
	default:
		if (!removal->removes_chunks)
			return remove_history(removal, txn);
		return removal->chunk_count == 0 ? DOM_ABSENT : remove_chunks(removal, txn);
	}
}

static enum dom_status
run_remove(struct store_txn *txn, void *context)
{
	struct removal *removal = context;
	enum dom_status st, updated;

	removal->row = removal->before;
	removal->collection = 0;
	removal->history_ended = false;
	st = remove_some(removal, txn);
	if (st == DOM_ABSENT && removal->collection != 0 && !removal->removes_chunks) {
		removal->history_ended = true;
		st = DOM_OK;
	} else if (st == DOM_ABSENT) {
		removal->row.state = STORE_ERASURE_SETTLING;
		if (removal->row.scope != WIRE_SCOPE_SERVICE &&
		    removal->row.scope != WIRE_SCOPE_ITEM)
			removal->row.account = 0;
		st = DOM_OK;
	}
	if (st != DOM_OK)
		return st == DOM_CONFLICT ? DOM_EDENIED : st;
	updated = store_erasure_update(txn, &removal->row);
	return updated > 0 ? DOM_ESTORE : updated;
}

/* Looking for chunks takes a snapshot of its own, not a job's time. */
static enum dom_status
find_chunks(struct removal *removal)
{
	struct keeper *keeper = removal->keeper;
	struct store_collection collection;
	struct store_chunk_due *rows;
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_read_begin(keeper->reader, &txn)) != DOM_OK)
		return st;
	st =
	    store_collection_find(txn, removal->row.collection_uid, keeper->arena, &collection);
	if (st == DOM_OK) {
		removal->chunk_collection = collection.number;
		st = store_chunks_due(txn, collection.number, 0, STEP_CHUNKS, keeper->arena,
		    &rows, &removal->chunk_count, &removal->clock);
		removal->chunks = rows;
	}
	store_read_end(&txn);
	return st == DOM_ABSENT ? DOM_OK : st;
}

static enum dom_status
write_removal(struct removal *removal)
{
	enum dom_status st;

	if ((removal->arena = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	st = store_write(removal->keeper->options.store, run_remove, removal);
	dom_arena_free(&removal->arena);
	return st == DOM_EDENIED ? DOM_CONFLICT : st;
}

enum dom_status
keeper_remove(struct keeper *keeper, const struct store_erasure *row)
{
	struct removal removal = {.keeper = keeper, .before = *row};
	enum dom_status st = write_removal(&removal);

	if (st != DOM_OK || !removal.history_ended)
		return st;
	/* The last of its history went, so its chunks are next, in a job of their own. */
	removal.before = removal.row;
	removal.removes_chunks = true;
	st = find_chunks(&removal);
	return st == DOM_OK ? write_removal(&removal) : st;
}
