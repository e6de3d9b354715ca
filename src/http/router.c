/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One table of routes; every path ends in a slash.  Rows with a literal come
 * before rows with a parameter in the same place.  "list_multi" and its like
 * are only ever POSTed, so a GET of them is an ordinary look-up.
 */
#include "http/router.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

#include "http/uri.h"

enum query_field {
	QUERY_STOKEN = 1 << 0,
	QUERY_ITERATOR = 1 << 1,
	QUERY_LIMIT = 1 << 2,
	QUERY_PREFETCH = 1 << 3,
	QUERY_WITH_COLLECTION = 1 << 4,
	QUERY_AFTER = 1 << 5,
	QUERY_USERNAME = 1 << 6,
	QUERY_TO = 1 << 7,
};
enum {
	QUERY_PAGE = QUERY_STOKEN | QUERY_LIMIT | QUERY_PREFETCH,
	SEGMENTS_MAX = 10,
	/* 404, not 405: where clients expect that (etebase-protocol 4.6). */
	NOT_THERE = SERVICE_OP_COUNT,
};

#define AUTHENTICATION "api/v1/authentication/"
#define COLLECTION "api/v1/collection/"
#define ITEM COLLECTION "{c}/item/"
#define MEMBER COLLECTION "{c}/member/"
#define OUTGOING "api/v1/invitation/outgoing/"
#define INCOMING "api/v1/invitation/incoming/"
#define OURS "domicile/v1/"

/* {c} collection, {i} item, {k} chunk, {e} erasure, {m} move, {s} session, {t} ticket, {u}
 * user, {v} invitation. */
