/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is due, looked for in snapshots, a page at a time. */
#include <assert.h>
#include <stdlib.h>

#include "services/move/parts.h"
#include "services/retention/sweep.h"

enum { PAGE = RETENTION_STEP_ROWS };

struct retention *
retention_open(const struct retention_options *options)
{
	struct retention *retention = calloc(1, sizeof(*retention));

	if (retention == NULL)
		return NULL;
	retention->options = *options;
	retention->started_ms = retention->whole_ms = INT64_MIN;
	return retention;
}

void
retention_close(struct retention **retention)
{
	free(*retention);
	*retention = NULL;
}

const struct retention_figures *
retention_figures(const struct retention *retention)
{
	return &retention->figures;
}

/* One call of retention_plan(). */
struct plan {
	struct retention *retention;
	struct store_txn *txn;
	struct dom_arena *arena;
	int64_t time_ms; /* T */
	struct retention_step *step;
};

static enum dom_status
new_step(struct plan *plan, enum retention_step_kind kind)
{
	plan->step = dom_arena_take(plan->arena, sizeof(*plan->step));
	if (plan->step == NULL)
		return DOM_ENOMEM;
	plan->step->kind = kind;
	plan->step->options = &plan->retention->options;
	return DOM_OK;
}

/* DOM_ABSENT: the account is on its way out, or to another region. */
static enum dom_status
owner_before(struct plan *plan, int64_t owner, struct dom_slice type, int64_t *before_ms_r)
{
	const struct retention_rules *rules = plan->retention->options.rules;
	enum retention_what what = plan->retention->at;
	struct retention_service *services = NULL;
	struct store_account account;
	size_t count = 0;
	enum dom_status st, held;

	st = store_account_by_number(plan->txn, owner, plan->arena, &account);
	if (st == DOM_OK && account.state != STORE_ACCOUNT_HOME)
		return DOM_ABSENT;
	if (st == DOM_OK && (held = move_holds(plan->txn, owner, plan->arena)) != DOM_ABSENT)
		return held == DOM_OK ? DOM_ABSENT : held;
	if (st == DOM_OK &&
	    (what == RETENTION_HISTORY || retention_needs_services(rules, what)))
		st = retention_services(plan->txn, owner, type, plan->arena, &services, &count);
	if (st != DOM_OK)
		return st;
	return retention_before(rules, what, services, count, plan->time_ms, before_ms_r);
}

/* As retention_before(), for what the account calls this type. */
static enum dom_status
before_of(struct plan *plan, int64_t owner, struct dom_slice type, int64_t *before_ms_r)
{
	struct retention *retention = plan->retention;
	struct retention_known *known;
	enum dom_status st;

	for (size_t i = 0; i < retention->known_count && i < RETENTION_KNOWN_MAX; i++) {
		known = &retention->known[i];
		if (known->owner == owner &&
		    dom_slice_equal(dom_slice(known->type, known->type_size), type)) {
			*before_ms_r = known->before_ms;
			return known->st;
		}
	}
	*before_ms_r = INT64_MIN;
	st = owner_before(plan, owner, type, before_ms_r);
	if (st < 0 || type.size > RETENTION_KNOWN_TYPE_MAX)
		return st;
	known = &retention->known[retention->known_count++ % RETENTION_KNOWN_MAX];
	*known = (struct retention_known){
	    .owner = owner, .type_size = type.size, .before_ms = *before_ms_r, .st = st};
	if (type.size != 0)
		memcpy(known->type, type.data, type.size);
	return st;
}

/* --- each part -------------------------------------------------------------------
 * DOM_OK: there is a step.  DOM_CONFLICT: a page without one.  DOM_ABSENT: the
 * part is done.
 */

