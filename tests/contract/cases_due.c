/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's time, what retention finds due by it, erasures, and settling. */
#include <dirent.h>

#include "contract.h"
#include "store/erase.h"

static void
set_time(struct world *world, int64_t time_ms)
{
	assert_status(store_region_time_set(write_begin(world), time_ms), DOM_OK);
	write_commit(world);
}

static void
the_regions_time_goes_on_and_never_back(void **state)
{
	struct world *world = *state;
	uint64_t entries = 9;
	int64_t time_ms = 0;

	assert_status(store_region_time(read_begin(world), &time_ms), DOM_OK);
	assert_int_equal(time_ms, WORLD_BEGAN_MS);
	read_end(world);
	set_time(world, 5000);
	assert_status(store_region_time_set(write_begin(world), 4999), DOM_CONFLICT);
	assert_status(store_region_journal(world->held.txn, &entries), DOM_OK);
	assert_int_equal(entries, 0);
	assert_status(store_region_journal_set(world->held.txn, 3), DOM_OK);
	write_commit(world);
	world_reopen(world);
	assert_status(store_region_time(read_begin(world), &time_ms), DOM_OK);
	assert_int_equal(time_ms, 5000);
	assert_status(store_region_journal(world->reading, &entries), DOM_OK);
	assert_int_equal(entries, 3);
}

static void
revisions_are_due_by_when_they_were_replaced_oldest_first(void **state)
{
	struct world *world = *state;
	struct store_member member = {.clock = 1,
	    .collection_key = dom_slice_of("key"),
	    .collection_type = dom_slice_of("card")};
	struct store_txn *txn = write_begin(world);
	struct store_revision_due *due;
	struct store_erased sum = {0};
	int64_t number, numbers[3];
	struct dom_slice etag;
	size_t found, done;

	member.account = add_account(txn, "ana", 1);
	member.collection = add_collection(txn, "c1", member.account);
	assert_status(store_member_add(txn, &member), DOM_OK);
	assert_status(put_item(txn, member.collection, "i", "r1", 1), DOM_OK);
	assert_status(store_item_etag(txn, member.collection, dom_slice_of("i"), world->arena,
	                  &number, &etag),
	    DOM_OK);
	write_commit(world);
	/* r1 is history since 2000, r2 and r3 since 3000. */
	for (unsigned i = 2; i <= 4; i++) {
		char uid[8];

		set_time(world, i == 2 ? 2000 : 3000);
		snprintf(uid, sizeof(uid), "r%u", i);
		assert_status(
		    put_revision(write_begin(world), member.collection, number, uid, i),
		    DOM_OK);
		write_commit(world);
	}
	txn = read_begin(world);
	assert_status(store_revisions_due(
	                  txn, 2000, (struct store_due){0}, 9, world->arena, &due, &found),
	    DOM_OK);
	assert_int_equal(found, 0);
	assert_status(store_revisions_due(
	                  txn, 2001, (struct store_due){0}, 9, world->arena, &due, &found),
	    DOM_OK);
	assert_int_equal(found, 1);
	assert_status(store_revisions_due(
	                  txn, 9999, (struct store_due){0}, 2, world->arena, &due, &found),
	    DOM_OK);
	assert_int_equal(found, 2);
	assert_int_equal(due[0].replaced_ms, 2000);
	assert_int_equal(due[1].replaced_ms, 3000);
	assert_int_equal(due[1].item, number);
	assert_int_equal(due[1].collection, member.collection);
	assert_int_equal(due[1].owner, member.account);
	assert_slice(due[1].type, "card");
	numbers[0] = due[0].at.number;
	numbers[1] = due[1].at.number;
	assert_status(
	    store_revisions_due(txn, 9999, due[1].at, 9, world->arena, &due, &found), DOM_OK);
	assert_int_equal(found, 1);
	numbers[2] = due[0].at.number;
	read_end(world);
	/* What is not old enough when it comes to it stays. */
	assert_status(
	    store_erase_revisions(write_begin(world), numbers, 3, 3000, &done, &sum), DOM_OK);
	write_commit(world);
	assert_int_equal(done, 3);
	assert_int_equal(sum.revisions, 1);
	assert_status(
	    store_erase_revisions(write_begin(world), numbers, 3, 3001, &done, &sum), DOM_OK);
	write_commit(world);
	assert_int_equal(sum.revisions, 3);
}

