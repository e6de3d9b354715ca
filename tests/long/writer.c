/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Writers: each keeps some requests on their way, of any user to any
 * collection, right and stale ones, and sends some again.  What the reply must
 * be is decided where the request runs: there the model is exact.
 */
#include <stdlib.h>
#include <unistd.h>

#include "rules.h"

struct change {
	unsigned item;
	uint64_t revision;
	uint64_t etag; /* that a transaction names; 0: none */
};

struct job {
	struct store_job store;
	struct world *world;
	struct place *place;
	unsigned user;
	enum service_op op;
	bool has_stoken, has_dep, was_stored;
	uint64_t stoken; /* the owner's number in it */
	struct change dep;
	struct change changes[BATCH_MAX];
	unsigned count;
	/* The request as bytes. */
	char stoken_text[WIRE_STOKEN_SIZE(1) + 1];
	struct dom_buffer body;
	struct dom_arena *arena;
	struct service_reply reply;
	/* The outcome, once it is no longer on its way. */
	uint64_t clock;
	sem_t *landed;
	atomic_bool is_under_way;
};

/* --- on the store's thread --------------------------------------------------------- */

static enum service_code
expected_locked(const struct job *job)
{
	const struct place *place = job->place;
	const uint64_t now = UINT64_MAX;

	if (place->members[job->user].access_level == WIRE_ACCESS_READ_ONLY)
		return SERVICE_NO_WRITE_ACCESS;
	if (job->has_stoken && job->stoken != model_place_clock_locked(place, now))
		return SERVICE_STALE_STOKEN;
	if (job->has_dep && (job->dep.etag == 0 ||
	                        job->dep.etag != model_etag_locked(place, job->dep.item, now)))
		return SERVICE_DEP_FAILED;
	/* Sent again: whatever came in between, it is done. */
	if (job->was_stored || job->op == SERVICE_ITEM_BATCH)
		return SERVICE_DONE;
	for (unsigned i = 0; i < job->count; i++) {
		if (job->changes[i].etag != model_etag_locked(place, job->changes[i].item, now))
			return SERVICE_ITEM_FAILED;
	}
	return SERVICE_DONE;
}

static uint64_t
position(const char *text, const uint8_t id[STORE_ID_SIZE])
{
	struct wire_stoken stoken;

	RULE(wire_stoken_decode(dom_slice_of(text), &stoken) == DOM_OK && stoken.count == 1,
	    "\"%s\" is no position", text);
	return wire_stoken_get(&stoken, id);
}

/* Numbers of an owner have no gap and no overlap, in the order in which requests ran. */
static void
note_locked(struct job *job, struct user *owner)
{
	uint64_t before = position(job->reply.position_before, owner->id),
	         after = position(job->reply.position_after, owner->id),
	         expected = job->was_stored ? 0 : job->count;

	RULE(before == owner->clock && after == before + expected,
	    "numbers %llu to %llu after %llu, of %llu", (unsigned long long)before,
	    (unsigned long long)after, (unsigned long long)owner->clock,
	    (unsigned long long)expected);
	for (unsigned i = 0; i < expected; i++)
		model_note_locked(
		    job->place, job->changes[i].item, job->changes[i].revision, before + 1 + i);
	if (expected != 0)
		model_end_locked(owner, after);
	job->clock = after;
}

static enum dom_status
job_run(struct store_txn *txn, struct store_job *store_job)
{
	struct job *job = (struct job *)store_job;
	struct world *world = job->world;
	struct user *owner = &world->users[job->place->owner];
	struct service_request request = request_of(&world->users[job->user], job->op);
	enum service_code expected;
	enum dom_status st;

	request.collection_uid = dom_slice_of(job->place->uid);
	if (job->has_stoken)
		request.stoken = dom_slice_of(job->stoken_text);
	request.body = dom_buffer_slice(&job->body);
	st = service_run(&world->service, txn, &request, NULL, job->arena, &job->reply);
	RULE(st == DOM_OK || st == DOM_EDENIED, "%s", dom_status_text(st));
	/* Before the commit, so that the notes are never behind a snapshot. */
	pthread_mutex_lock(&owner->lock);
	expected = expected_locked(job);
	RULE(job->reply.code == expected, "answer %d instead of %d: %s", (int)job->reply.code,
	    (int)expected, job->reply.detail == NULL ? "done" : job->reply.detail);
	if (st == DOM_OK)
		note_locked(job, owner);
	pthread_mutex_unlock(&owner->lock);
	return st;
}

