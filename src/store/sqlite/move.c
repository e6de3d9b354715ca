/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Moves, what was signed for them, and the states of accounts between regions. */
#include "store/move.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/seal.h"

static void
put_optional_number(struct sql_call *call, int64_t number)
{
	/* Zero is no account. */
	if (number == 0)
		sql_put_optional(call, dom_slice(NULL, 0));
	else
		sql_put_number(call, number);
}

static void
put_move(struct sql_call *call, const struct store_move *move)
{
	sql_put_number(call, move->state);
	sql_put_number(call, move->open);
	put_optional_number(call, move->account);
	sql_put_slice(call, dom_slice(move->identity, sizeof(move->identity)));
	sql_put_slice(call, move->peer);
	sql_put_clock(call, move->epoch);
	sql_put_slice(call, dom_slice(move->attempt, sizeof(move->attempt)));
	sql_put_number(call, move->attempts);
	sql_put_number(call, move->started_ms);
	sql_put_number(call, move->changed_ms);
	sql_put_number(call, move->due_ms);
	sql_put_clock(call, move->clock);
	sql_put_clock(call, move->bytes);
	sql_put_clock(call, move->bytes_total);
}

static void
get_move(struct sql_call *call, struct dom_arena *arena, struct store_move *move_r)
{
	*move_r = (struct store_move){0};
	move_r->number = sql_get_number(call);
	sql_get_bytes(call, move_r->id, sizeof(move_r->id));
	move_r->side = (int)sql_get_number(call);
	move_r->state = (int)sql_get_number(call);
	move_r->open = sql_get_bool(call);
	move_r->account = sql_get_number(call);
	sql_get_bytes(call, move_r->identity, sizeof(move_r->identity));
	move_r->peer = sql_get_slice(call, arena);
	move_r->epoch = sql_get_clock(call);
	sql_get_bytes(call, move_r->attempt, sizeof(move_r->attempt));
	move_r->attempts = (unsigned)sql_get_number(call);
	move_r->started_ms = sql_get_number(call);
	move_r->changed_ms = sql_get_number(call);
	move_r->due_ms = sql_get_number(call);
	move_r->clock = sql_get_clock(call);
	move_r->bytes = sql_get_clock(call);
	move_r->bytes_total = sql_get_clock(call);
}

static enum dom_status
get_one(struct sql_call *call, struct dom_arena *arena, struct store_move *move_r)
{
	enum dom_status st = sql_step(call);

	if (st == DOM_OK)
		get_move(call, arena, move_r);
	return sql_end(call) < 0 ? call->failed : st;
}

static enum dom_status
append_all(struct sql_call *call, struct sql_rows *rows)
{
	while (sql_step(call) == DOM_OK) {
		struct store_move *move = sql_rows_next(rows);

		if (move == NULL) {
			sql_fail(call, DOM_ENOMEM);
			break;
		}
		get_move(call, rows->arena, move);
	}
	return sql_end(call);
}

static enum dom_status
get_all(
    struct sql_call *call, struct dom_arena *arena, struct store_move **rows_r, size_t *count_r)
{
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_move)};
	enum dom_status st = append_all(call, &rows);

	*rows_r = rows.rows;
	*count_r = rows.count;
	return st;
}

enum dom_status
store_move_add(struct store_txn *txn, const struct store_move *move, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_ADD);
	uint8_t hash[DOM_INDEX_SIZE];
	enum dom_status st;

	assert(txn->writes && move->state >= 0 && move->state < MOVE_STATES);
	dom_region_index(txn->store->key, DOM_INDEX_NAME, move->name, hash);
	put_move(&call, move);
	sql_put_slice(&call, dom_slice(move->id, sizeof(move->id)));
	sql_put_number(&call, move->side);
	sql_put_slice(&call, dom_slice(hash, sizeof(hash)));
	txn->move_states |= UINT64_C(1) << move->state;
	if ((st = sql_run(&call)) == DOM_OK)
		*number_r = sqlite3_last_insert_rowid(txn->connection->db);
	return st;
}

enum dom_status
store_move_find(struct store_txn *txn, const uint8_t id[STORE_MOVE_ID_SIZE], int side,
    struct dom_arena *arena, struct store_move *move_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_FIND);

	sql_put_slice(&call, dom_slice(id, STORE_MOVE_ID_SIZE));
	sql_put_number(&call, side);
	return get_one(&call, arena, move_r);
}

enum dom_status
store_move_of(
    struct store_txn *txn, int64_t account, struct dom_arena *arena, struct store_move *move_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_OF);

	sql_put_number(&call, account);
	return get_one(&call, arena, move_r);
}

