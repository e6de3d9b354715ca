/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Following sync tokens never misses a change and says exactly when it is done. */
#include "house.h"

enum { ITEMS = 70 }; /* more than one scan of a page */

static void
fill_collection(const struct person *person, unsigned collection, unsigned count)
{
	struct wire_item items[ITEMS];

	for (unsigned i = 0; i < count; i++)
		items[i] = item(i + 1, 'a', NULL);
	assert_int_equal(
	    put(person, SERVICE_ITEM_BATCH, collection, items, count), SERVICE_DONE);
}

static void
new_collection(struct person *person, unsigned number)
{
	turn_on(person);
	assert_int_equal(create(person, number, "type one"), SERVICE_DONE);
}

static void
list_with_limit(unsigned collection, const char *stoken, int64_t limit)
{
	char copy[sizeof(house.stoken)];

	snprintf(copy, sizeof(copy), "%s", stoken);
	house.request.limit = limit;
	list_items(&house.ana, collection, copy);
}

static void
pages_walk_every_item_once_and_done_is_exact(void **state)
{
	static const int64_t limits[] = {1, 7, 32, 33, 35, 69, 70, 71, 1000, 5000};

	(void)state;
	new_collection(&house.ana, 1);
	fill_collection(&house.ana, 1, ITEMS);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		unsigned seen = 0;

		house.stoken[0] = '\0';
		do {
			list_with_limit(1, house.stoken, limits[i]);
			assert_true(house.list.count > 0);
			for (size_t j = 0; j < house.list.count; j++)
				assert_true(
				    dom_slice_is(house.list.items[j].uid, uid('i', ++seen)));
			assert_int_equal(house.list.done, seen == ITEMS);
		} while (!house.list.done);
		assert_int_equal(seen, ITEMS);
		/* Nothing more, and the token as it was sent. */
		list_with_limit(1, house.stoken, limits[i]);
		assert_true(house.list.count == 0 && house.list.done);
		assert_string_equal(house.stoken, (const char *)house.request.stoken.data);
	}
	list_with_limit(1, "", -1);
	assert_int_equal(house.list.count, SERVICE_LIMIT_DEFAULT);
}

static void
a_limit_of_zero_only_asks_whether_there_is_more(void **state)
{
	(void)state;
	new_collection(&house.ana, 1);
	list_with_limit(1, "", 0);
	assert_true(house.list.count == 0 && house.list.done);
	assert_null(house.list.stoken.data);
	fill_collection(&house.ana, 1, 1);
	list_with_limit(1, "", 0);
	assert_true(house.list.count == 0 && !house.list.done);
	house.request.limit = 0;
	list_collections(&house.ana, "");
	assert_true(house.list.count == 0 && !house.list.done);
	ask(SERVICE_COLLECTION_LIST, &house.ana);
	house.request.limit = -2;
	assert_int_equal(send(), SERVICE_VALIDATION_ERROR);
}

static void
a_page_ends_when_its_bytes_are_enough(void **state)
{
	static uint8_t meta[WIRE_META_SIZE_MAX];
	unsigned seen = 0, pages = 0;

	(void)state;
	new_collection(&house.ana, 1);
	for (unsigned i = 1; i <= 12; i++) {
		struct wire_item one = item(i, 'a', NULL);

		one.content.meta = dom_slice(meta, sizeof(meta));
		assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	}
	house.stoken[0] = '\0';
	do {
		list_with_limit(1, house.stoken, 1000);
		assert_true(
		    house.reply.body.size < SERVICE_PAGE_SIZE_MAX + WIRE_META_SIZE_MAX + 4096);
		seen += (unsigned)house.list.count;
		pages++;
	} while (!house.list.done);
	assert_int_equal(seen, 12);
	assert_int_equal(pages, 2);
}

