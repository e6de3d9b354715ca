/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Being invited: looking, rejecting, accepting. */
#include "services/share/invitation.h"
#include "services/share/share.h"

enum dom_status
share_incoming_list(struct service_call *call)
{
	return share_invitation_list(call, true);
}

enum dom_status
share_incoming_get(struct service_call *call)
{
	struct store_invitation invitation;
	enum dom_status st;

	st = share_invitation_find(call, true, &invitation);
	if (st == DOM_OK)
		share_invitation_put(&call->reply->body, &invitation);
	return st;
}

enum dom_status
share_incoming_reject(struct service_call *call)
{
	struct store_invitation invitation;
	enum dom_status st;

	st = share_invitation_find(call, true, &invitation);
	if (st == DOM_OK)
		st = store_invitation_remove(call->txn, invitation.uid);
	return st > 0 ? DOM_ESTORE : st;
}

/* A sync token must have room for every owner. */
static enum dom_status
check_owners(struct service_call *call, int64_t owner)
{
	struct store_account *owners;
	size_t count, others = 0;
	enum dom_status st;

	st = store_membership_owners(
	    call->txn, call->account.number, call->arena, &owners, &count);
	for (size_t i = 0; i < count && st == DOM_OK; i++) {
		if (owners[i].number == owner)
			return DOM_OK;
		others += owners[i].number != call->account.number;
	}
	if (st == DOM_OK && owner != call->account.number && others >= SHARE_OWNERS_MAX)
		return service_refuse(call, SERVICE_TOO_LARGE,
		    "Too many people share collections with you: leave some of them first.");
	return st;
}

static enum dom_status
join(struct service_call *call, const struct store_collection *collection,
    const struct store_invitation *invitation, const struct wire_acceptance *acceptance)
{
	struct store_member member = {.collection = collection->number,
	    .account = call->account.number,
	    .access_level = invitation->access_level,
	    .collection_key = acceptance->collection_key,
	    .collection_type = acceptance->collection_type};
	enum dom_status st;

	st = store_account_tick(call->txn, collection->owner, &member.clock);
	if (st == DOM_OK)
		st = store_member_add(call->txn, &member);
	if (st == DOM_OK)
		st = store_removed_clear(call->txn, call->account.number, collection->uid);
	if (st == DOM_OK || st == DOM_ABSENT)
		st = store_invitation_remove_all(
		    call->txn, collection->number, call->account.number);
	if (st == DOM_OK)
		share_announce(call, collection, member.clock, call->account.number);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
share_incoming_accept(struct service_call *call)
{
	struct store_invitation invitation;
	struct store_collection collection;
	struct store_member member;
	struct wire_acceptance acceptance;
	struct wire_reject reject;
	enum dom_status st;

	if ((st = share_invitation_find(call, true, &invitation)) != DOM_OK)
		return st;
	st = wire_acceptance_decode(call->request->body, &acceptance, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	st = store_collection_find(
	    call->txn, invitation.collection_uid, call->arena, &collection);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	st = store_member_find(
	    call->txn, collection.number, call->account.number, call->arena, &member);
	if (st == DOM_OK) {
		st = store_invitation_remove(call->txn, invitation.uid);
		if (st != DOM_OK)
			return st < 0 ? st : DOM_ESTORE;
		return service_refuse_and_keep(call, SERVICE_ALREADY_MEMBER,
		    "You are a member of this collection already; the invitation is gone.");
	}
	if (st == DOM_ABSENT)
		st = check_owners(call, collection.owner);
	if (st == DOM_OK)
		st = share_check_members(call, collection.number);
	if (st == DOM_OK)
		st = join(call, &collection, &invitation, &acceptance);
	return st;
}
