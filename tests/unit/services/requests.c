/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Good requests, and what they are made of. */
#include "requests.h"

#include "base/bytes.h"
#include "base/msgpack.h"

#include "wire/moves.h"
#include "wire/peer.h"

#include "sharing.h"

struct person dan, eve, gil, zoe, yan;

enum { SIGNERS = 5, CHALLENGE_SIZE_MAX = 256 };
static const struct person *const people[SIGNERS] = {
    &house.ana, &house.bob, &house.cyd, &dan, &eve};
static uint8_t challenges[SIGNERS][CHALLENGE_SIZE_MAX];
static size_t challenge_sizes[SIGNERS];
static char sessions[SIGNERS][SESSION_ID_SIZE + 1];
char other_session[SESSION_ID_SIZE + 1];

static unsigned
index_of(const struct person *who)
{
	for (unsigned i = 0; i < SIGNERS; i++) {
		if (people[i] == who)
			return i;
	}
	fail();
	return 0;
}

/* --- the world -------------------------------------------------------------------- */

static void
put_things(const struct person *person, unsigned collection, unsigned first)
{
	struct wire_item items[2] = {item(first, 'r', NULL), item(first + 1, 'r', NULL)};
	struct wire_chunk chunk = {
	    .uid = dom_slice_of(uid('k', collection)), .content = dom_slice_of("ciphertext")};

	items[0].content.chunks = &chunk;
	items[0].content.chunk_count = 1;
	assert_int_equal(create(person, collection, "type one"), SERVICE_DONE);
	assert_int_equal(put(person, SERVICE_ITEM_BATCH, collection, items, 2), SERVICE_DONE);
}

static void
keep_challenge(unsigned index, const struct person *person)
{
	struct wire_challenge challenge;

	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of(person->name));
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(
	    wire_challenge_decode(dom_buffer_slice(&house.reply.body), &challenge), DOM_OK);
	assert_true(challenge.challenge.size <= CHALLENGE_SIZE_MAX);
	memcpy(challenges[index], challenge.challenge.data, challenge.challenge.size);
	challenge_sizes[index] = challenge.challenge.size;
}

