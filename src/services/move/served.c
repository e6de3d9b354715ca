/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Counters in a table without locks. */
#include "services/move/served.h"

#include <stdatomic.h>
#include <stdlib.h>

struct slot {
	_Atomic int64_t move; /* 0: free */
	_Atomic uint64_t bytes;
};

struct move_served {
	struct slot slots[MOVE_SERVED_MAX];
};

struct move_served *
move_served_new(void)
{
	return calloc(1, sizeof(struct move_served));
}

void
move_served_free(struct move_served **served)
{
	free(*served);
	*served = NULL;
}

static struct slot *
find(struct move_served *served, int64_t move)
{
	for (size_t i = 0; i < MOVE_SERVED_MAX; i++) {
		if (atomic_load(&served->slots[i].move) == move)
			return &served->slots[i];
	}
	return NULL;
}

/* Two threads may make two of them: both are taken. */
static struct slot *
make(struct move_served *served, int64_t move)
{
	for (size_t i = 0; i < MOVE_SERVED_MAX; i++) {
		int64_t nobody = 0;

		if (atomic_compare_exchange_strong(&served->slots[i].move, &nobody, move))
			return &served->slots[i];
	}
	return NULL;
}

void
move_served_add(struct move_served *served, int64_t move, uint64_t bytes)
{
	struct slot *slot;

	if (served == NULL)
		return;
	slot = find(served, move);
	if (slot == NULL)
		slot = make(served, move);
	if (slot != NULL)
		atomic_fetch_add(&slot->bytes, bytes);
}

uint64_t
move_served_take(struct move_served *served, int64_t move)
{
	uint64_t bytes = 0;

	for (size_t i = 0; served != NULL && i < MOVE_SERVED_MAX; i++) {
		if (atomic_load(&served->slots[i].move) == move)
			bytes += atomic_exchange(&served->slots[i].bytes, 0);
	}
	return bytes;
}

void
move_served_forget(struct move_served *served, int64_t move)
{
	for (size_t i = 0; served != NULL && i < MOVE_SERVED_MAX; i++) {
		if (atomic_load(&served->slots[i].move) == move) {
			atomic_store(&served->slots[i].bytes, 0);
			atomic_store(&served->slots[i].move, 0);
		}
	}
}
