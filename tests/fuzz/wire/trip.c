/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* There and back, twice: see trip.h. */
#include "trip.h"

#include <assert.h>
#include <stdlib.h>

int
fuzz_trip_twice(fuzz_trip *trip, const uint8_t *data, size_t size)
{
	struct dom_buffer once = {0}, twice = {0};
	struct dom_arena *arena;

	if (size == 0)
		return 0;
	if ((arena = dom_arena_new(64 << 20)) == NULL)
		abort();
	if (trip(data[0], dom_slice(data + 1, size - 1), arena, &once) == DOM_OK) {
		assert(trip(data[0], dom_buffer_slice(&once), arena, &twice) == DOM_OK);
		assert(dom_slice_equal(dom_buffer_slice(&once), dom_buffer_slice(&twice)));
	}
	dom_buffer_free(&once);
	dom_buffer_free(&twice);
	dom_arena_free(&arena);
	return 0;
}
