/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/bytes.h"

struct dom_slice
dom_read_bytes(struct dom_reader *reader, size_t size)
{
	struct dom_slice bytes = dom_slice(NULL, 0);

	if (reader->failed != DOM_OK)
		return bytes;
	if (size > (size_t)(reader->end - reader->at)) {
		reader->failed = DOM_EINPUT;
		return bytes;
	}
	bytes = dom_slice(reader->at, size);
	reader->at += size;
	return bytes;
}

static uint64_t
read_integer(struct dom_reader *reader, size_t size)
{
	struct dom_slice bytes = dom_read_bytes(reader, size);
	uint64_t value = 0;

	for (size_t i = 0; i < bytes.size; i++)
		value = value << 8 | bytes.data[i];
	return value;
}

uint8_t
dom_read_u8(struct dom_reader *reader)
{
	return (uint8_t)read_integer(reader, 1);
}

uint32_t
dom_read_u32(struct dom_reader *reader)
{
	return (uint32_t)read_integer(reader, 4);
}

uint64_t
dom_read_u64(struct dom_reader *reader)
{
	return read_integer(reader, 8);
}

struct dom_slice
dom_read_string(struct dom_reader *reader, size_t size_max)
{
	uint32_t size = dom_read_u32(reader);

	if (size > size_max && reader->failed == DOM_OK)
		reader->failed = DOM_EINPUT;
	return dom_read_bytes(reader, size);
}

enum dom_status
dom_reader_finish(const struct dom_reader *reader)
{
	if (reader->failed != DOM_OK)
		return reader->failed;
	return reader->at == reader->end ? DOM_OK : DOM_EINPUT;
}

static void
write_integer(struct dom_buffer *buffer, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
	dom_buffer_append(buffer, bytes, size);
}

void
dom_write_u8(struct dom_buffer *buffer, uint8_t value)
{
	write_integer(buffer, value, 1);
}

void
dom_write_u32(struct dom_buffer *buffer, uint32_t value)
{
	write_integer(buffer, value, 4);
}

void
dom_write_u64(struct dom_buffer *buffer, uint64_t value)
{
	write_integer(buffer, value, 8);
}

void
dom_write_string(struct dom_buffer *buffer, struct dom_slice string)
{
	if (string.size > UINT32_MAX) {
		buffer->failed = DOM_ELIMIT;
		return;
	}
	dom_write_u32(buffer, (uint32_t)string.size);
	dom_buffer_append_slice(buffer, string);
}
