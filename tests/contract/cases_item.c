/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Items and their revisions. */
#include "contract.h"

struct shelf {
	int64_t ana, collection;
	struct store_txn *txn;
};

static struct shelf
shelf_begin(struct world *world)
{
	struct shelf shelf = {.txn = write_begin(world)};

	shelf.ana = add_account(shelf.txn, "ana", 1);
	shelf.collection = add_collection(shelf.txn, "c1", shelf.ana);
	return shelf;
}

static void
an_item_comes_back_as_it_was_put(void **state)
{
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	struct dom_slice chunks[] = {dom_slice_of("k1"), dom_slice_of(""), dom_slice("k\0", 2)};
	struct store_item item = {
	    .uid = dom_slice_of("i1"),
	    .version = 3,
	    .encryption_key = dom_slice_of("key"),
	    .current =
	        {
	            .uid = dom_slice_of("e1"),
	            .meta = dom_slice("m\0m", 3),
	            .deleted = true,
	            .clock = 12,
	            .chunks = chunks,
	            .chunk_count = 3,
	        },
	};
	struct store_item found;
	struct dom_slice etag;
	struct store_txn *txn;
	int64_t number;

	assert_status(store_item_put(shelf.txn, shelf.collection, &item), DOM_OK);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(
	    store_item_find(txn, shelf.collection, item.uid, world->arena, &found), DOM_OK);
	assert_slice(found.uid, "i1");
	assert_int_equal(found.version, 3);
	assert_slice(found.encryption_key, "key");
	assert_slice(found.current.uid, "e1");
	assert_true(found.current.deleted);
	assert_int_equal(found.current.clock, 12);
	assert_int_equal(found.current.meta.size, 3);
	assert_memory_equal(found.current.meta.data, "m\0m", 3);
	assert_int_equal(found.current.chunk_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(dom_slice_equal(found.current.chunks[i], chunks[i]));
	assert_status(
	    store_item_etag(txn, shelf.collection, item.uid, world->arena, &number, &etag),
	    DOM_OK);
	assert_int_equal(number, found.number);
	assert_slice(etag, "e1");
	assert_status(
	    store_item_find(txn, shelf.collection + 1, item.uid, world->arena, &found),
	    DOM_ABSENT);
	assert_status(store_item_etag(txn, shelf.collection, dom_slice_of("i2"), world->arena,
	                  &number, &etag),
	    DOM_ABSENT);
}

static void
no_encryption_key_is_not_an_empty_one(void **state)
{
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	struct store_item item = {.uid = dom_slice_of("none")}, found;

	item.current = (struct store_revision){.uid = dom_slice_of("e"), .clock = 1};
	assert_status(store_item_put(shelf.txn, shelf.collection, &item), DOM_OK);
	item.uid = dom_slice_of("empty");
	item.encryption_key = dom_slice_of("");
	item.current.clock = 2;
	assert_status(store_item_put(shelf.txn, shelf.collection, &item), DOM_OK);
	assert_status(store_item_find(shelf.txn, shelf.collection, dom_slice_of("none"),
	                  world->arena, &found),
	    DOM_OK);
	assert_null(found.encryption_key.data);
	assert_slice(found.current.meta, "");
	assert_int_equal(found.current.chunk_count, 0);
	assert_status(store_item_find(shelf.txn, shelf.collection, dom_slice_of("empty"),
	                  world->arena, &found),
	    DOM_OK);
	assert_slice(found.encryption_key, "");
	write_commit(world);
}

static void
a_new_item_needs_a_new_uid_and_a_collection(void **state)
{
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	int64_t other = add_collection(shelf.txn, "c2", shelf.ana);
	struct store_item found;

	assert_status(put_item(shelf.txn, shelf.collection, "i1", "e1", 1), DOM_OK);
	assert_status(put_item(shelf.txn, shelf.collection, "i1", "e2", 2), DOM_CONFLICT);
	assert_status(put_item(shelf.txn, other, "i1", "e1", 2), DOM_OK);
	assert_status(put_item(shelf.txn, 99, "i1", "e1", 3), DOM_ABSENT);
	assert_status(store_item_find(shelf.txn, shelf.collection, dom_slice_of("i1"),
	                  world->arena, &found),
	    DOM_OK);
	assert_slice(found.current.uid, "e1");
	write_commit(world);
}

static void
a_revision_replaces_the_current_one_and_never_comes_twice(void **state)
{
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	int64_t other = add_collection(shelf.txn, "c2", shelf.ana), number;
	struct store_collection collection;
	struct store_item found;
	struct dom_slice etag;

	assert_status(put_item(shelf.txn, shelf.collection, "i1", "e1", 1), DOM_OK);
	assert_status(store_item_etag(shelf.txn, shelf.collection, dom_slice_of("i1"),
	                  world->arena, &number, &etag),
	    DOM_OK);
	assert_status(put_revision(shelf.txn, shelf.collection, number, "e1", 2), DOM_CONFLICT);
	assert_status(put_revision(shelf.txn, shelf.collection, number, "e2", 2), DOM_OK);
	assert_status(put_revision(shelf.txn, shelf.collection, number, "e1", 3), DOM_CONFLICT);
	assert_status(put_revision(shelf.txn, shelf.collection, number, "e2", 3), DOM_CONFLICT);
	assert_status(put_revision(shelf.txn, other, number, "e3", 3), DOM_ABSENT);
	assert_status(put_revision(shelf.txn, shelf.collection, 99, "e3", 3), DOM_ABSENT);
	write_commit(world);
	world_reopen(world);
	shelf.txn = read_begin(world);
	assert_status(store_item_find(shelf.txn, shelf.collection, dom_slice_of("i1"),
	                  world->arena, &found),
	    DOM_OK);
	assert_slice(found.current.uid, "e2");
	assert_int_equal(found.current.clock, 2);
	assert_int_equal(found.version, 1);
	assert_status(
	    store_collection_find(shelf.txn, dom_slice_of("c1"), world->arena, &collection),
	    DOM_OK);
	assert_int_equal(collection.items_clock, 2);
}

static void
a_collections_clock_never_goes_back(void **state)
{
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	struct store_collection collection;

	assert_status(put_item(shelf.txn, shelf.collection, "i1", "e1", 9), DOM_OK);
	assert_status(put_item(shelf.txn, shelf.collection, "i2", "e1", 4), DOM_OK);
	assert_status(
	    store_collection_find(shelf.txn, dom_slice_of("c1"), world->arena, &collection),
	    DOM_OK);
	assert_int_equal(collection.items_clock, 9);
	write_commit(world);
}

static void
items_are_walked_by_clock_with_or_without_the_main_one(void **state)
{
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	struct store_collection collection;
	struct store_item *items;
	struct dom_slice etag;
	int64_t number;
	size_t count;
	char uid[8];

	assert_status(put_item(shelf.txn, shelf.collection, "c1", "e", 1), DOM_OK);
	for (unsigned i = 2; i <= 30; i++) {
		snprintf(uid, sizeof(uid), "i%u", i);
		assert_status(put_item(shelf.txn, shelf.collection, uid, "e", i), DOM_OK);
	}
	assert_status(store_item_etag(shelf.txn, shelf.collection, dom_slice_of("i5"),
	                  world->arena, &number, &etag),
	    DOM_OK);
	assert_status(put_revision(shelf.txn, shelf.collection, number, "e2", 31), DOM_OK);
	write_commit(world);
	shelf.txn = read_begin(world);
	assert_status(
	    store_collection_find(shelf.txn, dom_slice_of("c1"), world->arena, &collection),
	    DOM_OK);
	assert_status(
	    store_item_scan(shelf.txn, &collection, 0, true, 99, world->arena, &items, &count),
	    DOM_OK);
	assert_int_equal(count, 30);
	assert_slice(items[0].uid, "c1");
	assert_slice(items[4].uid, "i6"); /* i5 has moved to the end */
	assert_slice(items[29].uid, "i5");
	assert_slice(items[29].current.uid, "e2");
	for (size_t i = 1; i < count; i++)
		assert_true(items[i - 1].current.clock < items[i].current.clock);
	assert_status(
	    store_item_scan(shelf.txn, &collection, 0, false, 2, world->arena, &items, &count),
	    DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(items[0].uid, "i2");
	assert_status(
	    store_item_scan(shelf.txn, &collection, 29, false, 9, world->arena, &items, &count),
	    DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(items[0].uid, "i30");
	assert_status(store_item_scan(shelf.txn, &collection, UINT64_MAX, true, 9, world->arena,
	                  &items, &count),
	    DOM_OK);
	assert_int_equal(count, 0);
	assert_status(
	    store_item_scan(shelf.txn, &collection, 0, true, 0, world->arena, &items, &count),
	    DOM_OK);
	assert_int_equal(count, 0);
}

static void
revisions_are_walked_backwards_and_know_the_one_before(void **state)
{
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	struct store_revision *revisions, found;
	struct dom_slice etag;
	int64_t number;
	size_t count;
	char uid[8];

	assert_status(put_item(shelf.txn, shelf.collection, "i1", "e1", 10), DOM_OK);
	assert_status(put_item(shelf.txn, shelf.collection, "i2", "x1", 15), DOM_OK);
	assert_status(store_item_etag(shelf.txn, shelf.collection, dom_slice_of("i1"),
	                  world->arena, &number, &etag),
	    DOM_OK);
	for (unsigned i = 2; i <= 12; i++) {
		snprintf(uid, sizeof(uid), "e%u", i);
		assert_status(
		    put_revision(shelf.txn, shelf.collection, number, uid, 10 * i), DOM_OK);
	}
	write_commit(world);
	shelf.txn = read_begin(world);
	assert_status(
	    store_revision_scan(shelf.txn, number, 0, 5, world->arena, &revisions, &count),
	    DOM_OK);
	assert_int_equal(count, 5);
	assert_slice(revisions[0].uid, "e12");
	assert_int_equal(revisions[0].clock, 120);
	assert_slice(revisions[4].uid, "e8");
	assert_slice(revisions[4].meta, "meta");
	assert_status(
	    store_revision_scan(shelf.txn, number, 80, 99, world->arena, &revisions, &count),
	    DOM_OK);
	assert_int_equal(count, 7);
	assert_slice(revisions[0].uid, "e7");
	assert_slice(revisions[6].uid, "e1");
	assert_status(
	    store_revision_scan(shelf.txn, number, 10, 99, world->arena, &revisions, &count),
	    DOM_OK);
	assert_int_equal(count, 0);
	assert_status(
	    store_revision_find(shelf.txn, number, dom_slice_of("e12"), world->arena, &found),
	    DOM_OK);
	assert_int_equal(found.clock, 120);
	assert_slice(found.previous, "e11");
	assert_status(
	    store_revision_find(shelf.txn, number, dom_slice_of("e3"), world->arena, &found),
	    DOM_OK);
	assert_slice(found.uid, "e3");
	assert_slice(found.previous, "e2");
	assert_status(
	    store_revision_find(shelf.txn, number, dom_slice_of("e1"), world->arena, &found),
	    DOM_OK);
	assert_slice(found.previous, "");
	assert_status(
	    store_revision_find(shelf.txn, number, dom_slice_of("x1"), world->arena, &found),
	    DOM_ABSENT);
}

static void
figures_count_what_is_there(void **state)
{
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	struct store_counts counts;
	struct dom_slice etag;
	int64_t number;

	assert_status(put_item(shelf.txn, shelf.collection, "i1", "e1", 1), DOM_OK);
	assert_status(put_item(shelf.txn, shelf.collection, "i2", "e1", 2), DOM_OK);
	assert_status(store_item_etag(shelf.txn, shelf.collection, dom_slice_of("i1"),
	                  world->arena, &number, &etag),
	    DOM_OK);
	assert_status(put_revision(shelf.txn, shelf.collection, number, "e2", 3), DOM_OK);
	write_commit(world);
	shelf.txn = read_begin(world);
	assert_status(store_count(shelf.txn, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 1);
	assert_int_equal(counts.collections, 1);
	assert_int_equal(counts.items, 2);
	assert_int_equal(counts.revisions, 3);
	assert_int_equal(counts.chunks, 0);
	assert_int_equal(counts.chunk_bytes, 0);
}

enum { LONG_META_SIZE = 1 << 20, LONG_ITEMS = 12 };

/* Rows of any size are read in pieces: a list costs its bytes, not those of 32 rows. */
static void
a_scan_of_long_rows_ends_early_and_goes_on(void **state)
{
	static const uint8_t bytes[LONG_META_SIZE] = {1};
	struct world *world = *state;
	struct shelf shelf = shelf_begin(world);
	struct store_collection collection = {.uid = dom_slice_of("c1")};
	struct store_item item = {.uid = dom_slice_of("i1")}, *items;
	struct store_revision *revisions;
	char etag[16];
	uint64_t after = 0;
	size_t count, seen = 0, scans = 0;

	collection.number = shelf.collection;
	for (unsigned i = 0; i < 2 * LONG_ITEMS; i++) {
		char uid[16];

		snprintf(uid, sizeof(uid), i < LONG_ITEMS ? "i%u" : "j", i);
		snprintf(etag, sizeof(etag), "e%u", i);
		item.uid = dom_slice_of(uid);
		item.current = (struct store_revision){.uid = dom_slice_of(etag),
		    .meta = dom_slice(bytes, sizeof(bytes)),
		    .clock = i + 1};
		assert_status(store_item_put(shelf.txn, shelf.collection, &item), DOM_OK);
		if (i == LONG_ITEMS)
			assert_status(store_item_etag(shelf.txn, shelf.collection, item.uid,
			                  world->arena, &item.number, &(struct dom_slice){0}),
			    DOM_OK);
	}
	do {
		dom_arena_reset(world->arena);
		assert_status(store_item_scan(shelf.txn, &collection, after, true, 99,
		                  world->arena, &items, &count),
		    DOM_OK);
		assert_true(dom_arena_used(world->arena) <
		            STORE_SCAN_SIZE_MAX + LONG_META_SIZE + 65536);
		for (size_t i = 0; i < count; i++)
			after = items[i].current.clock;
		seen += count;
		scans++;
	} while (count != 0);
	assert_int_equal(seen, LONG_ITEMS + 1);
	assert_in_range(scans, 3, 6);
	for (after = 0, seen = 0; seen == 0 || count != 0; seen += count) {
		dom_arena_reset(world->arena);
		assert_status(store_revision_scan(shelf.txn, item.number, after, 99,
		                  world->arena, &revisions, &count),
		    DOM_OK);
		assert_true(dom_arena_used(world->arena) <
		            STORE_SCAN_SIZE_MAX + LONG_META_SIZE + 65536);
		if (count != 0)
			after = revisions[count - 1].clock;
	}
	assert_int_equal(seen, LONG_ITEMS);
	write_commit(world);
}

const struct CMUnitTest item_cases[] = {
    CONTRACT_CASE(a_scan_of_long_rows_ends_early_and_goes_on),
    CONTRACT_CASE(an_item_comes_back_as_it_was_put),
    CONTRACT_CASE(no_encryption_key_is_not_an_empty_one),
    CONTRACT_CASE(a_new_item_needs_a_new_uid_and_a_collection),
    CONTRACT_CASE(a_revision_replaces_the_current_one_and_never_comes_twice),
    CONTRACT_CASE(a_collections_clock_never_goes_back),
    CONTRACT_CASE(items_are_walked_by_clock_with_or_without_the_main_one),
    CONTRACT_CASE(revisions_are_walked_backwards_and_know_the_one_before),
    CONTRACT_CASE(figures_count_what_is_there),
};
const size_t item_case_count = sizeof(item_cases) / sizeof(item_cases[0]);
