/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The source of a move: orders, and what another region may have of it, message by message. */
#include "base/bytes.h"

#include "erasing.h"
#include "leaving.h"
#include "services/move/served.h"
#include "services/root/root.h"
#include "store/erase.h"

/* --- orders ------------------------------------------------------ */

static void
list_moves(struct wire_moves_entry **entries_r, size_t *count_r)
{
	assert_int_equal(get(SERVICE_MOVES, &house.ana), SERVICE_DONE);
	assert_int_equal(wire_moves_decode(dom_buffer_slice(&house.reply.body), house.arena,
	                     entries_r, count_r),
	    DOM_OK);
}

static void
an_order_begins_a_move_that_is_listed(void **state)
{
	struct wire_statement order = order_of_ana();
	struct wire_moves_entry *entries;
	size_t count;

	(void)state;
	list_moves(&entries, &count);
	assert_int_equal(count, 0);
	assert_int_equal(order_it(&order), SERVICE_DONE);
	assert_true(house.reply.wakes_mover);
	list_moves(&entries, &count);
	assert_int_equal(count, 1);
	assert_memory_equal(entries[0].move.data, leaving.move, sizeof(leaving.move));
	assert_false(entries[0].is_target);
	assert_true(dom_slice_is(entries[0].state, "ordered"));
	assert_true(dom_slice_is(entries[0].source, "in"));
	assert_true(dom_slice_is(entries[0].target, "sg"));
	assert_int_equal(entries[0].epoch, 1);
	assert_int_equal(entries[0].started_ms, house.now_ms);
	/* Writes go on, and it is nobody else's to see. */
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	sign_up(&house.bob);
	assert_int_equal(get(SERVICE_MOVES, &house.bob), SERVICE_DONE);
	assert_int_equal(wire_moves_decode(dom_buffer_slice(&house.reply.body), house.arena,
	                     &entries, &count),
	    DOM_OK);
	assert_int_equal(count, 0);
}

static enum service_code
order_with(void (*change)(struct wire_statement *order))
{
	struct wire_statement order = order_of_ana();

	change(&order);
	return order_it(&order);
}

static void
to_nowhere(struct wire_statement *order)
{
	order->target = dom_slice_of("xx");
}

static void
to_itself(struct wire_statement *order)
{
	order->target = dom_slice_of("in");
}

static void
to_who_takes_none(struct wire_statement *order)
{
	order->target = dom_slice_of("us");
}

static void
of_another_epoch(struct wire_statement *order)
{
	order->epoch = 2;
}

static void
with_little_grace(struct wire_statement *order)
{
	order->grace_days = 2;
}

static void
with_much_grace(struct wire_statement *order)
{
	order->grace_days = 31;
}

static void
that_has_expired(struct wire_statement *order)
{
	order->expires_ms = house.now_ms;
}

static void
that_never_expires(struct wire_statement *order)
{
	order->expires_ms = house.now_ms + 200LL * MOVE_DAY_MS;
}

static void
what_cannot_be_moved_is_not_ordered(void **state)
{
	static void (*const faults[])(struct wire_statement *) = {to_nowhere, to_who_takes_none,
	    of_another_epoch, with_little_grace, with_much_grace, that_has_expired,
	    that_never_expires};
	struct wire_statement order;
	uint64_t serial = house.ana.serial;
	const struct wire_group *group = house.service.settings.group;
	struct wire_moves_entry *entries;
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		assert_int_equal(order_with(faults[i]), SERVICE_MOVE_REFUSED);
	/* That is no order at all. */
	assert_int_equal(order_with(to_itself), SERVICE_STATEMENT_REFUSED);
	house.service.settings.group = NULL;
	order = order_of_ana();
	assert_int_equal(order_it(&order), SERVICE_MOVE_REFUSED);
	house.service.settings.group = group;
	assert_int_equal(house.ana.serial, serial);
	list_moves(&entries, &count);
	assert_int_equal(count, 0);
	/* One at a time. */
	order = order_of_ana();
	assert_int_equal(order_it(&order), SERVICE_DONE);
	order = order_of_ana();
	assert_int_equal(order_it(&order), SERVICE_MOVE_REFUSED);
	assert_int_equal(cancel_it(), SERVICE_DONE);
	order = order_of_ana();
	assert_int_equal(order_it(&order), SERVICE_DONE);
}

