/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The test helper: POST api/v1/test/authentication/reset/, which the
 * test-suites of other clients need.  Anyone may empty an account whose name
 * begins with "test_user" and give it other keys, so this file is only part of
 * a build with -Dtest_api=true, works only where the configuration says so too,
 * and such a server listens on loopback alone.  Source: etebase-protocol 4.8.
 *
 * Those suites know nothing of consent: the account gets one that covers every
 * type.  No statement stands behind it, which its serial 0 says; real ones are
 * numbered from 1.
 */
#include "store/reset.h"

#include "wire/catalogue.h"

#include "services/account/account.h"

enum { RESET_ROWS = 32 };

static const char name_begin[] = "test_user";

/* The collection ends for everyone; other members get a note of it. */
static enum dom_status
end_collection(struct service_call *call, const struct store_membership *membership,
    const struct store_account *account)
{
	const struct store_collection *collection = &membership->collection;
	struct store_removed removed = {
	    .uid = collection->uid, .collection_type = membership->member.collection_type};
	struct store_member_name *rows;
	struct store_account member;
	size_t count;
	enum dom_status st;

	for (;;) {
		st = store_member_scan(
		    call->txn, collection->number, 0, RESET_ROWS, call->arena, &rows, &count);
		if (st != DOM_OK || count == 0)
			break;
		for (size_t i = 0; i < count && st == DOM_OK; i++) {
			st = store_account_by_name(
			    call->txn, rows[i].name, call->arena, &member);
			if (st == DOM_OK)
				st = store_member_remove(
				    call->txn, collection->number, member.number);
			if (st != DOM_OK || member.number == account->number)
				continue;
			st = store_account_tick(call->txn, member.number, &removed.clock);
			if (st == DOM_OK)
				st = store_removed_put(call->txn, member.number, &removed);
		}
		if (st != DOM_OK)
			return st;
	}
	if (st == DOM_OK)
		st = store_collection_abandon(call->txn, collection->number, 0);
	return st;
}

/* What the account is in of this owner: its own collections end, it leaves the others. */
static enum dom_status
end_memberships(struct service_call *call, const struct store_account *account, int64_t owner)
{
	struct store_membership *rows;
	size_t count;
	enum dom_status st;

	for (;;) {
		st = store_membership_scan(call->txn, account->number, owner, 0, NULL, 0,
		    RESET_ROWS, call->arena, &rows, &count);
		if (st != DOM_OK || count == 0)
			return st;
		for (size_t i = 0; i < count && st == DOM_OK; i++)
			st = owner == account->number
			         ? end_collection(call, &rows[i], account)
			         : store_member_remove(
			               call->txn, rows[i].collection.number, account->number);
		if (st != DOM_OK)
			return st;
	}
}

static enum dom_status
forget_invitations(struct service_call *call, const struct store_account *account)
{
	struct store_invitation *rows;
	size_t count;
	enum dom_status st;

	for (;;) {
		st = store_invitation_scan_received(
		    call->txn, account->number, 0, RESET_ROWS, call->arena, &rows, &count);
		if (st != DOM_OK || count == 0)
			return st;
		for (size_t i = 0; i < count && st == DOM_OK; i++)
			st = store_invitation_remove(call->txn, rows[i].uid);
		if (st != DOM_OK)
			return st;
	}
}

static enum dom_status
forget_notes(struct service_call *call, const struct store_account *account)
{
	struct store_removed *rows;
	size_t count;
	enum dom_status st;

	for (;;) {
		st = store_removed_scan(
		    call->txn, account->number, 0, RESET_ROWS, call->arena, &rows, &count);
		if (st != DOM_OK || count == 0)
			return st;
		for (size_t i = 0; i < count && st == DOM_OK; i++)
			st = store_removed_clear(call->txn, account->number, rows[i].uid);
		if (st != DOM_OK)
			return st;
	}
}

static enum dom_status
empty(struct service_call *call, const struct store_account *account)
{
	struct store_account *owners;
	size_t count;
	uint64_t clock;
	enum dom_status st;

	st = store_membership_owners(call->txn, account->number, call->arena, &owners, &count);
	for (size_t i = 0; i < count && st == DOM_OK; i++) {
		st = end_memberships(call, account, owners[i].number);
		if (st == DOM_OK)
			st = store_account_tick(call->txn, owners[i].number, &clock);
	}
	if (st == DOM_OK)
		st = forget_invitations(call, account);
	if (st == DOM_OK)
		st = forget_notes(call, account);
	return st;
}

enum dom_status
account_reset(struct service_call *call)
{
	struct store_consent any = {.service = dom_slice_of("any"), .any = true};
	const struct dom_catalogue_entry *entry =
	    wire_catalogue_find(call->service->settings.catalogue, any.service);
	struct wire_reject reject;
	struct wire_signup signup;
	struct store_account account;
	uint64_t clock;
	enum dom_status st;

	if (!call->service->settings.test_api)
		return service_refuse(
		    call, SERVICE_DOES_NOT_EXIST, "The test helper is off in this region.");
	st = wire_signup_decode(call->request->body, &signup, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	if (signup.username.size < sizeof(name_begin) - 1 ||
	    memcmp(signup.username.data, name_begin, sizeof(name_begin) - 1) != 0)
		return service_refuse(call, SERVICE_SIGNUP_REFUSED,
		    "Only accounts whose names begin with \"test_user\" can be reset.");
	st = store_account_by_name(call->txn, signup.username, call->arena, &account);
	if (st == DOM_ABSENT)
		return service_refuse(
		    call, SERVICE_USER_NOT_FOUND, "There is no account of this name.");
	if (st != DOM_OK || (st = empty(call, &account)) != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	if (entry != NULL) {
		any.version = entry->version;
		memcpy(any.terms, entry->terms, sizeof(any.terms));
	}
	account.salt = signup.salt;
	account.login_public = signup.login_public;
	account.identity_public = signup.identity_public;
	account.encrypted_content = signup.encrypted_content;
	account.statement_public = dom_slice("", 0);
	st = store_account_replace_keys(call->txn, &account);
	if (st == DOM_OK)
		st = store_consent_set(call->txn, account.number, &any, NULL, 0);
	if (st == DOM_OK)
		st = store_account_tick(call->txn, account.number, &clock);
	return st > 0 ? DOM_ESTORE : st;
}
