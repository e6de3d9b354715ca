/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A child writes batches and tells of each one when it is acknowledged; it is
 * killed at a random moment, many times.  Every acknowledged batch must be
 * there, no batch may be there in part, and no file may be left over.
 *
 * Another erases an account and is killed as often: whoever goes on finds a
 * store without a fault, and ends with a disk on which nothing is left.
 */
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../region_key.h"
#include "contract.h"
#include "store/care.h"
#include "store/erase.h"

enum {
	KILL_COUNT = 50,
	KILL_AFTER_US_MAX = 40000,
	BATCH_ITEMS = 10,
	IN_FLIGHT = 4,
	FILE_SIZE = STORE_CHUNK_ROW_SIZE_MAX + 1,
	ERASED_ITEMS = 300,
	ERASED_FILES = 40,
	ERASE_STEP = 5, /* rows */
	ERASE_AFTER_US_MAX = 12000,
	ERASE_KILLS_MIN = 8,
	ERASE_ROUNDS_MAX = 400,
};

static const struct contract_row row = {"crash", false, 0};
static const uint8_t owner_id[STORE_ID_SIZE] = {5};
static uint8_t file_bytes[FILE_SIZE];

struct batch {
	struct store_job job;
	unsigned number;
	struct store_staged *staged;
	int64_t account, collection;
	int acknowledge; /* pipe */
	sem_t *slots;
};

static enum dom_status
batch_run(struct store_txn *txn, struct store_job *job)
{
	struct batch *batch = (struct batch *)job;
	char uid[32];
	enum dom_status st;

	for (unsigned i = 0; i < BATCH_ITEMS; i++) {
		struct store_item item = {.uid = dom_slice_of(uid)};

		snprintf(uid, sizeof(uid), "b%u-%u", batch->number, i);
		item.uid = dom_slice_of(uid);
		item.current.uid = dom_slice_of("e");
		item.current.meta = dom_slice(file_bytes, 1024);
		if ((st = store_account_tick(txn, batch->account, &item.current.clock)) !=
		    DOM_OK)
			return DOM_ESTORE;
		if ((st = store_item_put(txn, batch->collection, &item)) != DOM_OK)
			return DOM_ESTORE;
	}
	snprintf(uid, sizeof(uid), "k%u", batch->number);
	if (batch->staged != NULL &&
	    store_chunk_put(txn, batch->collection, dom_slice_of(uid), batch->staged) != DOM_OK)
		return DOM_ESTORE;
	/* One that is undone must leave nothing either. */
	return batch->number % 7 == 3 ? DOM_EDENIED : DOM_OK;
}

static void
batch_done(struct store_job *job, enum dom_status status)
{
	struct batch *batch = (struct batch *)job;

	if (status == DOM_OK && write(batch->acknowledge, &batch->number,
	                            sizeof(batch->number)) != sizeof(batch->number))
		_exit(3);
	if (status != DOM_OK && status != DOM_EDENIED)
		_exit(4);
	store_staged_free(&batch->staged);
	sem_post(batch->slots);
	free(batch);
}

/* Never returns. */
static void
child_main(
    const char *folder, unsigned first, int acknowledge, int64_t account, int64_t collection)
{
	struct store_options options = {
	    .folder = folder, .region = "in", .key = test_region_key()};
	struct store *store;
	char message[200];
	sem_t slots;

	if (store_open(&options, &store, message, sizeof(message)) != DOM_OK)
		_exit(5);
	sem_init(&slots, 0, IN_FLIGHT);
	for (unsigned number = first;; number++) {
		struct batch *batch = calloc(1, sizeof(*batch));

		if (batch == NULL)
			_exit(6);
		*batch = (struct batch){.job = {.run = batch_run, .done = batch_done},
		    .number = number,
		    .account = account,
		    .collection = collection,
		    .acknowledge = acknowledge,
		    .slots = &slots};
		if (number % 3 == 0 &&
		    store_chunk_stage(store, owner_id, dom_slice(file_bytes, FILE_SIZE),
		        &batch->staged) != DOM_OK)
			_exit(7);
		sem_wait(&slots);
		if (store_submit(store, &batch->job) != DOM_OK)
			_exit(8);
	}
}