static enum dom_status
plan_sessions(struct plan *plan)
{
	int64_t before_ms = INT64_MIN;
	enum dom_status st;

	/* Also without a rule: those whose own time is over. */
	st = retention_before(plan->retention->options.rules, RETENTION_SESSIONS, NULL, 0,
	    plan->time_ms, &before_ms);
	if (st < 0)
		return st;
	st = new_step(plan, RETENTION_STEP_SESSIONS);
	if (st == DOM_OK)
		plan->step->before_ms = before_ms;
	return st;
}

static enum dom_status
plan_history(struct plan *plan)
{
	struct retention *retention = plan->retention;
	struct store_revision_due *rows;
	struct retention_step *step;
	size_t count;
	int64_t before_ms;
	enum dom_status st;

	st = retention_before_latest(
	    retention->options.rules, RETENTION_HISTORY, plan->time_ms, &before_ms);
	if (retention->is_whole) {
		before_ms = retention_before_all(plan->time_ms);
		st = DOM_OK;
	}
	if (st == DOM_OK)
		st = store_revisions_due(
		    plan->txn, before_ms, retention->due, PAGE, plan->arena, &rows, &count);
	if (st == DOM_OK && count == 0)
		return DOM_ABSENT;
	if (st == DOM_OK)
		st = new_step(plan, RETENTION_STEP_REVISIONS);
	if (st != DOM_OK)
		return st;
	step = plan->step;
	for (size_t i = 0; i < count; i++) {
		st = before_of(plan, rows[i].owner, rows[i].type, &before_ms);
		if (st < 0)
			return st;
		retention->held[RETENTION_HISTORY] += st == DOM_CONFLICT;
		if (st != DOM_OK || rows[i].at.ms >= before_ms)
			continue;
		if (step->before_ms < before_ms)
			step->before_ms = before_ms;
		step->of[step->count] = (struct retention_touched){
		    .owner = rows[i].owner, .collection = rows[i].collection};
		step->at[step->count++] = rows[i].at;
	}
	step->last = rows[count - 1].at;
	if (step->count != 0)
		return DOM_OK;
	retention->due = step->last;
	return DOM_CONFLICT;
}

/* Of one collection; an abandoned one goes as a whole.  DOM_ABSENT: nothing. */
static enum dom_status
plan_chunks_of(struct plan *plan, const struct store_owned *owned)
{
	struct retention_step *step;
	int64_t before_ms;
	enum dom_status st;

	if (owned->abandoned)
		return DOM_ABSENT;
	st = before_of(plan, owned->collection.owner, owned->type, &before_ms);
	if (st == DOM_CONFLICT) {
		plan->retention->held[RETENTION_CHUNKS]++;
		return DOM_ABSENT;
	}
	if (st == DOM_OK)
		st = new_step(plan, RETENTION_STEP_CHUNKS);
	if (st != DOM_OK)
		return st;
	step = plan->step;
	step->account = owned->collection.owner;
	step->collection = owned->collection.number;
	st = store_chunks_due(plan->txn, step->collection, before_ms, RETENTION_STEP_ROWS,
	    plan->arena, &step->chunks, &step->count, &step->clock);
	return st == DOM_OK && step->count == 0 ? DOM_ABSENT : st;
}

static enum dom_status
next_account(struct plan *plan, int64_t *number)
{
	struct store_account *accounts;
	size_t count;
	enum dom_status st;

	st = store_account_scan(plan->txn, *number, 1, plan->arena, &accounts, &count);
	if (st != DOM_OK || count == 0)
		return st < 0 ? st : DOM_ABSENT;
	*number = accounts[0].number;
	return DOM_OK;
}

/*
 * One collection, whose number > collection; it comes again until nothing is
 * due.  Looking takes its time, so each has a snapshot of its own.
 */
static enum dom_status
plan_chunks_after(struct plan *plan, int64_t owner, int64_t collection, bool *is_one_r)
{
	struct store_owned *owned;
	size_t count;
	enum dom_status st;

	st = store_collections_owned(
	    plan->txn, owner, collection, 1, plan->arena, &owned, &count);
	*is_one_r = st == DOM_OK && count == 1;
	if (!*is_one_r)
		return st < 0 ? st : DOM_ABSENT;
	if ((st = plan_chunks_of(plan, &owned[0])) == DOM_ABSENT)
		plan->retention->collection = owned[0].collection.number;
	return st;
}