static void
owned_collections_are_told_with_the_type_that_the_owner_gave(void **state)
{
	struct world *world = *state;
	struct store_member member = {.clock = 1,
	    .collection_key = dom_slice_of("key"),
	    .collection_type = dom_slice_of("card")};
	struct store_removed removed = {
	    .uid = dom_slice_of("c1"), .clock = 9, .collection_type = dom_slice_of("card")};
	struct store_txn *txn = write_begin(world);
	struct store_owned *rows;
	int64_t ana = add_account(txn, "ana", 1), one = add_collection(txn, "c1", ana);
	int64_t two = add_collection(txn, "c2", ana);
	size_t found;

	add_collection(txn, "c3", add_account(txn, "bo", 2));
	member.account = ana;
	member.collection = one;
	assert_status(store_member_add(txn, &member), DOM_OK);
	assert_status(store_member_remove(txn, one, ana), DOM_OK);
	assert_status(store_removed_put(txn, ana, &removed), DOM_OK);
	assert_status(store_region_time_set(txn, 7000), DOM_OK);
	assert_status(store_collection_abandon(txn, one, 0), DOM_OK);
	assert_status(store_region_time_set(txn, 8000), DOM_OK);
	assert_status(store_collection_abandon(txn, one, 0), DOM_OK); /* as it was */
	write_commit(world);
	txn = read_begin(world);
	assert_status(
	    store_collections_owned(txn, ana, 0, 9, world->arena, &rows, &found), DOM_OK);
	assert_int_equal(found, 2);
	assert_int_equal(rows[0].collection.number, one);
	assert_true(rows[0].abandoned);
	assert_int_equal(rows[0].abandoned_ms, 7000);
	assert_int_equal(rows[0].erasure, 0);
	assert_slice(rows[0].type, "card");
	assert_int_equal(rows[1].collection.number, two);
	assert_false(rows[1].abandoned);
	assert_slice(rows[1].type, "");
	assert_status(
	    store_collections_owned(txn, ana, one, 9, world->arena, &rows, &found), DOM_OK);
	assert_int_equal(found, 1);
	assert_status(store_collections_due(
	                  txn, 7000, (struct store_due){0}, 9, world->arena, &rows, &found),
	    DOM_OK);
	assert_int_equal(found, 0);
	assert_status(store_collections_due(
	                  txn, 7001, (struct store_due){0}, 9, world->arena, &rows, &found),
	    DOM_OK);
	assert_int_equal(found, 1);
	assert_status(store_collections_due(txn, 7001, (struct store_due){7000, one}, 9,
	                  world->arena, &rows, &found),
	    DOM_OK);
	assert_int_equal(found, 0);
	read_end(world);
	/* What goes with an erasure is not retention's any more. */
	assert_status(store_collection_abandon(write_begin(world), one, 5), DOM_OK);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_collections_due(
	                  txn, 9999, (struct store_due){0}, 9, world->arena, &rows, &found),
	    DOM_OK);
	assert_int_equal(found, 0);
	assert_status(
	    store_collections_erasing(txn, 5, 0, 9, world->arena, &rows, &found), DOM_OK);
	assert_int_equal(found, 1);
	assert_int_equal(rows[0].abandoned_ms, 7000);
}

static void
idle_sessions_and_accounts_are_due_by_the_regions_time(void **state)
{
	struct world *world = *state;
	struct store_session first = {.token_hash = {1}, .id = {1}, .expires_ms = INT64_MAX},
	                     second = {.token_hash = {2}, .id = {2}, .expires_ms = INT64_MAX};
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	struct store_account_due *due;
	uint64_t removed = 9;
	size_t found;

	first.account = second.account = ana;
	assert_status(store_session_add(txn, &first), DOM_OK);
	assert_status(store_session_add(txn, &second), DOM_OK);
	assert_status(store_region_time_set(txn, 6000), DOM_OK);
	/* The wall clock that comes with it means nothing here. */
	assert_status(store_session_touch(txn, first.token_hash, 1, INT64_MAX), DOM_OK);
	assert_status(store_accounts_due(txn, 6000, 0, 9, world->arena, &due, &found), DOM_OK);
	assert_int_equal(found, 1);
	assert_int_equal(due[0].number, bo);
	assert_int_equal(due[0].active_ms, WORLD_BEGAN_MS);
	assert_int_equal(due[0].notice_ms, 0);
	assert_status(store_account_notice_set(txn, bo, 6000), DOM_OK);
	assert_status(store_account_notice_set(txn, 99, 6000), DOM_ABSENT);
	assert_status(
	    store_accounts_due(txn, 6001, ana, 9, world->arena, &due, &found), DOM_OK);
	assert_int_equal(found, 1);
	assert_int_equal(due[0].notice_ms, 6000);
	assert_status(store_accounts_due(txn, 6001, 0, 9, world->arena, &due, &found), DOM_OK);
	assert_int_equal(found, 2);
	assert_status(store_sessions_due(txn, 6000, 9, &removed), DOM_OK);
	assert_int_equal(removed, 1);
	assert_status(store_session_find(txn, first.token_hash, world->arena, &first), DOM_OK);
	write_commit(world);
}

