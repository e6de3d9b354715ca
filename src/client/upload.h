/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_UPLOAD_H
#define CLIENT_UPLOAD_H

#include "client/content.h"

/*
 * Uploads to one collection, many requests in flight.
 *
 *   item: CUTTING --end--> WAITING --its chunks are acknowledged--> READY
 *           | (a small one is READY at once)                          |
 *           +--abandon--> gone                     a batch is full, or the end
 *                                                                     v
 *                  in the index <--acknowledged-- IN A BATCH <--------+
 *
 * Nothing enters the local index before the server acknowledged it.  Chunks
 * that were acknowledged are remembered until their revision is, so that
 * another run does not send them again.
 *
 * At most DOM_IMPORT_WINDOW_BYTES are in flight; submitting more waits.
 * Failures stick: dom_upload_failed().
 */
struct dom_upload;

/* What an item is, besides its content.  Copied. */
struct dom_upload_options {
	struct dom_slice uid;
	struct dom_slice name, source; /* NULL data: none */
	uint64_t order, size;
	int64_t mtime_ms;
	uint8_t digest[32];
	struct dom_slice fingerprint;
	struct dom_slice extra; /* NULL data: none */
	bool is_revision;       /* the item exists: the server may have pieces of it */
};

DOM_MUST_CHECK enum dom_status dom_upload_open(
    struct dom_collection *collection, struct dom_upload **upload_r);
void dom_upload_close(struct dom_upload **upload);

/* An item with content in memory, of at most DOM_INLINE_SIZE_MAX. */
DOM_MUST_CHECK enum dom_status dom_upload_small(struct dom_upload *upload,
    const struct dom_upload_options *options, struct dom_slice content);

/* An item whose content comes in blocks; one at a time. */
DOM_MUST_CHECK enum dom_status dom_upload_begin(
    struct dom_upload *upload, const struct dom_upload_options *options);
DOM_MUST_CHECK enum dom_status dom_upload_feed(
    struct dom_upload *upload, struct dom_slice bytes);
DOM_MUST_CHECK enum dom_status dom_upload_end(struct dom_upload *upload);
void dom_upload_abandon(struct dom_upload *upload);

/* Wait for everything. */
DOM_MUST_CHECK enum dom_status dom_upload_finish(struct dom_upload *upload);

/* Items and plain bytes that the server acknowledged. */
void dom_upload_counts(
    const struct dom_upload *upload, uint64_t *stored_r, uint64_t *stored_bytes_r);

#endif
