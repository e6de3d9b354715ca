/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A forecast of an evacuation; see the header. */
#include "daemon/timetable.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	SPREAD_CLASSES = 96,
	DAY_S = 24 * 3600,
	/*
	 * What a move costs whatever its size: as many times to the other region and
	 * back, and as many seconds of both servers' work.  See docs/benchmarks.md.
	 */
	MOVE_ROUND_TRIPS = 14,
};
static const double move_work_s = 0.15;
/* A write waits for one and a half round trips and three commits. */
static const double pause_round_trips = 1.5, pause_work_s = 0.03;
static const double spread_deviations = 4.5; /* to each side of the median */

/* --- sizes ------------------------------------------------------------------------- */

/* The share of a normal distribution below z. */
static double
normal_below(double z)
{
	return 0.5 * erfc(-z / sqrt(2));
}

void
timetable_spread(
    const struct plan_population *population, struct timetable_population *population_r)
{
	double accounts = (double)population->accounts, mean, sigma, step;

	mean = (double)population->bytes / accounts;
	sigma = sqrt(2 * log(fmax(mean / (double)population->median, 1)));
	step = 2 * spread_deviations / SPREAD_CLASSES;
	population_r->count = 0;
	for (unsigned i = 0; i < SPREAD_CLASSES; i++) {
		/* The outer classes reach to the ends, so that nobody is left out. */
		double from = i == 0 ? -INFINITY : -spread_deviations + i * step;
		double to =
		    i + 1 == SPREAD_CLASSES ? INFINITY : -spread_deviations + (i + 1) * step;
		double share = normal_below(to) - normal_below(from);
		double bytes = normal_below(to - sigma) - normal_below(from - sigma);

		if (share * accounts < 1e-9)
			continue;
		population_r->classes[population_r->count++] = (struct timetable_class){
		    .accounts = share * accounts, .bytes = mean * bytes / share};
	}
}

/* --- flow -------------------------------------------------------------------------- */

struct flow {
	const struct plan *plan;
	double left[TIMETABLE_CLASSES_MAX]; /* accounts that no phase has told yet */
	struct timetable_class classes[TIMETABLE_CLASSES_MAX];
	size_t count;
	double all, begins_s, now_s, moved, bytes;
	struct timetable *timetable;
	size_t phase;
};

/* Seconds of the day in which moves begin: from, and for how long. */
static double
window_seconds(const struct plan_phase *phase)
{
	int hours = (phase->window_to - phase->window_from + 24) % 24;

	return (hours == 0 ? 24 : hours) * 3600.0;
}

/* How long until the window opens; 0: it is open, and *open_s_r says for how long. */
static double
window_opens(const struct plan_phase *phase, double at_s, double *open_s_r)
{
	double length = window_seconds(phase);
	double since = fmod(fmod(at_s, DAY_S) - phase->window_from * 3600.0 + DAY_S, DAY_S);

	if (length >= DAY_S) {
		*open_s_r = INFINITY;
		return 0;
	}
	*open_s_r = length - since;
	return since < length ? 0 : DAY_S - since;
}

bool
timetable_window_open(const struct plan_phase *phase, double at_s)
{
	double open_s;

	return window_opens(phase, at_s, &open_s) == 0;
}

/* Accounts a second: the tightest limit. */
static double
class_rate(const struct plan_phase *phase, double bytes)
{
	double one = move_work_s + MOVE_ROUND_TRIPS * phase->round_trip_ms / 1000.0;
	double rate;

	if (phase->per_move != 0)
		one += bytes / (double)phase->per_move;
	rate = phase->at_once / one;
	if (phase->rate != 0)
		rate = fmin(rate, phase->rate / 3600.0);
	if (phase->bandwidth != 0 && bytes > 0)
		rate = fmin(rate, (double)phase->bandwidth / bytes);
	return rate;
}

static void
note_point(struct flow *flow, double bytes_per_s)
{
	struct timetable *table = flow->timetable;
	struct timetable_point point = {.at_s = flow->now_s,
	    .accounts = flow->moved,
	    .bytes = flow->bytes,
	    .bytes_per_s = bytes_per_s,
	    .phase = flow->phase};

	/* Many nights: every other point says enough. */
	if (table->point_count == TIMETABLE_POINTS_MAX) {
		for (size_t i = 0; 2 * i < TIMETABLE_POINTS_MAX; i++)
			table->points[i] = table->points[2 * i];
		table->point_count = TIMETABLE_POINTS_MAX / 2;
	}
	table->points[table->point_count++] = point;
}

/* False: it takes too long. */
static bool
move_class(struct flow *flow, double accounts, double bytes)
{
	const struct plan_phase *phase = &flow->plan->phases[flow->phase];
	struct timetable_phase *row = &flow->timetable->phases[flow->phase];
	double rate = class_rate(phase, bytes), left = accounts;

	row->bytes_per_s = fmax(row->bytes_per_s, rate * bytes);
	row->moves_per_h = fmax(row->moves_per_h, rate * 3600);
	while (left > 1e-9) {
		double open_s, closed_s = window_opens(phase, flow->now_s, &open_s), takes_s;

		if (closed_s > 0) {
			flow->now_s += closed_s;
			note_point(flow, 0);
			continue;
		}
		takes_s = fmin(left / rate, fmax(open_s, 1));
		flow->now_s += takes_s;
		flow->moved += fmin(takes_s * rate, left);
		flow->bytes += fmin(takes_s * rate, left) * bytes;
		left -= takes_s * rate;
		note_point(flow, rate * bytes);
		if (flow->now_s - flow->begins_s > (double)TIMETABLE_DAYS_MAX * DAY_S)
			return false;
	}
	return true;
}

