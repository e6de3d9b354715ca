/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Collections, members, and the list of what an account is a member of. */
#include "contract.h"

static struct store_member
sample_member(int64_t collection, int64_t account, uint64_t clock, const char *type)
{
	return (struct store_member){
	    .collection = collection,
	    .account = account,
	    .clock = clock,
	    .access_level = 1,
	    .collection_key = dom_slice_of("key"),
	    .collection_type = dom_slice_of(type),
	};
}

static void
add_member(struct store_txn *txn, int64_t collection, int64_t account, uint64_t clock,
    const char *type)
{
	struct store_member member = sample_member(collection, account, clock, type);

	assert_status(store_member_add(txn, &member), DOM_OK);
}

static void
a_collection_is_found_by_its_uid_which_is_unique(void **state)
{
	struct world *world = *state;
	struct store_collection found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 9), bo = add_account(txn, "bo", 2);
	int64_t number = add_collection(txn, "c1", ana), other;

	assert_status(store_collection_add(txn, dom_slice_of("c1"), bo, &other), DOM_CONFLICT);
	assert_status(store_collection_add(txn, dom_slice_of("c2"), 99, &other), DOM_ABSENT);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(
	    store_collection_find(txn, dom_slice_of("c1"), world->arena, &found), DOM_OK);
	assert_int_equal(found.number, number);
	assert_int_equal(found.owner, ana);
	assert_int_equal(found.owner_id[15], 9);
	assert_slice(found.uid, "c1");
	assert_int_equal(found.items_clock, 0);
	assert_int_equal(found.members_clock, 0);
	assert_status(
	    store_collection_find(txn, dom_slice_of("c2"), world->arena, &found), DOM_ABSENT);
}

static void
a_member_is_found_by_collection_and_account(void **state)
{
	struct world *world = *state;
	struct store_member member, found;
	struct store_collection collection;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	int64_t number = add_collection(txn, "c1", ana);

	add_member(txn, number, ana, 4, "type");
	member = sample_member(number, bo, 3, "");
	member.access_level = 2;
	assert_status(store_member_add(txn, &member), DOM_OK);
	assert_status(store_member_add(txn, &member), DOM_CONFLICT);
	member.account = 99;
	assert_status(store_member_add(txn, &member), DOM_ABSENT);
	member.account = bo;
	member.collection = 99;
	assert_status(store_member_add(txn, &member), DOM_ABSENT);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_member_find(txn, number, bo, world->arena, &found), DOM_OK);
	assert_int_equal(found.collection, number);
	assert_int_equal(found.account, bo);
	assert_int_equal(found.clock, 3);
	assert_int_equal(found.access_level, 2);
	assert_slice(found.collection_key, "key");
	assert_slice(found.collection_type, "");
	assert_status(store_member_find(txn, number, 99, world->arena, &found), DOM_ABSENT);
	assert_status(store_member_find(txn, 99, bo, world->arena, &found), DOM_ABSENT);
	assert_status(
	    store_collection_find(txn, dom_slice_of("c1"), world->arena, &collection), DOM_OK);
	assert_int_equal(collection.members_clock, 4);
}

static void
owners_are_listed_by_ascending_id_and_once(void **state)
{
	struct world *world = *state;
	struct store_account *owners;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 200), bo = add_account(txn, "bo", 100);
	size_t count;

	add_member(txn, add_collection(txn, "c1", ana), ana, 1, "");
	add_member(txn, add_collection(txn, "c2", bo), ana, 1, "");
	add_member(txn, add_collection(txn, "c3", ana), ana, 2, "");
	assert_status(store_membership_owners(txn, ana, world->arena, &owners, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_int_equal(owners[0].number, bo);
	assert_int_equal(owners[0].id[0], 100);
	assert_int_equal(owners[1].number, ana);
	assert_status(store_membership_owners(txn, bo, world->arena, &owners, &count), DOM_OK);
	assert_int_equal(count, 0);
	write_commit(world);
}

static void
memberships_are_walked_by_the_newest_of_items_and_membership(void **state)
{
	struct world *world = *state;
	struct store_membership *rows;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	int64_t one = add_collection(txn, "c1", ana), two = add_collection(txn, "c2", ana),
	        three = add_collection(txn, "c3", ana);
	size_t count;

	add_member(txn, one, ana, 1, "t1");
	add_member(txn, two, ana, 2, "t2");
	add_member(txn, three, ana, 3, "");
	add_member(txn, add_collection(txn, "b1", bo), ana, 50, "t1");
	assert_status(put_item(txn, one, "i1", "e1", 7), DOM_OK);
	write_commit(world);
	txn = read_begin(world);
	assert_status(
	    store_membership_scan(txn, ana, ana, 0, NULL, 0, 10, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].collection.number, two);
	assert_int_equal(rows[0].clock, 2);
	assert_slice(rows[0].collection.uid, "c2");
	assert_int_equal(rows[0].collection.owner, ana);
	assert_int_equal(rows[0].collection.owner_id[0], 1);
	assert_slice(rows[0].member.collection_type, "t2");
	assert_int_equal(rows[1].collection.number, three);
	assert_int_equal(rows[2].collection.number, one);
	assert_int_equal(rows[2].clock, 7);
	assert_int_equal(rows[2].collection.items_clock, 7);
	assert_int_equal(rows[2].member.clock, 1);
	assert_status(
	    store_membership_scan(txn, ana, ana, 2, NULL, 0, 1, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].collection.number, three);
	assert_status(store_membership_scan(
	                  txn, ana, ana, UINT64_MAX, NULL, 0, 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 0);
	assert_status(
	    store_membership_scan(txn, bo, bo, 0, NULL, 0, 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 0);
}

static void
memberships_of_other_types_do_not_use_up_the_limit(void **state)
{
	struct world *world = *state;
	struct store_membership *rows;
	struct dom_slice types[] = {dom_slice_of("t2"), dom_slice_of("t3")};
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	size_t count;

	add_member(txn, add_collection(txn, "c1", ana), ana, 1, "t1");
	add_member(txn, add_collection(txn, "c2", ana), ana, 2, "t2");
	add_member(txn, add_collection(txn, "c3", ana), ana, 3, "t1");
	add_member(txn, add_collection(txn, "c4", ana), ana, 4, "");
	add_member(txn, add_collection(txn, "c5", ana), ana, 5, "t3");
	assert_status(
	    store_membership_scan(txn, ana, ana, 0, types, 2, 2, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(rows[0].collection.uid, "c2");
	assert_slice(rows[1].collection.uid, "c4"); /* has no type, so it is for all */
	assert_status(
	    store_membership_scan(txn, ana, ana, 4, types, 2, 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_slice(rows[0].collection.uid, "c5");
	assert_status(
	    store_membership_scan(txn, ana, ana, 0, types, 0, 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	write_commit(world);
}

const struct CMUnitTest collection_cases[] = {
    CONTRACT_CASE(a_collection_is_found_by_its_uid_which_is_unique),
    CONTRACT_CASE(a_member_is_found_by_collection_and_account),
    CONTRACT_CASE(owners_are_listed_by_ascending_id_and_once),
    CONTRACT_CASE(memberships_are_walked_by_the_newest_of_items_and_membership),
    CONTRACT_CASE(memberships_of_other_types_do_not_use_up_the_limit),
};
const size_t collection_case_count = sizeof(collection_cases) / sizeof(collection_cases[0]);
