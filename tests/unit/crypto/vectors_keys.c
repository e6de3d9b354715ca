/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Encodings, passwords, sub-keys, accounts, and the primitives below them. */
#include "base/encode.h"
#include "base/msgpack.h"

#include "crypto/region.h"
#include "crypto/roles.h"

#include "vectors.h"

void
test_base64_vectors(void **state)
{
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(inside(vectors_crypto(), "base64"), i, one)
	{
		struct dom_slice bytes = take_hex(one, "hex");
		struct dom_slice text = take_text(one, "b64");
		char encoded[64];

		dom_base64_encode(bytes, encoded);
		assert_bytes(dom_slice_of(encoded), text);
		assert_bytes(from_b64((const char *)text.data), bytes);
	}
}

static void
put_named(struct dom_buffer *out, struct dom_slice name)
{
	if (dom_slice_is(name, "map_str")) {
		dom_pack_put_map(out, 1);
		dom_pack_put_text(out, "username");
		dom_pack_put_text(out, "a");
	} else if (dom_slice_is(name, "bin16")) {
		dom_pack_put_bin(out, filled(0, 16));
	} else if (dom_slice_is(name, "array_undefined_is_nil")) {
		dom_pack_put_array(out, 2);
		dom_pack_put_text(out, "x");
		dom_pack_put_nil(out);
	} else if (dom_slice_is(name, "undefined_map_value_dropped")) {
		dom_pack_put_map(out, 2);
		dom_pack_put_text(out, "a");
		dom_pack_put_int(out, 1);
		dom_pack_put_text(out, "c");
		dom_pack_put_nil(out);
	} else if (dom_slice_is(name, "empty_map")) {
		dom_pack_put_map(out, 0);
	} else if (dom_slice_is(name, "mtime_ms")) {
		dom_pack_put_map(out, 1);
		dom_pack_put_text(out, "mtime");
		dom_pack_put_int(out, 1700000000123);
	} else if (dom_slice_is(name, "str_utf8")) {
		dom_pack_put_text(out, "\xc3\xa9\xe2\x98\x83");
	} else if (dom_slice_is(name, "bool")) {
		dom_pack_put_array(out, 2);
		dom_pack_put_bool(out, true);
		dom_pack_put_bool(out, false);
	} else if (dom_slice_is(name, "neg")) {
		dom_pack_put_int(out, -1);
	} else {
		fail_msg("unknown msgpack vector %.*s", (int)name.size, name.data);
	}
}

void
test_msgpack_vectors(void **state)
{
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(inside(vectors_crypto(), "msgpack"), i, one)
	{
		struct dom_slice name = take_text(one, "name");
		struct dom_slice expected = take_hex(one, "hex");
		struct dom_pack_reader in = dom_pack_reader_over(expected);
		struct dom_buffer out = {0};

		if (dom_slice_is(name, "float")) { /* read and passed on, never written */
			assert_int_equal(dom_pack_peek(&in), DOM_PACK_FLOAT);
			dom_buffer_append_slice(&out, dom_pack_raw(&in));
		} else {
			put_named(&out, name);
			dom_pack_skip(&in);
		}
		assert_ok(dom_pack_finish(&in));
		assert_bytes(dom_buffer_slice(&out), expected);
		dom_buffer_free(&out);
	}
}

void
test_password_vectors(void **state)
{
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(inside(vectors_crypto(), "kdf"), i, one)
	{
		struct dom_slice password = take_hex(one, "password_hex");
		struct dom_slice salt = take_hex(one, "salt_hex");
		struct dom_main_key *key = NULL;

		assert_bytes(password, take_text(one, "password_utf8"));
		assert_bytes(part(salt, 0, DOM_SALT_SIZE_MIN), take_hex(one, "salt_used_hex"));
		assert_true(dom_slice_is(take_text(one, "alg"), "argon2id v1.3"));
		assert_int_equal(take_int(one, "opslimit_t"), DOM_PASSWORD_PASSES);
		assert_int_equal(take_int(one, "memlimit_bytes"), DOM_PASSWORD_MEMORY_SIZE);
		assert_int_equal(take_int(one, "parallelism"), 1);
		assert_int_equal(take_int(one, "out_len"), DOM_KEY_SIZE);
		take_note(one, "note");
		assert_ok(dom_main_key_from_password(password, salt, &key));
		assert_bytes(
		    dom_slice(key->bytes, DOM_KEY_SIZE), take_hex(one, "main_key_hex"));
		dom_main_key_free(&key);
		assert_null(key);
	}
}

