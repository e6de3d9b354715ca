/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A store that is older than what its peers have seen of it: nobody is served
 * before they have said what lives there, and what does is not served at all.
 */
#include "guarding.h"

/* --- who is served ----------------------------------------------- */

static void
an_ordinary_start_asks_and_then_serves(void **state)
{
	(void)state;
	start_again();
	assert_true(move_guard_is_closed(guarding.guard));
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	assert_int_equal(house.reply.retry_after_seconds, 2);
	/* Nor can anybody come in. */
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of("ana"));
	assert_int_equal(send(), SERVICE_UNAVAILABLE);
	assert_int_equal(get(SERVICE_REGION, NULL), SERVICE_DONE);
	assert_int_equal(get(SERVICE_GROUP, NULL), SERVICE_DONE);
	guard_work();
	assert_false(move_guard_is_closed(guarding.guard));
	assert_int_equal(guarding.asked[SG], 1);
	assert_int_equal(guarding.asked[US], 1);
	assert_int_equal(guarding.most, PEERS);
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
	/* Once they have answered they are left alone. */
	house.now_ms += MOVE_DAY_MS;
	guard_work();
	assert_int_equal(guarding.asked[SG], 1);
}

static void
an_ordinary_start_waits_two_seconds_at_most(void **state)
{
	enum move_guard_answer answer;
	struct dom_slice name;

	(void)state;
	guarding.is_silent[SG] = true;
	start_again();
	guard_work();
	/* Each was tried once: that is enough. */
	assert_false(move_guard_is_closed(guarding.guard));
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
	/* And it is asked later. */
	assert_true(guarding.wait_ms > 0 && guarding.wait_ms <= MOVER_WAIT_MS_MAX);
	for (int i = 0; i < 10; i++) {
		house.now_ms += 60 * 1000;
		guard_work();
	}
	assert_int_equal(guarding.asked[SG], 11);
	assert_int_equal(guarding.asked[US], 1);
	assert_true(move_guard_show(guarding.guard, 0, &name, &answer));
	assert_true(dom_slice_is(name, "sg"));
	assert_int_equal(answer, MOVE_GUARD_ASKED);
	guarding.is_silent[SG] = false;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_true(move_guard_show(guarding.guard, 0, &name, &answer));
	assert_int_equal(answer, MOVE_GUARD_ANSWERED);
	assert_false(move_guard_show(guarding.guard, PEERS, &name, &answer));
}

static void
a_restored_store_serves_nobody_before_all_have_answered(void **state)
{
	enum move_guard_answer answer;
	struct dom_slice name;

	(void)state;
	fill_and_back_up();
	live_in_backup(true);
	guarding.is_silent[SG] = true;
	for (int i = 0; i < 5; i++) {
		guard_work();
		assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
		house.now_ms += 60 * 1000;
	}
	assert_true(move_guard_show(guarding.guard, 0, &name, &answer));
	assert_int_equal(answer, MOVE_GUARD_MISSING);
	/* A restart changes nothing, but for who has answered. */
	start_again();
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	/* Neither is anything that it does not understand an answer. */
	guarding.is_silent[SG] = false;
	guarding.status = 409;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	guarding.status = 0;
	guarding.never_ends = true;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	guarding.never_ends = false;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
	/* And from then on it is an ordinary store. */
	guarding.is_silent[SG] = true;
	start_again();
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
}

/* A machine that starts with a clock that is ahead, until it has asked for the time. */
static void
who_has_not_answered_is_asked_again_whatever_the_clock_does(void **state)
{
	(void)state;
	fill_and_back_up();
	live_in_backup(true);
	guarding.is_silent[SG] = true;
	guard_work();
	house.now_ms -= MOVE_DAY_MS;
	guarding.is_silent[SG] = false;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
}

static void
who_is_asked_too_soon_asks_again(void **state)
{
	(void)state;
	start_again();
	dom_buffer_clear(&leaving.body);
	assert_int_equal(peer_asks(WIRE_PEER_STATUS), SERVICE_UNAVAILABLE);
	assert_int_equal(peer_asks(WIRE_PEER_DISCARD), SERVICE_UNAVAILABLE);
	guard_work();
	assert_int_not_equal(peer_asks(WIRE_PEER_STATUS), SERVICE_UNAVAILABLE);
}

static void
the_operator_may_say_that_it_is_right(void **state)
{
	enum move_guard_answer answer;
	struct dom_slice name;

	(void)state;
	fill_and_back_up();
	live_in_backup(true);
	guarding.is_silent[SG] = guarding.is_silent[US] = true;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	assert_int_equal(move_guard_trust(guarding.guard), DOM_OK);
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
	assert_true(move_guard_show(guarding.guard, 0, &name, &answer));
	assert_int_equal(answer, MOVE_GUARD_ASKED);
	start_again();
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
}

static void
no_group_no_guard(void **state)
{
	(void)state;
	house.service.settings.group = NULL;
	start_again();
	assert_false(move_guard_is_closed(guarding.guard));
	assert_int_equal(guard_step(), DOM_ABSENT);
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
}

/* The order is here again, with the days of grace from now on. */
static void
expect_order_kept(void)
{
	struct store_move move = the_move();
	uint8_t digest[WIRE_SUBJECT_SIZE];
	struct wire_statement order;
	struct store_txn *txn;
	int64_t time_ms;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(move_order(txn, &move, house.arena, &order, digest), DOM_OK);
	assert_int_equal(store_region_time(txn, &time_ms), DOM_OK);
	store_read_end(&txn);
	assert_memory_equal(digest, leaving.subject, sizeof(digest));
	assert_int_equal(move.due_ms, time_ms + 7LL * MOVE_DAY_MS);
}

