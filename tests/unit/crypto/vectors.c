/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading the vector file, value by value, and replaying its randomness. */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/arena.h"
#include "base/encode.h"

static struct dom_arena *
arena(void)
{
	static struct dom_arena *all;

	if (all == NULL)
		all = dom_arena_new(0);
	assert_non_null(all);
	return all;
}

json_t *
vectors_crypto(void)
{
	static json_t *root;

	if (root == NULL) {
		const char *path = getenv("DOMICILE_VECTORS");
		json_error_t error;

		assert_non_null(path);
		root = json_load_file(path, 0, &error);
		if (root == NULL)
			fail_msg("%s:%d: %s", path, error.line, error.text);
	}
	return inside(root, "crypto");
}

json_t *
inside(json_t *parent, const char *key)
{
	json_t *value = json_object_get(parent, key);

	if (value == NULL)
		fail_msg("the vectors have no \"%s\" here", key);
	return value;
}

bool
has(json_t *parent, const char *key)
{
	return json_object_get(parent, key) != NULL;
}

struct dom_slice
from_hex(const char *text)
{
	size_t capacity = strlen(text) / 2 + 1, size;
	uint8_t *data = dom_arena_take(arena(), capacity);

	assert_non_null(data);
	assert_ok(dom_hex_decode(dom_slice_of(text), data, capacity, &size));
	return dom_slice(data, size);
}

struct dom_slice
from_b64(const char *text)
{
	size_t capacity = strlen(text) + 1, size;
	uint8_t *data = dom_arena_take(arena(), capacity);

	assert_non_null(data);
	assert_ok(dom_base64_decode(dom_slice_of(text), data, capacity, &size));
	return dom_slice(data, size);
}

struct dom_slice
from_seed(struct dom_slice seed, size_t size)
{
	uint8_t *data = dom_arena_take(arena(), size);

	assert_non_null(data);
	assert_int_equal(seed.size, randombytes_SEEDBYTES);
	randombytes_buf_deterministic(data, size, seed.data);
	return dom_slice(data, size);
}

struct dom_slice
filled(uint8_t byte, size_t size)
{
	uint8_t *data = dom_arena_take(arena(), size + 1);

	assert_non_null(data);
	memset(data, byte, size);
	return dom_slice(data, size);
}

struct dom_slice
joined(struct dom_slice a, struct dom_slice b)
{
	uint8_t *data = dom_arena_take(arena(), a.size + b.size + 1);

	assert_non_null(data);
	if (a.size != 0)
		memcpy(data, a.data, a.size);
	if (b.size != 0)
		memcpy(data + a.size, b.data, b.size);
	return dom_slice(data, a.size + b.size);
}

struct dom_slice
part(struct dom_slice whole, size_t at, size_t size)
{
	assert_true(at <= whole.size && size <= whole.size - at);
	return dom_slice(whole.data + at, size);
}

struct dom_slice
peek_hex(json_t *parent, const char *key)
{
	const char *text = json_string_value(inside(parent, key));

	if (text == NULL)
		fail_msg("\"%s\" is not text", key);
	return from_hex(text);
}

struct dom_slice
take_hex(json_t *parent, const char *key)
{
	struct dom_slice value = peek_hex(parent, key);

	json_object_del(parent, key);
	return value;
}

struct dom_slice
take_text(json_t *parent, const char *key)
{
	json_t *value = inside(parent, key);
	struct dom_slice text;

	if (!json_is_string(value))
		fail_msg("\"%s\" is not text", key);
	text = dom_arena_copy(
	    arena(), dom_slice(json_string_value(value), json_string_length(value)));
	assert_non_null(text.data);
	json_object_del(parent, key);
	return text;
}

struct dom_slice
take_b64(json_t *parent, const char *key)
{
	return from_b64((const char *)take_text(parent, key).data);
}

long long
take_int(json_t *parent, const char *key)
{
	json_t *value = inside(parent, key);
	long long number = json_integer_value(value);

	if (!json_is_integer(value))
		fail_msg("\"%s\" is not a number", key);
	json_object_del(parent, key);
	return number;
}

bool
take_bool(json_t *parent, const char *key)
{
	json_t *value = inside(parent, key);
	bool yes = json_is_true(value);

	if (!json_is_boolean(value))
		fail_msg("\"%s\" is not true or false", key);
	json_object_del(parent, key);
	return yes;
}

json_t *
take_list(json_t *parent, const char *key)
{
	json_t *list = json_incref(inside(parent, key));

	if (!json_is_array(list))
		fail_msg("\"%s\" is not a list", key);
	json_object_del(parent, key);
	return list;
}

void
take_note(json_t *parent, const char *key)
{
	inside(parent, key);
	json_object_del(parent, key);
}

static void
script_fill(void *context, void *data, size_t size)
{
	struct script *script = context;

	if (size > script->left.size)
		fail_msg("more randomness asked for than was recorded");
	memcpy(data, script->left.data, size);
	script->left = part(script->left, size, script->left.size - size);
}

struct dom_random
script_random(struct script *script, struct dom_slice bytes)
{
	script->left = bytes;
	return (struct dom_random){.fill = script_fill, .context = script};
}

void
script_finish(const struct script *script)
{
	assert_int_equal(script->left.size, 0);
}
