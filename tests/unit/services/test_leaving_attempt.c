/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The source of a move: freezing, giving away, and what ends an attempt or the move. */
#include "erasing.h"
#include "leaving.h"
#include "services/move/proposal.h"
#include "services/root/root.h"
#include "store/erase.h"

/* --- freezing ---------------------------------------------------- */

static void
expect_root(const struct wire_move *freeze)
{
	struct root_options options = {.scope = WIRE_SCOPE_ACCOUNT,
	    .account = the_account(&house.ana).number,
	    .clock = the_account(&house.ana).clock};
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum;
	struct store_txn *txn;

	memcpy(options.identity_public, house.ana.identity_public, 32);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(root_compute(txn, &options, root, &sum), DOM_OK);
	store_read_end(&txn);
	assert_memory_equal(freeze->root, root, sizeof(root));
	assert_int_equal(freeze->clock, options.clock);
	assert_int_equal(freeze->sum.items, sum.items);
}

static void
a_frozen_account_is_read_and_not_written(void **state)
{
	struct wire_signed_move freeze;
	struct wire_peer_frozen answer;
	struct wire_move message;
	unsigned wakes;

	(void)state;
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	accepted();
	work(); /* the book is warm */
	assert_int_equal(create(&house.ana, 2, "type one"), SERVICE_DONE);
	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_UNAVAILABLE);
	assert_int_equal(house.reply.hold_ms, SERVICE_HOLD_FREEZE_MS);
	assert_true(house.reply.wakes_mover);
	assert_int_equal(status(), WIRE_MOVE_FROZEN);
	assert_int_equal(leaving.status.freeze.bytes.size, 0);
	/* The same again is no new attempt. */
	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_UNAVAILABLE);
	assert_int_equal(the_move().attempts, 1);
	assert_int_equal(create(&house.ana, 3, "type one"), SERVICE_ACCOUNT_FROZEN);
	assert_int_equal(house.reply.hold_ms, SERVICE_HOLD_WRITE_MS);
	assert_int_equal(house.reply.retry_after_seconds, 1);
	assert_int_equal(get(SERVICE_COLLECTION_LIST, &house.ana), SERVICE_DONE);
	wakes = leaving.wakes;
	work();
	assert_true(leaving.wakes > wakes);
	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_DONE);
	assert_int_equal(
	    wire_peer_frozen_decode(dom_buffer_slice(&house.reply.body), &answer), DOM_OK);
	assert_true(answer.complete);
	assert_true(answer.records.size > 100);
	freeze = keep_message(&answer.freeze);
	assert_int_equal(wire_move_decode(freeze.bytes, &message), DOM_OK);
	assert_memory_equal(message.answers, leaving.subject, sizeof(leaving.subject));
	assert_int_equal(message.epoch, 1);
	expect_root(&message);
	/* The same answer, from any cursor, and in the status. */
	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_DONE);
	assert_int_equal(
	    wire_peer_frozen_decode(dom_buffer_slice(&house.reply.body), &answer), DOM_OK);
	assert_true(dom_slice_equal(answer.freeze.bytes, freeze.bytes));
	assert_int_equal(status(), WIRE_MOVE_FROZEN);
	assert_true(dom_slice_equal(leaving.status.freeze.bytes, freeze.bytes));
}

