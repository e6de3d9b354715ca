/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A region is restored from a backup of before a collection was made, and one device makes
 * it anew, with a new key: what a device that still knows the former key stores after
 * that can be read by all, or is refused with a sentence.
 */
#include <stdio.h>
#include <stdlib.h>

#include "phone.h"

static struct dom_session *one, *two;

static const struct phone_record records[] = {
    {.key = "a", .key_is_uid = true, .name = "a", .source = "s", .seed = 1, .size = 100},
    {.key = "b",
        .key_is_uid = true,
        .name = "b",
        .source = "s",
        .order = 1,
        .seed = 2,
        .size = 300},
    {.key = "c",
        .key_is_uid = true,
        .name = "c",
        .source = "s",
        .order = 2,
        .seed = 3,
        .size = 200 << 10},
};

static void
write_item(struct dom_session *session, const char *text)
{
	const struct dom_item_new item = {
	    .uid = "an-item-of-everybody", .name = text, .content = dom_slice_of(text)};
	struct dom_collection *collection;
	char uid[33];

	assert_ok(
	    session, dom_collection_ensure(session, "contacts", "etebase.vcard", &collection));
	assert_ok(session, dom_item_put(collection, &item, uid));
	dom_collection_free(&collection);
}

/* Both know a collection that the region forgets and `one` makes anew. */
static int
set_up(void **state)
{
	(void)state;
	region_start();
	one = phone_sign_up("one");
	phone_turn_on(one);
	two = phone_log_in("two");
	region_backup();
	write_item(one, "before");
	assert_ok(two, dom_sync(two));
	region_restore();
	assert_ok(one, dom_sync(one));
	write_item(one, "made anew");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_session_close(&one);
	dom_session_close(&two);
	region_stop();
	return 0;
}

struct seen {
	char content[64];
	size_t size;
	unsigned items, bad;
};

static enum dom_status
begin(void *context, const struct dom_item_info *info)
{
	struct seen *seen = context;

	(void)info;
	seen->size = 0;
	return DOM_OK;
}

static enum dom_status
data(void *context, struct dom_slice bytes)
{
	struct seen *seen = context;

	assert_true(seen->size + bytes.size < sizeof(seen->content));
	memcpy(seen->content + seen->size, bytes.data, bytes.size);
	seen->size += bytes.size;
	return DOM_OK;
}

static enum dom_status
end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	struct seen *seen = context;

	(void)info;
	seen->items++;
	seen->bad += status != DOM_OK;
	return DOM_OK;
}

static enum dom_status
read_all(struct dom_session *session, struct seen *seen)
{
	const struct dom_fetch_sink sink = {begin, data, end, seen};
	struct dom_collection *collection;
	enum dom_status st;

	*seen = (struct seen){.size = 0};
	assert_ok(session, dom_collection_find(session, "contacts", &collection));
	st = dom_collection_fetch(collection, &sink);
	dom_collection_free(&collection);
	return st;
}

static void
expect(struct dom_session *session, const char *text)
{
	struct seen seen;

	assert_ok(session, read_all(session, &seen));
	assert_int_equal(seen.items, 1);
	assert_int_equal(seen.bad, 0);
	assert_int_equal(seen.size, strlen(text));
	assert_memory_equal(seen.content, text, seen.size);
}

static void
what_is_written_with_a_former_key_is_written_with_the_new_one(void **state)
{
	(void)state;
	write_item(two, "by two");
	assert_ok(one, dom_sync(one));
	expect(one, "by two");
	expect(two, "by two");
}

static void
an_import_into_it_stores_nothing_that_others_cannot_read(void **state)
{
	struct dom_import_counts counts;

	(void)state;
	assert_int_equal(phone_import(two, "contacts", records, 3, &counts), DOM_EUNCERTAIN);
	assert_int_equal(counts.stored, 0);
	assert_non_null(strstr(dom_session_error(two), "Run the same command again"));
	assert_ok(one, dom_sync(one));
	expect(one, "made anew");
	/* Even without a sync before it. */
	assert_ok(two, phone_import(two, "contacts", records, 3, &counts));
	assert_int_equal(counts.stored, 3);
	{
		struct dom_session *three = phone_log_in("three");

		assert_ok(three, phone_backup(three, "contacts", records, 3, &counts));
		assert_int_equal(counts.records[DOM_RECORD_SAME], 3);
		dom_session_close(&three);
	}
}

static void
who_reads_with_a_former_key_is_not_told_of_damage(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(read_all(two, &seen), DOM_EUNCERTAIN);
	assert_int_equal(seen.items, 0);
	assert_non_null(strstr(dom_session_error(two), "Nothing is damaged"));
	expect(two, "made anew");
}

static void
a_handle_that_is_older_follows(void **state)
{
	struct dom_collection *former;
	const struct dom_item_new item = {
	    .uid = "an-item-of-everybody", .name = "x", .content = dom_slice_of("later")};
	struct seen seen = {.size = 0};
	const struct dom_fetch_sink sink = {begin, data, end, &seen};
	char uid[33];

	(void)state;
	assert_ok(two, dom_collection_find(two, "contacts", &former));
	assert_ok(two, dom_sync(two));
	assert_int_equal(dom_collection_fetch(former, &sink), DOM_EUNCERTAIN);
	assert_int_equal(seen.items, 0);
	assert_ok(two, dom_collection_fetch(former, &sink));
	assert_int_equal(seen.items, 1);
	dom_collection_free(&former);
	assert_ok(one, dom_sync(one));
	region_restore();
	assert_ok(one, dom_sync(one));
	assert_ok(two, dom_collection_find(two, "contacts", &former));
	write_item(one, "once more");
	assert_ok(two, dom_item_put(former, &item, uid));
	assert_ok(two, dom_item_put(former, &item, uid));
	dom_collection_free(&former);
	assert_ok(one, dom_sync(one));
	expect(one, "later");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        what_is_written_with_a_former_key_is_written_with_the_new_one, set_up,
	        tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_import_into_it_stores_nothing_that_others_cannot_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        who_reads_with_a_former_key_is_not_told_of_damage, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_handle_that_is_older_follows, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
