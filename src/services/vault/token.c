/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sync tokens as requests bring them and replies carry them. */
#include "services/vault/vault.h"

static const char bad_stoken[] =
    "This sync token is not from this server: forget it and sync from the start.";

enum dom_status
vault_stoken_read(struct service_call *call, struct wire_stoken *stoken_r)
{
	enum dom_status st;

	stoken_r->count = 0;
	if (call->request->stoken.size == 0)
		return DOM_ABSENT;
	st = wire_stoken_decode(call->request->stoken, stoken_r);
	if (st == DOM_EINPUT)
		return service_refuse(call, SERVICE_BAD_STOKEN, bad_stoken);
	return st;
}

enum dom_status
vault_stoken_check(struct service_call *call, const struct wire_stoken *stoken,
    const uint8_t owner_id[STORE_ID_SIZE], uint64_t clock)
{
	if (wire_stoken_get(stoken, owner_id) > clock)
		return service_refuse(call, SERVICE_BAD_STOKEN, bad_stoken);
	return DOM_OK;
}

enum dom_status
vault_stoken_text(
    struct service_call *call, const struct wire_stoken *stoken, struct dom_slice *text_r)
{
	char *text = dom_arena_take(call->arena, WIRE_STOKEN_SIZE(stoken->count) + 1);
	enum dom_status st;

	if (text == NULL)
		return DOM_ENOMEM;
	st = wire_stoken_encode(stoken, text);
	*text_r = dom_slice_of(text);
	return st;
}

uint64_t
vault_collection_clock(const struct store_collection *collection)
{
	return collection->items_clock > collection->members_clock ? collection->items_clock
	                                                           : collection->members_clock;
}

enum dom_status
vault_collection_stoken(struct service_call *call, const struct store_collection *collection,
    struct dom_slice *text_r)
{
	char *text = dom_arena_take(call->arena, WIRE_STOKEN_SIZE(1) + 1);
	enum dom_status st;

	if (text == NULL)
		return DOM_ENOMEM;
	st = service_stoken_one(collection->owner_id, vault_collection_clock(collection), text);
	*text_r = dom_slice_of(text);
	return st;
}
