/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Every value starts with one byte that tells its type and, for the larger
 * forms, how many bytes of length or integer follow.  head_read() takes that
 * apart once; everything else is built on it.
 */
#include "base/msgpack.h"

#include "base/utf8.h"

struct head {
	enum dom_pack_type type;
	uint64_t value; /* length, count, or the integer's bits; bool as 0 or 1 */
	bool negative;  /* the integer is negative: value is its two's complement */
};

static uint64_t
take_bits(struct dom_pack_reader *reader, unsigned size)
{
	uint64_t bits = 0;

	if (size > (size_t)(reader->end - reader->at)) {
		reader->failed = DOM_EINPUT;
		return 0;
	}
	for (unsigned i = 0; i < size; i++)
		bits = bits << 8 | *reader->at++;
	return bits;
}

static struct head
integer_head(struct dom_pack_reader *reader, unsigned size, bool is_signed)
{
	struct head head = {.type = DOM_PACK_INT, .value = take_bits(reader, size)};

	if (is_signed && (head.value >> (size * 8 - 1)) != 0) {
		head.negative = true;
		if (size < 8)
			head.value |= ~UINT64_C(0) << (size * 8);
	}
	return head;
}

static struct head
sized_head(struct dom_pack_reader *reader, enum dom_pack_type type, unsigned size)
{
	return (struct head){.type = type, .value = take_bits(reader, size)};
}

static struct head
head_read(struct dom_pack_reader *reader)
{
	uint8_t byte;

	if (reader->failed != DOM_OK)
		return (struct head){.type = DOM_PACK_END};
	if (reader->at == reader->end) {
		reader->failed = DOM_EINPUT;
		return (struct head){.type = DOM_PACK_END};
	}
	byte = *reader->at++;
	if (byte <= 0x7f)
		return (struct head){.type = DOM_PACK_INT, .value = byte};
	if (byte <= 0x8f)
		return (struct head){.type = DOM_PACK_MAP, .value = byte & 0x0f};
	if (byte <= 0x9f)
		return (struct head){.type = DOM_PACK_ARRAY, .value = byte & 0x0f};
	if (byte <= 0xbf)
		return (struct head){.type = DOM_PACK_STR, .value = byte & 0x1f};
	if (byte >= 0xe0)
		return (struct head){
		    .type = DOM_PACK_INT, .value = (uint64_t)(int8_t)byte, .negative = true};
	switch (byte) {
	case 0xc0:
		return (struct head){.type = DOM_PACK_NIL};
	case 0xc2:
	case 0xc3:
		return (struct head){.type = DOM_PACK_BOOL, .value = byte & 1};
	case 0xc4:
	case 0xc5:
	case 0xc6:
		return sized_head(reader, DOM_PACK_BIN, 1u << (byte - 0xc4));
	case 0xc7:
	case 0xc8:
	case 0xc9: {
		struct head head = sized_head(reader, DOM_PACK_EXT, 1u << (byte - 0xc7));

		head.value += 1; /* the ext type byte */
		return head;
	}
	case 0xca:
	case 0xcb:
		return sized_head(reader, DOM_PACK_FLOAT, byte == 0xca ? 4 : 8);
	case 0xcc:
	case 0xcd:
	case 0xce:
	case 0xcf:
		return integer_head(reader, 1u << (byte - 0xcc), false);
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
		return integer_head(reader, 1u << (byte - 0xd0), true);
	case 0xd4:
	case 0xd5:
	case 0xd6:
	case 0xd7:
	case 0xd8:
		return (struct head){
		    .type = DOM_PACK_EXT, .value = (UINT64_C(1) << (byte - 0xd4)) + 1};
	case 0xd9:
	case 0xda:
	case 0xdb:
		return sized_head(reader, DOM_PACK_STR, 1u << (byte - 0xd9));
	case 0xdc:
	case 0xdd:
		return sized_head(reader, DOM_PACK_ARRAY, byte == 0xdc ? 2 : 4);
	case 0xde:
	case 0xdf:
		return sized_head(reader, DOM_PACK_MAP, byte == 0xde ? 2 : 4);
	default: /* 0xc1 is never used */
		reader->failed = DOM_EINPUT;
		return (struct head){.type = DOM_PACK_END};
	}
}

