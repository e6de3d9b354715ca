/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The next message of a subscription.  Who asks, what they may read, the
 * items and the token come from one snapshot, and the token is that of the
 * newest item in the message: everything up to it has been sent, nothing
 * beyond it is promised (etebase-protocol 5.5, rule 9).
 */
#include "services/push/push.h"
#include "services/vault/vault.h"

/* Is the session alive that this rests on? */
static enum dom_status
check_session(const struct service *service, struct store_txn *txn,
    const struct push_subscription *subscription, struct dom_arena *arena)
{
	struct store_session session;
	struct store_account account;
	enum dom_status st;

	st = store_session_find(txn, subscription->token_hash, arena, &session);
	if (st < 0)
		return st;
	if (st != DOM_OK || session.expires_ms <= dom_clock_now_ms(&service->clock))
		return DOM_EDENIED;
	st = store_account_by_number(txn, subscription->account, arena, &account);
	if (st < 0)
		return st;
	if (st != DOM_OK || account.disabled)
		return DOM_EDENIED;
	/* One that is frozen is at home still, or will be gone in a moment. */
	return account.state == STORE_ACCOUNT_GONE ? DOM_EFENCED : DOM_OK;
}

static enum dom_status
check_member(struct store_txn *txn, const struct push_subscription *subscription,
    struct dom_arena *arena, struct store_collection *collection_r)
{
	struct store_member member;
	enum dom_status st;

	st = store_collection_find(txn, dom_slice_of(subscription->uid), arena, collection_r);
	if (st == DOM_OK && collection_r->number != subscription->collection)
		return DOM_EDENIED;
	if (st == DOM_OK)
		st = store_member_find(
		    txn, subscription->collection, subscription->account, arena, &member);
	return st == DOM_ABSENT ? DOM_EDENIED : st;
}

/* Do the contents of its chunks fit into what is left of the message? */
static enum dom_status
contents_fit(const struct vault_page *page, const struct store_collection *collection,
    const struct store_item *item, bool *fit_r)
{
	uint64_t left = 0, size;

	if (page->values.size < PUSH_MESSAGE_SIZE_MAX)
		left = PUSH_MESSAGE_SIZE_MAX - page->values.size;
	*fit_r = false;
	for (size_t i = 0; i < item->current.chunk_count; i++) {
		enum dom_status st = store_chunk_size(
		    page->call->txn, collection->number, item->current.chunks[i], &size);

		if (st < 0)
			return st;
		if (st == DOM_ABSENT)
			size = 0;
		if (size > left)
			return DOM_OK;
		left -= size;
	}
	*fit_r = true;
	return DOM_OK;
}

static enum dom_status
put_item(struct vault_page *page, struct service_request *request,
    const struct store_collection *collection, const struct store_item *item)
{
	enum dom_status st;
	bool fit;

	if ((st = contents_fit(page, collection, item, &fit)) != DOM_OK)
		return st;
	request->prefetch = fit ? SERVICE_PREFETCH_AUTO : SERVICE_PREFETCH_MEDIUM;
	st = vault_put_item(page, collection, item);
	return st == DOM_ABSENT || st == DOM_EDENIED ? DOM_ELIMIT : st;
}

/* Items beyond *reached, up to upto or until the message is full. */
static enum dom_status
put_items(struct vault_page *page, struct service_request *request,
    const struct store_collection *collection, uint64_t upto, uint64_t *reached, bool *done_r)
{
	struct store_item *rows;
	size_t count;
	enum dom_status st;

	*done_r = false;
	for (;;) {
		dom_arena_reset(page->rows);
		st = store_item_scan(page->call->txn, collection, *reached, true,
		    VAULT_SCAN_ROWS, page->rows, &rows, &count);
		if (st < 0)
			return st;
		if (count == 0 || rows[0].current.clock > upto) {
			*done_r = true;
			return DOM_OK;
		}
		for (size_t i = 0; i < count && rows[i].current.clock <= upto; i++) {
			if (page->count == PUSH_MESSAGE_ITEMS_MAX ||
			    page->values.size >= PUSH_MESSAGE_SIZE_MAX)
				return DOM_OK;
			st = put_item(page, request, collection, &rows[i]);
			if (st != DOM_OK)
				return st;
			*reached = rows[i].current.clock;
		}
	}
}

static enum dom_status
build(const struct service *service, struct store_txn *txn,
    const struct store_collection *collection, struct dom_arena *arena,
    struct push_message *message)
{
	struct service_request request = {.limit = PUSH_MESSAGE_ITEMS_MAX};
	struct service_reply reply = {0};
	struct service_call call = {
	    .service = service,
	    .txn = txn,
	    .request = &request,
	    .arena = arena,
	    .reply = &reply,
	};
	char token[WIRE_STOKEN_SIZE(1) + 1];
	struct wire_list_end end = {0};
	struct vault_page page = {0};
	enum dom_status st;

	message->reached = message->from;
	if ((st = vault_page_open(&call, &page)) == DOM_OK)
		st = put_items(
		    &page, &request, collection, message->upto, &message->reached, &end.done);
	if (st == DOM_OK && page.count == 0)
		st = DOM_ABSENT;
	if (st == DOM_OK)
		st = service_stoken_one(collection->owner_id, message->reached, token);
	if (st == DOM_OK) {
		end.stoken = dom_slice_of(token);
		st = vault_page_finish(&page, &end);
	}
	vault_page_close(&page);
	message->body = reply.body;
	reply.body = (struct dom_buffer){0};
	service_reply_free(&reply);
	return st;
}

static enum dom_status
next_items(const struct service *service, struct store_txn *txn,
    struct push_subscription *subscription, uint64_t upto, struct dom_arena *arena,
    struct push_message *message)
{
	struct push_owner *at = subscription->owners;
	struct store_collection collection;
	enum dom_status st;

	if (subscription->owner_count == 0)
		return DOM_EDENIED;
	if ((st = check_member(txn, subscription, arena, &collection)) != DOM_OK)
		return st;
	if (message->collection != collection.number || message->from != at->clock ||
	    message->upto != upto) {
		dom_buffer_free(&message->body);
		*message = (struct push_message){.from = at->clock, .upto = upto};
		if ((st = build(service, txn, &collection, arena, message)) != DOM_OK)
			return st;
		message->collection = collection.number;
	}
	at->clock = message->reached;
	return DOM_OK;
}

enum dom_status
push_next(const struct service *service, struct store_txn *txn,
    struct push_subscription *subscription, uint64_t upto, struct dom_arena *arena,
    struct push_message *message)
{
	enum dom_status st;

	if ((st = check_session(service, txn, subscription, arena)) != DOM_OK)
		return st;
	if (subscription->collection != 0)
		return next_items(service, txn, subscription, upto, arena, message);
	dom_buffer_free(&message->body);
	*message = (struct push_message){0};
	return push_next_change(txn, subscription, arena, &message->body);
}
