/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The queue of events, and the system calls that would take real time or are never the same. */
#include "sim/time.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "sim/clock.h"
#include "sim/digest.h"
#include "sim/fiber.h"

struct event {
	int64_t at_us;
	uint64_t number;
	void (*run)(void *context);
	void *context;
};

static int64_t now_us;
static uint64_t numbers;
static struct event *heap;
static size_t heap_count, heap_room;
static unsigned fibers;

int64_t
time_now_us(void)
{
	return now_us;
}

int64_t
time_now_ms(void)
{
	return now_us / 1000;
}

static void
set(int64_t us)
{
	now_us = us;
	sim_clock_set_ms(us / 1000);
}

void
time_reset(int64_t us)
{
	assert(heap_count == 0 && fibers == 0);
	numbers = 0;
	set(us);
}

static bool
is_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

void
time_after(int64_t delay_us, void (*run)(void *context), void *context)
{
	struct event event = {
	    .at_us = now_us + delay_us, .number = numbers++, .run = run, .context = context};
	size_t at;

	assert(delay_us >= 0);
	if (heap_count == heap_room) {
		heap_room = heap_room == 0 ? 256 : heap_room * 2;
		if ((heap = realloc(heap, heap_room * sizeof(*heap))) == NULL)
			abort();
	}
	for (at = heap_count++; at != 0 && is_before(&event, &heap[(at - 1) / 2]);
	     at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = event;
}

static struct event
pop(void)
{
	struct event first = heap[0], last = heap[--heap_count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= heap_count)
			break;
		if (child + 1 < heap_count && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &last))
			break;
		heap[at] = heap[child];
		at = child;
	}
	if (heap_count != 0)
		heap[at] = last;
	return first;
}

int64_t
time_next_us(void)
{
	return heap_count == 0 ? INT64_MAX : heap[0].at_us;
}

bool
time_step(int64_t until_us)
{
	struct event event;

	assert(fiber_self() == NULL);
	if (time_next_us() > until_us) {
		if (until_us > now_us)
			set(until_us);
		return false;
	}
	event = pop();
	if (event.at_us > now_us)
		set(event.at_us);
	sim_digest_number((uint64_t)event.at_us);
	sim_digest_number(event.number);
	event.run(event.context);
	return true;
}

/* --- fibers ---------------------------------------------------------------------- */

static void
resume(void *context)
{
	struct fiber *fiber = context;

	fiber_resume(fiber);
	if (fiber_has_ended(fiber)) {
		fiber_free(&fiber);
		fibers--;
	}
}

void
time_sleep(int64_t us)
{
	assert(fiber_self() != NULL);
	time_after(us, resume, fiber_self());
	fiber_yield();
}

struct alarm {
	struct time_gate *gate;
	struct fiber *fiber;
	uint64_t turn;
};

/*
 * The gate may be gone by the time that an alarm rings, unless its fiber still
 * stands at it: so the turn is asked of a table that outlives gates.
 */
static uint64_t turns;
static struct {
	uint64_t turn;
	struct fiber *fiber;
} standing[256];

static void
ring(void *context)
{
	struct alarm alarm = *(struct alarm *)context;

	free(context);
	if (standing[alarm.turn % 256].turn != alarm.turn)
		return;
	standing[alarm.turn % 256].turn = 0;
	alarm.gate->waiting = NULL;
	resume(alarm.fiber);
}

bool
time_wait(struct time_gate *gate, int64_t at_most_us)
{
	bool was_open;

	assert(fiber_self() != NULL && gate->waiting == NULL);
	if (!gate->is_open) {
		struct alarm *alarm = malloc(sizeof(*alarm));

		if (alarm == NULL)
			abort();
		do
			turns++;
		while (standing[turns % 256].turn != 0);
		*alarm = (struct alarm){gate, fiber_self(), turns};
		standing[turns % 256].turn = turns;
		gate->turn = turns;
		gate->waiting = fiber_self();
		time_after(at_most_us, ring, alarm);
		fiber_yield();
	}
	was_open = gate->is_open;
	gate->is_open = false;
	return was_open;
}

void
time_open(struct time_gate *gate)
{
	struct fiber *waiting = gate->waiting;

	gate->is_open = true;
	if (waiting == NULL)
		return;
	gate->waiting = NULL;
	standing[gate->turn % 256].turn = 0;
	time_after(0, resume, waiting);
}

void
time_spawn(void (*run)(void *context), void *context)
{
	fibers++;
	time_after(0, resume, fiber_new(run, context));
}

unsigned
time_fibers(void)
{
	return fibers;
}

/* --- calls that a run may not depend on: see the link arguments of meson.build ------ */

int __wrap_nanosleep(const struct timespec *pause, struct timespec *left);
int
__wrap_nanosleep(const struct timespec *pause, struct timespec *left)
{
	if (left != NULL)
		*left = (struct timespec){0};
	time_sleep((int64_t)pause->tv_sec * TIME_SECOND_US + pause->tv_nsec / 1000);
	return 0;
}

/* It stands in a store's lock file. */
pid_t __wrap_getpid(void);
pid_t
__wrap_getpid(void)
{
	return 1;
}
