/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Putting down what another region has sent of an account; see copy.h. */
#include "crypto/keys.h"

#include "services/move/copy.h"
#include "store/erase.h"
#include "store/move.h"

/* Nothing that was sent may touch what is another account's. */
static enum dom_status
find_collection(struct store_txn *txn, int64_t account, struct dom_slice uid,
    struct dom_arena *arena, int64_t *number_r)
{
	struct store_collection collection;
	enum dom_status st = store_collection_find(txn, uid, arena, &collection);

	if (st == DOM_OK && collection.owner != account)
		return DOM_EINPUT;
	*number_r = st == DOM_OK ? collection.number : 0;
	return st == DOM_ABSENT ? DOM_EINPUT : st;
}

/* Its owner has left it since it was put down. */
static enum dom_status
leave(struct store_txn *txn, int64_t account, struct dom_slice uid, struct dom_arena *arena)
{
	struct store_collection collection;
	enum dom_status st = store_collection_find(txn, uid, arena, &collection);

	if (st == DOM_OK && collection.owner == account)
		st = store_member_remove(txn, collection.number, account);
	return st == DOM_ABSENT ? DOM_OK : st;
}

static enum dom_status
put_collection(struct store_txn *txn, int64_t account,
    const struct wire_record_collection *record, struct dom_arena *arena)
{
	int64_t number;
	enum dom_status st;

	if (!record->is_member && (st = leave(txn, account, record->uid, arena)) != DOM_OK)
		return st;
	st = store_copy_collection(txn, account, record->uid, record->items_clock,
	    record->members_clock, record->abandoned_ms, &number);
	if (st == DOM_OK && record->is_member)
		st = store_copy_member(txn, &(struct store_member){.collection = number,
		                                .account = account,
		                                .clock = record->member_clock,
		                                .access_level = record->access_level,
		                                .collection_key = record->collection_key,
		                                .collection_type = record->collection_type});
	return st;
}

static enum dom_status
put_revision(struct store_txn *txn, int64_t account, const struct wire_record_revision *record,
    struct dom_arena *arena)
{
	const struct store_revision revision = {.uid = record->uid,
	    .meta = record->meta,
	    .deleted = record->deleted,
	    .clock = record->clock,
	    .chunks = record->chunks,
	    .chunk_count = record->chunk_count};
	int64_t collection;
	enum dom_status st;

	st = find_collection(txn, account, record->collection_uid, arena, &collection);
	if (st != DOM_OK)
		return st;
	if (record->is_current)
		return store_copy_item(txn, collection,
		    &(struct store_item){.uid = record->item_uid,
		        .version = record->version,
		        .encryption_key = record->encryption_key,
		        .current = revision});
	st = store_copy_history(txn, collection,
	    &(struct store_history){.item_uid = record->item_uid,
	        .replaced_ms = record->replaced_ms,
	        .revision = revision});
	/* It was written again between two pages: the next pass brings both. */
	return st == DOM_CONFLICT ? DOM_OK : st;
}

static enum dom_status
put_chunk(struct store_txn *txn, int64_t account, const struct wire_record_chunk *record,
    struct dom_arena *arena)
{
	int64_t collection;
	enum dom_status st;

	st = find_collection(txn, account, record->collection_uid, arena, &collection);
	if (st == DOM_OK)
		st = store_copy_chunk_time(txn, collection, record->uid, record->stored_ms);
	return st;
}

static enum dom_status
put_statement(
    struct store_txn *txn, int64_t account, const struct wire_record_statement *record)
{
	return store_statement_add(txn, account,
	    &(struct store_statement){.serial = record->serial,
	        .clock = record->clock,
	        .kind = record->kind,
	        .accepted_ms = record->accepted_ms,
	        .service = record->service,
	        .bytes = record->bytes,
	        .signature = record->signature,
	        .receipt = record->receipt,
	        .receipt_signature = record->receipt_signature});
}

static enum dom_status
put_consent(struct store_txn *txn, int64_t account, const struct wire_record_consent *record)
{
	struct store_consent consent = {.service = record->service,
	    .serial = record->serial,
	    .until_ms = record->until_ms,
	    .any = record->any,
	    .version = record->version};

	memcpy(consent.terms, record->terms, sizeof(consent.terms));
	return store_consent_set(txn, account, &consent, record->types, record->type_count);
}

