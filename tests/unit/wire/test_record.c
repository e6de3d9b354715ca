/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Records: one form for one row, which comes back, and nothing else is taken. */
#include "wire/record.h"

#include "testing.h"

static struct dom_arena *arena;
static struct dom_buffer buffer, again;

static int
set_up(void **state)
{
	(void)state;
	arena = dom_arena_new(0);
	buffer = again = (struct dom_buffer){0};
	return arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_buffer_free(&buffer);
	dom_buffer_free(&again);
	dom_arena_free(&arena);
	return 0;
}

static struct dom_slice list[] = {{(const uint8_t *)"one", 3}, {(const uint8_t *)"\0two", 4}};

#define S(text) dom_slice_of(text)

static const struct wire_record_consent consent = {
    .serial = 4, .until_ms = 5, .version = 6, .terms = {7}, .types = list, .type_count = 2};

static struct wire_record
sample(enum wire_record_type type)
{
	struct wire_record record = {.type = type};

	switch (type) {
	case WIRE_RECORD_ACCOUNT:
		record.of.account = (struct wire_record_account){S("ana"), S("ana@x"), 1,
		    S("salt"), S("login"), S("identity"), S("sealed"), S("key"), -1};
		break;
	case WIRE_RECORD_COLLECTION:
		record.of.collection = (struct wire_record_collection){
		    S("uid"), 7, 8, 9, true, 10, 2, S("key"), S("type")};
		break;
	case WIRE_RECORD_REVISION:
		record.of.revision = (struct wire_record_revision){S("c"), S("i"), S("r"), 11,
		    1, S("key"), true, false, 12, S("meta"), list, 2};
		break;
	case WIRE_RECORD_CHUNK:
		record.of.chunk = (struct wire_record_chunk){S("c"), S("k"), 13, {14}, 15};
		break;
	case WIRE_RECORD_STATEMENT:
		record.of.statement = (struct wire_record_statement){16, 17, 1, 18,
		    S("contacts"), S("bytes"), S("signed"), S("receipt"), S("by region")};
		break;
	case WIRE_RECORD_CONSENT:
		record.of.consent = consent;
		record.of.consent.service = S("contacts");
		break;
	case WIRE_RECORD_REMOVED:
		record.of.removed = (struct wire_record_removed){S("uid"), 19, S("type")};
		break;
	case WIRE_RECORD_ERASURE:
		record.of.erasure = (struct wire_record_erasure){
		    {20}, 2, 21, 22, S("contacts"), S(""), S(""), S("receipt"), S("signed")};
		break;
	}
	return record;
}

static void
encode(struct dom_buffer *into, const struct wire_record *record)
{
	dom_buffer_clear(into);
	wire_record_encode(into, record);
	assert_int_equal(dom_buffer_finish(into), DOM_OK);
}

static void
every_record_comes_back_to_the_same_bytes(void **state)
{
	(void)state;
	for (int type = WIRE_RECORD_ACCOUNT; type <= WIRE_RECORD_ERASURE; type++) {
		struct wire_record is = sample((enum wire_record_type)type), back;

		encode(&buffer, &is);
		assert_int_equal(
		    wire_record_decode(dom_buffer_slice(&buffer), arena, &back), DOM_OK);
		assert_int_equal(back.type, type);
		encode(&again, &back);
		assert_true(
		    dom_slice_equal(dom_buffer_slice(&buffer), dom_buffer_slice(&again)));
	}
}

static void
the_fields_of_a_revision_are_where_they_were(void **state)
{
	struct wire_record is = sample(WIRE_RECORD_REVISION), back;
	const struct wire_record_revision *revision = &back.of.revision;

	(void)state;
	encode(&buffer, &is);
	assert_int_equal(wire_record_decode(dom_buffer_slice(&buffer), arena, &back), DOM_OK);
	assert_true(dom_slice_is(revision->collection_uid, "c"));
	assert_true(dom_slice_is(revision->item_uid, "i"));
	assert_true(dom_slice_is(revision->uid, "r"));
	assert_int_equal(revision->clock, 11);
	assert_true(dom_slice_is(revision->encryption_key, "key"));
	assert_true(revision->deleted && !revision->is_current);
	assert_int_equal(revision->replaced_ms, 12);
	assert_true(dom_slice_is(revision->meta, "meta"));
	assert_int_equal(revision->chunk_count, 2);
	assert_true(dom_slice_equal(revision->chunks[1], list[1]));
	/* No key of its own is not an empty one. */
	is.of.revision.encryption_key = dom_slice(NULL, 0);
	encode(&buffer, &is);
	assert_int_equal(wire_record_decode(dom_buffer_slice(&buffer), arena, &back), DOM_OK);
	assert_null(revision->encryption_key.data);
	is.of.revision.encryption_key = dom_slice_of("");
	encode(&buffer, &is);
	assert_int_equal(wire_record_decode(dom_buffer_slice(&buffer), arena, &back), DOM_OK);
	assert_non_null(revision->encryption_key.data);
}

static void
keys_tell_records_apart_and_nothing_more(void **state)
{
	struct wire_record one = sample(WIRE_RECORD_REVISION), other = one;
	struct dom_slice key, other_key;

	(void)state;
	other.of.revision.clock++;
	encode(&buffer, &one);
	encode(&again, &other);
	assert_int_equal(wire_record_key(dom_buffer_slice(&buffer), &key), DOM_OK);
	assert_int_equal(wire_record_key(dom_buffer_slice(&again), &other_key), DOM_OK);
	assert_true(dom_slice_equal(key, other_key));
	/* "c", "i" is not "ci", "". */
	other = one;
	other.of.revision.collection_uid = dom_slice_of("ci");
	other.of.revision.item_uid = dom_slice_of("");
	encode(&again, &other);
	assert_int_equal(wire_record_key(dom_buffer_slice(&again), &other_key), DOM_OK);
	assert_false(dom_slice_equal(key, other_key));
}

static void
what_is_cut_longer_or_out_of_range_is_refused(void **state)
{
	struct wire_record back;

	(void)state;
	for (int type = WIRE_RECORD_ACCOUNT; type <= WIRE_RECORD_ERASURE; type++) {
		struct wire_record is = sample((enum wire_record_type)type);

		encode(&buffer, &is);
		for (size_t size = 0; size < buffer.size; size++)
			assert_int_equal(
			    wire_record_decode(dom_slice(buffer.data, size), arena, &back),
			    DOM_EINPUT);
		dom_buffer_append(&buffer, "", 1);
		assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
		assert_int_equal(
		    wire_record_decode(dom_buffer_slice(&buffer), arena, &back), DOM_EINPUT);
		buffer.data[0] = type == WIRE_RECORD_ACCOUNT ? 0 : 9;
		assert_int_equal(
		    wire_record_decode(dom_buffer_slice(&buffer), arena, &back), DOM_EINPUT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        every_record_comes_back_to_the_same_bytes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_fields_of_a_revision_are_where_they_were, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        keys_tell_records_apart_and_nothing_more, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        what_is_cut_longer_or_out_of_range_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
