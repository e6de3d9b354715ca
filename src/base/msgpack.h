/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_MSGPACK_H
#define BASE_MSGPACK_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/buffer.h"

/*
 * MessagePack, bounded and without allocation.
 * Source: the MessagePack specification (msgpack/spec.md), as used in the
 * Etebase protocol, section 2.4: maps with text keys, bin for bytes, str for
 * text, integers of any width.
 *
 * The reader remembers its first failure (DOM_EINPUT) and yields zeros, empty
 * slices and counts of 0 after it, so a decoder checks once, at the end.
 * Slices are borrowed from the input.  It never recurses.
 */
enum dom_pack_type {
	DOM_PACK_END, /* nothing left, or the reader failed */
	DOM_PACK_NIL,
	DOM_PACK_BOOL,
	DOM_PACK_INT,
	DOM_PACK_FLOAT,
	DOM_PACK_STR,
	DOM_PACK_BIN,
	DOM_PACK_ARRAY,
	DOM_PACK_MAP,
	DOM_PACK_EXT,
};

struct dom_pack_reader {
	const uint8_t *at;
	const uint8_t *end;
	enum dom_status failed;
};

/* Values inside one value that dom_pack_skip() passes at most. */
#define DOM_PACK_SKIP_MAX 1000000u

static inline struct dom_pack_reader
dom_pack_reader_over(struct dom_slice bytes)
{
	return (struct dom_pack_reader){
	    .at = bytes.data, .end = bytes.size == 0 ? bytes.data : bytes.data + bytes.size};
}

/* The type of the next value; reads nothing. */
enum dom_pack_type dom_pack_peek(const struct dom_pack_reader *reader);

/* True and read, if the next value is nil. */
bool dom_pack_nil(struct dom_pack_reader *reader);

bool dom_pack_bool(struct dom_pack_reader *reader);
/* Within [least, most], else it fails. */
int64_t dom_pack_int(struct dom_pack_reader *reader, int64_t least, int64_t most);
/* UTF-8 is checked. */
struct dom_slice dom_pack_str(struct dom_pack_reader *reader);
/* bin; str is taken too, as its bytes. */
struct dom_slice dom_pack_bin(struct dom_pack_reader *reader);

/*
 * Number of elements, or of pairs.  Fails if that cannot fit into the bytes
 * that are left, so a count is safe to allocate for.
 */
size_t dom_pack_array(struct dom_pack_reader *reader);
size_t dom_pack_map(struct dom_pack_reader *reader);

/* Pass the next value, whatever it is, with all that it holds. */
void dom_pack_skip(struct dom_pack_reader *reader);

/* Pass the next value; its encoded bytes. */
struct dom_slice dom_pack_raw(struct dom_pack_reader *reader);

/* Fail by hand: a decoder found something that it does not accept. */
void dom_pack_reject(struct dom_pack_reader *reader);

/* DOM_OK, or the first failure; bytes that are left over are one. */
DOM_MUST_CHECK enum dom_status dom_pack_finish(const struct dom_pack_reader *reader);

/* Writers choose the shortest form; failures stick in the buffer. */
void dom_pack_put_nil(struct dom_buffer *buffer);
void dom_pack_put_bool(struct dom_buffer *buffer, bool value);
void dom_pack_put_int(struct dom_buffer *buffer, int64_t value);
void dom_pack_put_str(struct dom_buffer *buffer, struct dom_slice text);
void dom_pack_put_text(struct dom_buffer *buffer, const char *text);
void dom_pack_put_bin(struct dom_buffer *buffer, struct dom_slice bytes);
/* The header only: size bytes follow by other means. */
void dom_pack_put_bin_header(struct dom_buffer *buffer, size_t size);
void dom_pack_put_array(struct dom_buffer *buffer, size_t count);
void dom_pack_put_map(struct dom_buffer *buffer, size_t count);

#endif
