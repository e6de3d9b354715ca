/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Signing up, logging in (again), changing the password, logging out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/digest.h"

#include "wire/etebase.h"

#include "client/call.h"
#include "client/follow.h"
#include "client/group.h"
#include "client/session.h"

#define AUTHENTICATION "api/v1/authentication/"

static const char bad_password[] =
    "No account of this name with this password in this region: check both and try again. "
    "Nothing was changed";

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
no_protocol(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ESERVER,
	    "%s does not answer like an Etebase server; check the address",
	    session->server_url);
}

/* The server's answer to signup and login: keep token and user. */
static enum dom_status
take_login(struct dom_session *session, const struct wire_login *login)
{
	if (login->token.size == 0 || login->token.size > DOM_TOKEN_SIZE_MAX ||
	    !dom_session_text_plain(login->token) || !dom_session_text_plain(login->username) ||
	    !dom_session_text_plain(login->email))
		return no_protocol(session);
	snprintf(session->token, sizeof(session->token), "%.*s", (int)login->token.size,
	    (const char *)login->token.data);
	session->token_generation++;
	dom_buffer_clear(&session->encrypted_content);
	dom_buffer_append_slice(&session->encrypted_content, login->encrypted_content);
	if (dom_buffer_finish(&session->encrypted_content) < 0 ||
	    !dom_session_keep_text(&session->username, login->username) ||
	    !dom_session_keep_text(&session->email, login->email))
		return no_memory(session);
	return DOM_OK;
}

/* Salt and challenge for a name; slices live in the call.  stays: of this very server. */
static enum dom_status
ask_challenge(struct dom_session *session, const char *username, bool stays,
    struct dom_call **call_r, struct wire_challenge *challenge_r)
{
	struct dom_call *call =
	    dom_call_new(session, "POST", AUTHENTICATION "login_challenge/");
	enum dom_status st;

	*call_r = call;
	if (call == NULL)
		return no_memory(session);
	call->anonymous = true;
	call->stays = stays;
	wire_challenge_ask_encode(&call->body, dom_slice_of(username));
	if ((st = dom_call_run(call)) != DOM_OK)
		return st == DOM_ABSENT ? no_protocol(session) : st;
	if (wire_challenge_decode(dom_call_reply(call), challenge_r) != DOM_OK)
		return no_protocol(session);
	return DOM_OK;
}

/* Sign and send a login or change-password response. */
static enum dom_status
send_response(struct dom_session *session, const struct dom_main_key *key, const char *path,
    const struct wire_response *response, struct dom_call **call_r)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};
	struct dom_call *call = dom_call_new(session, "POST", AUTHENTICATION "%s", path);
	enum dom_status st;

	*call_r = call;
	if (call == NULL)
		return no_memory(session);
	call->anonymous = response->action == WIRE_ACTION_LOGIN;
	call->stays = call->anonymous;
	call->sends_device = call->anonymous;
	wire_response_encode(&bytes, response);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK) {
		dom_main_key_sign(key, dom_buffer_slice(&bytes), signature);
		wire_signed_encode(
		    &call->body, &(struct wire_signed){.response = dom_buffer_slice(&bytes),
		                     .signature = dom_slice(signature, sizeof(signature))});
		st = dom_call_run(call);
	}
	dom_buffer_free(&bytes);
	return st;
}

/* What the server says of a move is kept for who follows it. */
static enum dom_status
keep_moved(const struct dom_call *call, enum dom_status st, struct dom_buffer *moved_r)
{
	if (st == DOM_EFENCED && moved_r != NULL) {
		dom_buffer_clear(moved_r);
		dom_buffer_append_slice(moved_r, dom_call_reply(call));
		if (dom_buffer_finish(moved_r) < 0)
			return dom_session_fail(
			    call->session, DOM_ENOMEM, "There is not enough memory");
	}
	return st;
}

enum dom_status
dom_session_enter(struct dom_session *session, const char *username, struct dom_slice password,
    struct dom_buffer *moved_r)
{
	struct dom_call *ask = NULL, *call = NULL;
	struct wire_challenge challenge;
	struct wire_login login;
	enum dom_status st;

