/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Signing up, logging in, sessions: what is let in, and what is told to whom. */
#include "base/msgpack.h"

#include "house.h"

static void
signing_up_logs_in_and_out_ends_it(void **state)
{
	(void)state;
	sign_up(&house.ana);
	assert_int_equal(get(SERVICE_COLLECTION_LIST, &house.ana), SERVICE_DONE);
	assert_int_equal(get(SERVICE_LOGOUT, &house.ana), SERVICE_DONE);
	assert_int_equal(
	    get(SERVICE_COLLECTION_LIST, &house.ana), SERVICE_AUTHENTICATION_FAILED);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	assert_int_equal(get(SERVICE_COLLECTION_LIST, &house.ana), SERVICE_DONE);
}

static void
strangers_are_told_to_log_in_before_anything_else(void **state)
{
	(void)state;
	for (enum service_op op = 0; op < SERVICE_OP_COUNT; op++) {
		if (!service_plan(op)->needs_session)
			continue;
		assert_int_equal(get(op, NULL), SERVICE_NOT_AUTHENTICATED);
		ask(op, NULL);
		house.request.token_malformed = true;
		assert_int_equal(send_without_admission(), SERVICE_NOT_AUTHENTICATED);
		ask(op, NULL);
		house.request.token = dom_slice_of("0123456789012345678901234567890123456789");
		assert_int_equal(send_without_admission(), SERVICE_AUTHENTICATION_FAILED);
	}
}

static enum service_code
sign_up_as(const char *name, const char *email)
{
	static const uint8_t bytes[104];

	ask(SERVICE_SIGNUP, NULL);
	wire_signup_encode(&house.body, &(struct wire_signup){.username = dom_slice_of(name),
	                                    .email = dom_slice_of(email),
	                                    .salt = dom_slice(bytes, 16),
	                                    .login_public = dom_slice(bytes, 32),
	                                    .identity_public = dom_slice(bytes, 32),
	                                    .encrypted_content = dom_slice(bytes, 104)});
	return send();
}

static void
names_and_addresses_are_each_taken_once(void **state)
{
	(void)state;
	assert_int_equal(sign_up_as("Carla", "Carla@Example.org"), SERVICE_DONE);
	assert_int_equal(sign_up_as("CARLA", ""), SERVICE_USER_EXISTS);
	assert_int_equal(sign_up_as("dan", "carla@example.ORG"), SERVICE_EMAIL_EXISTS);
	/* A name that is somebody's address would catch their login. */
	assert_int_equal(sign_up_as("carla@example.org", ""), SERVICE_USER_EXISTS);
	assert_int_equal(sign_up_as("eve@example.org", ""), SERVICE_DONE);
	assert_int_equal(sign_up_as("fay", "eve@example.org"), SERVICE_EMAIL_EXISTS);
	assert_int_equal(sign_up_as("gus", ""), SERVICE_DONE);
	assert_int_equal(sign_up_as("hal", ""), SERVICE_DONE);
}

static void
bad_names_are_told_together(void **state)
{
	char longest[152];

	(void)state;
	assert_int_equal(sign_up_as("a b", "nonsense"), SERVICE_FIELD_ERRORS);
	assert_int_equal(house.reply.error_count, 2);
	assert_true(dom_slice_is(house.reply.errors[0].field, "user.username"));
	assert_true(dom_slice_is(house.reply.errors[1].field, "user.email"));
	assert_int_equal(sign_up_as("", ""), SERVICE_SIGNUP_REFUSED);
	memset(longest, 'a', sizeof(longest));
	longest[151] = '\0';
	assert_int_equal(sign_up_as(longest, ""), SERVICE_FIELD_ERRORS);
	longest[150] = '\0';
	assert_int_equal(sign_up_as(longest, "a@localhost"), SERVICE_DONE);
	assert_int_equal(sign_up_as("x", "a@b..c"), SERVICE_FIELD_ERRORS);
	assert_int_equal(sign_up_as("x", "@b"), SERVICE_FIELD_ERRORS);
	assert_int_equal(sign_up_as("x", "a@"), SERVICE_FIELD_ERRORS);
}

static void
a_closed_region_takes_nobody_new(void **state)
{
	(void)state;
	sign_up(&house.ana);
	house.service.settings.signup = SERVICE_SIGNUP_CLOSED;
	assert_int_equal(sign_up_as("bob", ""), SERVICE_SIGNUP_REFUSED);
	assert_int_equal(sign_up_as("ana", ""), SERVICE_USER_EXISTS);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
}

