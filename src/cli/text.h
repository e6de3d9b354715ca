/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers, sizes, dates and words, as people write and read them. */

enum { TEXT_SHORT = 40 }; /* room for any number, size or time */

/* "2,000" */
const char *text_count(uint64_t count, char buffer[TEXT_SHORT]);
/* "812 bytes", "1.2 MB": decimal, as disks are sold. */
const char *text_bytes(uint64_t bytes, char buffer[TEXT_SHORT]);
/* "2026-11-21 03:10", the local time; "never" for 0. */
const char *text_time(int64_t ms, char buffer[TEXT_SHORT]);
/* "0.4 s", "2 min 05 s", "3 h 20 min" */
const char *text_seconds(int64_t ms, char buffer[TEXT_SHORT]);
/* The same, but "30 ms" below a second. */
const char *text_moment(int64_t ms, char buffer[TEXT_SHORT]);

/* "90d", "12w", "48h", "1y" (365 days); false: something else, or not above 0. */
bool text_span(const char *text, int64_t *ms_r);
/* "2027-01-31": the end of that day, local time. */
bool text_date(const char *text, int64_t *ms_r);
/* A decimal number from 0 to most, nothing else. */
bool text_number(const char *text, uint64_t most, uint64_t *number_r);

/* Letters to insert, drop, replace or swap with their neighbour. */
unsigned text_distance(const char *a, const char *b);

/*
 * A copy without control characters and without what is not UTF-8: `mark` stands
 * for each, so that a file's name cannot move a terminal's cursor.  Cut to size.
 */
const char *text_clean(const char *text, char mark, char *buffer, size_t size);

/* size bytes at the front, not cutting a UTF-8 character; the text may be anything. */
size_t text_cut(const char *text, size_t size);

#endif
