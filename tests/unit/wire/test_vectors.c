/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Bodies that real clients and the reference server sent, from
 * tests/vectors/etebase-vectors.json: all of them decode, the requests and the
 * replies that are ours to write encode to the same bytes again, and none of
 * them decodes when cut short.
 */
#include <jansson.h>

#include "base/encode.h"

#include "wire/etebase.h"
#include "wire/share.h"

#include "testing.h"

static json_t *vectors;
static struct dom_arena *arena;
static struct dom_buffer again;

/* Decode, then encode what was decoded; kinds differ in structs alone. */
typedef enum dom_status round_trip(struct dom_slice body);

static enum dom_status
trip_signup(struct dom_slice body)
{
	struct wire_signup signup;
	struct wire_reject reject;
	enum dom_status st = wire_signup_decode(body, &signup, &reject);

	if (st == DOM_OK)
		wire_signup_encode(&again, &signup);
	return st;
}

static enum dom_status
trip_challenge_ask(struct dom_slice body)
{
	struct dom_slice username;
	struct wire_reject reject;
	enum dom_status st = wire_challenge_ask_decode(body, &username, &reject);

	if (st == DOM_OK)
		wire_challenge_ask_encode(&again, username);
	return st;
}

static enum dom_status
trip_challenge(struct dom_slice body)
{
	struct wire_challenge challenge;
	enum dom_status st = wire_challenge_decode(body, &challenge);

	if (st == DOM_OK)
		wire_challenge_encode(&again, &challenge);
	return st;
}

static enum dom_status
trip_signed(struct dom_slice body)
{
	struct wire_signed message;
	struct wire_reject reject;
	enum dom_status st = wire_signed_decode(body, &message, &reject);

	if (st == DOM_OK)
		wire_signed_encode(&again, &message);
	return st;
}

static enum dom_status
trip_response(struct dom_slice body)
{
	struct wire_response response;
	struct wire_reject reject;
	enum dom_status st = wire_response_decode(body, &response, &reject);

	if (st == DOM_OK)
		wire_response_encode(&again, &response);
	return st;
}

static enum dom_status
trip_login(struct dom_slice body)
{
	struct wire_login login;
	enum dom_status st = wire_login_decode(body, &login);

	if (st == DOM_OK)
		wire_login_encode(&again, &login);
	return st;
}

static enum dom_status
trip_collection(struct dom_slice body)
{
	struct wire_collection collection;
	struct wire_reject reject;
	enum dom_status st = wire_collection_decode(body, arena, &collection, &reject);

	if (st == DOM_OK)
		wire_collection_encode(&again, &collection, collection.stoken.data != NULL);
	return st;
}

static enum dom_status
trip_item(struct dom_slice body)
{
	struct wire_item item;
	enum dom_status st = wire_item_decode(body, arena, &item);

	if (st == DOM_OK)
		wire_item_encode(&again, &item, false);
	return st;
}

static enum dom_status
trip_item_reply(struct dom_slice body)
{
	struct wire_item item;
	enum dom_status st = wire_item_decode(body, arena, &item);

	if (st == DOM_OK)
		wire_item_encode(&again, &item, true);
	return st;
}

static enum dom_status
trip_types(struct dom_slice body)
{
	struct dom_slice *types;
	struct wire_reject reject;
	size_t count;
	enum dom_status st = wire_types_decode(body, arena, &types, &count, &reject);

	if (st == DOM_OK)
		wire_types_encode(&again, types, count);
	return st;
}

static enum dom_status
trip_batch(struct dom_slice body)
{
	struct wire_batch batch;
	struct wire_reject reject;
	enum dom_status st = wire_batch_decode(body, arena, &batch, &reject);

	if (st == DOM_OK)
		wire_batch_encode(&again, &batch);
	return st;
}

static enum dom_status
trip_updates(struct dom_slice body)
{
	struct wire_dep *entries;
	struct wire_reject reject;
	size_t count;
	enum dom_status st = wire_updates_decode(body, arena, &entries, &count, &reject);

	if (st == DOM_OK)
		wire_updates_encode(&again, entries, count);
	return st;
}

static enum dom_status
trip_list(struct dom_slice body, enum wire_list_kind kind)
{
	struct wire_list list;
	struct wire_list_end end;
	enum dom_status st = wire_list_decode(body, kind, arena, &list);

	if (st != DOM_OK)
		return st;
	end = (struct wire_list_end){.stoken = list.stoken,
	    .done = list.done,
	    .is_iterator = kind == WIRE_LIST_REVISIONS,
	    .removed = list.removed,
	    .removed_count = list.removed_count};
	wire_list_begin(&again, list.count, &end);
	for (size_t i = 0; i < list.count; i++) {
		if (kind == WIRE_LIST_COLLECTIONS)
			wire_collection_encode(&again, &list.collections[i], true);
		else if (kind == WIRE_LIST_ITEMS)
			wire_item_encode(&again, &list.items[i], true);
		else
			wire_revision_encode(&again, &list.revisions[i]);
	}
	wire_list_finish(&again, &end);
	return DOM_OK;
}

