/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Error bodies.  Source: etebase-protocol 3.1; shapes 1 and 2, nothing else is ours. */
#include "wire/decode.h"

enum { ERROR_FIELDS_MAX = 10000 };

void
wire_error_encode(struct dom_buffer *body, const struct wire_error *error)
{
	const struct {
		const char *name;
		struct dom_slice value;
	} ours[] = {
	    {"abort", error->abort},
	    {"signature", error->signature},
	};
	size_t count = error->is_simple ? 2 : 3;

	for (size_t i = 0; i < WIRE_COUNT(ours); i++)
		count += ours[i].value.data != NULL;
	dom_pack_put_map(body, count);
	for (size_t i = 0; i < WIRE_COUNT(ours); i++) {
		if (ours[i].value.data == NULL)
			continue;
		dom_pack_put_text(body, ours[i].name);
		dom_pack_put_bin(body, ours[i].value);
	}
	dom_pack_put_text(body, "code");
	dom_pack_put_str(body, error->code);
	dom_pack_put_text(body, "detail");
	dom_pack_put_str(body, error->detail);
	if (error->is_simple)
		return;
	dom_pack_put_text(body, "errors");
	if (error->error_count == 0) {
		dom_pack_put_nil(body);
		return;
	}
	dom_pack_put_array(body, error->error_count);
	for (size_t i = 0; i < error->error_count; i++) {
		dom_pack_put_map(body, 3);
		dom_pack_put_text(body, "field");
		dom_pack_put_str(body, error->errors[i].field);
		dom_pack_put_text(body, "code");
		dom_pack_put_str(body, error->errors[i].code);
		dom_pack_put_text(body, "detail");
		dom_pack_put_str(body, error->errors[i].detail);
	}
}

/* Other servers put arrays where we look for text (shape 3): those stay empty. */
static void
read_text_if_any(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	if (dom_pack_peek(&decoder->in) == DOM_PACK_STR)
		wire_read_text(decoder, field, target);
	else
		dom_pack_skip(&decoder->in);
}

static void
read_bytes_if_any(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	if (dom_pack_peek(&decoder->in) == DOM_PACK_BIN)
		wire_read_bytes(decoder, field, target);
	else
		dom_pack_skip(&decoder->in);
}

static void
take_error_field(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"field", read_text_if_any, offsetof(struct wire_error_field, field), 0, INT32_MAX,
	        true},
	    {"code", read_text_if_any, offsetof(struct wire_error_field, code), 0, INT32_MAX,
	        true},
	    {"detail", read_text_if_any, offsetof(struct wire_error_field, detail), 0,
	        INT32_MAX, true},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

static void
read_errors(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_error *error = target;

	(void)field;
	error->is_simple = false;
	error->errors = wire_read_array(decoder, sizeof(*error->errors), 1, ERROR_FIELDS_MAX,
	    take_error_field, &error->error_count);
}

enum dom_status
wire_error_decode(struct dom_slice body, struct dom_arena *arena, struct wire_error *error_r)
{
	static const struct wire_field fields[] = {
	    {"code", read_text_if_any, offsetof(struct wire_error, code), 0, INT32_MAX, true},
	    {"detail", read_text_if_any, offsetof(struct wire_error, detail), 0, INT32_MAX,
	        true},
	    {"errors", read_errors, 0, 0, 0, true},
	    {"abort", read_bytes_if_any, offsetof(struct wire_error, abort), 0, INT32_MAX,
	        true},
	    {"signature", read_bytes_if_any, offsetof(struct wire_error, signature), 0,
	        INT32_MAX, true},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);
	enum dom_status st;

	*error_r = (struct wire_error){.is_simple = true};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), error_r);
	if ((st = wire_decoder_finish(&decoder)) != DOM_OK)
		*error_r = (struct wire_error){.is_simple = true};
	return st == DOM_ENOMEM ? st : DOM_OK;
}
