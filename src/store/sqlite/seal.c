/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What rows name is sealed under the account's key at rest: sealing, opening, migrating. */
#include "store/sqlite/seal.h"

#include <assert.h>

#include "base/wipe.h"

enum dom_status
seal_key_open(const struct store *store, const uint8_t account_id[STORE_ID_SIZE],
    struct dom_slice wrapped, struct dom_rest_key *key_r)
{
	assert(store->key != NULL);
	return dom_rest_key_open(store->key, account_id, wrapped, key_r);
}

enum dom_status
seal_open(const struct store *store, const struct sealed_of *of, enum dom_rest_kind kind,
    struct dom_slice sealed, struct dom_arena *arena, struct dom_slice *plain_r)
{
	struct dom_rest_key key;
	enum dom_status st;

	*plain_r = dom_slice("", 0);
	/* Of an account that is being erased, or an address that nobody gave. */
	if (sealed.size == 0)
		return DOM_OK;
	if ((st = seal_key_open(store, of->account_id, of->wrapped, &key)) == DOM_OK)
		st = dom_rest_open(&key, kind, sealed, arena, plain_r);
	dom_wipe(&key, sizeof(key));
	return st;
}

enum dom_status
seal_account(const struct store *store, const struct store_account *account,
    struct dom_arena *arena, struct sealed_account *sealed_r)
{
	struct dom_rest_key key;
	enum dom_status st;

	assert(store->key != NULL);
	*sealed_r = (struct sealed_account){.has_email = account->email.size != 0};
	dom_rest_key_new(store->key, account->id, &store->random, &key, sealed_r->wrapped);
	st = dom_rest_seal(
	    &key, DOM_REST_NAME, account->name, &store->random, arena, &sealed_r->name);
	if (st == DOM_OK && sealed_r->has_email)
		st = dom_rest_seal(&key, DOM_REST_EMAIL, account->email, &store->random, arena,
		    &sealed_r->email);
	dom_wipe(&key, sizeof(key));
	dom_region_index(store->key, DOM_INDEX_NAME, account->name, sealed_r->name_hash);
	if (sealed_r->has_email)
		dom_region_index(
		    store->key, DOM_INDEX_EMAIL, account->email, sealed_r->email_hash);
	return st;
}

enum dom_status
seal_device(const struct store *store, const struct sealed_of *of, struct dom_slice device,
    struct dom_arena *arena, struct dom_slice *sealed_r)
{
	struct dom_rest_key key;
	enum dom_status st;

	if ((st = seal_key_open(store, of->account_id, of->wrapped, &key)) == DOM_OK)
		st = dom_rest_seal(
		    &key, DOM_REST_DEVICE, device, &store->random, arena, sealed_r);
	dom_wipe(&key, sizeof(key));
	return st;
}

void
seal_check(const struct store *store, uint8_t check_r[DOM_INDEX_SIZE])
{
	assert(store->key != NULL);
	dom_region_index(store->key, DOM_INDEX_CHECK, dom_slice("", 0), check_r);
}

/* --- rows of before they were sealed ----------------------------------------- */

static struct dom_slice
column(sqlite3_stmt *statement, int index)
{
	const void *data = sqlite3_column_blob(statement, index);
	int size = sqlite3_column_bytes(statement, index);

	return data == NULL ? dom_slice("", 0) : dom_slice(data, (size_t)size);
}

static int
bind(sqlite3_stmt *statement, int at, struct dom_slice slice)
{
	return sqlite3_bind_blob(statement, at, slice.data, (int)slice.size, SQLITE_STATIC);
}

/* For each row of the first statement, one run of the second. */
struct sealing {
	const struct store *store;
	struct sql_connection *writer;
	struct dom_arena *arena;
	sqlite3_stmt *rows, *change;
};