static enum service_code
read_of_bob(void)
{
	ask(SERVICE_COLLECTION_GET, &house.bob);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	return send();
}

static void
what_lives_there_does_not_live_here(void **state)
{
	for (int when = 0; when < 2 * WHENS; when++) {
		struct wire_signed_move freeze, prepare, handoff;

		guarding_fresh(state);
		move_with_backup((enum when)(when / 2), &freeze, &prepare, &handoff);
		others_tell(&handoff, false);
		live_in_backup(when % 2 == 0);
		/* Told of the restore or not: it is not served before. */
		assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
		guard_work();
		assert_false(move_guard_is_closed(guarding.guard));
		if (when / 2 == AFTER) {
			/* It is known, and the target says by itself that it is home. */
			assert_int_equal(the_move().state, WIRE_MOVE_GONE);
			continue;
		}
		expect_gone(2);
		expect_order_kept();
		assert_int_equal(read_of_bob(), SERVICE_DOES_NOT_EXIST);
		/* Another start has nothing to do. */
		start_again();
		guard_work();
		expect_gone(2);
	}
}

static void
a_page_at_a_time_is_as_good(void **state)
{
	struct wire_signed_move freeze, prepare, handoff;

	(void)state;
	move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
	others_tell(&handoff, false);
	for (unsigned i = 0; i < 2; i++) {
		/* Accounts that nobody here has heard of. */
		guarding.homes[guarding.count] = guarding.homes[0];
		guarding.homes[guarding.count].identity[0] ^= 1;
		guarding.homes[guarding.count].number += guarding.count;
		guarding.count++;
	}
	guarding.page = 1;
	live_in_backup(true);
	guard_work();
	assert_int_equal(guarding.asked[SG], 3);
	expect_gone(2);
}

static enum dom_status
run_came_back(struct store_txn *txn, void *context)
{
	return store_account_turn(
	    txn, *(int64_t *)context, STORE_ACCOUNT_HOME, STORE_ACCOUNT_HOME, 3);
}

static void
an_account_that_came_back_lives_here(void **state)
{
	struct wire_signed_move freeze, prepare, handoff;
	int64_t number;

	(void)state;
	move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
	others_tell(&handoff, false);
	live_in_backup(true);
	number = the_account(&house.ana).number;
	assert_int_equal(store_write(house.store, run_came_back, &number), DOM_OK);
	guard_work();
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
}

/* What sg says of a prepare that it has signed itself. */
static struct wire_signed_move
prepare_otherwise(const struct wire_signed_move *prepare, int how)
{
	struct wire_move message;

	assert_int_equal(wire_move_decode(prepare->bytes, &message), DOM_OK);
	message.move[0] ^= how == 7;
	message.epoch += how == 8;
	if (how == 9)
		memcpy(message.account, house.bob.identity_public, sizeof(message.account));
	return sign_move(&message, leaving.sg);
}

/* Nobody takes an account away, or holds it up, by what this region has not signed. */
static void
what_is_not_true_changes_nothing(void **state)
{
	for (int lie = 0; lie < 10; lie++) {
		struct wire_signed_move freeze, prepare, handoff;
		struct wire_move message;

		guarding_fresh(state);
		move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
		assert_int_equal(wire_move_decode(handoff.bytes, &message), DOM_OK);
		switch (lie) {
		case 0: /* by another's key */
			handoff = sign_move(&message, leaving.sg);
			break;
		case 1: /* of another account */
			message.account[0] ^= 1;
			handoff = sign_move(&message, house.service.key);
			break;
		case 2: /* to another region */
			message.target = dom_slice_of("us");
			handoff = sign_move(&message, house.service.key);
			break;
		case 3: /* no hand-off at all */
			handoff = freeze;
			break;
		case 4:
			handoff.bytes.size--;
			break;
		case 5: /* another region's word that it is prepared */
			assert_int_equal(wire_move_decode(prepare.bytes, &message), DOM_OK);
			handoff = sign_move(&message, leaving.us);
			break;
		default: /* that it is prepared for what nobody has ordered like that */
			handoff = prepare_otherwise(&prepare, lie);
			break;
		}
		others_tell(&handoff, lie >= 5);
		if (lie == 6)
			guarding.homes[0].order = dom_slice("", 0);
		if (lie == 9)
			memcpy(guarding.homes[0].identity, house.bob.identity_public, 32);
		live_in_backup(true);
		guard_work();
		assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
		assert_int_equal(the_account(&house.bob).state, STORE_ACCOUNT_HOME);
		assert_int_equal(ask_for_lists(), SERVICE_DONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    GUARDING_CASE(an_ordinary_start_asks_and_then_serves),
	    GUARDING_CASE(an_ordinary_start_waits_two_seconds_at_most),
	    GUARDING_CASE(a_restored_store_serves_nobody_before_all_have_answered),
	    GUARDING_CASE(who_has_not_answered_is_asked_again_whatever_the_clock_does),
	    GUARDING_CASE(who_is_asked_too_soon_asks_again),
	    GUARDING_CASE(the_operator_may_say_that_it_is_right),
	    GUARDING_CASE(no_group_no_guard),
	    GUARDING_CASE(what_lives_there_does_not_live_here),
	    GUARDING_CASE(a_page_at_a_time_is_as_good),
	    GUARDING_CASE(an_account_that_came_back_lives_here),
	    GUARDING_CASE(what_is_not_true_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
