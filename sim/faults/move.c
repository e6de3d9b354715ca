/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whole moves between two regions (sites.h), with a fault somewhere in one of them.  The
 * account's owner writes between the steps.  At any moment there is at most one home; when the
 * fault is over the move ends, and the target has each write that was acknowledged and none
 * that was refused.
 */
#include "sim/faults/move.h"

#include <string.h>

#include "sim/alloc.h"
#include "sim/faults/sites.h"

enum {
	STEPS_MAX = 3000,
	COPY_STEPS = 1,
	STEPS_FULL = 60, /* with a full disk */
	WRITES_MAX = 30,
	WRITE_EVERY = 4,  /* steps */
	FAILURES_MAX = 3, /* steps without memory, then there is some again */
};

struct move_fault {
	int region; /* whose disk; -1: memory, which both share */
	enum sim_fault fault;
	bool stays;
	uint64_t nth;
	enum sim_crash how;
};

static struct sim_disk *images[PAIR_REGIONS];
static struct pair kept_pair;
static struct house kept_house;
static struct dom_arena *scratch, *group_arena;

/* What the owner has written: 0 not yet, or what they were told. */
enum told { NOT_SENT, STORED, REFUSED, PERHAPS };
static enum told written[WRITES_MAX];
static unsigned write_count;

/* --- the owner -----------------------------------------------------------------------------
 */

static struct sending {
	struct service_request request;
	struct service_reply reply;
	struct dom_arena *arena;
	int region;
} sending;

static enum dom_status
run_write(struct store_txn *txn, void *context)
{
	(void)context;
	return service_run(&pair.services[sending.region], txn, &sending.request, NULL,
	    sending.arena, &sending.reply);
}

/* One more item, wherever the account is at home. */
static void
write_meanwhile(void)
{
	struct wire_item one;
	int region = 0, was = pair.at;
	enum dom_status st;

	if (write_count == WRITES_MAX)
		return;
	sites_pause(true);
	while (region < PAIR_REGIONS && account_state(region) != STORE_ACCOUNT_HOME)
		region++;
	if (region < PAIR_REGIONS)
		be(region);
	if (region == PAIR_REGIONS || house.ana.token[0] == '\0') {
		be(was);
		sites_pause(false);
		return;
	}
	one = item(1000 + write_count, 'w', NULL);
	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_batch_encode(&house.body, &(struct wire_batch){.items = &one, .item_count = 1});
	house.request.body = dom_buffer_slice(&house.body);
	sending = (struct sending){
	    .request = house.request, .arena = dom_arena_new(0), .region = region};
	sites_pause(false);
	st = store_write(house.store, run_write, NULL);
	sites_pause(true);
	written[write_count++] =
	    st == DOM_OK && sending.reply.code == SERVICE_DONE &&
	            !sim_disk_is_stopped(site_disks[region])
	        ? STORED
	    : st == DOM_EUNCERTAIN || sim_disk_is_stopped(site_disks[region]) ? PERHAPS
	                                                                      : REFUSED;
	service_reply_free(&sending.reply);
	dom_arena_free(&sending.arena);
	be(was);
	sites_pause(false);
}

/* The target's items against what the owner was told. */
static void
compare(void)
{
	bool found[WRITES_MAX] = {false};
	unsigned others = 0;

	be(1);
	if (house.ana.token[0] == '\0' && log_in(&house.ana) != SERVICE_DONE) {
		wrong("nobody can log in where the account went");
		return;
	}
	house.request.limit = 1000;
	list_items(&house.ana, 1, NULL);
	for (size_t i = 0; i < house.list.count; i++) {
		const struct wire_item *one = &house.list.items[i];
		unsigned number = 0;

		if (one->content.uid.data[0] != 'w') {
			others++;
			continue;
		}
		for (size_t j = one->uid.size - 4; j < one->uid.size; j++)
			number = number * 10 + (unsigned)(one->uid.data[j] - '0');
		if (number >= 1000 && number - 1000 < WRITES_MAX)
			found[number - 1000] = true;
		else
			wrong("the target has an item that nobody wrote");
	}
	for (unsigned i = 0; i < write_count; i++) {
		if (written[i] == STORED && !found[i])
			wrong("an acknowledged write (%u of %u) is lost", i, write_count);
		if (written[i] == REFUSED && found[i])
			wrong("a refused write (%u of %u) is there", i, write_count);
	}
	if (others != 10)
		wrong("the target has %u of 10 items of before", others);
	be(0);
}

