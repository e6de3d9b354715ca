/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A store that was made out of a backup does not know what was erased and
 * withdrawn since.  The journal does, by keyed hashes: what is there is hashed
 * in the same way and compared.
 *
 * The entries of one request stand together; the last of them says what it
 * was.  After a crash, instead of a restore, the request is known to the store:
 * then nothing is begun again, it only learns that the journal has it.
 */
#include <stdlib.h>

#include "services/erasure/erasure.h"
#include "services/move/restored.h"
#include "store/move.h"

enum { PAGE_ROWS = 200 };

struct known_account {
	uint8_t hash[JOURNAL_HASH_SIZE];
	int64_t number;
};

/* What the journal says about one request. */
struct request_entries {
	struct journal_entry end; /* the last of them */
	bool is_whole;            /* else the journal ends within it */
	uint8_t (*collections)[JOURNAL_HASH_SIZE];
	size_t count, room;
};

struct replay {
	const struct service *service;
	struct store *store;
	const struct journal *journal;
	struct known_account *accounts; /* by hash */
	size_t account_count, account_room;
	struct request_entries request;
	uint64_t followed;
	/* of the job under way */
	struct dom_arena *arena;
	const struct known_account *account;
	struct store_account owner;
};

/* --- who there is --------------------------------------------------------------- */

static int
compare_accounts(const void *a, const void *b)
{
	return memcmp(((const struct known_account *)a)->hash,
	    ((const struct known_account *)b)->hash, JOURNAL_HASH_SIZE);
}

static enum dom_status
know_accounts(struct replay *replay, const struct store_account *rows, size_t count)
{
	if (replay->account_count + count > replay->account_room) {
		size_t room = 2 * (replay->account_count + count);
		struct known_account *wider = realloc(replay->accounts, room * sizeof(*wider));

		if (wider == NULL)
			return DOM_ENOMEM;
		replay->accounts = wider;
		replay->account_room = room;
	}
	for (size_t i = 0; i < count; i++) {
		struct known_account *known = &replay->accounts[replay->account_count++];

		known->number = rows[i].number;
		erasure_hash_account(replay->service->key, rows[i].id, known->hash);
	}
	return DOM_OK;
}

static enum dom_status
scan_accounts(struct replay *replay, struct store_txn *txn)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct store_account *rows;
	int64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	if (arena == NULL)
		return DOM_ENOMEM;
	do {
		dom_arena_reset(arena);
		st = store_account_scan(txn, after, PAGE_ROWS, arena, &rows, &count);
		if (st == DOM_OK && count != 0) {
			after = rows[count - 1].number;
			st = know_accounts(replay, rows, count);
		}
	} while (st == DOM_OK && count != 0);
	dom_arena_free(&arena);
	if (st == DOM_OK && replay->account_count != 0)
		qsort(replay->accounts, replay->account_count, sizeof(*replay->accounts),
		    compare_accounts);
	return st;
}

/* --- what it was ------------------------------------------------------------------ */

static bool
is_service(const struct replay *replay, struct dom_slice service)
{
	uint8_t hash[JOURNAL_HASH_SIZE];

	erasure_hash_service(replay->service->key, replay->owner.id, service, hash);
	return memcmp(hash, replay->request.end.subject, sizeof(hash)) == 0;
}

/* Empty: nothing that is here was ever of that service. */
static enum dom_status
find_service(struct replay *replay, struct store_txn *txn, struct dom_slice *service_r)
{
	struct store_consent *consents;
	struct store_statement *statements;
	uint64_t after = 0;
	size_t count;
	enum dom_status st;

	*service_r = dom_slice("", 0);
	st = store_consent_list(txn, replay->owner.number, replay->arena, &consents, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		if (is_service(replay, consents[i].service)) {
			*service_r = consents[i].service;
			return DOM_OK;
		}
	}
	while (st == DOM_OK) {
		st = store_statement_list(txn, replay->owner.number, after, PAGE_ROWS,
		    replay->arena, &statements, &count);
		if (st != DOM_OK || count == 0)
			break;
		for (size_t i = 0; i < count; i++) {
			if (is_service(replay, statements[i].service)) {
				*service_r = statements[i].service;
				return DOM_OK;
			}
		}
		after = statements[count - 1].serial;
	}
	return st;
}

static bool
is_uid(const struct replay *replay, struct dom_slice uid, const uint8_t *wanted)
{
	uint8_t hash[JOURNAL_HASH_SIZE];

	erasure_hash_uid(replay->service->key, uid, hash);
	return memcmp(hash, wanted, sizeof(hash)) == 0;
}

