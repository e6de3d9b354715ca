/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_MOVE_PARTS_H
#define CLIENT_MOVE_PARTS_H

#include <domicile/move.h>

#include "wire/group.h"
#include "wire/moves.h"

#include "client/call.h"

/* What move.c, move_plan.c, move_proof.c, move_ack.c and where.c share. */

/* A text of a server's or a file's, cut to size, without control characters. */
void dom_move_text(struct dom_slice text, char *text_r, size_t size);

/* Ask the source; the plan's slices live in the call, which is freed by the caller. */
DOM_MUST_CHECK enum dom_status dom_move_ask_plan(struct dom_session *session,
    struct dom_slice target, struct wire_move_plan *plan_r, struct dom_call **call_r);

/* What a region tells of itself and how far away it is: the server that is asked now. */
DOM_MUST_CHECK enum dom_status dom_move_measure(
    struct dom_session *session, char release_r[65], int64_t *round_trip_us_r);

/*
 * A certificate, fetched and checked: with the group's key that is pinned, of this
 * account, and ordered by it.  The view is borrowed from the call and the arena.
 */
struct wire_certificate_view;
DOM_MUST_CHECK enum dom_status dom_move_ask_certificate(struct dom_session *session,
    const char *id, struct dom_arena *arena, struct wire_certificate_view *view_r,
    struct dom_call **call_r);

#endif
