/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Signing up with a code: where, how often, for how long, and what is told. */
#include "house.h"
#include "services/account/attempts.h"
#include "services/operator.h"

#define HOUR_MS INT64_C(3600000)

static struct operator_invite wanted;
static char code[OPERATOR_CODE_TEXT_SIZE + 1];
static int64_t number;
static const char *detail;

static int
set_up(void **state)
{
	if (house_set_up(state) != 0)
		return -1;
	house.service.settings.signup = SERVICE_SIGNUP_INVITATION;
	wanted = (struct operator_invite){.uses_max = 1, .life_ms = HOUR_MS, .quota_bytes = -1};
	return 0;
}

static enum dom_status
run_make(struct store_txn *txn, void *context)
{
	(void)context;
	return operator_invite_add(&house.service, txn, &wanted, code, &number, &detail);
}

static void
make(void)
{
	assert_int_equal(store_write(house.store, run_make, NULL), DOM_OK);
}

static enum dom_status
run_revoke(struct store_txn *txn, void *context)
{
	return operator_invite_revoke(
	    &house.service, txn, dom_slice_of((const char *)context), &detail);
}

static enum dom_status
revoke(const char *which)
{
	return store_write(house.store, run_revoke, (void *)(uintptr_t)which);
}

static enum service_code
sign_up_with(const char *name, const char *text)
{
	static const uint8_t salt[32] = "salt";

	ask(SERVICE_SIGNUP, NULL);
	house.request.peer = dom_slice_of("here");
	wire_signup_encode(&house.body,
	    &(struct wire_signup){.username = dom_slice_of(name),
	        .email = dom_slice_of(""),
	        .salt = dom_slice(salt, sizeof(salt)),
	        .login_public = dom_slice(house.ana.login_public, 32),
	        .identity_public = dom_slice(house.ana.identity_public, 32),
	        .encrypted_content = dom_slice(house.ana.secrets, DOM_SECRETS_SIZE),
	        .invitation = dom_slice_of(text)});
	return send();
}

#define assert_refused(code_, words)                                                           \
	do {                                                                                   \
		assert_int_equal(code_, SERVICE_SIGNUP_REFUSED);                               \
		assert_non_null(strstr(house.reply.detail, words));                            \
	} while (0)

static void
a_code_makes_one_account_however_it_is_typed(void **state)
{
	char typed[64];
	size_t used = 0;

	(void)state;
	make();
	assert_int_equal(strlen(code), OPERATOR_CODE_TEXT_SIZE);
	assert_int_equal(strspn(code, "23456789ABCDEFGHJKLMNPQRSTUVWXYZ-"), strlen(code));
	for (const char *c = code; *c != '\0'; c++) {
		if (*c == '-')
			typed[used++] = ' ';
		else
			typed[used++] = (char)(*c >= 'A' ? *c - 'A' + 'a' : *c);
	}
	typed[used] = '\0';
	assert_int_equal(sign_up_with("dan", typed), SERVICE_DONE);
	assert_refused(sign_up_with("eve", code), "used already");
}

static void
without_a_code_or_with_a_wrong_one_nobody_signs_up(void **state)
{
	char wrong[OPERATOR_CODE_TEXT_SIZE + 1];

	(void)state;
	make();
	assert_refused(sign_up_with("dan", ""), "by invitation");
	memcpy(wrong, code, sizeof(wrong));
	wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
	assert_refused(sign_up_with("dan", wrong), "no such invitation");
	assert_refused(sign_up_with("dan", "ABCDE"), "no such invitation");
	assert_refused(sign_up_with("dan", "0000000000OOOOOIIIII"), "no such invitation");
	memcpy(wrong, code, sizeof(wrong));
	wrong[OPERATOR_CODE_TEXT_SIZE - 1] = '\0';
	assert_refused(sign_up_with("dan", wrong), "no such invitation");
	assert_int_equal(sign_up_with("dan", code), SERVICE_DONE);
}

static void
a_code_ends_with_its_time_and_is_told_from_one_that_never_was(void **state)
{
	(void)state;
	wanted.uses_max = 2;
	make();
	house.now_ms += HOUR_MS - 1;
	assert_int_equal(sign_up_with("dan", code), SERVICE_DONE);
	house.now_ms += 1;
	assert_refused(sign_up_with("eve", code), "expired");
}

static void
a_code_is_used_by_success_alone(void **state)
{
	(void)state;
	wanted.uses_max = 2;
	make();
	assert_int_equal(sign_up_with("dan", code), SERVICE_DONE);
	assert_int_equal(sign_up_with("dan", code), SERVICE_USER_EXISTS);
	assert_int_equal(sign_up_with("no/name", code), SERVICE_FIELD_ERRORS);
	assert_int_equal(sign_up_with("eve", code), SERVICE_DONE);
	assert_refused(sign_up_with("fay", code), "used already");
}

