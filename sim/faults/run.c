/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A scenario with each fault in turn, and whether what was promised holds. */
#include <stdarg.h>
#include <string.h>

#include "sim/alloc.h"
#include "sim/faults/faults.h"

enum {
	RUNS_MAX = 200000, /* of one loop: then something does not end */
	WRONG_SHOWN_MAX = 30,
};

struct fault_totals totals;

/* What is being tried, for wrong(). */
static struct {
	const char *scenario, *fault, *crash;
	uint64_t nth;
} now;

/* Of the scenario: the disk that its runs begin with, and where an unharmed run ends. */
static struct sim_disk *world, *image;
static uint64_t rows_before, rows_after;
static enum dom_status status_after;
static uint64_t allocations_in, operations_in[SIM_FAULT_COUNT]; /* an unharmed run */
static struct sim_random chance;

void
faults_scenario(const char *name)
{
	now.scenario = name;
	totals.scenarios++;
}

void
faults_try(const char *fault, uint64_t nth, const char *crash)
{
	now.fault = fault;
	now.nth = nth;
	now.crash = crash;
}

void
wrong(const char *format, ...)
{
	va_list args;

	if (++totals.wrong > WRONG_SHOWN_MAX)
		return;
	printf("%s, %s %llu%s%s: ", now.scenario, now.fault, (unsigned long long)now.nth,
	    now.crash[0] == '\0' ? "" : ", ", now.crash);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

const char *faults_now(char *text, size_t size);
const char *
faults_now(char *text, size_t size)
{
	snprintf(text, size, "%s, %s %llu, crash %s", now.scenario, now.fault,
	    (unsigned long long)now.nth, now.crash);
	return text;
}

/* --- one run -------------------------------------------------------------------------- */

/* From the image: the same people, the same randomness, the same request. */
static bool
start(const struct scenario *scenario, const struct sim_disk *from)
{
	static struct sim_random seeded;

	sim_disk_free(&region_disk);
	region_disk = sim_disk_new("region", totals.runs);
	sim_disk_copy(from, region_disk);
	sim_random_seed(&seeded, 3);
	sim_random_install(&seeded);
	house.seed = 4242;
	if (scenario->closed)
		return true;
	if (region_open() != DOM_OK) {
		wrong("the region cannot be opened: %s", region_message);
		return false;
	}
	return true;
}

static void
begin(const struct scenario *scenario)
{
	house.seed = 4343;
	dom_arena_reset(house.arena);
	if (scenario->begin != NULL)
		scenario->begin(scenario);
	house.seed = 4444;
}

/* The machine, or only the process, starts again: what is there is well and is told. */
static struct region_state
start_again(const struct scenario *scenario, enum sim_crash how)
{
	struct region_state state = {0};

	if (house.store != NULL)
		region_close();
	if (sim_disk_open_count(region_disk) != 0) {
		wrong("%u descriptors are left open", sim_disk_open_count(region_disk));
		exit(1);
	}
	sim_disk_crash(region_disk, how, &chance);
	if (scenario->closed)
		return state;
	if (region_open() != DOM_OK) {
		wrong("the region does not start again: %s", region_message);
		return state;
	}
	return state_look();
}

/*
 * A process that was killed and the next one read what the machine remembers.  What the next
 * one shows is there, also when the power is cut right after its start.
 */
static void
cut_power(uint64_t rows)
{
	sim_disk_stop(region_disk);
	region_close();
	sim_disk_crash(region_disk, SIM_CRASH_LOSE, &chance);
	if (region_open() != DOM_OK)
		wrong("after a cut of the power it does not start: %s", region_message);
	else if (state_rows() != rows)
		wrong("what it showed after a start is lost in a cut of the power");
}

/* What the person was told, against what is there. */
static void
judge(const struct scenario *scenario, enum dom_status st, uint64_t rows, bool is_live)
{
	bool may_be_before = st < 0, may_be_after = st >= 0 || st == DOM_EUNCERTAIN;

	if (scenario->promise == RESUMES)
		return;
	/* Whoever is not told anything knows nothing. */
	if (!is_live && sim_disk_struck(region_disk) != 0 && st < 0)
		may_be_after = may_be_after || st == DOM_EUNCERTAIN;
	if (rows == rows_before && rows != rows_after && !may_be_before)
		wrong("acknowledged (%s), and not there", dom_status_text(st));
	else if (rows == rows_after && rows != rows_before && !may_be_after)
		wrong("refused (%s), and there", dom_status_text(st));
	else if (rows != rows_before && rows != rows_after)
		wrong("told %s, and there by halves", dom_status_text(st));
}

/* Done again without faults it ends where an unharmed run ends. */
static void
act_again(const struct scenario *scenario)
{
	enum dom_status st;

	if (house.store == NULL && !scenario->closed)
		return;
	begin(scenario);
	if ((st = scenario->act(scenario)) != status_after) {
		wrong("done again it says %s (%s)", dom_status_text(st),
		    house.store == NULL || store_failure(house.store) == NULL
		        ? ""
		        : store_failure(house.store));
		return;
	}
	if (!scenario->closed && state_rows() != rows_after)
		wrong("done again it ends elsewhere");
}

static void
finish_run(const struct scenario *scenario, enum dom_status st, enum sim_crash how)
{
	struct region_state state;

	totals.runs++;
	/* What failed may also be done again by the same process. */
	if (scenario->promise == RESUMES && house.store != NULL && st < 0 && now.nth % 2 == 0 &&
	    !store_failed(house.store) && !sim_disk_is_stopped(region_disk))
		act_again(scenario);
	state = start_again(scenario, how);
	if (!scenario->closed && house.store == NULL)
		return;
	if (!scenario->closed)
		judge(scenario, st, state.rows, false);
	if (!scenario->closed && how == SIM_CRASH_KEEP && sim_disk_struck(region_disk) != 0) {
		cut_power(state.rows);
		if (house.store == NULL)
			return;
	}
	if (scenario->promise == RESUMES || state.rows == rows_before)
		act_again(scenario);
	if (scenario->closed && region_open() == DOM_OK) {
		if (state_look().rows != rows_after)
			wrong("started again it ends elsewhere");
	} else if (scenario->closed) {
		wrong("the region does not start again: %s", region_message);
	}
	if (scenario->look != NULL)
		scenario->look(scenario);
	if (house.store != NULL)
		region_close();
}

/* --- loops ------------------------------------------------------------------------------ */

static struct house kept; /* as it was before the first scenario; seed 0: none was yet */

/* As it was before other scenarios. */
static void
restore_house(void)
{
	if (kept.seed == 0)
		kept = house;
	memcpy(house.folder, kept.folder, sizeof(house.folder));
	house.now_ms = kept.now_ms;
	house.ana = kept.ana;
	house.bob = kept.bob;
	house.cyd = kept.cyd;
}

static bool
prepare(const struct scenario *scenario)
{
	now.fault = "no fault";
	now.nth = 0;
	now.crash = "";
	restore_house();
	sim_disk_free(&image);
	image = sim_disk_new("image", 1);
	if (!start(&(struct scenario){.name = scenario->name}, world))
		return false;
	dom_arena_reset(house.arena);
	if (scenario->prepare != NULL)
		scenario->prepare(scenario);
	region_close();
	sim_disk_copy(region_disk, image);
	if (!start(scenario, image))
		return false;
	rows_before = scenario->closed ? 0 : state_rows();
	begin(scenario);
	allocations_in = sim_alloc_count();
	for (unsigned i = 0; i < SIM_FAULT_COUNT; i++)
		operations_in[i] = sim_disk_operations(region_disk, (enum sim_fault)i);
	status_after = scenario->act(scenario);
	allocations_in = sim_alloc_count() - allocations_in;
	for (unsigned i = 0; i < SIM_FAULT_COUNT; i++)
		operations_in[i] =
		    sim_disk_operations(region_disk, (enum sim_fault)i) - operations_in[i];
	if (status_after < 0) {
		wrong("without a fault it says %s (code %d)", dom_status_text(status_after),
		    house.reply.code);
		return false;
	}
	if (scenario->closed && region_open() != DOM_OK) {
		wrong("after an unharmed run the region does not open");
		return false;
	}
	rows_after = state_look().rows;
	region_close();
	return true;
}

/* Which of count places are tried: from first on, every so many. */
struct places {
	uint64_t first, stride, last;
};

static struct places
places(const struct fault_options *options, uint64_t count, unsigned weight)
{
	struct places places = {.stride = options->stride, .last = RUNS_MAX};

	if (options->weighs && weight != 0)
		places.stride *= weight;
	if (options->tries != 0) {
		places.stride = 1 + count / options->tries;
		places.last = count; /* one more would be unharmed */
	}
	/* So that what one loop passes over is tried in another. */
	places.first = 1 + totals.runs * 7 % places.stride;
	return places;
}

/* Nothing has changed and nothing is broken: the next try needs no other region. */
static bool
goes_on(const struct scenario *scenario, enum dom_status st)
{
	if (scenario->closed || scenario->promise == RESUMES || store_failed(house.store))
		return false;
	judge(scenario, st, state_rows(), true);
	return st < 0 || scenario->reads_only;
}

/* Also in a process in which much has failed before. */
static void
unharmed(bool is, enum dom_status st)
{
	if (is && st != status_after)
		wrong("without a fault it says %s", dom_status_text(st));
}

/* One allocation fails, or all from one on; the process goes on, and so does its store. */
static void
fail_memory(const struct scenario *scenario, const struct fault_options *options, bool stays)
{
	const struct places tried = places(options, allocations_in, scenario->weight);
	bool ended = false, is_started = false;
	int64_t live = 0;

	now.fault = stays ? "no memory from allocation" : "failed allocation";
	now.crash = "";
	for (uint64_t nth = tried.first; !ended && nth <= tried.last; nth += tried.stride) {
		enum dom_status st;

		now.nth = nth;
		if (!is_started) {
			live = sim_alloc_live();
			if (!start(scenario, image))
				return;
		}
		begin(scenario);
		sim_alloc_fail(nth, stays);
		st = scenario->act(scenario);
		ended = sim_alloc_heal() == 0;
		unharmed(ended, st);
		totals.allocations += !ended;
		is_started = !ended && goes_on(scenario, st);
		totals.runs += is_started;
		if (is_started)
			continue;
		finish_run(scenario, st, SIM_CRASH_KEEP);
		dom_buffer_free(&house.body);
		service_reply_free(&house.reply);
		dom_arena_reset(house.arena);
		if (sim_alloc_live() > live)
			wrong("%d blocks are not freed", (int)(sim_alloc_live() - live));
	}
	if (is_started)
		region_close();
}

/*
 * The disk is well again and the process has gone on: what it acknowledges from now on holds
 * as ever, so after a sync that failed it acknowledges nothing.
 */
static enum dom_status
go_on(const struct scenario *scenario, enum dom_status st)
{
	enum dom_status again;

	if (scenario->promise != ATOMIC || scenario->closed || st >= 0 ||
	    sim_disk_is_stopped(region_disk))
		return st;
	begin(scenario);
	again = scenario->act(scenario);
	if (again >= 0)
		return again;
	if (st != DOM_EUNCERTAIN && !store_failed(house.store))
		wrong("when the disk is well again it says %s", dom_status_text(again));
	return st;
}

static void
fail_disk(const struct scenario *scenario, const struct fault_options *options,
    enum sim_fault fault, bool stays, enum sim_crash how)
{
	const bool stops = fault >= SIM_FAULT_STOP;
	const struct places tried = places(options, operations_in[fault], 0);
	bool ended = false;

	now.fault = sim_fault_name(fault);
	now.crash = sim_crash_name(how);
	for (uint64_t nth = tried.first; !ended && nth <= tried.last; nth += tried.stride) {
		enum dom_status st;

		now.nth = nth;
		if (!start(scenario, image))
			return;
		begin(scenario);
		sim_disk_fail(region_disk, fault, nth, stays);
		st = scenario->act(scenario);
		ended = sim_disk_struck(region_disk) == 0;
		unharmed(ended, st);
		totals.operations += !ended && !stops;
		totals.stops += !ended && stops;
		/* The process hears of what is done, but nobody hears the process. */
		if (sim_disk_is_stopped(region_disk) && st < 0)
			st = DOM_EUNCERTAIN;
		if (!stops) {
			sim_disk_heal(region_disk);
			st = go_on(scenario, st);
		}
		finish_run(scenario, st, how);
	}
}

void
faults_forget(void)
{
	restore_house();
	kept.seed = 0;
	sim_disk_free(&image);
	sim_disk_free(&world);
}

void
faults_end(void)
{
	faults_forget();
	region_free();
}

void
faults_of(const struct scenario *scenario, const struct fault_options *options)
{
	static const enum sim_fault stops[] = {
	    SIM_FAULT_STOP, SIM_FAULT_STOPPED_AFTER, SIM_FAULT_STOP_AT_SYNC};
	static unsigned turn;

	if (options->only != NULL && strstr(scenario->name, options->only) == NULL)
		return;
	if (world == NULL) {
		world = sim_disk_new("world", 1);
		sim_disk_copy(region_disk, world);
		sim_random_seed(&chance, 5);
	}
	now.scenario = scenario->name;
	totals.scenarios++;
	if (!prepare(scenario))
		return;
	fail_memory(scenario, options, false);
	fail_memory(scenario, options, true);
	fail_disk(scenario, options, SIM_FAULT_EIO, false, SIM_CRASH_KEEP);
	if (scenario->reads_only)
		return;
	fail_disk(scenario, options, SIM_FAULT_EIO, true, SIM_CRASH_LOSE);
	fail_disk(scenario, options, SIM_FAULT_ENOSPC, false, SIM_CRASH_KEEP);
	fail_disk(scenario, options, SIM_FAULT_ENOSPC, true, SIM_CRASH_LOSE);
	fail_disk(scenario, options, SIM_FAULT_SYNC, false, SIM_CRASH_LOSE);
	fail_disk(scenario, options, SIM_FAULT_SYNC, false, SIM_CRASH_KEEP);
	fail_disk(scenario, options, SIM_FAULT_SYNC, true, SIM_CRASH_KEEP);
	for (unsigned i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		for (unsigned how = 0; how < options->crashes; how++)
			fail_disk(scenario, options, stops[i], false,
			    (enum sim_crash)((how + turn) % SIM_CRASH_COUNT));
		turn++;
	}
}
