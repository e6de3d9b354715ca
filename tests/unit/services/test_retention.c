/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The sweeps: what goes when its time has come, and what stays until then. */
#include "wire/retention.h"

#include "services/move/states.h"
#include "sweeping.h"

/* --- history ------------------------------------------------------------------------ */

static void
history_goes_after_its_time_and_the_current_revision_stays(void **state)
{
	(void)state;
	start();
	RULES("history all at-most P90D");
	revise(1, 1, 'a', 0, "xs");
	pass(10 * day_ms);
	revise(1, 1, 'b', 'a', "ys");
	pass(10 * day_ms);
	revise(1, 1, 'd', 'b', "zs");
	/* The first was replaced after 10 days, the second after 20. */
	pass(80 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 0);
	pass(day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
	assert_int_equal(counts().revisions, 3); /* the collection's, the item's two */
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'x'), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'y'), SERVICE_DONE);
	pass(10 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 2);
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 2);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'y'), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'z'), SERVICE_DONE);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 's'), SERVICE_DONE);
	pass(1000 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 2);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'z'), SERVICE_DONE);
	/* And the item can be revised as before. */
	revise(1, 1, 'e', 'd', "z");
}

static void
without_a_rule_history_stays(void **state)
{
	(void)state;
	start();
	RULES(NULL);
	revise(1, 1, 'a', 0, "x");
	revise(1, 1, 'b', 'a', "y");
	pass(5000 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 0);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'x'), SERVICE_DONE);
}

static void
rules_that_conflict_hold_back_what_both_apply_to(void **state)
{
	(void)state;
	start();
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 2, "type two"), SERVICE_DONE);
	RULES("history all at-most P30D", "history contacts at-least P1Y an Act");
	for (unsigned i = 1; i <= 2; i++) {
		revise(i, 1, 'a', 0, "");
		revise(i, 1, 'b', 'a', "");
	}
	pass(5000 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
	assert_int_equal(figures()->held[RETENTION_HISTORY], 1);
	/* Resolved: the operator has changed one. */
	RULES("history all at-most P2Y", "history contacts at-least P1Y an Act");
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
	assert_int_equal(figures()->held[RETENTION_HISTORY], 0);
}

static void
much_history_goes_in_small_jobs(void **state)
{
	struct wire_item items[50];

	(void)state;
	start();
	RULES("history all at-most P1D");
	for (unsigned round = 0; round < 10; round++) {
		static const char letters[] = "abdefghjkl";

		for (unsigned i = 0; i < 50; i++)
			items[i] = item(i + 1, letters[round],
			    round == 0 ? NULL : uid(letters[round - 1], i + 1));
		assert_int_equal(
		    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 50), SERVICE_DONE);
	}
	pass(2 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 450);
	assert_true(sweeping.jobs >= 450 / RETENTION_STEP_ROWS);
	assert_int_equal(counts().revisions, 51);
}

static void
large_history_goes_in_one_sweep_of_several_jobs(void **state)
{
	enum { META = 60000, ITEMS = 40 };
	char *meta = dom_arena_take(house.arena, META);
	struct wire_item items[ITEMS];

	(void)state;
	assert_non_null(meta);
	start();
	RULES("history all at-most P1D");
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < ITEMS; i++) {
			items[i] = item(
			    i + 1, (char)('a' + round), round == 0 ? NULL : uid('a', i + 1));
			items[i].content.meta = dom_slice(meta, META);
		}
		assert_int_equal(
		    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, ITEMS), SERVICE_DONE);
	}
	pass(2 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], ITEMS);
	assert_true(figures()->bytes >= (uint64_t)META * ITEMS);
	assert_int_equal(counts().revisions, ITEMS + 1);
}

/* --- chunks ------------------------------------------------------------------------- */

static void
a_chunk_that_nothing_names_goes_after_its_time(void **state)
{
	(void)state;
	start();
	RULES(NULL);
	revise(1, 1, 'a', 0, "x");
	assert_int_equal(chunk(SERVICE_CHUNK_PUT, 1, 'l'), SERVICE_DONE);
	pass(7 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 0);
	pass(day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 1);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'l'), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'x'), SERVICE_DONE);
}

