/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_SHUTTLE_H
#define SIM_SHUTTLE_H

#include "sim/plan.h"

/*
 * A plan of nothing but moves: a crowd of small accounts that go from region to
 * region and back as fast as people could ask for it, and write on the way.
 */
void shuttle_plan(struct plan *plan, uint64_t seed);

/* --- prove.c ---------------------------------------------------------------------- */

struct world;
/* Every region has erased its copy of who lives elsewhere now. */
bool shuttle_has_left(struct world *world);
/* Then: not one of its items' names is in any file of it. */
void shuttle_check_left(struct world *world);

#endif
