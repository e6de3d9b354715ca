/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sim/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/digest.h"
#include "sim/world.h"

static struct run_record *record;
static bool is_tracing, is_telling_calls;

void
run_open(bool traces, bool tells_calls)
{
	record = mmap(
	    NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (record == MAP_FAILED)
		abort();
	sim_digest_keep_at(&record->digest);
	is_tracing = traces;
	is_telling_calls = tells_calls;
}

bool
run_tells_calls(void)
{
	return is_telling_calls;
}

struct run_record *
run_record(void)
{
	return record;
}

void
run_say(double seconds, const char *text)
{
	char *line = record->lines[record->line_count++ % RUN_LINES];

	snprintf(line, RUN_LINE_SIZE, "%12.3f s  %s", seconds, text);
	/* So that a comparison of two traces shows where they part. */
	if (is_tracing)
		fprintf(stderr, "%08" PRIx32 " %s\n", (uint32_t)sim_digest(), line);
}

void
run_broken(const char *rule, const char *what)
{
	snprintf(record->rule, sizeof(record->rule), "%s", rule);
	snprintf(record->what, sizeof(record->what), "%s", what);
	_exit(RUN_BROKEN);
}

static void
note_signal(int signal)
{
	snprintf(record->rule, sizeof(record->rule), "the program does not stop by itself");
	snprintf(
	    record->what, sizeof(record->what), "signal %d (an assertion, or worse)", signal);
}

/* One whose end is not a plain 0 is told of. */
static bool
wait_for(pid_t child, struct rusage *usage_r)
{
	int status;

	if (wait4(child, &status, 0, usage_r) != child)
		abort();
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFSIGNALED(status))
		note_signal(WTERMSIG(status));
	else if (WEXITSTATUS(status) != RUN_BROKEN)
		note_signal(-WEXITSTATUS(status));
	return false;
}

bool
run_plan(const struct plan *plan)
{
	struct rusage usage;
	pid_t child;

	record->rule[0] = record->what[0] = '\0';
	record->line_count = 0;
	record->seed = plan->seed;
	fflush(NULL);
	if ((child = fork()) < 0)
		abort();
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		world_run(plan, &record->cover);
		_exit(0);
	}
	return wait_for(child, &usage);
}

void
run_print_digest(FILE *out, uint64_t seed)
{
	fprintf(out, "seed %" PRIu64 ": digest %016" PRIx64 "\n", seed, record->digest);
	fflush(out);
}

static double
cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool
run_seeds(const struct run_seeds *seeds, double *cpu_seconds_r)
{
	struct rusage usage;
	bool is_good;
	pid_t child;

	fflush(NULL);
	if ((child = fork()) < 0)
		abort();
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		static struct plan plan;

		for (uint64_t i = 0; i < seeds->count &&
		                     (seeds->seconds <= 0 || cpu_seconds() < seeds->seconds);
		     i++) {
			record->line_count = 0;
			record->seed =
			    seeds->first + (seeds->is_backwards ? seeds->count - 1 - i : i);
			plan_make(&plan, record->seed);
			world_run(&plan, &record->cover);
			if (seeds->prints_digests)
				run_print_digest(stdout, record->seed);
		}
		exit(0);
	}
	is_good = wait_for(child, &usage);
	*cpu_seconds_r = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
	                 (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
	return is_good;
}

/* Halves first, then quarters, down to single steps (Zeller's ddmin, in short). */
void
run_shrink(struct plan *plan, unsigned tries_max)
{
	static struct plan candidate;
	char rule[sizeof(record->rule)];
	unsigned tries = 0;
	struct cover cover = record->cover;

	memcpy(rule, record->rule, sizeof(rule));
	for (unsigned chunk = plan->count / 2; chunk != 0; chunk /= 2) {
		bool got_smaller = true;

		while (got_smaller) {
			got_smaller = false;
			for (unsigned at = 0; at < plan->count && tries < tries_max;
			     at += chunk) {
				candidate = *plan;
				for (unsigned i = at; i < at + chunk && i < plan->count; i++)
					candidate.steps[i].is_left_out = true;
				if (plan_size(&candidate) == plan_size(plan))
					continue;
				tries++;
				if (run_plan(&candidate) || strcmp(record->rule, rule) != 0)
					continue;
				*plan = candidate;
				got_smaller = true;
			}
		}
	}
	(void)run_plan(plan);
	record->cover = cover;
}

void
run_report(FILE *out, const struct plan *plan)
{
	char list[2048];
	uint64_t first = record->line_count > RUN_LINES ? record->line_count - RUN_LINES : 0;

	plan_list(plan, list, sizeof(list));
	fprintf(out, "broken: %s\n  %s\n", record->rule, record->what);
	fprintf(out, "the last steps:\n");
	for (uint64_t i = first; i < record->line_count; i++)
		fprintf(out, "%s\n", record->lines[i % RUN_LINES]);
	plan_print(out, plan);
	run_print_digest(out, plan->seed);
	fprintf(out, "again: sim%s --seed %" PRIu64 " --only %s\n",
	    plan->shuttles ? " --moves" : "", plan->seed, list);
}
