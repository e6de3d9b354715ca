/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A copy is made of large accounts, in pages and rounds, of sources that are slow, and of
 * sources that lie: what they send touches nothing of anybody else, and the move ends.
 */
#include "base/bytes.h"

#include "wire/record.h"

#include "move_pair.h"
#include "services/move/parts.h"

static void
start(void)
{
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
}

static void
assert_same_roots(void)
{
	uint8_t here[32], there[32];
	struct wire_erased sum;

	assert_int_equal(account_state(0), STORE_ACCOUNT_GONE);
	assert_int_equal(account_state(1), STORE_ACCOUNT_HOME);
	/* The epoch is the one thing that differs. */
	root_at(0, here, &sum);
	root_at(1, there, &sum);
	assert_memory_equal(here, there, sizeof(here));
}

/* --- large accounts --------------------------------------------------------------------------
 */

static void
write_many(unsigned from, unsigned batches)
{
	struct wire_item items[50];
	static char meta[1000];

	memset(meta, 'm', sizeof(meta));
	for (unsigned batch = 0; batch < batches; batch++) {
		for (unsigned i = 0; i < 50; i++) {
			items[i] = item(from + batch * 50 + i, 'a', NULL);
			items[i].content.meta = dom_slice(meta, sizeof(meta));
		}
		assert_int_equal(
		    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 50), SERVICE_DONE);
	}
}

static unsigned of_op[32];

static bool
count_ops(const struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)one, (void)to;
	of_op[op]++;
	return true;
}

static void
a_large_account_comes_in_pages_and_rounds(void **state)
{
	(void)state;
	memset(of_op, 0, sizeof(of_op));
	pair_fill();
	write_many(1000, 50);
	for (unsigned i = 0; i < 600; i++)
		write_chunk(2, 100 + i, i % 3 == 0 ? 5000 : 40);
	assert_int_equal(order_move(1), SERVICE_DONE);
	pair.deliver = count_ops;
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_same_roots();
	assert_true(of_op[WIRE_PEER_RECORDS] > 4);
	assert_true(of_op[WIRE_PEER_CHUNKS] >= 3);
	assert_int_equal(of_op[WIRE_PEER_FREEZE], 1);
}

static void
a_copy_goes_on_after_each_crash_of_the_target(void **state)
{
	int staging = 0;

	(void)state;
	memset(of_op, 0, sizeof(of_op));
	pair_fill();
	write_many(1000, 50);
	for (unsigned i = 0; i < 300; i++)
		write_chunk(2, 100 + i, 40);
	assert_int_equal(order_move(1), SERVICE_DONE);
	pair.deliver = count_ops;
	for (int i = 0; i < 200 && the_move(1).state != WIRE_MOVE_HOME; i++) {
		(void)pair_step();
		staging += the_move(1).state == WIRE_MOVE_STAGING;
		/* For ever would be too much: what is kept warm for the freeze is in memory. */
		if (i < 40)
			restart(1);
	}
	assert_same_roots();
	assert_true(staging > 4);
	/* What had come was not asked for again: but for the page of a restart. */
	assert_in_range(of_op[WIRE_PEER_CHUNKS], 2, 6);
}

static bool
write_before_freeze(const struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)one, (void)to;
	of_op[op]++;
	if (op == WIRE_PEER_FREEZE && of_op[op] == 1) {
		write_many(20000, 60);
		for (unsigned i = 0; i < 300; i++)
			write_chunk(1, 5000 + i, 40);
	}
	return true;
}

/* More is left than fits the answer. */
static void
what_does_not_fit_the_freeze_is_fetched_while_it_is_frozen(void **state)
{
	bool was_freezing = false;

	(void)state;
	memset(of_op, 0, sizeof(of_op));
	start();
	pair.deliver = write_before_freeze;
	for (int i = 0; i < 300 && the_move(1).state != WIRE_MOVE_HOME; i++) {
		(void)pair_step();
		was_freezing |= the_move(1).state == WIRE_MOVE_FREEZING;
	}
	assert_true(was_freezing);
	assert_same_roots();
	assert_int_equal(of_op[WIRE_PEER_FREEZE], 1);
}

