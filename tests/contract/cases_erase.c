/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Erasing in steps, what is due, erasures, and what is left on the disk. */
#include "contract.h"
#include "store/erase.h"
#include "store/move.h"

enum { STEP = 3 }; /* rows; small, so that every loop is entered again */

static const uint8_t owner_id[STORE_ID_SIZE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* A chunk of ten bytes. */
static void
put_chunk(struct world *world, int64_t collection, const char *uid)
{
	struct store_staged *staged;
	struct store_txn *txn;

	assert_status(
	    store_chunk_stage(world->store, owner_id, dom_slice("ten bytes.", 10), &staged),
	    DOM_OK);
	txn = write_begin(world);
	assert_status(store_chunk_put(txn, collection, dom_slice_of(uid), staged), DOM_OK);
	write_commit(world);
	store_staged_free(&staged);
}

/* A revision, of a new item if number is 0, that names up to two chunks. */
static void
put_naming(struct store_txn *txn, int64_t collection, int64_t number, const char *uid,
    const char *etag, const char *first, const char *second)
{
	struct dom_slice chunks[2] = {{0}};
	struct store_item item = {.number = number,
	    .uid = dom_slice_of(uid),
	    .version = 1,
	    .encryption_key = dom_slice_of("key"),
	    .current = {.uid = dom_slice_of(etag), .meta = dom_slice_of("meta")}};
	struct store_collection place;
	struct dom_arena *arena = dom_arena_new(0);

	if (first != NULL)
		chunks[item.current.chunk_count++] = dom_slice_of(first);
	if (second != NULL)
		chunks[item.current.chunk_count++] = dom_slice_of(second);
	item.current.chunks = chunks;
	assert_status(store_collection_find(txn, dom_slice_of("c1"), arena, &place), DOM_OK);
	assert_status(store_account_tick(txn, place.owner, &item.current.clock), DOM_OK);
	assert_status(store_item_put(txn, collection, &item), DOM_OK);
	dom_arena_free(&arena);
}

static int64_t
item_number(struct store_txn *txn, int64_t collection, const char *uid, struct dom_arena *arena)
{
	struct dom_slice etag;
	int64_t number = 0;

	assert_status(
	    store_item_etag(txn, collection, dom_slice_of(uid), arena, &number, &etag), DOM_OK);
	return number;
}

struct house {
	int64_t ana, bo, one, two; /* accounts, and collections of ana */
};

/*
 * Ana owns one, with item a of three revisions, items b and c, and three
 * chunks, and two, with an item and a chunk; Bo is a member of one.
 */
static struct house
furnish(struct world *world)
{
	struct store_txn *txn = write_begin(world);
	struct house house = {
	    .ana = add_account(txn, "ana", 1), .bo = add_account(txn, "bo", 2)};
	struct store_member member = {.collection_key = dom_slice_of("key"),
	    .collection_type = dom_slice_of("card"),
	    .access_level = 1};

	house.one = add_collection(txn, "c1", house.ana);
	house.two = add_collection(txn, "c2", house.ana);
	member.collection = house.one;
	member.account = house.ana;
	member.clock = 1;
	assert_status(store_member_add(txn, &member), DOM_OK);
	member.account = house.bo;
	member.clock = 2;
	assert_status(store_member_add(txn, &member), DOM_OK);
	member.collection = house.two;
	member.account = house.ana;
	member.clock = 3;
	assert_status(store_member_add(txn, &member), DOM_OK);
	write_commit(world);
	put_chunk(world, house.one, "k1");
	put_chunk(world, house.one, "k2");
	put_chunk(world, house.one, "k3");
	put_chunk(world, house.two, "k1");
	txn = write_begin(world);
	put_naming(txn, house.one, 0, "a", "a1", "k1", "k2");
	put_naming(txn, house.one, item_number(txn, house.one, "a", world->arena), "a", "a2",
	    "k2", "k3");
	put_naming(txn, house.one, item_number(txn, house.one, "a", world->arena), "a", "a3",
	    "k3", NULL);
	put_naming(txn, house.one, 0, "b", "b1", "k3", NULL);
	put_naming(txn, house.one, 0, "c", "c1", NULL, NULL);
	put_naming(txn, house.two, 0, "d", "d1", "k1", NULL);
	write_commit(world);
	return house;
}

/* Everybody leaves, with a note, and it waits to be erased. */
static void
abandon(struct store_txn *txn, int64_t collection, const char *uid, int64_t account,
    uint64_t clock, int64_t erasure)
{
	struct store_removed removed = {
	    .uid = dom_slice_of(uid), .clock = clock, .collection_type = dom_slice_of("card")};

	assert_status(store_member_remove(txn, collection, account), DOM_OK);
	assert_status(store_removed_put(txn, account, &removed), DOM_OK);
	assert_status(store_collection_abandon(txn, collection, erasure), DOM_OK);
}

static void
abandon_both(struct world *world, const struct house *house, int64_t erasure)
{
	struct store_txn *txn = write_begin(world);

	assert_status(store_member_remove(txn, house->one, house->bo), DOM_OK);
	abandon(txn, house->one, "c1", house->ana, 101, erasure);
	abandon(txn, house->two, "c2", house->ana, 102, erasure);
	write_commit(world);
}

/* Jobs until it is gone; how many. */
static unsigned
erase_all(struct world *world, int64_t number,
    enum dom_status (*erase)(
        struct store_txn *txn, int64_t number, unsigned rows, struct store_erased *sum),
    struct store_erased *sum)
{
	enum dom_status st = DOM_OK;
	unsigned steps = 0;

	while (st == DOM_OK) {
		struct store_txn *txn = write_begin(world);

		st = erase(txn, number, STEP, sum);
		assert_true(st == DOM_OK || st == DOM_ABSENT);
		write_commit(world);
		assert_true(++steps < 100);
	}
	return steps;
}

static void
count(struct world *world, struct store_counts *counts_r)
{
	assert_status(store_count(read_begin(world), counts_r), DOM_OK);
	read_end(world);
}

static void
a_collection_goes_in_steps_and_all_of_it_is_counted(void **state)
{
	struct world *world = *state;
	struct house house = furnish(world);
	struct store_erased sum = {0};
	struct store_counts counts;
	struct store_usage usage;
	struct store_txn *txn;

	txn = write_begin(world);
	assert_status(store_erase_collection(txn, house.one, STEP, &sum), DOM_CONFLICT);
	write_commit(world);
	abandon_both(world, &house, 0);
	assert_true(erase_all(world, house.one, store_erase_collection, &sum) > 2);
	assert_int_equal(sum.collections, 1);
	assert_int_equal(sum.items, 3);
	assert_int_equal(sum.revisions, 5);
	assert_int_equal(sum.chunks, 3);
	assert_int_equal(sum.bytes, 5 * 4 + 3 * 3 + 3 * 10);
	count(world, &counts);
	assert_int_equal(counts.collections, 1);
	assert_int_equal(counts.items, 1);
	assert_int_equal(counts.revisions, 1);
	assert_int_equal(counts.chunks, 1);
	assert_status(store_account_usage(read_begin(world), house.ana, &usage), DOM_OK);
	assert_int_equal(usage.chunk_bytes, 10);
	read_end(world);
}

static void
an_erased_collections_number_is_not_given_to_another(void **state)
{
	struct world *world = *state;
	struct house house = furnish(world);
	struct store_erased sum = {0};
	struct store_txn *txn;

	abandon_both(world, &house, 0);
	erase_all(world, house.two, store_erase_collection, &sum); /* the newest */
	txn = write_begin(world);
	assert_int_equal(add_collection(txn, "c3", house.ana), house.two + 1);
	write_commit(world);
}

/* Ask and erase until nothing is told; how many chunks went. */
static unsigned
sweep(struct world *world, int64_t collection, int64_t before_ms)
{
	struct store_erased sum = {0};
	struct store_chunk_due *due;
	uint64_t clock;
	size_t found = 1, done;

	for (unsigned rounds = 0; found != 0; rounds++) {
		assert_true(rounds < 20);
		assert_status(store_chunks_due(read_begin(world), collection, before_ms, 2,
		                  world->arena, &due, &found, &clock),
		    DOM_OK);
		read_end(world);
		assert_status(store_erase_chunks(write_begin(world), collection, due, found,
		                  clock, &done, &sum),
		    DOM_OK);
		write_commit(world);
		assert_int_equal(done, found);
	}
	assert_int_equal(sum.bytes, sum.chunks * 10);
	return (unsigned)sum.chunks;
}

static enum dom_status
has_chunk(struct world *world, int64_t collection, const char *uid)
{
	enum dom_status st = store_chunk_has(read_begin(world), collection, dom_slice_of(uid));

	read_end(world);
	return st;
}

static enum dom_status
erase_history(struct store_txn *txn, int64_t item, unsigned rows, struct store_erased *sum)
{
	return store_erase_history(txn, item, UINT64_MAX, rows, sum);
}

static void
an_items_history_goes_with_the_chunks_that_only_it_named(void **state)
{
	struct world *world = *state;
	struct house house = furnish(world);
	struct store_erased sum = {0};
	struct store_revision *revisions;
	struct store_usage usage;
	int64_t item;
	size_t left;

	item = item_number(read_begin(world), house.one, "a", world->arena);
	read_end(world);
	/* Nothing is loose before. */
	assert_int_equal(sweep(world, house.one, 0), 0);
	erase_all(world, item, erase_history, &sum);
	assert_int_equal(sum.revisions, 2);
	assert_int_equal(sum.items, 0);
	assert_status(
	    store_revision_scan(read_begin(world), item, 0, 9, world->arena, &revisions, &left),
	    DOM_OK);
	assert_int_equal(left, 1);
	assert_slice(revisions[0].uid, "a3");
	read_end(world);
	/* The chunks wait for somebody who has the time to see who else names them. */
	assert_status(has_chunk(world, house.one, "k1"), DOM_OK);
	assert_int_equal(sweep(world, house.one, 0), 2);
	assert_status(has_chunk(world, house.one, "k1"), DOM_ABSENT);
	assert_status(has_chunk(world, house.one, "k2"), DOM_ABSENT);
	assert_status(has_chunk(world, house.one, "k3"), DOM_OK);
	assert_status(has_chunk(world, house.two, "k1"), DOM_OK);
	assert_status(store_account_usage(read_begin(world), house.ana, &usage), DOM_OK);
	assert_int_equal(usage.chunk_bytes, 20);
	read_end(world);
	assert_int_equal(erase_all(world, item, erase_history, &sum), 1);
}

static void
a_chunk_that_is_named_meanwhile_stays(void **state)
{
	struct world *world = *state;
	struct house house = furnish(world);
	struct store_chunk_due *due;
	struct store_erased sum = {0};
	struct store_txn *txn;
	uint64_t clock;
	size_t found, done;

	put_chunk(world, house.one, "new1");
	put_chunk(world, house.one, "new2");
	put_chunk(world, house.one, "new3");
	assert_status(store_chunks_due(read_begin(world), house.one, WORLD_BEGAN_MS, 9,
	                  world->arena, &due, &found, &clock),
	    DOM_OK);
	assert_int_equal(found, 0); /* none is older than now */
	read_end(world);
	assert_status(store_chunks_due(read_begin(world), house.one, WORLD_BEGAN_MS + 1, 9,
	                  world->arena, &due, &found, &clock),
	    DOM_OK);
	assert_int_equal(found, 3);
	read_end(world);
	/* One is named by what is current by then, one by what is history by then. */
	txn = write_begin(world);
	put_naming(txn, house.one, 0, "e", "e1", "new1", NULL);
	put_naming(txn, house.one, item_number(txn, house.one, "b", world->arena), "b", "b2",
	    "new2", NULL);
	put_naming(txn, house.one, item_number(txn, house.one, "b", world->arena), "b", "b3",
	    NULL, NULL);
	write_commit(world);
	assert_status(
	    store_erase_chunks(write_begin(world), house.one, due, found, clock, &done, &sum),
	    DOM_OK);
	write_commit(world);
	assert_int_equal(done, 3);
	assert_int_equal(sum.chunks, 1);
	assert_status(has_chunk(world, house.one, "new1"), DOM_OK);
	assert_status(has_chunk(world, house.one, "new2"), DOM_OK);
	assert_status(has_chunk(world, house.one, "new3"), DOM_ABSENT);
	assert_status(
	    store_chunks_due(read_begin(world), 99, 1, 9, world->arena, &due, &found, &clock),
	    DOM_ABSENT);
	read_end(world);
}

static void
an_account_that_is_being_erased_is_nobody_at_once(void **state)
{
	struct world *world = *state;
	struct house house = furnish(world);
	struct store_session session = {
	    .account = house.ana, .token_hash = {7}, .expires_ms = 9000};
	struct store_consent consent = {.service = dom_slice_of("contacts"), .serial = 1},
	                     *consents;
	struct store_invitation invitation = {.uid = dom_slice_of("i1"),
	    .collection = house.one,
	    .sender = house.ana,
	    .recipient = house.bo,
	    .sender_clock = 50,
	    .clock = 50,
	    .signed_key = dom_slice_of("k")};
	struct store_account found;
	struct store_txn *txn = write_begin(world);
	size_t live;

	assert_status(store_session_add(txn, &session), DOM_OK);
	assert_status(store_consent_set(txn, house.ana, &consent, NULL, 0), DOM_OK);
	assert_status(store_invitation_add(txn, &invitation), DOM_OK);
	assert_status(store_account_begin_erase(txn, house.ana), DOM_CONFLICT);
	assert_status(store_account_begin_erase(txn, 99), DOM_ABSENT);
	write_commit(world);
	abandon_both(world, &house, 0);
	txn = write_begin(world);
	assert_status(store_account_begin_erase(txn, house.ana), DOM_OK);
	write_commit(world);
	txn = read_begin(world);
	assert_status(
	    store_account_by_name(txn, dom_slice_of("ana"), world->arena, &found), DOM_ABSENT);
	assert_status(store_account_by_number(txn, house.ana, world->arena, &found), DOM_OK);
	assert_int_equal(found.state, STORE_ACCOUNT_ERASING);
	assert_slice(found.login_public, "");
	assert_status(store_account_names(txn, world->arena, &found), DOM_OK);
	assert_slice(found.name, "");
	assert_slice(found.email, "");
	assert_status(
	    store_session_find(txn, session.token_hash, world->arena, &session), DOM_ABSENT);
	assert_status(
	    store_consent_list(txn, house.ana, world->arena, &consents, &live), DOM_OK);
	assert_int_equal(live, 0);
	assert_status(
	    store_invitation_pending(txn, house.one, house.ana, house.bo), DOM_ABSENT);
	read_end(world);
	/* The name is free. */
	add_account(write_begin(world), "ana", 9);
	write_commit(world);
}

static void
an_account_goes_once_it_owns_nothing(void **state)
{
	struct world *world = *state;
	struct house house = furnish(world);
	struct store_erased sum = {0};
	struct store_account found;
	struct store_txn *txn = write_begin(world);

	for (uint64_t serial = 1; serial <= 5; serial++) {
		struct store_statement statement = {.serial = serial,
		    .clock = 60 + serial,
		    .service = dom_slice_of("contacts"),
		    .bytes = dom_slice_of("b"),
		    .signature = dom_slice_of("s")};

		assert_status(store_statement_add(txn, house.bo, &statement), DOM_OK);
	}
	assert_status(store_member_remove(txn, house.one, house.bo), DOM_OK);
	assert_status(store_erase_account(txn, house.bo, STEP, &sum), DOM_CONFLICT);
	assert_status(store_account_begin_erase(txn, house.bo), DOM_OK);
	write_commit(world);
	assert_true(erase_all(world, house.bo, store_erase_account, &sum) > 1);
	assert_status(
	    store_account_by_number(read_begin(world), house.bo, world->arena, &found),
	    DOM_ABSENT);
	read_end(world);
	/* Bo had the largest number; it stays his. */
	txn = write_begin(world);
	assert_int_equal(add_account(txn, "cem", 9), house.bo + 1);
	write_commit(world);
	/* Ana still owns two collections. */
	txn = write_begin(world);
	abandon(txn, house.one, "c1", house.ana, 101, 0);
	abandon(txn, house.two, "c2", house.ana, 102, 0);
	assert_status(store_account_begin_erase(txn, house.ana), DOM_OK);
	assert_status(store_erase_account(txn, house.ana, STEP, &sum), DOM_CONFLICT);
	write_commit(world);
}

/* Its new files would lie where the old ones are removed. */
static void
an_id_is_free_again_once_its_files_have_left_the_disk(void **state)
{
	struct world *world = *state;
	struct store_account again = sample_account("bo", 2);
	struct store_erased sum = {0};
	struct store_txn *txn = write_begin(world);
	int64_t bo = add_account(txn, "bo", 2), number;

	assert_status(store_account_begin_erase(txn, bo), DOM_OK);
	write_commit(world);
	(void)erase_all(world, bo, store_erase_account, &sum);
	txn = write_begin(world);
	assert_status(store_account_stage(txn, &again, &number), DOM_CONFLICT);
	write_commit(world);
	assert_status(store_settle(world->store), DOM_OK);
	txn = write_begin(world);
	assert_status(store_account_stage(txn, &again, &number), DOM_OK);
	write_commit(world);
}

const struct CMUnitTest erase_cases[] = {
    CONTRACT_CASE(a_collection_goes_in_steps_and_all_of_it_is_counted),
    CONTRACT_CASE(an_erased_collections_number_is_not_given_to_another),
    CONTRACT_CASE(an_items_history_goes_with_the_chunks_that_only_it_named),
    CONTRACT_CASE(a_chunk_that_is_named_meanwhile_stays),
    CONTRACT_CASE(an_account_that_is_being_erased_is_nobody_at_once),
    CONTRACT_CASE(an_account_goes_once_it_owns_nothing),
    CONTRACT_CASE(an_id_is_free_again_once_its_files_have_left_the_disk),
};
const size_t erase_case_count = sizeof(erase_cases) / sizeof(erase_cases[0]);
