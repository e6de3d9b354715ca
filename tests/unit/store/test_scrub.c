/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the scrubbing layer zeroes in a page, and what it leaves alone. */
/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../../region_key.h"
#include "store/care.h"
#include "store/erase.h"
#include "store/sqlite/scrub.h"

enum { PAGES_MAX = 4096 };

static char path[80] = "/tmp/scrub-XXXXXX";
static uint8_t pages[PAGES_MAX][SCRUB_PAGE_SIZE];
static size_t page_count;

static void
run(const char *text)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", text, message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
transfer(const char *mode, size_t (*move)(FILE *file))
{
	FILE *file = fopen(path, mode);

	assert_non_null(file);
	page_count = move(file);
	assert_int_equal(fclose(file), 0);
}

static size_t
take(FILE *file)
{
	return fread(pages, SCRUB_PAGE_SIZE, PAGES_MAX, file);
}

static size_t
give(FILE *file)
{
	return fwrite(pages, SCRUB_PAGE_SIZE, page_count, file);
}

/* Tables and indexes, deep enough for pages inside, with overflow and free pages. */
static int
set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	run("CREATE TABLE t (number INTEGER PRIMARY KEY, a BLOB, b TEXT);"
	    "CREATE INDEX i ON t (a); CREATE INDEX j ON t (b, a);"
	    "CREATE TABLE w (a BLOB PRIMARY KEY, b INTEGER) WITHOUT ROWID;"
	    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000)"
	    " INSERT INTO t SELECT x * 7, randomblob(abs(random()) % iif(x % 50 = 0, 20000, "
	    "90)),"
	    " hex(randomblob(abs(random()) % 40)) FROM n;"
	    "INSERT INTO w SELECT randomblob(40), number FROM t;"
	    "DELETE FROM t WHERE abs(random()) % 3 = 0;"
	    "DELETE FROM w WHERE abs(random()) % 3 = 0;");
	transfer("rb", take);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	strcpy(path, "/tmp/scrub-XXXXXX");
	return 0;
}

static void
every_page_of_a_tree_is_known_for_one_and_no_other(void **state)
{
	sqlite3_stmt *kinds;
	unsigned trees = 0, others = 0;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT pageno, pagetype FROM dbstat WHERE aggregate = 0",
	        -1, &kinds, NULL),
	    SQLITE_OK);
	while (sqlite3_step(kinds) == SQLITE_ROW) {
		int64_t number = sqlite3_column_int64(kinds, 0);
		bool is_tree =
		    strcmp((const char *)sqlite3_column_text(kinds, 1), "overflow") != 0;

		assert_true(number >= 1 && (size_t)number <= page_count);
		if (scrub_page(pages[number - 1], number == 1 ? 100 : 0) != is_tree)
			fail_msg("page %lld", (long long)number);
		trees += is_tree;
		others += !is_tree;
	}
	sqlite3_finalize(kinds);
	sqlite3_close(db);
	assert_true(trees > 50);
	assert_true(others > 50);
}

static void
scrubbing_takes_what_no_cell_has_and_nothing_else(void **state)
{
	unsigned scrubbed = 0, changed = 0;

	(void)state;
	for (size_t i = 0; i < page_count; i++) {
		uint8_t before[SCRUB_PAGE_SIZE], *page = pages[i];
		unsigned at = i == 0 ? 100 : 0, begin = page[at + 5] * 256u + page[at + 6];
		unsigned end =
		    at + (page[at] < 10 ? 12 : 8) + 2u * (page[at + 3] * 256u + page[at + 4]);

		memcpy(before, page, sizeof(before));
		if (!scrub_page(page, at)) {
			assert_memory_equal(before, page, sizeof(before));
			continue;
		}
		scrubbed++;
		/* Plant something in the room that is left, and it goes. */
		memset(page + end, 'x', begin - end);
		assert_true(scrub_page(page, at));
		for (unsigned j = end; j < begin; j++)
			assert_int_equal(page[j], 0);
		changed += begin > end;
	}
	assert_true(scrubbed > 50);
	assert_true(changed > 50);
	transfer("r+b", give);
	{
		sqlite3_stmt *check;
		sqlite3 *db;

		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(
		    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &check, NULL),
		    SQLITE_OK);
		assert_int_equal(sqlite3_step(check), SQLITE_ROW);
		assert_string_equal((const char *)sqlite3_column_text(check, 0), "ok");
		sqlite3_finalize(check);
		sqlite3_close(db);
	}
	/* Every row is still there, and can be written. */
	run("UPDATE t SET b = b || 'x'; INSERT INTO w SELECT randomblob(60), number FROM t;");
}

