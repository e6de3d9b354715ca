/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A store on a simulated disk that stops at every sync and write, in every way:
 * what was acknowledged is there, all of it, and nothing by halves.  On a disk
 * whose syncs do nothing the same test must find that.
 */
#include <stdlib.h>
#include <string.h>

#include "../region_key.h"
#include "contract.h"
#include "sim/alloc.h"
#include "sim/disk.h"
#include "sim/vfs.h"
#include "store/care.h"

enum {
	BATCHES = 8,
	BATCH_ITEMS = 3,
	FILE_SIZE = STORE_CHUNK_ROW_SIZE_MAX + 1,
	LIES_FOUND_MIN = 10,
	ALLOCATIONS_MAX = 5000,
};

static struct sim_disk *image, *disk;
static struct sim_random chance;
static uint8_t file_bytes[FILE_SIZE];
static const uint8_t owner_id[STORE_ID_SIZE] = {5};

static enum dom_status
open_store(struct store **store_r)
{
	char message[200] = "";
	enum dom_status st = store_open(&(struct store_options){.folder = "/sim/m/data",
	                                    .region = "in",
	                                    .key = test_region_key(),
	                                    .manual = true},
	    store_r, message, sizeof(message));

	if (st < 0 && !sim_disk_is_stopped(disk))
		print_message("%s\n", message);
	return st;
}

struct batch {
	unsigned number;
	struct store_staged *staged;
};

/* An item per row, and a chunk that is a file. */
static enum dom_status
batch_run(struct store_txn *txn, void *context)
{
	struct batch *batch = context;
	char uid[32];
	enum dom_status st = DOM_OK;

	for (unsigned i = 0; i < BATCH_ITEMS && st == DOM_OK; i++) {
		struct store_item item = {
		    .current = {.uid = dom_slice_of("e"), .meta = dom_slice(file_bytes, 1024)}};

		snprintf(uid, sizeof(uid), "b%u-%u", batch->number, i);
		item.uid = dom_slice_of(uid);
		if ((st = store_account_tick(txn, 1, &item.current.clock)) == DOM_OK)
			st = store_item_put(txn, 1, &item);
	}
	snprintf(uid, sizeof(uid), "k%u", batch->number);
	return st == DOM_OK ? store_chunk_put(txn, 1, dom_slice_of(uid), batch->staged) : st;
}

static enum dom_status
put_batch(struct store *store, unsigned number)
{
	struct batch batch = {.number = number};
	enum dom_status st;

	st = store_chunk_stage(
	    store, owner_id, dom_slice(file_bytes, sizeof(file_bytes)), &batch.staged);
	if (st == DOM_OK)
		st = store_write(store, batch_run, &batch);
	store_staged_free(&batch.staged);
	return st;
}

static enum dom_status
begin_run(struct store_txn *txn, void *context)
{
	struct store_account account = sample_account("ana", 5);
	int64_t number;

	(void)context;
	if (store_account_add(txn, &account, &number) != DOM_OK)
		return DOM_ESTORE;
	return store_collection_add(txn, dom_slice_of("c1"), number, &number);
}

static int
set_up(void **state)
{
	struct store *store;

	(void)state;
	sim_random_seed(&chance, 7);
	disk = sim_disk_new("m", 1);
	assert_status(open_store(&store), DOM_OK);
	assert_status(store_write(store, begin_run, NULL), DOM_OK);
	store_close(&store);
	image = sim_disk_new("image", 1);
	sim_disk_copy(disk, image);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_disk_free(&disk);
	sim_disk_free(&image);
	return 0;
}

/* What is there of a batch: its items, and 100 for its chunk. */
static unsigned
count_batch(struct store_txn *txn, struct dom_arena *arena, unsigned number)
{
	struct store_item item;
	struct dom_slice found;
	unsigned sum = 0;
	char uid[32];

	for (unsigned i = 0; i < BATCH_ITEMS; i++) {
		snprintf(uid, sizeof(uid), "b%u-%u", number, i);
		sum += store_item_find(txn, 1, dom_slice_of(uid), arena, &item) == DOM_OK;
	}
	snprintf(uid, sizeof(uid), "k%u", number);
	if (store_chunk_get(txn, 1, dom_slice_of(uid), arena, &found) == DOM_OK)
		sum += 100;
	return sum;
}

static void
found(void *context, const char *sentence)
{
	(void)sentence;
	(*(unsigned *)context)++;
}

/* Faults: of the structure, acknowledged batches that are gone, batches by halves. */
static unsigned
look(const bool *acknowledged)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct store_fsck_report report;
	struct store_reader *reader;
	struct store_txn *txn;
	struct store *store;
	unsigned faults = 0;
	char message[200];

	if (open_store(&store) != DOM_OK || store_reader_open(store, &reader) != DOM_OK) {
		store_close(&store);
		dom_arena_free(&arena);
		return 1;
	}
	if (store_read_begin(reader, &txn) == DOM_OK) {
		for (unsigned i = 0; i < BATCHES; i++) {
			unsigned is = count_batch(txn, arena, i);

			faults += is != BATCH_ITEMS + 100 && (is != 0 || acknowledged[i]);
		}
		store_read_end(&txn);
	} else {
		faults++;
	}
	if (store_fsck(&(struct store_care){.folder = "/sim/m/data"}, found, &faults, &report,
	        message, sizeof(message)) != DOM_OK)
		faults++;
	/* It can go on. */
	faults += put_batch(store, BATCHES + 1) != DOM_OK;
	store_reader_close(&reader);
	store_close(&store);
	dom_arena_free(&arena);
	return faults;
}

