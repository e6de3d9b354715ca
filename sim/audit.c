/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The model against what the stores hold. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/stoken.h"

#include "services/move/guard.h"
#include "sim/oracle.h"
#include "sim/phone.h"
#include "sim/time.h"

enum { HISTORY_MAX = 512, PAGE = 200 };

struct audit {
	struct oracle *oracle;
	struct world *world;
	struct region *region;
	struct store_txn *txn;
	struct store_account account;
	unsigned index; /* of the account in the model */
	bool is_end;
};

enum dom_status
audit_find(struct store_txn *txn, struct o_account *model, struct dom_arena *arena,
    struct store_account *account_r)
{
	enum dom_status st;

	if (model->has_id)
		return store_account_by_id(txn, model->id, arena, account_r);
	st = store_account_by_name(txn, dom_slice_of(model->name), arena, account_r);
	if (st == DOM_OK && !dom_slice_equal(account_r->identity_public,
	                        dom_slice(model->identity, sizeof(model->identity))))
		return DOM_ABSENT;
	if (st == DOM_OK) {
		model->has_id = true;
		model->is_made = true;
		memcpy(model->id, account_r->id, sizeof(model->id));
	}
	return st;
}

static bool
is_home(int state)
{
	return state == STORE_ACCOUNT_HOME || state == STORE_ACCOUNT_FROZEN;
}

static bool
read_again(struct oracle *oracle, struct o_account *model, struct region *region,
    struct store_txn *txn)
{
	struct o_seen *seen = &model->seen[region->index];
	enum dom_status st = DOM_ABSENT;

	/* By its number, which costs no names; a copy that came later has another. */
	if (model->has_id && seen->is_there)
		st = store_account_by_number(
		    txn, seen->account.number, oracle->arena, &seen->account);
	if (st != DOM_OK || memcmp(seen->account.id, model->id, sizeof(model->id)) != 0)
		st = audit_find(txn, model, oracle->arena, &seen->account);
	seen->is_there = st == DOM_OK;
	return st == DOM_OK || st == DOM_ABSENT;
}

/* This account, and all that move: after a commit each of these is asked for. */
static void
look_again(struct oracle *oracle, unsigned account, struct region *region, uint64_t changes)
{
	struct store_txn *txn;

	if (store_read_begin(region->reader, &txn) != DOM_OK)
		return;
	for (unsigned i = 0; i < oracle->account_count; i++) {
		struct o_account *model = &oracle->accounts[i];
		struct o_seen *seen = &model->seen[region->index];

		if (i != account && (model->orders == 0 || model->is_erased))
			continue;
		seen->life = read_again(oracle, model, region, txn) ? region->life : 0;
		seen->changes = changes;
	}
	store_read_end(&txn);
}

bool
audit_look(struct oracle *oracle, unsigned account, struct region *region,
    struct store_account *account_r)
{
	struct o_account *model = &oracle->accounts[account];
	struct o_seen *seen = &model->seen[region->index];
	uint64_t changes = sim_disk_operations(region->disk, SIM_FAULT_STOP);

	if (!region_is_up(region) || region->is_armed || move_guard_is_closed(region->guard))
		return false;
	if (seen->life != region->life || seen->changes != changes) {
		seen->life = 0;
		look_again(oracle, account, region, changes);
		if (seen->life == 0)
			return false;
	}
	*account_r = seen->account;
	return seen->is_there;
}

struct region *
audit_home(struct oracle *oracle, unsigned account, struct store_account *account_r)
{
	struct world *world = oracle->world;
	struct region *home = NULL;

	for (unsigned i = 0; i < world->region_count; i++) {
		struct region *region = &world->regions[i];
		struct store_account found;

		if (!audit_look(oracle, account, region, &found) || !is_home(found.state))
			continue;
		if (home != NULL && !oracle->accounts[account].is_lost) {
			world->cover->double_homes++;
			world_broken(world, "never two homes", "%s is at home in %s and in %s",
			    oracle->accounts[account].name, home->name, region->name);
		}
		home = region;
		*account_r = found;
	}
	return home;
}

/* --- revisions -------------------------------------------------------------------------------
 */

/* One item's history in the store, newest first. */
struct chain {
	const struct o_revision *at[HISTORY_MAX];
	uint64_t clock[HISTORY_MAX];
	size_t count;
};

