/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a region holds, as a number, and what an examination says of it. */
#include <dirent.h>
#include <ftw.h>
#include <string.h>

#include <sqlite3.h>

#include "sim/faults/faults.h"
#include "store/care.h"

enum { TABLES_MAX = 64, NAME_SIZE = 64 };

/* FNV-1a: nobody chooses these rows. */
static void
mix(uint64_t *sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		*sum = (*sum ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void
mix_row(uint64_t *sum, sqlite3_stmt *statement)
{
	for (int i = 0; i < sqlite3_column_count(statement); i++) {
		int type = sqlite3_column_type(statement, i);
		int size = sqlite3_column_bytes(statement, i);

		mix(sum, &type, sizeof(type));
		/* Files are never called the same twice. */
		if (strcmp(sqlite3_column_name(statement, i), "file") == 0)
			continue;
		mix(sum, &size, sizeof(size));
		if (type != SQLITE_NULL)
			mix(sum, sqlite3_column_blob(statement, i), (size_t)size);
	}
}

static void
mix_table(uint64_t *sum, sqlite3 *db, const char *name)
{
	sqlite3_stmt *statement = NULL;
	uint64_t rows = 0;
	char text[NAME_SIZE + 20];
	int code;

	snprintf(text, sizeof(text), "SELECT * FROM \"%.*s\"", NAME_SIZE, name);
	if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK) {
		wrong("the table %s cannot be read: %s", name, sqlite3_errmsg(db));
		return;
	}
	/* A sum, since rows that are the same may lie in another order. */
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		uint64_t row = UINT64_C(0xcbf29ce484222325);

		mix_row(&row, statement);
		rows += row;
	}
	if (code != SQLITE_DONE)
		wrong("the table %s cannot be read: %s", name, sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	mix(sum, name, strlen(name));
	mix(sum, &rows, sizeof(rows));
}

static sqlite3 *kept;

/* To open one takes longer than to look. */
static sqlite3 *
open_rows(void)
{
	char path[128];

	if (kept != NULL)
		return kept;
	snprintf(path, sizeof(path), "%s/store.sqlite3", house.folder);
	if (sqlite3_open_v2(path, &kept, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		wrong("%s cannot be read: %s", path, sqlite3_errmsg(kept));
		state_close();
	}
	return kept;
}

void
state_close(void)
{
	sqlite3_close(kept);
	kept = NULL;
}

uint64_t
state_rows(void)
{
	static const char text[] = "SELECT name FROM sqlite_schema WHERE type = 'table' AND"
	                           " name NOT LIKE 'sqlite_%' ORDER BY name";
	char names[TABLES_MAX][NAME_SIZE];
	sqlite3_stmt *statement = NULL;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	sqlite3 *db = open_rows();
	size_t count = 0;

	if (db == NULL)
		return 0;
	if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK)
		wrong("the schema cannot be read: %s", sqlite3_errmsg(db));
	while (sqlite3_step(statement) == SQLITE_ROW && count < TABLES_MAX)
		snprintf(names[count++], NAME_SIZE, "%s", sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	for (size_t i = 0; i < count; i++)
		mix_table(&sum, db, names[i]);
	return sum;
}

/* --- examination --------------------------------------------------------------------- */

void
state_fault(void *context, const char *sentence)
{
	struct region_state *state = context;

	if (state != NULL)
		state->faults++;
	wrong("fsck: %s", sentence);
}

static uint64_t files_seen;

static int
see_file(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)path, (void)info, (void)where;
	files_seen += kind == FTW_F;
	return 0;
}

static uint64_t
files_named(void)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = open_rows();
	uint64_t count = 0;

	if (db == NULL)
		return 0;

	if (sqlite3_prepare_v2(db,
	        "SELECT (SELECT count(*) FROM chunk WHERE file IS NOT NULL) +"
	        " (SELECT count(*) FROM gone WHERE length(file) > 16)",
	        -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		count = (uint64_t)sqlite3_column_int64(statement, 0);
	else
		wrong("the chunks cannot be counted: %s", sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	return count;
}

struct region_state
state_look(void)
{
	struct region_state state = {.rows = state_rows()};
	struct store_fsck_report report;
	char message[300] = "", chunks[128];
	uint64_t named = files_named();

	if (store_fsck(&(struct store_care){.folder = house.folder}, state_fault, &state,
	        &report, message, sizeof(message)) != DOM_OK) {
		state.faults++;
		wrong("fsck cannot look: %s", message);
	}
	snprintf(chunks, sizeof(chunks), "%s/chunks", house.folder);
	files_seen = 0;
	(void)nftw(chunks, see_file, 16, FTW_PHYS);
	if (files_seen > named) {
		state.faults++;
		wrong("%d files that nobody names are left", (int)(files_seen - named));
	}
	return state;
}
