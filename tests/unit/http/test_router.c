/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Paths and queries: which operation they name, and what they say. */
#include <stdlib.h>

#include "http/router.h"
#include "testing.h"

struct asked {
	struct dom_arena *arena;
	struct route route;
	struct service_request request;
	enum route_answer answer;
};

static void
ask(struct asked *asked, const char *prefix, const char *method, const char *path,
    const char *query)
{
	const struct http_head head = {.method = dom_slice_of(method),
	    .path = dom_slice_of(path),
	    .query = dom_slice_of(query)};

	dom_arena_reset(asked->arena);
	asked->request = (struct service_request){0};
	asked->answer = route_find(prefix, &head, asked->arena, &asked->route, &asked->request);
}

static int
set_up(void **state)
{
	static struct asked asked;

	asked.arena = dom_arena_new(0);
	*state = &asked;
	return asked.arena == NULL;
}

static int
tear_down(void **state)
{
	struct asked *asked = *state;

	dom_arena_free(&asked->arena);
	return 0;
}

/* One of each. */
static const struct {
	const char *method, *path;
	enum service_op op;
} cases[] = {
    {"GET", "/api/v1/authentication/is_etebase/", SERVICE_IS_ETEBASE},
    {"POST", "/api/v1/authentication/signup/", SERVICE_SIGNUP},
    {"POST", "/api/v1/authentication/login_challenge/", SERVICE_LOGIN_CHALLENGE},
    {"POST", "/api/v1/authentication/login/", SERVICE_LOGIN},
    {"POST", "/api/v1/authentication/logout/", SERVICE_LOGOUT},
    {"POST", "/api/v1/authentication/change_password/", SERVICE_CHANGE_PASSWORD},
    {"POST", "/api/v1/authentication/dashboard_url/", SERVICE_DASHBOARD_URL},
    {"POST", "/api/v1/collection/", SERVICE_COLLECTION_CREATE},
    {"GET", "/api/v1/collection/", SERVICE_COLLECTION_LIST},
    {"POST", "/api/v1/collection/list_multi/", SERVICE_COLLECTION_LIST_MULTI},
    {"GET", "/api/v1/collection/list_multi/", SERVICE_COLLECTION_GET},
    {"GET", "/api/v1/collection/C/", SERVICE_COLLECTION_GET},
    {"GET", "/api/v1/collection/C/item/", SERVICE_ITEM_LIST},
    {"POST", "/api/v1/collection/C/item/fetch_updates/", SERVICE_ITEM_FETCH_UPDATES},
    {"POST", "/api/v1/collection/C/item/batch/", SERVICE_ITEM_BATCH},
    {"POST", "/api/v1/collection/C/item/transaction/", SERVICE_ITEM_TRANSACTION},
    {"GET", "/api/v1/collection/C/item/batch/", SERVICE_ITEM_GET},
    {"GET", "/api/v1/collection/C/item/I/", SERVICE_ITEM_GET},
    {"GET", "/api/v1/collection/C/item/I/revision/", SERVICE_ITEM_REVISIONS},
    {"PUT", "/api/v1/collection/C/item/I/chunk/K/", SERVICE_CHUNK_PUT},
    {"GET", "/api/v1/collection/C/item/I/chunk/K/download/", SERVICE_CHUNK_GET},
    {"GET", "/api/v1/collection/C/member/", SERVICE_MEMBER_LIST},
    {"PATCH", "/api/v1/collection/C/member/U/", SERVICE_MEMBER_SET},
    {"DELETE", "/api/v1/collection/C/member/U/", SERVICE_MEMBER_REMOVE},
    {"POST", "/api/v1/collection/C/member/leave/", SERVICE_MEMBER_LEAVE},
    {"DELETE", "/api/v1/collection/C/member/leave/", SERVICE_MEMBER_REMOVE},
    {"POST", "/api/v1/invitation/outgoing/", SERVICE_INVITE},
    {"GET", "/api/v1/invitation/outgoing/", SERVICE_OUTGOING_LIST},
    {"GET", "/api/v1/invitation/outgoing/fetch_user_profile/", SERVICE_PROFILE},
    {"DELETE", "/api/v1/invitation/outgoing/V/", SERVICE_OUTGOING_WITHDRAW},
    {"GET", "/api/v1/invitation/incoming/", SERVICE_INCOMING_LIST},
    {"GET", "/api/v1/invitation/incoming/V/", SERVICE_INCOMING_GET},
    {"DELETE", "/api/v1/invitation/incoming/V/", SERVICE_INCOMING_REJECT},
    {"POST", "/api/v1/invitation/incoming/V/accept/", SERVICE_INCOMING_ACCEPT},
    {"POST", "/api/v1/collection/C/item/subscription-ticket/", SERVICE_PUSH_TICKET},
    {"GET", "/api/v1/ws/T/", SERVICE_PUSH_SUBSCRIBE},
    {"POST", "/domicile/v1/changes-ticket/", SERVICE_PUSH_CHANGES_TICKET},
    {"GET", "/domicile/v1/changes/", SERVICE_PUSH_CHANGES},
    {"GET", "/domicile/v1/changes/T/", SERVICE_PUSH_CHANGES},
    {"GET", "/domicile/v1/region/", SERVICE_REGION},
    {"PUT", "/domicile/v1/statement-key/", SERVICE_STATEMENT_KEY},
    {"POST", "/domicile/v1/statements/", SERVICE_STATEMENT_ADD},
    {"GET", "/domicile/v1/statements/", SERVICE_STATEMENTS},
    {"GET", "/domicile/v1/catalogue/", SERVICE_CATALOGUE},
    {"GET", "/domicile/v1/consents/", SERVICE_CONSENTS},
    {"GET", "/domicile/v1/erasures/", SERVICE_ERASURES},
    {"GET", "/domicile/v1/erasures/00ff/", SERVICE_ERASURE},
    {"GET", "/domicile/v1/sessions/", SERVICE_SESSIONS},
    {"DELETE", "/domicile/v1/sessions/S/", SERVICE_SESSION_REVOKE},
    {"GET", "/domicile/v1/retention/", SERVICE_RETENTION},
    {"GET", "/domicile/v1/group/", SERVICE_GROUP},
    {"GET", "/domicile/v1/moves/", SERVICE_MOVES},
    {"GET", "/domicile/v1/moves/plan/", SERVICE_MOVE_PLAN},
    {"GET", "/domicile/v1/moves/00ff/certificate/", SERVICE_MOVE_CERTIFICATE},
    {"POST", "/domicile/v1/moves/room/", SERVICE_MOVE_ROOM},
    {"GET", "/domicile/v1/moves/proposal/", SERVICE_PROPOSAL},
    {"POST", "/domicile/v1/moves/proposal/", SERVICE_PROPOSAL_ANSWER},
    {"POST", "/domicile/v1/moves/handoff/", SERVICE_HANDOFF},
    {"POST", "/domicile/v1/peer/", SERVICE_PEER},
    {"POST", "/domicile/v1/peer/change/", SERVICE_PEER_CHANGE},
};

