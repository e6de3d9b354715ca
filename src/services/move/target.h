/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_TARGET_H
#define SERVICES_MOVE_TARGET_H

#include "services/move/parts.h"

/*
 * What happens to a move at its target, whoever brings it: a request or the mover.
 * All of it in a job; `move` is the row as it is in that job, and is written.
 */

/*
 * The hand-off that gives the account to this region: it is at home here, and the activation
 * is signed.  Again, it changes nothing.
 *
 *   DOM_OK
 *   DOM_EINTEGRITY  it is not the one of what was promised here; *why_r is a sentence
 */
DOM_MUST_CHECK enum dom_status move_target_take(const struct service *service,
    struct store_txn *txn, struct store_move *move, const struct wire_signed_move *handoff,
    struct dom_arena *arena, const char **why_r);

/*
 * The source has signed that the attempt is over: it is copied on.  DOM_EINTEGRITY as above:
 * what was promised stays so.
 */
DOM_MUST_CHECK enum dom_status move_target_abort(const struct service *service,
    struct store_txn *txn, struct store_move *move, const struct wire_signed_move *abort,
    struct dom_arena *arena, const char **why_r);

/*
 * What was copied goes; nothing of it was promised.  The move stays open until all of it has
 * gone and the source has been told.  why: for whoever asks.
 */
DOM_MUST_CHECK enum dom_status move_target_drop(const struct service *service,
    struct store_txn *txn, struct store_move *move, struct dom_arena *arena, const char *why);

#endif
