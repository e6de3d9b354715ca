/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Keys there and back, keys that do not fit, and what only we make of them. */
#include <stdlib.h>

#include <sodium.h>

#include "base/encode.h"
#include "base/msgpack.h"

#include "crypto/digest.h"
#include "crypto/region.h"
#include "crypto/roles.h"
#include "crypto/session.h"
#include "crypto/share.h"

#include "testing.h"

struct person {
	struct dom_main_key *main;
	struct dom_account_key *account;
	struct dom_identity_key *identity;
};

static struct dom_main_key *
main_key(uint8_t byte)
{
	struct dom_main_key *key = NULL;
	uint8_t bytes[DOM_KEY_SIZE];

	memset(bytes, byte, sizeof(bytes));
	assert_ok(dom_main_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &key));
	return key;
}

static void
person_make(struct person *person, uint8_t byte)
{
	uint64_t seed = byte;
	struct dom_random random = test_random(&seed);

	person->main = main_key(byte);
	assert_ok(dom_account_create(&random, &person->account, &person->identity));
}

static void
person_free(struct person *person)
{
	dom_main_key_free(&person->main);
	dom_account_key_free(&person->account);
	dom_identity_key_free(&person->identity);
}

static void
test_an_account_opens_under_its_main_key_only(void **state)
{
	uint8_t sealed[DOM_SECRETS_SIZE], one[DOM_PUBLIC_KEY_SIZE], two[DOM_PUBLIC_KEY_SIZE];
	struct dom_random random = dom_random_system();
	struct dom_identity_key *identity = NULL;
	struct dom_account_key *account = NULL;
	struct dom_main_key *other = main_key(2);
	struct dom_slice whole = dom_slice(sealed, sizeof(sealed));
	struct person ana;

	(void)state;
	person_make(&ana, 1);
	assert_ok(dom_account_seal(ana.main, ana.account, ana.identity, &random, sealed));
	assert_int_equal(dom_account_open(other, whole, &account, &identity), DOM_EINTEGRITY);
	for (size_t size = 0; size < sizeof(sealed); size++)
		assert_int_equal(
		    dom_account_open(ana.main, dom_slice(sealed, size), &account, &identity),
		    DOM_EINTEGRITY);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    dom_account_open(ana.main, whole, &account, &identity), DOM_EINTEGRITY);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_null(account);
	assert_null(identity);
	assert_ok(dom_account_open(ana.main, whole, &account, &identity));
	dom_identity_public(identity, one);
	dom_identity_public(ana.identity, two);
	assert_memory_equal(one, two, sizeof(one));
	dom_statement_public(account, one);
	dom_statement_public(ana.account, two);
	assert_memory_equal(one, two, sizeof(one));
	dom_account_key_free(&account);
	dom_identity_key_free(&identity);
	dom_main_key_free(&other);
	person_free(&ana);
}

static void
test_a_sealed_secret_of_another_size_is_refused(void **state)
{
	struct dom_random random = dom_random_system();
	uint8_t plain[DOM_KEY_SIZE + 1] = {0}, sealed[sizeof(plain) + DOM_SEAL_OVERHEAD];
	struct dom_collection_key *key = NULL;
	struct person ana;

	(void)state;
	person_make(&ana, 1);
	/* The tag fits, but it opens to 33 bytes. */
	dom_seal(ana.account->manager.cipher_key, dom_slice(plain, sizeof(plain)),
	    dom_slice(NULL, 0), &random, sealed);
	assert_int_equal(dom_collection_key_open(ana.account, dom_slice(sealed, sizeof(sealed)),
	                     dom_slice(NULL, 0), &key),
	    DOM_EINTEGRITY);
	assert_null(key);
	person_free(&ana);
}