static enum dom_status
seal_account_row(struct sealing *sealing)
{
	struct store_account account = {
	    .name = column(sealing->rows, 2), .email = column(sealing->rows, 3)};
	struct dom_slice id = column(sealing->rows, 1);
	struct sealed_account sealed;
	enum dom_status st;
	int code;

	if (id.size != sizeof(account.id))
		return DOM_ESTORE;
	memcpy(account.id, id.data, id.size);
	if ((st = seal_account(sealing->store, &account, sealing->arena, &sealed)) < 0)
		return st;
	code = sqlite3_bind_int64(sealing->change, 6, sqlite3_column_int64(sealing->rows, 0));
	if (code == SQLITE_OK)
		code =
		    bind(sealing->change, 1, dom_slice(sealed.wrapped, sizeof(sealed.wrapped)));
	if (code == SQLITE_OK)
		code = bind(sealing->change, 2, sealed.name);
	if (code == SQLITE_OK)
		code = bind(
		    sealing->change, 3, dom_slice(sealed.name_hash, sizeof(sealed.name_hash)));
	if (code == SQLITE_OK && sealed.has_email)
		code = bind(sealing->change, 4, sealed.email);
	if (code == SQLITE_OK && sealed.has_email)
		code = bind(sealing->change, 5,
		    dom_slice(sealed.email_hash, sizeof(sealed.email_hash)));
	if (code == SQLITE_OK)
		code = sqlite3_step(sealing->change);
	return sql_status(sealing->writer, code);
}

static enum dom_status
seal_session_row(struct sealing *sealing)
{
	struct dom_slice id = column(sealing->rows, 1), sealed;
	struct sealed_of of = {.wrapped = column(sealing->rows, 2)};
	enum dom_status st;
	int code;

	if (id.size != sizeof(of.account_id))
		return DOM_ESTORE;
	memcpy(of.account_id, id.data, id.size);
	st =
	    seal_device(sealing->store, &of, column(sealing->rows, 3), sealing->arena, &sealed);
	if (st < 0)
		return st;
	code = bind(sealing->change, 1, sealed);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(
		    sealing->change, 2, sqlite3_column_int64(sealing->rows, 0));
	if (code == SQLITE_OK)
		code = sqlite3_step(sealing->change);
	return sql_status(sealing->writer, code);
}

static enum dom_status
seal_rows(struct sealing *sealing, const char *rows, const char *change,
    enum dom_status (*seal)(struct sealing *sealing))
{
	sqlite3 *db = sealing->writer->db;
	enum dom_status st;
	int code = sqlite3_prepare_v2(db, rows, -1, &sealing->rows, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, change, -1, &sealing->change, NULL);
	st = sql_status(sealing->writer, code);
	while (st == DOM_OK && (code = sqlite3_step(sealing->rows)) == SQLITE_ROW) {
		st = seal(sealing);
		sqlite3_reset(sealing->change);
		sqlite3_clear_bindings(sealing->change);
		dom_arena_reset(sealing->arena);
	}
	if (st == DOM_OK)
		st = sql_status(sealing->writer, code);
	sqlite3_finalize(sealing->rows);
	sqlite3_finalize(sealing->change);
	sealing->rows = sealing->change = NULL;
	return st;
}

enum dom_status
seal_migrate(const struct store *store, struct sql_connection *writer, int64_t now_ms)
{
	struct sealing sealing = {.store = store, .writer = writer, .arena = dom_arena_new(0)};
	uint8_t check[DOM_INDEX_SIZE];
	sqlite3_stmt *region = NULL;
	enum dom_status st;
	int code;

	if (sealing.arena == NULL)
		return DOM_ENOMEM;
	st = seal_rows(&sealing, "SELECT number, id, name, email FROM account",
	    "UPDATE account SET rest_key = ?, name = ?, name_hash = ?, email = ?,"
	    " email_hash = ? WHERE number = ?",
	    seal_account_row);
	if (st == DOM_OK)
		st = seal_rows(&sealing,
		    "SELECT s.number, a.id, a.rest_key, s.device FROM session s"
		    " JOIN account a ON a.number = s.account",
		    "UPDATE session SET device = ? WHERE number = ?", seal_session_row);
	dom_arena_free(&sealing.arena);
	if (st < 0)
		return st;
	seal_check(store, check);
	code = sqlite3_prepare_v2(writer->db,
	    "UPDATE region SET time_ms = ?1, since_ms = ?1, key_check = ?2", -1, &region, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(region, 1, now_ms);
	if (code == SQLITE_OK)
		code = bind(region, 2, dom_slice(check, sizeof(check)));
	if (code == SQLITE_OK)
		code = sqlite3_step(region);
	sqlite3_finalize(region);
	/* These were stamped by the wall clock of a time that nobody vouches for. */
	if ((st = sql_status(writer, code)) == DOM_OK)
		st = sql_status(writer,
		    sqlite3_exec(writer->db,
		        "UPDATE collection SET abandoned_ms = (SELECT time_ms FROM region)"
		        " WHERE abandoned_ms IS NOT NULL",
		        NULL, NULL, NULL));
	return st;
}
