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

enum { SEEDS = 20 };

static struct journal_file *
open_journal(uint64_t known)
{
	const struct journal_options options = {
	    .path = SIM_DISK_ROOT "in/journal", .region = {7}, .known = known};
	struct journal_file *file;
	char message[256];

	if (journal_file_open(&options, &file, message, sizeof(message)) != DOM_OK)
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
		/* Nothing more, since nobody knows what is there. */
		assert_int_equal(append(file, 3), DOM_EFILE);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_failed_sync_left_in_memory_is_not_counted_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
