/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How long who comes to a loop waits, out of its turns and its messages. */
#include "http/delay.h"
#include "testing.h"

static struct http_delay delay;
static int64_t now_us;

static int
set_up(void **state)
{
	(void)state;
	now_us = 5000000;
	delay = (struct http_delay){.since_us = now_us};
	return 0;
}

/* Turns of so long with such pauses between them, to the end of a while; the mean. */
static int64_t
mean_of(int64_t turn_us, int64_t pause_us)
{
	int64_t mean_us = -1;

	for (unsigned i = 0; i < 1000000; i++) {
		now_us += pause_us + turn_us;
		if (http_delay_turn(&delay, now_us - turn_us, now_us, &mean_us))
			return mean_us;
	}
	fail();
	return -1;
}

static void
who_comes_waits_for_half_a_turn_if_there_is_one(void **state)
{
	(void)state;
	assert_int_equal(mean_of(0, 1000), 0);
	/* Always busy, in short turns or in long ones. */
	assert_int_equal(mean_of(100, 0), 50);
	assert_int_equal(mean_of(20000, 0), 10000);
	/* Busy for a tenth of the time, so nine of ten do not wait at all. */
	assert_int_equal(mean_of(1000, 9000), 50);
}

static void
one_long_turn_among_many_short_ones_counts(void **state)
{
	int64_t mean_us;

	(void)state;
	now_us += 100000;
	assert_false(http_delay_turn(&delay, now_us - 100000, now_us, &mean_us));
	/* Half of those who came met it, and waited for 50 ms. */
	assert_in_range(mean_of(10, 90), 24900, 25100);
	assert_int_equal(mean_of(10, 90), 0);
}

static void
one_that_is_longer_than_the_while_counts_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(mean_of(3000000, 0), 1500000);
}

static void
messages_that_lay_there_count(void **state)
{
	(void)state;
	http_delay_message(&delay, 3000);
	http_delay_message(&delay, 5000);
	assert_int_equal(mean_of(100, 900), 4000);
	/* And then not any more. */
	assert_int_equal(mean_of(100, 900), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(who_comes_waits_for_half_a_turn_if_there_is_one, set_up),
	    cmocka_unit_test_setup(one_long_turn_among_many_short_ones_counts, set_up),
	    cmocka_unit_test_setup(one_that_is_longer_than_the_while_counts_as_it_is, set_up),
	    cmocka_unit_test_setup(messages_that_lay_there_count, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