static enum dom_status
trip_collections(struct dom_slice body)
{
	return trip_list(body, WIRE_LIST_COLLECTIONS);
}

static enum dom_status
trip_items(struct dom_slice body)
{
	return trip_list(body, WIRE_LIST_ITEMS);
}

static enum dom_status
trip_revisions(struct dom_slice body)
{
	return trip_list(body, WIRE_LIST_REVISIONS);
}

static enum dom_status
trip_invitation(struct dom_slice body)
{
	struct wire_invitation invitation;
	struct wire_reject reject;
	enum dom_status st = wire_invitation_decode(body, &invitation, &reject);

	if (st == DOM_OK)
		wire_invitation_encode(&again, &invitation, false);
	return st;
}

static enum dom_status
trip_acceptance(struct dom_slice body)
{
	struct wire_acceptance acceptance;
	struct wire_reject reject;
	enum dom_status st = wire_acceptance_decode(body, &acceptance, &reject);

	if (st == DOM_OK)
		wire_acceptance_encode(&again, &acceptance);
	return st;
}

static enum dom_status
trip_access(struct dom_slice body)
{
	struct wire_reject reject;
	int access_level;
	enum dom_status st = wire_access_decode(body, &access_level, &reject);

	if (st == DOM_OK)
		wire_access_encode(&again, access_level);
	return st;
}

static enum dom_status
trip_profile(struct dom_slice body)
{
	struct dom_slice identity_public;
	enum dom_status st = wire_profile_decode(body, &identity_public);

	if (st == DOM_OK)
		wire_profile_encode(&again, identity_public);
	return st;
}

static void
put_share_list(const struct wire_share_list *list)
{
	const struct wire_list_end end = {
	    .stoken = list->iterator, .done = list->done, .is_iterator = true};

	wire_list_begin(&again, list->count, &end);
	for (size_t i = 0; i < list->count; i++) {
		if (list->members != NULL)
			wire_member_encode(&again, &list->members[i]);
		else
			wire_invitation_encode(&again, &list->invitations[i], true);
	}
	wire_list_finish(&again, &end);
}

static enum dom_status
trip_members(struct dom_slice body)
{
	struct wire_share_list list;
	enum dom_status st = wire_member_list_decode(body, arena, &list);

	if (st == DOM_OK)
		put_share_list(&list);
	return st;
}

static enum dom_status
trip_invitations(struct dom_slice body)
{
	struct wire_share_list list;
	enum dom_status st = wire_invitation_list_decode(body, arena, &list);

	if (st == DOM_OK)
		put_share_list(&list);
	return st;
}

static enum dom_status
trip_error(struct dom_slice body)
{
	struct wire_error error;

	wire_error_decode(body, arena, &error);
	if (error.code.size == 0)
		return DOM_EINPUT;
	error.is_simple = memmem(body.data, body.size, "errors", 6) == NULL;
	wire_error_encode(&again, &error);
	return DOM_OK;
}

static struct dom_slice
bytes_of(const json_t *hex)
{
	const char *text = json_string_value(hex);
	size_t size = text == NULL ? 0 : strlen(text) / 2;
	uint8_t *bytes = dom_arena_take(arena, size + 1);

	assert_non_null(bytes);
	if (size != 0)
		assert_int_equal(
		    dom_hex_decode(dom_slice_of(text), bytes, size, &size), DOM_OK);
	return dom_slice(bytes, size);
}

/* The reference writes nil where we must write nothing (etebase-protocol 9.2). */
static bool
has_nil_removed(struct dom_slice body)
{
	static const char tail[] = "removedMemberships\xc0";

	return body.size >= sizeof(tail) &&
	       memcmp(body.data + body.size - sizeof(tail) + 1, tail, sizeof(tail) - 1) == 0;
}

static void
check(round_trip *trip, struct dom_slice body, const char *what)
{
	dom_buffer_clear(&again);
	if (trip(body) != DOM_OK)
		fail_msg("%s does not decode", what);
	assert_int_equal(dom_buffer_finish(&again), DOM_OK);
	if (!has_nil_removed(body) && !dom_slice_equal(dom_buffer_slice(&again), body))
		fail_msg("%s does not encode to the same bytes", what);
	for (size_t size = 0; size<body.size; size += body.size> 600 ? 7 : 1) {
		uint8_t *cut = malloc(size + 1);

		assert_non_null(cut);
		memcpy(cut, body.data, size);
		if (trip(dom_slice(cut, size)) == DOM_OK)
			fail_msg("%s decodes with %zu of %zu bytes", what, size, body.size);
		free(cut);
	}
}