	if ((st = ask_challenge(session, username, true, &ask, &challenge)) != DOM_OK) {
		st = ask == NULL ? st : keep_moved(ask, st, moved_r);
		goto out;
	}
	if (session->main == NULL &&
	    (st = dom_main_key_from_password(password, challenge.salt, &session->main)) < 0) {
		st = st == DOM_EINPUT ? no_protocol(session)
		                      : dom_session_fail(session, st,
		                            "There is not enough memory for the password's key "
		                            "(256 MiB are needed)");
		goto out;
	}
	st = send_response(session, session->main, "login/",
	    &(struct wire_response){.username = dom_slice_of(username),
	        .challenge = challenge.challenge,
	        .host = dom_slice_of(session->host),
	        .action = WIRE_ACTION_LOGIN},
	    &call);
	if (st == DOM_EAUTH && strcmp(call->code, "login_bad_signature") == 0)
		dom_session_fail(session, st, "%s", bad_password);
	if (st != DOM_OK) {
		st = call == NULL ? st : keep_moved(call, st, moved_r);
		goto out;
	}
	if (wire_login_decode(dom_call_reply(call), &login) != DOM_OK) {
		st = no_protocol(session);
		goto out;
	}
	if (session->account == NULL)
		st = dom_account_open(session->main, login.encrypted_content, &session->account,
		    &session->identity);
	if (st == DOM_OK && session->identity != NULL)
		dom_identity_public(session->identity, session->identity_public);
	if (st != DOM_OK || login.identity_public.size != DOM_PUBLIC_KEY_SIZE ||
	    !dom_equal_secret(
	        login.identity_public.data, session->identity_public, DOM_PUBLIC_KEY_SIZE)) {
		st = dom_session_fail(session, DOM_EINTEGRITY,
		    "The server sent keys that are not this account's. Nothing was taken over; "
		    "tell its operator");
		goto out;
	}
	st = take_login(session, &login);
out:
	dom_call_free(&ask);
	dom_call_free(&call);
	return st;
}

/* Wherever it is: at this server, or where that one says it has moved to. */
static enum dom_status
log_in(struct dom_session *session, const char *username, struct dom_slice password)
{
	struct dom_buffer moved = {0};
	enum dom_status st = dom_session_enter(session, username, password, &moved);

	if (st == DOM_EFENCED && moved.size > 0)
		st = dom_follow(session, username, password, dom_buffer_slice(&moved));
	dom_buffer_free(&moved);
	return st;
}

enum dom_status
dom_session_log_in(struct dom_session *session)
{
	char *username = strdup(session->username);
	enum dom_status st;

	if (username == NULL)
		return no_memory(session);
	st = log_in(session, username, dom_slice(NULL, 0));
	free(username);
	if (st == DOM_EAUTH && strcmp(session->error, bad_password) == 0)
		dom_session_fail(session, st,
		    "The password was changed on another device: log in again with the new "
		    "one. "
		    "What is stored is safe, and this device changed nothing");
	if (st == DOM_EAUTH)
		snprintf(session->shut_out, sizeof(session->shut_out), "%s", session->error);
	return st == DOM_OK ? dom_session_write(session) : st;
}

/*
 * Receipts are checked with the key that the region tells now, and moves with the one
 * of its group.  Other Etebase servers tell none, and a region that is slow now is asked
 * when it matters.
 */
static void
pin_region(struct dom_session *session)
{
	const struct wire_group *group;
	const char *region;

	if (dom_session_region(session, &region) != DOM_OK ||
	    dom_group_learn(session, true, &group) != DOM_OK)
		session->error[0] = '\0';
}

/* What is remembered about a new session, in one go. */
static enum dom_status
settle(struct dom_session *session, const struct dom_session_options *options)
{
	enum dom_status st;

	if (options->ca_file != NULL) {
		char *path = realpath(options->ca_file, NULL);

		st = dom_state_set(session->state, "ca_file",
		    dom_slice_of(path == NULL ? options->ca_file : path));
		free(path);
		if (st < 0)
			return dom_session_fail_state(session, st);
	}
	if ((st = dom_session_commit(session)) < 0)
		return st;
	if ((st = dom_session_write(session)) == DOM_OK)
		pin_region(session);
	return st;
}

