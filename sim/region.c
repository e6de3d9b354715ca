/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Starting and stopping a region's server, and what it does by itself. */
#include "sim/region.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/catalogue.h"

#include "daemon/recover.h"
#include "services/consent/consent.h"
#include "services/move/guard.h"
#include "sim/digest.h"
#include "sim/movers.h"
#include "sim/oracle.h"
#include "sim/serving.h"
#include "sim/time.h"
#include "sim/world.h"

enum {
	CHUNK_ROW_SIZE_MAX = 600, /* larger ones become files: small, so that many do */
	IDLE_US = 600 * TIME_SECOND_US,
	BUSY_US = 20 * 1000,
	FAILURE_US = 5 * TIME_SECOND_US,
	TICK_US = 60 * TIME_SECOND_US,
	SESSION_DAYS = 60,
};

static int64_t
clock_now_ms(void *context)
{
	const struct region *region = context;

	return time_now_ms() + region->clock_off_ms;
}

static void
name_region(struct region *region, unsigned index)
{
	static const char *const names[WORLD_REGIONS_MAX] = {"lisbon", "oslo", "delhi"};
	uint8_t bytes[DOM_KEY_SIZE];

	snprintf(region->name, sizeof(region->name), "%s", names[index]);
	snprintf(region->host, sizeof(region->host), "%s.example", region->name);
	snprintf(region->folder, sizeof(region->folder), SIM_DISK_ROOT "%s/data", region->name);
	snprintf(region->journal_path, sizeof(region->journal_path),
	    SIM_DISK_ROOT "%s/erasures.journal", region->name);
	/* The same in every world, so that an empty store need be made only once. */
	memset(bytes, (int)index + 1, sizeof(bytes));
	if (dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &region->key) != DOM_OK)
		abort();
	dom_region_sign_public(region->key, region->public_key);
}

static int64_t
image_now_ms(void *context)
{
	(void)context;
	return time_now_ms();
}

/* Disks with an empty store, of which every world gets a copy: migrating takes its time. */
static struct sim_disk *images[WORLD_REGIONS_MAX];

void
region_make_images(struct sim_random *random)
{
	for (unsigned i = 0; i < WORLD_REGIONS_MAX; i++) {
		struct region region = {.index = i};
		struct store *store;
		char name[32], folder[48], message[256];

		name_region(&region, i);
		snprintf(name, sizeof(name), "image-%u", i);
		snprintf(folder, sizeof(folder), SIM_DISK_ROOT "%s/data", name);
		images[i] = sim_disk_new(name, 1);
		if (store_open(&(struct store_options){.folder = folder,
		                   .region = region.name,
		                   .manual = true,
		                   .key = region.key,
		                   .random = sim_random_source(random),
		                   .clock = {image_now_ms, NULL}},
		        &store, message, sizeof(message)) != DOM_OK)
			world_broken(NULL, "an empty store can be made", "%s", message);
		store_close(&store);
		dom_region_key_free(&region.key);
	}
}

void
region_make(struct region *region, struct world *world, unsigned index)
{
	char vault[32];

	*region = (struct region){.world = world, .index = index};
	name_region(region, index);
	sim_random_seed(&region->random, world->seed * 31 + index);
	region->disk = sim_disk_new(region->name, world->seed * 37 + index);
	sim_disk_copy(images[index], region->disk);
	snprintf(vault, sizeof(vault), "%s-vault", region->name);
	region->vault = sim_disk_new(vault, world->seed * 41 + index);
	region->configuration.region = region->name;
	region->configuration.data = region->folder;
	region->configuration.erasure_journal = region->journal_path;
	region->configuration.session_days = SESSION_DAYS;
}

void
region_free(struct region *region)
{
	region_stop(region);
	sim_digest_bytes(&region->random, sizeof(region->random));
	wire_catalogue_free(&region->catalogue);
	dom_region_key_free(&region->key);
	if (sim_disk_open_count(region->disk) != 0)
		world_broken(region->world, "what is opened is closed", "%u on the disk of %s",
		    sim_disk_open_count(region->disk), region->name);
	sim_disk_free(&region->disk);
	sim_disk_free(&region->vault);
}

bool
region_is_up(const struct region *region)
{
	return region->is_up;
}

/* --- the keeper ------------------------------------------------------------------ */

static int64_t
keep(struct region *region)
{
	enum dom_status st;

	if (time_now_us() - region->ticked_us >= TICK_US) {
		st = keeper_tick(&region->keeper_time, region->store,
		    dom_clock_now_ms(&region->service.clock), time_now_ms());
		region->ticked_us = time_now_us();
		if (st < 0)
			return FAILURE_US;
	}
	if ((st = keeper_step(region->keeper)) == DOM_ABSENT)
		st = retention_desk_step(
		    region->retention, &region->service, region->keeper_reader);
	if (st < 0)
		return FAILURE_US;
	return st == DOM_ABSENT ? IDLE_US : BUSY_US;
}

