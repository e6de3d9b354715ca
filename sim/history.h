/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What clients asked and were answered, and whether one copy of the data could
 * have answered so: each operation at one moment between its beginning and its
 * end.  Registers are items; every write brings a value of its own, 0 is "not
 * there yet".  A list is a read of every item at once.
 *
 * Values are unique, so it takes no search: the writes of a register with the
 * reads of their values must not have to overlap.
 * Source: Gibbons and Korach, "Testing shared memories", 1997.
 */
struct history;

struct history *history_new(void); /* NULL: no memory */
void history_free(struct history **history);

#define HISTORY_OPEN INT64_MAX /* the end of what was never answered */

/* False: no memory.  The same value again (a retry) is the same write: earliest to latest. */
bool history_write(
    struct history *history, uint32_t reg, uint64_t value, int64_t began, int64_t ended);
bool history_read(
    struct history *history, uint32_t reg, uint64_t value, int64_t began, int64_t ended);

struct history_anomaly {
	uint32_t reg;
	uint64_t value,
	    other; /* of the writes that cannot be put in order; other 0: of nobody */
	const char *what;
};
/* True: there is an order.  Sorts in place. */
bool history_check(struct history *history, struct history_anomaly *anomaly_r);

#endif
