/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The store's rows as records, given to the root as often as it asks.  Pages
 * live in an arena of their own, so the memory does not depend on how much there
 * is.
 */
#include "services/root/root.h"

#include <stdlib.h>

#include "store/erase.h"
#include "store/scan.h"

enum {
	COLLECTIONS_PAGE = 64,
	ROWS_PAGE = 512,
	CHUNKS_BATCH = 1 << 19, /* numbers that are sorted, 4 MiB */
};

struct walk {
	struct store_txn *txn;
	const struct root_options *options;
	struct wire_root *root;
	struct dom_arena *outer; /* lists of collections, and what is asked about one */
	struct dom_arena *page;  /* rows of one */
	struct store_account account;
};

static enum dom_status
add(struct walk *walk, const struct wire_record *record)
{
	return wire_root_add(walk->root, record);
}

static bool
is_stopped(const struct walk *walk)
{
	const struct root_options *options = walk->options;

	return options->stopped != NULL && options->stopped(options->context);
}

/* --- collections --------------------------------------------------------------- */

static struct wire_record
revision_record(
    struct dom_slice collection_uid, struct dom_slice item_uid, const struct store_revision *it)
{
	return (struct wire_record){.type = WIRE_RECORD_REVISION,
	    .of.revision = {.collection_uid = collection_uid,
	        .item_uid = item_uid,
	        .uid = it->uid,
	        .clock = it->clock,
	        .deleted = it->deleted,
	        .meta = it->meta,
	        .chunks = it->chunks,
	        .chunk_count = it->chunk_count}};
}

