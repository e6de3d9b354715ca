/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Large chunks go to the disk before their job runs, so that the writer never
 * waits for them.  Whether the request may store them is asked first, in a
 * snapshot: what is off does not reach the disk even for a moment.  The job
 * asks again, and its answer counts.
 */
#include <stdlib.h>

#include "services/vault/vault.h"

struct staged_chunk {
	size_t offset; /* of the content in the request's body */
	struct store_staged *staged;
};

struct service_staged {
	struct store *store;
	uint8_t owner_id[STORE_ID_SIZE]; /* of the chunk that is still coming */
	size_t count, capacity;
	struct staged_chunk *chunks; /* by ascending offset */
};

void
service_drop(struct service_staged **staged)
{
	struct service_staged *old = *staged;

	if (old == NULL)
		return;
	*staged = NULL;
	for (size_t i = 0; i < old->count; i++)
		store_staged_free(&old->chunks[i].staged);
	free(old->chunks);
	free(old);
}

static enum dom_status
stage_one(struct service_call *call, struct service_staged *staged,
    const uint8_t owner_id[STORE_ID_SIZE], struct dom_slice content)
{
	struct staged_chunk *chunks;

	if (staged->count == staged->capacity) {
		staged->capacity = staged->capacity == 0 ? 16 : staged->capacity * 2;
		chunks =
		    reallocarray(staged->chunks, staged->capacity, sizeof(*staged->chunks));
		if (chunks == NULL)
			return DOM_ENOMEM;
		staged->chunks = chunks;
	}
	staged->chunks[staged->count] =
	    (struct staged_chunk){.offset = (size_t)(content.data - call->request->body.data)};
	return store_chunk_stage(
	    call->service->store, owner_id, content, &staged->chunks[staged->count++].staged);
}

/* collection: 0 for one that is only about to be. */
static enum dom_status
stage_revision(struct service_call *call, struct service_staged *staged,
    const uint8_t owner_id[STORE_ID_SIZE], int64_t collection,
    const struct wire_revision *revision)
{
	for (size_t i = 0; i < revision->chunk_count; i++) {
		const struct wire_chunk *chunk = &revision->chunks[i];
		enum dom_status st = DOM_ABSENT;

		if (chunk->content.data == NULL ||
		    !store_chunk_stage_blocks(call->service->store, chunk->content.size))
			continue;
		if (collection != 0)
			st = store_chunk_has(call->txn, collection, chunk->uid);
		if (st == DOM_ABSENT)
			st = stage_one(call, staged, owner_id, chunk->content);
		if (st != DOM_OK)
			return st;
	}
	return DOM_OK;
}

static enum dom_status
stage_create(struct service_call *call, struct service_staged *staged)
{
	const struct consent_handle *consent;
	struct wire_collection wire;
	enum dom_status st;

	st = wire_collection_decode(call->request->body, call->arena, &wire, NULL);
	if (st == DOM_OK)
		st = consent_check(call, call->account.number, wire.collection_type, &consent);
	if (st == DOM_OK)
		st = stage_revision(call, staged, call->account.id, 0, &wire.item.content);
	return st;
}

static enum dom_status
stage_write(struct service_call *call, struct service_staged *staged)
{
	const struct consent_handle *consent;
	struct vault_place place;
	struct wire_batch batch;
	enum dom_status st;

	if ((st = vault_open(call, true, &place)) != DOM_OK ||
	    (st = vault_consent(call, &place, &consent)) != DOM_OK)
		return st;
	if (call->request->op == SERVICE_CHUNK_PUT)
		return stage_revision(call, staged, place.collection.owner_id,
		    place.collection.number,
		    &(struct wire_revision){.chunk_count = 1,
		        .chunks = &(struct wire_chunk){
		            .uid = call->request->chunk_uid, .content = call->request->body}});
	st = wire_batch_decode(call->request->body, call->arena, &batch, NULL);
	for (size_t i = 0; i < batch.item_count && st == DOM_OK; i++)
		st = stage_revision(call, staged, place.collection.owner_id,
		    place.collection.number, &batch.items[i].content);
	return st;
}

enum dom_status
vault_stage(struct service_call *call, struct service_staged **staged_r)
{
	struct service_staged *staged = calloc(1, sizeof(*staged));
	enum dom_status st;

	if (staged == NULL)
		return DOM_ENOMEM;
	if (call->request->op == SERVICE_COLLECTION_CREATE)
		st = stage_create(call, staged);
	else
		st = stage_write(call, staged);
	/* What is wrong with the request itself, the job will say. */
	if (st == DOM_EDENIED || st == DOM_EINPUT || st == DOM_ELIMIT)
		st = DOM_OK;
	if (st != DOM_OK)
		service_drop(&staged);
	*staged_r = staged;
	return st;
}

enum dom_status
vault_stage_begin(struct service_call *call, struct service_staged **staged_r)
{
	const struct consent_handle *consent;
	struct service_staged *staged;
	struct vault_place place;
	enum dom_status st;

	if ((st = vault_open(call, true, &place)) != DOM_OK ||
	    (st = vault_consent(call, &place, &consent)) != DOM_OK)
		return st;
	st = store_chunk_has(call->txn, place.collection.number, call->request->chunk_uid);
	if (st != DOM_ABSENT)
		return st;
	if ((staged = calloc(1, sizeof(*staged))) == NULL)
		return DOM_ENOMEM;
	/* Its content is the whole body. */
	if ((staged->chunks = calloc(1, sizeof(*staged->chunks))) == NULL) {
		free(staged);
		return DOM_ENOMEM;
	}
	staged->store = call->service->store;
	memcpy(staged->owner_id, place.collection.owner_id, STORE_ID_SIZE);
	staged->count = staged->capacity = 1;
	*staged_r = staged;
	return DOM_OK;
}

enum dom_status
service_stage_add(struct service_staged *staged, struct dom_slice piece)
{
	enum dom_status st = DOM_OK;

	/* A file is made only once there is something for it. */
	if (staged->chunks[0].staged == NULL)
		st = store_chunk_stage_begin(
		    staged->store, staged->owner_id, &staged->chunks[0].staged);
	return st < 0 ? st : store_chunk_stage_add(staged->chunks[0].staged, piece);
}

enum dom_status
service_stage_end(struct service_staged *staged)
{
	return store_chunk_stage_end(staged->chunks[0].staged);
}

static int
offset_compare(const void *key, const void *element)
{
	const struct staged_chunk *chunk = element;
	size_t offset = *(const size_t *)key;

	return (offset > chunk->offset) - (offset < chunk->offset);
}

struct store_staged *
vault_staged_find(const struct service_call *call, struct dom_slice content)
{
	size_t offset = (size_t)(content.data - call->request->body.data);
	struct staged_chunk *found;

	if (call->staged == NULL || call->staged->count == 0)
		return NULL;
	found = bsearch(&offset, call->staged->chunks, call->staged->count,
	    sizeof(*call->staged->chunks), offset_compare);
	return found == NULL ? NULL : found->staged;
}