static void
every_operation_has_its_path(void **state)
{
	bool has_path[SERVICE_OP_COUNT] = {false};
	struct asked *asked = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(asked, "", cases[i].method, cases[i].path, "");
		assert_int_equal(asked->answer, ROUTE_FOUND);
		assert_int_equal(asked->route.op, cases[i].op);
		assert_int_equal(asked->request.op, cases[i].op);
		has_path[cases[i].op] = true;
	}
	has_path[SERVICE_SESSION_TOUCH] = true; /* internal */
#ifdef DOM_TEST_API
	has_path[SERVICE_TEST_RESET] = true; /* tests/programs/test_upstream.py */
#endif
	for (unsigned op = 0; op < SERVICE_OP_COUNT; op++) {
		assert_true(has_path[op]);
		assert_non_null(route_op_name(op));
	}
	assert_string_equal(route_op_name(SERVICE_OP_COUNT), "none");
}

static void
other_paths_are_not_found(void **state)
{
	static const char *const paths[] = {"/", "/api/", "/api/v1/", "/api/v1/collection",
	    "/api/v1/authentication/is_etebase", "/api/api/v1/authentication/is_etebase/",
	    "/api/v1/authentication/is_etebase//", "//api/v1/authentication/is_etebase/",
	    "/api/v1/collection//", "/api/v1/collection//item/", "/API/v1/collection/",
	    "/api/v1/collection/C/members/", "/api/v1/invitation/", "/api/v1/invitation/V/",
	    "/api/v1/invitation/outgoing/V/", "/api/v1/ws/", "/api/v1/ws/ticket",
	    "/api/v1/collection/../../etc/passwd",
	    "/api/v1/collection/C/item/I/chunk/K/download/more/", "/a/b/c/d/e/f/g/h/i/j/k/l/m/",
	    "/domicile/v1/"};
	struct asked *asked = *state;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		ask(asked, "", "GET", paths[i], "");
		assert_int_equal(asked->answer, ROUTE_NOT_FOUND);
		assert_int_equal(asked->route.op, SERVICE_OP_COUNT);
	}
}

