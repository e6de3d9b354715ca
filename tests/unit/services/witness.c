/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The store's tables as the writer sees them, whatever they are: of a table
 * with a column that names an account or a collection, also the rows of those
 * whom no request is about.
 */
#include "witness.h"

#include <sqlite3.h>

#include "house.h"
#include "store/sqlite/engine.h"

enum { TABLES_MAX = 64, SQL_SIZE = 2048 };

static sqlite3_stmt *whole[TABLES_MAX], *theirs[TABLES_MAX];
static size_t whole_count, theirs_count;

static sqlite3_stmt *
prepare(const char *text)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(house.store->writer.db, text, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(house.store->writer.db));
	return statement;
}

/* The numbers of Zoe and Yan, and of Zoe's collection, as lists. */
static char them[64], place[32];

static bool
has_column(const char *table, const char *column)
{
	char text[SQL_SIZE];
	sqlite3_stmt *statement;
	bool has;

	snprintf(text, sizeof(text), "SELECT 1 FROM pragma_table_info('%s') WHERE name = '%s'",
	    table, column);
	statement = prepare(text);
	has = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_finalize(statement);
	return has;
}

static void
look_at_theirs(const char *table)
{
	static const char *const people[] = {"account", "owner", "sender", "recipient"};
	char text[SQL_SIZE];
	int used;

	used = snprintf(text, sizeof(text), "SELECT * FROM \"%s\" WHERE 0", table);
	if (strcmp(table, "account") == 0)
		used += snprintf(
		    text + used, sizeof(text) - (size_t)used, " OR number IN %s", them);
	if (strcmp(table, "revision") == 0)
		used += snprintf(text + used, sizeof(text) - (size_t)used,
		    " OR item IN (SELECT number FROM item WHERE collection IN %s)", place);
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
		if (has_column(table, people[i]))
			used += snprintf(text + used, sizeof(text) - (size_t)used,
			    " OR \"%s\" IN %s", people[i], them);
	}
	if (has_column(table, "collection"))
		snprintf(
		    text + used, sizeof(text) - (size_t)used, " OR collection IN %s", place);
	theirs[theirs_count++] = prepare(text);
}

static int64_t
number_of(const char *text)
{
	sqlite3_stmt *statement = prepare(text);
	int64_t number;

	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* In the order in which world_set_up() signs up: Zoe, then Yan. */
void
witness_open(void)
{
	sqlite3_stmt *tables;

	snprintf(them, sizeof(them), "(%lld, %lld)",
	    (long long)number_of("SELECT min(number) FROM account"),
	    (long long)number_of("SELECT min(number) + 1 FROM account"));
	snprintf(place, sizeof(place), "(%lld)",
	    (long long)number_of("SELECT min(number) FROM collection"));
	tables = prepare("SELECT name FROM sqlite_master WHERE type = 'table'"
	                 " AND name NOT LIKE 'sqlite_%'");
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);
		char text[SQL_SIZE];

		assert_true(whole_count < TABLES_MAX);
		snprintf(text, sizeof(text), "SELECT * FROM \"%s\"", name);
		whole[whole_count++] = prepare(text);
		look_at_theirs(name);
	}
	sqlite3_finalize(tables);
	assert_true(whole_count > 10);
}

void
witness_close(void)
{
	for (size_t i = 0; i < whole_count; i++) {
		sqlite3_finalize(whole[i]);
		sqlite3_finalize(theirs[i]);
	}
	whole_count = theirs_count = 0;
}

/* FNV-1a: nobody aims at it here. */
static uint64_t
mix(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash;
}

static uint64_t
digest(sqlite3_stmt *const *statements, size_t count, uint64_t *rows_r)
{
	uint64_t hash = 0xcbf29ce484222325, rows = 0;

	for (size_t i = 0; i < count; i++) {
		while (sqlite3_step(statements[i]) == SQLITE_ROW) {
			int columns = sqlite3_column_count(statements[i]);

			rows++;
			for (int c = 0; c < columns; c++) {
				const void *data = sqlite3_column_blob(statements[i], c);
				int size = sqlite3_column_bytes(statements[i], c);

				hash = mix(hash, &size, sizeof(size));
				hash = mix(hash, data, (size_t)size);
			}
		}
		sqlite3_reset(statements[i]);
		hash = mix(hash, &i, sizeof(i));
	}
	if (rows_r != NULL)
		*rows_r = rows;
	return hash;
}

uint64_t
witness_all(uint64_t *rows_r)
{
	return digest(whole, whole_count, rows_r);
}

uint64_t
witness_them(uint64_t *rows_r)
{
	return digest(theirs, theirs_count, rows_r);
}
