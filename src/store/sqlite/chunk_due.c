/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Chunks that nothing names.  Which revision names a chunk is in no index (an
 * upload would pay for it), so the collection's lists are read: candidates are
 * taken in batches that memory can hold, every list strikes out what it names,
 * and what is left is due.  That takes its time and is done in a reader's
 * snapshot; the job that erases looks again only at what changed since.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

#include "store/sqlite/erase.h"

enum { CHANGED_MAX = 1 << 10 }; /* items that a job looks at again */

struct candidate {
	struct dom_slice uid;
	int64_t number;
	bool is_named;
};

static int
compare_uids(struct dom_slice a, struct dom_slice b)
{
	int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int
compare(const void *a, const void *b)
{
	const struct candidate *first = a, *second = b;

	return compare_uids(first->uid, second->uid);
}

/* Candidates sorted by uid, and where the next batch begins. */
struct batch {
	struct store_txn *txn;
	int64_t collection;
	struct dom_arena *arena;
	struct sql_rows rows;
	struct dom_slice after;
	bool only_loose;
};

static struct candidate *
find(const struct batch *batch, struct dom_slice uid)
{
	const struct candidate key = {.uid = uid};

	return batch->rows.count == 0 ? NULL
	                              : bsearch(&key, batch->rows.rows, batch->rows.count,
	                                    sizeof(struct candidate), compare);
}

/* By ascending uid, those > after; none: that was the last batch. */
static enum dom_status
batch_next(struct batch *batch)
{
	struct sql_call call = sql_call(batch->txn->connection,
	    batch->only_loose ? SQL_CHUNK_CANDIDATES_LOOSE : SQL_CHUNK_CANDIDATES);
	struct candidate *row = NULL;

	sql_put_number(&call, batch->collection);
	sql_put_slice(&call, batch->after);
	sql_put_number(&call, batch->txn->store->due_batch_max);
	batch->rows = (struct sql_rows){.arena = batch->arena, .size = sizeof(*row)};
	while (sql_step(&call) == DOM_OK) {
		if ((row = sql_rows_next(&batch->rows)) == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row->uid = sql_get_slice(&call, batch->arena);
		row->number = sql_get_number(&call);
	}
	if (row != NULL)
		batch->after = row->uid;
	return sql_end(&call);
}

/* Every list that the statement walks strikes out what it names. */
static enum dom_status
batch_strike(struct batch *batch, struct sql_call *call)
{
	struct dom_arena *arena = dom_arena_new(0);

	if (arena == NULL)
		return sql_end(call) < 0 ? call->failed : DOM_ENOMEM;
	while (sql_step(call) == DOM_OK) {
		struct dom_slice packed = sql_get_slice(call, arena);
		struct dom_reader reader = dom_reader_over(packed);

		while (reader.failed == DOM_OK && reader.at != reader.end) {
			struct candidate *named =
			    find(batch, dom_read_string(&reader, packed.size));

			if (named != NULL)
				named->is_named = true;
		}
		if (call->failed == DOM_OK && dom_reader_finish(&reader) < 0)
			sql_fail(call, DOM_ESTORE); /* we wrote it */
		dom_arena_reset(arena);
	}
	dom_arena_free(&arena);
	return sql_end(call);
}

static enum dom_status
batch_strike_all(struct batch *batch)
{
	static const enum sql_id lists[] = {
	    SQL_CHUNK_LISTS_OF_ITEMS, SQL_CHUNK_LISTS_OF_REVISIONS};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct sql_call call = sql_call(batch->txn->connection, lists[i]);
		enum dom_status st;

		sql_put_number(&call, batch->collection);
		if ((st = batch_strike(batch, &call)) < 0)
			return st;
	}
	return DOM_OK;
}

/* DOM_ABSENT: not old enough. */
static enum dom_status
check_age(struct store_txn *txn, int64_t number, int64_t before_ms, uint64_t *size_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_AGE);
	enum dom_status st;

	sql_put_number(&call, number);
	sql_put_number(&call, before_ms);
	if ((st = sql_step(&call)) == DOM_OK)
		*size_r = sql_get_clock(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

/* What is left of the batch, and old enough, becomes a row. */
static enum dom_status
batch_tell(struct batch *batch, int64_t before_ms, unsigned limit, struct sql_rows *due)
{
	struct candidate *candidates = batch->rows.rows;

	for (size_t i = 0; i < batch->rows.count && due->count < limit; i++) {
		struct store_chunk_due *row;
		uint64_t size = 0;
		enum dom_status st;

		if (candidates[i].is_named && !batch->only_loose)
			continue;
		st = check_age(batch->txn, candidates[i].number, before_ms, &size);
		if (st < 0)
			return st;
		if (st == DOM_ABSENT)
			continue;
		if ((row = sql_rows_next(due)) == NULL)
			return DOM_ENOMEM;
		*row = (struct store_chunk_due){.number = candidates[i].number,
		    .size = size,
		    .is_named = candidates[i].is_named};
	}
	return DOM_OK;
}

static enum dom_status
owner_clock(struct store_txn *txn, int64_t collection, uint64_t *clock_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_COLLECTION_OWNER_CLOCK);
	enum dom_status st;

	sql_put_number(&call, collection);
	if ((st = sql_step(&call)) == DOM_OK)
		*clock_r = sql_get_clock(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_chunks_due(struct store_txn *txn, int64_t collection, int64_t before_ms, unsigned limit,
    struct dom_arena *arena, struct store_chunk_due **rows_r, size_t *count_r,
    uint64_t *clock_r)
{
	struct batch batch = {.txn = txn,
	    .collection = collection,
	    .after = dom_slice("", 0),
	    .only_loose = before_ms <= 0};
	struct sql_rows due = {.arena = arena, .size = sizeof(struct store_chunk_due)};
	enum dom_status st;

	*rows_r = NULL;
	*count_r = 0;
	if ((st = owner_clock(txn, collection, clock_r)) != DOM_OK)
		return st;
	while (st == DOM_OK && due.count < limit) {
		struct dom_arena *old = batch.arena;

		/* The next batch begins after a uid that lies in the old one. */
		if ((batch.arena = dom_arena_new(0)) == NULL)
			st = DOM_ENOMEM;
		else
			st = batch_next(&batch);
		dom_arena_free(&old);
		if (st == DOM_OK && batch.rows.count == 0)
			break;
		if (st == DOM_OK && (st = batch_strike_all(&batch)) == DOM_OK)
			st = batch_tell(&batch, before_ms, limit, &due);
	}
	dom_arena_free(&batch.arena);
	*rows_r = due.rows;
	*count_r = due.count;
	return st;
}

/* --- in the job ------------------------------------------------------------------- */

/* What erase_chunks() is about to remove, by uid. */
static enum dom_status
batch_of(struct batch *batch, const struct store_chunk_due *chunks, size_t count)
{
	batch->rows =
	    (struct sql_rows){.arena = batch->arena, .size = sizeof(struct candidate)};
	for (size_t i = 0; i < count; i++) {
		struct sql_call call;
		struct candidate *row;

		if (chunks[i].is_named)
			continue;
		call = sql_call(batch->txn->connection, SQL_CHUNK_UID);
		sql_put_number(&call, chunks[i].number);
		sql_put_number(&call, batch->collection);
		if (sql_step(&call) == DOM_OK) {
			if ((row = sql_rows_next(&batch->rows)) == NULL) {
				sql_end(&call);
				return DOM_ENOMEM;
			}
			row->number = chunks[i].number;
			row->uid = sql_get_slice(&call, batch->arena);
		}
		if (sql_end(&call) < 0)
			return call.failed;
	}
	if (batch->rows.count != 0)
		qsort(batch->rows.rows, batch->rows.count, sizeof(struct candidate), compare);
	return DOM_OK;
}

/* What changed since strikes out what it names.  DOM_CONFLICT: too much did. */
static enum dom_status
batch_strike_changed(struct batch *batch, uint64_t clock)
{
	static const enum sql_id lists[] = {
	    SQL_CHUNK_LISTS_OF_ITEMS_SINCE, SQL_CHUNK_LISTS_OF_REVISIONS_SINCE};
	struct sql_call call = sql_call(batch->txn->connection, SQL_ITEMS_SINCE);
	uint64_t changed = 0;
	enum dom_status st;

	sql_put_number(&call, batch->collection);
	sql_put_clock(&call, clock);
	sql_put_number(&call, CHANGED_MAX + 1);
	if ((st = sql_step(&call)) == DOM_OK)
		changed = sql_get_clock(&call);
	if (sql_end(&call) < 0)
		return call.failed;
	if (changed > CHANGED_MAX)
		return DOM_CONFLICT;
	for (size_t i = 0; changed != 0 && i < sizeof(lists) / sizeof(lists[0]); i++) {
		call = sql_call(batch->txn->connection, lists[i]);
		sql_put_number(&call, batch->collection);
		sql_put_clock(&call, clock);
		if ((st = batch_strike(batch, &call)) < 0)
			return st;
	}
	return DOM_OK;
}

/* What something names is not loose any more. */
static enum dom_status
tighten(struct store_txn *txn, const struct store_chunk_due *chunks, size_t count)
{
	enum dom_status st = DOM_OK;

	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		struct sql_call call;

		if (!chunks[i].is_named)
			continue;
		call = sql_call(txn->connection, SQL_CHUNK_TIGHTEN);
		sql_put_number(&call, chunks[i].number);
		st = sql_run(&call);
	}
	return st;
}

static enum dom_status
erase_batch(struct batch *batch, struct erase_step *step)
{
	struct candidate *rows = batch->rows.rows;
	enum dom_status st = DOM_OK;

	for (size_t i = 0; st == DOM_OK && i < batch->rows.count; i++) {
		if (!rows[i].is_named)
			st = erase_chunk(step, rows[i].number);
	}
	return st;
}

enum dom_status
store_erase_chunks(struct store_txn *txn, int64_t collection,
    const struct store_chunk_due *chunks, size_t count, uint64_t clock, size_t *done_r,
    struct store_erased *sum)
{
	struct erase_step step = erase_step(txn, (unsigned)count + 1, sum);
	struct batch batch = {.txn = txn, .collection = collection, .arena = dom_arena_new(0)};
	enum dom_status st;

	assert(count < UINT32_MAX);
	*done_r = 0;
	if (batch.arena == NULL)
		return DOM_ENOMEM;
	/* A prefix that fits a step, so that what is done is the first of them. */
	for (uint64_t size = 0; *done_r < count && size < STORE_ERASE_STEP_SIZE_MAX; ++*done_r)
		size += chunks[*done_r].size;
	st = batch_of(&batch, chunks, *done_r);
	if (st == DOM_OK)
		st = batch_strike_changed(&batch, clock);
	if (st == DOM_OK)
		st = erase_batch(&batch, &step);
	if (st == DOM_OK)
		st = tighten(txn, chunks, *done_r);
	if (st == DOM_OK)
		st = erase_shrink(&step, collection);
	dom_arena_free(&batch.arena);
	return st;
}
