/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sim: regions, phones and everything that can go wrong between them, searched
 * by seeds.  See sim/DESIGN.md.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "crypto/keys.h"

#include "sim/random.h"
#include "sim/run.h"
#include "sim/vfs.h"

enum { SHRINK_TRIES = 200, MEMORY_KEPT = 32 << 20 };

struct wanted {
	struct run_seeds seeds;
	const char *only;
	bool is_one, is_many; /* --seed; what says which of many */
	bool has_count, prints_cover, keeps_plan, traces, tells_calls, helps;
};

static const char usage[] =
    "usage: sim [--seed N [--only STEPS] [--trace] [--calls]]\n"
    "       sim --moves ..\n"
    "       sim [--from N] [--seeds COUNT] [--seconds S] [--faults LIST] [--cover]\n"
    "           [--digests] [--backwards]\n"
    "\n"
    "  --seed N     this world alone, the same each time; --only: leave out all other\n"
    "               steps of its plan; --trace: tell what happens as it does;\n"
    "               --calls: each request, too\n"
    "  --from N     the first of many seeds (1); --seeds: how many (100);\n"
    "               --seconds: end after so much CPU time\n"
    "  --faults LIST  only these, with commas, named as --cover does\n"
    "  --moves      worlds of small accounts that move all the time, and little else\n"
    "  --cover      print which action met which fault\n"
    "  --digests    print one number for all that happened in each world: the same each\n"
    "               time, whatever ran before it; --backwards: the last seed first\n"
    "  --no-shrink  tell of a failure with the whole plan\n";

/* All of it, and no sign: strtoull() takes "x" for 0 and "-1" for the largest. */
static bool
read_number(const char *option, const char *text, uint64_t *number_r)
{
	char *end = NULL;

	errno = 0;
	if (text[0] >= '0' && text[0] <= '9') {
		*number_r = strtoull(text, &end, 10);
		if (errno == 0 && *end == '\0')
			return true;
	}
	fprintf(stderr, "sim: %s wants a number, such as 7, not \"%.40s\"\n", option, text);
	return false;
}

/* More than a year of CPU is a mistake. */
static bool
read_seconds(const char *text, double *seconds_r)
{
	char *end = NULL;

	*seconds_r = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : 0;
	if (*seconds_r > 0 && *seconds_r < 366 * 86400.0 && *end == '\0')
		return true;
	fprintf(
	    stderr, "sim: --seconds wants how many, such as 20 or 0.5, not \"%.40s\"\n", text);
	return false;
}

/* Which build it was: the first bytes of the program's digest. */
static void
print_build(void)
{
	uint8_t digest[DOM_SHA256_SIZE], piece[65536];
	struct dom_sha256 *sha = dom_sha256_new();
	FILE *self = fopen("/proc/self/exe", "rb");
	size_t got;

	if (self == NULL || sha == NULL)
		return;
	while ((got = fread(piece, 1, sizeof(piece), self)) != 0)
		dom_sha256_add(sha, dom_slice(piece, got));
	fclose(self);
	if (dom_sha256_finish(sha, digest) == DOM_OK)
		printf("build %02x%02x%02x%02x%02x%02x\n", digest[0], digest[1], digest[2],
		    digest[3], digest[4], digest[5]);
	dom_sha256_free(&sha);
}

static void
print_last_line(void)
{
	const struct cover *cover = &run_record()->cover;

	printf("sim: %" PRIu64 " seeds, %" PRIu64 " moves, %" PRIu64 " faults, %" PRIu64
	       " lost writes, %" PRIu64 " double homes\n",
	    cover->seeds, cover->moves, cover_faults(cover), cover->lost_writes,
	    cover->double_homes);
}

static void
print_figures(double seconds)
{
	const struct cover *cover = &run_record()->cover;
	double hours = (double)cover->simulated_us / 3.6e9;

	printf("%" PRIu64 " steps, %" PRIu64 " writes acknowledged, %" PRIu64
	       " uncertain, %" PRIu64 " refused; %" PRIu64 " checks; %u of %u pairs\n",
	    cover->steps, cover->acknowledged, cover->uncertain, cover->refused, cover->checks,
	    cover_pairs(cover), (unsigned)ACTION_KIND_COUNT * FAULT_KIND_COUNT);
	if (seconds > 0)
		printf("%.1f hours simulated in %.1f s of CPU: %.1f hours, %.1f seeds and %.1f"
		       " moves per CPU second\n",
		    hours, seconds, hours / seconds, (double)cover->seeds / seconds,
		    (double)cover->moves / seconds);
}

/* Else whoever wants to look into it is told, and looks for what is not the seed's first. */
static void
see_it_again(const struct plan *plan)
{
	struct run_record first = *run_record();

	(void)run_plan(plan);
	if (run_record()->digest == first.digest)
		return;
	printf("alone it goes another way: digest %016" PRIx64 ", not %016" PRIx64
	       "; so it was:\n  %s: %s\n",
	    run_record()->digest, first.digest, first.rule, first.what);
	fflush(stdout);
}

