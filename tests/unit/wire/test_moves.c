/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bodies about moving come back as they were, and nothing else is taken. */
#include "base/msgpack.h"

#include "wire/etebase.h"
#include "wire/moves.h"

#include "testing.h"

static struct dom_arena *arena;
static struct dom_buffer once, twice;

static const uint8_t sixteen[WIRE_MOVE_ID_SIZE] = {1, 2, 3}, sixty_four[64] = {9};

static int
set_up(void **state)
{
	(void)state;
	arena = dom_arena_new(0);
	return arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_buffer_free(&once);
	dom_buffer_free(&twice);
	dom_arena_free(&arena);
	return 0;
}

static struct wire_signed_move
handoff(void)
{
	return (struct wire_signed_move){.bytes = dom_slice_of("a hand-off"),
	    .signature = dom_slice(sixty_four, sizeof(sixty_four))};
}

/* --- one function for each body: without an input, write the sample ---------------- */

static enum dom_status
moves(struct dom_slice body, struct dom_buffer *out)
{
	struct wire_moves_entry sample[2] = {
	    {.move = dom_slice(sixteen, sizeof(sixteen)),
	        .is_target = true,
	        .state = dom_slice_of("staging"),
	        .source = dom_slice_of("sg"),
	        .target = dom_slice_of("in"),
	        .epoch = 3,
	        .bytes = 1 << 20,
	        .bytes_total = 1LL << 40,
	        .attempts = 2,
	        .started_ms = 1700000000000,
	        .changed_ms = 1700000001000,
	        .why = dom_slice_of("")},
	};
	struct wire_moves_entry *entries = sample;
	size_t count = 2;
	enum dom_status st = DOM_OK;

	sample[1] = sample[0];
	sample[1].is_target = false;
	sample[1].why = dom_slice_of("The name is taken there");
	if (body.data != NULL)
		st = wire_moves_decode(body, arena, &entries, &count);
	if (st == DOM_OK) {
		assert_true(count == 2 && entries[0].is_target && !entries[1].is_target);
		assert_true(entries[0].epoch == 3 && entries[1].bytes_total == 1LL << 40);
		assert_true(dom_slice_is(entries[1].why, "The name is taken there"));
		wire_moves_encode(out, entries, count);
	}
	return st;
}

static enum dom_status
plan(struct dom_slice body, struct dom_buffer *out)
{
	struct wire_move_plan it = {.lets = true,
	    .why = dom_slice_of("in takes nobody"),
	    .bytes = 5,
	    .items = 6,
	    .chunks = 7,
	    .shared = 8,
	    .memberships = 9,
	    .epoch = 10,
	    .grace_min_days = 11,
	    .grace_max_days = 12,
	    .now_ms = 1700000000000};
	enum dom_status st = body.data == NULL ? DOM_OK : wire_move_plan_decode(body, &it);

	if (st == DOM_OK) {
		assert_true(it.lets && !it.takes && it.shared == 8 && it.memberships == 9);
		assert_true(it.grace_min_days == 11 && it.grace_max_days == 12);
		wire_move_plan_encode(out, &it);
	}
	return st;
}

static enum dom_status
room_ask(struct dom_slice body, struct dom_buffer *out)
{
	struct wire_room_ask it = {.username = dom_slice_of("ana"),
	    .email = dom_slice_of("ana@example.org"),
	    .identity = dom_slice(sixty_four, 32),
	    .bytes = 12};
	enum dom_status st = body.data == NULL ? DOM_OK : wire_room_ask_decode(body, &it);

	if (st == DOM_OK) {
		assert_true(dom_slice_is(it.email, "ana@example.org") && it.bytes == 12);
		assert_true(it.identity.size == 32 && it.identity.data[0] == 9);
		wire_room_ask_encode(out, &it);
	}
	return st;
}

static enum dom_status
room(struct dom_slice body, struct dom_buffer *out)
{
	struct wire_room it = {.why = dom_slice_of("The disk is full"), .now_ms = 4};
	enum dom_status st = body.data == NULL ? DOM_OK : wire_room_decode(body, &it);

	if (st == DOM_OK) {
		assert_true(!it.takes && dom_slice_is(it.why, "The disk is full"));
		wire_room_encode(out, &it);
	}
	return st;
}

static enum dom_status
carried(struct dom_slice body, struct dom_buffer *out)
{
	struct wire_signed_move it = handoff();
	enum dom_status st = body.data == NULL ? DOM_OK : wire_handoff_decode(body, &it);

	if (st == DOM_OK) {
		assert_true(dom_slice_is(it.bytes, "a hand-off") && it.signature.size == 64);
		wire_handoff_encode(out, &it);
	}
	return st;
}

static enum dom_status
packed(struct dom_slice body, struct dom_buffer *out)
{
	struct wire_signed_move it = handoff();
	enum dom_status st = body.data == NULL ? DOM_OK : wire_handoff_unpack(body, &it);

	if (st == DOM_OK) {
		assert_true(dom_slice_is(it.bytes, "a hand-off") && it.signature.size == 64);
		wire_handoff_pack(out, &it);
	}
	return st;
}

