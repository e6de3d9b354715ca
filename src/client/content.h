/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_CONTENT_H
#define CLIENT_CONTENT_H

#include "crypto/content.h"

#include "wire/etebase.h"

#include "client/client.h"
#include "client/meta.h"

/*
 * The chunks of one item's content on the way out: first the uids of its
 * pieces in content order, then the list as the revision names it.
 * Source: etebase-protocol 6.9.
 */
enum {
	/* Content up to here travels inside the batch; larger chunks go ahead. */
	DOM_INLINE_SIZE_MAX = 60 << 10,
};

struct dom_content {
	struct dom_chunk_uid *pieces;
	size_t piece_count, piece_room;

	/* after dom_content_list() */
	size_t *stored;            /* stored[i]: the piece at place i */
	struct wire_chunk *chunks; /* uids point into this struct; no contents yet */
	size_t chunk_count;        /* with the index */
	bool has_index;            /* the last one is the index */
	struct dom_buffer index;   /* its plaintext */
	struct dom_chunk_uid index_uid;
};

DOM_MUST_CHECK enum dom_status dom_content_add(
    struct dom_content *content, const struct dom_chunk_uid *piece);
DOM_MUST_CHECK enum dom_status dom_content_list(struct dom_content *content,
    const struct dom_item_key *key, const struct dom_random *random);
/* Forget it all, keeping the memory. */
void dom_content_clear(struct dom_content *content);
void dom_content_free(struct dom_content *content);

/*
 * Cut content that is in memory and seal its chunks into sealed; the chunks of
 * the list then have contents, which live as long as sealed does not change.
 */
DOM_MUST_CHECK enum dom_status dom_content_seal(struct dom_content *content,
    const struct dom_item_key *key, struct dom_slice plain, const struct dom_random *random,
    struct dom_buffer *sealed);

/* What sealing revisions wants, kept from one to the next. */
struct dom_sealer {
	struct dom_buffer meta_plain, meta;
	struct dom_slice *uids;
	size_t uid_room;
	char uid[DOM_REVISION_UID_SIZE + 1];
};
/* Fill item->content (uid, meta, chunks) for a listed content; slices live in the sealer. */
DOM_MUST_CHECK enum dom_status dom_sealer_seal(struct dom_sealer *sealer,
    const struct dom_item_key *key, const struct dom_meta *meta, bool deleted,
    const struct dom_content *content, const struct dom_random *random, struct wire_item *item);
void dom_sealer_free(struct dom_sealer *sealer);

#endif
