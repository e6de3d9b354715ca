/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What only the SQLite engine can be asked: its statements, plans and versions. */
/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../region_key.h"
#include "store/erase.h"
#include "store/sqlite/engine.h"
#include "store/sqlite/migrations.h"

struct place {
	char folder[64];
	char message[200];
	struct store *store;
};

static enum dom_status
place_open(struct place *place)
{
	struct store_options options = {
	    .folder = place->folder, .region = "in", .key = test_region_key(), .manual = true};

	place->message[0] = '\0';
	return store_open(&options, &place->store, place->message, sizeof(place->message));
}

static int
set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	*state = place;
	snprintf(place->folder, sizeof(place->folder), "/tmp/engine-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	return place_open(place) == DOM_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {
	    "store.sqlite3-wal", "store.sqlite3-shm", "store.sqlite3", "lock", "chunks"};
	struct place *place = *state;
	char path[120];

	store_close(&place->store);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
		remove(path);
	}
	assert_int_equal(rmdir(place->folder), 0);
	free(place);
	return 0;
}

/* Behind the closed store's back. */
static void
tamper(const struct place *place, const char *text)
{
	char path[120];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/store.sqlite3", place->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* In the database's file, or the log beside it. */
static bool
is_on_disk(const struct place *place, const char *text)
{
	static const char *const names[] = {"store.sqlite3", "store.sqlite3-wal"};
	bool is = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		static char bytes[1 << 20];
		char path[120];
		size_t size;
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
		if ((file = fopen(path, "rb")) == NULL)
			continue;
		size = fread(bytes, 1, sizeof(bytes), file);
		assert_true(size < sizeof(bytes));
		is = is || memmem(bytes, size, text, strlen(text)) != NULL;
		fclose(file);
	}
	return is;
}

static void
every_statement_can_be_prepared(void **state)
{
	struct place *place = *state;

	for (int id = 0; id < SQL_ID_COUNT; id++) {
		struct sql_call call = sql_call(&place->store->writer, (enum sql_id)id);

		if (call.failed != DOM_OK)
			fail_msg(
			    "%s: %s", sql_texts[id], sqlite3_errmsg(place->store->writer.db));
		sql_end(&call);
	}
}

/* These look at whole tables, and are not on a request's way or the table is tiny. */
static bool
may_scan(int id)
{
	return id == SQL_COUNT || id == SQL_RESTORES || id == SQL_SNAPSHOT ||
	       id == SQL_GONE_LIST || id == SQL_REGION_IS || id == SQL_REGION_KEY_IS ||
	       id == SQL_REGION_CLAIM || id == SQL_PROPOSAL_WITHDRAW;
}

static void
no_request_walks_a_whole_table(void **state)
{
	struct place *place = *state;
	unsigned plans = 0;

	for (int id = 0; id < SQL_ID_COUNT; id++) {
		sqlite3_stmt *plan;
		char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql_texts[id]);

		assert_int_equal(
		    sqlite3_prepare_v2(place->store->writer.db, text, -1, &plan, NULL),
		    SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);

			plans++;
			/* A constant row and a subquery are not tables. */
			if (strncmp(step, "SCAN ", 5) == 0 &&
			    strcmp(step, "SCAN CONSTANT ROW") != 0 &&
			    strcmp(step, "SCAN r") != 0 &&
			    strncmp(step, "SCAN (subquery", 14) != 0 &&
			    strcmp(step, "SCAN region") != 0 && !may_scan(id))
				fail_msg("%s: %s", sql_texts[id], step);
		}
		sqlite3_finalize(plan);
		sqlite3_free(text);
	}
	assert_true(plans > 20);
}

