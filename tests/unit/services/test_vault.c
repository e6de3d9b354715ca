/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Collections, items, revisions and chunks: what is stored, refused, retried, shown. */
#include "base/msgpack.h"

#include "house.h"
#include "services/vault/vault.h"

enum { LARGE = 8192 }; /* over the store's row size in these tests */

static uint8_t large[LARGE];

static const char *
current(const struct person *person, unsigned number)
{
	struct wire_item got;
	struct dom_slice body;

	ask(SERVICE_ITEM_GET, person);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', number));
	if (send() != SERVICE_DONE)
		return "";
	body = dom_arena_copy(house.arena, dom_buffer_slice(&house.reply.body));
	assert_int_equal(wire_item_decode(body, house.arena, &got), DOM_OK);
	return (const char *)dom_arena_copy(house.arena, got.content.uid).data;
}

static void
put_one(const struct person *person, unsigned number, char revision, const char *etag,
    enum service_code code)
{
	struct wire_item one = item(number, revision, etag);

	assert_int_equal(put(person, SERVICE_ITEM_BATCH, 1, &one, 1), code);
}

static void
a_collection_is_created_once_and_shown(void **state)
{
	struct wire_collection got;
	struct wire_reject reject;
	struct wire_collection bad = {.item = item(9, 'm', "etagetagetagetagetag"),
	    .collection_type = dom_slice_of("type one"),
	    .collection_key = dom_slice_of("key")};

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_UNIQUE_UID);
	assert_int_equal(create(&house.ana, 2, NULL), SERVICE_BAD_COLLECTION_TYPE);
	ask(SERVICE_COLLECTION_CREATE, &house.ana);
	wire_collection_encode(&house.body, &bad, false);
	assert_int_equal(send(), SERVICE_BAD_ETAG);
	ask(SERVICE_COLLECTION_GET, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(wire_collection_decode(
	                     dom_buffer_slice(&house.reply.body), house.arena, &got, &reject),
	    DOM_OK);
	assert_true(dom_slice_is(got.item.uid, uid('c', 1)));
	assert_true(dom_slice_is(got.collection_type, "type one"));
	assert_true(dom_slice_is(got.collection_key, "key"));
	assert_int_equal(got.access_level, WIRE_ACCESS_ADMIN);
	assert_true(got.stoken.size > 0 && got.item.etag.data == NULL);
}

static void
an_items_own_key_and_version_stay_as_first_sent(void **state)
{
	struct wire_item one = item(1, 'a', NULL), got;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	one.encryption_key = dom_slice_of("own key");
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	one = item(1, 'b', NULL);
	one.version = 9;
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	assert_string_equal(current(&house.ana, 1), uid('b', 1));
	assert_int_equal(
	    wire_item_decode(dom_buffer_slice(&house.reply.body), house.arena, &got), DOM_OK);
	assert_true(dom_slice_is(got.encryption_key, "own key"));
	assert_int_equal(got.version, 1);
}

static void
a_batch_overwrites_and_a_transaction_does_not(void **state)
{
	struct wire_item one = item(1, 'a', NULL);

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_DONE);
	/* The reply was lost: the same again. */
	assert_int_equal(put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_DONE);
	one = item(1, 'b', NULL);
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_ITEM_FAILED);
	assert_string_equal(nested(), "wrong_etag");
	assert_true(dom_slice_is(house.reply.errors[0].field, uid('i', 1)));
	assert_string_equal(current(&house.ana, 1), uid('a', 1));
	one = item(1, 'b', uid('a', 1));
	assert_int_equal(put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_DONE);
	one = item(2, 'a', uid('x', 2));
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_ITEM_FAILED);
	put_one(&house.ana, 1, 'c', uid('x', 1), SERVICE_DONE);
	assert_string_equal(current(&house.ana, 1), uid('c', 1));
}