static void
keeper_event(void *context)
{
	struct world_life *of = context;
	struct region *region = of->region;
	int64_t wait_us;

	if (!region->is_up || region->life != of->life || region->world->is_over) {
		free(of);
		return;
	}
	wait_us = keep(region);
	if (wait_us != IDLE_US)
		oracle_pumped(region);
	time_after(wait_us, keeper_event, of);
	region_look(region);
}

static void
keeper_woken(void *context)
{
	struct world_life *of = context;
	struct region *region = of->region;
	bool is_alive = region->is_up && region->life == of->life;

	free(of);
	if (!is_alive || region->world->is_over)
		return;
	region->keeper_is_due = false;
	/* What failed is tried again by keeper_event(). */
	if (keep(region) == BUSY_US)
		world_wake_keeper(region);
	oracle_pumped(region);
	region_look(region);
}

void
world_wake_keeper(struct region *region)
{
	if (region->keeper_is_due)
		return;
	region->keeper_is_due = true;
	time_after(1000, keeper_woken, world_life_of(region));
}

struct world_life *
world_life_of(struct region *region)
{
	struct world_life *of = malloc(sizeof(*of));

	if (of == NULL)
		abort();
	*of = (struct world_life){.region = region, .life = region->life};
	return of;
}

bool
region_is_settled(struct region *region)
{
	return region->is_up && region->servings == NULL &&
	       keeper_step(region->keeper) == DOM_ABSENT;
}

/* --- up and down ----------------------------------------------------------------- */

/* version 0 is what is built in; each later one says other terms for the contacts. */
static enum dom_status
read_catalogue(struct region *region, char *message_r, size_t message_size)
{
	static const char from[] = "and bring it to your other devices.";
	struct dom_slice text = consent_catalogue_built_in();
	struct dom_buffer changed = {0};
	const char *at;
	enum dom_status st;

	wire_catalogue_free(&region->catalogue);
	at = memmem(text.data, text.size, from, sizeof(from) - 1);
	assert(at != NULL);
	dom_buffer_append(&changed, text.data, (size_t)(at - (const char *)text.data));
	if (region->catalogue_version != 0)
		dom_buffer_print(&changed, "in the way number %u, ", region->catalogue_version);
	dom_buffer_append(&changed, at, text.size - (size_t)(at - (const char *)text.data));
	st = wire_catalogue_read(
	    dom_buffer_slice(&changed), &region->catalogue, message_r, message_size);
	dom_buffer_free(&changed);
	return st;
}

static void
close_all(struct region *region)
{
	movers_close(region);
	/* The last jobs run when the store is closed: unguarded, and by the same rules. */
	region->service.guard = NULL;
	move_guard_close(&region->guard);
	keeper_close(&region->keeper);
	store_reader_close(&region->keeper_reader);
	store_reader_close(&region->reader);
	store_close(&region->store);
	retention_desk_close(&region->retention);
	journal_file_close(&region->journal);
}

static enum dom_status
open_all(struct region *region, char *message_r, size_t message_size)
{
	const struct store_options options = {.folder = region->folder,
	    .region = region->name,
	    .manual = true,
	    .chunk_row_size_max = CHUNK_ROW_SIZE_MAX,
	    .key = region->key,
	    .random = sim_random_source(&region->random),
	    .clock = {clock_now_ms, region}};
	struct recovery recovery = {
	    .configuration = &region->configuration, .service = &region->service};
	uint64_t followed;
	enum dom_status st;

	if ((st = read_catalogue(region, message_r, message_size)) != DOM_OK ||
	    (st = retention_desk_open(&region->configuration, region->catalogue,
	         &region->retention, message_r, message_size)) != DOM_OK ||
	    (st = store_open(&options, &region->store, message_r, message_size)) != DOM_OK)
		return st;
	region->service =
	    (struct service){.settings = {.region = region->name,
	                         .signup = SERVICE_SIGNUP_OPEN,
	                         .session_life_ms = INT64_C(1000) * 3600 * 24 * SESSION_DAYS,
	                         .retention = retention_desk_rules(region->retention),
	                         .catalogue = region->catalogue},
	        .clock = {clock_now_ms, region},
	        .random = sim_random_source(&region->random),
	        .key = region->key,
	        .store = region->store};
	movers_settings(region);
	recovery.store = region->store;
	if ((st = recover_journal(
	         &recovery, &region->journal, &followed, message_r, message_size)) != DOM_OK)
		return st;
	if ((st = store_reader_open(region->store, &region->reader)) != DOM_OK ||
	    (st = store_reader_open(region->store, &region->keeper_reader)) != DOM_OK ||
	    (st = keeper_open(&(struct keeper_options){.service = &region->service,
	                          .store = region->store,
	                          .journal = journal_file_functions(region->journal)},
	         &region->keeper)) != DOM_OK)
		snprintf(message_r, message_size, "no reader or keeper");
	if (st != DOM_OK)
		return st;
	if ((st = move_guard_open(&region->service, region->store, &region->guard)) == DOM_OK) {
		region->service.guard = region->guard;
		st = movers_start(region);
	}
	if (st != DOM_OK)
		snprintf(message_r, message_size, "no guard or mover");
	return st;
}