static enum dom_status
moved(struct dom_slice body, struct dom_buffer *out)
{
	struct wire_moved it = {.detail = dom_slice_of("It lives in now"),
	    .handoff = handoff(),
	    .address = dom_slice_of("https://in.example.org"),
	    .region = dom_slice_of("in")};
	enum dom_status st = body.data == NULL ? DOM_OK : wire_moved_decode(body, &it);

	if (st == DOM_OK) {
		assert_true(dom_slice_is(it.region, "in"));
		assert_true(dom_slice_is(it.handoff.bytes, "a hand-off"));
		wire_moved_encode(out, &it);
	}
	return st;
}

static enum dom_status (*const bodies[])(struct dom_slice body, struct dom_buffer *out) = {
    moves, plan, room_ask, room, carried, packed, moved};

static void
every_body_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		dom_buffer_clear(&once);
		dom_buffer_clear(&twice);
		assert_int_equal(bodies[i](dom_slice(NULL, 0), &once), DOM_OK);
		assert_int_equal(dom_buffer_finish(&once), DOM_OK);
		assert_int_equal(bodies[i](dom_buffer_slice(&once), &twice), DOM_OK);
		assert_true(dom_slice_equal(dom_buffer_slice(&once), dom_buffer_slice(&twice)));
	}
}

static void
every_cut_and_every_byte_too_many_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		dom_buffer_clear(&once);
		assert_int_equal(bodies[i](dom_slice(NULL, 0), &once), DOM_OK);
		for (size_t size = 0; size < once.size; size++) {
			uint8_t *cut = malloc(size + 1); /* a read beyond it is seen */

			assert_non_null(cut);
			memcpy(cut, once.data, size);
			assert_int_equal(bodies[i](dom_slice(cut, size), &twice), DOM_EINPUT);
			free(cut);
		}
		dom_buffer_append(&once, "\xc0", 1);
		assert_int_equal(bodies[i](dom_buffer_slice(&once), &twice), DOM_EINPUT);
	}
}

/* It is an error as any other to who does not know more. */
static void
who_does_not_know_moves_reads_an_error(void **state)
{
	struct wire_error error;

	(void)state;
	dom_buffer_clear(&once);
	assert_int_equal(moved(dom_slice(NULL, 0), &once), DOM_OK);
	wire_error_decode(dom_buffer_slice(&once), arena, &error);
	assert_true(dom_slice_is(error.code, "account_moved"));
	assert_true(dom_slice_is(error.detail, "It lives in now"));
	assert_true(error.is_simple);
}

static void
another_error_is_none_of_a_move(void **state)
{
	struct wire_moved it;

	(void)state;
	dom_buffer_clear(&once);
	wire_error_encode(&once, &(struct wire_error){.code = dom_slice_of("consent_required"),
	                             .detail = dom_slice_of("off"),
	                             .is_simple = true});
	assert_int_equal(wire_moved_decode(dom_buffer_slice(&once), &it), DOM_EINPUT);
}

/* A body that claims more than it may is refused before any of it is kept. */
static void
what_is_over_a_limit_is_refused(void **state)
{
	static struct wire_moves_entry many[WIRE_MOVES_MAX + 1];
	static uint8_t long_bytes[WIRE_MOVE_SIZE_MAX + 1];
	struct wire_moves_entry *entries;
	struct wire_signed_move long_one = handoff();
	size_t count;

	(void)state;
	for (size_t i = 0; i < WIRE_MOVES_MAX + 1; i++)
		many[i] = (struct wire_moves_entry){.move = dom_slice(sixteen, sizeof(sixteen)),
		    .state = dom_slice_of("gone"),
		    .source = dom_slice_of("sg"),
		    .target = dom_slice_of("in"),
		    .why = dom_slice_of("")};
	dom_buffer_clear(&once);
	wire_moves_encode(&once, many, WIRE_MOVES_MAX);
	assert_int_equal(
	    wire_moves_decode(dom_buffer_slice(&once), arena, &entries, &count), DOM_OK);
	assert_int_equal(count, WIRE_MOVES_MAX);
	dom_buffer_clear(&once);
	wire_moves_encode(&once, many, WIRE_MOVES_MAX + 1);
	assert_int_equal(
	    wire_moves_decode(dom_buffer_slice(&once), arena, &entries, &count), DOM_ELIMIT);
	long_one.bytes = dom_slice(long_bytes, sizeof(long_bytes));
	dom_buffer_clear(&once);
	wire_handoff_encode(&once, &long_one);
	assert_int_equal(wire_handoff_decode(dom_buffer_slice(&once), &long_one), DOM_EINPUT);
	long_one.bytes = dom_slice(long_bytes, sizeof(long_bytes));
	dom_buffer_clear(&once);
	wire_handoff_pack(&once, &long_one);
	assert_int_equal(wire_handoff_unpack(dom_buffer_slice(&once), &long_one), DOM_EINPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_body_comes_back),
	    cmocka_unit_test(every_cut_and_every_byte_too_many_is_refused),
	    cmocka_unit_test(who_does_not_know_moves_reads_an_error),
	    cmocka_unit_test(another_error_is_none_of_a_move),
	    cmocka_unit_test(what_is_over_a_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