static bool
too_slow(struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)one, (void)to;
	if (op == WIRE_PEER_FREEZE && of_op[WIRE_PEER_FREEZE] == 1)
		house.now_ms += MOVE_FROZEN_MS_MAX + 1;
	return true;
}

/* The source ends the attempt, and what had come stays for the next. */
static void
an_attempt_that_takes_too_long_is_made_again(void **state)
{
	(void)state;
	memset(of_op, 0, sizeof(of_op));
	start();
	pair.deliver = write_before_freeze;
	pair.answered = too_slow;
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_same_roots();
	assert_int_equal(the_move(0).attempts, 2);
}

/* As if it were so large: no test has the room for a real one. */
static bool
a_chunk_is_huge(struct mover_ask *one, enum wire_peer_op op, int to)
{
	static const uint8_t size[8] = {0, 0, 0, 0, 0, 0, 8000 >> 8, 8000 & 255};
	uint8_t *at;

	(void)to;
	if (op != WIRE_PEER_RECORDS || one->reply.size == 0)
		return true;
	at = memmem(one->reply.data, one->reply.size, size, sizeof(size));
	if (at != NULL)
		at[3] = 1;
	return true;
}

static void
who_has_a_chunk_that_is_too_large_is_told_so(void **state)
{
	struct dom_slice why, signature;
	struct store_txn *txn;
	struct store_move move;

	(void)state;
	start();
	pair.answered = a_chunk_is_huge;
	pair_run_until(0, WIRE_MOVE_CANCELLED);
	move = the_move(1);
	assert_int_equal(store_read_begin(pair.houses[1].reader, &txn), DOM_OK);
	assert_int_equal(store_move_message_get(
	                     txn, move.number, MOVE_MESSAGE_WHY, pair.arena, &why, &signature),
	    DOM_OK);
	assert_non_null(memmem(why.data, why.size, "larger than 128 MiB", 19));
	store_read_end(&txn);
	assert_int_equal(account_state(0), STORE_ACCOUNT_HOME);
}

/* --- many at once ----------------------------------------------------------------------------
 */

static void
both_regions_move_an_account_to_each_other(void **state)
{
	(void)state;
	start();
	be(1);
	turn_on(&house.bob);
	assert_int_equal(consent(&house.bob, "any", NULL), SERVICE_DONE);
	create(&house.bob, 7, "type");
	assert_int_equal(order_move_of(&house.bob, 1), SERVICE_DONE);
	for (int i = 0; i < 400; i++) {
		(void)pair_step();
		if (move_of(1, &house.ana).state == WIRE_MOVE_HOME &&
		    move_of(0, &house.bob).state == WIRE_MOVE_HOME)
			break;
	}
	assert_int_equal(move_of(1, &house.ana).state, WIRE_MOVE_HOME);
	assert_int_equal(move_of(0, &house.bob).state, WIRE_MOVE_HOME);
	assert_same_roots();
}

static enum dom_status
run_damage(struct store_txn *txn, void *context)
{
	const struct store_move *move = context;
	int64_t later_ms = house.now_ms + 2 * DAY_MS;
	enum dom_status st = store_move_message_remove(txn, move->number, MOVE_MESSAGE_HANDOFF);

	return st == DOM_OK ? store_region_time_set(txn, later_ms) : st;
}