/* True: the machine was stopped on the way. */
static bool
run_once(enum sim_fault fault, uint64_t nth, enum sim_crash how, bool lies, unsigned *faults)
{
	bool acknowledged[BATCHES] = {false}, struck;
	struct store *store;

	sim_disk_free(&disk);
	disk = sim_disk_new("m", nth);
	sim_disk_copy(image, disk);
	sim_disk_lie(disk, lies);
	sim_disk_fail(disk, fault, nth, false);
	if (open_store(&store) == DOM_OK) {
		for (unsigned i = 0; i < BATCHES; i++)
			acknowledged[i] = put_batch(store, i) == DOM_OK;
	}
	store_close(&store);
	struck = sim_disk_is_stopped(disk);
	assert_int_equal(sim_disk_open_count(disk), 0);
	sim_disk_lie(disk, false);
	sim_disk_crash(disk, how, &chance);
	*faults += look(acknowledged);
	return struck;
}

static void
what_is_acknowledged_survives_a_stop_anywhere(void **state)
{
	unsigned faults = 0, runs = 0;

	(void)state;
	for (int fault = SIM_FAULT_STOP; fault <= SIM_FAULT_STOP_AT_SYNC; fault++) {
		for (int how = 0; how < SIM_CRASH_COUNT; how++) {
			uint64_t nth = 1;

			while (run_once(
			    (enum sim_fault)fault, nth, (enum sim_crash)how, false, &faults)) {
				if (faults != 0)
					fail_msg("%s %u, %s",
					    sim_fault_name((enum sim_fault)fault),
					    (unsigned)nth, sim_crash_name((enum sim_crash)how));
				nth += 1 + (fault != SIM_FAULT_STOP_AT_SYNC) * nth / 8;
				runs++;
			}
			assert_int_equal(faults, 0);
		}
	}
	print_message("%u stops\n", runs);
	assert_true(runs > 150);
}

static void
without_syncs_the_same_finds_what_is_lost(void **state)
{
	unsigned found_in = 0;

	(void)state;
	for (uint64_t nth = 1; nth < 200; nth += 2) {
		unsigned faults = 0;

		run_once(SIM_FAULT_STOP, nth, SIM_CRASH_ANY, true, &faults);
		found_in += faults != 0;
	}
	print_message("found in %u of 100\n", found_in);
	assert_true(found_in > LIES_FOUND_MIN);
}

/*
 * A disk that fails for a while: what is begun and not undone then is not taken for durable by
 * what comes after.
 */
static void
what_a_failing_disk_left_is_not_built_upon(void **state)
{
	bool acknowledged[BATCHES] = {false};
	uint64_t struck = 1;

	(void)state;
	for (uint64_t nth = 1; struck != 0; nth++) {
		struct store *store;

		assert_true(nth < ALLOCATIONS_MAX);
		sim_disk_free(&disk);
		disk = sim_disk_new("m", nth);
		sim_disk_copy(image, disk);
		assert_status(open_store(&store), DOM_OK);
		sim_disk_fail(disk, SIM_FAULT_EIO, nth, true);
		acknowledged[0] = put_batch(store, 0) == DOM_OK;
		struck = sim_disk_struck(disk);
		sim_disk_heal(disk);
		for (unsigned i = 1; i < 3; i++)
			acknowledged[i] = put_batch(store, i) == DOM_OK;
		sim_disk_stop(disk);
		store_close(&store);
		sim_disk_crash(disk, SIM_CRASH_LOSE, &chance);
		if (look(acknowledged) != 0)
			fail_msg("operation %u", (unsigned)nth);
	}
}

/* A job that could not even be rolled back is not the end of writing. */
static void
a_moment_without_memory_does_not_end_writing(void **state)
{
	struct store *store;
	unsigned number = 0;
	uint64_t struck = 1;

	(void)state;
	sim_disk_free(&disk);
	disk = sim_disk_new("m", 1);
	sim_disk_copy(image, disk);
	assert_status(open_store(&store), DOM_OK);
	for (uint64_t nth = 1; struck != 0; nth++) {
		enum dom_status st;

		assert_true(nth < ALLOCATIONS_MAX);
		sim_alloc_fail(nth, true);
		st = put_batch(store, number);
		struck = sim_alloc_heal();
		assert_true(struck != 0 || st == DOM_OK);
		number += st == DOM_OK;
		if (store_failed(store)) {
			/* Perhaps it was in the middle of the commit: that is for a start to
			 * say. */
			store_close(&store);
			assert_status(open_store(&store), DOM_OK);
			number++;
		}
		assert_status(put_batch(store, number++), DOM_OK);
	}
	store_close(&store);
}

int
main(void)
{
	static const struct CMUnitTest cases[] = {
	    cmocka_unit_test(what_is_acknowledged_survives_a_stop_anywhere),
	    cmocka_unit_test(what_a_failing_disk_left_is_not_built_upon),
	    cmocka_unit_test(a_moment_without_memory_does_not_end_writing),
	    cmocka_unit_test(without_syncs_the_same_finds_what_is_lost),
	};

	sim_alloc_install();
	sim_vfs_install();
	return cmocka_run_group_tests(cases, set_up, tear_down);
}