/* So many of each class does this phase tell, by its order. */
static double
choose(struct flow *flow, double told[TIMETABLE_CLASSES_MAX])
{
	const struct plan_phase *phase = &flow->plan->phases[flow->phase];
	double waiting = 0, wanted, chosen = 0;

	for (size_t i = 0; i < flow->count; i++)
		waiting += flow->left[i];
	wanted = phase->rest          ? waiting
	         : phase->cohort != 0 ? (double)phase->cohort
	                              : phase->share * flow->all;
	wanted = fmin(wanted, waiting);
	for (size_t n = 0; n < flow->count; n++) {
		size_t i = phase->order == PLAN_LARGEST ? flow->count - 1 - n : n;

		told[i] = phase->order != PLAN_ANY
		              ? fmin(flow->left[i], wanted - chosen)
		              : (waiting > 0 ? flow->left[i] * (wanted / waiting) : 0);
		chosen += told[i];
	}
	for (size_t i = 0; i < flow->count; i++)
		flow->left[i] = fmax(flow->left[i] - told[i], 0);
	return chosen;
}

/* In the phase's order; of any order, large and small ones mix. */
static bool
move_told(struct flow *flow, const double told[TIMETABLE_CLASSES_MAX], double agree)
{
	const struct plan_phase *phase = &flow->plan->phases[flow->phase];
	double accounts = 0, bytes = 0;

	for (size_t n = 0; n < flow->count; n++) {
		size_t i = phase->order == PLAN_LARGEST ? flow->count - 1 - n : n;

		if (phase->order != PLAN_ANY &&
		    !move_class(flow, told[i] * agree, flow->classes[i].bytes))
			return false;
		accounts += told[i];
		bytes += told[i] * flow->classes[i].bytes;
	}
	return phase->order != PLAN_ANY || accounts == 0 ||
	       move_class(flow, accounts * agree, bytes / accounts);
}

static bool
run_phase(struct flow *flow)
{
	const struct plan_phase *phase = &flow->plan->phases[flow->phase];
	struct timetable_phase *row = &flow->timetable->phases[flow->phase];
	double told[TIMETABLE_CLASSES_MAX], agree = flow->plan->population.agree, bytes;

	row->told = choose(flow, told);
	row->moved = row->told * agree;
	row->pause_s = pause_work_s + pause_round_trips * phase->round_trip_ms / 1000.0;
	flow->now_s += (double)phase->look_ms / 1000;
	row->notice_s = flow->now_s;
	flow->now_s += (double)phase->notice_ms / 1000;
	flow->now_s += window_opens(phase, flow->now_s, &(double){0});
	row->begins_s = flow->now_s;
	bytes = flow->bytes;
	note_point(flow, 0);
	if (!move_told(flow, told, agree))
		return false;
	row->bytes = flow->bytes - bytes;
	row->ends_s = flow->now_s;
	return true;
}

enum dom_status
timetable_make(const struct plan *plan, const struct timetable_population *population,
    double begins_s, struct dom_arena *arena, struct timetable *timetable_r, size_t *phase_r)
{
	struct flow flow = {.plan = plan,
	    .count = population->count,
	    .begins_s = begins_s,
	    .now_s = begins_s,
	    .timetable = timetable_r};

	*timetable_r = (struct timetable){.phase_count = plan->count,
	    .points =
	        dom_arena_array(arena, TIMETABLE_POINTS_MAX, sizeof(*timetable_r->points))};
	if (timetable_r->points == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < flow.count; i++) {
		flow.classes[i] = population->classes[i];
		flow.left[i] = population->classes[i].accounts;
		flow.all += flow.left[i];
	}
	for (flow.phase = 0; flow.phase < plan->count; flow.phase++) {
		*phase_r = flow.phase;
		if (!run_phase(&flow))
			return DOM_ELIMIT;
	}
	timetable_r->left = fmax(flow.all - flow.moved, 0);
	timetable_r->ends_s = flow.now_s;
	return DOM_OK;
}

/* --- texts ------------------------------------------------------------------------- */

void
timetable_count_text(double count, char *text_r)
{
	long long whole = llround(count);

	if (count >= 1e6)
		snprintf(text_r, TIMETABLE_TEXT_SIZE, "%.1f million", count / 1e6);
	else if (whole >= 1000)
		snprintf(
		    text_r, TIMETABLE_TEXT_SIZE, "%lld,%03lld", whole / 1000, whole % 1000);
	else
		snprintf(text_r, TIMETABLE_TEXT_SIZE, "%lld", whole);
}

void
timetable_bytes_text(double bytes, char *text_r)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(
	    text_r, TIMETABLE_TEXT_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

void
timetable_span_text(double seconds, char *text_r)
{
	if (seconds >= 2 * DAY_S)
		snprintf(text_r, TIMETABLE_TEXT_SIZE, "%.1f days", seconds / DAY_S);
	else if (seconds >= 2 * 3600)
		snprintf(text_r, TIMETABLE_TEXT_SIZE, "%.1f h", seconds / 3600);
	else if (seconds >= 120)
		snprintf(text_r, TIMETABLE_TEXT_SIZE, "%.1f min", seconds / 60);
	else
		snprintf(text_r, TIMETABLE_TEXT_SIZE, "%.1f s", seconds);
}

void
timetable_date_text(double at_s, char *text_r)
{
	time_t at = (time_t)at_s;
	struct tm utc;

	if (gmtime_r(&at, &utc) == NULL ||
	    strftime(text_r, TIMETABLE_TEXT_SIZE, "%Y-%m-%d %H:%M", &utc) == 0)
		snprintf(text_r, TIMETABLE_TEXT_SIZE, "%.0f", at_s);
}
