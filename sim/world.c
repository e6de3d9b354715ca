/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A world from its first moment to its last. */
#include "sim/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "crypto/keys.h"

#include "sim/digest.h"
#include "sim/fiber.h"
#include "sim/history.h"
#include "sim/movers.h"
#include "sim/oracle.h"
#include "sim/phone.h"
#include "sim/plan.h"
#include "sim/run.h"
#include "sim/shuttle.h"
#include "sim/time.h"

enum {
	FAULT_SECONDS_MAX = 60,
	SETTLE_HOURS = 48, /* of virtual time, in which everything must have finished */
};
#define WORLD_BEGINS_US (INT64_C(1800000000) * TIME_SECOND_US)

/* --- telling --------------------------------------------------------------------- */

void
world_say(struct world *world, const char *format, ...)
{
	char text[RUN_LINE_SIZE - 24];
	va_list args;

	(void)world;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	run_say((double)(time_now_us() - WORLD_BEGINS_US) / TIME_SECOND_US, text);
}

void
world_note(struct world *world, const char *format, ...)
{
	char text[RUN_LINE_SIZE - 24];
	va_list args;

	if (!run_tells_calls())
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	world_say(world, "%s", text);
}

void
world_broken(struct world *world, const char *rule, const char *format, ...)
{
	char text[600];
	va_list args;

	(void)world;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	run_broken(rule, text);
}

void
world_struck(struct world *world, enum fault_kind fault)
{
	world->cover->faults[fault]++;
	world->struck_us[fault] = time_now_us();
}

void
world_did(struct world *world, enum action_kind action, int64_t began_us)
{
	for (unsigned i = 0; i < FAULT_KIND_COUNT; i++)
		if (world->struck_us[i] >= began_us)
			world->cover->pairs[action][i]++;
}

int64_t
world_moment(struct world *world)
{
	return (int64_t)++world->oracle->step;
}

/* Items are numbers to the history checker, and so are revisions. */
static bool
history_place(struct world *world, struct dom_slice collection_uid, struct dom_slice item_uid,
    struct dom_slice revision_uid, uint32_t *item_r, uint64_t *revision_r)
{
	const struct o_collection *collection =
	    oracle_collection(world->oracle, collection_uid);
	const struct o_revision *revision = oracle_revision(world->oracle, revision_uid);

	if (collection == NULL)
		return false;
	*item_r =
	    (uint32_t)(oracle_item(world->oracle,
	                   (unsigned)(collection - world->oracle->collections), item_uid) -
	               world->oracle->items);
	*revision_r =
	    revision == NULL ? UINT64_MAX : (uint64_t)(revision - world->oracle->revisions) + 1;
	return true;
}

void
world_note_read(struct world *world, struct dom_slice collection, struct dom_slice item,
    struct dom_slice revision, int64_t began)
{
	uint64_t value;
	uint32_t reg;

	if (history_place(world, collection, item, revision, &reg, &value) &&
	    !history_read(world->history, reg, value, began, world_moment(world)))
		abort();
}

/* --- faults ---------------------------------------------------------------------- */

struct healing {
	struct region *region;
	uint64_t armed_number;
};

static void
heal_event(void *context)
{
	struct healing *healing = context;
	struct region *region = healing->region;

	if (region->armed_number == healing->armed_number) {
		region_look(region);
		if (!region->crash_is_due)
			region_heal(region);
	}
	free(healing);
}

static void
arm(struct region *region, enum sim_fault fault, struct sim_random *random)
{
	struct healing *healing = malloc(sizeof(*healing));
	bool stays = fault == SIM_FAULT_ENOSPC && sim_random_one_in(random, 2);
	int64_t us =
	    (int64_t)(1 + sim_random_below(random, FAULT_SECONDS_MAX)) * TIME_SECOND_US;

	if (healing == NULL)
		abort();
	region_arm(region, fault, 1 + sim_random_below(random, 25), stays, us);
	*healing = (struct healing){region, region->armed_number};
	time_after(us, heal_event, healing);
}

static void
start_event(void *context)
{
	struct region *region = context;

	region_begin(region);
}

static void
part(struct world *world, struct sim_random *random, int64_t us)
{
	unsigned a = (unsigned)sim_random_below(random, world->region_count), b;

	if (world->region_count > 1 && sim_random_one_in(random, 2))
		b = (a + 1) % world->region_count;
	else
		b = WORLD_REGIONS_MAX + (unsigned)sim_random_below(random, world->phone_count);
	net_part(world, b, a, sim_random_one_in(random, 2), us);
}