static enum dom_status
find_item_in(struct replay *replay, struct store_txn *txn,
    const struct store_collection *collection, struct dom_slice *item_r)
{
	struct dom_arena *page = dom_arena_new(0);
	struct store_item *rows;
	uint64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	if (page == NULL)
		return DOM_ENOMEM;
	do {
		dom_arena_reset(page);
		st = store_item_scan(
		    txn, collection, after, true, PAGE_ROWS, page, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = rows[i].current.clock;
			if (is_uid(replay, rows[i].uid, replay->request.end.item)) {
				*item_r = dom_arena_copy(replay->arena, rows[i].uid);
				dom_arena_free(&page);
				return item_r->data == NULL ? DOM_ENOMEM : DOM_OK;
			}
		}
	} while (st == DOM_OK && count != 0);
	dom_arena_free(&page);
	return st == DOM_OK ? DOM_ABSENT : st;
}

static enum dom_status
find_item(struct replay *replay, struct store_txn *txn, struct erasure_order *order)
{
	struct store_owned *rows;
	int64_t after = 0;
	size_t count;
	enum dom_status st;

	do {
		st = store_collections_owned(
		    txn, replay->owner.number, after, PAGE_ROWS, replay->arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = rows[i].collection.number;
			if (!is_uid(
			        replay, rows[i].collection.uid, replay->request.end.subject))
				continue;
			order->collection_uid = rows[i].collection.uid;
			return find_item_in(replay, txn, &rows[i].collection, &order->item_uid);
		}
	} while (st == DOM_OK && count != 0);
	return st == DOM_OK ? DOM_ABSENT : st;
}

/* --- again ---------------------------------------------------------------------- */

/* Of what it held after the account had moved away. */
static enum dom_status
begin_source(struct replay *replay, struct store_txn *txn, struct erasure_order *order)
{
	const struct journal_entry *end = &replay->request.end;
	enum dom_status st;

	st = move_restored_source(txn, &replay->owner, end->request,
	    erasure_get_epoch(end->item), dom_clock_now_ms(&replay->service->clock),
	    replay->arena);
	if (st != DOM_OK)
		return st;
	if (replay->owner.state == STORE_ACCOUNT_STAGING)
		return erasure_staged(txn, replay->arena, order);
	order->scope = WIRE_SCOPE_SOURCE;
	order->root = end->subject;
	return erasure_source(txn, replay->arena, order, NULL);
}

/*
 * Its owner asked for it while the account lived here.  A copy that was complete in the
 * backup has become its home since, and loses what was erased before it does so again; one
 * that was not complete never will.
 */
static enum dom_status
begin_part(struct replay *replay, struct store_txn *txn, const struct erasure_order *order)
{
	struct store_account *owner = &replay->owner;
	bool is_prepared = owner->state == STORE_ACCOUNT_PREPARED;
	enum dom_status st = DOM_OK;

	if (is_prepared)
		st = store_account_turn(txn, owner->number, STORE_ACCOUNT_PREPARED,
		    STORE_ACCOUNT_HOME, owner->epoch);
	if (st == DOM_OK)
		st = erasure_begin(txn, replay->arena, order, NULL);
	if (is_prepared && (st == DOM_OK || st == DOM_ABSENT || st == DOM_CONFLICT))
		st = store_account_turn(txn, owner->number, STORE_ACCOUNT_HOME,
		    STORE_ACCOUNT_PREPARED, owner->epoch);
	return st;
}

static enum dom_status
begin_again(struct replay *replay, struct store_txn *txn)
{
	const struct request_entries *request = &replay->request;
	const struct erasure_trace trace = {.key = replay->service->key,
	    .collections = (const uint8_t(*)[JOURNAL_HASH_SIZE])request->collections,
	    .count = request->count};
	struct erasure_order order = {.account = replay->owner.number,
	    .requested_ms = request->end.accepted_ms,
	    .clock = request->end.clock,
	    .trace = &trace};
	enum dom_status st = DOM_OK;

	memcpy(order.request, request->end.request, sizeof(order.request));
	if (request->end.kind != JOURNAL_SOURCE &&
	    (st = move_restored_over(txn, &replay->owner, request->end.kind == JOURNAL_ACCOUNT,
	         replay->arena)) != DOM_OK)
		return st;
	switch (request->end.kind) {
	case JOURNAL_WITHDRAWAL:
	case JOURNAL_SERVICE:
	case JOURNAL_COLLECTION:
		if ((st = find_service(replay, txn, &order.service)) == DOM_OK)
			st = store_consent_clear(txn, replay->owner.number, order.service);
		if (st == DOM_ABSENT)
			st = DOM_OK;
		if (st != DOM_OK || request->end.kind == JOURNAL_WITHDRAWAL)
			return st;
		order.scope = WIRE_SCOPE_SERVICE;
		break;
	case JOURNAL_HISTORY:
		order.scope = WIRE_SCOPE_ITEM;
		st = find_item(replay, txn, &order);
		break;
	case JOURNAL_ACCOUNT:
		order.scope = WIRE_SCOPE_ACCOUNT;
		break;
	case JOURNAL_SOURCE:
		st = begin_source(replay, txn, &order);
		return st > 0 ? DOM_OK : st;
	}
	if (st == DOM_OK)
		st = begin_part(replay, txn, &order);
	/* What is not there needs no erasing. */
	return st > 0 ? DOM_OK : st;
}

