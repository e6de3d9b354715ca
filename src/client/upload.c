/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests in flight, and batches; cutting content is in upload_item.c. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/msgpack.h"

#include "client/upload_parts.h"

enum {
	BATCH_ITEMS_MAX = 200,
	BATCH_SIZE_MAX = 1 << 20,
	COMMIT_ROWS_MAX = 5000, /* what a crash loses of the index, the next sync lists */
	COMMIT_PAUSE_MS = 2000,
	TRANSFERS_MAX = 16,  /* more would only wait for a connection, in memory */
	ITEMS_HEADER_AT = 7, /* fixmap(2) and the text "items" come before it */
};

struct batch {
	struct dom_buffer body;
	struct dom_arena *arena;
	size_t count;
	uint64_t plain_bytes;
	struct dom_item_row rows[BATCH_ITEMS_MAX];
	bool had_chunks[BATCH_ITEMS_MAX];
};

enum dom_status
dom_upload_fail(struct dom_upload *upload, enum dom_status status)
{
	if (upload->failed == DOM_OK)
		upload->failed = status;
	return upload->failed;
}

enum dom_status
dom_upload_no_memory(struct dom_upload *upload)
{
	dom_session_fail(upload->collection->session, DOM_ENOMEM, "There is not enough memory");
	return dom_upload_fail(upload, DOM_ENOMEM);
}

static enum dom_status
fail_state(struct dom_upload *upload, enum dom_status status)
{
	return dom_upload_fail(
	    upload, dom_session_fail_state(upload->collection->session, status));
}

static void
batch_free(struct batch **batch)
{
	struct batch *old = *batch;

	if (old == NULL)
		return;
	*batch = NULL;
	dom_buffer_free(&old->body);
	dom_arena_free(&old->arena);
	free(old);
}

void
dom_upload_item_free(struct dom_upload_item **item)
{
	struct dom_upload_item *old = *item;

	if (old == NULL)
		return;
	*item = NULL;
	dom_content_free(&old->content);
	dom_arena_free(&old->arena);
	free(old->known);
	free(old);
}

/* --- requests -------------------------------------------------------------------- */

static void
transfer_unlink(struct dom_upload *upload, struct dom_transfer *transfer)
{
	struct dom_transfer **at = &upload->transfers;

	while (*at != transfer)
		at = &(*at)->next;
	*at = transfer->next;
	upload->flying_bytes -= transfer->bytes;
	upload->flying_count--;
}

static void
chunk_acknowledged(struct dom_upload *upload, struct dom_transfer *transfer)
{
	struct dom_upload_item *item = transfer->item;
	struct dom_call *call = transfer->call;
	enum dom_status st;

	item->chunks_flying--;
	if (call->status == DOM_CONFLICT && strcmp(call->code, "chunk_exists") == 0)
		call->status = DOM_OK;
	if (call->status != DOM_OK) {
		enum dom_status failed = dom_call_fail(call);

		/* The collection is gone, or someone else's business. */
		dom_upload_fail(upload, failed < 0 ? failed : DOM_EDENIED);
	} else {
		st = dom_state_chunk_add(upload->collection->session->state,
		    upload->collection->number, item->options.uid,
		    dom_slice(transfer->chunk.text, DOM_CHUNK_UID_SIZE));
		if (st < 0)
			fail_state(upload, st);
		upload->acknowledged_chunks = true;
	}
	if (item->abandoned && item->chunks_flying == 0)
		dom_upload_item_free(&item);
}

static void
batch_refused(struct dom_upload *upload, struct dom_call *call)
{
	struct dom_session *session = upload->collection->session;
	enum dom_status st = dom_call_fail(call);

	if (strcmp(call->nested, "chunk_no_content") == 0 ||
	    strcmp(call->code, "chunk_no_content") == 0) {
		/* The server lost what it had acknowledged: send it anew next time. */
		if (dom_state_chunk_drop(session->state, upload->collection->number,
		        dom_slice(NULL, 0)) == DOM_OK)
			upload->acknowledged_chunks = true;
		st = dom_session_fail(session, DOM_EUNCERTAIN,
		    "The region no longer has pieces that were sent before, so some items were "
		    "not stored. Run the same command again: they will be sent anew");
	}
	if (dom_collection_is_other(call)) {
		upload->is_other = true;
		st = dom_session_fail(session, DOM_EUNCERTAIN,
		    "Another device has changed or made anew what this is stored in, so some "
		    "items were not stored. Run the same command again: it goes on with what "
		    "is "
		    "there now");
	}
	dom_upload_fail(upload, st < 0 ? st : DOM_EDENIED);
}