static void
keep_session(const struct person *person, char id_r[SESSION_ID_SIZE + 1])
{
	struct wire_session *list;
	size_t count;

	assert_int_equal(get(SERVICE_SESSIONS, person), SERVICE_DONE);
	assert_int_equal(wire_sessions_decode(
	                     dom_buffer_slice(&house.reply.body), house.arena, &list, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(list[0].id.size, SESSION_ID_SIZE);
	memcpy(id_r, list[0].id.data, SESSION_ID_SIZE);
}

int
world_set_up(void **state)
{
	if (house_set_up(state) != 0)
		return -1;
	dan = eve = gil = zoe = yan = (struct person){0};
	person_make(&dan, "dan");
	person_make(&eve, "eve");
	person_make(&gil, "gil");
	person_make(&zoe, "zoe");
	person_make(&yan, "yan");
	turn_on(&zoe);
	sign_up(&yan);
	put_things(&zoe, 2, 21);
	turn_on(&house.ana);
	turn_on(&house.bob);
	turn_on(&house.cyd);
	turn_on(&dan);
	turn_on(&eve);
	sign_up(&gil);
	put_things(&house.ana, 1, 1);
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_ONLY);
	join(&house.ana, &house.cyd, 1, WIRE_ACCESS_READ_WRITE);
	join(&house.ana, &dan, 1, WIRE_ACCESS_ADMIN);
	assert_int_equal(invite(&house.ana, 1, "eve", 1, 11), SERVICE_DONE);
	/* Last, so that what the others have done cannot have touched it. */
	assert_int_equal(invite(&zoe, 2, "yan", 1, 22), SERVICE_DONE);
	keep_session(&zoe, other_session);
	for (unsigned i = 0; i < 5; i++) {
		keep_challenge(i, people[i]);
		keep_session(people[i], sessions[i]);
	}
	return 0;
}

int
world_tear_down(void **state)
{
	person_free(&dan);
	person_free(&eve);
	person_free(&gil);
	person_free(&zoe);
	person_free(&yan);
	return house_tear_down(state);
}

/* --- bodies ------------------------------------------------------------------------- */

static void
in_collection(void)
{
	house.request.collection_uid = dom_slice_of(uid('c', 1));
}

static void
about_item(void)
{
	in_collection();
	house.request.item_uid = dom_slice_of(uid('i', 1));
}

static void
session_build(const struct person *who)
{
	house.request.session_id = dom_slice_of(sessions[index_of(who)]);
}

static void
plain(const struct person *who)
{
	(void)who;
}

static void
collection_build(const struct person *who)
{
	(void)who;
	in_collection();
}

static void
item_build(const struct person *who)
{
	(void)who;
	about_item();
}

static void
chunk_build(const struct person *who)
{
	(void)who;
	about_item();
	house.request.chunk_uid = dom_slice_of(uid('k', 1));
}

static void
chunk_put_build(const struct person *who)
{
	(void)who;
	about_item();
	house.request.chunk_uid = dom_slice_of(uid('k', 9));
	dom_buffer_append_text(&house.body, "new ciphertext");
}

static void
put_revision(const char *revision)
{
	dom_pack_put_text(&house.body, "content");
	dom_pack_put_map(&house.body, 4);
	dom_pack_put_text(&house.body, "uid");
	dom_pack_put_text(&house.body, revision);
	dom_pack_put_text(&house.body, "meta");
	dom_pack_put_bin(&house.body, dom_slice_of("meta"));
	dom_pack_put_text(&house.body, "deleted");
	dom_pack_put_bool(&house.body, false);
	dom_pack_put_text(&house.body, "chunks");
	dom_pack_put_array(&house.body, 1);
	dom_pack_put_array(&house.body, 2);
	dom_pack_put_text(&house.body, uid('k', 7));
	dom_pack_put_bin(&house.body, dom_slice_of("more ciphertext"));
}

static void
put_item(const char *name, const char *revision, const char *etag)
{
	dom_pack_put_map(&house.body, 5);
	dom_pack_put_text(&house.body, "uid");
	dom_pack_put_text(&house.body, name);
	dom_pack_put_text(&house.body, "version");
	dom_pack_put_int(&house.body, 1);
	dom_pack_put_text(&house.body, "encryptionKey");
	dom_pack_put_bin(&house.body, dom_slice_of("key"));
	dom_pack_put_text(&house.body, "etag");
	if (etag == NULL)
		dom_pack_put_nil(&house.body);
	else
		dom_pack_put_text(&house.body, etag);
	put_revision(revision);
}

static void
create_build(const struct person *who)
{
	(void)who;
	dom_pack_put_map(&house.body, 3);
	dom_pack_put_text(&house.body, "item");
	put_item(uid('c', 3), uid('m', 3), NULL);
	dom_pack_put_text(&house.body, "collectionType");
	dom_pack_put_bin(&house.body, dom_slice_of("type one"));
	dom_pack_put_text(&house.body, "collectionKey");
	dom_pack_put_bin(&house.body, dom_slice_of("key"));
}

static void
types_build(const struct person *who)
{
	(void)who;
	dom_pack_put_map(&house.body, 1);
	dom_pack_put_text(&house.body, "collectionTypes");
	dom_pack_put_array(&house.body, 1);
	dom_pack_put_bin(&house.body, dom_slice_of("type one"));
}

static void
batch_build(const struct person *who)
{
	(void)who;
	in_collection();
	dom_pack_put_map(&house.body, 2);
	dom_pack_put_text(&house.body, "items");
	dom_pack_put_array(&house.body, 1);
	put_item(uid('i', 1), uid('s', 1), uid('r', 1));
	dom_pack_put_text(&house.body, "deps");
	dom_pack_put_array(&house.body, 1);
	dom_pack_put_map(&house.body, 2);
	dom_pack_put_text(&house.body, "uid");
	dom_pack_put_text(&house.body, uid('i', 2));
	dom_pack_put_text(&house.body, "etag");
	dom_pack_put_text(&house.body, uid('r', 2));
}

static void
updates_build(const struct person *who)
{
	(void)who;
	in_collection();
	dom_pack_put_array(&house.body, 1);
	dom_pack_put_map(&house.body, 2);
	dom_pack_put_text(&house.body, "uid");
	dom_pack_put_text(&house.body, uid('i', 1));
	dom_pack_put_text(&house.body, "etag");
	dom_pack_put_text(&house.body, uid('r', 9));
}

static void
access_build(const struct person *who)
{
	(void)who;
	in_collection();
	house.request.username = dom_slice_of("bob");
	wire_access_encode(&house.body, WIRE_ACCESS_READ_WRITE);
}

static void
member_build(const struct person *who)
{
	(void)who;
	in_collection();
	house.request.username = dom_slice_of("cyd");
}

static void
profile_build(const struct person *who)
{
	(void)who;
	house.request.username = dom_slice_of("gil");
}

static void
invite_build(const struct person *who)
{
	(void)who;
	wire_invitation_encode(&house.body,
	    &(struct wire_invitation){.uid = dom_slice_of(uid('v', 12)),
	        .version = 1,
	        .access_level = WIRE_ACCESS_READ_ONLY,
	        .username = dom_slice_of("gil"),
	        .collection = dom_slice_of(uid('c', 1)),
	        .signed_key = dom_slice_of("boxed")},
	    false);
}

static void
invitation_build(const struct person *who)
{
	(void)who;
	house.request.invitation_uid = dom_slice_of(uid('v', 11));
}

static void
accept_build(const struct person *who)
{
	invitation_build(who);
	dom_pack_put_map(&house.body, 2);
	dom_pack_put_text(&house.body, "collectionType");
	dom_pack_put_bin(&house.body, dom_slice_of("my type"));
	dom_pack_put_text(&house.body, "encryptionKey");
	dom_pack_put_bin(&house.body, dom_slice_of("my key"));
}

static void
signup_build(const struct person *who)
{
	static const uint8_t salt[32] = "salt";

	wire_signup_encode(
	    &house.body, &(struct wire_signup){.username = dom_slice_of("new"),
	                     .email = dom_slice_of("new@example.org"),
	                     .salt = dom_slice(salt, sizeof(salt)),
	                     .login_public = dom_slice(who->login_public, 32),
	                     .identity_public = dom_slice(who->identity_public, 32),
	                     .encrypted_content = dom_slice(who->secrets, DOM_SECRETS_SIZE)});
}

static void
challenge_build(const struct person *who)
{
	wire_challenge_ask_encode(&house.body, dom_slice_of(who->name));
}

static void
response_build(const struct person *who, enum wire_action action)
{
	unsigned i = index_of(who);

	wire_response_encode(
	    &house.body, &(struct wire_response){.username = dom_slice_of(who->name),
	                     .challenge = dom_slice(challenges[i], challenge_sizes[i]),
	                     .host = dom_slice_of("region.example"),
	                     .action = action,
	                     .login_public = dom_slice(gil.login_public, 32),
	                     .encrypted_content = dom_slice(gil.secrets, DOM_SECRETS_SIZE)});
}

/* The body so far becomes what is signed. */
static void
sign(const struct person *who)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_slice bytes = dom_arena_copy(house.arena, dom_buffer_slice(&house.body));

	dom_main_key_sign(who->main, bytes, signature);
	dom_buffer_clear(&house.body);
	wire_signed_encode(
	    &house.body, &(struct wire_signed){.response = bytes,
	                     .signature = dom_slice(signature, sizeof(signature))});
}

