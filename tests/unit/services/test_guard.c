/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A store that is older than what its peers have seen of it: nobody is served
 * before they have said what lives there, and what does is not served at all.
 */
#include <stdlib.h>

#include <sqlite3.h>

#include "base/bytes.h"

#include "leaving.h"
#include "services/move/guard.h"
#include "services/move/guard_parts.h"

enum { SG, US, PEERS };

static struct move_guard *guard;
static int64_t wait_ms;
static char backup[80];

/* What the others answer: sg with these, us that nothing lives there. */
static struct {
	bool is_silent[PEERS];
	int status; /* 0: 200 */
	struct wire_peer_home homes[4];
	size_t count, page; /* page: 0, all at once */
	bool never_ends;
	unsigned asked[PEERS], most; /* most: at once */
} world;

/* --- the others ----------------------------------------------------------------------------
 */

static void
answer_of_sg(struct mover_ask *ask, uint64_t after)
{
	size_t from = 0, count = world.page == 0 ? 4 : world.page;

	while (from < world.count && world.homes[from].number <= after)
		from++;
	if (count > world.count - from)
		count = world.count - from;
	wire_peer_homes_encode(&ask->reply, from + count == world.count && !world.never_ends,
	    &world.homes[from], count);
}

static enum dom_status
ask_world(void *context, struct mover_ask *asks, size_t count)
{
	(void)context;
	if (count > world.most)
		world.most = (unsigned)count;
	for (size_t i = 0; i < count; i++) {
		bool is_sg = dom_slice_is(asks[i].region->name, "sg");
		struct wire_peer_signed message;
		struct wire_peer asked;
		struct dom_reader in;
		uint64_t after;

		world.asked[is_sg ? SG : US]++;
		assert_false(asks[i].change);
		assert_int_equal(wire_peer_signed_decode(asks[i].body, &message), DOM_OK);
		assert_int_equal(wire_peer_decode(message.request, &asked), DOM_OK);
		assert_int_equal(asked.op, WIRE_PEER_HOMES);
		assert_true(dom_slice_is(asked.from, "in"));
		in = dom_reader_over(asked.body);
		after = dom_read_u64(&in);
		assert_int_equal(dom_reader_finish(&in), DOM_OK);
		if (world.is_silent[is_sg ? SG : US])
			continue;
		asks[i].failure = DOM_OK;
		asks[i].status = world.status == 0 ? 200 : world.status;
		if (is_sg)
			answer_of_sg(&asks[i], after);
		else
			wire_peer_homes_encode(&asks[i].reply, true, NULL, 0);
	}
	return DOM_OK;
}

static enum dom_status
guard_step(void)
{
	static const struct mover_peer peer = {.ask = ask_world};
	enum dom_status st = move_guard_step(guard, &peer, &wait_ms);

	assert_true(st == DOM_OK || st == DOM_ABSENT);
	return st;
}

/* Until it has nothing to ask now. */
static void
guard_work(void)
{
	for (int i = 0; i < 100; i++) {
		if (guard_step() == DOM_ABSENT)
			return;
	}
	fail_msg("the guard asks without an end");
}

static void
tell(const struct wire_signed_move *message, bool is_prepared)
{
	struct wire_peer_home *home = &world.homes[world.count];
	struct store_move move = the_move();
	struct wire_signed_move order;
	struct store_txn *txn;

	*home = (struct wire_peer_home){
	    .number = 10 + world.count, .prepared = is_prepared, .message = *message};
	memcpy(home->identity, house.ana.identity_public, sizeof(home->identity));
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	if (store_move_message_get(txn, move.number, MOVE_MESSAGE_ORDER, leaving.arena,
	        &order.bytes, &order.signature) == DOM_OK)
		home->order = order.bytes;
	store_read_end(&txn);
	world.count++;
}

/* --- restarts and backups
 * --------------------------------------------------------------------- */

static void
start_again(void)
{
	move_guard_close(&guard);
	restart();
	assert_int_equal(move_guard_open(&house.service, house.store, &guard), DOM_OK);
	house.service.guard = guard;
}

static void
run(const char *command, const char *from, const char *to)
{
	char text[300];

	snprintf(text, sizeof(text), "%s '%s' %s", command, from, to);
	assert_int_equal(system(text), 0);
}

