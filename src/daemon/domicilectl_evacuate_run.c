/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * domicilectl evacuate, carried out: tells people, lets those who agreed move
 * at the plan's pace, and shows how far it is.  What it knows it asks the
 * server for, so it may be stopped at any time, and begun again.
 */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/domicilectl_evacuate.h"

enum { LOOK_SECONDS = 1, BAR_WIDTH = 30, WORD_SIZE = 32 };

/* What the server says of a phase; told 0: nothing. */
struct phase_now {
	int64_t begins_ms;
	uint64_t told, refused, waiting, moving, moved, failed, bytes, bytes_total;
	/* This run's own. */
	double finished_s; /* when it was seen to be; 0: it is not */
	double budget;     /* moves that the rate allows now */
};

struct run {
	const struct ctl *ctl;
	const struct plan *plan;
	const char *target;
	struct phase_now phases[PLAN_PHASES_MAX];
	double began_s, now_s;
	uint64_t moved_before; /* when this run began */
	bool is_terminal, has_looked;
	unsigned lines; /* of the view, to be drawn over */
	char shown[256];
};

static volatile sig_atomic_t is_interrupted;

static void
interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

/* --- asking the server -------------------------------------------------------------------- */

static bool
hear_phase(void *context, const char *line)
{
	struct run *run = context;
	const char *name = line + sizeof("phase ") - 1;
	size_t size;

	if (strncmp(line, "phase ", sizeof("phase ") - 1) != 0)
		return false;
	size = strcspn(name, "\t");
	for (size_t i = 0; i < run->plan->count; i++) {
		struct phase_now *now = &run->phases[i];

		if (strlen(run->plan->phases[i].name) != size ||
		    memcmp(run->plan->phases[i].name, name, size) != 0)
			continue;
		if (sscanf(name + size,
		        "%" SCNd64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64
		        "%" SCNu64 "%" SCNu64 "%" SCNu64,
		        &now->begins_ms, &now->told, &now->refused, &now->waiting, &now->moving,
		        &now->moved, &now->failed, &now->bytes, &now->bytes_total) != 9)
			now->told = 0;
	}
	return true;
}

static bool
hear_nothing(void *context, const char *line)
{
	(void)context;
	(void)line;
	return true;
}

static int
ask(struct run *run, bool (*heard)(void *, const char *), const char *const *words,
    size_t count)
{
	struct ctl asking = *run->ctl;

	asking.heard = heard;
	asking.context = run;
	return ctl_ask_server(&asking, words, count);
}

static int
look(struct run *run)
{
	const char *words[] = {"evacuate phases"};
	struct timespec now;
	int result = ask(run, hear_phase, words, 1);

	clock_gettime(CLOCK_REALTIME, &now);
	run->now_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	return result;
}

static int
tell(struct run *run, size_t i)
{
	const struct plan_phase *phase = &run->plan->phases[i];
	static const char *const orders[] = {
	    [PLAN_ANY] = "any", [PLAN_SMALLEST] = "smallest", [PLAN_LARGEST] = "largest"};
	char begins[WORD_SIZE], grace[WORD_SIZE], cohort[WORD_SIZE] = "rest";
	const char *words[] = {"evacuate tell", phase->name, run->target, begins, grace, cohort,
	    orders[phase->order]};

	snprintf(begins, sizeof(begins), "%" PRId64,
	    (int64_t)(run->now_s * 1000) + phase->notice_ms);
	snprintf(grace, sizeof(grace), "%" PRIu32, phase->grace_days);
	if (phase->cohort != 0)
		snprintf(cohort, sizeof(cohort), "%" PRIu64, phase->cohort);
	else if (!phase->rest)
		snprintf(cohort, sizeof(cohort), "%g%%", phase->share * 100);
	return ask(run, hear_nothing, words, sizeof(words) / sizeof(words[0]));
}

static int
release(struct run *run, size_t i, uint64_t count)
{
	char number[WORD_SIZE];
	const char *words[] = {"evacuate release", run->plan->phases[i].name, number};

	snprintf(number, sizeof(number), "%" PRIu64, count);
	return ask(run, hear_nothing, words, sizeof(words) / sizeof(words[0]));
}

/* --- the plan
 * ---------------------------------------------------------------------------------
 */

