/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Padding hides how long something is (etebase-protocol 6.8). */
#include <assert.h>

#include "crypto/content.h"

enum {
	PADME_SIZE_MIN = 16384, /* shorter content goes to the next KiB */
	SMALL_MASK = 1023,
};

static unsigned
log2_floor(size_t value)
{
	unsigned log = 0;

	while (value >>= 1)
		log++;
	return log;
}

size_t
dom_padding_block(size_t len)
{
	unsigned e, s;
	size_t mask;

	if (len < PADME_SIZE_MIN)
		return (len | SMALL_MASK) + 1;
	e = log2_floor(len);
	s = log2_floor(e) + 1;
	mask = ((size_t)1 << (e - s)) - 1;
	return (len + mask) & ~mask;
}

size_t
dom_padded_size(size_t len)
{
	size_t block = dom_padding_block(len);

	/*
	 * A length that is a block already gets a whole further block from
	 * ISO 7816-4, twice the bytes.  Readers only strip, so pad as if it
	 * were one byte longer.
	 */
	return block == len ? dom_padding_block(len + 1) : block;
}

void
dom_pad(struct dom_buffer *bytes, size_t start, size_t block)
{
	size_t padding;
	uint8_t *at;

	assert(block > 0 && start <= bytes->size);
	padding = block - (bytes->size - start) % block;
	at = dom_buffer_room(bytes, padding);
	if (at == NULL)
		return; /* sticks in the buffer */
	memset(at, 0, padding);
	at[0] = 0x80;
	dom_buffer_grew(bytes, padding);
}

enum dom_status
dom_unpad(struct dom_slice padded, size_t *size_r)
{
	size_t size = padded.size;

	*size_r = 0;
	if (size == 0)
		return DOM_OK;
	/* Authenticated already: how long this takes tells only the key's owner. */
	while (size > 0 && padded.data[size - 1] == 0)
		size--;
	if (size == 0 || padded.data[size - 1] != 0x80)
		return DOM_EINTEGRITY;
	*size_r = size - 1;
	return DOM_OK;
}
