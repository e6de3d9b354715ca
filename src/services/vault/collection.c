/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Collections: creating, showing, listing. */
#include "services/vault/vault.h"

/* The two numbers of a creation: the main item's revision, then the membership. */
static enum dom_status
write_all(struct service_call *call, const struct consent_handle *consent,
    const struct wire_collection *wire)
{
	struct store_collection collection = {.owner = call->account.number};
	struct store_member member = {.account = call->account.number,
	    .access_level = WIRE_ACCESS_ADMIN,
	    .collection_key = wire->collection_key,
	    .collection_type = wire->collection_type};
	enum dom_status st;

	memcpy(collection.owner_id, call->account.id, sizeof(collection.owner_id));
	st = vault_write_collection(call, consent, wire->item.uid, &collection.number);
	if (st == DOM_CONFLICT)
		return service_refuse(
		    call, SERVICE_UNIQUE_UID, "There is a collection with this uid already.");
	if (st != DOM_OK)
		return st;
	st = vault_write_revision(call, consent, &collection, &wire->item, 0);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_CHUNK_NO_CONTENT,
		    "A chunk has no content here and was not uploaded before.");
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	member.collection = collection.number;
	st = store_account_tick(call->txn, call->account.number, &member.clock);
	if (st == DOM_OK)
		st = store_member_add(call->txn, &member);
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
check_count(struct service_call *call)
{
	int64_t most = call->service->settings.limits.collections;
	uint64_t count;
	enum dom_status st;

	if (most == 0)
		return DOM_OK;
	st = store_collection_count(call->txn, call->account.number, &count);
	if (st != DOM_OK || count < (uint64_t)most)
		return st;
	return service_refuse(call, SERVICE_TOO_LARGE,
	    dom_arena_print(call->arena,
	        "An account has at most %lld collections in this region, deleted ones "
	        "included.",
	        (long long)most));
}

