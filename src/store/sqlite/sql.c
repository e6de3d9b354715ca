/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Prepared statements: parameters in, columns out, and what SQLite's answers mean. */
#include "store/sqlite/sql.h"

#include <assert.h>
#include <errno.h>

/* Not SQLITE_TRANSIENT: parameters live until the call ends. */
#define BORROWED SQLITE_STATIC

void
sql_disconnect(struct sql_connection *connection)
{
	for (int i = 0; i < SQL_ID_COUNT; i++) {
		sqlite3_finalize(connection->statements[i]);
		connection->statements[i] = NULL;
	}
	sqlite3_close(connection->db);
	connection->db = NULL;
	dom_buffer_free(&connection->scratch);
}

static bool
disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

static enum dom_status
meaning(int code, int error)
{
	switch (code) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return DOM_OK;
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
		return DOM_CONFLICT;
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return DOM_ABSENT;
	case SQLITE_FULL:
		return DOM_EFULL;
	case SQLITE_NOMEM:
	case SQLITE_IOERR_NOMEM:
		return DOM_ENOMEM;
	case SQLITE_IOERR_WRITE:
	case SQLITE_IOERR_SHMSIZE:
	case SQLITE_IOERR_SHMOPEN:
	case SQLITE_CANTOPEN:
		return disk_is_full(error) ? DOM_EFULL : DOM_ESTORE;
	case SQLITE_TOOBIG:
		return DOM_ELIMIT;
	default:
		return DOM_ESTORE;
	}
}

enum dom_status
sql_status(struct sql_connection *connection, int code)
{
	int error = sqlite3_system_errno(connection->db);
	enum dom_status st = meaning(code, error);

	if (st < 0 && connection->failed == DOM_OK) {
		connection->failed = st;
		connection->failed_code = code;
		connection->failed_errno = error;
	}
	return st;
}

bool
sql_lost(const struct sql_connection *connection)
{
	int code = connection->failed_code & 0xff;

	return connection->failed == DOM_ESTORE &&
	       (code == SQLITE_IOERR || code == SQLITE_CORRUPT || code == SQLITE_NOTADB);
}

struct sql_call
sql_call(struct sql_connection *connection, enum sql_id id)
{
	struct sql_call call = {.connection = connection};
	sqlite3_stmt **statement = &connection->statements[id];

	assert(sql_texts[id] != NULL);
	if (*statement == NULL) {
		int code = sqlite3_prepare_v3(connection->db, sql_texts[id], -1,
		    SQLITE_PREPARE_PERSISTENT, statement, NULL);

		call.failed = sql_status(connection, code);
	}
	assert(*statement == NULL || !sqlite3_stmt_busy(*statement));
	call.statement = *statement;
	return call;
}

void
sql_put_number(struct sql_call *call, int64_t value)
{
	if (call->failed < 0)
		return;
	call->failed = sql_status(
	    call->connection, sqlite3_bind_int64(call->statement, ++call->put_count, value));
}

void
sql_put_clock(struct sql_call *call, uint64_t value)
{
	assert(value <= INT64_MAX);
	sql_put_number(call, (int64_t)value);
}