static const struct row {
	const char *method;
	const char *path;
	unsigned op;
	unsigned query;
} rows[] = {
    {"GET", AUTHENTICATION "is_etebase/", SERVICE_IS_ETEBASE, 0},
    {"POST", AUTHENTICATION "signup/", SERVICE_SIGNUP, 0},
    {"POST", AUTHENTICATION "login_challenge/", SERVICE_LOGIN_CHALLENGE, 0},
    {"POST", AUTHENTICATION "login/", SERVICE_LOGIN, 0},
    {"POST", AUTHENTICATION "logout/", SERVICE_LOGOUT, 0},
    {"POST", AUTHENTICATION "change_password/", SERVICE_CHANGE_PASSWORD, 0},
    {"POST", AUTHENTICATION "dashboard_url/", SERVICE_DASHBOARD_URL, 0},
    {"POST", COLLECTION, SERVICE_COLLECTION_CREATE, 0},
    {"GET", COLLECTION, SERVICE_COLLECTION_LIST, QUERY_PAGE},
    {"POST", COLLECTION "list_multi/", SERVICE_COLLECTION_LIST_MULTI, QUERY_PAGE},
    {"GET", COLLECTION "{c}/", SERVICE_COLLECTION_GET, QUERY_PREFETCH},
    {"GET", ITEM, SERVICE_ITEM_LIST, QUERY_PAGE | QUERY_WITH_COLLECTION},
    {"POST", ITEM "fetch_updates/", SERVICE_ITEM_FETCH_UPDATES, QUERY_STOKEN | QUERY_PREFETCH},
    {"POST", ITEM "batch/", SERVICE_ITEM_BATCH, QUERY_STOKEN},
    {"POST", ITEM "transaction/", SERVICE_ITEM_TRANSACTION, QUERY_STOKEN},
    {"POST", ITEM "subscription-ticket/", SERVICE_PUSH_TICKET, 0},
    {"GET", "api/v1/ws/{t}/", SERVICE_PUSH_SUBSCRIBE, QUERY_STOKEN},
    {"GET", ITEM "{i}/", SERVICE_ITEM_GET, QUERY_PREFETCH},
    {"GET", ITEM "{i}/revision/", SERVICE_ITEM_REVISIONS,
        QUERY_LIMIT | QUERY_ITERATOR | QUERY_PREFETCH},
    {"PUT", ITEM "{i}/chunk/{k}/", SERVICE_CHUNK_PUT, 0},
    {"GET", ITEM "{i}/chunk/{k}/download/", SERVICE_CHUNK_GET, 0},
    {"GET", MEMBER, SERVICE_MEMBER_LIST, QUERY_LIMIT | QUERY_ITERATOR},
    {"POST", MEMBER "leave/", SERVICE_MEMBER_LEAVE, 0},
    {"PATCH", MEMBER "{u}/", SERVICE_MEMBER_SET, 0},
    {"DELETE", MEMBER "{u}/", SERVICE_MEMBER_REMOVE, 0},
    {"POST", OUTGOING, SERVICE_INVITE, 0},
    {"GET", OUTGOING, SERVICE_OUTGOING_LIST, QUERY_LIMIT | QUERY_ITERATOR},
    {"GET", OUTGOING "fetch_user_profile/", SERVICE_PROFILE, QUERY_USERNAME},
    {"GET", OUTGOING "{v}/", NOT_THERE, 0},
    {"DELETE", OUTGOING "{v}/", SERVICE_OUTGOING_WITHDRAW, 0},
    {"GET", INCOMING, SERVICE_INCOMING_LIST, QUERY_LIMIT | QUERY_ITERATOR},
    {"GET", INCOMING "{v}/", SERVICE_INCOMING_GET, 0},
    {"DELETE", INCOMING "{v}/", SERVICE_INCOMING_REJECT, 0},
    {"POST", INCOMING "{v}/accept/", SERVICE_INCOMING_ACCEPT, 0},
    {"GET", OURS "region/", SERVICE_REGION, 0},
    {"PUT", OURS "statement-key/", SERVICE_STATEMENT_KEY, 0},
    {"POST", OURS "statements/", SERVICE_STATEMENT_ADD, 0},
    {"GET", OURS "statements/", SERVICE_STATEMENTS, QUERY_AFTER | QUERY_LIMIT},
    {"GET", OURS "catalogue/", SERVICE_CATALOGUE, 0},
    {"GET", OURS "consents/", SERVICE_CONSENTS, 0},
    {"POST", OURS "changes-ticket/", SERVICE_PUSH_CHANGES_TICKET, 0},
    {"GET", OURS "changes/", SERVICE_PUSH_CHANGES, QUERY_STOKEN},
    {"GET", OURS "changes/{t}/", SERVICE_PUSH_CHANGES, QUERY_STOKEN},
    {"GET", OURS "erasures/", SERVICE_ERASURES, 0},
    {"GET", OURS "erasures/{e}/", SERVICE_ERASURE, 0},
    {"GET", OURS "sessions/", SERVICE_SESSIONS, 0},
    {"DELETE", OURS "sessions/{s}/", SERVICE_SESSION_REVOKE, 0},
    {"GET", OURS "retention/", SERVICE_RETENTION, 0},
    {"GET", OURS "group/", SERVICE_GROUP, 0},
    {"GET", OURS "moves/", SERVICE_MOVES, 0},
    {"GET", OURS "moves/plan/", SERVICE_MOVE_PLAN, QUERY_TO},
    {"POST", OURS "moves/room/", SERVICE_MOVE_ROOM, 0},
    {"GET", OURS "moves/proposal/", SERVICE_PROPOSAL, 0},
    {"POST", OURS "moves/proposal/", SERVICE_PROPOSAL_ANSWER, 0},
    {"POST", OURS "moves/handoff/", SERVICE_HANDOFF, 0},
    {"GET", OURS "moves/{m}/certificate/", SERVICE_MOVE_CERTIFICATE, 0},
    {"POST", OURS "peer/", SERVICE_PEER, 0},
    {"POST", OURS "peer/change/", SERVICE_PEER_CHANGE, 0},
#ifdef DOM_TEST_API
    {"POST", "api/v1/test/authentication/reset/", SERVICE_TEST_RESET, 0},
#endif
};