/*
 * A row of this request is here already.  One that no account has was left behind when the
 * account lived here before, and is the account's again if it has the same receipt: who asked
 * for an erasure looks here for what this region has signed, and for nothing else.
 */
static enum dom_status
take_over(struct store_txn *txn, struct store_erasure *erasure, struct dom_arena *arena)
{
	struct store_erasure is;
	enum dom_status st = store_erasure_find(txn, erasure->request, arena, &is);

	if (st != DOM_OK || is.account == erasure->account)
		return st;
	if (is.account != 0 || is.state != STORE_ERASURE_ERASED ||
	    !dom_slice_equal(is.receipt, erasure->receipt) ||
	    !dom_slice_equal(is.receipt_signature, erasure->receipt_signature))
		return DOM_EINPUT;
	erasure->number = is.number;
	return store_erasure_update(txn, erasure);
}

static enum dom_status
put_erasure(struct store_txn *txn, int64_t account, const struct wire_record_erasure *record,
    struct dom_arena *arena)
{
	struct store_erasure erasure = {.account = account,
	    .scope = record->scope,
	    .state = STORE_ERASURE_ERASED,
	    .service = record->service,
	    .collection_uid = record->collection_uid,
	    .item_uid = record->item_uid,
	    .requested_ms = record->requested_ms,
	    .ended_ms = record->ended_ms,
	    .receipt = record->receipt,
	    .receipt_signature = record->receipt_signature};
	int64_t number;
	enum dom_status st;

	memcpy(erasure.request, record->request, sizeof(erasure.request));
	st = store_erasure_add(txn, &erasure, &number);
	return st == DOM_CONFLICT ? take_over(txn, &erasure, arena) : st;
}

static enum dom_status
put_account(struct store_txn *txn, int64_t account, const struct wire_record_account *record)
{
	return store_copy_account(txn,
	    &(struct store_account){.number = account,
	        .created_ms = record->created_ms,
	        .name = record->name,
	        .email = record->email,
	        .salt = record->salt,
	        .login_public = record->login_public,
	        .identity_public = record->identity_public,
	        .encrypted_content = record->encrypted_content,
	        .statement_public = record->statement_public},
	    record->quota_bytes);
}

static enum dom_status
put(struct store_txn *txn, int64_t account, const struct wire_record *record,
    struct dom_arena *arena)
{
	switch (record->type) {
	case WIRE_RECORD_ACCOUNT:
		return put_account(txn, account, &record->of.account);
	case WIRE_RECORD_COLLECTION:
		return put_collection(txn, account, &record->of.collection, arena);
	case WIRE_RECORD_REVISION:
		return put_revision(txn, account, &record->of.revision, arena);
	case WIRE_RECORD_CHUNK:
		return put_chunk(txn, account, &record->of.chunk, arena);
	case WIRE_RECORD_STATEMENT:
		return put_statement(txn, account, &record->of.statement);
	case WIRE_RECORD_CONSENT:
		return put_consent(txn, account, &record->of.consent);
	case WIRE_RECORD_REMOVED:
		return store_removed_put(txn, account,
		    &(struct store_removed){.uid = record->of.removed.uid,
		        .clock = record->of.removed.clock,
		        .collection_type = record->of.removed.collection_type});
	case WIRE_RECORD_ERASURE:
		return put_erasure(txn, account, &record->of.erasure, arena);
	}
	return DOM_EINPUT;
}

enum dom_status
copy_put(struct store_txn *txn, int64_t account, const struct wire_record *record)
{
	struct dom_arena *arena;
	enum dom_status st;

	if (!copy_valid(record))
		return DOM_EINPUT;
	if ((arena = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	st = put(txn, account, record, arena);
	dom_arena_free(&arena);
	/* Our own operations have no other reason than what was sent. */
	return st > 0 ? DOM_EINPUT : st;
}

enum dom_status
copy_begin_pass(struct store_txn *txn, int64_t account)
{
	enum dom_status st = store_copy_clear_small(txn, account);

	return st > 0 ? DOM_ESTORE : st;
}