void
test_other_difficulty_vectors(void **state)
{
	json_t *one = inside(vectors_crypto(), "kdf_other_difficulties");
	struct dom_slice password = take_text(one, "password");
	struct dom_slice salt = take_hex(one, "salt_used_hex");
	uint8_t key[DOM_KEY_SIZE];

	(void)state;
	assert_ok(dom_password_hash(password, salt, 3, key));
	assert_bytes(dom_slice(key, sizeof(key)), take_hex(one, "medium_t3_hex"));
	assert_ok(dom_password_hash(password, salt, 2, key));
	assert_bytes(dom_slice(key, sizeof(key)), take_hex(one, "easy_t2_hex"));
	take_note(one, "note");
}

static struct dom_slice
key_slice(const uint8_t key[DOM_KEY_SIZE])
{
	return dom_slice(key, DOM_KEY_SIZE);
}

void
test_subkey_vectors(void **state)
{
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(inside(vectors_crypto(), "subkeys"), i, one)
	{
		struct dom_slice key = take_hex(one, "key_hex");
		struct dom_slice context = take_text(one, "context_ascii");
		struct dom_manager manager;

		assert_bytes(context, take_hex(one, "context_hex"));
		dom_manager_derive(&manager, key.data, (const char *)context.data);
		assert_bytes(key_slice(manager.cipher_key), take_hex(one, "cipherKey_1"));
		assert_bytes(key_slice(manager.mac_key), take_hex(one, "macKey_2"));
		assert_bytes(key_slice(manager.seed), take_hex(one, "asymKeySeed_3"));
		assert_bytes(key_slice(manager.sub_key), take_hex(one, "subDerivationKey_4"));
		assert_bytes(
		    key_slice(manager.det_key), take_hex(one, "deterministicEncryptionKey_5"));
	}
}

/* What account and account2 have in common. */
static void
check_account(json_t *one, const struct dom_main_key *main)
{
	struct dom_slice sealed = take_hex(one, "encryptedContent_hex");
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE], again[DOM_SECRETS_SIZE];
	struct dom_identity_key *identity = NULL;
	struct dom_account_key *account = NULL;
	struct dom_random random;
	struct script script;

	dom_main_key_login_public(main, public_key);
	assert_bytes(key_slice(public_key), take_hex(one, "login_pubkey_hex"));
	assert_ok(dom_account_open(main, sealed, &account, &identity));
	assert_bytes(key_slice(account->bytes), take_hex(one, "account_key_hex"));
	assert_bytes(key_slice(identity->secret), take_hex(one, "identity_privkey_hex"));
	dom_identity_public(identity, public_key);
	assert_bytes(key_slice(public_key), take_hex(one, "identity_pubkey_hex"));
	random = script_random(&script, part(sealed, 0, DOM_NONCE_SIZE));
	assert_ok(dom_account_seal(main, account, identity, &random, again));
	script_finish(&script);
	assert_bytes(dom_slice(again, sizeof(again)), sealed);
	dom_account_key_free(&account);
	dom_identity_key_free(&identity);
	take_note(one, "note");
}

void
test_account_vectors(void **state)
{
	json_t *one = inside(vectors_crypto(), "account");
	struct dom_slice sealed = peek_hex(one, "encryptedContent_hex");
	struct dom_slice account_key = peek_hex(one, "account_key_hex");
	struct dom_slice identity = peek_hex(one, "identity_privkey_hex");
	struct dom_main_key *main = NULL;

	(void)state;
	assert_ok(dom_main_key_from_bytes(take_hex(one, "main_key_hex"), &main));
	assert_bytes(key_slice(main->manager.seed), take_hex(one, "login_seed_hex"));
	assert_bytes(take_b64(one, "login_pubkey_b64"), peek_hex(one, "login_pubkey_hex"));
	assert_bytes(
	    take_b64(one, "identity_pubkey_b64"), peek_hex(one, "identity_pubkey_hex"));
	assert_bytes(
	    part(sealed, 0, DOM_NONCE_SIZE), take_hex(one, "encryptedContent_nonce_hex"));
	assert_bytes(
	    joined(account_key, identity), take_hex(one, "encryptedContent_plain_hex"));
	check_account(one, main);
	dom_main_key_free(&main);

	one = inside(vectors_crypto(), "account2");
	assert_ok(dom_main_key_from_bytes(take_hex(one, "main_key_hex"), &main));
	check_account(one, main);
	dom_main_key_free(&main);
}

/* A login or change-password response, as the client builds it. */
static void
put_response(
    struct dom_buffer *out, size_t fields, struct dom_slice challenge, const char *action)
{
	dom_pack_put_map(out, fields);
	dom_pack_put_text(out, "username");
	dom_pack_put_text(out, "test_user");
	dom_pack_put_text(out, "challenge");
	dom_pack_put_bin(out, challenge);
	dom_pack_put_text(out, "host");
	dom_pack_put_text(out, "localhost:8033");
	dom_pack_put_text(out, "action");
	dom_pack_put_text(out, action);
}