static void
who_shares_has_to_say_that_they_leave(void **state)
{
	struct wire_statement order;

	(void)state;
	turn_on(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	order = order_of_ana();
	order.leave_shared = false;
	assert_int_equal(order_it(&order), SERVICE_MOVE_REFUSED);
	order.leave_shared = true;
	assert_int_equal(order_it(&order), SERVICE_DONE);
}

static void
a_plan_tells_what_a_move_would_be(void **state)
{
	struct wire_item one[] = {item(1, 'r', NULL)};
	struct wire_move_plan plan;

	(void)state;
	turn_on(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.bob, 2, "type one"), SERVICE_DONE);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, one, 1), SERVICE_DONE);
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	join(&house.bob, &house.ana, 2, WIRE_ACCESS_READ_WRITE);
	ask(SERVICE_MOVE_PLAN, &house.ana);
	assert_int_equal(send(), SERVICE_VALIDATION_ERROR);
	ask(SERVICE_MOVE_PLAN, &house.ana);
	house.request.region_to = dom_slice_of("sg");
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(
	    wire_move_plan_decode(dom_buffer_slice(&house.reply.body), &plan), DOM_OK);
	assert_true(plan.lets && plan.takes);
	assert_int_equal(plan.why.size, 0);
	assert_int_equal(plan.items, 2);
	assert_int_equal(plan.shared, 1);
	assert_int_equal(plan.memberships, 1);
	assert_int_equal(plan.epoch, 1);
	assert_int_equal(plan.grace_min_days, 3);
	assert_int_equal(plan.grace_max_days, 30);
	assert_int_equal(plan.now_ms, house.now_ms);
	ask(SERVICE_MOVE_PLAN, &house.ana);
	house.request.region_to = dom_slice_of("us");
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(
	    wire_move_plan_decode(dom_buffer_slice(&house.reply.body), &plan), DOM_OK);
	assert_true(plan.lets && !plan.takes);
	assert_true(plan.why.size > 20);
	assert_int_equal(get(SERVICE_GROUP, NULL), SERVICE_DONE);
	assert_true(dom_slice_equal(
	    dom_buffer_slice(&house.reply.body), dom_buffer_slice(&leaving.group_file)));
	house.service.settings.group = NULL;
	assert_int_equal(get(SERVICE_GROUP, NULL), SERVICE_DOES_NOT_EXIST);
}

static void
an_order_can_be_taken_back_until_it_is_done(void **state)
{
	struct wire_signed_move prepare, freeze;
	struct wire_move abort;
	const char *why;

	(void)state;
	accepted();
	assert_int_equal(cancel_it(), SERVICE_DONE);
	assert_int_equal(status(), WIRE_MOVE_CANCELLED);
	assert_int_equal(cancel_it(), SERVICE_MOVE_REFUSED);
	/* Also while it is frozen: then the attempt ends, which is signed. */
	accepted();
	freeze = frozen();
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_FROZEN);
	assert_int_equal(cancel_it(), SERVICE_DONE);
	assert_int_equal(status(), WIRE_MOVE_CANCELLED);
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
	assert_int_equal(wire_move_decode(leaving.status.abort.bytes, &abort), DOM_OK);
	assert_int_equal(move_follows(&freeze, &abort, &why), DOM_OK);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	/* What has been given away has been given away. */
	accepted();
	(void)given_away(&prepare);
	assert_int_equal(cancel_it(), SERVICE_ACCOUNT_MOVED);
	assert_int_equal(status(), WIRE_MOVE_GONE);
}

