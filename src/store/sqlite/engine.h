/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SQLITE_ENGINE_H
#define STORE_SQLITE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/digest.h"
#include "crypto/region.h"

#include "store/blobs.h"
#include "store/sqlite/sql.h"
#include "store/store.h"

/* What the files of the SQLite engine share. */
enum {
	GROUP_JOBS_MAX = 256,     /* committed with one sync .. */
	GROUP_SIZE_MAX = 8 << 20, /* .. or this many bytes, about .. */
	GROUP_MS_MAX = 50,        /* .. or after this long, whichever is first */
	CHECKPOINT_PAGES = 1000,  /* of the write-ahead log */
	SWEEP_FILES_MAX = 200000, /* looked at when a store opens */
	DUE_BATCH_MAX = 1 << 18,  /* chunks at once that a look for unnamed ones holds: 20 MB */
	READER_WAIT_MS = 10000,   /* a reader waits for a log that is being recovered */
	FAILURE_TEXT_SIZE = 160,
	STAGE_PIECE_SIZE = 64 << 10,
	SPARES_MAX = 4,
};

/* The database of a restore that is not finished yet. */
#define STORE_RESTORING_NAME "store.sqlite3.restoring"

struct store_txn {
	struct store *store;
	struct sql_connection *connection;
	bool writes;
	uint64_t bytes;            /* written by this job, about */
	struct store_staged *puts; /* by this job, linked by next_put */
	struct store_usage usage;  /* after the last of them */
	int64_t fenced;            /* account whose fence refused it */
	int64_t grown_in;          /* the collection of that one .. */
	uint64_t grown; /* .. whose owner's row does not say yet that it has so much more */
	uint64_t move_states; /* that it has put a move into, a bit each */
};

enum { MOVE_STATES = 64 }; /* as many as store_move_due() can tell apart */

struct store_reader {
	struct store *store;
	struct sql_connection *connection; /* NULL: one is lent to it for each transaction */
	struct sql_call snapshot;          /* open while a transaction is */
	struct store_txn txn;
	bool in_txn;
	uint64_t move_changes; /* counted before the snapshot began */
	/* That count and 1 when no move of this lane was in a state; 0: there was one. */
	uint64_t no_move_in[MOVE_STATES];
	unsigned move_lane, move_lanes;
};

/*
 *           stage              put in a job              commit
 *  (bytes) ------> STAGED_FREE -----------> STAGED_PUT ---------> STAGED_KEPT
 *                      ^                        |
 *                      +------ job undone ------+---- commit failed ---> STAGED_KEPT
 *
 * store_staged_free() removes the file of a STAGED_FREE one only.  After a
 * commit that failed the row may yet come back from the log when the store
 * opens again, so the file stays, for the sweep to judge.
 */
enum staged_state { STAGED_FREE, STAGED_PUT, STAGED_KEPT };

struct store_staged {
	struct store *store;
	struct dom_slice data; /* of a small one, borrowed */
	uint64_t size;
	uint8_t sha256[DOM_SHA256_SIZE];
	bool in_file;
	struct blob_name file;
	struct blob_writer *writer; /* both until its end: */
	struct dom_sha256 *sha;
	enum staged_state state; /* the writer's while a job runs, else the owner's */
	struct store_staged *next_put;
};

struct group_entry {
	struct store_job *job;
	enum dom_status status;
	struct store_staged *puts;
};

/* Jobs that share a transaction; the writer's alone. */
struct group {
	struct group_entry entries[GROUP_JOBS_MAX];
	size_t count;
	uint64_t bytes, move_states;
	bool begun;
	bool has_jobs;        /* in the transaction */
	enum dom_status lost; /* below zero: the whole transaction is gone */
};

struct store {
	int folder;
	int lock; /* the lock file, held while the store is open */
	size_t chunk_row_size_max;
	unsigned due_batch_max; /* DUE_BATCH_MAX, but for tests */
	bool manual;
	struct blobs *blobs;
	char *database;                   /* path */
	const struct dom_region_key *key; /* NULL only while a backup is restored */
	struct dom_random random;
	struct dom_clock clock;

