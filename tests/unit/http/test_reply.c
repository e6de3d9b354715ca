/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Outcomes as replies: every code, its status, its shape (etebase-protocol 3.1, 3.2). */
#include <stdlib.h>

#include "base/arena.h"

#include "wire/etebase.h"
#include "wire/moves.h"

#include "http/fields.h"
#include "http/reply.h"
#include "testing.h"

static const struct {
	enum service_code code;
	int status;
	const char *text;
	bool is_simple;
} codes[] = {
    {SERVICE_AUTHENTICATION_FAILED, 401, "authentication_failed", true},
    {SERVICE_NOT_AUTHENTICATED, 401, "not_authenticated", true},
    {SERVICE_USER_NOT_FOUND, 401, "user_not_found", true},
    {SERVICE_USER_NOT_INIT, 401, "user_not_init", true},
    {SERVICE_LOGIN_BAD_SIGNATURE, 401, "login_bad_signature", false},
    {SERVICE_ADMIN_ACCESS_REQUIRED, 403, "admin_access_required", true},
    {SERVICE_NO_WRITE_ACCESS, 403, "no_write_access", true},
    {SERVICE_CONSENT_REQUIRED, 403, "consent_required", true},
    {SERVICE_DOES_NOT_EXIST, 404, "does_not_exist", false},
    {SERVICE_BAD_STOKEN, 400, "bad_stoken", false},
    {SERVICE_STALE_STOKEN, 409, "stale_stoken", false},
    {SERVICE_DEP_FAILED, 409, "dep_failed", false},
    {SERVICE_ITEM_FAILED, 409, "item_failed", false},
    {SERVICE_FIELD_ERRORS, 400, "field_errors", false},
    {SERVICE_VALIDATION_ERROR, 422, "validation_error", false},
    {SERVICE_MALFORMED_BODY, 400, "malformed_body", false},
    {SERVICE_UNIQUE_UID, 409, "unique_uid", false},
    {SERVICE_BAD_ETAG, 400, "bad_etag", false},
    {SERVICE_BAD_COLLECTION_TYPE, 400, "bad_collection_type", false},
    {SERVICE_CHUNK_NO_CONTENT, 400, "chunk_no_content", false},
    {SERVICE_CHUNK_EXISTS, 409, "chunk_exists", false},
    {SERVICE_TOO_MANY_ITEMS, 400, "too_many_items", false},
    {SERVICE_USER_EXISTS, 409, "user_exists", false},
    {SERVICE_EMAIL_EXISTS, 409, "email_exists", false},
    {SERVICE_SIGNUP_REFUSED, 400, "generic", false},
    {SERVICE_WRONG_ACTION, 400, "wrong_action", false},
    {SERVICE_CHALLENGE_EXPIRED, 400, "challenge_expired", false},
    {SERVICE_WRONG_USER, 400, "wrong_user", false},
    {SERVICE_WRONG_HOST, 400, "wrong_host", false},
    {SERVICE_NOT_SUPPORTED, 400, "not_supported", false},
    {SERVICE_NO_SELF_INVITE, 400, "no_self_invite", false},
    {SERVICE_INVITATION_EXISTS, 400, "invitation_exists", false},
    {SERVICE_ALREADY_MEMBER, 409, "already_member", false},
    {SERVICE_LAST_ADMIN, 409, "last_admin", false},
    {SERVICE_STATEMENT_REFUSED, 400, "bad_statement", false},
    {SERVICE_STATEMENT_STALE, 409, "stale_statement", false},
    {SERVICE_BAD_TICKET, 403, "bad_ticket", false},
    {SERVICE_TOO_LARGE, 413, "too_large", false},
    {SERVICE_STORAGE_FULL, 507, "storage_full", false},
    {SERVICE_UNAVAILABLE, 503, "unavailable", false},
    {SERVICE_QUOTA_EXCEEDED, 507, "quota_exceeded", false},
    {SERVICE_TOO_MANY_ATTEMPTS, 429, "too_many_attempts", false},
    {SERVICE_TOO_MANY_REQUESTS, 429, "too_many_requests", false},
    {SERVICE_CHUNK_DAMAGED, 500, "chunk_damaged", false},
    {SERVICE_ACCOUNT_FROZEN, 503, "account_frozen", false},
    {SERVICE_ACCOUNT_MOVED, 403, "account_moved", true},
    {SERVICE_PEER_REFUSED, 409, "peer_refused", false},
    {SERVICE_PEER_UNTRUSTED, 409, "peer_untrusted", false},
    {SERVICE_MOVE_REFUSED, 409, "move_refused", false},
};
_Static_assert(sizeof(codes) / sizeof(codes[0]) == SERVICE_CODE_COUNT - 1,
    "every code but success is expected here");

