/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How much one account may have: each limit is met, and just below it all goes well. */
#include "house.h"
#include "sharing.h"

#define DAY_MS INT64_C(86400000)

static void
an_account_makes_so_many_collections_and_no_more(void **state)
{
	(void)state;
	turn_on(&house.ana);
	turn_on(&house.bob);
	house.service.settings.limits.collections = 3;
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(create(&house.ana, i, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 4, "type one"), SERVICE_TOO_LARGE);
	assert_non_null(strstr(house.reply.detail, "at most 3 collections"));
	/* Others have their own. */
	assert_int_equal(create(&house.bob, 5, "type one"), SERVICE_DONE);
	/* One that nobody is in any more is there until it is swept. */
	assert_int_equal(leave(&house.ana, 1), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 4, "type one"), SERVICE_TOO_LARGE);
	house.service.settings.limits.collections = 4;
	assert_int_equal(create(&house.ana, 4, "type one"), SERVICE_DONE);
}

static void
collections_of_others_do_not_count(void **state)
{
	(void)state;
	move_in();
	house.service.settings.limits.collections = 1;
	join(&house.ana, &house.bob, 1, 2);
	assert_int_equal(create(&house.bob, 2, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.bob, 3, "type one"), SERVICE_TOO_LARGE);
}

static void
a_collection_has_so_many_members_and_no_more(void **state)
{
	(void)state;
	move_in();
	house.service.settings.limits.members = 2;
	assert_int_equal(invite(&house.ana, 1, "bob", 1, 1), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "cyd", 2, 2), SERVICE_DONE);
	assert_int_equal(accept_it(&house.bob, 1), SERVICE_DONE);
	/* Neither who was invited while there was room, nor who is only now. */
	assert_int_equal(accept_it(&house.cyd, 2), SERVICE_TOO_LARGE);
	assert_non_null(strstr(house.reply.detail, "at most 2 members"));
	assert_int_equal(
	    about_invitation(SERVICE_OUTGOING_WITHDRAW, &house.ana, 2), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "cyd", 2, 3), SERVICE_TOO_LARGE);
	assert_int_equal(leave(&house.bob, 1), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "cyd", 2, 3), SERVICE_DONE);
	assert_int_equal(accept_it(&house.cyd, 3), SERVICE_DONE);
}

static void
an_account_has_so_many_invitations_waiting_and_no_more(void **state)
{
	(void)state;
	move_in();
	house.service.settings.limits.invitations = 1;
	assert_int_equal(invite(&house.ana, 1, "bob", 1, 1), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "cyd", 1, 2), SERVICE_TOO_LARGE);
	assert_non_null(strstr(house.reply.detail, "withdraw some first"));
	assert_int_equal(accept_it(&house.bob, 1), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "cyd", 1, 2), SERVICE_DONE);
}

/* Is this token still good? */
static bool
is_in(const struct person *person)
{
	return get(SERVICE_COLLECTION_LIST, person) == SERVICE_DONE;
}

static void
a_login_too_many_ends_the_session_that_was_used_longest_ago(void **state)
{
	struct person devices[4];

	(void)state;
	sign_up(&house.bob);
	sign_up(&house.ana);
	house.service.settings.limits.sessions = 3;
	devices[0] = house.ana;
	for (unsigned i = 1; i < 3; i++) {
		house.now_ms += 1000;
		assert_int_equal(log_in(&house.ana), SERVICE_DONE);
		devices[i] = house.ana;
	}
	/* The first is used again, so the second has been away longest. */
	house.now_ms += DAY_MS;
	assert_true(is_in(&devices[0]));
	assert_true(house.reply.touch_session);
	assert_int_equal(get(SERVICE_SESSION_TOUCH, &devices[0]), SERVICE_DONE);
	assert_true(is_in(&devices[1]) && is_in(&devices[2]));
	house.now_ms += 1000;
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	devices[3] = house.ana;
	assert_false(is_in(&devices[1]));
	assert_true(is_in(&devices[0]) && is_in(&devices[2]) && is_in(&devices[3]));
	assert_true(is_in(&house.bob));
}

static void
statements_are_so_many_in_a_day_and_no_more(void **state)
{
	const int64_t began_ms = house.now_ms;

	(void)state;
	turn_on(&house.ana);
	turn_on(&house.bob);
	house.service.settings.limits.statements_per_day = 3;
	house.now_ms += 1000;
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	assert_int_equal(consent(&house.ana, "tasks", "type three"), SERVICE_TOO_MANY_REQUESTS);
	assert_int_equal(house.reply.retry_after_seconds, 24 * 3600 - 1);
	assert_non_null(strstr(house.reply.detail, "try again in 24 hours"));
	assert_int_equal(consent(&house.bob, "contacts", "type one"), SERVICE_DONE);
	house.now_ms = began_ms + DAY_MS - 1;
	assert_int_equal(consent(&house.ana, "tasks", "type three"), SERVICE_TOO_MANY_REQUESTS);
	assert_int_equal(house.reply.retry_after_seconds, 1);
	house.now_ms += 1;
	assert_int_equal(consent(&house.ana, "tasks", "type three"), SERVICE_DONE);
	assert_int_equal(
	    consent(&house.ana, "contacts", "type one"), SERVICE_TOO_MANY_REQUESTS);
	/* A clock that was set back does not add to the day. */
	house.now_ms -= 30 * DAY_MS;
	assert_int_equal(
	    consent(&house.ana, "contacts", "type one"), SERVICE_TOO_MANY_REQUESTS);
	assert_int_equal(house.reply.retry_after_seconds, 24 * 3600);
}

static void
a_statement_that_is_sent_again_is_no_other(void **state)
{
	(void)state;
	turn_on(&house.ana);
	house.service.settings.limits.statements_per_day = 1;
	house.ana.serial--;
	assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
	assert_int_equal(
	    consent(&house.ana, "calendar", "type two"), SERVICE_TOO_MANY_REQUESTS);
}

static void
nobody_is_kept_from_saying_no(void **state)
{
	(void)state;
	turn_on(&house.ana);
	house.service.settings.limits.statements_per_day = 1;
	/* What was never given cannot be taken back either, and would be kept for ever. */
	assert_int_equal(withdraw(&house.ana, "calendar"), SERVICE_TOO_MANY_REQUESTS);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_TOO_MANY_REQUESTS);
	assert_int_equal(
	    consent(&house.ana, "contacts", "type one"), SERVICE_TOO_MANY_REQUESTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_account_makes_so_many_collections_and_no_more),
	    TEST(collections_of_others_do_not_count),
	    TEST(a_collection_has_so_many_members_and_no_more),
	    TEST(an_account_has_so_many_invitations_waiting_and_no_more),
	    TEST(a_login_too_many_ends_the_session_that_was_used_longest_ago),
	    TEST(statements_are_so_many_in_a_day_and_no_more),
	    TEST(a_statement_that_is_sent_again_is_no_other),
	    TEST(nobody_is_kept_from_saying_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
