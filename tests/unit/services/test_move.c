/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An account moves between two regions while its owner writes, messages are lost, repeated and
 * late, and both regions crash after any step: nothing that was acknowledged is missing, and
 * never are there two homes.
 */
#include "base/encode.h"

#include "wire/certificate.h"
#include "wire/moves.h"

#include "move_pair.h"
#include "services/move/served.h"

/* --- writing meanwhile ---------------------------------------------------- */

static unsigned written, acked;

/* Where it is at home, if anywhere; what was taken is counted. */
static void
write_one_more(void)
{
	int at = pair.at;

	for (int region = 0; region < PAIR_REGIONS; region++) {
		struct wire_item one;

		if (account_state(region) != STORE_ACCOUNT_HOME)
			continue;
		be(region);
		if (house.ana.token[0] == '\0' && log_in(&house.ana) != SERVICE_DONE)
			continue;
		one = item(1000 + written, 'w', NULL);
		written++;
		if (put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1) == SERVICE_DONE)
			acked++;
	}
	be(at);
}

static unsigned
written_items(int region)
{
	unsigned count = 0;
	int at = pair.at;

	be(region);
	house.request.limit = 1000;
	list_items(&house.ana, 1, NULL);
	for (size_t i = 0; i < house.list.count; i++)
		count += house.list.items[i].content.uid.data[0] == 'w';
	be(at);
	return count;
}

static void
start(void)
{
	written = acked = 0;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
}

static void
assert_arrived(int region)
{
	be(region);
	assert_int_equal(account_state(region), STORE_ACCOUNT_HOME);
	assert_int_equal(homes(), 1);
	if (house.ana.token[0] == '\0')
		assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	assert_int_equal(written_items(region), acked);
}

/* --- the whole way ---------------------------------------------------- */

static void
an_account_moves_and_nothing_is_missing(void **state)
{
	uint8_t before[32], after[32];
	struct wire_erased sum;
	char stoken[sizeof(house.stoken)];

	(void)state;
	start();
	list_items(&house.ana, 1, NULL);
	memcpy(stoken, house.stoken, sizeof(stoken));
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_int_equal(account_state(0), STORE_ACCOUNT_GONE);
	root_at(0, before, &sum);
	root_at(1, after, &sum);
	assert_memory_equal(before, after, sizeof(before));
	assert_arrived(1);
	/* The token that the other region gave still says where this device is. */
	list_items(&house.ana, 1, stoken);
	assert_int_equal(house.list.count, 0);
	write_items(1, 50, 1, 'n');
	list_items(&house.ana, 1, stoken);
	assert_int_equal(house.list.count, 1);
	/* A device has looked, so the source erases its copy. */
	assert_int_equal(acknowledge(2), SERVICE_DONE);
	pair_run_until(0, WIRE_MOVE_ERASED);
	pair_run_until(1, WIRE_MOVE_SETTLED);
	assert_int_equal(account_state(0), -1);
}

/* What is asked of this region, by Ana, about this move. */
static enum service_code
ask_certificate(const struct person *person, const uint8_t move[16])
{
	static char hex[33];

	dom_hex_encode(dom_slice(move, 16), hex);
	ask(SERVICE_MOVE_CERTIFICATE, person);
	house.request.move_id = dom_slice_of(hex);
	return send();
}

static void
expect_certificate(bool has_ack, bool has_erased)
{
	struct wire_certificate_view view;
	struct store_move move = the_move(1);
	const char *why = "";

	assert_int_equal(ask_certificate(&house.ana, move.id), SERVICE_DONE);
	assert_true(house.reply.body_is_raw);
	if (wire_certificate_check(dom_buffer_slice(&house.reply.body),
	        dom_slice(pair.group.key, 32), house.arena, &view, &why) != DOM_OK)
		fail_msg("%s", why);
	assert_int_equal(view.has_ack, has_ack);
	assert_int_equal(view.has_erased, has_erased);
}

static void
a_certificate_is_complete_as_far_as_the_move_is(void **state)
{
	struct store_move move;
	uint8_t id[16];

	(void)state;
	start();
	pair_run_until(1, WIRE_MOVE_HOME);
	be(1);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	expect_certificate(false, false);
	/* Nobody else's, and of no other move. */
	move = the_move(1);
	sign_up(&house.bob);
	assert_int_equal(ask_certificate(&house.bob, move.id), SERVICE_DOES_NOT_EXIST);
	memcpy(id, move.id, sizeof(id));
	id[15] ^= 1;
	assert_int_equal(ask_certificate(&house.ana, id), SERVICE_DOES_NOT_EXIST);
	/* What a device acknowledges has to be what was handed over. */
	assert_int_equal(acknowledge(3), SERVICE_MOVE_REFUSED);
	assert_int_equal(acknowledge(1), SERVICE_MOVE_REFUSED);
	expect_certificate(false, false);
	assert_int_equal(acknowledge(2), SERVICE_DONE);
	expect_certificate(true, false);
	pair_run_until(1, WIRE_MOVE_SETTLED);
	be(1);
	expect_certificate(true, true);
}

