/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A target that runs out of memory over a page of the copy: it keeps nothing of the page. */
#include "move_pair.h"
#include "sim/alloc.h"

enum { NTH_MAX = 1000, TRIES_EACH = 3, STEPS_MAX = 50, FAILURES_MIN = 30 };

static uint64_t fails_nth; /* from when a page has come */
static bool has_come;

static bool
page_has_come(struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask;
	if (op != WIRE_PEER_RECORDS || to != 0)
		return true;
	has_come = true;
	sim_alloc_fail(fails_nth, false);
	return true;
}

/* The step in which the target asks for a page; is there an allocation that fails? */
static bool
take_page(uint64_t nth, enum dom_status *st_r)
{
	has_come = false;
	fails_nth = nth;
	for (int i = 0; i < STEPS_MAX && !has_come; i++) {
		int64_t wait_ms = 0;

		*st_r = mover_step(pair.asks[1], &wait_ms);
		if (*st_r == DOM_ABSENT)
			house.now_ms += wait_ms;
	}
	assert_true(has_come);
	return sim_alloc_heal() != 0;
}

/* The source alone works, so that nothing of the account has been asked for yet. */
static void
offer_it(void)
{
	for (int i = 0; i < STEPS_MAX && the_move(1).state != WIRE_MOVE_STAGING; i++) {
		int64_t wait_ms;

		assert_true(mover_step(pair.answers[0], &wait_ms) >= 0);
		assert_true(mover_step(pair.asks[0], &wait_ms) >= 0);
	}
	assert_int_equal(the_move(1).state, WIRE_MOVE_STAGING);
}

static void
a_page_that_is_not_taken_is_let_go(void **state)
{
	unsigned failures = 0;
	bool has_struck = true;

	(void)state;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	offer_it();
	pair.answered = page_has_come;
	for (uint64_t nth = 1; has_struck && nth < NTH_MAX; nth++) {
		int64_t live[TRIES_EACH] = {0};
		enum dom_status st;

		/* The first may leave arenas larger than they were. */
		for (int i = 0; has_struck && i < TRIES_EACH; i++) {
			has_struck = take_page(nth, &st);
			failures += has_struck && st < 0;
			live[i] = sim_alloc_live();
		}
		if (has_struck && live[TRIES_EACH - 1] != live[TRIES_EACH - 2])
			fail_msg("%d blocks are lost with each page (allocation %d)",
			    (int)(live[TRIES_EACH - 1] - live[TRIES_EACH - 2]), (int)nth);
	}
	assert_false(has_struck);
	assert_true(failures >= FAILURES_MIN);
	/* What was asked for again has come as well. */
	pair.answered = NULL;
	pair_run_until(1, WIRE_MOVE_HOME);
	assert_int_equal(homes(), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {PAIR_TEST(a_page_that_is_not_taken_is_let_go)};

	sim_alloc_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
