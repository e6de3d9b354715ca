/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_SERVED_H
#define SERVICES_MOVE_SERVED_H

#include <stdint.h>

/*
 * Bytes of chunks that targets have read here, by move, until they are counted with the move:
 * reading cannot write that down.  In memory; a restart forgets what was not counted yet, and
 * of more than MOVE_SERVED_MAX moves at once some are not counted.  Any thread.
 */
enum { MOVE_SERVED_MAX = 256 };
struct move_served;

/* NULL: no memory. */
struct move_served *move_served_new(void);
void move_served_free(struct move_served **served);
/* move: its number, above zero. */
void move_served_add(struct move_served *served, int64_t move, uint64_t bytes);
/* What was added since it was taken last. */
uint64_t move_served_take(struct move_served *served, int64_t move);
/* Nobody asks for it any more; served may be NULL, as for the others. */
void move_served_forget(struct move_served *served, int64_t move);

#endif
