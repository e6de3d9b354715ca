/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who is in a collection, and how one goes out of it. */
#include "services/account/account.h"
#include "services/share/share.h"

enum dom_status
share_open(struct service_call *call, struct vault_place *place_r)
{
	enum dom_status st = vault_open(call, false, place_r);

	if (st == DOM_OK && place_r->member.access_level != WIRE_ACCESS_ADMIN)
		return service_refuse(call, SERVICE_ADMIN_ACCESS_REQUIRED,
		    "Only an administrator of this collection may do this.");
	return st;
}

enum dom_status
share_check_members(struct service_call *call, int64_t collection)
{
	int64_t most = call->service->settings.limits.members;
	uint64_t members, admins;
	enum dom_status st;

	st = store_member_count(call->txn, collection, &members, &admins);
	if (st == DOM_OK && most != 0 && members >= (uint64_t)most)
		return service_refuse(call, SERVICE_TOO_LARGE,
		    dom_arena_print(call->arena,
		        "A collection has at most %lld members in this region.",
		        (long long)most));
	return st;
}

/* The member that the path names; an e-mail address is no name here. */
static enum dom_status
find_member(
    struct service_call *call, const struct vault_place *place, struct store_member *member_r)
{
	struct store_account account;
	struct dom_slice folded;
	enum dom_status st;

	st = account_name_fold(call->arena, call->request->username, &folded);
	if (st == DOM_OK)
		st = store_account_by_name(call->txn, folded, call->arena, &account);
	if (st == DOM_OK)
		st = store_member_find(
		    call->txn, place->collection.number, account.number, call->arena, member_r);
	if (st == DOM_ABSENT)
		return service_refuse(
		    call, SERVICE_DOES_NOT_EXIST, "This collection has no such member.");
	return st;
}

static enum dom_status
put_members(struct share_list *list, const struct vault_place *place)
{
	struct service_call *call = list->page.call;
	struct store_member_name *rows;
	size_t count;
	unsigned room;
	enum dom_status st;

	for (;;) {
		room = vault_page_room(&list->page);
		dom_arena_reset(list->page.rows);
		st = store_member_scan(call->txn, place->collection.number, list->after,
		    room == 0 ? 1 : room, list->page.rows, &rows, &count);
		if (st != DOM_OK)
			return st;
		if (room == 0 || count == 0)
			return share_list_finish(list, count == 0);
		for (size_t i = 0; i < count; i++) {
			wire_member_encode(
			    &list->page.values, &(struct wire_member){.username = rows[i].name,
			                            .access_level = rows[i].access_level});
			if ((st = share_list_put(list, rows[i].clock)) != DOM_OK)
				return st;
		}
	}
}

enum dom_status
share_member_list(struct service_call *call)
{
	struct vault_place place;
	struct share_list list;
	enum dom_status st;

	if ((st = share_open(call, &place)) != DOM_OK)
		return st;
	st = share_list_open(call, place.collection.owner_id, SERVICE_BAD_STOKEN, true, &list);
	if (st == DOM_OK)
		st = put_members(&list, &place);
	share_list_close(&list);
	return st;
}

/*
 * Would the others be left without anyone who can manage the collection, once
 * this member is no admin any more?
 */
static enum dom_status
guard_last_admin(
    struct service_call *call, const struct store_member *member, uint64_t *members_r)
{
	uint64_t admins;
	enum dom_status st;

	st = store_member_count(call->txn, member->collection, members_r, &admins);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	if (member->access_level == WIRE_ACCESS_ADMIN && admins == 1 && *members_r > 1)
		return service_refuse(call, SERVICE_LAST_ADMIN,
		    "The collection's only administrator must stay while it has other members:"
		    " make one of them an administrator first, or remove them.");
	return DOM_OK;
}

enum dom_status
share_member_set(struct service_call *call)
{
	struct vault_place place;
	struct store_member member;
	struct wire_reject reject;
	uint64_t members, clock;
	int access_level;
	enum dom_status st;

	if ((st = share_open(call, &place)) != DOM_OK)
		return st;
	st = wire_access_decode(call->request->body, &access_level, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	if ((st = find_member(call, &place, &member)) != DOM_OK)
		return st;
	if (member.access_level == access_level)
		return DOM_OK;
	if ((st = guard_last_admin(call, &member, &members)) != DOM_OK)
		return st;
	st = store_account_tick(call->txn, place.collection.owner, &clock);
	if (st == DOM_OK)
		st = store_member_set_access(
		    call->txn, member.collection, member.account, access_level, clock);
	if (st == DOM_OK)
		share_announce(call, &place.collection, clock, member.account);
	return st > 0 ? DOM_ESTORE : st;
}

void
share_announce(struct service_call *call, const struct store_collection *collection,
    uint64_t clock, int64_t member)
{
	call->reply->change = (struct service_change){.owner = collection->owner,
	    .collection = collection->number,
	    .clock = clock,
	    .member = member};
}

/*
 * The note takes the former member's number, the owner's state changes too,
 * and so takes a number of its own.
 */
static enum dom_status
end_membership(struct service_call *call, const struct vault_place *place,
    const struct store_member *member)
{
	const struct store_collection *collection = &place->collection;
	struct store_removed removed = {
	    .uid = collection->uid, .collection_type = member->collection_type};
	uint64_t members, clock;
	enum dom_status st;

	if ((st = guard_last_admin(call, member, &members)) != DOM_OK)
		return st;
	st = store_member_remove(call->txn, collection->number, member->account);
	if (st == DOM_OK)
		st = store_account_tick(call->txn, member->account, &removed.clock);
	clock = removed.clock;
	if (st == DOM_OK)
		st = store_removed_put(call->txn, member->account, &removed);
	if (st == DOM_OK && member->account != collection->owner)
		st = store_account_tick(call->txn, collection->owner, &clock);
	if (st == DOM_OK && members == 1)
		st = store_collection_abandon(call->txn, collection->number, 0);
	if (st == DOM_OK)
		share_announce(call, collection, clock, member->account);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
share_member_remove(struct service_call *call)
{
	struct vault_place place;
	struct store_member member;
	enum dom_status st;

	if ((st = share_open(call, &place)) == DOM_OK &&
	    (st = find_member(call, &place, &member)) == DOM_OK)
		st = end_membership(call, &place, &member);
	return st;
}

enum dom_status
share_member_leave(struct service_call *call)
{
	struct vault_place place;
	enum dom_status st;

	if ((st = vault_open(call, false, &place)) == DOM_OK)
		st = end_membership(call, &place, &place.member);
	return st;
}
