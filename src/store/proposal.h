/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_PROPOSAL_H
#define STORE_PROPOSAL_H

#include "store/move.h"

/*
 * Proposals, a part of store/store.h: the operator of a region asks people to
 * let their accounts move, in phases; each says yes, with an order, or no.
 */

/* Never renumber: stored. */
enum store_proposal_state {
	STORE_PROPOSAL_ASKED = 0,
	STORE_PROPOSAL_REFUSED = 1,
	STORE_PROPOSAL_AGREED = 2,   /* the order waits for its turn */
	STORE_PROPOSAL_RELEASED = 3, /* the move is on its way, or over */
};

struct store_proposal {
	int64_t number;
	int64_t account;                /* 0: it was erased here */
	struct dom_slice phase, target; /* the plan's name for it; a region */
	int64_t told_ms, begins_ms;     /* wall clock */
	uint32_t grace_days;
	int state;
	uint8_t move[STORE_MOVE_ID_SIZE]; /* from AGREED on */
};

/* DOM_CONFLICT: the account has one. */
DOM_MUST_CHECK enum dom_status store_proposal_add(
    struct store_txn *txn, const struct store_proposal *proposal, int64_t *number_r);
DOM_MUST_CHECK enum dom_status store_proposal_of(struct store_txn *txn, int64_t account,
    struct dom_arena *arena, struct store_proposal *proposal_r);
/* Its state and move become these. */
DOM_MUST_CHECK enum dom_status store_proposal_update(
    struct store_txn *txn, const struct store_proposal *proposal);
/* With number > after, in order, at most limit. */
DOM_MUST_CHECK enum dom_status store_proposal_list(struct store_txn *txn, int64_t after,
    unsigned limit, struct dom_arena *arena, struct store_proposal **rows_r, size_t *count_r);
/* All that were not answered with yes; how many. */
DOM_MUST_CHECK enum dom_status store_proposal_withdraw(
    struct store_txn *txn, unsigned limit, uint64_t *removed_r);

#endif
