/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Finding, making and listing collections, and storing single items. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#include "crypto/content.h"

#include "client/call.h"
#include "client/content.h"

enum { PUT_SIZE_MAX = 32 << 20 };

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

enum dom_status
dom_collection_item_key(const struct dom_collection *collection, struct dom_slice uid,
    struct dom_slice encryption_key, struct dom_item_key *key)
{
	if (encryption_key.data != NULL)
		return dom_item_key_open(collection->key, encryption_key, key);
	return dom_item_key_derive(collection->key, uid, key);
}

void
dom_collection_fingerprint(const struct dom_collection *collection, const uint8_t digest[32],
    char text_r[DOM_UID_TEXT_SIZE + 1])
{
	uint8_t name[6 + 32];

	memcpy(name, "digest", 6);
	memcpy(name + 6, digest, 32);
	dom_collection_record_uid(collection->key, dom_slice(name, sizeof(name)), text_r);
}

enum dom_status
dom_collection_from_row(struct dom_session *session, const struct dom_collection_row *row,
    struct dom_collection **collection_r)
{
	struct dom_collection *collection = calloc(1, sizeof(*collection));
	enum dom_status st;

	*collection_r = NULL;
	if (collection == NULL)
		return no_memory(session);
	collection->session = session;
	collection->number = row->number;
	snprintf(collection->uid, sizeof(collection->uid), "%.*s", (int)row->uid.size,
	    (const char *)row->uid.data);
	if (row->etag.size <= DOM_ETAG_SIZE_MAX)
		snprintf(collection->etag, sizeof(collection->etag), "%.*s",
		    (int)row->etag.size, (const char *)row->etag.data);
	st = dom_collection_key_open(session->account, row->sealed_key,
	    row->sealed_type.data == NULL ? dom_slice("", 0) : row->sealed_type,
	    &collection->key);
	if (st < 0) {
		free(collection);
		return dom_session_fail(session, st,
		    "The key of collection %.*s cannot be opened: the server sent something "
		    "else, or it is damaged. Its contents were not touched",
		    (int)row->uid.size, (const char *)row->uid.data);
	}
	if (row->sealed_key.size == sizeof(collection->sealed_key))
		memcpy(collection->sealed_key, row->sealed_key.data, row->sealed_key.size);
	*collection_r = collection;
	return DOM_OK;
}

void
dom_collection_free(struct dom_collection **collection)
{
	struct dom_collection *old = *collection;

	if (old == NULL)
		return;
	*collection = NULL;
	dom_collection_key_free(&old->key);
	free(old);
}

/* DOM_ABSENT too if it is deleted; *deleted_r tells. */
static enum dom_status
open_local(struct dom_session *session, struct dom_slice uid, bool *deleted_r,
    struct dom_collection **collection_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_collection_row row;
	enum dom_status st;

	*collection_r = NULL;
	*deleted_r = false;
	if (arena == NULL)
		return no_memory(session);
	st = dom_state_collection_find(session->state, uid, arena, &row);
	if (st < 0) {
		st = dom_session_fail_state(session, st);
	} else if (st == DOM_OK) {
		*deleted_r = row.deleted;
		st = dom_collection_from_row(session, &row, collection_r);
	}
	dom_arena_free(&arena);
	return st;
}

enum dom_status
dom_collection_open(
    struct dom_session *session, const char *uid, struct dom_collection **collection_r)
{
	bool deleted;
	enum dom_status st = open_local(session, dom_slice_of(uid), &deleted, collection_r);

	if (st == DOM_OK && deleted) {
		dom_collection_free(collection_r);
		st = DOM_ABSENT;
	}
	return st == DOM_ABSENT
	           ? dom_session_fail(session, st, "There is no collection %s here", uid)
	           : st;
}

enum dom_status
dom_collection_find(
    struct dom_session *session, const char *name, struct dom_collection **collection_r)
{
	char uid[DOM_UID_TEXT_SIZE + 1];
	bool deleted;
	enum dom_status st;

	dom_account_named_uid(session->account, dom_slice_of(name), uid);
	st = open_local(session, dom_slice_of(uid), &deleted, collection_r);
	if (st == DOM_OK && deleted) {
		dom_collection_free(collection_r);
		st = DOM_ABSENT;
	}
	return st == DOM_ABSENT ? dom_session_fail(session, st, "There is no %s yet", name)
	                        : st;
}

struct creation {
	struct dom_collection_key *key;
	struct dom_item_key *item_key;
	struct dom_buffer type;
	struct dom_sealer sealer;
	struct dom_content content;
	uint8_t sealed_key[DOM_WRAPPED_KEY_SIZE];
	struct wire_collection wire;
};

static void
creation_free(struct creation *creation)
{
	dom_collection_key_free(&creation->key);
	dom_item_key_free(&creation->item_key);
	dom_buffer_free(&creation->type);
	dom_sealer_free(&creation->sealer);
	dom_content_free(&creation->content);
}

