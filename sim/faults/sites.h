/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_FAULTS_SITES_H
#define SIM_FAULTS_SITES_H

#include "move_pair.h"
#include "sim/faults/faults.h"

/*
 * The pair of regions of move_pair.h, each on a disk of its own, for runs in which anything may
 * fail: nothing here takes for granted that a step succeeds.
 */
extern struct sim_disk *site_disks[PAIR_REGIONS];
extern const char *const site_names[PAIR_REGIONS];
extern struct sim_random site_chance; /* for crashes */
extern unsigned site_failures;        /* steps that have failed */

enum dom_status site_open(int region);
void site_close(int region);
/* Its disk has stopped, or its store writes no more. */
bool site_is_down(int region);
/* The fault is found and mended, and the region starts again; its store is examined. */
void site_restart(int region, enum sim_crash how);
/* How a region asks the other one. */
struct mover_peer site_peer(void);
/* Nothing fails meanwhile. */
void sites_pause(bool is_paused);
/* What requests have left, which the next run does not know of. */
void sites_empty(void);

#endif
