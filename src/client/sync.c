/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Following the server's tokens.  Source: etebase-protocol 5.7.  A token is
 * kept only together with what it covers, in one local transaction; the list's
 * token only after the items of every collection it named.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/content.h"

#include "wire/etebase.h"

#include "client/call.h"
#include "client/meta.h"
#include "client/pages.h"

enum {
	COLLECTIONS_PAGE = 200,
	ITEMS_PAGE = 1000,
};

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
no_end(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ESERVER,
	    "%s sends the same lists again and again and never says that they are complete. "
	    "What is stored is safe; tell its operator",
	    session->server_url);
}

static enum dom_status
no_list(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ESERVER,
	    "%s sent a list that cannot be read; nothing was changed here",
	    session->server_url);
}

const char *
dom_url_escape(struct dom_arena *arena, struct dom_slice text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *escaped = dom_arena_take(arena, 3 * text.size + 1);
	size_t size = 0;

	if (escaped == NULL)
		return NULL;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.') {
			escaped[size++] = (char)c;
			continue;
		}
		escaped[size++] = '%';
		escaped[size++] = digits[c >> 4];
		escaped[size++] = digits[c & 15];
	}
	escaped[size] = '\0';
	return escaped;
}

enum dom_status
dom_revision_check(const struct dom_item_key *key, struct dom_slice item_uid,
    const struct wire_revision *revision, struct dom_arena *arena,
    struct dom_buffer *meta_plain)
{
	struct dom_slice *chunks =
	    dom_arena_array(arena, revision->chunk_count + 1, sizeof(*chunks));

	if (chunks == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < revision->chunk_count; i++) {
		chunks[i] = revision->chunks[i].uid;
		if (chunks[i].size != DOM_CHUNK_UID_SIZE)
			return DOM_EINTEGRITY;
	}
	if (revision->uid.size != DOM_REVISION_UID_SIZE)
		return DOM_EINTEGRITY;
	return dom_revision_open(key, item_uid, revision->uid, revision->deleted,
	    revision->meta, chunks, revision->chunk_count, meta_plain);
}

/* Type and name of a collection, as far as they can be opened. */
static enum dom_status
open_collection(struct dom_session *session, const struct wire_collection *wire,
    struct dom_arena *arena, struct dom_collection_row *row)
{
	const struct wire_item *item = &wire->item;
	struct dom_collection *collection = NULL;
	struct dom_item_key *key = NULL;
	struct dom_buffer type = {0}, plain = {0}, extra = {0};
	struct dom_meta meta;
	enum dom_status st;

	if ((st = dom_collection_from_row(session, row, &collection)) != DOM_OK)
		goto out;
	st = DOM_ENOMEM;
	if ((key = dom_item_key_new()) == NULL)
		goto out;
	if ((st = dom_collection_item_key(collection, item->uid, item->encryption_key, key)) <
	        0 ||
	    (st = dom_revision_check(key, item->uid, &item->content, arena, &plain)) < 0 ||
	    (st = dom_meta_decode(dom_buffer_slice(&plain), &extra, &meta)) < 0)
		goto out;
	if (wire->collection_type.data != NULL)
		st = dom_collection_type_open(session->account, wire->collection_type, &type);
	else if (meta.type.data != NULL)
		dom_buffer_append_slice(&type, meta.type);
	if (st < 0)
		goto out;
	row->type = dom_arena_copy(arena, dom_buffer_slice(&type));
	row->name = dom_arena_copy(arena, meta.name);
	if (row->type.data == NULL || row->name.data == NULL)
		st = DOM_ENOMEM;
out:
	dom_collection_free(&collection);
	dom_item_key_free(&key);
	dom_buffer_free(&type);
	dom_buffer_free(&plain);
	dom_buffer_free(&extra);
	return st;
}

static enum dom_status
seen_now(struct dom_session *session, struct dom_arena *arena, int64_t *seen_r)
{
	struct dom_slice text;
	enum dom_status st = dom_state_get(session->state, "seen", arena, &text);

	*seen_r = 0;
	if (st == DOM_OK)
		*seen_r = strtoll((const char *)text.data, NULL, 10);
	return st;
}

/*
 * One of that name was erased and is made anew: its key is another, and nothing of
 * what was in the former one is there.
 */
static enum dom_status
forget_former(
    struct dom_session *session, const struct dom_collection_row *row, struct dom_arena *arena)
{
	struct dom_collection_row known;
	enum dom_status st = dom_state_collection_find(session->state, row->uid, arena, &known);