static void
an_old_revision_is_an_error_or_a_retry(void **state)
{
	struct wire_item one;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	put_one(&house.ana, 1, 'a', NULL, SERVICE_DONE);
	put_one(&house.ana, 1, 'b', uid('a', 1), SERVICE_DONE);
	/* The upload of a, again, after b: done, and b stays. */
	put_one(&house.ana, 1, 'a', NULL, SERVICE_DONE);
	assert_string_equal(current(&house.ana, 1), uid('b', 1));
	/* Going back to a under its old name. */
	put_one(&house.ana, 1, 'a', uid('a', 1), SERVICE_FIELD_ERRORS);
	assert_true(dom_slice_is(house.reply.errors[0].field, "content.uid"));
	assert_string_equal(nested(), "unique");
	one = item(1, 'a', uid('b', 1));
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_FIELD_ERRORS);
	assert_string_equal(current(&house.ana, 1), uid('b', 1));
	/* The very transaction that made it, again after it was overtaken: done. */
	one = item(1, 'a', NULL);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_DONE);
	put_one(&house.ana, 1, 'c', uid('b', 1), SERVICE_DONE);
	one = item(1, 'b', uid('a', 1));
	assert_int_equal(put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_DONE);
	assert_string_equal(current(&house.ana, 1), uid('c', 1));
}

static void
one_refused_item_keeps_all_out(void **state)
{
	struct wire_item items[3] = {
	    item(1, 'a', NULL), item(2, 'a', NULL), item(3, 'a', NULL)};
	struct wire_chunk chunk = {.uid = dom_slice_of(uid('k', 7))};
	char before[WIRE_STOKEN_SIZE(1) + 1];

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	items[1].content.chunks = items[2].content.chunks = &chunk;
	items[1].content.chunk_count = items[2].content.chunk_count = 1;
	list_collections(&house.ana, "");
	strcpy(before, house.stoken);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 3), SERVICE_ITEM_FAILED);
	assert_int_equal(house.reply.error_count, 2);
	assert_string_equal(nested(), "chunk_no_content");
	assert_true(dom_slice_is(house.reply.errors[1].field, uid('i', 3)));
	list_collections(&house.ana, "");
	assert_string_equal(before, house.stoken);
	assert_string_equal(current(&house.ana, 1), "");
}

static void
the_same_item_twice_sees_itself(void **state)
{
	struct wire_item items[2] = {item(1, 'a', NULL), item(1, 'b', uid('a', 1))};

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, items, 2), SERVICE_DONE);
	assert_string_equal(current(&house.ana, 1), uid('b', 1));
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, NULL, 0), SERVICE_DONE);
}

static enum service_code
put_with_dep(const char *dep_uid, const char *dep_etag, const char *stoken)
{
	struct wire_dep dep = {dom_slice_of(dep_uid), dom_slice_of(dep_etag)};

	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.stoken = dom_slice_of(stoken);
	wire_batch_encode(&house.body,
	    &(struct wire_batch){.deps = &dep, .dep_count = dep_uid == NULL ? 0 : 1});
	return send();
}

static void
dependencies_and_sync_tokens_guard_a_write(void **state)
{
	char stoken[WIRE_STOKEN_SIZE(1) + 1];

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	list_collections(&house.ana, "");
	strcpy(stoken, house.stoken);
	assert_int_equal(put_with_dep(NULL, NULL, stoken), SERVICE_DONE);
	assert_int_equal(put_with_dep(NULL, NULL, ""), SERVICE_DONE);
	put_one(&house.ana, 1, 'a', NULL, SERVICE_DONE);
	assert_int_equal(put_with_dep(NULL, NULL, stoken), SERVICE_STALE_STOKEN);
	assert_int_equal(put_with_dep(NULL, NULL, "garbage"), SERVICE_STALE_STOKEN);
	assert_int_equal(put_with_dep(uid('i', 1), uid('a', 1), NULL), SERVICE_DONE);
	assert_int_equal(put_with_dep(uid('i', 1), uid('b', 1), NULL), SERVICE_DEP_FAILED);
	assert_string_equal(nested(), "wrong_etag");
	assert_int_equal(put_with_dep(uid('i', 2), uid('a', 1), NULL), SERVICE_DEP_FAILED);
}