/* Millions that wait are not looked through for the one that is frozen. */
static void
moves_are_found_by_their_state(void **state)
{
	struct place *place = *state;
	char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql_texts[SQL_MOVE_DUE]);
	sqlite3_stmt *plan;

	assert_int_equal(
	    sqlite3_prepare_v2(place->store->writer.db, text, -1, &plan, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
	assert_non_null(strstr(
	    (const char *)sqlite3_column_text(plan, 3), "move_state (state=? AND due_ms>?)"));
	assert_int_equal(sqlite3_step(plan), SQLITE_DONE);
	sqlite3_finalize(plan);
	sqlite3_free(text);
}

static void
the_writer_is_as_durable_as_we_say(void **state)
{
	static const struct {
		const char *pragma, *value;
	} expected[] = {{"PRAGMA journal_mode", "wal"}, {"PRAGMA synchronous", "2"},
	    {"PRAGMA wal_autocheckpoint", "0"}, {"PRAGMA foreign_keys", "1"},
	    {"PRAGMA secure_delete", "1"}, {"PRAGMA integrity_check", "ok"},
	    {"PRAGMA trusted_schema", "0"}};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		sqlite3_stmt *statement;

		assert_int_equal(sqlite3_prepare_v2(place->store->writer.db, expected[i].pragma,
		                     -1, &statement, NULL),
		    SQLITE_OK);
		assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
		assert_string_equal(
		    (const char *)sqlite3_column_text(statement, 0), expected[i].value);
		sqlite3_finalize(statement);
	}
}

static void
a_reader_cannot_write(void **state)
{
	struct place *place = *state;
	struct store_reader *reader;
	struct store_txn *txn;

	assert_int_equal(store_reader_open(place->store, &reader), DOM_OK);
	assert_int_equal(store_read_begin(reader, &txn), DOM_OK);
	assert_int_equal(sqlite3_exec(txn->connection->db,
	                     "INSERT INTO region (name) VALUES (x'00')", NULL, NULL, NULL),
	    SQLITE_READONLY);
	store_read_end(&txn);
	store_reader_close(&reader);
}

static void
readers_of_a_manual_store_take_turns(void **state)
{
	struct place *place = *state;
	struct store_reader *readers[2];
	struct sql_connection *first;
	struct store_txn *txns[2];

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(store_reader_open(place->store, &readers[i]), DOM_OK);
	assert_int_equal(store_read_begin(readers[0], &txns[0]), DOM_OK);
	first = txns[0]->connection;
	/* Each snapshot has one of its own. */
	assert_int_equal(store_read_begin(readers[1], &txns[1]), DOM_OK);
	assert_ptr_not_equal(txns[1]->connection, first);
	store_read_end(&txns[1]);
	store_read_end(&txns[0]);
	assert_int_equal(store_read_begin(readers[1], &txns[1]), DOM_OK);
	assert_ptr_equal(txns[1]->connection, first);
	store_read_end(&txns[1]);
	for (unsigned i = 0; i < 2; i++)
		store_reader_close(&readers[i]);
}

/* What the first release wrote, by hand. */
static void
make_first_release(const struct place *place)
{
	static const char rows[] = "PRAGMA application_id = 1685024105;"
	                           "CREATE TABLE schema (version INTEGER PRIMARY KEY, "
	                           "applied_ms INTEGER NOT NULL) STRICT;"
	                           "INSERT INTO schema VALUES (1, 7)";
	static const char content[] =
	    "INSERT INTO region VALUES (CAST('in' AS BLOB));"
	    "INSERT INTO account VALUES (1, zeroblob(16), 2, 1, 0, 1, 0, CAST('ana' AS BLOB), "
	    "NULL,"
	    " x'01', x'02', x'03', x'04', x'');"
	    "INSERT INTO account VALUES (2, CAST('0123456789abcdef' AS BLOB), 2, 1, 0, 1, 0,"
	    " CAST('bartholomew' AS BLOB), CAST('bartholomew@example.org' AS BLOB),"
	    " x'01', x'02', x'03', x'04', x'');"
	    "INSERT INTO session VALUES (1, zeroblob(32), zeroblob(16), 2, 5, 5, 99,"
	    " CAST('the telephone of bartholomew' AS BLOB));"
	    "INSERT INTO collection VALUES (1, 1, CAST('c1' AS BLOB), 1, 2);"
	    "INSERT INTO member VALUES (1, 1, 1, 1, 2, 1, x'05', x'06');"
	    "INSERT INTO chunk VALUES (1, 1, 5, CAST('k' AS BLOB), zeroblob(32), NULL,"
	    " CAST('bytes' AS BLOB))";
	char path[120];

	snprintf(path, sizeof(path), "%s/store.sqlite3", place->folder);
	assert_int_equal(remove(path), 0);
	tamper(place, rows);
	tamper(place, migrations[0]);
	tamper(place, content);
}

