/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Tickets alone: once, for a short time, and not too many. */
#include "services/push/push.h"
#include "testing.h"

static unsigned takes, gives;

static void
take(void *context)
{
	(void)context;
	assert_int_equal(takes, gives);
	takes++;
}

static void
give(void *context)
{
	(void)context;
	gives++;
}

static int
set_up(void **state)
{
	*state = push_tickets_open(&(struct push_lock){.take = take, .give = give});
	return *state == NULL;
}

static int
tear_down(void **state)
{
	struct push_tickets *tickets = *state;

	assert_int_equal(takes, gives);
	push_tickets_close(&tickets);
	assert_null(tickets);
	push_tickets_close(&tickets);
	return 0;
}

/* Different bytes each time, as randomness would be. */
static enum dom_status
put(struct push_tickets *tickets, int64_t account, int64_t now_ms, char text_r[])
{
	static uint8_t count[2];
	uint8_t fresh[PUSH_TICKET_BYTES] = {0};

	if (++count[0] == 0)
		count[1]++;
	memcpy(fresh + 4, count, sizeof(count));
	return push_ticket_put(tickets,
	    &(struct push_ticket){.account = account, .collection = account * 10}, now_ms,
	    fresh, text_r);
}

static enum dom_status
use(struct push_tickets *tickets, const char *text, int64_t now_ms)
{
	struct push_ticket ticket;

	return push_ticket_take(tickets, dom_slice_of(text), now_ms, &ticket);
}

static void
a_ticket_says_once_whose_it_is(void **state)
{
	char text[PUSH_TICKET_SIZE + 1];
	struct push_ticket ticket;

	assert_int_equal(put(*state, 7, 1000, text), DOM_OK);
	assert_int_equal(strlen(text), PUSH_TICKET_SIZE);
	assert_int_equal(push_ticket_take(*state, dom_slice_of(text), 2000, &ticket), DOM_OK);
	assert_int_equal(ticket.account, 7);
	assert_int_equal(ticket.collection, 70);
	assert_int_equal(use(*state, text, 2000), DOM_ABSENT);
}

static void
a_ticket_lives_for_seconds(void **state)
{
	char text[PUSH_TICKET_SIZE + 1];

	assert_int_equal(put(*state, 7, 1000, text), DOM_OK);
	assert_int_equal(use(*state, text, 1000 + PUSH_TICKET_LIFE_MS), DOM_ABSENT);
	/* Nor longer if the clock is set back. */
	assert_int_equal(put(*state, 7, 100000, text), DOM_OK);
	assert_int_equal(use(*state, text, 1000), DOM_ABSENT);
	assert_int_equal(use(*state, text, 100000 + PUSH_TICKET_LIFE_MS - 1), DOM_OK);
}

static void
what_is_no_ticket_opens_nothing(void **state)
{
	char text[PUSH_TICKET_SIZE + 1];

	assert_int_equal(put(*state, 7, 1000, text), DOM_OK);
	assert_int_equal(use(*state, "", 1000), DOM_ABSENT);
	assert_int_equal(use(*state, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1000), DOM_ABSENT);
	/* A slot beyond the last. */
	assert_int_equal(use(*state, "_____wAAAAAAAAAAAAAAAAAAAAAAAAAA", 1000), DOM_ABSENT);
	text[PUSH_TICKET_SIZE - 1] ^= 1;
	assert_int_equal(use(*state, text, 1000), DOM_ABSENT);
	text[PUSH_TICKET_SIZE - 1] ^= 1;
	assert_int_equal(use(*state, text, 1000), DOM_OK);
}

static void
an_account_has_a_bounded_number(void **state)
{
	static char texts[PUSH_TICKETS_OF_ACCOUNT_MAX + 1][PUSH_TICKET_SIZE + 1];
	char other[PUSH_TICKET_SIZE + 1];

	assert_int_equal(put(*state, 8, 900, other), DOM_OK);
	for (unsigned i = 0; i <= PUSH_TICKETS_OF_ACCOUNT_MAX; i++)
		assert_int_equal(put(*state, 7, 1000 + i, texts[i]), DOM_OK);
	/* The oldest of its own has gone, and nobody else's. */
	assert_int_equal(use(*state, texts[0], 2000), DOM_ABSENT);
	for (unsigned i = 1; i <= PUSH_TICKETS_OF_ACCOUNT_MAX; i++)
		assert_int_equal(use(*state, texts[i], 2000), DOM_OK);
	assert_int_equal(use(*state, other, 2000), DOM_OK);
}

static void
a_full_table_refuses_until_tickets_grow_old(void **state)
{
	char text[PUSH_TICKET_SIZE + 1];

	for (unsigned i = 0; i < PUSH_TICKETS_MAX; i++)
		assert_int_equal(put(*state, 100 + i, 1000, text), DOM_OK);
	assert_int_equal(put(*state, 7, 1000, text), DOM_ELIMIT);
	/* Who has some may change one. */
	assert_int_equal(put(*state, 100, 1001, text), DOM_OK);
	assert_int_equal(put(*state, 7, 1000 + PUSH_TICKET_LIFE_MS, text), DOM_OK);
	assert_int_equal(use(*state, text, 1000 + PUSH_TICKET_LIFE_MS), DOM_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_ticket_says_once_whose_it_is, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_ticket_lives_for_seconds, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_no_ticket_opens_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_account_has_a_bounded_number, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_full_table_refuses_until_tickets_grow_old, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
