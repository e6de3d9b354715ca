/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A store after a sync that failed: what is acknowledged later must not rest on it. */
/* cmocka.h wants these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto/keys.h"

#include "../../region_key.h"
#include "sim/disk.h"
#include "sim/vfs.h"
#include "store/store.h"

enum { SEEDS = 12 };

static struct store *
open_store(void)
{
	struct store *store;
	char message[256];

	if (store_open(&(struct store_options){.folder = SIM_DISK_ROOT "in/data",
	                   .region = "in",
	                   .manual = true,
	                   .key = test_region_key()},
	        &store, message, sizeof(message)) != DOM_OK)
		fail_msg("%s", message);
	return store;
}

static enum dom_status
run_count(struct store_txn *txn, void *context)
{
	return store_region_journal_set(txn, *(const uint64_t *)context);
}

static enum dom_status
write_count(struct store *store, uint64_t count)
{
	return store_write(store, run_count, &count);
}

static uint64_t
read_count(struct store *store)
{
	struct store_reader *reader;
	struct store_txn *txn;
	uint64_t count = 0;

	assert_int_equal(store_reader_open(store, &reader), DOM_OK);
	assert_int_equal(store_read_begin(reader, &txn), DOM_OK);
	assert_int_equal(store_region_journal(txn, &count), DOM_OK);
	store_read_end(&txn);
	store_reader_close(&reader);
	return count;
}

static void
a_write_after_a_failed_sync_and_a_restart_survives_a_power_cut(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_disk *disk = sim_disk_new("in", seed);
		struct store *store = open_store();
		struct sim_random random;

		sim_random_seed(&random, seed);
		assert_int_equal(write_count(store, 1), DOM_OK);
		sim_disk_fail(disk, SIM_FAULT_SYNC, 1, false);
		assert_int_equal(write_count(store, 2), DOM_EUNCERTAIN);
		assert_true(store_failed(store));
		/* The process ends, the machine goes on. */
		sim_disk_fail(disk, SIM_FAULT_EIO, 1, true);
		store_close(&store);
		sim_disk_heal(disk);
		store = open_store();
		assert_in_range(read_count(store), 1, 2);
		assert_int_equal(write_count(store, 3), DOM_OK);
		sim_disk_stop(disk);
		store_close(&store);
		sim_disk_crash(disk, SIM_CRASH_LOSE, &random);
		store = open_store();
		assert_int_equal(read_count(store), 3);
		store_close(&store);
		sim_disk_free(&disk);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_write_after_a_failed_sync_and_a_restart_survives_a_power_cut),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	sim_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