static void
check_signature(json_t *one, const struct dom_main_key *main, struct dom_slice response)
{
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE] = {0};
	struct dom_slice signed_by = dom_slice(signature, sizeof(signature));

	dom_main_key_sign(main, response, signature);
	assert_bytes(signed_by, take_hex(one, "signature_hex"));
	dom_main_key_login_public(main, public_key);
	assert_true(dom_verify(key_slice(public_key), response, signed_by));
	signature[5] ^= 1;
	assert_false(dom_verify(key_slice(public_key), response, signed_by));
}

static void
check_change_password(json_t *one, const struct dom_main_key *main, struct dom_slice challenge)
{
	json_t *account_vector = inside(vectors_crypto(), "account");
	json_t *new_password = json_array_get(inside(vectors_crypto(), "kdf"), 2);
	struct dom_slice content = take_hex(one, "new_encryptedContent_hex");
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE], sealed[DOM_SECRETS_SIZE];
	struct dom_main_key *new_main = NULL;
	struct dom_identity_key *identity = NULL;
	struct dom_account_key *account = NULL;
	struct dom_buffer response = {0};
	struct dom_random random;
	struct script script;

	assert_ok(dom_main_key_from_bytes(peek_hex(new_password, "main_key_hex"), &new_main));
	assert_ok(dom_account_open(
	    main, peek_hex(account_vector, "encryptedContent_hex"), &account, &identity));
	random = script_random(&script, take_hex(one, "new_encryptedContent_nonce_hex"));
	assert_ok(dom_account_seal(new_main, account, identity, &random, sealed));
	script_finish(&script);
	assert_bytes(dom_slice(sealed, sizeof(sealed)), content);
	dom_main_key_login_public(new_main, public_key);
	assert_bytes(key_slice(public_key), take_hex(one, "new_loginPubkey_hex"));
	put_response(&response, 6, challenge, "changePassword");
	dom_pack_put_text(&response, "loginPubkey");
	dom_pack_put_bin(&response, key_slice(public_key));
	dom_pack_put_text(&response, "encryptedContent");
	dom_pack_put_bin(&response, content);
	assert_bytes(dom_buffer_slice(&response), take_hex(one, "response_msgpack_hex"));
	check_signature(one, main, dom_buffer_slice(&response));
	take_note(one, "note");
	dom_buffer_free(&response);
	dom_account_key_free(&account);
	dom_identity_key_free(&identity);
	dom_main_key_free(&new_main);
}

void
test_login_vectors(void **state)
{
	json_t *both = inside(vectors_crypto(), "login");
	json_t *one = inside(both, "login");
	struct dom_slice challenge = take_hex(both, "challenge_hex");
	struct dom_slice signature = peek_hex(one, "signature_hex");
	struct dom_buffer response = {0}, body = {0};
	struct dom_main_key *main = NULL;

	(void)state;
	assert_ok(dom_main_key_from_bytes(
	    peek_hex(inside(vectors_crypto(), "account"), "main_key_hex"), &main));
	put_response(&response, 4, challenge, "login");
	assert_bytes(dom_buffer_slice(&response), take_hex(one, "response_msgpack_hex"));
	check_signature(one, main, dom_buffer_slice(&response));
	dom_pack_put_map(&body, 2);
	dom_pack_put_text(&body, "response");
	dom_pack_put_bin(&body, dom_buffer_slice(&response));
	dom_pack_put_text(&body, "signature");
	dom_pack_put_bin(&body, signature);
	assert_bytes(dom_buffer_slice(&body), take_hex(one, "request_body_hex"));
	check_change_password(inside(both, "changePassword"), main, challenge);
	dom_buffer_free(&response);
	dom_buffer_free(&body);
	dom_main_key_free(&main);
}

void
test_signup_vectors(void **state)
{
	json_t *one = inside(vectors_crypto(), "signup_body");
	json_t *account = inside(vectors_crypto(), "account");
	struct dom_buffer body = {0};

	(void)state;
	dom_pack_put_map(&body, 5);
	dom_pack_put_text(&body, "user");
	dom_pack_put_map(&body, 2);
	dom_pack_put_text(&body, "username");
	dom_pack_put_text(&body, "test_user");
	dom_pack_put_text(&body, "email");
	dom_pack_put_text(&body, "test@localhost");
	dom_pack_put_text(&body, "salt");
	dom_pack_put_bin(
	    &body, peek_hex(json_array_get(inside(vectors_crypto(), "kdf"), 0), "salt_hex"));
	dom_pack_put_text(&body, "loginPubkey");
	dom_pack_put_bin(&body, peek_hex(account, "login_pubkey_hex"));
	dom_pack_put_text(&body, "pubkey");
	dom_pack_put_bin(&body, peek_hex(account, "identity_pubkey_hex"));
	dom_pack_put_text(&body, "encryptedContent");
	dom_pack_put_bin(&body, peek_hex(account, "encryptedContent_hex"));
	assert_bytes(dom_buffer_slice(&body), take_hex(one, "hex"));
	take_note(one, "note");
	dom_buffer_free(&body);
}

