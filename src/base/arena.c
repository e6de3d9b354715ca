/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A chain of blocks, each twice as large as the one before, up to a bound. */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/wipe.h"

enum {
	BLOCK_SIZE_FIRST = 4096,
	BLOCK_SIZE_MAX = 1 << 20,
	ALIGNMENT = 16,
};

struct block {
	struct block *next;
	size_t size; /* bytes at data */
	size_t used;
	_Alignas(ALIGNMENT) uint8_t data[];
};

struct dom_arena {
	struct block *blocks; /* newest first */
	size_t size_max;
	size_t used;
};

struct dom_arena *
dom_arena_new(size_t size_max)
{
	struct dom_arena *arena = calloc(1, sizeof(*arena));

	if (arena != NULL)
		arena->size_max = size_max;
	return arena;
}

static void
block_drop(struct block *block)
{
	dom_wipe(block->data, block->used);
	free(block);
}

void
dom_arena_reset(struct dom_arena *arena)
{
	struct block *block = arena->blocks;

	while (block != NULL && block->next != NULL) {
		struct block *next = block->next;

		block_drop(block);
		block = next;
	}
	if (block != NULL && block->size > BLOCK_SIZE_MAX) {
		/* A rare large request must not keep its memory for the small ones. */
		block_drop(block);
		block = NULL;
	}
	if (block != NULL) {
		dom_wipe(block->data, block->used);
		block->used = 0;
	}
	arena->blocks = block;
	arena->used = 0;
}

void
dom_arena_free(struct dom_arena **arena)
{
	struct dom_arena *old = *arena;

	if (old == NULL)
		return;
	*arena = NULL;
	dom_arena_reset(old);
	free(old->blocks);
	free(old);
}

static struct block *
block_new(const struct dom_arena *arena, size_t size)
{
	size_t wanted = BLOCK_SIZE_FIRST;
	struct block *block;

	if (arena->blocks != NULL && arena->blocks->size < BLOCK_SIZE_MAX / 2)
		wanted = arena->blocks->size * 2;
	else if (arena->blocks != NULL)
		wanted = BLOCK_SIZE_MAX;
	if (wanted < size)
		wanted = size;
	if ((block = malloc(sizeof(*block) + wanted)) == NULL)
		return NULL;
	block->size = wanted;
	block->used = 0;
	return block;
}

void *
dom_arena_take(struct dom_arena *arena, size_t size)
{
	struct block *block = arena->blocks;
	void *taken;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (arena->size_max != 0 && size > arena->size_max - arena->used)
		return NULL;
	if (block == NULL || size > block->size - block->used) {
		if ((block = block_new(arena, size)) == NULL)
			return NULL;
		block->next = arena->blocks;
		arena->blocks = block;
	}
	taken = block->data + block->used;
	block->used += size;
	arena->used += size;
	assert(arena->size_max == 0 || arena->used <= arena->size_max);
	memset(taken, 0, size);
	return taken;
}

void *
dom_arena_array(struct dom_arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return dom_arena_take(arena, total);
}

struct dom_slice
dom_arena_copy(struct dom_arena *arena, struct dom_slice slice)
{
	uint8_t *copy;

	if (slice.size == SIZE_MAX || (copy = dom_arena_take(arena, slice.size + 1)) == NULL)
		return dom_slice(NULL, 0);
	if (slice.size != 0)
		memcpy(copy, slice.data, slice.size);
	return dom_slice(copy, slice.size);
}

char *
dom_arena_print(struct dom_arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0 || (text = dom_arena_take(arena, (size_t)length + 1)) == NULL)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

size_t
dom_arena_used(const struct dom_arena *arena)
{
	return arena->used;
}
