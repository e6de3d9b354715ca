/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_FETCH_PARTS_H
#define CLIENT_FETCH_PARTS_H

#include "crypto/content.h"
#include "crypto/digest.h"

#include "wire/etebase.h"

#include "client/call.h"
#include "client/meta.h"

/*
 * Fetching contents in order with many requests in flight.
 *
 * Items stand in a queue in the order in which they are delivered.  They are
 * asked for in groups: small ones with their contents; of large ones only the
 * revision, and then their chunks one by one, as many as fit into the window.
 * What the front item needs is always asked for, so a full window cannot stop
 * it.
 */
enum {
	DOM_FETCH_GROUP_ITEMS = 200,
	DOM_FETCH_GROUP_BYTES = 2 << 20,
	DOM_FETCH_INLINE_BYTES = 256 << 10, /* items up to here come with their contents */
	DOM_FETCH_WINDOW_BYTES = 12 << 20,
	DOM_FETCH_REQUESTS = 8,
	DOM_FETCH_QUEUE = 800,
	DOM_FETCH_CHUNK_GUESS = 128 << 10, /* of items that other apps made */
};

struct dom_fetch;

/* A reply that items share; freed with the last of them. */
struct dom_fetch_group {
	struct dom_fetch *fetch;
	struct dom_call *call;
	struct dom_arena *arena;
	struct dom_fetch_item *first; /* in the queue, count of them */
	size_t count, users;
	bool with_contents;
	bool submitted;
	size_t bytes; /* counted in the window */
	struct dom_fetch_group *next;
};

/* A stored chunk of a large item. */
struct dom_fetch_piece {
	struct dom_fetch_item *item;
	struct dom_call *call; /* NULL: not asked */
	size_t bytes;          /* counted in the window */
	bool here;
};

struct dom_fetch_item {
	struct dom_fetch_group *group;
	struct dom_arena *arena;
	struct dom_item_info info;
	uint64_t guess; /* bytes of content */
	bool known;     /* its revision has come, or never will */
	bool gone;      /* not live any more */
	enum dom_status status;
	const struct wire_item *wire;
	struct dom_slice digest; /* NULL data: none */
	struct dom_fetch_piece *pieces;
	uint32_t *places; /* NULL: not known yet */
	size_t place_count, place_at, place_asked;
	struct dom_fetch_item *next;
};

struct dom_fetch {
	struct dom_collection *collection;
	const struct dom_fetch_sink *sink;
	struct dom_state_walk *walk;
	bool walked;               /* the walk is at its end */
	struct dom_item_row ahead; /* a row that did not fit into the last group */
	bool has_ahead;
	struct dom_item_key *key;
	struct dom_fetch_item *front, *back;
	size_t queued;
	struct dom_fetch_group *groups;
	size_t flying, held_bytes;
	struct dom_sha256 *sha;
	struct dom_buffer plain, meta, extra;
	bool was_compared, is_other; /* the collection's key, with the server's */
	enum dom_status failed;
};

enum dom_status dom_fetch_fail(struct dom_fetch *fetch, enum dom_status status);
enum dom_status dom_fetch_no_memory(struct dom_fetch *fetch);
/* Plan and ask for as much as may be under way. */
DOM_MUST_CHECK enum dom_status dom_fetch_ask(struct dom_fetch *fetch);
/* Drop the front item. */
void dom_fetch_pop(struct dom_fetch *fetch);
/* Let go of a piece's bytes. */
void dom_fetch_release(struct dom_fetch *fetch, struct dom_fetch_piece *piece);
/* The item's key into fetch->key. */
DOM_MUST_CHECK enum dom_status dom_fetch_key(
    struct dom_fetch *fetch, const struct dom_fetch_item *item);

#endif
