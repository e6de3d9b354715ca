/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The work behind the requests: erasures with their journal, sweeps, the region's time. */
#include <string.h>

#include "daemon/journal.h"
#include "erasing.h"
#include "services/erasure/erasure.h"
#include "services/operator.h"
#include "sim/faults/faults.h"
#include "sweeping.h"

enum { CONFLICTS_MAX = 3, STEPS_MAX = 1000, MARK_SIZE = 64, PATIENCE = 3 };

#define JOURNAL_PATH "/sim/region/journal"

/* --- erasures ----------------------------------------------------------------------- */

/* As a start does: from the journal what the store does not know, then the keeper. */
static enum dom_status
follow(struct journal_file **file_r)
{
	struct journal_options options = {.path = JOURNAL_PATH};
	struct store_txn *txn = NULL;
	struct journal journal;
	uint64_t followed;
	char message[400];
	enum dom_status st;

	*file_r = NULL;
	erasure_hash_region(house.service.key, "in", options.region);
	if ((st = store_read_begin(house.reader, &txn)) == DOM_OK) {
		st = store_region_journal(txn, &options.known);
		store_read_end(&txn);
	}
	if (st == DOM_OK)
		st = journal_file_open(&options, file_r, message, sizeof(message));
	if (st != DOM_OK)
		return st;
	journal = journal_file_functions(*file_r);
	return erasure_replay(&house.service, house.store, &journal, &followed);
}

enum dom_status
keep_house(unsigned tries)
{
	struct journal_file *file;
	struct keeper *keeper = NULL;
	enum dom_status st = follow(&file);

	if (st == DOM_OK) {
		struct keeper_options options = {.service = &house.service,
		    .store = house.store,
		    .journal = journal_file_functions(file)};

		st = keeper_open(&options, &keeper);
	}
	if (st == DOM_OK)
		st = keeper_finish(keeper, CONFLICTS_MAX);
	while (keeper != NULL && st < 0 && --tries != 0)
		st = keeper_finish(keeper, CONFLICTS_MAX);
	keeper_close(&keeper);
	journal_file_close(&file);
	return st;
}

static enum dom_status
keeper_act(const struct scenario *scenario)
{
	(void)scenario;
	return keep_house(1);
}

/* As in a server that goes on: after a sync that failed the journal is written anew. */
static enum dom_status
patient_act(const struct scenario *scenario)
{
	(void)scenario;
	return keep_house(PATIENCE);
}

static void
must(enum dom_status st, const char *what)
{
	if (st != DOM_OK)
		wrong("%s: %s", what, dom_status_text(st));
}

/* Chunks that are files, then the request; number is its scope. */
static void
erasure_prepare(const struct scenario *scenario)
{
	const bool is_item = scenario->number == WIRE_SCOPE_ITEM;
	int64_t ana = number_of("ana");

	large_put_by(&house.ana);
	if (is_item)
		revise(1, 1, 's', 'r', "k");
	must(begin_erasing(scenario->number, ana,
	         scenario->number == WIRE_SCOPE_SERVICE ? "contacts" : "",
	         is_item ? uid('c', 1) : "", is_item ? uid('i', 1) : ""),
	    "the erasure cannot begin");
}

/* Two that wait, as after a night in which the keeper was off. */
static void
two_prepare(const struct scenario *scenario)
{
	(void)scenario;
	large_put_by(&house.ana);
	must(begin_erasing(WIRE_SCOPE_SERVICE, number_of("zoe"), "contacts", "", ""), "zoe's");
	must(begin_erasing(WIRE_SCOPE_ACCOUNT, number_of("ana"), "", "", ""), "ana's");
}

/* The large chunks were all the same letter: nothing on the disk is. */
static void
erasure_look(const struct scenario *scenario)
{
	uint8_t mark[MARK_SIZE];

	memset(mark, 'x', sizeof(mark));
	if (scenario->number != WIRE_SCOPE_ITEM &&
	    sim_disk_holds(region_disk, mark, sizeof(mark)))
		wrong("what was erased is on the disk");
}

/* --- retention ---------------------------------------------------------------------- */

static enum dom_status
erase_account_job(
    void *context, struct store_txn *txn, int64_t account, struct dom_arena *arena)
{
	(void)context, (void)txn, (void)account, (void)arena;
	return DOM_OK;
}

static void
sweep_prepare(const struct scenario *scenario)
{
	static struct dom_arena *arena;
	struct dom_arena *kept = house.arena;

	(void)scenario;
	large_put_by(&house.ana);
	revise(1, 1, 's', 'r', "k");
	revise(1, 1, 't', 's', "k");
	if (chunk(SERVICE_CHUNK_PUT, 1, 'z') != SERVICE_DONE)
		wrong("a chunk cannot be put");
	pass(100 * day_ms);
	/* The rules outlive the request's arena. */
	if (arena == NULL)
		arena = dom_arena_new(0);
	house.arena = arena;
	RULES("history all at-most P90D");
	house.arena = kept;
}