static struct store_erasure
sample_erasure(uint8_t tag, int64_t account)
{
	return (struct store_erasure){.request = {tag},
	    .account = account,
	    .scope = 2,
	    .service = dom_slice_of("contacts"),
	    .collection_uid = dom_slice_of("c"),
	    .item_uid = dom_slice_of("i"),
	    .requested_ms = 5,
	    .clock = 7,
	    .statement_public = dom_slice_of("public"),
	    .statement = dom_slice_of("statement"),
	    .signature = dom_slice_of("signature")};
}

static void
an_erasure_is_followed_from_the_request_to_the_receipt(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), first, second;
	struct store_erasure one = sample_erasure(1, ana), two = sample_erasure(2, 0), found,
	                     *list;
	size_t rows;

	assert_status(store_erasure_add(txn, &one, &first), DOM_OK);
	assert_status(store_erasure_add(txn, &two, &second), DOM_OK);
	assert_status(store_erasure_add(txn, &two, &second), DOM_CONFLICT);
	write_commit(world);
	world_reopen(world);
	txn = write_begin(world);
	assert_status(store_erasure_next(txn, 0, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, first);
	assert_int_equal(found.request[0], 1);
	assert_int_equal(found.account, ana);
	assert_int_equal(found.scope, 2);
	assert_int_equal(found.state, STORE_ERASURE_WAITING);
	assert_slice(found.service, "contacts");
	assert_slice(found.collection_uid, "c");
	assert_slice(found.item_uid, "i");
	assert_int_equal(found.requested_ms, 5);
	assert_int_equal(found.clock, 7);
	assert_slice(found.statement_public, "public");
	assert_slice(found.statement, "statement");
	assert_slice(found.signature, "signature");
	assert_slice(found.receipt, "");
	found.state = STORE_ERASURE_ERASED;
	found.ended_ms = 77;
	found.root[31] = 9;
	found.sum = (struct store_erased){1, 2, 3, 4, 5};
	found.receipt = dom_slice_of("receipt");
	found.receipt_signature = dom_slice_of("by the region");
	assert_status(store_erasure_update(txn, &found), DOM_OK);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_erasure_next(txn, 0, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, second);
	assert_int_equal(found.account, 0);
	assert_status(store_erasure_next(txn, second, world->arena, &found), DOM_ABSENT);
	assert_status(store_erasure_find(txn, one.request, world->arena, &found), DOM_OK);
	assert_int_equal(found.ended_ms, 77);
	assert_int_equal(found.root[31], 9);
	assert_int_equal(found.sum.collections, 1);
	assert_int_equal(found.sum.items, 2);
	assert_int_equal(found.sum.revisions, 3);
	assert_int_equal(found.sum.chunks, 4);
	assert_int_equal(found.sum.bytes, 5);
	assert_slice(found.receipt, "receipt");
	assert_slice(found.receipt_signature, "by the region");
	assert_status(store_erasure_list(txn, ana, 0, 9, world->arena, &list, &rows), DOM_OK);
	assert_int_equal(rows, 1);
	assert_status(store_erasure_list(txn, 0, 0, 9, world->arena, &list, &rows), DOM_OK);
	assert_int_equal(rows, 2);
	assert_status(store_erasure_list(txn, 0, first, 9, world->arena, &list, &rows), DOM_OK);
	assert_int_equal(rows, 1);
	read_end(world);
	txn = write_begin(world);
	assert_status(store_erasure_remove(txn, first), DOM_OK);
	assert_status(store_erasure_remove(txn, first), DOM_ABSENT);
	write_commit(world);
}

static void
what_is_done_forgets_the_account_when_that_goes(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), number;
	struct store_erasure done = sample_erasure(1, ana), open = sample_erasure(2, ana),
	                     found;
	struct store_erased sum = {0};

	done.state = STORE_ERASURE_ERASED;
	done.receipt = dom_slice_of("receipt");
	assert_status(store_erasure_add(txn, &done, &number), DOM_OK);
	assert_status(store_erasure_add(txn, &open, &number), DOM_OK);
	assert_status(store_account_begin_erase(txn, ana), DOM_OK);
	assert_status(store_erase_account(txn, ana, 9, &sum), DOM_ABSENT);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_erasure_find(txn, done.request, world->arena, &found), DOM_OK);
	assert_int_equal(found.account, 0);
	assert_slice(found.statement, "");
	assert_slice(found.statement_public, "");
	assert_slice(found.receipt, "receipt");
	assert_status(store_erasure_find(txn, open.request, world->arena, &found), DOM_OK);
	assert_int_equal(found.account, 0);
	assert_slice(found.statement, "statement"); /* the receipt still needs it */
}