static void
use_the_loose_chunk(void)
{
	struct wire_item one = item(7, 'a', NULL);
	struct wire_chunk link = {.uid = dom_slice_of(uid('l', 1))};

	sweeping.between = NULL;
	one.content.chunks = &link;
	one.content.chunk_count = 1;
	assert_int_equal(put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_DONE);
}

static void
loose_chunks_are_looked_for_once_a_day(void **state)
{
	(void)state;
	start();
	RULES(NULL);
	assert_int_equal(chunk(SERVICE_CHUNK_PUT, 1, 'l'), SERVICE_DONE);
	pass(7 * day_ms - day_ms / 4);
	sweep();
	pass(day_ms / 2);
	sweep();
	assert_int_equal(figures()->sweeps, 2);
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 0);
	pass(day_ms / 2);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 1);
}

static bool was_found;

static void
use_it_once_it_was_found(void)
{
	if (sweeping.step->kind != RETENTION_STEP_CHUNKS)
		return;
	was_found = true;
	use_the_loose_chunk();
}

static void
a_chunk_that_is_named_between_looking_and_removing_stays(void **state)
{
	(void)state;
	start();
	RULES(NULL);
	assert_int_equal(chunk(SERVICE_CHUNK_PUT, 1, 'l'), SERVICE_DONE);
	pass(8 * day_ms);
	was_found = false;
	sweeping.between = use_it_once_it_was_found;
	sweep();
	assert_true(was_found);
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 0);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'l'), SERVICE_DONE);
}

/* --- collections -------------------------------------------------------------------- */

static void
a_collection_without_members_goes_after_its_time(void **state)
{
	(void)state;
	start();
	RULES(NULL);
	assert_int_equal(create(&house.ana, 2, "type one"), SERVICE_DONE);
	revise(1, 1, 'a', 0, "x");
	revise(2, 1, 'a', 0, "y");
	assert_int_equal(leave(&house.ana, 1), SERVICE_DONE);
	pass(7 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_COLLECTIONS], 0);
	assert_int_equal(counts().collections, 2);
	pass(day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_COLLECTIONS], 1);
	assert_int_equal(counts().collections, 1);
	assert_int_equal(counts().chunks, 1);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 2, 'y'), SERVICE_DONE);
}

static enum dom_status
begin_erase(struct store_txn *txn, void *context)
{
	return store_account_begin_erase(txn, *(int64_t *)context);
}

static void
erase_its_owner(void)
{
	if (sweeping.step->kind != RETENTION_STEP_COLLECTION)
		return;
	was_found = true;
	sweeping.between = NULL;
	assert_int_equal(
	    store_write(house.store, begin_erase, &sweeping.step->account), DOM_OK);
}

static void
what_is_of_an_account_that_is_being_erased_is_left_to_that(void **state)
{
	(void)state;
	start();
	RULES(NULL);
	assert_int_equal(leave(&house.ana, 1), SERVICE_DONE);
	pass(8 * day_ms);
	was_found = false;
	sweeping.between = erase_its_owner;
	sweep();
	assert_true(was_found);
	assert_int_equal(figures()->sweeps, 1);
	assert_int_equal(figures()->removed[RETENTION_COLLECTIONS], 0);
	assert_int_equal(counts().collections, 1);
}

/* --- sessions and accounts ---------------------------------------------------------- */

/* --- moving ---------------------------------------------------------- */

struct moving {
	int state;
	int64_t due_ms;
};

/* Ana's first move, or what became of it. */
static enum dom_status
run_move(struct store_txn *txn, void *context)
{
	const struct moving *moving = context;
	struct store_move move = {.side = STORE_MOVE_SOURCE, .peer = dom_slice_of("sg")};
	struct store_account account;
	enum dom_status st;

	st = store_account_by_name(txn, dom_slice_of("ana"), house.arena, &account);
	assert_int_equal(st, DOM_OK);
	st = store_move_of(txn, account.number, house.arena, &move);
	move.account = account.number;
	move.epoch = 1;
	move.state = moving->state;
	move.open = move_state_open(moving->state);
	move.changed_ms = house.now_ms;
	move.due_ms = moving->due_ms;
	return st == DOM_OK ? store_move_update(txn, &move)
	                    : store_move_add(txn, &move, &move.number);
}

