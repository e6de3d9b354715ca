/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Batch and transaction: all or nothing.  Source: etebase-protocol 4.4.4.
 * What single items are refused for is collected and told at once.
 */
#include "services/vault/vault.h"

struct batch {
	struct service_call *call;
	const struct consent_handle *consent;  /* one of these two, the other is NULL */
	const struct consent_removal *removal; /* nothing but deletions */
	const struct store_collection *collection;
	bool is_transaction;
	struct wire_error_field *errors;
	size_t error_count;
};

static enum dom_status
collect(struct batch *batch, struct dom_slice uid, const char *code, const char *detail)
{
	if (detail == NULL)
		return DOM_ENOMEM;
	batch->errors[batch->error_count++] = (struct wire_error_field){
	    .field = uid, .code = dom_slice_of(code), .detail = dom_slice_of(detail)};
	return DOM_OK;
}

static enum dom_status
collect_wrong_etag(
    struct batch *batch, struct dom_slice uid, struct dom_slice is, struct dom_slice sent)
{
	return collect(batch, uid, "wrong_etag",
	    dom_arena_print(batch->call->arena, "Wrong etag. Expected %.*s got %.*s",
	        is.size == 0 ? 4 : (int)is.size, is.size == 0 ? "none" : (const char *)is.data,
	        sent.size == 0 ? 4 : (int)sent.size,
	        sent.size == 0 ? "none" : (const char *)sent.data));
}

/* The current etag; data NULL and number 0 if there is no such item. */
static enum dom_status
current_etag(
    struct batch *batch, struct dom_slice uid, int64_t *number_r, struct dom_slice *etag_r)
{
	enum dom_status st = store_item_etag(batch->call->txn, batch->collection->number, uid,
	    batch->call->arena, number_r, etag_r);

	if (st != DOM_ABSENT)
		return st;
	*number_r = 0;
	*etag_r = dom_slice(NULL, 0);
	return DOM_OK;
}

/* Another item's write stands on these. */
static enum dom_status
check_deps(struct batch *batch, const struct wire_dep *deps, size_t dep_count)
{
	struct dom_slice etag;
	int64_t number;
	enum dom_status st;

	for (size_t i = 0; i < dep_count; i++) {
		st = current_etag(batch, deps[i].uid, &number, &etag);
		if (st == DOM_OK && (number == 0 || !dom_slice_equal(etag, deps[i].etag)))
			st = collect_wrong_etag(batch, deps[i].uid, etag, deps[i].etag);
		if (st != DOM_OK)
			return st;
	}
	return DOM_OK;
}

/*
 * The item's history has this revision.  A phone that lost the reply, and was
 * overtaken, sends it again: it is done.  In a transaction that is one which
 * names the same revision before it.  A phone that knows it (as the etag)
 * wants to go back to it under its old name: that cannot be.
 */
static enum dom_status
known_revision(
    struct batch *batch, const struct wire_item *item, const struct store_revision *known)
{
	bool is_retry = batch->is_transaction ? dom_slice_equal(item->etag, known->previous)
	                                      : !dom_slice_equal(item->etag, item->content.uid);

	if (is_retry)
		return DOM_OK;
	return service_refuse_field(batch->call, SERVICE_FIELD_ERRORS,
	    "This revision was uploaded before and is not the newest any more: make a new one.",
	    &(struct wire_error_field){.field = dom_slice_of("content.uid"),
	        .code = dom_slice_of("unique"),
	        .detail = dom_slice_of("The item has a revision of this uid already.")});
}

/*
 * Does this item only go?  It is there and not deleted, brings no content, and
 * leaves hardly more than its name behind: nobody can store by deleting.
 */
static enum dom_status
check_removal(struct batch *batch, const struct wire_item *item)
{
	struct store_item is;
	enum dom_status st;

	if (!item->content.deleted || item->content.chunk_count != 0)
		return DOM_CONFLICT;
	st = store_item_find(
	    batch->call->txn, batch->collection->number, item->uid, batch->call->arena, &is);
	if (st != DOM_OK)
		return st;
	/* The reply to this very deletion was lost. */
	if (dom_slice_equal(is.current.uid, item->content.uid))
		return DOM_OK;
	if (is.current.deleted || (item->content.meta.size > VAULT_REMOVAL_META_SIZE_MAX &&
	                              item->content.meta.size > is.current.meta.size))
		return DOM_CONFLICT;
	return DOM_OK;
}

/*
 * Erasing needs no consent (design: consent), so what only deletes is let
 * through without one; the refusal stays for everything else.
 */
static enum dom_status
take_removal(struct batch *batch, const struct wire_batch *body)
{
	struct service_call *call = batch->call;
	enum dom_status st = DOM_OK;

	if (call->reply->code != SERVICE_CONSENT_REQUIRED || body->item_count == 0)
		return DOM_EDENIED;
	for (size_t i = 0; i < body->item_count && st == DOM_OK; i++)
		st = check_removal(batch, &body->items[i]);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_EDENIED;
	service_reply_free(call->reply);
	return consent_remove(call, batch->collection->owner, &batch->removal);
}

