/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sim/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/random.h"
#include "sim/shuttle.h"
#include "sim/time.h"

enum {
	STEPS_LEAST = 40,
	STEPS_MORE = 120,
	FAULT_ONE_IN = 7,
	/* Of the faults: those of a phone itself, by what phones run. */
	STOCK_FAULT_ONE_IN = 12,
	OURS_FAULT_ONE_IN = 2,
};

/* How often, against each other. */
static const unsigned weights[ACTION_KIND_COUNT] = {
    [ACTION_WRITE] = 24,
    [ACTION_TRANSACTION] = 12,
    [ACTION_CHUNK] = 5,
    [ACTION_READ] = 7,
    [ACTION_LIST] = 5,
    [ACTION_SYNC] = 14,
    [ACTION_CREATE] = 4,
    [ACTION_DELETE] = 4,
    [ACTION_ON] = 12,
    [ACTION_OFF] = 3,
    [ACTION_ERASE_SERVICE] = 2,
    [ACTION_ERASE_HISTORY] = 2,
    [ACTION_ERASE_ACCOUNT] = 1,
    [ACTION_SHARE] = 5,
    [ACTION_ANSWER] = 5,
    [ACTION_UNSHARE] = 2,
    [ACTION_PASSWORD] = 2,
    [ACTION_LOGIN] = 2,
    [ACTION_LOGOUT] = 2,
    [ACTION_REVOKE] = 2,
    [ACTION_SNOOP] = 4,
    [ACTION_MOVE] = 6,
    [ACTION_MOVE_CANCEL] = 1,
    [ACTION_BACKUP] = 2,
    [ACTION_RESTORE] = 1,
    [ACTION_CATALOGUE] = 1,
    [ACTION_RESTART] = 1,
    [ACTION_WAIT] = 2,
};

static enum action_kind
draw_action(struct sim_random *random)
{
	unsigned sum = 0, at, i;

	for (i = 0; i < ACTION_KIND_COUNT; i++)
		sum += weights[i];
	at = (unsigned)sim_random_below(random, sum);
	for (i = 0; at >= weights[i]; i++)
		at -= weights[i];
	return (enum action_kind)i;
}

static bool
is_operators(enum action_kind action)
{
	return action == ACTION_BACKUP || action == ACTION_RESTORE ||
	       action == ACTION_CATALOGUE || action == ACTION_RESTART;
}

/* Many at once, some a while after. */
static int64_t
draw_pause(struct sim_random *random)
{
	switch (sim_random_below(random, 8)) {
	case 0:
	case 1:
	case 2:
		return 0;
	case 3:
	case 4:
	case 5:
		return (int64_t)sim_random_below(random, 60) * 1000;
	case 6:
		return (int64_t)sim_random_below(random, 3000) * 1000;
	default:
		return (int64_t)sim_random_below(random, 30) * TIME_SECOND_US;
	}
}

static enum fault_kind wanted[FAULT_KIND_COUNT];
static unsigned wanted_count;

bool
plan_faults(const char *list)
{
	wanted_count = 0;
	while (*list != '\0') {
		size_t size = strcspn(list, ",");
		unsigned i = 0;

		while (i < FAULT_KIND_COUNT &&
		       (strlen(fault_name((enum fault_kind)i)) != size ||
		           strncmp(fault_name((enum fault_kind)i), list, size) != 0))
			i++;
		if (i == FAULT_KIND_COUNT || wanted_count == FAULT_KIND_COUNT)
			return false;
		wanted[wanted_count++] = (enum fault_kind)i;
		list += size;
		list += *list == ',';
	}
	return wanted_count != 0;
}

bool
plan_wanted_fault(struct sim_random *random, enum fault_kind *fault_r)
{
	if (wanted_count != 0)
		*fault_r = wanted[sim_random_below(random, wanted_count)];
	return wanted_count != 0;
}

static enum fault_kind
draw_fault(struct sim_random *random, bool uses_ours)
{
	enum fault_kind fault;

	if (plan_wanted_fault(random, &fault))
		return fault;
	/* A stock phone has no disk, only a process. */
	if (!uses_ours && sim_random_one_in(random, STOCK_FAULT_ONE_IN))
		return FAULT_PHONE_KILLED;
	if (uses_ours && sim_random_one_in(random, OURS_FAULT_ONE_IN))
		return FAULT_PHONE_FIRST + (enum fault_kind)sim_random_below(
		                               random, FAULT_KIND_COUNT - FAULT_PHONE_FIRST);
	return (enum fault_kind)sim_random_below(random, FAULT_PHONE_FIRST);
}