static enum dom_status
seal_new(struct dom_session *session, const char *uid, const char *name, const char *type,
    struct creation *creation)
{
	const struct dom_clock clock = dom_clock_system();
	const struct dom_meta meta = {
	    .name = dom_slice_of(name), .mtime_ms = dom_clock_now_ms(&clock), .size = -1};
	struct wire_collection *wire = &creation->wire;
	enum dom_status st;

	if ((creation->item_key = dom_item_key_new()) == NULL)
		return DOM_ENOMEM;
	if ((st = dom_collection_type_seal(
	         session->account, dom_slice_of(type), &creation->type)) < 0 ||
	    (st = dom_collection_key_create(&session->random, &creation->key)) < 0 ||
	    (st = dom_collection_key_seal(session->account, creation->key,
	         dom_buffer_slice(&creation->type), &session->random, creation->sealed_key)) <
	        0 ||
	    (st = dom_item_key_derive(creation->key, dom_slice_of(uid), creation->item_key)) <
	        0)
		return st;
	wire->item.uid = dom_slice_of(uid);
	wire->collection_type = dom_buffer_slice(&creation->type);
	wire->collection_key = dom_slice(creation->sealed_key, DOM_WRAPPED_KEY_SIZE);
	wire->access_level = WIRE_ACCESS_ADMIN;
	return dom_sealer_seal(&creation->sealer, creation->item_key, &meta, false,
	    &creation->content, &session->random, &wire->item);
}

/* As the server has it now; wire_r lives in the arena and the call, which the caller frees. */
static enum dom_status
ask(struct dom_session *session, const char *uid, struct dom_arena *arena,
    struct dom_call **call_r, struct wire_collection *wire_r)
{
	struct wire_reject reject;
	enum dom_status st;

	*call_r = dom_call_new(session, "GET", "api/v1/collection/%s/?prefetch=medium", uid);
	if (arena == NULL || *call_r == NULL)
		return no_memory(session);
	if ((st = dom_call_run(*call_r)) != DOM_OK)
		return st;
	if (wire_collection_decode(dom_call_reply(*call_r), arena, wire_r, &reject) == DOM_OK &&
	    dom_slice_is(wire_r->item.uid, uid))
		return DOM_OK;
	return dom_session_fail(session, DOM_ESERVER,
	    "%s sent a collection that cannot be read", session->server_url);
}

/* Another device made it first: take theirs, with what is in it. */
static enum dom_status
adopt(struct dom_session *session, const char *uid)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call;
	struct wire_collection wire;
	bool bad_token = false;
	int64_t number;
	enum dom_status st;

	if ((st = ask(session, uid, arena, &call, &wire)) != DOM_OK)
		goto out;
	if ((st = dom_sync_collection(session, &wire, arena, &number)) < 0 ||
	    (st = dom_session_commit(session)) < 0)
		goto out;
	st = dom_sync_items(session, dom_slice_of(uid), &bad_token);
out:
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}

enum dom_status
dom_collection_is_remade(const struct dom_collection *collection, bool *remade_r)
{
	struct dom_session *session = collection->session;
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call;
	struct wire_collection wire;
	enum dom_status st;

	*remade_r = false;
	if ((st = ask(session, collection->uid, arena, &call, &wire)) != DOM_OK)
		goto out;
	*remade_r = !dom_slice_equal(wire.collection_key,
	    dom_slice(collection->sealed_key, sizeof(collection->sealed_key)));
out:
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}

static enum dom_status
create(struct dom_session *session, const char *uid, const char *name, const char *type)
{
	struct creation creation = {0};
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call = dom_call_new(session, "POST", "api/v1/collection/");
	int64_t number;
	enum dom_status st;

	if (arena == NULL || call == NULL ||
	    (st = seal_new(session, uid, name, type, &creation)) < 0) {
		st = no_memory(session);
		goto out;
	}
	wire_collection_encode(&call->body, &creation.wire, false);
	st = dom_call_run(call);
	if (st == DOM_CONFLICT && strcmp(call->code, "unique_uid") == 0) {
		st = adopt(session, uid);
		goto out;
	}
	if (st != DOM_OK)
		goto out;
	if ((st = dom_sync_collection(session, &creation.wire, arena, &number)) < 0)
		goto out;
	if ((st = dom_session_wrote(session, call->exchange.position, number)) == DOM_OK)
		st = dom_session_commit(session);
out:
	if (st < 0)
		dom_state_rollback(session->state);
	creation_free(&creation);
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}

bool
dom_collection_is_other(const struct dom_call *call)
{
	return call->status == DOM_CONFLICT && strcmp(call->code, "dep_failed") == 0;
}

