/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bodies of signup, login and change of password.  Source: etebase-protocol 4.2. */
#include "crypto/keys.h"

#include "wire/decode.h"

enum {
	SALT_SIZE_MAX = 1024,
	SECRETS_SIZE_MAX = 64 << 10,
	CHALLENGE_SIZE_MAX = 4096,
	HOST_SIZE_MAX = 1024,
	RESPONSE_SIZE_MAX = 128 << 10,
	SIGNATURE_SIZE_MAX = 1024, /* its exact size is the verifier's to judge */
	TOKEN_SIZE_MAX = 1024,
	INVITATION_SIZE_MAX = 256, /* more than a code has, for blanks and hyphens */
};

#define SALT(type, member)                                                                     \
	{                                                                                      \
		"salt", wire_read_bytes, offsetof(type, member), DOM_SALT_SIZE_MIN,            \
		    SALT_SIZE_MAX, false                                                       \
	}
#define PUBLIC_KEY(type, name, member, optional)                                               \
	{                                                                                      \
		name, wire_read_bytes, offsetof(type, member), DOM_PUBLIC_KEY_SIZE,            \
		    DOM_PUBLIC_KEY_SIZE, optional                                              \
	}
#define SECRETS(type, member, optional)                                                        \
	{                                                                                      \
		"encryptedContent", wire_read_bytes, offsetof(type, member), DOM_SECRETS_SIZE, \
		    SECRETS_SIZE_MAX, optional                                                 \
	}

static void
read_signup_user(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	static const struct wire_field fields[] = {
	    {"username", wire_read_text, offsetof(struct wire_signup, username), 0,
	        WIRE_NAME_SIZE_MAX, false},
	    {"email", wire_read_text, offsetof(struct wire_signup, email), 0,
	        WIRE_EMAIL_SIZE_MAX, false},
	};

	(void)field;
	wire_read_map(decoder, fields, WIRE_COUNT(fields), target);
}

enum dom_status
wire_signup_decode(
    struct dom_slice body, struct wire_signup *signup_r, struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {
	    {"user", read_signup_user, 0, 0, 0, false},
	    SALT(struct wire_signup, salt),
	    PUBLIC_KEY(struct wire_signup, "loginPubkey", login_public, false),
	    PUBLIC_KEY(struct wire_signup, "pubkey", identity_public, false),
	    SECRETS(struct wire_signup, encrypted_content, false),
	    {"invitation", wire_read_text, offsetof(struct wire_signup, invitation), 0,
	        INVITATION_SIZE_MAX, true},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, reject_r);

	*signup_r = (struct wire_signup){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), signup_r);
	return wire_decoder_finish(&decoder);
}

void
wire_signup_encode(struct dom_buffer *body, const struct wire_signup *signup)
{
	dom_pack_put_map(body, signup->invitation.size == 0 ? 5 : 6);
	dom_pack_put_text(body, "user");
	dom_pack_put_map(body, 2);
	dom_pack_put_text(body, "username");
	dom_pack_put_str(body, signup->username);
	dom_pack_put_text(body, "email");
	dom_pack_put_str(body, signup->email);
	dom_pack_put_text(body, "salt");
	dom_pack_put_bin(body, signup->salt);
	dom_pack_put_text(body, "loginPubkey");
	dom_pack_put_bin(body, signup->login_public);
	dom_pack_put_text(body, "pubkey");
	dom_pack_put_bin(body, signup->identity_public);
	dom_pack_put_text(body, "encryptedContent");
	dom_pack_put_bin(body, signup->encrypted_content);
	if (signup->invitation.size == 0)
		return;
	dom_pack_put_text(body, "invitation");
	dom_pack_put_str(body, signup->invitation);
}

enum dom_status
wire_challenge_ask_decode(
    struct dom_slice body, struct dom_slice *username_r, struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {
	    {"username", wire_read_text, 0, 0, WIRE_NAME_SIZE_MAX, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, reject_r);

	*username_r = dom_slice(NULL, 0);
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), username_r);
	return wire_decoder_finish(&decoder);
}

void
wire_challenge_ask_encode(struct dom_buffer *body, struct dom_slice username)
{
	dom_pack_put_map(body, 1);
	dom_pack_put_text(body, "username");
	dom_pack_put_str(body, username);
}