/* All collections, account by account. */
static enum dom_status
plan_chunks_whole(struct plan *plan)
{
	struct retention *retention = plan->retention;
	bool is_one;
	enum dom_status st = DOM_OK;

	if (retention->account == 0)
		st = next_account(plan, &retention->account);
	if (st != DOM_OK)
		return st;
	st = plan_chunks_after(plan, retention->account, retention->collection, &is_one);
	if (st != DOM_ABSENT)
		return st;
	if (is_one)
		return DOM_CONFLICT;
	retention->collection = 0;
	st = next_account(plan, &retention->account);
	return st == DOM_OK ? DOM_CONFLICT : st;
}

static enum dom_status
plan_chunks(struct plan *plan)
{
	struct retention *retention = plan->retention;
	const struct retention_touched *touched;
	bool is_one;
	enum dom_status st;

	if (retention->is_whole)
		return plan_chunks_whole(plan);
	if (retention->touched_count == 0)
		return DOM_ABSENT;
	touched = &retention->touched[retention->touched_count - 1];
	st = plan_chunks_after(plan, touched->owner, touched->collection - 1, &is_one);
	if (st != DOM_ABSENT)
		return st;
	retention->touched_count--;
	return DOM_CONFLICT;
}

static enum dom_status
plan_collections(struct plan *plan)
{
	struct retention *retention = plan->retention;
	struct store_owned *rows;
	size_t count;
	int64_t before_ms;
	enum dom_status st;

	st = retention_before_latest(
	    retention->options.rules, RETENTION_COLLECTIONS, plan->time_ms, &before_ms);
	if (st == DOM_OK)
		st = store_collections_due(
		    plan->txn, before_ms, retention->due, PAGE, plan->arena, &rows, &count);
	if (st != DOM_OK || count == 0)
		return st < 0 ? st : DOM_ABSENT;
	for (size_t i = 0; i < count; i++) {
		st = before_of(plan, rows[i].collection.owner, rows[i].type, &before_ms);
		if (st < 0)
			return st;
		retention->held[RETENTION_COLLECTIONS] += st == DOM_CONFLICT;
		if (st == DOM_OK && rows[i].abandoned_ms < before_ms) {
			if ((st = new_step(plan, RETENTION_STEP_COLLECTION)) != DOM_OK)
				return st;
			plan->step->account = rows[i].collection.owner;
			plan->step->collection = rows[i].collection.number;
			return DOM_OK; /* it comes again until it is gone */
		}
		retention->due = (struct store_due){
		    .ms = rows[i].abandoned_ms, .number = rows[i].collection.number};
	}
	return DOM_CONFLICT;
}

/* A notice of before its last use, or of the same minute (T ticks), is none. */
static bool
is_told(const struct store_account_due *account)
{
	return account->notice_ms > account->active_ms;
}

static enum dom_status
plan_accounts(struct plan *plan)
{
	struct retention *retention = plan->retention;
	const struct retention_rules *rules = retention->options.rules;
	int64_t before_ms = INT64_MIN, tell_before_ms, told_before_ms;
	struct store_account_due *rows;
	size_t count;
	enum dom_status st;

	st = retention_notice_before(rules, plan->time_ms, &tell_before_ms, &told_before_ms);
	if (st != DOM_OK) {
		retention->held[RETENTION_ACCOUNTS] += st == DOM_CONFLICT;
		return st < 0 ? st : DOM_ABSENT;
	}
	st = retention_before(rules, RETENTION_ACCOUNTS, NULL, 0, plan->time_ms, &before_ms);
	if (st >= 0)
		st = store_accounts_due(plan->txn, tell_before_ms, retention->account, PAGE,
		    plan->arena, &rows, &count);
	if (st != DOM_OK || count == 0)
		return st < 0 ? st : DOM_ABSENT;
	for (size_t i = 0; i < count; i++) {
		const struct store_account_due *row = &rows[i];
		bool ends = is_told(row) && row->notice_ms < told_before_ms &&
		            row->active_ms < before_ms;

		retention->account = row->number;
		/* Its owner could do nothing about it, so the operator decides. */
		if (row->disabled || (is_told(row) && !ends))
			continue;
		st = new_step(plan, ends ? RETENTION_STEP_ACCOUNT : RETENTION_STEP_NOTICE);
		if (st != DOM_OK)
			return st;
		plan->step->account = row->number;
		plan->step->before_ms = ends ? before_ms : tell_before_ms;
		plan->step->told_before_ms = told_before_ms;
		return DOM_OK;
	}
	return DOM_CONFLICT;
}

