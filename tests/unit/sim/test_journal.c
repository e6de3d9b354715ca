/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The journal of erasures on a disk that fails. */
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

#include "daemon/journal.h"
#include "sim/disk.h"

enum { SEEDS = 20, MARKS = 6, FAILURES_MAX = 5 };

static enum dom_status
try_open(uint64_t known, struct journal_file **file_r, char *message_r, size_t message_size)
{
	const struct journal_options options = {
	    .path = SIM_DISK_ROOT "in/journal", .region = {7}, .known = known};

	return journal_file_open(&options, file_r, message_r, message_size);
}

static struct journal_file *
open_journal(uint64_t known)
{
	struct journal_file *file;
	char message[256];

	if (try_open(known, &file, message, sizeof(message)) != DOM_OK)
		fail_msg("%s", message);
	return file;
}

static enum dom_status
append(struct journal_file *file, uint8_t mark)
{
	const struct journal journal = journal_file_functions(file);
	const struct journal_entry entry = {.kind = JOURNAL_ACCOUNT, .request = {mark}};

	return journal.append(journal.context, &entry, 1);
}

/* The store is told how many there are, so none may be gone after that. */
static void
what_a_failed_sync_left_in_memory_is_not_counted_on(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_disk *disk = sim_disk_new("in", seed);
		struct journal_file *file = open_journal(0);
		struct sim_random random;
		struct journal journal;
		uint64_t known;

		sim_random_seed(&random, seed);
		assert_int_equal(append(file, 1), DOM_OK);
		sim_disk_fail(disk, SIM_FAULT_SYNC, 1, false);
		assert_int_equal(append(file, 2), DOM_EFILE);
		journal_file_close(&file);
		sim_disk_heal(disk);
		file = open_journal(1);
		journal = journal_file_functions(file);
		known = journal.count(journal.context);
		assert_in_range(known, 1, 2);
		journal_file_close(&file);
		sim_disk_crash(disk, SIM_CRASH_LOSE, &random);
		file = open_journal(known);
		assert_int_equal(append(file, 4), DOM_OK);
		journal_file_close(&file);
		sim_disk_free(&disk);
	}
}

/* Entries number 1 to count, each with its number as its mark; more may follow. */
static void
expect_marks(struct journal_file *file, uint64_t count)
{
	const struct journal journal = journal_file_functions(file);

	assert_in_range(journal.count(journal.context), count, count + 1);
	for (uint64_t number = 1; number <= count; number++) {
		struct journal_entry entry;

		assert_int_equal(journal.read(journal.context, number, &entry), DOM_OK);
		assert_int_equal(entry.request[0], number);
	}
}

/*
 * Appends until it is told that MARKS are on the disk, as the keeper does, or it has failed so
 * often; times it failed.
 */
static unsigned
append_marks(
    struct journal_file *file, struct sim_disk *disk, unsigned failures_max, uint64_t *told)
{
	unsigned failures = 0;

	while (*told < MARKS && failures < failures_max && !sim_disk_is_stopped(disk)) {
		if (append(file, (uint8_t)(*told + 1)) == DOM_OK)
			(*told)++;
		else if (++failures == FAILURES_MAX)
			sim_disk_heal(disk);
	}
	return failures;
}

/*
 * A sync fails; then another fault strikes at each operation of the attempts that follow.  The
 * same process goes on, or is ended after so many failures, so that the next one does; or the
 * machine stops.
 */
static void
run_twice_faulty(enum sim_fault then, unsigned nth_then, unsigned failures_max,
    enum sim_crash how, bool *struck_r)
{
	struct sim_disk *disk = sim_disk_new("in", 7 * nth_then + (unsigned)how);
	struct journal_file *file = open_journal(0);
	struct sim_random random;
	uint64_t told = 0;

	sim_random_seed(&random, nth_then);
	assert_int_equal(append(file, 1), DOM_OK);
	assert_int_equal(append(file, 2), DOM_OK);
	told = 2;
	sim_disk_fail(disk, SIM_FAULT_SYNC, 1, false);
	assert_int_equal(append(file, 3), DOM_EFILE);
	sim_disk_fail(disk, then, nth_then, false);
	(void)append_marks(file, disk, failures_max, &told);
	*struck_r = sim_disk_struck(disk) != 0;
	sim_disk_heal(disk);
	if (!sim_disk_is_stopped(disk) && told < MARKS) {
		journal_file_close(&file);
		file = open_journal(told);
		told = journal_file_functions(file).count(file);
		(void)append_marks(file, disk, failures_max, &told);
	}
	if (!sim_disk_is_stopped(disk)) {
		assert_int_equal(told, MARKS);
		expect_marks(file, told);
	}
	journal_file_close(&file);
	sim_disk_crash(disk, how, &random);
	file = open_journal(told);
	expect_marks(file, told);
	journal_file_close(&file);
	assert_int_equal(sim_disk_open_count(disk), 0);
	sim_disk_free(&disk);
}

static void
it_goes_on_in_a_new_file_and_whichever_a_power_cut_leaves_is_whole(void **state)
{
	static const enum sim_fault faults[] = {SIM_FAULT_SYNC, SIM_FAULT_EIO, SIM_FAULT_ENOSPC,
	    SIM_FAULT_STOP, SIM_FAULT_STOPPED_AFTER, SIM_FAULT_STOP_AT_SYNC};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (int how = 0; how < SIM_CRASH_COUNT; how++) {
			bool struck = true;

			for (unsigned nth = 1; struck; nth++) {
				run_twice_faulty(faults[i], nth, FAILURES_MAX + 1,
				    (enum sim_crash)how, &struck);
				run_twice_faulty(
				    faults[i], nth, 1, (enum sim_crash)how, &struck);
			}
		}
	}
}

/* Not one acknowledgement, however often it is asked, and all of it as soon as it can be. */
static void
while_syncs_fail_nothing_is_acknowledged(void **state)
{
	(void)state;
	for (int how = 0; how < SIM_CRASH_COUNT; how++) {
		struct sim_disk *disk = sim_disk_new("in", 3);
		struct journal_file *file = open_journal(0), *second;
		struct sim_random random;
		uint64_t told = 0;
		char message[256];

		sim_random_seed(&random, 5);
		sim_disk_fail(disk, SIM_FAULT_SYNC, 4, true);
		assert_int_equal(
		    append_marks(file, disk, FAILURES_MAX + 1, &told), FAILURES_MAX);
		assert_int_equal(told, MARKS);
		assert_int_equal(
		    try_open(told, &second, message, sizeof(message)), DOM_EDENIED);
		journal_file_close(&file);
		sim_disk_crash(disk, (enum sim_crash)how, &random);
		file = open_journal(told);
		expect_marks(file, told);
		journal_file_close(&file);
		sim_disk_free(&disk);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_failed_sync_left_in_memory_is_not_counted_on),
	    cmocka_unit_test(
	        it_goes_on_in_a_new_file_and_whichever_a_power_cut_leaves_is_whole),
	    cmocka_unit_test(while_syncs_fail_nothing_is_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
