/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Wrong passwords: how many there may be, for whom, and what is told. */
#include "house.h"
#include "services/account/attempts.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

/* Three at once and one a minute; of an address six, and two a minute. */
static const struct login_limits limits = {
    .burst = 3, .per_hour = 60, .address_burst = 6, .address_per_hour = 120};

static int
set_up(void **state)
{
	if (house_set_up(state) != 0)
		return -1;
	house.service.attempts = login_attempts_new(&limits, &house.service.random);
	sign_up(&house.ana);
	return house.service.attempts == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	login_attempts_free(&house.service.attempts);
	return house_tear_down(state);
}

/* With somebody else's key. */
static enum service_code
fail_as(const char *name, const char *peer)
{
	const char *own = house.bob.name;
	enum service_code code;

	house.bob.name = name;
	build_login(&house.bob, WIRE_ACTION_LOGIN, &house.bob);
	house.request.token = dom_slice(NULL, 0);
	house.request.peer = dom_slice_of(peer);
	code = send();
	house.bob.name = own;
	return code;
}

static void
wrong_passwords_are_refused_after_a_few_and_taken_again_with_time(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fail_as("ana", ""), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(fail_as("ana", ""), SERVICE_TOO_MANY_ATTEMPTS);
	assert_int_equal(house.reply.retry_after_seconds, 60);
	assert_non_null(strstr(house.reply.detail, "try again in 60 seconds"));
	/* The right one has to wait as well, or guessing would go on. */
	assert_int_equal(log_in(&house.ana), SERVICE_TOO_MANY_ATTEMPTS);
	house.now_ms += MINUTE_MS - 1;
	assert_int_equal(fail_as("ana", ""), SERVICE_TOO_MANY_ATTEMPTS);
	assert_int_equal(house.reply.retry_after_seconds, 1);
	house.now_ms += 1;
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	assert_int_equal(fail_as("ana", ""), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(fail_as("ana", ""), SERVICE_TOO_MANY_ATTEMPTS);
	house.now_ms += HOUR_MS; /* no more than a burst comes back */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fail_as("ana", ""), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(fail_as("ana", ""), SERVICE_TOO_MANY_ATTEMPTS);
}

static void
right_passwords_cost_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(fail_as("ana", "p"), SERVICE_LOGIN_BAD_SIGNATURE);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	assert_int_equal(fail_as("ana", "p"), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(fail_as("ana", "p"), SERVICE_TOO_MANY_ATTEMPTS);
}

static void
names_that_do_not_exist_are_limited_alike(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
		    fail_as(i % 2 == 0 ? "nobody" : "NoBody", ""), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(fail_as("nobody", ""), SERVICE_TOO_MANY_ATTEMPTS);
	assert_int_equal(fail_as("somebody", ""), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
}

static void
an_address_is_limited_over_all_names(void **state)
{
	static const char *const names[] = {"a1", "a2", "a3", "a4", "a5", "a6"};

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(fail_as(names[i], "here"), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(fail_as("a7", "here"), SERVICE_TOO_MANY_ATTEMPTS);
	assert_int_equal(house.reply.retry_after_seconds, 30);
	/* What was refused for the address was not taken from the account. */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fail_as("a7", "there"), SERVICE_LOGIN_BAD_SIGNATURE);
	/* And the other way round. */
	assert_int_equal(fail_as("a7", "there"), SERVICE_TOO_MANY_ATTEMPTS);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fail_as(names[i], "there"), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(fail_as("a8", "there"), SERVICE_TOO_MANY_ATTEMPTS);
}

static void
a_clock_that_is_set_back_closes_nobody_out_for_long(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fail_as("ana", ""), SERVICE_LOGIN_BAD_SIGNATURE);
	house.now_ms -= 300 * HOUR_MS;
	assert_int_equal(fail_as("ana", ""), SERVICE_TOO_MANY_ATTEMPTS);
	house.now_ms += MINUTE_MS;
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
}

/* More accounts than there is room for: those that failed most are remembered. */
static void
many_names_do_not_make_it_forget_who_is_guessed_at(void **state)
{
	struct login_attempts *attempts = house.service.attempts;
	uint8_t id[STORE_ID_SIZE] = {0}, guessed[STORE_ID_SIZE] = {[15] = 1};
	const struct dom_slice none = dom_slice(NULL, 0);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(login_attempts_take(attempts, guessed, none, house.now_ms), 0);
	for (unsigned i = 0; i < 100000; i++) {
		memcpy(id, &i, sizeof(i));
		assert_int_equal(login_attempts_take(attempts, id, none, house.now_ms), 0);
	}
	assert_int_not_equal(login_attempts_take(attempts, guessed, none, house.now_ms), 0);
}

#define ATTEMPTS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ATTEMPTS_TEST(wrong_passwords_are_refused_after_a_few_and_taken_again_with_time),
	    ATTEMPTS_TEST(right_passwords_cost_nothing),
	    ATTEMPTS_TEST(names_that_do_not_exist_are_limited_alike),
	    ATTEMPTS_TEST(an_address_is_limited_over_all_names),
	    ATTEMPTS_TEST(a_clock_that_is_set_back_closes_nobody_out_for_long),
	    ATTEMPTS_TEST(many_names_do_not_make_it_forget_who_is_guessed_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
