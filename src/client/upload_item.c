/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One item's content: sealed whole, or cut and sent ahead chunk by chunk. */
#include <stdlib.h>

#include "client/upload_parts.h"

enum dom_status
dom_upload_small(struct dom_upload *upload, const struct dom_upload_options *options,
    struct dom_slice content)
{
	struct dom_session *session = upload->collection->session;
	enum dom_status st;

	if (upload->failed < 0)
		return upload->failed;
	if ((st = dom_item_key_derive(upload->collection->key, options->uid, upload->key)) <
	        0 ||
	    (st = dom_content_seal(&upload->content, upload->key, content, &session->random,
	         &upload->sealed)) < 0)
		return dom_upload_no_memory(upload);
	if ((st = dom_upload_enlist(upload, options, &upload->content, false)) < 0)
		return st;
	return dom_upload_pump(upload);
}

/* What the revision before consists of need not be sent again. */
static void
learn_known(struct dom_upload *upload, struct dom_upload_item *item)
{
	struct dom_session *session = upload->collection->session;
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call = dom_call_new(session, "GET",
	    "api/v1/collection/%s/item/%.*s/?prefetch=medium", upload->collection->uid,
	    (int)item->options.uid.size, (const char *)item->options.uid.data);
	struct wire_item wire;

	/* Only a saving: without it the server answers that it has them. */
	if (arena == NULL || call == NULL || dom_call_run(call) != DOM_OK ||
	    wire_item_decode(dom_call_reply(call), arena, &wire) != DOM_OK)
		goto out;
	item->known = calloc(wire.content.chunk_count + 1, sizeof(*item->known));
	if (item->known == NULL)
		goto out;
	for (size_t i = 0; i < wire.content.chunk_count; i++) {
		if (wire.content.chunks[i].uid.size != DOM_CHUNK_UID_SIZE)
			continue;
		memcpy(item->known[item->known_count++].text, wire.content.chunks[i].uid.data,
		    DOM_CHUNK_UID_SIZE);
	}
out:
	dom_call_free(&call);
	dom_arena_free(&arena);
}

/* The caller's slices do not live long enough. */
static bool
copy_options(struct dom_upload_item *item, const struct dom_upload_options *options)
{
	struct dom_slice *const copies[] = {&item->options.uid, &item->options.name,
	    &item->options.source, &item->options.fingerprint, &item->options.extra};

	item->options = *options;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		if (copies[i]->data == NULL)
			continue;
		*copies[i] = dom_arena_copy(item->arena, *copies[i]);
		if (copies[i]->data == NULL)
			return false;
	}
	return true;
}

enum dom_status
dom_upload_begin(struct dom_upload *upload, const struct dom_upload_options *options)
{
	struct dom_upload_item *item;

	if (upload->failed < 0)
		return upload->failed;
	if ((item = calloc(1, sizeof(*item))) == NULL ||
	    (item->arena = dom_arena_new(0)) == NULL) {
		free(item);
		return dom_upload_no_memory(upload);
	}
	upload->cutting = item;
	if (!copy_options(item, options) || dom_item_key_derive(upload->collection->key,
	                                        item->options.uid, upload->cut_key) < 0)
		return dom_upload_no_memory(upload);
	dom_splitter_start(&item->splitter, &dom_split_large);
	dom_buffer_clear(&upload->piece);
	if (options->is_revision)
		learn_known(upload, item);
	return DOM_OK;
}

static bool
is_among(const struct dom_chunk_uid *uids, size_t count, const struct dom_chunk_uid *uid)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(uids[i].text, uid->text, DOM_CHUNK_UID_SIZE) == 0)
			return true;
	return false;
}

/* Room for exactly size bytes: doubling would double what is in flight. */
static bool
reserve(struct dom_buffer *buffer, size_t size)
{
	if ((buffer->data = malloc(size)) == NULL)
		return false;
	buffer->capacity = size;
	return true;
}

