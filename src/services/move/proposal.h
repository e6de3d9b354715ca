/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_PROPOSAL_H
#define SERVICES_MOVE_PROPOSAL_H

#include "services/call.h"
#include "store/proposal.h"

/*
 * An operator asks people to let their accounts move; nobody's moves without an
 * order of its own.  Who agrees signs the order at once, and it waits for its
 * turn in the plan; who refuses is not asked again, and stays.
 */

/* Operations. */
DOM_MUST_CHECK enum dom_status proposal_show(struct service_call *call);
DOM_MUST_CHECK enum dom_status proposal_answer(struct service_call *call);

/*
 * An order was taken: this is its move, not written yet.  If it answers a
 * proposal, the move is due once the plan releases it.
 */
DOM_MUST_CHECK enum dom_status proposal_take_order(
    struct service_call *call, struct store_move *move, struct dom_slice target);
/* The order was cancelled: who had agreed has refused. */
DOM_MUST_CHECK enum dom_status proposal_take_cancel(
    struct service_call *call, const struct store_move *move);

/* --- the operator's, in a job ---------------------------------------------------------- */

/* DOM_CONFLICT: the account has a proposal, or a move under way; DOM_ABSENT: it is not home. */
DOM_MUST_CHECK enum dom_status proposal_tell(
    struct store_txn *txn, struct dom_arena *arena, const struct store_proposal *proposal);
/* Let the move of one that has AGREED begin.  DOM_ABSENT: it is over already. */
DOM_MUST_CHECK enum dom_status proposal_release(const struct service *service,
    struct store_txn *txn, struct dom_arena *arena, struct store_proposal *proposal);

#endif
