/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Accounts by their public keys, which is how another region names them: those that are here,
 * and those that have left.  Seldom needed: only of what the store does not know to have moved.
 */
#include <stdlib.h>

#include "services/move/guard_parts.h"

enum { PAGE_ROWS = 500 };

static int
compare_known(const void *a, const void *b)
{
	const struct guard_known *left = a, *right = b;
	int order = memcmp(left->identity, right->identity, sizeof(left->identity));

	return order != 0 ? order
	                  : (left->number > right->number) - (left->number < right->number);
}

void
guard_forget_known(struct move_guard *guard)
{
	free(guard->accounts.rows);
	free(guard->left.rows);
	guard->accounts = guard->left = (struct guard_index){0};
	guard->has_known = false;
}

static bool
has_come(const struct store_move *move)
{
	return move->side == STORE_MOVE_TARGET &&
	       (move->state == WIRE_MOVE_HOME || move->state == WIRE_MOVE_SETTLED);
}

static enum dom_status
make_room(struct guard_index *index, size_t count)
{
	struct guard_known *wider =
	    realloc(index->rows, (index->count + count) * sizeof(*wider));

	if (wider != NULL)
		index->rows = wider;
	return wider == NULL ? DOM_ENOMEM : DOM_OK;
}

static enum dom_status
know_accounts(struct guard_index *index, struct store_txn *txn, struct dom_arena *page)
{
	struct store_account *rows;
	int64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	do {
		dom_arena_reset(page);
		st = store_account_scan(txn, after, PAGE_ROWS, page, &rows, &count);
		if (st == DOM_OK && count != 0)
			st = make_room(index, count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			struct guard_known *known = &index->rows[index->count];

			after = rows[i].number;
			if (rows[i].identity_public.size != sizeof(known->identity))
				continue;
			*known = (struct guard_known){.number = rows[i].number};
			memcpy(known->identity, rows[i].identity_public.data,
			    sizeof(known->identity));
			index->count++;
		}
	} while (st == DOM_OK && count != 0);
	return st;
}

/* What has left, and what has come since. */
static enum dom_status
know_moves(struct guard_index *index, struct store_txn *txn, struct dom_arena *page)
{
	struct store_move *rows;
	int64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	do {
		dom_arena_reset(page);
		st = store_move_list(txn, after, false, PAGE_ROWS, page, &rows, &count);
		if (st == DOM_OK && count != 0)
			st = make_room(index, count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			struct guard_known *known = &index->rows[index->count];

			after = rows[i].number;
			if (!move_is_given_away(&rows[i]) && !has_come(&rows[i]))
				continue;
			*known = (struct guard_known){.number = rows[i].number,
			    .has_come = has_come(&rows[i]),
			    .epoch = rows[i].epoch};
			memcpy(known->identity, rows[i].identity, sizeof(known->identity));
			index->count++;
		}
	} while (st == DOM_OK && count != 0);
	return st;
}

static void
sort(struct guard_index *index)
{
	if (index->count != 0)
		qsort(index->rows, index->count, sizeof(*index->rows), compare_known);
}

enum dom_status
guard_know(struct move_guard *guard, struct store_txn *txn)
{
	struct dom_arena *page;
	enum dom_status st;

	if (guard->has_known)
		return DOM_OK;
	if ((page = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	guard_forget_known(guard);
	st = know_accounts(&guard->accounts, txn, page);
	if (st == DOM_OK)
		st = know_moves(&guard->left, txn, page);
	sort(&guard->accounts);
	sort(&guard->left);
	guard->has_known = st == DOM_OK;
	dom_arena_free(&page);
	return st;
}

/* The newest; NULL: there is none. */
static struct guard_known *
find(const struct guard_index *index, const uint8_t identity[32])
{
	struct guard_known *found = NULL;
	size_t from = 0, to = index->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = memcmp(index->rows[middle].identity, identity, 32);

		if (order == 0)
			found = &index->rows[middle];
		if (order <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return found;
}

int64_t
guard_account_of(const struct move_guard *guard, const uint8_t identity[32])
{
	const struct guard_known *found = find(&guard->accounts, identity);

	return found == NULL ? 0 : found->number;
}

int64_t
guard_left_by(const struct move_guard *guard, const struct wire_move *handoff)
{
	const struct guard_known *found = find(&guard->left, handoff->account);

	return found == NULL || found->has_come || found->epoch + 1 >= handoff->epoch
	           ? 0
	           : found->number;
}

void
guard_left_later(struct move_guard *guard, const struct wire_move *handoff, int64_t number)
{
	struct guard_known *found = find(&guard->left, handoff->account);

	if (found == NULL)
		return;
	found->number = number;
	found->epoch = handoff->epoch - 1;
}
