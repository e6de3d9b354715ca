/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_FUZZ_WIRE_TRIP_H
#define TESTS_FUZZ_WIRE_TRIP_H

#include "base/arena.h"
#include "base/buffer.h"

/* Decode a body of this kind and, if it is one, encode it again. */
typedef enum dom_status fuzz_trip(
    uint8_t kind, struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again);

/*
 * The first byte picks the kind.  What is taken encodes to something that is taken, and that
 * to the same bytes; else it aborts.  0.
 */
int fuzz_trip_twice(fuzz_trip *trip, const uint8_t *data, size_t size);

#endif
