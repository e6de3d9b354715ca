/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which time holds for whose history: of its service, and as its owner was told. */
#include "services/consent/consent.h"
#include "sweeping.h"

static void
each_service_has_its_own_time(void **state)
{
	(void)state;
	start();
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 2, "type two"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 3, "type of nobody"), SERVICE_DONE);
	RULES("history contacts at-most P30D", "history calendar at-most P60D",
	    "history any at-most P90D");
	for (unsigned i = 1; i <= 3; i++) {
		revise(i, 1, 'a', 0, "");
		revise(i, 1, 'b', 'a', "");
	}
	/* What was turned off since then is what it was. */
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	for (unsigned i = 1; i <= 3; i++) {
		pass(29 * day_ms);
		sweep();
		assert_int_equal(figures()->removed[RETENTION_HISTORY], i - 1);
		pass(day_ms + 1);
		sweep();
		assert_int_equal(figures()->removed[RETENTION_HISTORY], i);
	}
}

/* The catalogue that is built in, with this retention of a service. */
static void
promise(const char *service, const char *keep)
{
	static const char from[] = "\"retention\": \"";
	struct dom_slice built_in = consent_catalogue_built_in();
	const char *text = (const char *)dom_arena_copy(house.arena, built_in).data;
	const char *at = strstr(strstr(text, service), from) + strlen(from);

	set_catalogue(
	    dom_arena_print(house.arena, "%.*s%s%s", (int)(at - text), text, keep, at));
}

static void
what_was_promised_holds_until_its_owner_agrees_to_something_else(void **state)
{
	(void)state;
	promise("\"contacts\"", "P30D");
	start();
	revise(1, 1, 'a', 0, "");
	revise(1, 1, 'b', 'a', "");
	/* The region promises nothing any more; its people have not agreed. */
	promise("\"contacts\"", "");
	RULES(NULL);
	pass(29 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 0);
	pass(2 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
	assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
	revise(1, 1, 'd', 'b', "");
	pass(100 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
}

static void
what_was_promised_of_anything_holds_for_what_no_service_names(void **state)
{
	(void)state;
	promise("\"any\"", "P30D");
	start();
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 2, "type of nobody"), SERVICE_DONE);
	for (unsigned i = 1; i <= 2; i++) {
		revise(i, 1, 'a', 0, "");
		revise(i, 1, 'b', 'a', "");
	}
	promise("\"any\"", "");
	RULES(NULL);
	pass(100 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
}

static void
a_promise_that_a_law_forbids_to_keep_holds_back(void **state)
{
	(void)state;
	promise("\"contacts\"", "P30D");
	start();
	revise(1, 1, 'a', 0, "");
	revise(1, 1, 'b', 'a', "");
	promise("\"contacts\"", "");
	RULES("history contacts at-least P60D an Act");
	pass(100 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 0);
	assert_int_equal(figures()->held[RETENTION_HISTORY], 1);
}

static void
what_one_person_calls_a_type_is_nothing_to_another(void **state)
{
	struct wire_item one = item(1, 'a', NULL);

	(void)state;
	start();
	sign_up(&house.bob);
	register_statement_key(&house.bob);
	assert_int_equal(consent(&house.bob, "calendar", "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.bob, 2, "type one"), SERVICE_DONE);
	RULES("history contacts at-most P90D", "history calendar at-most P30D");
	revise(1, 1, 'a', 0, "");
	revise(1, 1, 'b', 'a', "");
	assert_int_equal(put(&house.bob, SERVICE_ITEM_TRANSACTION, 2, &one, 1), SERVICE_DONE);
	one = item(1, 'b', uid('a', 1));
	assert_int_equal(put(&house.bob, SERVICE_ITEM_TRANSACTION, 2, &one, 1), SERVICE_DONE);
	pass(31 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 1);
	pass(60 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_HISTORY], 2);
}

static void
collections_too_have_the_time_of_their_service(void **state)
{
	(void)state;
	start();
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 2, "type two"), SERVICE_DONE);
	RULES("erased-collections all at-most P30D", "erased-collections calendar at-most P2D");
	assert_int_equal(leave(&house.ana, 1), SERVICE_DONE);
	assert_int_equal(leave(&house.ana, 2), SERVICE_DONE);
	pass(3 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_COLLECTIONS], 1);
	pass(28 * day_ms);
	sweep();
	assert_int_equal(figures()->removed[RETENTION_COLLECTIONS], 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RTEST(each_service_has_its_own_time),
	    RTEST(what_was_promised_holds_until_its_owner_agrees_to_something_else),
	    RTEST(what_was_promised_of_anything_holds_for_what_no_service_names),
	    RTEST(a_promise_that_a_law_forbids_to_keep_holds_back),
	    RTEST(what_one_person_calls_a_type_is_nothing_to_another),
	    RTEST(collections_too_have_the_time_of_their_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
