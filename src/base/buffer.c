/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Growth doubles; old memory is wiped, since plaintext passes through here. */
#include "base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/wipe.h"

enum { CAPACITY_FIRST = 256 };

void
dom_buffer_free(struct dom_buffer *buffer)
{
	dom_wipe(buffer->data, buffer->size);
	free(buffer->data);
	buffer->data = NULL;
	buffer->size = 0;
	buffer->capacity = 0;
	buffer->failed = DOM_OK;
}

void
dom_buffer_clear(struct dom_buffer *buffer)
{
	dom_wipe(buffer->data, buffer->size);
	buffer->size = 0;
	buffer->failed = DOM_OK;
}

static bool
buffer_grow(struct dom_buffer *buffer, size_t needed)
{
	size_t capacity = buffer->capacity < CAPACITY_FIRST ? CAPACITY_FIRST : buffer->capacity;
	uint8_t *data;

	while (capacity < needed) {
		if (capacity > SIZE_MAX / 2) {
			buffer->failed = DOM_ENOMEM;
			return false;
		}
		capacity *= 2;
	}
	if ((data = malloc(capacity)) == NULL) {
		buffer->failed = DOM_ENOMEM;
		return false;
	}
	if (buffer->size != 0)
		memcpy(data, buffer->data, buffer->size);
	dom_wipe(buffer->data, buffer->size);
	free(buffer->data);
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

uint8_t *
dom_buffer_room(struct dom_buffer *buffer, size_t size)
{
	size_t needed;

	if (buffer->failed != DOM_OK)
		return NULL;
	if (__builtin_add_overflow(buffer->size, size, &needed) ||
	    (buffer->size_max != 0 && needed > buffer->size_max)) {
		buffer->failed = DOM_ELIMIT;
		return NULL;
	}
	if ((needed > buffer->capacity || buffer->data == NULL) && !buffer_grow(buffer, needed))
		return NULL;
	return buffer->data + buffer->size;
}

void
dom_buffer_grew(struct dom_buffer *buffer, size_t size)
{
	assert(size <= buffer->capacity - buffer->size);
	buffer->size += size;
}

void
dom_buffer_append(struct dom_buffer *buffer, const void *data, size_t size)
{
	uint8_t *room = dom_buffer_room(buffer, size);

	if (room == NULL || size == 0)
		return;
	memcpy(room, data, size);
	buffer->size += size;
}

void
dom_buffer_append_slice(struct dom_buffer *buffer, struct dom_slice slice)
{
	dom_buffer_append(buffer, slice.data, slice.size);
}

void
dom_buffer_append_text(struct dom_buffer *buffer, const char *text)
{
	dom_buffer_append(buffer, text, strlen(text));
}

void
dom_buffer_print(struct dom_buffer *buffer, const char *format, ...)
{
	size_t size_max = buffer->size_max;
	va_list args;
	uint8_t *room;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return;
	/* vsnprintf ends with a NUL, which is not counted and may stand past the limit. */
	if (size_max != 0)
		buffer->size_max++;
	room = dom_buffer_room(buffer, (size_t)length + 1);
	buffer->size_max = size_max;
	if (room == NULL)
		return;
	va_start(args, format);
	vsnprintf((char *)room, (size_t)length + 1, format, args);
	va_end(args);
	buffer->size += (size_t)length;
}

void
dom_buffer_drop(struct dom_buffer *buffer, size_t count)
{
	if (count >= buffer->size) {
		dom_wipe(buffer->data, buffer->size);
		buffer->size = 0;
		return;
	}
	memmove(buffer->data, buffer->data + count, buffer->size - count);
	buffer->size -= count;
	dom_wipe(buffer->data + buffer->size, count); /* what moved left a copy behind */
}

void
dom_buffer_cut(struct dom_buffer *buffer, size_t size)
{
	assert(size <= buffer->size);
	if (size < buffer->size)
		dom_wipe(buffer->data + size, buffer->size - size);
	buffer->size = size;
	buffer->failed = DOM_OK;
}

enum dom_status
dom_buffer_finish(const struct dom_buffer *buffer)
{
	return buffer->failed;
}
