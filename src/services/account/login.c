/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Logging in and changing the password: both are a signed answer to a
 * challenge.  A name without an account goes the same way to the same refusal
 * as a wrong password, with a salt, id and key that only this region can tell
 * from real ones.
 */
#include "crypto/digest.h"

#include "services/account/account.h"
#include "services/account/attempts.h"
#include "services/move/parts.h"

static const char not_init[] = "User not properly init"; /* clients look for this text */

/* What an account of this name would look like. */
static enum dom_status
imagine(struct service_call *call, struct dom_slice login, struct store_account *account_r)
{
	static const char prefix[] = "\x01id\x01";
	uint8_t *salt = dom_arena_take(call->arena, DOM_SALT_SIZE);
	uint8_t id[DOM_SALT_SIZE];
	struct dom_buffer name = {0};
	struct dom_slice folded;
	enum dom_status st;

	if (salt == NULL)
		return DOM_ENOMEM;
	if ((st = account_name_fold(call->arena, login, &folded)) != DOM_OK)
		return st;
	dom_buffer_append_text(&name, prefix);
	dom_buffer_append_slice(&name, folded);
	if ((st = dom_buffer_finish(&name)) == DOM_OK) {
		*account_r = (struct store_account){.initialised = true,
		    .salt = dom_slice(salt, DOM_SALT_SIZE),
		    .login_public = dom_region_fake_login(call->service->key)};
		dom_region_fake_salt(call->service->key, folded, salt);
		dom_region_fake_salt(call->service->key, dom_buffer_slice(&name), id);
		memcpy(account_r->id, id, sizeof(account_r->id));
	}
	dom_buffer_free(&name);
	return st;
}

/* Who has moved away with this name is told where to; everybody else is imagined. */
static enum dom_status
redirect_or_imagine(
    struct service_call *call, struct dom_slice login, struct store_account *account_r)
{
	struct dom_slice folded;
	enum dom_status st;

	st = account_name_fold(call->arena, login, &folded);
	if (st == DOM_OK)
		st = move_refuse_name(call, folded);
	return st == DOM_ABSENT ? imagine(call, login, account_r) : st;
}

/* The account that goes by this name, or an imagined one; a copy is nobody's yet. */
static enum dom_status
find_or_imagine(
    struct service_call *call, struct dom_slice login, struct store_account *account_r)
{
	enum dom_status st = account_find(call, login, account_r);

	if (st == DOM_OK && account_r->state == STORE_ACCOUNT_GONE)
		return move_refuse_gone(call, account_r->number);
	if (st == DOM_ABSENT ||
	    (st == DOM_OK && (account_r->state == STORE_ACCOUNT_STAGING ||
	                         account_r->state == STORE_ACCOUNT_PREPARED)))
		return redirect_or_imagine(call, login, account_r);
	if (st == DOM_OK && !account_r->initialised)
		return service_refuse(call, SERVICE_USER_NOT_INIT, not_init);
	return st;
}

