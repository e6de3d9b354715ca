/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which collection a request is about, and whether it may. */
#include "services/vault/vault.h"

enum dom_status
vault_open_uid(struct service_call *call, struct dom_slice uid, struct vault_place *place_r)
{
	enum dom_status st = DOM_ABSENT;

	if (wire_uid_valid(uid))
		st = store_collection_find(call->txn, uid, call->arena, &place_r->collection);
	if (st == DOM_OK)
		st = store_member_find(call->txn, place_r->collection.number,
		    call->account.number, call->arena, &place_r->member);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST,
		    "There is no such collection, or it is not shared with you.");
	return st;
}

enum dom_status
vault_open(struct service_call *call, bool to_write, struct vault_place *place_r)
{
	enum dom_status st = vault_open_uid(call, call->request->collection_uid, place_r);

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
	struct store_removed left;
	struct dom_slice type;
	enum dom_status st;

	*handle_r = NULL;
	/* Types are each member's own; what counts is how the owner calls it .. */
	st = store_member_find(
	    call->txn, collection->number, collection->owner, call->arena, &owner);
	type = owner.collection_type;
	/* .. or called it: content stays with an owner who has left, and so does the say. */
	if (st == DOM_ABSENT) {
		st = store_removed_find(
		    call->txn, collection->owner, collection->uid, call->arena, &left);
		type = left.collection_type;
	}
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	return consent_check(call, collection->owner, type, handle_r);
}