static void
login_response_build(const struct person *who)
{
	response_build(who, WIRE_ACTION_LOGIN);
}

static void
login_build(const struct person *who)
{
	login_response_build(who);
	sign(who);
}

static void
password_response_build(const struct person *who)
{
	response_build(who, WIRE_ACTION_CHANGE_PASSWORD);
}

static void
password_build(const struct person *who)
{
	password_response_build(who);
	sign(who);
}

static void
statement_key_build(const struct person *who)
{
	uint8_t public[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer response = {0};

	dom_statement_public(who->account, public);
	wire_statement_key_response(
	    &response, dom_slice(who->identity_public, 32), dom_slice(public, sizeof(public)));
	dom_main_key_sign(who->main, dom_buffer_slice(&response), signature);
	wire_statement_key_encode(&house.body,
	    &(struct wire_statement_key){.pubkey = dom_slice(public, sizeof(public)),
	        .response = dom_buffer_slice(&response),
	        .signature = dom_slice(signature, sizeof(signature))});
	dom_buffer_free(&response);
}

/* What is inside of it is wire/statement.h's, and fuzzed. */
static void
state(const struct person *who, enum wire_statement_kind kind, const char *service)
{
	struct dom_slice types[1] = {dom_slice_of("type two")};
	struct wire_statement statement = {.kind = kind,
	    .serial = who->serial + 1,
	    .issued_ms = house.now_ms,
	    .region = dom_slice_of("in"),
	    .service = dom_slice_of(service)};
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};

	memcpy(statement.account, who->identity_public, 32);
	fill_terms(&statement);
	if (kind == WIRE_CONSENT) {
		statement.types = types;
		statement.type_count = 1;
	}
	wire_statement_encode(&bytes, &statement);
	dom_statement_sign(who->account, dom_buffer_slice(&bytes), signature);
	wire_signed_statement_encode(
	    &house.body, &(struct wire_signed_statement){.statement = dom_buffer_slice(&bytes),
	                     .signature = dom_slice(signature, sizeof(signature))});
	dom_buffer_free(&bytes);
}

