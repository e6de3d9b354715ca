/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The source of a move: what is ordered, who may ask, and what the target reads. */
#include "leaving.h"
#include "services/move/served.h"

/* --- orders ------------------------------------------------------ */

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
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.us), SERVICE_PEER_UNTRUSTED);
	assert_false(house.reply.from_region);
	/* Another region of the group, in its own name. */
	peer.from = dom_slice_of("us");
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.us), SERVICE_PEER_REFUSED);
	assert_true(house.reply.from_region);
	peer.from = dom_slice_of("xx");
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_UNTRUSTED);
	peer.from = dom_slice_of("in");
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, house.service.key), SERVICE_PEER_UNTRUSTED);
	peer = good;
	peer.to = dom_slice_of("us");
	assert_int_equal(
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_REFUSED);
	for (int sign = -1; sign <= 1; sign += 2) {
		peer = good;
		peer.at_ms += sign * (WIRE_PEER_SKEW_MS + 1LL);
		assert_int_equal(
		    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_UNTRUSTED);
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
	    peer_asks_as(WIRE_PEER_STATUS, &peer, leaving.sg), SERVICE_PEER_UNTRUSTED);
	house.service.settings.group = group;
}

/* Every byte of a request counts, and what reads does not change. */
static void
a_request_is_what_was_signed_and_in_its_place(void **state)
{
	struct dom_slice whole;
	enum service_code code;

	(void)state;
	accepted();
	assert_int_equal(status(), WIRE_MOVE_EXPORTING);
	whole = dom_arena_copy(leaving.arena, house.request.body);
	for (size_t i = 0; i < whole.size; i++) {
		ask(SERVICE_PEER, NULL);
		dom_buffer_append_slice(&house.body, whole);
		house.body.data[i] ^= 4;
		code = send();
		assert_true(code == SERVICE_PEER_REFUSED || code == SERVICE_PEER_UNTRUSTED);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