enum dom_status
account_login_challenge(struct service_call *call)
{
	uint8_t challenge[DOM_CHALLENGE_SIZE];
	struct wire_reject reject;
	struct dom_slice username;
	struct store_account account;
	enum dom_status st;

	st = wire_challenge_ask_decode(call->request->body, &username, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	if ((st = find_or_imagine(call, username, &account)) != DOM_OK)
		return st;
	st = dom_challenge_seal(
	    call->service->key, account.id, call->now_ms, &call->service->random, challenge);
	if (st != DOM_OK)
		return st;
	wire_challenge_encode(
	    &call->reply->body, &(struct wire_challenge){.salt = account.salt,
	                            .challenge = dom_slice(challenge, sizeof(challenge)),
	                            .version = WIRE_VERSION});
	return DOM_OK;
}

/* Everything that a signed response must be; account's login key has signed it. */
static enum dom_status
check_response(struct service_call *call, const struct store_account *account,
    const struct wire_signed *message, const struct wire_response *response,
    enum wire_action action)
{
	uint8_t id[STORE_ID_SIZE];
	int64_t issued_ms;

	if (dom_challenge_open(call->service->key, response->challenge, id, &issued_ms) !=
	    DOM_OK)
		return service_refuse(
		    call, SERVICE_WRONG_USER, "This challenge is not from this server.");
	if (response->action != action)
		return service_refuse(call, SERVICE_WRONG_ACTION,
		    action == WIRE_ACTION_LOGIN
		        ? "This was signed to change a password, not to log in."
		        : "This was signed to log in, not to change a password.");
	/* A clock that was set back must not make challenges live longer. */
	if (call->now_ms - issued_ms > SERVICE_CHALLENGE_LIFE_MS ||
	    issued_ms - call->now_ms > SERVICE_CHALLENGE_LIFE_MS)
		return service_refuse(call, SERVICE_CHALLENGE_EXPIRED,
		    "That took longer than a minute: please try again.");
	if (!dom_equal_secret(id, account->id, sizeof(id)))
		return service_refuse(
		    call, SERVICE_WRONG_USER, "This challenge was made for another user.");
	if (!account_host_is_ours(call, response->host))
		return service_refuse(call, SERVICE_WRONG_HOST,
		    "This was signed for another server name than this server's.");
	if (!dom_verify(account->login_public, message->response, message->signature))
		return service_refuse(
		    call, SERVICE_LOGIN_BAD_SIGNATURE, "Wrong username or password.");
	return DOM_OK;
}

static enum dom_status
decode(
    struct service_call *call, struct wire_signed *message_r, struct wire_response *response_r)
{
	struct wire_reject reject, inner;
	enum dom_status st;

	st = wire_signed_decode(call->request->body, message_r, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	st = wire_response_decode(message_r->response, response_r, &inner);
	if (st == DOM_OK)
		return DOM_OK;
	/* The body itself was fine: whatever is wrong inside is 422. */
	reject = (struct wire_reject){.field = "response"};
	memcpy(reject.detail, inner.detail, sizeof(reject.detail));
	return service_refuse_body(call, st, call->request->body, &reject);
}

/* The same for an account that is only imagined, so that nobody learns which are. */
static enum dom_status
check_login(struct service_call *call, const struct store_account *account,
    const struct wire_signed *message, const struct wire_response *response)
{
	struct login_attempts *attempts = call->service->attempts;
	const struct dom_slice peer = call->request->peer;
	enum dom_status st;
	int64_t wait_ms;

	if (attempts == NULL)
		return check_response(call, account, message, response, WIRE_ACTION_LOGIN);
	wait_ms = login_attempts_take(attempts, account->id, peer, call->now_ms);
	if (wait_ms != 0)
		return service_refuse_until(call, SERVICE_TOO_MANY_ATTEMPTS,
		    "Too many wrong passwords for this account or from this address", wait_ms);
	st = check_response(call, account, message, response, WIRE_ACTION_LOGIN);
	if (st != DOM_EDENIED || call->reply->code != SERVICE_LOGIN_BAD_SIGNATURE)
		login_attempts_give_back(attempts, account->id, peer, call->now_ms);
	return st;
}

enum dom_status
account_login(struct service_call *call)
{
	struct wire_signed message;
	struct wire_response response;
	struct store_account account;
	enum dom_status st;

	if ((st = decode(call, &message, &response)) != DOM_OK)
		return st;
	if ((st = find_or_imagine(call, response.username, &account)) != DOM_OK)
		return st;
	if ((st = check_login(call, &account, &message, &response)) != DOM_OK)
		return st;
	if (account.disabled)
		return service_refuse(call, SERVICE_AUTHENTICATION_FAILED,
		    "This account is disabled: ask the operator of this region.");
	return account_session_start(call, &account);
}

enum dom_status
account_change_password(struct service_call *call)
{
	struct wire_signed message;
	struct wire_response response;
	enum dom_status st;

	if ((st = decode(call, &message, &response)) != DOM_OK)
		return st;
	st = check_response(
	    call, &call->account, &message, &response, WIRE_ACTION_CHANGE_PASSWORD);
	if (st != DOM_OK)
		return st;
	st = store_account_set_login(
	    call->txn, call->account.number, response.login_public, response.encrypted_content);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	/* Whoever knew the old password is out; the caller goes on. */
	st = store_session_remove_others(
	    call->txn, call->account.number, call->session.token_hash);
	return st < 0 ? st : DOM_OK;
}