enum dom_status
store_moves_by_name(struct store_txn *txn, struct dom_slice name, unsigned limit,
    struct dom_arena *arena, struct store_move **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVES_BY_NAME);
	uint8_t hash[DOM_INDEX_SIZE];

	dom_region_index(txn->store->key, DOM_INDEX_NAME, name, hash);
	sql_put_slice(&call, dom_slice(hash, sizeof(hash)));
	sql_put_number(&call, limit);
	return get_all(&call, arena, rows_r, count_r);
}

enum dom_status
store_move_list(struct store_txn *txn, int64_t after, bool only_open, unsigned limit,
    struct dom_arena *arena, struct store_move **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_LIST);

	sql_put_number(&call, after);
	sql_put_number(&call, only_open);
	sql_put_number(&call, limit);
	return get_all(&call, arena, rows_r, count_r);
}

static int
compare_due(const void *a, const void *b)
{
	const struct store_move *first = a, *second = b;

	if (first->due_ms != second->due_ms)
		return first->due_ms < second->due_ms ? -1 : 1;
	return (first->number > second->number) - (first->number < second->number);
}

uint64_t
store_move_news(struct store *store, uint64_t states)
{
	uint64_t last = 0;

	for (unsigned state = 0; states >> state != 0; state++) {
		uint64_t change =
		    (states >> state & 1) != 0 ? atomic_load(&store->move_changed[state]) : 0;

		if (change > last)
			last = change;
	}
	return last;
}

/* Most states have no move most of the time, and whoever looks does so often. */
static bool
is_still_empty(const struct store_reader *reader, int state)
{
	return reader->no_move_in[state] != 0 &&
	       atomic_load(&reader->store->move_changed[state]) < reader->no_move_in[state];
}

/* What a reader knows is of the lane that it looks for. */
static struct store_reader *
reader_in_lane(struct store_txn *txn, unsigned lane, unsigned lanes)
{
	struct store_reader *reader = txn->writes ? NULL : store_reader_of(txn);

	if (reader != NULL && (reader->move_lane != lane || reader->move_lanes != lanes)) {
		memset(reader->no_move_in, 0, sizeof(reader->no_move_in));
		reader->move_lane = lane;
		reader->move_lanes = lanes;
	}
	return reader;
}

/* Of one state. */
static enum dom_status
append_due(struct store_txn *txn, int state, unsigned lane, unsigned lanes, unsigned limit,
    struct sql_rows *rows)
{
	struct store_reader *reader = reader_in_lane(txn, lane, lanes);
	size_t before = rows->count;
	struct sql_call call;
	enum dom_status st;

	if (reader != NULL && is_still_empty(reader, state))
		return DOM_OK;
	call = sql_call(txn->connection, SQL_MOVE_DUE);
	sql_put_number(&call, state);
	sql_put_number(&call, lane);
	sql_put_number(&call, lanes);
	sql_put_number(&call, limit);
	st = append_all(&call, rows);
	if (reader != NULL)
		reader->no_move_in[state] =
		    st == DOM_OK && rows->count == before ? reader->move_changes + 1 : 0;
	return st;
}

enum dom_status
store_move_due(struct store_txn *txn, uint64_t states, unsigned lane, unsigned lanes,
    unsigned limit, struct dom_arena *arena, struct store_move **rows_r, size_t *count_r)
{
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_move)};
	enum dom_status st = DOM_OK;

	assert(lane < lanes && states <= INT64_MAX);
	/* One by one, since the index is by state. */
	for (int state = 0; st == DOM_OK && states >> state != 0; state++) {
		if ((states >> state & 1) != 0)
			st = append_due(txn, state, lane, lanes, limit, &rows);
	}
	if (st == DOM_OK && rows.count > 1)
		qsort(rows.rows, rows.count, sizeof(struct store_move), compare_due);
	*rows_r = rows.rows;
	*count_r = rows.count < limit ? rows.count : limit;
	return st;
}

enum dom_status
store_moves_of(struct store_txn *txn, int64_t account, unsigned limit, struct dom_arena *arena,
    struct store_move **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVES_OF);

	sql_put_number(&call, account);
	sql_put_number(&call, limit);
	return get_all(&call, arena, rows_r, count_r);
}

enum dom_status
store_account_extent(struct store_txn *txn, int64_t account, struct store_extent *extent_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_EXTENT);

	*extent_r = (struct store_extent){0};
	sql_put_number(&call, account);
	if (sql_step(&call) == DOM_OK) {
		extent_r->collections = (uint64_t)sql_get_number(&call);
		extent_r->items = (uint64_t)sql_get_number(&call);
		extent_r->chunks = (uint64_t)sql_get_number(&call);
	}
	return sql_end(&call);
}