/* The request is known: it goes on where it was, and is in the journal. */
static enum dom_status
note(struct replay *replay, struct store_txn *txn, struct store_erasure *row)
{
	(void)replay;
	if (row->state != STORE_ERASURE_WAITING)
		return DOM_OK;
	if (row->scope == ERASURE_SCOPE_KEEP)
		return store_erasure_remove(txn, row->number);
	row->state = STORE_ERASURE_NOTED;
	return store_erasure_update(txn, row);
}

static enum dom_status
run_request(struct store_txn *txn, void *context)
{
	struct replay *replay = context;
	struct store_erasure row;
	enum dom_status st;

	dom_arena_reset(replay->arena);
	st = store_erasure_find(txn, replay->request.end.request, replay->arena, &row);
	if (st == DOM_OK) {
		/* It was cut short: the keeper writes what is missing. */
		if (!replay->request.is_whole)
			return DOM_OK;
		st = note(replay, txn, &row);
	} else if (st == DOM_ABSENT && replay->account != NULL) {
		st = store_account_by_number(
		    txn, replay->account->number, replay->arena, &replay->owner);
		if (st == DOM_OK)
			st = begin_again(replay, txn);
		replay->followed += st == DOM_OK;
	}
	if (st == DOM_OK || st == DOM_ABSENT)
		st = store_region_journal_set(txn, replay->request.end.number);
	return st;
}

static enum dom_status
follow(struct replay *replay)
{
	struct known_account wanted;

	memcpy(wanted.hash, replay->request.end.account, sizeof(wanted.hash));
	replay->account = NULL;
	if (replay->account_count != 0)
		replay->account = bsearch(&wanted, replay->accounts, replay->account_count,
		    sizeof(wanted), compare_accounts);
	return store_write(replay->store, run_request, replay);
}

static enum dom_status
note_collection(struct request_entries *request, const uint8_t hash[JOURNAL_HASH_SIZE])
{
	if (request->count == request->room) {
		size_t room = request->room == 0 ? 64 : 2 * request->room;
		uint8_t(*wider)[JOURNAL_HASH_SIZE] =
		    realloc(request->collections, room * sizeof(*wider));

		if (wider == NULL)
			return DOM_ENOMEM;
		request->collections = wider;
		request->room = room;
	}
	memcpy(request->collections[request->count++], hash, JOURNAL_HASH_SIZE);
	return DOM_OK;
}

/* All entries of the next request; DOM_ABSENT: there are none. */
static enum dom_status
read_request(struct replay *replay, uint64_t *number)
{
	struct request_entries *request = &replay->request;
	const struct journal *journal = replay->journal;
	enum dom_status st = DOM_ABSENT;

	request->count = 0;
	request->is_whole = false;
	while (!request->is_whole && *number < journal->count(journal->context)) {
		struct journal_entry entry;

		st = journal->read(journal->context, *number + 1, &entry);
		if (st != DOM_OK)
			return st;
		/* Cut short, and then something else was written: as if it ended here. */
		if (request->count != 0 &&
		    memcmp(entry.request, request->end.request, sizeof(entry.request)) != 0)
			return DOM_OK;
		request->end = entry;
		request->is_whole = entry.kind != JOURNAL_COLLECTION;
		if (!request->is_whole &&
		    (st = note_collection(request, entry.subject)) != DOM_OK)
			return st;
		(*number)++;
	}
	return st;
}

static enum dom_status
begin_replay(struct replay *replay, uint64_t *number_r)
{
	struct store_reader *reader = NULL;
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_reader_open(replay->store, &reader)) == DOM_OK &&
	    (st = store_read_begin(reader, &txn)) == DOM_OK)
		st = store_region_journal(txn, number_r);
	/* What a lost journal may have held in between, nobody knows. */
	if (st == DOM_OK && *number_r < replay->journal->base)
		*number_r = replay->journal->base;
	if (st == DOM_OK && *number_r < replay->journal->count(replay->journal->context))
		st = scan_accounts(replay, txn);
	store_read_end(&txn);
	store_reader_close(&reader);
	return st;
}

enum dom_status
erasure_replay(const struct service *service, struct store *store,
    const struct journal *journal, uint64_t *followed_r)
{
	struct replay replay = {.service = service, .store = store, .journal = journal};
	uint64_t number;
	enum dom_status st;

	if ((replay.arena = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	st = begin_replay(&replay, &number);
	while (st == DOM_OK && (st = read_request(&replay, &number)) == DOM_OK)
		st = follow(&replay);
	*followed_r = replay.followed;
	dom_arena_free(&replay.arena);
	free(replay.accounts);
	free(replay.request.collections);
	return st == DOM_ABSENT ? DOM_OK : st;
}