static void
count_outcome(struct job *job)
{
	struct world *world = job->world;

	switch (job->reply.code) {
	case SERVICE_DONE:
		atomic_fetch_add(
		    job->was_stored ? &world->retried : &world->written, job->count);
		break;
	case SERVICE_STALE_STOKEN:
		atomic_fetch_add(&world->refused_stale, 1);
		break;
	case SERVICE_ITEM_FAILED:
		atomic_fetch_add(&world->refused_etag, 1);
		break;
	case SERVICE_DEP_FAILED:
		atomic_fetch_add(&world->refused_dep, 1);
		break;
	default:
		atomic_fetch_add(&world->refused_role, 1);
	}
}

static void
job_done(struct store_job *store_job, enum dom_status status)
{
	struct job *job = (struct job *)store_job;
	struct user *owner = &job->world->users[job->place->owner];

	RULE(status == (job->reply.code == SERVICE_DONE ? DOM_OK : DOM_EDENIED),
	    "the commit: %s", dom_status_text(status));
	count_outcome(job);
	if (status == DOM_OK) {
		RULE(atomic_load(&owner->acknowledged) <= job->clock,
		    "acknowledged out of order");
		atomic_store(&owner->acknowledged, job->clock);
		job->was_stored = true;
	}
	atomic_store(&job->is_under_way, false);
	sem_post(job->landed);
}

/* --- on the writer's thread ----------------------------------------------------------- */

static void
choose_changes_locked(struct job *job, uint64_t *state)
{
	uint64_t now = UINT64_MAX;
	unsigned first = (unsigned)dice(state, ITEMS);

	job->count = 1 + (unsigned)dice(state, dice(state, 4) == 0 ? BATCH_MAX : 2);
	for (unsigned i = 0; i < job->count; i++) {
		struct change *change = &job->changes[i];

		*change = (struct change){.item = (first + i * 5) % ITEMS,
		    .revision = atomic_fetch_add(&job->world->revision, 1) + 1};
		change->etag = model_etag_locked(job->place, change->item, now);
	}
	job->has_stoken = dice(state, 3) == 0;
	job->stoken = model_place_clock_locked(job->place, now);
	/* Older ones, and those that other collections of the owner have brought further. */
	if (dice(state, 6) == 0)
		job->stoken = dice(state, 2) == 0 ? job->stoken - 1 : job->stoken + 1;
	job->has_dep = dice(state, 6) == 0;
	job->dep = (struct change){.item = (unsigned)dice(state, ITEMS)};
	job->dep.etag = model_etag_locked(job->place, job->dep.item, now);
	/* An item that is not there cannot be stood upon: name a revision that is none. */
	if (job->dep.etag == 0)
		job->dep.revision = atomic_fetch_add(&job->world->revision, 1) + 1;
}