	struct sql_connection writer;
	struct group group;
	struct settling *settling; /* who waits for writer_settle(); the writer's alone */
	int log_pages;             /* in the write-ahead log after the last commit */

	/* Guards the queue; a leaf: nothing else is locked under it. */
	pthread_mutex_t queue_lock;
	pthread_cond_t queue_filled;
	struct store_job *queue_first, **queue_last;
	size_t queue_count;
	bool stopping;
	bool thread_started;
	pthread_t thread;

	/* See struct store_figures. */
	struct {
		atomic_uint_least64_t jobs, commit_us;
		atomic_uint_least64_t commits_within[STORE_COMMIT_BUCKETS];
		atomic_uint_least64_t groups_within[STORE_GROUP_BUCKETS];
	} done;

	/* Guards spare connections of readers; a leaf. */
	pthread_mutex_t spare_lock;
	struct sql_connection *spare;
	unsigned spare_count;

	/* Held by whoever settles; taken before all others. */
	pthread_mutex_t settle_lock;

	/* Guards seen; a leaf. */
	pthread_mutex_t seen_lock;
	struct seen *seen;

	/*
	 * Commits that have put a move into a state, and for each state which of these was the
	 * last.  Counted after the commit, so whoever counts before a snapshot misses none.
	 */
	atomic_uint_least64_t move_changes, move_changed[MOVE_STATES];

	atomic_uint readers;
	atomic_bool failed;
	char failure[FAILURE_TEXT_SIZE]; /* written before failed is set */
};

/* connection.c */
struct store_reader *store_reader_of(struct store_txn *txn); /* one that reads */
DOM_MUST_CHECK enum dom_status store_connect(
    struct store *store, bool writes, struct sql_connection *connection);
/* Once nobody opens readers any more. */
void store_spares_close(struct store *store);
/* migrate.c; message as for store_open() */
DOM_MUST_CHECK enum dom_status store_migrate(
    struct store *store, const char *region, char *message_r, size_t message_size);

/* figures.c */
void figures_note_group(struct store *store, size_t jobs, int64_t commit_us);

/* writer.c */
void *writer_main(void *store);
/* Checkpoint if the log is long, or in any case. */
void writer_checkpoint(struct store *store, bool at_close);
/* settle.c: after a group, if one of its jobs asked for it. */
void writer_settle(struct store *store);
/* Refuse writes from now on if the connection's failure, or the blobs', demands it. */
void store_note_failure(struct store *store);

/* chunk.c: the job has run, or asks for the owner's row. */
DOM_MUST_CHECK enum dom_status chunk_settle(struct store_txn *txn);

/* verify.c: are these the bytes that have this digest?  DOM_EINTEGRITY: no.  Any thread. */
DOM_MUST_CHECK enum dom_status store_verify(
    struct store *store, struct dom_slice data, const uint8_t sha256[DOM_SHA256_SIZE]);
/* Without it everything is verified the slow way. */
void store_seen_open(struct store *store);
void store_seen_close(struct store *store);

/*
 * fence.c: a write found no account that is at home.  DOM_EFENCED: it is here in
 * another state, which store_txn_fenced() will tell; DOM_ABSENT: it is not here.
 */
enum dom_status fence_refuse(struct store_txn *txn, int64_t account);

/* row.c: rows that several files get */
struct dom_slice row_pack_chunks(struct sql_connection *connection,
    const struct dom_slice *chunks, size_t count, enum dom_status *status_r);
enum dom_status row_unpack_chunks(struct dom_slice packed, struct dom_arena *arena,
    struct dom_slice **chunks_r, size_t *count_r);
void row_get_revision(
    struct sql_call *call, struct dom_arena *arena, struct store_revision *revision_r);
void row_put_revision(
    struct sql_call *call, const struct store_revision *revision, struct dom_slice packed);
void row_get_account(
    struct sql_call *call, struct dom_arena *arena, struct store_account *account_r);
void row_get_collection(
    struct sql_call *call, struct dom_arena *arena, struct store_collection *collection_r);
void row_get_member(
    struct sql_call *call, struct dom_arena *arena, struct store_member *member_r);

#endif