static void
a_changed_item_comes_again_and_the_main_item_if_asked(void **state)
{
	struct wire_item one = item(1, 'b', NULL);

	(void)state;
	new_collection(&house.ana, 1);
	fill_collection(&house.ana, 1, 3);
	list_with_limit(1, "", 50);
	assert_int_equal(house.list.count, 3);
	one.content.deleted = true;
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	list_with_limit(1, house.stoken, 50);
	assert_int_equal(house.list.count, 1);
	assert_true(house.list.items[0].content.deleted);
	ask(SERVICE_ITEM_LIST, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.with_collection = true;
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(wire_list_decode(dom_buffer_slice(&house.reply.body), WIRE_LIST_ITEMS,
	                     house.arena, &house.list),
	    DOM_OK);
	assert_int_equal(house.list.count, 4);
	assert_true(dom_slice_is(house.list.items[0].uid, uid('c', 1)));
}

static void
tokens_of_lists_and_collections_are_the_same(void **state)
{
	char of_collection[sizeof(house.stoken)];

	(void)state;
	new_collection(&house.ana, 1);
	list_collections(&house.ana, "");
	assert_int_equal(house.list.count, 1);
	snprintf(of_collection, sizeof(of_collection), "%.*s",
	    (int)house.list.collections[0].stoken.size,
	    (const char *)house.list.collections[0].stoken.data);
	/* A collection's own token is a token of every list. */
	list_collections(&house.ana, of_collection);
	assert_true(house.list.count == 0 && house.list.done);
	list_items(&house.ana, 1, of_collection);
	assert_int_equal(house.list.count, 0);
	fill_collection(&house.ana, 1, 2);
	list_items(&house.ana, 1, of_collection);
	assert_int_equal(house.list.count, 2);
	snprintf(of_collection, sizeof(of_collection), "%s", house.stoken);
	list_collections(&house.ana, "");
	assert_true(dom_slice_is(house.list.collections[0].stoken, of_collection));
	assert_string_equal(house.stoken, of_collection);
	assert_int_equal(create(&house.ana, 2, "type one"), SERVICE_DONE);
	list_collections(&house.ana, of_collection);
	assert_int_equal(house.list.count, 1);
	assert_true(dom_slice_is(house.list.collections[0].item.uid, uid('c', 2)));
}

static void
types_choose_collections(void **state)
{
	struct dom_slice types[] = {dom_slice_of("type two"), dom_slice_of("no such")};

	(void)state;
	sign_up(&house.ana);
	register_statement_key(&house.ana);
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 2, "type two"), SERVICE_DONE);
	for (size_t count = 0; count <= 2; count++) {
		ask(SERVICE_COLLECTION_LIST_MULTI, &house.ana);
		wire_types_encode(&house.body, types, count);
		assert_int_equal(send(), SERVICE_DONE);
		assert_int_equal(wire_list_decode(dom_buffer_slice(&house.reply.body),
		                     WIRE_LIST_COLLECTIONS, house.arena, &house.list),
		    DOM_OK);
		assert_int_equal(house.list.count, count == 0 ? 0 : 1);
		assert_true(house.list.done);
		assert_null(memmem(house.reply.body.data, house.reply.body.size, "removed", 7));
		/* Only a list of everything says that everything was seen. */
		assert_string_equal(house.reply.position_after, "");
	}
}

static void
made_up_tokens_are_refused(void **state)
{
	static const char *const garbage[] = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x", "\xff",
	    "lE62aK9-mj7azYZKiGJTn0W8CTXXDsxq"};
	struct wire_stoken stoken;
	char text[WIRE_STOKEN_SIZE(1) + 1];

	(void)state;
	new_collection(&house.ana, 1);
	for (size_t i = 0; i < 4; i++) {
		static const enum service_op ops[] = {
		    SERVICE_COLLECTION_LIST, SERVICE_ITEM_LIST};

		for (size_t j = 0; j < 2; j++) {
			ask(ops[j], &house.ana);
			house.request.collection_uid = dom_slice_of(uid('c', 1));
			house.request.stoken = dom_slice_of(garbage[i]);
			assert_int_equal(send(), SERVICE_BAD_STOKEN);
		}
	}
	/* From the future: the region was restored from an older backup. */
	list_collections(&house.ana, "");
	assert_int_equal(wire_stoken_decode(dom_slice_of(house.stoken), &stoken), DOM_OK);
	stoken.entries[0].clock += 100;
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	ask(SERVICE_COLLECTION_LIST, &house.ana);
	house.request.stoken = dom_slice_of(text);
	assert_int_equal(send(), SERVICE_BAD_STOKEN);
	/* Another account's clock is not to be found out. */
	sign_up(&house.bob);
	ask(SERVICE_COLLECTION_LIST, &house.bob);
	house.request.stoken = dom_slice_of(text);
	assert_int_equal(send(), SERVICE_DONE);
}

