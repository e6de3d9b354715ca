/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whole moves between two regions (move_pair.h), each on a disk of its own, with a fault
 * somewhere in one of them.  Its owner writes between the steps.  At any moment there is at
 * most one home; when the fault is over the move ends, and the target has each write that was
 * acknowledged and none that was refused.
 */
#include "sim/faults/move.h"

#include <string.h>

#include "move_pair.h"
#include "sim/alloc.h"
#include "sim/faults/faults.h"

enum {
	STEPS_MAX = 3000,
	STEPS_FULL = 60, /* with a full disk */
	WRITES_MAX = 30,
	WRITE_EVERY = 4, /* steps */
	HOLDS_MAX = 20,
	FAILURES_MAX = 3, /* steps without memory, then there is some again */
};

struct move_fault {
	int region; /* whose disk; -1: memory, which both share */
	enum sim_fault fault;
	bool stays;
	uint64_t nth;
	enum sim_crash how;
};

static struct sim_disk *disks[PAIR_REGIONS], *images[PAIR_REGIONS];
static struct pair kept_pair;
static struct house kept_house;
static struct sim_random chance;
static unsigned failures;
static struct dom_arena *scratch;

/* What the owner has written: 0 not yet, or what they were told. */
enum told { NOT_SENT, STORED, REFUSED, PERHAPS };
static enum told written[WRITES_MAX];
static unsigned write_count;

static const char *const disk_names[PAIR_REGIONS] = {"in", "sg"};

/* --- regions ----------------------------------------------------------------------------- */

static struct house *
at(int region)
{
	return region == pair.at ? &house : &pair.houses[region];
}

static void
close_region(int region)
{
	struct house *one = at(region);

	mover_close(&pair.asks[region]);
	mover_close(&pair.answers[region]);
	keeper_close(&pair.keepers[region]);
	store_reader_close(&one->reader);
	store_close(&one->store);
}

static enum dom_status ask_peers(void *context, struct mover_ask *asks, size_t count);

static enum dom_status
open_workers(int region)
{
	struct mover_options options = {.service = &pair.services[region],
	    .store = pair.services[region].store,
	    .role = MOVER_ANSWERS,
	    .lanes = 1,
	    .peer = {.ask = ask_peers}};
	struct keeper_options keeper = {.service = &pair.services[region],
	    .store = pair.services[region].store,
	    .journal = journal_in_memory()};
	enum dom_status st;

	keeper.journal.context = &pair.journals[region];
	if ((st = mover_open(&options, &pair.answers[region])) != DOM_OK)
		return st;
	options.role = MOVER_ASKS;
	if ((st = mover_open(&options, &pair.asks[region])) != DOM_OK)
		return st;
	return keeper_open(&keeper, &pair.keepers[region]);
}

static enum dom_status
open_region(int region)
{
	struct house *one = at(region);
	char message[300] = "";
	enum dom_status st = store_open(&(struct store_options){.folder = one->folder,
	                                    .region = disk_names[region],
	                                    .key = one->service.key,
	                                    .clock = one->service.clock,
	                                    .manual = true,
	                                    .chunk_row_size_max = 4096},
	    &one->store, message, sizeof(message));

	if (st == DOM_OK)
		st = store_reader_open(one->store, &one->reader);
	one->service.store = pair.services[region].store = one->store;
	return st == DOM_OK ? open_workers(region) : st;
}

/* In whatever state a move is, its stores are whole. */
static void
examine(int region)
{
	int was = pair.at;

	be(region);
	state_close();
	(void)state_look();
	state_close();
	be(was);
}

/* The fault is found and mended, and the region starts again. */
static void
restart_region(int region, enum sim_crash how)
{
	close_region(region);
	if (sim_disk_open_count(disks[region]) != 0) {
		wrong("%u descriptors are left open", sim_disk_open_count(disks[region]));
		exit(1);
	}
	sim_alloc_pause(true);
	sim_disk_crash(disks[region], how, &chance);
	if (open_region(region) != DOM_OK) {
		wrong("region %s does not start again", disk_names[region]);
		exit(1);
	}
	examine(region);
	sim_alloc_pause(false);
}

static bool
is_down(int region)
{
	return sim_disk_is_stopped(disks[region]) || store_failed(at(region)->store);
}

static void
pause_faults(bool is_paused)
{
	sim_alloc_pause(is_paused);
	for (int i = 0; i < PAIR_REGIONS; i++)
		sim_disk_pause(disks[i], is_paused);
}

/* --- between the regions ------------------------------------------------------------------ */

struct serving {
	int to;
	struct service_request request;
	struct service_reply reply;
	struct dom_arena *arena;
};

static enum dom_status
run_request(struct store_txn *txn, void *context)
{
	struct serving *serving = context;

	return service_run(&pair.services[serving->to], txn, &serving->request, NULL,
	    serving->arena, &serving->reply);
}

