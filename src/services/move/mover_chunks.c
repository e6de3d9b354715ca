/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The chunks that a page names: which are missing, asking for them, checking what comes. */
#include <stdlib.h>

#include "base/bytes.h"

#include "services/move/mover_copy.h"

/* --- which are missing ------------------------------------------------------------------- */

/* Chunks come collection by collection. */
struct looking {
	struct mover *mover;
	struct mover_copy *copy;
	struct store_txn *txn;
	struct dom_arena *arena;
	struct dom_slice uid; /* of the last collection */
	int64_t collection;   /* 0: it is not here yet, or not the copy's */
};

static enum dom_status
find_collection(struct looking *looking, struct dom_slice uid)
{
	struct store_collection collection;
	enum dom_status st;

	if (looking->uid.data != NULL && dom_slice_equal(looking->uid, uid))
		return DOM_OK;
	looking->uid = uid;
	looking->collection = 0;
	st = store_collection_find(looking->txn, uid, looking->arena, &collection);
	if (st == DOM_OK && collection.owner == looking->copy->account.number)
		looking->collection = collection.number;
	return st == DOM_ABSENT ? DOM_OK : st;
}

static enum dom_status
note_missing(struct mover_copy *copy, const struct wire_record_chunk *record)
{
	if (copy->chunk_count == copy->chunk_room) {
		size_t room = copy->chunk_room == 0 ? 64 : 2 * copy->chunk_room;
		struct mover_chunk *wider =
		    reallocarray(copy->chunks, room, sizeof(*copy->chunks));

		if (wider == NULL)
			return DOM_ENOMEM;
		copy->chunks = wider;
		copy->chunk_room = room;
	}
	copy->chunks[copy->chunk_count++] = (struct mover_chunk){.record = *record};
	return DOM_OK;
}

static enum dom_status
look_at(struct looking *looking, struct dom_slice bytes)
{
	struct wire_record record;
	enum dom_status st;

	if (bytes.size == 0)
		return DOM_EINPUT;
	/* The others are decoded once, when they are put down. */
	if (bytes.data[0] != WIRE_RECORD_CHUNK)
		return DOM_OK;
	dom_arena_reset(looking->arena);
	if ((st = wire_record_decode(bytes, looking->arena, &record)) != DOM_OK)
		return st;
	if (record.of.chunk.size > MOVER_CHUNK_SIZE_MAX)
		return DOM_ELIMIT;
	if ((st = find_collection(looking, record.of.chunk.collection_uid)) != DOM_OK)
		return st;
	st = looking->collection == 0
	         ? DOM_ABSENT
	         : store_chunk_has(looking->txn, looking->collection, record.of.chunk.uid);
	return st == DOM_ABSENT ? note_missing(looking->copy, &record.of.chunk) : st;
}

enum dom_status
mover_copy_look(struct mover *mover, struct mover_copy *copy)
{
	struct looking looking = {.mover = mover, .copy = copy, .arena = dom_arena_new(0)};
	struct dom_reader in = dom_reader_over(copy->records);
	enum dom_status st;

	if (looking.arena == NULL)
		return DOM_ENOMEM;
	st = store_read_begin(mover->reader, &looking.txn);
	while (st == DOM_OK && in.at != in.end) {
		struct dom_slice bytes = dom_read_string(&in, WIRE_RECORD_SIZE_MAX);

		st = in.failed != DOM_OK ? DOM_EINPUT : look_at(&looking, bytes);
	}
	store_read_end(&looking.txn);
	dom_arena_free(&looking.arena);
	return st;
}

/* --- asking ------------------------------------------------------------------------------- */

/* The chunks [from, until) of one request. */
struct batch {
	size_t from, until;
};

/* Those that fit a request, at least one. */
static struct batch
batch_from(const struct mover_copy *copy, size_t from, uint64_t *size_r)
{
	struct batch batch = {.from = from, .until = from};

	*size_r = 0;
	while (batch.until < copy->chunk_count &&
	       batch.until - batch.from < WIRE_PEER_CHUNKS_MAX) {
		uint64_t size = copy->chunks[batch.until].record.size;

		if (batch.until > from && *size_r + size > MOVER_CHUNKS_SIZE)
			break;
		*size_r += size;
		batch.until++;
	}
	return batch;
}