static void
an_attempt_that_takes_too_long_is_aborted(void **state)
{
	struct wire_signed_move freeze, prepare = {0};
	uint8_t before[WIRE_MOVE_ID_SIZE] = {0};
	struct wire_moves_entry *entries;
	struct wire_move message;
	size_t count;

	(void)state;
	accepted();
	for (unsigned attempt = 1; attempt <= MOVE_ATTEMPTS_MAX; attempt++) {
		freeze = frozen();
		/* What was prepared for an attempt before this one. */
		if (attempt > 1) {
			assert_int_equal(
			    ask_message(WIRE_PEER_SWITCH, &prepare), SERVICE_PEER_REFUSED);
			assert_int_equal(
			    wire_move_decode(house.reply.abort.bytes, &message), DOM_OK);
			assert_memory_equal(message.attempt, before, sizeof(before));
		}
		house.now_ms += MOVE_FROZEN_MS_MAX - 1;
		assert_int_equal(answer_step(), DOM_ABSENT);
		assert_int_equal(status(), WIRE_MOVE_FROZEN);
		house.now_ms += 1;
		work();
		assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
		assert_int_equal(the_account(&house.ana).epoch, 1);
		assert_int_equal(create(&house.ana, attempt, "type one"), SERVICE_DONE);
		/* What was prepared for it counts no more, and that is proven. */
		message = answer_to(&freeze, WIRE_MOVE_PREPARE);
		memcpy(before, message.attempt, sizeof(before));
		prepare = sign_move(&message, leaving.sg);
		assert_int_equal(ask_message(WIRE_PEER_SWITCH, &prepare), SERVICE_PEER_REFUSED);
		assert_int_equal(wire_move_decode(house.reply.abort.bytes, &message), DOM_OK);
		assert_int_equal(message.kind, WIRE_MOVE_ABORT);
		if (attempt == MOVE_ATTEMPTS_MAX)
			break;
		assert_int_equal(status(), WIRE_MOVE_EXPORTING);
		house.now_ms += MOVE_ATTEMPT_PAUSE_MS - 1;
		assert_int_equal(
		    ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_UNAVAILABLE);
		assert_int_equal(house.reply.hold_ms, 0);
		assert_int_equal(status(), WIRE_MOVE_EXPORTING);
		house.now_ms += 1;
	}
	assert_int_equal(status(), WIRE_MOVE_CANCELLED);
	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_PEER_REFUSED);
	list_moves(&entries, &count);
	assert_true(dom_slice_is(entries[0].state, "cancelled"));
	assert_true(entries[0].why.size > 10);
	/* An attempt of long ago is still known to be over. */
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, &prepare), SERVICE_PEER_REFUSED);
	assert_non_null(house.reply.abort.bytes.data);
}

static void
a_restart_ends_what_was_frozen_and_nothing_else(void **state)
{
	struct wire_signed_move freeze, prepare, handoff, again;
	struct wire_move message;

	(void)state;
	accepted();
	restart();
	work();
	assert_int_equal(status(), WIRE_MOVE_EXPORTING);
	freeze = frozen();
	restart();
	/* Nothing is lost in between: it is frozen until it is aborted. */
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_ACCOUNT_FROZEN);
	work();
	assert_int_equal(status(), WIRE_MOVE_EXPORTING);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	message = answer_to(&freeze, WIRE_MOVE_PREPARE);
	prepare = sign_move(&message, leaving.sg);
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, &prepare), SERVICE_PEER_REFUSED);
	house.now_ms += MOVE_ATTEMPT_PAUSE_MS;
	handoff = given_away(&prepare);
	restart();
	work();
	assert_int_equal(status(), WIRE_MOVE_GONE);
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, &prepare), SERVICE_DONE);
	assert_int_equal(
	    wire_peer_message_decode(dom_buffer_slice(&house.reply.body), &again), DOM_OK);
	assert_true(dom_slice_equal(again.bytes, handoff.bytes));
}

static void
a_prepare_has_to_be_the_answer_to_this_freeze(void **state)
{
	struct wire_signed_move freeze, forged;
	struct wire_move good, it;

	(void)state;
	accepted();
	freeze = frozen();
	good = answer_to(&freeze, WIRE_MOVE_PREPARE);
	for (int fault = 0; fault < 9; fault++) {
		it = good;
		switch (fault) {
		case 0:
			it.root[3] ^= 1;
			break;
		case 1:
			it.clock++;
			break;
		case 2:
			it.sum.bytes++;
			break;
		case 3:
			it.attempt[0] ^= 1;
			break;
		case 4:
			it.move[0] ^= 1;
			break;
		case 5:
			it.account[0] ^= 1;
			break;
		case 6:
			it.epoch++;
			break;
		case 7:
			it.answers[0] ^= 1;
			break;
		default:
			it.target = dom_slice_of("us");
		}
		forged = sign_move(&it, leaving.sg);
		assert_int_equal(ask_message(WIRE_PEER_SWITCH, &forged), SERVICE_PEER_REFUSED);
	}
	forged = sign_move(&good, leaving.us);
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, &forged), SERVICE_PEER_REFUSED);
	it = good;
	it.kind = WIRE_MOVE_ACTIVE;
	forged = sign_move(&it, leaving.sg);
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, &forged), SERVICE_PEER_REFUSED);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &forged), SERVICE_PEER_REFUSED);
	assert_int_equal(status(), WIRE_MOVE_FROZEN);
	forged = sign_move(&good, leaving.sg);
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, &forged), SERVICE_DONE);
}

/* --- gone -------------------------------------------------------- */

