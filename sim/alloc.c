/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Memory that runs out: the allocations of the program, wrapped (see wrapped.h). */
#include "sim/alloc.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "sim/wrapped.h"

enum { HEAD_SIZE = 16, TEXT_SIZE_MAX = 64 << 10 };

static uint64_t fails_in; /* 0: none is to fail */
static bool fails_on, paused;
static uint64_t failed, count;
static int64_t live;

void
sim_alloc_fail(uint64_t nth, bool stays)
{
	assert(nth != 0);
	fails_in = nth;
	fails_on = stays;
	failed = 0;
}

void
sim_alloc_pause(bool is_paused)
{
	paused = is_paused;
}

uint64_t
sim_alloc_heal(void)
{
	fails_in = 0;
	return failed;
}

uint64_t
sim_alloc_count(void)
{
	return count;
}

int64_t
sim_alloc_live(void)
{
	return live;
}

bool
sim_alloc_strikes(void)
{
	if (paused)
		return false;
	count++;
	if (fails_in == 0)
		return false;
	if (fails_in > 1) {
		fails_in--;
		return false;
	}
	if (!fails_on)
		fails_in = 0;
	failed++;
	errno = ENOMEM;
	return true;
}

void *
sim_alloc_counted(void *memory)
{
	live += memory != NULL;
	return memory;
}

void *
__wrap_malloc(size_t size)
{
	return sim_alloc_strikes() ? NULL : sim_alloc_counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t number, size_t size)
{
	return sim_alloc_strikes() ? NULL : sim_alloc_counted(__real_calloc(number, size));
}

void *
__wrap_realloc(void *memory, size_t size)
{
	void *moved;

	if (sim_alloc_strikes())
		return NULL;
	moved = __real_realloc(memory, size);
	return memory == NULL ? sim_alloc_counted(moved) : moved;
}

void *
__wrap_reallocarray(void *memory, size_t number, size_t size)
{
	void *moved;

	if (sim_alloc_strikes())
		return NULL;
	moved = __real_reallocarray(memory, number, size);
	return memory == NULL ? sim_alloc_counted(moved) : moved;
}

void *
__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return sim_alloc_strikes() ? NULL
	                           : sim_alloc_counted(__real_aligned_alloc(alignment, size));
}

void
sim_alloc_uncount(const void *memory)
{
	live -= memory != NULL;
}

void
__wrap_free(void *memory)
{
	sim_alloc_uncount(memory);
	__real_free(memory);
}

/* --- texts: the C library allocates these out of our sight ------------------------- */

char *
__wrap_strndup(const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	char *copy = __wrap_malloc(length + 1);

	if (copy != NULL) {
		memcpy(copy, text, length);
		copy[length] = '\0';
	}
	return copy;
}

char *
__wrap_strdup(const char *text)
{
	return __wrap_strndup(text, strlen(text));
}

int
__wrap_vasprintf(char **text_r, const char *format, va_list args)
{
	va_list again;
	int size;

	va_copy(again, args);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	assert(size >= 0 && size < TEXT_SIZE_MAX);
	if ((*text_r = __wrap_malloc((size_t)size + 1)) == NULL)
		return -1;
	return vsnprintf(*text_r, (size_t)size + 1, format, args);
}

int
__wrap_asprintf(char **text_r, const char *format, ...)
{
	va_list args;
	int size;

	va_start(args, format);
	size = __wrap_vasprintf(text_r, format, args);
	va_end(args);
	return size;
}

/* As the compiler calls them where it checks for overflows. */
int
__wrap___vasprintf_chk(char **text_r, int flag, const char *format, va_list args)
{
	(void)flag;
	return __wrap_vasprintf(text_r, format, args);
}

int
__wrap___asprintf_chk(char **text_r, int flag, const char *format, ...)
{
	va_list args;
	int size;

	(void)flag;
	va_start(args, format);
	size = __wrap_vasprintf(text_r, format, args);
	va_end(args);
	return size;
}

/* --- SQLite and OpenSSL ------------------------------------------------------------- */

static void *
sqlite_take(int size)
{
	uint8_t *memory = sim_alloc_strikes() ? NULL : __real_malloc((size_t)size + HEAD_SIZE);

	if (memory == NULL)
		return NULL;
	memcpy(memory, &size, sizeof(size));
	return memory + HEAD_SIZE;
}

static int
sqlite_size(void *memory)
{
	int size;

	if (memory == NULL)
		return 0;
	memcpy(&size, (uint8_t *)memory - HEAD_SIZE, sizeof(size));
	return size;
}

static void
sqlite_drop(void *memory)
{
	if (memory != NULL)
		__real_free((uint8_t *)memory - HEAD_SIZE);
}

static void *
sqlite_retake(void *memory, int size)
{
	uint8_t *moved = sim_alloc_strikes() ? NULL
	                                     : __real_realloc((uint8_t *)memory - HEAD_SIZE,
	                                           (size_t)size + HEAD_SIZE);

	if (moved == NULL)
		return NULL;
	memcpy(moved, &size, sizeof(size));
	return moved + HEAD_SIZE;
}

static int
sqlite_round(int size)
{
	return (size + 7) & ~7;
}

static int
sqlite_start(void *context)
{
	(void)context;
	return SQLITE_OK;
}

static void
sqlite_stop(void *context)
{
	(void)context;
}

/* Not counted as live: what it keeps is for as long as it likes. */
static void *
openssl_take(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return sim_alloc_strikes() ? NULL : __real_malloc(size);
}

static void *
openssl_retake(void *memory, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return sim_alloc_strikes() ? NULL : __real_realloc(memory, size);
}

static void
openssl_drop(void *memory, const char *file, int line)
{
	(void)file, (void)line;
	__real_free(memory);
}

void
sim_alloc_install(void)
{
	static sqlite3_mem_methods methods = {.xMalloc = sqlite_take,
	    .xFree = sqlite_drop,
	    .xRealloc = sqlite_retake,
	    .xSize = sqlite_size,
	    .xRoundup = sqlite_round,
	    .xInit = sqlite_start,
	    .xShutdown = sqlite_stop};

	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK ||
	    CRYPTO_set_mem_functions(openssl_take, openssl_retake, openssl_drop) != 1)
		abort(); /* something has allocated before */
}

/* --- the simulation's own ------------------------------------------------------------ */

void *
sim_take(size_t size)
{
	void *memory = __real_calloc(1, size);

	if (memory == NULL)
		abort();
	return memory;
}

void *
sim_retake(void *memory, size_t size)
{
	if ((memory = __real_realloc(memory, size)) == NULL)
		abort();
	return memory;
}

char *
sim_take_text(const char *text, size_t size)
{
	char *copy = sim_take(size + 1);

	memcpy(copy, text, size);
	return copy;
}

void
sim_drop(void *memory)
{
	__real_free(memory);
}