static void
test_keys_of_another_size_are_refused(void **state)
{
	uint8_t bytes[DOM_KEY_SIZE + 1] = {0};
	struct dom_main_key *main = NULL;
	struct dom_account_key *account = NULL;
	struct dom_collection_key *collection = NULL;
	struct dom_region_key *region = NULL;
	struct dom_item_key *item = dom_item_key_new();

	(void)state;
	assert_non_null(item);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		struct dom_slice slice = dom_slice(bytes, size);
		enum dom_status expected = size == DOM_KEY_SIZE ? DOM_OK : DOM_EINPUT;

		assert_int_equal(dom_main_key_from_bytes(slice, &main), expected);
		assert_int_equal(dom_account_key_from_bytes(slice, &account), expected);
		assert_int_equal(dom_collection_key_from_bytes(slice, &collection), expected);
		assert_int_equal(dom_region_key_from_bytes(slice, &region), expected);
		assert_int_equal(dom_item_key_from_bytes(slice, item), expected);
		dom_main_key_free(&main);
		dom_account_key_free(&account);
		dom_collection_key_free(&collection);
		dom_region_key_free(&region);
	}
	assert_int_equal(
	    dom_main_key_from_password(dom_slice_of("x"), dom_slice(bytes, 15), &main),
	    DOM_EINPUT);
	assert_null(main);
	dom_item_key_free(&item);
}

static void
test_an_item_key_needs_a_uid_of_1_to_64_bytes(void **state)
{
	struct dom_random random = dom_random_system();
	struct dom_collection_key *collection = NULL;
	struct dom_item_key *item = dom_item_key_new();
	char uid[DOM_UID_SIZE_MAX + 1];

	(void)state;
	assert_non_null(item);
	memset(uid, 'u', sizeof(uid));
	assert_ok(dom_collection_key_create(&random, &collection));
	for (size_t size = 0; size <= sizeof(uid); size++)
		assert_int_equal(dom_item_key_derive(collection, dom_slice(uid, size), item),
		    size >= 1 && size <= DOM_UID_SIZE_MAX ? DOM_OK : DOM_EINPUT);
	dom_item_key_free(&item);
	dom_collection_key_free(&collection);
}

static void
test_a_collection_key_is_bound_to_its_type(void **state)
{
	struct dom_random random = dom_random_system();
	struct dom_collection_key *key = NULL, *opened = NULL;
	struct dom_buffer contacts = {0}, photos = {0}, name = {0};
	uint8_t sealed[DOM_WRAPPED_KEY_SIZE];
	struct person ana, ben;

	(void)state;
	person_make(&ana, 1);
	person_make(&ben, 2);
	assert_ok(
	    dom_collection_type_seal(ana.account, dom_slice_of("etebase.vcard"), &contacts));
	assert_ok(dom_collection_type_seal(ana.account, dom_slice_of("photos"), &photos));
	assert_ok(dom_collection_key_create(&random, &key));
	assert_ok(dom_collection_key_seal(
	    ana.account, key, dom_buffer_slice(&contacts), &random, sealed));
	assert_int_equal(dom_collection_key_open(ana.account, dom_slice(sealed, sizeof(sealed)),
	                     dom_buffer_slice(&photos), &opened),
	    DOM_EINTEGRITY);
	assert_int_equal(dom_collection_key_open(ben.account, dom_slice(sealed, sizeof(sealed)),
	                     dom_buffer_slice(&contacts), &opened),
	    DOM_EINTEGRITY);
	assert_null(opened);
	assert_ok(dom_collection_key_open(ana.account, dom_slice(sealed, sizeof(sealed)),
	    dom_buffer_slice(&contacts), &opened));
	assert_memory_equal(opened->bytes, key->bytes, DOM_KEY_SIZE);
	assert_int_equal(
	    dom_collection_type_open(ben.account, dom_buffer_slice(&contacts), &name),
	    DOM_EINTEGRITY);
	for (size_t size = 0; size < contacts.size; size++)
		assert_int_equal(dom_collection_type_open(
		                     ana.account, dom_slice(contacts.data, size), &name),
		    DOM_EINTEGRITY);
	assert_int_equal(name.size, 0);
	dom_buffer_free(&contacts);
	dom_buffer_free(&photos);
	dom_buffer_free(&name);
	dom_collection_key_free(&key);
	dom_collection_key_free(&opened);
	person_free(&ana);
	person_free(&ben);
}

