/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What goes wrong with a phone itself: its process is killed, its machine loses power, its
 * disk fails.  A stock phone forgets its log-in and its tokens with its process; one that runs
 * libdomicile has a disk, and what must be true of that is in ours_open.c.
 */
#include <stdlib.h>

#include "sim/phone.h"

enum {
	CALLS_MAX = 6,
	OPERATIONS_MAX = 30,
	SYNCS_MAX = 3,
	FAULT_SECONDS_MAX = 300,
	OFF_SECONDS_MAX = 20
};

static void
die(struct phone *phone)
{
	struct phone_trouble *trouble = &phone->trouble;

	trouble->is_dead = true;
	trouble->is_dying = trouble->is_armed = false;
	trouble->calls_left = 0;
	if (phone->disk != NULL)
		sim_disk_stop(phone->disk);
	world_struck(phone->world, trouble->kind);
	world_say(phone->world, "%s dies (%s)", phone->name, fault_name(trouble->kind));
}

bool
phone_is_dead(struct phone *phone)
{
	struct phone_trouble *trouble = &phone->trouble;

	if (!trouble->is_dead && phone->disk != NULL && sim_disk_is_stopped(phone->disk))
		die(phone);
	return trouble->is_dead;
}

bool
phone_meets_call(struct phone *phone)
{
	struct phone_trouble *trouble = &phone->trouble;

	if (!phone_is_dead(phone) && trouble->calls_left != 0 && --trouble->calls_left == 0)
		die(phone);
	return trouble->is_dead;
}

void
phone_look(struct phone *phone)
{
	struct phone_trouble *trouble = &phone->trouble;

	if (!trouble->is_armed || sim_disk_struck(phone->disk) == trouble->struck)
		return;
	trouble->struck = sim_disk_struck(phone->disk);
	world_struck(phone->world, trouble->kind);
}

void
phone_heal(struct phone *phone)
{
	struct phone_trouble *trouble = &phone->trouble;

	if (phone_is_dead(phone))
		return;
	if (phone->disk != NULL) {
		phone_look(phone);
		sim_disk_heal(phone->disk);
	}
	trouble->is_armed = trouble->is_dying = false;
	trouble->calls_left = 0;
}

struct healing {
	struct phone *phone;
	uint64_t number;
};

static void
heal_event(void *context)
{
	struct healing *healing = context;

	if (healing->phone->trouble.number == healing->number)
		phone_heal(healing->phone);
	free(healing);
}

static void
heal_after(struct phone *phone, int64_t us)
{
	struct healing *healing = malloc(sizeof(*healing));

	if (healing == NULL)
		abort();
	*healing = (struct healing){phone, ++phone->trouble.number};
	time_after(us, heal_event, healing);
}

static void
arm(struct phone *phone, enum sim_fault fault, uint64_t nth, bool stays)
{
	sim_disk_fail(phone->disk, fault, nth, stays);
	phone->trouble.struck = sim_disk_struck(phone->disk);
}

/* At once, at one of the next calls, or at an operation of its disk. */
static void
doom(struct phone *phone, struct sim_random *random)
{
	struct phone_trouble *trouble = &phone->trouble;
	static const enum sim_fault stops[] = {
	    SIM_FAULT_STOP, SIM_FAULT_STOPPED_AFTER, SIM_FAULT_STOP_AT_SYNC};
	enum sim_fault stop = stops[sim_random_below(random, 3)];

	trouble->is_dying = true;
	switch (sim_random_below(random, phone->disk == NULL ? 2 : 4)) {
	case 0:
		die(phone);
		return;
	case 1:
		trouble->calls_left = 1 + (unsigned)sim_random_below(random, CALLS_MAX);
		return;
	default:
		arm(phone, stop,
		    1 + sim_random_below(random,
		            stop == SIM_FAULT_STOP_AT_SYNC ? SYNCS_MAX : OPERATIONS_MAX),
		    false);
		return;
	}
}

void
phone_strike(struct phone *phone, enum fault_kind fault, struct sim_random *random)
{
	struct phone_trouble *trouble = &phone->trouble;
	int64_t us =
	    (int64_t)(1 + sim_random_below(random, FAULT_SECONDS_MAX)) * TIME_SECOND_US;

	/* One at a time, and a stock phone has no disk. */
	if (phone_is_dead(phone) || trouble->is_armed || trouble->is_dying ||
	    (phone->disk == NULL && fault != FAULT_PHONE_KILLED))
		return;
	trouble->kind = fault;
	trouble->off_us = (int64_t)sim_random_below(random, OFF_SECONDS_MAX) * TIME_SECOND_US;
	trouble->crash = fault == FAULT_PHONE_KILLED
	                     ? SIM_CRASH_KEEP
	                     : (enum sim_crash)(SIM_CRASH_LOSE +
	                                        sim_random_below(random, SIM_CRASH_COUNT - 1));
	switch (fault) {
	case FAULT_PHONE_KILLED:
	case FAULT_PHONE_POWER:
		doom(phone, random);
		break;
	case FAULT_PHONE_EIO:
	case FAULT_PHONE_ENOSPC:
		trouble->is_armed = true;
		arm(phone, fault == FAULT_PHONE_EIO ? SIM_FAULT_EIO : SIM_FAULT_ENOSPC,
		    1 + sim_random_below(random, OPERATIONS_MAX), sim_random_one_in(random, 2));
		break;
	case FAULT_PHONE_SYNC:
		trouble->is_armed = true;
		arm(phone, SIM_FAULT_SYNC, 1 + sim_random_below(random, SYNCS_MAX), false);
		break;
	default:
		abort();
	}
	heal_after(phone, us);
}

void
phone_start_again(struct phone *phone)
{
	struct phone_trouble *trouble = &phone->trouble;

	if (!phone_is_dead(phone))
		return;
	if (phone->disk == NULL) {
		phone->token[0] = '\0';
		stock_forget(phone);
	} else {
		ours_close(phone);
		sim_disk_crash(phone->disk, trouble->crash, &phone->random);
	}
	if (!phone->world->is_calm)
		time_sleep(trouble->off_us);
	trouble->is_dead = false;
	world_say(phone->world, "%s starts again", phone->name);
}
