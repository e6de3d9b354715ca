/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A full disk and one that fails.  Failures come from a copy of SQLite's file
 * system interface, made the default before the store opens, and from a small
 * file system of our own, if we may mount one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "contract.h"
#include "store/erase.h"

/* Without a thread the checkpoint is over when a write is. */
static const struct contract_row row = {"disk", true, 0};
static const uint8_t owner_id[STORE_ID_SIZE] = {5};

/* --- a file system that fails when told to ------------------------------------ */

enum { METHOD_SETS = 4 }; /* SQLite has few kinds of files */

static sqlite3_vfs *real_vfs, fault_vfs;
static struct {
	const sqlite3_io_methods *real;
	sqlite3_io_methods ours;
} method_sets[METHOD_SETS];
static sqlite3_file *database_file;                         /* the writer's, not its log */
static int sync_answer, database_sync_answer, write_answer; /* SQLITE_OK: as usual */

static const sqlite3_io_methods *
real_methods(sqlite3_file *file)
{
	for (unsigned i = 0; i < METHOD_SETS; i++) {
		if (file->pMethods == &method_sets[i].ours)
			return method_sets[i].real;
	}
	abort(); /* not opened by fault_open() */
}

static int
fault_sync(sqlite3_file *file, int flags)
{
	if (sync_answer != SQLITE_OK)
		return sync_answer;
	if (file == database_file && database_sync_answer != SQLITE_OK)
		return database_sync_answer;
	return real_methods(file)->xSync(file, flags);
}

static int
fault_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
	return write_answer != SQLITE_OK ? write_answer
	                                 : real_methods(file)->xWrite(file, data, size, offset);
}

static int
fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_r)
{
	int code = real_vfs->xOpen(real_vfs, name, file, flags, flags_r);

	(void)vfs;
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && (flags & SQLITE_OPEN_READWRITE) != 0)
		database_file = file;
	for (unsigned i = 0; code == SQLITE_OK && i < METHOD_SETS; i++) {
		if (method_sets[i].real == NULL) {
			method_sets[i].real = file->pMethods;
			method_sets[i].ours = *file->pMethods;
			method_sets[i].ours.xSync = fault_sync;
			method_sets[i].ours.xWrite = fault_write;
		}
		if (method_sets[i].real == file->pMethods) {
			file->pMethods = &method_sets[i].ours;
			return code;
		}
	}
	return code;
}

static void
fault_install(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	fault_vfs = *real_vfs;
	fault_vfs.zName = "fault";
	fault_vfs.xOpen = fault_open;
	sqlite3_vfs_register(&fault_vfs, 1);
}

static enum dom_status
add_named(struct world *world, const char *name, uint8_t tag)
{
	add_account(write_begin(world), name, tag);
	return write_end(world, DOM_OK);
}

static uint64_t
account_count(struct world *world)
{
	struct store_counts counts;

	assert_status(store_count(read_begin(world), &counts), DOM_OK);
	read_end(world);
	return counts.accounts;
}

static void
a_failed_sync_is_never_acknowledged_and_ends_writing(void **state)
{
	struct world *world = *state;
	struct store_staged *staged;
	struct store_job job;

	assert_status(add_named(world, "ana", 1), DOM_OK);
	assert_null(store_failure(world->store));
	sync_answer = SQLITE_IOERR_FSYNC;
	assert_status(add_named(world, "bo", 2), DOM_EUNCERTAIN);
	sync_answer = SQLITE_OK;
	assert_true(store_failed(world->store));
	assert_non_null(strstr(store_failure(world->store), "could not be written safely"));
	/* The disk seems well again, but nobody knows what it lost. */
	assert_status(store_submit(world->store, &job), DOM_ESTORE);
	assert_status(
	    store_chunk_stage(world->store, owner_id, dom_slice_of("x"), &staged), DOM_ESTORE);
	assert_int_equal(account_count(world), 1);
	world_reopen(world);
	assert_false(store_failed(world->store));
	assert_in_range(account_count(world), 1, 2); /* bo: perhaps */
	assert_status(add_named(world, "cem", 3), DOM_OK);
}

/* An item of about 50 kB; the first makes its collection. */
static enum dom_status
add_large_item(struct world *world, unsigned number)
{
	static const uint8_t bytes[50000] = {1};
	struct store_txn *txn = write_begin(world);
	struct store_item item = {0};
	char uid[16];

	if (number == 0)
		add_collection(txn, "c1", add_account(txn, "ana", 1));
	snprintf(uid, sizeof(uid), "i%u", number);
	item.uid = dom_slice_of(uid);
	item.current = (struct store_revision){.uid = dom_slice_of("e"),
	    .meta = dom_slice(bytes, sizeof(bytes)),
	    .clock = number + 1};
	return write_end(world, store_item_put(txn, 1, &item));
}

