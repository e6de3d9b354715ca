/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sign-up codes: found by hash, used as often as they may be, listed, dropped. */
#include "contract.h"

static struct store_invite
sample(uint8_t tag, int64_t uses_max, int64_t expires_ms)
{
	struct store_invite invite = {.created_ms = 100,
	    .expires_ms = expires_ms,
	    .uses_max = uses_max,
	    .quota_bytes = -1};

	memset(invite.hash, tag, sizeof(invite.hash));
	return invite;
}

static int64_t
add(struct store_txn *txn, uint8_t tag, int64_t uses_max, int64_t expires_ms)
{
	struct store_invite invite = sample(tag, uses_max, expires_ms);
	int64_t number = 0;

	assert_status(store_invite_add(txn, &invite, &number), DOM_OK);
	assert_true(number > 0);
	return number;
}

static void
an_invite_is_found_by_its_hash_as_it_was_stored(void **state)
{
	struct world *world = *state;
	struct store_invite with = sample(1, 5, 900), found;
	struct store_txn *txn = write_begin(world);
	int64_t number, without;

	with.quota_bytes = 0;
	assert_status(store_invite_add(txn, &with, &number), DOM_OK);
	without = add(txn, 2, 1, 800);
	/* A hash is one invite's. */
	assert_status(store_invite_add(txn, &with, &number), DOM_CONFLICT);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(store_invite_find(txn, with.hash, &found), DOM_OK);
	assert_memory_equal(found.hash, with.hash, sizeof(with.hash));
	assert_int_equal(found.created_ms, 100);
	assert_int_equal(found.expires_ms, 900);
	assert_int_equal(found.uses_max, 5);
	assert_int_equal(found.uses, 0);
	assert_int_equal(found.quota_bytes, 0);
	with = sample(2, 1, 800);
	assert_status(store_invite_find(txn, with.hash, &found), DOM_OK);
	assert_int_equal(found.number, without);
	assert_int_equal(found.quota_bytes, -1);
	with = sample(3, 1, 800);
	assert_status(store_invite_find(txn, with.hash, &found), DOM_ABSENT);
	read_end(world);
}

static void
an_invite_has_no_more_uses_than_it_was_made_with(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t two = add(txn, 1, 2, 900), other = add(txn, 2, 1, 900);
	struct store_invite like = sample(1, 2, 900), found;

	assert_status(store_invite_use(txn, two), DOM_OK);
	assert_status(store_invite_use(txn, two), DOM_OK);
	assert_status(store_invite_use(txn, two), DOM_ABSENT);
	assert_status(store_invite_use(txn, other), DOM_OK);
	assert_status(store_invite_use(txn, other + 100), DOM_ABSENT);
	assert_status(store_invite_find(txn, like.hash, &found), DOM_OK);
	assert_int_equal(found.uses, 2);
	write_commit(world);
}

static void
invites_are_listed_in_order_and_dropped_by_number_or_by_time(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t numbers[4];
	struct store_invite *rows;
	size_t count;

	for (uint8_t i = 0; i < 4; i++)
		numbers[i] = add(txn, i, 1, 500 + i);
	assert_status(store_invite_scan(txn, 0, 3, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].number, numbers[0]);
	assert_status(
	    store_invite_scan(txn, rows[2].number, 3, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].number, numbers[3]);
	assert_status(store_invite_remove(txn, numbers[3]), DOM_OK);
	assert_status(store_invite_remove(txn, numbers[3]), DOM_ABSENT);
	assert_status(store_invite_expire(txn, 502), DOM_OK);
	assert_status(store_invite_scan(txn, 0, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].number, numbers[2]);
	write_commit(world);
}

const struct CMUnitTest invite_cases[] = {
    CONTRACT_CASE(an_invite_is_found_by_its_hash_as_it_was_stored),
    CONTRACT_CASE(an_invite_has_no_more_uses_than_it_was_made_with),
    CONTRACT_CASE(invites_are_listed_in_order_and_dropped_by_number_or_by_time),
};
const size_t invite_case_count = sizeof(invite_cases) / sizeof(invite_cases[0]);
