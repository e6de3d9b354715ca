/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A book's root is root_compute()'s after every history: people write, share,
 * consent, withdraw and erase between any two of its pages.
 */
#include "crypto/digest.h"

#include "erasing.h"
#include "services/root/book.h"
#include "store/move.h"

enum {
	COLLECTIONS_MAX = 8,
	ITEMS_MAX = 30, /* in each */
	STEPS = 500,
	LARGE = 400000,
};

static struct root_book *book, *lazy; /* lazy: asked for roots alone */
static unsigned collections, chunk_count, revision_count, ended_passes, pages;
static unsigned last[COLLECTIONS_MAX + 1][ITEMS_MAX + 1]; /* revision; 0: no item */
static uint64_t seed;

static int
set_up(void **state)
{
	if (house_set_up(state) != 0)
		return -1;
	memory_journal = (struct memory_journal){.stops_after = -1};
	turn_on(&house.ana);
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
	turn_on(&house.bob);
	assert_int_equal(consent(&house.bob, "any", NULL), SERVICE_DONE);
	ana_number = number_of("ana");
	collections = chunk_count = revision_count = ended_passes = pages = 0;
	memset(last, 0, sizeof(last));
	book = root_book_new(ana_number, 0);
	lazy = root_book_new(ana_number, 0);
	return book == NULL || lazy == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	root_book_free(&book);
	root_book_free(&lazy);
	return house_tear_down(state);
}

static unsigned
draw(unsigned bound)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((seed >> 33) % bound);
}

/* --- what a person does ------------------------------------------------------------ */

static void
add_collection(void)
{
	char type[24];

	if (collections == COLLECTIONS_MAX)
		return;
	snprintf(type, sizeof(type), "type %u", draw(3));
	assert_int_equal(create(&house.ana, ++collections, type), SERVICE_DONE);
}

static void
write_item(void)
{
	static char large[LARGE];
	unsigned collection = 1 + draw(collections), number = 1 + draw(ITEMS_MAX);
	unsigned *revision = &last[collection][number];
	struct wire_item one = item(number, 'r', *revision == 0 ? NULL : uid('r', *revision));
	struct wire_chunk chunk = {.uid = dom_slice_of(uid('k', ++chunk_count)),
	    .content = dom_slice_of("of a chunk")};

	memset(large, 'm', sizeof(large));
	one.content.uid = dom_slice_of(uid('r', ++revision_count));
	one.content.deleted = draw(10) == 0;
	if (draw(2) == 0)
		one.content.meta = dom_slice(large, draw(LARGE));
	if (draw(3) == 0) {
		one.content.chunks = &chunk;
		one.content.chunk_count = 1;
	}
	/* A collection that was erased takes nothing. */
	if (put(&house.ana, SERVICE_ITEM_BATCH, collection, &one, 1) == SERVICE_DONE)
		*revision = revision_count;
}

static void
add_chunk(void)
{
	char bytes[8192];
	size_t size = 1 + draw(sizeof(bytes));

	memset(bytes, (int)draw(256), size);
	ask(SERVICE_CHUNK_PUT, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1 + draw(collections)));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', ++chunk_count));
	dom_buffer_append(&house.body, bytes, size);
	(void)send();
}

static void
state_something(void)
{
	static const char *const services[] = {"contacts", "calendar", "photos"};
	const char *service = services[draw(3)];

	if (draw(2) == 0)
		assert_int_equal(consent(&house.ana, service, "type one"), SERVICE_DONE);
	else
		assert_int_equal(withdraw(&house.ana, service), SERVICE_DONE);
}

/* Ana is in what Bob owns, and out of it again: a note comes, and goes when she is back. */
static void
be_a_member(void)
{
	static unsigned invitations_sent;

	if (read_collection(&house.bob, 90) != SERVICE_DONE)
		assert_int_equal(create(&house.bob, 90, "type"), SERVICE_DONE);
	if (read_collection(&house.ana, 90) == SERVICE_DONE) {
		assert_int_equal(leave(&house.ana, 90), SERVICE_DONE);
		return;
	}
	assert_int_equal(
	    invite(&house.bob, 90, "ana", 0, 1000 + ++invitations_sent), SERVICE_DONE);
	assert_int_equal(accept_it(&house.ana, 1000 + invitations_sent), SERVICE_DONE);
}

static void
live_on(void)
{
	unsigned what = draw(40);

	house.now_ms += 1000;
	if (what < 2 || collections == 0)
		add_collection();
	else if (what < 28)
		write_item();
	else if (what < 33)
		add_chunk();
	else if (what < 37)
		state_something();
	else
		be_a_member();
}

