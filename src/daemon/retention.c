/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The rules and figures of retention, for the server's threads. */
#include "daemon/retention.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/erasure/erasure.h"

struct retention_desk {
	struct retention_rules rules;
	/* The keeper's: */
	struct retention *retention;
	const struct service *service;
	struct dom_arena *arena;       /* of a step */
	bool is_settled;               /* what was removed has left the disk */
	struct retention_figures told; /* in the operator's log */

	struct service_changes changes; /* of the step under way */

	pthread_mutex_t mutex; /* guards what follows */
	struct retention_figures figures;
	void (*begun)(void *context, const struct service_changes *changes);
	void *begun_context;
};

/* The person has not asked, so the region signs that a rule said so. */
static enum dom_status
erase_account(void *context, struct store_txn *txn, int64_t account, struct dom_arena *arena)
{
	struct retention_desk *desk = context;
	struct erasure_ordered ordered;
	enum dom_status st =
	    erasure_order_account(desk->service, txn, account, arena, &ordered, &desk->changes);

	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
retention_desk_open(const struct configuration *configuration,
    const struct wire_catalogue *catalogue, struct retention_desk **desk_r, char *message_r,
    size_t message_size)
{
	const struct retention_origin origin = {.lines = configuration->retention,
	    .line_count = configuration->retention_count,
	    .catalogue = catalogue,
	    .session_life_ms = configuration->session_days * 24 * 3600 * 1000};
	struct retention_desk *desk = calloc(1, sizeof(*desk));
	enum dom_status st;

	*desk_r = NULL;
	if (desk == NULL) {
		snprintf(message_r, message_size, "no memory");
		return DOM_ENOMEM;
	}
	pthread_mutex_init(&desk->mutex, NULL);
	st = retention_rules_make(&origin, &desk->rules, message_r, message_size);
	desk->arena = dom_arena_new(0);
	desk->retention = retention_open(&(struct retention_options){
	    .rules = &desk->rules, .erase_account = erase_account, .context = desk});
	if (st == DOM_OK && (desk->arena == NULL || desk->retention == NULL)) {
		snprintf(message_r, message_size, "no memory");
		st = DOM_ENOMEM;
	}
	if (st != DOM_OK)
		retention_desk_close(&desk);
	*desk_r = desk;
	return st;
}

void
retention_desk_close(struct retention_desk **desk)
{
	if (*desk == NULL)
		return;
	retention_close(&(*desk)->retention);
	dom_arena_free(&(*desk)->arena);
	pthread_mutex_destroy(&(*desk)->mutex);
	free(*desk);
	*desk = NULL;
}

const struct retention_rules *
retention_desk_rules(const struct retention_desk *desk)
{
	return &desk->rules;
}

void
retention_desk_figures(struct retention_desk *desk, struct retention_figures *figures_r)
{
	pthread_mutex_lock(&desk->mutex);
	*figures_r = desk->figures;
	pthread_mutex_unlock(&desk->mutex);
}

size_t
retention_desk_conflicts(const struct retention_desk *desk,
    void (*say)(void *context, const char *sentence), void *context)
{
	struct retention_conflict conflict;
	char text[RETENTION_TEXT_SIZE];
	size_t count = 0;

	while (retention_conflict(&desk->rules, count, &conflict)) {
		retention_conflict_text(&conflict, text);
		say(context, text);
		count++;
	}
	return count;
}

/* --- the keeper's thread ----------------------------------------------------------- */

struct step_job {
	struct retention_step *step;
	struct dom_arena *arena;
};

static enum dom_status
run_step(struct store_txn *txn, void *context)
{
	struct step_job *job = context;

	return retention_run(job->step, txn, job->arena);
}

void
retention_desk_announce(struct retention_desk *desk,
    void (*begun)(void *context, const struct service_changes *changes), void *context)
{
	pthread_mutex_lock(&desk->mutex);
	desk->begun = begun;
	desk->begun_context = context;
	pthread_mutex_unlock(&desk->mutex);
}

/* What a sweep has removed, in one line, with nothing about anybody. */
static void
tell(struct retention_desk *desk)
{
	const struct retention_figures *now = retention_figures(desk->retention);
	struct dom_buffer line = {0};

	if (now->sweeps == desk->told.sweeps)
		return;
	for (unsigned i = 0; i < RETENTION_WHAT_COUNT; i++) {
		uint64_t removed = now->removed[i] - desk->told.removed[i];

		if (removed != 0)
			dom_buffer_print(&line, "%s%s %" PRIu64, line.size == 0 ? "" : ", ",
			    retention_what_name((enum retention_what)i), removed);
	}
	if (line.size != 0 && dom_buffer_finish(&line) == DOM_OK)
		fprintf(stderr, "domiciled: retention: removed %.*s (%" PRIu64 " bytes)\n",
		    (int)line.size, (const char *)line.data, now->bytes - desk->told.bytes);
	dom_buffer_free(&line);
	if (now->notices != desk->told.notices)
		fprintf(stderr,
		    "domiciled: retention: accounts will be erased for lack of use; write to "
		    "their owners, see domicilectl retention notices\n");
	desk->told = *now;
}

/*
 * At the end of a sweep, and of what one before a restart has left.  A backup's
 * snapshot may hold it up: it is asked again the next time.
 */
static enum dom_status
settle(struct retention_desk *desk)
{
	enum dom_status st = DOM_OK;

	if (!desk->is_settled)
		st = store_settle(desk->service->store);
	desk->is_settled = st == DOM_OK;
	return st < 0 ? st : DOM_ABSENT;
}

enum dom_status
retention_desk_step(
    struct retention_desk *desk, const struct service *service, struct store_reader *reader)
{
	struct step_job job = {.arena = desk->arena};
	struct store_txn *snapshot;
	enum dom_status st;

	desk->service = service;
	desk->changes = (struct service_changes){0};
	dom_arena_reset(desk->arena);
	if ((st = store_read_begin(reader, &snapshot)) != DOM_OK)
		return st;
	st = retention_plan(desk->retention, snapshot, desk->arena, &job.step);
	store_read_end(&snapshot);
	if (st == DOM_OK) {
		st = store_write(service->store, run_step, &job);
		retention_ran(desk->retention, job.step, st);
		desk->is_settled = false;
	}
	/* In the log before it is in the figures, so that these can be looked up there. */
	if (st == DOM_ABSENT && job.step == NULL)
		tell(desk);
	pthread_mutex_lock(&desk->mutex);
	if (st == DOM_OK && desk->begun != NULL &&
	    (desk->changes.count != 0 || desk->changes.overflowed))
		desk->begun(desk->begun_context, &desk->changes);
	desk->figures = *retention_figures(desk->retention);
	pthread_mutex_unlock(&desk->mutex);
	/* What a step answers above zero is about the step: there may be others. */
	if (st == DOM_ABSENT && job.step == NULL)
		return settle(desk);
	return st > 0 ? DOM_OK : st;
}
