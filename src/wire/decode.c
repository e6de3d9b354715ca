/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Structures by table, and where in the input one is wrong. */
#include "wire/decode.h"

#include <assert.h>
#include <stdio.h>

struct wire_decoder
wire_decoder_over(struct dom_slice body, struct dom_arena *arena, struct wire_reject *reject)
{
	if (reject != NULL)
		*reject = (struct wire_reject){0};
	return (struct wire_decoder){
	    .in = dom_pack_reader_over(body), .arena = arena, .reject = reject};
}

static void
path_push(struct wire_decoder *decoder, struct wire_step step)
{
	assert(decoder->depth < WIRE_DEPTH_MAX);
	decoder->path[decoder->depth++] = step;
}

static void
path_pop(struct wire_decoder *decoder)
{
	assert(decoder->depth > 0);
	decoder->depth--;
}

/* "items.0.content.uid"; "body" at the top. */
static void
path_print(const struct wire_decoder *decoder, char *text, size_t size)
{
	size_t at = 0;

	(void)snprintf(text, size, "body");
	for (unsigned i = 0; i < decoder->depth && at < size; i++) {
		const struct wire_step *step = &decoder->path[i];
		const char *dot = i == 0 ? "" : ".";
		int written;

		if (step->name != NULL)
			written = snprintf(text + at, size - at, "%s%s", dot, step->name);
		else
			written = snprintf(text + at, size - at, "%s%zu", dot, step->index);
		if (written < 0)
			return;
		at += (size_t)written;
	}
}

void
wire_decoder_fail(struct wire_decoder *decoder, enum dom_status status, const char *detail)
{
	if (decoder->failed != DOM_OK)
		return;
	decoder->failed = status;
	dom_pack_reject(&decoder->in);
	if (decoder->reject == NULL)
		return;
	path_print(decoder, decoder->reject->field, sizeof(decoder->reject->field));
	(void)snprintf(decoder->reject->detail, sizeof(decoder->reject->detail), "%s", detail);
}

void
wire_decoder_fail_in(struct wire_decoder *decoder, const char *name, const char *detail)
{
	path_push(decoder, (struct wire_step){.name = name});
	wire_decoder_fail(decoder, DOM_EINPUT, detail);
	path_pop(decoder);
}

enum dom_status
wire_decoder_finish(struct wire_decoder *decoder)
{
	if (decoder->failed == DOM_OK && dom_pack_finish(&decoder->in) != DOM_OK)
		wire_decoder_fail(decoder, DOM_EINPUT, "has bytes after its end");
	return decoder->failed;
}

/* The reader failed on its own: the type was right, so the input ends inside of it. */
static void
check_reader(struct wire_decoder *decoder)
{
	if (decoder->in.failed != DOM_OK)
		wire_decoder_fail(decoder, DOM_EINPUT, "is cut short or not MessagePack");
}

static bool
expect(struct wire_decoder *decoder, enum dom_pack_type type, const char *must)
{
	enum dom_pack_type is = dom_pack_peek(&decoder->in);

	if (decoder->failed != DOM_OK)
		return false;
	if (is == type || (type == DOM_PACK_BIN && is == DOM_PACK_STR))
		return true;
	wire_decoder_fail(
	    decoder, DOM_EINPUT, is == DOM_PACK_END ? "is cut short or not MessagePack" : must);
	return false;
}

static const struct wire_field *
field_named(const struct wire_field *fields, size_t field_count, struct dom_slice name)
{
	for (size_t i = 0; i < field_count; i++) {
		if (dom_slice_is(name, fields[i].name))
			return &fields[i];
	}
	return NULL;
}

/* One key with its value. */
static void
read_pair(struct wire_decoder *decoder, const struct wire_field *fields, size_t field_count,
    void *out, bool *seen)
{
	const struct wire_field *field;
	struct dom_slice name;

	if (!expect(decoder, DOM_PACK_STR, "has a key that is not text"))
		return;
	name = dom_pack_str(&decoder->in);
	field = field_named(fields, field_count, name);
	if (field == NULL) {
		dom_pack_skip(&decoder->in);
		check_reader(decoder);
		return;
	}
	path_push(decoder, (struct wire_step){.name = field->name});
	if (seen[field - fields])
		wire_decoder_fail(decoder, DOM_EINPUT, "is there twice");
	seen[field - fields] = true;
	if (!field->optional || !dom_pack_nil(&decoder->in))
		field->read(decoder, field, (char *)out + field->offset);
	check_reader(decoder);
	path_pop(decoder);
}

void
wire_read_map(struct wire_decoder *decoder, const struct wire_field *fields, size_t field_count,
    void *out)
{
	bool seen[WIRE_FIELDS_MAX] = {false};
	size_t count;

	assert(field_count <= WIRE_FIELDS_MAX);
	if (!expect(decoder, DOM_PACK_MAP, "must be a map"))
		return;
	count = dom_pack_map(&decoder->in);
	check_reader(decoder);
	for (size_t i = 0; i < count && decoder->failed == DOM_OK; i++)
		read_pair(decoder, fields, field_count, out, seen);
	for (size_t i = 0; i < field_count && decoder->failed == DOM_OK; i++) {
		if (!seen[i] && !fields[i].optional)
			wire_decoder_fail_in(decoder, fields[i].name, "is missing");
	}
}