enum dom_status
store_account_sharing(struct store_txn *txn, int64_t account, struct store_sharing *sharing_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SHARING);

	*sharing_r = (struct store_sharing){0};
	sql_put_number(&call, account);
	if (sql_step(&call) == DOM_OK) {
		sharing_r->shared = (uint64_t)sql_get_number(&call);
		sharing_r->memberships = (uint64_t)sql_get_number(&call);
	}
	return sql_end(&call);
}

enum dom_status
store_move_update(struct store_txn *txn, const struct store_move *move)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_UPDATE);

	assert(txn->writes && move->state >= 0 && move->state < MOVE_STATES);
	put_move(&call, move);
	sql_put_number(&call, move->number);
	txn->move_states |= UINT64_C(1) << move->state;
	return sql_change(&call);
}

enum dom_status
store_move_name_as(struct store_txn *txn, int64_t number, int64_t other)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_NAME_AS);

	assert(txn->writes);
	sql_put_number(&call, other);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_move_remove(struct store_txn *txn, int64_t number)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_REMOVE);

	assert(txn->writes);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_move_message_put(struct store_txn *txn, int64_t move, int kind, struct dom_slice bytes,
    struct dom_slice signature)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_MESSAGE_PUT);

	assert(txn->writes);
	sql_put_number(&call, move);
	sql_put_number(&call, kind);
	sql_put_slice(&call, bytes);
	sql_put_slice(&call, signature);
	return sql_run(&call);
}

enum dom_status
store_move_message_get(struct store_txn *txn, int64_t move, int kind, struct dom_arena *arena,
    struct dom_slice *bytes_r, struct dom_slice *signature_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_MESSAGE_GET);
	enum dom_status st;

	sql_put_number(&call, move);
	sql_put_number(&call, kind);
	if ((st = sql_step(&call)) == DOM_OK) {
		*bytes_r = sql_get_slice(&call, arena);
		*signature_r = sql_get_slice(&call, arena);
	}
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_move_message_remove(struct store_txn *txn, int64_t move, int kind)
{
	struct sql_call call = sql_call(txn->connection, SQL_MOVE_MESSAGE_REMOVE);

	assert(txn->writes);
	sql_put_number(&call, move);
	sql_put_number(&call, kind);
	return sql_change(&call);
}

enum dom_status
store_account_turn(struct store_txn *txn, int64_t account, enum store_account_state from,
    enum store_account_state to, uint64_t epoch)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_TURN);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, account);
	sql_put_number(&call, from);
	sql_put_number(&call, to);
	sql_put_clock(&call, epoch);
	st = sql_change(&call);
	return st == DOM_ABSENT ? DOM_CONFLICT : st;
}

enum dom_status
store_account_stage(
    struct store_txn *txn, const struct store_account *account, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_GONE_HAS);
	enum dom_status st;

	sql_put_slice(&call, dom_slice(account->id, sizeof(account->id)));
	st = sql_step(&call);
	if (sql_end(&call) < 0)
		return call.failed;
	if (st != DOM_ABSENT)
		return st == DOM_OK ? DOM_CONFLICT : st;
	if ((st = store_account_add(txn, account, number_r)) != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_ACCOUNT_STAGE);
	sql_put_number(&call, *number_r);
	return sql_change(&call);
}

enum dom_status
store_copy_account(
    struct store_txn *txn, const struct store_account *account, int64_t quota_bytes)
{
	struct sql_call call = sql_call(txn->connection, SQL_COPY_ACCOUNT);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, account->created_ms);
	sql_put_slice(&call, account->salt);
	sql_put_slice(&call, account->login_public);
	sql_put_slice(&call, account->identity_public);
	sql_put_slice(&call, account->encrypted_content);
	sql_put_slice(&call, account->statement_public);
	if (quota_bytes < 0)
		sql_put_optional(&call, dom_slice(NULL, 0));
	else
		sql_put_number(&call, quota_bytes);
	sql_put_number(&call, account->number);
	st = sql_change(&call);
	return st == DOM_ABSENT ? fence_refuse(txn, account->number) : st;
}

enum dom_status
store_account_set_clock(struct store_txn *txn, int64_t account, uint64_t clock, uint64_t epoch)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SET_CLOCK);
	enum dom_status st;

	assert(txn->writes);
	sql_put_clock(&call, clock);
	sql_put_clock(&call, epoch);
	sql_put_number(&call, account);
	st = sql_change(&call);
	return st == DOM_ABSENT ? fence_refuse(txn, account) : st;
}