static enum dom_status
add_items(struct walk *walk, const struct store_collection *collection)
{
	struct store_item *items;
	enum dom_status st = DOM_OK;
	uint64_t after = 0;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		if (is_stopped(walk))
			return DOM_ESTOPPED;
		st = store_item_scan(
		    walk->txn, collection, after, true, ROWS_PAGE, walk->page, &items, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record =
			    revision_record(collection->uid, items[i].uid, &items[i].current);

			record.of.revision.version = (uint8_t)items[i].version;
			record.of.revision.encryption_key = items[i].encryption_key;
			record.of.revision.is_current = true;
			after = items[i].current.clock;
			st = add(walk, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

static struct wire_record
history_record(struct dom_slice collection_uid, const struct store_history *row)
{
	struct wire_record record =
	    revision_record(collection_uid, row->item_uid, &row->revision);

	record.of.revision.version = (uint8_t)row->version;
	record.of.revision.encryption_key = row->encryption_key;
	record.of.revision.replaced_ms = row->replaced_ms;
	return record;
}

/* item: number of the only one that is wanted, 0: all. */
static enum dom_status
add_history(struct walk *walk, const struct store_collection *collection,
    struct store_history_at after, int64_t item)
{
	struct store_history *rows;
	enum dom_status st = DOM_OK;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		if (is_stopped(walk))
			return DOM_ESTOPPED;
		st = store_history_scan(
		    walk->txn, collection->number, after, ROWS_PAGE, walk->page, &rows, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record = history_record(collection->uid, &rows[i]);

			if (item != 0 && rows[i].item != item)
				return DOM_OK;
			after = rows[i].at;
			st = add(walk, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

/* These chunks, as they lie on the disk. */
static enum dom_status
add_numbered(struct walk *walk, const struct store_collection *collection, int64_t *numbers,
    size_t count)
{
	enum dom_status st = DOM_OK;

	qsort(numbers, count, sizeof(*numbers), compare);
	for (size_t i = 0; i < count && st == DOM_OK; i++) {
		struct wire_record record = {.type = WIRE_RECORD_CHUNK};
		struct store_chunk chunk;

		if (i % ROWS_PAGE == 0) {
			dom_arena_reset(walk->page);
			if (is_stopped(walk))
				return DOM_ESTOPPED;
		}
		st = store_chunk_by_number(walk->txn, numbers[i], walk->page, &chunk);
		if (st != DOM_OK)
			return st == DOM_ABSENT ? DOM_ESTORE : st; /* the index has it */
		record.of.chunk.collection_uid = collection->uid;
		record.of.chunk.uid = chunk.uid;
		record.of.chunk.size = chunk.size;
		memcpy(record.of.chunk.sha256, chunk.sha256, sizeof(chunk.sha256));
		st = add(walk, &record);
	}
	return st;
}

static enum dom_status
add_chunks(struct walk *walk, const struct store_collection *collection)
{
	struct dom_arena *arenas[2] = {dom_arena_new(0), dom_arena_new(0)};
	struct dom_slice after = {0};
	enum dom_status st = DOM_ENOMEM;
	unsigned batch = 0;

	if (arenas[0] == NULL || arenas[1] == NULL)
		goto out;
	do {
		/* The other one holds `after`. */
		struct dom_arena *arena = arenas[batch++ % 2];
		int64_t *numbers;
		size_t count;

		dom_arena_reset(arena);
		st = store_chunk_numbers(walk->txn, collection->number, after, CHUNKS_BATCH,
		    arena, &numbers, &count, &after);
		if (st == DOM_OK)
			st = add_numbered(walk, collection, numbers, count);
	} while (st == DOM_OK && after.data != NULL);
out:
	dom_arena_free(&arenas[0]);
	dom_arena_free(&arenas[1]);
	return st;
}

static enum dom_status
add_collection(struct walk *walk, const struct store_owned *owned)
{
	const struct store_collection *collection = &owned->collection;
	struct wire_record record = {.type = WIRE_RECORD_COLLECTION,
	    .of.collection = {.uid = collection->uid,
	        .items_clock = collection->items_clock,
	        .members_clock = collection->members_clock,
	        .abandoned_ms = owned->abandoned ? owned->abandoned_ms : 0}};
	struct store_member member;
	enum dom_status st;

	dom_arena_reset(walk->page);
	st = store_member_find(
	    walk->txn, collection->number, collection->owner, walk->page, &member);
	if (st < 0)
		return st;
	if (st == DOM_OK) {
		record.of.collection.is_member = true;
		record.of.collection.member_clock = member.clock;
		record.of.collection.access_level = (uint8_t)member.access_level;
		record.of.collection.collection_key = member.collection_key;
		record.of.collection.collection_type = member.collection_type;
	}
	return add(walk, &record);
}

static enum dom_status
add_owned(struct walk *walk, const struct store_owned *owned)
{
	const struct store_collection *collection = &owned->collection;
	enum dom_status st = DOM_OK;

	if (wire_root_wants(walk->root, false) &&
	    ((st = add_collection(walk, owned)) != DOM_OK ||
	        (st = add_items(walk, collection)) != DOM_OK ||
	        (st = add_history(walk, collection, (struct store_history_at){0}, 0)) !=
	            DOM_OK))
		return st;
	return wire_root_wants(walk->root, true) ? add_chunks(walk, collection) : st;
}

static enum dom_status
add_collections(struct walk *walk)
{
	const struct root_options *options = walk->options;
	bool whole = options->scope == WIRE_SCOPE_ACCOUNT;
	struct store_owned *owned;
	enum dom_status st;
	int64_t after = 0;
	size_t count;

	do {
		dom_arena_reset(walk->outer);
		st = whole ? store_collections_owned(walk->txn, options->account, after,
		                 COLLECTIONS_PAGE, walk->outer, &owned, &count)
		           : store_collections_erasing(walk->txn, options->erasure, after,
		                 COLLECTIONS_PAGE, walk->outer, &owned, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			after = owned[i].collection.number;
			st = add_owned(walk, &owned[i]);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

/* --- what is the account's itself ------------------------------------------------ */

static enum dom_status
add_account(struct walk *walk)
{
	struct store_account account = walk->account;
	struct wire_record record = {.type = WIRE_RECORD_ACCOUNT};
	struct store_usage usage;
	enum dom_status st;

	dom_arena_reset(walk->page);
	if (account.state != STORE_ACCOUNT_ERASING &&
	    (st = store_account_names(walk->txn, walk->page, &account)) != DOM_OK)
		return st;
	if ((st = store_account_usage(walk->txn, account.number, &usage)) != DOM_OK)
		return st;
	record.of.account = (struct wire_record_account){.name = account.name,
	    .email = account.email,
	    .created_ms = account.created_ms,
	    .salt = account.salt,
	    .login_public = account.login_public,
	    .identity_public = account.identity_public,
	    .encrypted_content = account.encrypted_content,
	    .statement_public = account.statement_public,
	    .quota_bytes = usage.quota_bytes};
	return add(walk, &record);
}

static enum dom_status
add_statements(struct walk *walk)
{
	struct store_statement *rows;
	uint64_t after = 0;
	enum dom_status st;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		st = store_statement_list(walk->txn, walk->account.number, after, ROWS_PAGE,
		    walk->page, &rows, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record = {.type = WIRE_RECORD_STATEMENT,
			    .of.statement = {.serial = rows[i].serial,
			        .clock = rows[i].clock,
			        .kind = (uint8_t)rows[i].kind,
			        .accepted_ms = rows[i].accepted_ms,
			        .service = rows[i].service,
			        .bytes = rows[i].bytes,
			        .signature = rows[i].signature,
			        .receipt = rows[i].receipt,
			        .receipt_signature = rows[i].receipt_signature}};

			after = rows[i].serial;
			st = add(walk, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

static enum dom_status
add_consents(struct walk *walk)
{
	struct store_consent *rows;
	enum dom_status st;
	size_t count;

	dom_arena_reset(walk->page);
	st = store_consent_list(walk->txn, walk->account.number, walk->page, &rows, &count);
	for (size_t i = 0; i < count && st == DOM_OK; i++) {
		struct wire_record record = {.type = WIRE_RECORD_CONSENT,
		    .of.consent = {.service = rows[i].service,
		        .serial = rows[i].serial,
		        .until_ms = rows[i].until_ms,
		        .any = rows[i].any,
		        .version = rows[i].version}};
		struct wire_record_consent *consent = &record.of.consent;

		memcpy(consent->terms, rows[i].terms, sizeof(consent->terms));
		st = store_consent_types(walk->txn, walk->account.number, rows[i].service,
		    walk->page, &consent->types, &consent->type_count);
		if (st == DOM_OK)
			st = add(walk, &record);
	}
	return st;
}

static enum dom_status
add_removed(struct walk *walk)
{
	struct store_removed *rows;
	uint64_t after = 0;
	enum dom_status st;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		st = store_removed_scan(walk->txn, walk->account.number, after, ROWS_PAGE,
		    walk->page, &rows, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record = {.type = WIRE_RECORD_REMOVED,
			    .of.removed = {.uid = rows[i].uid,
			        .clock = rows[i].clock,
			        .collection_type = rows[i].collection_type}};

			after = rows[i].clock;
			st = add(walk, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

static enum dom_status
add_erasures(struct walk *walk)
{
	struct store_erasure *rows;
	int64_t after = 0;
	enum dom_status st;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		st = store_erasure_list(walk->txn, walk->account.number, after, ROWS_PAGE,
		    walk->page, &rows, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record = {.type = WIRE_RECORD_ERASURE,
			    .of.erasure = {.scope = (uint8_t)rows[i].scope,
			        .requested_ms = rows[i].requested_ms,
			        .ended_ms = rows[i].ended_ms,
			        .service = rows[i].service,
			        .collection_uid = rows[i].collection_uid,
			        .item_uid = rows[i].item_uid,
			        .receipt = rows[i].receipt,
			        .receipt_signature = rows[i].receipt_signature}};

			memcpy(record.of.erasure.request, rows[i].request,
			    sizeof(rows[i].request));
			after = rows[i].number;
			/* One that is under way is no past of the account. */
			if (rows[i].state == STORE_ERASURE_ERASED)
				st = add(walk, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

/* --- the scopes ------------------------------------------------------------------- */

static enum dom_status
add_item(struct walk *walk)
{
	const struct root_options *options = walk->options;
	struct store_collection collection;
	struct store_item item;
	enum dom_status st;

	dom_arena_reset(walk->outer);
	st =
	    store_collection_find(walk->txn, options->collection_uid, walk->outer, &collection);
	if (st != DOM_OK)
		return st;
	if (collection.owner != options->account)
		return DOM_ABSENT;
	st = store_item_find(
	    walk->txn, collection.number, options->item_uid, walk->outer, &item);
	if (st != DOM_OK)
		return st;
	return add_history(walk, &collection,
	    (struct store_history_at){.item_clock = item.current.clock}, item.number);
}

static enum dom_status
walk_once(struct walk *walk)
{
	enum dom_status st = DOM_OK;

	switch (walk->options->scope) {
	case WIRE_SCOPE_ITEM:
		return wire_root_wants(walk->root, false) ? add_item(walk) : DOM_OK;
	case WIRE_SCOPE_SERVICE:
		return add_collections(walk);
	case WIRE_SCOPE_ACCOUNT:
	case WIRE_SCOPE_SOURCE:
		break;
	}
	if (wire_root_wants(walk->root, false) &&
	    ((st = add_account(walk)) != DOM_OK || (st = add_statements(walk)) != DOM_OK ||
	        (st = add_consents(walk)) != DOM_OK || (st = add_removed(walk)) != DOM_OK ||
	        (st = add_erasures(walk)) != DOM_OK))
		return st;
	return add_collections(walk);
}

enum dom_status
root_compute(struct store_txn *txn, const struct root_options *options,
    uint8_t root_r[WIRE_ROOT_SIZE], struct wire_erased *sum_r)
{
	struct walk walk = {.txn = txn, .options = options};
	struct dom_arena *arena = dom_arena_new(0);
	enum dom_status st = DOM_ENOMEM;
	bool again = true;

	walk.root = wire_root_new(
	    options->memory_max == 0 ? (size_t)WIRE_ROOT_MEMORY : options->memory_max);
	walk.outer = dom_arena_new(0);
	walk.page = dom_arena_new(0);
	if (arena == NULL || walk.root == NULL || walk.outer == NULL || walk.page == NULL)
		goto out;
	st = store_account_by_number(txn, options->account, arena, &walk.account);
	while (st == DOM_OK && again) {
		st = walk_once(&walk);
		if (st == DOM_OK)
			st = wire_root_pass(walk.root, &again);
	}
	if (st == DOM_OK)
		st = wire_root_finish(walk.root, options->identity_public, walk.account.epoch,
		    options->clock, root_r, sum_r);
out:
	wire_root_free(&walk.root);
	dom_arena_free(&walk.page);
	dom_arena_free(&walk.outer);
	dom_arena_free(&arena);
	return st;
}