enum dom_status
region_start(struct region *region, char *message_r, size_t message_size)
{
	enum dom_status st;

	assert(!region->is_up);
	message_r[0] = '\0';
	if ((st = open_all(region, message_r, message_size)) != DOM_OK) {
		close_all(region);
		return st;
	}
	region->is_up = true;
	region->life++;
	region->starts++;
	region->pump_is_due = region->keeper_is_due = false;
	region->keeper_time = (struct keeper_time){0};
	region->ticked_us = time_now_us() - TICK_US;
	time_after(BUSY_US, keeper_event, world_life_of(region));
	oracle_started(region);
	return DOM_OK;
}

/* is_up is false before anything is closed, so that nobody is answered any more. */
static void
close_down(struct region *region)
{
	region->is_up = false;
	region->is_closing = true;
	movers_end(region);
	serving_drop_all(region);
	close_all(region);
	assert(region->servings == NULL);
	region->is_closing = false;
}

void
region_stop(struct region *region)
{
	if (!region->is_up)
		return;
	while (store_pump(region->store) != 0)
		;
	close_down(region);
}

void
region_crash(struct region *region, enum sim_crash how)
{
	bool is_killed = how == SIM_CRASH_KEEP && !sim_disk_is_stopped(region->disk);

	world_struck(region->world, FAULT_CRASH_KEEP + (enum fault_kind)how);
	if (region->is_up) {
		region->crashes++;
		/* From here on it changes nothing any more. */
		if (is_killed)
			sim_disk_fail(region->disk, SIM_FAULT_EIO, 1, true);
		else
			sim_disk_stop(region->disk);
		close_down(region);
	}
	/*
	 * The machine of a process that was killed goes on: what was written is seen, and as
	 * little on the disk as it was.
	 */
	if (is_killed)
		region_heal(region);
	else
		sim_disk_crash(region->disk, how, &region->random);
}

static void
start_again(void *context)
{
	struct region *region = context;
	char message[256];
	enum dom_status st;

	if (region->is_up || region->world->is_over)
		return;
	if (region->is_closing) {
		time_after(TIME_SECOND_US, start_again, region);
		return;
	}
	if ((st = region_start(region, message, sizeof(message))) == DOM_OK)
		return;
	/* Only a fault of its disk may keep a region down. */
	if (!region->is_armed && !sim_disk_is_stopped(region->disk))
		world_broken(region->world, "a region starts again", "%s: %s (%s)",
		    region->name, message, dom_status_text(st));
	world_say(region->world, "%s does not start: %s", region->name, message);
	region_heal(region);
	if (sim_disk_is_stopped(region->disk))
		sim_disk_crash(region->disk, SIM_CRASH_PREFIX, &region->random);
	time_after(TIME_SECOND_US, start_again, region);
}

void
region_begin(struct region *region)
{
	start_again(region);
}

static void
die(void *context)
{
	struct region *region = context;
	bool has_stopped = sim_disk_is_stopped(region->disk);
	/* A process that ends by itself leaves what the machine has cached. */
	enum sim_crash how =
	    has_stopped ? (enum sim_crash)(SIM_CRASH_LOSE + sim_random_below(&region->random,
	                                                        SIM_CRASH_COUNT - 1))
	                : SIM_CRASH_KEEP;

	region->crash_is_due = false;
	world_say(region->world, "%s dies (%s)", region->name,
	    has_stopped ? "its disk stopped" : "a sync failed");
	region_heal(region);
	region_crash(region, how);
	time_after((int64_t)sim_random_below(&region->random, 20) * TIME_SECOND_US, start_again,
	    region);
}

void
region_arm(struct region *region, enum sim_fault fault, uint64_t nth, bool stays, int64_t us)
{
	(void)us;
	sim_disk_heal(region->disk);
	sim_disk_fail(region->disk, fault, nth, stays);
	region->is_armed = true;
	region->armed = fault;
	region->armed_number++;
	region->struck = sim_disk_struck(region->disk);
}

void
region_heal(struct region *region)
{
	sim_disk_heal(region->disk);
	region->is_armed = false;
}

void
region_look(struct region *region)
{
	if (region->is_armed && sim_disk_struck(region->disk) != region->struck) {
		region->struck = sim_disk_struck(region->disk);
		world_struck(
		    region->world, FAULT_DISK_FIRST + (enum fault_kind)(region->armed - 1));
	}
	if (region->crash_is_due || !region->is_up ||
	    (!sim_disk_is_stopped(region->disk) && !store_failed(region->store)))
		return;
	region->crash_is_due = true;
	time_after(0, die, region);
}
