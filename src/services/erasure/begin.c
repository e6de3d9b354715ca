/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What happens at once: from this job's commit on nothing of it is readable. */
#include <assert.h>

#include "services/erasure/erasure.h"
#include "store/move.h"

enum {
	PAGE_ROWS = 100,
	STATEMENTS_PAGE = 50,
};

struct beginning {
	struct store_txn *txn;
	struct dom_arena *arena; /* the request's */
	const struct erasure_order *order;
	struct service_changes *changes;
	struct store_erasure row;
	struct dom_arena *rows; /* given back with each page */
	/* WIRE_SCOPE_SERVICE: the types that the service's consents have named. */
	struct dom_slice *types;
	size_t type_count, type_room;
};

/* Of the whole account, whoever asked for it. */
static bool
is_whole(const struct erasure_order *order)
{
	return order->scope == WIRE_SCOPE_ACCOUNT || order->scope == WIRE_SCOPE_SOURCE ||
	       order->scope == ERASURE_SCOPE_STAGED;
}

static void
announce(const struct beginning *beginning, const struct service_change *change)
{
	if (beginning->changes != NULL)
		service_changes_add(beginning->changes, change);
}

/* --- memberships ----------------------------------------------------------------- */

static bool
is_gone(struct beginning *beginning, int64_t number)
{
	struct store_account account;

	return store_account_by_number(beginning->txn, number, beginning->arena, &account) ==
	           DOM_OK &&
	       account.state == STORE_ACCOUNT_GONE;
}

/* The note takes the former member's number: see services/share/DESIGN.md. */
static enum dom_status
end_membership(struct beginning *beginning, const struct store_collection *collection,
    int64_t account, struct dom_slice type)
{
	struct store_removed removed = {.uid = collection->uid, .collection_type = type};
	bool is_erased = is_whole(beginning->order) && account == beginning->row.account;
	enum dom_status st;

	st = store_member_remove(beginning->txn, collection->number, account);
	if (st == DOM_OK)
		st = store_account_tick(beginning->txn, account, &removed.clock);
	/* Who lives in another region is told nothing here. */
	if (st == DOM_EFENCED && is_gone(beginning, account))
		return DOM_OK;
	/* Who is erased keeps no note of what it was in. */
	if (st == DOM_OK && !is_erased)
		st = store_removed_put(beginning->txn, account, &removed);
	if (st == DOM_OK)
		announce(beginning, &(struct service_change){.owner = collection->owner,
		                        .collection = collection->number,
		                        .clock = removed.clock,
		                        .member = account});
	return st > 0 ? DOM_ESTORE : st;
}

/* All of a page, then the next; each takes its rows away. */
static enum dom_status
end_memberships(struct beginning *beginning, const struct store_collection *collection)
{
	struct store_member_name *rows;
	struct store_member member;
	size_t count;
	enum dom_status st;

	do {
		st = store_member_scan(beginning->txn, collection->number, 0, PAGE_ROWS,
		    beginning->arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			st = store_member_find(beginning->txn, collection->number,
			    rows[i].account, beginning->arena, &member);
			if (st == DOM_OK)
				st = end_membership(beginning, collection, rows[i].account,
				    member.collection_type);
		}
	} while (st == DOM_OK && count != 0);
	return st > 0 ? DOM_ESTORE : st;
}

/* --- what a service has stored ------------------------------------------------------ */

static enum dom_status
note_type(struct beginning *beginning, struct dom_slice type)
{
	for (size_t i = 0; i < beginning->type_count; i++) {
		if (dom_slice_equal(beginning->types[i], type))
			return DOM_OK;
	}
	if (beginning->type_count == beginning->type_room) {
		size_t room = beginning->type_room == 0 ? 32 : 2 * beginning->type_room;
		struct dom_slice *wider =
		    dom_arena_array(beginning->arena, room, sizeof(*wider));

		if (wider == NULL)
			return DOM_ENOMEM;
		for (size_t i = 0; i < beginning->type_count; i++)
			wider[i] = beginning->types[i];
		beginning->types = wider;
		beginning->type_room = room;
	}
	type = dom_arena_copy(beginning->arena, type);
	if (type.data == NULL)
		return DOM_ENOMEM;
	beginning->types[beginning->type_count++] = type;
	return DOM_OK;
}

