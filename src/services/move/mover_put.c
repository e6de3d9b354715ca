/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A page, or a part of it, is put down in one job; with its end the cursor moves along. */
#include "base/bytes.h"

#include "services/move/copy.h"
#include "services/move/mover_copy.h"

struct putting {
	struct mover *mover;
	const struct store_move *before;
	const struct mover_copy *copy;
	size_t until;
	bool is_last;
	struct dom_arena *arena;
	struct store_move move;
	enum mover_put_result result;
	/* The collection of the last chunk. */
	struct dom_slice uid;
	int64_t collection;
};

/* --- records ------------------------------------------------------------------------------ */

/* Those that are no chunks, or those. */
static enum dom_status
put_records(struct putting *putting, struct store_txn *txn, bool chunks)
{
	struct dom_reader in = dom_reader_over(putting->copy->records);
	struct dom_arena *arena = dom_arena_new(0);
	enum dom_status st = arena == NULL ? DOM_ENOMEM : DOM_OK;

	while (st == DOM_OK && in.at != in.end) {
		struct dom_slice bytes = dom_read_string(&in, WIRE_RECORD_SIZE_MAX);
		struct wire_record record;

		if ((bytes.data[0] == WIRE_RECORD_CHUNK) != chunks)
			continue;
		dom_arena_reset(arena);
		st = wire_record_decode(bytes, arena, &record);
		if (st == DOM_OK)
			st = copy_put(txn, putting->move.account, &record);
		/* One that has gone at the source: the roots will tell. */
		if (st == DOM_EINPUT && chunks)
			st = DOM_OK;
	}
	dom_arena_free(&arena);
	return st;
}

/* --- chunks ------------------------------------------------------------------------------- */

static enum dom_status
find_collection(struct putting *putting, struct store_txn *txn, struct dom_slice uid)
{
	struct store_collection collection;
	enum dom_status st;

	if (putting->uid.data != NULL && dom_slice_equal(putting->uid, uid))
		return DOM_OK;
	st = store_collection_find(txn, uid, putting->arena, &collection);
	if (st == DOM_OK && collection.owner != putting->move.account)
		return DOM_EINPUT;
	if (st == DOM_OK) {
		putting->uid = uid;
		putting->collection = collection.number;
	}
	return st == DOM_ABSENT ? DOM_EINPUT : st;
}

/* What this region gives to an account that has nothing of its own agreed. */
static bool
is_over_quota(const struct putting *putting, const struct store_txn *txn)
{
	int64_t quota = putting->mover->options.service->settings.quota_bytes;

	return quota != 0 && store_chunk_usage(txn)->chunk_bytes > (uint64_t)quota;
}

static enum dom_status
put_chunk(struct putting *putting, struct store_txn *txn, const struct mover_chunk *chunk)
{
	enum dom_status st;

	if (chunk->is_gone)
		return DOM_OK;
	if ((st = find_collection(putting, txn, chunk->record.collection_uid)) != DOM_OK)
		return st;
	st = store_chunk_put(txn, putting->collection, chunk->record.uid, chunk->staged);
	if (st != DOM_OK)
		return st == DOM_CONFLICT ? DOM_OK : st;
	if (is_over_quota(putting, txn)) {
		putting->result = MOVER_PUT_QUOTA;
		return DOM_EDENIED;
	}
	return DOM_OK;
}

/* --- the end of a page ---------------------------------------------------------------------
 */

static enum dom_status
keep_place(struct putting *putting, struct store_txn *txn)
{
	struct mover_place next = mover_copy_next(putting->copy);
	struct dom_buffer kept = {0};
	enum dom_status st;

	mover_place_encode(&kept, &next);
	if ((st = dom_buffer_finish(&kept)) == DOM_OK)
		st = move_message_keep(txn, &putting->move, MOVE_MESSAGE_CURSOR,
		    &(struct wire_signed_move){.bytes = dom_buffer_slice(&kept)});
	dom_buffer_free(&kept);
	return st;
}

static enum dom_status
promise(struct putting *putting, struct store_txn *txn)
{
	const struct mover_promise promise = {.service = putting->mover->options.service,
	    .freeze = &putting->copy->freeze,
	    .view = &putting->copy->freeze_view};
	enum dom_status st = mover_promise(txn, &promise, &putting->move, putting->arena);

	putting->result = MOVER_PUT_PREPARED;
	if (st == DOM_EINTEGRITY) {
		/* What was put down stays: the next attempt may differ from this one. */
		putting->result = MOVER_PUT_DIFFERENT;
		return DOM_OK;
	}
	return st;
}

