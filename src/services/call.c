/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What every operation needs: refusing, knowing who asks, saying where the clock is. */
#include "services/call.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/msgpack.h"

#include "crypto/digest.h"

#include "wire/stoken.h"

#include "services/move/parts.h"

enum dom_status
service_refuse(struct service_call *call, enum service_code code, const char *detail)
{
	assert(code != SERVICE_DONE);
	if (detail == NULL)
		return DOM_ENOMEM;
	dom_buffer_free(&call->reply->body);
	*call->reply = (struct service_reply){.code = code, .detail = detail};
	return DOM_EDENIED;
}

enum dom_status
service_refuse_and_keep(struct service_call *call, enum service_code code, const char *detail)
{
	enum dom_status st = service_refuse(call, code, detail);

	return st == DOM_EDENIED ? DOM_OK : st;
}

enum dom_status
service_refuse_field(struct service_call *call, enum service_code code, const char *detail,
    const struct wire_error_field *error)
{
	struct wire_error_field *errors = dom_arena_array(call->arena, 1, sizeof(*errors));
	enum dom_status st;

	if (errors == NULL)
		return DOM_ENOMEM;
	*errors = *error;
	st = service_refuse(call, code, detail);
	if (st == DOM_EDENIED) {
		call->reply->errors = errors;
		call->reply->error_count = 1;
	}
	return st;
}

enum dom_status
service_refuse_until(
    struct service_call *call, enum service_code code, const char *what, int64_t wait_ms)
{
	int64_t seconds = (wait_ms + 999) / 1000, minutes = (seconds + 59) / 60;
	enum dom_status st;
	const char *detail;

	if (minutes >= 120)
		detail = dom_arena_print(call->arena, "%s: please try again in %lld hours.",
		    what, (long long)((minutes + 59) / 60));
	else
		detail = dom_arena_print(call->arena, "%s: please try again in %lld %s.", what,
		    (long long)(seconds < 120 ? seconds : minutes),
		    seconds == 1    ? "second"
		    : seconds < 120 ? "seconds"
		                    : "minutes");
	st = service_refuse(call, code, detail);
	if (st == DOM_EDENIED)
		call->reply->retry_after_seconds = (unsigned)seconds;
	return st;
}

static bool
is_msgpack(struct dom_slice body)
{
	struct dom_pack_reader in = dom_pack_reader_over(body);

	dom_pack_skip(&in);
	return dom_pack_finish(&in) == DOM_OK;
}

enum dom_status
service_refuse_body(struct service_call *call, enum dom_status st, struct dom_slice body,
    const struct wire_reject *reject)
{
	const char *detail;
	struct dom_slice field;

	if (st == DOM_ENOMEM)
		return st;
	/* What is over a limit may be more values than is_msgpack() walks. */
	if (st != DOM_ELIMIT && !is_msgpack(body))
		return service_refuse(call, SERVICE_MALFORMED_BODY,
		    "The body is not one whole MessagePack value.");
	if (reject == NULL || reject->field[0] == '\0')
		return service_refuse(call,
		    st == DOM_ELIMIT ? SERVICE_TOO_LARGE : SERVICE_VALIDATION_ERROR,
		    "The body does not have the fields that this request needs.");
	field = dom_arena_copy(call->arena, dom_slice_of(reject->field));
	detail = dom_arena_print(call->arena, "%s %s.", reject->field, reject->detail);
	if (field.data == NULL || detail == NULL)
		return DOM_ENOMEM;
	return service_refuse_field(call,
	    st == DOM_ELIMIT ? SERVICE_TOO_LARGE : SERVICE_VALIDATION_ERROR, detail,
	    &(struct wire_error_field){.field = field,
	        .code = dom_slice_of(st == DOM_ELIMIT ? "too_large" : "invalid"),
	        .detail = dom_slice_of(detail)});
}

enum dom_status
service_authenticate(struct service_call *call)
{
	static const char dead[] =
	    "This session has ended or was never ours: please log in again.";
	uint8_t hash[STORE_TOKEN_HASH_SIZE];
	enum dom_status st;

	if (call->request->token_malformed || call->request->token.data == NULL)
		return service_refuse(call, SERVICE_NOT_AUTHENTICATED, "Please log in.");
	if ((st = dom_sha256(call->request->token, hash)) != DOM_OK)
		return st;
	st = store_session_find(call->txn, hash, call->arena, &call->session);
	if (st == DOM_ABSENT || (st == DOM_OK && call->session.expires_ms <= call->now_ms))
		return service_refuse(call, SERVICE_AUTHENTICATION_FAILED, dead);
	if (st != DOM_OK)
		return st;
	st = store_account_by_number(
	    call->txn, call->session.account, call->arena, &call->account);
	if (st == DOM_ABSENT || (st == DOM_OK && call->account.disabled))
		return service_refuse(call, SERVICE_AUTHENTICATION_FAILED, dead);
	if (st == DOM_OK && call->account.state == STORE_ACCOUNT_GONE)
		return move_refuse_gone(call, call->account.number);
	return st;
}

void
service_changes_add(struct service_changes *changes, const struct service_change *change)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct service_change *known = &changes->at[i];

		if (known->owner == change->owner && known->collection == change->collection &&
		    known->member == change->member) {
			known->clock = change->clock;
			return;
		}
	}
	if (changes->count == SERVICE_CHANGES_MAX)
		changes->overflowed = true;
	else
		changes->at[changes->count++] = *change;
}

enum dom_status
service_stoken_one(const uint8_t owner_id[STORE_ID_SIZE], uint64_t clock, char *text_r)
{
	/* The entries beyond the first are never read: no need to clear them. */
	struct wire_stoken stoken;

	static_assert((int)STORE_ID_SIZE == (int)WIRE_OWNER_ID_SIZE, "the same ids");
	stoken.count = 1;
	memcpy(stoken.entries[0].owner_id, owner_id, STORE_ID_SIZE);
	stoken.entries[0].clock = clock;
	return wire_stoken_encode(&stoken, text_r);
}

enum dom_status
service_position(struct service_call *call, int64_t owner, uint64_t before)
{
	struct store_account account;
	enum dom_status st;

	st = store_account_by_number(call->txn, owner, call->arena, &account);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	st = service_stoken_one(account.id, before, call->reply->position_before);
	if (st == DOM_OK)
		st = service_stoken_one(account.id, account.clock, call->reply->position_after);
	/* What changed nothing is not announced. */
	if (st == DOM_OK && account.clock != before) {
		call->reply->change.owner = owner;
		call->reply->change.clock = account.clock;
	}
	return st;
}