static enum dom_status
add_account(struct store_txn *txn, void *context)
{
	int64_t number;

	return store_account_add(txn, context, &number);
}

static void
an_operator_makes_the_account_and_its_owner_brings_the_keys(void **state)
{
	struct store_account account = {.id = {7},
	    .name = dom_slice_of("ana"),
	    .email = dom_slice_of("ana@office.example")};
	struct wire_login login;

	(void)state;
	assert_int_equal(store_write(house.store, add_account, &account), DOM_OK);
	house.service.settings.signup = SERVICE_SIGNUP_CLOSED;
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of("Ana"));
	assert_int_equal(send(), SERVICE_USER_NOT_INIT);
	assert_string_equal(house.reply.detail, "User not properly init");
	sign_up(&house.ana);
	assert_int_equal(
	    wire_login_decode(dom_buffer_slice(&house.reply.body), &login), DOM_OK);
	assert_true(dom_slice_is(login.email, "ana@office.example"));
	/* By address too. */
	house.ana.name = "ANA@office.example";
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
}

static void
a_disabled_account_is_refused_everywhere(void **state)
{
	struct store_account account = {.id = {7},
	    .initialised = true,
	    .disabled = true,
	    .name = dom_slice_of("ana"),
	    .email = dom_slice_of("")};

	(void)state;
	account.salt = dom_slice(house.ana.secrets, 16);
	account.login_public = dom_slice(house.ana.login_public, 32);
	account.identity_public = dom_slice(house.ana.identity_public, 32);
	account.encrypted_content = dom_slice(house.ana.secrets, DOM_SECRETS_SIZE);
	assert_int_equal(store_write(house.store, add_account, &account), DOM_OK);
	assert_int_equal(log_in(&house.ana), SERVICE_AUTHENTICATION_FAILED);
}

/* Nobody can tell a name without an account from a wrong password. */
static void
unknown_names_look_like_wrong_passwords(void **state)
{
	struct wire_challenge first, second;
	uint8_t salt[32];

	(void)state;
	sign_up(&house.bob);
	build_login(&house.ana, WIRE_ACTION_LOGIN, &house.ana);
	assert_int_equal(send(), SERVICE_LOGIN_BAD_SIGNATURE);
	for (int i = 0; i < 2; i++) {
		ask(SERVICE_LOGIN_CHALLENGE, NULL);
		wire_challenge_ask_encode(&house.body, dom_slice_of("Nobody"));
		assert_int_equal(send(), SERVICE_DONE);
		assert_int_equal(wire_challenge_decode(dom_buffer_slice(&house.reply.body),
		                     i == 0 ? &first : &second),
		    DOM_OK);
		assert_int_equal(i == 0 ? first.salt.size : second.salt.size, 32);
		if (i == 0)
			memcpy(salt, first.salt.data, 32);
	}
	assert_memory_equal(salt, second.salt.data, 32);
	/* Somebody else's key under a known name. */
	house.ana.name = "bob";
	assert_int_equal(log_in(&house.ana), SERVICE_LOGIN_BAD_SIGNATURE);
}

/* Sign a response that the test has bent. */
static enum service_code
log_in_bent(struct wire_response *response, size_t signature_size)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};
	struct dom_slice copy;

	wire_response_encode(&bytes, response);
	copy = dom_arena_copy(house.arena, dom_buffer_slice(&bytes));
	dom_buffer_free(&bytes);
	dom_main_key_sign(house.ana.main, copy, signature);
	ask(SERVICE_LOGIN, NULL);
	wire_signed_encode(&house.body, &(struct wire_signed){.response = copy,
	                                    .signature = dom_slice(signature, signature_size)});
	return send();
}

static struct wire_response
good_response(const char *name)
{
	struct wire_challenge challenge;
	struct wire_response response = {.username = dom_slice_of("ana"),
	    .host = dom_slice_of("region.example"),
	    .action = WIRE_ACTION_LOGIN,
	    .login_public = dom_slice(house.ana.login_public, 32),
	    .encrypted_content = dom_slice(house.ana.secrets, DOM_SECRETS_SIZE)};

	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of(name));
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(
	    wire_challenge_decode(dom_buffer_slice(&house.reply.body), &challenge), DOM_OK);
	response.challenge = dom_arena_copy(house.arena, challenge.challenge);
	return response;
}

