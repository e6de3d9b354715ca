/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_ANSWERS_H
#define SERVICES_MOVE_ANSWERS_H

#include "services/move/mover.h"

/*
 * The work of MOVER_ANSWERS, at the source of moves; mover.c calls it, and what it says of its
 * functions holds for these:
 *
 *   once      every attempt that a restart has interrupted is aborted
 *   FROZEN    the freeze is signed at once, of a root that a book has kept warm; after
 *             MOVE_FROZEN_MS_MAX the attempt is aborted
 *   ORDERED, EXPORTING   the book is read on; after the order has expired the move is given up
 *   LIVES     acknowledged, or the grace is over: the copy here begins to be erased
 *   ERASING   the receipt is kept with the move, for whoever tells the target
 */
struct move_answers;

DOM_MUST_CHECK enum dom_status move_answers_open(
    const struct mover_options *options, struct move_answers **answers_r);
void move_answers_close(struct move_answers **answers);
DOM_MUST_CHECK enum dom_status move_answers_step(
    struct move_answers *answers, int64_t *wait_ms_r);

#endif
