/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What it takes to erase an account: time, disk traffic, and what everybody
 * else notices.  It fills a store in a folder of its own, erases as the keeper
 * does, one step a job and a look at the queue between, and settles; meanwhile
 * another account writes every few milliseconds.
 *
 *   store_erase [ITEMS [BYTES]]    100,000 items with a chunk of 20,480 bytes each
 *   BENCH_FOLDER=dir               on the disk to measure; default /var/tmp
 *
 * Each figure is one line, "bench NAME value=V unit=U".
 */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#include "crypto/keys.h"
#include "crypto/region.h"

#include "store/erase.h"

enum {
	BATCH_ITEMS = 50,
	STEP_ROWS = 500,
	META_SIZE = 200,
	CHUNK_SIZE_MAX = 8 << 20,
	PROBE_PAUSE_US = 5000,
	PROBES_MAX = 200000,
};

static struct store *store;
static unsigned items = 100000, chunk_size = 20480, made;
static uint8_t bytes[CHUNK_SIZE_MAX];
static int64_t account, other, collection;
static uint8_t account_id[STORE_ID_SIZE] = {1};

static void
check(bool is_good, const char *what)
{
	if (is_good)
		return;
	fprintf(stderr, "store_erase: %s failed (%s)\n", what, strerror(errno));
	exit(1);
}

static void
tell(const char *name, double value, const char *unit)
{
	printf("bench %s value=%.4g unit=%s\n", name, value, unit);
}

/* --- filling ------------------------------------------------------------------- */

static enum dom_status
setup_run(struct store_txn *txn, void *context)
{
	struct store_account person = {
	    .name = dom_slice_of("ana"), .salt = dom_slice_of(""), .initialised = true};

	(void)context;
	memcpy(person.id, account_id, sizeof(account_id));
	check(store_account_add(txn, &person, &account) == DOM_OK, "an account");
	person.id[0] = 2;
	person.name = dom_slice_of("bo");
	check(store_account_add(txn, &person, &other) == DOM_OK, "an account");
	check(store_collection_add(txn, dom_slice_of("c1"), account, &collection) == DOM_OK,
	    "a collection");
	return DOM_OK;
}

static enum dom_status
fill_run(struct store_txn *txn, void *context)
{
	struct store_staged **staged = context;

	for (unsigned i = 0; i < BATCH_ITEMS; i++, made++) {
		char uid[40], etag[24], chunk[44];
		struct dom_slice named = dom_slice(chunk, 43);
		struct store_item item = {.uid = dom_slice(uid, 32),
		    .version = 1,
		    .encryption_key = dom_slice(bytes, 72),
		    .current = {.uid = dom_slice(etag, 22),
		        .meta = dom_slice(bytes, META_SIZE),
		        .chunks = &named,
		        .chunk_count = 1}};

		/* As spread as random ones. */
		snprintf(uid, sizeof(uid), "%010u%022u", made * UINT32_C(2654435761), made);
		snprintf(etag, sizeof(etag), "%022u", made);
		snprintf(chunk, sizeof(chunk), "%010u%033u", made * UINT32_C(2246822519), made);
		check(store_account_tick(txn, account, &item.current.clock) == DOM_OK &&
		          store_chunk_put(txn, collection, named, staged[i]) == DOM_OK &&
		          store_item_put(txn, collection, &item) == DOM_OK,
		    "an item");
	}
	return DOM_OK;
}

static void
fill(void)
{
	struct store_staged *staged[BATCH_ITEMS];
	uint64_t dice = 1;

	while (made < items) {
		for (unsigned i = 0; i < BATCH_ITEMS; i++) {
			dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
			memcpy(bytes, &dice, sizeof(dice));
			check(store_chunk_stage(store, account_id, dom_slice(bytes, chunk_size),
			          &staged[i]) == DOM_OK,
			    "a chunk");
		}
		check(store_write(store, fill_run, staged) == DOM_OK, "a batch");
		for (unsigned i = 0; i < BATCH_ITEMS; i++)
			store_staged_free(&staged[i]);
	}
}

/* --- somebody else ---------------------------------------------------------------- */

static struct {
	atomic_bool stop;
	double ms[PROBES_MAX];
	unsigned count;
} probe;

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static enum dom_status
probe_run(struct store_txn *txn, void *context)
{
	uint64_t clock;

	(void)context;
	return store_account_tick(txn, other, &clock);
}

