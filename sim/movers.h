/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_MOVERS_H
#define SIM_MOVERS_H

#include "sim/region.h"

/* What moves accounts, as the daemon's threads do: two lanes that ask, one that answers. */
struct movers;

/* The group that the regions of this world make; once they have their keys. */
void movers_group(struct world *world);
void movers_settings(struct region *region);

enum dom_status movers_start(struct region *region);
void movers_wake(struct region *region);
/* The region is down already: until the last one has seen it. */
void movers_end(struct region *region);
/* After their end. */
void movers_close(struct region *region);

#endif