/* --- who asks ---------------------------------------------------- */

static void
only_regions_of_the_group_are_answered(void **state)
{
	const struct wire_group *group = house.service.settings.group;
	struct wire_peer good, peer;

	(void)state;
	accepted();
	good = (struct wire_peer){
	    .from = dom_slice_of("sg"), .to = dom_slice_of("in"), .at_ms = house.now_ms};
	memcpy(good.move, leaving.move, sizeof(good.move));
	peer = good;
	assert_int_equal(peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_DONE);
	assert_true(house.reply.from_region);
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.us), SERVICE_PEER_REFUSED);
	assert_false(house.reply.from_region);
	/* Another region of the group, in its own name. */
	peer.from = dom_slice_of("us");
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.us), SERVICE_PEER_REFUSED);
	assert_true(house.reply.from_region);
	peer.from = dom_slice_of("xx");
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_REFUSED);
	peer.from = dom_slice_of("in");
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, house.service.key), SERVICE_PEER_REFUSED);
	peer = good;
	peer.to = dom_slice_of("us");
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_REFUSED);
	for (int sign = -1; sign <= 1; sign += 2) {
		peer = good;
		peer.at_ms += sign * (WIRE_PEER_SKEW_MS + 1LL);
		assert_int_equal(
		    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_REFUSED);
		peer.at_ms -= sign;
		assert_int_equal(
		    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_DONE);
	}
	peer = good;
	peer.move[0] ^= 1;
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_REFUSED);
	house.service.settings.group = NULL;
	peer = good;
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_REFUSED);
	house.service.settings.group = group;
}

/* Every byte of a request counts, and what reads does not change. */
static void
a_request_is_what_was_signed_and_in_its_place(void **state)
{
	struct dom_slice whole;

	(void)state;
	accepted();
	assert_int_equal(status(), WIRE_MOVE_EXPORTING);
	whole = dom_arena_copy(leaving.arena, house.request.body);
	for (size_t i = 0; i < whole.size; i++) {
		ask(SERVICE_PEER, NULL);
		dom_buffer_append_slice(&house.body, whole);
		house.body.data[i] ^= 4;
		assert_int_equal(send(), SERVICE_PEER_REFUSED);
		ask(SERVICE_PEER, NULL);
		dom_buffer_append(&house.body, whole.data, i);
		assert_int_equal(send(), SERVICE_PEER_REFUSED);
	}
	ask(SERVICE_PEER_CHANGE, NULL);
	dom_buffer_append_slice(&house.body, whole);
	assert_int_equal(send(), SERVICE_PEER_REFUSED);
	(void)ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0));
	whole = dom_arena_copy(leaving.arena, house.request.body);
	assert_int_equal(cancel_it(), SERVICE_DONE);
	ask(SERVICE_PEER, NULL);
	dom_buffer_append_slice(&house.body, whole);
	assert_int_equal(send(), SERVICE_PEER_REFUSED);
}

/* --- reading ----------------------------------------------------- */

static enum service_code
ask_chunk(unsigned collection, unsigned chunk)
{
	const struct wire_peer_chunk chunks[] = {
	    {dom_slice_of(uid('c', collection)), dom_slice_of(uid('k', chunk))}};

	dom_buffer_clear(&leaving.body);
	wire_peer_chunks_encode(&leaving.body, chunks, 1);
	return peer_asks(WIRE_PEER_CHUNKS);
}

static void
store_chunk(const struct person *person, unsigned collection, unsigned number)
{
	struct wire_item one[] = {item(number, 'r', NULL)};
	struct wire_chunk chunk = {
	    .uid = dom_slice_of(uid('k', number)), .content = dom_slice_of("ciphertext")};

	one[0].content.chunks = &chunk;
	one[0].content.chunk_count = 1;
	assert_int_equal(put(person, SERVICE_ITEM_BATCH, collection, one, 1), SERVICE_DONE);
}