enum dom_pack_type
dom_pack_peek(const struct dom_pack_reader *reader)
{
	struct dom_pack_reader look = *reader;

	return head_read(&look).type;
}

static struct head
head_expect(struct dom_pack_reader *reader, enum dom_pack_type type)
{
	struct head head = head_read(reader);

	if (head.type != type)
		reader->failed = DOM_EINPUT;
	if (reader->failed != DOM_OK)
		head = (struct head){.type = DOM_PACK_END};
	return head;
}

bool
dom_pack_nil(struct dom_pack_reader *reader)
{
	if (reader->failed != DOM_OK || reader->at == reader->end || *reader->at != 0xc0)
		return false;
	reader->at++;
	return true;
}

bool
dom_pack_bool(struct dom_pack_reader *reader)
{
	return head_expect(reader, DOM_PACK_BOOL).value != 0;
}

int64_t
dom_pack_int(struct dom_pack_reader *reader, int64_t least, int64_t most)
{
	struct head head = head_expect(reader, DOM_PACK_INT);
	int64_t value = (int64_t)head.value;

	if (!head.negative && head.value > INT64_MAX)
		reader->failed = DOM_EINPUT;
	if (value < least || value > most)
		reader->failed = DOM_EINPUT;
	return reader->failed == DOM_OK ? value : 0;
}

static struct dom_slice
take_payload(struct dom_pack_reader *reader, uint64_t size)
{
	struct dom_slice payload = dom_slice(reader->at, 0);

	if (reader->failed != DOM_OK)
		return dom_slice(NULL, 0);
	if (size > (uint64_t)(reader->end - reader->at)) {
		reader->failed = DOM_EINPUT;
		return dom_slice(NULL, 0);
	}
	payload.size = (size_t)size;
	reader->at += payload.size;
	return payload;
}

struct dom_slice
dom_pack_str(struct dom_pack_reader *reader)
{
	struct dom_slice text = take_payload(reader, head_expect(reader, DOM_PACK_STR).value);

	if (!dom_utf8_valid(text)) {
		reader->failed = DOM_EINPUT;
		return dom_slice(NULL, 0);
	}
	return text;
}

struct dom_slice
dom_pack_bin(struct dom_pack_reader *reader)
{
	struct head head = head_read(reader);

	if (head.type != DOM_PACK_BIN && head.type != DOM_PACK_STR)
		reader->failed = DOM_EINPUT;
	return take_payload(reader, head.value);
}

static size_t
take_count(struct dom_pack_reader *reader, enum dom_pack_type type, unsigned values_each)
{
	struct head head = head_expect(reader, type);

	if (head.value > (uint64_t)(reader->end - reader->at) / values_each) {
		reader->failed = DOM_EINPUT;
		return 0;
	}
	return (size_t)head.value;
}

size_t
dom_pack_array(struct dom_pack_reader *reader)
{
	return take_count(reader, DOM_PACK_ARRAY, 1);
}

size_t
dom_pack_map(struct dom_pack_reader *reader)
{
	return take_count(reader, DOM_PACK_MAP, 2);
}

void
dom_pack_skip(struct dom_pack_reader *reader)
{
	uint64_t left = 1;

	/* Counts instead of recursion: a value closes one and may open others. */
	for (uint64_t passed = 0; left > 0 && reader->failed == DOM_OK; passed++) {
		struct head head = head_read(reader);

		if (passed == DOM_PACK_SKIP_MAX) {
			reader->failed = DOM_EINPUT;
			return;
		}
		left--;
		switch (head.type) {
		case DOM_PACK_STR:
		case DOM_PACK_BIN:
		case DOM_PACK_EXT:
			take_payload(reader, head.value);
			break;
		case DOM_PACK_ARRAY:
			left += head.value;
			break;
		case DOM_PACK_MAP:
			left += 2 * head.value;
			break;
		default:
			break;
		}
	}
}

struct dom_slice
dom_pack_raw(struct dom_pack_reader *reader)
{
	const uint8_t *start = reader->at;

	dom_pack_skip(reader);
	if (reader->failed != DOM_OK)
		return dom_slice(NULL, 0);
	return dom_slice(start, (size_t)(reader->at - start));
}

void
dom_pack_reject(struct dom_pack_reader *reader)
{
	if (reader->failed == DOM_OK)
		reader->failed = DOM_EINPUT;
}

