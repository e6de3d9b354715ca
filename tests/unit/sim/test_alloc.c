/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Memory that runs out, and what is found with it in what needs no disk. */
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto/digest.h"

#include "sim/alloc.h"

enum { TRIES_MAX = 1000 };

static void
the_nth_allocation_fails_and_all_are_counted(void **state)
{
	int64_t live = sim_alloc_live();
	char *text = NULL, *other;
	char *volatile none; /* else clang knows better than to allocate */

	(void)state;
	sim_alloc_fail(2, false);
	assert_non_null(text = strdup("one"));
	other = strndup("two", 2);
	assert_null(other);
	assert_true(asprintf(&other, "%s %d", text, 3) > 0);
	assert_string_equal(other, "one 3");
	assert_int_equal(sim_alloc_heal(), 1);
	assert_int_equal(sim_alloc_live(), live + 2);
	sim_alloc_fail(1, true);
	none = strndup(text, 2);
	assert_null(none);
	assert_int_equal(sim_alloc_heal(), 1);
	free(text);
	free(other);
	assert_int_equal(sim_alloc_live(), live);
}

/* OpenSSL crashes when it is handed a context whose start has found no memory. */
static void
a_digest_that_found_no_memory_says_so_and_can_be_used_again(void **state)
{
	uint8_t expected[DOM_SHA256_SIZE], found[DOM_SHA256_SIZE];
	struct dom_sha256 *sha = dom_sha256_new();
	uint64_t struck = 1;

	(void)state;
	assert_non_null(sha);
	assert_int_equal(dom_sha256(dom_slice_of("text"), expected), DOM_OK);
	for (uint64_t nth = 1; struck != 0; nth++) {
		unsigned failed = 0;

		assert_true(nth < TRIES_MAX);
		sim_alloc_fail(nth, true);
		for (unsigned i = 0; i < 3; i++) {
			dom_sha256_add(sha, dom_slice_of("te"));
			dom_sha256_add(sha, dom_slice_of("xt"));
			if (dom_sha256_finish(sha, found) == DOM_OK)
				assert_memory_equal(found, expected, sizeof(found));
			else
				failed++;
		}
		struck = sim_alloc_heal();
		assert_true(struck != 0 || failed == 0);
		/* One may be lost to the start that failed before. */
		dom_sha256_add(sha, dom_slice_of("text"));
		if (dom_sha256_finish(sha, found) != DOM_OK) {
			dom_sha256_add(sha, dom_slice_of("text"));
			assert_int_equal(dom_sha256_finish(sha, found), DOM_OK);
		}
		assert_memory_equal(found, expected, sizeof(found));
	}
	dom_sha256_free(&sha);
}

int
main(void)
{
	static const struct CMUnitTest cases[] = {
	    cmocka_unit_test(the_nth_allocation_fails_and_all_are_counted),
	    cmocka_unit_test(a_digest_that_found_no_memory_says_so_and_can_be_used_again),
	};

	sim_alloc_install();
	return cmocka_run_group_tests(cases, NULL, NULL);
}
