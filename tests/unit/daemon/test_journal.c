/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The file of the erasures' journal: what was appended stays, what is damaged is found. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keys.h"

#include "daemon/journal.h"
#include "testing.h"

enum { MANY = 100 };

struct place {
	char folder[64], path[96], message[512];
	struct journal_options options;
	struct journal_file *file;
	struct journal journal;
};

static int
set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->folder, sizeof(place->folder), "/tmp/journal-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->path, sizeof(place->path), "%s/erasures.journal", place->folder);
	place->options.path = place->path;
	memset(place->options.region, 7, sizeof(place->options.region));
	*state = place;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *place = *state;

	journal_file_close(&place->file);
	unlink(place->path);
	rmdir(place->folder);
	free(place);
	return 0;
}

static enum dom_status
try_open(struct place *place)
{
	enum dom_status st;

	journal_file_close(&place->file);
	st = journal_file_open(
	    &place->options, &place->file, place->message, sizeof(place->message));
	if (st == DOM_OK)
		place->journal = journal_file_functions(place->file);
	return st;
}

static void
open_it(struct place *place)
{
	enum dom_status st = try_open(place);

	if (st != DOM_OK)
		fail_msg("%s", place->message);
}

static struct journal_entry
entry_of(unsigned seed)
{
	struct journal_entry entry = {.kind = (enum journal_kind)(1 + seed % 5),
	    .clock = seed,
	    .accepted_ms = 1700000000000 + seed};

	memset(entry.request, (int)(seed + 1), sizeof(entry.request));
	memset(entry.account, (int)(seed + 2), sizeof(entry.account));
	memset(entry.subject, (int)(seed + 3), sizeof(entry.subject));
	memset(entry.item, (int)(seed + 4), sizeof(entry.item));
	return entry;
}

static void
append(struct place *place, unsigned seed, size_t count)
{
	struct journal_entry entries[JOURNAL_APPEND_MAX];

	for (unsigned i = 0; i < count; i++)
		entries[i] = entry_of(seed + i);
	assert_int_equal(place->journal.append(place->journal.context, entries, count), DOM_OK);
}

/* What a service's erasure appends: its collections, then the service. */
static void
append_service(struct place *place, size_t count)
{
	struct journal_entry entries[JOURNAL_APPEND_MAX];

	for (unsigned i = 0; i < count; i++) {
		entries[i] = entry_of(i);
		entries[i].kind = i + 1 < count ? JOURNAL_COLLECTION : JOURNAL_SERVICE;
		memset(entries[i].request, 9, sizeof(entries[i].request));
	}
	assert_int_equal(place->journal.append(place->journal.context, entries, count), DOM_OK);
}

static void
expect_entries(struct place *place, uint64_t count)
{
	assert_int_equal(place->journal.count(place->journal.context), count);
	for (uint64_t number = 1; number <= count; number++) {
		struct journal_entry expected = entry_of((unsigned)number - 1), entry;

		assert_int_equal(
		    place->journal.read(place->journal.context, number, &entry), DOM_OK);
		assert_int_equal(entry.number, number);
		assert_int_equal(entry.kind, expected.kind);
		assert_int_equal(entry.clock, expected.clock);
		assert_int_equal(entry.accepted_ms, expected.accepted_ms);
		assert_memory_equal(entry.request, expected.request, JOURNAL_HASH_SIZE);
		assert_memory_equal(entry.account, expected.account, JOURNAL_HASH_SIZE);
		assert_memory_equal(entry.subject, expected.subject, JOURNAL_HASH_SIZE);
		assert_memory_equal(entry.item, expected.item, JOURNAL_HASH_SIZE);
	}
}

/* MANY entries in a closed file. */
static void
fill(struct place *place)
{
	open_it(place);
	for (unsigned i = 0; i < MANY; i += 10)
		append(place, i, 10);
	journal_file_close(&place->file);
}

