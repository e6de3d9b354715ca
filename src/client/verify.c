/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Downloading and checking every revision and every chunk of a collection.
 * Items are checked several at a time; of each, the history page by page, and
 * each distinct chunk once: with the page if the item is small, else alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/content.h"

#include "wire/etebase.h"

#include "client/call.h"
#include "client/pages.h"

enum {
	ITEMS_AT_ONCE = 6,
	CHUNKS_AT_ONCE = 4,
	REVISIONS_PAGE = 20,
	INLINE_BYTES = 256 << 10, /* items up to here come with their contents */
};

/* A chunk of some revision of the item. */
struct chunk {
	struct dom_chunk_uid uid;
	size_t stored_count; /* it is an index for so many chunks; 0: it is content */
	bool done;
};

struct checker;

struct item {
	struct checker *checker;
	char uid[DOM_UID_SIZE_MAX + 1];
	char etag[DOM_UID_SIZE_MAX + 1]; /* of the revision that we know to be there */
	bool etag_seen;
	bool busy, inline_contents, counted_bad;
	char iterator[DOM_UID_SIZE_MAX + 1];
	struct dom_pages pages;
	struct dom_call *page;
	struct chunk *chunks;
	size_t chunk_count, chunk_room, chunk_next, flying;
};

struct fetch_chunk {
	struct item *item;
	size_t number;
};

struct checker {
	struct dom_collection *collection;
	const struct dom_verify_sink *sink;
	struct dom_verify_counts *counts;
	struct dom_state_walk *walk;
	bool walked;
	uint64_t items_all;
	struct dom_item_key *key;
	struct dom_buffer plain;
	struct item items[ITEMS_AT_ONCE];
	enum dom_status failed;
};

static void
fail(struct checker *checker, enum dom_status status)
{
	if (checker->failed == DOM_OK)
		checker->failed = status;
}

static void
no_memory(struct checker *checker)
{
	fail(checker, dom_session_fail(checker->collection->session, DOM_ENOMEM,
	                  "There is not enough memory"));
}

static void
problem(struct item *item, const char *what)
{
	struct checker *checker = item->checker;

	checker->counts->bad += !item->counted_bad;
	item->counted_bad = true;
	if (checker->sink->problem != NULL)
		checker->sink->problem(checker->sink->context, item->uid, what);
}

static enum dom_status
use_key(struct item *item)
{
	return dom_item_key_derive(
	    item->checker->collection->key, dom_slice_of(item->uid), item->checker->key);
}

static void
check_chunk(struct item *item, struct chunk *chunk, struct dom_slice sealed)
{
	struct checker *checker = item->checker;
	enum dom_status st;
	uint32_t *places;
	size_t count;

	chunk->done = true;
	checker->counts->chunks++;
	checker->counts->bytes += sealed.size;
	dom_buffer_clear(&checker->plain);
	if ((st = use_key(item)) == DOM_OK)
		st = dom_chunk_open(checker->key,
		    dom_slice(chunk->uid.text, DOM_CHUNK_UID_SIZE), sealed, &checker->plain);
	if (st == DOM_ENOMEM) {
		no_memory(checker);
		return;
	}
	if (st < 0) {
		problem(item, "a chunk is damaged: its tag or MAC does not verify");
		return;
	}
	if (chunk->stored_count == 0)
		return;
	if ((places = calloc(checker->plain.size + 1, sizeof(*places))) == NULL) {
		no_memory(checker);
		return;
	}
	if (dom_content_index_read(dom_buffer_slice(&checker->plain), chunk->stored_count,
	        places, checker->plain.size + 1, &count) < 0)
		problem(item, "the index of its chunks names some that are not there");
	free(places);
}

/* Each distinct chunk is remembered once. */
static struct chunk *
note_chunk(struct item *item, struct dom_slice uid, size_t stored_count)
{
	struct chunk *chunk;

	for (size_t i = 0; i < item->chunk_count; i++) {
		chunk = &item->chunks[i];
		if (memcmp(chunk->uid.text, uid.data, DOM_CHUNK_UID_SIZE) == 0)
			return chunk;
	}
	if (item->chunk_count == item->chunk_room) {
		size_t room = item->chunk_room == 0 ? 16 : 2 * item->chunk_room;
		struct chunk *grown = reallocarray(item->chunks, room, sizeof(*grown));

		if (grown == NULL) {
			no_memory(item->checker);
			return NULL;
		}
		item->chunks = grown;
		item->chunk_room = room;
	}
	chunk = &item->chunks[item->chunk_count++];
	*chunk = (struct chunk){.stored_count = stored_count};
	memcpy(chunk->uid.text, uid.data, DOM_CHUNK_UID_SIZE);
	return chunk;
}

