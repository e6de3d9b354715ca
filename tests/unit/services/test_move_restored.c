/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The source is restored from a backup of any moment of a move, at any moment of the same
 * move, with a device that carries the hand-off that the backup knows nothing of: never do two
 * regions serve the account, and in the end one does.
 */
#include <stdlib.h>

#include <sqlite3.h>

#include "wire/moves.h"

#include "move_pair.h"
#include "services/move/guard.h"

enum { BACKUPS_MAX = 12, STEPS_TO_END = 150, STEPS_OF_FATE = 300 };

/* How far the move had come when the source was lost. */
enum fate {
	PREPARED_THERE, /* and nothing was signed */
	GIVEN_AWAY,     /* but the target never heard of it */
	HOME_THERE,
	ERASED_HERE,
	FATES,
};
/* When a device brings the hand-off to the target. */
enum carried { NEVER, BEFORE_ASKING, WHILE_IT_WAITS, AT_THE_END, CARRIED };

static struct move_guard *guard; /* of region 0 */
static char backups[BACKUPS_MAX][80];
static bool is_frozen[BACKUPS_MAX];
static unsigned backup_count;
static const char *chosen;
static bool is_told;
static struct wire_signed_move handoff; /* empty: none was signed */

/* --- backups ------------------------------------------------------------------------------ */

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
	be(0);
	assert_true(backup_count < BACKUPS_MAX);
	snprintf(
	    backups[backup_count], sizeof(backups[0]), "%s.%u", house.folder, backup_count);
	is_frozen[backup_count] = account_state(0) == STORE_ACCOUNT_FROZEN;
	run("cp -r", house.folder, backups[backup_count++]);
}

static void
replace_folder(const char *folder)
{
	sqlite3 *database = NULL;
	char path[128];

	run("rm -r", folder, "");
	run("cp -r", chosen, folder);
	snprintf(path, sizeof(path), "%s/store.sqlite3", folder);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(database,
	        is_told ? "INSERT INTO restored (restored_ms, floor) VALUES (1, 0)" : "", NULL,
	        NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

/* As domiciled starts after domicilectl restore: the journal first, then the guard. */
static void
restore(const char *backup, bool told)
{
	struct journal journal = journal_in_memory();
	uint64_t followed;

	be(0);
	chosen = backup;
	is_told = told;
	restart_after(0, replace_folder);
	journal.context = &pair.journals[0];
	assert_int_equal(
	    erasure_replay(&pair.services[0], house.store, &journal, &followed), DOM_OK);
	assert_int_equal(move_guard_open(&pair.services[0], house.store, &guard), DOM_OK);
	pair.services[0].guard = house.service.guard = guard;
}

static void
forget_backups(void)
{
	while (backup_count != 0)
		run("rm -r", backups[--backup_count], "");
}

static int
set_up(void **state)
{
	backup_count = 0;
	handoff = (struct wire_signed_move){0};
	return pair_set_up(state);
}

static int
tear_down(void **state)
{
	forget_backups();
	move_guard_close(&guard);
	return pair_tear_down(state);
}

/* --- what must hold --------------------------------------------------------------------------
 */

static bool
serves(int region)
{
	return account_state(region) == STORE_ACCOUNT_HOME &&
	       !move_guard_is_closed(region == 0 ? guard : NULL);
}

static void
steps(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		(void)pair_step();
		assert_true(serves(0) + serves(1) <= 1);
	}
}

static void
carry(void)
{
	if (handoff.bytes.size == 0)
		return;
	be(1);
	ask(SERVICE_HANDOFF, NULL);
	wire_handoff_encode(&house.body, &handoff);
	(void)send();
	be(0);
	assert_true(serves(0) + serves(1) <= 1);
}

/* --- the move
 * ---------------------------------------------------------------------------------- */

static bool
lose_all_of_switch(struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask, (void)to;
	/* Neither does asking for the state tell. */
	return op != WIRE_PEER_SWITCH && op != WIRE_PEER_STATUS;
}

static bool
lose_switch(const struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask, (void)to;
	return op != WIRE_PEER_SWITCH;
}

static void
keep_handoff(void)
{
	struct store_move gone = the_move(0);
	struct store_txn *txn;

	be(0);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_move_message_get(txn, gone.number, 5, pair.arena, &handoff.bytes,
	                     &handoff.signature),
	    DOM_OK);
	store_read_end(&txn);
}

static bool
is_there(enum fate fate)
{
	switch (fate) {
	case PREPARED_THERE:
		return the_move(1).state == WIRE_MOVE_PREPARED;
	case GIVEN_AWAY:
		return the_move(0).state == WIRE_MOVE_GONE;
	case HOME_THERE:
		return the_move(0).state == WIRE_MOVE_LIVES;
	default:
		return the_move(0).state == WIRE_MOVE_ERASED;
	}
}