static enum service_code
chunk(enum service_op op, const struct person *person, unsigned collection, const char *name,
    struct dom_slice content)
{
	ask(op, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(name);
	house.request.body = content;
	return send();
}

static void
chunks_go_in_once_and_come_back(void **state)
{
	const struct dom_slice contents[] = {
	    dom_slice("", 0), dom_slice_of("small"), dom_slice(large, LARGE)};

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	for (unsigned i = 0; i < 3; i++) {
		const char *name = uid('k', i + 1);

		large[5] = 77;
		assert_int_equal(
		    chunk(SERVICE_CHUNK_GET, &house.ana, 1, name, dom_slice(NULL, 0)),
		    SERVICE_DOES_NOT_EXIST);
		assert_int_equal(
		    chunk(SERVICE_CHUNK_PUT, &house.ana, 1, name, contents[i]), SERVICE_DONE);
		assert_int_equal(
		    chunk(SERVICE_CHUNK_PUT, &house.ana, 1, name, dom_slice_of("another")),
		    SERVICE_CHUNK_EXISTS);
		assert_int_equal(
		    chunk(SERVICE_CHUNK_PUT, &house.ana, 1, name, dom_slice(large, LARGE)),
		    SERVICE_CHUNK_EXISTS);
		assert_int_equal(
		    chunk(SERVICE_CHUNK_GET, &house.ana, 1, name, dom_slice(NULL, 0)),
		    SERVICE_DONE);
		assert_true(house.reply.body_is_raw);
		assert_true(dom_slice_equal(dom_buffer_slice(&house.reply.body), contents[i]));
	}
	assert_int_equal(chunk(SERVICE_CHUNK_PUT, &house.ana, 1, "..", dom_slice_of("x")),
	    SERVICE_VALIDATION_ERROR);
	assert_int_equal(chunk(SERVICE_CHUNK_GET, &house.ana, 1, "..", dom_slice(NULL, 0)),
	    SERVICE_DOES_NOT_EXIST);
}

static void
contents_are_inline_or_left_out_and_the_first_one_stays(void **state)
{
	struct wire_chunk chunks[3] = {
	    {.uid = dom_slice_of(uid('k', 1)), .content = dom_slice(large, LARGE)},
	    {.uid = dom_slice_of(uid('k', 2)), .content = dom_slice_of("small")},
	    {.uid = dom_slice_of(uid('k', 1))}};
	struct wire_item one = item(1, 'a', NULL);

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	large[9] = 3;
	one.content.chunks = chunks;
	one.content.chunk_count = 3;
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	large[9] = 4;
	one = item(2, 'a', NULL);
	one.content.chunks = chunks;
	one.content.chunk_count = 3;
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	large[9] = 3;
	list_items(&house.ana, 1, "");
	assert_int_equal(house.list.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct wire_revision *got = &house.list.items[i].content;

		assert_int_equal(got->chunk_count, 3);
		assert_true(dom_slice_equal(got->chunks[0].uid, got->chunks[2].uid));
		assert_true(dom_slice_equal(got->chunks[0].content, dom_slice(large, LARGE)));
		assert_true(dom_slice_is(got->chunks[1].content, "small"));
		assert_true(dom_slice_equal(got->chunks[2].content, dom_slice(large, LARGE)));
	}
	ask(SERVICE_ITEM_LIST, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.prefetch = SERVICE_PREFETCH_MEDIUM;
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(wire_list_decode(dom_buffer_slice(&house.reply.body), WIRE_LIST_ITEMS,
	                     house.arena, &house.list),
	    DOM_OK);
	assert_int_equal(house.list.items[0].content.chunk_count, 3);
	assert_null(house.list.items[0].content.chunks[0].content.data);
}

/* Knowing a chunk's uid is no way to its bytes. */
static void
chunks_of_others_are_out_of_reach(void **state)
{
	struct wire_chunk link = {.uid = dom_slice_of(uid('k', 1))};
	struct wire_item one = item(1, 'a', NULL);

	(void)state;
	turn_on(&house.ana);
	turn_on(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.bob, 2, "type one"), SERVICE_DONE);
	assert_int_equal(
	    chunk(SERVICE_CHUNK_PUT, &house.ana, 1, uid('k', 1), dom_slice_of("secret")),
	    SERVICE_DONE);
	assert_int_equal(
	    chunk(SERVICE_CHUNK_GET, &house.bob, 1, uid('k', 1), dom_slice(NULL, 0)),
	    SERVICE_DOES_NOT_EXIST);
	assert_int_equal(
	    chunk(SERVICE_CHUNK_GET, &house.bob, 2, uid('k', 1), dom_slice(NULL, 0)),
	    SERVICE_DOES_NOT_EXIST);
	one.content.chunks = &link;
	one.content.chunk_count = 1;
	assert_int_equal(put(&house.bob, SERVICE_ITEM_BATCH, 2, &one, 1), SERVICE_ITEM_FAILED);
}

static void
outsiders_find_nothing_there(void **state)
{
	static const enum service_op ops[] = {SERVICE_COLLECTION_GET, SERVICE_ITEM_LIST,
	    SERVICE_ITEM_GET, SERVICE_ITEM_FETCH_UPDATES, SERVICE_ITEM_BATCH,
	    SERVICE_ITEM_TRANSACTION, SERVICE_ITEM_REVISIONS, SERVICE_CHUNK_PUT,
	    SERVICE_CHUNK_GET};

	(void)state;
	turn_on(&house.ana);
	turn_on(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		ask(ops[i], &house.bob);
		house.request.collection_uid = dom_slice_of(uid('c', 1));
		house.request.item_uid = dom_slice_of(uid('c', 1));
		assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
		assert_int_equal(send_without_admission(), SERVICE_DOES_NOT_EXIST);
		house.request.collection_uid = dom_slice_of("..");
		assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
	}
	list_collections(&house.bob, "");
	assert_int_equal(house.list.count, 0);
	/* A uid that is taken is taken for all. */
	assert_int_equal(create(&house.bob, 1, "type one"), SERVICE_UNIQUE_UID);
}

static enum dom_status
add_bob(struct store_txn *txn, void *context)
{
	struct store_account ana, bob;
	struct store_collection collection;
	struct store_member member = {.access_level = *(int *)context,
	    .collection_key = dom_slice_of("bob's key"),
	    .collection_type = dom_slice_of("bob's type")};

	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("ana"), house.arena, &ana), DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("bob"), house.arena, &bob), DOM_OK);
	assert_int_equal(
	    store_collection_find(txn, dom_slice_of(uid('c', 1)), house.arena, &collection),
	    DOM_OK);
	member.account = bob.number;
	member.collection = collection.number;
	assert_int_equal(store_account_tick(txn, ana.number, &member.clock), DOM_OK);
	return store_member_add(txn, &member);
}

