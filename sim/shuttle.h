/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_SHUTTLE_H
#define SIM_SHUTTLE_H

#include "sim/plan.h"

/*
 * A plan of nothing but moves: a crowd of small accounts that go from region to
 * region and back as fast as people could ask for it, and write on the way.
 */
void shuttle_plan(struct plan *plan, uint64_t seed);

#endif
