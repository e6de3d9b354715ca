/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_PAUSE_H
#define DAEMON_PAUSE_H

#include "store/move.h"

/*
 * How long nobody could write to an account because of a move, by the times that
 * its regions have signed: at the source from the freeze to the hand-off, at the
 * target from the freeze (the source's clock) to when it was home (its own).
 * DOM_ABSENT: it has not come to that, or the two clocks contradict each other.
 */
DOM_MUST_CHECK enum dom_status pause_of(struct store_txn *txn, const struct store_move *move,
    struct dom_arena *arena, int64_t *pause_ms_r);

#endif
