/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Chunks on their way: outside of any transaction, whole or piece by piece. */
#include <assert.h>
#include <stdlib.h>

#include "store/sqlite/engine.h"

bool
store_chunk_stage_blocks(const struct store *store, size_t size)
{
	return size > store->chunk_row_size_max;
}

enum dom_status
store_chunk_stage_begin(
    struct store *store, const uint8_t owner_id[STORE_ID_SIZE], struct store_staged **staged_r)
{
	struct store_staged *staged;
	enum dom_status st;

	*staged_r = NULL;
	if (store_failed(store))
		return DOM_ESTORE;
	if ((staged = calloc(1, sizeof(*staged))) == NULL)
		return DOM_ENOMEM;
	staged->store = store;
	if ((staged->sha = dom_sha256_new()) == NULL)
		st = DOM_ENOMEM;
	else
		st = blobs_begin(store->blobs, owner_id, &staged->writer);
	if (st < 0)
		store_staged_free(&staged);
	*staged_r = staged;
	return st;
}

enum dom_status
store_chunk_stage_add(struct store_staged *staged, struct dom_slice piece)
{
	dom_sha256_add(staged->sha, piece);
	staged->size += piece.size;
	return blobs_add(staged->writer, piece);
}

enum dom_status
store_chunk_stage_end(struct store_staged *staged)
{
	enum dom_status st = dom_sha256_finish(staged->sha, staged->sha256);

	dom_sha256_free(&staged->sha);
	if (st == DOM_OK)
		st = blobs_finish(&staged->writer, &staged->file);
	else
		blobs_abandon(&staged->writer);
	staged->in_file = st == DOM_OK;
	return st;
}

static enum dom_status
stage_row(struct store *store, struct dom_slice data, struct store_staged **staged_r)
{
	struct store_staged *staged;
	enum dom_status st;

	if (store_failed(store))
		return DOM_ESTORE;
	if ((staged = calloc(1, sizeof(*staged))) == NULL)
		return DOM_ENOMEM;
	staged->store = store;
	staged->size = data.size;
	staged->data = data;
	if ((st = dom_sha256(data, staged->sha256)) < 0)
		store_staged_free(&staged);
	*staged_r = staged;
	return st;
}

enum dom_status
store_chunk_stage(struct store *store, const uint8_t owner_id[STORE_ID_SIZE],
    struct dom_slice data, struct store_staged **staged_r)
{
	enum dom_status st;

	*staged_r = NULL;
	if (!store_chunk_stage_blocks(store, data.size))
		return stage_row(store, data, staged_r);
	if ((st = store_chunk_stage_begin(store, owner_id, staged_r)) < 0)
		return st;
	/* Hashed while it is in the processor's cache, and then written from there. */
	while (data.size != 0 && st == DOM_OK) {
		size_t size = data.size < STAGE_PIECE_SIZE ? data.size : STAGE_PIECE_SIZE;

		st = store_chunk_stage_add(*staged_r, dom_slice(data.data, size));
		data = dom_slice(data.data + size, data.size - size);
	}
	if (st == DOM_OK)
		st = store_chunk_stage_end(*staged_r);
	if (st < 0)
		store_staged_free(staged_r);
	return st;
}

const uint8_t *
store_staged_digest(const struct store_staged *staged)
{
	assert(staged->sha == NULL);
	return staged->sha256;
}

void
store_staged_free(struct store_staged **staged)
{
	struct store_staged *old = *staged;

	if (old == NULL)
		return;
	*staged = NULL;
	assert(old->state != STAGED_PUT);
	if (old->in_file && old->state == STAGED_FREE)
		blobs_remove(old->store->blobs, &old->file);
	blobs_abandon(&old->writer);
	dom_sha256_free(&old->sha);
	free(old);
}