static enum dom_status
sign_up(struct dom_session *session, const struct dom_credentials *credentials)
{
	uint8_t salt[DOM_SALT_SIZE], login_public[DOM_PUBLIC_KEY_SIZE];
	uint8_t sealed[DOM_SECRETS_SIZE];
	struct wire_login login;
	struct dom_call *call = NULL;
	enum dom_status st;

	dom_random_fill(&session->random, salt, sizeof(salt));
	if ((st = dom_main_key_from_password(
	         credentials->password, dom_slice(salt, sizeof(salt)), &session->main)) < 0 ||
	    (st = dom_account_create(&session->random, &session->account, &session->identity)) <
	        0 ||
	    (st = dom_account_seal(session->main, session->account, session->identity,
	         &session->random, sealed)) < 0)
		return dom_session_fail(session, st,
		    "There is not enough memory for the password's key (256 MiB are needed)");
	dom_main_key_login_public(session->main, login_public);
	dom_identity_public(session->identity, session->identity_public);
	if ((call = dom_call_new(session, "POST", AUTHENTICATION "signup/")) == NULL)
		return no_memory(session);
	call->anonymous = true;
	call->sends_device = true;
	wire_signup_encode(&call->body,
	    &(struct wire_signup){.username = dom_slice_of(credentials->username),
	        .email = dom_slice_of(credentials->email == NULL ? "" : credentials->email),
	        .salt = dom_slice(salt, sizeof(salt)),
	        .login_public = dom_slice(login_public, sizeof(login_public)),
	        .identity_public = dom_slice(session->identity_public, DOM_PUBLIC_KEY_SIZE),
	        .encrypted_content = dom_slice(sealed, sizeof(sealed)),
	        .invitation = dom_slice_of(
	            credentials->invitation == NULL ? "" : credentials->invitation)});
	st = dom_call_run(call);
	if (st == DOM_CONFLICT)
		dom_session_fail(session, st,
		    strcmp(call->code, "email_exists") == 0
		        ? "Another account has this e-mail address; no account was made"
		        : "The name is taken in this region; no account was made. If it is "
		          "yours, "
		          "log in instead");
	else if (st == DOM_ABSENT)
		st = no_protocol(session);
	else if (st == DOM_EUNCERTAIN)
		dom_session_fail(session, st,
		    "The connection broke before the answer came: perhaps the account was "
		    "made. "
		    "Try to log in; if that fails, sign up again");
	else if (st == DOM_OK && wire_login_decode(dom_call_reply(call), &login) != DOM_OK)
		st = no_protocol(session);
	else if (st == DOM_OK)
		st = take_login(session, &login);
	dom_call_free(&call);
	return st;
}

static enum dom_status
enter(const struct dom_session_options *options, const struct dom_credentials *credentials,
    bool is_signup, struct dom_session **session_r, struct dom_complaint *complaint_r)
{
	struct dom_session *session;
	enum dom_status st;

	*session_r = NULL;
	if ((st = dom_session_prepare(options, true, &session, complaint_r)) != DOM_OK)
		return st;
	if (options->server_url == NULL)
		st = dom_session_fail(session, DOM_EINPUT, "The server's address is missing");
	else
		st = dom_session_connect(session, options->server_url, options);
	if (st == DOM_OK && is_signup)
		st = sign_up(session, credentials);
	else if (st == DOM_OK)
		st = log_in(session, credentials->username, credentials->password);
	if (st == DOM_OK)
		st = settle(session, options);
	if (st != DOM_OK) {
		char *folder = session->folder;

		session->folder = NULL;
		dom_session_give_up(&session, complaint_r);
		(void)dom_session_remove_files(folder);
		free(folder);
		return st;
	}
	*session_r = session;
	return DOM_OK;
}

enum dom_status
dom_signup(const struct dom_session_options *options, const struct dom_credentials *credentials,
    struct dom_session **session_r, struct dom_complaint *complaint_r)
{
	return enter(options, credentials, true, session_r, complaint_r);
}

enum dom_status
dom_login(const struct dom_session_options *options, const struct dom_credentials *credentials,
    struct dom_session **session_r, struct dom_complaint *complaint_r)
{
	return enter(options, credentials, false, session_r, complaint_r);
}

