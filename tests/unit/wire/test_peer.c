/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests between regions come back as they were, and nothing else is taken. */
#include "base/bytes.h"

#include "wire/peer.h"

#include "testing.h"

static struct dom_buffer request, body;

static struct wire_peer
sample(enum wire_peer_op op)
{
	return (struct wire_peer){.op = op,
	    .from = dom_slice_of("sg"),
	    .to = dom_slice_of("in"),
	    .move = {1, 2},
	    .at_ms = 1700000000000,
	    .body = dom_slice_of("what it needs")};
}

static void
encode(const struct wire_peer *peer)
{
	dom_buffer_clear(&request);
	wire_peer_encode(&request, peer);
	assert_int_equal(dom_buffer_finish(&request), DOM_OK);
}

static void
every_operation_comes_back(void **state)
{
	(void)state;
	for (int op = WIRE_PEER_OFFER; op <= WIRE_PEER_DISCARD; op++) {
		struct wire_peer is = sample((enum wire_peer_op)op), again;

		encode(&is);
		assert_int_equal(wire_peer_decode(dom_buffer_slice(&request), &again), DOM_OK);
		assert_int_equal(again.op, op);
		assert_true(dom_slice_is(again.from, "sg") && dom_slice_is(again.to, "in"));
		assert_memory_equal(again.move, is.move, sizeof(is.move));
		assert_int_equal(again.at_ms, is.at_ms);
		assert_true(dom_slice_is(again.body, "what it needs"));
	}
}

static void
what_is_none_is_refused(void **state)
{
	struct wire_peer is = sample(WIRE_PEER_CHUNK), again;
	struct wire_peer_signed message;
	size_t head;

	(void)state;
	encode(&is);
	head = request.size - is.body.size;
	for (size_t size = 0; size < head; size++)
		assert_int_equal(
		    wire_peer_decode(dom_slice(request.data, size), &again), DOM_EINPUT);
	is.op = (enum wire_peer_op)10;
	encode(&is);
	assert_int_equal(wire_peer_decode(dom_buffer_slice(&request), &again), DOM_EINPUT);
	is = sample(WIRE_PEER_CHUNK);
	is.from = dom_slice_of("No region");
	encode(&is);
	assert_int_equal(wire_peer_decode(dom_buffer_slice(&request), &again), DOM_EINPUT);
	is = sample(WIRE_PEER_CHUNK);
	is.at_ms = -1;
	encode(&is);
	assert_int_equal(wire_peer_decode(dom_buffer_slice(&request), &again), DOM_EINPUT);
	/* A signature has 64 bytes, and nothing comes after it. */
	for (size_t size = 0; size < 70; size++) {
		static const uint8_t signature[70];

		dom_buffer_clear(&body);
		dom_write_string(&body, dom_slice_of("request"));
		dom_buffer_append(&body, signature, size);
		assert_int_equal(wire_peer_signed_decode(dom_buffer_slice(&body), &message),
		    size == 64 ? DOM_OK : DOM_EINPUT);
	}
}

static int
tear_down(void **state)
{
	(void)state;
	dom_buffer_free(&request);
	dom_buffer_free(&body);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_operation_comes_back),
	    cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