static bool
is_small(const struct wire_move *freeze)
{
	return freeze->sum.revisions <= MOVER_ROOT_AT_ONCE &&
	       freeze->sum.chunks <= MOVER_ROOT_AT_ONCE;
}

static enum dom_status
end_page(struct putting *putting, struct store_txn *txn)
{
	const struct mover_copy *copy = putting->copy;
	struct store_move *move = &putting->move;
	enum dom_status st;

	if ((st = put_records(putting, txn, true)) != DOM_OK ||
	    (st = keep_place(putting, txn)) != DOM_OK)
		return st;
	if (copy->clock > move->clock)
		move->clock = copy->clock;
	/* So that who follows what has changed need not read it all again. */
	if (copy->ended)
		st = store_account_set_clock(txn, move->account, move->clock, move->epoch);
	if (st == DOM_OK && copy->is_frozen && move->state == WIRE_MOVE_STAGING)
		move_enter(move, MOVE_CAUGHT_UP,
		    dom_clock_now_ms(&putting->mover->options.service->clock));
	if (st == DOM_OK && copy->is_frozen && copy->ended && is_small(&copy->freeze_view))
		st = promise(putting, txn);
	return st;
}

static enum dom_status
put(struct putting *putting, struct store_txn *txn)
{
	const struct mover_copy *copy = putting->copy;
	enum dom_status st = DOM_OK;

	if (!copy->others_put) {
		if (!copy->place.in_pass)
			st = copy_begin_pass(txn, putting->move.account);
		if (st == DOM_OK)
			st = put_records(putting, txn, false);
	}
	for (size_t i = copy->chunks_put; st == DOM_OK && i < putting->until; i++) {
		st = put_chunk(putting, txn, &copy->chunks[i]);
		putting->move.bytes += copy->chunks[i].record.size;
	}
	if (st == DOM_OK && putting->is_last)
		st = end_page(putting, txn);
	return st;
}

static enum dom_status
run_put(struct store_txn *txn, void *context)
{
	struct putting *putting = context;
	enum dom_status st;

	putting->result = MOVER_PUT_LATE;
	st = mover_reload(txn, putting->before, putting->arena, &putting->move);
	if (st != DOM_OK)
		return st;
	putting->result = MOVER_PUT_DONE;
	putting->move.bytes += putting->copy->put_bytes;
	if (putting->copy->bytes_total != 0)
		putting->move.bytes_total = putting->copy->bytes_total;
	st = put(putting, txn);
	if (st == DOM_EINPUT || st == DOM_EFENCED)
		putting->result = MOVER_PUT_NONSENSE;
	if (st == DOM_OK)
		st = store_move_update(txn, &putting->move);
	return st > 0 ? DOM_ESTORE : st;
}

/* What was staged belongs to the store now, or goes. */
static void
drop_staged(struct mover_copy *copy, size_t until)
{
	for (size_t i = copy->chunks_put; i < until; i++)
		store_staged_free(&copy->chunks[i].staged);
}

enum dom_status
mover_copy_put(struct mover *mover, const struct store_move *move, struct mover_copy *copy,
    size_t until, enum mover_put_result *result_r)
{
	struct putting putting = {.mover = mover,
	    .before = move,
	    .copy = copy,
	    .until = until,
	    .is_last = until == copy->chunk_count,
	    .arena = mover->arena};
	enum dom_status st = mover_write(mover, run_put, &putting);

	*result_r = putting.result;
	drop_staged(copy, until);
	if (st == DOM_OK && putting.result != MOVER_PUT_LATE) {
		copy->others_put = true;
		copy->put_bytes = 0;
		copy->chunks_put = until;
		if (putting.is_last)
			mover_copy_page_done(copy);
		return DOM_OK;
	}
	if (putting.result == MOVER_PUT_QUOTA || putting.result == MOVER_PUT_NONSENSE ||
	    putting.result == MOVER_PUT_LATE)
		return st == DOM_ESTORE || st == DOM_ENOMEM ? st : DOM_OK;
	return st;
}
