/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * Memory that lives as long as a request: taken in pieces, given back at once.
 * Every byte is wiped before it goes back to the system.
 */
struct dom_arena;

/* size_max: the bytes it hands out at most, 0 for no limit.  NULL: no memory. */
struct dom_arena *dom_arena_new(size_t size_max);
void dom_arena_free(struct dom_arena **arena);

/* Forget (and wipe) everything taken; keeps one block of at most 1 MiB for the next request. */
void dom_arena_reset(struct dom_arena *arena);

/* Zeroed, aligned for any type.  NULL: no memory, or the limit is reached. */
void *dom_arena_take(struct dom_arena *arena, size_t size);

/* count * size with the multiplication checked. */
void *dom_arena_array(struct dom_arena *arena, size_t count, size_t size);

/* A copy that ends in a NUL byte beyond its size.  data is NULL: no memory. */
struct dom_slice dom_arena_copy(struct dom_arena *arena, struct dom_slice slice);

/* printf into the arena; NULL: no memory. */
char *dom_arena_print(struct dom_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Bytes handed out since it was made or reset. */
size_t dom_arena_used(const struct dom_arena *arena);

#endif
