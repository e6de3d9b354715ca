/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_BLOBS_H
#define STORE_BLOBS_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"

/*
 * Where large chunks live: whole blobs under names that are never used twice.
 * A blob is written once, is on the disk before its name is told, and is never
 * changed.  The database says which blobs are wanted; the rest is swept.
 * store/dir/ keeps them as files; any thread may call any function.
 */
struct blobs;

enum { BLOB_OWNER_SIZE = 16, BLOB_UNIQUE_SIZE = 16 };

/* The owner comes first, so that everything of one account is in one place. */
struct blob_name {
	uint8_t owner[BLOB_OWNER_SIZE];
	uint8_t unique[BLOB_UNIQUE_SIZE]; /* random */
};
_Static_assert(sizeof(struct blob_name) == BLOB_OWNER_SIZE + BLOB_UNIQUE_SIZE, "no padding");

/* Blobs under chunks/ in this folder, which stays the caller's. */
DOM_MUST_CHECK enum dom_status blobs_open(int folder, struct blobs **blobs_r);
void blobs_close(struct blobs **blobs);

/*
 * A blob comes in pieces, from one thread at a time.  After DOM_OK from
 * blobs_finish() its bytes and its name survive a power cut.  After DOM_EFULL
 * and DOM_ESTORE of any of them, abandon it: nothing is left behind, as far as
 * the disk allows.
 */
struct blob_writer;
DOM_MUST_CHECK enum dom_status blobs_begin(
    struct blobs *blobs, const uint8_t owner[BLOB_OWNER_SIZE], struct blob_writer **writer_r);
DOM_MUST_CHECK enum dom_status blobs_add(struct blob_writer *writer, struct dom_slice piece);
/* Takes the writer, whatever the outcome. */
DOM_MUST_CHECK enum dom_status blobs_finish(
    struct blob_writer **writer, struct blob_name *name_r);
void blobs_abandon(struct blob_writer **writer);

/* DOM_EINTEGRITY: missing, or not of this size; DOM_ESTORE: the disk cannot read it. */
DOM_MUST_CHECK enum dom_status blobs_read(struct blobs *blobs, const struct blob_name *name,
    size_t size, struct dom_arena *arena, struct dom_slice *data_r);
/* The same into size bytes that the caller has. */
DOM_MUST_CHECK enum dom_status blobs_read_into(
    struct blobs *blobs, const struct blob_name *name, uint8_t *data, size_t size);

void blobs_remove(struct blobs *blobs, const struct blob_name *name);

/*
 * Remove blobs, or all that an owner has with the folder that bears its id, so
 * that they stay removed after a power cut: DOM_OK, also for what is gone
 * already.  Blobs in one order by name cost the fewest syncs.
 */
DOM_MUST_CHECK enum dom_status blobs_forget(
    struct blobs *blobs, const struct blob_name *names, size_t count);
DOM_MUST_CHECK enum dom_status blobs_forget_owner(
    struct blobs *blobs, const uint8_t owner[BLOB_OWNER_SIZE]);
/*
 * Who copies blobs of this folder holds them, with others; who forgets some
 * holds them alone, or gets DOM_CONFLICT at once.  Ends with close(*hold_r).
 * DOM_ABSENT: there is no chunks/.
 */
DOM_MUST_CHECK enum dom_status blobs_hold(int folder, bool alone, int *hold_r);

/*
 * Remove what a crash left: unfinished files, and blobs that wanted() answers
 * DOM_ABSENT for.  It looks at files_max names at most and starts at a random
 * owner, so that repeated sweeps reach all.  Only while nobody writes.
 */
struct blobs_sweep {
	enum dom_status (*wanted)(void *context, const struct blob_name *name);
	void *context;
	unsigned files_max;
	unsigned removed; /* counted by the sweep */
};
DOM_MUST_CHECK enum dom_status blobs_sweep(struct blobs *blobs, struct blobs_sweep *sweep);

/*
 * For examining and copying a folder that a server may use: opens what is
 * there, makes and syncs nothing.  DOM_ABSENT: there is no chunks/.
 */
DOM_MUST_CHECK enum dom_status blobs_look(int folder, struct blobs **blobs_r);
/*
 * Bring one blob into another folder, under its name; not synced.  A link if
 * may_link and both are on one file system: blobs never change.  DOM_ABSENT:
 * it is missing or not of this size.  DOM_EFILE: errno says why.
 */
DOM_MUST_CHECK enum dom_status blobs_bring(const struct blobs *from, struct blobs *to,
    const struct blob_name *name, uint64_t size, bool may_link, bool *linked_r);

/* True once a sync has failed: what the disk holds is not known any more. */
bool blobs_failed(const struct blobs *blobs);

#endif