static void
check_revision(struct item *item, const struct wire_revision *revision, struct dom_arena *arena)
{
	struct checker *checker = item->checker;
	struct dom_buffer meta = {0};
	enum dom_status st;

	checker->counts->revisions++;
	if ((st = use_key(item)) == DOM_OK)
		st = dom_revision_check(
		    checker->key, dom_slice_of(item->uid), revision, arena, &meta);
	dom_buffer_free(&meta);
	if (st == DOM_ENOMEM)
		no_memory(checker);
	else if (st < 0)
		problem(item, "a revision is damaged: its tag does not verify");
	if (st < 0)
		return;
	item->etag_seen = item->etag_seen || dom_slice_is(revision->uid, item->etag);
	for (size_t i = 0; i < revision->chunk_count; i++) {
		const struct wire_chunk *wire = &revision->chunks[i];
		bool is_index = i > 0 && i + 1 == revision->chunk_count;
		struct chunk *chunk = note_chunk(item, wire->uid, is_index ? i : 0);

		if (chunk == NULL)
			return;
		if (!chunk->done && wire->content.data != NULL)
			check_chunk(item, chunk, wire->content);
	}
}

static void
item_finish(struct item *item)
{
	struct checker *checker = item->checker;

	/* An empty history would verify: the region shall not pass by showing nothing. */
	if (!item->etag_seen && !item->counted_bad)
		problem(item, "the revision that was stored last is missing in the region");
	free(item->chunks);
	*item = (struct item){.checker = checker};
	checker->counts->items++;
	if (checker->sink->progress != NULL)
		checker->sink->progress(
		    checker->sink->context, checker->counts, checker->items_all);
}

static void
chunk_done(struct dom_call *call)
{
	struct fetch_chunk *fetch = call->context;
	struct item *item = fetch->item;
	struct chunk *chunk = &item->chunks[fetch->number];

	item->flying--;
	if (call->status == DOM_OK) {
		check_chunk(item, chunk, dom_call_reply(call));
	} else if (call->status == DOM_ABSENT || call->exchange.status == 500) {
		problem(item, call->status == DOM_ABSENT
		                  ? "a chunk is missing in the region"
		                  : "a chunk is damaged on the region's disk");
	} else {
		enum dom_status st = dom_call_fail(call);

		fail(item->checker, st < 0 ? st : DOM_EDENIED);
	}
	free(fetch);
	dom_call_free(&call);
}

static void
page_done(struct dom_call *call)
{
	struct item *item = call->context;
	struct checker *checker = item->checker;
	struct dom_arena *arena = NULL;
	struct wire_list list = {.done = true};
	enum dom_status st = call->status;

	item->page = NULL;
	item->flying--;
	if (st == DOM_OK && (arena = dom_arena_new(0)) == NULL) {
		no_memory(checker);
	} else if (call->exchange.status == 500 && item->inline_contents) {
		/* One chunk of the page is damaged over there: find out which. */
		item->inline_contents = false;
		list.done = false;
	} else if (st == DOM_ABSENT) {
		problem(item, "it is missing in the region");
	} else if (st != DOM_OK) {
		st = dom_call_fail(call);
		fail(checker, st < 0 ? st : DOM_EDENIED);
	} else if (wire_list_decode(dom_call_reply(call), WIRE_LIST_REVISIONS, arena, &list) <
	               0 ||
	           (list.stoken.size != 0 && !wire_uid_valid(list.stoken)) ||
	           (!list.done && !dom_pages_more(&item->pages, list.stoken))) {
		problem(item, "its history cannot be read");
		list.done = true;
	} else {
		for (size_t i = 0; i < list.count; i++)
			check_revision(item, &list.revisions[i], arena);
		snprintf(item->iterator, sizeof(item->iterator), "%.*s", (int)list.stoken.size,
		    list.stoken.data == NULL ? "" : (const char *)list.stoken.data);
	}
	if (list.done)
		item->iterator[0] = '\0';
	item->busy = !list.done; /* more pages */
	dom_arena_free(&arena);
	dom_call_free(&call);
}

static void
submit(struct item *item, struct dom_call *call)
{
	enum dom_status st;

	if ((st = dom_call_submit(call)) < 0) {
		call->status = st;
		fail(item->checker, dom_call_fail(call));
		dom_call_free(&call);
		return;
	}
	item->flying++;
}

