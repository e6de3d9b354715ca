/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The keeper's thread when something fails: who waits for what, on a clock that stands still.
 */
#include <semaphore.h>
#include <time.h>

#include "daemon/keeper.h"
#include "testing.h"

enum { PATIENCE_SECONDS = 20 };

static struct retention_desk *const desk = NULL;
static sem_t stepped, swept;
static enum dom_status keeper_answer, sweep_answer;

/* Later than any time that the thread rests until, so that nothing but a wake ends a rest. */
int __real_clock_gettime(clockid_t id, struct timespec *now_r);
int __wrap_clock_gettime(clockid_t id, struct timespec *now_r);
int
__wrap_clock_gettime(clockid_t id, struct timespec *now_r)
{
	if (id != CLOCK_MONOTONIC)
		return __real_clock_gettime(id, now_r);
	*now_r = (struct timespec){.tv_sec = 1000 * 1000 * 1000};
	return 0;
}

/* --- what the thread calls ------------------------------------------------------- */

enum dom_status
keeper_open(const struct keeper_options *options, struct keeper **keeper_r)
{
	(void)options;
	*keeper_r = NULL;
	return DOM_OK;
}

void
keeper_close(struct keeper **keeper)
{
	(void)keeper;
}

enum dom_status
keeper_step(struct keeper *keeper)
{
	(void)keeper;
	sem_post(&stepped);
	return keeper_answer;
}

enum dom_status
keeper_tick(struct keeper_time *time, struct store *store, int64_t now_ms, int64_t monotonic_ms)
{
	(void)time, (void)store, (void)now_ms, (void)monotonic_ms;
	return DOM_OK;
}

enum dom_status
retention_desk_step(
    struct retention_desk *which, const struct service *service, struct store_reader *reader)
{
	(void)which, (void)service, (void)reader;
	sem_post(&swept);
	return sweep_answer;
}

enum dom_status
store_reader_open(struct store *store, struct store_reader **reader_r)
{
	(void)store;
	*reader_r = NULL;
	return DOM_OK;
}

void
store_reader_close(struct store_reader **reader)
{
	(void)reader;
}

void
store_figures(struct store *store, struct store_figures *figures_r)
{
	(void)store;
	*figures_r = (struct store_figures){0};
}

/* --- the tests --------------------------------------------------------------------- */

static void
expect(sem_t *what)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	assert_int_equal(sem_timedwait(what, &until), 0);
}

static struct keeper_thread *
start(enum dom_status of_keeper, enum dom_status of_sweep)
{
	struct keeper_thread *thread;
	static struct service service;
	const struct keeper_options options = {.service = &service};
	char message[200];

	service.clock = dom_clock_system();
	keeper_answer = of_keeper;
	sweep_answer = of_sweep;
	sem_init(&stepped, 0, 0);
	sem_init(&swept, 0, 0);
	assert_int_equal(
	    keeper_thread_open(&options, desk, &thread, message, sizeof(message)), DOM_OK);
	return thread;
}

static void
who_erases_does_not_wait_for_retention_that_fails(void **state)
{
	struct keeper_thread *thread = start(DOM_ABSENT, DOM_ESTORE);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		expect(&stepped);
		expect(&swept);
		keeper_thread_wake(thread);
	}
	keeper_thread_close(&thread);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_erases_does_not_wait_for_retention_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
