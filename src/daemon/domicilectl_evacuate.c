/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicilectl evacuate: moving a region's accounts by a plan, or forecasting what that takes.
 */
#include "daemon/domicilectl_evacuate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- who there is -------------------------------------------------------------------- */

struct survey {
	struct timetable_population *population;
	uint64_t accounts;
};

/* "class 120 4096": so many accounts of so many bytes, by ascending bytes. */
static bool
hear_class(void *context, const char *line)
{
	struct survey *survey = context;
	struct timetable_population *population = survey->population;
	uint64_t accounts, bytes;

	if (sscanf(line, "class %" SCNu64 " %" SCNu64, &accounts, &bytes) != 2)
		return false;
	if (population->count < TIMETABLE_CLASSES_MAX)
		population->classes[population->count++] = (struct timetable_class){
		    .accounts = (double)accounts, .bytes = (double)bytes};
	survey->accounts += accounts;
	return true;
}

/* What the plan says, or else what the region has. */
static int
find_population(
    const struct ctl *ctl, const struct plan *plan, struct timetable_population *population_r)
{
	const char *words[] = {"evacuate survey"};
	struct survey survey = {.population = population_r};
	struct ctl asking = *ctl;
	int result;

	*population_r = (struct timetable_population){0};
	if (plan->population.accounts != 0) {
		timetable_spread(&plan->population, population_r);
		return CTL_DONE;
	}
	asking.heard = hear_class;
	asking.context = &survey;
	result = ctl_ask_server(&asking, words, 1);
	if (result == CTL_DONE && survey.accounts == 0) {
		fputs("domicilectl: this region has no accounts that could move; a forecast "
		      "without a region needs a [population] in its plan\n",
		    stderr);
		return CTL_FAILED;
	}
	return result;
}

/* --- the forecast ---------------------------------------------------------------------- */

static bool
read_date(const char *text, double *at_s_r)
{
	struct tm date = {0};
	const char *end = strptime(text, "%Y-%m-%d", &date);
	time_t at;

	if (end == NULL || *end != '\0' || (at = timegm(&date)) == (time_t)-1)
		return false;
	*at_s_r = (double)at;
	return true;
}

static void
print_phase(const char *name, const struct timetable_phase *phase)
{
	char moved[TIMETABLE_TEXT_SIZE], bytes[TIMETABLE_TEXT_SIZE], told[TIMETABLE_TEXT_SIZE],
	    begins[TIMETABLE_TEXT_SIZE], ends[TIMETABLE_TEXT_SIZE], span[TIMETABLE_TEXT_SIZE],
	    rate[TIMETABLE_TEXT_SIZE], hourly[TIMETABLE_TEXT_SIZE];

	timetable_count_text(phase->moved, moved);
	timetable_bytes_text(phase->bytes, bytes);
	timetable_date_text(phase->notice_s, told);
	timetable_date_text(phase->begins_s, begins);
	timetable_date_text(phase->ends_s, ends);
	timetable_span_text(phase->ends_s - phase->begins_s, span);
	timetable_bytes_text(phase->bytes_per_s, rate);
	timetable_count_text(phase->moves_per_h, hourly);
	printf("%-16s %14s %10s  %-16s  %-16s  %-16s %10s %10s/s %14s/h %6.0f ms\n", name,
	    moved, bytes, told, begins, ends, span, rate, hourly, phase->pause_s * 1000);
}

static void
print_forecast(const struct plan *plan, const struct timetable *table, double begins_s)
{
	char span[TIMETABLE_TEXT_SIZE], left[TIMETABLE_TEXT_SIZE];
	double accounts = 0, bytes = 0;
	char moved_text[TIMETABLE_TEXT_SIZE], bytes_text[TIMETABLE_TEXT_SIZE];

	printf("%-16s %14s %10s  %-16s  %-16s  %-16s %10s %12s %16s %9s\n", "phase", "accounts",
	    "bytes", "people are told", "begins (UTC)", "ends (UTC)", "takes", "at most",
	    "moves at most", "pause");
	for (size_t i = 0; i < table->phase_count; i++) {
		print_phase(plan->phases[i].name, &table->phases[i]);
		accounts += table->phases[i].moved;
		bytes += table->phases[i].bytes;
	}
	timetable_count_text(accounts, moved_text);
	timetable_bytes_text(bytes, bytes_text);
	timetable_span_text(table->ends_s - begins_s, span);
	timetable_count_text(table->left, left);
	printf("in all           %14s %10s  in %s; %s accounts stay: they do not agree, or are "
	       "in no phase\n",
	    moved_text, bytes_text, span, left);
}