static void
back_up(void)
{
	snprintf(backup, sizeof(backup), "%s.backup", house.folder);
	run("cp -r", house.folder, backup);
}

/* told: by the restore itself; else somebody turned the disk back. */
static void
live_in_backup(bool told)
{
	char path[128];
	sqlite3 *database = NULL;

	move_guard_close(&guard);
	move_answers_close(&leaving.answers);
	store_reader_close(&house.reader);
	store_close(&house.store);
	run("rm -r", house.folder, "");
	run("cp -r", backup, house.folder);
	snprintf(path, sizeof(path), "%s/store.sqlite3", house.folder);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(database,
	        told ? "INSERT INTO restored (restored_ms, floor) VALUES (1, 0)" : "", NULL,
	        NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
	start_again();
}

static int
set_up(void **state)
{
	memset(&world, 0, sizeof(world));
	backup[0] = '\0';
	return leaving_set_up(state);
}

static int
tear_down(void **state)
{
	move_guard_close(&guard);
	if (backup[0] != '\0')
		run("rm -r", backup, "");
	return leaving_tear_down(state);
}

static enum service_code
ask_for_lists(void)
{
	ask(SERVICE_COLLECTION_LIST, &house.ana);
	return send();
}

/* Ana has something, and a backup is made while she is at home and has ordered nothing. */
static void
fill_and_back_up(void)
{
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	back_up();
}

/* --- who is served
 * ---------------------------------------------------------------------------- */

static void
an_ordinary_start_asks_and_then_serves(void **state)
{
	(void)state;
	start_again();
	assert_true(move_guard_is_closed(guard));
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	assert_int_equal(house.reply.retry_after_seconds, 2);
	/* Nor can anybody come in. */
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of("ana"));
	assert_int_equal(send(), SERVICE_UNAVAILABLE);
	assert_int_equal(get(SERVICE_REGION, NULL), SERVICE_DONE);
	assert_int_equal(get(SERVICE_GROUP, NULL), SERVICE_DONE);
	guard_work();
	assert_false(move_guard_is_closed(guard));
	assert_int_equal(world.asked[SG], 1);
	assert_int_equal(world.asked[US], 1);
	assert_int_equal(world.most, PEERS);
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
	/* Once they have answered they are left alone. */
	house.now_ms += MOVE_DAY_MS;
	guard_work();
	assert_int_equal(world.asked[SG], 1);
}

static void
an_ordinary_start_waits_two_seconds_at_most(void **state)
{
	enum move_guard_answer answer;
	struct dom_slice name;

	(void)state;
	world.is_silent[SG] = true;
	start_again();
	guard_work();
	/* Each was tried once: that is enough. */
	assert_false(move_guard_is_closed(guard));
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
	/* And it is asked later. */
	assert_true(wait_ms > 0 && wait_ms <= MOVER_WAIT_MS_MAX);
	for (int i = 0; i < 10; i++) {
		house.now_ms += 60 * 1000;
		guard_work();
	}
	assert_int_equal(world.asked[SG], 11);
	assert_int_equal(world.asked[US], 1);
	assert_true(move_guard_show(guard, 0, &name, &answer));
	assert_true(dom_slice_is(name, "sg"));
	assert_int_equal(answer, MOVE_GUARD_ASKED);
	world.is_silent[SG] = false;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_true(move_guard_show(guard, 0, &name, &answer));
	assert_int_equal(answer, MOVE_GUARD_ANSWERED);
	assert_false(move_guard_show(guard, PEERS, &name, &answer));
}

static void
a_restored_store_serves_nobody_before_all_have_answered(void **state)
{
	enum move_guard_answer answer;
	struct dom_slice name;

	(void)state;
	fill_and_back_up();
	live_in_backup(true);
	world.is_silent[SG] = true;
	for (int i = 0; i < 5; i++) {
		guard_work();
		assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
		house.now_ms += 60 * 1000;
	}
	assert_true(move_guard_show(guard, 0, &name, &answer));
	assert_int_equal(answer, MOVE_GUARD_MISSING);
	/* A restart changes nothing, but for who has answered. */
	start_again();
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	/* Neither is anything that it does not understand an answer. */
	world.is_silent[SG] = false;
	world.status = 409;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	world.status = 0;
	world.never_ends = true;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	world.never_ends = false;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
	/* And from then on it is an ordinary store. */
	world.is_silent[SG] = true;
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
	world.is_silent[SG] = true;
	guard_work();
	house.now_ms -= MOVE_DAY_MS;
	world.is_silent[SG] = false;
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
	world.is_silent[SG] = world.is_silent[US] = true;
	guard_work();
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	assert_int_equal(move_guard_trust(guard), DOM_OK);
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
	assert_true(move_guard_show(guard, 0, &name, &answer));
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
	assert_false(move_guard_is_closed(guard));
	assert_int_equal(guard_step(), DOM_ABSENT);
	assert_int_equal(ask_for_lists(), SERVICE_DONE);
}