static const struct route {
	const char *method, *part;
	round_trip *request, *reply;
} routes[] = {
    {"POST", "/login_challenge/", trip_challenge_ask, trip_challenge},
    {"POST", "/login/", trip_signed, trip_login},
    {"POST", "/change_password/", trip_signed, NULL},
    {"GET", "/fetch_user_profile/", NULL, trip_profile},
    {"POST", "/outgoing/", trip_invitation, NULL},
    {"POST", "/accept/", trip_acceptance, NULL},
    {"GET", "/invitation/", NULL, trip_invitations},
    {"POST", "/leave/", NULL, NULL},
    {"PATCH", "/member/", trip_access, NULL},
    {"GET", "/member/", NULL, trip_members},
    {"POST", "/list_multi/", trip_types, trip_collections},
    {"POST", "/item/batch/", trip_batch, NULL},
    {"POST", "/item/transaction/", trip_batch, NULL},
    {"POST", "/item/fetch_updates/", trip_updates, trip_items},
    {"GET", "/revision/", NULL, trip_revisions},
    {"PUT", "/chunk/", NULL, NULL},
    {"GET", "/download/", NULL, NULL},
    {"GET", "/item/?", NULL, trip_items},
    {"POST", "/collection/", trip_collection, NULL},
};

static const struct route *
route_of(const char *method, const char *target)
{
	static const struct route item = {NULL, NULL, NULL, trip_item_reply};
	static const struct route items = {NULL, NULL, NULL, trip_items};
	static const struct route collection = {NULL, NULL, NULL, trip_collection};
	const char *after;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(method, routes[i].method) == 0 && strstr(target, routes[i].part))
			return &routes[i];
	}
	if (strcmp(method, "GET") != 0 || strstr(target, "/collection/") == NULL)
		return NULL;
	after = strstr(target, "/item/");
	if (after == NULL)
		return &collection;
	return after[6] == '\0' || after[6] == '?' ? &items : &item;
}

static void
recorded_exchanges_decode_and_encode_to_the_same_bytes(void **state)
{
	const json_t *exchanges =
	    json_object_get(json_object_get(vectors, "http"), "exchanges");
	json_t *exchange;
	size_t index;
	unsigned requests = 0, replies = 0, errors = 0;

	(void)state;
	json_array_foreach(exchanges, index, exchange)
	{
		const char *step = json_string_value(json_object_get(exchange, "step"));
		const struct route *route =
		    route_of(json_string_value(json_object_get(exchange, "method")),
		        json_string_value(json_object_get(exchange, "target")));
		json_int_t status = json_integer_value(json_object_get(exchange, "status"));
		struct dom_slice request =
		    bytes_of(json_object_get(exchange, "request_body_hex"));
		struct dom_slice reply =
		    bytes_of(json_object_get(exchange, "response_body_hex"));

		if (status >= 400) {
			check(trip_error, reply, step);
			errors++;
		}
		if (route != NULL && route->request != NULL && request.size != 0) {
			check(route->request, request, step);
			requests++;
		}
		if (route != NULL && route->reply != NULL && status < 300) {
			check(route->reply, reply, step);
			replies++;
		}
	}
	/* So that a change of the file cannot turn this test off. */
	assert_int_equal(requests, 29);
	assert_int_equal(replies, 21);
	assert_int_equal(errors, 13);
}

static json_t *
vector(const char *name, const char *member)
{
	json_t *value =
	    json_object_get(json_object_get(json_object_get(vectors, "crypto"), name), member);

	assert_non_null(value);
	return value;
}

static void
clients_bodies_encode_to_the_same_bytes(void **state)
{
	json_t *login = vector("login", "login"), *change = vector("login", "changePassword");
	json_t *items = json_object_get(json_object_get(vectors, "crypto"), "items"), *item;
	size_t index;
	unsigned checked = 0;

	(void)state;
	check(trip_signup, bytes_of(vector("signup_body", "hex")), "signup");
	check(trip_signed, bytes_of(json_object_get(login, "request_body_hex")), "login");
	check(trip_response, bytes_of(json_object_get(login, "response_msgpack_hex")),
	    "login response");
	check(trip_response, bytes_of(json_object_get(change, "response_msgpack_hex")),
	    "change password response");
	check(trip_invitation, bytes_of(vector("invitation", "request_body_msgpack_hex")),
	    "invitation");
	check(trip_acceptance,
	    bytes_of(
	        json_object_get(vector("invitation", "accept"), "request_body_msgpack_hex")),
	    "acceptance");
	check(trip_collection,
	    bytes_of(vector("collection", "create_request_body_msgpack_hex")), "collection");
	check(trip_item, bytes_of(vector("item_with_encryptionKey", "item_wire_msgpack_hex")),
	    "item with its own key");
	assert_int_equal(json_array_size(items), 5);
	json_array_foreach(items, index, item)
	{
		/* The large one is described by its parts instead. */
		json_t *wire = json_object_get(item, "item_wire_msgpack_hex");

		if (wire != NULL) {
			check(trip_item, bytes_of(wire), "item");
			checked++;
		}
	}
	assert_int_equal(checked, 4);
}

static int
set_up(void **state)
{
	json_error_t error;

	(void)state;
	vectors = json_load_file(getenv("DOMICILE_VECTORS"), 0, &error);
	arena = dom_arena_new(0);
	return vectors == NULL || arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(vectors);
	dom_arena_free(&arena);
	dom_buffer_free(&again);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recorded_exchanges_decode_and_encode_to_the_same_bytes),
	    cmocka_unit_test(clients_bodies_encode_to_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