static enum dom_status
run_quota(struct store_txn *txn, void *context)
{
	return store_account_set_quota(txn, *(int64_t *)context, 1LL << 60);
}

static void
what_it_may_have_is_the_new_regions_to_say(void **state)
{
	struct store_usage usage;
	struct store_txn *txn;
	int64_t account;

	(void)state;
	start();
	be(0);
	account = the_move(0).account;
	assert_int_equal(store_write(house.store, run_quota, &account), DOM_OK);
	pair_run_until(1, WIRE_MOVE_HOME);
	be(1);
	account = the_move(1).account;
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_account_usage(txn, account, &usage), DOM_OK);
	store_read_end(&txn);
	assert_int_equal(usage.quota_bytes, -1);
}

static void
its_owner_writes_between_any_two_steps(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 400 && the_move(1).state != WIRE_MOVE_HOME; i++) {
		write_one_more();
		(void)pair_step();
		assert_in_range(homes(), 0, 1);
	}
	assert_true(acked > 2);
	assert_arrived(1);
}

static uint64_t
accounts_at(int region)
{
	struct store_counts counts;
	struct store_txn *txn;
	int at = pair.at;

	be(region);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_count(txn, &counts), DOM_OK);
	store_read_end(&txn);
	be(at);
	return counts.accounts;
}