static void
batch_acknowledged(struct dom_upload *upload, struct dom_transfer *transfer)
{
	struct dom_collection *collection = upload->collection;
	struct dom_session *session = collection->session;
	struct batch *batch = transfer->batch;
	enum dom_status st = DOM_OK;

	if (transfer->call->status != DOM_OK) {
		batch_refused(upload, transfer->call);
		return;
	}
	for (size_t i = 0; i < batch->count && st == DOM_OK; i++) {
		st = dom_state_item_put(session->state, collection->number, &batch->rows[i]);
		if (st == DOM_OK && batch->had_chunks[i])
			st = dom_state_chunk_drop(
			    session->state, collection->number, batch->rows[i].uid);
	}
	upload->stored += batch->count;
	upload->stored_bytes += batch->plain_bytes;
	upload->rows_uncommitted += batch->count;
	if (st < 0)
		fail_state(upload, st);
	else if ((st = dom_session_wrote(
	              session, transfer->call->exchange.position, collection->number)) < 0)
		dom_upload_fail(upload, st);
}

static void
transfer_done(struct dom_call *call)
{
	struct dom_transfer *transfer = call->context;
	struct dom_upload *upload = transfer->upload;

	transfer_unlink(upload, transfer);
	if (transfer->item != NULL)
		chunk_acknowledged(upload, transfer);
	else
		batch_acknowledged(upload, transfer);
	batch_free(&transfer->batch);
	dom_call_free(&transfer->call);
	free(transfer);
}

static enum dom_status
wait_for_room(struct dom_upload *upload, size_t bytes)
{
	struct dom_session *session = upload->collection->session;
	enum dom_status st;

	while (upload->failed == DOM_OK && upload->transfers != NULL &&
	       (upload->flying_count == TRANSFERS_MAX ||
	           upload->flying_bytes + bytes > DOM_IMPORT_WINDOW_BYTES))
		if ((st = dom_session_work(session, 1000)) < 0) {
			dom_session_fail(session, st, "The connection cannot be used any more");
			return dom_upload_fail(upload, st);
		}
	return upload->failed;
}

enum dom_status
dom_upload_start(struct dom_upload *upload, struct dom_transfer *transfer)
{
	struct dom_call *call = transfer->call;
	enum dom_status st;

	transfer->upload = upload;
	transfer->bytes = call->body.capacity;
	call->context = transfer;
	call->done = transfer_done;
	if ((st = wait_for_room(upload, transfer->bytes)) < 0)
		goto out;
	if ((st = dom_call_submit(call)) < 0) {
		call->status = st;
		dom_upload_fail(upload, dom_call_fail(call));
		goto out;
	}
	transfer->next = upload->transfers;
	upload->transfers = transfer;
	upload->flying_bytes += transfer->bytes;
	upload->flying_count++;
	if (transfer->item != NULL)
		transfer->item->chunks_flying++;
	return DOM_OK;
out:
	batch_free(&transfer->batch);
	dom_call_free(&transfer->call);
	free(transfer);
	return st;
}

/* --- batches --------------------------------------------------------------------- */

static struct batch *
batch_new(void)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch == NULL || (batch->arena = dom_arena_new(0)) == NULL) {
		free(batch);
		return NULL;
	}
	/* {items: [..], deps} with the count to be filled in: an array header of 3 bytes. */
	dom_pack_put_map(&batch->body, 2);
	dom_pack_put_text(&batch->body, "items");
	assert(batch->body.failed != DOM_OK || batch->body.size == ITEMS_HEADER_AT);
	dom_buffer_append(&batch->body, "\xdc\0\0", 3);
	return batch;
}