static void
every_code_has_its_status_and_shape(void **state)
{
	struct dom_arena *arena = dom_arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct service_reply reply = {.code = codes[i].code};
		struct http_response response = {0};
		struct wire_error error;
		const char *text;
		int status;

		assert_int_equal(codes[i].code, i + 1);
		assert_true(reply_row(codes[i].code, &status, &text));
		reply_from_service(SERVICE_ITEM_BATCH, &reply, &response);
		assert_int_equal(response.status, codes[i].status);
		assert_int_equal(status, codes[i].status);
		assert_string_equal(response.content_type, "application/msgpack");
		wire_error_decode(dom_buffer_slice(&response.body), arena, &error);
		assert_true(dom_slice_is(error.code, codes[i].text));
		assert_true(error.detail.size > 10);
		/* A map of two, or of three with "errors". */
		assert_int_equal(response.body.data[0], codes[i].is_simple ? 0x82 : 0x83);
		assert_int_equal(response.retry_after_seconds != 0, response.status == 503);
		dom_buffer_free(&response.body);
	}
	dom_arena_free(&arena);
}

static void
who_has_moved_is_told_where_with_the_proof(void **state)
{
	static const uint8_t signature[DOM_SIGNATURE_SIZE];
	const struct wire_moved is = {.detail = dom_slice_of("This account lives in in now."),
	    .region = dom_slice_of("in"),
	    .address = dom_slice_of("https://in.example"),
	    .handoff = {dom_slice_of("signed"), dom_slice(signature, sizeof(signature))}};
	struct service_reply reply = {.code = SERVICE_ACCOUNT_MOVED, .moved = &is};
	struct service_reply aborted = {.code = SERVICE_PEER_REFUSED,
	    .abort = {dom_slice_of("the abort"), dom_slice_of("its signature")}};
	struct http_response response = {0};
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_moved moved;
	struct wire_error error;

	(void)state;
	reply_from_service(SERVICE_ITEM_BATCH, &reply, &response);
	assert_int_equal(response.status, 403);
	assert_int_equal(wire_moved_decode(dom_buffer_slice(&response.body), &moved), DOM_OK);
	assert_true(dom_slice_equal(moved.region, is.region));
	assert_true(dom_slice_equal(moved.handoff.bytes, is.handoff.bytes));
	wire_error_decode(dom_buffer_slice(&response.body), arena, &error);
	assert_true(dom_slice_equal(error.detail, is.detail));
	assert_null(error.abort.data);
	reply_from_service(SERVICE_PEER_CHANGE, &aborted, &response);
	wire_error_decode(dom_buffer_slice(&response.body), arena, &error);
	assert_int_equal(response.status, 409);
	assert_true(dom_slice_is(error.abort, "the abort"));
	assert_true(dom_slice_is(error.signature, "its signature"));
	dom_buffer_free(&response.body);
	dom_arena_free(&arena);
}

static void
clients_know_one_sentence_by_heart(void **state)
{
	struct service_reply reply = {.code = SERVICE_USER_NOT_INIT};
	struct http_response response = {0};
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_error error;

	(void)state;
	reply_from_service(SERVICE_LOGIN, &reply, &response);
	wire_error_decode(dom_buffer_slice(&response.body), arena, &error);
	assert_true(dom_slice_is(error.detail, "User not properly init"));
	dom_buffer_free(&response.body);
	dom_arena_free(&arena);
}

static void
a_reply_brings_its_own_sentence_and_fields(void **state)
{
	struct wire_error_field field = {.field = dom_slice_of("uid1"),
	    .code = dom_slice_of("wrong_etag"),
	    .detail = dom_slice_of("It changed.")};
	struct service_reply reply = {.code = SERVICE_ITEM_FAILED,
	    .detail = "One of them changed.",
	    .errors = &field,
	    .error_count = 1};
	struct http_response response = {0};
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_error error;

	(void)state;
	reply_from_service(SERVICE_ITEM_BATCH, &reply, &response);
	wire_error_decode(dom_buffer_slice(&response.body), arena, &error);
	assert_true(dom_slice_is(error.detail, "One of them changed."));
	assert_int_equal(error.error_count, 1);
	assert_true(dom_slice_is(error.errors[0].field, "uid1"));
	assert_true(dom_slice_is(error.errors[0].code, "wrong_etag"));
	dom_buffer_free(&response.body);
	dom_arena_free(&arena);
}

static void
successes_have_the_status_of_their_operation(void **state)
{
	static const struct {
		enum service_op op;
		int status;
	} cases[] = {{SERVICE_SIGNUP, 200}, {SERVICE_LOGOUT, 204},
	    {SERVICE_CHANGE_PASSWORD, 204}, {SERVICE_COLLECTION_CREATE, 201},
	    {SERVICE_ITEM_BATCH, 200}, {SERVICE_CHUNK_PUT, 201}, {SERVICE_STATEMENT_KEY, 204},
	    {SERVICE_STATEMENT_ADD, 200}, {SERVICE_SESSION_REVOKE, 204},
	    {SERVICE_IS_ETEBASE, 200}, {SERVICE_INVITE, 201}, {SERVICE_INCOMING_ACCEPT, 201},
	    {SERVICE_MEMBER_SET, 204}, {SERVICE_MEMBER_REMOVE, 204},
	    {SERVICE_MEMBER_LEAVE, 204}, {SERVICE_OUTGOING_WITHDRAW, 204},
	    {SERVICE_INCOMING_REJECT, 204}, {SERVICE_PROFILE, 200}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct service_reply reply = {.code = SERVICE_DONE, .position_after = "A"};
		struct http_response response = {0};

		reply_from_service(cases[i].op, &reply, &response);
		assert_int_equal(response.status, cases[i].status);
		assert_null(response.content_type);
		assert_int_equal(response.body.size, 0);
		assert_string_equal(response.position_after, "A");
	}
}

