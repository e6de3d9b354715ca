/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_STATES_H
#define SERVICES_MOVE_STATES_H

#include "wire/peer.h"

#include "store/move.h"

/*
 * What may follow what in a move: one table for each side, see DESIGN.md beside this file.
 * enum wire_move_state are the states.
 */
enum move_event {
	/* at the source */
	MOVE_ACCEPTED, /* the target has taken the offer */
	MOVE_GIVEN_UP, /* refused, out of time, or the last attempt failed */
	MOVE_CANCEL,   /* the person says so */
	MOVE_FREEZE,   /* the target asks for an attempt */
	MOVE_ABORT,    /* this attempt is over */
	MOVE_SWITCH,   /* the target is prepared: it is given away */
	MOVE_ACTIVE,   /* the target is home */
	MOVE_ACK,      /* a device has looked */
	MOVE_ERASE,    /* the copy here may go */
	MOVE_ERASED,   /* it has gone */
	MOVE_DISCARD,  /* the target has dropped what it had */
	MOVE_PROVEN,   /* a peer shows our own hand-off: this store is older than it */
	/* at the target */
	MOVE_OFFER,     /* offered again */
	MOVE_CAUGHT_UP, /* little is left: asks for the freeze */
	MOVE_ABORTED,   /* the source has ended the attempt */
	MOVE_PREPARE,   /* complete, and promised */
	MOVE_HANDOFF,   /* given by the source, by whomever it comes */
	MOVE_SETTLE,    /* the source's copy is gone */
	MOVE_DROP,      /* the source has given up */
	MOVE_EVENT_COUNT,
};

enum { MOVE_REFUSED = -1 };

/* The next state, perhaps the same; MOVE_REFUSED: that does not happen in this state. */
int move_next(enum store_move_side side, int state, enum move_event event);

/* Is something left to do, for either side (struct store_move.open)? */
bool move_state_open(int state);

#endif