static void
move_is(int state, int64_t due_ms)
{
	struct moving moving = {state, due_ms};

	assert_int_equal(store_write(house.store, run_move, &moving), DOM_OK);
}

static void
a_move_begins(void)
{
	move_is(WIRE_MOVE_EXPORTING, house.now_ms);
}

/* History, chunks, collections and the account itself. */
static void
nothing_goes_of_an_account_that_moves(void **state)
{
	static const int states[] = {WIRE_MOVE_ORDERED, WIRE_MOVE_EXPORTING, WIRE_MOVE_FROZEN};

	(void)state;
	start();
	RULES("history all at-most P10D", "inactive-accounts all at-most P100D notice P30D");
	revise(1, 1, 'a', 0, "x");
	revise(1, 1, 'b', 'a', "y");
	assert_int_equal(chunk(SERVICE_CHUNK_PUT, 1, 's'), SERVICE_DONE);
	pass(20 * day_ms);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		move_is(states[i], house.now_ms);
		pass(2 * day_ms);
		sweep();
		assert_int_equal(figures()->removed[RETENTION_HISTORY], 0);
		assert_int_equal(figures()->removed[RETENTION_CHUNKS], 0);
	}
	/* Between looking and removing, too. */
	move_is(WIRE_MOVE_CANCELLED, 0);
	sweeping.between = a_move_begins;
	pass(2 * day_ms);
	sweep();
	sweeping.between = NULL;
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 0);
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 0);
	/* Nor is it erased for not being used. */
	pass(100 * day_ms);
	sweep();
	pass(100 * day_ms);
	sweep();
	assert_int_equal(sweeping.accounts_erased, 0);
	/* Who waits for months for a plan's turn goes on as if there were none. */
	move_is(WIRE_MOVE_ORDERED, INT64_MAX);
	pass(2 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 2);
}

static void
an_idle_session_goes_and_one_in_use_stays(void **state)
{
	struct person away;

	(void)state;
	start();
	RULES("idle-sessions all at-most P30D");
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	away = house.ana;
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	for (unsigned i = 0; i < 4; i++) {
		pass(10 * day_ms);
		assert_int_equal(get(SERVICE_SESSION_TOUCH, &house.ana), SERVICE_DONE);
		sweep();
	}
	/* The one of signing up, and the one that is away. */
	assert_int_equal(figures()->removed[RETENTION_SESSIONS], 2);
	assert_int_equal(get(SERVICE_SESSIONS, &away), SERVICE_AUTHENTICATION_FAILED);
	assert_int_equal(get(SERVICE_SESSIONS, &house.ana), SERVICE_DONE);
}

static void
a_use_in_the_minute_of_the_notice_ends_it(void **state)
{
	(void)state;
	sign_up(&house.ana);
	RULES("inactive-accounts all at-most P100D notice P30D");
	pass(80 * day_ms);
	sweep();
	assert_int_equal(figures()->notices, 1);
	/* Region time stands still between two ticks. */
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	pass(99 * day_ms);
	sweep();
	assert_int_equal(sweeping.accounts_erased, 0);
	assert_int_equal(figures()->notices, 2);
}

static void
an_inactive_account_is_told_and_then_erased(void **state)
{
	(void)state;
	sign_up(&house.ana);
	RULES("inactive-accounts all at-most P100D notice P30D");
	pass(69 * day_ms);
	sweep();
	assert_int_equal(figures()->notices, 0);
	pass(2 * day_ms);
	sweep();
	assert_int_equal(figures()->notices, 1);
	pass(29 * day_ms);
	sweep();
	assert_int_equal(sweeping.accounts_erased, 0);
	pass(2 * day_ms);
	sweep();
	assert_int_equal(sweeping.accounts_erased, 1);
	assert_int_equal(figures()->notices, 1);
	assert_int_equal(figures()->removed[RETENTION_ACCOUNTS], 1);
}

