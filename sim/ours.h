/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_OURS_H
#define SIM_OURS_H

#include <domicile/session.h>

#include "sim/phone.h"

/*
 * A phone that runs libdomicile, unchanged: its transport ends in the simulated network
 * (way.c), its state lies on a simulated disk of its own, and it waits in virtual time.
 *
 * Its process may be killed, and its machine may lose power: from that moment on its disk does
 * nothing and its network is silent, so whatever the library does on its way out is in vain,
 * and what it answers is told to nobody.  When the call has come back the session is closed,
 * the disk crashes, and the next action opens what is left (ours_open.c).
 */

/* What its person was told of the log-in that the device keeps. */
enum ours_kept {
	OURS_OUT,     /* none, or it was removed: it must not come back */
	OURS_UNKNOWN, /* an attempt at one or the other failed, or was never answered */
	OURS_IN,      /* it must open again, without anybody's help */
};

/* As the options' connect: a way to a region of the world; context is the phone. */
struct dom_transport *way_to(void *context, const char *server_url);

/* A status that came back: true if its person was told that it is done. */
bool ours_said(struct phone *phone, enum dom_status st);
/* The session is there in the end: opened again, or after a log-in or a sign-up. */
bool ours_open(struct phone *phone);
/* The program ends and starts again, as programs do. */
bool ours_restart(struct phone *phone);
bool ours_log_out(struct phone *phone);

/* What the index says, against the stores up to the same tokens. */
void ours_check_index(struct phone *phone);

/* --- what it does (ours_items.c, ours_share.c) ---------------------------------------------
 */

bool ours_item_act(struct phone *phone, enum action_kind action);
bool ours_share_act(struct phone *phone, enum action_kind action);
struct dom_collection;
/* One of those that the device knows: the account's, or others'.  NULL: there is none. */
struct dom_collection *ours_collection(struct phone *phone, bool is_foreign);

#endif
