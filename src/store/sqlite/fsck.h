/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SQLITE_FSCK_H
#define STORE_SQLITE_FSCK_H

#include "store/sqlite/care_parts.h"

/*
 * An examination under way.  It reads in many short transactions, so that the
 * server's log does not grow while terabytes are read; what seems wrong in a
 * row is asked for again before it is told, since it may have gone meanwhile.
 */
struct fsck {
	const struct store_care *care;
	void (*found)(void *context, const char *sentence);
	void *context;
	struct store_fsck_report *report;
	sqlite3 *db;
	struct blobs *blobs; /* NULL: there is no folder of chunks */
	struct dom_arena *arena;
	enum dom_status failed; /* stopped, or no memory: nothing more is looked at */
};

void fsck_fault(struct fsck *fsck, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Rows of a statement whose only parameter is the number that they come
 * after; row() answers that of the row that it got.
 */
typedef int64_t fsck_row(struct fsck *fsck, sqlite3_stmt *statement);
void fsck_each(struct fsck *fsck, const char *what, const char *text, fsck_row *row);

/* fsck_look.c: the checks, each complete in itself. */
void fsck_structure(struct fsck *fsck);
void fsck_clocks(struct fsck *fsck);
void fsck_sharing(struct fsck *fsck);
void fsck_chunks(struct fsck *fsck);
void fsck_revisions(struct fsck *fsck);
void fsck_erasing(struct fsck *fsck);

#endif