static void
who_has_moved_is_told_where_to(void **state)
{
	struct wire_signed_move prepare;

	(void)state;
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	accepted();
	(void)given_away(&prepare);
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_GONE);
	assert_int_equal(the_account(&house.ana).epoch, 2);
	expect_moved(get(SERVICE_COLLECTION_LIST, &house.ana));
	expect_moved(create(&house.ana, 2, "type one"));
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of("Ana"));
	expect_moved(send());
	/* Whom nobody knows looks like anybody. */
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of("anna"));
	assert_int_equal(send(), SERVICE_DONE);
}

/* Its row is gone: the name is all that is left. */
static enum dom_status
run_removed(struct store_txn *txn, void *context)
{
	return store_account_begin_erase(txn, *(int64_t *)context);
}

static void
who_has_moved_and_is_erased_is_told_by_name(void **state)
{
	struct wire_signed_move prepare;
	int64_t account;

	(void)state;
	accepted();
	(void)given_away(&prepare);
	account = the_move().account;
	assert_int_equal(store_write(house.store, run_removed, &account), DOM_OK);
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of("ANA"));
	expect_moved(send());
}

static void
what_was_shared_is_left_with_a_note(void **state)
{
	int64_t ana, bob;
	struct store_sharing sharing;
	struct store_txn *txn;
	struct store_removed note;

	(void)state;
	turn_on(&house.bob);
	turn_on(&house.cyd);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.bob, 2, "type one"), SERVICE_DONE);
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	join(&house.bob, &house.ana, 2, WIRE_ACCESS_READ_WRITE);
	assert_int_equal(invite(&house.ana, 1, "cyd", 1, 30), SERVICE_DONE);
	assert_int_equal(invite(&house.bob, 2, "cyd", 1, 31), SERVICE_DONE);
	accepted();
	(void)frozen();
	ana = the_account(&house.ana).number;
	bob = the_account(&house.bob).number;
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_account_sharing(txn, ana, &sharing), DOM_OK);
	assert_int_equal(sharing.shared + sharing.memberships, 0);
	assert_int_equal(
	    store_removed_find(txn, bob, dom_slice_of(uid('c', 1)), house.arena, &note),
	    DOM_OK);
	assert_int_equal(
	    store_removed_find(txn, ana, dom_slice_of(uid('c', 2)), house.arena, &note),
	    DOM_OK);
	store_read_end(&txn);
	/* Bob's invitation to Cyd stays, Ana's is gone. */
	assert_int_equal(about_invitation(SERVICE_INCOMING_GET, &house.cyd, 31), SERVICE_DONE);
	assert_int_equal(
	    about_invitation(SERVICE_INCOMING_GET, &house.cyd, 30), SERVICE_DOES_NOT_EXIST);
	/* Who writes to Ana waits; who looks for her after that finds nobody. */
	assert_int_equal(invite(&house.bob, 2, "ana", 1, 32), SERVICE_ACCOUNT_FROZEN);
}

static void
erasing_ends_a_move(void **state)
{
	struct wire_statement erasure;

	(void)state;
	accepted();
	(void)frozen();
	erasure = order_of_ana();
	erasure.kind = WIRE_WITHDRAWAL;
	erasure.service = dom_slice_of("any");
	erasure.erase = true;
	assert_int_equal(state_it(&house.ana, &erasure), SERVICE_DONE);
	assert_int_equal(status(), WIRE_MOVE_CANCELLED);
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
	/* And until it is done none is ordered. */
	erasure = order_of_ana();
	assert_int_equal(order_it(&erasure), SERVICE_MOVE_REFUSED);
}

static void
an_operator_who_erases_ends_a_move(void **state)
{
	struct wire_move abort;

	(void)state;
	accepted();
	(void)frozen();
	assert_int_equal(order_account("ana"), DOM_OK);
	assert_int_equal(status(), WIRE_MOVE_CANCELLED);
	assert_int_equal(wire_move_decode(leaving.status.abort.bytes, &abort), DOM_OK);
	assert_int_equal(ask_cursor(WIRE_PEER_RECORDS, dom_slice("", 0)), SERVICE_PEER_REFUSED);
}

static void
an_order_that_expires_is_over(void **state)
{
	struct wire_statement order;

	(void)state;
	order = order_of_ana();
	assert_int_equal(order_it(&order), SERVICE_DONE);
	house.now_ms = order.expires_ms;
	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_UNAVAILABLE);
	work();
	assert_int_equal(status(), WIRE_MOVE_CANCELLED);
	accepted();
	house.now_ms = the_move().started_ms + 7LL * MOVE_DAY_MS;
	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_PEER_REFUSED);
	assert_int_equal(status(), WIRE_MOVE_CANCELLED);
}