static void
there_and_back_again(void **state)
{
	unsigned rests = 0;

	(void)state;
	start();
	pair_run_until(1, WIRE_MOVE_HOME);
	write_one_more();
	be(1);
	/* The copy that is left there is not waited for. */
	assert_int_equal(order_move(2), SERVICE_DONE);
	for (int i = 0; i < 400 && the_move(0).state != WIRE_MOVE_HOME; i++) {
		(void)pair_step();
		/* Its rows have gone, what lies in files takes its time, and it is offered. */
		if (rests != 0 || accounts_at(0) == 0)
			pair.rests[0] = ++rests < 40;
		house.now_ms += 500;
	}
	house.ana.token[0] = pair.houses[0].ana.token[0] = '\0';
	assert_arrived(0);
	/* What was erased of its first stay takes nothing of its second. */
	assert_true(rests != 0);
	pair.rests[0] = false;
	for (int i = 0; i < 40; i++)
		(void)pair_step();
	ask(SERVICE_CHUNK_GET, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', 2));
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(house.reply.body.size, 8000);
}

/* --- crashes ---------------------------------------------------- */

/* True: it was over before the step after which somebody was to crash. */
static bool
move_with_a_crash(unsigned after, int who)
{
	unsigned restarts = pair.restarts;

	start();
	for (unsigned i = 0; i < 400 && the_move(1).state != WIRE_MOVE_HOME; i++) {
		write_one_more();
		(void)pair_step();
		if (i == after && who != 1)
			restart(0);
		if (i == after && who != 0)
			restart(1);
		assert_in_range(homes(), 0, 1);
	}
	assert_arrived(1);
	return pair.restarts == restarts;
}

/* One region, the other, or both. */
static void
a_crash_after_any_step_loses_nothing(void **state)
{
	for (int who = 0; who < 3; who++) {
		unsigned after = 0;

		for (; after < 60; after++) {
			pair_tear_down(state);
			pair_set_up(state);
			if (move_with_a_crash(after, who))
				break;
		}
		assert_in_range(after, 3, 59);
	}
}

/* --- messages ---------------------------------------------------- */

static unsigned nth, counted;
static bool loses_answer;
static enum wire_peer_op lost_op;

static bool
lose_request(const struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask, (void)to;
	if (loses_answer || counted++ != nth)
		return true;
	lost_op = op;
	return false;
}

static bool
lose_answer(struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask, (void)to;
	if (!loses_answer || counted++ != nth)
		return true;
	lost_op = op;
	return false;
}

/* Each message of a move, one after the other, until there is none to lose. */
static void
any_message_may_be_lost(void **state)
{
	unsigned seen = 0;

	for (int answers = 0; answers < 2; answers++) {
		for (nth = 0; nth < 60; nth++) {
			pair_tear_down(state);
			pair_set_up(state);
			counted = 0;
			loses_answer = answers == 1;
			lost_op = 0;
			start();
			pair.deliver = lose_request;
			pair.answered = lose_answer;
			pair_run_until(1, WIRE_MOVE_HOME);
			assert_arrived(1);
			assert_int_equal(acknowledge(2), SERVICE_DONE);
			pair_run_until(0, WIRE_MOVE_ERASED);
			pair_run_until(1, WIRE_MOVE_SETTLED);
			if (lost_op == 0)
				break;
			seen |= 1u << lost_op;
		}
		assert_in_range(nth, 5, 59);
	}
	assert_true(seen & 1u << WIRE_PEER_OFFER && seen & 1u << WIRE_PEER_RECORDS &&
	            seen & 1u << WIRE_PEER_CHUNKS && seen & 1u << WIRE_PEER_FREEZE &&
	            seen & 1u << WIRE_PEER_SWITCH && seen & 1u << WIRE_PEER_ACTIVE &&
	            seen & 1u << WIRE_PEER_ACK && seen & 1u << WIRE_PEER_ERASED);
}

enum { KEPT_MAX = 64 };
static struct kept {
	struct mover_ask ask;
	struct dom_buffer body;
	int to;
} kept[KEPT_MAX];
static unsigned kept_count;

/* All that was ever sent comes again with every new request. */
static bool
repeat_everything(const struct mover_ask *ask, enum wire_peer_op op, int to)
{
	struct kept *one = &kept[kept_count];

	(void)op;
	for (unsigned i = 0; i < kept_count; i++)
		ask_again(&kept[i].ask, kept[i].to);
	if (kept_count == KEPT_MAX)
		return true;
	kept_count++;
	*one = (struct kept){.ask = *ask, .to = to};
	dom_buffer_append_slice(&one->body, ask->body);
	one->ask.body = dom_buffer_slice(&one->body);
	return true;
}

static void
messages_may_come_again_and_late(void **state)
{
	(void)state;
	kept_count = 0;
	start();
	pair.deliver = repeat_everything;
	for (int i = 0; i < 400 && the_move(1).state != WIRE_MOVE_HOME; i++) {
		write_one_more();
		(void)pair_step();
		assert_in_range(homes(), 0, 1);
	}
	assert_arrived(1);
	assert_int_equal(acknowledge(2), SERVICE_DONE);
	pair_run_until(1, WIRE_MOVE_SETTLED);
	assert_int_equal(homes(), 1);
	for (unsigned i = 0; i < kept_count; i++)
		dom_buffer_free(&kept[i].body);
}

static bool
lose_all(const struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask, (void)to;
	return op != lost_op;
}

/* Any device that reaches both regions heals a partition between them. */
static void
a_device_carries_the_hand_off(void **state)
{
	struct dom_slice bytes, signature;
	struct store_move gone;
	struct store_txn *txn;

	(void)state;
	start();
	pair_run_until(1, WIRE_MOVE_PREPARED);
	/* The source gives it away, and the answer is lost for good. */
	loses_answer = true;
	counted = nth = 0;
	pair.answered = lose_answer;
	for (int i = 0; i < 50 && the_move(0).state != WIRE_MOVE_GONE; i++)
		(void)pair_step();
	assert_int_equal(the_move(0).state, WIRE_MOVE_GONE);
	assert_int_equal(the_move(1).state, WIRE_MOVE_PREPARED);
	assert_int_equal(homes(), 0);
	gone = the_move(0);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_move_message_get(txn, gone.number, 5, pair.arena, &bytes, &signature),
	    DOM_OK);
	store_read_end(&txn);
	be(1);
	for (int twice = 0; twice < 2; twice++) {
		ask(SERVICE_HANDOFF, NULL);
		wire_handoff_encode(&house.body,
		    &(struct wire_signed_move){.bytes = bytes, .signature = signature});
		assert_int_equal(send(), SERVICE_DONE);
		assert_int_equal(the_move(1).state, WIRE_MOVE_HOME);
	}
	assert_arrived(1);
}

/* --- the end of attempts ---------------------------------------------------- */

static bool
lose_switch(const struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask, (void)to;
	return op != WIRE_PEER_SWITCH && op != WIRE_PEER_STATUS;
}

static const struct wire_group *the_group;
static unsigned told_count;

/* Its operator has made a mistake, and mends it. */
static bool
distrust_for_a_while(const struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask;
	pair.services[to].settings.group =
	    op == WIRE_PEER_ACTIVE && told_count++ < 3 ? NULL : the_group;
	return true;
}

/* It would be kept for ever by a source that has not heard that the target is home. */
static void
a_region_that_is_not_trusted_for_a_while_hears_of_the_end(void **state)
{
	(void)state;
	the_group = pair.services[0].settings.group;
	told_count = 0;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	pair.deliver = distrust_for_a_while;
	pair_run_until(1, WIRE_MOVE_HOME);
	pair_run_until(0, WIRE_MOVE_LIVES);
	assert_int_equal(told_count, 4);
}