static enum dom_status
note_types_of(struct beginning *beginning, const struct store_statement *row)
{
	struct wire_statement statement;
	enum dom_status st;

	if (row->kind != WIRE_CONSENT ||
	    !dom_slice_equal(row->service, beginning->order->service))
		return DOM_OK;
	st = wire_statement_decode(row->bytes, beginning->rows, &statement);
	/* One that this release cannot read names nothing that it would know. */
	if (st != DOM_OK)
		return st == DOM_ENOMEM ? st : DOM_OK;
	for (size_t i = 0; i < statement.type_count && st == DOM_OK; i++)
		st = note_type(beginning, statement.types[i]);
	return st;
}

/* Also those of consents that were replaced: what they let in is still there. */
static enum dom_status
note_types(struct beginning *beginning)
{
	struct store_statement *rows;
	uint64_t after = 0;
	size_t count;
	enum dom_status st;

	do {
		dom_arena_reset(beginning->rows);
		st = store_statement_list(beginning->txn, beginning->row.account, after,
		    STATEMENTS_PAGE, beginning->rows, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			st = note_types_of(beginning, &rows[i]);
			after = rows[i].serial;
		}
	} while (st == DOM_OK && count != 0);
	return st > 0 ? DOM_ESTORE : st;
}

static bool
is_traced(const struct erasure_trace *trace, struct dom_slice uid)
{
	uint8_t hash[JOURNAL_HASH_SIZE];

	if (trace == NULL)
		return false;
	erasure_hash_uid(trace->key, uid, hash);
	for (size_t i = 0; i < trace->count; i++) {
		if (memcmp(trace->collections[i], hash, sizeof(hash)) == 0)
			return true;
	}
	return false;
}

/* DOM_OK: it goes; DOM_ABSENT: it stays. */
static enum dom_status
belongs(struct beginning *beginning, const struct store_owned *owned, int64_t now_ms)
{
	struct store_consent *consents;
	size_t count;
	enum dom_status st;

	/* It goes with another erasure already. */
	if (owned->erasure != 0)
		return DOM_ABSENT;
	if (is_whole(beginning->order))
		return DOM_OK;
	for (size_t i = 0; i < beginning->type_count; i++) {
		if (owned->type.size != 0 && dom_slice_equal(beginning->types[i], owned->type))
			return DOM_OK;
	}
	if (is_traced(beginning->order->trace, owned->collection.uid))
		return DOM_OK;
	if (!dom_slice_is(beginning->order->service, "any"))
		return DOM_ABSENT;
	/* "any" had let in whatever no service that is still on would have. */
	st = store_consent_covers(beginning->txn, beginning->row.account, owned->type, now_ms,
	    beginning->rows, &consents, &count);
	if (st != DOM_OK && st != DOM_ABSENT)
		return st;
	return st == DOM_OK && count != 0 ? DOM_ABSENT : DOM_OK;
}

static enum dom_status
abandon(struct beginning *beginning, const struct store_owned *owned)
{
	enum dom_status st = end_memberships(beginning, &owned->collection);

	return st == DOM_OK ? store_collection_abandon(beginning->txn, owned->collection.number,
	                          beginning->row.number)
	                    : st;
}

