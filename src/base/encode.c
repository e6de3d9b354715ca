/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/encode.h"

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
dom_base64_encode(struct dom_slice data, char *text_r)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < data.size; i++) {
		bits = (bits << 8) | data.data[i];
		for (count += 8; count >= 6; count -= 6)
			*text_r++ = base64_alphabet[(bits >> (count - 6)) & 63];
	}
	if (count > 0)
		*text_r++ = base64_alphabet[(bits << (6 - count)) & 63];
	*text_r = '\0';
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	return -1;
}

enum dom_status
dom_base64_decode(struct dom_slice text, uint8_t *data_r, size_t capacity, size_t *size_r)
{
	uint32_t bits = 0;
	unsigned count = 0;
	size_t size = 0;

	if (text.size % 4 == 1)
		return DOM_EINPUT;
	for (size_t i = 0; i < text.size; i++) {
		int value = base64_value(text.data[i]);

		if (value < 0)
			return DOM_EINPUT;
		bits = (bits << 6) | (uint32_t)value;
		count += 6;
		if (count < 8)
			continue;
		if (size == capacity)
			return DOM_ELIMIT;
		count -= 8;
		data_r[size++] = (uint8_t)(bits >> count);
	}
	if ((bits & ((1u << count) - 1)) != 0)
		return DOM_EINPUT;
	*size_r = size;
	return DOM_OK;
}

void
dom_hex_encode(struct dom_slice data, char *text_r)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < data.size; i++) {
		*text_r++ = digits[data.data[i] >> 4];
		*text_r++ = digits[data.data[i] & 15];
	}
	*text_r = '\0';
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

enum dom_status
dom_hex_decode(struct dom_slice text, uint8_t *data_r, size_t capacity, size_t *size_r)
{
	if (text.size % 2 != 0)
		return DOM_EINPUT;
	if (text.size / 2 > capacity)
		return DOM_ELIMIT;
	for (size_t i = 0; i < text.size; i += 2) {
		int high = hex_value(text.data[i]);
		int low = hex_value(text.data[i + 1]);

		if (high < 0 || low < 0)
			return DOM_EINPUT;
		data_r[i / 2] = (uint8_t)(high << 4 | low);
	}
	*size_r = text.size / 2;
	return DOM_OK;
}