/* Back or forth, by up to two days; often it is put right. */
static void
set_clock(struct region *region, struct sim_random *random)
{
	static const int64_t most_ms[] = {1, 10000, 600000, 7200000, 172800000};
	int64_t ms =
	    (int64_t)sim_random_below(random, (uint64_t)most_ms[sim_random_below(random, 5)]);

	region->clock_off_ms = sim_random_one_in(random, 2) ? ms : -ms;
	world_struck(region->world, FAULT_CLOCK);
}

static void
strike(struct world *world, const struct plan_step *step)
{
	struct region *region;
	struct sim_random random;
	int64_t us;

	sim_random_seed(&random, step->seed);
	if (step->what.fault >= FAULT_PHONE_FIRST) {
		world_say(world, "%s: %s", world->phones[step->who]->name,
		    fault_name(step->what.fault));
		phone_strike(world->phones[step->who], step->what.fault, &random);
		return;
	}
	region = &world->regions[step->who];
	us = (int64_t)(1 + sim_random_below(&random, FAULT_SECONDS_MAX)) * TIME_SECOND_US;
	world_say(world, "%s: %s", region->name, fault_name(step->what.fault));
	switch (step->what.fault) {
	case FAULT_CRASH_KEEP:
	case FAULT_CRASH_LOSE:
	case FAULT_CRASH_PREFIX:
	case FAULT_CRASH_ANY:
		if (!region->is_up || region->crash_is_due)
			break;
		region_heal(region);
		region_crash(region, (enum sim_crash)(step->what.fault - FAULT_CRASH_KEEP));
		time_after((int64_t)sim_random_below(&random, 20) * TIME_SECOND_US, start_event,
		    region);
		break;
	case FAULT_DISK_EIO:
	case FAULT_DISK_ENOSPC:
	case FAULT_DISK_SYNC:
	case FAULT_DISK_STOP:
	case FAULT_DISK_STOP_AFTER:
	case FAULT_DISK_STOP_AT_SYNC:
		if (region->is_up && !region->is_armed && !region->crash_is_due)
			arm(region, (enum sim_fault)(1 + step->what.fault - FAULT_DISK_FIRST),
			    &random);
		break;
	case FAULT_NETWORK_LOSE:
	case FAULT_NETWORK_DUPLICATE:
	case FAULT_NETWORK_DELAY:
	case FAULT_NETWORK_CUT:
		net_fault(world, (enum net_fault)(step->what.fault - FAULT_NETWORK_FIRST),
		    100 + (unsigned)sim_random_below(&random, 500), us);
		break;
	case FAULT_PARTITION:
		part(world, &random, us);
		break;
	case FAULT_CLOCK:
		set_clock(region, &random);
		break;
	default:
		break;
	}
}

/* --- the plan's steps ------------------------------------------------------------ */

struct planned {
	struct world *world;
	const struct plan_step *step;
};

static void
operate(struct world *world, const struct plan_step *step)
{
	struct region *region = &world->regions[step->who];
	char message[256];
	int64_t began_us = time_now_us();

	world->cover->actions[step->what.action]++;
	world_say(world, "%s: %s", region->name, action_name(step->what.action));
	if (!region->is_up || region->crash_is_due)
		return;
	switch (step->what.action) {
	case ACTION_BACKUP:
		if (!operate_backup(region))
			return;
		break;
	case ACTION_RESTORE:
		operate_restore(region);
		world->history_is_void = true;
		break;
	case ACTION_CATALOGUE:
		operate_catalogue(region, (unsigned)(step->seed % 3));
		break;
	default:
		region_heal(region);
		region_stop(region);
		if (region_start(region, message, sizeof(message)) != DOM_OK)
			world_broken(
			    world, "a region starts again", "%s: %s", region->name, message);
		break;
	}
	world->cover->done[step->what.action]++;
	world_did(world, step->what.action, began_us);
}

static void
step_event(void *context)
{
	struct planned *planned = context;
	struct world *world = planned->world;
	const struct plan_step *step = planned->step;

	free(planned);
	world->cover->steps++;
	if (step->is_fault)
		strike(world, step);
	else if (step->what.action == ACTION_WAIT)
		world->cover->done[ACTION_WAIT] +=
		    world->cover->actions[ACTION_WAIT]++ < UINT64_MAX;
	else if (step->what.action == ACTION_BACKUP || step->what.action == ACTION_RESTORE ||
	         step->what.action == ACTION_CATALOGUE || step->what.action == ACTION_RESTART)
		operate(world, step);
	else
		(void)phone_order(world->phones[step->who], step->what.action, step->seed);
}