/* Its hand-off cannot be read, so it stays and the operator hears of it. */
static void
a_copy_that_cannot_be_erased_keeps_no_other(void **state)
{
	struct store_move first, second;
	int64_t wait_ms;

	(void)state;
	start();
	turn_on(&house.bob);
	assert_int_equal(consent(&house.bob, "any", NULL), SERVICE_DONE);
	create(&house.bob, 7, "type");
	assert_int_equal(order_move_of(&house.bob, 1), SERVICE_DONE);
	for (int i = 0; i < 400; i++) {
		(void)pair_step();
		first = move_of(0, &house.ana);
		second = move_of(0, &house.bob);
		if (first.state == WIRE_MOVE_LIVES && second.state == WIRE_MOVE_LIVES)
			break;
	}
	assert_int_equal(first.state, WIRE_MOVE_LIVES);
	assert_int_equal(second.state, WIRE_MOVE_LIVES);
	if (second.due_ms < first.due_ms)
		first = second;
	assert_int_equal(store_write(pair.services[0].store, run_damage, &first), DOM_OK);
	house.now_ms += 2 * DAY_MS;
	while (mover_step(pair.answers[0], &wait_ms) == DOM_OK)
		;
	assert_int_equal(mover_step(pair.answers[0], &wait_ms), DOM_EINTEGRITY);
	assert_int_equal((move_of(0, &house.ana).state == WIRE_MOVE_LIVES) +
	                     (move_of(0, &house.bob).state == WIRE_MOVE_LIVES),
	    1);
	assert_int_equal((move_of(0, &house.ana).state == WIRE_MOVE_ERASING) +
	                     (move_of(0, &house.bob).state == WIRE_MOVE_ERASING),
	    1);
}

enum { CROWD = 20 };

static unsigned
in_state(int region, struct person *people, int state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CROWD; i++)
		count += move_of(region, &people[i]).state == state;
	return count;
}

/* More than are copied at a time: each has its turn. */
static void
a_crowd_moves_in_turns(void **state)
{
	static struct person people[CROWD];
	static char names[CROWD][8];

	(void)state;
	for (unsigned i = 0; i < CROWD; i++) {
		snprintf(names[i], sizeof(names[i]), "p%u", i);
		person_make(&people[i], names[i]);
		turn_on(&people[i]);
		assert_int_equal(consent(&people[i], "any", NULL), SERVICE_DONE);
		create(&people[i], 100 + i, "type");
		assert_int_equal(order_move_of(&people[i], 1), SERVICE_DONE);
	}
	/* Half of them are large enough to need more than one pass. */
	for (unsigned i = 0; i < CROWD; i += 2) {
		static char meta[100000];
		struct wire_item items[4];

		memset(meta, 'm', sizeof(meta));
		for (unsigned k = 0; k < 4; k++) {
			items[k] = item(k + 1, 'a', NULL);
			items[k].content.meta = dom_slice(meta, sizeof(meta));
		}
		assert_int_equal(
		    put(&people[i], SERVICE_ITEM_BATCH, 100 + i, items, 4), SERVICE_DONE);
	}
	for (int i = 0; i < 2000 && in_state(1, people, WIRE_MOVE_HOME) < CROWD; i++)
		(void)pair_step();
	assert_int_equal(in_state(1, people, WIRE_MOVE_HOME), CROWD);
	for (unsigned i = 0; i < CROWD; i++)
		person_free(&people[i]);
}

/* Whatever is asked takes a while. */
static bool
slow(struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)one, (void)to;
	if (op == WIRE_PEER_RECORDS || op == WIRE_PEER_CHUNKS)
		house.now_ms += 1500;
	return true;
}

/* Who is frozen does not wait for the copies of the others: five seconds are soon over. */
static void
over_a_slow_line_each_needs_one_attempt(void **state)
{
	static struct person people[CROWD];
	static char names[CROWD][8];

	(void)state;
	for (unsigned i = 0; i < CROWD; i++) {
		snprintf(names[i], sizeof(names[i]), "p%u", i);
		person_make(&people[i], names[i]);
		turn_on(&people[i]);
		assert_int_equal(consent(&people[i], "any", NULL), SERVICE_DONE);
		create(&people[i], 100 + i, "type");
		assert_int_equal(order_move_of(&people[i], 1), SERVICE_DONE);
	}
	pair.answered = slow;
	for (int i = 0; i < 2000 && in_state(1, people, WIRE_MOVE_HOME) < CROWD; i++)
		(void)pair_step();
	assert_int_equal(in_state(1, people, WIRE_MOVE_HOME), CROWD);
	for (unsigned i = 0; i < CROWD; i++) {
		assert_int_equal(move_of(0, &people[i]).attempts, 1);
		person_free(&people[i]);
	}
}

