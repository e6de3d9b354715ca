/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a simulated disk keeps, loses and refuses, through the system calls of a program. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "sim/disk.h"

enum { TRIES = 200 };

static struct sim_disk *disk;
static struct sim_random chance;

static int
set_up(void **state)
{
	(void)state;
	disk = sim_disk_new("m", 1);
	sim_random_seed(&chance, 2);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_disk_free(&disk);
	return 0;
}

static void
sync_path(const char *path)
{
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void
put(const char *path, const char *text, bool syncs)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	if (syncs)
		assert_int_equal(fsync(fd), 0);
	close(fd);
}

static bool
holds(const char *path, const char *text)
{
	char bytes[64];
	int fd = open(path, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, bytes, sizeof(bytes));
	close(fd);
	return got == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)got) == 0;
}

static void
what_was_synced_survives_and_a_name_has_a_sync_of_its_own(void **state)
{
	(void)state;
	put("/sim/m/a", "one", true);
	assert_true(holds("/sim/m/a", "one"));
	sim_disk_crash(disk, SIM_CRASH_LOSE, &chance);
	assert_int_equal(access("/sim/m/a", F_OK), -1);
	put("/sim/m/a", "one", true);
	sync_path("/sim/m");
	put("/sim/m/a", "two", false);
	assert_true(holds("/sim/m/a", "two"));
	sim_disk_crash(disk, SIM_CRASH_LOSE, &chance);
	assert_true(holds("/sim/m/a", "one"));
	put("/sim/m/a", "two", false);
	sim_disk_crash(disk, SIM_CRASH_KEEP, &chance);
	assert_true(holds("/sim/m/a", "two"));
	sim_disk_crash(disk, SIM_CRASH_LOSE, &chance);
	assert_true(holds("/sim/m/a", "one"));
}

/* The classic mistake: the new name is there, what it names is not. */
static void
a_rename_before_the_sync_of_the_file_is_found(void **state)
{
	unsigned torn = 0, old = 0, whole = 0;

	(void)state;
	put("/sim/m/a", "old", true);
	sync_path("/sim/m");
	for (unsigned i = 0; i < TRIES; i++) {
		put("/sim/m/new", "newer", false);
		assert_int_equal(rename("/sim/m/new", "/sim/m/a"), 0);
		assert_int_equal(access("/sim/m/new", F_OK), -1);
		sim_disk_crash(disk, SIM_CRASH_ANY, &chance);
		torn += holds("/sim/m/a", "");
		old += holds("/sim/m/a", "old");
		whole += holds("/sim/m/a", "newer");
		put("/sim/m/b", "old", true);
		assert_int_equal(rename("/sim/m/b", "/sim/m/a"), 0);
		unlink("/sim/m/new");
		sync_path("/sim/m");
	}
	assert_int_equal(torn + old + whole, TRIES);
	assert_true(torn > 10 && old > 10 && whole > 10);
}

static void
writes_are_torn_at_sectors_and_come_in_any_order(void **state)
{
	uint8_t bytes[4 * SIM_SECTOR_SIZE], found[sizeof(bytes)];
	unsigned later_alone = 0, torn = 0;

	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		bool first = true, all = true;
		int fd = open("/sim/m/a", O_RDWR | O_CREAT, 0600);

		memset(bytes, 0, sizeof(bytes));
		assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
		assert_int_equal(fsync(fd), 0);
		sync_path("/sim/m");
		memset(bytes, 1, sizeof(bytes));
		assert_int_equal(
		    pwrite(fd, bytes, 2 * SIM_SECTOR_SIZE, 0), 2 * SIM_SECTOR_SIZE);
		assert_int_equal(
		    pwrite(fd, bytes, SIM_SECTOR_SIZE, 3 * SIM_SECTOR_SIZE), SIM_SECTOR_SIZE);
		close(fd);
		sim_disk_crash(disk, SIM_CRASH_ANY, &chance);
		fd = open("/sim/m/a", O_RDONLY);
		assert_int_equal(read(fd, found, sizeof(found)), sizeof(found));
		close(fd);
		for (unsigned j = 0; j < sizeof(found); j++)
			assert_int_equal(
			    found[j], found[j - j % SIM_SECTOR_SIZE]); /* whole sectors */
		assert_int_equal(found[2 * SIM_SECTOR_SIZE], 0);
		first = found[0] != 0;
		all = first && found[SIM_SECTOR_SIZE] != 0;
		later_alone += !all && found[3 * SIM_SECTOR_SIZE] != 0;
		torn += first && !all;
	}
	assert_true(later_alone > 10 && torn > 10);
}