/* Fixed for good: these uids and keys are on people's servers. */
static void
test_our_own_derivations_never_change(void **state)
{
	struct dom_collection_key *collection = NULL;
	struct dom_account_key *account = NULL;
	uint8_t bytes[DOM_KEY_SIZE], public_key[DOM_PUBLIC_KEY_SIZE];
	char uid[DOM_UID_TEXT_SIZE + 1], hex[2 * DOM_PUBLIC_KEY_SIZE + 1];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_ok(dom_account_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &account));
	assert_ok(dom_collection_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &collection));
	dom_account_named_uid(account, dom_slice_of("contacts"), uid);
	assert_string_equal(uid, "6qKPFzSpxelQzjXXUA3LGno0HaDPRLL_");
	dom_collection_record_uid(collection, dom_slice_of("contacts"), uid);
	assert_string_equal(uid, "gW2RZ3_d4gRlptcO7hflXFc2zXjMOxk_");
	dom_statement_public(account, public_key);
	dom_hex_encode(dom_slice(public_key, sizeof(public_key)), hex);
	assert_string_equal(
	    hex, "64e08fda7dceb4c209e4f2199082d251b5a04d9f75bcd0d9c59ae9344b351e13");
	dom_account_key_free(&account);
	dom_collection_key_free(&collection);
}

static void
test_a_statement_verifies_until_a_bit_changes(void **state)
{
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE] = {0};
	struct dom_slice message = dom_slice_of("contacts on"), key, by;
	struct person ana;

	(void)state;
	person_make(&ana, 1);
	dom_statement_public(ana.account, public_key);
	dom_statement_sign(ana.account, message, signature);
	key = dom_slice(public_key, sizeof(public_key));
	by = dom_slice(signature, sizeof(signature));
	assert_true(dom_verify(key, message, by));
	assert_false(dom_verify(key, dom_slice_of("contacts off"), by));
	assert_false(dom_verify(dom_slice(public_key, 31), message, by));
	assert_false(dom_verify(key, message, dom_slice(signature, 63)));
	assert_false(dom_verify(dom_slice(NULL, 0), message, dom_slice(NULL, 0)));
	for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(dom_verify(key, message, by));
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	person_free(&ana);
}

static void
test_an_invitation_opens_for_the_invited_from_the_inviter_only(void **state)
{
	struct dom_random random = dom_random_system();
	struct dom_collection_key *key = NULL, *got = NULL;
	struct dom_buffer sealed = {0}, type = {0};
	uint8_t from[DOM_PUBLIC_KEY_SIZE], to[DOM_PUBLIC_KEY_SIZE], none[DOM_PUBLIC_KEY_SIZE];
	struct person ana, ben;

	(void)state;
	person_make(&ana, 1);
	person_make(&ben, 2);
	dom_identity_public(ana.identity, from);
	dom_identity_public(ben.identity, to);
	assert_ok(dom_collection_key_create(&random, &key));
	assert_ok(dom_invitation_seal(
	    ana.identity, to, key, dom_slice_of("etebase.vcard"), &random, &sealed));
	for (size_t bit = 0; bit < 8 * sealed.size; bit++) {
		sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(dom_invitation_open(ben.identity, from,
		                     dom_buffer_slice(&sealed), &got, &type),
		    DOM_EINTEGRITY);
		sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t size = 0; size < sealed.size; size++)
		assert_int_equal(dom_invitation_open(ben.identity, from,
		                     dom_slice(sealed.data, size), &got, &type),
		    DOM_EINTEGRITY);
	assert_int_equal(
	    dom_invitation_open(ben.identity, to, dom_buffer_slice(&sealed), &got, &type),
	    DOM_EINTEGRITY);
	assert_null(got);
	assert_int_equal(type.size, 0);
	assert_ok(
	    dom_invitation_open(ben.identity, from, dom_buffer_slice(&sealed), &got, &type));
	assert_memory_equal(got->bytes, key->bytes, DOM_KEY_SIZE);
	assert_true(dom_slice_is(dom_buffer_slice(&type), "etebase.vcard"));
	memset(none, 0, sizeof(none)); /* a point of small order */
	assert_int_equal(
	    dom_invitation_seal(ana.identity, none, key, dom_slice_of("x"), &random, &sealed),
	    DOM_EINPUT);
	dom_buffer_free(&sealed);
	dom_buffer_free(&type);
	dom_collection_key_free(&key);
	dom_collection_key_free(&got);
	person_free(&ana);
	person_free(&ben);
}