static uint64_t
item_count(struct world *world)
{
	struct store_counts counts;

	assert_status(store_count(read_begin(world), &counts), DOM_OK);
	read_end(world);
	return counts.items;
}

static void
a_failed_sync_of_a_checkpoint_ends_writing_and_loses_nothing(void **state)
{
	struct world *world = *state;
	unsigned added = 0;
	struct stat info;
	char log[120];

	database_sync_answer = SQLITE_IOERR_FSYNC;
	while (!store_failed(world->store)) {
		assert_status(add_large_item(world, added), DOM_OK);
		assert_true(++added < 300);
	}
	assert_true(added > 50);
	assert_int_equal(item_count(world), added);
	/* Closing must not try again: that sync would seem to succeed. */
	database_sync_answer = SQLITE_OK;
	world_close(world);
	snprintf(log, sizeof(log), "%s/store.sqlite3-wal", world->folder);
	assert_int_equal(stat(log, &info), 0);
	assert_true(info.st_size > 50 * 50000);
	world_open(world);
	assert_int_equal(item_count(world), added);
	assert_status(add_large_item(world, added), DOM_OK);
}

static void
a_group_that_meets_a_full_disk_fails_and_the_next_succeeds(void **state)
{
	struct world *world = *state;

	assert_status(add_named(world, "ana", 1), DOM_OK);
	write_answer = SQLITE_FULL;
	assert_status(add_named(world, "bo", 2), DOM_EFULL);
	assert_status(add_named(world, "bo", 2), DOM_EFULL);
	assert_false(store_failed(world->store));
	assert_int_equal(account_count(world), 1);
	write_answer = SQLITE_OK;
	assert_status(add_named(world, "bo", 2), DOM_OK);
	world_reopen(world);
	assert_int_equal(account_count(world), 2);
}

static void
erasing_meets_a_full_disk_and_goes_on_where_it_was(void **state)
{
	struct world *world = *state;
	struct store_erased sum = {0}, lost;
	struct store_txn *txn;
	enum dom_status st = DOM_OK;
	unsigned added = 0;

	while (added < 60) {
		assert_status(add_large_item(world, added), DOM_OK);
		added++;
	}
	txn = write_begin(world);
	assert_status(store_collection_abandon(txn, 1, 0), DOM_OK);
	write_commit(world);
	write_answer = SQLITE_FULL;
	lost = sum;
	assert_status(store_erase_collection(write_begin(world), 1, 500, &lost), DOM_OK);
	assert_status(write_end(world, DOM_OK), DOM_EFULL);
	assert_int_equal(item_count(world), added);
	write_answer = SQLITE_OK;
	while (st == DOM_OK) {
		st = store_erase_collection(write_begin(world), 1, 500, &sum);
		write_commit(world);
	}
	assert_status(st, DOM_ABSENT);
	assert_int_equal(sum.items, added);
	write_answer = SQLITE_FULL; /* the database has its pages, but the disk has moods */
	assert_status(store_settle(world->store), DOM_EFULL);
	write_answer = SQLITE_OK;
	assert_status(store_settle(world->store), DOM_OK);
}

/* Nobody may sign that it is gone. */
static void
a_disk_that_cannot_sync_does_not_settle(void **state)
{
	struct world *world = *state;

	assert_status(add_named(world, "ana", 1), DOM_OK);
	database_sync_answer = SQLITE_IOERR_FSYNC;
	assert_status(store_settle(world->store), DOM_ESTORE);
	database_sync_answer = SQLITE_OK;
	assert_true(store_failed(world->store));
	assert_status(store_settle(world->store), DOM_ESTORE);
	world_reopen(world);
	assert_status(store_settle(world->store), DOM_OK);
}

struct look_job {
	struct store_job job;
	struct world *world;
	bool adds;
	enum dom_status outcome;
};

/* Adds the account, or refuses because it is there. */
static enum dom_status
look_run(struct store_txn *txn, struct store_job *job)
{
	struct look_job *look = (struct look_job *)job;
	struct store_account found;

	if (look->adds) {
		add_account(txn, "bo", 2);
		return DOM_OK;
	}
	return store_account_by_name(txn, dom_slice_of("bo"), look->world->arena, &found) ==
	               DOM_OK
	           ? DOM_EDENIED
	           : DOM_OK;
}

static void
look_done(struct store_job *job, enum dom_status status)
{
	((struct look_job *)job)->outcome = status;
}

