/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the tests of formats/ share. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"

#include "crypto/digest.h"

int
file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("formats", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t done = 0; done < size;) {
		ssize_t put = write(fd, (const char *)bytes + done, size - done);

		assert_true(put > 0);
		done += (size_t)put;
	}
	return fd;
}

static enum dom_status
take_bytes(void *context, struct dom_slice bytes)
{
	dom_buffer_append_slice(context, bytes);
	return DOM_OK;
}

static enum dom_status
see_record(void *context, const struct format_record *record)
{
	struct seen *seen = context;
	struct seen_record *copy = &seen->records[seen->record_count];
	struct dom_buffer bytes = {0};
	uint8_t digest[DOM_SHA256_SIZE];

	if (seen->fail_record < 0)
		return seen->fail_record;
	assert_true(seen->record_count < SEEN_MAX);
	assert_int_equal(format_record_read(
	                     seen->fd, record->pieces, record->piece_count, take_bytes, &bytes),
	    DOM_OK);
	assert_int_equal(bytes.size, record->size);
	assert_int_equal(dom_sha256(dom_buffer_slice(&bytes), digest), DOM_OK);
	assert_memory_equal(digest, record->digest, sizeof(digest));
	assert_true(record->key.size > 0 && record->key.size <= FORMAT_KEY_SIZE_MAX);
	copy->kind = record->kind;
	copy->bytes = strndup((const char *)bytes.data, bytes.size);
	copy->size = bytes.size;
	copy->key = calloc(1, record->key.size + 1);
	assert_non_null(copy->key);
	memcpy(copy->key, record->key.data, record->key.size);
	copy->key_size = record->key.size;
	copy->key_is_uid = record->key_is_uid;
	copy->line = record->line;
	memcpy(copy->digest, digest, sizeof(digest));
	seen->record_count++;
	dom_buffer_free(&bytes);
	return DOM_OK;
}

static enum dom_status
see_problem(void *context, const struct format_problem *problem)
{
	struct seen *seen = context;

	assert_true(seen->problem_count < SEEN_MAX);
	seen->problems[seen->problem_count++] = (struct seen_problem){
	    .line = problem->line, .damaged = problem->damaged, .what = strdup(problem->what)};
	seen->damaged_count += problem->damaged;
	return DOM_OK;
}

static void
see_progress(void *context, uint64_t offset)
{
	struct seen *seen = context;

	assert_true(offset >= seen->progress);
	seen->progress = offset;
}

struct seen *
scan_bytes(enum format_file file, const void *bytes, size_t size)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct format_sink sink = {see_record, see_problem, see_progress, seen};

	assert_non_null(seen);
	seen->fd = file_of(bytes, size);
	assert_int_equal(format_scan(seen->fd, file, &sink), DOM_OK);
	return seen;
}

struct seen *
scan_text(enum format_file file, const char *text)
{
	return scan_bytes(file, text, strlen(text));
}

void
seen_free(struct seen **seen)
{
	struct seen *old = *seen;

	if (old == NULL)
		return;
	*seen = NULL;
	for (size_t i = 0; i < old->record_count; i++) {
		free(old->records[i].bytes);
		free(old->records[i].key);
	}
	for (size_t i = 0; i < old->problem_count; i++)
		free(old->problems[i].what);
	close(old->fd);
	free(old);
}

void
assert_record(const struct seen *seen, size_t index, const char *bytes)
{
	assert_true(index < seen->record_count);
	assert_string_equal(seen->records[index].bytes, bytes);
}

void
assert_problem(const struct seen *seen, size_t index, uint64_t line, bool damaged,
    const char *part_of_what)
{
	assert_true(index < seen->problem_count);
	assert_int_equal(seen->problems[index].line, line);
	assert_int_equal(seen->problems[index].damaged, damaged);
	assert_non_null(strstr(seen->problems[index].what, part_of_what));
}

void
assert_good_records_survive_any_cut(enum format_file file, const char *text)
{
	struct seen *whole = scan_text(file, text);
	size_t size = strlen(text);
	size_t most = 0;

	assert_int_equal(whole->damaged_count, 0);
	for (size_t cut = 0; cut < size; cut++) {
		struct seen *seen = scan_bytes(file, text, cut);

		assert_true(seen->record_count >= most);
		most = seen->record_count;
		assert_true(seen->record_count <= whole->record_count);
		if (seen->record_count < whole->record_count && cut > 0)
			assert_true(seen->damaged_count > 0 || text[cut] == '\n' ||
			            text[cut] == '\r' || text[cut] == '<' || text[cut] == 'B');
		seen_free(&seen);
	}
	seen_free(&whole);
}
