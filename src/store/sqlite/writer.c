/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The one writer: a queue of jobs, and groups of them that share a commit.
 *
 *   queue --pop--> SAVEPOINT, run() --RELEASE, or ROLLBACK TO--> next job ..
 *     (the first one needs none: to undo it is to begin again)
 *     .. until the queue is empty or the group is full: COMMIT (one sync)
 *     --> done() of every job --> checkpoint, if the log is long
 *
 * done() comes after the sync and before the checkpoint: nobody waits for the
 * latter.  A job that arrives while a group runs joins it.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

#include "store/fault.h"
#include "store/sqlite/engine.h"

enum dom_status
store_submit(struct store *store, struct store_job *job)
{
	enum dom_status st = DOM_OK;

	if (atomic_load(&store->failed))
		return DOM_ESTORE;
	job->next = NULL;
	pthread_mutex_lock(&store->queue_lock);
	assert(!store->stopping);
	if (store->queue_count == STORE_JOBS_MAX) {
		st = DOM_ELIMIT;
	} else {
		*store->queue_last = job;
		store->queue_last = &job->next;
		store->queue_count++;
		pthread_cond_signal(&store->queue_filled);
	}
	pthread_mutex_unlock(&store->queue_lock);
	return st;
}

static struct store_job *
queue_pop(struct store *store)
{
	struct store_job *job;

	pthread_mutex_lock(&store->queue_lock);
	if ((job = store->queue_first) != NULL) {
		if ((store->queue_first = job->next) == NULL)
			store->queue_last = &store->queue_first;
		store->queue_count--;
		job->next = NULL;
	}
	pthread_mutex_unlock(&store->queue_lock);
	return job;
}

void
store_note_failure(struct store *store)
{
	struct sql_connection *writer = &store->writer;

	if (atomic_load(&store->failed))
		return;
	if (sql_lost(writer))
		snprintf(store->failure, sizeof(store->failure),
		    "the database could not be written safely: %s (SQLite %d, errno %d)",
		    sqlite3_errstr(writer->failed_code), writer->failed_code,
		    writer->failed_errno);
	else if (blobs_failed(store->blobs))
		snprintf(store->failure, sizeof(store->failure),
		    "a chunk's file could not be synced to the disk");
	else
		return;
	atomic_store(&store->failed, true);
}

bool
store_failed(const struct store *store)
{
	return atomic_load(&store->failed) || blobs_failed(store->blobs);
}

const char *
store_failure(const struct store *store)
{
	if (!store_failed(store))
		return NULL;
	return atomic_load(&store->failed) ? store->failure
	                                   : "a chunk's file could not be synced to the disk";
}

static void
puts_settle(struct store_staged *put, enum staged_state state)
{
	while (put != NULL) {
		struct store_staged *next = put->next_put;

		assert(put->state == STAGED_PUT);
		put->state = state;
		put->next_put = NULL;
		put = next;
	}
}

/* The transaction cannot be committed any more: all of its jobs have failed. */
static void
group_lose(struct store *store, enum dom_status status)
{
	struct group *group = &store->group;

	assert(status < 0);
	if (!sqlite3_get_autocommit(store->writer.db) &&
	    sql_simple(&store->writer, SQL_ROLLBACK) < 0)
		store_note_failure(store);
	if (group->lost == DOM_OK)
		group->lost = status;
}

static void
group_undo_job(struct store *store)
{
	enum dom_status st;

	/* A full disk and its like may have ended the whole transaction. */
	if (sqlite3_get_autocommit(store->writer.db)) {
		group_lose(store, store->writer.failed < 0 ? store->writer.failed : DOM_ESTORE);
		return;
	}
	if (!store->group.has_jobs) {
		if ((st = sql_simple(&store->writer, SQL_ROLLBACK)) < 0)
			group_lose(store, st);
		else
			store->group.begun = false;
		return;
	}
	if ((st = sql_simple(&store->writer, SQL_SAVEPOINT_UNDO)) < 0 ||
	    (st = sql_simple(&store->writer, SQL_SAVEPOINT_RELEASE)) < 0)
		group_lose(store, st);
}

/* A savepoint copies each page that is changed under it, so it is had only where it counts. */
static enum dom_status
group_keep_job(struct store *store)
{
	enum dom_status st =
	    store->group.has_jobs ? sql_simple(&store->writer, SQL_SAVEPOINT_RELEASE) : DOM_OK;

	store->group.has_jobs = true;
	return st;
}

