/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_CRYPTO_VECTORS_H
#define TESTS_CRYPTO_VECTORS_H

#include <jansson.h>

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/random.h"

#include "testing.h"

/*
 * The `crypto` part of etebase-vectors.json.  A value is taken out of the tree
 * when a test uses it, so that what is left at the end was never checked.
 * Everything taken lives until the program ends; what is missing or of
 * another type fails the test.
 */
json_t *vectors_crypto(void);

/* A nested object or array: stays in the tree, its values are taken one by one. */
json_t *inside(json_t *parent, const char *key);
bool has(json_t *parent, const char *key);

struct dom_slice take_hex(json_t *parent, const char *key);
struct dom_slice take_b64(json_t *parent, const char *key);
struct dom_slice take_text(json_t *parent, const char *key);
long long take_int(json_t *parent, const char *key);
bool take_bool(json_t *parent, const char *key);
/* A whole list of plain values. */
json_t *take_list(json_t *parent, const char *key);
/* A value that is for people, not to be checked. */
void take_note(json_t *parent, const char *key);

/* Read without taking: the same value is checked elsewhere. */
struct dom_slice peek_hex(json_t *parent, const char *key);

struct dom_slice from_hex(const char *text);
struct dom_slice from_b64(const char *text);
/* size bytes of libsodium's deterministic stream. */
struct dom_slice from_seed(struct dom_slice seed, size_t size);
/* size bytes, all the same. */
struct dom_slice filled(uint8_t byte, size_t size);
/* One after the other, in new memory. */
struct dom_slice joined(struct dom_slice a, struct dom_slice b);
struct dom_slice part(struct dom_slice whole, size_t at, size_t size);

/* Randomness that replays what was recorded; fails if asked for more. */
struct script {
	struct dom_slice left;
};
struct dom_random script_random(struct script *script, struct dom_slice bytes);
void script_finish(const struct script *script);

/* --- in vectors_content.c, for the items too ------------------------------ */

enum { CHUNKS_MAX = 16 };
struct dom_item_key;

/* Lengths of the pieces, as the splitter cuts content that comes step bytes at a time. */
size_t split_lengths(struct dom_slice content, size_t step, size_t lengths[CHUNKS_MAX]);
/* Content given as bytes, as a seed and a length, or as one byte and a length. */
struct dom_slice take_content(json_t *one);
/* Seal with the nonce that is in expected, and open; both must give the vector. */
void check_chunk(const struct dom_item_key *key, struct dom_slice uid, struct dom_slice plain,
    struct dom_slice expected);

/* Tests, by the file that they are in. */
void test_base64_vectors(void **state);
void test_msgpack_vectors(void **state);
void test_password_vectors(void **state);
void test_other_difficulty_vectors(void **state);
void test_subkey_vectors(void **state);
void test_account_vectors(void **state);
void test_login_vectors(void **state);
void test_signup_vectors(void **state);
void test_symmetric_vectors(void **state);
void test_mac_vectors(void **state);
void test_deterministic_vectors(void **state);

void test_collection_type_vectors(void **state);
void test_padding_vectors(void **state);
void test_chunker_vectors(void **state);
void test_chunk_vectors(void **state);
void test_collection_vectors(void **state);
void test_item_vectors(void **state);
void test_own_key_vectors(void **state);

void test_invitation_vectors(void **state);
void test_fingerprint_vectors(void **state);
void test_session_vectors(void **state);
void test_js_cache_vectors(void **state);
void test_rust_cache_vectors(void **state);

#endif
