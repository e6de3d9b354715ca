/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_RETENTION_RETENTION_H
#define SERVICES_RETENTION_RETENTION_H

#include "services/retention/rules.h"
#include "store/erase.h"
#include "store/store.h"

/*
 * The sweeps that hold the rules: see DESIGN.md beside this file.
 *
 *   retention_plan()  in a snapshot: what is due
 *   retention_run()   in a job: look again, then remove some of it
 *   retention_ran()   once that job is on the disk, or has failed
 *
 * One thread plans and counts; the writer runs.
 */
struct retention;

enum {
	RETENTION_EVERY_MS = 60 * 60 * 1000,      /* T between the starts of two sweeps */
	RETENTION_WHOLE_MS = 24 * 60 * 60 * 1000, /* .. of two that look at every chunk */
	RETENTION_STEP_ROWS = 200,
};

struct retention_options {
	const struct retention_rules *rules; /* borrowed */
	/*
	 * Begin to erase an account as if its owner had asked; in a job.  DOM_OK,
	 * or a failure that rolls it back.
	 */
	enum dom_status (*erase_account)(
	    void *context, struct store_txn *txn, int64_t account, struct dom_arena *arena);
	void *context;
};

/* NULL: no memory. */
struct retention *retention_open(const struct retention_options *options);
void retention_close(struct retention **retention);

struct retention_step;

/*
 * Region time is the snapshot's.
 *   DOM_OK        *step_r wants to run; it lives in the arena
 *   DOM_ABSENT    nothing is due: ask again in a while
 *   DOM_CONFLICT  a part was looked at: ask again, in a new snapshot
 */
DOM_MUST_CHECK enum dom_status retention_plan(struct retention *retention,
    struct store_txn *snapshot, struct dom_arena *arena, struct retention_step **step_r);
/* A small job; below zero it is rolled back. */
DOM_MUST_CHECK enum dom_status retention_run(
    struct retention_step *step, struct store_txn *txn, struct dom_arena *arena);
/* st: what retention_run() answered, if it is on the disk, or the failure. */
void retention_ran(
    struct retention *retention, const struct retention_step *step, enum dom_status st);

/* What was removed since it was opened; for the thread that plans. */
struct retention_figures {
	uint64_t removed[RETENTION_WHAT_COUNT]; /* revisions, chunks, collections .. */
	uint64_t bytes;                         /* of all of it */
	uint64_t notices;
	/* Of the last sweep that came to its end: what conflicting rules held back. */
	uint64_t held[RETENTION_WHAT_COUNT];
	uint64_t sweeps;
	int64_t swept_ms; /* T of the end of the last one; 0: none yet */
};
const struct retention_figures *retention_figures(const struct retention *retention);

/*
 * The services that a type of the account's belongs to: those of which a
 * consent has ever named it, else "any"; and what was promised then.  In the arena.
 */
DOM_MUST_CHECK enum dom_status retention_services(struct store_txn *txn, int64_t account,
    struct dom_slice type, struct dom_arena *arena, struct retention_service **services_r,
    size_t *count_r);

#endif
