/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What hostile or merely large input costs, and what is said when a disk fails. */
#include "house.h"

static void
only_a_failed_commit_may_have_stored_something(void **state)
{
	static const enum dom_status certain[] = {
	    DOM_ESTORE, DOM_ENOMEM, DOM_EFULL, DOM_ELIMIT};
	struct service_reply reply = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(certain) / sizeof(certain[0]); i++) {
		service_failure(certain[i], &reply);
		assert_non_null(strstr(reply.detail, "nothing was stored"));
	}
	service_failure(DOM_EUNCERTAIN, &reply);
	assert_int_equal(reply.code, SERVICE_UNAVAILABLE);
	assert_null(strstr(reply.detail, "nothing"));
	assert_non_null(strstr(reply.detail, "perhaps"));
}

/* An item of count times the same megabyte, which was uploaded before. */
static void
put_heavy(unsigned number, unsigned count)
{
	struct wire_item heavy = item(number, 'h', NULL);

	heavy.content.chunk_count = count;
	heavy.content.chunks =
	    dom_arena_array(house.arena, count, sizeof(*heavy.content.chunks));
	assert_non_null(heavy.content.chunks);
	for (unsigned i = 0; i < count; i++)
		heavy.content.chunks[i].uid = dom_slice_of(uid('k', 1));
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &heavy, 1), SERVICE_DONE);
}

static void
an_item_that_does_not_fit_any_more_begins_the_next_page(void **state)
{
	static const uint8_t megabyte[1 << 20];

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	ask(SERVICE_CHUNK_PUT, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', 1));
	house.request.body = dom_slice(megabyte, sizeof(megabyte));
	assert_int_equal(send(), SERVICE_DONE);
	put_heavy(1, 4);
	put_heavy(2, 253);
	list_items(&house.ana, 1, "");
	assert_int_equal(house.list.count, 1);
	assert_false(house.list.done);
	list_items(&house.ana, 1, house.stoken);
	assert_int_equal(house.list.count, 1);
	assert_true(dom_slice_is(house.list.items[0].uid, uid('i', 2)));
	assert_int_equal(house.list.items[0].content.chunk_count, 253);
	assert_true(house.list.done);
	/* What cannot be split into pages is refused whole. */
	ask(SERVICE_ITEM_FETCH_UPDATES, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_updates_encode(&house.body,
	    (const struct wire_dep[]){
	        {.uid = dom_slice_of(uid('i', 1))}, {.uid = dom_slice_of(uid('i', 2))}},
	    2);
	assert_int_equal(send(), SERVICE_TOO_LARGE);
	assert_int_equal(house.reply.body.size, 0);
}

static void
a_batch_names_no_more_chunks_than_one_revision_may(void **state)
{
	static struct wire_chunk chunks[WIRE_REVISION_CHUNKS_MAX / 2 + 1];
	struct wire_item items[2];
	size_t used;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++)
		chunks[i].uid = dom_slice_of("kkkkkkkkkkkkkkkkkkkk");
	for (unsigned i = 0; i < 2; i++) {
		items[i] = item(i + 1, 'h', NULL);
		items[i].content.chunks = chunks;
		items[i].content.chunk_count = sizeof(chunks) / sizeof(chunks[0]);
	}
	used = dom_arena_used(house.arena);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 2), SERVICE_TOO_LARGE);
	/* Decoded for staging and for the job, the first item alone. */
	assert_true(dom_arena_used(house.arena) - used < 3 * sizeof(chunks));
	items[1].content.chunk_count -= 2;
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 2), SERVICE_ITEM_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_item_that_does_not_fit_any_more_begins_the_next_page),
	    TEST(a_batch_names_no_more_chunks_than_one_revision_may),
	    TEST(only_a_failed_commit_may_have_stored_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