static void
fetch(const struct wire_dep *entries, size_t count, const char *stoken)
{
	ask(SERVICE_ITEM_FETCH_UPDATES, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.stoken = dom_arena_copy(house.arena, dom_slice_of(stoken));
	wire_updates_encode(&house.body, entries, count);
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(wire_list_decode(dom_buffer_slice(&house.reply.body), WIRE_LIST_ITEMS,
	                     house.arena, &house.list),
	    DOM_OK);
	assert_true(house.list.done);
}

static void
updates_of_listed_items_by_etag_or_token(void **state)
{
	static struct wire_dep many[WIRE_FETCH_UPDATES_MAX + 1];
	struct wire_dep entries[4] = {
	    {.uid = dom_slice_of(uid('i', 2))},
	    {.uid = dom_slice_of(uid('i', 1))},
	    {.uid = dom_slice_of(uid('i', 2))},
	    {.uid = dom_slice_of(uid('z', 9))},
	};
	struct wire_item one = item(1, 'b', NULL);
	char stoken[sizeof(house.stoken)];

	(void)state;
	new_collection(&house.ana, 1);
	fill_collection(&house.ana, 1, 3);
	list_with_limit(1, "", 50);
	snprintf(stoken, sizeof(stoken), "%s", house.stoken);
	/* Each once, unknown ones left out, oldest change first. */
	fetch(entries, 4, "");
	assert_int_equal(house.list.count, 2);
	assert_true(dom_slice_is(house.list.items[0].uid, uid('i', 1)));
	fetch(entries, 4, stoken);
	assert_int_equal(house.list.count, 0);
	assert_true(dom_slice_is(house.list.stoken, stoken));
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	fetch(entries, 4, stoken);
	assert_int_equal(house.list.count, 1);
	assert_true(dom_slice_is(house.list.items[0].content.uid, uid('b', 1)));
	entries[0].etag = entries[1].etag = dom_slice_of(uid('a', 1));
	fetch(entries, 2, "");
	assert_int_equal(house.list.count, 2);
	entries[1].etag = dom_slice_of(uid('b', 1));
	fetch(entries, 2, "");
	assert_int_equal(house.list.count, 1);
	fetch(entries, 0, "");
	assert_true(house.list.count == 0 && house.list.stoken.data == NULL);
	for (size_t i = 0; i <= WIRE_FETCH_UPDATES_MAX; i++)
		many[i].uid = entries[0].uid;
	ask(SERVICE_ITEM_FETCH_UPDATES, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_updates_encode(&house.body, many, WIRE_FETCH_UPDATES_MAX + 1);
	assert_int_equal(send(), SERVICE_TOO_MANY_ITEMS);
}

/* A client that wrote everything itself knows so without listing it again. */
static void
positions_of_writes_join_and_end_where_the_list_ends(void **state)
{
	char position[WIRE_STOKEN_SIZE(1) + 1];
	struct wire_item one;

	(void)state;
	new_collection(&house.ana, 1);
	snprintf(position, sizeof(position), "%s", house.reply.position_after);
	for (unsigned i = 1; i <= 3; i++) {
		one = item(i, 'a', NULL);
		assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
		assert_string_equal(house.reply.position_before, position);
		assert_string_not_equal(house.reply.position_after, position);
		snprintf(position, sizeof(position), "%s", house.reply.position_after);
	}
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	assert_string_equal(house.reply.position_before, position);
	snprintf(position, sizeof(position), "%s", house.reply.position_after);
	list_collections(&house.ana, "");
	assert_string_equal(house.reply.position_after, position);
	list_collections(&house.ana, position);
	assert_true(house.list.count == 0 && house.list.done);
	house.request.limit = 0;
	list_collections(&house.ana, "");
	assert_string_equal(house.reply.position_after, "");
}

static void
accounts_do_not_see_each_others_changes(void **state)
{
	char stoken[sizeof(house.stoken)];

	(void)state;
	new_collection(&house.ana, 1);
	new_collection(&house.bob, 2);
	list_collections(&house.ana, "");
	assert_int_equal(house.list.count, 1);
	snprintf(stoken, sizeof(stoken), "%s", house.stoken);
	fill_collection(&house.bob, 2, 5);
	list_collections(&house.ana, stoken);
	assert_int_equal(house.list.count, 0);
	assert_string_equal(house.stoken, stoken);
	/* Ana's token says nothing about Bob's collections: he sees all of his. */
	list_collections(&house.bob, stoken);
	assert_int_equal(house.list.count, 1);
	assert_true(dom_slice_is(house.list.collections[0].item.uid, uid('c', 2)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pages_walk_every_item_once_and_done_is_exact),
	    TEST(a_limit_of_zero_only_asks_whether_there_is_more),
	    TEST(a_page_ends_when_its_bytes_are_enough),
	    TEST(a_changed_item_comes_again_and_the_main_item_if_asked),
	    TEST(tokens_of_lists_and_collections_are_the_same),
	    TEST(types_choose_collections),
	    TEST(made_up_tokens_are_refused),
	    TEST(updates_of_listed_items_by_etag_or_token),
	    TEST(positions_of_writes_join_and_end_where_the_list_ends),
	    TEST(accounts_do_not_see_each_others_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
