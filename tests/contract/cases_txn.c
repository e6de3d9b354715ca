/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Transactions: snapshots, groups, savepoints, limits, memory. */
#include <stdlib.h>
#include <unistd.h>

#include "contract.h"

static void
a_reader_sees_all_of_a_job_or_nothing(void **state)
{
	struct world *world = *state;
	struct store_account found;
	struct store_counts counts;
	struct store_txn *writing, *reading;

	reading = read_begin(world);
	writing = write_begin(world);
	add_account(writing, "ana", 1);
	add_account(writing, "bo", 2);
	assert_status(store_count(reading, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 0);
	assert_status(
	    store_account_by_name(writing, dom_slice_of("ana"), world->arena, &found), DOM_OK);
	write_commit(world);
	/* Begun before the job, so it stays before it. */
	assert_status(store_count(reading, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 0);
	assert_status(store_account_by_name(reading, dom_slice_of("ana"), world->arena, &found),
	    DOM_ABSENT);
	read_end(world);
	reading = read_begin(world);
	assert_status(store_count(reading, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 2);
}

static void
a_snapshot_is_taken_when_the_transaction_begins(void **state)
{
	struct world *world = *state;
	struct store_counts counts;
	struct store_txn *reading = read_begin(world);

	add_account(write_begin(world), "ana", 1);
	write_commit(world);
	assert_status(store_count(reading, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 0);
}

/* Whoever opens one may get what another has closed, and must not see what that one saw. */
static void
a_reader_that_is_opened_again_sees_the_present(void **state)
{
	struct world *world = *state;
	struct store_reader *readers[8];
	struct store_counts counts;
	struct store_txn *txn;

	for (unsigned round = 1; round <= 4; round++) {
		char name[8];

		snprintf(name, sizeof(name), "p%u", round);
		add_account(write_begin(world), name, (uint8_t)round);
		assert_status(write_end(world, DOM_OK), DOM_OK);
		for (unsigned i = 0; i < 8; i++) {
			assert_status(store_reader_open(world->store, &readers[i]), DOM_OK);
			assert_status(store_read_begin(readers[i], &txn), DOM_OK);
			assert_status(store_count(txn, &counts), DOM_OK);
			assert_int_equal(counts.accounts, round);
			store_read_end(&txn);
			for (unsigned j = 0; j < i; j++)
				assert_ptr_not_equal(readers[i], readers[j]);
		}
		for (unsigned i = 0; i < 8; i++)
			store_reader_close(&readers[i]);
	}
	world_reopen(world); /* which asserts that nobody reads any more */
	assert_status(store_reader_open(world->store, &readers[0]), DOM_OK);
	assert_status(store_read_begin(readers[0], &txn), DOM_OK);
	assert_status(store_count(txn, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 4);
	store_read_end(&txn);
	store_reader_close(&readers[0]);
}

static void
readers_read_while_the_writer_writes(void **state)
{
	struct world *world = *state;
	struct store_reader *other;
	struct store_txn *one, *two;
	struct store_counts counts;

	add_account(write_begin(world), "ana", 1);
	write_commit(world);
	one = read_begin(world);
	add_account(write_begin(world), "bo", 2);
	write_commit(world);
	add_account(write_begin(world), "cem", 3);
	assert_status(store_reader_open(world->store, &other), DOM_OK);
	assert_status(store_read_begin(other, &two), DOM_OK);
	assert_status(store_count(one, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 1);
	assert_status(store_count(two, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 2);
	store_read_end(&two);
	assert_null(two);
	store_reader_close(&other);
	assert_null(other);
	store_reader_close(&other);
	write_commit(world);
}

static void
a_job_that_fails_leaves_nothing_and_one_that_answers_stays(void **state)
{
	struct world *world = *state;
	struct store_counts counts;

	add_account(write_begin(world), "ana", 1);
	assert_status(write_end(world, DOM_EINPUT), DOM_EINPUT);
	add_account(write_begin(world), "bo", 2);
	assert_status(write_end(world, DOM_CONFLICT), DOM_CONFLICT);
	world_reopen(world);
	assert_status(store_count(read_begin(world), &counts), DOM_OK);
	assert_int_equal(counts.accounts, 1);
}

/* --- groups ----------------------------------------------------------------- */

struct crowd_job {
	struct store_job job;
	struct crowd *crowd;
	uint8_t tag;
	enum dom_status answer, outcome;
	unsigned done_count, done_order;
};

struct crowd {
	unsigned ran, done;
	unsigned ran_order[64];
	sem_t all_done;
	unsigned job_count;
	struct crowd_job jobs[64];
};

static enum dom_status
crowd_run(struct store_txn *txn, struct store_job *job)
{
	struct crowd_job *member = (struct crowd_job *)job;
	char name[16];

	snprintf(name, sizeof(name), "p%u", member->tag);
	member->crowd->ran_order[member->crowd->ran++] = member->tag;
	add_account(txn, name, member->tag);
	return member->answer;
}

static void
crowd_done(struct store_job *job, enum dom_status status)
{
	struct crowd_job *member = (struct crowd_job *)job;

	member->outcome = status;
	member->done_count++;
	member->done_order = member->crowd->done++;
	if (member->crowd->done == member->crowd->job_count)
		sem_post(&member->crowd->all_done);
}

/* Queue count jobs behind one that holds the writer, then let all go. */
static void
crowd_go(struct world *world, struct crowd *crowd, unsigned count)
{
	crowd->job_count = count;
	sem_init(&crowd->all_done, 0, 0);
	write_begin(world);
	for (unsigned i = 0; i < count; i++) {
		struct crowd_job *member = &crowd->jobs[i];

		member->job = (struct store_job){.run = crowd_run, .done = crowd_done};
		member->crowd = crowd;
		member->tag = (uint8_t)(i + 1);
		assert_status(store_submit(world->store, &member->job), DOM_OK);
	}
	write_commit(world);
	if (world->row->manual)
		store_pump(world->store);
	sem_wait(&crowd->all_done);
	sem_destroy(&crowd->all_done);
}

static void
jobs_of_a_group_succeed_and_fail_each_for_itself(void **state)
{
	struct world *world = *state;
	struct crowd crowd = {0};
	struct store_account found;
	struct store_txn *txn;

	for (unsigned i = 0; i < 30; i++)
		crowd.jobs[i].answer = i % 3 == 1 ? DOM_EDENIED : DOM_OK;
	crowd_go(world, &crowd, 30);
	world_reopen(world);
	txn = read_begin(world);
	for (unsigned i = 0; i < 30; i++) {
		struct crowd_job *member = &crowd.jobs[i];
		uint8_t id[STORE_ID_SIZE];

		assert_int_equal(member->done_count, 1);
		assert_int_equal(member->done_order, i);
		assert_int_equal(crowd.ran_order[i], i + 1);
		assert_status(member->outcome, member->answer);
		memset(id, member->tag, sizeof(id));
		assert_status(store_account_by_id(txn, id, world->arena, &found),
		    i % 3 == 1 ? DOM_ABSENT : DOM_OK);
	}
}

struct full_queue_job {
	struct store_job job;
	sem_t *done;
};

static enum dom_status
run_nothing(struct store_txn *txn, struct store_job *job)
{
	(void)txn;
	(void)job;
	return DOM_OK;
}

static void
done_count(struct store_job *job, enum dom_status status)
{
	assert_status(status, DOM_OK);
	sem_post(((struct full_queue_job *)job)->done);
}

static void
a_queue_that_is_full_refuses_and_serves_what_it_took(void **state)
{
	struct world *world = *state;
	struct full_queue_job *jobs = calloc(STORE_JOBS_MAX + 1, sizeof(*jobs));
	sem_t done;

	assert_non_null(jobs);
	sem_init(&done, 0, 0);
	write_begin(world);
	for (unsigned i = 0; i <= STORE_JOBS_MAX; i++) {
		jobs[i].job = (struct store_job){.run = run_nothing, .done = done_count};
		jobs[i].done = &done;
		assert_status(store_submit(world->store, &jobs[i].job),
		    i < STORE_JOBS_MAX ? DOM_OK : DOM_ELIMIT);
	}
	write_commit(world);
	while (world->row->manual && store_pump(world->store) != 0)
		;
	for (unsigned i = 0; i < STORE_JOBS_MAX; i++)
		sem_wait(&done);
	assert_int_not_equal(sem_trywait(&done), 0);
	sem_destroy(&done);
	free(jobs);
}

static void
closing_serves_what_is_queued(void **state)
{
	struct world *world = *state;
	struct full_queue_job jobs[100];
	int value;
	sem_t done;

	sem_init(&done, 0, 0);
	for (unsigned i = 0; i < 100; i++) {
		jobs[i].job = (struct store_job){.run = run_nothing, .done = done_count};
		jobs[i].done = &done;
		assert_status(store_submit(world->store, &jobs[i].job), DOM_OK);
	}
	world_close(world);
	sem_getvalue(&done, &value);
	assert_int_equal(value, 100);
	sem_destroy(&done);
	world_open(world);
}

static enum dom_status
write_tick(struct store_txn *txn, void *context)
{
	uint64_t clock;

	return store_account_tick(txn, *(int64_t *)context, &clock);
}

static void
store_write_waits_for_the_disk(void **state)
{
	struct world *world = *state;
	struct store_account found;
	int64_t ana = add_account(write_begin(world), "ana", 1), nobody = 99;

	write_commit(world);
	for (unsigned i = 0; i < 5; i++)
		assert_status(store_write(world->store, write_tick, &ana), DOM_OK);
	assert_status(store_write(world->store, write_tick, &nobody), DOM_ABSENT);
	assert_status(
	    store_account_by_number(read_begin(world), ana, world->arena, &found), DOM_OK);
	assert_int_equal(found.clock, 5);
}

/* --- memory ----------------------------------------------------------------- */

/* Every look-up with every arena too small for it: no memory, and no harm. */
static enum dom_status
look_up(struct store_txn *txn, unsigned kind, int64_t ana, struct dom_arena *arena)
{
	union {
		struct store_account account;
		struct store_item item;
		struct store_collection collection;
	} found;
	struct store_collection collection = {.number = 1, .uid = dom_slice_of("c1")};
	struct store_item *items;
	struct store_session *sessions;
	struct store_account *owners;
	struct store_membership *memberships;
	struct dom_slice data;
	int64_t number;
	size_t count;

	switch (kind) {
	case 0:
		return store_account_by_number(txn, ana, arena, &found.account);
	case 1:
		return store_item_find(txn, 1, dom_slice_of("i1"), arena, &found.item);
	case 2:
		return store_item_scan(txn, &collection, 0, true, 99, arena, &items, &count);
	case 3:
		return store_session_list(txn, ana, arena, &sessions, &count);
	case 4:
		return store_membership_owners(txn, ana, arena, &owners, &count);
	case 5:
		return store_membership_scan(
		    txn, ana, ana, 0, NULL, 0, 9, arena, &memberships, &count);
	case 6:
		return store_chunk_get(txn, 1, dom_slice_of("k1"), arena, &data);
	case 7:
		return store_item_etag(txn, 1, dom_slice_of("i1"), arena, &number, &data);
	default:
		return store_collection_find(txn, dom_slice_of("c1"), arena, &found.collection);
	}
}

static void
fill_world(struct world *world, int64_t *ana_r)
{
	struct store_session session = {.expires_ms = 9};
	struct store_member member = {.clock = 1, .collection_key = dom_slice_of("key")};
	struct dom_slice chunks[] = {dom_slice_of("k1")};
	struct store_item item = {.uid = dom_slice_of("i1")};
	struct store_staged *staged;
	struct store_txn *txn;

	assert_status(
	    store_chunk_stage(world->store, session.id, dom_slice_of("data"), &staged), DOM_OK);
	txn = write_begin(world);
	session.account = *ana_r = add_account(txn, "ana", 1);
	assert_status(store_session_add(txn, &session), DOM_OK);
	member.account = session.account;
	member.collection = add_collection(txn, "c1", session.account);
	assert_int_equal(member.collection, 1);
	assert_status(store_member_add(txn, &member), DOM_OK);
	item.current = (struct store_revision){.uid = dom_slice_of("e1"),
	    .meta = dom_slice_of("meta"),
	    .clock = 2,
	    .chunks = chunks,
	    .chunk_count = 1};
	assert_status(store_item_put(txn, 1, &item), DOM_OK);
	assert_status(store_chunk_put(txn, 1, chunks[0], staged), DOM_OK);
	write_commit(world);
	store_staged_free(&staged);
}

static void
too_small_an_arena_is_no_memory_and_no_harm(void **state)
{
	struct world *world = *state;
	struct store_txn *txn;
	unsigned refused = 0;
	int64_t ana;

	fill_world(world, &ana);
	txn = read_begin(world);
	for (unsigned kind = 0; kind <= 8; kind++) {
		enum dom_status st = DOM_ENOMEM;

		for (size_t size = 16; st == DOM_ENOMEM; size += 16) {
			struct dom_arena *arena = dom_arena_new(size);

			assert_non_null(arena);
			st = look_up(txn, kind, ana, arena);
			refused += st == DOM_ENOMEM;
			dom_arena_free(&arena);
		}
		assert_status(st, DOM_OK);
	}
	assert_true(refused > 50);
	read_end(world);
	/* A job that ran out of memory while reading may still write. */
	txn = write_begin(world);
	{
		struct dom_arena *arena = dom_arena_new(16);

		assert_status(look_up(txn, 0, ana, arena), DOM_ENOMEM);
		dom_arena_free(&arena);
	}
	add_account(txn, "bo", 2);
	write_commit(world);
}

const struct CMUnitTest txn_cases[] = {
    CONTRACT_CASE(a_reader_sees_all_of_a_job_or_nothing),
    CONTRACT_CASE(a_snapshot_is_taken_when_the_transaction_begins),
    CONTRACT_CASE(a_reader_that_is_opened_again_sees_the_present),
    CONTRACT_CASE(readers_read_while_the_writer_writes),
    CONTRACT_CASE(a_job_that_fails_leaves_nothing_and_one_that_answers_stays),
    CONTRACT_CASE(jobs_of_a_group_succeed_and_fail_each_for_itself),
    CONTRACT_CASE(a_queue_that_is_full_refuses_and_serves_what_it_took),
    CONTRACT_CASE(closing_serves_what_is_queued),
    CONTRACT_CASE(store_write_waits_for_the_disk),
    CONTRACT_CASE(too_small_an_arena_is_no_memory_and_no_harm),
};
const size_t txn_case_count = sizeof(txn_cases) / sizeof(txn_cases[0]);
