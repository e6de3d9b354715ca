/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Threads that work in steps: nobody who wakes them is passed over, and they stop at once. */
#include <semaphore.h>
#include <time.h>

#include "daemon/worker.h"
#include "testing.h"

enum {
	FOR_EVER_MS = 3600 * 1000, /* longer than any test may take */
	PATIENCE_SECONDS = 20,
};

struct steps {
	sem_t begun, may_end;
};

static int64_t
step(void *context)
{
	struct steps *steps = context;

	sem_post(&steps->begun);
	sem_wait(&steps->may_end);
	return FOR_EVER_MS;
}

static void
expect_step(struct steps *steps)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	assert_int_equal(sem_timedwait(&steps->begun, &until), 0);
}

static struct workers *
start(struct steps *steps)
{
	struct workers *workers = workers_new();

	assert_non_null(workers);
	sem_init(&steps->begun, 0, 0);
	sem_init(&steps->may_end, 0, 0);
	assert_int_equal(workers_add(workers, step, steps), DOM_OK);
	expect_step(steps);
	return workers;
}

static void
who_wakes_it_in_a_step_gets_another_one(void **state)
{
	struct steps steps;
	struct workers *workers = start(&steps);

	(void)state;
	workers_wake(workers);
	workers_wake(workers);
	sem_post(&steps.may_end);
	expect_step(&steps);
	/* One for both; then it rests, until it is woken or stopped. */
	sem_post(&steps.may_end);
	workers_wake(workers);
	expect_step(&steps);
	sem_post(&steps.may_end);
	workers_free(&workers);
	assert_null(workers);
	assert_int_not_equal(sem_trywait(&steps.begun), 0);
}

static void
all_of_them_stop_within_a_step(void **state)
{
	struct steps steps, more;
	struct workers *workers = start(&steps);

	(void)state;
	sem_init(&more.begun, 0, 0);
	sem_init(&more.may_end, 0, 1);
	assert_int_equal(workers_add(workers, step, &more), DOM_OK);
	expect_step(&more);
	assert_false(workers_stopping(workers));
	sem_post(&steps.may_end);
	workers_stop(workers);
	assert_true(workers_stopping(workers));
	workers_wake(workers); /* harmless */
	workers_free(&workers);
	workers_free(&workers);
}

static void
a_failure_is_told_once_and_then_now_and_then(void **state)
{
	struct worker_failure failure = {DOM_OK, 0};
	unsigned told = 0;

	(void)state;
	for (unsigned i = 0; i < 240; i++)
		told += worker_failure_is_news(&failure, DOM_ESTORE);
	assert_int_equal(told, 2);
	assert_true(worker_failure_is_news(&failure, DOM_EFILE));
	failure.last = DOM_OK;
	assert_true(worker_failure_is_news(&failure, DOM_EFILE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_wakes_it_in_a_step_gets_another_one),
	    cmocka_unit_test(all_of_them_stop_within_a_step),
	    cmocka_unit_test(a_failure_is_told_once_and_then_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