static enum dom_status
group_run_job(struct store *store, struct group_entry *entry)
{
	struct sql_connection *writer = &store->writer;
	struct store_txn txn = {.store = store, .connection = writer, .writes = true};
	enum dom_status st;

	writer->failed = DOM_OK;
	writer->failed_code = SQLITE_OK;
	if (store->group.has_jobs && (st = sql_simple(writer, SQL_SAVEPOINT)) < 0) {
		group_lose(store, st);
		return st;
	}
	st = entry->job->run(&txn, entry->job);
	if (st >= 0) {
		enum dom_status settled = chunk_settle(&txn);

		if (settled < 0)
			st = settled;
	}
	/* What the engine could not do is not undone by a job that looks away. */
	if (st >= 0 && writer->failed < 0)
		st = writer->failed;
	if (st >= 0) {
		enum dom_status kept = group_keep_job(store);

		if (kept < 0) {
			st = kept;
			group_lose(store, st);
		}
		entry->puts = txn.puts;
		store->group.bytes += txn.bytes;
		store->group.move_states |= txn.move_states;
	} else {
		puts_settle(txn.puts, STAGED_FREE);
		group_undo_job(store);
	}
	store_note_failure(store);
	return st;
}

/* The last group's ROLLBACK may have found no memory: what it left is nobody's. */
static enum dom_status
group_begin(struct store *store)
{
	struct sql_connection *writer = &store->writer;
	enum dom_status st = DOM_OK;

	writer->failed = DOM_OK;
	writer->failed_code = SQLITE_OK;
	if (!sqlite3_get_autocommit(writer->db))
		st = sql_simple(writer, SQL_ROLLBACK);
	return st == DOM_OK ? sql_simple(writer, SQL_BEGIN) : st;
}

static void
group_add(struct store *store, struct store_job *job)
{
	struct group *group = &store->group;
	struct group_entry *entry = &group->entries[group->count++];
	enum dom_status st;

	*entry = (struct group_entry){.job = job, .status = DOM_ESTORE};
	if (store_failed(store))
		return;
	if (!group->begun) {
		if ((st = group_begin(store)) != DOM_OK) {
			entry->status = st < 0 ? st : DOM_ESTORE;
			store_note_failure(store);
			return;
		}
		group->begun = true;
		group->has_jobs = false;
	}
	entry->status = group_run_job(store, entry);
}

/* After the commit, or what may have been one. */
static void
note_moves(struct store *store)
{
	uint64_t states = store->group.move_states, change;

	if (states == 0)
		return;
	change = atomic_fetch_add(&store->move_changes, 1) + 1;
	for (unsigned state = 0; state < MOVE_STATES; state++) {
		if ((states >> state & 1) != 0)
			atomic_store(&store->move_changed[state], change);
	}
}

void (*store_fault_hook)(const char *name);

static void
group_commit(struct store *store)
{
	struct group *group = &store->group;
	struct sql_connection *writer = &store->writer;
	enum dom_status st = group->lost;

	if (!group->begun) {
		/* All were undone: nothing is committed. */
		atomic_fetch_add(&store->done.jobs, group->count);
		return;
	}
	if (st == DOM_OK && blobs_failed(store->blobs)) {
		store_note_failure(store);
		st = DOM_ESTORE;
	}
	if (st == DOM_OK) {
		int64_t began_us = dom_monotonic_us();

		writer->failed = DOM_OK;
		writer->failed_code = SQLITE_OK;
		if ((st = sql_simple(writer, SQL_COMMIT)) > 0)
			st = DOM_ESTORE;
		figures_note_group(store, group->count, dom_monotonic_us() - began_us);
		store_note_failure(store);
		/*
		 * A full log lacks the frame that commits: these rows cannot come back.
		 * After any other failure that frame may be on the disk.
		 */
		if (st < 0 && writer->failed_code != SQLITE_FULL)
			st = DOM_EUNCERTAIN;
	}
	note_moves(store);
	if (st < 0)
		group_lose(store, st);
	else
		store_fault("commit");
	for (size_t i = 0; i < group->count; i++) {
		struct group_entry *entry = &group->entries[i];

		puts_settle(entry->puts,
		    st == DOM_OK || st == DOM_EUNCERTAIN ? STAGED_KEPT : STAGED_FREE);
		/* A refusal too: it may rest on rows of the group that are gone. */
		if (st < 0)
			entry->status = st;
	}
}