/* An invitation of ours with any payload in it, opened by ben. */
static enum dom_status
open_payload(const struct person *ana, const struct person *ben, const char *key_name,
    size_t key_size, const char *type_name, unsigned extra)
{
	uint8_t from[DOM_PUBLIC_KEY_SIZE], to[DOM_PUBLIC_KEY_SIZE], key[40] = {1};
	uint8_t sealed[256] = {0};
	struct dom_collection_key *got = NULL;
	struct dom_buffer plain = {0}, type = {0};
	enum dom_status st;

	dom_identity_public(ana->identity, from);
	dom_identity_public(ben->identity, to);
	dom_pack_put_map(&plain, 2 + extra);
	dom_pack_put_text(&plain, key_name);
	dom_pack_put_bin(&plain, dom_slice(key, key_size));
	dom_pack_put_text(&plain, type_name);
	dom_pack_put_text(&plain, "etebase.vcard");
	if (extra) {
		dom_pack_put_text(&plain, "later");
		dom_pack_put_array(&plain, 0);
	}
	dom_buffer_append_text(&plain, "\x80");
	assert_int_equal(crypto_box_easy(sealed + DOM_NONCE_SIZE, plain.data, plain.size,
	                     sealed, to, ana->identity->secret),
	    0);
	st = dom_invitation_open(ben->identity, from,
	    dom_slice(sealed, plain.size + DOM_SEAL_OVERHEAD), &got, &type);
	assert_int_equal(got != NULL, st == DOM_OK);
	assert_int_equal(type.size, st == DOM_OK ? 13 : 0);
	dom_collection_key_free(&got);
	dom_buffer_free(&plain);
	dom_buffer_free(&type);
	return st;
}

static void
test_an_invitation_needs_a_whole_key_and_a_type(void **state)
{
	struct person ana, ben;

	(void)state;
	person_make(&ana, 1);
	person_make(&ben, 2);
	assert_ok(open_payload(&ana, &ben, "encryptionKey", 32, "collectionType", 0));
	assert_ok(open_payload(&ana, &ben, "encryptionKey", 32, "collectionType", 1));
	assert_int_equal(
	    open_payload(&ana, &ben, "encryptionKey", 31, "collectionType", 0), DOM_EINTEGRITY);
	assert_int_equal(
	    open_payload(&ana, &ben, "encryptionKey", 33, "collectionType", 0), DOM_EINTEGRITY);
	assert_int_equal(
	    open_payload(&ana, &ben, "encryptionkey", 32, "collectionType", 0), DOM_EINTEGRITY);
	assert_int_equal(
	    open_payload(&ana, &ben, "encryptionKey", 32, "type", 0), DOM_EINTEGRITY);
	person_free(&ana);
	person_free(&ben);
}

static void
test_a_saved_session_needs_its_storage_key(void **state)
{
	static const uint8_t storage[DOM_KEY_SIZE] = {1}, wrong[DOM_KEY_SIZE] = {2};
	struct dom_slice storage_key = dom_slice(storage, sizeof(storage)), whole;
	struct dom_saved_session session = {
	    .username = dom_slice_of("ana"),
	    .email = dom_slice_of(""),
	    .pubkey = dom_slice(wrong, sizeof(wrong)),
	    .encrypted_content = dom_slice_of("sealed"),
	    .server_url = dom_slice_of("http://127.0.0.1:8443/"),
	};
	struct dom_random random = dom_random_system();
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_main_key *main = main_key(6), *got = NULL;
	struct dom_saved_session back;
	struct dom_buffer text = {0};

	(void)state;
	assert_non_null(arena);
	assert_ok(dom_session_save(&session, main, storage_key, &random, &text));
	whole = dom_buffer_slice(&text);
	assert_int_equal(
	    dom_session_restore(whole, dom_slice(wrong, sizeof(wrong)), arena, &back, &got),
	    DOM_EINTEGRITY);
	assert_int_equal(
	    dom_session_restore(whole, dom_slice(NULL, 0), arena, &back, &got), DOM_EINTEGRITY);
	assert_int_equal(
	    dom_session_restore(whole, dom_slice(storage, 31), arena, &back, &got), DOM_EINPUT);
	for (size_t size = 0; size < text.size; size++)
		assert_true(dom_session_restore(dom_slice(text.data, size), storage_key, arena,
		                &back, &got) < 0);
	for (size_t at = 0; at < text.size; at++) {
		text.data[at] ^= 1;
		assert_true(dom_session_restore(whole, storage_key, arena, &back, &got) < 0);
		text.data[at] ^= 1;
	}
	assert_null(got);
	assert_ok(dom_session_restore(whole, storage_key, arena, &back, &got));
	assert_memory_equal(got->bytes, main->bytes, DOM_KEY_SIZE);
	assert_bytes(back.username, session.username);
	assert_bytes(back.email, session.email);
	assert_bytes(back.encrypted_content, session.encrypted_content);
	assert_bytes(back.server_url, session.server_url);
	assert_null(back.auth_token.data);
	dom_buffer_free(&text);
	dom_arena_free(&arena);
	dom_main_key_free(&main);
	dom_main_key_free(&got);
}

