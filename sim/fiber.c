/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sim/fiber.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

/*
 * swapcontext() asks the system for the mask of signals each time, which nobody here changes: a
 * fiber that has begun is gone to and left as the compiler does it.  Where sanitizers follow
 * stacks, and on processors on which this is not known to work, it stays.
 */
#if defined(__x86_64__) && !defined(WITH_ASAN)
#define WITH_JUMPS 1
#endif

/* SQLite and the libraries of keys want some; sanitizers want more. */
enum { STACK_SIZE = 1 << 20, GUARD_SIZE = 4096, STACKS_KEPT = 64 };

struct fiber {
	ucontext_t here, caller;
	void *stack;
	void (*run)(void *context);
	void *context;
	bool has_begun, has_ended;
#ifdef WITH_JUMPS
	void *here_jump[5], *caller_jump[5]; /* as the compiler wants them */
#endif
#ifdef WITH_ASAN
	void *fake, *caller_fake;
	const void *caller_bottom;
	size_t caller_size;
#endif
};

static struct fiber *running;
static void *kept[STACKS_KEPT];
static unsigned kept_count;

static void *
stack_take(void)
{
	char *stack;

	if (kept_count != 0)
		return kept[--kept_count];
	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED || mprotect(stack, GUARD_SIZE, PROT_NONE) != 0)
		abort();
	return stack;
}

static void
stack_drop(void *stack)
{
	if (kept_count < STACKS_KEPT)
		kept[kept_count++] = stack;
	else
		munmap(stack, STACK_SIZE);
}

struct fiber *
fiber_new(void (*run)(void *context), void *context)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));

	if (fiber == NULL)
		abort();
	fiber->run = run;
	fiber->context = context;
	return fiber;
}

/* --- from one stack to another ------------------------------------------------------- */

#ifdef WITH_JUMPS
/* Each jump leads to a setjmp of another function, as it must. */
static __attribute__((noinline)) void
leave(struct fiber *fiber)
{
	__builtin_longjmp(fiber->caller_jump, 1);
}

static __attribute__((noinline)) void
go_on(struct fiber *fiber)
{
	__builtin_longjmp(fiber->here_jump, 1);
}

static __attribute__((noinline)) void
enter(struct fiber *fiber, bool is_new)
{
	if (__builtin_setjmp(fiber->caller_jump) != 0)
		return;
	if (is_new)
		setcontext(&fiber->here);
	else
		go_on(fiber);
	abort();
}

static __attribute__((noinline)) void
pause_here(struct fiber *fiber)
{
	if (__builtin_setjmp(fiber->here_jump) == 0)
		leave(fiber);
}
#else
static void
leave(struct fiber *fiber)
{
	setcontext(&fiber->caller);
}

static void
enter(struct fiber *fiber, bool is_new)
{
	(void)is_new;
	if (swapcontext(&fiber->caller, &fiber->here) != 0)
		abort();
}

static void
pause_here(struct fiber *fiber)
{
	if (swapcontext(&fiber->here, &fiber->caller) != 0)
		abort();
}
#endif

static void
entry(void)
{
	struct fiber *fiber = running;

#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(NULL, &fiber->caller_bottom, &fiber->caller_size);
#endif
	fiber->run(fiber->context);
	fiber->has_ended = true;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(NULL, fiber->caller_bottom, fiber->caller_size);
#endif
	leave(fiber);
	abort();
}

void
fiber_resume(struct fiber *fiber)
{
	bool is_new = !fiber->has_begun;

	assert(running == NULL && !fiber->has_ended);
	if (is_new) {
		fiber->has_begun = true;
		fiber->stack = stack_take();
		if (getcontext(&fiber->here) != 0)
			abort();
		fiber->here.uc_stack.ss_sp = fiber->stack;
		fiber->here.uc_stack.ss_size = STACK_SIZE;
		fiber->here.uc_link = NULL;
		makecontext(&fiber->here, entry, 0);
	}
	running = fiber;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(&fiber->caller_fake, fiber->stack, STACK_SIZE);
#endif
	enter(fiber, is_new);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(fiber->caller_fake, NULL, NULL);
#endif
	running = NULL;
	if (fiber->has_ended) {
		stack_drop(fiber->stack);
		fiber->stack = NULL;
	}
}

void
fiber_yield(void)
{
	struct fiber *fiber = running;

	assert(fiber != NULL);
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(&fiber->fake, fiber->caller_bottom, fiber->caller_size);
#endif
	pause_here(fiber);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(
	    fiber->fake, &fiber->caller_bottom, &fiber->caller_size);
#endif
}

struct fiber *
fiber_self(void)
{
	return running;
}

bool
fiber_has_ended(const struct fiber *fiber)
{
	return fiber->has_ended;
}

void
fiber_free(struct fiber **fiber)
{
	struct fiber *old = *fiber;

	if (old == NULL)
		return;
	*fiber = NULL;
	assert(old->has_ended || !old->has_begun);
	free(old);
}

void
fiber_trim(void)
{
	while (kept_count != 0)
		munmap(kept[--kept_count], STACK_SIZE);
}
