/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A store that is older than what its peers have seen of it: what one of them is prepared
 * for waits, until that region does not tell of it any more, or has it as its own.
 */
#include "guarding.h"
#include "services/move/guard_parts.h"

/* --- what is prepared there -------------------------------------- */

static enum service_code
write_of_ana(void)
{
	struct wire_item one = item(1, 'a', NULL);

	return put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1);
}

static void
expect_held(const struct wire_signed_move *freeze)
{
	struct wire_move before, abort;
	uint8_t digest[32];

	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_FROZEN);
	assert_int_equal(write_of_ana(), SERVICE_ACCOUNT_FROZEN);
	/* Whoever is prepared and asks is told that it is over. */
	assert_int_equal(status(), WIRE_MOVE_CANCELLED);
	assert_int_equal(wire_move_decode(freeze->bytes, &before), DOM_OK);
	assert_int_equal(wire_move_digest(freeze, digest), DOM_OK);
	assert_int_equal(wire_move_decode(leaving.status.abort.bytes, &abort), DOM_OK);
	assert_int_equal(abort.kind, WIRE_MOVE_ABORT);
	assert_null(wire_move_follows(&before, digest, &abort));
	assert_int_equal(the_move().open, false);
}

static void
what_is_prepared_there_waits_until_it_is_not(void **state)
{
	for (int when = 0; when < AFTER; when++) {
		struct wire_signed_move freeze, prepare, handoff;
		enum move_guard_answer answer;
		struct dom_slice name;

		guarding_fresh(state);
		/* The hand-off was signed, and a device may carry it. */
		move_with_backup((enum when)when, &freeze, &prepare, &handoff);
		others_tell(&prepare, true);
		live_in_backup(true);
		guard_work();
		/* The others are served. */
		assert_false(move_guard_is_closed(guarding.guard));
		assert_true(move_guard_show(guarding.guard, 0, &name, &answer));
		assert_int_equal(answer, MOVE_GUARD_HOLDS);
		expect_held(&freeze);
		/* However long it takes, also over restarts. */
		for (int i = 0; i < 3; i++) {
			house.now_ms += 60 * 1000;
			guard_work();
			expect_held(&freeze);
		}
		start_again();
		guard_work();
		expect_held(&freeze);
		/* It has heard that the attempt is over. */
		guarding.count = 0;
		house.now_ms += 60 * 1000;
		guard_work();
		assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
		assert_int_equal(write_of_ana(), SERVICE_DONE);
		assert_true(move_guard_show(guarding.guard, 0, &name, &answer));
		assert_int_equal(answer, MOVE_GUARD_ANSWERED);
	}
}

/* Years ago she wanted to move to another region, and did not. */
static void
who_waits_for_one_region_is_not_served_for_another(void **state)
{
	struct wire_statement order = order_of_ana();
	struct wire_signed_move freeze, prepare, handoff;

	(void)state;
	house.service.settings.group->regions[2].flags = WIRE_REGION_TAKES;
	order.target = dom_slice_of("us");
	assert_int_equal(order_it(&order), SERVICE_DONE);
	assert_int_equal(cancel_it(), SERVICE_DONE);
	move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
	others_tell(&prepare, true);
	live_in_backup(true);
	guard_work();
	expect_held(&freeze);
	/* It answers once more than the one that she waits for. */
	start_again();
	guarding.is_silent[SG] = true;
	guard_work();
	expect_held(&freeze);
	guarding.is_silent[SG] = false;
	guarding.count = 0;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(write_of_ana(), SERVICE_DONE);
}

static void
a_region_cannot_make_up_moves_without_end(void **state)
{
	struct wire_signed_move freeze, prepare, handoff;
	struct guard_peer *peer;

	(void)state;
	move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
	others_tell(&prepare, true);
	/* The same again and again is one. */
	for (unsigned i = 1; i < 4; i++) {
		guarding.homes[i] = guarding.homes[0];
		guarding.homes[i].number += i;
		guarding.count++;
	}
	guarding.never_ends = true;
	live_in_backup(true);
	guard_work();
	peer = &guarding.guard->peers[SG];
	assert_int_equal(peer->prepared_count, 1);
	/* It has told of so many others before. */
	live_in_backup(true);
	peer = &guarding.guard->peers[SG];
	peer->prepared = calloc(1024, sizeof(*peer->prepared));
	assert_non_null(peer->prepared);
	peer->prepared_count = peer->prepared_room = 1024;
	guarding.never_ends = false;
	guard_work();
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
	/* The operator takes it out of the group, or goes on without it. */
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	assert_int_equal(move_guard_trust(guarding.guard), DOM_OK);
	assert_int_equal(write_of_ana(), SERVICE_DONE);
}

static void
or_until_it_lives_there(void **state)
{
	struct wire_signed_move freeze, prepare, handoff;

	(void)state;
	move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
	others_tell(&prepare, true);
	live_in_backup(true);
	guard_work();
	expect_held(&freeze);
	/* The device was faster. */
	guarding.homes[0].prepared = false;
	guarding.homes[0].message = handoff;
	house.now_ms += 60 * 1000;
	guard_work();
	expect_gone(2);
}

static void
the_operator_may_end_that_waiting(void **state)
{
	struct wire_signed_move freeze, prepare, handoff;

	(void)state;
	move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
	others_tell(&prepare, true);
	live_in_backup(true);
	guard_work();
	expect_held(&freeze);
	assert_int_equal(move_guard_trust(guarding.guard), DOM_OK);
	assert_int_equal(write_of_ana(), SERVICE_DONE);
	/* And it does not begin again. */
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
	start_again();
	guard_work();
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
}

/* A restart in the middle of a move is no restore. */
static void
a_move_that_is_known_goes_on(void **state)
{
	struct wire_signed_move freeze, prepare;

	(void)state;
	accepted();
	freeze = frozen();
	prepare = prepare_of(&freeze);
	others_tell(&prepare, true);
	start_again();
	guard_work();
	assert_int_equal(the_move().state, WIRE_MOVE_FROZEN);
	assert_int_equal(the_move().attempts, 1);
}

/* Nobody told of a restore, but a region is prepared for a move that is not known. */
static void
one_that_is_not_known_waits_without_a_restore(void **state)
{
	struct wire_signed_move freeze, prepare, handoff;

	(void)state;
	move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
	others_tell(&prepare, true);
	live_in_backup(false);
	guard_work();
	expect_held(&freeze);
	guarding.count = 0;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(write_of_ana(), SERVICE_DONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    GUARDING_CASE(what_is_prepared_there_waits_until_it_is_not),
	    GUARDING_CASE(who_waits_for_one_region_is_not_served_for_another),
	    GUARDING_CASE(a_region_cannot_make_up_moves_without_end),
	    GUARDING_CASE(or_until_it_lives_there),
	    GUARDING_CASE(the_operator_may_end_that_waiting),
	    GUARDING_CASE(a_move_that_is_known_goes_on),
	    GUARDING_CASE(one_that_is_not_known_waits_without_a_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