static enum dom_status
batch_send(struct dom_upload *upload)
{
	const struct wire_dep main = {.uid = dom_slice_of(upload->collection->uid),
	    .etag = dom_slice_of(upload->collection->etag)};
	struct batch *batch = upload->batch;
	struct dom_transfer *transfer;

	if (batch == NULL)
		return upload->failed;
	upload->batch = NULL;
	wire_deps_encode(&batch->body, &main, 1);
	if (dom_buffer_finish(&batch->body) < 0 ||
	    (transfer = calloc(1, sizeof(*transfer))) == NULL) {
		batch_free(&batch);
		return dom_upload_no_memory(upload);
	}
	if ((transfer->call = dom_call_new(upload->collection->session, "POST",
	         "api/v1/collection/%s/item/batch/", upload->collection->uid)) == NULL) {
		free(transfer);
		batch_free(&batch);
		return dom_upload_no_memory(upload);
	}
	batch->body.data[ITEMS_HEADER_AT + 1] = (uint8_t)(batch->count >> 8);
	batch->body.data[ITEMS_HEADER_AT + 2] = (uint8_t)batch->count;
	transfer->batch = batch;
	transfer->call->body = batch->body;
	batch->body = (struct dom_buffer){0};
	return dom_upload_start(upload, transfer);
}

static bool
keep_row(
    struct batch *batch, const struct dom_upload_options *options, const struct wire_item *item)
{
	struct dom_item_row *row = &batch->rows[batch->count];
	const struct {
		struct dom_slice from;
		struct dom_slice *to;
	} copies[] = {
	    {options->uid, &row->uid},
	    {item->content.uid, &row->etag},
	    {options->name, &row->name},
	    {options->source, &row->source},
	    {options->fingerprint, &row->fingerprint},
	    {options->extra, &row->extra},
	};

	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		if (copies[i].from.data == NULL)
			continue;
		*copies[i].to = dom_arena_copy(batch->arena, copies[i].from);
		if (copies[i].to->data == NULL)
			return false;
	}
	row->order = options->order;
	row->mtime_ms = options->mtime_ms;
	row->size = (int64_t)options->size;
	row->chunks = item->content.chunk_count;
	return true;
}

enum dom_status
dom_upload_enlist(struct dom_upload *upload, const struct dom_upload_options *options,
    const struct dom_content *content, bool had_chunks)
{
	const struct dom_meta meta = {
	    .name = options->name,
	    .source = options->source,
	    .order = options->order,
	    .mtime_ms = options->mtime_ms,
	    .size = (int64_t)options->size,
	    .digest = dom_slice(options->digest, sizeof(options->digest)),
	    .extra = options->extra,
	};
	struct dom_session *session = upload->collection->session;
	struct wire_item item = {.uid = options->uid};
	struct batch *batch;
	enum dom_status st;

	if (upload->batch == NULL && (upload->batch = batch_new()) == NULL)
		return dom_upload_no_memory(upload);
	batch = upload->batch;
	st = dom_sealer_seal(
	    &upload->sealer, upload->key, &meta, false, content, &session->random, &item);
	if (st < 0 || !keep_row(batch, options, &item))
		return dom_upload_no_memory(upload);
	wire_item_encode(&batch->body, &item, false);
	if (dom_buffer_finish(&batch->body) < 0)
		return dom_upload_no_memory(upload);
	batch->had_chunks[batch->count++] = had_chunks;
	batch->plain_bytes += options->size;
	if (batch->count == BATCH_ITEMS_MAX || batch->body.size >= BATCH_SIZE_MAX)
		return batch_send(upload);
	return DOM_OK;
}

/* --- going on ---------------------------------------------------------------------- */

static enum dom_status
commit(struct dom_upload *upload)
{
	enum dom_status st = dom_session_commit(upload->collection->session);

	upload->rows_uncommitted = 0;
	upload->acknowledged_chunks = false;
	upload->committed_ms = dom_monotonic_ms();
	return st < 0 ? dom_upload_fail(upload, st) : DOM_OK;
}

/* Items whose chunks have all arrived go into the batch. */
static enum dom_status
enlist_ready(struct dom_upload *upload)
{
	struct dom_upload_item **at = &upload->waiting;

	while (*at != NULL && upload->failed == DOM_OK) {
		struct dom_upload_item *item = *at;
		enum dom_status st;

		if (item->chunks_flying > 0) {
			at = &item->next;
			continue;
		}
		*at = item->next;
		st = dom_item_key_derive(
		    upload->collection->key, item->options.uid, upload->key);
		if (st == DOM_OK)
			st = dom_upload_enlist(upload, &item->options, &item->content, true);
		dom_upload_item_free(&item);
		if (st < 0)
			return dom_upload_fail(upload, st);
		/* The list may have changed while a batch waited for room. */
		at = &upload->waiting;
	}
	return upload->failed;
}

