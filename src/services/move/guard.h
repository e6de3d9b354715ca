/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_GUARD_H
#define SERVICES_MOVE_GUARD_H

#include "services/move/mover.h"

/*
 * A store that was made out of a backup may show accounts at home here that this
 * region has given away since.  The guard asks every other region of the group
 * what came to it from here (WIRE_PEER_HOMES) and, until all of them have
 * answered, the region serves no account at all.
 *
 *   home there      with a hand-off that we have signed ourselves: the account is
 *                   GONE here, and whoever asks for it is told where it lives
 *   prepared there  perhaps we have signed a hand-off that has not arrived yet and
 *                   that a device may still carry: the account stays FROZEN, the
 *                   attempt's abort is signed, and it is served again once that
 *                   region does not tell of it any more
 *
 * At an ordinary start the others are asked too, MOVE_GUARD_START_MS at most
 * before anybody is served and later until they have answered: a file system that was turned
 * back is a restore that nobody told us of.
 */
enum { MOVE_GUARD_START_MS = 2000 };

struct move_guard;

/*
 * Before anybody is served; of a region in no group it is open at once.  Both are borrowed
 * until it is closed.
 */
DOM_MUST_CHECK enum dom_status move_guard_open(
    const struct service *service, struct store *store, struct move_guard **guard_r);
void move_guard_close(struct move_guard **guard);

/* Is nobody to be served yet?  Any thread; NULL: no. */
bool move_guard_is_closed(const struct move_guard *guard);
/*
 * What it asks next: at most one ask() of the peer.  Answers as mover_step() does; one thread,
 * that of the first lane of MOVER_ASKS, before its own work.
 */
DOM_MUST_CHECK enum dom_status move_guard_step(
    struct move_guard *guard, const struct mover_peer *peer, int64_t *wait_ms_r);

/* --- for the operator; any thread ----------------------------------------------------- */

enum move_guard_answer {
	MOVE_GUARD_ASKED,   /* nothing was heard of it since this start */
	MOVE_GUARD_MISSING, /* the same, and nobody is served before */
	MOVE_GUARD_HOLDS,   /* answered, but some accounts wait for it */
	MOVE_GUARD_ANSWERED,
};
/* Of the index-th other region, from 0 on; false: there are no more.  name_r is borrowed. */
bool move_guard_show(const struct move_guard *guard, size_t index, struct dom_slice *name_r,
    enum move_guard_answer *answer_r);
/*
 * The operator says that no account lives in the regions that have not answered: the others
 * are served, and accounts that wait are at home here again.
 */
DOM_MUST_CHECK enum dom_status move_guard_trust(struct move_guard *guard);

#endif