/* Beyond 128 GiB another kind of page may begin like a tree's. */
static void
a_page_that_only_begins_like_a_tree_is_left_alone(void **state)
{
	static const uint8_t types[] = {2, 5, 10, 13};
	uint8_t page[SCRUB_PAGE_SIZE], before[SCRUB_PAGE_SIZE];

	(void)state;
	srandom(7);
	for (unsigned round = 0; round < 200000; round++) {
		for (size_t i = 0; i < 64; i++)
			page[i] = (uint8_t)random();
		if (round % 64 == 0) {
			for (size_t i = 64; i < sizeof(page); i++)
				page[i] = (uint8_t)random();
		}
		page[0] = types[round % 4];
		/* Few cells, a content area that may be: as near as chance comes. */
		page[3] = 0;
		page[4] %= 4;
		page[5] %= 16;
		memcpy(before, page, sizeof(page));
		if (scrub_page(page, 0))
			fail_msg("round %u", round);
		assert_memory_equal(before, page, sizeof(page));
	}
}

/* --- a backup ---------------------------------------------------------------------- */

enum { CHURN_ITEMS = 600 };

/* Items of two collections among each other; then one collection goes. */
static enum dom_status
churn(struct store_txn *txn, void *context)
{
	struct store_account account = {.name = dom_slice_of("ana"), .salt = dom_slice_of("s")};
	static const uint8_t bytes[2000] = {1};
	struct store_erased sum = {0};
	int64_t owner, collections[2];
	enum dom_status st = DOM_OK;

	(void)context;
	assert_int_equal(store_account_add(txn, &account, &owner), DOM_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(store_collection_add(txn, dom_slice_of(i == 0 ? "c1" : "c2"),
		                     owner, &collections[i]),
		    DOM_OK);
	for (unsigned i = 0; i < CHURN_ITEMS; i++) {
		char uid[40], etag[24];
		struct store_item item = {.uid = dom_slice(uid, 30),
		    .current = {.uid = dom_slice(etag, 22),
		        .meta = dom_slice(bytes, (size_t)random() % sizeof(bytes)),
		        .clock = i + 1}};

		snprintf(uid, sizeof(uid), "%010lu%020u", (unsigned long)random(), i);
		snprintf(etag, sizeof(etag), "%022u", i);
		assert_int_equal(store_item_put(txn, collections[i % 2], &item), DOM_OK);
	}
	assert_int_equal(store_collection_abandon(txn, collections[0], 0), DOM_OK);
	while (st == DOM_OK)
		st = store_erase_collection(txn, collections[0], 99, &sum);
	return st;
}

/* Of a file's pages, those that scrubbing would change, and those it would not. */
static void
count_pages(unsigned *dirty_r, unsigned *clean_r)
{
	*dirty_r = *clean_r = 0;
	for (size_t i = 0; i < page_count; i++) {
		uint8_t before[SCRUB_PAGE_SIZE];

		memcpy(before, pages[i], sizeof(before));
		if (!scrub_page(pages[i], i == 0 ? 100 : 0))
			continue;
		*(memcmp(before, pages[i], sizeof(before)) == 0 ? clean_r : dirty_r) += 1;
	}
}

static int
remove_entry(const char *name, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(name);
}

static void
a_backup_takes_nothing_along_that_lay_in_the_log(void **state)
{
	char folder[] = "/tmp/scrub-store-XXXXXX", target[40], message[200];
	struct store_options options = {
	    .region = "in", .key = test_region_key(), .manual = true};
	struct store_care care = {.folder = folder};
	struct store_backup_report report;
	unsigned dirty, clean;
	struct store *store;

	(void)state;
	assert_non_null(mkdtemp(folder));
	options.folder = folder;
	assert_int_equal(store_open(&options, &store, message, sizeof(message)), DOM_OK);
	srandom(3);
	assert_int_equal(store_write(store, churn, NULL), DOM_ABSENT);
	snprintf(target, sizeof(target), "%s/backup", folder);
	assert_int_equal(
	    store_backup(&care, target, NULL, &report, message, sizeof(message)), DOM_OK);
	snprintf(path, sizeof(path), "%s/backup/store.sqlite3", folder);
	transfer("rb", take);
	count_pages(&dirty, &clean);
	assert_int_equal(dirty, 0);
	assert_true(clean > 50);
	/* The store's own file, once the log is in it. */
	assert_int_equal(store_settle(store), DOM_OK);
	snprintf(path, sizeof(path), "%s/store.sqlite3", folder);
	transfer("rb", take);
	count_pages(&dirty, &clean);
	assert_int_equal(dirty, 0);
	assert_true(clean > 50);
	store_close(&store);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        every_page_of_a_tree_is_known_for_one_and_no_other, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        scrubbing_takes_what_no_cell_has_and_nothing_else, set_up, tear_down),
	    cmocka_unit_test(a_backup_takes_nothing_along_that_lay_in_the_log),
	    cmocka_unit_test(a_page_that_only_begins_like_a_tree_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