enum dom_status
dom_logout(struct dom_session **session, struct dom_complaint *complaint_r)
{
	struct dom_session *old = *session;
	struct dom_call *call;
	char *folder;
	enum dom_status st, removed;

	if ((call = dom_call_new(old, "POST", AUTHENTICATION "logout/")) == NULL)
		return DOM_ENOMEM;
	call->renewed = true; /* a dead session needs no new log-in to be ended */
	st = dom_call_run(call);
	dom_call_free(&call);
	if (st == DOM_EAUTH)
		st = DOM_OK; /* it had ended before */
	folder = old->folder;
	old->folder = NULL;
	if (st != DOM_OK)
		snprintf(complaint_r->text, sizeof(complaint_r->text),
		    "This device is logged out and its files are removed, but the server was "
		    "not "
		    "told: %.300s",
		    old->error);
	dom_session_close(session);
	if ((removed = dom_session_remove_files(folder)) < 0) {
		snprintf(complaint_r->text, sizeof(complaint_r->text),
		    "The files in %.200s cannot be removed: %s. Who reads them may still be "
		    "logged in: remove the folder, or log out again",
		    folder, strerror(errno));
		st = removed;
	}
	free(folder);
	return st;
}

enum dom_status
dom_change_password(
    struct dom_session *session, struct dom_slice old_password, struct dom_slice new_password)
{
	uint8_t mine[DOM_PUBLIC_KEY_SIZE], typed[DOM_PUBLIC_KEY_SIZE],
	    fresh[DOM_PUBLIC_KEY_SIZE];
	uint8_t sealed[DOM_SECRETS_SIZE];
	struct dom_main_key *old_main = NULL, *new_main = NULL;
	struct dom_call *ask = NULL, *call = NULL;
	struct wire_challenge challenge;
	enum dom_status st;

	if ((st = ask_challenge(session, session->username, false, &ask, &challenge)) != DOM_OK)
		goto out;
	if ((st = dom_main_key_from_password(old_password, challenge.salt, &old_main)) < 0) {
		st = st == DOM_EINPUT ? no_protocol(session) : no_memory(session);
		goto out;
	}
	dom_main_key_login_public(session->main, mine);
	dom_main_key_login_public(old_main, typed);
	if (!dom_equal_secret(mine, typed, sizeof(mine))) {
		st = dom_session_fail(session, DOM_EAUTH,
		    "The old password is not right; the password was not changed");
		goto out;
	}
	if ((st = dom_main_key_from_password(new_password, challenge.salt, &new_main)) < 0 ||
	    (st = dom_account_seal(new_main, session->account, session->identity,
	         &session->random, sealed)) < 0) {
		st = no_memory(session);
		goto out;
	}
	dom_main_key_login_public(new_main, fresh);
	st = send_response(session, session->main, "change_password/",
	    &(struct wire_response){.username = dom_slice_of(session->username),
	        .challenge = challenge.challenge,
	        .host = dom_slice_of(session->host),
	        .action = WIRE_ACTION_CHANGE_PASSWORD,
	        .login_public = dom_slice(fresh, sizeof(fresh)),
	        .encrypted_content = dom_slice(sealed, sizeof(sealed))},
	    &call);
	if (st == DOM_EUNCERTAIN)
		dom_session_fail(session, st,
		    "The connection broke before the answer came: either password may be the "
		    "right one now. Log in on this device again, with the new one first");
	if (st != DOM_OK)
		goto out;
	dom_main_key_free(&session->main);
	session->main = new_main;
	new_main = NULL;
	dom_buffer_clear(&session->encrypted_content);
	dom_buffer_append(&session->encrypted_content, sealed, sizeof(sealed));
	if ((st = dom_session_write(session)) < 0) {
		char why[DOM_ERROR_SIZE];

		snprintf(why, sizeof(why), "%s", session->error);
		dom_session_fail(session, st,
		    "The password is changed, but this device could not keep that: %.600s. Log "
		    "out here and log in again with the new one",
		    why);
	}
out:
	dom_call_free(&ask);
	dom_call_free(&call);
	dom_main_key_free(&old_main);
	dom_main_key_free(&new_main);
	return st;
}