/* --- a source that wants to be left alone
 * ------------------------------------------------------- */

static int64_t asked_at[64];
static unsigned ask_count;

static bool
busy(struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)to;
	if (op != WIRE_PEER_RECORDS || ask_count >= 5)
		return true;
	asked_at[ask_count++] = house.now_ms;
	one->status = 503;
	one->retry_after_seconds = 20;
	return true;
}

static void
a_busy_source_is_asked_later(void **state)
{
	(void)state;
	ask_count = 0;
	start();
	pair.answered = busy;
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_same_roots();
	assert_int_equal(ask_count, 5);
	for (unsigned i = 1; i < ask_count; i++)
		assert_true(asked_at[i] - asked_at[i - 1] >= 20000);
}

/* It says that the copy goes on, and lets nothing of it be read. */
static bool
contradict(struct mover_ask *one, enum wire_peer_op op, int to)
{
	struct wire_error refusal = {.code = dom_slice_of("peer_refused"),
	    .detail = dom_slice_of("This is no cursor of this region."),
	    .is_simple = true};

	(void)to;
	if (op != WIRE_PEER_RECORDS || of_op[op]++ > 10)
		return true;
	dom_buffer_clear(&one->reply);
	wire_error_encode(&one->reply, &refusal);
	one->status = 409;
	return true;
}

static void
a_source_that_contradicts_itself_is_asked_later_and_later(void **state)
{
	int64_t began_ms;

	(void)state;
	memset(of_op, 0, sizeof(of_op));
	start();
	began_ms = house.now_ms;
	pair.answered = contradict;
	for (int i = 0; i < 5000 && of_op[WIRE_PEER_RECORDS] <= 10; i++)
		(void)pair_step();
	assert_true(house.now_ms - began_ms >= 60 * 1000);
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_same_roots();
}

/* --- lies
 * -------------------------------------------------------------------------------------- */

/* Bob lives in the target; nothing of him may change. */
static void
bob_moves_in(void)
{
	be(1);
	turn_on(&house.bob);
	assert_int_equal(consent(&house.bob, "any", NULL), SERVICE_DONE);
	create(&house.bob, 7, "type");
	for (unsigned i = 1; i < 4; i++) {
		struct wire_item one = item(i, 'b', NULL);

		assert_int_equal(put(&house.bob, SERVICE_ITEM_BATCH, 7, &one, 1), SERVICE_DONE);
	}
	be(0);
}

static void
assert_bob_is_well(void)
{
	be(1);
	house.request.limit = -1;
	list_items(&house.bob, 7, NULL);
	assert_int_equal(house.list.count, 3);
	be(0);
}

static enum lie {
	LIE_GARBAGE,
	LIE_SAME_CURSOR,
	LIE_CHUNK,
	LIE_SHORT_CHUNK,
	LIE_HUGE_CHUNK,
	LIE_NO_RECORD,
	LIE_OF_BOB,
	LIE_CLOCK,
	LIE_FREEZE,
	LIE_OLD_FREEZE,
	LIE_ROOT,
	LIE_COUNT,
} lie;

static struct wire_signed_move made_of;

static void
replace(struct mover_ask *one, const struct dom_buffer *with)
{
	dom_buffer_clear(&one->reply);
	dom_buffer_append_slice(&one->reply, dom_buffer_slice(with));
}

static void
write_records(struct mover_ask *one, const struct wire_record *record)
{
	struct dom_buffer bytes = {0}, strings = {0}, whole = {0};

	wire_record_encode(&bytes, record);
	dom_write_string(&strings, dom_buffer_slice(&bytes));
	wire_peer_records_encode(&whole, &(struct wire_peer_records){.clock = 1,
	                                     .ended = true,
	                                     .cursor = dom_slice_of("on"),
	                                     .records = dom_buffer_slice(&strings)});
	replace(one, &whole);
	dom_buffer_free(&bytes);
	dom_buffer_free(&strings);
	dom_buffer_free(&whole);
}

