/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Erasing in steps.  A step deletes rows one by one until it has used its
 * room, so that a job stays short however much there is; what is left tells
 * the next step where to go on.
 */
#include "store/sqlite/erase.h"

#include <assert.h>

#include "base/bytes.h"

struct erase_step
erase_step(struct store_txn *txn, unsigned rows, struct store_erased *sum)
{
	assert(txn->writes && rows > 0);
	return (struct erase_step){.txn = txn, .rows = rows, .sum = sum};
}

bool
erase_has_room(const struct erase_step *step)
{
	return step->rows > 0 && step->size < STORE_ERASE_STEP_SIZE_MAX;
}

void
erase_took(struct erase_step *step, uint64_t size)
{
	assert(step->rows > 0);
	step->rows--;
	step->size += size;
	step->txn->bytes += size;
	step->sum->bytes += size;
}

/* One row with one number of it, in and out: a deletion that tells a size. */
static enum dom_status
delete_sized(struct erase_step *step, enum sql_id id, int64_t number, uint64_t *size_r)
{
	struct sql_call call = sql_call(step->txn->connection, id);
	enum dom_status st;

	sql_put_number(&call, number);
	if ((st = sql_step(&call)) == DOM_OK)
		*size_r = sql_get_clock(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

/* The rows of a statement with one parameter that counts as rows, but has no size. */
static enum dom_status
delete_limited(struct erase_step *step, enum sql_id id, int64_t number)
{
	struct sql_call call = sql_call(step->txn->connection, id);
	enum dom_status st;

	if (step->rows == 0)
		return DOM_OK;
	sql_put_number(&call, number);
	sql_put_number(&call, step->rows);
	if ((st = sql_run(&call)) == DOM_OK)
		step->rows -= (unsigned)sqlite3_changes(step->txn->connection->db);
	return st;
}

static enum dom_status
first_number(struct erase_step *step, enum sql_id id, int64_t parent, int64_t *number_r)
{
	struct sql_call call = sql_call(step->txn->connection, id);
	enum dom_status st;

	sql_put_number(&call, parent);
	if ((st = sql_step(&call)) == DOM_OK)
		*number_r = sql_get_number(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

/* --- revisions and items -------------------------------------------------------- */

/* The chunks that a revision named may be nobody's from now on. */
static enum dom_status
note_loose(struct erase_step *step, int64_t collection, struct dom_slice packed)
{
	struct dom_reader reader = dom_reader_over(packed);
	enum dom_status st = DOM_OK;

	while (st >= 0 && reader.failed == DOM_OK && reader.at != reader.end) {
		struct sql_call call = sql_call(step->txn->connection, SQL_CHUNK_LOOSEN);

		sql_put_number(&call, collection);
		sql_put_slice(&call, dom_read_string(&reader, packed.size));
		st = sql_run(&call);
	}
	if (st >= 0 && dom_reader_finish(&reader) < 0)
		return DOM_ESTORE; /* we wrote it */
	return st > 0 ? DOM_OK : st;
}

enum dom_status
erase_revision(struct erase_step *step, int64_t number, int64_t before_ms, bool loosen)
{
	struct sql_call call = sql_call(step->txn->connection, SQL_ERASE_REVISION);
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_slice packed = {0};
	int64_t collection = 0;
	uint64_t size = 0;
	enum dom_status st;

	if (arena == NULL)
		return DOM_ENOMEM;
	sql_put_number(&call, number);
	sql_put_number(&call, before_ms);
	if ((st = sql_step(&call)) == DOM_OK) {
		size = sql_get_clock(&call);
		collection = sql_get_number(&call);
		packed = sql_get_slice(&call, arena);
	}
	if (sql_end(&call) < 0)
		st = call.failed;
	if (st == DOM_OK) {
		step->sum->revisions++;
		erase_took(step, size);
		if (loosen)
			st = note_loose(step, collection, packed);
	}
	dom_arena_free(&arena);
	return st;
}

/* Of an item, before the revision that was current at this clock. */
static enum dom_status
next_revision(struct erase_step *step, int64_t item, uint64_t clock, int64_t *number_r)
{
	struct sql_call call = sql_call(step->txn->connection, SQL_ERASE_REVISION_NEXT);
	enum dom_status st;

	sql_put_number(&call, item);
	sql_put_number(&call, clock > INT64_MAX ? INT64_MAX : (int64_t)clock);
	if ((st = sql_step(&call)) == DOM_OK)
		*number_r = sql_get_number(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

/* DOM_ABSENT: it has none any more. */
static enum dom_status
erase_item_history(struct erase_step *step, int64_t item, uint64_t clock, bool loosen)
{
	enum dom_status st = DOM_OK;
	int64_t number = 0;

	while (erase_has_room(step)) {
		if ((st = next_revision(step, item, clock, &number)) != DOM_OK)
			return st;
		if ((st = erase_revision(step, number, INT64_MAX, loosen)) < 0)
			return st;
	}
	return DOM_OK;
}

enum dom_status
store_erase_history(struct store_txn *txn, int64_t item, uint64_t clock, unsigned rows,
    struct store_erased *sum)
{
	struct erase_step step = erase_step(txn, rows, sum);

	return erase_item_history(&step, item, clock, true);
}

/* DOM_ABSENT: there is no item any more. */
static enum dom_status
erase_items(struct erase_step *step, int64_t collection)
{
	enum dom_status st;

	while (erase_has_room(step)) {
		uint64_t size = 0;
		int64_t item = 0;

		st = first_number(step, SQL_ERASE_ITEM_NEXT, collection, &item);
		if (st != DOM_OK)
			return st;
		if ((st = erase_item_history(step, item, UINT64_MAX, false)) < 0)
			return st;
		if (st == DOM_OK || !erase_has_room(step))
			return DOM_OK;
		if ((st = delete_sized(step, SQL_ERASE_ITEM, item, &size)) < 0)
			return st;
		step->sum->items++;
		step->sum->revisions++;
		erase_took(step, size);
	}
	return DOM_OK;
}

/* --- chunks ------------------------------------------------------------------------ */

/* The blob goes once this is committed: see settle.c. */
static enum dom_status
note_gone(struct erase_step *step, struct dom_slice name)
{
	struct sql_call call = sql_call(step->txn->connection, SQL_GONE_ADD);

	sql_put_slice(&call, name);
	return sql_run(&call);
}

enum dom_status
erase_chunk(struct erase_step *step, int64_t number)
{
	struct sql_call call = sql_call(step->txn->connection, SQL_ERASE_CHUNK);
	struct blob_name file;
	bool in_file = false;
	uint64_t size = 0;
	enum dom_status st;

	sql_put_number(&call, number);
	if ((st = sql_step(&call)) == DOM_OK) {
		size = sql_get_clock(&call);
		in_file = sql_get_bool(&call);
		if (in_file)
			sql_get_bytes(&call, &file, sizeof(file));
		else
			sql_get_number(&call);
	}
	if (sql_end(&call) < 0)
		return call.failed;
	if (st != DOM_OK)
		return st;
	step->sum->chunks++;
	step->chunk_bytes += size;
	erase_took(step, size);
	/* A file's bytes cost a job nothing. */
	if (in_file)
		step->size -= size;
	return in_file ? note_gone(step, dom_slice(&file, sizeof(file))) : DOM_OK;
}

enum dom_status
erase_shrink(struct erase_step *step, int64_t collection)
{
	struct sql_call call;

	if (step->chunk_bytes == 0)
		return DOM_OK;
	call = sql_call(step->txn->connection, SQL_ACCOUNT_SHRINK);
	sql_put_number(&call, collection);
	sql_put_clock(&call, step->chunk_bytes);
	step->chunk_bytes = 0;
	return sql_change(&call);
}

/* DOM_ABSENT: there is no chunk any more. */
static enum dom_status
erase_all_chunks(struct erase_step *step, int64_t collection)
{
	enum dom_status st = DOM_OK, shrunk;
	int64_t number = 0;

	while (st == DOM_OK && erase_has_room(step)) {
		st = first_number(step, SQL_ERASE_CHUNK_NEXT, collection, &number);
		if (st == DOM_OK)
			st = erase_chunk(step, number);
	}
	if (st < 0)
		return st;
	shrunk = erase_shrink(step, collection);
	return shrunk == DOM_OK ? st : shrunk < 0 ? shrunk : DOM_ESTORE;
}

/* --- collections ---------------------------------------------------------------------- */

/* DOM_CONFLICT: somebody may be in it. */
static enum dom_status
check_abandoned(struct store_txn *txn, int64_t collection)
{
	struct sql_call call = sql_call(txn->connection, SQL_ERASE_COLLECTION_MAY);
	bool may = false;
	enum dom_status st;

	sql_put_number(&call, collection);
	if ((st = sql_step(&call)) == DOM_OK)
		may = sql_get_bool(&call);
	if (sql_end(&call) < 0)
		return call.failed;
	return st == DOM_OK && !may ? DOM_CONFLICT : st;
}

/* Its number is never given to another: who still holds it must not meet a stranger. */
static enum dom_status
erase_last(struct erase_step *step, enum sql_id floor, enum sql_id row, int64_t number)
{
	struct sql_call call = sql_call(step->txn->connection, floor);
	enum dom_status st;

	sql_put_number(&call, number);
	if ((st = sql_run(&call)) != DOM_OK)
		return st;
	call = sql_call(step->txn->connection, row);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_erase_collection(
    struct store_txn *txn, int64_t collection, unsigned rows, struct store_erased *sum)
{
	struct erase_step step = erase_step(txn, rows, sum);
	enum dom_status st;

	if ((st = check_abandoned(txn, collection)) != DOM_OK ||
	    (st = erase_items(&step, collection)) != DOM_ABSENT ||
	    (st = erase_all_chunks(&step, collection)) != DOM_ABSENT)
		return st;
	if ((st = delete_limited(&step, SQL_ERASE_INVITATIONS_OF, collection)) < 0 ||
	    !erase_has_room(&step))
		return st;
	st = erase_last(&step, SQL_COLLECTION_FLOOR, SQL_ERASE_COLLECTION, collection);
	if (st < 0)
		return st;
	sum->collections++;
	return DOM_ABSENT;
}

/* --- accounts -------------------------------------------------------------------------- */

static enum dom_status
count_of(struct store_txn *txn, enum sql_id id, int64_t account, uint64_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, id);
	enum dom_status st;

	sql_put_number(&call, account);
	if ((st = sql_step(&call)) == DOM_OK)
		*count_r = sql_get_clock(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_account_begin_erase(struct store_txn *txn, int64_t account)
{
	static const enum sql_id ends[] = {SQL_ERASE_SESSIONS, SQL_ERASE_CONSENTS,
	    SQL_ERASE_INVITATIONS_SENT, SQL_ERASE_INVITATIONS_RECEIVED};
	struct sql_call call;
	uint64_t memberships = 0;
	enum dom_status st;

	assert(txn->writes);
	if ((st = count_of(txn, SQL_ERASE_MEMBERSHIPS, account, &memberships)) != DOM_OK)
		return st;
	if (memberships != 0)
		return DOM_CONFLICT;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		call = sql_call(txn->connection, ends[i]);
		sql_put_number(&call, account);
		if ((st = sql_run(&call)) != DOM_OK)
			return st;
	}
	call = sql_call(txn->connection, SQL_ACCOUNT_ERASING);
	sql_put_number(&call, account);
	return sql_change(&call);
}

/* DOM_ABSENT: no such account; DOM_CONFLICT: it owns something, or is not being erased. */
static enum dom_status
check_empty(struct store_txn *txn, int64_t account, struct blob_name *owner_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ERASE_ACCOUNT_MAY);
	bool may = false;
	enum dom_status st;

	sql_put_number(&call, account);
	if ((st = sql_step(&call)) == DOM_OK) {
		may = sql_get_bool(&call);
		sql_get_bytes(&call, owner_r->owner, sizeof(owner_r->owner));
	}
	if (sql_end(&call) < 0)
		return call.failed;
	return st == DOM_OK && !may ? DOM_CONFLICT : st;
}

enum dom_status
store_erase_account(
    struct store_txn *txn, int64_t account, unsigned rows, struct store_erased *sum)
{
	static const enum sql_id forgets[] = {SQL_ERASURE_FORGET_ACCOUNT, SQL_ERASE_FROM_MOVES};
	struct erase_step step = erase_step(txn, rows, sum);
	struct blob_name owner;
	struct sql_call call;
	enum dom_status st;

	if ((st = check_empty(txn, account, &owner)) != DOM_OK)
		return st;
	if ((st = delete_limited(&step, SQL_ERASE_STATEMENTS, account)) < 0 ||
	    (st = delete_limited(&step, SQL_ERASE_REMOVED, account)) < 0 ||
	    !erase_has_room(&step))
		return st;
	for (size_t i = 0; i < sizeof(forgets) / sizeof(forgets[0]); i++) {
		call = sql_call(txn->connection, forgets[i]);
		sql_put_number(&call, account);
		if ((st = sql_run(&call)) < 0)
			return st;
	}
	/* Its folder of chunks bears its id. */
	if ((st = note_gone(&step, dom_slice(owner.owner, sizeof(owner.owner)))) < 0)
		return st;
	st = erase_last(&step, SQL_ACCOUNT_FLOOR, SQL_ERASE_ACCOUNT, account);
	return st < 0 ? st : DOM_ABSENT;
}