enum dom_status
vault_collection_create(struct service_call *call)
{
	const struct consent_handle *consent;
	struct wire_reject reject;
	struct wire_collection wire;
	enum dom_status st;

	st = wire_collection_decode(call->request->body, call->arena, &wire, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	if (wire.collection_type.size == 0)
		return service_refuse(
		    call, SERVICE_BAD_COLLECTION_TYPE, "A new collection must have a type.");
	st = consent_check(call, call->account.number, wire.collection_type, &consent);
	if (st != DOM_OK)
		return st;
	if (wire.item.etag.data != NULL)
		return service_refuse(
		    call, SERVICE_BAD_ETAG, "A new collection cannot have an etag.");
	if ((st = check_count(call)) != DOM_OK ||
	    (st = write_all(call, consent, &wire)) != DOM_OK)
		return st;
	return service_position(call, call->account.number, call->account.clock);
}

enum dom_status
vault_collection_get(struct service_call *call)
{
	struct vault_place place;
	struct vault_page page = {0};
	enum dom_status st;

	if ((st = vault_open(call, false, &place)) != DOM_OK)
		return st;
	if ((st = vault_page_open(call, &page)) == DOM_OK)
		st = vault_put_collection(&page, &place);
	if (st == DOM_OK) {
		call->reply->body = page.values;
		page.values = (struct dom_buffer){0};
	}
	vault_page_close(&page);
	return st;
}

/* What a collection list walks: owners by ascending id, each by clock. */
struct walk {
	const struct dom_slice *types; /* NULL: all */
	size_t type_count;
	struct wire_stoken *stoken; /* where it has come to */
	bool moved;
	bool done;
};

static enum dom_status
scan(struct vault_page *page, struct walk *walk, int64_t owner, uint64_t after, unsigned limit,
    struct store_membership **rows_r, size_t *count_r)
{
	dom_arena_reset(page->rows);
	return store_membership_scan(page->call->txn, page->call->account.number, owner, after,
	    walk->types, walk->type_count, limit, page->rows, rows_r, count_r);
}

/* As much of one owner as the page takes; walk->done: nothing of it is left. */
static enum dom_status
walk_owner(struct vault_page *page, struct walk *walk, const struct store_account *owner)
{
	uint64_t after = wire_stoken_get(walk->stoken, owner->id);
	struct store_membership *rows;
	size_t count;
	unsigned room;
	enum dom_status st;

	for (;;) {
		room = vault_page_room(page);
		/* With a full page, look whether anything is left. */
		st =
		    scan(page, walk, owner->number, after, room == 0 ? 1 : room, &rows, &count);
		if (st < 0)
			return st;
		if (room == 0 || count == 0) {
			walk->done = count == 0;
			return DOM_OK;
		}
		for (size_t i = 0; i < count && !vault_page_full(page); i++) {
			st = vault_put_collection(
			    page, &(struct vault_place){.collection = rows[i].collection,
			              .member = rows[i].member});
			if (st == DOM_ABSENT)
				break;
			if (st != DOM_OK)
				return st;
			after = rows[i].clock;
			walk->moved = true;
			if ((st = wire_stoken_set(walk->stoken, owner->id, after)) != DOM_OK)
				return st;
		}
	}
}

static enum dom_status
walk_owners(struct vault_page *page, struct walk *walk)
{
	struct service_call *call = page->call;
	struct store_account *owners;
	size_t owner_count;
	enum dom_status st;

	/* A token is checked against the owners that the caller may see, and no other. */
	st = vault_stoken_check(call, walk->stoken, call->account.id, call->account.clock);
	if (st != DOM_OK)
		return st;
	st = store_membership_owners(
	    call->txn, call->account.number, call->arena, &owners, &owner_count);
	for (size_t i = 0; i < owner_count && st >= 0; i++)
		st = vault_stoken_check(call, walk->stoken, owners[i].id, owners[i].clock);
	if (st < 0)
		return st;
	vault_stoken_prune(call, owners, owner_count, walk->stoken);
	walk->done = true;
	for (size_t i = 0; i < owner_count && walk->done; i++) {
		if ((st = walk_owner(page, walk, &owners[i])) != DOM_OK)
			return st;
	}
	return DOM_OK;
}

static enum dom_status
list(struct service_call *call, const struct dom_slice *types, size_t type_count)
{
	struct wire_list_end end = {0};
	struct wire_stoken stoken;
	struct walk walk = {.types = types, .type_count = type_count, .stoken = &stoken};
	struct vault_page page = {0};
	bool is_first = call->request->stoken.size == 0;
	uint64_t seen;
	enum dom_status st;

	if ((st = vault_stoken_read(call, &stoken)) < 0)
		return st;
	seen = wire_stoken_get(&stoken, call->account.id);
	if ((st = vault_page_open(call, &page)) == DOM_OK)
		st = walk_owners(&page, &walk);
	/* Who has seen nothing has nothing to remove; the token is past it all the same. */
	if (st == DOM_OK && (!is_first || walk.moved)) {
		st = vault_removed_report(call, seen, &stoken, &walk.done, &end);
		walk.moved |= wire_stoken_get(&stoken, call->account.id) != seen;
	}
	if (is_first)
		end.removed_count = 0;
	if (st == DOM_OK && walk.moved)
		st = vault_stoken_text(call, &stoken, &end.stoken);
	else if (st == DOM_OK && call->request->stoken.size != 0)
		end.stoken = call->request->stoken;
	end.done = walk.done;
	if (st == DOM_OK)
		st = vault_page_finish(&page, &end);
	/* All there is has been shown: the caller has seen the snapshot's clock. */
	if (st == DOM_OK && walk.done && types == NULL)
		st = service_stoken_one(
		    call->account.id, call->account.clock, call->reply->position_after);
	vault_page_close(&page);
	return st;
}

enum dom_status
vault_collection_list(struct service_call *call)
{
	return list(call, NULL, 0);
}

enum dom_status
vault_collection_list_multi(struct service_call *call)
{
	struct wire_reject reject;
	struct dom_slice *types;
	size_t type_count;
	enum dom_status st;

	st = wire_types_decode(call->request->body, call->arena, &types, &type_count, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	return list(call, types, type_count);
}
