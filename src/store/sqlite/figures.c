/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Figures for the operator.  store_count() walks whole indexes: not for a request's way. */
#include <sys/statvfs.h>

#include "store/sqlite/engine.h"

enum dom_status
store_count(struct store_txn *txn, struct store_counts *counts_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_COUNT);
	enum dom_status st;

	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st < 0 ? st : DOM_ESTORE;
	}
	counts_r->accounts = sql_get_clock(&call);
	counts_r->collections = sql_get_clock(&call);
	counts_r->items = sql_get_clock(&call);
	counts_r->revisions = sql_get_clock(&call);
	counts_r->chunks = sql_get_clock(&call);
	counts_r->chunk_bytes = sql_get_clock(&call);
	return sql_end(&call);
}

const unsigned store_commit_bounds_us[STORE_COMMIT_BUCKETS - 1] = {
    200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 500000, 2000000};

void
figures_note_group(struct store *store, size_t jobs, int64_t commit_us)
{
	unsigned time = 0, size = 0;

	while (time < STORE_COMMIT_BUCKETS - 1 && commit_us > store_commit_bounds_us[time])
		time++;
	while (size < STORE_GROUP_BUCKETS - 1 && jobs > (size_t)1 << size)
		size++;
	atomic_fetch_add(&store->done.jobs, jobs);
	atomic_fetch_add(&store->done.commit_us, (uint64_t)commit_us);
	atomic_fetch_add(&store->done.commits_within[time], 1);
	atomic_fetch_add(&store->done.groups_within[size], 1);
}
_Static_assert(GROUP_JOBS_MAX <= 1 << (STORE_GROUP_BUCKETS - 1), "every group has its bucket");

void
store_figures(struct store *store, struct store_figures *figures_r)
{
	*figures_r = (struct store_figures){.jobs = atomic_load(&store->done.jobs),
	    .commit_us = atomic_load(&store->done.commit_us),
	    .failed = store_failed(store)};
	for (unsigned i = 0; i < STORE_COMMIT_BUCKETS; i++)
		figures_r->commits_within[i] = atomic_load(&store->done.commits_within[i]);
	for (unsigned i = 0; i < STORE_GROUP_BUCKETS; i++)
		figures_r->groups_within[i] = atomic_load(&store->done.groups_within[i]);
	pthread_mutex_lock(&store->queue_lock);
	figures_r->queued = store->queue_count;
	pthread_mutex_unlock(&store->queue_lock);
}

enum dom_status
store_free_bytes(const struct store *store, uint64_t *bytes_r)
{
	struct statvfs info;

	if (fstatvfs(store->folder, &info) != 0)
		return DOM_ABSENT;
	*bytes_r = (uint64_t)info.f_bavail * info.f_frsize;
	return DOM_OK;
}
