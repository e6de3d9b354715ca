/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A collection's own metadata and content, which is its main item; asked when wanted. */
#include <stdlib.h>

#include "crypto/content.h"

#include "wire/etebase.h"

#include "client/call.h"
#include "client/meta.h"

struct about {
	struct dom_collection *collection;
	struct dom_arena *arena;
	struct dom_item_key *key;
	const struct wire_revision *revision;
	struct dom_buffer meta, extra, index, content;
};

/* Append a chunk's plain bytes.  DOM_EINTEGRITY: it did not come, or is damaged. */
static enum dom_status
open_chunk(struct about *about, size_t place, struct dom_buffer *plain)
{
	const struct wire_chunk *chunk = &about->revision->chunks[place];

	if (chunk->content.data == NULL)
		return DOM_EINTEGRITY;
	return dom_chunk_open(about->key, chunk->uid, chunk->content, plain);
}

static enum dom_status
read_content(struct about *about)
{
	size_t stored = about->revision->chunk_count, count = 0;
	uint32_t *places;
	enum dom_status st;

	if (stored <= 1)
		return stored == 0 ? DOM_OK : open_chunk(about, 0, &about->content);
	/* The last one says where the others stand. */
	if ((st = open_chunk(about, stored - 1, &about->index)) != DOM_OK)
		return st;
	places = dom_arena_array(about->arena, about->index.size + 1, sizeof(*places));
	if (places == NULL)
		return DOM_ENOMEM;
	st = dom_content_index_read(
	    dom_buffer_slice(&about->index), stored - 1, places, about->index.size + 1, &count);
	for (size_t at = 0; at < count && st == DOM_OK; at++)
		st = open_chunk(about, places[at], &about->content);
	return st;
}

static enum dom_status
open_main(
    struct about *about, const struct wire_item *item, struct dom_collection_about *about_r)
{
	struct dom_meta meta = {.size = -1};
	struct dom_slice name;
	enum dom_status st;

	about->revision = &item->content;
	if ((st = dom_collection_item_key(
	         about->collection, item->uid, item->encryption_key, about->key)) < 0 ||
	    (st = dom_revision_check(
	         about->key, item->uid, &item->content, about->arena, &about->meta)) < 0 ||
	    (st = dom_meta_decode(dom_buffer_slice(&about->meta), &about->extra, &meta)) < 0 ||
	    (st = read_content(about)) < 0 || (st = dom_buffer_finish(&about->content)) < 0)
		return st == DOM_EINPUT ? DOM_EINTEGRITY : st;
	name = dom_arena_copy(about->arena, meta.name);
	if (name.data == NULL)
		return DOM_ENOMEM;
	*about_r = (struct dom_collection_about){.name = (const char *)name.data,
	    .mtime_ms = meta.mtime_ms,
	    .extra = meta.extra,
	    .content = dom_buffer_slice(&about->content)};
	return DOM_OK;
}

enum dom_status
dom_collection_about(struct dom_collection *collection,
    enum dom_status (*tell)(void *context, const struct dom_collection_about *about),
    void *context)
{
	struct dom_session *session = collection->session;
	struct dom_call *call =
	    dom_call_new(session, "GET", "api/v1/collection/%s/", collection->uid);
	struct about about = {
	    .collection = collection, .arena = dom_arena_new(0), .key = dom_item_key_new()};
	struct dom_collection_about said;
	struct wire_collection wire;
	struct wire_reject reject;
	enum dom_status st = DOM_ENOMEM;

	if (call == NULL || about.arena == NULL || about.key == NULL) {
		dom_session_fail(session, st, "There is not enough memory");
		goto out;
	}
	if ((st = dom_call_run(call)) != DOM_OK)
		goto out;
	if (wire_collection_decode(dom_call_reply(call), about.arena, &wire, &reject) !=
	        DOM_OK ||
	    !dom_slice_is(wire.item.uid, collection->uid))
		st = dom_session_fail(session, DOM_ESERVER,
		    "%s sent a collection that cannot be read", session->server_url);
	else if ((st = open_main(&about, &wire.item, &said)) < 0)
		dom_session_fail(session, st,
		    "What collection %s says of itself is damaged: the server sent something "
		    "else",
		    collection->uid);
	if (st == DOM_OK)
		st = tell(context, &said);
out:
	dom_call_free(&call);
	dom_item_key_free(&about.key);
	dom_buffer_free(&about.meta);
	dom_buffer_free(&about.extra);
	dom_buffer_free(&about.index);
	dom_buffer_free(&about.content);
	dom_arena_free(&about.arena);
	return st;
}