static void
the_target_reads_this_account_and_no_other(void **state)
{
	struct wire_peer_records records;

	(void)state;
	turn_on(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.bob, 2, "type one"), SERVICE_DONE);
	store_chunk(&house.ana, 1, 1);
	store_chunk(&house.bob, 2, 2);
	accepted();
	assert_int_equal(ask_cursor(WIRE_PEER_RECORDS, dom_slice("", 0)), SERVICE_DONE);
	assert_int_equal(
	    wire_peer_records_decode(dom_buffer_slice(&house.reply.body), &records), DOM_OK);
	assert_true(records.ended);
	assert_int_equal(records.clock, the_account(&house.ana).clock);
	assert_int_equal(records.bytes, strlen("ciphertext"));
	assert_true(records.records.size > 500);
	/* From where it ended, nothing is new but what comes whole with every pass. */
	assert_int_equal(ask_chunk(1, 1), SERVICE_DONE);
	assert_int_equal(house.reply.body.size, 4 + strlen("ciphertext"));
	assert_int_equal(ask_chunk(1, 2), SERVICE_DONE);
	assert_int_equal(house.reply.body.size, 4);
	assert_int_equal(ask_chunk(2, 2), SERVICE_DONE);
	assert_int_equal(house.reply.body.size, 4);
	assert_int_equal(
	    ask_cursor(WIRE_PEER_RECORDS, dom_slice_of("no cursor")), SERVICE_PEER_REFUSED);
	dom_buffer_clear(&leaving.body);
	assert_int_equal(peer_asks(WIRE_PEER_CHUNKS), SERVICE_PEER_REFUSED);
	/* Once it is over there is nothing to read. */
	assert_int_equal(cancel_it(), SERVICE_DONE);
	assert_int_equal(ask_cursor(WIRE_PEER_RECORDS, dom_slice("", 0)), SERVICE_PEER_REFUSED);
	assert_int_equal(ask_chunk(1, 1), SERVICE_PEER_REFUSED);
}

static void
how_much_was_read_is_shown(void **state)
{
	struct wire_moves_entry *entries;
	size_t count;

	(void)state;
	house.service.served = move_served_new();
	assert_non_null(house.service.served);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	store_chunk(&house.ana, 1, 1);
	store_chunk(&house.ana, 1, 2);
	accepted();
	assert_int_equal(ask_chunk(1, 1), SERVICE_DONE);
	house.now_ms += 1000;
	work();
	list_moves(&entries, &count);
	assert_int_equal(entries[0].bytes, 4 + strlen("ciphertext"));
	assert_int_equal(entries[0].bytes_total, 2 * strlen("ciphertext"));
	/* Again and again: it is never more than there is. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask_chunk(1, 1), SERVICE_DONE);
	house.now_ms += 1000;
	work();
	list_moves(&entries, &count);
	assert_int_equal(entries[0].bytes, 2 * strlen("ciphertext"));
	/* Over a restart, too. */
	restart();
	work();
	list_moves(&entries, &count);
	assert_int_equal(entries[0].bytes, 2 * strlen("ciphertext"));
	(void)frozen();
	assert_int_equal(ask_chunk(1, 1), SERVICE_DONE);
	assert_int_equal(cancel_it(), SERVICE_DONE);
	assert_int_equal(move_served_take(house.service.served, the_move().number), 0);
	move_served_free(&house.service.served);
}

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
expect_moved(enum service_code code)
{
	assert_int_equal(code, SERVICE_ACCOUNT_MOVED);
	assert_non_null(house.reply.moved);
	assert_true(dom_slice_is(house.reply.moved->region, "sg"));
	assert_true(dom_slice_is(house.reply.moved->address, "https://sg.example"));
	assert_true(house.reply.moved->handoff.bytes.size > 100);
	assert_non_null(strstr(house.reply.detail, "https://sg.example"));
}

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

