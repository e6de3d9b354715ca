/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An account that moves leaves everything that it shares, if the order says so: who was with it
 * loses its collections and is told by a note, as share/member.c leaves one.
 */
#include "services/move/source.h"
#include "store/erase.h"

enum { PAGE_ROWS = 100 };

struct leaving {
	struct store_txn *txn;
	int64_t account;
	struct dom_arena *arena;
	struct service_changes *changes;
};

/* The note takes the former member's number, and the owner's state changes too. */
static enum dom_status
end_membership(struct leaving *leaving, const struct store_collection *collection,
    int64_t account, struct dom_slice type)
{
	struct store_removed removed = {.uid = collection->uid, .collection_type = type};
	uint64_t clock;
	enum dom_status st;

	st = store_member_remove(leaving->txn, collection->number, account);
	if (st == DOM_OK)
		st = store_account_tick(leaving->txn, account, &removed.clock);
	if (st == DOM_OK)
		st = store_removed_put(leaving->txn, account, &removed);
	if (st == DOM_OK)
		st = store_account_tick(leaving->txn, collection->owner, &clock);
	if (st == DOM_OK)
		service_changes_add(
		    leaving->changes, &(struct service_change){.owner = collection->owner,
		                          .collection = collection->number,
		                          .clock = clock,
		                          .member = account});
	return st > 0 ? DOM_ESTORE : st;
}

/* Everybody but the owner, a page at a time. */
static enum dom_status
empty_collection(struct leaving *leaving, const struct store_collection *collection)
{
	struct store_member_name *rows;
	struct store_member member;
	uint64_t after = 0;
	size_t count;
	enum dom_status st;

	do {
		st = store_member_scan(leaving->txn, collection->number, after, PAGE_ROWS,
		    leaving->arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = rows[i].clock;
			if (rows[i].account == leaving->account)
				continue;
			st = store_member_find(leaving->txn, collection->number,
			    rows[i].account, leaving->arena, &member);
			if (st == DOM_OK)
				st = end_membership(leaving, collection, rows[i].account,
				    member.collection_type);
		}
	} while (st == DOM_OK && count != 0);
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
empty_collections(struct leaving *leaving)
{
	struct store_owned *rows;
	int64_t after = 0;
	size_t count;
	enum dom_status st;

	do {
		st = store_collections_owned(leaving->txn, leaving->account, after, PAGE_ROWS,
		    leaving->arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = rows[i].collection.number;
			st = empty_collection(leaving, &rows[i].collection);
		}
	} while (st == DOM_OK && count != 0);
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
leave_owner(struct leaving *leaving, int64_t owner)
{
	struct store_membership *rows;
	uint64_t members, admins;
	size_t count;
	enum dom_status st;

	do {
		st = store_membership_scan(leaving->txn, leaving->account, owner, 0, NULL, 0,
		    PAGE_ROWS, leaving->arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			const struct store_collection *collection = &rows[i].collection;

			st = store_member_count(
			    leaving->txn, collection->number, &members, &admins);
			if (st == DOM_OK)
				st = end_membership(leaving, collection, leaving->account,
				    rows[i].member.collection_type);
			if (st == DOM_OK && members == 1)
				st = store_collection_abandon(
				    leaving->txn, collection->number, 0);
		}
	} while (st == DOM_OK && count != 0);
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
leave_others(struct leaving *leaving)
{
	struct store_account *owners;
	size_t count = 0;
	enum dom_status st = store_membership_owners(
	    leaving->txn, leaving->account, leaving->arena, &owners, &count);

	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		if (owners[i].number != leaving->account)
			st = leave_owner(leaving, owners[i].number);
	}
	return st > 0 ? DOM_ESTORE : st;
}

typedef enum dom_status scan_invitations(struct store_txn *txn, int64_t account, uint64_t after,
    unsigned limit, struct dom_arena *arena, struct store_invitation **rows_r, size_t *count_r);

static enum dom_status
drop_invitations(struct leaving *leaving, scan_invitations *scan)
{
	struct store_invitation *rows;
	size_t count;
	enum dom_status st;

	do {
		st = scan(leaving->txn, leaving->account, 0, PAGE_ROWS, leaving->arena, &rows,
		    &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++)
			st = store_invitation_remove(leaving->txn, rows[i].uid);
	} while (st == DOM_OK && count != 0);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_unshare(struct store_txn *txn, int64_t account, struct dom_arena *arena,
    struct service_changes *changes)
{
	struct leaving leaving = {
	    .txn = txn, .account = account, .arena = arena, .changes = changes};
	enum dom_status st = empty_collections(&leaving);

	if (st == DOM_OK)
		st = leave_others(&leaving);
	if (st == DOM_OK)
		st = drop_invitations(&leaving, store_invitation_scan_sent);
	if (st == DOM_OK)
		st = drop_invitations(&leaving, store_invitation_scan_received);
	return st;
}
