/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The window over a file that every reader of records looks through. */
#include "formats/window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/wipe.h"

struct format_window *
format_window_new(int fd, const struct format_sink *sink)
{
	struct format_window *window = calloc(1, sizeof(*window));

	if (window == NULL)
		return NULL;
	window->fd = fd;
	window->sink = sink;
	window->line = 1;
	if ((window->sha = dom_sha256_new()) == NULL)
		format_window_free(&window);
	return window;
}

void
format_window_free(struct format_window **window)
{
	struct format_window *old = *window;

	if (old == NULL)
		return;
	*window = NULL;
	dom_sha256_free(&old->sha);
	dom_wipe(old->bytes, sizeof(old->bytes));
	free(old);
}

static void
window_hash_up_to(struct format_window *window, size_t end)
{
	if (!window->hashing || end == window->hash_from)
		return;
	dom_sha256_add(
	    window->sha, dom_slice(window->bytes + window->hash_from, end - window->hash_from));
	window->hash_from = end;
	window->sha_used = true;
}

size_t
format_window_fill_slow(struct format_window *window, size_t want)
{
	size_t have = window->size - window->at;

	assert(want <= FORMAT_WINDOW_SIZE);
	if (window->ended)
		return have;

	window_hash_up_to(window, window->at);
	window->hash_from = 0;
	(void)format_window_line(window);
	window->line_at = 0;
	memmove(window->bytes, window->bytes + window->at, have);
	window->offset += window->at;
	window->at = 0;
	window->size = have;

	/* As much as there is room for: few and large reads. */
	while (window->size < FORMAT_WINDOW_SIZE) {
		ssize_t got = pread(window->fd, window->bytes + window->size,
		    FORMAT_WINDOW_SIZE - window->size, (off_t)(window->offset + window->size));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			window->failed = DOM_EFILE;
		if (got <= 0) {
			window->ended = true;
			break;
		}
		window->size += (size_t)got;
		if (window->size >= want)
			break;
	}
	if (window->sink != NULL && window->sink->progress != NULL)
		window->sink->progress(window->sink->context, window->offset + window->size);
	return window->size;
}

void
format_window_seek(struct format_window *window, uint64_t offset)
{
	assert(offset <= window->offset + window->at);
	if (offset >= window->offset) {
		window->at = (size_t)(offset - window->offset);
	} else {
		window->offset = offset;
		window->at = 0;
		window->size = 0;
		window->ended = window->failed < 0;
	}
	window->line_at = window->at;
	window->hash_from = window->at;
}

uint64_t
format_window_line(struct format_window *window)
{
	const uint8_t *at = window->bytes + window->line_at;
	const uint8_t *end = window->bytes + window->at;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		window->line++;
		at++;
	}
	window->line_at = window->at;
	return window->line;
}

void
format_window_hash_begin(struct format_window *window)
{
	uint8_t unused[DOM_SHA256_SIZE];

	if (window->sha_used && dom_sha256_finish(window->sha, unused) < 0 &&
	    window->failed == 0)
		window->failed = DOM_ENOMEM;
	window->sha_used = false;
	window->hashing = true;
	window->hash_from = window->at;
}

enum dom_status
format_window_hash_end(struct format_window *window, uint8_t digest_r[DOM_SHA256_SIZE])
{
	assert(window->hashing);
	window_hash_up_to(window, window->at);
	window->hashing = false;
	window->sha_used = false;
	return dom_sha256_finish(window->sha, digest_r);
}