static int
write_plot(const char *path, const struct plan *plan, const struct timetable *table,
    double begins_s, const char *title)
{
	struct dom_buffer svg = {0};
	FILE *file = NULL;
	bool is_written = false;

	timetable_plot(&svg, plan, table, begins_s, title);
	if (dom_buffer_finish(&svg) == DOM_OK && (file = fopen(path, "we")) != NULL) {
		is_written = fwrite(svg.data, 1, svg.size, file) == svg.size;
		is_written = fclose(file) == 0 && is_written;
	}
	dom_buffer_free(&svg);
	if (is_written) {
		printf("picture: %s\n", path);
		return CTL_DONE;
	}
	fprintf(stderr, "domicilectl: the picture %s cannot be written: %s\n", path,
	    strerror(errno));
	return CTL_FAILED;
}

static int
forecast(const struct ctl *ctl, struct dom_arena *arena, const struct plan *plan)
{
	struct timetable_population population;
	struct timetable table;
	double begins_s = (double)time(NULL);
	size_t phase = 0;
	enum dom_status st;
	int result;

	if (ctl->from != NULL && !read_date(ctl->from, &begins_s)) {
		fputs("domicilectl: --from takes a date such as 2026-01-31\n", stderr);
		return CTL_WRONG;
	}
	if ((result = find_population(ctl, plan, &population)) != CTL_DONE)
		return result;
	st = timetable_make(plan, &population, begins_s, arena, &table, &phase);
	if (st == DOM_ELIMIT) {
		fprintf(stderr,
		    "domicilectl: phase %s would take more than a hundred years: its limits "
		    "are too tight for so much\n",
		    plan->phases[phase].name);
		return CTL_FAILED;
	}
	if (st != DOM_OK) {
		fprintf(stderr, "domicilectl: %s\n", dom_status_text(st));
		return CTL_FAILED;
	}
	print_forecast(plan, &table, begins_s);
	return ctl->plot == NULL
	           ? CTL_DONE
	           : write_plot(ctl->plot, plan, &table, begins_s, "An evacuation's timetable");
}

/* NULL: what was asked for is good. */
static const char *
check_words(const struct ctl *ctl)
{
	if (ctl->withdraw)
		return ctl->plan != NULL || ctl->to != NULL || ctl->dry_run
		           ? "--withdraw goes alone"
		           : NULL;
	if (ctl->plan == NULL)
		return "evacuate needs --plan FILE, whose form is in domicilectl(8)";
	if (!ctl->dry_run && ctl->to == NULL)
		return "evacuate needs --to REGION, or --dry-run, which only says what it "
		       "takes";
	if (!ctl->dry_run && (ctl->plot != NULL || ctl->from != NULL))
		return "--plot and --from go with --dry-run";
	return NULL;
}

int
ctl_evacuate(const struct ctl *ctl)
{
	static const char *const withdraw[] = {"evacuate withdraw"};
	/* The plan's own: asking the server forgets what is in the other. */
	struct dom_arena *arena;
	struct plan *plan;
	const char *wrong = check_words(ctl);
	enum dom_status st;
	int result;

	if (wrong != NULL) {
		fprintf(stderr, "domicilectl: %s\n", wrong);
		return CTL_WRONG;
	}
	if (ctl->withdraw)
		return ctl_ask_server(ctl, withdraw, 1);
	if ((arena = dom_arena_new(0)) == NULL ||
	    (plan = dom_arena_take(arena, sizeof(*plan))) == NULL) {
		fputs("domicilectl: no memory\n", stderr);
		result = CTL_FAILED;
	} else if ((st = plan_read(ctl->plan, arena, plan)) != DOM_OK) {
		result = st == DOM_EFILE ? CTL_FAILED : CTL_WRONG;
	} else {
		result = ctl->dry_run ? forecast(ctl, arena, plan)
		                      : evacuate_run(ctl, plan, ctl->to);
	}
	dom_arena_free(&arena);
	return result;
}
