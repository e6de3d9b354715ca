/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The source of a move: what proves that the target is home, and what goes then; and every
 * request in every state. */
#include "base/bytes.h"

#include "erasing.h"
#include "leaving.h"

/* --- home there -------------------------------------------------- */

static void
with_another_root(struct wire_statement *ack)
{
	ack->root[0] ^= 1;
}

static void
with_another_epoch(struct wire_statement *ack)
{
	ack->epoch++;
}

static void
of_another_move(struct wire_statement *ack)
{
	ack->move[0] ^= 1;
}

static void
of_another_account(struct wire_statement *ack)
{
	ack->account[0] ^= 1;
}

static void
home_there_is_believed_with_the_proof_alone(void **state)
{
	struct wire_signed_move prepare, handoff, active, forged;
	struct wire_move message;
	int64_t due_ms;

	(void)state;
	accepted();
	handoff = given_away(&prepare);
	active = active_for(&handoff);
	message = answer_to(&handoff, WIRE_MOVE_ACTIVE);
	forged = sign_move(&message, leaving.us);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &forged), SERVICE_PEER_REFUSED);
	message.root[0] ^= 1;
	forged = sign_move(&message, leaving.sg);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &forged), SERVICE_PEER_REFUSED);
	message = answer_to(&prepare, WIRE_MOVE_ACTIVE);
	forged = sign_move(&message, leaving.sg);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &forged), SERVICE_PEER_REFUSED);
	assert_int_equal(status(), WIRE_MOVE_GONE);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &active), SERVICE_DONE);
	assert_int_equal(status(), WIRE_MOVE_LIVES);
	due_ms = the_move().due_ms;
	assert_int_equal(due_ms, house.now_ms + 7LL * MOVE_DAY_MS);
	/* Said again, later: the days of grace do not begin anew. */
	house.now_ms += 1000;
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &active), SERVICE_DONE);
	assert_int_equal(the_move().due_ms, due_ms);
	/* And still the same hand-off for who asks. */
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, &prepare), SERVICE_DONE);
}

static void
an_acknowledgement_is_the_persons_about_this_hand_off(void **state)
{
	static void (*const faults[])(struct wire_statement *) = {
	    with_another_root, with_another_epoch, of_another_move, of_another_account};
	struct wire_signed_move prepare, handoff, active;
	struct dom_slice ack, changed;

	(void)state;
	accepted();
	assert_int_equal(ask_ack(dom_slice_of("nothing")), SERVICE_PEER_REFUSED);
	handoff = given_away(&prepare);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		assert_int_equal(ask_ack(ack_for(&handoff, faults[i])), SERVICE_PEER_REFUSED);
	ack = ack_for(&handoff, NULL);
	for (size_t i = 0; i < ack.size; i += 7) {
		changed = dom_arena_copy(leaving.arena, ack);
		((uint8_t *)(uintptr_t)changed.data)[i] ^= 2;
		assert_int_equal(ask_ack(changed), SERVICE_PEER_REFUSED);
	}
	/* It may come before the target's own word. */
	assert_int_equal(ask_ack(ack), SERVICE_DONE);
	assert_int_equal(ask_ack(ack), SERVICE_DONE);
	assert_int_equal(status(), WIRE_MOVE_GONE);
	active = active_for(&handoff);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &active), SERVICE_DONE);
	assert_int_equal(the_move().due_ms, 0);
}

static enum dom_status
run_time(struct store_txn *txn, void *context)
{
	return store_region_time_set(txn, *(int64_t *)context);
}

/* The receipt, once the keeper has done its work. */
static void
expect_erased(const struct wire_signed_move *handoff)
{
	struct wire_signed_move kept;
	struct wire_receipt receipt;
	struct wire_move given;
	struct store_move move;
	struct store_txn *txn;

	assert_int_equal(status(), WIRE_MOVE_ERASING);
	memory_journal = (struct memory_journal){.stops_after = -1};
	finish_all();
	work();
	move = the_move();
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    move_message(txn, &move, MOVE_MESSAGE_ERASED, leaving.arena, &kept), DOM_OK);
	store_read_end(&txn);
	assert_int_equal(wire_receipt_decode(kept.bytes, &receipt), DOM_OK);
	assert_int_equal(wire_move_decode(handoff->bytes, &given), DOM_OK);
	assert_int_equal(receipt.scope, WIRE_SCOPE_SOURCE);
	assert_memory_equal(receipt.subject, leaving.subject, sizeof(receipt.subject));
	assert_memory_equal(receipt.root, given.root, sizeof(receipt.root));
	/* What is asked then is answered still. */
	assert_int_equal(status(), WIRE_MOVE_ERASING);
	assert_true(dom_slice_equal(leaving.status.handoff.bytes, handoff->bytes));
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of("ana"));
	expect_moved(send());
	assert_int_equal(
	    get(SERVICE_COLLECTION_LIST, &house.ana), SERVICE_AUTHENTICATION_FAILED);
}