enum dom_status
dom_upload_pump(struct dom_upload *upload)
{
	enum dom_status st;

	if (upload->transfers != NULL &&
	    (st = dom_session_work(upload->collection->session, 0)) < 0)
		return dom_upload_fail(upload, st);
	if ((st = enlist_ready(upload)) < 0)
		return st;
	if (upload->acknowledged_chunks || upload->rows_uncommitted >= COMMIT_ROWS_MAX ||
	    (upload->rows_uncommitted > 0 &&
	        dom_monotonic_ms() - upload->committed_ms >= COMMIT_PAUSE_MS))
		return commit(upload);
	return DOM_OK;
}

enum dom_status
dom_upload_finish(struct dom_upload *upload)
{
	struct dom_session *session = upload->collection->session;
	enum dom_status st;

	while (upload->failed == DOM_OK) {
		if (dom_upload_pump(upload) < 0)
			break;
		/* With nothing on its way the last, unfilled batch goes. */
		if (upload->batch != NULL && upload->waiting == NULL && batch_send(upload) < 0)
			break;
		if (upload->transfers == NULL && upload->waiting == NULL &&
		    upload->batch == NULL)
			break;
		if ((st = dom_session_work(session, 1000)) < 0)
			dom_upload_fail(upload, st);
	}
	/* After a failure, what is on its way still counts. */
	while (upload->transfers != NULL && dom_session_work(session, 1000) >= 0)
		continue;
	if ((st = commit(upload)) < 0)
		return st;
	if (upload->is_other)
		dom_collection_learn(upload->collection);
	return upload->failed;
}

enum dom_status
dom_upload_open(struct dom_collection *collection, struct dom_upload **upload_r)
{
	struct dom_upload *upload;
	enum dom_status st;

	*upload_r = NULL;
	if (collection->etag[0] == '\0' && (st = dom_collection_renew(collection)) != DOM_OK)
		return st < 0 ? st : DOM_EDENIED;
	upload = calloc(1, sizeof(*upload));
	if (upload == NULL || (upload->key = dom_item_key_new()) == NULL ||
	    (upload->cut_key = dom_item_key_new()) == NULL) {
		if (upload != NULL)
			dom_item_key_free(&upload->key);
		free(upload);
		return dom_session_fail(
		    collection->session, DOM_ENOMEM, "There is not enough memory");
	}
	upload->collection = collection;
	upload->committed_ms = dom_monotonic_ms();
	*upload_r = upload;
	return DOM_OK;
}

void
dom_upload_close(struct dom_upload **upload)
{
	struct dom_upload *old = *upload;

	if (old == NULL)
		return;
	*upload = NULL;
	dom_upload_abandon(old);
	/* Requests under way end by themselves; nobody waits for them. */
	while (old->transfers != NULL) {
		struct dom_transfer *transfer = old->transfers;
		struct dom_upload_item *item = transfer->item;

		old->transfers = transfer->next;
		if (item != NULL && --item->chunks_flying == 0 && item->abandoned)
			dom_upload_item_free(&item);
		batch_free(&transfer->batch);
		dom_call_free(&transfer->call);
		free(transfer);
	}
	while (old->waiting != NULL) {
		struct dom_upload_item *item = old->waiting;

		old->waiting = item->next;
		dom_upload_item_free(&item);
	}
	batch_free(&old->batch);
	dom_sealer_free(&old->sealer);
	dom_content_free(&old->content);
	dom_buffer_free(&old->sealed);
	dom_buffer_free(&old->piece);
	dom_item_key_free(&old->key);
	dom_item_key_free(&old->cut_key);
	free(old);
}

void
dom_upload_counts(const struct dom_upload *upload, uint64_t *stored_r, uint64_t *stored_bytes_r)
{
	*stored_r = upload->stored;
	*stored_bytes_r = upload->stored_bytes;
}