static void
a_notice_stands_for_its_time_also_where_it_comes_late(void **state)
{
	(void)state;
	sign_up(&house.ana);
	RULES("inactive-accounts all at-most P100D notice P30D");
	pass(5000 * day_ms);
	sweep();
	assert_int_equal(figures()->notices, 1);
	assert_int_equal(sweeping.accounts_erased, 0);
	pass(29 * day_ms);
	sweep();
	assert_int_equal(sweeping.accounts_erased, 0);
	pass(2 * day_ms);
	sweep();
	assert_int_equal(sweeping.accounts_erased, 1);
}

static void
who_comes_back_after_a_notice_is_inactive_anew(void **state)
{
	(void)state;
	sign_up(&house.ana);
	RULES("inactive-accounts all at-most P100D notice P30D");
	pass(80 * day_ms);
	sweep();
	assert_int_equal(figures()->notices, 1);
	pass(10 * day_ms);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	pass(60 * day_ms);
	sweep();
	assert_int_equal(sweeping.accounts_erased, 0);
	assert_int_equal(figures()->notices, 1);
	pass(20 * day_ms);
	sweep();
	assert_int_equal(figures()->notices, 2);
	pass(31 * day_ms);
	sweep();
	assert_int_equal(sweeping.accounts_erased, 1);
}

static enum dom_status
disable(struct store_txn *txn, void *context)
{
	struct store_account account;

	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("ana"), house.arena, &account), DOM_OK);
	return store_account_set_disabled(txn, account.number, *(bool *)context);
}

static void
a_disabled_account_waits_for_the_operator(void **state)
{
	bool is_disabled = true;

	(void)state;
	sign_up(&house.ana);
	RULES("inactive-accounts all at-most P100D notice P30D");
	assert_int_equal(store_write(house.store, disable, &is_disabled), DOM_OK);
	for (unsigned i = 0; i < 4; i++) {
		pass(200 * day_ms);
		sweep();
	}
	assert_int_equal(figures()->notices, 0);
	assert_int_equal(sweeping.accounts_erased, 0);
	is_disabled = false;
	assert_int_equal(store_write(house.store, disable, &is_disabled), DOM_OK);
	pass(day_ms);
	sweep();
	assert_int_equal(figures()->notices, 1);
	assert_int_equal(sweeping.accounts_erased, 0);
}

static void
come_back(void)
{
	if (sweeping.step->kind != RETENTION_STEP_ACCOUNT)
		return;
	was_found = true;
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
}

static void
disable_it(void)
{
	bool is_disabled = true;

	if (sweeping.step->kind != RETENTION_STEP_ACCOUNT)
		return;
	was_found = true;
	assert_int_equal(store_write(house.store, disable, &is_disabled), DOM_OK);
}

static void
erase_it(void)
{
	if (sweeping.step->kind != RETENTION_STEP_ACCOUNT)
		return;
	was_found = true;
	assert_int_equal(
	    store_write(house.store, begin_erase, &sweeping.step->account), DOM_OK);
}

static void
an_account_that_changes_between_looking_and_erasing_is_left_alone(void **state)
{
	static void (*const changes[])(void) = {come_back, disable_it, erase_it};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		sign_up(&house.ana);
		RULES("inactive-accounts all at-most P100D notice P30D");
		pass(80 * day_ms);
		sweep();
		pass(40 * day_ms);
		was_found = false;
		sweeping.between = changes[i];
		sweep();
		sweeping.between = NULL;
		assert_true(was_found);
		assert_int_equal(sweeping.accounts_erased, 0);
		assert_int_equal(figures()->removed[RETENTION_ACCOUNTS], 0);
		sweeping_tear_down(state);
		house_set_up(state);
	}
}

/* --- what a person sees ------------------------------------------------------------- */