static enum dom_status
sweep_one(struct retention *retention, struct dom_arena *arena)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	dom_arena_reset(arena);
	if ((st = store_read_begin(house.reader, &txn)) != DOM_OK)
		return st;
	st = retention_plan(retention, txn, arena, &sweeping.step);
	store_read_end(&txn);
	if (st != DOM_OK)
		return st;
	sweeping.arena = arena;
	st = store_write(house.store, run_step, NULL);
	retention_ran(retention, sweeping.step, st);
	return st;
}

static enum dom_status
sweep_act(const struct scenario *scenario)
{
	struct retention *retention = retention_open(&(struct retention_options){
	    .rules = &sweeping.rules, .erase_account = erase_account_job});
	struct dom_arena *arena = dom_arena_new(0);
	enum dom_status st = retention == NULL || arena == NULL ? DOM_ENOMEM : DOM_OK;

	(void)scenario;
	for (unsigned i = 0; st >= 0 && st != DOM_ABSENT; i++) {
		assert_true(i < STEPS_MAX);
		st = sweep_one(retention, arena);
	}
	dom_arena_free(&arena);
	retention_close(&retention);
	if (st == DOM_ABSENT)
		st = store_settle(house.store);
	return st;
}

/* --- the region's time, and what operators do ----------------------------------------- */

static enum dom_status
tick_act(const struct scenario *scenario)
{
	struct keeper_time time = {.monotonic_ms = 1000};

	(void)scenario;
	return keeper_tick(&time, house.store, house.now_ms + 60000, 61000);
}

static enum dom_status
operator_run(struct store_txn *txn, void *context)
{
	const struct scenario *scenario = context;
	struct dom_arena *arena = dom_arena_new(0);
	const char *detail = NULL;
	struct store_usage usage;
	struct service_changes told = {0};
	struct erasure_ordered signed_order;
	char code[OPERATOR_CODE_TEXT_SIZE + 1];
	int64_t number;
	enum dom_status st;

	if (arena == NULL)
		return DOM_ENOMEM;
	switch (scenario->number) {
	case 0:
		st = operator_user_add(&house.service, txn, dom_slice_of("hal"),
		    dom_slice_of("hal@example.org"), arena, &detail);
		break;
	case 1:
		st = operator_user_switch(
		    &house.service, txn, dom_slice_of("bob"), true, arena, &detail);
		break;
	case 2:
		st = operator_user_quota(
		    &house.service, txn, dom_slice_of("bob"), 5000, arena, &detail, &usage);
		break;
	case 3:
		st = operator_invite_add(&house.service, txn,
		    &(struct operator_invite){
		        .uses_max = 2, .life_ms = day_ms, .quota_bytes = -1},
		    code, &number, &detail);
		break;
	default:
		st = erasure_order_name(
		    &house.service, txn, dom_slice_of("bob"), arena, &signed_order, &told);
		break;
	}
	dom_arena_free(&arena);
	return st;
}

static enum dom_status
operator_act(const struct scenario *scenario)
{
	struct scenario copy = *scenario;

	return store_write(house.store, operator_run, &copy);
}

const struct scenario keeper_scenarios[] = {
    {.name = "keeper: an item's history",
        .promise = RESUMES,
        .prepare = erasure_prepare,
        .act = keeper_act,
        .weight = 5,
        .look = erasure_look,
        .number = WIRE_SCOPE_ITEM},
    {.name = "keeper: a service",
        .promise = RESUMES,
        .prepare = erasure_prepare,
        .act = keeper_act,
        .weight = 5,
        .look = erasure_look,
        .number = WIRE_SCOPE_SERVICE},
    {.name = "keeper: an account",
        .promise = RESUMES,
        .prepare = erasure_prepare,
        .act = keeper_act,
        .weight = 5,
        .look = erasure_look,
        .number = WIRE_SCOPE_ACCOUNT},
    {.name = "keeper: two at once",
        .promise = RESUMES,
        .prepare = two_prepare,
        .act = keeper_act,
        .weight = 5,
        .look = erasure_look},
    {.name = "keeper: one that goes on",
        .promise = RESUMES,
        .prepare = erasure_prepare,
        .act = patient_act,
        .weight = 40,
        .look = erasure_look,
        .number = WIRE_SCOPE_SERVICE},
    {.name = "retention: a sweep",
        .promise = RESUMES,
        .prepare = sweep_prepare,
        .act = sweep_act},
    {.name = "the region's time", .act = tick_act},
    {.name = "operator: an account", .act = operator_act, .number = 0},
    {.name = "operator: a switch", .act = operator_act, .number = 1},
    {.name = "operator: a quota", .act = operator_act, .number = 2},
    {.name = "operator: a code", .act = operator_act, .number = 3},
    {.name = "operator: an erasure", .act = operator_act, .number = 4},
};
const size_t keeper_scenario_count = sizeof(keeper_scenarios) / sizeof(keeper_scenarios[0]);
