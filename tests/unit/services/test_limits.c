/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What hostile or merely large input costs, and what is said when a disk fails. */
#include "house.h"

static void
only_a_failed_commit_may_have_stored_something(void **state)
{
	static const enum dom_status certain[] = {
	    DOM_ESTORE, DOM_ENOMEM, DOM_EFULL, DOM_ELIMIT};
	struct service_reply reply = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(certain) / sizeof(certain[0]); i++) {
		service_failure(certain[i], &reply);
		assert_non_null(strstr(reply.detail, "nothing was stored"));
	}
	service_failure(DOM_EUNCERTAIN, &reply);
	assert_int_equal(reply.code, SERVICE_UNAVAILABLE);
	assert_null(strstr(reply.detail, "nothing"));
	assert_non_null(strstr(reply.detail, "perhaps"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(only_a_failed_commit_may_have_stored_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
