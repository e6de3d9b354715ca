/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The only functions that store content.  Each takes the proof of consent,
 * which only consent_check() can make.  Chunks are looked up within their
 * collection alone: a uid is no key to somebody else's bytes.
 */
#include <assert.h>

#include "services/vault/vault.h"

enum dom_status
vault_write_collection(struct service_call *call, const struct consent_handle *consent,
    struct dom_slice uid, int64_t *number_r)
{
	enum dom_status st;

	assert(consent_covers(consent, call->txn, call->account.number));
	st = store_collection_add(call->txn, uid, call->account.number, number_r);
	/* Uids may be digests of names: one that was erased is made anew, and is no more gone. */
	if (st == DOM_OK)
		st = store_removed_clear(call->txn, call->account.number, uid);
	return st == DOM_ABSENT ? DOM_OK : st;
}

/* Asked after it was put, in the same job: a refusal takes it back. */
static enum dom_status
check_quota(struct service_call *call)
{
	const struct store_usage *usage = store_chunk_usage(call->txn);
	int64_t quota = call->service->settings.quota_bytes;

	if (usage->quota_bytes >= 0)
		quota = usage->quota_bytes;
	else if (quota == 0)
		return DOM_OK;
	if (usage->chunk_bytes <= (uint64_t)quota)
		return DOM_OK;
	return service_refuse(call, SERVICE_QUOTA_EXCEEDED,
	    dom_arena_print(call->arena,
	        "The owner of this collection may keep %lld MiB in this region, and this would "
	        "be "
	        "more, so nothing was stored. Its operator can give more.",
	        (long long)(quota >> 20)));
}

enum dom_status
vault_write_chunk(struct service_call *call, const struct consent_handle *consent,
    const struct store_collection *collection, struct dom_slice uid, struct dom_slice content)
{
	struct store_staged *staged, *small = NULL;
	enum dom_status st;

	assert(consent_covers(consent, call->txn, collection->owner));
	st = store_chunk_has(call->txn, collection->number, uid);
	if (st != DOM_ABSENT)
		return st == DOM_OK ? DOM_CONFLICT : st;
	if (store_chunk_stage_blocks(call->service->store, content.size)) {
		/* It was refused when it was to be staged, and no longer is. */
		if ((staged = vault_staged_find(call, content)) == NULL)
			return service_refuse(call, SERVICE_UNAVAILABLE,
			    "Something changed while this was sent: please send it again.");
		st = store_chunk_put(call->txn, collection->number, uid, staged);
		return st == DOM_OK ? check_quota(call) : st;
	}
	st = store_chunk_stage(call->service->store, collection->owner_id, content, &small);
	if (st == DOM_OK)
		st = store_chunk_put(call->txn, collection->number, uid, small);
	if (st == DOM_OK)
		st = check_quota(call);
	store_staged_free(&small);
	return st;
}

/* Every chunk is there, or its content is put there. */
static enum dom_status
link_chunks(struct service_call *call, const struct consent_handle *consent,
    const struct store_collection *collection, const struct wire_revision *revision,
    struct dom_slice *uids)
{
	enum dom_status st;

	for (size_t i = 0; i < revision->chunk_count; i++) {
		const struct wire_chunk *chunk = &revision->chunks[i];

		uids[i] = chunk->uid;
		if (chunk->content.data == NULL)
			st = store_chunk_has(call->txn, collection->number, chunk->uid);
		else
			st = vault_write_chunk(
			    call, consent, collection, chunk->uid, chunk->content);
		if (st != DOM_OK && st != DOM_CONFLICT)
			return st;
	}
	return DOM_OK;
}

/* With the chunks that it names; the owner's next number is the revision's. */
static enum dom_status
put_revision(struct service_call *call, const struct store_collection *collection,
    const struct wire_item *item, int64_t number, struct dom_slice *chunks)
{
	const struct wire_revision *revision = &item->content;
	struct store_item row = {.number = number,
	    .uid = item->uid,
	    .version = item->version,
	    .encryption_key = item->encryption_key,
	    .current = {.uid = revision->uid,
	        .meta = revision->meta,
	        .deleted = revision->deleted,
	        .chunks = chunks,
	        .chunk_count = revision->chunk_count}};
	enum dom_status st;

	st = store_account_tick(call->txn, collection->owner, &row.current.clock);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	return store_item_put(call->txn, collection->number, &row);
}

enum dom_status
vault_write_revision(struct service_call *call, const struct consent_handle *consent,
    const struct store_collection *collection, const struct wire_item *item, int64_t number)
{
	const struct wire_revision *revision = &item->content;
	struct dom_slice *chunks =
	    dom_arena_array(call->arena, revision->chunk_count + 1, sizeof(*chunks));
	enum dom_status st;

	assert(consent_covers(consent, call->txn, collection->owner));
	if (chunks == NULL)
		return DOM_ENOMEM;
	st = link_chunks(call, consent, collection, revision, chunks);
	if (st != DOM_OK)
		return st;
	return put_revision(call, collection, item, number, chunks);
}

enum dom_status
vault_write_removal(struct service_call *call, const struct consent_removal *removal,
    const struct store_collection *collection, const struct wire_item *item, int64_t number)
{
	assert(consent_removes(removal, call->txn, collection->owner));
	assert(number != 0 && item->content.deleted && item->content.chunk_count == 0);
	return put_revision(call, collection, item, number, NULL);
}
