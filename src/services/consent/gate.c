/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The gate: the only maker of consent handles. */
#include "services/consent/consent.h"

struct consent_handle {
	const struct store_txn *txn;
	int64_t owner;
};

enum dom_status
consent_check(struct service_call *call, int64_t owner, struct dom_slice type,
    const struct consent_handle **handle_r)
{
	struct store_consent consent;
	struct consent_handle *handle;
	enum dom_status st;

	*handle_r = NULL;
	st = store_consent_cover(call->txn, owner, type, call->now_ms, call->arena, &consent);
	/* Types are opaque to us, so which service this is, only the client knows. */
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_CONSENT_REQUIRED,
		    "The service this belongs to is off, so nothing was stored. Turn it on with"
		    " \"domicile on SERVICE\", then try again.");
	if (st != DOM_OK)
		return st;
	handle = dom_arena_take(call->arena, sizeof(*handle));
	if (handle == NULL)
		return DOM_ENOMEM;
	*handle = (struct consent_handle){.txn = call->txn, .owner = owner};
	*handle_r = handle;
	return DOM_OK;
}

bool
consent_covers(const struct consent_handle *handle, const struct store_txn *txn, int64_t owner)
{
	return handle != NULL && handle->txn == txn && handle->owner == owner;
}
