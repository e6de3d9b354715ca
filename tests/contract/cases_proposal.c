/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Proposals: one for an account, answered, listed, withdrawn. */
#include "contract.h"
#include "store/proposal.h"

static int64_t
propose(struct store_txn *txn, int64_t account, const char *phase, int state)
{
	const struct store_proposal proposal = {.account = account,
	    .phase = dom_slice_of(phase),
	    .target = dom_slice_of("sg"),
	    .told_ms = 100,
	    .begins_ms = 200,
	    .grace_days = 30,
	    .state = state};
	int64_t number = 0;

	assert_status(store_proposal_add(txn, &proposal, &number), DOM_OK);
	return number;
}

static void
an_account_has_one_proposal_which_is_found_as_it_was_stored(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2), number;
	struct store_proposal found, again = {.account = ana};

	number = propose(txn, ana, "pilot", STORE_PROPOSAL_ASKED);
	assert_status(store_proposal_add(txn, &again, &again.number), DOM_CONFLICT);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(store_proposal_of(txn, bo, world->arena, &found), DOM_ABSENT);
	assert_status(store_proposal_of(txn, ana, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, number);
	assert_int_equal(found.account, ana);
	assert_slice(found.phase, "pilot");
	assert_slice(found.target, "sg");
	assert_int_equal(found.told_ms, 100);
	assert_int_equal(found.begins_ms, 200);
	assert_int_equal(found.grace_days, 30);
	assert_int_equal(found.state, STORE_PROPOSAL_ASKED);
	read_end(world);
}

static void
an_answer_names_the_move(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	struct store_proposal found;

	propose(txn, ana, "pilot", STORE_PROPOSAL_ASKED);
	assert_status(store_proposal_of(txn, ana, world->arena, &found), DOM_OK);
	found.state = STORE_PROPOSAL_AGREED;
	memset(found.move, 7, sizeof(found.move));
	assert_status(store_proposal_update(txn, &found), DOM_OK);
	assert_status(store_proposal_of(txn, ana, world->arena, &found), DOM_OK);
	assert_int_equal(found.state, STORE_PROPOSAL_AGREED);
	assert_int_equal(found.move[15], 7);
	found.number += 100;
	assert_status(store_proposal_update(txn, &found), DOM_ABSENT);
	write_commit(world);
}

static void
what_was_not_agreed_to_can_be_withdrawn(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	struct store_proposal *rows;
	uint64_t removed;
	size_t count;

	propose(txn, add_account(txn, "ana", 1), "a", STORE_PROPOSAL_ASKED);
	propose(txn, add_account(txn, "bo", 2), "a", STORE_PROPOSAL_AGREED);
	propose(txn, add_account(txn, "cy", 3), "b", STORE_PROPOSAL_REFUSED);
	propose(txn, add_account(txn, "di", 4), "b", STORE_PROPOSAL_RELEASED);
	assert_status(store_proposal_list(txn, 0, 3, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 3);
	assert_slice(rows[2].phase, "b");
	assert_status(
	    store_proposal_list(txn, rows[2].number, 3, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_status(store_proposal_withdraw(txn, 1, &removed), DOM_OK);
	assert_int_equal(removed, 1);
	assert_status(store_proposal_withdraw(txn, 10, &removed), DOM_OK);
	assert_int_equal(removed, 1);
	assert_status(store_proposal_list(txn, 0, 10, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].state, STORE_PROPOSAL_AGREED);
	assert_int_equal(rows[1].state, STORE_PROPOSAL_RELEASED);
	write_commit(world);
}

const struct CMUnitTest proposal_cases[] = {
    CONTRACT_CASE(an_account_has_one_proposal_which_is_found_as_it_was_stored),
    CONTRACT_CASE(an_answer_names_the_move),
    CONTRACT_CASE(what_was_not_agreed_to_can_be_withdrawn),
};
const size_t proposal_case_count = sizeof(proposal_cases) / sizeof(proposal_cases[0]);