/* What a path's segments hold, decoded. */
struct segments {
	struct dom_slice at[SEGMENTS_MAX];
	size_t count;
};

static struct dom_slice
cut_segment(struct dom_slice *path)
{
	const uint8_t *end = memchr(path->data, '/', path->size);
	struct dom_slice segment;

	if (end == NULL)
		return dom_slice(NULL, 0);
	segment = dom_slice(path->data, (size_t)(end - path->data));
	*path = dom_slice(end + 1, path->size - segment.size - 1);
	return segment;
}

static enum route_answer
split_path(const char *prefix, struct dom_slice path, struct dom_arena *arena,
    struct segments *segments_r)
{
	size_t prefix_size = strlen(prefix);

	segments_r->count = 0;
	if (path.size < prefix_size + 1 || memcmp(path.data, prefix, prefix_size) != 0 ||
	    path.data[prefix_size] != '/')
		return ROUTE_NOT_FOUND;
	path = dom_slice(path.data + prefix_size + 1, path.size - prefix_size - 1);
	while (path.size != 0) {
		struct dom_slice segment = cut_segment(&path);
		enum dom_status st;

		if (segment.data == NULL || segments_r->count == SEGMENTS_MAX)
			return ROUTE_NOT_FOUND;
		st = uri_decode(segment, false, arena, &segments_r->at[segments_r->count++]);
		if (st == DOM_ENOMEM)
			return ROUTE_NO_MEMORY;
		if (st != DOM_OK)
			return ROUTE_MALFORMED;
	}
	return ROUTE_FOUND;
}

/* Note a parameter where the row has one; an empty one matches nothing. */
static bool
take_parameter(char name, struct dom_slice value, struct service_request *request)
{
	switch (name) {
	case 'c':
		request->collection_uid = value;
		break;
	case 'i':
		request->item_uid = value;
		break;
	case 'k':
		request->chunk_uid = value;
		break;
	case 'e':
		request->erasure = value;
		break;
	case 'm':
		request->move_id = value;
		break;
	case 's':
		request->session_id = value;
		break;
	case 'u':
		request->username = value;
		break;
	case 'v':
		request->invitation_uid = value;
		break;
	case 't':
		request->ticket = value;
		break;
	default:
		assert(!"a parameter of the table");
	}
	return value.size != 0;
}

static bool
row_matches(
    const struct row *row, const struct segments *segments, struct service_request *request)
{
	struct dom_slice path = dom_slice_of(row->path);
	size_t i;

	for (i = 0; path.size != 0; i++) {
		struct dom_slice expected = cut_segment(&path);

		if (i == segments->count)
			return false;
		if (expected.data[0] == '{') {
			if (!take_parameter((char)expected.data[1], segments->at[i], request))
				return false;
		} else if (!dom_slice_equal(expected, segments->at[i])) {
			return false;
		}
	}
	return i == segments->count;
}

static void
allow(struct route *route, const char *method)
{
	size_t used = strlen(route->allow);

	if (strstr(route->allow, method) != NULL)
		return;
	snprintf(route->allow + used, sizeof(route->allow) - used, "%s%s",
	    used == 0 ? "" : ", ", method);
}

/* A number without a sign; larger than any limit is as good as the largest. */
static bool
read_number(struct dom_slice text, int64_t *number_r)
{
	int64_t number = 0;

	if (text.size == 0)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, text.data[i] - '0', &number))
			number = INT64_MAX;
	}
	*number_r = number;
	return true;
}

static bool
read_bool(struct dom_slice text, bool *value_r)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"true", true}, {"1", true}, {"yes", true}, {"on", true}, {"t", true},
	    {"y", true}, {"false", false}, {"0", false}, {"no", false}, {"off", false},
	    {"f", false}, {"n", false}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text.size == strlen(words[i].word) &&
		    strncasecmp((const char *)text.data, words[i].word, text.size) == 0) {
			*value_r = words[i].value;
			return true;
		}
	}
	return false;
}

