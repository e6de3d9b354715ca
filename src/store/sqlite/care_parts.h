/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SQLITE_CARE_PARTS_H
#define STORE_SQLITE_CARE_PARTS_H

#include <sqlite3.h>

#include "store/blobs.h"
#include "store/care.h"

/* What the files behind store/care.h share. */
#define CARE_DATABASE "store.sqlite3"

enum { CARE_PAGES_AT_ONCE = 4096 }; /* copied before it looks whether to stop */

/* For an operator; care_fail() answers the status that it is given. */
struct care_message {
	char *text;
	size_t size;
};
enum dom_status care_fail(const struct care_message *message, enum dom_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

bool care_is_stopped(const struct store_care *care);

/* A folder, and its lock if it is held; care_leave() in any case. */
struct care_place {
	int folder, lock; /* -1: not open */
};
DOM_MUST_CHECK enum dom_status care_folder(const struct store_care *care,
    struct care_place *place_r, const struct care_message *message);
DOM_MUST_CHECK enum dom_status care_lock(
    const char *folder, struct care_place *place, const struct care_message *message);
void care_leave(struct care_place *place);

/* Read-only; *db_r is closed with sqlite3_close(). */
DOM_MUST_CHECK enum dom_status care_database(
    const char *path, sqlite3 **db_r, const struct care_message *message);
/* To a new file, as of one moment. */
DOM_MUST_CHECK enum dom_status care_copy_database(sqlite3 *from, const char *path,
    const struct store_care *care, const struct care_message *message);

struct care_copy {
	const struct blobs *from; /* NULL: it has none */
	struct blobs *to;
	bool may_link;
	uint64_t files, bytes, linked, missing; /* counted */
};
/* Every chunk's file that the database names. */
DOM_MUST_CHECK enum dom_status care_copy_chunks(sqlite3 *database, struct care_copy *copy,
    const struct store_care *care, const struct care_message *message);
/* A small file of the same name.  DOM_ABSENT: it is not there; DOM_EFILE: errno. */
DOM_MUST_CHECK enum dom_status care_copy_small(int from, int to, const char *name);

DOM_MUST_CHECK enum dom_status care_sync_tree(
    int folder, const char *path, const struct care_message *message);
/* What we made and could not finish. */
void care_remove_tree(const char *path);

#endif