static void
a_code_is_taken_back_by_number_or_by_itself(void **state)
{
	char text[24];

	(void)state;
	make();
	snprintf(text, sizeof(text), "%lld", (long long)number);
	assert_int_equal(revoke(text), DOM_OK);
	assert_refused(sign_up_with("dan", code), "no such invitation");
	assert_int_equal(revoke(text), DOM_EDENIED);
	assert_non_null(strstr(detail, "no such invitation"));
	make();
	assert_int_equal(revoke(code), DOM_OK);
	assert_refused(sign_up_with("dan", code), "no such invitation");
	assert_int_equal(revoke(code), DOM_EDENIED);
	assert_int_equal(revoke(""), DOM_EDENIED);
}

static void
an_open_region_takes_a_code_too_and_a_closed_one_takes_none(void **state)
{
	(void)state;
	wanted.uses_max = 5;
	make();
	house.service.settings.signup = SERVICE_SIGNUP_OPEN;
	assert_int_equal(sign_up_with("dan", ""), SERVICE_DONE);
	assert_int_equal(sign_up_with("eve", code), SERVICE_DONE);
	assert_refused(sign_up_with("fay", "wrong"), "no such invitation");
	house.service.settings.signup = SERVICE_SIGNUP_CLOSED;
	assert_refused(sign_up_with("fay", code), "ask its operator");
}

static enum dom_status
quota_of(struct store_txn *txn, void *context)
{
	struct store_account account;
	enum dom_status st;

	st = store_account_by_name(txn, dom_slice_of("dan"), house.arena, &account);
	assert_int_equal(st, DOM_OK);
	return store_account_usage(txn, account.number, context);
}

static void
who_signs_up_with_a_code_has_its_quota(void **state)
{
	struct store_usage usage;

	(void)state;
	wanted.quota_bytes = 123456;
	make();
	assert_int_equal(sign_up_with("dan", code), SERVICE_DONE);
	assert_int_equal(store_write(house.store, quota_of, &usage), DOM_OK);
	assert_int_equal(usage.quota_bytes, 123456);
}

static void
wrong_codes_are_attempts_of_the_address_and_right_ones_cost_nothing(void **state)
{
	static const struct login_limits limits = {
	    .burst = 1, .per_hour = 60, .address_burst = 2, .address_per_hour = 60};

	(void)state;
	house.service.attempts = login_attempts_new(&limits, &house.service.random);
	assert_non_null(house.service.attempts);
	wanted.uses_max = 9;
	make();
	assert_int_equal(sign_up_with("dan", code), SERVICE_DONE);
	assert_int_equal(sign_up_with("eve", code), SERVICE_DONE);
	assert_int_equal(sign_up_with("fay", code), SERVICE_DONE);
	assert_int_equal(sign_up_with("gus", "wrong"), SERVICE_SIGNUP_REFUSED);
	assert_int_equal(sign_up_with("gus", "wrong"), SERVICE_SIGNUP_REFUSED);
	/* Also the right one has to wait, or guessing would go on. */
	assert_int_equal(sign_up_with("gus", code), SERVICE_TOO_MANY_ATTEMPTS);
	assert_int_equal(house.reply.retry_after_seconds, 60);
	house.now_ms += 60000;
	assert_int_equal(sign_up_with("gus", code), SERVICE_DONE);
	login_attempts_free(&house.service.attempts);
}

static void
what_makes_no_sense_is_no_invite(void **state)
{
	static const struct operator_invite faults[] = {{0, 1, -1}, {1000001, 1, -1},
	    {1, 0, -1}, {1, 3651 * 24 * HOUR_MS, -1}, {1, -5, -1}};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		wanted = faults[i];
		assert_int_equal(store_write(house.store, run_make, NULL), DOM_EDENIED);
		assert_non_null(detail);
	}
}

#define INVITE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, house_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    INVITE_TEST(a_code_makes_one_account_however_it_is_typed),
	    INVITE_TEST(without_a_code_or_with_a_wrong_one_nobody_signs_up),
	    INVITE_TEST(a_code_ends_with_its_time_and_is_told_from_one_that_never_was),
	    INVITE_TEST(a_code_is_used_by_success_alone),
	    INVITE_TEST(a_code_is_taken_back_by_number_or_by_itself),
	    INVITE_TEST(an_open_region_takes_a_code_too_and_a_closed_one_takes_none),
	    INVITE_TEST(who_signs_up_with_a_code_has_its_quota),
	    INVITE_TEST(wrong_codes_are_attempts_of_the_address_and_right_ones_cost_nothing),
	    INVITE_TEST(what_makes_no_sense_is_no_invite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
