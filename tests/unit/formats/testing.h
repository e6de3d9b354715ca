/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_FORMATS_TESTING_H
#define TESTS_FORMATS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka.h wants the four above. */
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#include "formats/records.h"

/* A scan of bytes in memory, with everything that it told kept. */
enum { SEEN_MAX = 4096 };

struct seen_record {
	enum format_kind kind;
	char *bytes; /* NUL-terminated copy */
	size_t size;
	char *key;
	size_t key_size;
	bool key_is_uid;
	uint64_t line;
	uint8_t digest[32];
};

struct seen_problem {
	uint64_t line;
	bool damaged;
	char *what;
};

struct seen {
	int fd;
	struct seen_record records[SEEN_MAX];
	size_t record_count;
	struct seen_problem problems[SEEN_MAX];
	size_t problem_count;
	size_t damaged_count;
	enum dom_status fail_record; /* what the sink answers */
	uint64_t progress;
};

int file_of(const void *bytes, size_t size);
/* The caller frees it with seen_free(); sizes and digests of records are checked on the way. */
struct seen *scan_bytes(enum format_file file, const void *bytes, size_t size);
struct seen *scan_text(enum format_file file, const char *text);
void seen_free(struct seen **seen);

void assert_record(const struct seen *seen, size_t index, const char *bytes);
void assert_problem(const struct seen *seen, size_t index, uint64_t line, bool damaged,
    const char *part_of_what);

/*
 * Scan every beginning of text: nothing crashes, the whole records in front
 * are there, and a cut that loses something says so.
 */
void assert_good_records_survive_any_cut(enum format_file file, const char *text);

#endif