/* --- beginning and end ----------------------------------------------------------- */

static void
populate(struct world *world, const struct plan *plan)
{
	static const char *const names[WORLD_ACCOUNTS_MAX] = {
	    "ana", "bo", "cem", "dita", "eli", "fay", "gus", "hana"};
	char message[256];

	for (unsigned i = 0; i < plan->regions; i++) {
		region_make(&world->regions[i], world, i);
		world->region_count++;
	}
	movers_group(world);
	for (unsigned i = 0; i < plan->regions; i++) {
		if (region_start(&world->regions[i], message, sizeof(message)) != DOM_OK)
			world_broken(world, "a region starts", "%s", message);
	}
	world->people = calloc(WORLD_ACCOUNTS_MAX, sizeof(*world->people));
	if (world->people == NULL)
		abort();
	for (unsigned i = 0; i < plan->people; i++) {
		struct person *person = &world->people[i];

		snprintf(person->name, sizeof(person->name), "%s", names[i]);
		person->region = i % plan->regions;
		person->generation = 1;
		person->uses_ours = plan->uses_ours;
		world->people_count++;
	}
	for (unsigned i = 0; i < plan->people * plan->phones_each; i++)
		world->phones[world->phone_count++] =
		    phone_new(world, i, &world->people[i % plan->people]);
}

static bool
is_quiet(struct world *world)
{
	for (unsigned i = 0; i < world->phone_count; i++)
		if (world->phones[i]->is_busy || world->phones[i]->queued != 0)
			return false;
	for (unsigned i = 0; i < world->region_count; i++)
		if (!region_is_up(&world->regions[i]) || world->regions[i].servings != NULL)
			return false;
	return true;
}

/* Nobody is between two regions: every move has come to its end, or to its days of grace. */
static bool
is_everybody_home(struct world *world)
{
	struct store_account account;

	if (!is_quiet(world))
		return false;
	for (unsigned i = 0; i < world->oracle->account_count; i++) {
		const struct o_account *model = &world->oracle->accounts[i];

		dom_arena_reset(world->oracle->arena);
		if (model->orders != 0 && !model->is_erased && !model->is_lost &&
		    (audit_home(world->oracle, i, &account) == NULL ||
		        account.state != STORE_ACCOUNT_HOME))
			return false;
	}
	return true;
}

static bool
has_settled(struct world *world)
{
	if (!is_everybody_home(world))
		return false;
	for (unsigned i = 0; i < world->region_count; i++)
		if (!region_is_settled(&world->regions[i]))
			return false;
	return true;
}

/* Until it is so, or for so long: everything finishes when nothing goes wrong any more. */
static void
run_until(struct world *world, bool (*holds)(struct world *world), const char *what)
{
	int64_t end_us = time_now_us() + SETTLE_HOURS * TIME_HOUR_US;

	while (!holds(world)) {
		int64_t until_us = time_now_us() + TIME_SECOND_US;

		while (time_step(until_us))
			;
		if (time_now_us() > end_us)
			world_broken(world, "when faults stop everything finishes", "%s", what);
	}
}

static void
be_calm(struct world *world)
{
	world->is_calm = true;
	net_heal(world);
	for (unsigned i = 0; i < world->region_count; i++) {
		world->regions[i].clock_off_ms = 0;
		region_look(&world->regions[i]);
	}
	for (unsigned i = 0; i < world->region_count; i++)
		if (!world->regions[i].crash_is_due)
			region_heal(&world->regions[i]);
	for (unsigned i = 0; i < world->phone_count; i++)
		phone_heal(world->phones[i]);
}

/* Whatever happened: everybody can still log in, look, and write. */
static void
use_all(struct world *world)
{
	static const enum action_kind last[] = {
	    ACTION_LOGIN, ACTION_SYNC, ACTION_ON, ACTION_WRITE, ACTION_LIST, ACTION_SYNC};

	for (unsigned j = 0; j < sizeof(last) / sizeof(last[0]); j++) {
		for (unsigned i = 0; i < world->phone_count; i++) {
			world->phones[i]->must_do =
			    last[j] == ACTION_LOGIN || last[j] == ACTION_SYNC;
			(void)phone_order(
			    world->phones[i], last[j], world->seed * 1000 + i * 10 + j);
		}
		run_until(world, is_quiet, "phones that look once more");
	}
}