static struct wire_retention
ask_retention(void)
{
	struct wire_retention shown;

	assert_int_equal(get(SERVICE_RETENTION, &house.ana), SERVICE_DONE);
	assert_int_equal(
	    wire_retention_decode(dom_buffer_slice(&house.reply.body), house.arena, &shown),
	    DOM_OK);
	return shown;
}

static void
a_person_sees_the_rules(void **state)
{
	struct wire_retention shown;

	(void)state;
	start();
	assert_int_equal(ask_retention().count, 0);
	RULES("history contacts at-least P18M an Act, section 3",
	    "inactive-accounts all at-most P2Y notice P30D");
	house.service.settings.retention = &sweeping.rules;
	shown = ask_retention();
	/* With the standard of chunks and collections. */
	assert_int_equal(shown.count, 4);
	assert_true(dom_slice_is(shown.rules[0].what, "history"));
	assert_true(dom_slice_is(shown.rules[0].service, "contacts"));
	assert_true(dom_slice_is(shown.rules[0].kind, "at-least"));
	assert_true(dom_slice_is(shown.rules[0].keep, "P1Y6M"));
	assert_true(dom_slice_is(shown.rules[0].reason, "an Act, section 3"));
	assert_null(shown.rules[0].notice.data);
	assert_true(dom_slice_is(shown.rules[1].kind, "at-most"));
	assert_true(dom_slice_is(shown.rules[1].notice, "P30D"));
	assert_null(shown.rules[1].reason.data);
	assert_int_equal(shown.told_ms, 0);
	assert_int_equal(get(SERVICE_RETENTION, NULL), SERVICE_NOT_AUTHENTICATED);
}

static void
a_person_who_comes_back_sees_what_was_told_for_a_while(void **state)
{
	struct wire_retention shown;
	int64_t told_ms, active_ms;

	(void)state;
	start();
	RULES("inactive-accounts all at-most P200D notice P30D");
	house.service.settings.retention = &sweeping.rules;
	active_ms = region_time();
	pass(180 * day_ms);
	sweep();
	told_ms = region_time();
	/* The first request comes before its use is written down. */
	shown = ask_retention();
	assert_int_equal(shown.told_ms, told_ms);
	assert_int_equal(shown.end_ms, active_ms + 200 * day_ms + 10 * day_ms);
	pass(day_ms);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	shown = ask_retention();
	assert_int_equal(shown.told_ms, told_ms);
	assert_int_equal(shown.end_ms, 0);
	pass(90 * day_ms);
	assert_int_equal(ask_retention().told_ms, 0);
}

/* --- clocks and turns --------------------------------------------------------------- */

static void
a_jump_of_the_wall_clock_erases_nothing(void **state)
{
	static const int64_t jumps[] = {3653, -3653, -20000, 40000};

	(void)state;
	start();
	RULES("history all at-most P30D", "inactive-accounts all at-most P30D notice P7D",
	    "idle-sessions all at-most P30D");
	revise(1, 1, 'a', 0, "x");
	revise(1, 1, 'b', 'a', "y");
	assert_int_equal(chunk(SERVICE_CHUNK_PUT, 1, 'l'), SERVICE_DONE);
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		/* Two hours of region time, whatever the wall clock says. */
		pass(2 * 3600 * 1000);
		house.now_ms += jumps[i] * day_ms;
		sweep();
		house.now_ms -= jumps[i] * day_ms;
	}
	for (unsigned what = 0; what < RETENTION_WHAT_COUNT; what++)
		assert_int_equal(figures()->removed[what], 0);
	assert_int_equal(figures()->notices, 0);
	assert_int_equal(figures()->sweeps, 4);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, 1, 'x'), SERVICE_DONE);
}

static void
a_sweep_has_its_turn_once_an_hour_of_region_time(void **state)
{
	(void)state;
	start();
	RULES(NULL);
	sweep();
	assert_int_equal(figures()->sweeps, 1);
	sweep();
	assert_int_equal(sweeping.jobs, 0);
	pass(RETENTION_EVERY_MS - 1);
	sweep();
	assert_int_equal(figures()->sweeps, 1);
	pass(1);
	sweep();
	assert_int_equal(figures()->sweeps, 2);
}

