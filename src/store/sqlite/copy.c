/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What moves with an account: read at its source, put down again at its target. */
#include <assert.h>

#include "store/move.h"
#include "store/sqlite/engine.h"

/* --- reading ------------------------------------------------------------------ */

enum dom_status
store_chunk_log(struct store_txn *txn, int64_t collection, int64_t after, unsigned limit,
    struct dom_arena *arena, struct store_chunk_entry **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_LOG);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_chunk_entry)};

	sql_put_number(&call, collection);
	sql_put_number(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_chunk_entry *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		*row = (struct store_chunk_entry){0};
		row->number = sql_get_number(&call);
		row->uid = sql_get_slice(&call, arena);
		row->size = sql_get_clock(&call);
		sql_get_bytes(&call, row->sha256, sizeof(row->sha256));
		row->stored_ms = sql_get_number(&call);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_chunk_newest(struct store_txn *txn, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_NEWEST);

	*number_r = 0;
	if (sql_step(&call) == DOM_OK)
		*number_r = sql_get_number(&call);
	return sql_end(&call);
}

/* --- putting down ------------------------------------------------------------- */

/* DOM_OK: the collection's owner is a copy that is being made. */
static enum dom_status
check_staging(struct store_txn *txn, int64_t collection)
{
	struct sql_call call = sql_call(txn->connection, SQL_COPY_STAGING);
	int64_t owner = 0, state = STORE_ACCOUNT_HOME;
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, collection);
	if ((st = sql_step(&call)) == DOM_OK) {
		owner = sql_get_number(&call);
		state = sql_get_number(&call);
	}
	if (sql_end(&call) < 0)
		return call.failed;
	if (st != DOM_OK || state == STORE_ACCOUNT_STAGING)
		return st;
	return fence_refuse(txn, owner);
}

static enum dom_status
find_collection(struct store_txn *txn, int64_t account, struct dom_slice uid, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_COPY_COLLECTION);
	enum dom_status st;

	sql_put_slice(&call, uid);
	sql_put_number(&call, account);
	if ((st = sql_step(&call)) == DOM_OK)
		*number_r = sql_get_number(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_copy_collection(struct store_txn *txn, int64_t account, struct dom_slice uid,
    uint64_t items_clock, uint64_t members_clock, int64_t abandoned_ms, int64_t *number_r)
{
	struct sql_call call;
	enum dom_status st = find_collection(txn, account, uid, number_r);

	if (st == DOM_ABSENT)
		st = store_collection_add(txn, uid, account, number_r);
	if (st == DOM_OK)
		st = check_staging(txn, *number_r);
	if (st != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_COPY_COLLECTION_SET);
	sql_put_clock(&call, items_clock);
	sql_put_clock(&call, members_clock);
	if (abandoned_ms == 0)
		sql_put_optional(&call, dom_slice(NULL, 0));
	else
		sql_put_number(&call, abandoned_ms);
	sql_put_number(&call, *number_r);
	return sql_change(&call);
}

enum dom_status
store_copy_member(struct store_txn *txn, const struct store_member *member)
{
	struct sql_call call = sql_call(txn->connection, SQL_COPY_MEMBER);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, member->collection);
	sql_put_number(&call, member->account);
	sql_put_clock(&call, member->clock);
	sql_put_number(&call, member->access_level);
	sql_put_slice(&call, member->collection_key);
	sql_put_slice(&call, member->collection_type);
	st = sql_change(&call);
	return st == DOM_ABSENT ? check_staging(txn, member->collection) : st;
}

enum dom_status
store_copy_item(struct store_txn *txn, int64_t collection, const struct store_item *item)
{
	struct dom_arena *arena;
	struct store_item is, put = *item;
	enum dom_status st;

	if ((st = check_staging(txn, collection)) != DOM_OK)
		return st;
	if ((arena = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	st = store_item_find(txn, collection, item->uid, arena, &is);
	put.number = st == DOM_OK ? is.number : 0;
	/* A page that comes late says what is history by now. */
	if (st == DOM_OK && is.current.clock >= item->current.clock)
		put.number = -1;
	dom_arena_free(&arena);
	if (st < 0 || put.number < 0)
		return st;
	return store_item_put(txn, collection, &put);
}

enum dom_status
store_copy_history(
    struct store_txn *txn, int64_t collection, const struct store_history *history)
{
	const struct store_revision *revision = &history->revision;
	struct dom_slice packed, etag;
	struct dom_arena *arena;
	struct sql_call call;
	int64_t item = 0;
	enum dom_status st;

	if ((st = check_staging(txn, collection)) != DOM_OK)
		return st;
	if ((arena = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	st = store_item_etag(txn, collection, history->item_uid, arena, &item, &etag);
	if (st == DOM_OK && dom_slice_equal(etag, revision->uid))
		st = DOM_CONFLICT; /* it is both: the source contradicts itself */
	dom_arena_free(&arena);
	if (st != DOM_OK)
		return st;
	packed = row_pack_chunks(txn->connection, revision->chunks, revision->chunk_count, &st);
	if (st < 0)
		return st;
	call = sql_call(txn->connection, SQL_COPY_HISTORY);
	sql_put_number(&call, item);
	row_put_revision(&call, revision, packed);
	sql_put_number(&call, history->replaced_ms);
	txn->bytes += revision->meta.size + packed.size;
	return sql_change(&call);
}

enum dom_status
store_copy_chunk_time(
    struct store_txn *txn, int64_t collection, struct dom_slice uid, int64_t stored_ms)
{
	struct sql_call call = sql_call(txn->connection, SQL_COPY_CHUNK_TIME);

	assert(txn->writes);
	sql_put_number(&call, stored_ms);
	sql_put_number(&call, collection);
	sql_put_slice(&call, uid);
	return sql_change(&call);
}

enum dom_status
store_copy_clear_small(struct store_txn *txn, int64_t account)
{
	static const enum sql_id all[] = {
	    SQL_COPY_CLEAR_STATEMENTS, SQL_COPY_CLEAR_CONSENTS, SQL_COPY_CLEAR_REMOVED};
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_STATE);
	int64_t state = STORE_ACCOUNT_HOME;
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, account);
	if ((st = sql_step(&call)) == DOM_OK)
		state = sql_get_number(&call);
	if (sql_end(&call) < 0)
		return call.failed;
	if (st != DOM_OK || state != STORE_ACCOUNT_STAGING)
		return st != DOM_OK ? st : fence_refuse(txn, account);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && st == DOM_OK; i++) {
		call = sql_call(txn->connection, all[i]);
		sql_put_number(&call, account);
		st = sql_run(&call);
	}
	return st;
}