static const char *
read_query_field(
    enum query_field field, struct dom_slice value, struct service_request *request)
{
	int64_t after;

	switch (field) {
	case QUERY_STOKEN:
		/* The empty one counts as absent (etebase-protocol 2.6). */
		request->stoken = value.size == 0 ? dom_slice(NULL, 0) : value;
		return NULL;
	case QUERY_ITERATOR:
		request->iterator = value;
		return NULL;
	case QUERY_LIMIT:
		return read_number(value, &request->limit)
		           ? NULL
		           : "limit must be a number from 0 on.";
	case QUERY_PREFETCH:
		request->prefetch = dom_slice_is(value, "medium") ? SERVICE_PREFETCH_MEDIUM
		                                                  : SERVICE_PREFETCH_AUTO;
		return dom_slice_is(value, "medium") || dom_slice_is(value, "auto")
		           ? NULL
		           : "prefetch must be auto or medium.";
	case QUERY_WITH_COLLECTION:
		return read_bool(value, &request->with_collection)
		           ? NULL
		           : "withCollection must be true or false.";
	case QUERY_AFTER:
		if (!read_number(value, &after))
			return "after must be a number from 0 on.";
		request->after = (uint64_t)after;
		return NULL;
	case QUERY_USERNAME:
		request->username = value;
		return NULL;
	case QUERY_TO:
		request->region_to = value;
		return NULL;
	}
	return NULL;
}

/* Unknown names are passed over, the last of several wins. */
static enum route_answer
read_query(unsigned known, struct dom_slice query, struct dom_arena *arena, struct route *route,
    struct service_request *request)
{
	static const char *const names[] = {"stoken", "iterator", "limit", "prefetch",
	    "withCollection", "after", "username", "to"};
	struct dom_slice name, value;
	enum dom_status st;

	while ((st = uri_query_next(&query, arena, &name, &value)) == DOM_OK) {
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			const char *fault;

			if ((known & 1u << i) == 0 || !dom_slice_is(name, names[i]))
				continue;
			fault = read_query_field(1u << i, value, request);
			if (fault != NULL)
				route->query_fault = fault;
		}
	}
	if (st == DOM_ENOMEM)
		return ROUTE_NO_MEMORY;
	return st == DOM_ABSENT ? ROUTE_FOUND : ROUTE_MALFORMED;
}

enum route_answer
route_find(const char *prefix, const struct http_head *head, struct dom_arena *arena,
    struct route *route_r, struct service_request *request)
{
	struct segments segments;
	enum route_answer answer;

	*route_r = (struct route){.op = SERVICE_OP_COUNT};
	request->limit = -1;
	if ((answer = split_path(prefix, head->path, arena, &segments)) != ROUTE_FOUND)
		return answer;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct service_request candidate = *request;

		if (!row_matches(&rows[i], &segments, &candidate))
			continue;
		if (!dom_slice_is(head->method, rows[i].method)) {
			if (rows[i].op != NOT_THERE)
				allow(route_r, rows[i].method);
			continue;
		}
		if (rows[i].op == NOT_THERE)
			return ROUTE_NOT_FOUND;
		*request = candidate;
		request->op = route_r->op = (enum service_op)rows[i].op;
		route_r->allow[0] = '\0';
		return read_query(rows[i].query, head->query, arena, route_r, request);
	}
	return route_r->allow[0] == '\0' ? ROUTE_NOT_FOUND : ROUTE_METHOD;
}