static void
what_is_acknowledged_is_erased_here(void **state)
{
	struct wire_signed_move prepare, handoff, active;

	(void)state;
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	accepted();
	handoff = given_away(&prepare);
	work();
	assert_int_equal(status(), WIRE_MOVE_GONE);
	active = active_for(&handoff);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &active), SERVICE_DONE);
	work();
	assert_int_equal(status(), WIRE_MOVE_LIVES);
	assert_int_equal(ask_ack(ack_for(&handoff, NULL)), SERVICE_DONE);
	work();
	expect_erased(&handoff);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &active), SERVICE_DONE);
	assert_int_equal(ask_ack(ack_for(&handoff, NULL)), SERVICE_DONE);
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, &prepare), SERVICE_DONE);
}

/* By the region's own time: a wall clock that jumps ends no grace. */
static void
without_a_word_it_is_erased_after_the_grace(void **state)
{
	struct wire_signed_move prepare, handoff, active;

	(void)state;
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	accepted();
	handoff = given_away(&prepare);
	active = active_for(&handoff);
	assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &active), SERVICE_DONE);
	house.now_ms += 7LL * MOVE_DAY_MS;
	work();
	assert_int_equal(status(), WIRE_MOVE_LIVES);
	house.now_ms -= 1;
	assert_int_equal(store_write(house.store, run_time, &house.now_ms), DOM_OK);
	work();
	assert_int_equal(status(), WIRE_MOVE_LIVES);
	house.now_ms += 1;
	assert_int_equal(store_write(house.store, run_time, &house.now_ms), DOM_OK);
	work();
	expect_erased(&handoff);
}

/* --- everything, everywhere -------------------------------------- */

/* Messages of this move that are as they should be, once there is such a thing. */
static struct {
	struct wire_signed_move freeze, prepare, handoff, active, discard;
	struct dom_slice ack;
} have;

static void
have_discard(void)
{
	struct wire_move discard = {.kind = WIRE_MOVE_DISCARD,
	    .source = dom_slice_of("in"),
	    .target = dom_slice_of("sg"),
	    .epoch = the_move().epoch};

	memcpy(discard.move, leaving.move, sizeof(discard.move));
	memcpy(discard.account, house.ana.identity_public, sizeof(discard.account));
	memcpy(discard.answers, leaving.subject, sizeof(discard.answers));
	have.discard = sign_move(&discard, leaving.sg);
}

/* Bring a new move into this state, as far as it goes; false: it is there already. */
static bool
bring_to(int state)
{
	memset(&have, 0, sizeof(have));
	if (state == WIRE_MOVE_ORDERED) {
		struct wire_statement order = order_of_ana();

		assert_int_equal(order_it(&order), SERVICE_DONE);
	} else {
		accepted();
	}
	have_discard();
	if (state == WIRE_MOVE_CANCELLED)
		assert_int_equal(cancel_it(), SERVICE_DONE);
	if (state == WIRE_MOVE_FROZEN) {
		struct wire_move prepare;

		have.freeze = frozen();
		prepare = answer_to(&have.freeze, WIRE_MOVE_PREPARE);
		have.prepare = sign_move(&prepare, leaving.sg);
	}
	if (state < WIRE_MOVE_GONE || state == WIRE_MOVE_CANCELLED)
		return the_move().state == state;
	have.handoff = given_away(&have.prepare);
	have.active = active_for(&have.handoff);
	have.ack = ack_for(&have.handoff, NULL);
	if (state >= WIRE_MOVE_LIVES)
		assert_int_equal(ask_message(WIRE_PEER_ACTIVE, &have.active), SERVICE_DONE);
	if (state >= WIRE_MOVE_ERASING) {
		assert_int_equal(ask_ack(have.ack), SERVICE_DONE);
		work();
	}
	return the_move().state == state;
}

static void
good_body(enum wire_peer_op op)
{
	const struct wire_peer_chunk chunk = {
	    dom_slice_of(uid('c', 1)), dom_slice_of(uid('k', 1))};
	const struct wire_signed_move nothing = {
	    dom_slice_of("no message"), dom_slice(leaving.subject, 32)};
	const struct wire_signed_move *message = &nothing;

	dom_buffer_clear(&leaving.body);
	switch (op) {
	case WIRE_PEER_RECORDS:
	case WIRE_PEER_FREEZE:
		dom_write_string(&leaving.body, dom_slice("", 0));
		return;
	case WIRE_PEER_CHUNKS:
		wire_peer_chunks_encode(&leaving.body, &chunk, 1);
		return;
	case WIRE_PEER_ACK:
		dom_write_string(&leaving.body, have.ack);
		return;
	case WIRE_PEER_SWITCH:
		message = &have.prepare;
		break;
	case WIRE_PEER_ACTIVE:
		message = &have.active;
		break;
	case WIRE_PEER_DISCARD:
		message = &have.discard;
		break;
	default:
		return;
	}
	wire_peer_message_encode(&leaving.body, message);
}