static void
each_wrong_part_of_a_response_has_its_own_answer(void **state)
{
	struct wire_response response;
	uint8_t *bent;

	(void)state;
	sign_up(&house.ana);
	sign_up(&house.bob);
	response = good_response("ana");
	assert_int_equal(log_in_bent(&response, 64), SERVICE_DONE);
	assert_int_equal(log_in_bent(&response, 63), SERVICE_LOGIN_BAD_SIGNATURE);
	assert_int_equal(log_in_bent(&response, 0), SERVICE_LOGIN_BAD_SIGNATURE);
	response.action = WIRE_ACTION_CHANGE_PASSWORD;
	assert_int_equal(log_in_bent(&response, 64), SERVICE_WRONG_ACTION);
	response = good_response("ana");
	response.host = dom_slice_of("other.example");
	assert_int_equal(log_in_bent(&response, 64), SERVICE_WRONG_HOST);
	response = good_response("bob");
	assert_int_equal(log_in_bent(&response, 64), SERVICE_WRONG_USER);
	response = good_response("ana");
	bent = dom_arena_take(house.arena, response.challenge.size);
	memcpy(bent, response.challenge.data, response.challenge.size);
	bent[30] ^= 1;
	response.challenge = dom_slice(bent, response.challenge.size);
	assert_int_equal(log_in_bent(&response, 64), SERVICE_WRONG_USER);
	response.challenge = dom_slice("", 0);
	assert_int_equal(log_in_bent(&response, 64), SERVICE_WRONG_USER);
	response = good_response("ana");
	house.now_ms += SERVICE_CHALLENGE_LIFE_MS;
	assert_int_equal(log_in_bent(&response, 64), SERVICE_DONE);
	house.now_ms += 1;
	assert_int_equal(log_in_bent(&response, 64), SERVICE_CHALLENGE_EXPIRED);
	house.now_ms -= 10 * SERVICE_CHALLENGE_LIFE_MS;
	assert_int_equal(log_in_bent(&response, 64), SERVICE_CHALLENGE_EXPIRED);
}

static void
a_response_that_is_no_map_is_a_validation_error(void **state)
{
	(void)state;
	sign_up(&house.ana);
	ask(SERVICE_LOGIN, NULL);
	wire_signed_encode(&house.body, &(struct wire_signed){.response = dom_slice_of("\xc1"),
	                                    .signature = dom_slice_of("x")});
	assert_int_equal(send(), SERVICE_VALIDATION_ERROR);
	assert_true(dom_slice_is(house.reply.errors[0].field, "response"));
	ask(SERVICE_LOGIN, NULL);
	dom_buffer_append_text(&house.body, "{\"json\": 1}");
	assert_int_equal(send(), SERVICE_MALFORMED_BODY);
	ask(SERVICE_LOGIN, NULL);
	assert_int_equal(send(), SERVICE_MALFORMED_BODY);
}

static void
hosts_are_compared_without_ports_and_letter_case(void **state)
{
	static const struct {
		const char *signed_host, *header;
		bool is_same;
	} cases[] = {
	    {"Region.example:8033", "region.Example", true},
	    {"region.example", "region.example:443", true},
	    {"[::1]:8033", "[::1]", true},
	    {"::1", "[::1]:8033", true},
	    {"[::1]:8033", "[::2]:8033", false},
	    {"region.example.evil", "region.example", false},
	    {"", "", false},
	};
	static const char *const hosts[] = {"one.example", "two.example"};
	struct wire_response response;

	(void)state;
	sign_up(&house.ana);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		response = good_response("ana");
		response.host = dom_slice_of(cases[i].signed_host);
		log_in_bent(&response, 64);
		house.request.host = dom_slice_of(cases[i].header);
		assert_int_equal(send(), cases[i].is_same ? SERVICE_DONE : SERVICE_WRONG_HOST);
	}
	house.service.settings.hosts = hosts;
	house.service.settings.host_count = 2;
	response.host = dom_slice_of("TWO.example:1");
	assert_int_equal(log_in_bent(&response, 64), SERVICE_DONE);
	response.host = dom_slice_of("region.example");
	assert_int_equal(log_in_bent(&response, 64), SERVICE_WRONG_HOST);
}

