/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Fetching the earlier revisions of a collection's items in order.  The first
 * page of several items is under way while one is delivered, since most items
 * have but one revision and their page says only that; contents come with the
 * page if they are small, else chunk by chunk.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/content.h"
#include "crypto/digest.h"

#include "wire/etebase.h"

#include "client/call.h"
#include "client/meta.h"
#include "client/pages.h"

enum {
	ITEMS_AHEAD = 8,
	REVISIONS_PAGE = 20,
	INLINE_BYTES = 256 << 10, /* items up to here come with their contents */
};

/* An item whose history is asked for. */
struct item {
	char uid[DOM_UID_SIZE_MAX + 1];
	char iterator[DOM_UID_SIZE_MAX + 1];
	bool inline_contents;
	struct dom_call *page; /* finished or under way */
};

struct history {
	struct dom_collection *collection;
	const struct dom_history_sink *sink;
	struct dom_state_walk *walk;
	bool walked;
	struct item items[ITEMS_AHEAD]; /* a ring */
	size_t first, count;
	uint64_t looked;
	struct dom_item_key *key;
	struct dom_sha256 *sha;
	struct dom_buffer meta, extra, plain;
};

static enum dom_status
no_memory(struct history *history)
{
	return dom_session_fail(
	    history->collection->session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
ask_page(struct history *history, struct item *item)
{
	struct dom_collection *collection = history->collection;
	enum dom_status st;

	dom_call_free(&item->page);
	item->page = dom_call_new(collection->session, "GET",
	    "api/v1/collection/%s/item/%s/revision/?limit=%d%s%s%s", collection->uid, item->uid,
	    REVISIONS_PAGE, item->inline_contents ? "" : "&prefetch=medium",
	    item->iterator[0] != '\0' ? "&iterator=" : "", item->iterator);
	if (item->page == NULL)
		return no_memory(history);
	if ((st = dom_call_submit(item->page)) < 0) {
		item->page->status = st;
		st = dom_call_fail(item->page);
		dom_call_free(&item->page);
	}
	return st;
}

/* Ask for the histories of the items that come next. */
static enum dom_status
look_ahead(struct history *history)
{
	enum dom_status st = DOM_OK;

	while (st == DOM_OK && !history->walked && history->count < ITEMS_AHEAD) {
		struct item *item =
		    &history->items[(history->first + history->count) % ITEMS_AHEAD];
		struct dom_item_row row;

		st = dom_state_walk_next(history->walk, &row);
		if (st < 0)
			return dom_session_fail_state(history->collection->session, st);
		history->walked = st == DOM_ABSENT;
		if (history->walked)
			return DOM_OK;
		*item =
		    (struct item){.inline_contents = row.size >= 0 ? row.size <= INLINE_BYTES
		                                                   : row.chunks <= 2};
		snprintf(item->uid, sizeof(item->uid), "%.*s", (int)row.uid.size,
		    (const char *)row.uid.data);
		history->count++;
		st = ask_page(history, item);
	}
	return st;
}

/* --- one revision -------------------------------------------------------------- */

struct revision {
	const struct wire_revision *wire;
	struct dom_revision_info info;
	struct dom_slice digest; /* NULL data: none */
};

/* Its chunk, opened into history->plain.  DOM_EINTEGRITY: missing or damaged. */
static enum dom_status
open_chunk(struct history *history, const struct revision *revision, size_t place)
{
	const struct wire_chunk *chunk = &revision->wire->chunks[place];
	struct dom_collection *collection = history->collection;
	struct dom_slice sealed = chunk->content;
	struct dom_call *call = NULL;
	enum dom_status st;

	if (sealed.data == NULL) {
		call = dom_call_new(collection->session, "GET",
		    "api/v1/collection/%s/item/%s/chunk/%.*s/download/", collection->uid,
		    revision->info.item, (int)chunk->uid.size, (const char *)chunk->uid.data);
		if (call == NULL)
			return no_memory(history);
		st = dom_call_run(call);
		if (st == DOM_ABSENT || (st < 0 && call->exchange.status == 500)) {
			dom_call_free(&call);
			return DOM_EINTEGRITY;
		}
		if (st != DOM_OK) {
			dom_call_free(&call);
			return st < 0 ? st : DOM_EDENIED;
		}
		sealed = dom_call_reply(call);
	}
	dom_buffer_clear(&history->plain);
	st = dom_chunk_open(history->key, chunk->uid, sealed, &history->plain);
	dom_call_free(&call);
	return st;
}

static enum dom_status
deliver_chunk(struct history *history, const struct revision *revision, size_t place)
{
	enum dom_status st = open_chunk(history, revision, place);
	struct dom_slice plain = dom_buffer_slice(&history->plain);

	if (st != DOM_OK || plain.size == 0)
		return st;
	dom_sha256_add(history->sha, plain);
	return history->sink->data(history->sink->context, plain);
}

static enum dom_status
deliver_content(struct history *history, const struct revision *revision)
{
	size_t stored = revision->wire->chunk_count, count = 0;
	uint32_t *places;
	enum dom_status st;

	if (stored <= 1)
		return stored == 0 ? DOM_OK : deliver_chunk(history, revision, 0);
	/* The last chunk says where the others stand. */
	if ((st = open_chunk(history, revision, stored - 1)) != DOM_OK)
		return st;
	if ((places = calloc(history->plain.size + 1, sizeof(*places))) == NULL)
		return no_memory(history);
	st = dom_content_index_read(dom_buffer_slice(&history->plain), stored - 1, places,
	    history->plain.size + 1, &count);
	for (size_t at = 0; at < count && st == DOM_OK; at++)
		st = deliver_chunk(history, revision, places[at]);
	free(places);
	return st;
}

/* Only what the region sent is a fault of the revision's own. */
static bool
is_damage(enum dom_status status)
{
	return status == DOM_EINTEGRITY || status == DOM_ELIMIT;
}

static enum dom_status
deliver_revision(struct history *history, struct revision *revision, struct dom_arena *arena)
{
	const struct dom_history_sink *sink = history->sink;
	uint8_t digest[DOM_SHA256_SIZE];
	struct dom_meta meta = {.size = -1};
	struct dom_slice name;
	enum dom_status st, end;

	dom_buffer_clear(&history->meta);
	end = dom_item_key_derive(
	    history->collection->key, dom_slice_of(revision->info.item), history->key);
	if (end == DOM_OK)
		end = dom_revision_check(history->key, dom_slice_of(revision->info.item),
		    revision->wire, arena, &history->meta);
	if (end == DOM_OK && !revision->wire->deleted &&
	    dom_meta_decode(dom_buffer_slice(&history->meta), &history->extra, &meta) < 0)
		end = DOM_EINTEGRITY;
	if (end == DOM_ENOMEM)
		return no_memory(history);
	name = dom_arena_copy(arena, meta.name);
	if (name.data == NULL)
		return no_memory(history);
	revision->info.name = (const char *)name.data;
	revision->info.mtime_ms = meta.mtime_ms;
	revision->info.deleted = revision->wire->deleted;
	if ((st = sink->begin(sink->context, &revision->info)) < 0)
		return st;
	if (end == DOM_OK && !revision->wire->deleted)
		end = deliver_content(history, revision);
	st = dom_sha256_finish(history->sha, digest); /* begins anew */
	if (st == DOM_OK && end == DOM_OK && meta.digest.data != NULL &&
	    memcmp(digest, meta.digest.data, sizeof(digest)) != 0)
		end = DOM_EINTEGRITY;
	if (st < 0 || (end < 0 && !is_damage(end)))
		return st < 0 ? st : end;
	st = sink->end(sink->context, &revision->info, end);
	return st < 0 ? st : DOM_OK;
}

/* --- one item -------------------------------------------------------------------- */

static enum dom_status
wait_page(struct history *history, struct item *item)
{
	struct dom_session *session = history->collection->session;
	enum dom_status st;

	while (!item->page->finished) {
		if ((st = dom_session_work(session, 1000)) < 0)
			return dom_session_fail(
			    session, st, "The connection cannot be used any more");
	}
	return DOM_OK;
}

/* A history that cannot be had as a whole is told as one damaged revision. */
static enum dom_status
tell_damage(struct history *history, struct item *item, uint64_t age)
{
	const struct dom_revision_info info = {
	    .item = item->uid, .uid = "", .name = "", .age = age};
	enum dom_status st = history->sink->begin(history->sink->context, &info);

	if (st >= 0)
		st = history->sink->end(history->sink->context, &info, DOM_EINTEGRITY);
	return st < 0 ? st : DOM_OK;
}

/* One page, delivered; *more_r: there are further ones. */
static enum dom_status
deliver_page(struct history *history, struct item *item, struct dom_pages *pages, uint64_t *age,
    bool *more_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_list list = {.done = true};
	enum dom_status st;

	*more_r = false;
	if (arena == NULL)
		return no_memory(history);
	if (wire_list_decode(dom_call_reply(item->page), WIRE_LIST_REVISIONS, arena, &list) <
	        0 ||
	    (list.stoken.size != 0 && !wire_uid_valid(list.stoken)) ||
	    (!list.done && !dom_pages_more(pages, list.stoken))) {
		st = tell_damage(history, item, *age + 1);
		dom_arena_free(&arena);
		return st;
	}
	st = DOM_OK;
	for (size_t i = 0; i < list.count && st == DOM_OK; i++) {
		struct revision revision = {.wire = &list.revisions[i]};
		char uid[DOM_UID_SIZE_MAX + 1];

		/* The first one is current, perhaps newer than this device knows. */
		if (i == 0 && *age == 0 && item->iterator[0] == '\0')
			continue;
		snprintf(uid, sizeof(uid), "%.*s", (int)revision.wire->uid.size,
		    (const char *)revision.wire->uid.data);
		revision.info =
		    (struct dom_revision_info){.item = item->uid, .uid = uid, .age = ++*age};
		st = deliver_revision(history, &revision, arena);
	}
	*more_r = !list.done;
	snprintf(item->iterator, sizeof(item->iterator), "%.*s", (int)list.stoken.size,
	    list.stoken.data == NULL ? "" : (const char *)list.stoken.data);
	dom_arena_free(&arena);
	return st;
}

static enum dom_status
deliver_item(struct history *history, struct item *item)
{
	struct dom_pages pages = {0};
	uint64_t age = 0;
	bool more = true;
	enum dom_status st = DOM_OK;

	while (more && st == DOM_OK) {
		if ((st = wait_page(history, item)) != DOM_OK)
			break;
		if (item->page->exchange.status == 500 && item->inline_contents) {
			/* One chunk of the page is damaged over there: find out which. */
			item->inline_contents = false;
			st = ask_page(history, item);
			continue;
		}
		if (item->page->status == DOM_ABSENT)
			return tell_damage(history, item, age + 1);
		if (item->page->status != DOM_OK) {
			st = dom_call_fail(item->page);
			return st < 0 ? st : DOM_EDENIED;
		}
		st = deliver_page(history, item, &pages, &age, &more);
		if (st == DOM_OK && more)
			st = ask_page(history, item);
	}
	return st;
}

static enum dom_status
deliver_all(struct history *history)
{
	enum dom_status st = look_ahead(history);

	while (st == DOM_OK && history->count > 0) {
		struct item *item = &history->items[history->first];

		st = deliver_item(history, item);
		dom_call_free(&item->page);
		history->first = (history->first + 1) % ITEMS_AHEAD;
		history->count--;
		history->looked++;
		if (st == DOM_OK && history->sink->progress != NULL)
			history->sink->progress(history->sink->context, history->looked);
		if (st == DOM_OK)
			st = look_ahead(history);
	}
	return st;
}

enum dom_status
dom_collection_history(struct dom_collection *collection, const struct dom_history_sink *sink)
{
	struct dom_session *session = collection->session;
	struct history history = {.collection = collection,
	    .sink = sink,
	    .key = dom_item_key_new(),
	    .sha = dom_sha256_new()};
	enum dom_status st;

	if (history.key == NULL || history.sha == NULL)
		st = no_memory(&history);
	else if ((st = dom_state_walk_open(
	              session->state, collection->number, false, &history.walk)) < 0)
		dom_session_fail_state(session, st);
	else
		st = deliver_all(&history);
	for (size_t i = 0; i < ITEMS_AHEAD; i++)
		dom_call_free(&history.items[i].page); /* one under way ends by itself */
	dom_state_walk_close(&history.walk);
	dom_item_key_free(&history.key);
	dom_sha256_free(&history.sha);
	dom_buffer_free(&history.meta);
	dom_buffer_free(&history.extra);
	dom_buffer_free(&history.plain);
	return st;
}
