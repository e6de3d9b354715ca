/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What guarding.h offers: peers that answer, backups, and a move with a backup on its way. */
#include "guarding.h"

#include <stdlib.h>

#include <sqlite3.h>

#include "base/bytes.h"

struct guarding guarding;
static char backup[80];

/* --- the others -------------------------------------------------- */

static void
answer_of_sg(struct mover_ask *ask, uint64_t after)
{
	size_t from = 0, count = guarding.page == 0 ? 4 : guarding.page;

	while (from < guarding.count && guarding.homes[from].number <= after)
		from++;
	if (count > guarding.count - from)
		count = guarding.count - from;
	wire_peer_homes_encode(&ask->reply,
	    from + count == guarding.count && !guarding.never_ends, &guarding.homes[from],
	    count);
}

static enum dom_status
ask_world(void *context, struct mover_ask *asks, size_t count)
{
	(void)context;
	if (count > guarding.most)
		guarding.most = (unsigned)count;
	for (size_t i = 0; i < count; i++) {
		bool is_sg = dom_slice_is(asks[i].region->name, "sg");
		struct wire_peer_signed message;
		struct wire_peer asked;
		struct dom_reader in;
		uint64_t after;

		guarding.asked[is_sg ? SG : US]++;
		assert_false(asks[i].change);
		assert_int_equal(wire_peer_signed_decode(asks[i].body, &message), DOM_OK);
		assert_int_equal(wire_peer_decode(message.request, &asked), DOM_OK);
		assert_int_equal(asked.op, WIRE_PEER_HOMES);
		assert_true(dom_slice_is(asked.from, "in"));
		in = dom_reader_over(asked.body);
		after = dom_read_u64(&in);
		assert_int_equal(dom_reader_finish(&in), DOM_OK);
		if (guarding.is_silent[is_sg ? SG : US])
			continue;
		asks[i].failure = DOM_OK;
		asks[i].status = guarding.status == 0 ? 200 : guarding.status;
		if (is_sg)
			answer_of_sg(&asks[i], after);
		else
			wire_peer_homes_encode(&asks[i].reply, true, NULL, 0);
	}
	return DOM_OK;
}

enum dom_status
guard_step(void)
{
	static const struct mover_peer peer = {.ask = ask_world};
	enum dom_status st = move_guard_step(guarding.guard, &peer, &guarding.wait_ms);

	assert_true(st == DOM_OK || st == DOM_ABSENT);
	return st;
}

/* Until it has nothing to ask now. */
void
guard_work(void)
{
	for (int i = 0; i < 100; i++) {
		if (guard_step() == DOM_ABSENT)
			return;
	}
	fail_msg("the guard asks without an end");
}

void
others_tell(const struct wire_signed_move *message, bool is_prepared)
{
	struct wire_peer_home *home = &guarding.homes[guarding.count];
	struct store_move move = the_move();
	struct wire_signed_move order;
	struct store_txn *txn;

	*home = (struct wire_peer_home){
	    .number = 10 + guarding.count, .prepared = is_prepared, .message = *message};
	memcpy(home->identity, house.ana.identity_public, sizeof(home->identity));
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	if (store_move_message_get(txn, move.number, MOVE_MESSAGE_ORDER, leaving.arena,
	        &order.bytes, &order.signature) == DOM_OK)
		home->order = order.bytes;
	store_read_end(&txn);
	guarding.count++;
}

/* --- restarts and backups ---------------------------------------- */

void
start_again(void)
{
	move_guard_close(&guarding.guard);
	restart();
	assert_int_equal(move_guard_open(&house.service, house.store, &guarding.guard), DOM_OK);
	house.service.guard = guarding.guard;
}

static void
run(const char *command, const char *from, const char *to)
{
	char text[300];

	snprintf(text, sizeof(text), "%s '%s' %s", command, from, to);
	assert_int_equal(system(text), 0);
}

void
back_up(void)
{
	snprintf(backup, sizeof(backup), "%s.backup", house.folder);
	run("cp -r", house.folder, backup);
}

/* told: by the restore itself; else somebody turned the disk back. */
void
live_in_backup(bool told)
{
	char path[128];
	sqlite3 *database = NULL;

	move_guard_close(&guarding.guard);
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

int
guarding_set_up(void **state)
{
	memset(&guarding, 0, sizeof(guarding));
	backup[0] = '\0';
	return leaving_set_up(state);
}

int
guarding_tear_down(void **state)
{
	move_guard_close(&guarding.guard);
	if (backup[0] != '\0')
		run("rm -r", backup, "");
	return leaving_tear_down(state);
}

enum service_code
ask_for_lists(void)
{
	ask(SERVICE_COLLECTION_LIST, &house.ana);
	return send();
}

/* Ana has something, and a backup is made while she is at home and has ordered nothing. */
void
fill_and_back_up(void)
{
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	back_up();
}

static void
share_with_bob(void)
{
	turn_on(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	join(&house.ana, &house.bob, 1, 2);
}

struct wire_signed_move
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
void
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

void
guarding_fresh(void **state)
{
	assert_int_equal(guarding_tear_down(state), 0);
	assert_int_equal(guarding_set_up(state), 0);
}

void
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