static void
readers_read_and_do_not_write(void **state)
{
	struct wire_item one = item(1, 'a', NULL);
	int access_level = WIRE_ACCESS_READ_ONLY;

	(void)state;
	turn_on(&house.ana);
	sign_up(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	put_one(&house.ana, 1, 'a', NULL, SERVICE_DONE);
	assert_int_equal(store_write(house.store, add_bob, &access_level), DOM_OK);
	list_items(&house.bob, 1, "");
	assert_int_equal(house.list.count, 1);
	list_collections(&house.bob, "");
	assert_int_equal(house.list.count, 1);
	assert_int_equal(house.list.collections[0].access_level, WIRE_ACCESS_READ_ONLY);
	assert_true(dom_slice_is(house.list.collections[0].collection_type, "bob's type"));
	assert_int_equal(
	    put(&house.bob, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_NO_WRITE_ACCESS);
	assert_int_equal(
	    put(&house.bob, SERVICE_ITEM_TRANSACTION, 1, &one, 1), SERVICE_NO_WRITE_ACCESS);
	assert_int_equal(
	    chunk(SERVICE_CHUNK_PUT, &house.bob, 1, uid('k', 1), dom_slice_of("x")),
	    SERVICE_NO_WRITE_ACCESS);
	/* The body is looked at after the role: even nonsense is 403. */
	ask(SERVICE_ITEM_BATCH, &house.bob);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	assert_int_equal(send_without_admission(), SERVICE_NO_WRITE_ACCESS);
}

/* Bob has turned nothing on, and calls the type otherwise: that does not matter. */
static void
members_write_under_the_owners_consent_and_on_the_owners_clock(void **state)
{
	struct wire_item one = item(1, 'a', NULL);
	int access_level = WIRE_ACCESS_READ_WRITE;
	char before[WIRE_STOKEN_SIZE(1) + 1];

	(void)state;
	turn_on(&house.ana);
	sign_up(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(store_write(house.store, add_bob, &access_level), DOM_OK);
	list_collections(&house.ana, "");
	strcpy(before, house.reply.position_after);
	assert_int_equal(put(&house.bob, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	assert_string_equal(house.reply.position_before, before);
	assert_string_not_equal(house.reply.position_after, before);
	list_items(&house.ana, 1, before);
	assert_int_equal(house.list.count, 1);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	one = item(2, 'a', NULL);
	assert_int_equal(
	    put(&house.bob, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_CONSENT_REQUIRED);
	/* Nor does what he turns on himself. */
	register_statement_key(&house.bob);
	assert_int_equal(consent(&house.bob, "any", NULL), SERVICE_DONE);
	assert_int_equal(
	    put(&house.bob, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_CONSENT_REQUIRED);
}

static void
bad_bodies_are_named_before_consent_is_asked(void **state)
{
	struct wire_item one = item(1, 'a', NULL);

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	one.version = -1;
	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_batch_encode(&house.body, &(struct wire_batch){.items = &one, .item_count = 1});
	assert_int_equal(send_without_admission(), SERVICE_VALIDATION_ERROR);
	assert_true(dom_slice_is(house.reply.errors[0].field, "items.0.version"));
	dom_buffer_clear(&house.body);
	dom_buffer_append_text(&house.body, "\xc1");
	house.request.body = dom_buffer_slice(&house.body);
	assert_int_equal(send_without_admission(), SERVICE_MALFORMED_BODY);
	/* At the door, what is off is refused before the body, if it may store anything. */
	while (house.body.size <= VAULT_REMOVAL_BODY_SIZE_MAX)
		dom_buffer_append_text(&house.body, "\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1");
	house.request.body = dom_buffer_slice(&house.body);
	assert_int_equal(send(), SERVICE_CONSENT_REQUIRED);
}

static void
revisions_are_listed_newest_first_in_pages(void **state)
{
	struct dom_slice body, iterator;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	put_one(&house.ana, 1, 'a', NULL, SERVICE_DONE);
	put_one(&house.ana, 1, 'b', NULL, SERVICE_DONE);
	put_one(&house.ana, 1, 'd', NULL, SERVICE_DONE);
	iterator = dom_slice(NULL, 0);
	for (int page = 0; page < 2; page++) {
		ask(SERVICE_ITEM_REVISIONS, &house.ana);
		house.request.collection_uid = dom_slice_of(uid('c', 1));
		house.request.item_uid = dom_slice_of(uid('i', 1));
		house.request.iterator = iterator;
		house.request.limit = 2;
		assert_int_equal(send(), SERVICE_DONE);
		body = dom_arena_copy(house.arena, dom_buffer_slice(&house.reply.body));
		assert_int_equal(
		    wire_list_decode(body, WIRE_LIST_REVISIONS, house.arena, &house.list),
		    DOM_OK);
		assert_int_equal(house.list.count, page == 0 ? 2 : 1);
		assert_int_equal(house.list.done, page == 1);
		assert_true(
		    dom_slice_is(house.list.revisions[0].uid, uid(page == 0 ? 'd' : 'a', 1)));
		iterator = house.list.stoken;
	}
	house.request.iterator = dom_slice("", 0);
	assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
	house.request.iterator = dom_slice(NULL, 0);
	house.request.item_uid = dom_slice_of(uid('i', 2));
	assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
	house.request.op = SERVICE_ITEM_GET;
	assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_collection_is_created_once_and_shown),
	    TEST(an_items_own_key_and_version_stay_as_first_sent),
	    TEST(a_batch_overwrites_and_a_transaction_does_not),
	    TEST(an_old_revision_is_an_error_or_a_retry),
	    TEST(one_refused_item_keeps_all_out),
	    TEST(the_same_item_twice_sees_itself),
	    TEST(dependencies_and_sync_tokens_guard_a_write),
	    TEST(chunks_go_in_once_and_come_back),
	    TEST(contents_are_inline_or_left_out_and_the_first_one_stays),
	    TEST(chunks_of_others_are_out_of_reach),
	    TEST(outsiders_find_nothing_there),
	    TEST(readers_read_and_do_not_write),
	    TEST(members_write_under_the_owners_consent_and_on_the_owners_clock),
	    TEST(bad_bodies_are_named_before_consent_is_asked),
	    TEST(revisions_are_listed_newest_first_in_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