/* --- a run ----------------------------------------------------------------------------------
 */

/* False: nobody had anything to do. */
static bool
step_region(int region, int64_t *least_ms)
{
	struct mover *movers[] = {pair.answers[region], pair.asks[region]};
	enum dom_status st = keeper_step(pair.keepers[region]);
	bool did = st == DOM_OK;

	site_failures += st < 0;
	for (int i = 0; i < 2 && !site_is_down(region); i++) {
		int64_t wait_ms = MOVER_WAIT_MS_MAX;

		st = mover_step(movers[i], &wait_ms);
		site_failures += st < 0;
		did |= st == DOM_OK;
		if (st == DOM_ABSENT && wait_ms < *least_ms)
			*least_ms = wait_ms;
	}
	return did;
}

static bool
has_arrived(const struct scenario *scenario)
{
	struct store_move source = the_move(0), target = the_move(1);

	switch (scenario->number) {
	case WIRE_MOVE_HOME:
		return target.state == WIRE_MOVE_HOME;
	case WIRE_MOVE_SETTLED:
		return target.state == WIRE_MOVE_SETTLED && source.state == WIRE_MOVE_ERASED;
	default:
		/* It stays known until its order has expired. */
		return target.state == WIRE_MOVE_DISCARDED &&
		       target.due_ms > house.now_ms + DAY_MS &&
		       source.state == WIRE_MOVE_CANCELLED && !source.open;
	}
}

/* Looks as nobody of this world can, so no fault strikes. */
static bool
look(const struct scenario *scenario)
{
	bool arrived;

	sites_pause(true);
	dom_arena_reset(pair.arena);
	dom_arena_reset(house.arena);
	if (homes() > 1)
		wrong("the account has two homes");
	arrived = has_arrived(scenario);
	sites_pause(false);
	return arrived;
}

/* Until it has arrived, with restarts of whoever is down; allocations that failed. */
static uint64_t
run_steps(const struct scenario *scenario, const struct move_fault *fault)
{
	uint64_t struck = 0;

	site_failures = 0;
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		int64_t least_ms = MOVER_WAIT_MS_MAX;
		bool did = false;

		if (scenario->number == WIRE_MOVE_HOME && i % WRITE_EVERY == 1)
			write_meanwhile();
		for (int region = 0; region < PAIR_REGIONS; region++) {
			if (!site_is_down(region))
				did |= step_region(region, &least_ms);
			if (site_failures >= FAILURES_MAX && fault->region < 0)
				struck += sim_alloc_heal();
		}
		/* Also one that went down while the other asked it. */
		for (int region = 0; region < PAIR_REGIONS; region++) {
			if (site_is_down(region))
				site_restart(region, fault->how);
		}
		if (look(scenario))
			return struck;
		/* Somebody makes room. */
		if (i == STEPS_FULL && fault->stays && fault->region >= 0)
			sim_disk_heal(site_disks[fault->region]);
		if (!did)
			house.now_ms += least_ms > 0 ? least_ms : 1;
	}
	wrong("it does not end: state %d at the source, %d at the target", the_move(0).state,
	    the_move(1).state);
	return struck;
}

static void
start_run(void)
{
	pair = kept_pair;
	house = kept_house;
	for (int i = 0; i < PAIR_REGIONS; i++) {
		sim_disk_free(&site_disks[i]);
		site_disks[i] = sim_disk_new(site_names[i], 1);
		sim_disk_copy(images[i], site_disks[i]);
		if (site_open(i) != DOM_OK)
			abort();
	}
	memset(written, 0, sizeof(written));
	write_count = 0;
}

/* Not even in what a file once was: pair_fill() has made chunks of one letter. */
static void
expect_nothing(int region)
{
	uint8_t mark[64];

	memset(mark, 'c', sizeof(mark));
	if (account_state(region) != -1)
		wrong("region %s still knows the account", site_names[region]);
	if (sim_disk_holds(site_disks[region], mark, sizeof(mark)))
		wrong("a chunk is on the disk of region %s", site_names[region]);
}

