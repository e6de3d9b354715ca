/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the fuzz targets of the record readers share. */
#include "scanning.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"

#include "crypto/digest.h"

struct round {
	int fd;
	uint64_t counts[FORMAT_KIND_COUNT];
	uint8_t sums[FORMAT_KIND_COUNT]
	            [DOM_SHA256_SIZE]; /* of the digests: the same for any order */
	struct dom_buffer files[FORMAT_KIND_COUNT];
	struct format_writer *writers[FORMAT_KIND_COUNT];
};

static void
check(bool holds)
{
	if (!holds)
		abort();
}

int
file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd >= 0);
	for (size_t done = 0; done < size;) {
		ssize_t put = write(fd, data + done, size - done);

		check(put > 0);
		done += (size_t)put;
	}
	return fd;
}

static enum dom_status
take(void *context, struct dom_slice bytes)
{
	dom_buffer_append_slice(context, bytes);
	return dom_buffer_finish(context);
}

static enum dom_status
see_record(void *context, const struct format_record *record)
{
	struct round *round = context;
	uint8_t digest[DOM_SHA256_SIZE];
	struct dom_buffer bytes = {0};

	check(record->key.size > 0 && record->key.size <= FORMAT_KEY_SIZE_MAX);
	check(record->line > 0 && record->kind < FORMAT_KIND_COUNT);
	check(format_record_read(
	          round->fd, record->pieces, record->piece_count, take, &bytes) == DOM_OK);
	check(bytes.size == record->size);
	/* Of contacts the last line's ending may be added on the way. */
	while (record->kind == FORMAT_CONTACT && bytes.size > 0 &&
	       (bytes.data[bytes.size - 1] == '\n' || bytes.data[bytes.size - 1] == '\r'))
		bytes.size--;
	check(dom_sha256(dom_buffer_slice(&bytes), digest) == DOM_OK);
	for (size_t i = 0; i < sizeof(digest); i++)
		round->sums[record->kind][i] =
		    (uint8_t)(round->sums[record->kind][i] + digest[i]);
	round->counts[record->kind]++;
	if (round->writers[record->kind] != NULL) {
		bytes.size = 0;
		check(format_record_read(round->fd, record->pieces, record->piece_count, take,
		          &bytes) == DOM_OK);
		for (size_t at = 0; at < bytes.size; at += 61)
			check(format_writer_add(round->writers[record->kind],
			          dom_slice(bytes.data + at,
			              bytes.size - at < 61 ? bytes.size - at : 61)) == DOM_OK);
		check(format_writer_end(round->writers[record->kind]) == DOM_OK);
	}
	dom_buffer_free(&bytes);
	return DOM_OK;
}

static enum dom_status
see_problem(void *context, const struct format_problem *problem)
{
	(void)context;
	check(problem->line > 0 && problem->what != NULL && strlen(problem->what) > 0);
	return DOM_OK;
}

static void
scan(struct round *round, enum format_file file)
{
	struct format_sink sink = {see_record, see_problem, NULL, round};

	check(format_scan(round->fd, file, &sink) == DOM_OK);
}

static bool
is_calendar(enum format_kind kind)
{
	return kind == FORMAT_EVENT || kind == FORMAT_TASK;
}

void
scan_and_write_back(enum format_file file, const uint8_t *data, size_t size)
{
	struct round count = {.fd = file_of(data, size)};
	struct round first = {.fd = count.fd};

	scan(&count, file);
	for (unsigned kind = 0; kind < FORMAT_KIND_COUNT; kind++) {
		struct format_writer_options options = {
		    .kind = (enum format_kind)kind,
		    .count = count.counts[kind],
		    .write = take,
		    .context = &first.files[kind],
		};

		check(format_writer_open(&options, &first.writers[kind]) == DOM_OK);
	}
	scan(&first, file);
	for (unsigned kind = 0; kind < FORMAT_KIND_COUNT; kind++) {
		struct round second = {0};

		check(first.counts[kind] == count.counts[kind]);
		check(format_writer_finish(first.writers[kind]) == DOM_OK);
		format_writer_free(&first.writers[kind]);
		if (first.counts[kind] > 0) {
			second.fd = file_of(first.files[kind].data, first.files[kind].size);
			scan(&second, file);
			/* Records of one UID from several calendars may become one. */
			if (is_calendar((enum format_kind)kind)) {
				check(second.counts[kind] > 0);
			} else {
				check(second.counts[kind] == first.counts[kind]);
				check(memcmp(second.sums[kind], first.sums[kind],
				          sizeof(second.sums[kind])) == 0);
			}
			close(second.fd);
		}
		dom_buffer_free(&first.files[kind]);
	}
	close(count.fd);
}
