/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Tickets: once, for a short time, and not too many.  Sockets of an account that moves. */
#include "crypto/digest.h"

#include "house.h"
#include "services/push/push.h"
#include "store/move.h"

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
put_ticket(struct push_tickets *tickets, int64_t account, int64_t now_ms, char text_r[])
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

	assert_int_equal(put_ticket(*state, 7, 1000, text), DOM_OK);
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

	assert_int_equal(put_ticket(*state, 7, 1000, text), DOM_OK);
	assert_int_equal(use(*state, text, 1000 + PUSH_TICKET_LIFE_MS), DOM_ABSENT);
	/* Nor longer if the clock is set back. */
	assert_int_equal(put_ticket(*state, 7, 100000, text), DOM_OK);
	assert_int_equal(use(*state, text, 1000), DOM_ABSENT);
	assert_int_equal(use(*state, text, 100000 + PUSH_TICKET_LIFE_MS - 1), DOM_OK);
}

static void
what_is_no_ticket_opens_nothing(void **state)
{
	char text[PUSH_TICKET_SIZE + 1];

	assert_int_equal(put_ticket(*state, 7, 1000, text), DOM_OK);
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

	assert_int_equal(put_ticket(*state, 8, 900, other), DOM_OK);
	for (unsigned i = 0; i <= PUSH_TICKETS_OF_ACCOUNT_MAX; i++)
		assert_int_equal(put_ticket(*state, 7, 1000 + i, texts[i]), DOM_OK);
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
		assert_int_equal(put_ticket(*state, 100 + i, 1000, text), DOM_OK);
	assert_int_equal(put_ticket(*state, 7, 1000, text), DOM_ELIMIT);
	/* Who has some may change one. */
	assert_int_equal(put_ticket(*state, 100, 1001, text), DOM_OK);
	assert_int_equal(put_ticket(*state, 7, 1000 + PUSH_TICKET_LIFE_MS, text), DOM_OK);
	assert_int_equal(use(*state, text, 1000 + PUSH_TICKET_LIFE_MS), DOM_OK);
}

/* Ana's account, which is Bob's too, as far as its state goes. */
static enum dom_status
turn(struct store_txn *txn, void *context)
{
	const enum store_account_state *states = context;

	return store_account_turn(txn, 1, states[0], states[1], 1);
}

static void
turn_from(enum store_account_state from, enum store_account_state to)
{
	enum store_account_state states[] = {from, to};

	assert_int_equal(store_write(house.store, turn, states), DOM_OK);
}

/* What a socket of Ana's gets to read, from the beginning. */
static enum dom_status
next_of_ana(void)
{
	struct push_owner owner = {.number = 1};
	struct push_subscription subscription = {
	    .account = 1, .collection = 1, .owners = &owner, .owner_count = 1};
	struct push_message message = {0};
	struct store_txn *txn = NULL;
	enum dom_status st;

	strcpy(subscription.uid, uid('c', 1));
	assert_int_equal(
	    dom_sha256(dom_slice_of(house.ana.token), subscription.token_hash), DOM_OK);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = push_next(&house.service, txn, &subscription, UINT64_MAX, house.arena, &message);
	store_read_end(&txn);
	dom_buffer_free(&message.body);
	return st;
}

static void
sockets_stay_while_it_is_frozen_and_end_when_it_is_gone(void **state)
{
	struct wire_item one = item(1, 'a', NULL);

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	assert_int_equal(next_of_ana(), DOM_OK);
	turn_from(STORE_ACCOUNT_HOME, STORE_ACCOUNT_FROZEN);
	assert_int_equal(next_of_ana(), DOM_OK);
	turn_from(STORE_ACCOUNT_FROZEN, STORE_ACCOUNT_GONE);
	assert_int_equal(next_of_ana(), DOM_EFENCED);
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
	    TEST(sockets_stay_while_it_is_frozen_and_end_when_it_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