static void
check_revision(struct audit *audit, const struct o_item *item, const struct store_revision *row,
    struct chain *chain)
{
	struct o_revision *revision = oracle_revision(audit->oracle, row->uid);
	const char *name = audit->oracle->accounts[audit->index].name;

	if (revision == NULL || &audit->oracle->items[revision->item] != item)
		world_broken(audit->world, "nothing is stored that nobody sent",
		    "revision %.*s of %s of %s", (int)row->uid.size,
		    (const char *)row->uid.data, item->uid, name);
	if (revision->state == WRITE_REFUSED)
		world_broken(audit->world, "what was refused is not stored",
		    "revision %s of %s of %s", revision->uid, item->uid, name);
	if (revision->meta_hash != oracle_hash(row->meta) ||
	    revision->is_deleted != row->deleted || revision->chunk_count != row->chunk_count)
		world_broken(audit->world, "no write is changed", "revision %s of %s of %s",
		    revision->uid, item->uid, name);
	for (size_t i = 0; i < chain->count; i++)
		if (chain->at[i] == revision)
			world_broken(audit->world, "a revision is there once", "%s of %s of %s",
			    revision->uid, item->uid, name);
	revision->was_seen = revision->is_there = true;
	if (chain->count == HISTORY_MAX)
		return;
	chain->at[chain->count] = revision;
	chain->clock[chain->count++] = row->clock;
}

/* A write that was answered before another was sent comes before it. */
static void
check_order(struct audit *audit, const struct o_item *item, const struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		const struct o_revision *newer = chain->at[i];

		if (i + 1 < chain->count && chain->clock[i] <= chain->clock[i + 1])
			world_broken(audit->world, "each revision has a number of its own",
			    "%s of %s", newer->uid, item->uid);
		if (newer->is_transaction && i + 1 < chain->count && !item->history_erased &&
		    strcmp(newer->etag, chain->at[i + 1]->uid) != 0)
			world_broken(audit->world, "a transaction rests on what it named",
			    "%s of %s named %s and is after %s", newer->uid, item->uid,
			    newer->etag, chain->at[i + 1]->uid);
		for (size_t j = i + 1; j < chain->count; j++) {
			const struct o_revision *older = chain->at[j];

			if (newer->acknowledged_at != 0 &&
			    older->sent_at > newer->acknowledged_at)
				world_broken(audit->world, "writes keep their order",
				    "%s was sent after %s was acknowledged, and is before it",
				    older->uid, newer->uid);
		}
	}
}

static void
check_chunks(struct audit *audit, const struct store_collection *collection,
    const struct store_revision *row, const struct o_item *item)
{
	struct dom_arena *arena = dom_arena_new(0);

	for (size_t i = 0; i < row->chunk_count; i++) {
		struct dom_slice data;
		enum dom_status st = store_chunk_get(
		    audit->txn, collection->number, row->chunks[i], arena, &data);

		if (st != DOM_OK)
			world_broken(audit->world, "no acknowledged write is lost",
			    "chunk %.*s of %s: %s", (int)row->chunks[i].size,
			    (const char *)row->chunks[i].data, item->uid, dom_status_text(st));
		phone_check_chunk(audit->world, row->chunks[i], data);
	}
	dom_arena_free(&arena);
}

static void
check_item(struct audit *audit, const struct store_collection *collection,
    const struct store_item *row, unsigned collection_index)
{
	struct oracle *oracle = audit->oracle;
	struct o_item *item = oracle_item(oracle, collection_index, row->uid);
	struct dom_arena *arena = dom_arena_new(0);
	struct chain chain = {.count = 0};
	struct store_revision *rows;
	uint64_t before = 0;
	size_t count;

	check_revision(audit, item, &row->current, &chain);
	if (audit->is_end)
		check_chunks(audit, collection, &row->current, item);
	do {
		if (store_revision_scan(
		        audit->txn, row->number, before, PAGE, arena, &rows, &count) != DOM_OK)
			count = 0;
		for (size_t i = 0; i < count; i++) {
			before = rows[i].clock;
			if (!dom_slice_equal(rows[i].uid, row->current.uid))
				check_revision(audit, item, &rows[i], &chain);
		}
	} while (count != 0);
	check_order(audit, item, &chain);
	dom_arena_free(&arena);
}