static int
fail(struct plan *plan, const struct wanted *wanted)
{
	printf("seed %" PRIu64 " fails: %s\n", plan->seed, run_record()->rule);
	fflush(stdout);
	see_it_again(plan);
	if (!wanted->keeps_plan)
		run_shrink(plan, SHRINK_TRIES);
	print_build();
	run_report(stdout, plan);
	print_last_line();
	return 1;
}

static int
run(const struct wanted *wanted)
{
	static struct plan plan;
	double seconds = 0;

	if (wanted->is_one) {
		plan_make(&plan, wanted->seeds.first);
		if (wanted->only != NULL && !plan_only(&plan, wanted->only)) {
			fprintf(stderr,
			    "sim: --only wants a list like 0-3,7: this plan has %u steps\n",
			    plan.count);
			return 2;
		}
		if (!run_plan(&plan)) {
			print_build();
			run_report(stdout, &plan);
			print_last_line();
			return 1;
		}
		if (wanted->seeds.prints_digests)
			run_print_digest(stdout, plan.seed);
	} else if (!run_seeds(&wanted->seeds, &seconds)) {
		plan_make(&plan, run_record()->seed);
		return fail(&plan, wanted);
	}
	if (wanted->prints_cover)
		cover_print(stdout, &run_record()->cover);
	print_figures(seconds);
	print_last_line();
	return 0;
}

/* False: it was told why. */
static bool
take_option(struct wanted *wanted, int option)
{
	switch (option) {
	case 's':
		wanted->is_one = true;
		return read_number("--seed", optarg, &wanted->seeds.first);
	case 'o':
		wanted->only = optarg;
		return true;
	case 't':
		return wanted->traces = true;
	case 'a':
		return wanted->tells_calls = true;
	case 'x':
		if (!plan_faults(optarg)) {
			fputs("sim: --faults wants names as --cover prints them\n", stderr);
			return false;
		}
		return true;
	case 'f':
		wanted->is_many = true;
		return read_number("--from", optarg, &wanted->seeds.first);
	case 'n':
		wanted->is_many = wanted->has_count = true;
		return read_number("--seeds", optarg, &wanted->seeds.count);
	case 'd':
		wanted->is_many = true;
		return read_seconds(optarg, &wanted->seeds.seconds);
	case 'm':
		plan_shuttles();
		return true;
	case 'c':
		return wanted->prints_cover = true;
	case 'g':
		return wanted->seeds.prints_digests = true;
	case 'b':
		return wanted->seeds.is_backwards = true;
	case 'k':
		return wanted->keeps_plan = true;
	case 'h':
		return wanted->helps = true;
	default:
		fputs(usage, stderr);
		return false;
	}
}

/* Else a slip of the pen would search for nothing, or for something else, and say that all is
 * well. */
static bool
makes_sense(const struct wanted *wanted, const char *word)
{
	const char *why = NULL;

	if (word != NULL) {
		fprintf(stderr, "sim: \"%.40s\" is no option: sim --help lists them\n", word);
		return false;
	}
	if (wanted->is_one && wanted->is_many)
		why = "--seed is one world: it does not go with --from, --seeds or --seconds";
	else if (!wanted->is_one && wanted->only != NULL)
		why = "--only is of one world: --seed says which";
	else if (wanted->has_count && wanted->seeds.count == 0)
		why = "--seeds 0 would search for nothing";
	else if (wanted->seeds.is_backwards && !wanted->has_count && wanted->seeds.seconds > 0)
		why = "--backwards wants --seeds, since the last one is the first";
	if (why != NULL)
		fprintf(stderr, "sim: %s\n", why);
	return why == NULL;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
	    {"only", required_argument, NULL, 'o'}, {"trace", no_argument, NULL, 't'},
	    {"calls", no_argument, NULL, 'a'}, {"faults", required_argument, NULL, 'x'},
	    {"from", required_argument, NULL, 'f'}, {"seeds", required_argument, NULL, 'n'},
	    {"seconds", required_argument, NULL, 'd'}, {"cover", no_argument, NULL, 'c'},
	    {"moves", no_argument, NULL, 'm'}, {"no-shrink", no_argument, NULL, 'k'},
	    {"digests", no_argument, NULL, 'g'}, {"backwards", no_argument, NULL, 'b'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct wanted wanted = {.seeds = {.first = 1, .count = 100}};
	static struct sim_random source;
	int option;

	/* Files and logs come and go all the time: their memory need not go back in between. */
	(void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_TRIM_THRESHOLD, 4 * MEMORY_KEPT);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(&wanted, option))
			return 2;
	if (wanted.helps)
		return fputs(usage, stdout) == EOF;
	if (!makes_sense(&wanted, argv[optind]))
		return 2;
	if (wanted.seeds.seconds > 0 && !wanted.has_count)
		wanted.seeds.count = UINT64_MAX;
	run_open(wanted.traces, wanted.tells_calls);
	sim_random_seed(&source, 1);
	sim_random_install(&source);
	if (dom_crypto_start() != DOM_OK)
		return 2;
	sim_vfs_install();
	return run(&wanted);
}