static void
serve_once(struct serving *serving)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	service_reply_free(&serving->reply);
	if (service_plan(serving->request.op)->writes) {
		st = store_write(at(serving->to)->store, run_request, serving);
	} else if ((st = store_read_begin(at(serving->to)->reader, &txn)) == DOM_OK) {
		st = run_request(txn, serving);
		store_read_end(&txn);
	}
	if (st != DOM_OK && st != DOM_EDENIED)
		service_failure(st, &serving->reply);
}

/* As http/ does: a code becomes a status and a body. */
static void
take_reply(struct mover_ask *ask, const struct service_reply *reply)
{
	bool is_refused = reply->code == SERVICE_PEER_REFUSED;
	struct wire_error error = {
	    .code = dom_slice_of(is_refused ? "peer_refused" : "unavailable"),
	    .detail = dom_slice_of(reply->detail == NULL ? "" : reply->detail),
	    .is_simple = true,
	    .abort = reply->abort.bytes,
	    .signature = reply->abort.signature};

	ask->failure = DOM_OK;
	ask->status = reply->code == SERVICE_DONE ? 200 : is_refused ? 409 : 503;
	ask->retry_after_seconds = reply->retry_after_seconds;
	if (reply->code == SERVICE_DONE)
		dom_buffer_append_slice(&ask->reply, dom_buffer_slice(&reply->body));
	else
		wire_error_encode(&ask->reply, &error);
	if (dom_buffer_finish(&ask->reply) != DOM_OK)
		ask->failure = DOM_ENOMEM;
}

static void
serve(struct mover_ask *ask, int to)
{
	struct serving serving = {.to = to,
	    .request = {.op = ask->change ? SERVICE_PEER_CHANGE : SERVICE_PEER,
	        .limit = -1,
	        .body = ask->body},
	    .arena = dom_arena_new(0)};
	int64_t wait_ms;

	if (serving.arena == NULL)
		return;
	serve_once(&serving);
	/* Held: whoever answers works on it. */
	for (int i = 0; i < HOLDS_MAX && serving.reply.hold_ms != 0; i++) {
		failures += mover_step(pair.answers[to], &wait_ms) < 0;
		serve_once(&serving);
	}
	/* Nobody hears a machine that has stopped. */
	if (sim_disk_is_stopped(disks[to]))
		ask->failure = DOM_EUNCERTAIN;
	else
		take_reply(ask, &serving.reply);
	service_reply_free(&serving.reply);
	dom_arena_free(&serving.arena);
}

static enum dom_status
ask_peers(void *context, struct mover_ask *asks, size_t count)
{
	(void)context;
	for (size_t i = 0; i < count; i++) {
		int to = dom_slice_is(asks[i].region->name, disk_names[0]) ? 0 : 1;

		asks[i].failure = DOM_ENETWORK;
		if (!is_down(to))
			serve(&asks[i], to);
	}
	return DOM_OK;
}

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
	pause_faults(true);
	while (region < PAIR_REGIONS && account_state(region) != STORE_ACCOUNT_HOME)
		region++;
	if (region == PAIR_REGIONS || at(region)->ana.token[0] == '\0') {
		pause_faults(false);
		return;
	}
	be(region);
	one = item(1000 + write_count, 'w', NULL);
	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_batch_encode(&house.body, &(struct wire_batch){.items = &one, .item_count = 1});
	house.request.body = dom_buffer_slice(&house.body);
	sending = (struct sending){
	    .request = house.request, .arena = dom_arena_new(0), .region = region};
	pause_faults(false);
	st = store_write(house.store, run_write, NULL);
	pause_faults(true);
	written[write_count++] = st == DOM_OK && sending.reply.code == SERVICE_DONE &&
	                                 !sim_disk_is_stopped(disks[region])
	                             ? STORED
	                         : st == DOM_EUNCERTAIN || sim_disk_is_stopped(disks[region])
	                             ? PERHAPS
	                             : REFUSED;
	service_reply_free(&sending.reply);
	dom_arena_free(&sending.arena);
	be(was);
	pause_faults(false);
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

	failures += st < 0;
	for (int i = 0; i < 2 && !is_down(region); i++) {
		int64_t wait_ms = MOVER_WAIT_MS_MAX;

		st = mover_step(movers[i], &wait_ms);
		failures += st < 0;
		did |= st == DOM_OK;
		if (st == DOM_ABSENT && wait_ms < *least_ms)
			*least_ms = wait_ms;
	}
	return did;
}

static bool
has_arrived(const struct scenario *scenario)
{
	return scenario->number == WIRE_MOVE_HOME ? the_move(1).state == WIRE_MOVE_HOME
	                                          : the_move(1).state == WIRE_MOVE_SETTLED &&
	                                                the_move(0).state == WIRE_MOVE_ERASED;
}

