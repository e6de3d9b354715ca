/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Blobs are written past the page cache where that is possible.  The linker
 * puts the functions below in front of open, write and fsync, so that they can
 * answer as file systems do that refuse it, early or late, and as failing ones.
 */
/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/blobs.h"

enum { BLOB_SIZE_MAX = (1 << 20) + 5000 };

static struct {
	bool refuses_to_open;  /* O_DIRECT, after the file was made */
	bool refuses_to_write; /* with O_DIRECT */
	size_t write_max;      /* 0: as much as is asked */
	int sync_errno, write_errno;
	unsigned direct_writes;
} disk;

static const uint8_t owner[BLOB_OWNER_SIZE] = {5};
static uint8_t bytes[BLOB_SIZE_MAX], found[BLOB_SIZE_MAX];
static char path[64];
static int folder;
static struct blobs *blobs;

int __real_openat64(int at, const char *name, int flags, mode_t mode);
ssize_t __real_write(int fd, const void *data, size_t size);
int __real_fsync(int fd);
int __wrap_openat64(int at, const char *name, int flags, mode_t mode);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __wrap_fsync(int fd);

int
__wrap_openat64(int at, const char *name, int flags, mode_t mode)
{
	int fd = __real_openat64(at, name, flags, mode);

	if (!disk.refuses_to_open || (flags & O_DIRECT) == 0 || fd < 0)
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

ssize_t
__wrap_write(int fd, const void *data, size_t size)
{
	bool is_direct = (fcntl(fd, F_GETFL) & O_DIRECT) != 0;

	if (disk.write_errno != 0 || (is_direct && disk.refuses_to_write)) {
		errno = disk.write_errno != 0 ? disk.write_errno : EINVAL;
		return -1;
	}
	disk.direct_writes += is_direct;
	if (disk.write_max != 0 && size > disk.write_max)
		size = disk.write_max;
	return __real_write(fd, data, size);
}

int
__wrap_fsync(int fd)
{
	if (disk.sync_errno == 0)
		return __real_fsync(fd);
	errno = disk.sync_errno;
	return -1;
}

static int
set_up(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	/* Not where memory is the disk: not every such file system knows O_DIRECT. */
	snprintf(path, sizeof(path), "/var/tmp/domicile-blobs-XXXXXX");
	assert_non_null(mkdtemp(path));
	assert_true((folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	assert_int_equal(blobs_open(folder, &blobs), DOM_OK);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256 * 13 + i / 65536);
	return 0;
}

static unsigned
count_names(const char *under, unsigned depth)
{
	DIR *list = opendir(under);
	struct dirent *entry;
	unsigned count = 0;
	char below[300];

	if (list == NULL)
		return 0;
	while ((entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%.200s/%.60s", under, entry->d_name);
		count += depth == 0 ? 1 : count_names(below, depth - 1);
	}
	closedir(list);
	return count;
}

/* Of chunks/<owner>/<digits>/<name>. */
static unsigned
count_at(unsigned depth)
{
	char chunks[80];

	snprintf(chunks, sizeof(chunks), "%s/chunks", path);
	return count_names(chunks, depth);
}

static int
tear_down(void **state)
{
	char command[100];

	(void)state;
	memset(&disk, 0, sizeof(disk));
	blobs_close(&blobs);
	close(folder);
	snprintf(command, sizeof(command), "rm -rf %s", path);
	return system(command);
}

static enum dom_status
put(size_t size, size_t piece, struct blob_name *name_r)
{
	struct blob_writer *writer;
	enum dom_status st = blobs_begin(blobs, owner, &writer);

	for (size_t at = 0; at < size && st == DOM_OK; at += piece)
		st = blobs_add(
		    writer, dom_slice(bytes + at, size - at < piece ? size - at : piece));
	if (st == DOM_OK)
		st = blobs_finish(&writer, name_r);
	blobs_abandon(&writer);
	return st;
}

static void
put_and_get(size_t size, size_t piece)
{
	struct blob_name name;

	assert_int_equal(put(size, piece, &name), DOM_OK);
	memset(found, 0, sizeof(found));
	assert_int_equal(blobs_read_into(blobs, &name, found, size), DOM_OK);
	assert_memory_equal(found, bytes, size);
}

static void
blobs_of_every_size_and_piece_come_back(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 262143, 262144, 262145, 266241,
	    524288, 1 << 20, BLOB_SIZE_MAX};
	static const size_t pieces[] = {1000, 65536, BLOB_SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++)
			put_and_get(sizes[i], pieces[j]);
}

static void
whole_blocks_go_past_the_cache_where_that_is_possible(void **state)
{
	char probe[100];
	int fd;

	(void)state;
	snprintf(probe, sizeof(probe), "%s/probe", path);
	fd = open(probe, O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	put_and_get(BLOB_SIZE_MAX, 65536);
	/* Four times 256 KiB, and what is left of whole blocks. */
	assert_int_equal(disk.direct_writes, fd >= 0 ? 5 : 0);
	if (fd >= 0)
		close(fd);
}

static void
a_file_system_that_refuses_to_open_so_gets_the_bytes_too(void **state)
{
	(void)state;
	disk.refuses_to_open = true;
	put_and_get(BLOB_SIZE_MAX, 65536);
	assert_int_equal(disk.direct_writes, 0);
	assert_int_equal(count_at(2), 1);
}

static void
a_file_system_that_refuses_to_write_so_gets_the_bytes_too(void **state)
{
	(void)state;
	disk.refuses_to_write = true;
	put_and_get(BLOB_SIZE_MAX, 65536);
	assert_int_equal(count_at(2), 1);
}

static void
a_disk_that_takes_less_than_is_asked_gets_the_rest(void **state)
{
	(void)state;
	disk.write_max = 40960;
	put_and_get(BLOB_SIZE_MAX, 65536);
	disk.write_max = 4000; /* no whole block: from then on through the cache */
	put_and_get(BLOB_SIZE_MAX, 65536);
}

static void
an_abandoned_blob_leaves_nothing(void **state)
{
	struct blob_writer *writer;

	(void)state;
	assert_int_equal(blobs_begin(blobs, owner, &writer), DOM_OK);
	assert_int_equal(blobs_add(writer, dom_slice(bytes, sizeof(bytes))), DOM_OK);
	assert_int_equal(count_at(2), 1);
	blobs_abandon(&writer);
	assert_null(writer);
	assert_int_equal(count_at(2), 0);
}

static void
a_full_disk_leaves_nothing_and_is_no_failure(void **state)
{
	struct blob_name name;

	(void)state;
	disk.write_errno = ENOSPC;
	assert_int_equal(put(BLOB_SIZE_MAX, 65536, &name), DOM_EFULL);
	assert_false(blobs_failed(blobs));
	assert_int_equal(count_at(2), 0);
	disk.write_errno = 0;
	put_and_get(BLOB_SIZE_MAX, 65536);
}

static void
a_failed_sync_is_remembered_and_leaves_nothing(void **state)
{
	struct blob_name name;

	(void)state;
	put_and_get(1, 1); /* its folder is there */
	disk.sync_errno = EIO;
	assert_int_equal(put(BLOB_SIZE_MAX, 65536, &name), DOM_ESTORE);
	assert_true(blobs_failed(blobs));
	assert_int_equal(count_at(2), 1);
}

static void
blobs_that_follow_each_other_share_a_folder(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++)
		put_and_get(100, 100);
	assert_int_equal(count_at(2), 40);
	assert_in_range(count_at(1), 1, 2);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest cases[] = {
	    CASE(blobs_of_every_size_and_piece_come_back),
	    CASE(whole_blocks_go_past_the_cache_where_that_is_possible),
	    CASE(a_file_system_that_refuses_to_open_so_gets_the_bytes_too),
	    CASE(a_file_system_that_refuses_to_write_so_gets_the_bytes_too),
	    CASE(a_disk_that_takes_less_than_is_asked_gets_the_rest),
	    CASE(an_abandoned_blob_leaves_nothing),
	    CASE(a_full_disk_leaves_nothing_and_is_no_failure),
	    CASE(a_failed_sync_is_remembered_and_leaves_nothing),
	    CASE(blobs_that_follow_each_other_share_a_folder),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