/* Neither who waits for the other, nor who is to be asked later, waits for that hour. */
static void
a_clock_that_is_set_back_holds_nobody_up(void **state)
{
	int64_t began_ms;

	(void)state;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	pair.deliver = lose_switch;
	pair_run_until(1, WIRE_MOVE_PREPARED);
	assert_int_equal(account_state(0), STORE_ACCOUNT_FROZEN);
	house.now_ms -= 60 * 60 * 1000;
	began_ms = house.now_ms;
	pair_run_until(0, WIRE_MOVE_EXPORTING);
	assert_in_range(house.now_ms - began_ms, 0, 10 * 1000);
	for (int i = 0; i < 100; i++)
		(void)pair_step();
	house.now_ms -= 60 * 60 * 1000;
	pair.deliver = NULL;
	began_ms = house.now_ms;
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_in_range(house.now_ms - began_ms, 0, 3 * 60 * 1000);
}

/* Nor does a person see for that hour what was copied before it. */
static void
a_clock_that_is_set_back_hides_no_progress(void **state)
{
	struct move_served *served = move_served_new();
	int64_t until_ms;

	(void)state;
	assert_non_null(served);
	pair.services[0].served = served;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	lost_op = WIRE_PEER_RECORDS;
	pair.deliver = lose_all;
	pair_run_until(0, WIRE_MOVE_EXPORTING);
	for (int i = 0; i < 20; i++)
		(void)pair_step();
	assert_int_equal(the_move(0).bytes, 0);
	house.now_ms -= 60 * 60 * 1000;
	lost_op = WIRE_PEER_FREEZE;
	until_ms = house.now_ms + 2 * 60 * 1000;
	for (int i = 0; i < 10000 && house.now_ms < until_ms; i++)
		(void)pair_step();
	assert_int_equal(the_move(0).state, WIRE_MOVE_EXPORTING);
	assert_true(the_move(0).bytes > 0);
	pair.services[0].served = NULL;
	move_served_free(&served);
}

static void
a_source_that_hears_nothing_goes_on(void **state)
{
	(void)state;
	start();
	lost_op = WIRE_PEER_SWITCH;
	pair.deliver = lose_all;
	pair_run_until(1, WIRE_MOVE_PREPARED);
	for (int i = 0; i < 200 && account_state(0) != STORE_ACCOUNT_HOME; i++)
		(void)pair_step();
	/* What was promised stays promised until the source has signed that it is over. */
	assert_int_equal(account_state(0), STORE_ACCOUNT_HOME);
	assert_int_equal(the_move(1).state, WIRE_MOVE_PREPARED);
	write_one_more();
	assert_int_equal(acked, 1);
	pair.deliver = NULL;
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_arrived(1);
}

static void
a_cancelled_move_leaves_nothing_at_the_target(void **state)
{
	struct store_counts counts;
	struct store_txn *txn;

	(void)state;
	start();
	pair_run_until(1, WIRE_MOVE_STAGING);
	(void)pair_step();
	assert_int_equal(cancel_move(), SERVICE_DONE);
	assert_int_equal(account_state(0), STORE_ACCOUNT_HOME);
	pair_run_until(1, WIRE_MOVE_DISCARDED);
	for (int i = 0; i < 40; i++)
		(void)pair_step();
	assert_int_equal(store_read_begin(pair.houses[1].reader, &txn), DOM_OK);
	assert_int_equal(store_count(txn, &counts), DOM_OK);
	store_read_end(&txn);
	assert_int_equal(counts.accounts, 0);
	assert_int_equal(counts.items, 0);
	assert_int_equal(counts.chunks, 0);
	write_one_more();
	assert_int_equal(acked, 1);
	/* And it may be ordered again. */
	assert_int_equal(order_move(1), SERVICE_DONE);
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_arrived(1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PAIR_TEST(an_account_moves_and_nothing_is_missing),
	    PAIR_TEST(a_certificate_is_complete_as_far_as_the_move_is),
	    PAIR_TEST(what_it_may_have_is_the_new_regions_to_say),
	    PAIR_TEST(its_owner_writes_between_any_two_steps),
	    PAIR_TEST(there_and_back_again),
	    PAIR_TEST(a_crash_after_any_step_loses_nothing),
	    PAIR_TEST(any_message_may_be_lost),
	    PAIR_TEST(messages_may_come_again_and_late),
	    PAIR_TEST(a_device_carries_the_hand_off),
	    PAIR_TEST(a_clock_that_is_set_back_holds_nobody_up),
	    PAIR_TEST(a_clock_that_is_set_back_hides_no_progress),
	    PAIR_TEST(a_region_that_is_not_trusted_for_a_while_hears_of_the_end),
	    PAIR_TEST(a_source_that_hears_nothing_goes_on),
	    PAIR_TEST(a_cancelled_move_leaves_nothing_at_the_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
