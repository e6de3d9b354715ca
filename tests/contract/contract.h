/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_CONTRACT_CONTRACT_H
#define TESTS_CONTRACT_CONTRACT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "store/store.h"

/*
 * The contract of store/store.h as cases that every kind of store must pass.
 * A case gets a world: an empty store in a folder of its own.
 */
struct contract_row {
	const char *name;
	bool manual;
	size_t chunk_row_size_max;
	bool in_memory;   /* the folder, if the machine has one there: for many commits */
	const char *root; /* where the folder is made; NULL: /tmp */
};

enum { WORLD_BEGAN_MS = 1000 }; /* T of a new world */

/*
 * A write that the test's thread performs step by step, while the writer is
 * inside the job and waits.
 */
struct held_job {
	struct store_job job;
	sem_t entered, leave, finished;
	struct store_txn *txn;
	enum dom_status answer, outcome;
	bool open, has_pump;
	pthread_t pump; /* runs a manual store's writer */
};

struct world {
	const struct contract_row *row;
	char folder[64];
	struct store *store;
	struct store_reader *reader;
	struct store_txn *reading;
	struct held_job held;
	struct dom_arena *arena;
};

/* What world_set_up() makes. */
extern const struct contract_row *world_row;

int world_set_up(void **state);
int world_tear_down(void **state);

void world_open(struct world *world);
void world_close(struct world *world);
/* Close, open: what is there then came from the disk. */
void world_reopen(struct world *world);

struct store_txn *write_begin(struct world *world);
/* What done() was told after run() answered this. */
enum dom_status write_end(struct world *world, enum dom_status answer);
/* write_end() that must commit. */
void write_commit(struct world *world);

struct store_txn *read_begin(struct world *world);
void read_end(struct world *world);

#define assert_status(got, expected) assert_int_equal((got), (expected))
#define assert_slice(slice, text)                                                              \
	do {                                                                                   \
		struct dom_slice got_ = (slice);                                               \
		assert_non_null(got_.data);                                                    \
		assert_int_equal(got_.size, strlen(text));                                     \
		assert_memory_equal(got_.data, (text), got_.size);                             \
	} while (0)

/* Rows to begin with; the id's bytes are all tag. */
struct store_account sample_account(const char *name, uint8_t tag);
int64_t add_account(struct store_txn *txn, const char *name, uint8_t tag);
int64_t add_collection(struct store_txn *txn, const char *uid, int64_t owner);
/* A new item with its first revision. */
enum dom_status put_item(struct store_txn *txn, int64_t collection, const char *uid,
    const char *etag, uint64_t clock);
/* A new revision of an item that is there. */
enum dom_status put_revision(struct store_txn *txn, int64_t collection, int64_t number,
    const char *etag, uint64_t clock);

/* Number of files below folder/chunks. */
unsigned count_files(const struct world *world);
/* One file of those; the path is cut to size. */
void find_file(const struct world *world, char *path_r, size_t size);

extern const struct CMUnitTest open_cases[], txn_cases[], account_cases[], collection_cases[],
    share_cases[], item_cases[], chunk_cases[], statement_cases[], erase_cases[], due_cases[],
    invite_cases[], scan_cases[], move_cases[], proposal_cases[];
extern const size_t open_case_count, txn_case_count, account_case_count, collection_case_count,
    share_case_count, item_case_count, chunk_case_count, statement_case_count, erase_case_count,
    due_case_count, invite_case_count, scan_case_count, move_case_count, proposal_case_count;

/* Every case on each kind of store; how many groups of them failed. */
int contract_run(const struct contract_row *rows, size_t count);

#define CONTRACT_CASE(function)                                                                \
	{                                                                                      \
		.name = #function, .test_func = function, .setup_func = world_set_up,          \
		.teardown_func = world_tear_down                                               \
	}

#endif
