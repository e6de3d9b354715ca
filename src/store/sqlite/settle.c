/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What was removed leaves the disk:
 *
 *   rows of gone --> files unlinked, their folders synced --> those rows deleted
 *     --> the log is copied into the database and cut off, both synced
 *
 * Only the writer's connection checkpoints, so the last step is the writer's:
 * a job asks for it, and it follows the commit of that job's group.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/sqlite/erase.h"

enum {
	GONE_AT_ONCE = 256,
	SETTLE_WAIT_MS = 100, /* that the writer waits for readers of the old log */
};

struct settling {
	struct store_job job; /* first, so that the job leads back here */
	struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	bool is_finished;
	enum dom_status status;
};

static void
settling_finish(struct settling *settling, enum dom_status status)
{
	pthread_mutex_lock(&settling->lock);
	settling->status = status;
	settling->is_finished = true;
	pthread_cond_signal(&settling->finished);
	pthread_mutex_unlock(&settling->lock);
}

static enum dom_status
settling_run(struct store_txn *txn, struct store_job *job)
{
	txn->store->settling = (struct settling *)job;
	return DOM_OK;
}

static void
settling_done(struct store_job *job, enum dom_status status)
{
	struct settling *settling = (struct settling *)job;

	if (status == DOM_OK)
		return; /* writer_settle() is next */
	settling->store->settling = NULL;
	settling_finish(settling, status);
}

/* The log's new size is not on the disk by SQLite's doing. */
static enum dom_status
sync_log(struct store *store)
{
	enum dom_status st = DOM_ESTORE;
	char *path = NULL;
	int fd;

	if (asprintf(&path, "%s-wal", store->database) < 0)
		return DOM_ENOMEM;
	/* SQLite holds no lock on this file, so closing it drops none. */
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if ((fd >= 0 && fsync(fd) == 0) || (fd < 0 && errno == ENOENT))
		st = fsync(store->folder) == 0 ? DOM_OK : DOM_ESTORE;
	if (fd >= 0)
		close(fd);
	free(path);
	return st;
}

static enum dom_status
cut_log(struct store *store)
{
	struct sql_connection *writer = &store->writer;
	enum dom_status st;
	int code;

	if (store_failed(store))
		return DOM_ESTORE;
	writer->failed = DOM_OK;
	writer->failed_code = SQLITE_OK;
	sqlite3_busy_timeout(writer->db, SETTLE_WAIT_MS);
	code =
	    sqlite3_wal_checkpoint_v2(writer->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(writer->db, READER_WAIT_MS);
	if ((code & 0xff) == SQLITE_BUSY)
		return DOM_CONFLICT;
	if ((st = sql_status(writer, code)) < 0) {
		store_note_failure(store);
		return st;
	}
	store->log_pages = 0;
	/* The cache may hold what the file does not any more (see scrub.c). */
	sqlite3_db_release_memory(writer->db);
	return sync_log(store);
}

void
writer_settle(struct store *store)
{
	struct settling *settling = store->settling;

	if (settling == NULL)
		return;
	store->settling = NULL;
	settling_finish(settling, cut_log(store));
}

static enum dom_status
settle_log(struct store *store)
{
	struct settling settling = {.job = {.run = settling_run, .done = settling_done},
	    .store = store,
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .finished = PTHREAD_COND_INITIALIZER};
	enum dom_status st = store_submit(store, &settling.job);

	if (st != DOM_OK)
		return st;
	while (store->manual && !settling.is_finished)
		store_pump(store);
	pthread_mutex_lock(&settling.lock);
	while (!settling.is_finished)
		pthread_cond_wait(&settling.finished, &settling.lock);
	pthread_mutex_unlock(&settling.lock);
	pthread_cond_destroy(&settling.finished);
	pthread_mutex_destroy(&settling.lock);
	return settling.status;
}

/* --- files ----------------------------------------------------------------------- */

struct gone {
	struct dom_slice names[GONE_AT_ONCE];
	size_t count;
};

static enum dom_status
gone_list(struct store_reader *reader, struct dom_arena *arena, struct gone *gone)
{
	struct store_txn *txn;
	struct sql_call call;
	enum dom_status st = store_read_begin(reader, &txn);

	if (st != DOM_OK)
		return st;
	gone->count = 0;
	call = sql_call(txn->connection, SQL_GONE_LIST);
	sql_put_number(&call, GONE_AT_ONCE);
	while (gone->count < GONE_AT_ONCE && sql_step(&call) == DOM_OK)
		gone->names[gone->count++] = sql_get_slice(&call, arena);
	st = sql_end(&call);
	store_read_end(&txn);
	return st;
}

static enum dom_status
gone_unlink(struct store *store, const struct gone *gone)
{
	struct blob_name files[GONE_AT_ONCE];
	enum dom_status st = DOM_OK;
	size_t count = 0;

	for (size_t i = 0; st == DOM_OK && i < gone->count; i++) {
		struct dom_slice name = gone->names[i];

		if (name.size == sizeof(files[0]))
			memcpy(&files[count++], name.data, name.size);
		else if (name.size != BLOB_OWNER_SIZE)
			st = DOM_ESTORE; /* we wrote it */
	}
	if (st == DOM_OK)
		st = blobs_forget(store->blobs, files, count);
	for (size_t i = 0; st == DOM_OK && i < gone->count; i++) {
		if (gone->names[i].size == BLOB_OWNER_SIZE)
			st = blobs_forget_owner(store->blobs, gone->names[i].data);
	}
	return st;
}

static enum dom_status
gone_remove(struct store_txn *txn, void *context)
{
	const struct gone *gone = context;
	enum dom_status st = DOM_OK;

	for (size_t i = 0; st == DOM_OK && i < gone->count; i++) {
		struct sql_call call = sql_call(txn->connection, SQL_GONE_REMOVE);

		sql_put_slice(&call, gone->names[i]);
		st = sql_run(&call);
	}
	return st;
}

/*
 * A blob's name may be on its way to a backup that began before: while one
 * copies, nothing is unlinked.
 */
static enum dom_status
settle_files(struct store *store)
{
	struct store_reader *reader = NULL;
	struct dom_arena *arena = dom_arena_new(0);
	struct gone gone = {.count = GONE_AT_ONCE};
	enum dom_status st;
	int hold = -1;

	if (arena == NULL)
		return DOM_ENOMEM;
	st = store_reader_open(store, &reader);
	if (st == DOM_OK)
		st = blobs_hold(store->folder, true, &hold);
	while (st == DOM_OK && gone.count == GONE_AT_ONCE) {
		dom_arena_reset(arena);
		if ((st = gone_list(reader, arena, &gone)) == DOM_OK && gone.count != 0 &&
		    (st = gone_unlink(store, &gone)) == DOM_OK)
			st = store_write(store, gone_remove, &gone);
	}
	if (hold >= 0)
		close(hold);
	store_reader_close(&reader);
	dom_arena_free(&arena);
	return st == DOM_ABSENT ? DOM_ESTORE : st;
}

enum dom_status
store_settle(struct store *store)
{
	enum dom_status st;

	pthread_mutex_lock(&store->settle_lock);
	st = settle_files(store);
	if (st == DOM_OK)
		st = settle_log(store);
	pthread_mutex_unlock(&store->settle_lock);
	return st;
}
