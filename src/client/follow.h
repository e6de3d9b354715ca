/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_FOLLOW_H
#define CLIENT_FOLLOW_H

#include "client/client.h"

/*
 * An account that has moved: what a server says of it, with the hand-off that its
 * region signed, is checked; the hand-off is carried to the new region, and the
 * session goes on there.
 *
 *   AT HOME --403 account_moved--> checked --> carried --> logged in --> AT HOME
 *                                     |           |  ^          |
 *                                     |           |  +-- moved on from there too
 *                                     +-----------+-- refused, unreachable: as before
 *
 * What changes on this device, in this order, so that a stop in between is mended:
 *
 *   1. state.db  what the device knew (the table known), and the hand-off
 *   2. session   the new region's address and the new token: from here on it is home
 *   3. state.db  the region's name and the account's epoch
 *   4. region.pub
 */
enum {
	DOM_FOLLOW_MAX = 8, /* moves that one session follows: no circle goes on for ever */
};

/*
 *   username, password  as for dom_session_enter()
 *   moved               the body of 403 account_moved
 *
 *   DOM_EINTEGRITY  it is not proven: the session is as it was, and its error says why
 *   DOM_ENETWORK    the new region cannot be reached; the session is as it was
 */
DOM_MUST_CHECK enum dom_status dom_follow(struct dom_session *session, const char *username,
    struct dom_slice password, struct dom_slice moved);

/* A session is opened: finish what a stop has left. */
DOM_MUST_CHECK enum dom_status dom_follow_mend(struct dom_session *session);

/* The epoch in which the account lives, as far as it was shown; 0: not known. */
DOM_MUST_CHECK enum dom_status dom_follow_epoch(struct dom_session *session, uint64_t *epoch_r);

#endif
