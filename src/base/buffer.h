/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * Bytes that grow.  The first failure sticks: every later append does
 * nothing, and dom_buffer_finish() tells.  {0} is an empty buffer without a
 * limit; size_max bounds it.  The memory is wiped when it is freed or moved.
 */
struct dom_buffer {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t size_max; /* 0: no limit */
	enum dom_status failed;
};

void dom_buffer_free(struct dom_buffer *buffer);

/* Empty, keeping the memory; forgets an earlier failure. */
void dom_buffer_clear(struct dom_buffer *buffer);

/* Room for size more bytes at the end, not yet counted; NULL on failure. */
uint8_t *dom_buffer_room(struct dom_buffer *buffer, size_t size);

/* Count size bytes that were written into the room. */
void dom_buffer_grew(struct dom_buffer *buffer, size_t size);

void dom_buffer_append(struct dom_buffer *buffer, const void *data, size_t size);
void dom_buffer_append_slice(struct dom_buffer *buffer, struct dom_slice slice);
void dom_buffer_append_text(struct dom_buffer *buffer, const char *text);
void dom_buffer_print(struct dom_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drop count bytes from the front, or all of them. */
void dom_buffer_drop(struct dom_buffer *buffer, size_t count);

/* Back to a size it had before; forgets a failure that came after. */
void dom_buffer_cut(struct dom_buffer *buffer, size_t size);

/* DOM_OK, or the first failure: DOM_ENOMEM, DOM_ELIMIT. */
DOM_MUST_CHECK enum dom_status dom_buffer_finish(const struct dom_buffer *buffer);

/* Borrowed until the buffer changes. */
static inline struct dom_slice
dom_buffer_slice(const struct dom_buffer *buffer)
{
	return dom_slice(buffer->data, buffer->size);
}

#endif
