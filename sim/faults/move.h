/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_FAULTS_MOVE_H
#define SIM_FAULTS_MOVE_H

#include "sim/faults/faults.h"

/* Whole moves with a fault in one of the two regions. */
void move_faults(const struct fault_options *options);
/* asked.c: what is asked of one region, at the moments of a move. */
void asked_faults(const struct fault_options *options);

#endif
