/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/buffer.h"

/*
 * Fixed-order binary encodings: big-endian integers, byte strings with a
 * 32-bit length in front.  The reader remembers its first failure and yields
 * zeros and empty slices after it, so that many fields need one check.
 */
struct dom_reader {
	const uint8_t *at;
	const uint8_t *end;
	enum dom_status failed;
};

static inline struct dom_reader
dom_reader_over(struct dom_slice bytes)
{
	return (struct dom_reader){
	    .at = bytes.data, .end = bytes.size == 0 ? bytes.data : bytes.data + bytes.size};
}

uint8_t dom_read_u8(struct dom_reader *reader);
uint32_t dom_read_u32(struct dom_reader *reader);
uint64_t dom_read_u64(struct dom_reader *reader);
/* size bytes as they stand; borrowed from the input. */
struct dom_slice dom_read_bytes(struct dom_reader *reader, size_t size);
/* A byte string with its length in front, of at most size_max bytes. */
struct dom_slice dom_read_string(struct dom_reader *reader, size_t size_max);

/* DOM_OK, or DOM_EINPUT: too short, over a bound, or bytes are left over. */
DOM_MUST_CHECK enum dom_status dom_reader_finish(const struct dom_reader *reader);

void dom_write_u8(struct dom_buffer *buffer, uint8_t value);
void dom_write_u32(struct dom_buffer *buffer, uint32_t value);
void dom_write_u64(struct dom_buffer *buffer, uint64_t value);
void dom_write_string(struct dom_buffer *buffer, struct dom_slice string);

#endif
