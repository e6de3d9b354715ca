/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_TAP_H
#define SIM_TAP_H

struct net_call;

/*
 * At the phone's end of the network: which revisions it sends, and what it is
 * told about them.  So every client is watched in the same way.
 */
void tap_sent(struct net_call *call);
void tap_done(struct net_call *call);

#endif