static void
lie_about_records(struct mover_ask *one)
{
	struct dom_buffer whole = {0};
	char collection[33], revision[33];

	memset(collection, 'c', 32);
	memset(revision, 'x', 32);
	collection[31] = '7';
	switch (lie) {
	case LIE_GARBAGE:
		dom_buffer_append_text(&whole, "this is no answer at all");
		replace(one, &whole);
		break;
	case LIE_SAME_CURSOR:
		wire_peer_records_encode(&whole, &(struct wire_peer_records){.clock = 1});
		replace(one, &whole);
		break;
	case LIE_NO_RECORD:
		wire_peer_records_encode(&whole, &(struct wire_peer_records){.ended = true,
		                                     .cursor = dom_slice_of("on"),
		                                     .records = dom_slice("\0\0\0\3\2no", 7)});
		replace(one, &whole);
		break;
	case LIE_HUGE_CHUNK:
		write_records(one, &(struct wire_record){.type = WIRE_RECORD_CHUNK,
		                       .of.chunk = {.collection_uid = dom_slice(collection, 32),
		                           .uid = dom_slice(revision, 32),
		                           .size = INT64_MAX}});
		break;
	case LIE_CLOCK:
		/* Nothing could be written after it. */
		wire_peer_records_encode(&whole,
		    &(struct wire_peer_records){
		        .clock = INT64_MAX, .ended = true, .cursor = dom_slice_of("on")});
		replace(one, &whole);
		break;
	case LIE_OF_BOB:
		write_records(
		    one, &(struct wire_record){.type = WIRE_RECORD_REVISION,
		             .of.revision = {.collection_uid = dom_slice(collection, 32),
		                 .item_uid = dom_slice(collection, 32),
		                 .uid = dom_slice(revision, 32),
		                 .clock = 99,
		                 .is_current = true,
		                 .deleted = true,
		                 .meta = dom_slice_of("not Bob's")}});
		break;
	default:
		break;
	}
	dom_buffer_free(&whole);
}

static void
lie_about_chunks(struct mover_ask *one)
{
	if (lie == LIE_CHUNK)
		one->reply.data[one->reply.size - 1] ^= 1;
	if (lie == LIE_SHORT_CHUNK)
		one->reply.data[3]--;
}

/* It holds something that it does not send. */
static void
sign_another_root(struct mover_ask *one)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0}, whole = {0};
	struct wire_peer_frozen frozen;
	struct wire_move view;

	assert_int_equal(
	    wire_peer_frozen_decode(dom_buffer_slice(&one->reply), &frozen), DOM_OK);
	assert_int_equal(wire_move_decode(frozen.freeze.bytes, &view), DOM_OK);
	view.root[0] ^= 1;
	wire_move_encode(&bytes, &view);
	dom_region_sign(pair.services[0].key, dom_buffer_slice(&bytes), signature);
	frozen.freeze.bytes = dom_buffer_slice(&bytes);
	frozen.freeze.signature = dom_slice(signature, sizeof(signature));
	wire_peer_frozen_encode(&whole, &frozen);
	replace(one, &whole);
	dom_buffer_free(&bytes);
	dom_buffer_free(&whole);
}

static void
lie_about_freeze(struct mover_ask *one)
{
	/* A byte of the root, or of the attempt, is another. */
	if (lie == LIE_FREEZE)
		one->reply.data[250] ^= 1;
	if (lie == LIE_OLD_FREEZE)
		one->reply.data[45] ^= 1;
	if (lie == LIE_ROOT)
		sign_another_root(one);
}

static bool
tell_lies(struct mover_ask *one, enum wire_peer_op op, int to)
{
	of_op[op]++;
	if (to != 0 || one->status != 200)
		return true;
	if (op == WIRE_PEER_RECORDS)
		lie_about_records(one);
	if (op == WIRE_PEER_CHUNKS)
		lie_about_chunks(one);
	if (op == WIRE_PEER_FREEZE)
		lie_about_freeze(one);
	return true;
}

