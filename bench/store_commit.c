/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the store costs over SQLite itself: batches of 50 new items of 1 KiB,
 * each durable before the next is sent, through store_submit() and through a
 * plain program with the same table, indexes and durability.  Best of several
 * rounds, which alternate.
 *
 *   store_commit [folder on the disk to measure, default /var/tmp]
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"

#include "crypto/keys.h"
#include "crypto/region.h"

#include "store/store.h"

enum { BATCH_ITEMS = 50, ITEM_SIZE = 1024, BATCHES = 400, ROUNDS = 3, UID_SIZE = 22 };

static uint8_t meta[ITEM_SIZE];

static void
check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "store_commit: %s failed\n", what);
	exit(1);
}

static void
make_uid(uint8_t uid_r[UID_SIZE])
{
	struct dom_random random = dom_random_system();

	dom_random_fill(&random, uid_r, UID_SIZE);
}

static double
rate(int64_t started_ms)
{
	int64_t took_ms = dom_monotonic_ms() - started_ms;

	return 1000.0 * BATCHES * BATCH_ITEMS / (double)(took_ms > 0 ? took_ms : 1);
}

/* --- through the store -------------------------------------------------------- */

struct batch {
	struct store_job job;
	int64_t account, collection;
	sem_t done;
};

static enum dom_status
setup_run(struct store_txn *txn, void *context)
{
	struct batch *batch = context;
	struct store_account account = {.id = {1}, .name = dom_slice_of("ana")};
	enum dom_status st;

	if ((st = store_account_add(txn, &account, &batch->account)) != DOM_OK)
		return st;
	return store_collection_add(txn, dom_slice_of("c"), batch->account, &batch->collection);
}

static enum dom_status
batch_run(struct store_txn *txn, struct store_job *job)
{
	struct batch *batch = (struct batch *)job;
	uint8_t uid[UID_SIZE], etag[UID_SIZE];
	enum dom_status st = DOM_OK;

	for (unsigned i = 0; i < BATCH_ITEMS && st == DOM_OK; i++) {
		struct store_item item = {.uid = dom_slice(uid, UID_SIZE), .version = 1};

		make_uid(uid);
		make_uid(etag);
		item.current.uid = dom_slice(etag, UID_SIZE);
		item.current.meta = dom_slice(meta, ITEM_SIZE);
		st = store_account_tick(txn, batch->account, &item.current.clock);
		if (st == DOM_OK)
			st = store_item_put(txn, batch->collection, &item);
	}
	return st;
}

static void
batch_done(struct store_job *job, enum dom_status status)
{
	check(status == DOM_OK, "a batch");
	sem_post(&((struct batch *)job)->done);
}

static double
measure_store(const char *folder)
{
	static const uint8_t bytes[32] = "region key of a bench";
	struct store_options options = {.folder = folder, .region = "in"};
	struct dom_region_key *key = NULL;
	struct batch batch = {.job = {.run = batch_run, .done = batch_done}};
	struct store *store;
	char message[200];
	int64_t started_ms;
	double result;

	check(dom_crypto_start() == DOM_OK &&
	          dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &key) == DOM_OK,
	    "a region key");
	options.key = key;
	check(store_open(&options, &store, message, sizeof(message)) == DOM_OK, "store_open()");
	check(store_write(store, setup_run, &batch) == DOM_OK, "store_write()");
	sem_init(&batch.done, 0, 0);
	started_ms = dom_monotonic_ms();
	for (unsigned i = 0; i < BATCHES; i++) {
		check(store_submit(store, &batch.job) == DOM_OK, "store_submit()");
		sem_wait(&batch.done);
	}
	result = rate(started_ms);
	store_close(&store);
	return result;
}

/* --- SQLite alone ------------------------------------------------------------- */

static void
run(sqlite3 *db, const char *text)
{
	check(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, text);
}

static double
measure_sqlite(const char *folder)
{
	uint8_t uid[UID_SIZE], etag[UID_SIZE];
	sqlite3_stmt *insert;
	int64_t started_ms;
	char path[220];
	double result;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/plain.sqlite3", folder);
	check(sqlite3_open(path, &db) == SQLITE_OK, "sqlite3_open()");
	run(db, "PRAGMA journal_mode = WAL");
	run(db, "PRAGMA synchronous = FULL");
	run(db,
	    "CREATE TABLE item (number INTEGER PRIMARY KEY, collection INTEGER NOT NULL,"
	    " clock INTEGER NOT NULL, version INTEGER NOT NULL, deleted INTEGER NOT NULL,"
	    " uid BLOB NOT NULL, etag BLOB NOT NULL, encryption_key BLOB, meta BLOB NOT NULL,"
	    " chunks BLOB NOT NULL) STRICT;"
	    "CREATE UNIQUE INDEX item_uid ON item (collection, uid);"
	    "CREATE INDEX item_clock ON item (collection, clock)");
	check(sqlite3_prepare_v2(db,
	          "INSERT INTO item (collection, clock, version, deleted, uid, etag, meta,"
	          " chunks) VALUES (1, ?, 1, 0, ?, ?, ?, x'')",
	          -1, &insert, NULL) == SQLITE_OK,
	    "sqlite3_prepare()");
	started_ms = dom_monotonic_ms();
	for (unsigned i = 0; i < BATCHES; i++) {
		run(db, "BEGIN IMMEDIATE");
		for (unsigned j = 0; j < BATCH_ITEMS; j++) {
			make_uid(uid);
			make_uid(etag);
			sqlite3_bind_int64(insert, 1, i * BATCH_ITEMS + j + 1);
			sqlite3_bind_blob(insert, 2, uid, UID_SIZE, SQLITE_STATIC);
			sqlite3_bind_blob(insert, 3, etag, UID_SIZE, SQLITE_STATIC);
			sqlite3_bind_blob(insert, 4, meta, ITEM_SIZE, SQLITE_STATIC);
			check(sqlite3_step(insert) == SQLITE_DONE, "an insert");
			sqlite3_reset(insert);
		}
		run(db, "COMMIT");
	}
	result = rate(started_ms);
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return result;
}

int
main(int argc, char **argv)
{
	const char *parent = argc > 1 ? argv[1] : "/var/tmp";
	double store = 0, plain = 0;
	char command[300];

	check(dom_crypto_start() == DOM_OK, "dom_crypto_start()");
	memset(meta, 7, sizeof(meta));
	for (unsigned round = 0; round < ROUNDS; round++) {
		char folder[200];
		double once;

		snprintf(folder, sizeof(folder), "%.150s/store-commit-XXXXXX", parent);
		check(mkdtemp(folder) != NULL, "mkdtemp()");
		once = measure_store(folder);
		store = once > store ? once : store;
		once = measure_sqlite(folder);
		plain = once > plain ? once : plain;
		snprintf(command, sizeof(command), "rm -r '%s'", folder);
		check(system(command) == 0, command);
	}
	printf("bench store-commit value=%.1f unit=items/s baseline=%.1f ratio=%.3f\n", store,
	    plain, store / plain);
	return 0;
}