static enum dom_status
send_chunk(struct dom_upload *upload, const struct dom_chunk_uid *uid, struct dom_slice plain)
{
	struct dom_session *session = upload->collection->session;
	struct dom_upload_item *item = upload->cutting;
	struct dom_transfer *transfer;
	enum dom_status st;

	if (is_among(item->known, item->known_count, uid))
		return DOM_OK;
	st = dom_state_chunk_has(session->state, upload->collection->number, item->options.uid,
	    dom_slice(uid->text, DOM_CHUNK_UID_SIZE));
	if (st == DOM_OK)
		return DOM_OK;
	if (st < 0)
		return dom_upload_fail(upload, dom_session_fail_state(session, st));
	if ((transfer = calloc(1, sizeof(*transfer))) == NULL)
		return dom_upload_no_memory(upload);
	transfer->item = item;
	transfer->chunk = *uid;
	transfer->call = dom_call_new(session, "PUT",
	    "api/v1/collection/%s/item/%.*s/chunk/%s/", upload->collection->uid,
	    (int)item->options.uid.size, (const char *)item->options.uid.data, uid->text);
	if (transfer->call == NULL ||
	    !reserve(&transfer->call->body, dom_chunk_sealed_size(plain.size)) ||
	    dom_chunk_seal(upload->cut_key, plain, &session->random, &transfer->call->body) <
	        0) {
		dom_call_free(&transfer->call);
		free(transfer);
		return dom_upload_no_memory(upload);
	}
	return dom_upload_start(upload, transfer);
}

static enum dom_status
end_piece(struct dom_upload *upload)
{
	struct dom_content *content = &upload->cutting->content;
	struct dom_slice plain = dom_buffer_slice(&upload->piece);
	struct dom_chunk_uid uid;
	bool is_repeat;
	enum dom_status st = DOM_OK;

	if (dom_buffer_finish(&upload->piece) < 0)
		return dom_upload_no_memory(upload);
	dom_chunk_uid_of(upload->cut_key, plain, &uid);
	is_repeat = is_among(content->pieces, content->piece_count, &uid);
	if (dom_content_add(content, &uid) < 0)
		return dom_upload_no_memory(upload);
	if (!is_repeat)
		st = send_chunk(upload, &uid, plain);
	/* Not cleared by dom_buffer_clear(): the next piece overwrites it at once. */
	upload->piece.size = 0;
	return st;
}

enum dom_status
dom_upload_feed(struct dom_upload *upload, struct dom_slice bytes)
{
	enum dom_status st;

	if (upload->failed < 0)
		return upload->failed;
	if (upload->piece.capacity == 0 && !reserve(&upload->piece, dom_split_large.size_max))
		return dom_upload_no_memory(upload);
	while (bytes.size > 0) {
		bool cut = false;
		size_t taken = dom_splitter_feed(&upload->cutting->splitter, bytes, &cut);

		dom_buffer_append(&upload->piece, bytes.data, taken);
		bytes.data += taken;
		bytes.size -= taken;
		if (cut && (st = end_piece(upload)) < 0)
			return st;
	}
	return dom_upload_pump(upload);
}

enum dom_status
dom_upload_end(struct dom_upload *upload)
{
	struct dom_upload_item *item = upload->cutting;
	struct dom_session *session = upload->collection->session;
	enum dom_status st = upload->failed;

	if (st == DOM_OK && upload->piece.size > 0)
		st = end_piece(upload);
	if (st == DOM_OK &&
	    dom_content_list(&item->content, upload->cut_key, &session->random) < 0)
		st = dom_upload_no_memory(upload);
	if (st == DOM_OK && item->content.has_index)
		st = send_chunk(
		    upload, &item->content.index_uid, dom_buffer_slice(&item->content.index));
	if (st < 0) {
		dom_upload_abandon(upload);
		return st;
	}
	upload->cutting = NULL;
	item->next = upload->waiting;
	upload->waiting = item;
	return dom_upload_pump(upload);
}

void
dom_upload_abandon(struct dom_upload *upload)
{
	struct dom_upload_item *item = upload->cutting;

	if (item == NULL)
		return;
	upload->cutting = NULL;
	item->abandoned = true;
	dom_buffer_clear(&upload->piece);
	if (item->chunks_flying == 0)
		dom_upload_item_free(&item);
}
