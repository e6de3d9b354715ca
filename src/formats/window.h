/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_WINDOW_H
#define FORMATS_WINDOW_H

#include <stdint.h>

#include <domicile/slice.h>
#include <domicile/status.h>

#include "crypto/digest.h"

#include "formats/records.h"

/*
 * A window that moves forward over a file, read by pread(): never by mmap(),
 * since a file that shrinks while it is read must be an error and not a
 * signal.  On the way it counts lines and hashes what the caller marks, so
 * that a record of any size is read once and never held.
 *
 * The first failure sticks; the window then looks like one at the file's end.
 */
enum { FORMAT_WINDOW_SIZE = 64 << 10 };

struct format_window {
	int fd;
	uint64_t offset; /* of bytes[0] in the file */
	size_t at;       /* index of the next byte */
	size_t size;     /* bytes that are there */
	bool ended;      /* the file has nothing after them */
	enum dom_status failed;

	struct dom_sha256 *sha;
	bool hashing;
	bool sha_used; /* holds bytes of a hash that was given up */
	size_t hash_from;

	uint64_t line; /* of bytes[line_at], from 1 */
	size_t line_at;

	const struct format_sink *sink; /* told of progress */
	uint8_t bytes[FORMAT_WINDOW_SIZE];
};

/* On the heap, since it is large; NULL: no memory. */
struct format_window *format_window_new(int fd, const struct format_sink *sink);
void format_window_free(struct format_window **window);

/*
 * Have want bytes from at on, at most FORMAT_WINDOW_SIZE, or all that the file
 * still has.  Returns how many there are.  Indexes into bytes[] change.
 */
size_t format_window_fill_slow(struct format_window *window, size_t want);

static inline size_t
format_window_fill(struct format_window *window, size_t want)
{
	size_t have = window->size - window->at;

	return have >= want ? have : format_window_fill_slow(window, want);
}

static inline uint64_t
format_window_offset(const struct format_window *window)
{
	return window->offset + window->at;
}

/*
 * Go back to a place on the same line; a hash under way must begin again.  Only
 * where nobody asks for window->line may the place be on an earlier line.
 */
void format_window_seek(struct format_window *window, uint64_t offset);

/* Line of the next byte; a line ends at its LF. */
uint64_t format_window_line(struct format_window *window);

/* Hash from the next byte on; forgets a hash that was not ended. */
void format_window_hash_begin(struct format_window *window);
DOM_MUST_CHECK enum dom_status format_window_hash_end(
    struct format_window *window, uint8_t digest_r[DOM_SHA256_SIZE]);

#endif