/* --- books -------------------------------------------------------------------------- */

static void
read_on(struct root_book *it)
{
	struct store_txn *txn;
	bool ended;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(root_book_follow(it, txn, &ended), DOM_OK);
	store_read_end(&txn);
	pages++;
	ended_passes += ended;
}

static void
assert_root(struct root_book *it)
{
	struct root_options options = {.scope = WIRE_SCOPE_ACCOUNT,
	    .account = ana_number,
	    .clock = draw(1000),
	    .identity_public = {1, 2, 3}};
	uint8_t kept[WIRE_ROOT_SIZE], computed[WIRE_ROOT_SIZE];
	struct wire_erased of_kept, of_computed;
	struct store_txn *txn;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(root_book_root(it, txn, &options, kept, &of_kept), DOM_OK);
	assert_int_equal(root_compute(txn, &options, computed, &of_computed), DOM_OK);
	store_read_end(&txn);
	assert_memory_equal(&of_kept, &of_computed, sizeof(of_kept));
	assert_memory_equal(kept, computed, sizeof(kept));
}

static void
a_book_has_the_root_that_is_computed(void **state)
{
	(void)state;
	seed = 1;
	for (unsigned step = 0; step < STEPS; step++) {
		live_on();
		if (draw(12) == 0)
			read_on(book);
		if (draw(30) == 0)
			assert_root(book);
		if (draw(60) == 0)
			assert_root(lazy);
	}
	assert_root(book);
	assert_root(lazy);
	assert_true(collections == COLLECTIONS_MAX && revision_count > STEPS / 2);
	/* Both: pages that end a pass, and pages with writes between them. */
	assert_true(ended_passes > 10 && pages > ended_passes + 10);
}

static void
nothing_new_costs_no_digest_and_changes_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 30; i++)
		live_on();
	assert_root(book);
	assert_root(book);
	house.now_ms += 1;
	live_on();
	assert_root(book);
}

static void
what_was_erased_is_seen_and_the_book_begins_anew(void **state)
{
	(void)state;
	add_collection();
	seed = 5;
	for (unsigned i = 0; i < 60; i++)
		live_on();
	assert_int_equal(consent(&house.ana, "contacts", "type 1"), SERVICE_DONE);
	assert_root(book);
	/* Pages of a pass that was begun before. */
	for (unsigned i = 0; i < 20; i++)
		write_item();
	read_on(book);
	/* A collection with all that it holds, and between two steps of it. */
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	assert_root(book);
	finish_all();
	assert_root(book);
	assert_root(lazy);
	/* Old revisions with their chunks. */
	collections = 0;
	assert_int_equal(create(&house.ana, 20, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 21, "type one"), SERVICE_DONE);
	assert_root(book);
	for (unsigned i = 1; i < 4; i++) {
		struct wire_item one = item(1, 'q', i == 1 ? NULL : uid('q', i - 1));

		one.content.uid = dom_slice_of(uid('q', i));
		assert_int_equal(
		    put(&house.ana, SERVICE_ITEM_BATCH, 20, &one, 1), SERVICE_DONE);
	}
	assert_root(book);
	assert_int_equal(
	    begin_erasing(WIRE_SCOPE_ITEM, ana_number, "", uid('c', 20), uid('i', 1)), DOM_OK);
	finish_all();
	assert_root(book);
	assert_root(lazy);
}

struct loss {
	int64_t item;
};

static enum dom_status
run_lose(struct store_txn *txn, void *context)
{
	const struct loss *loss = context;
	struct store_erased sum = {0};

	return store_erase_history(txn, loss->item, UINT64_MAX, 100, &sum) < 0 ? DOM_ESTORE : DOM_OK;
}

static struct store_collection
find_collection(struct store_txn *txn, unsigned number)
{
	struct store_collection collection;

	assert_int_equal(store_collection_find(
	                     txn, dom_slice_of(uid('c', number)), house.arena, &collection),
	    DOM_OK);
	return collection;
}

static enum dom_status
run_lose_chunks(struct store_txn *txn, void *context)
{
	int64_t collection = find_collection(txn, 1).number;
	struct store_chunk_due *due;
	struct store_erased sum = {0};
	size_t count, done;
	uint64_t clock;

	(void)context;
	assert_int_equal(
	    store_chunks_due(txn, collection, INT64_MAX, 10, house.arena, &due, &count, &clock),
	    DOM_OK);
	assert_true(count != 0);
	return store_erase_chunks(txn, collection, due, count, clock, &done, &sum);
}

