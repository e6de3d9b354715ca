/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What other apps noted beside an item, from MessagePack to JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/msgpack.h"

#include "cli/json.h"

enum { PAIRS_DEPTH_MAX = 8 };

void
json_bytes(struct json *json, const char *key, struct dom_slice bytes)
{
	char *text = malloc(DOM_BASE64_SIZE(bytes.size) + 1);

	if (text != NULL)
		dom_base64_encode(bytes, text);
	json_text(json, key, text);
	free(text);
}

void
json_hex(struct json *json, const char *key, struct dom_slice bytes)
{
	char *text = malloc(2 * bytes.size + 1);

	if (text != NULL)
		dom_hex_encode(bytes, text);
	json_text(json, key, text);
	free(text);
}

/* A value that JSON has no word for, or that is nested too deep. */
static void
put_opaque(struct json *json, const char *key, struct dom_slice raw)
{
	json_open(json, key, '{');
	json_bytes(json, "msgpack", raw);
	json_close(json);
}

static void
put_number(struct json *json, const char *key, struct dom_slice raw)
{
	struct dom_pack_reader in = dom_pack_reader_over(raw);
	int64_t number = dom_pack_int(&in, INT64_MIN, INT64_MAX);

	if (dom_pack_finish(&in) != DOM_OK)
		put_opaque(json, key, raw);
	else
		json_signed(json, key, number);
}

static void
put_real(struct json *json, const char *key, struct dom_slice raw)
{
	double real = NAN;
	uint64_t bits = 0;

	for (size_t at = 1; at < raw.size; at++)
		bits = bits << 8 | raw.data[at];
	if (raw.size == 9) {
		memcpy(&real, &bits, sizeof(real));
	} else if (raw.size == 5) {
		uint32_t half = (uint32_t)bits;
		float single;

		memcpy(&single, &half, sizeof(single));
		real = (double)single;
	}
	if (isfinite(real))
		json_real(json, key, real);
	else
		put_opaque(json, key, raw);
}

static char *
copy_text(struct dom_slice text)
{
	char *copy = malloc(text.size + 1);

	if (copy != NULL) {
		if (text.size > 0)
			memcpy(copy, text.data, text.size);
		copy[text.size] = '\0';
	}
	return copy;
}

/* One that holds no others. */
static void
put_plain(struct json *json, const char *key, struct dom_slice raw)
{
	struct dom_pack_reader in = dom_pack_reader_over(raw);
	struct dom_slice text;
	char *copy;

	switch (dom_pack_peek(&in)) {
	case DOM_PACK_NIL:
		json_text(json, key, NULL);
		break;
	case DOM_PACK_BOOL:
		json_bool(json, key, dom_pack_bool(&in));
		break;
	case DOM_PACK_INT:
		put_number(json, key, raw);
		break;
	case DOM_PACK_FLOAT:
		put_real(json, key, raw);
		break;
	case DOM_PACK_STR:
		text = dom_pack_str(&in);
		/* Text that is no UTF-8, or ends too early as a C string, stays as bytes. */
		if (dom_pack_finish(&in) != DOM_OK ||
		    (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)) {
			put_opaque(json, key, raw);
			break;
		}
		copy = copy_text(text);
		json_text(json, key, copy);
		free(copy);
		break;
	case DOM_PACK_BIN:
		json_bytes(json, key, dom_pack_bin(&in));
		break;
	default:
		put_opaque(json, key, raw);
		break;
	}
}

/* The name of a pair; anything may be one.  Free it. */
static char *
take_key(struct dom_pack_reader *in)
{
	struct dom_slice raw = dom_pack_raw(in), text;
	struct dom_pack_reader key = dom_pack_reader_over(raw);
	char *name;

	text = dom_pack_str(&key);
	if (dom_pack_finish(&key) == DOM_OK &&
	    (text.size == 0 || memchr(text.data, '\0', text.size) == NULL))
		return copy_text(text);
	name = malloc(DOM_BASE64_SIZE(raw.size) + 1);
	if (name != NULL)
		dom_base64_encode(raw, name);
	return name;
}

void
json_pairs(struct json *json, const char *key, struct dom_slice pairs)
{
	/* left[d]: values that are still to come in the d-th open map or list. */
	size_t left[PAIRS_DEPTH_MAX] = {SIZE_MAX}, depth = 1;
	bool is_map[PAIRS_DEPTH_MAX] = {true};
	struct dom_pack_reader in = dom_pack_reader_over(pairs);

	json_open(json, key, '{');
	while (in.failed == DOM_OK && dom_pack_peek(&in) != DOM_PACK_END) {
		char *name;
		enum dom_pack_type type;

		if (left[depth - 1] == 0) {
			json_close(json);
			depth--;
			continue;
		}
		left[depth - 1]--;
		name = is_map[depth - 1] ? take_key(&in) : NULL;
		type = dom_pack_peek(&in);
		if ((type == DOM_PACK_MAP || type == DOM_PACK_ARRAY) &&
		    depth < PAIRS_DEPTH_MAX) {
			is_map[depth] = type == DOM_PACK_MAP;
			left[depth++] =
			    type == DOM_PACK_MAP ? dom_pack_map(&in) : dom_pack_array(&in);
			json_open(json, name, type == DOM_PACK_MAP ? '{' : '[');
		} else {
			struct dom_slice raw = dom_pack_raw(&in);

			if (in.failed == DOM_OK)
				put_plain(json, name, raw);
		}
		free(name);
	}
	while (depth-- > 0)
		json_close(json);
}