	if (st == DOM_OK && !dom_slice_equal(known.sealed_key, row->sealed_key))
		st = dom_state_collection_remove(session->state, row->uid);
	return st < 0 ? st : DOM_OK;
}

enum dom_status
dom_sync_collection(struct dom_session *session, const struct wire_collection *wire,
    struct dom_arena *arena, int64_t *number_r)
{
	struct dom_collection_row row = {
	    .uid = wire->item.uid,
	    .type = dom_slice("", 0),
	    .name = dom_slice("", 0),
	    .sealed_type = wire->collection_type,
	    .sealed_key = wire->collection_key,
	    .encryption_key = wire->item.encryption_key,
	    .etag = wire->item.content.uid,
	    .access_level = wire->access_level,
	    .deleted = wire->item.content.deleted,
	};
	int64_t seen = 0;
	enum dom_status st;

	if (!wire_uid_valid(wire->item.uid))
		return no_list(session);
	st = open_collection(session, wire, arena, &row);
	if (st == DOM_ENOMEM)
		return no_memory(session);
	/* What does not open is listed without a name, and says so when it is used. */
	if ((st = forget_former(session, &row, arena)) < 0 ||
	    (st = seen_now(session, arena, &seen)) < 0 ||
	    (st = dom_state_collection_put(session->state, &row, seen, number_r)) < 0)
		return dom_session_fail_state(session, st);
	return DOM_OK;
}

struct items {
	struct dom_collection *collection;
	struct dom_item_key *key;
	struct dom_arena *arena;
	struct dom_buffer plain, extra;
};

static enum dom_status
keep_item(struct items *items, const struct wire_item *item)
{
	struct dom_collection *collection = items->collection;
	struct dom_session *session = collection->session;
	char fingerprint[DOM_UID_TEXT_SIZE + 1];
	struct dom_meta meta = {.size = -1};
	struct dom_item_row row = {.uid = item->uid,
	    .etag = item->content.uid,
	    .deleted = item->content.deleted,
	    .chunks = item->content.chunk_count};
	enum dom_status st;

	if (!wire_uid_valid(item->uid))
		return no_list(session);
	dom_buffer_clear(&items->plain);
	st = dom_collection_item_key(collection, item->uid, item->encryption_key, items->key);
	if (st == DOM_OK)
		st = dom_revision_check(
		    items->key, item->uid, &item->content, items->arena, &items->plain);
	if (st == DOM_OK)
		st = dom_meta_decode(dom_buffer_slice(&items->plain), &items->extra, &meta);
	if (st == DOM_ENOMEM)
		return no_memory(session);
	/* One that does not verify stays in the index: fetching and verifying report it. */
	if (st < 0)
		meta = (struct dom_meta){.size = -1};
	row.name = meta.name;
	row.source = meta.source;
	row.order = meta.order;
	row.mtime_ms = meta.mtime_ms;
	row.size = meta.size;
	row.extra = meta.extra;
	if (meta.digest.data != NULL) {
		dom_collection_fingerprint(collection, meta.digest.data, fingerprint);
		row.fingerprint = dom_slice_of(fingerprint);
	}
	if ((st = dom_state_item_put(session->state, collection->number, &row)) < 0)
		return dom_session_fail_state(session, st);
	return DOM_OK;
}

/* One page; its rows and its token are committed together. */
static enum dom_status
sync_page(struct items *items, struct dom_slice token, bool sweep, struct dom_slice *next_r,
    bool *done_r, bool *bad_token_r)
{
	struct dom_collection *collection = items->collection;
	struct dom_session *session = collection->session;
	const char *escaped = dom_url_escape(items->arena, token);
	struct dom_call *call = NULL;
	struct wire_list list;
	enum dom_status st;

	if (escaped != NULL)
		call = dom_call_new(session, "GET",
		    "api/v1/collection/%s/item/?prefetch=medium&limit=%d%s%s", collection->uid,
		    ITEMS_PAGE, token.size > 0 ? "&stoken=" : "", escaped);
	if (call == NULL)
		return no_memory(session);
	if ((st = dom_call_run(call)) != DOM_OK) {
		*bad_token_r = strcmp(call->code, "bad_stoken") == 0;
		goto out;
	}
	st = wire_list_decode(dom_call_reply(call), WIRE_LIST_ITEMS, items->arena, &list);
	if (st < 0) {
		st = st == DOM_ENOMEM ? no_memory(session) : no_list(session);
		goto out;
	}
	for (size_t i = 0; i < list.count && st == DOM_OK; i++)
		st = keep_item(items, &list.items[i]);
	if (st < 0)
		goto out;
	*next_r = list.stoken.data == NULL ? token : list.stoken;
	*next_r = dom_arena_copy(items->arena, *next_r);
	*done_r = list.done;
	if (!list.done && list.count == 0) {
		st = no_list(session); /* it would go on for ever */
		goto out;
	}
	st = dom_state_collection_token(session->state, collection->number, *next_r);
	if (st == DOM_OK && list.done && sweep)
		st = dom_state_collection_sweep(session->state, collection->number);
	st = st < 0 ? dom_session_fail_state(session, st) : dom_session_commit(session);
out:
	if (st < 0)
		dom_state_rollback(session->state);
	dom_call_free(&call);
	return st;
}