static void
a_lying_source_gets_nowhere_and_the_move_ends(void **state)
{
	for (lie = 0; lie < LIE_COUNT; lie++) {
		pair_tear_down(state);
		pair_set_up(state);
		start();
		bob_moves_in();
		memset(of_op, 0, sizeof(of_op));
		pair.answered = tell_lies;
		pair_run_until(1, WIRE_MOVE_DISCARDED);
		/* What is wrong is seen when it comes, not when all of it is compared. */
		assert_int_equal(of_op[WIRE_PEER_FREEZE] != 0, lie >= LIE_FREEZE);
		for (int i = 0; i < 300 && the_move(0).state != WIRE_MOVE_CANCELLED; i++)
			(void)pair_step();
		/* The person is told, and writes on where the account is. */
		assert_int_equal(the_move(0).state, WIRE_MOVE_CANCELLED);
		assert_int_equal(account_state(0), STORE_ACCOUNT_HOME);
		assert_int_equal(account_state(1), -1);
		assert_bob_is_well();
	}
}

/* The source says that the attempt is over, but has not signed that. */
static bool
deny(struct mover_ask *one, enum wire_peer_op op, int to)
{
	static uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0}, whole = {0};
	struct wire_move view;

	if (op != WIRE_PEER_SWITCH || to != 0)
		return op != WIRE_PEER_STATUS;
	of_op[op]++;
	assert_int_equal(wire_move_decode(made_of.bytes, &view), DOM_OK);
	view.kind = WIRE_MOVE_ABORT;
	assert_int_equal(wire_move_digest(&made_of, view.answers), DOM_OK);
	/* First of another attempt, then by the wrong region. */
	if (of_op[op] == 1)
		view.attempt[0] ^= 1;
	wire_move_encode(&bytes, &view);
	dom_region_sign(
	    pair.services[of_op[op] == 1 ? 0 : 1].key, dom_buffer_slice(&bytes), signature);
	wire_error_encode(&whole, &(struct wire_error){.code = dom_slice_of("peer_refused"),
	                              .detail = dom_slice_of("It is over."),
	                              .is_simple = true,
	                              .abort = dom_buffer_slice(&bytes),
	                              .signature = dom_slice(signature, sizeof(signature))});
	replace(one, &whole);
	one->status = 409;
	dom_buffer_free(&bytes);
	dom_buffer_free(&whole);
	return true;
}

static void
what_is_promised_is_kept_until_the_source_has_signed(void **state)
{
	struct store_txn *txn;
	struct store_move move;

	(void)state;
	memset(of_op, 0, sizeof(of_op));
	start();
	pair_run_until(1, WIRE_MOVE_PREPARED);
	move = the_move(1);
	be(1);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_move_message_get(txn, move.number, MOVE_MESSAGE_FREEZE,
	                     pair.arena, &made_of.bytes, &made_of.signature),
	    DOM_OK);
	store_read_end(&txn);
	be(0);
	pair.answered = deny;
	for (int i = 0; i < 60; i++) {
		(void)pair_step();
		assert_int_equal(the_move(1).state, WIRE_MOVE_PREPARED);
	}
	assert_true(of_op[WIRE_PEER_SWITCH] > 3);
	assert_int_equal(account_state(1), STORE_ACCOUNT_PREPARED);
	pair.answered = NULL;
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_same_roots();
}

static bool
give_more(struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)to;
	/* The offer said less. */
	if (op == WIRE_PEER_OFFER)
		pair.services[1].settings.quota_bytes = 8399;
	(void)one;
	return true;
}

static void
more_than_the_quota_is_not_kept(void **state)
{
	(void)state;
	start();
	pair.answered = give_more;
	pair_run_until(1, WIRE_MOVE_DISCARDED);
	for (int i = 0; i < 300 && the_move(0).state != WIRE_MOVE_CANCELLED; i++)
		(void)pair_step();
	assert_int_equal(account_state(0), STORE_ACCOUNT_HOME);
	assert_int_equal(account_state(1), -1);
}

