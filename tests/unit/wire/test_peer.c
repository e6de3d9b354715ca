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
	for (int op = WIRE_PEER_OFFER; op <= WIRE_PEER_HOMES; op++) {
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
	struct wire_peer is = sample(WIRE_PEER_CHUNKS), again;
	struct wire_peer_signed message;
	size_t head;

	(void)state;
	encode(&is);
	head = request.size - is.body.size;
	for (size_t size = 0; size < head; size++)
		assert_int_equal(
		    wire_peer_decode(dom_slice(request.data, size), &again), DOM_EINPUT);
	is.op = (enum wire_peer_op)(WIRE_PEER_HOMES + 1);
	encode(&is);
	assert_int_equal(wire_peer_decode(dom_buffer_slice(&request), &again), DOM_EINPUT);
	is = sample(WIRE_PEER_CHUNKS);
	is.from = dom_slice_of("No region");
	encode(&is);
	assert_int_equal(wire_peer_decode(dom_buffer_slice(&request), &again), DOM_EINPUT);
	is = sample(WIRE_PEER_CHUNKS);
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

/* Each body: encode a good one, and decode what is in it and encode that again. */
static const uint8_t signature[64] = {9};
static struct dom_arena *arena;

static struct wire_signed_move
signed_text(const char *text)
{
	return (struct wire_signed_move){
	    dom_slice_of(text), dom_slice(signature, sizeof(signature))};
}

static void
make_offer(void)
{
	wire_peer_offer_encode(&body, &(struct wire_peer_offer){.order = dom_slice_of("order"),
	                                  .name = dom_slice_of("ana"),
	                                  .email = dom_slice_of("ana@example.org"),
	                                  .bytes = 77});
}

static enum dom_status
again_offer(struct dom_slice bytes)
{
	struct wire_peer_offer it;
	enum dom_status st = wire_peer_offer_decode(bytes, &it);

	if (st == DOM_OK)
		wire_peer_offer_encode(&request, &it);
	return st;
}

static struct dom_slice
two_records(void)
{
	static const uint8_t records[] = {0, 0, 0, 1, 'a', 0, 0, 0, 2, 'b', 'c'};

	return dom_slice(records, sizeof(records));
}

static void
make_records(void)
{
	wire_peer_records_encode(&body, &(struct wire_peer_records){.clock = 5,
	                                    .bytes = 6,
	                                    .ended = true,
	                                    .cursor = dom_slice_of("here"),
	                                    .records = two_records()});
}

static enum dom_status
again_records(struct dom_slice bytes)
{
	struct wire_peer_records it;
	enum dom_status st = wire_peer_records_decode(bytes, &it);

	if (st == DOM_OK)
		wire_peer_records_encode(&request, &it);
	return st;
}

static void
make_chunks(void)
{
	const struct wire_peer_chunk chunks[] = {
	    {dom_slice_of("collection"), dom_slice_of("chunk")},
	    {dom_slice_of("collection"), dom_slice_of("another")}};

	wire_peer_chunks_encode(&body, chunks, 2);
}

static enum dom_status
again_chunks(struct dom_slice bytes)
{
	struct wire_peer_chunk *chunks;
	size_t count;
	enum dom_status st = wire_peer_chunks_decode(bytes, arena, &chunks, &count);

	if (st == DOM_OK)
		wire_peer_chunks_encode(&request, chunks, count);
	return st;
}

static void
make_frozen(void)
{
	wire_peer_frozen_encode(
	    &body, &(struct wire_peer_frozen){.freeze = signed_text("freeze"),
	               .cursor = dom_slice_of("there"),
	               .records = two_records()});
}

static enum dom_status
again_frozen(struct dom_slice bytes)
{
	struct wire_peer_frozen it;
	enum dom_status st = wire_peer_frozen_decode(bytes, &it);

	if (st == DOM_OK)
		wire_peer_frozen_encode(&request, &it);
	return st;
}

static void
make_status(void)
{
	wire_peer_status_encode(&body, &(struct wire_peer_status){.state = WIRE_MOVE_GONE,
	                                   .freeze = signed_text("freeze"),
	                                   .handoff = signed_text("hand-off")});
}

static enum dom_status
again_status(struct dom_slice bytes)
{
	struct wire_peer_status it;
	enum dom_status st = wire_peer_status_decode(bytes, &it);

	if (st == DOM_OK)
		wire_peer_status_encode(&request, &it);
	return st;
}

static void
make_message(void)
{
	const struct wire_signed_move message = signed_text("prepare");

	wire_peer_message_encode(&body, &message);
}

static enum dom_status
again_message(struct dom_slice bytes)
{
	struct wire_signed_move it;
	enum dom_status st = wire_peer_message_decode(bytes, &it);

	if (st == DOM_OK)
		wire_peer_message_encode(&request, &it);
	return st;
}

static void
make_homes(void)
{
	const struct wire_peer_home homes[] = {{.number = 1,
	                                           .identity = {1},
	                                           .message = signed_text("one"),
	                                           .order = dom_slice_of("an order")},
	    {.number = 4,
	        .identity = {2},
	        .prepared = true,
	        .message = signed_text("two"),
	        .order = dom_slice_of("another")}};

	wire_peer_homes_encode(&body, true, homes, 2);
}

static enum dom_status
again_homes(struct dom_slice bytes)
{
	struct wire_peer_home *homes;
	bool ended;
	size_t count;
	enum dom_status st = wire_peer_homes_decode(bytes, arena, &ended, &homes, &count);

	if (st == DOM_OK)
		wire_peer_homes_encode(&request, ended, homes, count);
	return st;
}

static const struct {
	void (*make)(void);
	enum dom_status (*again)(struct dom_slice bytes);
	bool is_list; /* what it is cut to may be a shorter list */
} bodies[] = {
    {make_offer, again_offer, false},
    {make_records, again_records, true},
    {make_chunks, again_chunks, false},
    {make_frozen, again_frozen, true},
    {make_status, again_status, false},
    {make_message, again_message, false},
    {make_homes, again_homes, true},
};

static void
every_body_comes_back_and_nothing_else_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		dom_buffer_clear(&body);
		bodies[i].make();
		for (size_t size = 0; size <= body.size; size++) {
			struct dom_slice cut = dom_slice(body.data, size);
			enum dom_status st;

			dom_buffer_clear(&request);
			dom_arena_reset(arena);
			st = bodies[i].again(cut);
			assert_true(st == DOM_OK || st == DOM_EINPUT);
			if (size < body.size && !bodies[i].is_list)
				assert_int_equal(st, DOM_EINPUT);
			if (st == DOM_OK)
				assert_true(dom_slice_equal(dom_buffer_slice(&request), cut));
			if (size == body.size)
				assert_int_equal(st, DOM_OK);
		}
		/* Nothing comes after it. */
		dom_write_u8(&body, 1);
		assert_int_equal(bodies[i].again(dom_buffer_slice(&body)), DOM_EINPUT);
	}
}