enum dom_status
wire_challenge_decode(struct dom_slice body, struct wire_challenge *challenge_r)
{
	static const struct wire_field fields[] = {
	    SALT(struct wire_challenge, salt),
	    {"challenge", wire_read_bytes, offsetof(struct wire_challenge, challenge), 1,
	        CHALLENGE_SIZE_MAX, false},
	    {"version", wire_read_int, offsetof(struct wire_challenge, version), 0, UINT8_MAX,
	        false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*challenge_r = (struct wire_challenge){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), challenge_r);
	return wire_decoder_finish(&decoder);
}

void
wire_challenge_encode(struct dom_buffer *body, const struct wire_challenge *challenge)
{
	dom_pack_put_map(body, 3);
	dom_pack_put_text(body, "salt");
	dom_pack_put_bin(body, challenge->salt);
	dom_pack_put_text(body, "challenge");
	dom_pack_put_bin(body, challenge->challenge);
	dom_pack_put_text(body, "version");
	dom_pack_put_int(body, challenge->version);
}

enum dom_status
wire_signed_decode(
    struct dom_slice body, struct wire_signed *signed_r, struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {
	    {"response", wire_read_bytes, offsetof(struct wire_signed, response), 0,
	        RESPONSE_SIZE_MAX, false},
	    {"signature", wire_read_bytes, offsetof(struct wire_signed, signature), 0,
	        SIGNATURE_SIZE_MAX, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, reject_r);

	*signed_r = (struct wire_signed){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), signed_r);
	return wire_decoder_finish(&decoder);
}

void
wire_signed_encode(struct dom_buffer *body, const struct wire_signed *message)
{
	dom_pack_put_map(body, 2);
	dom_pack_put_text(body, "response");
	dom_pack_put_bin(body, message->response);
	dom_pack_put_text(body, "signature");
	dom_pack_put_bin(body, message->signature);
}

static void
read_action(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct dom_slice action = {0};

	wire_read_text(decoder, field, &action);
	if (dom_slice_is(action, "login"))
		*(enum wire_action *)target = WIRE_ACTION_LOGIN;
	else if (dom_slice_is(action, "changePassword"))
		*(enum wire_action *)target = WIRE_ACTION_CHANGE_PASSWORD;
	else
		wire_decoder_fail(
		    decoder, DOM_EINPUT, "must be \"login\" or \"changePassword\"");
}

enum dom_status
wire_response_decode(
    struct dom_slice body, struct wire_response *response_r, struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {
	    {"username", wire_read_text, offsetof(struct wire_response, username), 0,
	        WIRE_NAME_SIZE_MAX, false},
	    {"challenge", wire_read_bytes, offsetof(struct wire_response, challenge), 0,
	        CHALLENGE_SIZE_MAX, false},
	    {"host", wire_read_text, offsetof(struct wire_response, host), 0, HOST_SIZE_MAX,
	        false},
	    {"action", read_action, offsetof(struct wire_response, action), 0, 64, false},
	    PUBLIC_KEY(struct wire_response, "loginPubkey", login_public, true),
	    SECRETS(struct wire_response, encrypted_content, true),
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, reject_r);

	*response_r = (struct wire_response){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), response_r);
	if (response_r->action == WIRE_ACTION_CHANGE_PASSWORD) {
		if (response_r->login_public.data == NULL)
			wire_decoder_fail_in(&decoder, "loginPubkey", "is missing");
		if (response_r->encrypted_content.data == NULL)
			wire_decoder_fail_in(&decoder, "encryptedContent", "is missing");
	}
	return wire_decoder_finish(&decoder);
}

void
wire_response_encode(struct dom_buffer *body, const struct wire_response *response)
{
	bool is_change = response->action == WIRE_ACTION_CHANGE_PASSWORD;

	dom_pack_put_map(body, is_change ? 6 : 4);
	dom_pack_put_text(body, "username");
	dom_pack_put_str(body, response->username);
	dom_pack_put_text(body, "challenge");
	dom_pack_put_bin(body, response->challenge);
	dom_pack_put_text(body, "host");
	dom_pack_put_str(body, response->host);
	dom_pack_put_text(body, "action");
	dom_pack_put_text(body, is_change ? "changePassword" : "login");
	if (!is_change)
		return;
	dom_pack_put_text(body, "loginPubkey");
	dom_pack_put_bin(body, response->login_public);
	dom_pack_put_text(body, "encryptedContent");
	dom_pack_put_bin(body, response->encrypted_content);
}

static void
read_login_user(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	static const struct wire_field fields[] = {
	    {"username", wire_read_text, offsetof(struct wire_login, username), 0,
	        WIRE_NAME_SIZE_MAX, false},
	    {"email", wire_read_text, offsetof(struct wire_login, email), 0,
	        WIRE_EMAIL_SIZE_MAX, false},
	    PUBLIC_KEY(struct wire_login, "pubkey", identity_public, false),
	    SECRETS(struct wire_login, encrypted_content, false),
	};

	(void)field;
	wire_read_map(decoder, fields, WIRE_COUNT(fields), target);
}

enum dom_status
wire_login_decode(struct dom_slice body, struct wire_login *login_r)
{
	static const struct wire_field fields[] = {
	    {"token", wire_read_text, offsetof(struct wire_login, token), 1, TOKEN_SIZE_MAX,
	        false},
	    {"user", read_login_user, 0, 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*login_r = (struct wire_login){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), login_r);
	return wire_decoder_finish(&decoder);
}

void
wire_login_encode(struct dom_buffer *body, const struct wire_login *login)
{
	dom_pack_put_map(body, 2);
	dom_pack_put_text(body, "token");
	dom_pack_put_str(body, login->token);
	dom_pack_put_text(body, "user");
	dom_pack_put_map(body, 4);
	dom_pack_put_text(body, "username");
	dom_pack_put_str(body, login->username);
	dom_pack_put_text(body, "email");
	dom_pack_put_str(body, login->email);
	dom_pack_put_text(body, "pubkey");
	dom_pack_put_bin(body, login->identity_public);
	dom_pack_put_text(body, "encryptedContent");
	dom_pack_put_bin(body, login->encrypted_content);
}
