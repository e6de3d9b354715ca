/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Statements and sync tokens, where one meaning has one encoding: whatever is
 * taken encodes to exactly the bytes that came in.  The first byte picks.
 */
#include <assert.h>
#include <stdlib.h>

#include "wire/statement.h"
#include "wire/stoken.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
statement(struct dom_slice bytes)
{
	struct dom_arena *arena = dom_arena_new(1 << 20);
	struct dom_buffer again = {0};
	struct wire_statement it;

	if (arena == NULL)
		abort();
	if (wire_statement_decode(bytes, arena, &it) == DOM_OK) {
		wire_statement_encode(&again, &it);
		assert(dom_buffer_finish(&again) == DOM_OK);
		assert(dom_slice_equal(dom_buffer_slice(&again), bytes));
	}
	dom_buffer_free(&again);
	dom_arena_free(&arena);
}

static void
stoken(struct dom_slice text)
{
	static char again[WIRE_STOKEN_SIZE(WIRE_STOKEN_OWNERS_MAX) + 1];
	static struct wire_stoken it;

	if (wire_stoken_decode(text, &it) != DOM_OK)
		return;
	assert(wire_stoken_encode(&it, again) == DOM_OK);
	assert(dom_slice_is(text, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		statement(dom_slice(data + 1, size - 1));
	else
		stoken(dom_slice(data + 1, size - 1));
	return 0;
}