/* A backup whenever something has changed on the way. */
static void
move_until(enum fate fate)
{
	int here = -2, there = -2;
	bool has_looked = false;

	pair_fill();
	back_up();
	assert_int_equal(order_move(1), SERVICE_DONE);
	pair.deliver = fate == PREPARED_THERE ? lose_switch : NULL;
	pair.answered = fate == GIVEN_AWAY ? lose_all_of_switch : NULL;
	for (unsigned i = 0; i < STEPS_OF_FATE && !is_there(fate); i++) {
		if (the_move(0).state != here || the_move(1).state != there)
			back_up();
		here = the_move(0).state;
		there = the_move(1).state;
		if (fate == ERASED_HERE && there == WIRE_MOVE_HOME && !has_looked) {
			has_looked = true;
			be(1);
			if (house.ana.token[0] == '\0')
				assert_int_equal(log_in(&house.ana), SERVICE_DONE);
			assert_int_equal(acknowledge(2), SERVICE_DONE);
			be(0);
		}
		(void)pair_step();
	}
	assert_true(is_there(fate));
	if (fate != PREPARED_THERE)
		keep_handoff();
	pair.deliver = NULL;
	pair.answered = NULL;
}

/* Whoever asks for it by its name is told where it lives, and by whom that is signed. */
static void
assert_is_told(void)
{
	be(0);
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of("ana"));
	assert_int_equal(send(), SERVICE_ACCOUNT_MOVED);
	assert_non_null(house.reply.moved);
	assert_true(dom_slice_is(house.reply.moved->region, "sg"));
	assert_true(dom_slice_equal(house.reply.moved->handoff.bytes, handoff.bytes));
}

static void
live_through(enum fate fate, unsigned backup, bool told, enum carried carried)
{
	bool lives_there;

	move_until(fate);
	/* One of the very moment of an attempt looks like an ordinary restart. */
	restore(backups[backup], told || is_frozen[backup]);
	assert_true(serves(0) + serves(1) <= 1);
	if (carried == BEFORE_ASKING)
		carry();
	steps(1);
	if (carried == WHILE_IT_WAITS)
		carry();
	steps(STEPS_TO_END);
	lives_there = serves(1);
	if (carried == AT_THE_END)
		carry();
	steps(20);
	/* Where it lives, it stays. */
	assert_true(serves(0) + serves(1) == 1);
	assert_int_equal(serves(1), lives_there);
	if (fate >= HOME_THERE || (fate == GIVEN_AWAY && carried == BEFORE_ASKING))
		assert_true(lives_there);
	if (lives_there)
		assert_is_told();
	/* What had gone is gone again, as the journal says. */
	if (fate == ERASED_HERE)
		assert_int_equal(count_all().accounts, 0);
}

static void
it_lives_in_one_place(void **state)
{
	unsigned most = 0;

	for (int fate = 0; fate < FATES; fate++) {
		unsigned count = 1;

		for (unsigned backup = 0; backup < count; backup++) {
			for (int carried = 0; carried < CARRIED; carried++) {
				bool told = (backup + (unsigned)carried) % 2 == 0;

				if (fate != GIVEN_AWAY && carried != NEVER &&
				    carried != AT_THE_END)
					continue;
				/* A held account waits for the target, so that one knows. */
				tear_down(state);
				assert_int_equal(set_up(state), 0);
				live_through(
				    (enum fate)fate, backup, told, (enum carried)carried);
				count = backup_count;
			}
		}
		if (count > most)
			most = count;
	}
	assert_true(most > 5);
}

static bool
lose_everything(const struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask, (void)op, (void)to;
	return false;
}

/* An attempt is not ended either: perhaps it was not the last word. */
static void
nothing_is_done_before_it_is_known(void **state)
{
	(void)state;
	move_until(PREPARED_THERE);
	back_up();
	assert_true(is_frozen[backup_count - 1]);
	restore(backups[backup_count - 1], true);
	pair.deliver = lose_everything;
	steps(100);
	assert_int_equal(the_move(0).state, WIRE_MOVE_FROZEN);
	assert_int_equal(account_state(0), STORE_ACCOUNT_FROZEN);
	pair.deliver = NULL;
	steps(STEPS_TO_END);
	assert_true(serves(0));
}

static void
move_on(int from, uint64_t epoch)
{
	be(from);
	house.ana.token[0] = '\0';
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	assert_int_equal(order_move(epoch), SERVICE_DONE);
	for (int i = 0; i < 800 && account_state(1 - from) != STORE_ACCOUNT_HOME; i++) {
		(void)pair_step();
		house.now_ms += 500;
	}
	assert_int_equal(account_state(1 - from), STORE_ACCOUNT_HOME);
}

/*
 * It went, came back and went again after the backup.  What it left the first time is erased
 * again by the journal, before the peer says that it has gone again: the last hand-off counts.
 */
static void
the_last_hand_off_is_told(void **state)
{
	int64_t number;

	(void)state;
	move_until(ERASED_HERE);
	move_on(1, 2);
	move_on(0, 3);
	steps(STEPS_TO_END);
	keep_handoff();
	restore(backups[0], true);
	steps(STEPS_TO_END);
	assert_int_equal(count_all().accounts, 0);
	assert_is_told();
	/* Another start has nothing to do. */
	number = the_move(0).number;
	move_guard_close(&guard);
	restart_after(0, NULL);
	assert_int_equal(move_guard_open(&pair.services[0], house.store, &guard), DOM_OK);
	pair.services[0].guard = house.service.guard = guard;
	steps(STEPS_TO_END);
	assert_int_equal(the_move(0).number, number);
	assert_is_told();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(it_lives_in_one_place, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        nothing_is_done_before_it_is_known, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_last_hand_off_is_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
