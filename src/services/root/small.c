/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an account consists of beside its collections, as records. */
#include "services/root/root.h"
#include "store/erase.h"
#include "store/scan.h"

enum { ROWS_PAGE = 512 };

struct small {
	struct store_txn *txn;
	const struct store_account *account;
	struct dom_arena *page; /* rows of one kind */
	root_take *take;
	void *context;
};

static enum dom_status
add_account(struct small *walk)
{
	struct store_account account = *walk->account;
	struct wire_record record = {.type = WIRE_RECORD_ACCOUNT};
	struct store_usage usage;
	enum dom_status st;

	dom_arena_reset(walk->page);
	if (account.state != STORE_ACCOUNT_ERASING &&
	    (st = store_account_names(walk->txn, walk->page, &account)) != DOM_OK)
		return st;
	if ((st = store_account_usage(walk->txn, account.number, &usage)) != DOM_OK)
		return st;
	record.of.account = (struct wire_record_account){.name = account.name,
	    .email = account.email,
	    .created_ms = account.created_ms,
	    .salt = account.salt,
	    .login_public = account.login_public,
	    .identity_public = account.identity_public,
	    .encrypted_content = account.encrypted_content,
	    .statement_public = account.statement_public,
	    .quota_bytes = usage.quota_bytes};
	return walk->take(walk->context, &record);
}

static enum dom_status
add_statements(struct small *walk)
{
	struct store_statement *rows;
	uint64_t after = 0;
	enum dom_status st;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		st = store_statement_list(walk->txn, walk->account->number, after, ROWS_PAGE,
		    walk->page, &rows, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record = {.type = WIRE_RECORD_STATEMENT,
			    .of.statement = {.serial = rows[i].serial,
			        .clock = rows[i].clock,
			        .kind = (uint8_t)rows[i].kind,
			        .accepted_ms = rows[i].accepted_ms,
			        .service = rows[i].service,
			        .bytes = rows[i].bytes,
			        .signature = rows[i].signature,
			        .receipt = rows[i].receipt,
			        .receipt_signature = rows[i].receipt_signature}};

			after = rows[i].serial;
			st = walk->take(walk->context, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

static enum dom_status
add_consents(struct small *walk)
{
	struct store_consent *rows;
	enum dom_status st;
	size_t count;

	dom_arena_reset(walk->page);
	st = store_consent_list(walk->txn, walk->account->number, walk->page, &rows, &count);
	for (size_t i = 0; i < count && st == DOM_OK; i++) {
		struct wire_record record = {.type = WIRE_RECORD_CONSENT,
		    .of.consent = {.service = rows[i].service,
		        .serial = rows[i].serial,
		        .until_ms = rows[i].until_ms,
		        .any = rows[i].any,
		        .version = rows[i].version}};
		struct wire_record_consent *consent = &record.of.consent;

		memcpy(consent->terms, rows[i].terms, sizeof(consent->terms));
		st = store_consent_types(walk->txn, walk->account->number, rows[i].service,
		    walk->page, &consent->types, &consent->type_count);
		if (st == DOM_OK)
			st = walk->take(walk->context, &record);
	}
	return st;
}

static enum dom_status
add_removed(struct small *walk)
{
	struct store_removed *rows;
	uint64_t after = 0;
	enum dom_status st;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		st = store_removed_scan(walk->txn, walk->account->number, after, ROWS_PAGE,
		    walk->page, &rows, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record = {.type = WIRE_RECORD_REMOVED,
			    .of.removed = {.uid = rows[i].uid,
			        .clock = rows[i].clock,
			        .collection_type = rows[i].collection_type}};

			after = rows[i].clock;
			st = walk->take(walk->context, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

static enum dom_status
add_erasures(struct small *walk)
{
	struct store_erasure *rows;
	int64_t after = 0;
	enum dom_status st;
	size_t count;

	do {
		dom_arena_reset(walk->page);
		st = store_erasure_list(walk->txn, walk->account->number, after, ROWS_PAGE,
		    walk->page, &rows, &count);
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			struct wire_record record = {.type = WIRE_RECORD_ERASURE,
			    .of.erasure = {.scope = (uint8_t)rows[i].scope,
			        .requested_ms = rows[i].requested_ms,
			        .ended_ms = rows[i].ended_ms,
			        .service = rows[i].service,
			        .collection_uid = rows[i].collection_uid,
			        .item_uid = rows[i].item_uid,
			        .receipt = rows[i].receipt,
			        .receipt_signature = rows[i].receipt_signature}};

			memcpy(record.of.erasure.request, rows[i].request,
			    sizeof(rows[i].request));
			after = rows[i].number;
			/* One that is under way is no past of the account. */
			if (rows[i].state == STORE_ERASURE_ERASED)
				st = walk->take(walk->context, &record);
		}
	} while (st == DOM_OK && count > 0);
	return st;
}

enum dom_status
root_walk_small(
    struct store_txn *txn, const struct store_account *account, root_take *take, void *context)
{
	struct small walk = {.txn = txn,
	    .account = account,
	    .page = dom_arena_new(0),
	    .take = take,
	    .context = context};
	enum dom_status st = DOM_ENOMEM;

	if (walk.page != NULL && (st = add_account(&walk)) == DOM_OK &&
	    (st = add_statements(&walk)) == DOM_OK && (st = add_consents(&walk)) == DOM_OK &&
	    (st = add_removed(&walk)) == DOM_OK)
		st = add_erasures(&walk);
	dom_arena_free(&walk.page);
	return st;
}