static void
bodies_have_bounds(void **state)
{
	struct wire_peer_chunk *chunks;
	struct wire_peer_status status;
	struct dom_slice text;
	size_t count;

	(void)state;
	/* A count that nothing follows takes no memory. */
	for (uint32_t most = 0; most <= 300; most += 100) {
		dom_buffer_clear(&body);
		dom_write_u32(&body, most == 200 ? UINT32_MAX : most);
		assert_int_equal(
		    wire_peer_chunks_decode(dom_buffer_slice(&body), arena, &chunks, &count),
		    DOM_EINPUT);
	}
	dom_buffer_clear(&body);
	wire_peer_status_encode(&body, &(struct wire_peer_status){.state = WIRE_MOVE_STAGING});
	assert_int_equal(wire_peer_status_decode(dom_buffer_slice(&body), &status), DOM_EINPUT);
	dom_buffer_clear(&body);
	dom_write_string(&body, dom_slice_of("cursor"));
	assert_int_equal(
	    wire_peer_string_decode(dom_buffer_slice(&body), 5, &text), DOM_EINPUT);
	assert_int_equal(wire_peer_string_decode(dom_buffer_slice(&body), 6, &text), DOM_OK);
	assert_true(dom_slice_is(text, "cursor"));
}

static void
every_state_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(wire_move_state_name(WIRE_MOVE_ORDERED), "ordered");
	assert_string_equal(wire_move_state_name(WIRE_MOVE_LIVES), "active");
	assert_string_equal(wire_move_state_name(WIRE_MOVE_DISCARDED), "discarded");
	assert_null(wire_move_state_name(WIRE_MOVE_CANCELLED + 1));
	assert_null(wire_move_state_name(-1));
	assert_null(wire_move_state_name(WIRE_MOVE_DISCARDED + 1));
}

static int
set_up(void **state)
{
	(void)state;
	return (arena = dom_arena_new(0)) == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_buffer_free(&request);
	dom_buffer_free(&body);
	dom_arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_operation_comes_back),
	    cmocka_unit_test(what_is_none_is_refused),
	    cmocka_unit_test(every_body_comes_back_and_nothing_else_is_taken),
	    cmocka_unit_test(bodies_have_bounds),
	    cmocka_unit_test(every_state_has_a_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
