/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One socket for everything that an account may read: which collection has
 * changed, never what.  It walks as a collection list does, owners by
 * ascending id and each by clock, so that its position is a sync token of
 * that list.
 */
#include <stdlib.h>

#include "base/msgpack.h"

#include "services/push/push.h"
#include "services/vault/vault.h"

static const struct push_owner *
find_owner(const struct push_subscription *subscription, int64_t number)
{
	for (size_t i = 0; i < subscription->owner_count; i++) {
		if (subscription->owners[i].number == number)
			return &subscription->owners[i];
	}
	return NULL;
}

/* The account itself is among them always: its first collection comes later. */
static size_t
add_owner(const struct push_subscription *subscription, struct push_owner *owners, size_t count,
    const struct store_account *account)
{
	const struct push_owner *known = find_owner(subscription, account->number);

	owners[count].number = account->number;
	memcpy(owners[count].id, account->id, STORE_ID_SIZE);
	owners[count].clock = known == NULL ? 0 : known->clock;
	return count + 1;
}

enum dom_status
push_owners_renew(struct store_txn *txn, struct push_subscription *subscription,
    struct dom_arena *arena, bool *moved_r)
{
	struct store_account self, *accounts;
	struct push_owner *owners;
	size_t account_count, count = 0;
	bool has_self = false;
	enum dom_status st;

	*moved_r = false;
	st = store_account_by_number(txn, subscription->account, arena, &self);
	/* It was erased, to its end. */
	if (st == DOM_ABSENT)
		return DOM_EDENIED;
	if (st == DOM_OK)
		st = store_membership_owners(
		    txn, subscription->account, arena, &accounts, &account_count);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	/* More owners than a token can name are not followed. */
	if (account_count > WIRE_STOKEN_OWNERS_MAX - 1)
		account_count = WIRE_STOKEN_OWNERS_MAX - 1;
	if ((owners = calloc(account_count + 1, sizeof(*owners))) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < account_count; i++) {
		has_self = has_self || accounts[i].number == self.number;
		count = add_owner(subscription, owners, count, &accounts[i]);
	}
	if (!has_self)
		count = add_owner(subscription, owners, count, &self);
	*moved_r = count != subscription->owner_count;
	for (size_t i = 0; i < count && !*moved_r; i++)
		*moved_r = find_owner(subscription, owners[i].number) == NULL;
	free(subscription->owners);
	subscription->owners = owners;
	subscription->owner_count = count;
	return DOM_OK;
}

/* What has been sent so far, as a token of the collection list. */
static enum dom_status
put_position(const struct push_subscription *subscription, struct dom_arena *arena,
    struct dom_buffer *body)
{
	struct wire_stoken *stoken = dom_arena_take(arena, sizeof(*stoken));
	char *text = dom_arena_take(arena, WIRE_STOKEN_SIZE(subscription->owner_count) + 1);
	enum dom_status st = DOM_OK;

	if (stoken == NULL || text == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < subscription->owner_count && st == DOM_OK; i++) {
		const struct push_owner *at = &subscription->owners[i];

		if (at->clock != 0)
			st = wire_stoken_set(stoken, at->id, at->clock);
	}
	if (st == DOM_OK)
		st = wire_stoken_encode(stoken, text);
	dom_pack_put_text(body, text);
	return st;
}

/* collection NULL: the account is no member of uid any more. */
static enum dom_status
put_change(const struct push_subscription *subscription, struct dom_slice uid,
    const struct store_collection *collection, struct dom_arena *arena, struct dom_buffer *body)
{
	char token[WIRE_STOKEN_SIZE(1) + 1];
	enum dom_status st = DOM_OK;

	if (collection != NULL)
		st = service_stoken_one(
		    collection->owner_id, vault_collection_clock(collection), token);
	if (st != DOM_OK)
		return st;
	dom_pack_put_map(body, 3);
	dom_pack_put_text(body, "collection");
	dom_pack_put_str(body, uid);
	dom_pack_put_text(body, "stoken");
	if (collection != NULL)
		dom_pack_put_text(body, token);
	else
		dom_pack_put_nil(body);
	dom_pack_put_text(body, "position");
	if ((st = put_position(subscription, arena, body)) != DOM_OK)
		return st;
	return dom_buffer_finish(body);
}

/* What ended has the account's own number, as its own collections have. */
static enum dom_status
next_of_owner(struct store_txn *txn, const struct push_subscription *subscription,
    struct push_owner *at, struct dom_arena *arena, struct dom_buffer *body)
{
	struct store_membership *rows;
	struct store_removed *removed = NULL;
	size_t count, removed_count = 0;
	enum dom_status st;

	st = store_membership_scan(txn, subscription->account, at->number, at->clock, NULL, 0,
	    1, arena, &rows, &count);
	if (st >= 0 && at->number == subscription->account)
		st = store_removed_scan(
		    txn, subscription->account, at->clock, 1, arena, &removed, &removed_count);
	if (st < 0)
		return st;
	if (removed_count != 0 && (count == 0 || removed[0].clock < rows[0].clock)) {
		at->clock = removed[0].clock;
		return put_change(subscription, removed[0].uid, NULL, arena, body);
	}
	if (count == 0)
		return DOM_ABSENT;
	at->clock = rows[0].clock;
	return put_change(
	    subscription, rows[0].collection.uid, &rows[0].collection, arena, body);
}

enum dom_status
push_next_change(struct store_txn *txn, struct push_subscription *subscription,
    struct dom_arena *arena, struct dom_buffer *body)
{
	enum dom_status st = DOM_ABSENT;

	for (size_t i = 0; i < subscription->owner_count && st == DOM_ABSENT; i++) {
		struct push_owner *at = &subscription->owners[i];
		uint64_t clock = at->clock;

		/* The message's position is where it is then; there is none if it failed. */
		if ((st = next_of_owner(txn, subscription, at, arena, body)) < 0)
			at->clock = clock;
	}
	return st;
}
