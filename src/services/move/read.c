/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading an account in pages, in passes; see copy.h. */
#include "base/bytes.h"

#include "services/move/copy.h"
#include "services/root/root.h"
#include "store/erase.h"
#include "store/move.h"
#include "store/scan.h"

enum {
	ROWS_PAGE = 256,
	/* In this order. */
	PHASE_SMALL = 0,
	PHASE_COLLECTIONS,
	PHASE_ITEMS,
	PHASE_HISTORY,
	PHASE_CHUNKS,
	PHASE_COUNT,
};

struct reading {
	struct store_txn *txn;
	const struct store_account *account;
	struct copy_cursor *cursor;
	struct dom_buffer *records;
	size_t begun; /* bytes in the buffer before this page */
	struct dom_buffer one;
	struct dom_arena *page, *outer;
};

void
copy_cursor_encode(struct dom_buffer *bytes, const struct copy_cursor *cursor)
{
	dom_write_u64(bytes, cursor->since_clock);
	dom_write_u64(bytes, cursor->pass_clock);
	dom_write_u64(bytes, (uint64_t)cursor->since_chunk);
	dom_write_u64(bytes, (uint64_t)cursor->pass_chunk);
	dom_write_u8(bytes, cursor->phase);
	dom_write_u64(bytes, (uint64_t)cursor->collection);
	dom_write_u64(bytes, (uint64_t)cursor->last_collection);
	dom_write_u64(bytes, cursor->clock);
	dom_write_u64(bytes, cursor->history);
	dom_write_u64(bytes, (uint64_t)cursor->chunk);
}

/* What is stored is signed. */
static int64_t
read_number(struct dom_reader *in)
{
	uint64_t number = dom_read_u64(in);

	if (number > INT64_MAX)
		in->failed = DOM_EINPUT;
	return in->failed == DOM_OK ? (int64_t)number : 0;
}

enum dom_status
copy_cursor_decode(struct dom_slice bytes, struct copy_cursor *cursor_r)
{
	struct dom_reader in = dom_reader_over(bytes);

	*cursor_r = (struct copy_cursor){0};
	if (bytes.size == 0)
		return DOM_OK;
	cursor_r->since_clock = (uint64_t)read_number(&in);
	cursor_r->pass_clock = (uint64_t)read_number(&in);
	cursor_r->since_chunk = read_number(&in);
	cursor_r->pass_chunk = read_number(&in);
	cursor_r->phase = dom_read_u8(&in);
	cursor_r->collection = read_number(&in);
	cursor_r->last_collection = read_number(&in);
	cursor_r->clock = (uint64_t)read_number(&in);
	cursor_r->history = (uint64_t)read_number(&in);
	cursor_r->chunk = read_number(&in);
	if (cursor_r->phase >= PHASE_COUNT)
		return DOM_EINPUT;
	return dom_reader_finish(&in);
}

static bool
is_full(const struct reading *reading)
{
	return reading->records->size - reading->begun >= COPY_PAGE_SIZE;
}

static enum dom_status
take(void *context, const struct wire_record *record)
{
	struct reading *reading = context;

	dom_buffer_clear(&reading->one);
	wire_record_encode(&reading->one, record);
	dom_write_string(reading->records, dom_buffer_slice(&reading->one));
	return dom_buffer_finish(&reading->one);
}

static void
next_phase(struct copy_cursor *cursor, uint8_t phase)
{
	cursor->phase = phase;
	cursor->clock = cursor->history = 0;
	cursor->chunk = 0;
}

static enum dom_status
begin_pass(struct reading *reading)
{
	struct copy_cursor *cursor = reading->cursor;
	enum dom_status st;

	cursor->pass_clock = reading->account->clock;
	st = store_chunk_newest(reading->txn, &cursor->pass_chunk);
	if (st != DOM_OK)
		return st;
	st = root_walk_small(reading->txn, reading->account, take, reading);
	cursor->collection = 0;
	next_phase(cursor, PHASE_COLLECTIONS);
	return st;
}

/* Of all, in every pass: their clocks change with what they hold. */
static enum dom_status
read_collections(struct reading *reading)
{
	struct copy_cursor *cursor = reading->cursor;
	struct store_owned *rows;
	enum dom_status st;
	size_t count;

	dom_arena_reset(reading->outer);
	st = store_collections_owned(reading->txn, reading->account->number, cursor->collection,
	    ROWS_PAGE, reading->outer, &rows, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		struct wire_record record;

		st = root_collection_record(reading->txn, &rows[i], reading->outer, &record);
		if (st == DOM_OK)
			st = take(reading, &record);
		cursor->collection = rows[i].collection.number;
	}
	if (st == DOM_OK && count == 0) {
		cursor->last_collection = cursor->collection;
		cursor->collection = 0;
		next_phase(cursor, PHASE_ITEMS);
	}
	return st;
}