static void
consent_build(const struct person *who)
{
	state(who, WIRE_CONSENT, "calendar");
}

static void
withdrawal_build(const struct person *who)
{
	state(who, WIRE_WITHDRAWAL, "contacts");
}

static void
plan_build(const struct person *who)
{
	(void)who;
	house.request.region_to = dom_slice_of("sg");
}

static void
room_build(const struct person *who)
{
	(void)who;
	wire_room_ask_encode(
	    &house.body, &(struct wire_room_ask){.username = dom_slice_of("new"),
	                     .email = dom_slice_of("new@example.org"),
	                     .identity = dom_slice(house.ana.identity_public, 32),
	                     .bytes = 7});
}

static void
handoff_build(const struct person *who)
{
	static const uint8_t signature[DOM_SIGNATURE_SIZE];

	(void)who;
	wire_handoff_encode(&house.body, &(struct wire_signed_move){dom_slice_of("no hand-off"),
	                                     dom_slice(signature, sizeof(signature))});
}

/* Another region's, so to speak: this one is in no group. */
static void
peer_build(const struct person *who)
{
	const struct wire_peer peer = {.op = WIRE_PEER_STATUS,
	    .from = dom_slice_of("sg"),
	    .to = dom_slice_of("in"),
	    .at_ms = house.now_ms};
	struct dom_buffer request = {0};

	(void)who;
	wire_peer_encode(&request, &peer);
	dom_write_string(&house.body, dom_buffer_slice(&request));
	dom_buffer_append(&house.body, house.ana.secrets, DOM_SIGNATURE_SIZE);
	dom_buffer_free(&request);
}

/* --- the schema ------------------------------------------------------------------------ */

#define END                                                                                    \
	{                                                                                      \
		NULL, UID, 0, 0, false                                                         \
	}
/* Of an item at a place, such as "items.0." */
#define ITEM_FIELDS(at)                                                                        \
	{at "uid", UID, 20, 64, false}, {at "version", INT, 0, 255, false},                    \
	    {at "encryptionKey", BYTES, 0, 1024, true}, {at "etag", TEXT, 0, 64, true},        \
	    {at "content", MAP, 0, 0, false}, {at "content.uid", UID, 20, 64, false},          \
	    {at "content.meta", BYTES, 0, WIRE_META_SIZE_MAX, false},                          \
	    {at "content.deleted", BOOL, 0, 0, false},                                         \
	    {at "content.chunks", ARRAY, 0, 0, false},                                         \
	    {at "content.chunks.0", ARRAY, 1, 2, false},                                       \
	    {at "content.chunks.0.0", UID, 20, 64, false},                                     \
	{                                                                                      \
		at "content.chunks.0.1", BYTES, 0, 0, true                                     \
	}