static bool
has_begun(const struct run *run, size_t i)
{
	return run->phases[i].told != 0 &&
	       run->now_s * 1000 >= (double)run->phases[i].begins_ms;
}

/* Nobody who agreed is left; who answers later goes then. */
static bool
is_finished(const struct run *run, size_t i)
{
	return has_begun(run, i) && run->phases[i].waiting == 0 && run->phases[i].moving == 0;
}

/* How many more may begin now, by all limits of the phase. */
static uint64_t
may_begin(struct run *run, size_t i)
{
	const struct plan_phase *phase = &run->plan->phases[i];
	struct phase_now *now = &run->phases[i];
	uint64_t most = now->waiting;

	if (phase->rate != 0) {
		now->budget = fmin(now->budget + phase->rate * LOOK_SECONDS / 3600.0,
		    fmax(1, phase->rate / 60.0));
		most = (uint64_t)fmin((double)most, now->budget);
	}
	if (!timetable_window_open(phase, run->now_s) || now->moving >= phase->at_once)
		return 0;
	if (most > phase->at_once - now->moving)
		most = phase->at_once - now->moving;
	if (phase->rate != 0)
		now->budget -= (double)most;
	return most;
}

/* The phase before this one: did too many fail? */
static bool
gate_is_shut(const struct run *run, size_t i)
{
	const struct phase_now *before = &run->phases[i - 1];
	double over = (double)(before->moved + before->failed);

	return over > 0 && (double)before->failed / over > run->plan->phases[i].gate_failed;
}

/* CTL_DONE and *told_r: people of one more phase are told. */
static int
tell_next(struct run *run, size_t i, bool *told_r)
{
	const struct plan_phase *phase = &run->plan->phases[i];
	int result;

	*told_r = false;
	if (i != 0) {
		struct phase_now *before = &run->phases[i - 1];

		if (!is_finished(run, i - 1))
			return CTL_DONE;
		if (before->finished_s == 0)
			before->finished_s = run->now_s;
		if (gate_is_shut(run, i)) {
			fprintf(stderr,
			    "domicilectl: phase %s does not begin: %" PRIu64 " of %" PRIu64
			    " moves of the phase before failed, more than its gate allows. See "
			    "\"domicilectl moves\" for why, put it right, and change the "
			    "plan\n",
			    phase->name, before->failed, before->moved + before->failed);
			return CTL_FAILED;
		}
		if (run->now_s - before->finished_s < (double)phase->look_ms / 1000)
			return CTL_DONE;
	}
	if ((result = tell(run, i)) == CTL_DONE && (result = look(run)) == CTL_DONE &&
	    run->phases[i].told == 0) {
		fprintf(stderr,
		    "domicilectl: phase %s has nobody to tell: whoever is here was told "
		    "before, or is moving\n",
		    phase->name);
		return CTL_FAILED;
	}
	*told_r = true;
	return result;
}

static int
step_phase(struct run *run, size_t i)
{
	const struct plan_phase *phase = &run->plan->phases[i];
	uint64_t count;

	if (phase->stop_failed != 0 && run->phases[i].failed >= phase->stop_failed) {
		fprintf(stderr,
		    "domicilectl: phase %s is stopped: %" PRIu64 " of its moves failed. What "
		    "is under way goes on; nothing was lost. See \"domicilectl moves\" for "
		    "why\n",
		    phase->name, run->phases[i].failed);
		return CTL_FAILED;
	}
	if (!has_begun(run, i) || (count = may_begin(run, i)) == 0)
		return CTL_DONE;
	return release(run, i, count);
}

/* --- what people see
 * ----------------------------------------------------------------------------
 */

static void
write_left(const struct run *run, size_t i, char text_r[TIMETABLE_TEXT_SIZE])
{
	const struct phase_now *now = &run->phases[i];
	double moved = 0, took_s = run->now_s - run->began_s;

	if (!has_begun(run, i)) {
		timetable_span_text((double)now->begins_ms / 1000 - run->now_s, text_r);
		return;
	}
	for (size_t j = 0; j < run->plan->count; j++)
		moved += (double)run->phases[j].moved;
	moved -= (double)run->moved_before;
	if (moved <= 0 || took_s <= 0)
		snprintf(text_r, TIMETABLE_TEXT_SIZE, "not known yet");
	else
		timetable_span_text(
		    (double)(now->waiting + now->moving) * took_s / moved, text_r);
}