enum dom_status
dom_pack_finish(const struct dom_pack_reader *reader)
{
	if (reader->failed != DOM_OK)
		return reader->failed;
	return reader->at == reader->end ? DOM_OK : DOM_EINPUT;
}

/* The marker byte, then size bytes of value, big-endian. */
static void
put_head(struct dom_buffer *buffer, uint8_t marker, uint64_t value, unsigned size)
{
	uint8_t bytes[9] = {marker};

	for (unsigned i = 0; i < size; i++)
		bytes[1 + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
	dom_buffer_append(buffer, bytes, 1 + size);
}

void
dom_pack_put_nil(struct dom_buffer *buffer)
{
	put_head(buffer, 0xc0, 0, 0);
}

void
dom_pack_put_bool(struct dom_buffer *buffer, bool value)
{
	put_head(buffer, value ? 0xc3 : 0xc2, 0, 0);
}

void
dom_pack_put_int(struct dom_buffer *buffer, int64_t value)
{
	if (value >= 0 && value <= 0x7f)
		put_head(buffer, (uint8_t)value, 0, 0);
	else if (value >= 0 && value <= UINT8_MAX)
		put_head(buffer, 0xcc, (uint64_t)value, 1);
	else if (value >= 0 && value <= UINT16_MAX)
		put_head(buffer, 0xcd, (uint64_t)value, 2);
	else if (value >= 0 && value <= UINT32_MAX)
		put_head(buffer, 0xce, (uint64_t)value, 4);
	else if (value >= 0)
		put_head(buffer, 0xcf, (uint64_t)value, 8);
	else if (value >= -32)
		put_head(buffer, (uint8_t)value, 0, 0);
	else if (value >= INT8_MIN)
		put_head(buffer, 0xd0, (uint64_t)value, 1);
	else if (value >= INT16_MIN)
		put_head(buffer, 0xd1, (uint64_t)value, 2);
	else if (value >= INT32_MIN)
		put_head(buffer, 0xd2, (uint64_t)value, 4);
	else
		put_head(buffer, 0xd3, (uint64_t)value, 8);
}

void
dom_pack_put_str(struct dom_buffer *buffer, struct dom_slice text)
{
	if (text.size <= 31)
		put_head(buffer, (uint8_t)(0xa0 | text.size), 0, 0);
	else if (text.size <= UINT8_MAX)
		put_head(buffer, 0xd9, text.size, 1);
	else if (text.size <= UINT16_MAX)
		put_head(buffer, 0xda, text.size, 2);
	else
		put_head(buffer, 0xdb, text.size, 4);
	if (text.size > UINT32_MAX && buffer->failed == DOM_OK)
		buffer->failed = DOM_ELIMIT;
	dom_buffer_append_slice(buffer, text);
}

void
dom_pack_put_text(struct dom_buffer *buffer, const char *text)
{
	dom_pack_put_str(buffer, dom_slice_of(text));
}

void
dom_pack_put_bin_header(struct dom_buffer *buffer, size_t size)
{
	if (size <= UINT8_MAX)
		put_head(buffer, 0xc4, size, 1);
	else if (size <= UINT16_MAX)
		put_head(buffer, 0xc5, size, 2);
	else
		put_head(buffer, 0xc6, size, 4);
	if (size > UINT32_MAX && buffer->failed == DOM_OK)
		buffer->failed = DOM_ELIMIT;
}

void
dom_pack_put_bin(struct dom_buffer *buffer, struct dom_slice bytes)
{
	dom_pack_put_bin_header(buffer, bytes.size);
	dom_buffer_append_slice(buffer, bytes);
}

static void
put_container(struct dom_buffer *buffer, uint8_t small, uint8_t large, size_t count)
{
	if (count <= 15)
		put_head(buffer, (uint8_t)(small | count), 0, 0);
	else if (count <= UINT16_MAX)
		put_head(buffer, large, count, 2);
	else
		put_head(buffer, (uint8_t)(large + 1), count, 4);
	if (count > UINT32_MAX && buffer->failed == DOM_OK)
		buffer->failed = DOM_ELIMIT;
}

void
dom_pack_put_array(struct dom_buffer *buffer, size_t count)
{
	put_container(buffer, 0x90, 0xdc, count);
}

void
dom_pack_put_map(struct dom_buffer *buffer, size_t count)
{
	put_container(buffer, 0x80, 0xde, count);
}
