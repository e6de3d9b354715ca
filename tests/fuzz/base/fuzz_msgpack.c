/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The MessagePack reader over any bytes.  It must end, stay inside its input,
 * and agree with itself: what it reads value by value is what
 * dom_pack_skip() passes, and what the writer makes of it reads back equal.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/msgpack.h"
#include "base/utf8.h"

enum { VALUES_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read one value and write it again; false when the reader failed. */
static bool
copy_value(struct dom_pack_reader *in, struct dom_buffer *out)
{
	const uint8_t *before = in->at;
	struct dom_slice bytes;

	switch (dom_pack_peek(in)) {
	case DOM_PACK_NIL:
		if (!dom_pack_nil(in))
			abort();
		dom_pack_put_nil(out);
		break;
	case DOM_PACK_BOOL:
		dom_pack_put_bool(out, dom_pack_bool(in));
		break;
	case DOM_PACK_INT:
		dom_pack_put_int(out, dom_pack_int(in, INT64_MIN, INT64_MAX));
		break;
	case DOM_PACK_STR:
		bytes = dom_pack_str(in);
		if (in->failed == DOM_OK && !dom_utf8_valid(bytes))
			abort();
		dom_pack_put_str(out, bytes);
		break;
	case DOM_PACK_BIN:
		dom_pack_put_bin(out, dom_pack_bin(in));
		break;
	case DOM_PACK_ARRAY:
		dom_pack_put_array(out, dom_pack_array(in));
		break;
	case DOM_PACK_MAP:
		dom_pack_put_map(out, dom_pack_map(in));
		break;
	case DOM_PACK_FLOAT:
	case DOM_PACK_EXT:
		bytes = dom_pack_raw(in);
		dom_buffer_append_slice(out, bytes);
		break;
	case DOM_PACK_END:
		return false;
	}
	assert(in->at <= in->end);
	assert(in->failed != DOM_OK || in->at > before);
	return in->failed == DOM_OK;
}

/* Nothing but whole values: every array and map has all that it promises. */
static bool
is_complete(struct dom_slice input)
{
	struct dom_pack_reader in = dom_pack_reader_over(input);

	while (in.failed == DOM_OK && in.at != in.end)
		dom_pack_skip(&in);
	return dom_pack_finish(&in) == DOM_OK;
}

static void
copy_and_copy_again(struct dom_slice input)
{
	struct dom_pack_reader in = dom_pack_reader_over(input);
	struct dom_buffer once = {0}, twice = {0};
	unsigned values = 0;

	while (values < VALUES_MAX && in.at != in.end && copy_value(&in, &once))
		values++;
	/* Without is_complete() a count can outgrow the shorter copy, rightly refused. */
	if (in.failed == DOM_OK && in.at == in.end && is_complete(input)) {
		struct dom_pack_reader again = dom_pack_reader_over(dom_buffer_slice(&once));

		assert(dom_buffer_finish(&once) == DOM_OK);
		for (unsigned i = 0; i < values; i++)
			assert(copy_value(&again, &twice));
		assert(dom_pack_finish(&again) == DOM_OK);
		assert(dom_slice_equal(dom_buffer_slice(&once), dom_buffer_slice(&twice)));
	}
	dom_buffer_free(&once);
	dom_buffer_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dom_pack_reader whole = dom_pack_reader_over(dom_slice(data, size));
	struct dom_slice raw = dom_pack_raw(&whole);

	assert(raw.size <= size);
	if (dom_pack_finish(&whole) == DOM_OK)
		assert(raw.data == data && raw.size == size);
	copy_and_copy_again(dom_slice(data, size));
	return 0;
}