static enum dom_status
run_lose_collection(struct store_txn *txn, void *context)
{
	struct store_collection collection = find_collection(txn, 2);
	struct store_erased sum = {0};

	(void)context;
	assert_int_equal(store_member_remove(txn, collection.number, collection.owner), DOM_OK);
	assert_int_equal(store_collection_abandon(txn, collection.number, 0), DOM_OK);
	assert_int_equal(
	    store_erase_collection(txn, collection.number, 1000, &sum), DOM_ABSENT);
	return DOM_OK;
}

/* As retention does it, of which no erasure tells. */
static void
what_went_by_a_rule_is_seen_too(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 3; i++) {
		struct wire_item one = item(1, 'a', NULL);

		assert_int_equal(create(&house.ana, i, "type one"), SERVICE_DONE);
		assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, i, &one, 1), SERVICE_DONE);
	}
	collections = 1;
	add_chunk();
	assert_root(book);
	assert_int_equal(store_write(house.store, run_lose_chunks, NULL), DOM_OK);
	assert_root(book);
	assert_int_equal(store_write(house.store, run_lose_collection, NULL), DOM_OK);
	assert_root(book);
}

/* What a book cannot see is told: its contract. */
static void
a_book_that_forgets_knows_what_went_unseen(void **state)
{
	struct store_txn *txn;
	struct dom_slice etag;
	struct loss loss;
	uint64_t before;

	(void)state;
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	for (unsigned i = 1; i < 4; i++) {
		struct wire_item one = item(1, 'q', i == 1 ? NULL : uid('q', i - 1));

		one.content.uid = dom_slice_of(uid('q', i));
		assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	}
	assert_root(book);
	before = root_book_records(book);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_item_etag(txn, find_collection(txn, 1).number,
	                     dom_slice_of(uid('i', 1)), house.arena, &loss.item, &etag),
	    DOM_OK);
	store_read_end(&txn);
	assert_int_equal(store_write(house.store, run_lose, &loss), DOM_OK);
	root_book_forget(book);
	assert_int_equal(root_book_records(book), 0);
	assert_root(book);
	assert_int_equal(root_book_records(book), before - 2);
}

static void
an_account_that_is_too_large_is_walked(void **state)
{
	struct root_book *small = root_book_new(ana_number, 20);
	struct store_txn *txn;
	bool ended;

	(void)state;
	assert_non_null(small);
	for (unsigned i = 0; i < 5; i++)
		live_on();
	assert_root(small);
	assert_true(root_book_records(small) != 0);
	for (unsigned i = 0; i < 40; i++)
		live_on();
	assert_root(small);
	assert_int_equal(root_book_records(small), 0);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(root_book_follow(small, txn, &ended), DOM_ELIMIT);
	store_read_end(&txn);
	assert_root(small);
	root_book_free(&small);
}

static bool
is_stopped(void *context)
{
	unsigned *asked = context;

	return ++*asked > 2;
}

static void
a_walk_that_is_stopped_goes_on_later(void **state)
{
	unsigned asked = 0;
	struct root_options options = {.scope = WIRE_SCOPE_ACCOUNT,
	    .account = ana_number,
	    .stopped = is_stopped,
	    .context = &asked};
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum;
	struct store_txn *txn;
	enum dom_status st;

	(void)state;
	seed = 9;
	add_collection();
	for (unsigned i = 0; i < 100; i++)
		write_item();
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = root_book_root(book, txn, &options, root, &sum);
	store_read_end(&txn);
	assert_int_equal(st, DOM_ESTOPPED);
	assert_root(book);
}

static void
no_account_no_root(void **state)
{
	struct root_book *none_such = root_book_new(999, 0);
	struct root_options options = {.scope = WIRE_SCOPE_ACCOUNT, .account = 999};
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum;
	struct store_txn *txn;

	(void)state;
	assert_non_null(none_such);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(root_book_root(none_such, txn, &options, root, &sum), DOM_ABSENT);
	store_read_end(&txn);
	root_book_free(&none_such);
}

int
main(void)
{
#define BOOK(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    BOOK(a_book_has_the_root_that_is_computed),
	    BOOK(nothing_new_costs_no_digest_and_changes_nothing),
	    BOOK(what_was_erased_is_seen_and_the_book_begins_anew),
	    BOOK(what_went_by_a_rule_is_seen_too),
	    BOOK(a_book_that_forgets_knows_what_went_unseen),
	    BOOK(an_account_that_is_too_large_is_walked),
	    BOOK(a_walk_that_is_stopped_goes_on_later),
	    BOOK(no_account_no_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
