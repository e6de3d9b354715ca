/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Delivering fetched contents in order. */
#include <stdlib.h>

#include "client/fetch_parts.h"

/* A piece is needed again soon if a later place that was asked for names it. */
static bool
is_needed_again(const struct dom_fetch_item *item, size_t place)
{
	for (size_t i = item->place_at + 1; i < item->place_asked; i++)
		if (item->places[i] == place)
			return true;
	return false;
}

/* Is the next piece of the front item here? */
static bool
next_is_here(const struct dom_fetch_item *item)
{
	size_t place;

	if (item->places == NULL || item->place_at >= item->place_count)
		return false;
	place = item->places[item->place_at];
	return item->wire->content.chunks[place].content.data != NULL ||
	       item->pieces[place].here;
}

static enum dom_status
deliver_piece(struct dom_fetch *fetch, struct dom_fetch_item *item)
{
	size_t place = item->places[item->place_at];
	const struct wire_chunk *chunk = &item->wire->content.chunks[place];
	struct dom_fetch_piece *piece = &item->pieces[place];
	struct dom_slice sealed =
	    chunk->content.data != NULL ? chunk->content : dom_call_reply(piece->call);
	enum dom_status st;

	dom_buffer_clear(&fetch->plain);
	if ((st = dom_fetch_key(fetch, item)) < 0 ||
	    (st = dom_chunk_open(fetch->key, chunk->uid, sealed, &fetch->plain)) < 0) {
		item->status = st;
		return DOM_OK;
	}
	if (!is_needed_again(item, place))
		dom_fetch_release(fetch, piece);
	item->place_at++;
	if (fetch->plain.size == 0)
		return DOM_OK;
	if (item->digest.data != NULL)
		dom_sha256_add(fetch->sha, dom_buffer_slice(&fetch->plain));
	return fetch->sink->data(fetch->sink->context, dom_buffer_slice(&fetch->plain));
}

/* All that was delivered is what the metadata promise? */
static enum dom_status
check_digest(struct dom_fetch *fetch, const struct dom_fetch_item *item)
{
	uint8_t digest[DOM_SHA256_SIZE];
	enum dom_status st = dom_sha256_finish(fetch->sha, digest);

	if (st < 0 || item->digest.data == NULL || item->status != DOM_OK)
		return st < 0 ? st : item->status;
	return memcmp(digest, item->digest.data, sizeof(digest)) == 0 ? DOM_OK : DOM_EINTEGRITY;
}

/* Work until something arrives that the front item waits for. */
static enum dom_status
wait(struct dom_fetch *fetch)
{
	struct dom_session *session = fetch->collection->session;
	enum dom_status st;

	if ((st = dom_fetch_ask(fetch)) < 0)
		return st;
	if ((st = dom_session_work(session, 1000)) < 0) {
		dom_session_fail(session, st, "The connection cannot be used any more");
		return dom_fetch_fail(fetch, st);
	}
	return fetch->failed;
}

/*
 * What does not open with our key is damaged, or of a collection that another device
 * made anew after this one's last sync: nobody is told the former for the latter.
 */
static enum dom_status
compare_key(struct dom_fetch *fetch)
{
	struct dom_collection *collection = fetch->collection;
	enum dom_status st;

	if (fetch->was_compared)
		return DOM_OK;
	if ((st = dom_collection_is_remade(collection, &fetch->is_other)) < 0)
		return st;
	fetch->was_compared = true;
	if (!fetch->is_other)
		return DOM_OK;
	return dom_session_fail(collection->session, DOM_EUNCERTAIN,
	    "Another device has made this collection anew since the last sync, so it could not "
	    "be read to its end. Nothing is damaged: sync and read it again");
}

static enum dom_status
deliver(struct dom_fetch *fetch)
{
	const struct dom_fetch_sink *sink = fetch->sink;
	struct dom_fetch_item *item = fetch->front;
	enum dom_status st, end;

	while (!item->known)
		if ((st = wait(fetch)) < 0)
			return st;
	if (item->gone) {
		dom_fetch_pop(fetch);
		return DOM_OK;
	}
	if (item->status == DOM_EINTEGRITY && (st = compare_key(fetch)) < 0)
		return st;
	if ((st = sink->begin(sink->context, &item->info)) < 0)
		return st;
	while (item->status == DOM_OK && item->wire->content.chunk_count > 0) {
		/* Others' requests go on while this one is delivered. */
		if ((st = dom_fetch_ask(fetch)) < 0)
			return st;
		if (item->places != NULL && item->place_at == item->place_count)
			break;
		if (item->status != DOM_OK)
			break;
		if (next_is_here(item))
			st = deliver_piece(fetch, item);
		else
			st = wait(fetch);
		if (st < 0)
			return st;
	}
	end = check_digest(fetch, item);
	st = sink->end(sink->context, &item->info, end);
	dom_fetch_pop(fetch);
	return st < 0 ? st : DOM_OK;
}

static void
fetch_free(struct dom_fetch *fetch)
{
	while (fetch->front != NULL) {
		struct dom_fetch_group *group = fetch->front->group;

		/* A group that is under way ends by itself. */
		dom_call_free(&group->call);
		dom_fetch_pop(fetch);
	}
	dom_state_walk_close(&fetch->walk);
	dom_item_key_free(&fetch->key);
	dom_sha256_free(&fetch->sha);
	dom_buffer_free(&fetch->plain);
	dom_buffer_free(&fetch->meta);
	dom_buffer_free(&fetch->extra);
}

enum dom_status
dom_collection_fetch(struct dom_collection *collection, const struct dom_fetch_sink *sink)
{
	struct dom_session *session = collection->session;
	struct dom_fetch fetch = {.collection = collection,
	    .sink = sink,
	    .key = dom_item_key_new(),
	    .sha = dom_sha256_new()};
	enum dom_status st;

	if (fetch.key == NULL || fetch.sha == NULL) {
		st = dom_fetch_no_memory(&fetch);
	} else if ((st = dom_state_walk_open(
	                session->state, collection->number, true, &fetch.walk)) < 0) {
		dom_session_fail_state(session, st);
	} else {
		st = dom_fetch_ask(&fetch);
		while (st >= 0 && fetch.front != NULL) {
			if ((st = deliver(&fetch)) >= 0)
				st = dom_fetch_ask(&fetch);
		}
	}
	fetch_free(&fetch);
	if (fetch.is_other)
		dom_collection_learn(collection);
	return st < 0 ? st : DOM_OK;
}