static bool
must_be_there(const struct o_revision *revision)
{
	return (revision->state == WRITE_ACKNOWLEDGED ||
	           (revision->state == WRITE_UNKNOWN && revision->was_seen)) &&
	       !revision->may_be_erased;
}

static void
check_collection(struct audit *audit, unsigned index)
{
	struct oracle *oracle = audit->oracle;
	struct o_collection *model = &oracle->collections[index];
	struct store_collection collection;
	struct store_member member;
	struct store_item *rows;
	uint64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	st = store_collection_find(
	    audit->txn, dom_slice_of(model->uid), oracle->arena, &collection);
	/* A restore may bring back the one that was erased before: it waits to be removed. */
	if (model->was_remade && !model->is_erased && st == DOM_OK &&
	    store_member_find(audit->txn, collection.number, audit->account.number,
	        oracle->arena, &member) == DOM_ABSENT)
		st = DOM_ABSENT;
	if (model->is_erased) {
		if (st == DOM_OK &&
		    store_member_find(audit->txn, collection.number, audit->account.number,
		        oracle->arena, &member) == DOM_OK)
			world_broken(audit->world, "nothing erased comes back",
			    "%s of %s in %s", model->uid, oracle->accounts[audit->index].name,
			    audit->region->name);
		if (audit->is_end && st != DOM_ABSENT)
			world_broken(audit->world, "what is erased leaves the store",
			    "%s in %s", model->uid, audit->region->name);
		return;
	}
	if (st != DOM_OK) {
		if (model->state == WRITE_ACKNOWLEDGED && !model->may_be_gone)
			world_broken(audit->world, "no acknowledged write is lost",
			    "collection %s of %s in %s: %s", model->uid,
			    oracle->accounts[audit->index].name, audit->region->name,
			    dom_status_text(st));
		return;
	}
	for (unsigned i = 0; i < oracle->revision_count; i++)
		if (oracle->items[oracle->revisions[i].item].collection == index)
			oracle->revisions[i].is_there = false;
	do {
		dom_arena_reset(oracle->arena);
		if (store_collection_find(audit->txn, dom_slice_of(model->uid), oracle->arena,
		        &collection) != DOM_OK ||
		    store_item_scan(audit->txn, &collection, after, true, PAGE, oracle->arena,
		        &rows, &count) != DOM_OK)
			break;
		for (size_t i = 0; i < count; i++) {
			after = rows[i].current.clock;
			check_item(audit, &collection, &rows[i], index);
			model = &oracle->collections[index];
		}
	} while (count != 0);
	for (unsigned i = 0; i < oracle->revision_count; i++) {
		const struct o_revision *revision = &oracle->revisions[i];

		if (oracle->items[revision->item].collection != index || revision->is_there ||
		    !must_be_there(revision))
			continue;
		audit->world->cover->lost_writes++;
		world_broken(audit->world, "no acknowledged write is lost",
		    "revision %s of %s of %s in %s", revision->uid,
		    oracle->items[revision->item].uid, oracle->accounts[audit->index].name,
		    audit->region->name);
	}
}

void
audit_account(struct oracle *oracle, unsigned account, bool is_end)
{
	struct o_account *model = &oracle->accounts[account];
	struct audit audit = {
	    .oracle = oracle, .world = oracle->world, .index = account, .is_end = is_end};

	dom_arena_reset(oracle->arena);
	oracle->world->cover->checks++;
	audit.region = audit_home(oracle, account, &audit.account);
	if (audit.region == NULL || model->is_lost)
		return;
	if (store_read_begin(audit.region->reader, &audit.txn) != DOM_OK)
		return;
	if (!model->is_erased || is_end) {
		for (unsigned i = 0; i < oracle->collection_count; i++)
			if (oracle->collections[i].owner == account)
				check_collection(&audit, i);
	}
	store_read_end(&audit.txn);
}

void
audit_all(struct oracle *oracle, bool is_end)
{
	for (unsigned i = 0; i < oracle->account_count; i++)
		audit_account(oracle, i, is_end);
}

/* --- readers that follow tokens -------------------------------------------------- */

static const struct o_mirror_entry *
entry_of(const struct o_mirror_entry *entries, size_t count, struct dom_slice item)
{
	for (size_t i = 0; i < count; i++)
		if (dom_slice_equal(entries[i].item, item))
			return &entries[i];
	return NULL;
}