/* How many of the batch's items are there; its chunk must be with them. */
static unsigned
batch_items(struct world *world, struct store_txn *txn, int64_t collection, unsigned number)
{
	struct dom_slice etag, data;
	unsigned found = 0;
	int64_t item;
	char uid[32];

	for (unsigned i = 0; i < BATCH_ITEMS; i++) {
		snprintf(uid, sizeof(uid), "b%u-%u", number, i);
		found += store_item_etag(txn, collection, dom_slice_of(uid), world->arena,
		             &item, &etag) == DOM_OK;
	}
	snprintf(uid, sizeof(uid), "k%u", number);
	assert_status(store_chunk_get(txn, collection, dom_slice_of(uid), world->arena, &data),
	    found != 0 && number % 3 == 0 ? DOM_OK : DOM_ABSENT);
	dom_arena_reset(world->arena);
	return found;
}

struct tally {
	unsigned first; /* of the next child */
	unsigned acknowledged, unacknowledged;
};

static void
check_after_crash(
    struct world *world, int64_t collection, int acknowledged, struct tally *tally)
{
	unsigned next = tally->first, last = tally->first, found;
	struct store_counts counts;
	struct store_txn *txn;
	unsigned number;

	world_open(world);
	txn = read_begin(world);
	while (read(acknowledged, &number, sizeof(number)) == sizeof(number)) {
		/* Jobs are done in order, and those between were undone. */
		for (; next < number; next++)
			assert_int_equal(next % 7, 3);
		assert_int_equal(batch_items(world, txn, collection, number), BATCH_ITEMS);
		next = number + 1;
		last = next;
		tally->acknowledged++;
	}
	/* What was in flight: each whole or not at all. */
	for (number = next; number <= next + IN_FLIGHT + 1; number++) {
		found = batch_items(world, txn, collection, number);
		assert_true(found == 0 || found == BATCH_ITEMS);
		if (found != 0) {
			assert_int_not_equal(number % 7, 3);
			tally->unacknowledged++;
			last = number + 1;
		}
	}
	tally->first = last;
	assert_status(store_count(txn, &counts), DOM_OK);
	assert_int_equal(
	    counts.items, BATCH_ITEMS * (tally->acknowledged + tally->unacknowledged));
	assert_int_equal(counts.chunks, count_files(world));
	world_close(world);
}

static void
nothing_acknowledged_is_lost_and_nothing_is_half_written(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t account = add_account(txn, "ana", 1);
	int64_t collection = add_collection(txn, "c1", account);
	struct tally tally = {.first = 1};

	write_commit(world);
	world_close(world);
	/* A slow machine gets more and longer rounds, so that there is something to lose. */
	for (unsigned round = 0; round < KILL_COUNT ||
	                         (tally.acknowledged <= KILL_COUNT && round < 10 * KILL_COUNT);
	     round++) {
		useconds_t wait_us = (useconds_t)(random() % KILL_AFTER_US_MAX) +
		                     (round > KILL_COUNT ? (round - KILL_COUNT) * 1000 : 0);
		int ends[2], outcome;
		pid_t child;

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		if ((child = fork()) == 0)
			child_main(world->folder, tally.first, ends[1], account, collection);
		assert_true(child > 0);
		close(ends[1]);
		usleep(wait_us);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &outcome, 0), child);
		assert_true(WIFSIGNALED(outcome)); /* it did not give up by itself */
		check_after_crash(world, collection, ends[0], &tally);
		close(ends[0]);
	}
	print_message("%u batches acknowledged, %u more committed\n", tally.acknowledged,
	    tally.unacknowledged);
	assert_true(tally.acknowledged > KILL_COUNT);
	world_open(world);
}

/* --- erasing -------------------------------------------------------------------- */

/* An account with a collection that waits to be erased, as one job. */
static enum dom_status
furnish_run(struct store_txn *txn, void *context)
{
	struct store_staged **staged = context;
	int64_t ana = add_account(txn, "ana", 5), one = add_collection(txn, "c1", ana);
	char uid[16], revision[16];

	for (unsigned i = 0; i < ERASED_ITEMS; i++) {
		struct dom_slice etag;
		struct dom_arena *arena = dom_arena_new(0);
		int64_t item;

		snprintf(uid, sizeof(uid), "i%u", i);
		assert_status(put_item(txn, one, uid, "r1", 2 * i + 1), DOM_OK);
		assert_status(
		    store_item_etag(txn, one, dom_slice_of(uid), arena, &item, &etag), DOM_OK);
		snprintf(revision, sizeof(revision), "r%u", i + 2);
		assert_status(put_revision(txn, one, item, revision, 2 * i + 2), DOM_OK);
		dom_arena_free(&arena);
	}
	for (unsigned i = 0; i < ERASED_FILES; i++) {
		snprintf(uid, sizeof(uid), "k%u", i);
		assert_status(store_chunk_put(txn, one, dom_slice_of(uid), staged[i]), DOM_OK);
	}
	for (uint64_t clock = 0; clock < 2 * ERASED_ITEMS;)
		assert_status(store_account_tick(txn, ana, &clock), DOM_OK);
	assert_status(store_collection_abandon(txn, one, 0), DOM_OK);
	return store_account_begin_erase(txn, ana);
}

