/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_DECODE_H
#define WIRE_DECODE_H

#include "base/arena.h"
#include "base/msgpack.h"

#include "wire/etebase.h"

/*
 * Strict decoding of MessagePack structures by table: a structure is a list of
 * fields, each with a name, a reader and its bounds.  Only wire/ includes this.
 *
 * The first failure sticks and names its place in the wire_reject; every
 * reader does nothing after it.  Nesting is what the tables say, never what
 * the input says.
 */
enum {
	WIRE_DEPTH_MAX = 8,
	WIRE_FIELDS_MAX = 16,
};

/* A place in the input: a field's name, or an element's index if name is NULL. */
struct wire_step {
	const char *name;
	size_t index;
};

struct wire_decoder {
	struct dom_pack_reader in;
	struct dom_arena *arena;    /* NULL: the structure has no arrays */
	struct wire_reject *reject; /* may be NULL */
	struct wire_step path[WIRE_DEPTH_MAX];
	unsigned depth;
	size_t chunk_count, chunk_count_max; /* of all revisions together; max 0: no bound */
	enum dom_status failed;
};

struct wire_field {
	const char *name;
	void (*read)(
	    struct wire_decoder *decoder, const struct wire_field *field, void *target);
	size_t offset;       /* of target in the struct */
	int64_t least, most; /* bytes of a bin or str, or values of an integer */
	bool optional;       /* may be nil or missing: target stays as it is */
};

struct wire_decoder wire_decoder_over(
    struct dom_slice body, struct dom_arena *arena, struct wire_reject *reject);
/* DOM_OK, or the first failure; bytes left over are one. */
DOM_MUST_CHECK enum dom_status wire_decoder_finish(struct wire_decoder *decoder);

/* Fail here; detail goes on "items.0.uid: ...". */
void wire_decoder_fail(
    struct wire_decoder *decoder, enum dom_status status, const char *detail);
/* Fail in the field name of the structure under way. */
void wire_decoder_fail_in(struct wire_decoder *decoder, const char *name, const char *detail);

/* A map into the struct at out. */
void wire_read_map(struct wire_decoder *decoder, const struct wire_field *fields,
    size_t field_count, void *out);

/*
 * An array of at most count_max values (more is DOM_ELIMIT) into the arena,
 * each of element_size in memory and of at least bytes_min in the input.
 */
void *wire_read_array(struct wire_decoder *decoder, size_t element_size, size_t bytes_min,
    size_t count_max, void (*read)(struct wire_decoder *decoder, void *element),
    size_t *count_r);

/* Readers for fields. */
void wire_read_text(struct wire_decoder *decoder, const struct wire_field *field, void *target);
void wire_read_bytes(
    struct wire_decoder *decoder, const struct wire_field *field, void *target);
void wire_read_uid(struct wire_decoder *decoder, const struct wire_field *field, void *target);
void wire_read_bool(struct wire_decoder *decoder, const struct wire_field *field, void *target);
/* Targets int, int64_t and uint64_t. */
void wire_read_int(struct wire_decoder *decoder, const struct wire_field *field, void *target);
void wire_read_int64(
    struct wire_decoder *decoder, const struct wire_field *field, void *target);
void wire_read_uint64(
    struct wire_decoder *decoder, const struct wire_field *field, void *target);

/* The same for an array's element. */
struct dom_slice wire_take_uid(struct wire_decoder *decoder);
struct dom_slice wire_take_bytes(struct wire_decoder *decoder, size_t least, size_t most);

#define WIRE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