static enum dom_status
run_step_in_vain(struct store_txn *txn, void *context)
{
	(void)context;
	assert_true(retention_run(sweeping.step, txn, sweeping.arena) >= 0);
	return DOM_EFULL;
}

static void
what_a_failed_job_did_not_remove_goes_the_next_time(void **state)
{
	unsigned failed = 0;

	(void)state;
	start();
	RULES("history all at-most P30D");
	revise(1, 1, 'a', 0, "x");
	revise(1, 1, 'b', 'a', "y");
	pass(60 * day_ms);
	sweeping.arena = dom_arena_new(0);
	while (failed < 20) {
		enum dom_status st = plan();

		assert_true(st == DOM_OK || st == DOM_CONFLICT);
		if (st != DOM_OK)
			continue;
		/* The first parts are done, so that the failures are history's. */
		if (sweeping.step->kind == RETENTION_STEP_SESSIONS) {
			retention_ran(sweeping.retention, sweeping.step,
			    store_write(house.store, run_step, NULL));
			continue;
		}
		assert_int_equal(sweeping.step->kind, RETENTION_STEP_REVISIONS);
		retention_ran(sweeping.retention, sweeping.step,
		    store_write(house.store, run_step_in_vain, NULL));
		failed++;
	}
	dom_arena_free(&sweeping.arena);
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 0);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 1);
}

static void
a_sweep_within_the_day_takes_the_chunks_of_what_it_removed(void **state)
{
	(void)state;
	start();
	RULES("history all at-most P1D");
	assert_int_equal(create(&house.ana, 2, "type one"), SERVICE_DONE);
	for (unsigned i = 1; i <= 2; i++) {
		revise(i, 1, 'a', 0, "xs");
		revise(i, 1, 'b', 'a', "ys");
	}
	pass(day_ms / 2);
	sweep();
	assert_int_equal(figures()->sweeps, 1);
	pass(day_ms / 2 + 1);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 2);
	assert_int_equal(figures()->removed[RETENTION_CHUNKS], 2);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(chunk(SERVICE_CHUNK_GET, i, 'x'), SERVICE_DOES_NOT_EXIST);
		assert_int_equal(chunk(SERVICE_CHUNK_GET, i, 's'), SERVICE_DONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RTEST(history_goes_after_its_time_and_the_current_revision_stays),
	    RTEST(without_a_rule_history_stays),
	    RTEST(rules_that_conflict_hold_back_what_both_apply_to),
	    RTEST(much_history_goes_in_small_jobs),
	    RTEST(large_history_goes_in_one_sweep_of_several_jobs),
	    RTEST(a_chunk_that_nothing_names_goes_after_its_time),
	    RTEST(loose_chunks_are_looked_for_once_a_day),
	    RTEST(a_chunk_that_is_named_between_looking_and_removing_stays),
	    RTEST(a_collection_without_members_goes_after_its_time),
	    RTEST(what_is_of_an_account_that_is_being_erased_is_left_to_that),
	    RTEST(nothing_goes_of_an_account_that_moves),
	    RTEST(an_idle_session_goes_and_one_in_use_stays),
	    RTEST(a_use_in_the_minute_of_the_notice_ends_it),
	    RTEST(an_inactive_account_is_told_and_then_erased),
	    RTEST(a_notice_stands_for_its_time_also_where_it_comes_late),
	    RTEST(who_comes_back_after_a_notice_is_inactive_anew),
	    RTEST(an_account_that_changes_between_looking_and_erasing_is_left_alone),
	    RTEST(a_disabled_account_waits_for_the_operator),
	    RTEST(a_person_sees_the_rules),
	    RTEST(a_person_who_comes_back_sees_what_was_told_for_a_while),
	    RTEST(a_jump_of_the_wall_clock_erases_nothing),
	    RTEST(a_sweep_has_its_turn_once_an_hour_of_region_time),
	    RTEST(a_sweep_within_the_day_takes_the_chunks_of_what_it_removed),
	    RTEST(what_a_failed_job_did_not_remove_goes_the_next_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