static void
another_method_is_told_which_would_do(void **state)
{
	struct asked *asked = *state;

	ask(asked, "", "DELETE", "/api/v1/collection/", "");
	assert_int_equal(asked->answer, ROUTE_METHOD);
	assert_string_equal(asked->route.allow, "POST, GET");
	ask(asked, "", "HEAD", "/api/v1/authentication/is_etebase/", "");
	assert_int_equal(asked->answer, ROUTE_METHOD);
	assert_string_equal(asked->route.allow, "GET");
	ask(asked, "", "PUT", "/api/v1/invitation/outgoing/V/", "");
	assert_int_equal(asked->answer, ROUTE_METHOD);
	assert_string_equal(asked->route.allow, "DELETE");
	ask(asked, "", "get", "/api/v1/authentication/is_etebase/", "");
	assert_int_equal(asked->answer, ROUTE_METHOD);
	ask(asked, "", "GET", "/domicile/v1/changes-ticket/", "");
	assert_int_equal(asked->answer, ROUTE_METHOD);
}

static void
parameters_are_decoded(void **state)
{
	struct asked *asked = *state;

	ask(asked, "", "GET", "/api/v1/collection/a%2Db/item/%41%c3%a9/chunk/k+k/download/",
	    "");
	assert_int_equal(asked->answer, ROUTE_FOUND);
	assert_true(dom_slice_is(asked->request.collection_uid, "a-b"));
	assert_true(dom_slice_is(asked->request.item_uid, "A\xc3\xa9"));
	assert_true(dom_slice_is(asked->request.chunk_uid, "k+k"));
	/* A slash that is encoded does not cut. */
	ask(asked, "", "GET", "/api/v1/collection/a%2Fitem/", "");
	assert_int_equal(asked->answer, ROUTE_FOUND);
	assert_true(dom_slice_is(asked->request.collection_uid, "a/item"));
	ask(asked, "", "DELETE", "/domicile/v1/sessions/id/", "");
	assert_true(dom_slice_is(asked->request.session_id, "id"));
	ask(asked, "", "GET", "/domicile/v1/moves/0f/certificate/", "");
	assert_true(dom_slice_is(asked->request.move_id, "0f"));
	ask(asked, "", "GET", "/domicile/v1/moves/plan/", "to=in");
	assert_true(dom_slice_is(asked->request.region_to, "in"));
	ask(asked, "", "GET", "/api/v1/collection/a%2/", "");
	assert_int_equal(asked->answer, ROUTE_MALFORMED);
	ask(asked, "", "GET", "/api/v1/collection/a%zz/", "");
	assert_int_equal(asked->answer, ROUTE_MALFORMED);
	ask(asked, "", "GET", "/api/v1/collection/a%00/", "");
	assert_int_equal(asked->answer, ROUTE_MALFORMED);
}

