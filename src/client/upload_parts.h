/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_UPLOAD_PARTS_H
#define CLIENT_UPLOAD_PARTS_H

#include "client/call.h"
#include "client/upload.h"

/* Inside of uploading: what upload.c and upload_item.c share. */
struct batch;

/* An item whose chunks go ahead of it. */
struct dom_upload_item {
	struct dom_upload_options options; /* its slices live in the arena */
	struct dom_arena *arena;
	struct dom_content content;
	struct dom_splitter splitter;
	struct dom_chunk_uid *known; /* of the revision before: the server has them */
	size_t known_count;
	size_t chunks_flying;
	bool abandoned;
	struct dom_upload_item *next;
};

/* A request in flight: a batch, or a chunk of an item. */
struct dom_transfer {
	struct dom_upload *upload;
	struct dom_call *call;
	struct batch *batch;
	struct dom_upload_item *item;
	struct dom_chunk_uid chunk;
	size_t bytes;
	struct dom_transfer *next;
};

struct dom_upload {
	struct dom_collection *collection;
	struct dom_item_key *key;     /* of the item that goes into a batch */
	struct dom_item_key *cut_key; /* of the item that is being cut, meanwhile */
	struct dom_sealer sealer;
	struct dom_content content; /* of small items */
	struct dom_buffer sealed, piece;
	struct batch *batch;             /* being filled */
	struct dom_upload_item *cutting; /* its content is coming */
	struct dom_upload_item *waiting; /* for chunks */
	struct dom_transfer *transfers;
	size_t flying_bytes, flying_count;
	uint64_t stored, stored_bytes;
	size_t rows_uncommitted;
	bool acknowledged_chunks; /* since the last commit */
	int64_t committed_ms;
	bool is_other; /* the collection is not the one that this began with */
	enum dom_status failed;
};

enum dom_status dom_upload_fail(struct dom_upload *upload, enum dom_status status);
enum dom_status dom_upload_no_memory(struct dom_upload *upload);
void dom_upload_item_free(struct dom_upload_item **item);
/* Submit; takes the transfer, whatever the outcome.  May wait for room. */
DOM_MUST_CHECK enum dom_status dom_upload_start(
    struct dom_upload *upload, struct dom_transfer *transfer);
/* Seal the revision with upload->key into the batch, which goes when it is full. */
DOM_MUST_CHECK enum dom_status dom_upload_enlist(struct dom_upload *upload,
    const struct dom_upload_options *options, const struct dom_content *content,
    bool had_chunks);
/* Take what has arrived, without waiting. */
DOM_MUST_CHECK enum dom_status dom_upload_pump(struct dom_upload *upload);

#endif
