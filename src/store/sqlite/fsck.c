/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Examining a store: how rows are walked and faults are told. */
#include "store/sqlite/fsck.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SENTENCE_SIZE = 512,
	ARENA_SIZE_MAX = 512 << 20, /* one chunk at a time */
};

/* Ids of a damaged database may be anything, so only what prints is told. */
void
fsck_fault(struct fsck *fsck, const char *format, ...)
{
	char sentence[SENTENCE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	for (char *c = sentence; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	fsck->report->faults++;
	fsck->found(fsck->context, sentence);
}

/* True: there may be more. */
static bool
walk_page(struct fsck *fsck, sqlite3_stmt *statement, int64_t *after, fsck_row *row, int *code)
{
	bool any = false;

	*code = sqlite3_bind_int64(statement, 1, *after);
	while (*code == SQLITE_OK && fsck->failed == DOM_OK &&
	       (*code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (care_is_stopped(fsck->care)) {
			fsck->failed = DOM_ESTOPPED;
			break;
		}
		dom_arena_reset(fsck->arena);
		*after = row(fsck, statement);
		any = true;
		*code = SQLITE_OK;
	}
	sqlite3_reset(statement);
	return any && *code == SQLITE_DONE;
}

void
fsck_each(struct fsck *fsck, const char *what, const char *text, fsck_row *row)
{
	sqlite3_stmt *statement = NULL;
	int64_t after = 0;
	int code;

	if (fsck->failed < 0)
		return;
	code = sqlite3_prepare_v2(fsck->db, text, -1, &statement, NULL);
	while (code == SQLITE_OK && walk_page(fsck, statement, &after, row, &code))
		code = SQLITE_OK;
	sqlite3_finalize(statement);
	if (fsck->failed == DOM_OK && code != SQLITE_OK && code != SQLITE_DONE)
		fsck_fault(fsck, "the database cannot be read while looking at %s: %s", what,
		    sqlite3_errmsg(fsck->db));
}

static enum dom_status
look(struct fsck *fsck, const struct care_place *place, const struct care_message *message)
{
	enum dom_status st = blobs_look(place->folder, &fsck->blobs);

	if (st < 0)
		return care_fail(message, st, "%s/chunks cannot be opened: %s",
		    fsck->care->folder, strerror(errno));
	fsck_structure(fsck);
	fsck_clocks(fsck);
	fsck_sharing(fsck);
	fsck_chunks(fsck);
	fsck_revisions(fsck);
	fsck_erasing(fsck);
	blobs_close(&fsck->blobs);
	if (fsck->failed == DOM_ESTOPPED)
		return care_fail(message, DOM_ESTOPPED, "stopped before it was done");
	if (fsck->failed < 0)
		return care_fail(message, fsck->failed, "no memory to look at a chunk");
	return DOM_OK;
}

enum dom_status
store_fsck(const struct store_care *care, void (*found)(void *context, const char *sentence),
    void *context, struct store_fsck_report *report_r, char *message_r, size_t message_size)
{
	const struct care_message message = {message_r, message_size};
	struct care_place place = {.folder = -1, .lock = -1};
	struct fsck fsck = {
	    .care = care, .found = found, .context = context, .report = report_r};
	char *path = NULL;
	enum dom_status st;

	*report_r = (struct store_fsck_report){0};
	if (asprintf(&path, "%s/" CARE_DATABASE, care->folder) < 0 ||
	    (fsck.arena = dom_arena_new(ARENA_SIZE_MAX)) == NULL)
		st = care_fail(&message, DOM_ENOMEM, "no memory");
	else if ((st = care_folder(care, &place, &message)) == DOM_OK &&
	         (st = care_database(path, &fsck.db, &message)) == DOM_OK)
		st = look(&fsck, &place, &message);
	/* What only reads leaves no trace: the log is its server's to write back. */
	sqlite3_close(fsck.db);
	care_leave(&place);
	dom_arena_free(&fsck.arena);
	free(path);
	return st;
}
