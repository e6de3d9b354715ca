/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_DIGEST_H
#define SIM_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/*
 * One number for all that a world does: each event's time, each call and its
 * answer, each operation of a disk with what it writes.  Two runs of a seed that
 * end in the same number went the same way; a run that does not repeat another shows it
 * in the first thing that differs, long before anything goes wrong.
 *
 * Not for keeping anybody out: it is made to cost little, and is always on.
 */

/* From here on it is kept there, so that it outlives the process. */
void sim_digest_keep_at(uint64_t *place);
/* Begin anew. */
void sim_digest_reset(void);
uint64_t sim_digest(void);

void sim_digest_number(uint64_t number);
void sim_digest_bytes(const void *data, size_t size);
void sim_digest_text(const char *text);

#endif