static enum dom_status
run_propose(struct store_txn *txn, void *context)
{
	const struct store_proposal proposal = {.account = *(int64_t *)context,
	    .phase = dom_slice_of("pilot"),
	    .target = dom_slice_of("sg"),
	    .grace_days = 7};

	return proposal_tell(txn, house.arena, &proposal);
}

static enum service_code
decline(void)
{
	ask(SERVICE_PROPOSAL_ANSWER, &house.ana);
	wire_proposal_answer_encode(&house.body, true);
	return send();
}

/* Her turn did not come in time: she need not cancel what is over. */
static void
an_order_that_has_expired_is_no_yes_any_more(void **state)
{
	struct wire_statement order = order_of_ana();
	int64_t number = the_account(&house.ana).number;

	(void)state;
	assert_int_equal(store_write(house.store, run_propose, &number), DOM_OK);
	assert_int_equal(order_it(&order), SERVICE_DONE);
	assert_int_equal(decline(), SERVICE_MOVE_REFUSED);
	house.now_ms = order.expires_ms;
	work();
	assert_int_equal(the_move().state, WIRE_MOVE_CANCELLED);
	assert_int_equal(decline(), SERVICE_DONE);
}

static enum dom_status
run_add_many(struct store_txn *txn, void *context)
{
	struct store_move move = {.side = STORE_MOVE_SOURCE,
	    .state = WIRE_MOVE_LIVES,
	    .open = true,
	    .peer = dom_slice_of("sg"),
	    .name = dom_slice_of("somebody"),
	    .due_ms = INT64_MAX};
	enum dom_status st = DOM_OK;

	(void)context;
	for (int i = 0; st == DOM_OK && i < 500; i++) {
		memcpy(move.id, &i, sizeof(i));
		st = store_move_add(txn, &move, &move.number);
	}
	return st;
}

/* Whoever is frozen waits behind each look, so no look is at all of them. */
static void
orders_are_looked_at_some_at_a_time(void **state)
{
	struct wire_statement order = order_of_ana();
	unsigned looks = 0;

	(void)state;
	assert_int_equal(store_write(house.store, run_add_many, NULL), DOM_OK);
	assert_int_equal(order_it(&order), SERVICE_DONE);
	house.now_ms = order.expires_ms;
	for (; looks < 100 && status() != WIRE_MOVE_CANCELLED; looks++) {
		work();
		house.now_ms += 20;
	}
	assert_in_range(looks, 5, 20);
}

static void
the_target_may_say_that_it_has_dropped_everything(void **state)
{
	struct wire_move discard = {.kind = WIRE_MOVE_DISCARD,
	    .source = dom_slice_of("in"),
	    .target = dom_slice_of("sg"),
	    .epoch = 1};
	struct wire_signed_move message;

	(void)state;
	accepted();
	memcpy(discard.move, leaving.move, sizeof(discard.move));
	memcpy(discard.account, house.ana.identity_public, sizeof(discard.account));
	message = sign_move(&discard, leaving.sg);
	assert_int_equal(ask_message(WIRE_PEER_DISCARD, &message), SERVICE_PEER_REFUSED);
	memcpy(discard.answers, leaving.subject, sizeof(discard.answers));
	message = sign_move(&discard, leaving.us);
	assert_int_equal(ask_message(WIRE_PEER_DISCARD, &message), SERVICE_PEER_REFUSED);
	message = sign_move(&discard, leaving.sg);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask_message(WIRE_PEER_DISCARD, &message), SERVICE_DONE);
		assert_int_equal(status(), WIRE_MOVE_CANCELLED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LEAVING_TEST(a_frozen_account_is_read_and_not_written),
	    LEAVING_TEST(an_attempt_that_takes_too_long_is_aborted),
	    LEAVING_TEST(a_restart_ends_what_was_frozen_and_nothing_else),
	    LEAVING_TEST(a_prepare_has_to_be_the_answer_to_this_freeze),
	    LEAVING_TEST(who_has_moved_is_told_where_to),
	    LEAVING_TEST(who_has_moved_and_is_erased_is_told_by_name),
	    LEAVING_TEST(what_was_shared_is_left_with_a_note),
	    LEAVING_TEST(erasing_ends_a_move),
	    LEAVING_TEST(an_operator_who_erases_ends_a_move),
	    LEAVING_TEST(an_order_that_expires_is_over),
	    LEAVING_TEST(an_order_that_has_expired_is_no_yes_any_more),
	    LEAVING_TEST(orders_are_looked_at_some_at_a_time),
	    LEAVING_TEST(the_target_may_say_that_it_has_dropped_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