static bool
group_has_room(const struct group *group, int64_t started_ms)
{
	if (group->count == 0)
		return true;
	return group->count < GROUP_JOBS_MAX && group->bytes < GROUP_SIZE_MAX &&
	       group->lost == DOM_OK && dom_monotonic_ms() - started_ms < GROUP_MS_MAX;
}

/* Run what is queued, as far as one group goes; the number of jobs. */
static size_t
group_run(struct store *store)
{
	struct group *group = &store->group;
	int64_t started_ms = dom_monotonic_ms();
	struct store_job *job;
	size_t count;

	group->count = 0;
	group->bytes = group->move_states = 0;
	group->begun = false;
	group->lost = DOM_OK;
	while (group_has_room(group, started_ms) && (job = queue_pop(store)) != NULL)
		group_add(store, job);
	if ((count = group->count) == 0)
		return 0;
	group_commit(store);
	for (size_t i = 0; i < count; i++)
		group->entries[i].job->done(group->entries[i].job, group->entries[i].status);
	writer_settle(store);
	/* After a full disk too: a log that is copied can be used again. */
	writer_checkpoint(store, false);
	return count;
}

void
writer_checkpoint(struct store *store, bool at_close)
{
	struct sql_connection *writer = &store->writer;
	int mode = at_close ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
	int code;

	if (atomic_load(&store->failed) ||
	    (!at_close && store->log_pages < CHECKPOINT_PAGES && store->group.lost == DOM_OK))
		return;
	writer->failed = DOM_OK;
	writer->failed_code = SQLITE_OK;
	code = sqlite3_wal_checkpoint_v2(writer->db, NULL, mode, NULL, NULL);
	/* Busy: a reader needs the log.  Full: it stays in the log.  Both wait. */
	if ((code & 0xff) != SQLITE_BUSY && sql_status(writer, code) < 0)
		store_note_failure(store);
}

size_t
store_pump(struct store *store)
{
	assert(store->manual);
	return group_run(store);
}

void *
writer_main(void *context)
{
	struct store *store = context;
	bool stop = false;

	while (!stop) {
		pthread_mutex_lock(&store->queue_lock);
		while (store->queue_first == NULL && !store->stopping)
			pthread_cond_wait(&store->queue_filled, &store->queue_lock);
		stop = store->queue_first == NULL;
		pthread_mutex_unlock(&store->queue_lock);
		if (!stop)
			group_run(store);
	}
	return NULL;
}

/* --- waiting for a job ------------------------------------------------------ */

struct waiting_job {
	struct store_job job; /* first, so that the job leads back here */
	enum dom_status (*run)(struct store_txn *txn, void *context);
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	bool is_finished;
	enum dom_status status;
};

static enum dom_status
waiting_run(struct store_txn *txn, struct store_job *job)
{
	struct waiting_job *waiting = (struct waiting_job *)job;

	return waiting->run(txn, waiting->context);
}

static void
waiting_done(struct store_job *job, enum dom_status status)
{
	struct waiting_job *waiting = (struct waiting_job *)job;

	pthread_mutex_lock(&waiting->lock);
	waiting->status = status;
	waiting->is_finished = true;
	pthread_cond_signal(&waiting->finished);
	pthread_mutex_unlock(&waiting->lock);
}

enum dom_status
store_write(struct store *store, enum dom_status (*run)(struct store_txn *txn, void *context),
    void *context)
{
	struct waiting_job waiting = {
	    .job = {.run = waiting_run, .done = waiting_done},
	    .run = run,
	    .context = context,
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .finished = PTHREAD_COND_INITIALIZER,
	};
	enum dom_status st = store_submit(store, &waiting.job);

	if (st != DOM_OK)
		return st;
	while (store->manual && !waiting.is_finished)
		store_pump(store);
	pthread_mutex_lock(&waiting.lock);
	while (!waiting.is_finished)
		pthread_cond_wait(&waiting.finished, &waiting.lock);
	pthread_mutex_unlock(&waiting.lock);
	pthread_cond_destroy(&waiting.finished);
	pthread_mutex_destroy(&waiting.lock);
	return waiting.status;
}
