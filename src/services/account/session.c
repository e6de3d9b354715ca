/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sessions: made, listed, kept alive, ended.  Only hashes of tokens are stored. */
#include "base/encode.h"
#include "base/utf8.h"
#include "base/wipe.h"

#include "crypto/digest.h"

#include "wire/statement.h"

#include "services/account/account.h"

enum { EXPIRE_AT_ONCE_MAX = 100 };

static void
token_make(const struct dom_random *random, char token_r[SERVICE_TOKEN_SIZE])
{
	static const char characters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (unsigned i = 0; i < SERVICE_TOKEN_SIZE; i++)
		token_r[i] = characters[dom_random_below(random, sizeof(characters) - 1)];
}

/* A name that fits, cut between characters; what is not text is no name. */
static struct dom_slice
device_name(struct dom_slice device)
{
	if (!dom_utf8_valid(device))
		return dom_slice("", 0);
	if (device.size > SERVICE_DEVICE_SIZE_MAX) {
		device.size = SERVICE_DEVICE_SIZE_MAX;
		while (device.size > 0 && (device.data[device.size] & 0xc0) == 0x80)
			device.size--;
	}
	return device;
}

enum dom_status
account_session_start(struct service_call *call, const struct store_account *account)
{
	char token[SERVICE_TOKEN_SIZE];
	struct store_session session = {.account = account->number,
	    .created_ms = call->now_ms,
	    .used_ms = call->now_ms,
	    .expires_ms = call->now_ms + call->service->settings.session_life_ms,
	    .device = device_name(call->request->device)};
	uint64_t ended;
	enum dom_status st;

	/* A few dead ones go whenever one is born, so they never pile up. */
	if ((st = store_sessions_due(call->txn, 0, EXPIRE_AT_ONCE_MAX, &ended)) < 0)
		return st;
	/* Whoever logs in gets in: the device that was away longest makes room. */
	if (call->service->settings.limits.sessions != 0 &&
	    (st = store_session_trim(call->txn, account->number,
	         (uint64_t)call->service->settings.limits.sessions - 1)) < 0)
		return st;
	token_make(&call->service->random, token);
	dom_random_fill(&call->service->random, session.id, sizeof(session.id));
	st = dom_sha256(dom_slice(token, sizeof(token)), session.token_hash);
	if (st == DOM_OK)
		st = store_session_add(call->txn, &session);
	if (st == DOM_OK)
		wire_login_encode(&call->reply->body,
		    &(struct wire_login){.token = dom_slice(token, sizeof(token)),
		        .username = account->name,
		        .email = account->email,
		        .identity_public = account->identity_public,
		        .encrypted_content = account->encrypted_content});
	dom_wipe(token, sizeof(token));
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
account_logout(struct service_call *call)
{
	enum dom_status st = store_session_remove(call->txn, call->session.token_hash);

	return st < 0 ? st : DOM_OK;
}

bool
account_session_wants_touch(const struct service_call *call)
{
	return call->now_ms - call->session.used_ms >= ACCOUNT_TOUCH_EVERY_MS;
}

enum dom_status
account_session_touch(struct service_call *call)
{
	enum dom_status st;

	if (!account_session_wants_touch(call))
		return DOM_OK;
	st = store_session_touch(call->txn, call->session.token_hash, call->now_ms,
	    call->now_ms + call->service->settings.session_life_ms);
	return st < 0 ? st : DOM_OK;
}

enum dom_status
account_session_list(struct service_call *call)
{
	struct store_session *rows;
	struct wire_session *sessions;
	size_t count, shown = 0;
	char *id;
	enum dom_status st;

	st = store_session_list(call->txn, call->account.number, call->arena, &rows, &count);
	if (st < 0)
		return st;
	sessions = dom_arena_array(call->arena, count + 1, sizeof(*sessions));
	if (sessions == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].expires_ms <= call->now_ms)
			continue;
		id = dom_arena_take(call->arena, DOM_BASE64_SIZE(STORE_ID_SIZE) + 1);
		if (id == NULL)
			return DOM_ENOMEM;
		dom_base64_encode(dom_slice(rows[i].id, STORE_ID_SIZE), id);
		sessions[shown++] = (struct wire_session){.id = dom_slice_of(id),
		    .device = rows[i].device,
		    .created_ms = rows[i].created_ms,
		    .used_ms = rows[i].used_ms,
		    .is_current = memcmp(rows[i].id, call->session.id, STORE_ID_SIZE) == 0};
	}
	wire_sessions_encode(&call->reply->body, sessions, shown);
	return DOM_OK;
}

enum dom_status
account_session_revoke(struct service_call *call)
{
	uint8_t id[STORE_ID_SIZE];
	size_t size;
	enum dom_status st = DOM_ABSENT;

	if (dom_base64_decode(call->request->session_id, id, sizeof(id), &size) == DOM_OK &&
	    size == sizeof(id))
		st = store_session_remove_id(call->txn, call->account.number, id);
	if (st == DOM_ABSENT)
		return service_refuse(
		    call, SERVICE_DOES_NOT_EXIST, "You have no such session.");
	return st;
}