static void
encode(struct job *job, const uint8_t owner_id[STORE_ID_SIZE])
{
	char uids[BATCH_MAX + 1][UID_SIZE], revisions[BATCH_MAX][UID_SIZE],
	    etags[BATCH_MAX + 1][UID_SIZE];
	struct wire_item items[BATCH_MAX];
	struct wire_dep dep;
	struct wire_stoken stoken = {.count = 0};

	for (unsigned i = 0; i < job->count; i++) {
		const struct change *change = &job->changes[i];

		item_uid(job->place, change->item, uids[i]);
		revision_uid(change->revision, revisions[i]);
		revision_uid(change->etag, etags[i]);
		items[i] = (struct wire_item){.uid = dom_slice_of(uids[i]),
		    .version = 1,
		    .content = {.uid = dom_slice_of(revisions[i]),
		        .meta = dom_slice_of("some bytes that look like nothing at all"),
		        .deleted = is_deletion(change->revision)}};
		if (change->etag != 0)
			items[i].etag = dom_slice_of(etags[i]);
	}
	item_uid(job->place, job->dep.item, uids[BATCH_MAX]);
	revision_uid(job->dep.etag != 0 ? job->dep.etag : job->dep.revision, etags[BATCH_MAX]);
	dep.uid = dom_slice_of(uids[BATCH_MAX]);
	dep.etag = dom_slice_of(etags[BATCH_MAX]);
	dom_buffer_clear(&job->body);
	wire_batch_encode(&job->body, &(struct wire_batch){.items = items,
	                                  .item_count = job->count,
	                                  .deps = &dep,
	                                  .dep_count = job->has_dep});
	RULE(dom_buffer_finish(&job->body) == DOM_OK, "no memory");
	RULE(wire_stoken_set(&stoken, owner_id, job->stoken) == DOM_OK &&
	         wire_stoken_encode(&stoken, job->stoken_text) == DOM_OK,
	    "a token");
}

static void
send(struct job *job, uint64_t *state)
{
	struct world *world = job->world;
	struct user *owner;
	enum dom_status st;

	dom_arena_reset(job->arena);
	service_reply_free(&job->reply);
	/* One in eight that was stored is sent again, as a phone does that lost the reply. */
	if (!job->was_stored || dice(state, 8) != 0) {
		do {
			job->place = &world->places[dice(state, PLACES)];
			job->user = (unsigned)dice(state, USERS);
		} while (
		    !job->place->members[job->user].is_in ||
		    (job->place->members[job->user].access_level == WIRE_ACCESS_READ_ONLY &&
		        dice(state, 10) != 0));
		owner = &world->users[job->place->owner];
		job->was_stored = false;
		job->op = dice(state, 2) == 0 ? SERVICE_ITEM_BATCH : SERVICE_ITEM_TRANSACTION;
		pthread_mutex_lock(&owner->lock);
		choose_changes_locked(job, state);
		pthread_mutex_unlock(&owner->lock);
		encode(job, owner->id);
	}
	atomic_store(&job->is_under_way, true);
	st = store_submit(world->store, &job->store);
	RULE(st == DOM_OK, "submitted: %s", dom_status_text(st));
}

void *
writer_run(void *context)
{
	struct writer *writer = context;
	struct job *jobs = calloc(writer->jobs, sizeof(*jobs));
	sem_t landed;

	RULE(jobs != NULL && sem_init(&landed, 0, writer->jobs) == 0, "no memory");
	for (unsigned i = 0; i < writer->jobs; i++) {
		jobs[i].store = (struct store_job){.run = job_run, .done = job_done};
		jobs[i].world = writer->world;
		jobs[i].landed = &landed;
		RULE((jobs[i].arena = dom_arena_new(0)) != NULL, "no memory");
	}
	while (atomic_fetch_sub(&writer->world->steps, 1) > 0) {
		unsigned i = 0;

		while (sem_wait(&landed) != 0)
			;
		while (atomic_load(&jobs[i].is_under_way))
			i = (i + 1) % writer->jobs;
		send(&jobs[i], &writer->state);
		if (writer->world->pause_us != 0)
			usleep((useconds_t)dice(&writer->state, writer->world->pause_us));
	}
	for (unsigned i = 0; i < writer->jobs; i++) {
		while (sem_wait(&landed) != 0)
			;
	}
	for (unsigned i = 0; i < writer->jobs; i++) {
		service_reply_free(&jobs[i].reply);
		dom_buffer_free(&jobs[i].body);
		dom_arena_free(&jobs[i].arena);
	}
	sem_destroy(&landed);
	free(jobs);
	return NULL;
}
