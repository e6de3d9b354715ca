/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the root of an account costs: computed from all of it, by a book that
 * reads all of it for the first time, and by one that has only the last changes
 * to read.  It fills a store in a folder of its own.
 *
 *   root_book [ITEMS [CHANGES]]    100,000 items with a chunk each, 100 changes
 *   BENCH_FOLDER=dir               on the disk to measure; default /var/tmp
 *
 * Each figure is one line, "bench NAME value=V unit=U".
 */
#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#include "crypto/keys.h"
#include "crypto/region.h"

#include "services/root/book.h"

enum { BATCH_ITEMS = 100, META_SIZE = 200, CHUNK_SIZE = 2000, ROUNDS = 9 };

static struct store *store;
static struct store_reader *reader;
static int64_t account, collection;
static unsigned items = 100000, changes = 100, made, first, stored;
static uint8_t bytes[CHUNK_SIZE];
static struct dom_arena *arena;

static void
must(enum dom_status st, const char *what)
{
	if (st == DOM_OK)
		return;
	fprintf(stderr, "root_book: %s: %s\n", what, dom_status_text(st));
	exit(1);
}

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
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
	struct store_account person = {.id = {1},
	    .name = dom_slice_of("ana"),
	    .salt = dom_slice_of(""),
	    .initialised = true};

	(void)context;
	must(store_account_add(txn, &person, &account), "an account");
	must(store_collection_add(txn, dom_slice_of("c1"), account, &collection),
	    "a collection");
	return store_member_add(txn,
	    &(struct store_member){
	        .collection = collection, .account = account, .clock = 1, .access_level = 1});
}

/* Items `first` to `made`, as a revision that they never had. */
static enum dom_status
write_run(struct store_txn *txn, void *context)
{
	struct store_staged **staged = context;

	for (unsigned i = 0; i < BATCH_ITEMS && first + i < made; i++) {
		char uid[40], etag[24], chunk[44];
		struct dom_slice named = dom_slice(chunk, 43), old;
		struct store_item item = {.uid = dom_slice(uid, 32),
		    .version = 1,
		    .encryption_key = dom_slice(bytes, 72),
		    .current = {.uid = dom_slice(etag, 22),
		        .meta = dom_slice(bytes, META_SIZE),
		        .chunks = &named,
		        .chunk_count = 1}};

		/* As spread as random ones. */
		snprintf(uid, sizeof(uid), "%010u%022u", (first + i) * UINT32_C(2654435761),
		    first + i);
		snprintf(etag, sizeof(etag), "%022u", stored);
		snprintf(
		    chunk, sizeof(chunk), "%010u%033u", stored * UINT32_C(2246822519), stored);
		stored++;
		dom_arena_reset(arena);
		if (store_item_etag(txn, collection, item.uid, arena, &item.number, &old) < 0)
			must(DOM_ESTORE, "an item");
		must(store_account_tick(txn, account, &item.current.clock), "a clock");
		must(store_chunk_put(txn, collection, named, staged[i]), "a chunk");
		must(store_item_put(txn, collection, &item), "an item");
	}
	return DOM_OK;
}

static void
write_items(unsigned from, unsigned count)
{
	static const uint8_t id[STORE_ID_SIZE] = {1};
	struct store_staged *staged[BATCH_ITEMS];

	for (first = from; first < from + count; first += BATCH_ITEMS) {
		made = from + count;
		for (unsigned i = 0; i < BATCH_ITEMS; i++)
			must(store_chunk_stage(
			         store, id, dom_slice(bytes, sizeof(bytes)), &staged[i]),
			    "a chunk");
		must(store_write(store, write_run, staged), "a batch");
		for (unsigned i = 0; i < BATCH_ITEMS; i++)
			store_staged_free(&staged[i]);
	}
}

/* --- measuring ------------------------------------------------------------------- */

/* Milliseconds; by the book, or from all of the store without one. */
static double
root(struct root_book *book, uint8_t root_r[WIRE_ROOT_SIZE])
{
	struct root_options options = {
	    .scope = WIRE_SCOPE_ACCOUNT, .account = account, .clock = 1};
	struct wire_erased sum;
	struct store_txn *txn;
	double begun = now_ms();

	must(store_read_begin(reader, &txn), "a snapshot");
	must(book == NULL ? root_compute(txn, &options, root_r, &sum)
	                  : root_book_root(book, txn, &options, root_r, &sum),
	    "a root");
	store_read_end(&txn);
	return now_ms() - begun;
}

static int
compare(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static void
measure(void)
{
	uint8_t computed[WIRE_ROOT_SIZE], kept[WIRE_ROOT_SIZE];
	struct root_book *book;
	double after[ROUNDS];
	size_t before;

	tell("root_computed", root(NULL, computed), "ms");
	tell("root_computed_again", root(NULL, computed), "ms");
	before = mallinfo2().uordblks;
	if ((book = root_book_new(account, 0)) == NULL)
		must(DOM_ENOMEM, "a book");
	tell("root_book_first", root(book, kept), "ms");
	tell("root_book_memory",
	    (double)(mallinfo2().uordblks - before) / (double)root_book_records(book),
	    "bytes/record");
	for (unsigned round = 0; round < ROUNDS; round++) {
		write_items(round * changes % (items - changes + 1), changes);
		after[round] = root(book, kept);
	}
	qsort(after, ROUNDS, sizeof(*after), compare);
	tell("root_book_changed", after[ROUNDS / 2], "ms");
	tell("root_book_changed_worst", after[ROUNDS - 1], "ms");
	tell("root_book_unchanged", root(book, kept), "ms");
	root(NULL, computed);
	if (memcmp(computed, kept, sizeof(kept)) != 0)
		must(DOM_EINTEGRITY, "the book's root is not the computed one");
	root_book_free(&book);
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

int
main(int count, char **arguments)
{
	static const uint8_t key_bytes[32] = {1};
	const char *parent = getenv("BENCH_FOLDER");
	struct dom_region_key *key;
	char folder[512], message[200];

	if (count > 1)
		items = (unsigned)strtoul(arguments[1], NULL, 10);
	if (count > 2)
		changes = (unsigned)strtoul(arguments[2], NULL, 10);
	if (items == 0 || changes == 0 || changes > items) {
		fprintf(stderr, "usage: root_book [ITEMS [CHANGES]]\n");
		return 2;
	}
	must(dom_crypto_start(), "starting");
	must(dom_region_key_from_bytes(dom_slice(key_bytes, sizeof(key_bytes)), &key), "a key");
	snprintf(folder, sizeof(folder), "%s/root_book-XXXXXX",
	    parent == NULL ? "/var/tmp" : parent);
	if (mkdtemp(folder) == NULL)
		must(DOM_EFILE, "a folder");
	must(store_open(&(struct store_options){.folder = folder, .region = "b", .key = key},
	         &store, message, sizeof(message)),
	    "a store");
	must(store_write(store, setup_run, NULL), "an account");
	must(store_reader_open(store, &reader), "a reader");
	if ((arena = dom_arena_new(0)) == NULL)
		must(DOM_ENOMEM, "an arena");
	write_items(0, items);
	measure();
	dom_arena_free(&arena);
	store_reader_close(&reader);
	store_close(&store);
	dom_region_key_free(&key);
	(void)nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