static void
test_a_region_opens_its_own_challenges_only(void **state)
{
	uint8_t bytes[DOM_KEY_SIZE] = {1}, id[16], id_back[16], again[DOM_CHALLENGE_SIZE];
	uint8_t challenge[DOM_CHALLENGE_SIZE] = {0};
	struct dom_slice whole = dom_slice(challenge, sizeof(challenge));
	struct dom_random random = dom_random_system();
	struct dom_region_key *here = NULL, *there = NULL;
	int64_t issued_ms;

	(void)state;
	assert_ok(dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &here));
	bytes[0] = 2;
	assert_ok(dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &there));
	memset(id, 0xa5, sizeof(id));
	assert_ok(dom_challenge_seal(here, id, 1700000000123, &random, challenge));
	assert_ok(dom_challenge_open(here, whole, id_back, &issued_ms));
	assert_memory_equal(id, id_back, sizeof(id));
	assert_int_equal(issued_ms, 1700000000123);
	assert_int_equal(dom_challenge_open(there, whole, id_back, &issued_ms), DOM_EINTEGRITY);
	for (size_t size = 0; size < sizeof(challenge); size++)
		assert_int_equal(
		    dom_challenge_open(here, dom_slice(challenge, size), id_back, &issued_ms),
		    DOM_EINTEGRITY);
	for (size_t bit = 0; bit < 8 * sizeof(challenge); bit++) {
		challenge[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    dom_challenge_open(here, whole, id_back, &issued_ms), DOM_EINTEGRITY);
		challenge[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_ok(dom_challenge_seal(here, id, 1700000000123, &random, again));
	assert_memory_not_equal(again, challenge, sizeof(again));
	dom_region_key_free(&here);
	dom_region_key_free(&there);
}

static void
test_a_fake_salt_is_stable_per_name_and_region(void **state)
{
	uint8_t bytes[DOM_KEY_SIZE] = {1}, one[DOM_SALT_SIZE], two[DOM_SALT_SIZE];
	struct dom_region_key *here = NULL, *there = NULL;

	(void)state;
	assert_ok(dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &here));
	bytes[0] = 2;
	assert_ok(dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &there));
	dom_region_fake_salt(here, dom_slice_of("ana"), one);
	dom_region_fake_salt(here, dom_slice_of("ana"), two);
	assert_memory_equal(one, two, sizeof(one));
	dom_region_fake_salt(here, dom_slice_of("ben"), two);
	assert_memory_not_equal(one, two, sizeof(one));
	dom_region_fake_salt(there, dom_slice_of("ana"), two);
	assert_memory_not_equal(one, two, sizeof(one));
	dom_region_key_free(&here);
	dom_region_key_free(&there);
}

static void
test_a_fake_login_key_is_a_true_key_of_its_region(void **state)
{
	uint8_t bytes[DOM_KEY_SIZE] = {1};
	struct dom_region_key *here = NULL, *there = NULL;

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		bytes[1] = (uint8_t)i;
		assert_ok(dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &here));
		assert_int_equal(dom_region_fake_login(here).size, DOM_PUBLIC_KEY_SIZE);
		assert_int_equal(
		    crypto_core_ed25519_is_valid_point(dom_region_fake_login(here).data), 1);
		if (there != NULL)
			assert_false(dom_slice_equal(
			    dom_region_fake_login(here), dom_region_fake_login(there)));
		dom_region_key_free(&there);
		there = here;
		here = NULL;
	}
	dom_region_key_free(&there);
}