/* --- what lives there
 * --------------------------------------------------------------------------- */

static void
expect_gone(uint64_t epoch)
{
	struct store_account account = the_account(&house.ana);
	struct store_move move = the_move();

	assert_int_equal(account.state, STORE_ACCOUNT_GONE);
	assert_int_equal(account.epoch, epoch);
	assert_int_equal(ask_for_lists(), SERVICE_ACCOUNT_MOVED);
	assert_int_equal(move.state, WIRE_MOVE_LIVES);
	assert_true(move.open);
	assert_true(dom_slice_is(move.peer, "sg"));
	assert_int_equal(move.epoch, epoch - 1);
	assert_int_equal(move.account, account.number);
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

static void
share_with_bob(void)
{
	turn_on(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	join(&house.ana, &house.bob, 1, 2);
}

static enum service_code
read_of_bob(void)
{
	ask(SERVICE_COLLECTION_GET, &house.bob);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	return send();
}

static struct wire_signed_move
prepare_of(const struct wire_signed_move *freeze)
{
	struct wire_move prepare = answer_to(freeze, WIRE_MOVE_PREPARE);

	return sign_move(&prepare, leaving.sg);
}

static struct wire_signed_move
hand_over(const struct wire_signed_move *prepare)
{
	struct wire_signed_move handoff;

	assert_int_equal(ask_message(WIRE_PEER_SWITCH, prepare), SERVICE_DONE);
	assert_int_equal(
	    wire_peer_message_decode(dom_buffer_slice(&house.reply.body), &handoff), DOM_OK);
	return keep_message(&handoff);
}

/* A whole move, and a backup on its way. */
enum when { BEFORE_ORDER, BEFORE_FREEZE, WHILE_FROZEN, AFTER, WHENS };

static void
move_with_backup(enum when when, struct wire_signed_move *freeze_r,
    struct wire_signed_move *prepare_r, struct wire_signed_move *handoff_r)
{
	share_with_bob();
	if (when == BEFORE_ORDER)
		back_up();
	accepted();
	if (when == BEFORE_FREEZE)
		back_up();
	*freeze_r = frozen();
	if (when == WHILE_FROZEN)
		back_up();
	*prepare_r = prepare_of(freeze_r);
	*handoff_r = hand_over(prepare_r);
	if (when == AFTER)
		back_up();
}

static void
fresh(void **state)
{
	assert_int_equal(tear_down(state), 0);
	assert_int_equal(set_up(state), 0);
}

static void
what_lives_there_does_not_live_here(void **state)
{
	for (int when = 0; when < 2 * WHENS; when++) {
		struct wire_signed_move freeze, prepare, handoff;

		fresh(state);
		move_with_backup((enum when)(when / 2), &freeze, &prepare, &handoff);
		tell(&handoff, false);
		live_in_backup(when % 2 == 0);
		/* Told of the restore or not: it is not served before. */
		assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
		guard_work();
		assert_false(move_guard_is_closed(guard));
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
	tell(&handoff, false);
	for (unsigned i = 0; i < 2; i++) {
		/* Accounts that nobody here has heard of. */
		world.homes[world.count] = world.homes[0];
		world.homes[world.count].identity[0] ^= 1;
		world.homes[world.count].number += world.count;
		world.count++;
	}
	world.page = 1;
	live_in_backup(true);
	guard_work();
	assert_int_equal(world.asked[SG], 3);
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
	tell(&handoff, false);
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

		fresh(state);
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
		tell(&handoff, lie >= 5);
		if (lie == 6)
			world.homes[0].order = dom_slice("", 0);
		if (lie == 9)
			memcpy(world.homes[0].identity, house.bob.identity_public, 32);
		live_in_backup(true);
		guard_work();
		assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
		assert_int_equal(the_account(&house.bob).state, STORE_ACCOUNT_HOME);
		assert_int_equal(ask_for_lists(), SERVICE_DONE);
	}
}

/* --- what is prepared there
 * ---------------------------------------------------------------------- */

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

		fresh(state);
		/* The hand-off was signed, and a device may carry it. */
		move_with_backup((enum when)when, &freeze, &prepare, &handoff);
		tell(&prepare, true);
		live_in_backup(true);
		guard_work();
		/* The others are served. */
		assert_false(move_guard_is_closed(guard));
		assert_true(move_guard_show(guard, 0, &name, &answer));
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
		world.count = 0;
		house.now_ms += 60 * 1000;
		guard_work();
		assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
		assert_int_equal(write_of_ana(), SERVICE_DONE);
		assert_true(move_guard_show(guard, 0, &name, &answer));
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
	tell(&prepare, true);
	live_in_backup(true);
	guard_work();
	expect_held(&freeze);
	/* It answers once more than the one that she waits for. */
	start_again();
	world.is_silent[SG] = true;
	guard_work();
	expect_held(&freeze);
	world.is_silent[SG] = false;
	world.count = 0;
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
	tell(&prepare, true);
	/* The same again and again is one. */
	for (unsigned i = 1; i < 4; i++) {
		world.homes[i] = world.homes[0];
		world.homes[i].number += i;
		world.count++;
	}
	world.never_ends = true;
	live_in_backup(true);
	guard_work();
	peer = &guard->peers[SG];
	assert_int_equal(peer->prepared_count, 1);
	/* It has told of so many others before. */
	live_in_backup(true);
	peer = &guard->peers[SG];
	peer->prepared = calloc(1024, sizeof(*peer->prepared));
	assert_non_null(peer->prepared);
	peer->prepared_count = peer->prepared_room = 1024;
	world.never_ends = false;
	guard_work();
	assert_int_equal(the_account(&house.ana).state, STORE_ACCOUNT_HOME);
	/* The operator takes it out of the group, or goes on without it. */
	assert_int_equal(ask_for_lists(), SERVICE_UNAVAILABLE);
	assert_int_equal(move_guard_trust(guard), DOM_OK);
	assert_int_equal(write_of_ana(), SERVICE_DONE);
}

static void
or_until_it_lives_there(void **state)
{
	struct wire_signed_move freeze, prepare, handoff;

	(void)state;
	move_with_backup(BEFORE_ORDER, &freeze, &prepare, &handoff);
	tell(&prepare, true);
	live_in_backup(true);
	guard_work();
	expect_held(&freeze);
	/* The device was faster. */
	world.homes[0].prepared = false;
	world.homes[0].message = handoff;
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
	tell(&prepare, true);
	live_in_backup(true);
	guard_work();
	expect_held(&freeze);
	assert_int_equal(move_guard_trust(guard), DOM_OK);
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
	tell(&prepare, true);
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
	tell(&prepare, true);
	live_in_backup(false);
	guard_work();
	expect_held(&freeze);
	world.count = 0;
	house.now_ms += 60 * 1000;
	guard_work();
	assert_int_equal(write_of_ana(), SERVICE_DONE);
}

int
main(void)
{
#define GUARD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    GUARD(an_ordinary_start_asks_and_then_serves),
	    GUARD(an_ordinary_start_waits_two_seconds_at_most),
	    GUARD(a_restored_store_serves_nobody_before_all_have_answered),
	    GUARD(who_has_not_answered_is_asked_again_whatever_the_clock_does),
	    GUARD(who_is_asked_too_soon_asks_again),
	    GUARD(the_operator_may_say_that_it_is_right),
	    GUARD(no_group_no_guard),
	    GUARD(what_lives_there_does_not_live_here),
	    GUARD(a_page_at_a_time_is_as_good),
	    GUARD(an_account_that_came_back_lives_here),
	    GUARD(what_is_not_true_changes_nothing),
	    GUARD(what_is_prepared_there_waits_until_it_is_not),
	    GUARD(who_waits_for_one_region_is_not_served_for_another),
	    GUARD(a_region_cannot_make_up_moves_without_end),
	    GUARD(or_until_it_lives_there),
	    GUARD(the_operator_may_end_that_waiting),
	    GUARD(a_move_that_is_known_goes_on),
	    GUARD(one_that_is_not_known_waits_without_a_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