const char *
route_op_name(enum service_op op)
{
	static const char *const names[] = {
	    [SERVICE_IS_ETEBASE] = "is_etebase",
	    [SERVICE_SIGNUP] = "signup",
	    [SERVICE_LOGIN_CHALLENGE] = "login_challenge",
	    [SERVICE_LOGIN] = "login",
	    [SERVICE_LOGOUT] = "logout",
	    [SERVICE_CHANGE_PASSWORD] = "change_password",
	    [SERVICE_DASHBOARD_URL] = "dashboard_url",
	    [SERVICE_COLLECTION_CREATE] = "collection_create",
	    [SERVICE_COLLECTION_LIST_MULTI] = "collection_list_multi",
	    [SERVICE_COLLECTION_LIST] = "collection_list",
	    [SERVICE_COLLECTION_GET] = "collection_get",
	    [SERVICE_ITEM_LIST] = "item_list",
	    [SERVICE_ITEM_GET] = "item_get",
	    [SERVICE_ITEM_FETCH_UPDATES] = "item_fetch_updates",
	    [SERVICE_ITEM_BATCH] = "item_batch",
	    [SERVICE_ITEM_TRANSACTION] = "item_transaction",
	    [SERVICE_ITEM_REVISIONS] = "item_revisions",
	    [SERVICE_CHUNK_PUT] = "chunk_put",
	    [SERVICE_CHUNK_GET] = "chunk_get",
	    [SERVICE_MEMBER_LIST] = "member_list",
	    [SERVICE_MEMBER_SET] = "member_set",
	    [SERVICE_MEMBER_REMOVE] = "member_remove",
	    [SERVICE_MEMBER_LEAVE] = "member_leave",
	    [SERVICE_PROFILE] = "profile",
	    [SERVICE_INVITE] = "invite",
	    [SERVICE_OUTGOING_LIST] = "outgoing_list",
	    [SERVICE_OUTGOING_WITHDRAW] = "outgoing_withdraw",
	    [SERVICE_INCOMING_LIST] = "incoming_list",
	    [SERVICE_INCOMING_GET] = "incoming_get",
	    [SERVICE_INCOMING_REJECT] = "incoming_reject",
	    [SERVICE_INCOMING_ACCEPT] = "incoming_accept",
	    [SERVICE_REGION] = "region",
	    [SERVICE_STATEMENT_KEY] = "statement_key",
	    [SERVICE_STATEMENT_ADD] = "statement_add",
	    [SERVICE_CATALOGUE] = "catalogue",
	    [SERVICE_CONSENTS] = "consents",
	    [SERVICE_STATEMENTS] = "statements",
	    [SERVICE_ERASURE] = "erasure",
	    [SERVICE_ERASURES] = "erasures",
	    [SERVICE_SESSIONS] = "sessions",
	    [SERVICE_SESSION_REVOKE] = "session_revoke",
	    [SERVICE_RETENTION] = "retention",
	    [SERVICE_PUSH_TICKET] = "push_ticket",
	    [SERVICE_PUSH_SUBSCRIBE] = "push_subscribe",
	    [SERVICE_PUSH_CHANGES_TICKET] = "push_changes_ticket",
	    [SERVICE_PUSH_CHANGES] = "push_changes",
	    [SERVICE_GROUP] = "group",
	    [SERVICE_MOVES] = "moves",
	    [SERVICE_MOVE_PLAN] = "move_plan",
	    [SERVICE_MOVE_CERTIFICATE] = "move_certificate",
	    [SERVICE_MOVE_ROOM] = "move_room",
	    [SERVICE_PROPOSAL] = "proposal",
	    [SERVICE_PROPOSAL_ANSWER] = "proposal_answer",
	    [SERVICE_HANDOFF] = "handoff",
	    [SERVICE_PEER] = "peer",
	    [SERVICE_PEER_CHANGE] = "peer_change",
#ifdef DOM_TEST_API
	    [SERVICE_TEST_RESET] = "test_reset",
#endif
	    [SERVICE_SESSION_TOUCH] = "session_touch",
	    [SERVICE_OP_COUNT] = "none",
	};
	static_assert(sizeof(names) / sizeof(names[0]) == SERVICE_OP_COUNT + 1,
	    "every operation is named");

	return names[op];
}
