/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_ROOT_BOOK_H
#define SERVICES_ROOT_BOOK_H

#include "services/root/root.h"

/*
 * An account's root, kept warm: a book remembers the entry of each record, reads
 * what has changed with a cursor of its own (services/move/copy.h), and computes
 * anew only what that touches.  So the root of an account that is frozen for a
 * moment costs what was written since the book was last read on, and not what the
 * account holds.
 *
 * Memory: 72 bytes for each record (revisions, chunks, statements ..), with what
 * the allocator adds about 90, and up to 8 MiB of nodes once there are a million.  An
 * account with more than records_max has no book: DOM_ELIMIT, and root_book_root()
 * walks the store as root_compute() does.
 *
 * What was erased does not come by the cursor: erasing waits for a move, or ends
 * it.  A book that sees that records went nevertheless (a collection is not there
 * any more, an erasure was added, the bytes are not those of its chunks) begins
 * anew by itself; revisions that go without any of this it cannot see, and whoever
 * lets that happen calls root_book_forget().
 *
 * At the target of a move the copy's clock has to have been set after each pass
 * (store_account_set_clock()), or the book reads everything again.
 *
 * One thread at a time.
 */
enum { ROOT_BOOK_RECORDS_MAX = 4000000 }; /* 360 MB */

struct root_book;

/* records_max 0: ROOT_BOOK_RECORDS_MAX.  NULL: no memory. */
struct root_book *root_book_new(int64_t account, uint64_t records_max);
void root_book_free(struct root_book **book);
/* As a new one. */
void root_book_forget(struct root_book *book);
/* Records that it knows. */
uint64_t root_book_records(const struct root_book *book);

/*
 * Read on in this snapshot, a page of about COPY_PAGE_SIZE.  ended_r: it has read all that was
 * there when this pass began; the next page begins the next pass.
 *
 *   DOM_OK
 *   DOM_ABSENT  no such account
 *   DOM_ELIMIT  it has more records than a book may have; always, until it is to forget
 * and what the store's operations answer: then it has forgotten everything.
 */
DOM_MUST_CHECK enum dom_status root_book_follow(
    struct root_book *book, struct store_txn *txn, bool *ended_r);

/*
 * The root in this snapshot: reads on to it, whole pages at a time, however much
 * that is.  Options, answers and results as those of root_compute(), of scope
 * WIRE_SCOPE_ACCOUNT and of the book's account.
 */
DOM_MUST_CHECK enum dom_status root_book_root(struct root_book *book, struct store_txn *txn,
    const struct root_options *options, uint8_t root_r[WIRE_ROOT_SIZE],
    struct wire_erased *sum_r);

#endif
