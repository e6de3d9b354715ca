/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Into the journal, then the store learns that it is there.  A crash between
 * the two leaves entries that the store does not count: they are the first of
 * what this step would write, in the same order, and are not written again.
 */
#include "services/erasure/erasure.h"
#include "services/keeper/parts.h"

enum { PAGE_ROWS = 200 };

struct noting {
	struct keeper *keeper;
	const struct store_erasure *row;
	struct journal_entry entries[JOURNAL_APPEND_MAX];
	size_t count;
	uint64_t known; /* entries that the store counts, and those passed over */
};

static enum dom_status
flush(struct noting *noting)
{
	const struct journal *journal = &noting->keeper->options.journal;
	enum dom_status st = DOM_OK;

	if (noting->count != 0)
		st = journal->append(journal->context, noting->entries, noting->count);
	noting->count = 0;
	return st;
}

static bool
is_same(const struct journal_entry *one, const struct journal_entry *other)
{
	return one->kind == other->kind &&
	       memcmp(one->request, other->request, sizeof(one->request)) == 0 &&
	       memcmp(one->subject, other->subject, sizeof(one->subject)) == 0 &&
	       memcmp(one->item, other->item, sizeof(one->item)) == 0;
}

static enum dom_status
put(struct noting *noting, const struct journal_entry *entry)
{
	const struct journal *journal = &noting->keeper->options.journal;
	enum dom_status st;

	if (noting->count == 0 && noting->known < journal->count(journal->context)) {
		struct journal_entry there;

		st = journal->read(journal->context, noting->known + 1, &there);
		if (st != DOM_OK)
			return st;
		if (is_same(entry, &there)) {
			noting->known++;
			return DOM_OK;
		}
		noting->known = UINT64_MAX;
	}
	if (noting->count == JOURNAL_APPEND_MAX && (st = flush(noting)) != DOM_OK)
		return st;
	noting->entries[noting->count++] = *entry;
	return DOM_OK;
}

static enum dom_status
put_collections(struct noting *noting, struct store_txn *txn, const struct journal_entry *entry)
{
	const struct dom_region_key *key = noting->keeper->options.service->key;
	struct dom_arena *page = dom_arena_new(0);
	struct journal_entry of_collection = *entry;
	struct store_owned *rows;
	int64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	if (page == NULL)
		return DOM_ENOMEM;
	of_collection.kind = JOURNAL_COLLECTION;
	do {
		dom_arena_reset(page);
		st = store_collections_erasing(
		    txn, noting->row->number, after, PAGE_ROWS, page, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = rows[i].collection.number;
			erasure_hash_uid(key, rows[i].collection.uid, of_collection.subject);
			st = put(noting, &of_collection);
		}
	} while (st == DOM_OK && count != 0);
	dom_arena_free(&page);
	return st;
}

static enum dom_status
put_all(struct noting *noting, struct store_txn *txn)
{
	const struct dom_region_key *key = noting->keeper->options.service->key;
	const struct store_erasure *row = noting->row;
	struct journal_entry entry = {.clock = row->clock, .accepted_ms = row->requested_ms};
	struct store_account account;
	enum dom_status st;

	st = store_account_by_number(txn, row->account, noting->keeper->arena, &account);
	if (st == DOM_OK)
		st = store_region_journal(txn, &noting->known);
	if (st == DOM_OK && noting->known < noting->keeper->options.journal.base)
		noting->known = noting->keeper->options.journal.base;
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	memcpy(entry.request, row->request, sizeof(entry.request));
	erasure_hash_account(key, account.id, entry.account);
	switch (row->scope) {
	case WIRE_SCOPE_ITEM:
		entry.kind = JOURNAL_HISTORY;
		erasure_hash_uid(key, row->collection_uid, entry.subject);
		erasure_hash_uid(key, row->item_uid, entry.item);
		break;
	case WIRE_SCOPE_SERVICE:
		if ((st = put_collections(noting, txn, &entry)) != DOM_OK)
			return st;
		entry.kind = JOURNAL_SERVICE;
		erasure_hash_service(key, account.id, row->service, entry.subject);
		break;
	case WIRE_SCOPE_ACCOUNT:
		entry.kind = JOURNAL_ACCOUNT;
		break;
	case WIRE_SCOPE_SOURCE:
		entry.kind = JOURNAL_SOURCE;
		memcpy(entry.subject, row->root, sizeof(entry.subject));
		erasure_put_epoch(account.epoch, entry.item);
		break;
	default:
		entry.kind = JOURNAL_WITHDRAWAL;
		erasure_hash_service(key, account.id, row->service, entry.subject);
	}
	return put(noting, &entry);
}

static enum dom_status
run_noted(struct store_txn *txn, void *context)
{
	struct noting *noting = context;
	const struct journal *journal = &noting->keeper->options.journal;
	struct store_erasure row = *noting->row;
	enum dom_status st;

	if (row.scope == ERASURE_SCOPE_KEEP) {
		st = store_erasure_remove(txn, row.number);
	} else {
		row.state = STORE_ERASURE_NOTED;
		st = store_erasure_update(txn, &row);
	}
	if (st == DOM_OK)
		st = store_region_journal_set(txn, journal->count(journal->context));
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
keeper_note(struct keeper *keeper, const struct store_erasure *row)
{
	struct noting noting = {.keeper = keeper, .row = row};
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_read_begin(keeper->reader, &txn)) == DOM_OK &&
	    (st = put_all(&noting, txn)) == DOM_OK)
		st = flush(&noting);
	store_read_end(&txn);
	return st == DOM_OK ? store_write(keeper->options.store, run_noted, &noting) : st;
}