/* --- home there -------------------------------------------------- */

static struct wire_signed_move
active_for(const struct wire_signed_move *handoff)
{
	struct wire_move message = answer_to(handoff, WIRE_MOVE_ACTIVE);

	return sign_move(&message, leaving.sg);
}

/* Ana's, taken by sg. */
static struct dom_slice
ack_for(const struct wire_signed_move *handoff, void (*change)(struct wire_statement *ack))
{
	struct wire_statement ack = order_of_ana();
	uint8_t public[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE],
	    receipt_signature[DOM_SIGNATURE_SIZE];
	struct wire_receipt receipt = {.kind = WIRE_RECEIPT_TAKEN,
	    .region = dom_slice_of("sg"),
	    .accepted_ms = house.now_ms,
	    .clock = 9};
	struct dom_buffer statement = {0}, taken = {0}, evidence = {0};
	struct wire_move given;
	struct dom_slice kept;

	assert_int_equal(wire_move_decode(handoff->bytes, &given), DOM_OK);
	ack.kind = WIRE_MOVE_ACK;
	ack.region = dom_slice_of("sg");
	memcpy(ack.move, leaving.move, sizeof(ack.move));
	ack.epoch = given.epoch;
	memcpy(ack.root, given.root, sizeof(ack.root));
	if (change != NULL)
		change(&ack);
	wire_statement_encode(&statement, &ack);
	dom_statement_public(house.ana.account, public);
	dom_statement_sign(house.ana.account, dom_buffer_slice(&statement), signature);
	assert_int_equal(wire_subject(dom_slice(public, 32), dom_buffer_slice(&statement),
	                     dom_slice(signature, sizeof(signature)), receipt.subject),
	    DOM_OK);
	dom_region_sign_public(leaving.sg, receipt.region_public);
	wire_receipt_encode(&taken, &receipt);
	dom_region_sign(leaving.sg, dom_buffer_slice(&taken), receipt_signature);
	wire_evidence_encode(&evidence,
	    &(struct wire_evidence){.statement_public = dom_slice(public, 32),
	        .statement = dom_buffer_slice(&statement),
	        .signature = dom_slice(signature, sizeof(signature)),
	        .receipt = dom_buffer_slice(&taken),
	        .receipt_signature = dom_slice(receipt_signature, sizeof(receipt_signature))});
	kept = dom_arena_copy(leaving.arena, dom_buffer_slice(&evidence));
	dom_buffer_free(&statement);
	dom_buffer_free(&taken);
	dom_buffer_free(&evidence);
	return kept;
}

static enum service_code
ask_ack(struct dom_slice evidence)
{
	return ask_cursor(WIRE_PEER_ACK, evidence);
}

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
	    LEAVING_TEST(an_order_begins_a_move_that_is_listed),
	    LEAVING_TEST(what_cannot_be_moved_is_not_ordered),
	    LEAVING_TEST(who_shares_has_to_say_that_they_leave),
	    LEAVING_TEST(a_plan_tells_what_a_move_would_be),
	    LEAVING_TEST(an_order_can_be_taken_back_until_it_is_done),
	    LEAVING_TEST(only_regions_of_the_group_are_answered),
	    LEAVING_TEST(a_request_is_what_was_signed_and_in_its_place),
	    LEAVING_TEST(the_target_reads_this_account_and_no_other),
	    LEAVING_TEST(how_much_was_read_is_shown),
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
	    LEAVING_TEST(the_target_may_say_that_it_has_dropped_everything),
	    LEAVING_TEST(home_there_is_believed_with_the_proof_alone),
	    LEAVING_TEST(an_acknowledgement_is_the_persons_about_this_hand_off),
	    LEAVING_TEST(what_is_acknowledged_is_erased_here),
	    LEAVING_TEST(without_a_word_it_is_erased_after_the_grace),
	    LEAVING_TEST(whatever_comes_whenever_does_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