static void
derive_from(json_t *one, struct dom_manager *manager)
{
	struct dom_slice key = take_hex(one, "key_hex");

	dom_manager_derive(manager, key.data, (const char *)take_text(one, "context").data);
}

static void
check_sealed(json_t *one, const struct dom_manager *manager, struct dom_slice message)
{
	struct dom_slice ad = has(one, "ad_hex") ? take_hex(one, "ad_hex") : dom_slice(NULL, 0);
	struct dom_slice expected = take_hex(one, "out_hex");
	uint8_t sealed[128], plain[128];
	struct script script;
	struct dom_random random = script_random(&script, take_hex(one, "nonce_hex"));

	dom_seal(manager->cipher_key, message, ad, &random, sealed);
	script_finish(&script);
	assert_bytes(dom_slice(sealed, message.size + DOM_SEAL_OVERHEAD), expected);
	assert_ok(dom_open(manager->cipher_key, expected, ad, plain));
	assert_bytes(dom_slice(plain, message.size), message);
}

void
test_symmetric_vectors(void **state)
{
	json_t *all = inside(vectors_crypto(), "symmetric");
	json_t *one = inside(all, "detached");
	struct dom_slice message = take_hex(all, "message_hex");
	uint8_t sealed[128], plain[128], tag[DOM_TAG_SIZE];
	struct dom_manager manager;
	struct dom_slice ad, expected, expected_tag;
	struct dom_random random;
	struct script script;

	(void)state;
	derive_from(all, &manager);
	check_sealed(inside(all, "no_ad"), &manager, message);
	check_sealed(inside(all, "with_ad"), &manager, message);
	ad = take_hex(one, "ad_hex");
	expected = take_hex(one, "nonce_plus_ciphertext_hex");
	expected_tag = take_hex(one, "tag_hex");
	random = script_random(&script, take_hex(one, "nonce_hex"));
	dom_seal_detached(manager.cipher_key, message, ad, &random, sealed, tag);
	assert_bytes(dom_slice(sealed, message.size + DOM_NONCE_SIZE), expected);
	assert_bytes(dom_slice(tag, sizeof(tag)), expected_tag);
	assert_ok(
	    dom_open_detached(manager.cipher_key, expected, expected_tag.data, ad, plain));
	assert_bytes(dom_slice(plain, message.size), message);
}

void
test_mac_vectors(void **state)
{
	json_t *all = inside(vectors_crypto(), "mac");
	json_t *one = inside(all, "streaming");
	struct dom_slice raw_key = peek_hex(all, "key_hex"), zeros = filled(0, 32);
	struct dom_slice streamed =
	    joined(filled(0, 4), joined(from_hex("08000000"), filled(0, 8)));
	struct dom_manager manager;
	uint8_t out[DOM_MAC_SIZE];

	(void)state;
	derive_from(all, &manager);
	assert_ok(dom_manager_subkey(&manager, zeros, out));
	assert_bytes(key_slice(out), take_hex(all, "deriveSubkey_of_32_zero_bytes"));
	dom_mac(manager.mac_key, zeros, out);
	assert_bytes(key_slice(out), take_hex(all, "calculateMac_keyed_32_zero"));
	dom_hash(zeros, out);
	assert_bytes(key_slice(out), take_hex(all, "calculateMac_unkeyed_32_zero"));
	dom_hash(streamed, out);
	assert_bytes(key_slice(out), take_hex(one, "unkeyed"));
	dom_mac(raw_key.data, streamed, out);
	assert_bytes(key_slice(out), take_hex(one, "keyed_with_key_hex_directly"));
	take_note(one, "note");
}

void
test_deterministic_vectors(void **state)
{
	json_t *all = inside(vectors_crypto(), "deterministic");
	json_t *list = take_list(all, "out_b64"), *one;
	struct dom_manager manager;
	size_t i;

	(void)state;
	derive_from(all, &manager);
	take_note(all, "note");
	assert_int_equal(json_array_size(list), 64);
	json_array_foreach(list, i, one)
	{
		struct dom_slice expected = from_b64(json_string_value(one));
		struct dom_buffer sealed = {0}, plain = {0};

		assert_ok(dom_manager_seal_equal(&manager, filled(0x3c, i), &sealed));
		assert_bytes(dom_buffer_slice(&sealed), expected);
		assert_ok(dom_manager_open_equal(&manager, expected, &plain));
		assert_bytes(dom_buffer_slice(&plain), filled(0x3c, i));
		dom_buffer_free(&sealed);
		dom_buffer_free(&plain);
	}
	json_decref(list);
}
