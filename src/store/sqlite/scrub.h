/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SQLITE_SCRUB_H
#define STORE_SQLITE_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include <domicile/status.h>

/*
 * What erased rows leave behind inside pages.  SQLite overwrites a deleted
 * cell with zeros (secure_delete), but when it distributes cells over pages
 * anew, old copies stay in the room that a page has left.  So the writer's
 * connection reaches the database's file through a layer that zeroes this room
 * in every page on its way there.  The room is nobody's: SQLite gives it out
 * without looking at it.
 */
enum { SCRUB_PAGE_SIZE = 4096 }; /* of our databases */

/* The name for sqlite3_open_v2(); registered once.  NULL: it cannot be. */
const char *scrub_vfs(void);

/*
 * Zero what no cell of a b-tree page has; at: where in the page it begins (100
 * in the file's first).  False: this is no b-tree page, nothing is changed.
 */
bool scrub_page(uint8_t page[SCRUB_PAGE_SIZE], unsigned at);

#endif
