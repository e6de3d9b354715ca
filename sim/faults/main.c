/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sim-faults: every allocation and every disk operation fails once, everywhere,
 * and the machine stops everywhere.  The last line says what was tried; the
 * exit code is 0 if nothing was wrong.
 *
 *   sim-faults [--short] [--stride N] [--only NAME]
 *
 * Opening a store takes 30,000 allocations: of such only some are tried, unless
 * --stride says how many: --stride 1 is all there is.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/alloc.h"
#include "sim/faults/move.h"

enum { SHORT_TRIES = 4 };

const char *faults_now(char *text, size_t size);

/* An assertion: of what, is all that is left to say. */
static void
died(int signal)
{
	char text[300];

	(void)signal;
	faults_now(text, sizeof(text));
	(void)!write(STDERR_FILENO, text, strlen(text));
	(void)!write(STDERR_FILENO, "\n", 1);
	_exit(1);
}

static void
run_all(const struct scenario *list, size_t count, const struct fault_options *options)
{
	for (size_t i = 0; i < count; i++)
		faults_of(&list[i], options);
}

/* 0: it is none. */
static unsigned
read_stride(const char *text)
{
	char *end = NULL;
	unsigned long number =
	    text[0] >= '0' && text[0] <= '9' && strlen(text) < 10 ? strtoul(text, &end, 10) : 0;

	return number != 0 && *end == '\0' ? (unsigned)number : 0;
}

int
main(int argc, char **argv)
{
	static const struct option long_options[] = {{"short", no_argument, NULL, 's'},
	    {"stride", required_argument, NULL, 'n'}, {"only", required_argument, NULL, 'o'},
	    {NULL, 0, NULL, 0}};
	struct fault_options options = {
	    .stride = 1, .weighs = true, .crashes = SIM_CRASH_COUNT};
	const struct scenario *ops;
	size_t op_count;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 's') {
			options.tries = SHORT_TRIES;
			options.crashes = 1;
		} else if (option == 'n' && (options.stride = read_stride(optarg)) != 0) {
			options.weighs = false;
		} else if (option == 'o') {
			options.only = optarg;
		} else {
			fprintf(
			    stderr, "usage: sim-faults [--short] [--stride N] [--only NAME]\n");
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "sim-faults: \"%.40s\" is no option; one by name: --only\n",
		    argv[optind]);
		return 2;
	}
	signal(SIGABRT, died);
	signal(SIGSEGV, died);
	sim_alloc_install();
	region_world();
	op_count = op_scenarios(&ops);
	run_all(ops, op_count, &options);
	run_all(keeper_scenarios, keeper_scenario_count, &options);
	run_all(more_scenarios, more_scenario_count, &options);
	run_all(care_scenarios, care_scenario_count, &options);
	faults_end();
	asked_faults(&options);
	move_faults(&options);
	if (options.only == NULL)
		op_look_complete();
	printf(
	    "faults: %llu scenarios, %llu runs, %llu allocations failed, %llu disk operations "
	    "failed, %llu stops, %llu wrong\n",
	    (unsigned long long)totals.scenarios, (unsigned long long)totals.runs,
	    (unsigned long long)totals.allocations, (unsigned long long)totals.operations,
	    (unsigned long long)totals.stops, (unsigned long long)totals.wrong);
	if (totals.scenarios == 0) {
		fprintf(stderr, "sim-faults: no scenario has \"%.40s\" in its name\n",
		    options.only);
		return 2;
	}
	return totals.wrong != 0;
}
