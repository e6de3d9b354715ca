/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The messages of a move, and the chain that they make. */
#include "wire/move.h"

#include "testing.h"

static struct dom_buffer buffer;

static int
set_up(void **state)
{
	(void)state;
	buffer = (struct dom_buffer){0};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_buffer_free(&buffer);
	return 0;
}

static struct wire_move
message(enum wire_move_kind kind)
{
	return (struct wire_move){.kind = kind,
	    .move = {1},
	    .attempt = {2},
	    .account = {3},
	    .source = dom_slice_of("in"),
	    .target = dom_slice_of("sg"),
	    .epoch = 4,
	    .at_ms = 1700000000000,
	    .answers = {5},
	    .clock = 77,
	    .root = {6},
	    .sum = {1, 2, 3, 4, 5}};
}

static struct dom_slice
encoded(const struct wire_move *move)
{
	dom_buffer_clear(&buffer);
	wire_move_encode(&buffer, move);
	assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
	return dom_buffer_slice(&buffer);
}

static void
every_kind_comes_back_as_it_was(void **state)
{
	(void)state;
	for (int kind = WIRE_MOVE_FREEZE; kind <= WIRE_MOVE_DISCARD; kind++) {
		struct wire_move is = message((enum wire_move_kind)kind), again;
		bool has_state = kind != WIRE_MOVE_ABORT && kind != WIRE_MOVE_DISCARD;

		assert_int_equal(wire_move_decode(encoded(&is), &again), DOM_OK);
		assert_int_equal(again.kind, kind);
		assert_memory_equal(again.move, is.move, sizeof(is.move));
		assert_memory_equal(again.attempt, is.attempt, sizeof(is.attempt));
		assert_memory_equal(again.account, is.account, sizeof(is.account));
		assert_true(dom_slice_is(again.source, "in"));
		assert_true(dom_slice_is(again.target, "sg"));
		assert_int_equal(again.epoch, 4);
		assert_int_equal(again.at_ms, is.at_ms);
		assert_memory_equal(again.answers, is.answers, sizeof(is.answers));
		assert_int_equal(again.clock, has_state ? 77 : 0);
		assert_int_equal(again.root[0], has_state ? 6 : 0);
		assert_int_equal(again.sum.bytes, has_state ? 5 : 0);
	}
}

static void
what_is_short_long_or_senseless_is_refused(void **state)
{
	struct wire_move move = message(WIRE_MOVE_HANDOFF), again;
	struct dom_slice whole = encoded(&move);

	(void)state;
	for (size_t size = 0; size < whole.size; size++)
		assert_int_equal(
		    wire_move_decode(dom_slice(whole.data, size), &again), DOM_EINPUT);
	dom_buffer_append(&buffer, "", 1);
	assert_int_equal(wire_move_decode(dom_buffer_slice(&buffer), &again), DOM_EINPUT);
	move.target = move.source;
	assert_int_equal(wire_move_decode(encoded(&move), &again), DOM_EINPUT);
	move = message(WIRE_MOVE_HANDOFF);
	move.epoch = 0;
	assert_int_equal(wire_move_decode(encoded(&move), &again), DOM_EINPUT);
	move = message(WIRE_MOVE_HANDOFF);
	move.source = dom_slice_of("In");
	assert_int_equal(wire_move_decode(encoded(&move), &again), DOM_EINPUT);
	move = message(WIRE_MOVE_HANDOFF);
	move.at_ms = -1;
	assert_int_equal(wire_move_decode(encoded(&move), &again), DOM_EINPUT);
}

static const uint8_t digest[32] = {5};

static void
a_chain_holds_only_in_order_and_with_one_state(void **state)
{
	struct wire_move freeze = message(WIRE_MOVE_FREEZE),
	                 prepare = message(WIRE_MOVE_PREPARE),
	                 handoff = message(WIRE_MOVE_HANDOFF),
	                 active = message(WIRE_MOVE_ACTIVE), abort = message(WIRE_MOVE_ABORT);

	(void)state;
	handoff.epoch = active.epoch = 5;
	assert_null(wire_move_follows(&freeze, digest, &prepare));
	assert_null(wire_move_follows(&prepare, digest, &handoff));
	assert_null(wire_move_follows(&handoff, digest, &active));
	abort.clock = 0;
	assert_null(wire_move_follows(&freeze, digest, &abort));
	assert_non_null(wire_move_follows(&freeze, digest, &handoff));
	assert_non_null(wire_move_follows(&prepare, digest, &active));
	assert_non_null(wire_move_follows(&handoff, digest, &abort));
	assert_non_null(wire_move_follows(&handoff, digest, &freeze));
}

static void
each_difference_breaks_the_chain(void **state)
{
	const struct wire_move freeze = message(WIRE_MOVE_FREEZE);
	struct wire_move next;

	(void)state;
#define BREAKS(change)                                                                         \
	do {                                                                                   \
		next = message(WIRE_MOVE_PREPARE);                                             \
		assert_null(wire_move_follows(&freeze, digest, &next));                        \
		change;                                                                        \
		assert_non_null(wire_move_follows(&freeze, digest, &next));                    \
	} while (0)
	BREAKS(next.answers[31]++);
	BREAKS(next.move[15]++);
	BREAKS(next.attempt[15]++);
	BREAKS(next.account[31]++);
	BREAKS(next.source = dom_slice_of("de"));
	BREAKS(next.target = dom_slice_of("de"));
	BREAKS(next.epoch++);
	BREAKS(next.clock++);
	BREAKS(next.root[31]++);
	BREAKS(next.sum.collections++);
	BREAKS(next.sum.items++);
	BREAKS(next.sum.revisions++);
	BREAKS(next.sum.chunks++);
	BREAKS(next.sum.bytes++);
#undef BREAKS
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(every_kind_comes_back_as_it_was, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        what_is_short_long_or_senseless_is_refused, set_up, tear_down),
	    cmocka_unit_test(a_chain_holds_only_in_order_and_with_one_state),
	    cmocka_unit_test(each_difference_breaks_the_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