/* FIPS 180-4's examples (NIST, SHA256.pdf). */
static void
test_sha256_known_answers(void **state)
{
	static const struct {
		const char *text;
		const char *hex;
	} cases[] = {
	    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	struct dom_sha256 *sha = dom_sha256_new();

	(void)state;
	assert_non_null(sha);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dom_slice text = dom_slice_of(cases[i].text);
		uint8_t digest[DOM_SHA256_SIZE];
		char hex[2 * DOM_SHA256_SIZE + 1];

		assert_ok(dom_sha256(text, digest));
		dom_hex_encode(dom_slice(digest, sizeof(digest)), hex);
		assert_string_equal(hex, cases[i].hex);
		for (size_t at = 0; at < text.size; at++)
			dom_sha256_add(sha, dom_slice(text.data + at, 1));
		assert_ok(dom_sha256_finish(sha, digest)); /* and is ready for the next */
		dom_hex_encode(dom_slice(digest, sizeof(digest)), hex);
		assert_string_equal(hex, cases[i].hex);
	}
	dom_sha256_free(&sha);
	assert_null(sha);
}

/* RFC 8439, 2.5.2. */
static void
test_quick_tag_known_answer(void **state)
{
	static const struct dom_quick_key key = {{0x85, 0xd6, 0xbe, 0x78, 0x57, 0x55, 0x6d,
	    0x33, 0x7f, 0x44, 0x52, 0xfe, 0x42, 0xd5, 0x06, 0xa8, 0x01, 0x03, 0x80, 0x8a, 0xfb,
	    0x0d, 0xb2, 0xfd, 0x4a, 0xbf, 0xf6, 0xaf, 0x41, 0x49, 0xf5, 0x1b}};
	static const uint8_t expected[DOM_QUICK_TAG_SIZE] = {0xa8, 0x06, 0x1d, 0xc1, 0x30, 0x51,
	    0x36, 0xc6, 0xc2, 0x2b, 0x8b, 0xaf, 0x0c, 0x01, 0x27, 0xa9};
	uint8_t tag[DOM_QUICK_TAG_SIZE];

	(void)state;
	assert_ok(dom_quick_tag(&key, dom_slice_of("Cryptographic Forum Research Group"), tag));
	assert_memory_equal(tag, expected, sizeof(expected));
}

static void
test_secrets_compare_equal_only_if_all_bytes_are(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};

	(void)state;
	assert_true(dom_equal_secret(a, b, sizeof(a)));
	for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(dom_equal_secret(a, b, sizeof(a)));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_account_opens_under_its_main_key_only),
	    cmocka_unit_test(test_a_sealed_secret_of_another_size_is_refused),
	    cmocka_unit_test(test_keys_of_another_size_are_refused),
	    cmocka_unit_test(test_an_item_key_needs_a_uid_of_1_to_64_bytes),
	    cmocka_unit_test(test_a_collection_key_is_bound_to_its_type),
	    cmocka_unit_test(test_our_own_derivations_never_change),
	    cmocka_unit_test(test_a_statement_verifies_until_a_bit_changes),
	    cmocka_unit_test(test_an_invitation_opens_for_the_invited_from_the_inviter_only),
	    cmocka_unit_test(test_an_invitation_needs_a_whole_key_and_a_type),
	    cmocka_unit_test(test_a_saved_session_needs_its_storage_key),
	    cmocka_unit_test(test_a_region_opens_its_own_challenges_only),
	    cmocka_unit_test(test_a_fake_salt_is_stable_per_name_and_region),
	    cmocka_unit_test(test_a_fake_login_key_is_a_true_key_of_its_region),
	    cmocka_unit_test(test_sha256_known_answers),
	    cmocka_unit_test(test_quick_tag_known_answer),
	    cmocka_unit_test(test_secrets_compare_equal_only_if_all_bytes_are),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