static enum dom_status
plan_part(struct plan *plan)
{
	switch (plan->retention->at) {
	case RETENTION_SESSIONS:
		return plan_sessions(plan);
	case RETENTION_HISTORY:
		return plan_history(plan);
	case RETENTION_CHUNKS:
		return plan_chunks(plan);
	case RETENTION_COLLECTIONS:
		return plan_collections(plan);
	case RETENTION_ACCOUNTS:
	case RETENTION_WHAT_COUNT:
		break;
	}
	return plan_accounts(plan);
}

/* --- from part to part ------------------------------------------------------------ */

static const enum retention_what order[] = {RETENTION_SESSIONS, RETENTION_HISTORY,
    RETENTION_CHUNKS, RETENTION_COLLECTIONS, RETENTION_ACCOUNTS};
enum { PARTS = sizeof(order) / sizeof(order[0]) };
static_assert((int)PARTS == (int)RETENTION_WHAT_COUNT, "every part has its turn");

static void
begin_part(struct retention *retention, enum retention_what what)
{
	retention->at = what;
	retention->is_part_done = false;
	retention->known_count = 0;
	retention->due = (struct store_due){0};
	retention->account = retention->collection = 0;
}

static void
begin(struct retention *retention, int64_t time_ms)
{
	retention->is_awake = true;
	retention->started_ms = time_ms;
	retention->is_whole = retention->whole_ms == INT64_MIN ||
	                      time_ms - retention->whole_ms >= RETENTION_WHOLE_MS;
	retention->touched_count = 0;
	memset(retention->held, 0, sizeof(retention->held));
	begin_part(retention, order[0]);
}

/* False: that was the last one. */
static bool
next_part(struct retention *retention, int64_t time_ms)
{
	for (size_t i = 0; i + 1 < PARTS; i++) {
		if (order[i] == retention->at) {
			begin_part(retention, order[i + 1]);
			return true;
		}
	}
	retention->is_awake = false;
	if (retention->is_whole)
		retention->whole_ms = retention->started_ms;
	memcpy(retention->figures.held, retention->held, sizeof(retention->held));
	retention->figures.sweeps++;
	retention->figures.swept_ms = time_ms;
	return false;
}

enum dom_status
retention_plan(struct retention *retention, struct store_txn *snapshot, struct dom_arena *arena,
    struct retention_step **step_r)
{
	struct plan plan = {.retention = retention, .txn = snapshot, .arena = arena};
	enum dom_status st;

	*step_r = NULL;
	if ((st = store_region_time(snapshot, &plan.time_ms)) != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	if (!retention->is_awake) {
		if (retention->started_ms != INT64_MIN &&
		    plan.time_ms - retention->started_ms < RETENTION_EVERY_MS)
			return DOM_ABSENT;
		begin(retention, plan.time_ms);
	}
	st = retention->is_part_done ? DOM_ABSENT : plan_part(&plan);
	if (st == DOM_ABSENT)
		return next_part(retention, plan.time_ms) ? DOM_CONFLICT : DOM_ABSENT;
	if (st == DOM_OK)
		*step_r = plan.step;
	return st;
}
