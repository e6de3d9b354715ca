/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The history checker, on histories that have an order and on planted anomalies. */
/* cmocka.h wants these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#include "sim/history.h"

enum { OPERATIONS_MAX = 8 };

struct operation {
	char what; /* 'w' or 'r'; 0: the end */
	uint64_t value;
	int64_t began, ended;
	uint32_t reg;
};

struct story {
	const char *name;
	bool is_good;
	struct operation operations[OPERATIONS_MAX];
};

static const struct story stories[] = {
    {"nothing was read", true, {{'w', 1, 1, 2, 0}, {'w', 2, 3, 4, 0}}},
    {"one after the other", true,
        {{'w', 1, 1, 2, 0}, {'r', 1, 3, 4, 0}, {'w', 2, 5, 6, 0}, {'r', 2, 7, 8, 0}}},
    {"not there before", true, {{'r', 0, 1, 2, 0}, {'w', 1, 3, 4, 0}, {'r', 1, 5, 6, 0}}},
    {"during a write either is right", true,
        {{'w', 1, 1, 2, 0}, {'w', 2, 3, 9, 0}, {'r', 1, 4, 5, 0}, {'r', 2, 6, 7, 0}}},
    {"two writes at once, read in one order", true,
        {{'w', 1, 1, 9, 0}, {'w', 2, 1, 9, 0}, {'r', 2, 10, 11, 0}, {'r', 2, 12, 13, 0}}},
    {"a write without an answer was done", true,
        {{'w', 1, 1, 2, 0}, {'w', 2, 3, HISTORY_OPEN, 0}, {'r', 1, 4, 5, 0},
            {'r', 2, 90, 91, 0}}},
    {"a write without an answer was not done", true,
        {{'w', 1, 1, 2, 0}, {'w', 2, 3, HISTORY_OPEN, 0}, {'r', 1, 90, 91, 0}}},
    {"a retry is the same write", true,
        {{'w', 1, 1, HISTORY_OPEN, 0}, {'r', 1, 3, 4, 0}, {'w', 2, 5, 6, 0}, {'w', 1, 7, 8, 0},
            {'r', 2, 9, 10, 0}}},
    {"registers have nothing to do with each other", true,
        {{'w', 1, 1, 2, 0}, {'w', 2, 3, 4, 1}, {'r', 0, 3, 4, 2}, {'r', 1, 9, 10, 0}}},
    {"a lost write", false, {{'w', 1, 1, 2, 0}, {'w', 2, 3, 4, 0}, {'r', 1, 5, 6, 0}}},
    {"a lost first write", false, {{'w', 1, 1, 2, 0}, {'r', 0, 3, 4, 0}}},
    {"a reader goes back", false,
        {{'w', 1, 1, 2, 0}, {'w', 2, 3, 20, 0}, {'r', 2, 4, 5, 0}, {'r', 1, 6, 7, 0}}},
    {"two readers see two orders", false,
        {{'w', 1, 1, 9, 0}, {'w', 2, 1, 9, 0}, {'r', 1, 10, 11, 0}, {'r', 2, 12, 13, 0},
            {'r', 1, 14, 15, 0}}},
    {"a value from nowhere", false, {{'w', 1, 1, 2, 0}, {'r', 7, 3, 4, 0}}},
    {"a value before its time", false, {{'r', 1, 1, 2, 0}, {'w', 1, 3, 4, 0}}},
    {"what was refused came back after another write", false,
        {{'w', 1, 1, 2, 0}, {'r', 1, 3, 4, 0}, {'w', 2, 5, 6, 0}, {'r', 2, 7, 8, 0},
            {'r', 1, 9, 10, 0}}},
    {"in the second register", false,
        {{'w', 1, 1, 2, 0}, {'r', 1, 3, 4, 0}, {'w', 5, 5, 6, 1}, {'r', 0, 7, 8, 1}}},
};

static void
tell(struct history *history, const struct operation *operation)
{
	if (operation->what == 'w')
		assert_true(history_write(history, operation->reg, operation->value,
		    operation->began, operation->ended));
	else
		assert_true(history_read(history, operation->reg, operation->value,
		    operation->began, operation->ended));
}

static void
every_story_is_judged_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		struct history *history = history_new();
		struct history_anomaly anomaly;

		assert_non_null(history);
		for (unsigned j = 0; stories[i].operations[j].what != 0; j++)
			tell(history, &stories[i].operations[j]);
		if (history_check(history, &anomaly) != stories[i].is_good)
			fail_msg("%s", stories[i].name);
		history_free(&history);
	}
}

static uint64_t
dice(uint64_t *state, uint64_t bound)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state >> 16) % bound;
}

enum { ROUNDS = 2000, LENGTH = 40 };

/*
 * Histories of one register that had an order, each operation lengthened at
 * both ends at random; then one read that is changed to a value that was
 * overwritten long before it began.
 */
static void
random_histories_pass_and_one_stale_read_in_them_is_found(void **state)
{
	uint64_t random = 88172645463325252u;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct history *history = history_new();
		struct history_anomaly anomaly;
		uint64_t value = 0, values = 0;
		bool plants = round % 2 == 1;

		for (int64_t i = 1; i <= LENGTH; i++) {
			int64_t began = i * 100 - (int64_t)dice(&random, 250);
			int64_t ended = i * 100 + 1 + (int64_t)dice(&random, 250);

			if (dice(&random, 3) == 0) {
				value = ++values;
				assert_true(history_write(history, 0, value, began, ended));
			} else {
				assert_true(history_read(history, 0, value, began, ended));
			}
		}
		if (plants && values >= 3) {
			assert_true(history_write(history, 0, 1000, 9000, 9001));
			assert_true(
			    history_read(history, 0, 1 + dice(&random, values), 9100, 9101));
		}
		assert_int_equal(history_check(history, &anomaly), !(plants && values >= 3));
		history_free(&history);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_story_is_judged_right),
	    cmocka_unit_test(random_histories_pass_and_one_stale_read_in_them_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