static void
a_refusal_that_rests_on_a_lost_commit_is_not_told(void **state)
{
	struct world *world = *state;
	struct look_job jobs[2];

	assert_status(add_named(world, "ana", 1), DOM_OK);
	for (unsigned i = 0; i < 2; i++) {
		jobs[i] = (struct look_job){.job = {.run = look_run, .done = look_done},
		    .world = world,
		    .adds = i == 0};
		assert_status(store_submit(world->store, &jobs[i].job), DOM_OK);
	}
	write_answer = SQLITE_FULL;
	assert_int_equal(store_pump(world->store), 2);
	write_answer = SQLITE_OK;
	assert_status(jobs[0].outcome, DOM_EFULL);
	assert_status(jobs[1].outcome, DOM_EFULL);
	assert_int_equal(account_count(world), 1);
}

static void
a_disk_that_cannot_write_ends_writing(void **state)
{
	struct world *world = *state;

	write_answer = SQLITE_IOERR_WRITE;
	errno = 0;
	assert_status(add_named(world, "ana", 1), DOM_EUNCERTAIN);
	write_answer = SQLITE_OK;
	assert_true(store_failed(world->store));
	world_reopen(world);
	assert_int_equal(account_count(world), 0);
}

/* --- a small file system ------------------------------------------------------- */

/* 4 MiB mounted on the world's folder, seen by this process only. */
static bool
small_disk_mount(const char *folder)
{
	char map[40];
	unsigned user = getuid();
	int fd;

	if (unshare(CLONE_NEWNS) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return false;
		snprintf(map, sizeof(map), "0 %u 1", user);
		fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, map, strlen(map)) < 0)
			return false;
		close(fd);
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("small", folder, "tmpfs", 0, "size=4m,mode=0700") == 0;
}

static void
ballast_write(const char *path, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(posix_fallocate(fd, 0, (off_t)size), 0);
	close(fd);
}

static void
reads_go_on_while_the_disk_is_full_and_freed_space_resumes_writing(void **state)
{
	static const uint8_t bytes[STORE_CHUNK_ROW_SIZE_MAX + 1] = {1};
	struct world *world = *state;
	struct store_staged *staged;
	struct dom_slice file = dom_slice(bytes, sizeof(bytes));
	char ballast[80];
	unsigned added = 0, files;
	enum dom_status st;

	world_close(world);
	if (!small_disk_mount(world->folder)) {
		world_open(world);
		skip();
	}
	snprintf(ballast, sizeof(ballast), "%s/ballast", world->folder);
	world_open(world);
	ballast_write(ballast, 2 << 20);
	while ((st = add_large_item(world, added)) == DOM_OK)
		assert_true(++added < 100);
	assert_status(st, DOM_EFULL);
	assert_true(added > 5);
	files = count_files(world);
	while ((st = store_chunk_stage(world->store, owner_id, file, &staged)) == DOM_OK) {
		store_staged_free(&staged);
		snprintf(ballast, sizeof(ballast), "%s/more%u", world->folder, files++);
		ballast_write(ballast, 4096);
	}
	assert_status(st, DOM_EFULL);
	assert_int_equal(count_files(world), 0);
	assert_false(store_failed(world->store));
	assert_int_equal(item_count(world), added);
	assert_status(add_large_item(world, added), DOM_EFULL);
	snprintf(ballast, sizeof(ballast), "%s/ballast", world->folder);
	assert_int_equal(unlink(ballast), 0);
	assert_status(add_large_item(world, added), DOM_OK);
	assert_status(store_chunk_stage(world->store, owner_id, file, &staged), DOM_OK);
	store_staged_free(&staged);
	world_reopen(world);
	assert_int_equal(item_count(world), added + 1);
	world_close(world);
	assert_int_equal(umount2(world->folder, MNT_DETACH), 0);
}

int
main(void)
{
	static const struct CMUnitTest cases[] = {
	    CONTRACT_CASE(a_failed_sync_is_never_acknowledged_and_ends_writing),
	    CONTRACT_CASE(a_failed_sync_of_a_checkpoint_ends_writing_and_loses_nothing),
	    CONTRACT_CASE(erasing_meets_a_full_disk_and_goes_on_where_it_was),
	    CONTRACT_CASE(a_disk_that_cannot_sync_does_not_settle),
	    CONTRACT_CASE(a_group_that_meets_a_full_disk_fails_and_the_next_succeeds),
	    CONTRACT_CASE(a_refusal_that_rests_on_a_lost_commit_is_not_told),
	    CONTRACT_CASE(a_disk_that_cannot_write_ends_writing),
	    CONTRACT_CASE(reads_go_on_while_the_disk_is_full_and_freed_space_resumes_writing),
	};

	fault_install();
	world_row = &row;
	return cmocka_run_group_tests(cases, NULL, NULL);
}
