/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every pair of state and event is what services/move/DESIGN.md draws; no other happens. */
#include "services/move/states.h"
#include "testing.h"

enum { STATES = WIRE_MOVE_DISCARDED + 1 };

/* A letter for each event in the order of enum move_event; '-': it does not happen. */
static const char letters[] = "OXFGLTEC........SZPHVD";
static const struct {
	int state;
	const char *events;
} drawn[] = {
    /*                   accepted, given up, cancel, freeze, abort, switch, active, ack, erase,
     *                   erased, discard, proven; offer, caught up, aborted, prepare, hand-off,
     *                   settle, drop
     * O ordered, X exporting, F frozen, G gone, L lives, T erasing, E erased, C cancelled;
     * S staging, Z freezing, P prepared, H home, V settled, D discarded */
    {WIRE_MOVE_ORDERED, "XCC-------CL-------"},
    {WIRE_MOVE_EXPORTING, "XCCF------CL-------"},
    {WIRE_MOVE_FROZEN, "-CCFXG----CL-------"},
    {WIRE_MOVE_GONE, "-----GLG---L-------"},
    {WIRE_MOVE_LIVES, "-----LLLT--L-------"},
    {WIRE_MOVE_ERASING, "-----TTT-E-T-------"},
    {WIRE_MOVE_ERASED, "-----EEE---E-------"},
    {WIRE_MOVE_CANCELLED, "--C-------CL-------"},
    {WIRE_MOVE_STAGING, "------------SZS---D"},
    {WIRE_MOVE_FREEZING, "------------Z-SP--D"},
    {WIRE_MOVE_PREPARED, "------------P-S-H--"},
    {WIRE_MOVE_HOME, "------------H---HV-"},
    {WIRE_MOVE_SETTLED, "------------V---VV-"},
    {WIRE_MOVE_DISCARDED, "------------------D"},
};

static const char *
drawn_of(int state)
{
	for (size_t i = 0; i < sizeof(drawn) / sizeof(drawn[0]); i++) {
		if (drawn[i].state == state)
			return drawn[i].events;
	}
	return "-------------------";
}

static void
every_pair_is_as_it_is_drawn(void **state)
{
	(void)state;
	for (int at = -1; at <= STATES; at++) {
		const char *events = drawn_of(at);
		int side = at < WIRE_MOVE_STAGING ? STORE_MOVE_SOURCE : STORE_MOVE_TARGET;

		assert_int_equal(strlen(events), MOVE_EVENT_COUNT);
		for (int event = 0; event < MOVE_EVENT_COUNT; event++) {
			int next =
			    move_next((enum store_move_side)side, at, (enum move_event)event);

			if (events[event] == '-') {
				assert_int_equal(next, MOVE_REFUSED);
			} else {
				assert_in_range(next, 0, STATES - 1);
				assert_int_equal(letters[next], events[event]);
			}
			/* The other side's table knows nothing of it. */
			assert_int_equal(move_next((enum store_move_side)(1 - side), at,
			                     (enum move_event)event),
			    MOVE_REFUSED);
		}
	}
}

/* What must never be, whatever else the tables say. */
static void
nobody_comes_back_or_goes_ahead(void **state)
{
	(void)state;
	for (int event = 0; event < MOVE_EVENT_COUNT; event++) {
		enum move_event it = (enum move_event)event;
		int from_gone = move_next(STORE_MOVE_SOURCE, WIRE_MOVE_GONE, it);
		int from_prepared = move_next(STORE_MOVE_TARGET, WIRE_MOVE_PREPARED, it);

		/* Given away is given away. */
		assert_true(from_gone == MOVE_REFUSED || from_gone == WIRE_MOVE_GONE ||
		            from_gone == WIRE_MOVE_LIVES);
		/* What is promised is not dropped. */
		assert_int_not_equal(from_prepared, WIRE_MOVE_DISCARDED);
		/* Nothing but the hand-off makes a region home. */
		for (int at = 0; at < STATES; at++) {
			if (at != WIRE_MOVE_HOME && it != MOVE_HANDOFF)
				assert_int_not_equal(
				    move_next(STORE_MOVE_TARGET, at, it), WIRE_MOVE_HOME);
			/* Nothing is erased before the target is known to be home. */
			if (at != WIRE_MOVE_LIVES && at != WIRE_MOVE_ERASING)
				assert_int_not_equal(
				    move_next(STORE_MOVE_SOURCE, at, it), WIRE_MOVE_ERASING);
		}
	}
}

static void
what_is_over_is_not_open(void **state)
{
	(void)state;
	for (int at = 0; at < STATES; at++)
		assert_int_equal(move_state_open(at),
		    at != WIRE_MOVE_ERASED && at != WIRE_MOVE_CANCELLED &&
		        at != WIRE_MOVE_SETTLED && at != WIRE_MOVE_DISCARDED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_pair_is_as_it_is_drawn),
	    cmocka_unit_test(nobody_comes_back_or_goes_ahead),
	    cmocka_unit_test(what_is_over_is_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
