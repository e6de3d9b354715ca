/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every value of the Etebase vectors' crypto part, and that none was left out. */
#include <stdio.h>

#include "crypto/keys.h"

#include "vectors.h"

/* Values that no test took; prints where they are.  Depth is the file's own. */
static unsigned
count_left(json_t *value, const char *path)
{
	unsigned left = 0;
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach(value, key, child)
		{
			char inner[512];

			snprintf(inner, sizeof(inner), "%.400s.%.100s", path, key);
			left += count_left(child, inner);
		}
		return left;
	}
	if (json_is_array(value)) {
		json_array_foreach(value, i, child)
		{
			char inner[512];

			snprintf(inner, sizeof(inner), "%.400s[%zu]", path, i);
			left += count_left(child, inner);
		}
		return left;
	}
	print_error("%s was never checked\n", path);
	return 1;
}

static void
test_every_value_of_the_vectors_was_checked(void **state)
{
	json_t *crypto = vectors_crypto();

	(void)state;
	json_object_del(crypto, "about");
	assert_int_equal(count_left(crypto, "crypto"), 0);
}

int
main(void)
{
	/* Those that only look at another's values come before it takes them. */
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_base64_vectors),
	    cmocka_unit_test(test_msgpack_vectors),
	    cmocka_unit_test(test_other_difficulty_vectors),
	    cmocka_unit_test(test_subkey_vectors),
	    cmocka_unit_test(test_login_vectors),
	    cmocka_unit_test(test_signup_vectors),
	    cmocka_unit_test(test_password_vectors),
	    cmocka_unit_test(test_session_vectors),
	    cmocka_unit_test(test_rust_cache_vectors),
	    cmocka_unit_test(test_account_vectors),
	    cmocka_unit_test(test_symmetric_vectors),
	    cmocka_unit_test(test_mac_vectors),
	    cmocka_unit_test(test_deterministic_vectors),
	    cmocka_unit_test(test_collection_type_vectors),
	    cmocka_unit_test(test_padding_vectors),
	    cmocka_unit_test(test_chunker_vectors),
	    cmocka_unit_test(test_chunk_vectors),
	    cmocka_unit_test(test_invitation_vectors),
	    cmocka_unit_test(test_js_cache_vectors),
	    cmocka_unit_test(test_own_key_vectors),
	    cmocka_unit_test(test_item_vectors),
	    cmocka_unit_test(test_collection_vectors),
	    cmocka_unit_test(test_fingerprint_vectors),
	    cmocka_unit_test(test_every_value_of_the_vectors_was_checked),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
