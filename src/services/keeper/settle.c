/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The last byte leaves the disk, then the region signs that it has. */
#include "crypto/keys.h"

#include "wire/receipt.h"

#include "services/erasure/erasure.h"
#include "services/keeper/parts.h"

struct signing {
	const struct service *service;
	struct store_erasure row;
	uint8_t signature[DOM_SIGNATURE_SIZE];
};

/* 0: this region makes no backups. */
static int64_t
backups_end(const struct service *service, int64_t ended_ms)
{
	int64_t ms = INT64_MAX;

	if (dom_duration_is_zero(&service->settings.backup_keep))
		return 0;
	/* Longer than the calendar: they never end. */
	return dom_duration_after(ended_ms, &service->settings.backup_keep, &ms) == DOM_OK
	           ? ms
	           : INT64_MAX;
}

static enum dom_status
sign(struct keeper *keeper, struct signing *signing)
{
	const struct service *service = signing->service;
	struct store_erasure *row = &signing->row;
	struct wire_receipt receipt = {.kind = WIRE_RECEIPT_ERASED,
	    .region = dom_slice_of(service->settings.region),
	    .accepted_ms = row->requested_ms,
	    .clock = row->clock,
	    .scope = (enum wire_scope)row->scope,
	    .sum = {.collections = row->sum.collections,
	        .items = row->sum.items,
	        .revisions = row->sum.revisions,
	        .chunks = row->sum.chunks,
	        .bytes = row->sum.bytes},
	    .ended_ms = dom_clock_now_ms(&service->clock)};
	struct dom_buffer bytes = {0};
	enum dom_status st;

	dom_region_sign_public(service->key, receipt.region_public);
	memcpy(receipt.subject, row->request, sizeof(receipt.subject));
	memcpy(receipt.root, row->root, sizeof(receipt.root));
	receipt.backups_ms = backups_end(service, receipt.ended_ms);
	wire_receipt_encode(&bytes, &receipt);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK) {
		dom_region_sign(service->key, dom_buffer_slice(&bytes), signing->signature);
		row->receipt = dom_arena_copy(keeper->arena, dom_buffer_slice(&bytes));
		row->receipt_signature =
		    dom_slice(signing->signature, sizeof(signing->signature));
		row->ended_ms = receipt.ended_ms;
		row->state = STORE_ERASURE_ERASED;
		if (row->receipt.data == NULL)
			st = DOM_ENOMEM;
	}
	dom_buffer_free(&bytes);
	return st;
}

/* Of what was never anybody's home there is nothing to sign. */
static void
end(const struct service *service, struct store_erasure *row)
{
	row->ended_ms = dom_clock_now_ms(&service->clock);
	row->state = STORE_ERASURE_ERASED;
}

static enum dom_status
run_signed(struct store_txn *txn, void *context)
{
	const struct signing *signing = context;
	enum dom_status st = store_erasure_update(txn, &signing->row);

	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
keeper_settle(struct keeper *keeper, const struct store_erasure *rows, size_t count)
{
	enum dom_status st = store_settle(keeper->options.store);

	/* Those that were settling before: what the others remove is not in this. */
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		struct signing signing = {.service = keeper->options.service, .row = rows[i]};

		if (rows[i].state != STORE_ERASURE_SETTLING)
			continue;
		if (rows[i].scope == ERASURE_SCOPE_STAGED)
			end(keeper->options.service, &signing.row);
		else
			st = sign(keeper, &signing);
		if (st == DOM_OK)
			st = store_write(keeper->options.store, run_signed, &signing);
	}
	return st;
}
