/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An account is erased because the operator, or a rule, said so: there is no
 * statement of the person's, so the region signs an order, and says in the
 * receipt that it followed that one.
 */
#include "services/account/account.h"
#include "services/erasure/erasure.h"
#include "services/move/source.h"

static enum dom_status
sign_order(const struct service *service, const struct store_account *account, int64_t now_ms,
    struct dom_arena *arena, struct erasure_ordered *ordered_r)
{
	struct wire_statement order = {.kind = WIRE_ORDER,
	    .issued_ms = now_ms,
	    .region = dom_slice_of(service->settings.region),
	    .service = dom_slice("", 0),
	    .scope = WIRE_SCOPE_ACCOUNT,
	    .collection_uid = dom_slice("", 0),
	    .item_uid = dom_slice("", 0)};
	uint8_t region_public[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};
	enum dom_status st;

	/* An account that nobody has signed up for has no key: zeros stand for it. */
	if (account->identity_public.size == sizeof(order.account))
		memcpy(order.account, account->identity_public.data, sizeof(order.account));
	dom_random_fill(&service->random, order.nonce, sizeof(order.nonce));
	wire_statement_encode(&bytes, &order);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK) {
		dom_region_sign(service->key, dom_buffer_slice(&bytes), signature);
		dom_region_sign_public(service->key, region_public);
		ordered_r->statement = dom_arena_copy(arena, dom_buffer_slice(&bytes));
		ordered_r->signature =
		    dom_arena_copy(arena, dom_slice(signature, sizeof(signature)));
		ordered_r->statement_public =
		    dom_arena_copy(arena, dom_slice(region_public, sizeof(region_public)));
		if (ordered_r->statement.data == NULL || ordered_r->signature.data == NULL ||
		    ordered_r->statement_public.data == NULL)
			st = DOM_ENOMEM;
	}
	dom_buffer_free(&bytes);
	if (st == DOM_OK)
		st = wire_subject(ordered_r->statement_public, ordered_r->statement,
		    ordered_r->signature, ordered_r->request);
	return st;
}

enum dom_status
erasure_order_account(const struct service *service, struct store_txn *txn, int64_t number,
    struct dom_arena *arena, struct erasure_ordered *ordered_r, struct service_changes *changes)
{
	struct erasure_order order = {.scope = WIRE_SCOPE_ACCOUNT,
	    .account = number,
	    .requested_ms = dom_clock_now_ms(&service->clock)};
	struct store_account account;
	enum dom_status st;

	if ((st = store_account_by_number(txn, number, arena, &account)) == DOM_OK &&
	    (st = sign_order(service, &account, order.requested_ms, arena, ordered_r)) ==
	        DOM_OK &&
	    (st = move_end_for_erasure(service, txn, number, arena)) == DOM_OK &&
	    (st = store_account_tick(txn, number, &order.clock)) == DOM_OK) {
		memcpy(order.request, ordered_r->request, sizeof(order.request));
		st = erasure_begin(txn, arena, &order, changes);
	}
	return st;
}

enum dom_status
erasure_order_name(const struct service *service, struct store_txn *txn, struct dom_slice name,
    struct dom_arena *arena, struct erasure_ordered *ordered_r, struct service_changes *changes)
{
	struct store_account account;
	struct dom_slice folded;
	enum dom_status st;

	if ((st = account_name_fold(arena, name, &folded)) == DOM_OK &&
	    (st = store_account_by_name(txn, folded, arena, &account)) == DOM_OK)
		st = erasure_order_account(
		    service, txn, account.number, arena, ordered_r, changes);
	return st;
}