static void
write_phase(const struct run *run, size_t i, char *line_r, size_t size)
{
	const struct phase_now *now = &run->phases[i];
	uint64_t answered =
	    now->refused + now->waiting + now->moving + now->moved + now->failed;
	uint64_t agreed = answered - now->refused;
	double part = agreed == 0 ? 0 : (double)(now->moved + now->failed) / (double)agreed;
	char left[TIMETABLE_TEXT_SIZE], bytes[TIMETABLE_TEXT_SIZE], bar[BAR_WIDTH + 1];

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)(part * BAR_WIDTH));
	bar[BAR_WIDTH] = '\0';
	write_left(run, i, left);
	timetable_bytes_text((double)now->bytes, bytes);
	if (!has_begun(run, i))
		snprintf(line_r, size,
		    "%-16s %" PRIu64 " told, %" PRIu64 " agreed, %" PRIu64
		    " refused; begins in %s",
		    run->plan->phases[i].name, now->told, agreed, now->refused, left);
	else
		snprintf(line_r, size,
		    "%-16s [%s] %" PRIu64 " of %" PRIu64 " moved, %" PRIu64
		    " on the way, %" PRIu64 " failed; %" PRIu64 " refused, %" PRIu64
		    " silent; %s%s%s",
		    run->plan->phases[i].name, bar, now->moved, agreed, now->moving,
		    now->failed, now->refused, now->told - answered, bytes,
		    is_finished(run, i) ? "" : "; left: ", is_finished(run, i) ? "" : left);
}

/* On a terminal all phases, again and again; else what has changed. */
static void
show(struct run *run)
{
	char line[256];

	if (run->is_terminal && run->lines != 0)
		printf("\033[%uA", run->lines);
	run->lines = 0;
	for (size_t i = 0; i < run->plan->count; i++) {
		if (run->phases[i].told == 0)
			continue;
		write_phase(run, i, line, sizeof(line));
		if (run->is_terminal) {
			printf("\033[K%s\n", line);
			run->lines++;
			continue;
		}
		line[strcspn(line, ";")] = '\0'; /* how long it takes changes all the time */
		if (i + 1 == run->plan->count || run->phases[i + 1].told == 0) {
			if (strcmp(line, run->shown) != 0)
				puts(line);
			snprintf(run->shown, sizeof(run->shown), "%s", line);
		}
	}
	fflush(stdout);
}

/* --- all of it
 * -------------------------------------------------------------------------------------
 */

/* DOM_OK with *over_r: there is nothing left to do. */
static int
step(struct run *run, bool *over_r)
{
	size_t told = 0;
	bool more = false;
	int result = look(run);

	*over_r = false;
	if (result == CTL_DONE && !run->has_looked) {
		run->has_looked = true;
		run->began_s = run->now_s;
		for (size_t i = 0; i < run->plan->count; i++)
			run->moved_before += run->phases[i].moved;
	}
	while (result == CTL_DONE && told < run->plan->count && run->phases[told].told != 0)
		result = step_phase(run, told++);
	if (result == CTL_DONE && told < run->plan->count)
		result = tell_next(run, told, &more);
	else if (result == CTL_DONE)
		*over_r = is_finished(run, told - 1);
	return result;
}

int
evacuate_run(const struct ctl *ctl, const struct plan *plan, const char *target)
{
	struct run *run = calloc(1, sizeof(*run));
	struct sigaction action = {.sa_handler = interrupt};
	bool is_over = false;
	int result = CTL_DONE;

	if (run == NULL) {
		fputs("domicilectl: no memory\n", stderr);
		return CTL_FAILED;
	}
	*run = (struct run){.ctl = ctl,
	    .plan = plan,
	    .target = target,
	    .is_terminal = isatty(STDOUT_FILENO) != 0};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (result == CTL_DONE && !is_over && is_interrupted == 0) {
		if ((result = step(run, &is_over)) == CTL_DONE)
			show(run);
		if (result == CTL_DONE && !is_over && is_interrupted == 0)
			nanosleep(&(struct timespec){.tv_sec = LOOK_SECONDS}, NULL);
	}
	if (is_interrupted != 0)
		puts("stopped: what is on the way goes on, nothing else begins; the same "
		     "command goes on with the plan");
	else if (is_over)
		puts("the plan is carried out; who answers later moves when it is run again");
	free(run);
	return result;
}
