/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Planning groups, asking for revisions and chunks, and taking the replies. */
#include <stdlib.h>

#include "client/fetch_parts.h"

enum dom_status
dom_fetch_fail(struct dom_fetch *fetch, enum dom_status status)
{
	if (fetch->failed == DOM_OK)
		fetch->failed = status;
	return fetch->failed;
}

enum dom_status
dom_fetch_no_memory(struct dom_fetch *fetch)
{
	dom_session_fail(fetch->collection->session, DOM_ENOMEM, "There is not enough memory");
	return dom_fetch_fail(fetch, DOM_ENOMEM);
}

enum dom_status
dom_fetch_key(struct dom_fetch *fetch, const struct dom_fetch_item *item)
{
	return dom_collection_item_key(
	    fetch->collection, item->wire->uid, item->wire->encryption_key, fetch->key);
}

/* --- letting go -------------------------------------------------------------------- */

static void
group_release(struct dom_fetch_group *group)
{
	struct dom_fetch_group **at = &group->fetch->groups;

	if (--group->users > 0)
		return;
	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	group->fetch->held_bytes -= group->bytes;
	dom_call_free(&group->call);
	dom_arena_free(&group->arena);
	free(group);
}

void
dom_fetch_release(struct dom_fetch *fetch, struct dom_fetch_piece *piece)
{
	if (piece->call == NULL)
		return;
	if (!piece->here)
		fetch->flying--;
	fetch->held_bytes -= piece->bytes;
	dom_call_free(&piece->call);
	piece->bytes = 0;
	piece->here = false;
}

void
dom_fetch_pop(struct dom_fetch *fetch)
{
	struct dom_fetch_item *item = fetch->front;

	fetch->front = item->next;
	if (fetch->front == NULL)
		fetch->back = NULL;
	fetch->queued--;
	if (item->pieces != NULL)
		for (size_t i = 0; i < item->wire->content.chunk_count; i++)
			dom_fetch_release(fetch, &item->pieces[i]);
	free(item->pieces);
	free(item->places);
	if (item->group->first == item)
		item->group->first = item->next;
	group_release(item->group);
	dom_arena_free(&item->arena);
	free(item);
}

/* --- what a reply says ---------------------------------------------------------------- */

/* Check the revision and take what its metadata say. */
static enum dom_status
learn(struct dom_fetch *fetch, struct dom_fetch_item *item)
{
	struct dom_meta meta;
	struct dom_slice name, source, extra;
	enum dom_status st;

	dom_buffer_clear(&fetch->meta);
	if ((st = dom_fetch_key(fetch, item)) < 0 ||
	    (st = dom_revision_check(fetch->key, item->wire->uid, &item->wire->content,
	         item->group->arena, &fetch->meta)) < 0)
		return st;
	if (item->wire->content.deleted) {
		item->gone = true;
		return DOM_OK;
	}
	if (dom_meta_decode(dom_buffer_slice(&fetch->meta), &fetch->extra, &meta) < 0)
		return DOM_EINTEGRITY;
	name = dom_arena_copy(item->arena, meta.name);
	source = dom_arena_copy(item->arena, meta.source);
	extra = dom_arena_copy(item->arena, meta.extra);
	item->digest =
	    meta.digest.data == NULL ? meta.digest : dom_arena_copy(item->arena, meta.digest);
	item->pieces = calloc(item->wire->content.chunk_count + 1, sizeof(*item->pieces));
	if (name.data == NULL || source.data == NULL || extra.data == NULL ||
	    item->pieces == NULL || (meta.digest.data != NULL && item->digest.data == NULL))
		return DOM_ENOMEM;
	item->info.name = (const char *)name.data;
	item->info.source = (const char *)source.data;
	item->info.extra = extra;
	item->info.order = meta.order;
	item->info.mtime_ms = meta.mtime_ms;
	item->info.size = meta.size < 0 ? UINT64_MAX : (uint64_t)meta.size;
	return DOM_OK;
}