static enum dom_status
erase_collection_run(struct store_txn *txn, void *context)
{
	return store_erase_collection(txn, 1, ERASE_STEP, context);
}

static enum dom_status
erase_account_run(struct store_txn *txn, void *context)
{
	return store_erase_account(txn, 1, ERASE_STEP, context);
}

/* Never returns; 0: it came to the end. */
static void
eraser_main(const char *folder)
{
	struct store_options options = {
	    .folder = folder, .region = "in", .key = test_region_key()};
	struct store_erased sum = {0};
	struct store *store;
	enum dom_status st;
	char message[200];

	if (store_open(&options, &store, message, sizeof(message)) != DOM_OK)
		_exit(5);
	while ((st = store_write(store, erase_collection_run, &sum)) == DOM_OK)
		;
	if (st != DOM_ABSENT)
		_exit(6);
	while ((st = store_write(store, erase_account_run, &sum)) == DOM_OK)
		;
	if (st != DOM_ABSENT)
		_exit(7);
	_exit(store_settle(store) == DOM_OK ? 0 : 8);
}

static void
tell_fault(void *context, const char *sentence)
{
	(void)context;
	print_error("%s\n", sentence);
}

static void
expect_no_fault(struct world *world)
{
	struct store_care care = {.folder = world->folder, .offline = true};
	struct store_fsck_report report;
	char message[200];

	assert_status(
	    store_fsck(&care, tell_fault, NULL, &report, message, sizeof(message)), DOM_OK);
	assert_int_equal(report.faults, 0);
}

static void
an_erasure_that_is_cut_short_goes_on_where_it_was(void **state)
{
	struct world *world = *state;
	struct store_staged *staged[ERASED_FILES];
	unsigned kills = 0, rounds = 0;
	struct store_counts counts;
	int outcome = -1;

	for (unsigned i = 0; i < ERASED_FILES; i++)
		assert_status(store_chunk_stage(world->store, owner_id,
		                  dom_slice(file_bytes, FILE_SIZE), &staged[i]),
		    DOM_OK);
	assert_status(store_write(world->store, furnish_run, staged), DOM_OK);
	for (unsigned i = 0; i < ERASED_FILES; i++)
		store_staged_free(&staged[i]);
	assert_int_equal(count_files(world), ERASED_FILES);
	world_close(world);
	while (outcome != 0 && rounds++ < ERASE_ROUNDS_MAX) {
		pid_t child = fork();

		if (child == 0)
			eraser_main(world->folder);
		assert_true(child > 0);
		/* On a slow machine the wait grows until it gets on. */
		if (kills < ERASE_KILLS_MIN || rounds < ERASE_ROUNDS_MAX / 2) {
			usleep((useconds_t)(random() % ERASE_AFTER_US_MAX) + 10 * kills);
			kill(child, SIGKILL);
		}
		assert_int_equal(waitpid(child, &outcome, 0), child);
		if (WIFSIGNALED(outcome))
			kills++;
		else if (WEXITSTATUS(outcome) != 0)
			fail_msg("the eraser gave up: %d", WEXITSTATUS(outcome));
		expect_no_fault(world);
	}
	print_message("killed %u times\n", kills);
	assert_int_equal(outcome, 0);
	assert_true(kills >= ERASE_KILLS_MIN);
	world_open(world);
	assert_status(store_count(read_begin(world), &counts), DOM_OK);
	read_end(world);
	assert_int_equal(counts.accounts + counts.collections, 0);
	assert_int_equal(counts.items + counts.revisions + counts.chunks, 0);
	assert_int_equal(count_files(world), 0);
}

int
main(void)
{
	static const struct CMUnitTest cases[] = {
	    CONTRACT_CASE(an_erasure_that_is_cut_short_goes_on_where_it_was),
	    CONTRACT_CASE(nothing_acknowledged_is_lost_and_nothing_is_half_written)};

	srandom((unsigned)time(NULL));
	(void)test_region_key(); /* so that no child takes its time to */
	world_row = &row;
	return cmocka_run_group_tests(cases, NULL, NULL);
}
