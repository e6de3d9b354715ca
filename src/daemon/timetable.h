/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_TIMETABLE_H
#define DAEMON_TIMETABLE_H

#include "base/arena.h"
#include "base/buffer.h"

#include "daemon/plan.h"

/*
 * What a plan takes: how long, at what load.  A forecast, from account sizes
 * and measured rates: accounts of about the same size are a class, and flow
 * through a phase as fast as the tightest of its limits allows: moves begun an
 * hour, moves under way together, and bytes a second.
 */
struct timetable_class {
	double accounts;
	double bytes; /* of each */
};

enum {
	TIMETABLE_CLASSES_MAX = 128,
	TIMETABLE_POINTS_MAX = 4096,
	TIMETABLE_DAYS_MAX = 36500,
};

struct timetable_population {
	struct timetable_class classes[TIMETABLE_CLASSES_MAX]; /* by ascending bytes */
	size_t count;
};

struct timetable_phase {
	double told, moved; /* accounts */
	double bytes;       /* moved */
	double notice_s, begins_s, ends_s;
	double bytes_per_s, moves_per_h; /* at most, over a class */
	double pause_s;                  /* of a write, for the round trip that was given */
};

struct timetable_point {
	double at_s;
	double accounts, bytes; /* moved by then */
	double bytes_per_s;     /* since the point before */
	size_t phase;
};

struct timetable {
	struct timetable_phase phases[PLAN_PHASES_MAX];
	size_t phase_count;
	struct timetable_point *points; /* in the arena */
	size_t point_count;
	double left; /* accounts that stay: not agreed, or in no phase */
	double ends_s;
};

/*
 * Sizes spread as a lognormal with this median and mean: most are small, few
 * hold most of it.  population->accounts is not 0.
 */
void timetable_spread(
    const struct plan_population *population, struct timetable_population *population_r);

/*
 * begins: seconds since 1970 (UTC), for windows.  DOM_ELIMIT: it would take more
 * than TIMETABLE_DAYS_MAX days, and which phase_r says; DOM_ENOMEM.
 */
DOM_MUST_CHECK enum dom_status timetable_make(const struct plan *plan,
    const struct timetable_population *population, double begins_s, struct dom_arena *arena,
    struct timetable *timetable_r, size_t *phase_r);

/* As a picture: accounts and bytes a second over time, phases in colours.  SVG, appended. */
void timetable_plot(struct dom_buffer *svg, const struct plan *plan,
    const struct timetable *timetable, double begins_s, const char *title);

/* May moves of the phase begin at this time? */
bool timetable_window_open(const struct plan_phase *phase, double at_s);

/* For people; size TIMETABLE_TEXT_SIZE. */
enum { TIMETABLE_TEXT_SIZE = 48 };
void timetable_count_text(double count, char *text_r);  /* "1,234", "50.0 million" */
void timetable_bytes_text(double bytes, char *text_r);  /* "3.1 GiB" */
void timetable_span_text(double seconds, char *text_r); /* "3 days 4 h", "12 min" */
void timetable_date_text(double at_s, char *text_r);    /* "2014-08-01 22:00" */

#endif
