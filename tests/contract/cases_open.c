/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Opening: what is kept, what is refused, and what the operator is told. */
#include <sys/stat.h>
#include <unistd.h>

#include "../region_key.h"
#include "contract.h"

static enum dom_status
try_open(
    struct world *world, const char *folder, const char *region, char *message, size_t size)
{
	struct store_options options = {
	    .folder = folder, .region = region, .key = test_region_key(), .manual = true};
	struct store *other;
	enum dom_status st = store_open(&options, &other, message, size);

	(void)world;
	if (st != DOM_OK)
		assert_null(other);
	store_close(&other);
	return st;
}

static void
a_store_keeps_everything_over_a_restart(void **state)
{
	struct world *world = *state;
	struct store_account found;

	for (uint8_t round = 1; round <= 5; round++) {
		char name[8];

		snprintf(name, sizeof(name), "p%u", round);
		add_account(write_begin(world), name, round);
		write_commit(world);
		world_reopen(world);
		assert_status(store_account_by_name(
		                  read_begin(world), dom_slice_of("p1"), world->arena, &found),
		    DOM_OK);
	}
}

static void
a_store_of_another_region_is_refused(void **state)
{
	struct world *world = *state;
	char message[200];

	world_close(world);
	assert_status(
	    try_open(world, world->folder, "sg", message, sizeof(message)), DOM_EDENIED);
	assert_non_null(strstr(message, "another region than 'sg'"));
	world_open(world);
}

static void
a_second_server_is_refused(void **state)
{
	struct world *world = *state;
	char message[200], process[16];

	assert_status(
	    try_open(world, world->folder, "in", message, sizeof(message)), DOM_EDENIED);
	snprintf(process, sizeof(process), "%ld", (long)getpid());
	assert_non_null(strstr(message, "in use by another server"));
	assert_non_null(strstr(message, process));
	add_account(write_begin(world), "ana", 1); /* the first is not disturbed */
	write_commit(world);
}

static void
a_folder_that_cannot_be_made_is_told(void **state)
{
	struct world *world = *state;
	char message[200], folder[120];

	snprintf(folder, sizeof(folder), "%s/a/b", world->folder);
	assert_status(try_open(world, folder, "in", message, sizeof(message)), DOM_EFILE);
	assert_non_null(strstr(message, folder));
	assert_non_null(strstr(message, "No such file"));
}

static void
a_message_is_cut_to_the_room_for_it(void **state)
{
	struct world *world = *state;
	char message[12];

	assert_status(
	    try_open(world, "/nowhere/at/all", "in", message, sizeof(message)), DOM_EFILE);
	assert_int_equal(strlen(message), sizeof(message) - 1);
}

static void
the_folder_and_its_files_are_for_their_owner_only(void **state)
{
	static const char *const names[] = {"", "/lock", "/store.sqlite3", "/store.sqlite3-wal",
	    "/chunks", "/store.sqlite3-shm"};
	struct world *world = *state;
	size_t count = sizeof(names) / sizeof(names[0]);
	char path[120], folder[120];
	char message[200];
	struct stat info;

	add_account(write_begin(world), "ana", 1);
	write_commit(world);
	if (world->row->root != NULL)
		count--; /* the log's index is a file on real disks only */
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s%s", world->folder, names[i]);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 077, 0);
	}
	/* One that others could read is closed to them. */
	snprintf(folder, sizeof(folder), "%s/inner", world->folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_status(try_open(world, folder, "in", message, sizeof(message)), DOM_OK);
	assert_int_equal(stat(folder, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
}

const struct CMUnitTest open_cases[] = {
    CONTRACT_CASE(a_store_keeps_everything_over_a_restart),
    CONTRACT_CASE(a_store_of_another_region_is_refused),
    CONTRACT_CASE(a_second_server_is_refused),
    CONTRACT_CASE(a_folder_that_cannot_be_made_is_told),
    CONTRACT_CASE(a_message_is_cut_to_the_room_for_it),
    CONTRACT_CASE(the_folder_and_its_files_are_for_their_owner_only),
};
const size_t open_case_count = sizeof(open_cases) / sizeof(open_cases[0]);
