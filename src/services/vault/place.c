/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which collection a request is about, and whether it may. */
#include "services/vault/vault.h"

enum dom_status
vault_open(struct service_call *call, bool to_write, struct vault_place *place_r)
{
	static const char absent[] =
	    "There is no such collection, or it is not shared with you.";
	enum dom_status st;

	if (!wire_uid_valid(call->request->collection_uid))
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, absent);
	st = store_collection_find(
	    call->txn, call->request->collection_uid, call->arena, &place_r->collection);
	if (st == DOM_OK)
		st = store_member_find(call->txn, place_r->collection.number,
		    call->account.number, call->arena, &place_r->member);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, absent);
	if (st == DOM_OK && to_write && place_r->member.access_level == WIRE_ACCESS_READ_ONLY)
		return service_refuse(call, SERVICE_NO_WRITE_ACCESS,
		    "You may read this collection but not write to it.");
	return st;
}

enum dom_status
vault_consent(struct service_call *call, const struct vault_place *place,
    const struct consent_handle **handle_r)
{
	const struct store_collection *collection = &place->collection;
	struct store_member owner;
	enum dom_status st;

	*handle_r = NULL;
	/* Types are each member's own; what counts is how the owner calls it. */
	st = store_member_find(
	    call->txn, collection->number, collection->owner, call->arena, &owner);
	if (st == DOM_ABSENT)
		return DOM_ESTORE;
	if (st != DOM_OK)
		return st;
	return consent_check(call, collection->owner, owner.collection_type, handle_r);
}