static enum dom_status
abandon_collections(struct beginning *beginning)
{
	struct dom_arena *page = dom_arena_new(0);
	struct store_owned *rows;
	int64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	if (page == NULL)
		return DOM_ENOMEM;
	do {
		dom_arena_reset(page);
		st = store_collections_owned(beginning->txn, beginning->row.account, after,
		    PAGE_ROWS, page, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			dom_arena_reset(beginning->rows);
			after = rows[i].collection.number;
			st = belongs(beginning, &rows[i], beginning->order->requested_ms);
			if (st == DOM_OK)
				st = abandon(beginning, &rows[i]);
			else if (st == DOM_ABSENT)
				st = DOM_OK;
		}
	} while (st == DOM_OK && count != 0);
	dom_arena_free(&page);
	return st > 0 ? DOM_ESTORE : st;
}

/* --- scopes ------------------------------------------------------------------------ */

/* It owns nothing any more; what is left is what others share with it. */
static enum dom_status
leave_others(struct beginning *beginning, int64_t owner)
{
	struct store_membership *rows;
	uint64_t members, admins, clock;
	size_t count;
	enum dom_status st;

	do {
		dom_arena_reset(beginning->rows);
		st = store_membership_scan(beginning->txn, beginning->row.account, owner, 0,
		    NULL, 0, PAGE_ROWS, beginning->rows, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			const struct store_collection *collection = &rows[i].collection;

			st = store_member_count(
			    beginning->txn, collection->number, &members, &admins);
			if (st == DOM_OK)
				st = end_membership(beginning, collection,
				    beginning->row.account, dom_slice("", 0));
			if (st == DOM_OK)
				st = store_account_tick(beginning->txn, owner, &clock);
			if (st == DOM_OK && members == 1)
				st = store_collection_abandon(
				    beginning->txn, collection->number, 0);
			if (st == DOM_OK)
				announce(beginning, &(struct service_change){.owner = owner,
				                        .collection = collection->number,
				                        .clock = clock,
				                        .member = beginning->row.account});
		}
	} while (st == DOM_OK && count != 0);
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
begin_account(struct beginning *beginning)
{
	struct store_account *owners;
	size_t count = 0;
	uint64_t clock;
	enum dom_status st = abandon_collections(beginning);

	if (st == DOM_OK)
		st = store_membership_owners(
		    beginning->txn, beginning->row.account, beginning->arena, &owners, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++)
		st = leave_others(beginning, owners[i].number);
	if (st == DOM_OK)
		st = store_account_begin_erase(beginning->txn, beginning->row.account);
	if (st == DOM_OK)
		st = store_account_tick(beginning->txn, beginning->row.account, &clock);
	/* Its devices that wait: their sessions are gone. */
	if (st == DOM_OK)
		announce(beginning, &(struct service_change){.owner = beginning->row.account,
		                        .clock = clock,
		                        .member = beginning->row.account});
	return st;
}

static enum dom_status
begin_service(struct beginning *beginning)
{
	enum dom_status st = note_types(beginning);

	return st == DOM_OK ? abandon_collections(beginning) : st;
}

/* The item must be there, in a collection that the account owns. */
static enum dom_status
begin_item(struct beginning *beginning)
{
	struct store_collection collection;
	struct dom_slice etag;
	int64_t number;
	enum dom_status st;

	st = store_collection_find(
	    beginning->txn, beginning->order->collection_uid, beginning->arena, &collection);
	if (st == DOM_OK && collection.owner != beginning->row.account)
		return DOM_ABSENT;
	if (st == DOM_OK)
		st = store_item_etag(beginning->txn, collection.number,
		    beginning->order->item_uid, beginning->arena, &number, &etag);
	return st;
}

static enum dom_status
begin_scope(struct beginning *beginning)
{
	switch (beginning->order->scope) {
	case WIRE_SCOPE_ITEM:
		return begin_item(beginning);
	case WIRE_SCOPE_SERVICE:
		return begin_service(beginning);
	case WIRE_SCOPE_ACCOUNT:
	case WIRE_SCOPE_SOURCE:
	case ERASURE_SCOPE_STAGED:
		return begin_account(beginning);
	default:
		return DOM_OK;
	}
}

/* In which state the account has to be, so that it can be begun. */
static enum store_account_state
state_before(const struct erasure_order *order)
{
	if (order->scope == WIRE_SCOPE_SOURCE)
		return STORE_ACCOUNT_GONE;
	return order->scope == ERASURE_SCOPE_STAGED ? STORE_ACCOUNT_STAGING
	                                            : STORE_ACCOUNT_HOME;
}

/* Where the keeper begins. */
static enum store_erasure_state
state_of_row(const struct erasure_order *order)
{
	/* Nobody restores it: its source says that it was dropped. */
	if (order->scope == ERASURE_SCOPE_STAGED)
		return STORE_ERASURE_ERASING;
	return order->trace == NULL ? STORE_ERASURE_WAITING : STORE_ERASURE_NOTED;
}

static struct dom_slice
text_or_empty(struct dom_slice text)
{
	return text.data == NULL ? dom_slice("", 0) : text;
}

enum dom_status
erasure_begin(struct store_txn *txn, struct dom_arena *arena, const struct erasure_order *order,
    struct service_changes *changes)
{
	const struct dom_slice none = dom_slice("", 0);
	struct beginning beginning = {
	    .txn = txn,
	    .arena = arena,
	    .order = order,
	    .changes = changes,
	    .row = {.account = order->account,
	        .scope = order->scope,
	        .state = state_of_row(order),
	        .service = text_or_empty(order->service),
	        .collection_uid = text_or_empty(order->collection_uid),
	        .item_uid = text_or_empty(order->item_uid),
	        .requested_ms = order->requested_ms,
	        .clock = order->clock,
	        .receipt = none,
	        .receipt_signature = none},
	};
	struct store_account account;
	enum dom_status st;

	memcpy(beginning.row.request, order->request, sizeof(beginning.row.request));
	st = store_account_by_number(txn, order->account, arena, &account);
	if (st == DOM_OK && account.state != (int)state_before(order))
		return DOM_CONFLICT;
	/* For the root, which comes after the account has lost its keys. */
	if (st == DOM_OK)
		beginning.row.statement_public = account.identity_public;
	if (order->root != NULL)
		memcpy(beginning.row.root, order->root, sizeof(beginning.row.root));
	if (st != DOM_OK ||
	    (st = store_erasure_add(txn, &beginning.row, &beginning.row.number)) != DOM_OK)
		return st;
	/* The fence lets in who erases. */
	if (account.state != STORE_ACCOUNT_HOME &&
	    (st = store_account_turn(txn, account.number,
	         (enum store_account_state)account.state, STORE_ACCOUNT_ERASING,
	         account.epoch)) != DOM_OK)
		return st;
	if ((beginning.rows = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	st = begin_scope(&beginning);
	dom_arena_free(&beginning.rows);
	return st;
}

enum dom_status
erasure_source(struct store_txn *txn, struct dom_arena *arena,
    const struct erasure_order *order, struct service_changes *changes)
{
	assert(order->scope == WIRE_SCOPE_SOURCE && order->root != NULL);
	return erasure_begin(txn, arena, order, changes);
}

enum dom_status
erasure_staged(
    struct store_txn *txn, struct dom_arena *arena, const struct erasure_order *order)
{
	struct erasure_order staged = *order;

	staged.scope = ERASURE_SCOPE_STAGED;
	staged.root = NULL;
	return erasure_begin(txn, arena, &staged, NULL);
}

enum dom_status
erasure_ended(struct store_txn *txn, const uint8_t request[STORE_REQUEST_SIZE],
    struct dom_arena *arena, struct erasure_end *end_r)
{
	struct store_erasure row;
	enum dom_status st = store_erasure_find(txn, request, arena, &row);

	if (st == DOM_OK && row.state != STORE_ERASURE_ERASED)
		return DOM_CONFLICT;
	if (st == DOM_OK)
		*end_r = (struct erasure_end){
		    .receipt = row.receipt, .signature = row.receipt_signature, .sum = row.sum};
	return st;
}