static void
a_changed_password_ends_all_other_sessions(void **state)
{
	struct person old = house.ana, other, caller;

	(void)state;
	sign_up(&house.ana);
	other = house.ana;
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	caller = house.ana;
	caller.main = house.ana.main;
	/* Bob's key pair plays the new password. */
	build_login(&caller, WIRE_ACTION_CHANGE_PASSWORD, &house.bob);
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(get(SERVICE_COLLECTION_LIST, &caller), SERVICE_DONE);
	assert_int_equal(get(SERVICE_COLLECTION_LIST, &other), SERVICE_AUTHENTICATION_FAILED);
	old.name = "ana";
	assert_int_equal(log_in(&old), SERVICE_LOGIN_BAD_SIGNATURE);
	old.main = house.bob.main;
	assert_int_equal(log_in(&old), SERVICE_DONE);
}

static void
sessions_are_listed_and_revoked_by_their_owner_only(void **state)
{
	struct wire_session *sessions;
	struct person second;
	size_t count;

	(void)state;
	sign_up(&house.ana);
	sign_up(&house.bob);
	build_login(&house.ana, WIRE_ACTION_LOGIN, &house.ana);
	house.request.device = dom_slice_of("Ana's tablet");
	assert_int_equal(send(), SERVICE_DONE);
	second = house.ana;
	assert_int_equal(log_in(&second), SERVICE_DONE);
	assert_int_equal(get(SERVICE_SESSIONS, &second), SERVICE_DONE);
	assert_int_equal(wire_sessions_decode(
	                     dom_arena_copy(house.arena, dom_buffer_slice(&house.reply.body)),
	                     house.arena, &sessions, &count),
	    DOM_OK);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++) {
		if (sessions[i].is_current)
			continue;
		ask(SERVICE_SESSION_REVOKE, &house.bob);
		house.request.session_id = sessions[i].id;
		assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
		ask(SERVICE_SESSION_REVOKE, &second);
		house.request.session_id = sessions[i].id;
		assert_int_equal(send(), SERVICE_DONE);
	}
	assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_AUTHENTICATION_FAILED);
	assert_int_equal(get(SERVICE_CONSENTS, &second), SERVICE_DONE);
	ask(SERVICE_SESSION_REVOKE, &second);
	house.request.session_id = dom_slice_of("not an id");
	assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
}

static void
a_session_lives_as_long_as_it_is_used(void **state)
{
	int64_t life = house.service.settings.session_life_ms;

	(void)state;
	sign_up(&house.ana);
	life = house.service.settings.session_life_ms;
	assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_DONE);
	assert_false(house.reply.touch_session);
	for (int i = 0; i < 3; i++) {
		house.now_ms += life - 1;
		assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_DONE);
		assert_true(house.reply.touch_session);
		assert_int_equal(get(SERVICE_SESSION_TOUCH, &house.ana), SERVICE_DONE);
		assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_DONE);
		assert_false(house.reply.touch_session);
	}
	house.now_ms += life;
	assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_AUTHENTICATION_FAILED);
}

static void
what_needs_no_session_answers_without_one(void **state)
{
	struct wire_region region;

	(void)state;
	assert_int_equal(get(SERVICE_IS_ETEBASE, NULL), SERVICE_DONE);
	assert_int_equal(get(SERVICE_REGION, NULL), SERVICE_DONE);
	assert_int_equal(
	    wire_region_decode(dom_buffer_slice(&house.reply.body), &region), DOM_OK);
	assert_true(dom_slice_is(region.name, "in") && region.signup_open);
	sign_up(&house.ana);
	assert_int_equal(get(SERVICE_DASHBOARD_URL, &house.ana), SERVICE_NOT_SUPPORTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(signing_up_logs_in_and_out_ends_it),
	    TEST(strangers_are_told_to_log_in_before_anything_else),
	    TEST(names_and_addresses_are_each_taken_once),
	    TEST(bad_names_are_told_together),
	    TEST(a_closed_region_takes_nobody_new),
	    TEST(an_operator_makes_the_account_and_its_owner_brings_the_keys),
	    TEST(a_disabled_account_is_refused_everywhere),
	    TEST(unknown_names_look_like_wrong_passwords),
	    TEST(each_wrong_part_of_a_response_has_its_own_answer),
	    TEST(a_response_that_is_no_map_is_a_validation_error),
	    TEST(hosts_are_compared_without_ports_and_letter_case),
	    TEST(a_changed_password_ends_all_other_sessions),
	    TEST(sessions_are_listed_and_revoked_by_their_owner_only),
	    TEST(a_session_lives_as_long_as_it_is_used),
	    TEST(what_needs_no_session_answers_without_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