/* Where the move arrived all is the same, and each store is whole. */
static void
end_run(const struct scenario *scenario)
{
	uint8_t source[32], target[32];
	struct wire_erased sums[2];

	switch (scenario->number) {
	case WIRE_MOVE_HOME:
		compare();
		root_at(0, source, &sums[0]);
		root_at(1, target, &sums[1]);
		if (memcmp(source, target, sizeof(source)) != 0)
			wrong("the roots differ");
		break;
	case WIRE_MOVE_SETTLED:
		expect_nothing(0);
		break;
	default:
		expect_nothing(1);
		if (account_state(0) != STORE_ACCOUNT_HOME)
			wrong("a cancelled move left no home");
		break;
	}
	for (int i = 0; i < PAIR_REGIONS; i++)
		site_restart(i, SIM_CRASH_KEEP);
	be(0);
	for (int i = 0; i < PAIR_REGIONS; i++)
		site_close(i);
	sites_empty();
}

/* Blocks that are not freed; each arena of the tests is left with one, whatever it had. */
static int64_t
live_blocks(void)
{
	struct dom_arena *arenas[] = {pair.arena, house.arena, pair.houses[1 - pair.at].arena};

	for (size_t i = 0; i < sizeof(arenas) / sizeof(arenas[0]); i++) {
		dom_arena_reset(arenas[i]);
		if (dom_arena_take(arenas[i], 1) == NULL)
			abort();
	}
	return sim_alloc_live();
}

/* True: the fault has struck. */
static bool
run_with(const struct scenario *scenario, const struct move_fault *fault)
{
	const int64_t live = live_blocks();
	uint64_t struck, restarts;
	int64_t left;

	start_run();
	restarts =
	    sim_disk_figures(site_disks[0]).crashes + sim_disk_figures(site_disks[1]).crashes;
	if (fault->region < 0 && fault->nth != 0)
		sim_alloc_fail(fault->nth, fault->stays);
	else if (fault->nth != 0)
		sim_disk_fail(
		    site_disks[fault->region], fault->fault, fault->nth, fault->stays);
	struck = run_steps(scenario, fault) + sim_alloc_heal();
	if (fault->region >= 0)
		struck += sim_disk_struck(site_disks[fault->region]) +
		          sim_disk_figures(site_disks[0]).crashes +
		          sim_disk_figures(site_disks[1]).crashes - restarts;
	for (int i = 0; i < PAIR_REGIONS; i++)
		sim_disk_heal(site_disks[i]);
	totals.runs++;
	end_run(scenario);
	if ((left = live_blocks() - live) != 0)
		wrong("%d blocks are not freed", (int)left);
	return struck != 0;
}

/* --- loops -----------------------------------------------------------------------------------
 */

static uint64_t allocations, operations[PAIR_REGIONS][SIM_FAULT_COUNT];

/* An unharmed run: what there is to fail. */
static void
measure(const struct scenario *scenario)
{
	uint64_t began = sim_alloc_count();

	run_with(scenario, &(struct move_fault){.region = -1});
	allocations = sim_alloc_count() - began;
	for (int i = 0; i < PAIR_REGIONS; i++) {
		for (unsigned fault = 0; fault < SIM_FAULT_COUNT; fault++)
			operations[i][fault] =
			    sim_disk_operations(site_disks[i], (enum sim_fault)fault);
	}
}

static void
loop(const struct scenario *scenario, const struct fault_options *options,
    struct move_fault fault)
{
	uint64_t count = fault.region < 0 ? allocations : operations[fault.region][fault.fault];
	uint64_t stride = options->tries != 0 ? 1 + count / options->tries : options->stride;

	if (options->weighs && options->tries == 0 && scenario->weight != 0)
		stride *= fault.region < 0 ? scenario->weight * 20 : scenario->weight;
	for (fault.nth = 1 + totals.runs * 7 % stride; fault.nth <= count;
	     fault.nth += stride) {
		faults_try(fault.region < 0
		               ? fault.stays ? "no memory from allocation" : "failed allocation"
		           : fault.region == 0 ? "at the source, disk"
		                               : "at the target, disk",
		    fault.nth, fault.region < 0 ? "" : sim_fault_name(fault.fault));
		if (!run_with(scenario, &fault))
			break;
		totals.allocations += fault.region < 0;
		totals.operations += fault.region >= 0 && fault.fault < SIM_FAULT_STOP;
		totals.stops += fault.region >= 0 && fault.fault >= SIM_FAULT_STOP;
	}
}

