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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/sqlite/scrub.h"

enum { PAGES_MAX = 4096 };

static char path[] = "/tmp/scrub-XXXXXX";
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

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        every_page_of_a_tree_is_known_for_one_and_no_other, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        scrubbing_takes_what_no_cell_has_and_nothing_else, set_up, tear_down),
	    cmocka_unit_test(a_page_that_only_begins_like_a_tree_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