enum dom_status
dom_sync_items(struct dom_session *session, struct dom_slice uid, bool *bad_token_r)
{
	struct items items = {.key = dom_item_key_new(), .arena = dom_arena_new(0)};
	struct dom_arena *keep = dom_arena_new(0);
	struct dom_collection_row row;
	struct dom_slice token;
	struct dom_pages pages = {0};
	char token_text[8192];
	bool done = false;
	enum dom_status st = DOM_ENOMEM;

	if (items.key == NULL || items.arena == NULL || keep == NULL) {
		no_memory(session);
		goto out;
	}
	if ((st = dom_state_collection_find(session->state, uid, keep, &row)) != DOM_OK) {
		st = dom_session_fail_state(session, st);
		goto out;
	}
	st = dom_collection_from_row(session, &row, &items.collection);
	if (st == DOM_EINTEGRITY) {
		st = DOM_OK; /* it cannot be read: other collections can */
		goto out;
	}
	if (st < 0)
		goto out;
	if (row.token.size == 0) {
		if ((st = dom_state_collection_relist(session->state, row.number)) < 0) {
			st = dom_session_fail_state(session, st);
			goto out;
		}
		row.sweep = true;
	}
	token = row.token;
	while (!done && st == DOM_OK) {
		st = sync_page(&items, token, row.sweep, &token, &done, bad_token_r);
		if (st != DOM_OK)
			break;
		if (!done && !dom_pages_more(&pages, token)) {
			st = no_end(session);
			break;
		}
		if (token.size >= sizeof(token_text)) {
			st = no_list(session);
			break;
		}
		/* The arena starts anew with each page. */
		snprintf(token_text, sizeof(token_text), "%.*s", (int)token.size,
		    (const char *)token.data);
		dom_arena_reset(items.arena);
		token = dom_slice_of(token_text);
	}
out:
	dom_collection_free(&items.collection);
	dom_item_key_free(&items.key);
	dom_buffer_free(&items.plain);
	dom_buffer_free(&items.extra);
	dom_arena_free(&items.arena);
	dom_arena_free(&keep);
	return st;
}

/* The items of a collection that the list names, unless they are known. */
static enum dom_status
sync_listed(struct dom_session *session, const struct wire_collection *wire,
    struct dom_arena *arena, bool *bad_token_r)
{
	struct dom_collection_row row;
	int64_t number;
	enum dom_status st;

	if ((st = dom_sync_collection(session, wire, arena, &number)) < 0)
		return st;
	if ((st = dom_state_collection_find(session->state, wire->item.uid, arena, &row)) !=
	    DOM_OK)
		return dom_session_fail_state(session, st);
	if (row.token.size > 0 && dom_slice_equal(row.token, wire->stoken))
		return DOM_OK;
	st = dom_sync_items(session, wire->item.uid, bad_token_r);
	if (st != DOM_ABSENT)
		return st;
	/* It went away between the two requests; the next list says so. */
	return DOM_OK;
}

