/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The store's rows as records, given to the root as often as it asks.  Pages
 * live in an arena of their own, so the memory does not depend on how much there
 * is.
 */
#include "services/root/root.h"

#include <stdlib.h>

#include "store/erase.h"
#include "store/scan.h"

enum {
	COLLECTIONS_PAGE = 64,
	ROWS_PAGE = 512,
	CHUNKS_BATCH = 1 << 19, /* numbers that are sorted, 4 MiB */
};

struct walk {
	struct store_txn *txn;
	const struct root_options *options;
	struct wire_root *root;
	struct dom_arena *outer; /* lists of collections, and what is asked about one */
	struct dom_arena *page;  /* rows of one */
	struct store_account account;
};

static enum dom_status
add(struct walk *walk, const struct wire_record *record)
{
	return wire_root_add(walk->root, record);
}

static enum dom_status
add_small(void *walk, const struct wire_record *record)
{
	return add(walk, record);
}

static bool
is_stopped(const struct walk *walk)
{
	const struct root_options *options = walk->options;

	return options->stopped != NULL && options->stopped(options->context);
}

/* --- collections --------------------------------------------------------------- */

static enum dom_status
add_items(struct walk *walk, const struct store_collection *collection)
{
	struct store_item *items;
	enum dom_status st = DOM_OK;
	uint64_t after = 0;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		if (is_stopped(walk))
			return DOM_ESTOPPED;
		st = store_item_scan(
		    walk->txn, collection, after, true, ROWS_PAGE, walk->page, &items, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record =
			    root_item_record(collection->uid, &items[i]);

			after = items[i].current.clock;
			st = add(walk, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

/* item: number of the only one that is wanted, and before which clock; 0: all. */
static enum dom_status
add_history(struct walk *walk, const struct store_collection *collection,
    struct store_history_at after, int64_t item, uint64_t before)
{
	struct store_history *rows;
	enum dom_status st = DOM_OK;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		if (is_stopped(walk))
			return DOM_ESTOPPED;
		st = store_history_scan(
		    walk->txn, collection->number, after, ROWS_PAGE, walk->page, &rows, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record =
			    root_history_record(collection->uid, &rows[i]);

			if (item != 0 && (rows[i].item != item || rows[i].at.clock >= before))
				return DOM_OK;
			after = rows[i].at;
			st = add(walk, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

/* These chunks, as they lie on the disk. */
static enum dom_status
add_numbered(struct walk *walk, const struct store_collection *collection, int64_t *numbers,
    size_t count)
{
	enum dom_status st = DOM_OK;

	if (count != 0)
		qsort(numbers, count, sizeof(*numbers), compare);
	for (size_t i = 0; i < count && st == DOM_OK; i++) {
		struct wire_record record = {.type = WIRE_RECORD_CHUNK};
		struct store_chunk chunk;

		if (i % ROWS_PAGE == 0) {
			dom_arena_reset(walk->page);
			if (is_stopped(walk))
				return DOM_ESTOPPED;
		}
		st = store_chunk_by_number(walk->txn, numbers[i], walk->page, &chunk);
		if (st != DOM_OK)
			return st == DOM_ABSENT ? DOM_ESTORE : st; /* the index has it */
		record.of.chunk.collection_uid = collection->uid;
		record.of.chunk.uid = chunk.uid;
		record.of.chunk.size = chunk.size;
		memcpy(record.of.chunk.sha256, chunk.sha256, sizeof(chunk.sha256));
		st = add(walk, &record);
	}
	return st;
}

static enum dom_status
add_chunks(struct walk *walk, const struct store_collection *collection)
{
	struct dom_arena *arenas[2] = {dom_arena_new(0), dom_arena_new(0)};
	struct dom_slice after = {0};
	enum dom_status st = DOM_ENOMEM;
	unsigned batch = 0;

	if (arenas[0] == NULL || arenas[1] == NULL)
		goto out;
	do {
		/* The other one holds `after`. */
		struct dom_arena *arena = arenas[batch++ % 2];
		int64_t *numbers;
		size_t count;

		dom_arena_reset(arena);
		st = store_chunk_numbers(walk->txn, collection->number, after, CHUNKS_BATCH,
		    arena, &numbers, &count, &after);
		if (st == DOM_OK)
			st = add_numbered(walk, collection, numbers, count);
	} while (st == DOM_OK && after.data != NULL);
out:
	dom_arena_free(&arenas[0]);
	dom_arena_free(&arenas[1]);
	return st;
}

static enum dom_status
add_collection(struct walk *walk, const struct store_owned *owned)
{
	struct wire_record record;
	enum dom_status st;

	dom_arena_reset(walk->page);
	st = root_collection_record(walk->txn, owned, walk->page, &record);
	return st == DOM_OK ? add(walk, &record) : st;
}

static enum dom_status
add_owned(struct walk *walk, const struct store_owned *owned)
{
	const struct store_collection *collection = &owned->collection;
	enum dom_status st = DOM_OK;

	if (wire_root_wants(walk->root, false) &&
	    ((st = add_collection(walk, owned)) != DOM_OK ||
	        (st = add_items(walk, collection)) != DOM_OK ||
	        (st = add_history(
	             walk, collection, (struct store_history_at){0}, 0, UINT64_MAX)) != DOM_OK))
		return st;
	return wire_root_wants(walk->root, true) ? add_chunks(walk, collection) : st;
}

static enum dom_status
add_collections(struct walk *walk)
{
	const struct root_options *options = walk->options;
	bool whole = options->scope != WIRE_SCOPE_SERVICE;
	struct store_owned *owned;
	enum dom_status st;
	int64_t after = 0;
	size_t count;

	do {
		dom_arena_reset(walk->outer);
		st = whole ? store_collections_owned(walk->txn, options->account, after,
		                 COLLECTIONS_PAGE, walk->outer, &owned, &count)
		           : store_collections_erasing(walk->txn, options->erasure, after,
		                 COLLECTIONS_PAGE, walk->outer, &owned, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			after = owned[i].collection.number;
			st = add_owned(walk, &owned[i]);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

/* --- the scopes ------------------------------------------------------------------- */

static enum dom_status
add_item(struct walk *walk)
{
	const struct root_options *options = walk->options;
	struct store_collection collection;
	struct store_revision *was_current;
	struct store_item item;
	size_t count;
	enum dom_status st;

	dom_arena_reset(walk->outer);
	st =
	    store_collection_find(walk->txn, options->collection_uid, walk->outer, &collection);
	if (st != DOM_OK)
		return st;
	if (collection.owner != options->account)
		return DOM_ABSENT;
	st = store_item_find(
	    walk->txn, collection.number, options->item_uid, walk->outer, &item);
	if (st != DOM_OK)
		return st;
	/* What was written after that clock, and what it replaced, is not meant. */
	st = store_revision_scan(
	    walk->txn, item.number, options->clock + 1, 1, walk->outer, &was_current, &count);
	if (st != DOM_OK || count == 0)
		return st;
	return add_history(walk, &collection,
	    (struct store_history_at){.item_clock = item.current.clock}, item.number,
	    was_current[0].clock);
}

static enum dom_status
walk_once(struct walk *walk)
{
	enum dom_status st = DOM_OK;

	switch (walk->options->scope) {
	case WIRE_SCOPE_ITEM:
		return wire_root_wants(walk->root, false) ? add_item(walk) : DOM_OK;
	case WIRE_SCOPE_SERVICE:
		return add_collections(walk);
	case WIRE_SCOPE_ACCOUNT:
	case WIRE_SCOPE_SOURCE:
		break;
	}
	if (wire_root_wants(walk->root, false) &&
	    (st = root_walk_small(walk->txn, &walk->account, add_small, walk)) != DOM_OK)
		return st;
	return add_collections(walk);
}

enum dom_status
root_compute(struct store_txn *txn, const struct root_options *options,
    uint8_t root_r[WIRE_ROOT_SIZE], struct wire_erased *sum_r)
{
	struct walk walk = {.txn = txn, .options = options};
	struct dom_arena *arena = dom_arena_new(0);
	enum dom_status st = DOM_ENOMEM;
	bool again = true;

	walk.root = wire_root_new(
	    options->memory_max == 0 ? (size_t)WIRE_ROOT_MEMORY : options->memory_max);
	walk.outer = dom_arena_new(0);
	walk.page = dom_arena_new(0);
	if (arena == NULL || walk.root == NULL || walk.outer == NULL || walk.page == NULL)
		goto out;
	st = store_account_by_number(txn, options->account, arena, &walk.account);
	while (st == DOM_OK && again) {
		st = walk_once(&walk);
		if (st == DOM_OK)
			st = wire_root_pass(walk.root, &again);
	}
	if (st == DOM_OK)
		st = wire_root_finish(walk.root, options->identity_public, walk.account.epoch,
		    options->clock, root_r, sum_r);
out:
	wire_root_free(&walk.root);
	dom_arena_free(&walk.page);
	dom_arena_free(&walk.outer);
	dom_arena_free(&arena);
	return st;
}