static void
take_items(struct dom_fetch_group *group, const struct wire_list *list)
{
	struct dom_fetch *fetch = group->fetch;
	struct dom_fetch_item *item = group->first;
	size_t at = 0;

	for (size_t n = 0; n < group->count; n++, item = item->next) {
		/* The reply comes in an order of its own; usually it is much like ours. */
		for (size_t tried = 0; tried < list->count; tried++, at++) {
			if (at >= list->count)
				at = 0;
			if (!dom_slice_is(list->items[at].uid, item->info.uid))
				continue;
			item->wire = &list->items[at];
			break;
		}
		item->known = true;
		item->status = item->wire == NULL ? DOM_ABSENT : learn(fetch, item);
		if (item->status == DOM_ENOMEM)
			dom_fetch_no_memory(fetch);
	}
}

static enum dom_status group_submit(struct dom_fetch_group *group);

static void
group_done(struct dom_call *call)
{
	struct dom_fetch_group *group = call->context;
	struct dom_fetch *fetch = group->fetch;
	struct wire_list list;
	enum dom_status st = call->status;

	fetch->flying--;
	if (call->exchange.status == 500 && group->with_contents) {
		/* One chunk is damaged over there: ask piece by piece, for the others. */
		group->with_contents = false;
		group->submitted = false;
		dom_call_free(&group->call);
		return;
	}
	if (st != DOM_OK) {
		st = dom_call_fail(call);
		dom_fetch_fail(fetch, st < 0 ? st : DOM_EDENIED);
		return;
	}
	st = wire_list_decode(dom_call_reply(call), WIRE_LIST_ITEMS, group->arena, &list);
	if (st < 0) {
		dom_fetch_fail(fetch, dom_session_fail(fetch->collection->session,
		                          st == DOM_ENOMEM ? st : DOM_ESERVER,
		                          "The server sent items that cannot be read"));
		return;
	}
	fetch->held_bytes += call->exchange.reply_size;
	fetch->held_bytes -= group->bytes;
	group->bytes = call->exchange.reply_size;
	take_items(group, &list);
}

static enum dom_status
group_submit(struct dom_fetch_group *group)
{
	struct dom_fetch *fetch = group->fetch;
	struct wire_dep entries[DOM_FETCH_GROUP_ITEMS];
	struct dom_fetch_item *item = group->first;
	enum dom_status st;

	for (size_t i = 0; i < group->count; i++, item = item->next)
		entries[i] = (struct wire_dep){.uid = dom_slice_of(item->info.uid)};
	group->call = dom_call_new(fetch->collection->session, "POST",
	    "api/v1/collection/%s/item/fetch_updates/%s", fetch->collection->uid,
	    group->with_contents ? "" : "?prefetch=medium");
	if (group->call == NULL)
		return dom_fetch_no_memory(fetch);
	wire_updates_encode(&group->call->body, entries, group->count);
	group->call->context = group;
	group->call->done = group_done;
	if ((st = dom_call_submit(group->call)) < 0) {
		group->call->status = st;
		return dom_fetch_fail(fetch, dom_call_fail(group->call));
	}
	group->submitted = true;
	fetch->flying++;
	return DOM_OK;
}

/* --- planning ------------------------------------------------------------------------ */

static uint64_t
guess_size(const struct dom_item_row *row)
{
	if (row->size >= 0)
		return (uint64_t)row->size;
	return row->chunks * DOM_FETCH_CHUNK_GUESS;
}

static enum dom_status
item_new(struct dom_fetch *fetch, struct dom_fetch_group *group, const struct dom_item_row *row)
{
	struct dom_fetch_item *item = calloc(1, sizeof(*item));
	struct dom_slice uid, name, source;

	if (item == NULL || (item->arena = dom_arena_new(0)) == NULL) {
		free(item);
		return dom_fetch_no_memory(fetch);
	}
	uid = dom_arena_copy(item->arena, row->uid);
	name = dom_arena_copy(item->arena, row->name);
	source = dom_arena_copy(item->arena, row->source);
	if (uid.data == NULL || name.data == NULL || source.data == NULL) {
		dom_arena_free(&item->arena);
		free(item);
		return dom_fetch_no_memory(fetch);
	}
	item->group = group;
	item->guess = guess_size(row);
	item->info = (struct dom_item_info){.uid = (const char *)uid.data,
	    .name = (const char *)name.data,
	    .source = (const char *)source.data,
	    .order = row->order,
	    .mtime_ms = row->mtime_ms,
	    .size = row->size < 0 ? UINT64_MAX : (uint64_t)row->size};
	if (fetch->back == NULL)
		fetch->front = item;
	else
		fetch->back->next = item;
	fetch->back = item;
	fetch->queued++;
	if (group->first == NULL)
		group->first = item;
	group->count++;
	group->users++;
	group->bytes += group->with_contents ? item->guess : 64 * row->chunks;
	return DOM_OK;
}