static void
flip(const struct place *place, off_t at)
{
	int fd = open(place->path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static off_t
size_of(const struct place *place)
{
	struct stat info;

	assert_int_equal(stat(place->path, &info), 0);
	return info.st_size;
}

static void
what_was_appended_is_there_after_it_is_opened_again(void **state)
{
	struct place *place = *state;

	open_it(place);
	expect_entries(place, 0);
	append(place, 0, 1);
	append(place, 1, JOURNAL_APPEND_MAX);
	expect_entries(place, 1 + JOURNAL_APPEND_MAX);
	place->options.known = 1 + JOURNAL_APPEND_MAX;
	open_it(place);
	assert_string_equal(place->message, "");
	expect_entries(place, 1 + JOURNAL_APPEND_MAX);
	append(place, 1 + JOURNAL_APPEND_MAX, 2);
	open_it(place);
	expect_entries(place, 3 + JOURNAL_APPEND_MAX);
}

static void
it_is_its_owners_alone(void **state)
{
	struct place *place = *state;
	struct stat info;

	open_it(place);
	assert_int_equal(stat(place->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

/* Whatever a power cut leaves of the last append, the entries before it are kept. */
static void
an_append_that_was_torn_anywhere_is_cut(void **state)
{
	struct place *place = *state;
	off_t whole;

	open_it(place);
	append(place, 0, 3);
	whole = size_of(place);
	append(place, 3, 2);
	for (off_t size = size_of(place) - 1; size > whole; size -= 13) {
		bool has_one = size >= whole + JOURNAL_RECORD_SIZE;

		journal_file_close(&place->file);
		assert_int_equal(truncate(place->path, size), 0);
		open_it(place);
		expect_entries(place, has_one ? 4 : 3);
		if (size != whole + JOURNAL_RECORD_SIZE)
			assert_non_null(strstr(place->message, "cut short"));
		append(place, has_one ? 4 : 3, has_one ? 1 : 2);
		expect_entries(place, 5);
	}
}

/* Its first page did not reach the disk, its second did. */
static void
a_torn_append_whose_end_is_whole_is_cut_too(void **state)
{
	struct place *place = *state;

	open_it(place);
	append(place, 0, 3);
	append_service(place, JOURNAL_APPEND_MAX);
	journal_file_close(&place->file);
	flip(place, 4 * JOURNAL_RECORD_SIZE + 40);
	open_it(place);
	expect_entries(place, 3);
	assert_int_equal(size_of(place), 4 * JOURNAL_RECORD_SIZE);
}

static void
damage_before_the_last_append_is_refused_and_changes_nothing(void **state)
{
	struct place *place = *state;

	fill(place);
	for (off_t at = 0; at < (MANY - JOURNAL_APPEND_MAX) * JOURNAL_RECORD_SIZE; at += 101) {
		off_t size = size_of(place);

		flip(place, at);
		assert_int_equal(try_open(place), DOM_EINTEGRITY);
		assert_non_null(strstr(place->message, "restore the newest copy"));
		assert_int_equal(size_of(place), size);
		flip(place, at);
	}
	open_it(place);
	expect_entries(place, MANY);
}

/* Older stores know less of it, so only the file itself can say what was synced. */
static void
damage_is_no_torn_append_if_another_request_came_after_it(void **state)
{
	static const enum journal_kind kinds[] = {
	    JOURNAL_WITHDRAWAL, JOURNAL_HISTORY, JOURNAL_ACCOUNT};
	struct place *place = *state;
	off_t size;

	open_it(place);
	append_service(place, 2);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct journal_entry alone = entry_of((unsigned)i);

		alone.kind = kinds[i];
		assert_int_equal(
		    place->journal.append(place->journal.context, &alone, 1), DOM_OK);
		journal_file_close(&place->file);
		size = size_of(place);
		for (off_t at = JOURNAL_RECORD_SIZE; at < size - JOURNAL_RECORD_SIZE; at += 7) {
			flip(place, at);
			assert_int_equal(try_open(place), DOM_EINTEGRITY);
			assert_non_null(strstr(place->message, "restore the newest copy"));
			assert_int_equal(size_of(place), size);
			flip(place, at);
		}
		open_it(place);
	}
}

static void
entries_that_were_exchanged_are_found(void **state)
{
	struct place *place = *state;
	uint8_t records[2][JOURNAL_RECORD_SIZE];
	int fd;

	fill(place);
	fd = open(place->path, O_RDWR | O_CLOEXEC);
	assert_int_equal(
	    pread(fd, records, sizeof(records), 5 * JOURNAL_RECORD_SIZE), sizeof(records));
	assert_int_equal(pwrite(fd, records[1], JOURNAL_RECORD_SIZE, 5 * JOURNAL_RECORD_SIZE),
	    JOURNAL_RECORD_SIZE);
	assert_int_equal(pwrite(fd, records[0], JOURNAL_RECORD_SIZE, 6 * JOURNAL_RECORD_SIZE),
	    JOURNAL_RECORD_SIZE);
	close(fd);
	assert_int_equal(try_open(place), DOM_EINTEGRITY);
}

/* Whole and of that number, but what came before it there was something else. */
static void
an_entry_of_an_older_copy_is_found(void **state)
{
	struct place *place = *state;
	uint8_t record[JOURNAL_RECORD_SIZE];
	int fd;

	fill(place);
	fd = open(place->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(
	    pread(fd, record, sizeof(record), 6 * JOURNAL_RECORD_SIZE), sizeof(record));
	close(fd);
	unlink(place->path);
	open_it(place);
	append(place, 50, 1);
	for (unsigned i = 1; i < MANY; i += 9)
		append(place, i, 9);
	fd = open(place->path, O_RDWR | O_CLOEXEC);
	assert_int_equal(
	    pwrite(fd, record, sizeof(record), 6 * JOURNAL_RECORD_SIZE), sizeof(record));
	close(fd);
	assert_int_equal(try_open(place), DOM_EINTEGRITY);
}

static void
one_that_is_shorter_than_the_store_knows_is_refused(void **state)
{
	struct place *place = *state;

	fill(place);
	place->options.known = MANY;
	open_it(place);
	journal_file_close(&place->file);
	assert_int_equal(truncate(place->path, MANY * JOURNAL_RECORD_SIZE), 0);
	assert_int_equal(try_open(place), DOM_EINTEGRITY);
	assert_non_null(strstr(place->message, "ends after 99 entries"));
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(try_open(place), DOM_EFILE);
	assert_non_null(strstr(place->message, "is missing"));
	assert_int_equal(access(place->path, F_OK), -1);
}

/* After one was lost: a backup that knew the lost one must not take these for known. */
static void
one_that_is_made_after_a_loss_counts_on_from_its_base(void **state)
{
	struct place *place = *state;
	const uint64_t base = UINT64_C(1) << 47;
	struct journal_entry entry, expected = entry_of(1);

	place->options.base = place->options.known = base;
	open_it(place);
	assert_int_equal(place->journal.base, base);
	assert_int_equal(place->journal.count(place->journal.context), base);
	append(place, 0, 2);
	place->options.base = 0;
	place->options.known = base + 2;
	open_it(place);
	assert_int_equal(place->journal.base, base);
	assert_int_equal(place->journal.count(place->journal.context), base + 2);
	assert_int_equal(place->journal.read(place->journal.context, base + 2, &entry), DOM_OK);
	assert_int_equal(entry.number, base + 2);
	assert_memory_equal(entry.request, expected.request, JOURNAL_HASH_SIZE);
	place->options.known = 17;
	open_it(place);
	place->options.known = base + 3;
	assert_int_equal(try_open(place), DOM_EINTEGRITY);
}

static void
one_of_another_region_is_refused(void **state)
{
	struct place *place = *state;

	fill(place);
	place->options.region[31] ^= 1;
	assert_int_equal(try_open(place), DOM_EDENIED);
	assert_non_null(strstr(place->message, "another region"));
}

static void
two_programs_cannot_append_at_once(void **state)
{
	struct place *place = *state;
	struct journal_file *second = NULL;

	open_it(place);
	assert_int_equal(
	    journal_file_open(&place->options, &second, place->message, sizeof(place->message)),
	    DOM_EDENIED);
	place->options.read_only = true;
	assert_int_equal(
	    journal_file_open(&place->options, &second, place->message, sizeof(place->message)),
	    DOM_OK);
	journal_file_close(&second);
}

static void
what_is_no_journal_is_refused_and_left_alone(void **state)
{
	struct place *place = *state;
	uint8_t noise[3 * JOURNAL_RECORD_SIZE];
	int fd = open(place->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	memset(noise, 'x', sizeof(noise));
	assert_int_equal(write(fd, noise, sizeof(noise)), sizeof(noise));
	close(fd);
	assert_int_equal(try_open(place), DOM_EINTEGRITY);
	assert_int_equal(size_of(place), sizeof(noise));
}

/* The next syncs of an append that fail, as where a disk has a bad place. */
static unsigned syncs_that_fail;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int
__wrap_fdatasync(int fd)
{
	if (syncs_that_fail == 0)
		return __real_fdatasync(fd);
	syncs_that_fail--;
	errno = EIO;
	return -1;
}

static void
after_a_sync_that_failed_it_goes_on_in_a_new_file(void **state)
{
	struct place *place = *state;
	struct journal_entry entry = entry_of(3);
	struct journal_file *second = NULL;
	struct stat before, after;

	open_it(place);
	append(place, 0, 3);
	assert_int_equal(stat(place->path, &before), 0);
	syncs_that_fail = 1;
	assert_int_equal(place->journal.append(place->journal.context, &entry, 1), DOM_EFILE);
	expect_entries(place, 3);
	append(place, 3, 2);
	append(place, 5, 1);
	expect_entries(place, 6);
	assert_int_equal(stat(place->path, &after), 0);
	assert_true(before.st_ino != after.st_ino);
	assert_int_equal(after.st_mode & 0777, 0600);
	assert_int_equal(after.st_size, 7 * JOURNAL_RECORD_SIZE);
	assert_int_equal(
	    journal_file_open(&place->options, &second, place->message, sizeof(place->message)),
	    DOM_EDENIED);
	place->options.known = 6;
	open_it(place);
	expect_entries(place, 6);
}

/* The new file is made out of what was synced, or not at all. */
static void
a_new_file_is_not_made_of_what_was_damaged_meanwhile(void **state)
{
	struct place *place = *state;
	struct journal_entry entry = entry_of(3);
	const off_t damaged = 2 * JOURNAL_RECORD_SIZE + 50;

	open_it(place);
	append(place, 0, 3);
	syncs_that_fail = 1;
	assert_int_equal(place->journal.append(place->journal.context, &entry, 1), DOM_EFILE);
	flip(place, damaged);
	assert_int_equal(
	    place->journal.append(place->journal.context, &entry, 1), DOM_EINTEGRITY);
	flip(place, damaged);
	append(place, 3, 1);
	expect_entries(place, 4);
}

static void
what_a_new_file_has_left_half_done_is_removed(void **state)
{
	struct place *place = *state;
	char fresh[112];
	int fd;

	fill(place);
	snprintf(fresh, sizeof(fresh), "%s.new", place->path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	place->options.read_only = true;
	open_it(place);
	assert_int_equal(access(fresh, F_OK), 0);
	place->options.read_only = false;
	open_it(place);
	assert_int_equal(access(fresh, F_OK), -1);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(what_was_appended_is_there_after_it_is_opened_again),
	    CASE(it_is_its_owners_alone),
	    CASE(an_append_that_was_torn_anywhere_is_cut),
	    CASE(a_torn_append_whose_end_is_whole_is_cut_too),
	    CASE(damage_before_the_last_append_is_refused_and_changes_nothing),
	    CASE(damage_is_no_torn_append_if_another_request_came_after_it),
	    CASE(entries_that_were_exchanged_are_found),
	    CASE(an_entry_of_an_older_copy_is_found),
	    CASE(one_that_is_shorter_than_the_store_knows_is_refused),
	    CASE(one_that_is_made_after_a_loss_counts_on_from_its_base),
	    CASE(one_of_another_region_is_refused),
	    CASE(two_programs_cannot_append_at_once),
	    CASE(what_is_no_journal_is_refused_and_left_alone),
	    CASE(after_a_sync_that_failed_it_goes_on_in_a_new_file),
	    CASE(a_new_file_is_not_made_of_what_was_damaged_meanwhile),
	    CASE(what_a_new_file_has_left_half_done_is_removed),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
