/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Codes with which somebody may sign up: made for an operator, read as people
 * type them, taken.  The store keeps a hash that needs the region key, so a
 * copy of the store is no list of codes.
 */
#include <assert.h>

#include "base/wipe.h"

#include "services/account/account.h"
#include "services/account/attempts.h"
#include "services/operator.h"

enum {
	CODE_SIZE = 20, /* five bits each: nobody guesses a hundred */
	GROUP_SIZE = 5,
	INVITE_USES_MAX = 1000000,
	/* One that has ended can still be told from one that never was, for so long. */
	ENDED_KEEP_DAYS = 30,
};
#define DAY_MS INT64_C(86400000)
#define INVITE_LIFE_MS_MAX (3650 * DAY_MS)

/* Without 0 and O, 1 and I, which look alike. */
static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
static_assert(sizeof(alphabet) - 1 == 32, "five bits");
static_assert((int)STORE_INVITE_HASH_SIZE == (int)DOM_CODE_HASH_SIZE, "the same hash");
static_assert(OPERATOR_CODE_TEXT_SIZE == CODE_SIZE + CODE_SIZE / GROUP_SIZE - 1, "hyphens");

/* In any case of letters; blanks and hyphens do not count.  False: it is no code. */
static bool
read_code(struct dom_slice text, char code_r[CODE_SIZE])
{
	size_t size = 0;

	for (size_t i = 0; i < text.size; i++) {
		char c = (char)text.data[i];

		if (c == '-' || c == ' ')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (size == CODE_SIZE || c == '\0' || strchr(alphabet, c) == NULL)
			return false;
		code_r[size++] = c;
	}
	return size == CODE_SIZE;
}

/* DOM_ABSENT: there is none. */
static enum dom_status
find(const struct service *service, struct store_txn *txn, struct dom_slice text,
    struct store_invite *invite_r)
{
	uint8_t hash[DOM_CODE_HASH_SIZE];
	char code[CODE_SIZE];

	if (!read_code(text, code))
		return DOM_ABSENT;
	dom_region_code_hash(service->key, dom_slice(code, sizeof(code)), hash);
	dom_wipe(code, sizeof(code));
	return store_invite_find(txn, hash, invite_r);
}

static enum dom_status
take(struct service_call *call, struct dom_slice text, struct store_invite *invite_r)
{
	enum dom_status st = find(call->service, call->txn, text, invite_r);

	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_SIGNUP_REFUSED,
		    "There is no such invitation, or it was taken back: compare the code with "
		    "the one that you were given.");
	if (st != DOM_OK)
		return st;
	if (invite_r->expires_ms <= call->now_ms)
		return service_refuse(call, SERVICE_SIGNUP_REFUSED,
		    "This invitation has expired: ask for another one.");
	st = store_invite_use(call->txn, invite_r->number);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_SIGNUP_REFUSED,
		    "This invitation has been used already: ask for another one.");
	return st;
}

enum dom_status
account_invite_take(
    struct service_call *call, struct dom_slice text, struct store_invite *invite_r)
{
	struct login_attempts *attempts = call->service->attempts;
	const struct dom_slice peer = call->request->peer;
	int64_t wait_ms = 0;
	enum dom_status st;

	if (attempts != NULL)
		wait_ms = login_attempts_take(attempts, NULL, peer, call->now_ms);
	if (wait_ms != 0)
		return service_refuse_until(call, SERVICE_TOO_MANY_ATTEMPTS,
		    "Too many wrong invitations or passwords from this address", wait_ms);
	st = take(call, text, invite_r);
	if (attempts != NULL && st != DOM_EDENIED)
		login_attempts_give_back(attempts, NULL, peer, call->now_ms);
	return st;
}

enum dom_status
operator_invite_add(const struct service *service, struct store_txn *txn,
    const struct operator_invite *wanted, char text_r[OPERATOR_CODE_TEXT_SIZE + 1],
    int64_t *number_r, const char **detail_r)
{
	struct store_invite invite = {.uses_max = wanted->uses_max,
	    .created_ms = dom_clock_now_ms(&service->clock),
	    .quota_bytes = wanted->quota_bytes};
	char code[CODE_SIZE];
	size_t used = 0;
	enum dom_status st;

	*detail_r = NULL;
	if (wanted->uses_max < 1 || wanted->uses_max > INVITE_USES_MAX)
		*detail_r = "an invitation is for 1 to 1000000 accounts";
	else if (wanted->life_ms < 1 || wanted->life_ms > INVITE_LIFE_MS_MAX)
		*detail_r = "an invitation is for at most 3650 days, and for more than none";
	if (*detail_r != NULL)
		return DOM_EDENIED;
	invite.expires_ms = invite.created_ms + wanted->life_ms;
	st = store_invite_expire(txn, invite.created_ms - ENDED_KEEP_DAYS * DAY_MS);
	if (st < 0)
		return st;
	for (size_t i = 0; i < CODE_SIZE; i++) {
		code[i] = alphabet[dom_random_below(&service->random, sizeof(alphabet) - 1)];
		if (i != 0 && i % GROUP_SIZE == 0)
			text_r[used++] = '-';
		text_r[used++] = code[i];
	}
	text_r[used] = '\0';
	dom_region_code_hash(service->key, dom_slice(code, sizeof(code)), invite.hash);
	dom_wipe(code, sizeof(code));
	st = store_invite_add(txn, &invite, number_r);
	return st > 0 ? DOM_ESTORE : st;
}

/* A number as "invite list" shows it. */
static bool
read_number(struct dom_slice text, int64_t *number_r)
{
	*number_r = 0;
	for (size_t i = 0; i < text.size && text.size < CODE_SIZE - 1; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*number_r = *number_r * 10 + (text.data[i] - '0');
	}
	return *number_r > 0;
}

enum dom_status
operator_invite_revoke(const struct service *service, struct store_txn *txn,
    struct dom_slice which, const char **detail_r)
{
	struct store_invite invite;
	enum dom_status st = DOM_OK;

	*detail_r = NULL;
	if (!read_number(which, &invite.number))
		st = find(service, txn, which, &invite);
	if (st == DOM_OK)
		st = store_invite_remove(txn, invite.number);
	if (st != DOM_ABSENT)
		return st;
	*detail_r = "there is no such invitation: domicilectl invite list shows all";
	return DOM_EDENIED;
}
