/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where content is cut (etebase-protocol 6.9).  The rolling sum is a function
 * of the last 64 bytes alone: s1 is the sum of (byte + 31) over them, and s2
 * the sum of that weighted by age, plus a constant that the start values
 * bring.  No cut is allowed in the first size_min bytes of a piece, so all of
 * them but the last 63 need not be summed at all: with the byte that follows
 * they replace the whole window, whatever it held.
 */
#include <assert.h>

#include "crypto/content.h"

enum {
	WINDOW = sizeof(((struct dom_rollsum *)NULL)->window),
	OFFSET = 31,
};

const struct dom_split dom_split_etebase = {
    .size_min = 16384, .size_max = 65536, .mask = 0xfff};
const struct dom_split dom_split_large = {
    .size_min = 262144, .size_max = 1048576, .mask = 0x3ffff};

void
dom_rollsum_start(struct dom_rollsum *sum)
{
	*sum = (struct dom_rollsum){
	    .s1 = WINDOW * OFFSET,
	    .s2 = WINDOW * (WINDOW - 1) * OFFSET,
	};
}

static inline void
add(struct dom_rollsum *sum, uint8_t byte)
{
	uint32_t dropped = sum->window[sum->at];

	sum->window[sum->at] = byte;
	sum->at = (sum->at + 1) % WINDOW;
	sum->s1 += byte - dropped;
	sum->s2 += sum->s1 - WINDOW * (dropped + OFFSET);
}

void
dom_rollsum_add(struct dom_rollsum *sum, uint8_t byte)
{
	add(sum, byte);
}

void
dom_splitter_start(struct dom_splitter *splitter, const struct dom_split *split)
{
	assert(split->size_min >= WINDOW && split->size_max >= split->size_min);
	*splitter = (struct dom_splitter){.split = *split};
	dom_rollsum_start(&splitter->sum);
}

size_t
dom_splitter_feed(struct dom_splitter *splitter, struct dom_slice bytes, bool *cut_r)
{
	const struct dom_split *split = &splitter->split;
	size_t unsummed = split->size_min - (WINDOW - 1);
	size_t at = 0;

	*cut_r = false;
	if (splitter->piece_size < unsummed) {
		at = unsummed - splitter->piece_size;
		if (at > bytes.size)
			at = bytes.size;
		splitter->piece_size += at;
	}
	for (; at < bytes.size; at++) {
		/* The byte that a piece ends before is in the sum that ends it. */
		add(&splitter->sum, bytes.data[at]);
		if (splitter->piece_size >= split->size_min &&
		    (splitter->piece_size >= split->size_max ||
		        (splitter->sum.s2 & split->mask) == split->mask)) {
			splitter->piece_size = 0;
			*cut_r = true;
			return at;
		}
		splitter->piece_size++;
	}
	return at;
}
