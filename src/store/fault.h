/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include <stddef.h>

/*
 * Where a test ends the program, as a power cut would.  NULL but in a program
 * that is made for tests, which sets it before there are threads.
 *
 *   "STATE"      a move enters it, within the job (wire_move_state_name())
 *   "commit"     a group of jobs is on the disk, and nobody has been told
 *   "send-OP"    before another region is asked: offer, records, chunks, freeze,
 *                status, switch, active, ack, discard, erased, homes
 *   "got-OP"     it has answered, and nothing was made of that yet
 */
extern void (*store_fault_hook)(const char *name);

static inline void
store_fault(const char *name)
{
	if (store_fault_hook != NULL)
		store_fault_hook(name);
}

#endif