static void *
probe_main(void *context)
{
	(void)context;
	while (!atomic_load(&probe.stop) && probe.count < PROBES_MAX) {
		double began = now_ms();

		check(store_write(store, probe_run, NULL) == DOM_OK, "a probe");
		probe.ms[probe.count++] = now_ms() - began;
		usleep(PROBE_PAUSE_US);
	}
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	const double *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static void
tell_probe(const char *name)
{
	char text[80];

	qsort(probe.ms, probe.count, sizeof(probe.ms[0]), compare);
	check(probe.count != 0, "probing");
	snprintf(text, sizeof(text), "%s-write-p50", name);
	tell(text, probe.ms[probe.count / 2], "ms");
	snprintf(text, sizeof(text), "%s-write-p99", name);
	tell(text, probe.ms[probe.count * 99 / 100], "ms");
	probe.count = 0;
}

/* The probe runs while what() does. */
static void
beside_probe(const char *name, void (*what)(void))
{
	pthread_t thread;

	atomic_store(&probe.stop, false);
	check(pthread_create(&thread, NULL, probe_main, NULL) == 0, "a thread");
	what();
	atomic_store(&probe.stop, true);
	pthread_join(thread, NULL);
	tell_probe(name);
}

static void
rest(void)
{
	sleep(2);
}

/* --- erasing --------------------------------------------------------------------- */

struct step {
	enum dom_status (*erase)(
	    struct store_txn *txn, int64_t number, unsigned rows, struct store_erased *sum);
	int64_t number;
	enum dom_status answer;
	double ms; /* in the job */
	struct store_erased sum;
};

static enum dom_status
abandon_run(struct store_txn *txn, void *context)
{
	(void)context;
	check(store_collection_abandon(txn, collection, 0) == DOM_OK, "abandoning");
	return store_account_begin_erase(txn, account);
}

static enum dom_status
step_run(struct store_txn *txn, void *context)
{
	struct step *step = context;
	double began = now_ms();

	step->answer = step->erase(txn, step->number, STEP_ROWS, &step->sum);
	step->ms = now_ms() - began;
	return step->answer;
}

/* Bytes that this process has had written to the disk. */
static double
traffic(void)
{
	FILE *file = fopen("/proc/self/io", "r");
	char line[80];
	double written = 0;

	check(file != NULL, "/proc/self/io");
	while (fgets(line, sizeof(line), file) != NULL)
		sscanf(line, "write_bytes: %lf", &written);
	fclose(file);
	return written;
}

static void
erase(void)
{
	struct step step = {.erase = store_erase_collection, .number = collection};
	double began = now_ms(), longest = 0, written = traffic(), erased_ms;
	unsigned steps = 0;

	check(store_write(store, abandon_run, NULL) == DOM_OK, "beginning");
	for (unsigned part = 0; part < 2; part++) {
		do {
			check(store_write(store, step_run, &step) >= 0, "a step");
			longest = step.ms > longest ? step.ms : longest;
			steps++;
		} while (step.answer == DOM_OK);
		step.erase = store_erase_account;
		step.number = account;
	}
	check(step.sum.items == made && step.sum.chunks == made, "counting");
	erased_ms = now_ms();
	check(store_settle(store) == DOM_OK, "settling");
	tell("erase-time", (erased_ms - began) / 1000, "s");
	tell("erase-settle-time", (now_ms() - erased_ms) / 1000, "s");
	tell("erase-bytes", (double)step.sum.bytes, "B");
	tell("erase-written", traffic() - written, "B");
	tell("erase-steps", steps, "steps");
	tell("erase-step-longest", longest, "ms");
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

int
main(int argc, char **argv)
{
	const char *place = getenv("BENCH_FOLDER");
	struct store_options options = {.region = "in"};
	struct dom_region_key *key;
	char folder[200], message[300];

	if (argc > 1)
		items = (unsigned)strtoul(argv[1], NULL, 10) / BATCH_ITEMS * BATCH_ITEMS;
	if (argc > 2)
		chunk_size = (unsigned)strtoul(argv[2], NULL, 10);
	check(items > 0 && chunk_size > 0 && chunk_size <= CHUNK_SIZE_MAX, "reading arguments");
	snprintf(folder, sizeof(folder), "%s/erase-XXXXXX", place == NULL ? "/var/tmp" : place);
	check(mkdtemp(folder) != NULL, "making a folder");
	check(dom_crypto_start() == DOM_OK, "starting");
	check(
	    dom_region_key_from_bytes(dom_slice(bytes, DOM_KEY_SIZE), &key) == DOM_OK, "a key");
	options.folder = folder;
	options.key = key;
	if (store_open(&options, &store, message, sizeof(message)) != DOM_OK) {
		fprintf(stderr, "store_erase: %s\n", message);
		return 1;
	}
	check(store_write(store, setup_run, NULL) == DOM_OK, "setting up");
	fill();
	beside_probe("rest", rest);
	beside_probe("erase", erase);
	store_close(&store);
	dom_region_key_free(&key);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
