/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Asking for a ticket, and what a ticket or a session opens. */
#include <stdlib.h>

#include "base/msgpack.h"

#include "crypto/digest.h"

#include "services/push/push.h"
#include "services/vault/vault.h"

static const char bad_ticket[] =
    "This ticket is unknown, was used, or is older than some seconds: ask for a new one.";

void
push_subscription_free(struct push_subscription **subscription)
{
	struct push_subscription *old = *subscription;

	if (old == NULL)
		return;
	*subscription = NULL;
	free(old->owners);
	free(old);
}

/* collection NULL: everything. */
static enum dom_status
give_ticket(struct service_call *call, const struct store_collection *collection)
{
	struct dom_buffer *body = &call->reply->body;
	struct push_ticket ticket = {.account = call->account.number};
	uint8_t fresh[PUSH_TICKET_BYTES];
	char text[PUSH_TICKET_SIZE + 1];

	if (call->service->tickets == NULL)
		return service_refuse(call, SERVICE_NOT_SUPPORTED, "This region has no push.");
	if (collection != NULL) {
		ticket.collection = collection->number;
		memcpy(ticket.uid, collection->uid.data, collection->uid.size);
	}
	memcpy(ticket.token_hash, call->session.token_hash, sizeof(ticket.token_hash));
	dom_random_fill(&call->service->random, fresh, sizeof(fresh));
	if (push_ticket_put(call->service->tickets, &ticket, call->now_ms, fresh, text) !=
	    DOM_OK)
		return service_refuse(call, SERVICE_UNAVAILABLE,
		    "Too many devices subscribe at this moment. Please try again.");
	dom_pack_put_map(body, 1);
	dom_pack_put_text(body, "ticket");
	dom_pack_put_text(body, text);
	return DOM_OK;
}

enum dom_status
push_ticket(struct service_call *call)
{
	struct vault_place place;
	enum dom_status st;

	if ((st = vault_open(call, false, &place)) != DOM_OK)
		return st;
	return give_ticket(call, &place.collection);
}

enum dom_status
push_changes_ticket(struct service_call *call)
{
	return give_ticket(call, NULL);
}

static enum dom_status
take_ticket(struct service_call *call, bool of_collection, struct push_ticket *ticket_r)
{
	enum dom_status st = DOM_ABSENT;

	if (call->service->tickets != NULL)
		st = push_ticket_take(
		    call->service->tickets, call->request->ticket, call->now_ms, ticket_r);
	if (st != DOM_OK || of_collection != (ticket_r->collection != 0))
		return service_refuse(call, SERVICE_BAD_TICKET, bad_ticket);
	return DOM_OK;
}

/* What the token of the request has seen of each; a token that is not ours: nothing. */
static enum dom_status
read_cursors(struct service_call *call, struct push_subscription *subscription)
{
	struct store_account owner;
	struct wire_stoken stoken;
	enum dom_status st;

	st = vault_stoken_read(call, &stoken);
	if (st == DOM_EDENIED || st == DOM_ABSENT) {
		*call->reply = (struct service_reply){0};
		return DOM_OK;
	}
	if (st != DOM_OK)
		return st;
	for (size_t i = 0; i < subscription->owner_count; i++) {
		struct push_owner *at = &subscription->owners[i];
		uint64_t clock = wire_stoken_get(&stoken, at->id);

		st = store_account_by_number(call->txn, at->number, call->arena, &owner);
		if (st != DOM_OK)
			return st < 0 ? st : DOM_ESTORE;
		at->clock = clock > owner.clock ? 0 : clock;
	}
	return DOM_OK;
}

static struct push_subscription *
subscription_of(const struct push_ticket *ticket)
{
	struct push_subscription *subscription = calloc(1, sizeof(*subscription));

	if (subscription == NULL)
		return NULL;
	subscription->account = ticket->account;
	subscription->collection = ticket->collection;
	memcpy(subscription->token_hash, ticket->token_hash, sizeof(ticket->token_hash));
	memcpy(subscription->uid, ticket->uid, sizeof(ticket->uid));
	return subscription;
}

/*
 * A collection that is gone is found out by push_next(), after the handshake
 * (etebase-protocol 4.7, 3): there is nothing to follow, so owner_count is 0.
 */
static enum dom_status
find_owner(struct service_call *call, struct push_subscription *subscription)
{
	struct store_collection collection;
	enum dom_status st;

	st = store_collection_find(
	    call->txn, dom_slice_of(subscription->uid), call->arena, &collection);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_OK;
	if ((subscription->owners = calloc(1, sizeof(*subscription->owners))) == NULL)
		return DOM_ENOMEM;
	subscription->owner_count = 1;
	subscription->owners[0].number = collection.owner;
	memcpy(subscription->owners[0].id, collection.owner_id, STORE_ID_SIZE);
	return DOM_OK;
}

static enum dom_status
open_subscription(struct service_call *call, const struct push_ticket *ticket)
{
	struct push_subscription *subscription = subscription_of(ticket);
	enum dom_status st;
	bool moved;

	if (subscription == NULL)
		return DOM_ENOMEM;
	st = subscription->collection != 0
	         ? find_owner(call, subscription)
	         : push_owners_renew(call->txn, subscription, call->arena, &moved);
	if (st == DOM_OK)
		st = read_cursors(call, subscription);
	if (st != DOM_OK)
		push_subscription_free(&subscription);
	if (st == DOM_EDENIED)
		return service_refuse(call, SERVICE_BAD_TICKET, bad_ticket);
	call->reply->subscription = subscription;
	return st;
}

enum dom_status
push_subscribe(struct service_call *call)
{
	struct push_ticket ticket;
	enum dom_status st;

	if ((st = take_ticket(call, true, &ticket)) != DOM_OK)
		return st;
	return open_subscription(call, &ticket);
}

enum dom_status
push_changes(struct service_call *call)
{
	struct push_ticket ticket = {0};
	enum dom_status st;

	if (call->request->ticket.data != NULL) {
		if ((st = take_ticket(call, false, &ticket)) != DOM_OK)
			return st;
	} else {
		if ((st = service_authenticate(call)) != DOM_OK)
			return st;
		ticket.account = call->account.number;
		memcpy(ticket.token_hash, call->session.token_hash, sizeof(ticket.token_hash));
	}
	return open_subscription(call, &ticket);
}