/* Everything on the list's page is here: keep its token. */
static enum dom_status
keep_list(struct dom_session *session, const struct dom_call *call,
    const struct wire_list *list, struct dom_slice token, struct dom_arena *arena)
{
	struct dom_state *state = session->state;
	struct dom_slice unseen;
	int64_t seen;
	enum dom_status st = DOM_OK;

	for (size_t i = 0; i < list->removed_count && st == DOM_OK; i++)
		st = dom_state_collection_remove(state, list->removed[i]);
	if (st == DOM_OK && list->done) {
		dom_position_set(&session->position, call->exchange.position);
		if (session->position.at[0] != '\0')
			token = dom_slice_of(session->position.at);
		st = dom_state_set(state, "position", dom_slice_of(session->position.at));
		if (st == DOM_OK)
			st = dom_state_get(state, "unseen", arena, &unseen);
		if (st == DOM_OK && unseen.size > 0 &&
		    (st = seen_now(session, arena, &seen)) == DOM_OK &&
		    (st = dom_state_collections_unseen(state, seen)) == DOM_OK)
			st = dom_state_set(state, "unseen", dom_slice("", 0));
	}
	if (st == DOM_OK)
		st = dom_state_set(state, "token", token);
	return st < 0 ? dom_session_fail_state(session, st) : dom_session_commit(session);
}

static enum dom_status
sync_list_page(struct dom_session *session, struct dom_arena *arena, struct dom_pages *pages,
    bool *done_r, bool *bad_token_r)
{
	struct dom_call *call = NULL;
	struct wire_list list;
	struct dom_slice token;
	const char *escaped;
	enum dom_status st;

	if ((st = dom_state_get(session->state, "token", arena, &token)) < 0)
		return dom_session_fail_state(session, st);
	if ((escaped = dom_url_escape(arena, token)) != NULL)
		call = dom_call_new(session, "GET",
		    "api/v1/collection/?prefetch=medium&limit=%d%s%s", COLLECTIONS_PAGE,
		    token.size > 0 ? "&stoken=" : "", escaped);
	if (call == NULL)
		return no_memory(session);
	if ((st = dom_call_run(call)) != DOM_OK) {
		*bad_token_r = strcmp(call->code, "bad_stoken") == 0;
		goto out;
	}
	st = wire_list_decode(dom_call_reply(call), WIRE_LIST_COLLECTIONS, arena, &list);
	if (st == DOM_OK && !list.done && list.count == 0)
		st = DOM_EINPUT;
	if (st < 0) {
		st = st == DOM_ENOMEM ? no_memory(session) : no_list(session);
		goto out;
	}
	for (size_t i = 0; i < list.count && st == DOM_OK; i++)
		st = sync_listed(session, &list.collections[i], arena, bad_token_r);
	if (list.stoken.data != NULL)
		token = list.stoken;
	if (st == DOM_OK && !list.done && !dom_pages_more(pages, token))
		st = no_end(session);
	if (st == DOM_OK)
		st = keep_list(session, call, &list, token, arena);
	*done_r = list.done;
out:
	dom_call_free(&call);
	return st;
}

/* A listing from the start: collections that it does not name are gone. */
static enum dom_status
start_over(struct dom_session *session, struct dom_arena *arena)
{
	char text[24];
	struct dom_slice token;
	int64_t seen;
	enum dom_status st;

	if ((st = dom_state_get(session->state, "token", arena, &token)) < 0 ||
	    (st = seen_now(session, arena, &seen)) < 0)
		return dom_session_fail_state(session, st);
	if (token.size > 0)
		return DOM_OK;
	snprintf(text, sizeof(text), "%lld", (long long)seen + 1);
	if ((st = dom_state_set(session->state, "seen", dom_slice_of(text))) < 0 ||
	    (st = dom_state_set(session->state, "unseen", dom_slice("1", 1))) < 0)
		return dom_session_fail_state(session, st);
	return dom_session_commit(session);
}

enum dom_status
dom_sync(struct dom_session *session)
{
	struct dom_arena *arena = dom_arena_new(0);
	bool bad_token = false;
	enum dom_status st = DOM_ENOMEM;

	if (arena == NULL)
		return no_memory(session);
	/* A second try follows a token that the server does not know, once. */
	for (int attempt = 0; attempt < 2; attempt++) {
		struct dom_pages pages = {0};
		bool done = false;

		bad_token = false;
		st = start_over(session, arena);
		while (st == DOM_OK && !done) {
			dom_arena_reset(arena);
			st = sync_list_page(session, arena, &pages, &done, &bad_token);
		}
		if (!bad_token)
			break;
		/* The server was restored from a backup: compare everything anew. */
		dom_position_set(&session->position, "");
		if ((st = dom_state_forget_tokens(session->state)) < 0) {
			st = dom_session_fail_state(session, st);
			break;
		}
		if ((st = dom_session_commit(session)) < 0)
			break;
	}
	if (st < 0)
		dom_state_rollback(session->state);
	dom_arena_free(&arena);
	return st;
}
