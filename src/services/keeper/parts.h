/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_KEEPER_PARTS_H
#define SERVICES_KEEPER_PARTS_H

#include "services/keeper/keeper.h"
#include "store/erase.h"

/* What keeper.c (which step) and the steps share; nobody else includes this. */
struct keeper {
	struct keeper_options options;
	struct store_reader *reader;
	struct dom_arena *arena; /* of the step */
	unsigned settle_waits;   /* steps until it tries again */
};

/* The steps; the row is as it was looked at, before this step. */
DOM_MUST_CHECK enum dom_status keeper_note(
    struct keeper *keeper, const struct store_erasure *row);
DOM_MUST_CHECK enum dom_status keeper_root(
    struct keeper *keeper, const struct store_erasure *row);
/* DOM_CONFLICT: another erasure must come to its end before. */
DOM_MUST_CHECK enum dom_status keeper_remove(
    struct keeper *keeper, const struct store_erasure *row);
/* All that are SETTLING.  DOM_CONFLICT: a snapshot holds the log. */
DOM_MUST_CHECK enum dom_status keeper_settle(
    struct keeper *keeper, const struct store_erasure *rows, size_t count);

#endif
