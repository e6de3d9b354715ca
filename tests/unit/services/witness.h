/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WITNESS_H
#define WITNESS_H

#include <stdint.h>

/* What is in the house's store, as a number that changes when anything does. */
void witness_open(void);
void witness_close(void);
/* All of it; rows_r: of how many rows, or NULL. */
uint64_t witness_all(uint64_t *rows_r);
/* What is Zoe's and Yan's, see requests.h. */
uint64_t witness_them(uint64_t *rows_r);

#endif