static enum dom_status
renew(struct dom_collection *collection, bool *deleted_r)
{
	struct dom_session *session = collection->session;
	struct dom_collection *now = NULL;
	enum dom_status st = adopt(session, collection->uid);

	if (st == DOM_OK)
		st = open_local(session, dom_slice_of(collection->uid), deleted_r, &now);
	if (st != DOM_OK)
		return st;
	if (now->etag[0] == '\0') {
		dom_collection_free(&now);
		return dom_session_fail(session, DOM_ESERVER,
		    "%s sent a collection that cannot be read; nothing was stored",
		    session->server_url);
	}
	dom_collection_key_free(&collection->key);
	*collection = *now;
	free(now);
	return DOM_OK;
}

enum dom_status
dom_collection_renew(struct dom_collection *collection)
{
	bool deleted;

	return renew(collection, &deleted);
}

void
dom_collection_learn(struct dom_collection *collection)
{
	struct dom_session *session = collection->session;
	char why[DOM_ERROR_SIZE];

	memcpy(why, session->error, sizeof(why));
	if (dom_collection_renew(collection) != DOM_OK)
		dom_state_rollback(session->state); /* the next sync learns it */
	memcpy(session->error, why, sizeof(why));
}

/* Send an item as a batch, and keep what was acknowledged. *other_r: it is another collection.
 */
static enum dom_status
send_item(struct dom_collection *collection, struct wire_item *item,
    const struct dom_item_row *row, bool *other_r)
{
	struct wire_dep main = {
	    .uid = dom_slice_of(collection->uid), .etag = dom_slice_of(collection->etag)};
	struct dom_session *session = collection->session;
	struct dom_call *call =
	    dom_call_new(session, "POST", "api/v1/collection/%s/item/batch/", collection->uid);
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	wire_batch_encode(
	    &call->body, &(struct wire_batch){
	                     .items = item, .item_count = 1, .deps = &main, .dep_count = 1});
	st = dom_call_run(call);
	*other_r = dom_collection_is_other(call);
	if (st != DOM_OK)
		goto out;
	if (row != NULL &&
	    (st = dom_state_item_put(session->state, collection->number, row)) < 0) {
		dom_session_fail_state(session, st);
		goto out;
	}
	if ((st = dom_session_wrote(session, call->exchange.position, collection->number)) ==
	    DOM_OK)
		st = dom_session_commit(session);
out:
	if (st < 0)
		dom_state_rollback(session->state);
	dom_call_free(&call);
	return st;
}

/* Another app deleted it: a new revision of its main item brings it back. */
static enum dom_status
undelete(struct dom_collection *collection, const char *name)
{
	struct dom_session *session = collection->session;
	const struct dom_clock clock = dom_clock_system();
	const struct dom_meta meta = {
	    .name = dom_slice_of(name), .mtime_ms = dom_clock_now_ms(&clock), .size = -1};
	struct wire_item item = {.uid = dom_slice_of(collection->uid)};
	struct dom_item_key *key = dom_item_key_new();
	struct dom_sealer sealer = {0};
	struct dom_content content = {0};
	bool is_other = false;
	enum dom_status st = DOM_ENOMEM;

	if (key == NULL || (st = dom_item_key_derive(collection->key, item.uid, key)) < 0 ||
	    (st = dom_sealer_seal(
	         &sealer, key, &meta, false, &content, &session->random, &item)) < 0)
		no_memory(session);
	else
		st = send_item(collection, &item, NULL, &is_other);
	dom_item_key_free(&key);
	dom_sealer_free(&sealer);
	dom_content_free(&content);
	return st == DOM_OK || is_other ? adopt(session, collection->uid) : st;
}

enum dom_status
dom_collection_ensure(struct dom_session *session, const char *name, const char *type,
    struct dom_collection **collection_r)
{
	char uid[DOM_UID_TEXT_SIZE + 1];
	bool deleted;
	enum dom_status st;

	dom_account_named_uid(session->account, dom_slice_of(name), uid);
	st = open_local(session, dom_slice_of(uid), &deleted, collection_r);
	if (st == DOM_ABSENT) {
		if ((st = create(session, uid, name, type)) != DOM_OK)
			return st;
		st = open_local(session, dom_slice_of(uid), &deleted, collection_r);
	}
	if (st == DOM_OK && (*collection_r)->etag[0] == '\0')
		st = renew(*collection_r, &deleted);
	/* Twice: another device may have brought it back and deleted it again, or made it anew.
	 */
	for (int attempt = 0; attempt < 2 && st == DOM_OK && deleted; attempt++) {
		st = undelete(*collection_r, name);
		dom_collection_free(collection_r);
		if (st == DOM_OK)
			st = open_local(session, dom_slice_of(uid), &deleted, collection_r);
	}
	if (st != DOM_OK)
		dom_collection_free(collection_r);
	return st;
}