static enum dom_status
store_item(struct batch *batch, const struct wire_item *item, int64_t number)
{
	enum dom_status st;

	if (batch->consent != NULL)
		return vault_write_revision(
		    batch->call, batch->consent, batch->collection, item, number);
	/* Again: the same item may stand in the batch twice, under two revisions. */
	if ((st = check_removal(batch, item)) < 0)
		return st;
	if (st != DOM_OK)
		return service_refuse(batch->call, SERVICE_CONSENT_REQUIRED,
		    "The service this belongs to is off, and an item can be deleted once: "
		    "nothing was stored.");
	return vault_write_removal(
	    batch->call, batch->removal, batch->collection, item, number);
}

static enum dom_status
write_item(struct batch *batch, const struct wire_item *item)
{
	struct store_revision known;
	struct dom_slice etag;
	int64_t number;
	enum dom_status st;

	if ((st = current_etag(batch, item->uid, &number, &etag)) != DOM_OK)
		return st;
	if (number != 0 && dom_slice_equal(etag, item->content.uid))
		return DOM_OK;
	if (number != 0) {
		st = store_revision_find(
		    batch->call->txn, number, item->content.uid, batch->call->arena, &known);
		if (st == DOM_OK)
			return known_revision(batch, item, &known);
		if (st != DOM_ABSENT)
			return st;
	}
	if (batch->is_transaction &&
	    ((number == 0) != (item->etag.data == NULL) || !dom_slice_equal(etag, item->etag)))
		return collect_wrong_etag(batch, item->uid, etag, item->etag);
	st = store_item(batch, item, number);
	if (st == DOM_ABSENT)
		return collect(batch, item->uid, "chunk_no_content",
		    "A chunk has no content here and was not uploaded before.");
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
refuse_collected(struct batch *batch, enum service_code code, const char *detail)
{
	enum dom_status st = service_refuse(batch->call, code, detail);

	if (st == DOM_EDENIED) {
		batch->call->reply->errors = batch->errors;
		batch->call->reply->error_count = batch->error_count;
	}
	return st;
}

/* Exact, since the writer is alone: nobody can come between this and the writes. */
static enum dom_status
check_stoken(struct service_call *call, const struct store_collection *collection)
{
	struct wire_stoken stoken;
	enum dom_status st;

	if (call->request->stoken.size == 0)
		return DOM_OK;
	st = wire_stoken_decode(call->request->stoken, &stoken);
	if (st == DOM_ENOMEM)
		return st;
	if (st == DOM_OK && wire_stoken_get(&stoken, collection->owner_id) ==
	                        vault_collection_clock(collection))
		return DOM_OK;
	return service_refuse(call, SERVICE_STALE_STOKEN,
	    "The collection has changed since this sync token: sync, then try again.");
}

static enum dom_status
write_all(struct batch *batch, const struct wire_batch *body)
{
	struct service_call *call = batch->call;
	enum dom_status st;

	batch->errors = dom_arena_array(
	    call->arena, body->item_count + body->dep_count + 1, sizeof(*batch->errors));
	if (batch->errors == NULL)
		return DOM_ENOMEM;
	if ((st = check_stoken(call, batch->collection)) != DOM_OK ||
	    (st = check_deps(batch, body->deps, body->dep_count)) != DOM_OK)
		return st;
	if (batch->error_count != 0)
		return refuse_collected(batch, SERVICE_DEP_FAILED,
		    "Items that these depend on have changed: sync, then try again.");
	for (size_t i = 0; i < body->item_count; i++) {
		if ((st = write_item(batch, &body->items[i])) != DOM_OK)
			return st;
	}
	if (batch->error_count != 0)
		return refuse_collected(batch, SERVICE_ITEM_FAILED,
		    "Some items cannot be stored, so none were: see \"errors\".");
	return DOM_OK;
}

static enum dom_status
run(struct service_call *call, bool is_transaction)
{
	struct vault_place place;
	struct store_account owner;
	struct wire_reject reject;
	struct wire_batch body;
	struct batch batch = {.call = call, .is_transaction = is_transaction};
	enum dom_status st;

	if ((st = vault_open(call, true, &place)) != DOM_OK)
		return st;
	st = wire_batch_decode(call->request->body, call->arena, &body, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	batch.collection = &place.collection;
	st = vault_consent(call, &place, &batch.consent);
	if (st == DOM_EDENIED)
		st = take_removal(&batch, &body);
	if (st != DOM_OK)
		return st;
	st = store_account_by_number(call->txn, place.collection.owner, call->arena, &owner);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	if ((st = write_all(&batch, &body)) != DOM_OK)
		return st;
	call->reply->change.collection = place.collection.number;
	return service_position(call, owner.number, owner.clock);
}

enum dom_status
vault_item_batch(struct service_call *call)
{
	return run(call, false);
}

enum dom_status
vault_item_transaction(struct service_call *call)
{
	return run(call, true);
}