static const struct field create_fields[] = {{"", MAP, 0, 0, false}, {"item", MAP, 0, 0, false},
    ITEM_FIELDS("item."), {"collectionType", BYTES, 0, WIRE_TYPE_SIZE_MAX, true},
    {"collectionKey", BYTES, 0, 1024, false}, END};

static const struct field types_fields[] = {{"", MAP, 0, 0, false},
    {"collectionTypes", ARRAY, 0, 1000, false},
    {"collectionTypes.0", BYTES, 0, WIRE_TYPE_SIZE_MAX, false}, END};

static const struct field batch_fields[] = {{"", MAP, 0, 0, false},
    {"items", ARRAY, 0, 0, false}, {"items.0", MAP, 0, 0, false}, ITEM_FIELDS("items.0."),
    {"deps", ARRAY, 0, WIRE_BATCH_ITEMS_MAX, true}, {"deps.0", MAP, 0, 0, false},
    {"deps.0.uid", UID, 20, 64, false}, {"deps.0.etag", TEXT, 0, 64, false}, END};

static const struct field updates_fields[] = {{"", ARRAY, 0, 0, false}, {"0", MAP, 0, 0, false},
    {"0.uid", UID, 20, 64, false}, {"0.etag", TEXT, 0, 64, true}, END};

static const struct field access_fields[] = {
    {"", MAP, 0, 0, false}, {"accessLevel", INT, 0, 2, false}, END};

static const struct field invite_fields[] = {{"", MAP, 0, 0, false},
    {"uid", UID, 20, 64, false}, {"version", INT, 0, 255, false},
    {"accessLevel", INT, 0, 2, false}, {"username", TEXT, 0, WIRE_NAME_SIZE_MAX, false},
    {"collection", UID, 20, 64, false},
    {"signedEncryptionKey", BYTES, 0, WIRE_SIGNED_KEY_SIZE_MAX, false}, END};

static const struct field accept_fields[] = {{"", MAP, 0, 0, false},
    {"collectionType", BYTES, 0, WIRE_TYPE_SIZE_MAX, false},
    {"encryptionKey", BYTES, 0, 1024, false}, END};

static const struct field signup_fields[] = {{"", MAP, 0, 0, false}, {"user", MAP, 0, 0, false},
    {"user.username", TEXT, 0, WIRE_NAME_SIZE_MAX, false},
    {"user.email", TEXT, 0, WIRE_EMAIL_SIZE_MAX, false}, {"salt", BYTES, 16, 1024, false},
    {"loginPubkey", BYTES, 32, 32, false}, {"pubkey", BYTES, 32, 32, false},
    {"encryptedContent", BYTES, DOM_SECRETS_SIZE, 64 << 10, false}, END};

static const struct field challenge_fields[] = {
    {"", MAP, 0, 0, false}, {"username", TEXT, 0, WIRE_NAME_SIZE_MAX, false}, END};

static const struct field signed_fields[] = {{"", MAP, 0, 0, false},
    {"response", BYTES, 0, 128 << 10, false}, {"signature", BYTES, 0, 1024, false}, END};

static const struct field login_response_fields[] = {{"", MAP, 0, 0, false},
    {"username", TEXT, 0, WIRE_NAME_SIZE_MAX, false}, {"challenge", BYTES, 0, 4096, false},
    {"host", TEXT, 0, 1024, false}, {"action", TEXT, 5, 14, false}, END};

static const struct field password_response_fields[] = {{"", MAP, 0, 0, false},
    {"username", TEXT, 0, WIRE_NAME_SIZE_MAX, false}, {"challenge", BYTES, 0, 4096, false},
    {"host", TEXT, 0, 1024, false}, {"action", TEXT, 5, 14, false},
    {"loginPubkey", BYTES, 32, 32, false},
    {"encryptedContent", BYTES, DOM_SECRETS_SIZE, 64 << 10, false}, END};