static enum dom_status
next_row(struct dom_fetch *fetch)
{
	enum dom_status st;

	if (fetch->has_ahead || fetch->walked)
		return DOM_OK;
	st = dom_state_walk_next(fetch->walk, &fetch->ahead);
	if (st < 0)
		return dom_fetch_fail(
		    fetch, dom_session_fail_state(fetch->collection->session, st));
	fetch->walked = st == DOM_ABSENT;
	fetch->has_ahead = !fetch->walked;
	return DOM_OK;
}

/* The next group from the index; NULL in *group_r at the end. */
static enum dom_status
plan_group(struct dom_fetch *fetch, struct dom_fetch_group **group_r)
{
	struct dom_fetch_group *group = NULL;
	enum dom_status st;

	*group_r = NULL;
	for (;;) {
		bool fits;

		if ((st = next_row(fetch)) < 0)
			return st;
		if (!fetch->has_ahead)
			break;
		fits = guess_size(&fetch->ahead) <= DOM_FETCH_INLINE_BYTES;
		if (group != NULL &&
		    (fits != group->with_contents || group->count == DOM_FETCH_GROUP_ITEMS ||
		        (fits &&
		            group->bytes + guess_size(&fetch->ahead) > DOM_FETCH_GROUP_BYTES)))
			break;
		if (group == NULL) {
			if ((group = calloc(1, sizeof(*group))) == NULL ||
			    (group->arena = dom_arena_new(0)) == NULL) {
				free(group);
				return dom_fetch_no_memory(fetch);
			}
			group->fetch = fetch;
			group->with_contents = fits;
			group->next = fetch->groups;
			fetch->groups = group;
			*group_r = group;
		}
		fetch->has_ahead = false;
		if ((st = item_new(fetch, group, &fetch->ahead)) < 0) {
			/* Items let go of their group; this one has none. */
			if (group->users == 0) {
				group->users = 1;
				group_release(group);
				*group_r = NULL;
			}
			return st;
		}
	}
	if (group != NULL)
		fetch->held_bytes += group->bytes;
	return DOM_OK;
}

/* --- chunks -------------------------------------------------------------------------- */

static void
piece_done(struct dom_call *call)
{
	struct dom_fetch_piece *piece = call->context;
	struct dom_fetch_item *item = piece->item;
	struct dom_fetch *fetch = item->group->fetch;

	fetch->flying--;
	piece->here = true;
	fetch->held_bytes += call->exchange.reply_size;
	fetch->held_bytes -= piece->bytes;
	piece->bytes = call->exchange.reply_size;
	if (call->status == DOM_OK)
		return;
	/* A chunk that is missing or damaged spoils its item, not the others. */
	if (call->status == DOM_ABSENT || call->exchange.status == 500) {
		if (item->status == DOM_OK)
			item->status = DOM_EINTEGRITY;
	} else {
		enum dom_status st = dom_call_fail(call);

		dom_fetch_fail(fetch, st < 0 ? st : DOM_EDENIED);
	}
}

static enum dom_status
ask_piece(struct dom_fetch *fetch, struct dom_fetch_item *item, size_t place)
{
	struct dom_fetch_piece *piece = &item->pieces[place];
	const struct wire_chunk *chunk = &item->wire->content.chunks[place];
	size_t pieces = item->wire->content.chunk_count;
	enum dom_status st;

	piece->item = item;
	piece->call = dom_call_new(fetch->collection->session, "GET",
	    "api/v1/collection/%s/item/%s/chunk/%.*s/download/", fetch->collection->uid,
	    item->info.uid, (int)chunk->uid.size, (const char *)chunk->uid.data);
	if (piece->call == NULL)
		return dom_fetch_no_memory(fetch);
	piece->call->context = piece;
	piece->call->done = piece_done;
	if ((st = dom_call_submit(piece->call)) < 0) {
		piece->call->status = st;
		st = dom_fetch_fail(fetch, dom_call_fail(piece->call));
		dom_call_free(&piece->call);
		return st;
	}
	piece->bytes = (size_t)(item->guess / (pieces > 1 ? pieces - 1 : 1));
	fetch->held_bytes += piece->bytes;
	fetch->flying++;
	return DOM_OK;
}