static void
ask_page(struct item *item)
{
	struct checker *checker = item->checker;

	item->page = dom_call_new(checker->collection->session, "GET",
	    "api/v1/collection/%s/item/%s/revision/?limit=%d%s%s%s", checker->collection->uid,
	    item->uid, REVISIONS_PAGE, item->inline_contents ? "" : "&prefetch=medium",
	    item->iterator[0] != '\0' ? "&iterator=" : "", item->iterator);
	if (item->page == NULL) {
		no_memory(checker);
		return;
	}
	item->page->context = item;
	item->page->done = page_done;
	submit(item, item->page);
}

static void
ask_chunk(struct item *item, size_t number)
{
	struct fetch_chunk *fetch = calloc(1, sizeof(*fetch));
	struct checker *checker = item->checker;
	struct dom_call *call = dom_call_new(checker->collection->session, "GET",
	    "api/v1/collection/%s/item/%s/chunk/%s/download/", checker->collection->uid,
	    item->uid, item->chunks[number].uid.text);

	if (fetch == NULL || call == NULL) {
		free(fetch);
		dom_call_free(&call);
		no_memory(checker);
		return;
	}
	*fetch = (struct fetch_chunk){.item = item, .number = number};
	call->context = fetch;
	call->done = chunk_done;
	submit(item, call);
}

static void
item_go_on(struct item *item)
{
	if (item->uid[0] == '\0' || item->page != NULL)
		return;
	if (item->busy) {
		ask_page(item);
		return;
	}
	while (item->flying < CHUNKS_AT_ONCE && item->chunk_next < item->chunk_count &&
	       item->checker->failed == DOM_OK) {
		if (!item->chunks[item->chunk_next].done)
			ask_chunk(item, item->chunk_next);
		item->chunk_next++;
	}
	if (item->flying == 0 && item->checker->failed == DOM_OK)
		item_finish(item);
}

static void
next_item(struct checker *checker, struct item *item)
{
	struct dom_item_row row;
	enum dom_status st = dom_state_walk_next(checker->walk, &row);

	if (st < 0)
		fail(checker, dom_session_fail_state(checker->collection->session, st));
	checker->walked = st != DOM_OK;
	if (st != DOM_OK)
		return;
	snprintf(item->uid, sizeof(item->uid), "%.*s", (int)row.uid.size,
	    (const char *)row.uid.data);
	snprintf(item->etag, sizeof(item->etag), "%.*s", (int)row.etag.size,
	    row.etag.data == NULL ? "" : (const char *)row.etag.data);
	item->inline_contents = row.size >= 0 ? row.size <= INLINE_BYTES : row.chunks <= 2;
	item->busy = true;
}

static enum dom_status
check_all(struct checker *checker)
{
	struct dom_session *session = checker->collection->session;
	enum dom_status st;

	for (;;) {
		bool any = false;

		for (size_t i = 0; i < ITEMS_AT_ONCE && checker->failed == DOM_OK; i++) {
			struct item *item = &checker->items[i];

			if (item->uid[0] == '\0' && !checker->walked)
				next_item(checker, item);
			item_go_on(item);
			any = any || item->uid[0] != '\0';
		}
		if (checker->failed < 0 || (!any && checker->walked))
			break;
		if ((st = dom_session_work(session, any ? 1000 : 0)) < 0)
			fail(checker, dom_session_fail(session, st,
			                  "The connection cannot be used any more"));
	}
	/* Requests under way point to the items: see them end. */
	for (size_t i = 0; i < ITEMS_AT_ONCE; i++) {
		while (checker->items[i].flying > 0 && dom_session_work(session, 1000) >= 0)
			continue;
		free(checker->items[i].chunks);
	}
	return checker->failed;
}

enum dom_status
dom_collection_verify(struct dom_collection *collection, const struct dom_verify_sink *sink,
    struct dom_verify_counts *counts_r)
{
	struct checker checker = {.collection = collection,
	    .sink = sink,
	    .counts = counts_r,
	    .key = dom_item_key_new()};
	struct dom_session *session = collection->session;
	uint64_t bytes;
	enum dom_status st;

	*counts_r = (struct dom_verify_counts){0};
	for (size_t i = 0; i < ITEMS_AT_ONCE; i++)
		checker.items[i].checker = &checker;
	if (checker.key == NULL)
		st = dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
	else if ((st = dom_state_collection_count(
	              session->state, collection->number, &checker.items_all, &bytes)) < 0 ||
	         (st = dom_state_walk_open(
	              session->state, collection->number, false, &checker.walk)) < 0)
		dom_session_fail_state(session, st);
	else
		st = check_all(&checker);
	dom_state_walk_close(&checker.walk);
	dom_item_key_free(&checker.key);
	dom_buffer_free(&checker.plain);
	return st;
}
