/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Chunks: put by a job, checked when read. */
#include <assert.h>

#include "store/sqlite/engine.h"

/* The owner has so much more. */
static enum dom_status
grow(struct store_txn *txn, int64_t collection, uint64_t size)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_GROW);
	enum dom_status st;

	sql_put_number(&call, collection);
	sql_put_clock(&call, size);
	if ((st = sql_step(&call)) == DOM_OK) {
		txn->usage.chunk_bytes = sql_get_clock(&call);
		txn->usage.quota_bytes = sql_get_number(&call);
	}
	return sql_end(&call) < 0 ? call.failed : st;
}

/* Whose chunk it would have been. */
static enum dom_status
refuse(struct store_txn *txn, int64_t collection)
{
	struct sql_call call = sql_call(txn->connection, SQL_COPY_STAGING);
	int64_t owner = 0;

	sql_put_number(&call, collection);
	if (sql_step(&call) == DOM_OK)
		owner = sql_get_number(&call);
	return sql_end(&call) < 0 ? call.failed : fence_refuse(txn, owner);
}

enum dom_status
chunk_settle(struct store_txn *txn)
{
	struct sql_call call;
	enum dom_status st;

	if (txn->grown == 0)
		return DOM_OK;
	call = sql_call(txn->connection, SQL_ACCOUNT_GREW);
	sql_put_number(&call, txn->grown_in);
	sql_put_clock(&call, txn->grown);
	txn->grown = 0;
	st = sql_change(&call);
	/* A job that puts chunks and then takes their collection away is a mistake. */
	return st == DOM_ABSENT ? DOM_ESTORE : st;
}

/* The first of a job finds the owner; for those that follow there its row can wait. */
static enum dom_status
note_growth(struct store_txn *txn, int64_t collection, uint64_t size)
{
	enum dom_status st;

	if (txn->grown_in == collection) {
		txn->grown += size;
		txn->usage.chunk_bytes += size;
		return DOM_OK;
	}
	if ((st = chunk_settle(txn)) != DOM_OK)
		return st;
	txn->grown_in = 0;
	if ((st = grow(txn, collection, size)) == DOM_OK)
		txn->grown_in = collection;
	return st;
}

const struct store_usage *
store_chunk_usage(const struct store_txn *txn)
{
	return &txn->usage;
}

enum dom_status
store_chunk_put(struct store_txn *txn, int64_t collection, struct dom_slice uid,
    struct store_staged *staged)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_PUT);
	struct dom_slice data = staged->data, none = {0};
	enum dom_status st;

	assert(txn->writes && staged->state == STAGED_FREE && staged->sha == NULL);
	sql_put_number(&call, collection);
	sql_put_slice(&call, uid);
	sql_put_clock(&call, staged->size);
	sql_put_slice(&call, dom_slice(staged->sha256, sizeof(staged->sha256)));
	if (staged->in_file) {
		sql_put_slice(&call, dom_slice(&staged->file, sizeof(staged->file)));
		sql_put_optional(&call, none);
	} else {
		sql_put_optional(&call, none);
		sql_put_slice(&call, data);
	}
	if ((st = sql_run(&call)) != DOM_OK)
		return st;
	if ((st = note_growth(txn, collection, staged->size)) != DOM_OK)
		return st == DOM_ABSENT ? refuse(txn, collection) : st;
	txn->bytes += data.size;
	/* A row holds its bytes: whatever becomes of the job, no file is left over. */
	if (!staged->in_file)
		return DOM_OK;
	staged->state = STAGED_PUT;
	staged->next_put = txn->puts;
	txn->puts = staged;
	return DOM_OK;
}

enum dom_status
store_chunk_has(struct store_txn *txn, int64_t collection, struct dom_slice uid)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_HAS);
	enum dom_status st;

	sql_put_number(&call, collection);
	sql_put_slice(&call, uid);
	st = sql_step(&call);
	sql_end(&call);
	return st;
}

enum dom_status
store_chunk_size(
    struct store_txn *txn, int64_t collection, struct dom_slice uid, uint64_t *size_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_SIZE);
	enum dom_status st;

	sql_put_number(&call, collection);
	sql_put_slice(&call, uid);
	if ((st = sql_step(&call)) == DOM_OK)
		*size_r = sql_get_clock(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

/* A file's bytes go into the arena, or if there is a body, into its room, uncounted. */
static enum dom_status
read_file(const struct store *store, const struct blob_name *name, size_t size,
    struct dom_arena *arena, struct dom_buffer *body, struct dom_slice *data_r)
{
	uint8_t *room;

	if (body == NULL)
		return blobs_read(store->blobs, name, size, arena, data_r);
	if ((room = dom_buffer_room(body, size)) == NULL)
		return dom_buffer_finish(body);
	*data_r = dom_slice(room, size);
	return blobs_read_into(store->blobs, name, room, size);
}

static enum dom_status
chunk_read(struct store_txn *txn, int64_t collection, struct dom_slice uid,
    struct dom_arena *arena, struct dom_buffer *body, struct dom_slice *data_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_GET);
	uint8_t stored[DOM_SHA256_SIZE];
	struct dom_slice file, data = {0};
	struct blob_name name;
	enum dom_status st;
	uint64_t size;

	sql_put_number(&call, collection);
	sql_put_slice(&call, uid);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	size = sql_get_clock(&call);
	sql_get_bytes(&call, stored, sizeof(stored));
	file = sql_get_optional(&call, arena);
	if (file.data == NULL)
		data = sql_get_slice(&call, arena);
	if ((st = sql_end(&call)) < 0)
		return st;
	if (file.data != NULL) {
		if (file.size != sizeof(name))
			return DOM_EINTEGRITY;
		memcpy(&name, file.data, sizeof(name));
		st = read_file(txn->store, &name, size, arena, body, &data);
	}
	if (st == DOM_OK && data.size != size)
		st = DOM_EINTEGRITY;
	if (st == DOM_OK)
		st = store_verify(txn->store, data, stored);
	if (st == DOM_OK && body != NULL && file.data != NULL)
		dom_buffer_grew(body, size);
	else if (st == DOM_OK && body != NULL)
		dom_buffer_append_slice(body, data);
	if (st == DOM_OK)
		*data_r = data;
	return st;
}

enum dom_status
store_chunk_get(struct store_txn *txn, int64_t collection, struct dom_slice uid,
    struct dom_arena *arena, struct dom_slice *data_r)
{
	return chunk_read(txn, collection, uid, arena, NULL, data_r);
}

enum dom_status
store_chunk_append(struct store_txn *txn, int64_t collection, struct dom_slice uid,
    struct dom_arena *arena, struct dom_buffer *body)
{
	struct dom_slice data;

	return chunk_read(txn, collection, uid, arena, body, &data);
}