/* Looks as nobody of this world can, so no fault strikes. */
static bool
look(const struct scenario *scenario)
{
	bool arrived;

	pause_faults(true);
	dom_arena_reset(pair.arena);
	dom_arena_reset(house.arena);
	if (homes() > 1)
		wrong("the account has two homes");
	arrived = has_arrived(scenario);
	pause_faults(false);
	return arrived;
}

/* Until it has arrived, with restarts of whoever is down; allocations that failed. */
static uint64_t
run_steps(const struct scenario *scenario, const struct move_fault *fault)
{
	uint64_t struck = 0;

	failures = 0;
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		int64_t least_ms = MOVER_WAIT_MS_MAX;
		bool did = false;

		if (scenario->number == WIRE_MOVE_HOME && i % WRITE_EVERY == 1)
			write_meanwhile();
		for (int region = 0; region < PAIR_REGIONS; region++) {
			if (!is_down(region))
				did |= step_region(region, &least_ms);
			if (failures >= FAILURES_MAX && fault->region < 0)
				struck += sim_alloc_heal();
		}
		/* Also one that went down while the other asked it. */
		for (int region = 0; region < PAIR_REGIONS; region++) {
			if (is_down(region))
				restart_region(region, fault->how);
		}
		if (look(scenario))
			return struck;
		/* Somebody makes room. */
		if (i == STEPS_FULL && fault->stays && fault->region >= 0)
			sim_disk_heal(disks[fault->region]);
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
		sim_disk_free(&disks[i]);
		disks[i] = sim_disk_new(disk_names[i], 1);
		sim_disk_copy(images[i], disks[i]);
		if (open_region(i) != DOM_OK)
			abort();
	}
	memset(written, 0, sizeof(written));
	write_count = 0;
}

/* Where the move arrived all is the same, and each store is whole. */
static void
end_run(const struct scenario *scenario)
{
	uint8_t source[32], target[32];
	struct wire_erased sums[2];

	if (scenario->number == WIRE_MOVE_HOME) {
		compare();
		root_at(0, source, &sums[0]);
		root_at(1, target, &sums[1]);
		if (memcmp(source, target, sizeof(source)) != 0)
			wrong("the roots differ");
	} else if (account_state(0) != -1) {
		wrong("the source still knows the account");
	}
	for (int i = 0; i < PAIR_REGIONS; i++)
		restart_region(i, SIM_CRASH_KEEP);
	be(0);
	for (int i = 0; i < PAIR_REGIONS; i++)
		close_region(i);
	service_reply_free(&house.reply);
	dom_buffer_clear(&house.body);
}

/* True: the fault has struck. */
static bool
run_with(const struct scenario *scenario, const struct move_fault *fault)
{
	uint64_t struck, restarts;

	start_run();
	restarts = sim_disk_figures(disks[0]).crashes + sim_disk_figures(disks[1]).crashes;
	if (fault->region < 0 && fault->nth != 0)
		sim_alloc_fail(fault->nth, fault->stays);
	else if (fault->nth != 0)
		sim_disk_fail(disks[fault->region], fault->fault, fault->nth, fault->stays);
	struck = run_steps(scenario, fault) + sim_alloc_heal();
	if (fault->region >= 0)
		struck += sim_disk_struck(disks[fault->region]) +
		          sim_disk_figures(disks[0]).crashes +
		          sim_disk_figures(disks[1]).crashes - restarts;
	for (int i = 0; i < PAIR_REGIONS; i++)
		sim_disk_heal(disks[i]);
	totals.runs++;
	end_run(scenario);
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
			    sim_disk_operations(disks[i], (enum sim_fault)fault);
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
	be(0);
	service_reply_free(&house.reply);
	for (int i = 0; i < PAIR_REGIONS; i++) {
		close_region(i);
		sim_disk_free(&images[i]);
		images[i] = sim_disk_new(i == 0 ? "image of in" : "image of sg", 1);
		sim_disk_copy(disks[i], images[i]);
	}
	/* The group lies in the other one; this one is emptied at each step. */
	if (scratch == NULL)
		scratch = dom_arena_new(0);
	pair.arena = scratch;
	kept_pair = pair;
	kept_house = house;
}

void
move_faults(const struct fault_options *options)
{
	static const struct scenario way = {
	    .name = "move: to its home", .number = WIRE_MOVE_HOME, .weight = 4};
	static const struct scenario rest = {
	    .name = "move: what is left", .number = WIRE_MOVE_SETTLED, .weight = 2};

	if (options->only != NULL && strstr(options->only, "move") == NULL)
		return;
	sim_random_seed(&chance, 11);
	for (int i = 0; i < PAIR_REGIONS; i++)
		disks[i] = sim_disk_new(disk_names[i], 1);
	pair_roots[0] = "/sim/in";
	pair_roots[1] = "/sim/sg";
	faults_scenario(way.name);
	if (pair_set_up(NULL) != 0)
		abort();
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
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
	for (int i = 0; i < PAIR_REGIONS; i++) {
		sim_disk_free(&images[i]);
		sim_disk_free(&disks[i]);
	}
}