static void
a_body_moves_into_the_response(void **state)
{
	struct service_reply reply = {.code = SERVICE_DONE, .body_is_raw = true};
	struct http_response response = {0};

	(void)state;
	dom_buffer_append_text(&reply.body, "chunk");
	reply_from_service(SERVICE_CHUNK_GET, &reply, &response);
	assert_int_equal(response.status, 200);
	assert_string_equal(response.content_type, "application/octet-stream");
	assert_true(dom_slice_is(dom_buffer_slice(&response.body), "chunk"));
	assert_null(reply.body.data);
	dom_buffer_free(&response.body);
}

static const char *
field(const struct http_response *response, const char *name)
{
	static struct http_response_fields fields;

	http_response_list_fields(response, &fields);
	for (size_t i = 0; i < fields.count; i++) {
		if (strcmp(fields.at[i].name, name) == 0)
			return (const char *)fields.at[i].value.data;
	}
	return NULL;
}

static void
files_of_a_move_are_kept_by_who_asks(void **state)
{
	struct service_reply reply = {.code = SERVICE_DONE, .body_is_raw = true};
	struct http_response group = {0}, certificate = {0}, other = {0}, none = {0};

	(void)state;
	reply_from_service(SERVICE_GROUP, &reply, &group);
	assert_string_equal(field(&group, "Cache-Control"), "max-age=60");
	assert_null(field(&group, "Content-Disposition"));
	reply_from_service(SERVICE_MOVE_CERTIFICATE, &reply, &certificate);
	assert_string_equal(field(&certificate, "Cache-Control"), "no-store");
	assert_string_equal(field(&certificate, "Content-Disposition"),
	    "attachment; filename=\"move.certificate\"");
	assert_string_equal(field(&certificate, "Content-Type"), "application/octet-stream");
	reply_from_service(SERVICE_CHUNK_GET, &reply, &other);
	assert_string_equal(field(&other, "Cache-Control"), "no-store");
	assert_null(field(&other, "Content-Disposition"));
	reply = (struct service_reply){.code = SERVICE_DOES_NOT_EXIST};
	reply_from_service(SERVICE_GROUP, &reply, &none);
	assert_string_equal(field(&none, "Cache-Control"), "no-store");
	dom_buffer_free(&none.body);
}

static void
who_meets_a_frozen_account_comes_again_soon(void **state)
{
	struct service_reply reply = {.code = SERVICE_ACCOUNT_FROZEN};
	struct http_response frozen = {0}, busy = {0};

	(void)state;
	reply_from_service(SERVICE_ITEM_BATCH, &reply, &frozen);
	assert_string_equal(field(&frozen, "Retry-After"), "1");
	reply = (struct service_reply){.code = SERVICE_UNAVAILABLE, .retry_after_seconds = 7};
	reply_from_service(SERVICE_ITEM_BATCH, &reply, &busy);
	assert_string_equal(field(&busy, "Retry-After"), "7");
	dom_buffer_free(&frozen.body);
	dom_buffer_free(&busy.body);
}

static void
every_fault_is_a_failure_in_our_shape(void **state)
{
	struct dom_arena *arena = dom_arena_new(0);

	(void)state;
	for (unsigned fault = HTTP_FAULT_NONE; fault < HTTP_FAULT_COUNT; fault++) {
		struct http_response response = {0};
		struct wire_error error;

		reply_from_fault(fault, NULL, &response);
		assert_true(response.status >= 400);
		wire_error_decode(dom_buffer_slice(&response.body), arena, &error);
		assert_true(error.code.size > 0);
		assert_true(error.detail.size > 10);
		dom_buffer_free(&response.body);
	}
	dom_arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_has_its_status_and_shape),
	    cmocka_unit_test(clients_know_one_sentence_by_heart),
	    cmocka_unit_test(who_has_moved_is_told_where_with_the_proof),
	    cmocka_unit_test(a_reply_brings_its_own_sentence_and_fields),
	    cmocka_unit_test(successes_have_the_status_of_their_operation),
	    cmocka_unit_test(a_body_moves_into_the_response),
	    cmocka_unit_test(files_of_a_move_are_kept_by_who_asks),
	    cmocka_unit_test(who_meets_a_frozen_account_comes_again_soon),
	    cmocka_unit_test(every_fault_is_a_failure_in_our_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
