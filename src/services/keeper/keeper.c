/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which step is next.  All that is open is looked at, and the first that fits
 * is done: first the journal, since what is not in it could come back with a
 * backup, then what is ready for the disk's sync, so that nobody waits for
 * another's large erasure, then roots and rows in the order of the requests.
 */
#include "services/keeper/keeper.h"

#include <stdlib.h>

#include "services/keeper/parts.h"

enum {
	OPEN_MAX = 256, /* erasures that a step looks at */
	/* Steps between two tries to settle while a snapshot holds the log. */
	SETTLE_AGAIN_STEPS = 64,
};

enum dom_status
keeper_open(const struct keeper_options *options, struct keeper **keeper_r)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	enum dom_status st = DOM_ENOMEM;

	*keeper_r = NULL;
	if (keeper == NULL)
		return DOM_ENOMEM;
	keeper->options = *options;
	if ((keeper->arena = dom_arena_new(0)) != NULL &&
	    (st = store_reader_open(options->store, &keeper->reader)) == DOM_OK)
		*keeper_r = keeper;
	else
		keeper_close(&keeper);
	return st;
}

void
keeper_close(struct keeper **keeper)
{
	struct keeper *old = *keeper;

	if (old == NULL)
		return;
	*keeper = NULL;
	store_reader_close(&old->reader);
	dom_arena_free(&old->arena);
	free(old);
}

/* Open erasures by ascending number; they live in the arena. */
static enum dom_status
look(struct keeper *keeper, struct store_erasure **open_r, size_t *count_r)
{
	struct store_erasure *rows = dom_arena_array(keeper->arena, OPEN_MAX, sizeof(*rows));
	struct store_txn *txn = NULL;
	int64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	if (rows == NULL)
		return DOM_ENOMEM;
	st = store_read_begin(keeper->reader, &txn);
	while (st == DOM_OK && count < OPEN_MAX) {
		st = store_erasure_next(txn, after, keeper->arena, &rows[count]);
		if (st == DOM_OK)
			after = rows[count++].number;
	}
	store_read_end(&txn);
	*open_r = rows;
	*count_r = count;
	return st == DOM_ABSENT ? DOM_OK : st;
}

static const struct store_erasure *
first_in(const struct store_erasure *rows, size_t count, int state)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].state == state)
			return &rows[i];
	}
	return NULL;
}

/* DOM_CONFLICT: it waits for another one that is before it. */
static enum dom_status
work_on(struct keeper *keeper, const struct store_erasure *row)
{
	switch (row->state) {
	case STORE_ERASURE_NOTED:
		return keeper_root(keeper, row);
	case STORE_ERASURE_ERASING:
		return keeper_remove(keeper, row);
	default:
		return DOM_CONFLICT;
	}
}

/*
 * The first that can go on does.  One that fails, such as on damaged rows, is
 * tried again with every step, and holds up nobody else's; its failure is told
 * once the others have nothing to do.
 */
static enum dom_status
work_on_any(struct keeper *keeper, const struct store_erasure *rows, size_t count)
{
	enum dom_status failure = DOM_OK;

	for (size_t i = 0; i < count; i++) {
		enum dom_status st = work_on(keeper, &rows[i]);

		if (st == DOM_ESTOPPED || (st >= 0 && st != DOM_CONFLICT))
			return st;
		if (st < 0 && failure == DOM_OK)
			failure = st;
	}
	return failure < 0 ? failure : DOM_CONFLICT;
}

enum dom_status
keeper_step(struct keeper *keeper)
{
	struct store_erasure *open;
	const struct store_erasure *row;
	size_t count;
	bool settles;
	enum dom_status st;

	dom_arena_reset(keeper->arena);
	if ((st = look(keeper, &open, &count)) != DOM_OK)
		return st;
	if ((row = first_in(open, count, STORE_ERASURE_WAITING)) != NULL)
		return keeper_note(keeper, row);
	settles = first_in(open, count, STORE_ERASURE_SETTLING) != NULL;
	if (settles && keeper->settle_waits == 0) {
		st = keeper_settle(keeper, open, count);
		if (st != DOM_CONFLICT)
			return st;
		keeper->settle_waits = SETTLE_AGAIN_STEPS;
	}
	if (keeper->settle_waits != 0)
		keeper->settle_waits--;
	st = work_on_any(keeper, open, count);
	if (st != DOM_CONFLICT)
		return st;
	if (!settles)
		return DOM_ABSENT;
	keeper->settle_waits = 0;
	return DOM_CONFLICT;
}

enum dom_status
keeper_finish(struct keeper *keeper, unsigned conflicts_max)
{
	enum dom_status st;

	do {
		st = keeper_step(keeper);
		if (st == DOM_CONFLICT && conflicts_max-- == 0)
			return st;
	} while (st >= 0 && st != DOM_ABSENT);
	return st == DOM_ABSENT ? DOM_OK : st;
}