static const struct field statement_key_fields[] = {{"", MAP, 0, 0, false},
    {"pubkey", BYTES, 32, 32, false}, {"response", BYTES, 0, 1024, false},
    {"signature", BYTES, 0, 1024, false}, END};

static const struct field statement_fields[] = {{"", MAP, 0, 0, false},
    {"statement", BYTES, 0, WIRE_STATEMENT_SIZE_MAX, false},
    {"signature", BYTES, 0, 1024, false}, END};

static const struct field room_fields[] = {{"", MAP, 0, 0, false},
    {"username", TEXT, 1, 1024, false}, {"email", TEXT, 1, 1024, true},
    {"identity", BYTES, 32, 32, true}, {"bytes", INT, 0, INT64_MAX, false}, END};

static const struct field handoff_fields[] = {{"", MAP, 0, 0, false},
    {"handoff", BYTES, 1, WIRE_MOVE_SIZE_MAX, false}, {"signature", BYTES, 64, 64, false}, END};

#define ROW(op) #op, SERVICE_##op
const struct endpoint endpoints[] = {
    {ROW(IS_ETEBASE), R_ANYONE, 0, plain, NULL, NULL, false},
    {ROW(SIGNUP), R_ANYONE, 0, signup_build, NULL, signup_fields, false},
    {ROW(LOGIN_CHALLENGE), R_ANYONE, 0, challenge_build, NULL, challenge_fields, false},
    {ROW(LOGIN), R_ANYONE, 0, login_build, NULL, signed_fields, false},
    {ROW(LOGIN), R_ANYONE, 0, login_response_build, sign, login_response_fields, false},
    {ROW(LOGOUT), R_ALL, 0, plain, NULL, NULL, false},
    {ROW(CHANGE_PASSWORD), R_ALL, 0, password_build, NULL, signed_fields, false},
    {ROW(CHANGE_PASSWORD), R_ALL, 0, password_response_build, sign, password_response_fields,
        false},
    {ROW(DASHBOARD_URL), 0, 0, plain, NULL, NULL, false},
    {ROW(COLLECTION_CREATE), R_ALL, 0, create_build, NULL, create_fields, false},
    {ROW(COLLECTION_LIST_MULTI), R_ALL, P_LIST, types_build, NULL, types_fields, false},
    {ROW(COLLECTION_LIST), R_ALL, P_LIST, plain, NULL, NULL, false},
    {ROW(COLLECTION_GET), R_MEMBERS, P_COLLECTION | P_PREFETCH, collection_build, NULL, NULL,
        false},
    {ROW(ITEM_LIST), R_MEMBERS, P_COLLECTION | P_LIST, collection_build, NULL, NULL, false},
    {ROW(ITEM_GET), R_MEMBERS, P_COLLECTION | P_ITEM | P_PREFETCH, item_build, NULL, NULL,
        false},
    {ROW(ITEM_FETCH_UPDATES), R_MEMBERS, P_COLLECTION | P_STOKEN | P_PREFETCH, updates_build,
        NULL, updates_fields, false},
    {ROW(ITEM_BATCH), R_WRITERS, P_COLLECTION | P_STOKEN, batch_build, NULL, batch_fields,
        false},
    {ROW(ITEM_TRANSACTION), R_WRITERS, P_COLLECTION | P_STOKEN, batch_build, NULL, batch_fields,
        false},
    {ROW(ITEM_REVISIONS), R_MEMBERS, P_COLLECTION | P_ITEM | P_ITERATOR | P_LIMIT | P_PREFETCH,
        item_build, NULL, NULL, false},
    {ROW(CHUNK_PUT), R_WRITERS, P_COLLECTION | P_ITEM | P_CHUNK, chunk_put_build, NULL, NULL,
        false},
    {ROW(CHUNK_GET), R_MEMBERS, P_COLLECTION | P_ITEM | P_CHUNK, chunk_build, NULL, NULL,
        false},
    {ROW(MEMBER_LIST), R_ADMINS, P_COLLECTION | P_ITERATOR | P_LIMIT, collection_build, NULL,
        NULL, false},
    {ROW(MEMBER_SET), R_ADMINS, P_COLLECTION | P_USERNAME, access_build, NULL, access_fields,
        false},
    {ROW(MEMBER_REMOVE), R_ADMINS, P_COLLECTION | P_USERNAME, member_build, NULL, NULL, false},
    {ROW(MEMBER_LEAVE), R_MEMBERS, P_COLLECTION, collection_build, NULL, NULL, false},
    {ROW(PROFILE), R_ALL, P_USERNAME, profile_build, NULL, NULL, false},
    {ROW(INVITE), R_ADMINS, 0, invite_build, NULL, invite_fields, true},
    {ROW(OUTGOING_LIST), R_ALL, P_ITERATOR | P_LIMIT, plain, NULL, NULL, false},
    {ROW(OUTGOING_WITHDRAW), R_OWNER, P_INVITATION, invitation_build, NULL, NULL, false},
    {ROW(INCOMING_LIST), R_ALL, P_ITERATOR | P_LIMIT, plain, NULL, NULL, false},
    {ROW(INCOMING_GET), R_STRANGER, P_INVITATION, invitation_build, NULL, NULL, false},
    {ROW(INCOMING_REJECT), R_STRANGER, P_INVITATION, invitation_build, NULL, NULL, false},
    {ROW(INCOMING_ACCEPT), R_STRANGER, P_INVITATION, accept_build, NULL, accept_fields, false},
    {ROW(REGION), R_ANYONE, 0, plain, NULL, NULL, false},
    {ROW(STATEMENT_KEY), R_ALL, 0, statement_key_build, NULL, statement_key_fields, false},
    {ROW(STATEMENT_ADD), R_ALL, 0, consent_build, NULL, statement_fields, false},
    {ROW(CONSENTS), R_ALL, 0, plain, NULL, NULL, false},
    {ROW(STATEMENTS), R_ALL, P_AFTER | P_LIMIT, plain, NULL, NULL, false},
    {ROW(SESSIONS), R_ALL, 0, plain, NULL, NULL, false},
    {ROW(SESSION_REVOKE), R_ALL, P_SESSION, session_build, NULL, NULL, false},
    {ROW(PUSH_TICKET), R_MEMBERS, P_COLLECTION, collection_build, NULL, NULL, false},
    {ROW(PUSH_SUBSCRIBE), 0, P_TICKET | P_STOKEN, plain, NULL, NULL, false},
    {ROW(PUSH_CHANGES_TICKET), R_ALL, 0, plain, NULL, NULL, false},
    {ROW(PUSH_CHANGES), R_ALL, P_TICKET | P_STOKEN, plain, NULL, NULL, false},
    /* New rows come here: fuzz_service finds the others by their place. */
    {ROW(STATEMENT_ADD), R_ALL, 0, withdrawal_build, NULL, statement_fields, false},
    {ROW(CATALOGUE), R_ANYONE, 0, plain, NULL, NULL, false},
    {ROW(ERASURE), 0, P_ERASURE, plain, NULL, NULL, false},
    {ROW(ERASURES), R_ALL, 0, plain, NULL, NULL, false},
    {ROW(RETENTION), R_ALL, 0, plain, NULL, NULL, false},
    {ROW(GROUP), 0, 0, plain, NULL, NULL, false},
    {ROW(MOVES), R_ALL, 0, plain, NULL, NULL, false},
    {ROW(MOVE_PLAN), R_ALL, P_TO, plan_build, NULL, NULL, false},
    {ROW(MOVE_CERTIFICATE), 0, P_MOVE, plain, NULL, NULL, false},
    {ROW(MOVE_ROOM), R_ANYONE, 0, room_build, NULL, room_fields, false},
    {ROW(HANDOFF), 0, 0, handoff_build, NULL, handoff_fields, false},
    {ROW(PEER), 0, 0, peer_build, NULL, NULL, false},
    {ROW(PEER_CHANGE), 0, 0, peer_build, NULL, NULL, false},
};
const size_t endpoint_count = sizeof(endpoints) / sizeof(endpoints[0]);
