/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An operator asks, a person answers; nothing moves without an order. */
#include "wire/moves.h"

#include "house.h"
#include "services/move/proposal.h"

static struct store_proposal proposal;

static int64_t
number_of(const char *name)
{
	struct store_txn *txn = NULL;
	struct store_account account;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of(name), house.arena, &account), DOM_OK);
	store_read_end(&txn);
	return account.number;
}

static enum dom_status
run_tell(struct store_txn *txn, void *context)
{
	return proposal_tell(txn, house.arena, context);
}

static enum dom_status
tell(const char *name)
{
	proposal = (struct store_proposal){.account = number_of(name),
	    .phase = dom_slice_of("pilot"),
	    .target = dom_slice_of("sg"),
	    .told_ms = 100,
	    .begins_ms = 200,
	    .grace_days = 30};
	return store_write(house.store, run_tell, &proposal);
}

static void
assert_answer(const struct person *person, const char *answer)
{
	struct wire_proposal seen;

	assert_int_equal(get(SERVICE_PROPOSAL, person), SERVICE_DONE);
	assert_int_equal(
	    wire_proposal_decode(dom_buffer_slice(&house.reply.body), &seen), DOM_OK);
	assert_true(dom_slice_is(seen.target, "sg"));
	assert_int_equal(seen.told_ms, 100);
	assert_int_equal(seen.begins_ms, 200);
	assert_int_equal(seen.grace_days, 30);
	assert_true(dom_slice_is(seen.answer, answer));
}

static enum service_code
answer(const struct person *person, bool refuses)
{
	ask(SERVICE_PROPOSAL_ANSWER, person);
	wire_proposal_answer_encode(&house.body, refuses);
	return send();
}

static void
who_is_asked_sees_it_and_nobody_else_does(void **state)
{
	(void)state;
	assert_int_equal(get(SERVICE_PROPOSAL, &house.ana), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(tell("ana"), DOM_OK);
	assert_int_equal(tell("ana"), DOM_CONFLICT);
	assert_answer(&house.ana, "none");
	assert_int_equal(get(SERVICE_PROPOSAL, &house.bob), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(get(SERVICE_PROPOSAL, NULL), SERVICE_NOT_AUTHENTICATED);
}

static void
who_refuses_may_think_again(void **state)
{
	(void)state;
	assert_int_equal(answer(&house.ana, true), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(tell("ana"), DOM_OK);
	assert_int_equal(answer(&house.ana, true), SERVICE_DONE);
	assert_answer(&house.ana, "refused");
	assert_int_equal(answer(&house.ana, false), SERVICE_DONE);
	assert_answer(&house.ana, "none");
	ask(SERVICE_PROPOSAL_ANSWER, &house.ana);
	dom_buffer_append_text(&house.body, "?");
	assert_int_not_equal(send(), SERVICE_DONE);
	assert_answer(&house.ana, "none");
}

static int
set_up(void **state)
{
	if (house_set_up(state) != 0)
		return -1;
	sign_up(&house.ana);
	sign_up(&house.bob);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        who_is_asked_sees_it_and_nobody_else_does, set_up, house_tear_down),
	    cmocka_unit_test_setup_teardown(
	        who_refuses_may_think_again, set_up, house_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