/* Where the pieces stand, once that is known. */
static enum dom_status
find_places(struct dom_fetch *fetch, struct dom_fetch_item *item)
{
	const struct wire_revision *revision = &item->wire->content;
	size_t last = revision->chunk_count - 1;
	struct dom_fetch_piece *index = &item->pieces[last];
	struct dom_slice sealed = revision->chunks[last].content;
	enum dom_status st;

	if (sealed.data == NULL)
		sealed = dom_call_reply(index->call);
	dom_buffer_clear(&fetch->plain);
	if ((st = dom_fetch_key(fetch, item)) < 0 ||
	    (st = dom_chunk_open(
	         fetch->key, revision->chunks[last].uid, sealed, &fetch->plain)) < 0)
		return st;
	item->places = calloc(fetch->plain.size + 1, sizeof(*item->places));
	if (item->places == NULL)
		return DOM_ENOMEM;
	st = dom_content_index_read(dom_buffer_slice(&fetch->plain), last, item->places,
	    fetch->plain.size + 1, &item->place_count);
	dom_fetch_release(fetch, index);
	return st;
}

static bool
may_ask(const struct dom_fetch *fetch, const struct dom_fetch_item *item, bool is_needed)
{
	if (is_needed && item == fetch->front)
		return true;
	return fetch->flying < DOM_FETCH_REQUESTS && fetch->held_bytes < DOM_FETCH_WINDOW_BYTES;
}

static enum dom_status
ask_chunks(struct dom_fetch *fetch, struct dom_fetch_item *item)
{
	const struct wire_revision *revision = &item->wire->content;
	size_t last = revision->chunk_count - 1;
	enum dom_status st;

	if (revision->chunk_count == 0)
		return DOM_OK;
	if (revision->chunk_count == 1 && item->places == NULL) {
		if ((item->places = calloc(1, sizeof(*item->places))) == NULL)
			return dom_fetch_no_memory(fetch);
		item->place_count = 1;
	}
	if (item->places == NULL && revision->chunks[last].content.data == NULL &&
	    !item->pieces[last].here) {
		if (item->pieces[last].call == NULL && may_ask(fetch, item, true))
			return ask_piece(fetch, item, last);
		return DOM_OK;
	}
	if (item->places == NULL && item->status == DOM_OK &&
	    (st = find_places(fetch, item)) < 0) {
		if (st == DOM_ENOMEM)
			return dom_fetch_no_memory(fetch);
		item->status = st;
		return DOM_OK;
	}
	if (item->place_asked < item->place_at)
		item->place_asked = item->place_at;
	while (item->place_asked < item->place_count &&
	       may_ask(fetch, item, item->place_asked == item->place_at)) {
		size_t place = item->places[item->place_asked];

		if (revision->chunks[place].content.data == NULL &&
		    item->pieces[place].call == NULL &&
		    (st = ask_piece(fetch, item, place)) < 0)
			return st;
		item->place_asked++;
	}
	return DOM_OK;
}

enum dom_status
dom_fetch_ask(struct dom_fetch *fetch)
{
	enum dom_status st;

	for (struct dom_fetch_item *item = fetch->front; item != NULL; item = item->next) {
		if (fetch->failed < 0)
			return fetch->failed;
		if (!item->group->submitted && (st = group_submit(item->group)) < 0)
			return st;
		if (item->known && item->status == DOM_OK && !item->gone &&
		    (st = ask_chunks(fetch, item)) < 0)
			return st;
		if (item != fetch->front && (fetch->flying >= DOM_FETCH_REQUESTS ||
		                                fetch->held_bytes >= DOM_FETCH_WINDOW_BYTES))
			break;
	}
	while (fetch->failed == DOM_OK && !(fetch->walked && !fetch->has_ahead) &&
	       fetch->queued < DOM_FETCH_QUEUE &&
	       (fetch->front == NULL || (fetch->flying < DOM_FETCH_REQUESTS &&
	                                    fetch->held_bytes < DOM_FETCH_WINDOW_BYTES))) {
		struct dom_fetch_group *group;

		if ((st = plan_group(fetch, &group)) < 0)
			return st;
		if (group != NULL && (st = group_submit(group)) < 0)
			return st;
	}
	return fetch->failed;
}