static enum dom_status
read_items(struct reading *reading, const struct store_collection *collection)
{
	struct copy_cursor *cursor = reading->cursor;
	uint64_t after =
	    cursor->clock > cursor->since_clock ? cursor->clock : cursor->since_clock;
	struct store_item *rows;
	enum dom_status st;
	size_t count = 0;

	dom_arena_reset(reading->page);
	st = collection->items_clock <= after
	         ? DOM_OK
	         : store_item_scan(reading->txn, collection, after, true, ROWS_PAGE,
	               reading->page, &rows, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		struct wire_record record = root_item_record(collection->uid, &rows[i]);

		st = take(reading, &record);
		cursor->clock = rows[i].current.clock;
	}
	if (st == DOM_OK && count == 0)
		next_phase(cursor, PHASE_HISTORY);
	return st;
}

static enum dom_status
read_history(struct reading *reading, const struct store_collection *collection)
{
	struct copy_cursor *cursor = reading->cursor;
	struct store_history_at after = {.item_clock = cursor->clock, .clock = cursor->history};
	struct store_history *rows;
	enum dom_status st;
	size_t count = 0;

	/* Past the last item that was unchanged before this pass. */
	if (after.item_clock <= cursor->since_clock && cursor->since_clock != 0)
		after = (struct store_history_at){cursor->since_clock, UINT64_MAX};
	dom_arena_reset(reading->page);
	st = store_history_scan(
	    reading->txn, collection->number, after, ROWS_PAGE, reading->page, &rows, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		struct wire_record record = root_history_record(collection->uid, &rows[i]);

		st = take(reading, &record);
		cursor->clock = rows[i].at.item_clock;
		cursor->history = rows[i].at.clock;
	}
	if (st == DOM_OK && count == 0)
		next_phase(cursor, PHASE_CHUNKS);
	return st;
}

static enum dom_status
read_chunks(struct reading *reading, const struct store_collection *collection)
{
	struct copy_cursor *cursor = reading->cursor;
	int64_t after =
	    cursor->chunk > cursor->since_chunk ? cursor->chunk : cursor->since_chunk;
	struct store_chunk_entry *rows;
	enum dom_status st;
	size_t count;

	dom_arena_reset(reading->page);
	st = store_chunk_log(
	    reading->txn, collection->number, after, ROWS_PAGE, reading->page, &rows, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		struct wire_record record = {.type = WIRE_RECORD_CHUNK,
		    .of.chunk = {.collection_uid = collection->uid,
		        .uid = rows[i].uid,
		        .size = rows[i].size,
		        .stored_ms = rows[i].stored_ms}};

		memcpy(record.of.chunk.sha256, rows[i].sha256, sizeof(rows[i].sha256));
		st = take(reading, &record);
		cursor->chunk = rows[i].number;
	}
	if (st == DOM_OK && count == 0) {
		cursor->collection = collection->number;
		next_phase(cursor, PHASE_ITEMS);
	}
	return st;
}

/* A page of one collection; ended_r: there are no more of them. */
static enum dom_status
read_collection(struct reading *reading, bool *ended_r)
{
	struct copy_cursor *cursor = reading->cursor;
	struct store_owned *owned;
	enum dom_status st;
	size_t count;

	dom_arena_reset(reading->outer);
	st = store_collections_owned(reading->txn, reading->account->number, cursor->collection,
	    1, reading->outer, &owned, &count);
	if (st != DOM_OK)
		return st;
	/* One that was made since comes whole with the next pass, its own record first. */
	*ended_r = count == 0 || owned[0].collection.number > cursor->last_collection;
	if (*ended_r)
		return DOM_OK;
	switch (cursor->phase) {
	case PHASE_ITEMS:
		return read_items(reading, &owned[0].collection);
	case PHASE_HISTORY:
		return read_history(reading, &owned[0].collection);
	default:
		return read_chunks(reading, &owned[0].collection);
	}
}

enum dom_status
copy_read(struct store_txn *txn, const struct store_account *account,
    struct copy_cursor *cursor, struct dom_buffer *records, bool *ended_r)
{
	struct reading reading = {.txn = txn,
	    .account = account,
	    .cursor = cursor,
	    .records = records,
	    .begun = records->size,
	    .page = dom_arena_new(0),
	    .outer = dom_arena_new(0)};
	enum dom_status st =
	    reading.page == NULL || reading.outer == NULL ? DOM_ENOMEM : DOM_OK;

	*ended_r = false;
	while (st == DOM_OK && !*ended_r && !is_full(&reading)) {
		if (cursor->phase == PHASE_SMALL)
			st = begin_pass(&reading);
		else if (cursor->phase == PHASE_COLLECTIONS)
			st = read_collections(&reading);
		else
			st = read_collection(&reading, ended_r);
	}
	if (st == DOM_OK && *ended_r)
		*cursor = (struct copy_cursor){
		    .since_clock = cursor->pass_clock, .since_chunk = cursor->pass_chunk};
	dom_buffer_free(&reading.one);
	dom_arena_free(&reading.page);
	dom_arena_free(&reading.outer);
	return st == DOM_OK ? dom_buffer_finish(records) : st;
}