/* What an operation that is well formed does to the move. */
static int
expected(enum wire_peer_op op, int state)
{
	static const struct {
		enum wire_peer_op op;
		enum move_event event;
	} events[] = {{WIRE_PEER_FREEZE, MOVE_FREEZE}, {WIRE_PEER_SWITCH, MOVE_SWITCH},
	    {WIRE_PEER_ACTIVE, MOVE_ACTIVE}, {WIRE_PEER_ACK, MOVE_ACK},
	    {WIRE_PEER_DISCARD, MOVE_DISCARD}};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i].op == op)
			return move_next(STORE_MOVE_SOURCE, state, events[i].event);
	}
	return state;
}

/* The account is what the move says, always. */
static void
expect_account(int state)
{
	static const int accounts[] = {[WIRE_MOVE_ORDERED] = STORE_ACCOUNT_HOME,
	    [WIRE_MOVE_EXPORTING] = STORE_ACCOUNT_HOME,
	    [WIRE_MOVE_FROZEN] = STORE_ACCOUNT_FROZEN,
	    [WIRE_MOVE_GONE] = STORE_ACCOUNT_GONE,
	    [WIRE_MOVE_LIVES] = STORE_ACCOUNT_GONE,
	    [WIRE_MOVE_CANCELLED] = STORE_ACCOUNT_HOME};

	if (state != WIRE_MOVE_ERASING)
		assert_int_equal(the_account(&house.ana).state, accounts[state]);
}

static void
try_in(int state, enum wire_peer_op op, bool over_a_restart)
{
	struct wire_peer peer = {
	    .from = dom_slice_of("sg"), .to = dom_slice_of("in"), .at_ms = house.now_ms};
	enum service_code code;
	int next;

	/* Nothing, rubbish, and a good one with something after it change nothing. */
	memcpy(peer.move, leaving.move, sizeof(peer.move));
	for (int fault = 0; fault < 3; fault++) {
		good_body(op);
		if (fault == 0)
			dom_buffer_clear(&leaving.body);
		if (fault == 1 && leaving.body.size != 0)
			memset(leaving.body.data, 0xa5, leaving.body.size);
		if (fault == 2)
			dom_write_u8(&leaving.body, 0);
		peer.body = dom_buffer_slice(&leaving.body);
		if (op == WIRE_PEER_STATUS || (fault == 1 && peer.body.size == 0))
			continue;
		assert_int_equal(peer_asks_as(op, &peer, leaving.sg), SERVICE_PEER_REFUSED);
		assert_int_equal(the_move().state, state);
	}
	if (over_a_restart && state != WIRE_MOVE_FROZEN)
		restart();
	good_body(op);
	code = peer_asks(op);
	next = expected(op, state);
	if (next == MOVE_REFUSED)
		assert_true(code == SERVICE_PEER_REFUSED ||
		            (op == WIRE_PEER_FREEZE && code == SERVICE_UNAVAILABLE));
	assert_int_equal(the_move().state, next == MOVE_REFUSED ? state : next);
	expect_account(the_move().state);
	/* And again: the same, or a refusal. */
	state = the_move().state;
	good_body(op);
	code = peer_asks(op);
	if (expected(op, state) == MOVE_REFUSED)
		assert_int_not_equal(code, SERVICE_DONE);
	assert_int_equal(the_move().state,
	    expected(op, state) == MOVE_REFUSED ? state : expected(op, state));
	expect_account(the_move().state);
}

/* Each operation in each state, each of them a move of its own. */
static void
whatever_comes_whenever_does_what_the_table_says(void **state)
{
	static const enum wire_peer_op ops[] = {WIRE_PEER_RECORDS, WIRE_PEER_CHUNKS,
	    WIRE_PEER_FREEZE, WIRE_PEER_STATUS, WIRE_PEER_SWITCH, WIRE_PEER_ACTIVE,
	    WIRE_PEER_ACK, WIRE_PEER_DISCARD};
	static const int states[] = {WIRE_MOVE_ORDERED, WIRE_MOVE_EXPORTING, WIRE_MOVE_FROZEN,
	    WIRE_MOVE_GONE, WIRE_MOVE_LIVES, WIRE_MOVE_ERASING, WIRE_MOVE_CANCELLED};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		for (size_t k = 0; k < sizeof(ops) / sizeof(ops[0]); k++) {
			assert_true(bring_to(states[i]));
			try_in(states[i], ops[k], (i + k) % 2 == 0);
			leaving_tear_down(state);
			assert_int_equal(leaving_set_up(state), 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LEAVING_TEST(home_there_is_believed_with_the_proof_alone),
	    LEAVING_TEST(an_acknowledgement_is_the_persons_about_this_hand_off),
	    LEAVING_TEST(what_is_acknowledged_is_erased_here),
	    LEAVING_TEST(without_a_word_it_is_erased_after_the_grace),
	    LEAVING_TEST(whatever_comes_whenever_does_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
