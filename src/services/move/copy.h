/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_COPY_H
#define SERVICES_MOVE_COPY_H

#include "wire/record.h"

#include "store/store.h"

/*
 * An account as a stream of records: read at its source in passes, put down at
 * its target.  The first pass brings everything, each later one what has
 * changed since the one before it began, so that the last, while nobody
 * writes, is short.
 *
 * In a pass come what the account consists of itself, its collections, and of each
 * collection items, then their history, then chunks: a record never comes before what it
 * belongs to.
 */
enum { COPY_PAGE_SIZE = 1 << 20 };
/* Of an account and of what it holds; counting on from there never ends. */
#define COPY_CLOCK_MAX (UINT64_MAX / 4)

/* Where a reader is.  Opaque to whoever asks; {0} begins. */
struct copy_cursor {
	uint64_t since_clock, pass_clock;
	int64_t since_chunk, pass_chunk;
	uint8_t phase;
	int64_t collection, last_collection; /* last: that the pass has a record of */
	uint64_t clock, history;
	int64_t chunk;
};

/* A string on the wire; empty begins. */
void copy_cursor_encode(struct dom_buffer *bytes, const struct copy_cursor *cursor);
DOM_MUST_CHECK enum dom_status copy_cursor_decode(
    struct dom_slice bytes, struct copy_cursor *cursor_r);

/*
 * About COPY_PAGE_SIZE bytes of records from the cursor on, each as a string, appended; the
 * cursor moves along.  ended_r: the pass is over, and the cursor begins the next.
 */
DOM_MUST_CHECK enum dom_status copy_read(struct store_txn *txn,
    const struct store_account *account, struct copy_cursor *cursor, struct dom_buffer *records,
    bool *ended_r);

/*
 * Put a record down, in a job; of a chunk only the time when it was stored: its bytes are put
 * before.  DOM_EINPUT: it contradicts what is there, or makes no sense.
 */
DOM_MUST_CHECK enum dom_status copy_put(
    struct store_txn *txn, int64_t account, const struct wire_record *record);
/* Is it within the limits that requests have here?  copy_put() takes no other. */
bool copy_valid(const struct wire_record *record);
/* Before the records of a pass: what comes whole is forgotten. */
DOM_MUST_CHECK enum dom_status copy_begin_pass(struct store_txn *txn, int64_t account);

#endif