static void
loops(const struct scenario *scenario, const struct fault_options *options)
{
	static const struct move_fault faults[] = {
	    {.fault = SIM_FAULT_EIO, .how = SIM_CRASH_LOSE},
	    {.fault = SIM_FAULT_ENOSPC, .how = SIM_CRASH_LOSE},
	    {.fault = SIM_FAULT_ENOSPC, .stays = true, .how = SIM_CRASH_KEEP},
	    {.fault = SIM_FAULT_SYNC, .how = SIM_CRASH_ANY},
	    {.fault = SIM_FAULT_STOP, .how = SIM_CRASH_ANY},
	    {.fault = SIM_FAULT_STOPPED_AFTER, .how = SIM_CRASH_PREFIX},
	    {.fault = SIM_FAULT_STOP_AT_SYNC, .how = SIM_CRASH_LOSE},
	    {.fault = SIM_FAULT_STOP, .how = SIM_CRASH_KEEP}};

	faults_try("no fault", 0, "");
	measure(scenario);
	loop(scenario, options, (struct move_fault){.region = -1});
	loop(scenario, options, (struct move_fault){.region = -1, .stays = true});
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (int region = 0; region < PAIR_REGIONS; region++) {
			struct move_fault fault = faults[i];

			fault.region = region;
			loop(scenario, options, fault);
		}
	}
}

/* What is on both disks now is where runs begin. */
static void
keep(void)
{
	sites_empty();
	for (int i = 0; i < PAIR_REGIONS; i++) {
		site_close(i);
		sim_disk_free(&images[i]);
		images[i] = sim_disk_new(i == 0 ? "image of in" : "image of sg", 1);
		sim_disk_copy(site_disks[i], images[i]);
	}
	/* The group lies in the other one; this one is emptied at each step. */
	if (scratch == NULL)
		scratch = dom_arena_new(0);
	if (pair.arena != scratch)
		group_arena = pair.arena;
	pair.arena = scratch;
	kept_pair = pair;
	kept_house = house;
}

/* --- moves -----------------------------------------------------------------------------------
 */

static void
begin_move(void)
{
	for (int i = 0; i < PAIR_REGIONS; i++)
		site_disks[i] = sim_disk_new(site_names[i], 1);
	pair_roots[0] = "/sim/in";
	pair_roots[1] = "/sim/sg";
	if (pair_set_up(NULL) != 0)
		abort();
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
}

static void
end_move(void)
{
	start_run();
	dom_arena_free(&scratch);
	pair.arena = group_arena;
	pair_tear_down(NULL);
	for (int i = 0; i < PAIR_REGIONS; i++) {
		sim_disk_free(&images[i]);
		sim_disk_free(&site_disks[i]);
	}
}

static void
moved(const struct fault_options *options)
{
	static const struct scenario way = {
	    .name = "move: to its home", .number = WIRE_MOVE_HOME, .weight = 1};
	static const struct scenario rest = {
	    .name = "move: what is left", .number = WIRE_MOVE_SETTLED, .weight = 1};

	faults_scenario(way.name);
	begin_move();
	keep();
	loops(&way, options);
	faults_scenario(rest.name);
	faults_try("no fault", 0, "");
	start_run();
	(void)run_steps(&way, &(struct move_fault){.region = -1});
	be(1);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	assert_int_equal(acknowledge(2), SERVICE_DONE);
	keep();
	loops(&rest, options);
	end_move();
}

/* The person thinks better of it when the target has most of it. */
static void
cancelled(const struct fault_options *options)
{
	static const struct scenario off = {
	    .name = "move: cancelled", .number = WIRE_MOVE_CANCELLED, .weight = 1};

	faults_scenario(off.name);
	begin_move();
	pair_run_until(1, WIRE_MOVE_STAGING);
	for (int i = 0; i < COPY_STEPS; i++)
		(void)pair_step();
	be(0);
	assert_int_equal(cancel_move(), SERVICE_DONE);
	keep();
	loops(&off, options);
	end_move();
}

void
move_faults(const struct fault_options *options)
{
	if (options->only != NULL && strstr("moves", options->only) == NULL)
		return;
	sim_random_seed(&site_chance, 11);
	moved(options);
	cancelled(options);
}
