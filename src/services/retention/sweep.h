/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_RETENTION_SWEEP_H
#define SERVICES_RETENTION_SWEEP_H

#include "services/retention/retention.h"

/* What plan.c and run.c share. */

enum {
	RETENTION_TOUCHED_MAX = 256,
	RETENTION_KNOWN_MAX = 64,
	RETENTION_KNOWN_TYPE_MAX = 256, /* longer ones are looked up again */
};

/*
 *   (asleep) --RETENTION_EVERY_MS--> SESSIONS -> HISTORY -> CHUNKS -> COLLECTIONS
 *       ^                                                                  |
 *       +------------------------------ ACCOUNTS <-------------------------+
 *
 * Each goes on where it was, page by page; a restart begins again, which
 * repeats only looking.
 */
struct retention {
	struct retention_options options;
	struct retention_figures figures;
	bool is_awake;
	enum retention_what at;
	bool is_part_done;
	int64_t started_ms; /* T; INT64_MIN: never */
	int64_t whole_ms;   /* T of the last sweep that looked at every chunk */
	bool is_whole;      /* this one does */
	uint64_t held[RETENTION_WHAT_COUNT];

	/* Where it is; zeros at the start of each part. */
	struct store_due due;
	int64_t account, collection;
	/* Collections that this sweep took history from; more than fit: a whole sweep. */
	struct retention_touched {
		int64_t owner, collection;
	} touched[RETENTION_TOUCHED_MAX];
	size_t touched_count;
	/*
	 * What was found out about owners and types in this part: an owner may have
	 * signed any number of statements, which are not to be read for each page.
	 */
	struct retention_known {
		int64_t owner;
		uint8_t type[RETENTION_KNOWN_TYPE_MAX];
		size_t type_size;
		int64_t before_ms;
		enum dom_status st;
	} known[RETENTION_KNOWN_MAX];
	size_t known_count; /* ever, of which the last are there */
};

enum retention_step_kind {
	RETENTION_STEP_SESSIONS,
	RETENTION_STEP_REVISIONS,
	RETENTION_STEP_CHUNKS,
	RETENTION_STEP_COLLECTION,
	RETENTION_STEP_NOTICE,
	RETENTION_STEP_ACCOUNT,
};

/* All of it was found in a snapshot, so run() looks at what may have changed. */
struct retention_step {
	enum retention_step_kind kind;
	const struct retention_options *options;
	int64_t before_ms; /* what is older may go */
	int64_t told_before_ms;
	int64_t account, collection;
	/* revisions, by time */
	struct retention_touched of[RETENTION_STEP_ROWS];
	struct store_due at[RETENTION_STEP_ROWS];
	struct store_due last; /* of the page, those that stay included */
	/* chunks */
	struct store_chunk_due *chunks;
	uint64_t clock;
	size_t count; /* of either */
	/* What run() did. */
	size_t done;      /* of count */
	uint64_t removed; /* sessions, accounts, notices */
	struct store_erased sum;
};

#endif
