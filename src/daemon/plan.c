/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The plan of an evacuation; its form is in the header. */
#include "daemon/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/amount.h"
#include "daemon/ini_file.h"

enum {
	AT_ONCE_MAX = 100000,
	GRACE_DAYS_MAX = 3650,
	ROUND_TRIP_MS_MAX = 10000,
};
static const char population_name[] = "population";

struct reading {
	struct ini_report report;
	struct dom_arena *arena;
	struct plan *plan;
	struct plan_phase standard; /* what stands before the first section */
	struct plan_phase *phase;   /* of the section that is read */
	unsigned line;
	unsigned population_line; /* the first of its section */
};

static void
problem(struct reading *reading, const char *what)
{
	ini_problem(&reading->report, reading->line, what);
}

/* Digits alone, at most most. */
static bool
read_number(const char *text, uint64_t most, uint64_t *number_r)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || number > most)
		return false;
	*number_r = number;
	return true;
}

static bool
read_u32(const char *text, uint32_t most, uint32_t *number_r)
{
	uint64_t number;

	if (!read_number(text, most, &number))
		return false;
	*number_r = (uint32_t)number;
	return true;
}

/* "5%", "0.5%": 0 to 100. */
static bool
read_share(const char *text, double *share_r)
{
	double percent;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	percent = strtod(text, &end);
	if (strcmp(end, "%") != 0 || !(percent >= 0 && percent <= 100))
		return false;
	*share_r = percent / 100;
	return true;
}

static bool
read_size(const char *text, uint64_t *bytes_r)
{
	int64_t bytes;

	if (!amount_bytes(text, &bytes))
		return false;
	*bytes_r = (uint64_t)bytes;
	return true;
}

static bool
read_window(const char *text, struct plan_phase *phase)
{
	unsigned from, to;
	int used = 0;

	if (sscanf(text, "%2u-%2u%n", &from, &to, &used) != 2 || text[used] != '\0' ||
	    from > 24 || to > 24)
		return false;
	phase->window_from = (uint8_t)(from % 24);
	phase->window_to = (uint8_t)(to % 24);
	return true;
}

static bool
read_cohort(const char *text, struct plan_phase *phase)
{
	phase->cohort = 0;
	phase->share = 0;
	phase->rest = strcmp(text, "rest") == 0;
	return phase->rest || read_share(text, &phase->share) ||
	       (read_number(text, UINT64_C(1) << 40, &phase->cohort) && phase->cohort != 0);
}

static bool
read_order(const char *text, enum plan_order *order_r)
{
	static const char *const names[] = {
	    [PLAN_ANY] = "any", [PLAN_SMALLEST] = "smallest", [PLAN_LARGEST] = "largest"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*order_r = (enum plan_order)i;
			return true;
		}
	}
	return false;
}

static const char before_sections[] =
    "before the first section there are only: notice, grace, at-once, rate, bandwidth, "
    "per-move, round-trip, window";

/* What every phase may say.  NULL: set; else what is wrong; before_sections: no such key. */
static const char *
set_phase(struct plan_phase *phase, const char *key, const char *value)
{
	if (strcmp(key, "notice") == 0)
		return amount_life(value, &phase->notice_ms) ? NULL : "notice is such as 14d";
	if (strcmp(key, "grace") == 0)
		return read_u32(value, GRACE_DAYS_MAX, &phase->grace_days)
		           ? NULL
		           : "grace is a number of days, up to 3650";
	if (strcmp(key, "at-once") == 0)
		return read_u32(value, AT_ONCE_MAX, &phase->at_once) && phase->at_once != 0
		           ? NULL
		           : "at-once is a number from 1 to 100000";
	if (strcmp(key, "rate") == 0)
		return read_u32(value, UINT32_MAX, &phase->rate)
		           ? NULL
		           : "rate is a number of moves an hour, 0 for no limit";
	if (strcmp(key, "bandwidth") == 0)
		return amount_bytes(value, &phase->bandwidth)
		           ? NULL
		           : "bandwidth is bytes a second, such as 100M, 0 for no limit";
	if (strcmp(key, "per-move") == 0)
		return amount_bytes(value, &phase->per_move)
		           ? NULL
		           : "per-move is bytes a second, such as 20M, 0 for no limit";
	if (strcmp(key, "round-trip") == 0)
		return read_u32(value, ROUND_TRIP_MS_MAX, &phase->round_trip_ms)
		           ? NULL
		           : "round-trip is milliseconds, up to 10000";
	if (strcmp(key, "window") == 0)
		return read_window(value, phase)
		           ? NULL
		           : "window is two hours of the day, such as 22-06";
	return before_sections;
}

