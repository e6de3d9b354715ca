/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Items: the current revision lies in the item's row, earlier ones in their own table. */
#include <assert.h>

#include "store/sqlite/engine.h"

static void
get_item(struct sql_call *call, struct dom_arena *arena, struct store_item *item_r)
{
	*item_r = (struct store_item){0};
	item_r->number = sql_get_number(call);
	item_r->uid = sql_get_slice(call, arena);
	item_r->version = (int)sql_get_number(call);
	item_r->encryption_key = sql_get_optional(call, arena);
	row_get_revision(call, arena, &item_r->current);
}

enum dom_status
store_item_find(struct store_txn *txn, int64_t collection, struct dom_slice uid,
    struct dom_arena *arena, struct store_item *item_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ITEM_FIND);
	enum dom_status st;

	sql_put_number(&call, collection);
	sql_put_slice(&call, uid);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	get_item(&call, arena, item_r);
	return sql_end(&call);
}

enum dom_status
store_item_etag(struct store_txn *txn, int64_t collection, struct dom_slice uid,
    struct dom_arena *arena, int64_t *number_r, struct dom_slice *etag_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ITEM_ETAG);
	enum dom_status st;

	sql_put_number(&call, collection);
	sql_put_slice(&call, uid);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	*number_r = sql_get_number(&call);
	*etag_r = sql_get_slice(&call, arena);
	return sql_end(&call);
}

static enum dom_status
item_add(struct store_txn *txn, int64_t collection, const struct store_item *item,
    struct dom_slice packed)
{
	struct sql_call call = sql_call(txn->connection, SQL_ITEM_ADD);

	sql_put_number(&call, collection);
	sql_put_slice(&call, item->uid);
	sql_put_number(&call, item->version);
	sql_put_optional(&call, item->encryption_key);
	row_put_revision(&call, &item->current, packed);
	return sql_run(&call);
}

/* DOM_CONFLICT: the item has, or had, a revision of that uid. */
static enum dom_status
item_check_new(struct store_txn *txn, int64_t collection, const struct store_item *item)
{
	struct sql_call call = sql_call(txn->connection, SQL_ITEM_IS_CURRENT);
	enum dom_status st;
	bool current;

	sql_put_slice(&call, item->current.uid);
	sql_put_number(&call, item->number);
	sql_put_number(&call, collection);
	st = sql_step(&call);
	current = st == DOM_OK && sql_get_bool(&call);
	sql_end(&call);
	if (st != DOM_OK)
		return st;
	if (current)
		return DOM_CONFLICT;
	call = sql_call(txn->connection, SQL_REVISION_KNOWN);
	sql_put_number(&call, item->number);
	sql_put_slice(&call, item->current.uid);
	st = sql_step(&call);
	sql_end(&call);
	if (st < 0)
		return st;
	return st == DOM_OK ? DOM_CONFLICT : DOM_OK;
}

static enum dom_status
item_replace(struct store_txn *txn, int64_t collection, const struct store_item *item,
    struct dom_slice packed)
{
	struct sql_call call;
	enum dom_status st;

	if ((st = item_check_new(txn, collection, item)) != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_ITEM_ARCHIVE);
	sql_put_number(&call, item->number);
	if ((st = sql_change(&call)) != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_ITEM_REPLACE);
	row_put_revision(&call, &item->current, packed);
	sql_put_number(&call, item->number);
	return sql_change(&call);
}

enum dom_status
store_item_put(struct store_txn *txn, int64_t collection, const struct store_item *item)
{
	const struct store_revision *current = &item->current;
	struct dom_slice packed;
	struct sql_call call;
	enum dom_status st;

	assert(txn->writes);
	packed = row_pack_chunks(txn->connection, current->chunks, current->chunk_count, &st);
	if (st < 0)
		return st;
	st = item->number == 0 ? item_add(txn, collection, item, packed)
	                       : item_replace(txn, collection, item, packed);
	if (st != DOM_OK)
		return st;
	txn->bytes += current->meta.size + packed.size;
	call = sql_call(txn->connection, SQL_COLLECTION_SET_ITEMS_CLOCK);
	sql_put_clock(&call, current->clock);
	sql_put_number(&call, collection);
	return sql_change(&call);
}

/* A row may take 60 MB, so their number alone bounds nothing. */
static bool
scan_has_room(const struct dom_arena *arena, size_t used_before)
{
	return dom_arena_used(arena) - used_before < STORE_SCAN_SIZE_MAX;
}

enum dom_status
store_item_scan(struct store_txn *txn, const struct store_collection *collection,
    uint64_t after, bool with_main, unsigned limit, struct dom_arena *arena,
    struct store_item **items_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ITEM_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_item)};
	size_t used = dom_arena_used(arena);

	sql_put_number(&call, collection->number);
	sql_put_bound(&call, after);
	/* The main item has the collection's uid; no item's uid is empty. */
	sql_put_slice(&call, with_main ? dom_slice(NULL, 0) : collection->uid);
	sql_put_number(&call, limit);
	while (scan_has_room(arena, used) && sql_step(&call) == DOM_OK) {
		struct store_item *item = sql_rows_next(&rows);

		if (item == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_item(&call, arena, item);
	}
	*items_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_revision_find(struct store_txn *txn, int64_t item, struct dom_slice uid,
    struct dom_arena *arena, struct store_revision *revision_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_REVISION_FIND);
	enum dom_status st;

	sql_put_number(&call, item);
	sql_put_slice(&call, uid);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	*revision_r = (struct store_revision){0};
	row_get_revision(&call, arena, revision_r);
	revision_r->previous = sql_get_slice(&call, arena);
	return sql_end(&call);
}

enum dom_status
store_revision_scan(struct store_txn *txn, int64_t item, uint64_t before, unsigned limit,
    struct dom_arena *arena, struct store_revision **revisions_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_REVISION_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_revision)};
	size_t used = dom_arena_used(arena);

	sql_put_number(&call, item);
	sql_put_bound(&call, before == 0 ? INT64_MAX : before);
	sql_put_number(&call, limit);
	while (scan_has_room(arena, used) && sql_step(&call) == DOM_OK) {
		struct store_revision *revision = sql_rows_next(&rows);

		if (revision == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row_get_revision(&call, arena, revision);
	}
	*revisions_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}
