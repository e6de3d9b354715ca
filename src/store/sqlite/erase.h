/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SQLITE_ERASE_H
#define STORE_SQLITE_ERASE_H

#include "store/erase.h"
#include "store/sqlite/engine.h"

/* A step of an erasure: what room it has left, and what it adds to. */
struct erase_step {
	struct store_txn *txn;
	unsigned rows;        /* that it may still remove */
	uint64_t size;        /* bytes in rows that it removed */
	uint64_t chunk_bytes; /* that the owner has less, not yet subtracted */
	struct store_erased *sum;
};

struct erase_step erase_step(struct store_txn *txn, unsigned rows, struct store_erased *sum);
bool erase_has_room(const struct erase_step *step);
/* One row is gone. */
void erase_took(struct erase_step *step, uint64_t size);

/*
 * One row each; DOM_ABSENT: there is none (or it is no history since before
 * before_ms).  loosen: note its chunks for store_chunks_due().
 */
DOM_MUST_CHECK enum dom_status erase_revision(
    struct erase_step *step, int64_t number, int64_t before_ms, bool loosen);
DOM_MUST_CHECK enum dom_status erase_chunk(struct erase_step *step, int64_t number);
/* The owner's count of bytes follows what erase_chunk() removed. */
DOM_MUST_CHECK enum dom_status erase_shrink(struct erase_step *step, int64_t collection);

#endif