/* --- settling ------------------------------------------------------------------ */

/* Bytes of the write-ahead log. */
static long
log_size(const struct world *world)
{
	char path[100];
	long size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/store.sqlite3-wal", world->folder);
	if ((file = fopen(path, "rb")) == NULL)
		return 0;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	fclose(file);
	return size;
}

static void
settling_waits_for_a_reader_and_cuts_the_log_off(void **state)
{
	struct world *world = *state;

	add_account(write_begin(world), "ana", 1);
	write_commit(world);
	assert_true(log_size(world) > 0);
	read_begin(world);
	add_account(write_begin(world), "bo", 2);
	write_commit(world);
	assert_status(store_settle(world->store), DOM_CONFLICT);
	read_end(world);
	assert_status(store_settle(world->store), DOM_OK);
	assert_int_equal(log_size(world), 0);
	assert_status(store_settle(world->store), DOM_OK);
	add_account(write_begin(world), "cem", 3);
	write_commit(world);
}

/* Names in folder/chunks. */
static unsigned
count_owners(const struct world *world)
{
	struct dirent *entry;
	unsigned owners = 0;
	char path[80];
	DIR *list;

	snprintf(path, sizeof(path), "%s/chunks", world->folder);
	assert_non_null(list = opendir(path));
	while ((entry = readdir(list)) != NULL)
		owners += entry->d_name[0] != '.';
	closedir(list);
	return owners;
}

static void
files_of_erased_chunks_go_when_it_is_settled(void **state)
{
	struct world *world = *state;
	bool in_files = world->row->chunk_row_size_max == 1;
	uint8_t owner[STORE_ID_SIZE];
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), one = add_collection(txn, "c1", ana);
	struct store_erased sum = {0};
	struct store_staged *staged;

	write_commit(world);
	memset(owner, 1, sizeof(owner));
	for (unsigned i = 0; i < 5; i++) {
		char uid[8];

		snprintf(uid, sizeof(uid), "k%u", i);
		assert_status(
		    store_chunk_stage(world->store, owner, dom_slice("bytes", 5), &staged),
		    DOM_OK);
		assert_status(
		    store_chunk_put(write_begin(world), one, dom_slice_of(uid), staged),
		    DOM_OK);
		write_commit(world);
		store_staged_free(&staged);
	}
	assert_int_equal(count_files(world), in_files ? 5 : 0);
	txn = write_begin(world);
	assert_status(store_collection_abandon(txn, one, 0), DOM_OK);
	assert_status(store_erase_collection(txn, one, 99, &sum), DOM_ABSENT);
	/* A job that is refused erases nothing. */
	assert_status(write_end(world, DOM_EDENIED), DOM_EDENIED);
	assert_status(store_settle(world->store), DOM_OK);
	assert_int_equal(count_files(world), in_files ? 5 : 0);
	txn = write_begin(world);
	assert_status(store_collection_abandon(txn, one, 0), DOM_OK);
	assert_status(store_erase_collection(txn, one, 99, &sum), DOM_ABSENT);
	write_commit(world);
	assert_int_equal(count_files(world), in_files ? 5 : 0);
	assert_status(store_settle(world->store), DOM_OK);
	assert_int_equal(count_files(world), 0);
	assert_int_equal(count_owners(world), in_files ? 1 : 0);
	txn = write_begin(world);
	assert_status(store_account_begin_erase(txn, ana), DOM_OK);
	assert_status(store_erase_account(txn, ana, 9, &sum), DOM_ABSENT);
	write_commit(world);
	assert_status(store_settle(world->store), DOM_OK);
	assert_int_equal(count_owners(world), 0);
}

const struct CMUnitTest due_cases[] = {
    CONTRACT_CASE(the_regions_time_goes_on_and_never_back),
    CONTRACT_CASE(revisions_are_due_by_when_they_were_replaced_oldest_first),
    CONTRACT_CASE(owned_collections_are_told_with_the_type_that_the_owner_gave),
    CONTRACT_CASE(idle_sessions_and_accounts_are_due_by_the_regions_time),
    CONTRACT_CASE(an_erasure_is_followed_from_the_request_to_the_receipt),
    CONTRACT_CASE(what_is_done_forgets_the_account_when_that_goes),
    CONTRACT_CASE(settling_waits_for_a_reader_and_cuts_the_log_off),
    CONTRACT_CASE(files_of_erased_chunks_go_when_it_is_settled),
};
const size_t due_case_count = sizeof(due_cases) / sizeof(due_cases[0]);