void *
wire_read_array(struct wire_decoder *decoder, size_t element_size, size_t bytes_min,
    size_t count_max, void (*read)(struct wire_decoder *decoder, void *element),
    size_t *count_r)
{
	char *elements;
	size_t count;

	*count_r = 0;
	if (!expect(decoder, DOM_PACK_ARRAY, "must be an array"))
		return NULL;
	count = dom_pack_array(&decoder->in);
	if (count > count_max) {
		wire_decoder_fail(decoder, DOM_ELIMIT, "has more entries than are allowed");
		return NULL;
	}
	/* A short input that claims many elements must not take memory for them. */
	if (count * bytes_min > (size_t)(decoder->in.end - decoder->in.at))
		dom_pack_reject(&decoder->in);
	check_reader(decoder);
	if (decoder->failed != DOM_OK)
		return NULL;
	elements = dom_arena_array(decoder->arena, count == 0 ? 1 : count, element_size);
	if (elements == NULL) {
		wire_decoder_fail(decoder, DOM_ENOMEM, "is too large for the memory there is");
		return NULL;
	}
	for (size_t i = 0; i < count && decoder->failed == DOM_OK; i++) {
		path_push(decoder, (struct wire_step){.index = i});
		read(decoder, elements + i * element_size);
		check_reader(decoder);
		path_pop(decoder);
	}
	if (decoder->failed != DOM_OK)
		return NULL;
	*count_r = count;
	return elements;
}

static void
check_size(struct wire_decoder *decoder, size_t size, int64_t least, int64_t most)
{
	char detail[sizeof(((struct wire_reject *)NULL)->detail)];

	if (decoder->failed != DOM_OK || ((int64_t)size >= least && (int64_t)size <= most))
		return;
	if (least == most)
		(void)snprintf(detail, sizeof(detail), "must be %lld bytes long, not %zu",
		    (long long)least, size);
	else
		(void)snprintf(detail, sizeof(detail),
		    "must be %lld to %lld bytes long, not %zu", (long long)least,
		    (long long)most, size);
	wire_decoder_fail(decoder, DOM_EINPUT, detail);
}

void
wire_read_text(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct dom_slice text;

	if (!expect(decoder, DOM_PACK_STR, "must be text"))
		return;
	text = dom_pack_str(&decoder->in);
	if (decoder->in.failed != DOM_OK) {
		wire_decoder_fail(decoder, DOM_EINPUT, "is cut short or not UTF-8");
		return;
	}
	check_size(decoder, text.size, field->least, field->most);
	*(struct dom_slice *)target = text;
}

struct dom_slice
wire_take_bytes(struct wire_decoder *decoder, size_t least, size_t most)
{
	struct dom_slice bytes;

	if (!expect(decoder, DOM_PACK_BIN, "must be bytes"))
		return dom_slice(NULL, 0);
	bytes = dom_pack_bin(&decoder->in);
	check_reader(decoder);
	check_size(decoder, bytes.size, (int64_t)least, (int64_t)most);
	return bytes;
}

void
wire_read_bytes(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	*(struct dom_slice *)target =
	    wire_take_bytes(decoder, (size_t)field->least, (size_t)field->most);
}

bool
wire_uid_valid(struct dom_slice uid)
{
	if (uid.size < 20 || uid.size > 64)
		return false;
	for (size_t i = 0; i < uid.size; i++) {
		uint8_t byte = uid.data[i];

		if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
		        (byte >= '0' && byte <= '9') || byte == '-' || byte == '_'))
			return false;
	}
	return true;
}

struct dom_slice
wire_take_uid(struct wire_decoder *decoder)
{
	struct dom_slice uid;

	if (!expect(decoder, DOM_PACK_STR, "must be text"))
		return dom_slice(NULL, 0);
	uid = dom_pack_str(&decoder->in);
	check_reader(decoder);
	if (decoder->failed == DOM_OK && !wire_uid_valid(uid))
		wire_decoder_fail(decoder, DOM_EINPUT,
		    "must be text of 20 to 64 letters A-Z a-z, digits, \"-\" or \"_\"");
	return uid;
}

void
wire_read_uid(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	(void)field;
	*(struct dom_slice *)target = wire_take_uid(decoder);
}

void
wire_read_bool(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	(void)field;
	if (expect(decoder, DOM_PACK_BOOL, "must be true or false"))
		*(bool *)target = dom_pack_bool(&decoder->in);
}

void
wire_read_int64(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	char detail[sizeof(((struct wire_reject *)NULL)->detail)];

	if (!expect(decoder, DOM_PACK_INT, "must be a whole number"))
		return;
	*(int64_t *)target = dom_pack_int(&decoder->in, field->least, field->most);
	if (decoder->in.failed == DOM_OK)
		return;
	(void)snprintf(detail, sizeof(detail), "must be a whole number from %lld to %lld",
	    (long long)field->least, (long long)field->most);
	wire_decoder_fail(decoder, DOM_EINPUT, detail);
}

void
wire_read_int(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	int64_t value = 0;

	assert(field->least >= INT32_MIN && field->most <= INT32_MAX);
	wire_read_int64(decoder, field, &value);
	*(int *)target = (int)value;
}

void
wire_read_uint64(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	int64_t value = 0;

	assert(field->least >= 0);
	wire_read_int64(decoder, field, &value);
	*(uint64_t *)target = (uint64_t)value;
}
