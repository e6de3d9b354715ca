/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_META_H
#define CLIENT_META_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/buffer.h"

/*
 * The metadata map inside a revision.  Source: etebase-protocol 6.13; the keys
 * that are ours are in DESIGN.md.  Keys of other apps are kept.
 */
struct dom_meta {
	struct dom_slice type;   /* collections; NULL data: none */
	struct dom_slice name;   /* NULL data: none */
	struct dom_slice source; /* NULL data: none */
	uint64_t order;
	int64_t mtime_ms;        /* 0: none */
	int64_t size;            /* -1: unknown */
	struct dom_slice digest; /* 32 bytes, or NULL data */
	struct dom_slice extra;  /* further pairs, as MessagePack */
};

void dom_meta_encode(struct dom_buffer *plain, const struct dom_meta *meta);
/*
 * Slices point into plain, extra into the buffer, which is cleared.  A known
 * key of an odd type counts as another app's.  DOM_EINPUT: not a map.
 */
DOM_MUST_CHECK enum dom_status dom_meta_decode(
    struct dom_slice plain, struct dom_buffer *extra, struct dom_meta *meta_r);

#endif