static enum dom_status
prepare_batch(struct mover *mover, const struct store_move *move, const struct mover_copy *copy,
    size_t index, const struct batch *batch, uint64_t size)
{
	struct wire_peer_chunk wanted[WIRE_PEER_CHUNKS_MAX];
	struct dom_buffer body = {0};
	size_t count = 0;
	enum dom_status st;

	for (size_t i = batch->from; i < batch->until; i++)
		wanted[count++] = (struct wire_peer_chunk){
		    .collection_uid = copy->chunks[i].record.collection_uid,
		    .uid = copy->chunks[i].record.uid};
	wire_peer_chunks_encode(&body, wanted, count);
	st = dom_buffer_finish(&body);
	if (st == DOM_OK)
		st = mover_prepare_ask(mover, index, move, WIRE_PEER_CHUNKS,
		    dom_buffer_slice(&body), (size_t)size + count * 4);
	dom_buffer_free(&body);
	return st;
}

/* --- what comes ------------------------------------------------------------------------------
 */

/* DOM_EINTEGRITY: it is something else. */
static enum dom_status
stage(struct mover *mover, struct mover_copy *copy, struct mover_chunk *chunk,
    struct dom_slice bytes)
{
	enum dom_status st;

	if (bytes.size == 0 && chunk->record.size != 0) {
		chunk->is_gone = true;
		return DOM_OK;
	}
	if (bytes.size != chunk->record.size)
		return DOM_EINTEGRITY;
	st = store_chunk_stage(mover->options.store, copy->account.id, bytes, &chunk->staged);
	if (st != DOM_OK)
		return st;
	if (memcmp(store_staged_digest(chunk->staged), chunk->record.sha256,
	        sizeof(chunk->record.sha256)) == 0)
		return DOM_OK;
	store_staged_free(&chunk->staged);
	return DOM_EINTEGRITY;
}

/* until_r: the first ones have come; the source may end an answer early. */
static enum dom_status
take_batch(struct mover *mover, struct mover_copy *copy, size_t index,
    const struct batch *batch, size_t *until_r)
{
	struct dom_reader in = dom_reader_over(dom_buffer_slice(&mover->asks[index].reply));
	enum dom_status st = DOM_OK;
	size_t i = batch->from;

	while (st == DOM_OK && in.at != in.end && i < batch->until) {
		struct dom_slice bytes = dom_read_string(&in, MOVER_CHUNK_SIZE_MAX);

		st = in.failed != DOM_OK ? DOM_EINPUT
		                         : stage(mover, copy, &copy->chunks[i], bytes);
		if (st == DOM_OK)
			copy->pass_bytes += copy->chunks[i++].record.size;
	}
	*until_r = i;
	if (st == DOM_OK && (in.at != in.end || i == batch->from))
		return DOM_EINPUT;
	return st;
}

/*
 * Those that came before one that did not are put down; what was staged after
 * it is asked for again.
 */
static void
unstage(struct mover_copy *copy, size_t from, size_t until)
{
	for (size_t i = from; i < until; i++) {
		store_staged_free(&copy->chunks[i].staged);
		copy->chunks[i].is_gone = false;
	}
}

static enum dom_status
take_all(struct mover *mover, struct mover_copy *copy, const struct batch *batches,
    size_t count, size_t *until_r)
{
	struct wire_error refusal;
	size_t until = batches[0].from;
	enum dom_status st = DOM_OK;

	for (size_t i = 0; st == DOM_OK && i < count && until == batches[i].from; i++) {
		st = mover_answer(mover, i, &refusal);
		if (st == DOM_OK)
			st = take_batch(mover, copy, i, &batches[i], &until);
	}
	/* What is wrong ends it, whatever else has come. */
	if (st < 0 || (st == DOM_CONFLICT && until == batches[0].from)) {
		unstage(copy, batches[0].from, until);
		return st;
	}
	*until_r = until;
	return DOM_OK;
}

enum dom_status
mover_copy_fetch(struct mover *mover, const struct store_move *move, struct mover_copy *copy,
    size_t *until_r)
{
	struct batch batches[MOVER_ASKS_MAX];
	uint64_t size, round = 0;
	size_t count = 0, from = copy->chunks_put;
	enum dom_status st;

	while (count < MOVER_ASKS_MAX && from < copy->chunk_count) {
		batches[count] = batch_from(copy, from, &size);
		if (count > 0 && round + size > MOVER_ROUND_SIZE)
			break;
		st = prepare_batch(mover, move, copy, count, &batches[count], size);
		if (st != DOM_OK)
			return st == DOM_ABSENT ? DOM_CONFLICT : st;
		round += size;
		from = batches[count++].until;
	}
	if ((st = mover_ask_all(mover, count)) != DOM_OK)
		return st;
	return take_all(mover, copy, batches, count, until_r);
}