static uint64_t noise;

static uint32_t
next_noise(uint32_t below)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return (uint32_t)(noise >> 33) % below;
}

/* Any byte of any answer may be another. */
static bool
garble(struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)op, (void)to;
	if (one->reply.size != 0 && next_noise(4) == 0)
		one->reply.data[next_noise((uint32_t)one->reply.size)] ^=
		    (uint8_t)(1 + next_noise(255));
	if (one->reply.size != 0 && next_noise(16) == 0)
		one->reply.size = next_noise((uint32_t)one->reply.size);
	return true;
}

static void
noise_on_the_line_harms_nobody(void **state)
{
	unsigned arrived = 0;

	for (unsigned seed = 1; seed <= 40; seed++) {
		pair_tear_down(state);
		pair_set_up(state);
		noise = seed * 0x9e3779b97f4a7c15u;
		start();
		bob_moves_in();
		pair.answered = garble;
		for (int i = 0; i < 150; i++) {
			(void)pair_step();
			assert_in_range(homes(), 0, 1);
		}
		pair.answered = NULL;
		for (int i = 0; i < 400 && homes() == 0; i++)
			(void)pair_step();
		assert_int_equal(homes(), 1);
		assert_bob_is_well();
		if (account_state(1) == STORE_ACCOUNT_HOME) {
			arrived++;
			assert_same_roots();
		}
	}
	assert_in_range(arrived, 1, 39);
}

/* --- the end of patience
 * ----------------------------------------------------------------------- */

static bool
for_ever(struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)to;
	if (op == WIRE_PEER_FREEZE) {
		one->status = 503;
		one->retry_after_seconds = 60;
	}
	return true;
}

static void
a_source_that_never_freezes_is_left_when_the_order_expires(void **state)
{
	struct wire_signed_move why;
	struct store_txn *txn;
	struct store_move move;

	(void)state;
	start();
	pair.answered = for_ever;
	/* It is so slow that its own clock does not end it. */
	for (int i = 0; i < 20; i++)
		(void)pair_step();
	house.now_ms += 9 * DAY_MS;
	pair_run_until(1, WIRE_MOVE_DISCARDED);
	move = the_move(1);
	be(1);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_move_message_get(txn, move.number, MOVE_MESSAGE_WHY, pair.arena,
	                     &why.bytes, &why.signature),
	    DOM_OK);
	store_read_end(&txn);
	assert_true(why.bytes.size > 20);
	/* And in the end nothing says that it ever came. */
	for (int i = 0; i < 100 && the_move(1).state != -1; i++) {
		(void)pair_step();
		house.now_ms += DAY_MS / 2;
	}
	assert_int_equal(the_move(1).state, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PAIR_TEST(a_large_account_comes_in_pages_and_rounds),
	    PAIR_TEST(a_copy_goes_on_after_each_crash_of_the_target),
	    PAIR_TEST(what_does_not_fit_the_freeze_is_fetched_while_it_is_frozen),
	    PAIR_TEST(an_attempt_that_takes_too_long_is_made_again),
	    PAIR_TEST(who_has_a_chunk_that_is_too_large_is_told_so),
	    PAIR_TEST(both_regions_move_an_account_to_each_other),
	    PAIR_TEST(a_copy_that_cannot_be_erased_keeps_no_other),
	    PAIR_TEST(a_crowd_moves_in_turns),
	    PAIR_TEST(over_a_slow_line_each_needs_one_attempt),
	    PAIR_TEST(a_busy_source_is_asked_later),
	    PAIR_TEST(a_source_that_contradicts_itself_is_asked_later_and_later),
	    PAIR_TEST(a_lying_source_gets_nowhere_and_the_move_ends),
	    PAIR_TEST(what_is_promised_is_kept_until_the_source_has_signed),
	    PAIR_TEST(more_than_the_quota_is_not_kept),
	    PAIR_TEST(noise_on_the_line_harms_nobody),
	    PAIR_TEST(a_source_that_never_freezes_is_left_when_the_order_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
