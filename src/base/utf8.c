/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/utf8.h"

/* Bytes of the sequence that starts at text[at], 0 if it is malformed. */
static size_t
sequence_size(struct dom_slice text, size_t at)
{
	const uint8_t *p = text.data + at;
	size_t left = text.size - at;
	size_t size;
	uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte */

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		size = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		size = 3;
		if (p[0] == 0xe0)
			low = 0xa0;
		if (p[0] == 0xed)
			high = 0x9f;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		size = 4;
		if (p[0] == 0xf0)
			low = 0x90;
		if (p[0] == 0xf4)
			high = 0x8f;
	} else {
		return 0;
	}
	if (left < size || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

bool
dom_utf8_valid(struct dom_slice text)
{
	for (size_t at = 0; at < text.size;) {
		size_t size = sequence_size(text, at);

		if (size == 0)
			return false;
		at += size;
	}
	return true;
}

unsigned
dom_utf8_encode(uint32_t code_point, uint8_t bytes_r[4])
{
	if (code_point < 0x80) {
		bytes_r[0] = (uint8_t)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		bytes_r[0] = (uint8_t)(0xc0 | code_point >> 6);
		bytes_r[1] = (uint8_t)(0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000) {
		bytes_r[0] = (uint8_t)(0xe0 | code_point >> 12);
		bytes_r[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
		bytes_r[2] = (uint8_t)(0x80 | (code_point & 0x3f));
		return 3;
	}
	bytes_r[0] = (uint8_t)(0xf0 | code_point >> 18);
	bytes_r[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
	bytes_r[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
	bytes_r[3] = (uint8_t)(0x80 | (code_point & 0x3f));
	return 4;
}