static void
a_store_of_the_first_release_is_migrated_with_what_it_holds(void **state)
{
	struct place *place = *state;
	struct dom_arena *arena = dom_arena_new(0);
	struct store_reader *reader;
	struct store_txn *txn;
	struct store_member_name *members;
	struct store_removed *removed;
	struct store_account account;
	struct store_session *sessions;
	struct store_usage usage;
	int64_t time_ms;
	size_t count;

	store_close(&place->store);
	make_first_release(place);
	assert_true(is_on_disk(place, "bartholomew"));
	if (place_open(place) != DOM_OK)
		fail_msg("%s", place->message);
	assert_int_equal(store_reader_open(place->store, &reader), DOM_OK);
	assert_int_equal(store_read_begin(reader, &txn), DOM_OK);
	assert_int_equal(store_member_scan(txn, 1, 0, 9, arena, &members, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_true(dom_slice_is(members[0].name, "ana"));
	assert_int_equal(store_removed_scan(txn, 1, 0, 9, arena, &removed, &count), DOM_OK);
	assert_int_equal(count, 0);
	assert_int_equal(store_account_usage(txn, 1, &usage), DOM_OK);
	assert_int_equal(usage.chunk_bytes, 5);
	/* Names are sealed, and found as before. */
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("bartholomew"), arena, &account), DOM_OK);
	assert_int_equal(account.number, 2);
	assert_true(dom_slice_is(account.email, "bartholomew@example.org"));
	assert_int_equal(store_account_by_email(
	                     txn, dom_slice_of("bartholomew@example.org"), arena, &account),
	    DOM_OK);
	assert_int_equal(store_session_list(txn, 2, arena, &sessions, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_true(dom_slice_is(sessions[0].device, "the telephone of bartholomew"));
	/* Its clocks of retention begin now: nothing is old. */
	assert_int_equal(store_region_time(txn, &time_ms), DOM_OK);
	assert_int_equal(sessions[0].seen_ms, time_ms);
	store_read_end(&txn);
	store_reader_close(&reader);
	dom_arena_free(&arena);
	store_close(&place->store);
	assert_false(is_on_disk(place, "bartholomew"));
}

static void
a_region_key_that_is_not_the_stores_is_refused(void **state)
{
	static const uint8_t bytes[32] = "another region key";
	struct place *place = *state;
	struct dom_region_key *other;
	struct store_options options = {
	    .folder = place->folder, .region = "in", .manual = true};

	store_close(&place->store);
	assert_int_equal(
	    dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &other), DOM_OK);
	options.key = other;
	assert_int_equal(
	    store_open(&options, &place->store, place->message, sizeof(place->message)),
	    DOM_EDENIED);
	assert_non_null(strstr(place->message, "another region key"));
	dom_region_key_free(&other);
	assert_int_equal(place_open(place), DOM_OK);
}

static void
a_store_of_a_newer_release_is_refused_and_left_alone(void **state)
{
	struct place *place = *state;

	store_close(&place->store);
	tamper(place, "INSERT INTO schema (version, applied_ms) VALUES (99, 1)");
	assert_int_equal(place_open(place), DOM_EDENIED);
	assert_non_null(strstr(place->message, "newer release"));
	assert_non_null(strstr(place->message, "99"));
	tamper(place, "DELETE FROM schema WHERE version = 99");
	assert_int_equal(place_open(place), DOM_OK);
}

static void
a_database_of_another_program_is_refused(void **state)
{
	struct place *place = *state;

	store_close(&place->store);
	tamper(place, "PRAGMA application_id = 1");
	assert_int_equal(place_open(place), DOM_EDENIED);
	assert_non_null(strstr(place->message, "another program"));
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
	struct place *place = *state;
	char path[120];
	FILE *file;

	store_close(&place->store);
	snprintf(path, sizeof(path), "%s/store.sqlite3", place->folder);
	assert_non_null(file = fopen(path, "r+b"));
	fputs("this is not a database", file);
	fclose(file);
	assert_int_equal(place_open(place), DOM_ESTORE);
	assert_non_null(strstr(place->message, "not a database"));
}

static void
a_damaged_list_of_chunks_is_refused(void **state)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_slice *chunks;
	size_t count;

	(void)state;
	assert_non_null(arena);
	assert_int_equal(
	    row_unpack_chunks(dom_slice("\0\0\0\1a", 5), arena, &chunks, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(
	    row_unpack_chunks(dom_slice("\0\0\0\2a", 5), arena, &chunks, &count), DOM_ESTORE);
	assert_int_equal(
	    row_unpack_chunks(dom_slice("\0\0\0", 3), arena, &chunks, &count), DOM_ESTORE);
	dom_arena_free(&arena);
}

/* --- chunks that nothing names, in batches ------------------------------------ */

enum { DUE_CHUNKS = 20 };

/* Twenty chunks; one item names every third of them. */
static enum dom_status
put_chunks(struct store_txn *txn, void *context)
{
	struct store_account account = {.name = dom_slice_of("ana"), .salt = dom_slice_of("s")};
	struct store *store = context;
	char uids[DUE_CHUNKS][8];
	struct dom_slice named[DUE_CHUNKS];
	struct store_item item = {.uid = dom_slice_of("i"),
	    .current = {.uid = dom_slice_of("e"), .meta = dom_slice_of("m"), .chunks = named}};
	int64_t owner, collection;

	assert_int_equal(store_account_add(txn, &account, &owner), DOM_OK);
	assert_int_equal(
	    store_collection_add(txn, dom_slice_of("c"), owner, &collection), DOM_OK);
	for (unsigned i = 0; i < DUE_CHUNKS; i++) {
		struct store_staged *staged;

		snprintf(uids[i], sizeof(uids[i]), "k%u", i);
		assert_int_equal(
		    store_chunk_stage(store, account.id, dom_slice_of("x"), &staged), DOM_OK);
		assert_int_equal(
		    store_chunk_put(txn, collection, dom_slice_of(uids[i]), staged), DOM_OK);
		store_staged_free(&staged);
		if (i % 3 == 0)
			named[item.current.chunk_count++] = dom_slice_of(uids[i]);
	}
	assert_int_equal(store_account_tick(txn, owner, &item.current.clock), DOM_OK);
	return store_item_put(txn, collection, &item);
}

static void
unnamed_chunks_are_found_whatever_fits_a_batch(void **state)
{
	struct place *place = *state;
	struct dom_arena *arena = dom_arena_new(0);
	struct store_reader *reader;
	struct store_txn *txn;

	assert_int_equal(store_write(place->store, put_chunks, place->store), DOM_OK);
	assert_int_equal(store_reader_open(place->store, &reader), DOM_OK);
	assert_int_equal(store_read_begin(reader, &txn), DOM_OK);
	for (unsigned batch = 1; batch <= DUE_CHUNKS + 1; batch++) {
		struct store_chunk_due *due;
		uint64_t clock;
		size_t count;

		place->store->due_batch_max = batch;
		assert_int_equal(
		    store_chunks_due(txn, 1, INT64_MAX, 99, arena, &due, &count, &clock),
		    DOM_OK);
		assert_int_equal(count, DUE_CHUNKS - (DUE_CHUNKS + 2) / 3);
		assert_int_equal(clock, 1);
		for (size_t i = 0; i < count; i++) {
			assert_false(due[i].is_named);
			assert_int_not_equal((due[i].number - 1) % 3, 0);
			assert_int_equal(due[i].size, 1);
			for (size_t j = 0; j < i; j++)
				assert_int_not_equal(due[i].number, due[j].number);
		}
		assert_int_equal(
		    store_chunks_due(txn, 1, INT64_MAX, 5, arena, &due, &count, &clock),
		    DOM_OK);
		assert_int_equal(count, 5);
	}
	store_read_end(&txn);
	store_reader_close(&reader);
	dom_arena_free(&arena);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(every_statement_can_be_prepared, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_request_walks_a_whole_table, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(moves_are_found_by_their_state, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_writer_is_as_durable_as_we_say, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_reader_cannot_write, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        readers_of_a_manual_store_take_turns, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_store_of_the_first_release_is_migrated_with_what_it_holds, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_region_key_that_is_not_the_stores_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_store_of_a_newer_release_is_refused_and_left_alone, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_database_of_another_program_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_file_that_is_no_database_is_refused, set_up, tear_down),
	    cmocka_unit_test(a_damaged_list_of_chunks_is_refused),
	    cmocka_unit_test_setup_teardown(
	        unnamed_chunks_are_found_whatever_fits_a_batch, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