enum dom_status
dom_collections_each(struct dom_session *session,
    enum dom_status (*each)(void *context, const struct dom_collection_info *info),
    void *context)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_collection_row *rows;
	size_t count;
	enum dom_status st;

	if (arena == NULL)
		return no_memory(session);
	if ((st = dom_state_collection_all(session->state, arena, &rows, &count)) < 0) {
		st = dom_session_fail_state(session, st);
		goto out;
	}
	for (size_t i = 0; i < count && st >= 0; i++) {
		struct dom_collection_info info = {
		    .uid = (const char *)rows[i].uid.data,
		    .type = (const char *)rows[i].type.data,
		    .name = (const char *)rows[i].name.data,
		    .access_level = rows[i].access_level,
		};

		if (rows[i].deleted)
			continue;
		st = dom_state_collection_count(
		    session->state, rows[i].number, &info.items, &info.bytes);
		if (st < 0) {
			st = dom_session_fail_state(session, st);
			break;
		}
		st = each(context, &info);
	}
out:
	dom_arena_free(&arena);
	return st < 0 ? st : DOM_OK;
}

/* Metadata that other apps gave the item. */
static enum dom_status
recall_extra(struct dom_collection *collection, struct dom_slice uid, struct dom_buffer *extra)
{
	struct dom_session *session = collection->session;
	struct dom_item_row row;
	enum dom_status st = dom_state_item_find(session->state, collection->number, uid, &row);

	if (st < 0)
		return dom_session_fail_state(session, st);
	if (st == DOM_OK && row.extra.data != NULL)
		dom_buffer_append_slice(extra, row.extra);
	return dom_buffer_finish(extra);
}

/* Seal it with the key that we know now, and send it. */
static enum dom_status
put(struct dom_collection *collection, const struct dom_item_new *new, const char *uid,
    bool *other_r)
{
	struct dom_session *session = collection->session;
	struct dom_item_key *key = NULL;
	struct dom_buffer sealed = {0}, extra = {0};
	struct dom_sealer sealer = {0};
	struct dom_content content = {0};
	struct wire_item item = {.uid = dom_slice_of(uid)};
	struct dom_meta meta = {.name = dom_slice_of(new->name),
	    .mtime_ms = new->mtime_ms,
	    .size = new->deleted ? -1 : (int64_t) new->content.size};
	struct dom_item_row row;
	enum dom_status st;

	if ((st = recall_extra(collection, item.uid, &extra)) < 0)
		goto out;
	if (extra.size > 0)
		meta.extra = dom_buffer_slice(&extra);
	st = DOM_ENOMEM;
	if ((key = dom_item_key_new()) == NULL ||
	    (st = dom_item_key_derive(collection->key, item.uid, key)) < 0 ||
	    (st = dom_content_seal(&content, key,
	         new->deleted ? dom_slice("", 0) : new->content, &session->random, &sealed)) <
	        0 ||
	    (st = dom_sealer_seal(
	         &sealer, key, &meta, new->deleted, &content, &session->random, &item)) < 0) {
		no_memory(session);
		goto out;
	}
	row = (struct dom_item_row){.uid = item.uid,
	    .etag = item.content.uid,
	    .name = meta.name,
	    .mtime_ms = meta.mtime_ms,
	    .size = meta.size,
	    .deleted = new->deleted,
	    .chunks = content.chunk_count,
	    .extra = meta.extra};
	st = send_item(collection, &item, &row, other_r);
out:
	dom_item_key_free(&key);
	dom_buffer_free(&sealed);
	dom_buffer_free(&extra);
	dom_sealer_free(&sealer);
	dom_content_free(&content);
	return st;
}

enum dom_status
dom_item_put(struct dom_collection *collection, const struct dom_item_new *new, char uid_r[33])
{
	struct dom_session *session = collection->session;
	char uid[DOM_UID_SIZE_MAX + 1];
	bool is_other = collection->etag[0] == '\0';
	enum dom_status st = DOM_OK;

	uid_r[0] = '\0';
	if (new->content.size > PUT_SIZE_MAX)
		return dom_session_fail(session, DOM_ELIMIT,
		    "This item is over 32 MiB; import it as a file instead");
	if (new->uid != NULL && !wire_uid_valid(dom_slice_of(new->uid)))
		return dom_session_fail(session, DOM_EINPUT, "This is not an item's uid");
	if (new->uid != NULL)
		snprintf(uid, sizeof(uid), "%s", new->uid);
	else
		dom_uid_create(&session->random, uid);
	if (!is_other)
		st = put(collection, new, uid, &is_other);
	if (is_other && (st = dom_collection_renew(collection)) == DOM_OK)
		st = put(collection, new, uid, &is_other);
	if (st == DOM_OK)
		snprintf(uid_r, 33, "%.32s", uid);
	return st;
}
