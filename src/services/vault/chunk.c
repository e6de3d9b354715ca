/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Single chunks, up and down. */
#include "services/vault/vault.h"

static const char no_chunk[] = "There is no such chunk in this collection.";

enum dom_status
vault_chunk_put(struct service_call *call)
{
	const struct consent_handle *consent;
	struct dom_slice content = call->request->body;
	struct vault_place place;
	enum dom_status st;

	if ((st = vault_open(call, true, &place)) != DOM_OK)
		return st;
	if (!wire_uid_valid(call->request->item_uid) ||
	    !wire_uid_valid(call->request->chunk_uid))
		return service_refuse(call, SERVICE_VALIDATION_ERROR,
		    "The uids of item and chunk are 20 to 64 letters A-Z a-z, digits, \"-\" or"
		    " \"_\".");
	if ((st = vault_consent(call, &place, &consent)) != DOM_OK)
		return st;
	if (content.data == NULL)
		content = dom_slice("", 0);
	st = vault_write_chunk(
	    call, consent, &place.collection, call->request->chunk_uid, content);
	if (st == DOM_CONFLICT)
		return service_refuse(
		    call, SERVICE_CHUNK_EXISTS, "This chunk is here already.");
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
vault_chunk_get(struct service_call *call)
{
	struct vault_place place;
	enum dom_status st;

	if ((st = vault_open(call, false, &place)) != DOM_OK)
		return st;
	if (!wire_uid_valid(call->request->chunk_uid))
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, no_chunk);
	st = store_chunk_append(call->txn, place.collection.number, call->request->chunk_uid,
	    call->arena, &call->reply->body);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, no_chunk);
	if (st == DOM_EINTEGRITY)
		return service_refuse(call, SERVICE_CHUNK_DAMAGED,
		    "The disk of this region has damaged this chunk. Its operator must restore"
		    " it.");
	if (st != DOM_OK)
		return st;
	call->reply->body_is_raw = true;
	return DOM_OK;
}