/* As Linux has it: the next sync succeeds and says nothing about what was lost. */
static void
a_failed_sync_loses_for_good(void **state)
{
	unsigned lost = 0;

	(void)state;
	for (unsigned i = 0; i < TRIES; i++) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/sim/m/f%u", i);
		put(path, "", true);
		sync_path("/sim/m");
		fd = open(path, O_WRONLY);
		assert_int_equal(write(fd, "text", 4), 4);
		sim_disk_fail(disk, SIM_FAULT_SYNC, 1, false);
		assert_int_equal(fsync(fd), -1);
		assert_int_equal(errno, EIO);
		assert_int_equal(sim_disk_struck(disk), 1);
		assert_int_equal(fsync(fd), 0);
		close(fd);
		assert_true(holds(path, "text"));
		sim_disk_crash(disk, SIM_CRASH_LOSE, &chance);
		lost += !holds(path, "text");
	}
	assert_true(lost > 10 && lost < TRIES - 10);
}

static void
a_fault_strikes_the_nth_operation_of_its_kind(void **state)
{
	int fd = open("/sim/m/a", O_RDWR | O_CREAT, 0600);
	char byte;

	(void)state;
	sim_disk_fail(disk, SIM_FAULT_ENOSPC, 2, false);
	assert_int_equal(write(fd, "abcd", 4), 4);
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(write(fd, "abcd", 4), 2); /* as far as there is room */
	assert_int_equal(write(fd, "cd", 2), 2);
	sim_disk_fail(disk, SIM_FAULT_ENOSPC, 1, true);
	assert_int_equal(write(fd, "e", 1), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(mkdir("/sim/m/d", 0700), -1);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	sim_disk_heal(disk);
	assert_int_equal(write(fd, "e", 1), 1);
	sim_disk_fail(disk, SIM_FAULT_EIO, 1, false);
	assert_int_equal(pread(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EIO);
	close(fd);
	assert_int_equal(sim_disk_open_count(disk), 0);
}

static void
a_stopped_machine_does_nothing_until_it_starts_again(void **state)
{
	int fd = open("/sim/m/a", O_RDWR | O_CREAT, 0600);

	(void)state;
	sync_path("/sim/m");
	assert_int_equal(write(fd, "one", 3), 3);
	sim_disk_fail(disk, SIM_FAULT_STOPPED_AFTER, 1, false);
	assert_int_equal(fsync(fd), -1);
	assert_true(sim_disk_is_stopped(disk));
	assert_int_equal(write(fd, "two", 3), -1);
	assert_int_equal(unlink("/sim/m/a"), -1);
	close(fd);
	sim_disk_crash(disk, SIM_CRASH_LOSE, &chance);
	assert_true(holds("/sim/m/a", "one"));
	fd = open("/sim/m/a", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "two", 3), 3);
	sim_disk_fail(disk, SIM_FAULT_STOP_AT_SYNC, 1, false);
	assert_int_equal(fsync(fd), -1);
	close(fd);
	sim_disk_crash(disk, SIM_CRASH_LOSE, &chance);
	assert_true(holds("/sim/m/a", "one"));
}

static void
a_copy_is_one_disk_more_and_shares_nothing_that_is_written(void **state)
{
	struct sim_disk *other = sim_disk_new("other", 3);

	(void)state;
	assert_int_equal(mkdir("/sim/m/d", 0700), 0);
	put("/sim/m/d/a", "one", false);
	sim_disk_copy(disk, other);
	put("/sim/m/d/a", "two", false);
	assert_true(holds("/sim/other/d/a", "one"));
	put("/sim/other/d/a", "six", true);
	assert_true(holds("/sim/m/d/a", "two"));
	sim_disk_crash(other, SIM_CRASH_LOSE, &chance);
	assert_true(holds("/sim/other/d/a", "six"));
	sim_disk_free(&other);
}

int
main(void)
{
	static const struct CMUnitTest cases[] = {
	    cmocka_unit_test_setup_teardown(
	        what_was_synced_survives_and_a_name_has_a_sync_of_its_own, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_rename_before_the_sync_of_the_file_is_found, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        writes_are_torn_at_sectors_and_come_in_any_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_failed_sync_loses_for_good, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_fault_strikes_the_nth_operation_of_its_kind, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_stopped_machine_does_nothing_until_it_starts_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_copy_is_one_disk_more_and_shares_nothing_that_is_written, set_up, tear_down),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