void
sql_put_bound(struct sql_call *call, uint64_t value)
{
	sql_put_number(call, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void
sql_put_optional(struct sql_call *call, struct dom_slice slice)
{
	int code;

	if (call->failed < 0)
		return;
	code = sqlite3_bind_blob64(
	    call->statement, ++call->put_count, slice.data, slice.size, BORROWED);
	call->failed = sql_status(call->connection, code);
}

void
sql_put_slice(struct sql_call *call, struct dom_slice slice)
{
	sql_put_optional(call, slice.data == NULL ? dom_slice("", 0) : slice);
}

enum dom_status
sql_step(struct sql_call *call)
{
	int code;

	if (call->failed < 0)
		return call->failed;
	assert(call->put_count == sqlite3_bind_parameter_count(call->statement));
	assert(
	    call->got_count == 0 || call->got_count == sqlite3_column_count(call->statement));
	call->got_count = 0;
	code = sqlite3_step(call->statement);
	if (code == SQLITE_ROW)
		return DOM_OK;
	if (code == SQLITE_DONE)
		return DOM_ABSENT;
	call->failed = sql_status(call->connection, code);
	return call->failed;
}

int64_t
sql_get_number(struct sql_call *call)
{
	return call->failed < 0 ? 0 : sqlite3_column_int64(call->statement, call->got_count++);
}

uint64_t
sql_get_clock(struct sql_call *call)
{
	int64_t value = sql_get_number(call);

	if (value < 0)
		sql_fail(call, DOM_ESTORE);
	return value < 0 ? 0 : (uint64_t)value;
}

bool
sql_get_bool(struct sql_call *call)
{
	return sql_get_number(call) != 0;
}

struct dom_slice
sql_get_slice(struct sql_call *call, struct dom_arena *arena)
{
	struct dom_slice slice = {0};
	const void *data;
	int size;

	if (call->failed < 0)
		return slice;
	data = sqlite3_column_blob(call->statement, call->got_count);
	size = sqlite3_column_bytes(call->statement, call->got_count++);
	if (data == NULL && sqlite3_errcode(call->connection->db) == SQLITE_NOMEM)
		call->failed = DOM_ENOMEM;
	else if ((slice = dom_arena_copy(arena, dom_slice(data, (size_t)size))).data == NULL)
		call->failed = DOM_ENOMEM;
	return slice;
}

struct dom_slice
sql_get_optional(struct sql_call *call, struct dom_arena *arena)
{
	if (call->failed == DOM_OK &&
	    sqlite3_column_type(call->statement, call->got_count) == SQLITE_NULL) {
		call->got_count++;
		return dom_slice(NULL, 0);
	}
	return sql_get_slice(call, arena);
}

void
sql_get_bytes(struct sql_call *call, void *bytes_r, size_t size)
{
	const void *data;

	if (call->failed < 0)
		return;
	data = sqlite3_column_blob(call->statement, call->got_count);
	if (sqlite3_column_bytes(call->statement, call->got_count++) != (int)size ||
	    data == NULL)
		call->failed = DOM_ESTORE;
	else
		memcpy(bytes_r, data, size);
}

void
sql_fail(struct sql_call *call, enum dom_status status)
{
	if (call->failed == DOM_OK)
		call->failed = status;
}

enum dom_status
sql_end(struct sql_call *call)
{
	sqlite3_reset(call->statement); /* repeats what sqlite3_step() said */
	return call->failed;
}

enum dom_status
sql_run(struct sql_call *call)
{
	enum dom_status st = sql_step(call);

	assert(st != DOM_OK); /* a row: that statement is not for sql_run() */
	if (st == DOM_ABSENT && call->failed == DOM_OK)
		st = DOM_OK;
	sql_end(call);
	return st;
}

enum dom_status
sql_change(struct sql_call *call)
{
	enum dom_status st = sql_run(call);

	if (st == DOM_OK && sqlite3_changes(call->connection->db) == 0)
		st = DOM_ABSENT;
	return st;
}

enum dom_status
sql_simple(struct sql_connection *connection, enum sql_id id)
{
	struct sql_call call = sql_call(connection, id);

	return sql_run(&call);
}

void *
sql_rows_next(struct sql_rows *rows)
{
	if (rows->count == rows->capacity) {
		size_t capacity = rows->capacity == 0 ? 8 : rows->capacity * 2;
		void *moved = dom_arena_array(rows->arena, capacity, rows->size);

		if (moved == NULL)
			return NULL;
		if (rows->count != 0)
			memcpy(moved, rows->rows, rows->count * rows->size);
		rows->rows = moved;
		rows->capacity = capacity;
	}
	return (uint8_t *)rows->rows + rows->size * rows->count++;
}