static const char *
set_phase_own(struct plan_phase *phase, const char *key, const char *value)
{
	const char *why;

	if (strcmp(key, "cohort") == 0)
		return read_cohort(value, phase)
		           ? NULL
		           : "cohort is a number of accounts, a share such as 5%, or rest";
	if (strcmp(key, "look") == 0)
		return amount_life(value, &phase->look_ms) ? NULL : "look is such as 7d";
	if (strcmp(key, "order") == 0)
		return read_order(value, &phase->order) ? NULL
		                                        : "order is smallest, largest or any";
	if (strcmp(key, "gate-failed") == 0)
		return read_share(value, &phase->gate_failed) ? NULL
		                                              : "gate-failed is such as 1%";
	if (strcmp(key, "stop-failed") == 0)
		return read_u32(value, UINT32_MAX, &phase->stop_failed)
		           ? NULL
		           : "stop-failed is a number of moves, 0 for never";
	if ((why = set_phase(phase, key, value)) != before_sections)
		return why;
	return "a phase has only: cohort, order, look, gate-failed, stop-failed, and what may "
	       "stand before the first section";
}

static const char *
set_population(struct plan_population *population, const char *key, const char *value)
{
	if (strcmp(key, "accounts") == 0)
		return read_number(value, UINT64_C(1) << 40, &population->accounts)
		           ? NULL
		           : "accounts is a number";
	if (strcmp(key, "bytes") == 0)
		return read_size(value, &population->bytes) ? NULL : "bytes is such as 500T";
	if (strcmp(key, "median") == 0)
		return read_size(value, &population->median) ? NULL : "median is such as 2M";
	if (strcmp(key, "agree") == 0)
		return read_share(value, &population->agree) ? NULL : "agree is such as 85%";
	return "a population has only: accounts, bytes, median, agree";
}

/* NULL: it cannot be begun, and why was said. */
static struct plan_phase *
begin_phase(struct reading *reading, const char *name)
{
	struct plan *plan = reading->plan;
	struct dom_slice kept = dom_arena_copy(reading->arena, dom_slice_of(name));

	for (size_t i = 0; i < plan->count; i++) {
		if (strcmp(plan->phases[i].name, name) == 0) {
			problem(reading, "there is a phase of this name already");
			return NULL;
		}
	}
	if (kept.data == NULL)
		problem(reading, "no memory");
	else if (kept.size > PLAN_NAME_SIZE_MAX)
		problem(reading, "a phase's name has at most 32 characters");
	else if (plan->count == PLAN_PHASES_MAX)
		problem(reading, "a plan has at most 32 phases");
	else {
		struct plan_phase *phase = &plan->phases[plan->count++];

		*phase = reading->standard;
		phase->name = (const char *)kept.data;
		phase->line = reading->line;
		return phase;
	}
	return NULL;
}

static void
set(void *context, unsigned line, const char *section, const char *key, const char *value)
{
	struct reading *reading = context;
	const char *why = NULL;

	reading->line = line;
	if (section[0] == '\0') {
		why = set_phase(&reading->standard, key, value);
	} else if (strcmp(section, population_name) == 0) {
		if (reading->population_line == 0)
			reading->population_line = reading->line;
		why = set_population(&reading->plan->population, key, value);
	} else {
		if (reading->phase == NULL || strcmp(reading->phase->name, section) != 0)
			reading->phase = begin_phase(reading, section);
		if (reading->phase != NULL)
			why = set_phase_own(reading->phase, key, value);
	}
	if (why != NULL)
		problem(reading, why);
}

static void
check_whole(struct reading *reading)
{
	const struct plan *plan = reading->plan;
	const struct plan_population *population = &plan->population;

	if (plan->count == 0)
		ini_problem(&reading->report, 0, "a plan needs at least one [phase]");
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_phase *phase = &plan->phases[i];

		if (phase->cohort == 0 && phase->share == 0 && !phase->rest)
			ini_problem(&reading->report, phase->line, "this phase needs a cohort");
		if (phase->rest && i + 1 != plan->count)
			ini_problem(&reading->report, phase->line,
			    "after a phase with cohort = rest there can be no other");
	}
	if (population->accounts != 0 &&
	    (population->bytes == 0 || population->median == 0 ||
	        population->median > population->bytes / population->accounts))
		ini_problem(&reading->report, reading->population_line,
		    "[population] needs bytes and median, and the median is not above the "
		    "mean");
}

enum dom_status
plan_read(const char *path, struct dom_arena *arena, struct plan *plan_r)
{
	struct reading reading = {
	    .report = {.program = "domicilectl", .path = path},
	    .arena = arena,
	    .plan = plan_r,
	    .standard = {.at_once = 4, .grace_days = 30, .gate_failed = 1, .order = PLAN_ANY},
	};
	const struct ini_file file = {.report = &reading.report,
	    .wrong_line = "this line is neither [name] nor key = value",
	    .long_line = "Nothing in a plan needs so many",
	    .entry = set,
	    .context = &reading};

	*plan_r = (struct plan){.population = {.agree = 1}};
	if (ini_file_read(&file) == DOM_EFILE) {
		fprintf(stderr, "domicilectl: the plan %s cannot be read: %s\n", path,
		    strerror(errno));
		return DOM_EFILE;
	}
	if (reading.report.problems == 0)
		check_whole(&reading);
	return ini_report_end(&reading.report);
}