/* The newest revision up to clock; absent data: the store has none any more. */
static struct dom_slice
revision_at(
    struct audit *audit, const struct store_item *row, uint64_t clock, struct dom_arena *arena)
{
	struct store_revision *rows;
	uint64_t before = 0;
	size_t count;

	if (row->current.clock <= clock)
		return row->current.uid;
	do {
		if (store_revision_scan(
		        audit->txn, row->number, before, PAGE, arena, &rows, &count) != DOM_OK)
			count = 0;
		for (size_t i = 0; i < count; i++) {
			before = rows[i].clock;
			if (rows[i].clock <= clock)
				return rows[i].uid;
		}
	} while (count != 0);
	return dom_slice(NULL, 0);
}

/* A reader's own writes may be ahead of its token. */
static bool
is_later(
    struct audit *audit, const struct store_item *row, uint64_t clock, struct dom_slice uid)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct store_revision *rows;
	uint64_t before = 0;
	size_t count;
	bool is_so = row->current.clock > clock && dom_slice_equal(row->current.uid, uid);

	do {
		if (is_so || store_revision_scan(audit->txn, row->number, before, PAGE, arena,
		                 &rows, &count) != DOM_OK)
			count = 0;
		for (size_t i = 0; i < count; i++) {
			before = rows[i].clock;
			is_so = is_so || (before > clock && dom_slice_equal(rows[i].uid, uid));
		}
	} while (count != 0 && before > clock);
	dom_arena_free(&arena);
	return is_so;
}

static void
check_entry(struct audit *audit, const struct o_collection *model, const struct store_item *row,
    uint64_t clock, const struct o_mirror_entry *entry)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_slice expected = revision_at(audit, row, clock, arena);
	const struct o_revision *had =
	    entry == NULL ? NULL : oracle_revision(audit->oracle, entry->revision);

	/* One whose reader keeps no note of it. */
	if (entry != NULL && entry->revision.size == 0)
		expected = dom_slice(NULL, 0);
	if (expected.data != NULL && (had == NULL || had->state != WRITE_LOST) &&
	    (entry == NULL || (!dom_slice_equal(entry->revision, expected) &&
	                          !is_later(audit, row, clock, entry->revision))))
		world_broken(audit->world, "no reader misses an update",
		    "%.*s of %s up to %" PRIu64 ": has %.*s, should have %.*s",
		    (int)row->uid.size, (const char *)row->uid.data, model->uid, clock,
		    entry == NULL ? 7 : (int)entry->revision.size,
		    entry == NULL ? "nothing" : (const char *)entry->revision.data,
		    (int)expected.size, (const char *)expected.data);
	dom_arena_free(&arena);
}

void
oracle_check_mirror(struct oracle *oracle, unsigned account, struct dom_slice uid,
    struct dom_slice stoken, const struct o_mirror_entry *entries, size_t count)
{
	struct o_collection *model = oracle_collection(oracle, uid);
	struct audit audit = {.oracle = oracle, .world = oracle->world, .index = account};
	struct store_collection collection;
	struct wire_stoken token;
	struct store_item *rows;
	uint64_t after = 0, clock;
	size_t got;

	if (model == NULL || wire_stoken_decode(stoken, &token) != DOM_OK)
		return;
	dom_arena_reset(oracle->arena);
	oracle->world->cover->checks++;
	audit.region = audit_home(oracle, model->owner, &audit.account);
	if (audit.region == NULL || model->is_erased || oracle->accounts[model->owner].is_lost)
		return;
	if (store_read_begin(audit.region->reader, &audit.txn) != DOM_OK)
		return;
	if (store_collection_find(audit.txn, uid, oracle->arena, &collection) != DOM_OK) {
		store_read_end(&audit.txn);
		return;
	}
	clock = wire_stoken_get(&token, collection.owner_id);
	do {
		dom_arena_reset(oracle->arena);
		if (store_collection_find(audit.txn, uid, oracle->arena, &collection) !=
		        DOM_OK ||
		    store_item_scan(audit.txn, &collection, after, true, PAGE, oracle->arena,
		        &rows, &got) != DOM_OK)
			break;
		for (size_t i = 0; i < got; i++) {
			after = rows[i].current.clock;
			check_entry(&audit, model, &rows[i], clock,
			    entry_of(entries, count, rows[i].uid));
		}
	} while (got != 0);
	store_read_end(&audit.txn);
}