static bool is_shuttling;

void
plan_shuttles(void)
{
	is_shuttling = true;
}

void
plan_make(struct plan *plan, uint64_t seed)
{
	struct sim_random random;
	int64_t at_us = 0;

	if (is_shuttling) {
		shuttle_plan(plan, seed);
		return;
	}
	memset(plan, 0, sizeof(*plan));
	sim_random_seed(&random, seed ^ UINT64_C(0x5eed0f0a5172));
	plan->seed = seed;
	plan->uses_ours = seed % 4 == 3;
	plan->regions = 1 + (unsigned)sim_random_below(&random, 3);
	plan->people = 1 + (unsigned)sim_random_below(&random, 4);
	plan->phones_each = 1 + (unsigned)sim_random_below(&random, 3);
	plan->count = STEPS_LEAST + (unsigned)sim_random_below(&random, STEPS_MORE);
	for (unsigned i = 0; i < plan->count; i++) {
		struct plan_step *step = &plan->steps[i];
		/* The first ones let something begin. */
		bool is_early = i < plan->people * plan->phones_each * 2;

		at_us += draw_pause(&random);
		step->at_us = at_us;
		step->seed = sim_random_next(&random);
		step->is_fault = !is_early && sim_random_one_in(&random, FAULT_ONE_IN);
		if (step->is_fault) {
			step->what.fault = draw_fault(&random, plan->uses_ours);
			step->who = (unsigned)sim_random_below(
			    &random, step->what.fault >= FAULT_PHONE_FIRST
			                 ? plan->people * plan->phones_each
			                 : plan->regions);
			continue;
		}
		step->what.action = is_early ? ACTION_ON : draw_action(&random);
		if (step->what.action == ACTION_WAIT)
			at_us += (int64_t)(1 + sim_random_below(&random, 30)) * TIME_HOUR_US;
		step->who = (unsigned)sim_random_below(&random,
		    is_operators(step->what.action) ? plan->regions
		                                    : plan->people * plan->phones_each);
		if (is_early)
			step->who = i % (plan->people * plan->phones_each);
	}
}

unsigned
plan_size(const struct plan *plan)
{
	unsigned size = 0;

	for (unsigned i = 0; i < plan->count; i++)
		size += !plan->steps[i].is_left_out;
	return size;
}

bool
plan_only(struct plan *plan, const char *list)
{
	for (unsigned i = 0; i < plan->count; i++)
		plan->steps[i].is_left_out = true;
	while (*list != '\0') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return false;
		list = end;
		if (*list == '-') {
			last = strtoul(list + 1, &end, 10);
			if (end == list + 1)
				return false;
			list = end;
		}
		if (last < first || last >= plan->count || (*list != ',' && *list != '\0'))
			return false;
		if (*list == ',')
			list++;
		for (; first <= last; first++)
			plan->steps[first].is_left_out = false;
	}
	return true;
}

void
plan_list(const struct plan *plan, char *text_r, size_t size)
{
	size_t used = 0;

	text_r[0] = '\0';
	for (unsigned i = 0, end; i < plan->count; i = end + 1) {
		for (end = i; end < plan->count && !plan->steps[end].is_left_out; end++)
			;
		if (end == i || used >= size)
			continue;
		used += (size_t)snprintf(text_r + used, size - used,
		    end == i + 1 ? "%s%u" : "%s%u-%u", used == 0 ? "" : ",", i, end - 1);
	}
}

void
plan_print(FILE *out, const struct plan *plan)
{
	fprintf(out, "plan: seed %" PRIu64 ", %u regions, %u people with %u phones each\n",
	    plan->seed, plan->regions, plan->people, plan->phones_each);
	for (unsigned i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (!step->is_left_out)
			fprintf(out, "  %3u  %12.3f s  %s %u: %s\n", i,
			    (double)step->at_us / TIME_SECOND_US,
			    (step->is_fault ? step->what.fault < FAULT_PHONE_FIRST
			                    : is_operators(step->what.action))
			        ? "region"
			        : "phone",
			    step->who,
			    step->is_fault ? fault_name(step->what.fault)
			                   : action_name(step->what.action));
	}
}