static void
a_prefix_is_required_where_one_is_set(void **state)
{
	struct asked *asked = *state;

	ask(asked, "/sync", "GET", "/sync/api/v1/collection/", "");
	assert_int_equal(asked->answer, ROUTE_FOUND);
	ask(asked, "/sync", "GET", "/api/v1/collection/", "");
	assert_int_equal(asked->answer, ROUTE_NOT_FOUND);
	ask(asked, "/sync", "GET", "/synced/api/v1/collection/", "");
	assert_int_equal(asked->answer, ROUTE_NOT_FOUND);
	ask(asked, "/sync", "GET", "/sync", "");
	assert_int_equal(asked->answer, ROUTE_NOT_FOUND);
}

static void
queries_are_read(void **state)
{
	struct asked *asked = *state;
	const struct service_request *request = &asked->request;

	ask(asked, "", "GET", "/api/v1/collection/C/item/",
	    "stoken=a%2Bb+c&limit=7&prefetch=medium&withCollection=YES&other=1&&=&x");
	assert_int_equal(asked->answer, ROUTE_FOUND);
	assert_null(asked->route.query_fault);
	assert_true(dom_slice_is(request->stoken, "a+b c"));
	assert_int_equal(request->limit, 7);
	assert_int_equal(request->prefetch, SERVICE_PREFETCH_MEDIUM);
	assert_true(request->with_collection);

	ask(asked, "", "GET", "/api/v1/collection/C/item/", "");
	assert_null(request->stoken.data);
	assert_null(request->iterator.data);
	assert_int_equal(request->limit, -1);
	assert_int_equal(request->prefetch, SERVICE_PREFETCH_AUTO);
	assert_false(request->with_collection);

	/* An empty stoken is none, an empty iterator is one. */
	ask(asked, "", "GET", "/api/v1/collection/C/item/", "stoken=");
	assert_null(request->stoken.data);
	ask(asked, "", "GET", "/api/v1/collection/C/item/I/revision/", "iterator=");
	assert_non_null(request->iterator.data);
	assert_int_equal(request->iterator.size, 0);

	ask(asked, "", "GET", "/api/v1/collection/", "limit=99999999999999999999999");
	assert_null(asked->route.query_fault);
	assert_int_equal(request->limit, INT64_MAX);
	ask(asked, "", "GET", "/domicile/v1/statements/", "after=12");
	assert_int_equal(request->after, 12);
	/* Only where they mean something. */
	ask(asked, "", "POST", "/api/v1/collection/", "limit=x&prefetch=y&stoken=z");
	assert_null(asked->route.query_fault);
	assert_null(request->stoken.data);
}

static void
wrong_queries_are_faults(void **state)
{
	static const char *const queries[] = {"limit=x", "limit=-1", "limit=", "limit=1.5",
	    "limit=+1", "prefetch=all", "prefetch=", "withCollection=maybe", "limit=1&limit=x"};
	struct asked *asked = *state;

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		ask(asked, "", "GET", "/api/v1/collection/C/item/", queries[i]);
		assert_int_equal(asked->answer, ROUTE_FOUND);
		assert_non_null(asked->route.query_fault);
	}
	ask(asked, "", "GET", "/api/v1/collection/C/item/", "stoken=%4");
	assert_int_equal(asked->answer, ROUTE_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_operation_has_its_path),
	    cmocka_unit_test(other_paths_are_not_found),
	    cmocka_unit_test(another_method_is_told_which_would_do),
	    cmocka_unit_test(parameters_are_decoded),
	    cmocka_unit_test(a_prefix_is_required_where_one_is_set),
	    cmocka_unit_test(queries_are_read),
	    cmocka_unit_test(wrong_queries_are_faults),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
