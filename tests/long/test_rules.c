/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The rules of sync tokens under concurrency, on a busy server and on an idle
 * one.  RULES_STEPS: requests of the busy one's writers (a
 * twentieth for the idle one's; readers ask as often as they can);
 * RULES_SEED: where the dice start.  Threads race, so a seed alone does not
 * repeat a run; what broke says what was asked.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
/* clang-format on */

#include "crypto/keys.h"

#include "rules.h"

enum { STEPS_SHORT = 6000, IDLE_PAUSE_US = 2000 };

static struct world world;
static struct writer writers[WRITERS_MAX];
static struct reader readers[READERS_MAX];

static long
number_from(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : strtol(text, NULL, 10);
}

static void
run(unsigned writer_count, unsigned jobs, unsigned reader_count)
{
	pthread_t writing[WRITERS_MAX], reading[READERS_MAX];

	for (unsigned i = 0; i < reader_count; i++) {
		readers[i] = (struct reader){
		    .world = &world, .state = world.seed + 1000 + i, .user = i % USERS};
		assert_int_equal(pthread_create(&reading[i], NULL, reader_run, &readers[i]), 0);
	}
	for (unsigned i = 0; i < writer_count; i++) {
		writers[i] =
		    (struct writer){.world = &world, .state = world.seed + i, .jobs = jobs};
		assert_int_equal(pthread_create(&writing[i], NULL, writer_run, &writers[i]), 0);
	}
	for (unsigned i = 0; i < writer_count; i++)
		pthread_join(writing[i], NULL);
	atomic_store(&world.over, true);
	for (unsigned i = 0; i < reader_count; i++)
		pthread_join(reading[i], NULL);
	for (unsigned i = 0; i < reader_count; i++)
		reader_finish(&readers[i]);
}

/* That everything happened which the rules are about. */
static void
tell(const char *name)
{
	printf("%s: seed %llu: revisions %ld, sent again %ld; refused: stale %ld, etag %ld,"
	       " dep %ld, role %ld; asked %ld, pages %ld with %ld rows, updates %ld, histories "
	       "%ld\n",
	    name, (unsigned long long)world.seed, world.written, world.retried,
	    world.refused_stale, world.refused_etag, world.refused_dep, world.refused_role,
	    world.asked, world.pages, world.rows, world.updates, world.histories);
	assert_true(world.written > 0 && world.retried > 0 && world.refused_role > 0);
	assert_true(world.pages > 0 && world.rows > 0 && world.updates > 0);
	assert_true(world.histories > 0);
}

static void
start(long steps)
{
	world_open(&world, (uint64_t)number_from("RULES_SEED", 20261121));
	atomic_store(&world.steps, steps);
}

static void
no_update_is_missed_on_a_busy_server(void **state)
{
	(void)state;
	start(number_from("RULES_STEPS", STEPS_SHORT));
	run(WRITERS_MAX, 8, READERS_MAX);
	tell("busy");
	assert_true(world.refused_stale > 0 && world.refused_etag > 0 && world.refused_dep > 0);
	world_close(&world);
}

static void
no_update_is_missed_on_an_idle_server(void **state)
{
	(void)state;
	start(number_from("RULES_STEPS", STEPS_SHORT) / 20);
	world.pause_us = IDLE_PAUSE_US;
	run(1, 1, READERS_MAX);
	tell("idle");
	world_close(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_update_is_missed_on_a_busy_server),
	    cmocka_unit_test(no_update_is_missed_on_an_idle_server),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
