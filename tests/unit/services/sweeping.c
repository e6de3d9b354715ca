/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A worker of retention, its clock and what it works on, for tests. */
#include "sweeping.h"

enum { STEPS_MAX = 10000 };

struct sweeping sweeping;

static enum dom_status
erase_account(void *context, struct store_txn *txn, int64_t account, struct dom_arena *arena)
{
	(void)context, (void)txn, (void)account, (void)arena;
	sweeping.accounts_erased++;
	return DOM_OK;
}

void
rule(const char *const *lines)
{
	struct retention_rule read[RETENTION_LINES_MAX];
	struct retention_origin origin = {.lines = read, .catalogue = house.catalogue};
	char why[512];

	for (; lines[origin.line_count] != NULL; origin.line_count++)
		assert_int_equal(retention_rule_parse(lines[origin.line_count], house.arena,
		                     &read[origin.line_count], why, sizeof(why)),
		    DOM_OK);
	if (retention_rules_make(&origin, &sweeping.rules, why, sizeof(why)) != DOM_OK)
		fail_msg("%s", why);
	retention_close(&sweeping.retention);
	sweeping.retention = retention_open(&(struct retention_options){
	    .rules = &sweeping.rules, .erase_account = erase_account});
	assert_non_null(sweeping.retention);
	sweeping.accounts_erased = 0;
}

int
sweeping_tear_down(void **state)
{
	retention_close(&sweeping.retention);
	return house_tear_down(state);
}

/* --- time ------------------------------------------------------------------------- */

static enum dom_status
set_time(struct store_txn *txn, void *context)
{
	return store_region_time_set(txn, *(int64_t *)context);
}

int64_t
region_time(void)
{
	struct store_txn *txn;
	int64_t ms = 0;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_region_time(txn, &ms), DOM_OK);
	store_read_end(&txn);
	return ms;
}

void
pass(int64_t ms)
{
	int64_t time_ms = region_time() + ms;

	house.now_ms += ms;
	assert_int_equal(store_write(house.store, set_time, &time_ms), DOM_OK);
}

/* --- sweeping --------------------------------------------------------------------- */

enum dom_status
run_step(struct store_txn *txn, void *context)
{
	(void)context;
	return retention_run(sweeping.step, txn, sweeping.arena);
}

enum dom_status
plan(void)
{
	struct store_txn *txn;
	enum dom_status st;

	dom_arena_reset(sweeping.arena);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = retention_plan(sweeping.retention, txn, sweeping.arena, &sweeping.step);
	store_read_end(&txn);
	return st;
}

void
sweep(void)
{
	enum dom_status st = DOM_OK;
	unsigned steps = 0;

	sweeping.arena = dom_arena_new(0);
	assert_non_null(sweeping.arena);
	for (sweeping.jobs = 0; (st = plan()) != DOM_ABSENT; steps++) {
		assert_true(steps < STEPS_MAX);
		assert_true(st == DOM_OK || st == DOM_CONFLICT);
		if (st != DOM_OK)
			continue;
		if (sweeping.between != NULL)
			sweeping.between();
		sweeping.jobs++;
		retention_ran(sweeping.retention, sweeping.step,
		    store_write(house.store, run_step, NULL));
	}
	dom_arena_free(&sweeping.arena);
}

const struct retention_figures *
figures(void)
{
	return retention_figures(sweeping.retention);
}

/* --- what there is ------------------------------------------------------------------ */

struct store_counts
counts(void)
{
	struct store_counts counts;
	struct store_txn *txn;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_count(txn, &counts), DOM_OK);
	store_read_end(&txn);
	return counts;
}

void
revise(unsigned collection, unsigned number, char letter, char before, const char *chunks)
{
	struct wire_item one = item(number, letter, before == 0 ? NULL : uid(before, number));
	struct wire_chunk list[4];
	size_t count = strlen(chunks);

	for (size_t i = 0; i < count; i++)
		list[i] = (struct wire_chunk){
		    .uid = dom_slice_of(uid(chunks[i], 1)), .content = dom_slice_of("content")};
	one.content.chunks = list;
	one.content.chunk_count = count;
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_TRANSACTION, collection, &one, 1), SERVICE_DONE);
}

enum service_code
chunk(enum service_op op, unsigned collection, char letter)
{
	ask(op, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid(letter, 1));
	if (op == SERVICE_CHUNK_PUT)
		house.request.body = dom_slice_of("loose");
	return send();
}

void
start(void)
{
	house.service.settings.session_life_ms = 100000 * day_ms;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
}