/* The days of grace take as long to go by as many moves: not in every world. */
static void
see_what_is_left(struct world *world)
{
	for (unsigned i = 0; i < world->phone_count; i++) {
		world->phones[i]->must_do = true;
		(void)phone_order(world->phones[i], ACTION_PROVE, world->seed * 1000 + i);
	}
	run_until(world, is_quiet, "certificates");
	if (world->seed % 4 != 0)
		return;
	run_until(world, shuttle_has_left, "copies that were left behind");
	run_until(world, has_settled, "the keepers");
	shuttle_check_left(world);
}

static void
check_history(struct world *world)
{
	const struct oracle *oracle = world->oracle;
	struct history_anomaly anomaly;

	if (world->history_is_void || history_check(world->history, &anomaly))
		return;
	world_broken(world, "what clients saw has an order", "item %s: %s (%s and %s)",
	    oracle->items[anomaly.reg].uid, anomaly.what,
	    anomaly.value == 0 || anomaly.value > oracle->revision_count
	        ? "nothing"
	        : oracle->revisions[anomaly.value - 1].uid,
	    anomaly.other == 0 || anomaly.other > oracle->revision_count
	        ? "nothing"
	        : oracle->revisions[anomaly.other - 1].uid);
}

static void
end(struct world *world)
{
	world->is_over = true;
	for (unsigned i = 0; i < world->phone_count; i++)
		phone_end(world->phones[i]);
	while (time_fibers() != 0 && time_step(time_now_us() + TIME_DAY_US))
		;
	while (time_step(INT64_MAX - 1))
		;
	for (unsigned i = 0; i < world->phone_count; i++)
		phone_free(&world->phones[i]);
	for (unsigned i = 0; i < world->region_count; i++)
		region_free(&world->regions[i]);
	for (unsigned i = 0; i < world->people_count; i++) {
		dom_account_key_free(&world->people[i].key);
		dom_identity_key_free(&world->people[i].identity);
		for (unsigned j = 0; j < WORLD_REGIONS_MAX; j++)
			dom_buffer_free(&world->people[i].handoffs[j]);
	}
	free(world->people);
	history_free(&world->history);
	oracle_free(&world->oracle);
}

static void
draw_from(struct sim_random *source, uint64_t seed)
{
	sim_random_seed(source, seed);
	sim_random_install(source);
	sqlite3_randomness(0, NULL);
}

/*
 * What worlds share is the same whichever of them is the first: one seed is one run, whatever
 * ran before it in this process.
 */
static void
begin(struct sim_random *source, uint64_t seed)
{
	static bool has_images;
	static uint64_t images;

	time_reset(WORLD_BEGINS_US);
	sim_digest_reset();
	if (!has_images) {
		draw_from(source, 0);
		region_make_images(source);
		has_images = true;
		images = sim_digest();
		sim_digest_reset();
	}
	sim_digest_number(images);
	draw_from(source, seed);
}

void
world_run(const struct plan *plan, struct cover *cover)
{
	static struct sim_random source;
	struct world *world = calloc(1, sizeof(*world));
	int64_t last_us = 0;

	if (world == NULL)
		abort();
	begin(&source, plan->seed);
	world->seed = plan->seed;
	world->plan = plan;
	world->cover = cover;
	world->oracle = oracle_new(world);
	world->history = history_new();
	sim_random_seed(&world->network.random, plan->seed * 43);
	populate(world, plan);
	for (unsigned i = 0; i < plan->count; i++) {
		struct planned *planned = malloc(sizeof(*planned));

		if (plan->steps[i].is_left_out || planned == NULL) {
			free(planned);
			continue;
		}
		*planned = (struct planned){world, &plan->steps[i]};
		time_after(plan->steps[i].at_us, step_event, planned);
		if (plan->steps[i].at_us > last_us)
			last_us = plan->steps[i].at_us;
	}
	while (time_step(WORLD_BEGINS_US + last_us))
		;
	be_calm(world);
	run_until(world, is_quiet, "what was begun");
	run_until(world, is_everybody_home, "moves");
	use_all(world);
	run_until(world, has_settled, "the keepers");
	if (plan->shuttles)
		see_what_is_left(world);
	audit_all(world->oracle, true);
	check_history(world);
	cover->simulated_us += (uint64_t)(time_now_us() - WORLD_BEGINS_US);
	cover->seeds++;
	end(world);
	sim_digest_bytes(&source, sizeof(source));
	sim_digest_bytes(&world->network.random, sizeof(world->network.random));
	free(world);
}
