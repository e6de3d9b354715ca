/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the decoders of bodies refuse, and how they say where. */

#include "base/msgpack.h"

#include "wire/etebase.h"

#include "testing.h"

#define UID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct dom_arena *arena;
static struct dom_buffer buffer;
static struct wire_reject reject;

static int
set_up(void **state)
{
	(void)state;
	arena = dom_arena_new(0);
	buffer = (struct dom_buffer){0};
	return arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_buffer_free(&buffer);
	dom_arena_free(&arena);
	return 0;
}

static struct wire_chunk chunks[] = {
    {.uid = {(const uint8_t *)"cccccccccccccccccccccccccccccccc", 32},
        .content = {(const uint8_t *)"content", 7}},
    {.uid = {(const uint8_t *)"dddddddddddddddddddddddddddddddd", 32}},
};

static struct wire_item
item(void)
{
	return (struct wire_item){.uid = dom_slice_of(UID),
	    .version = 1,
	    .etag = dom_slice_of("eeeeeeeeeeeeeeeeeeeeee"),
	    .content = {.uid = dom_slice_of("rrrrrrrrrrrrrrrrrrrrrr"),
	        .meta = dom_slice_of("meta"),
	        .chunks = chunks,
	        .chunk_count = 2}};
}

static void
encode_batch(void)
{
	struct wire_item items[2] = {item(), item()};
	struct wire_dep dep = {dom_slice_of(UID), dom_slice_of("eeeeeeeeeeeeeeeeeeeeee")};

	wire_batch_encode(
	    &buffer, &(struct wire_batch){
	                 .items = items, .item_count = 2, .deps = &dep, .dep_count = 1});
	assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
}

static void
a_batch_comes_back(void **state)
{
	struct wire_batch batch;

	(void)state;
	encode_batch();
	assert_int_equal(
	    wire_batch_decode(dom_buffer_slice(&buffer), arena, &batch, &reject), DOM_OK);
	assert_int_equal(batch.item_count, 2);
	assert_int_equal(batch.dep_count, 1);
	assert_true(dom_slice_is(batch.deps[0].etag, "eeeeeeeeeeeeeeeeeeeeee"));
	assert_true(dom_slice_is(batch.items[1].uid, UID));
	assert_int_equal(batch.items[1].content.chunk_count, 2);
	assert_true(dom_slice_is(batch.items[1].content.chunks[0].content, "content"));
	assert_null(batch.items[1].content.chunks[1].content.data);
	assert_null(batch.items[1].encryption_key.data);
}

static void
every_cut_of_a_batch_is_refused(void **state)
{
	struct wire_batch batch;

	(void)state;
	encode_batch();
	for (size_t size = 0; size < buffer.size; size++) {
		uint8_t *cut = malloc(size + 1);

		assert_non_null(cut);
		memcpy(cut, buffer.data, size);
		assert_int_equal(
		    wire_batch_decode(dom_slice(cut, size), arena, &batch, &reject),
		    DOM_EINPUT);
		assert_true(reject.field[0] != '\0' && reject.detail[0] != '\0');
		free(cut);
	}
	dom_buffer_append(&buffer, "\xc0", 1);
	assert_int_equal(
	    wire_batch_decode(dom_buffer_slice(&buffer), arena, &batch, &reject), DOM_EINPUT);
}

/* Whatever a changed byte makes of it, it ends, and what is taken is in bounds. */
static void
every_changed_byte_is_survived(void **state)
{
	static const uint8_t with[] = {0x00, 0x80, 0x90, 0xa0, 0xc0, 0xc4, 0xdd, 0xdf, 0xff};
	struct wire_batch batch;

	(void)state;
	encode_batch();
	for (size_t i = 0; i < buffer.size; i++) {
		uint8_t was = buffer.data[i];

		for (size_t j = 0; j < sizeof(with); j++) {
			buffer.data[i] = with[j];
			dom_arena_reset(arena);
			if (wire_batch_decode(
			        dom_buffer_slice(&buffer), arena, &batch, &reject) != DOM_OK)
				continue;
			for (size_t k = 0; k < batch.item_count; k++)
				assert_true(wire_uid_valid(batch.items[k].uid));
		}
		buffer.data[i] = was;
	}
}

static void
the_place_of_a_fault_is_named(void **state)
{
	struct wire_item items[2] = {item(), item()};
	struct wire_batch batch;

	(void)state;
	items[1].content.uid = dom_slice_of("too short");
	wire_batch_encode(&buffer, &(struct wire_batch){.items = items, .item_count = 2});
	assert_int_equal(
	    wire_batch_decode(dom_buffer_slice(&buffer), arena, &batch, &reject), DOM_EINPUT);
	assert_string_equal(reject.field, "items.1.content.uid");
	assert_non_null(strstr(reject.detail, "20 to 64"));
	dom_buffer_clear(&buffer);
	dom_pack_put_nil(&buffer);
	assert_int_equal(
	    wire_batch_decode(dom_buffer_slice(&buffer), arena, &batch, &reject), DOM_EINPUT);
	assert_string_equal(reject.field, "body");
	assert_string_equal(reject.detail, "must be a map");
}

static void
a_key_twice_and_a_missing_key_are_refused(void **state)
{
	struct dom_slice username;

	(void)state;
	dom_pack_put_map(&buffer, 2);
	dom_pack_put_text(&buffer, "username");
	dom_pack_put_text(&buffer, "ana");
	dom_pack_put_text(&buffer, "username");
	dom_pack_put_text(&buffer, "bob");
	assert_int_equal(
	    wire_challenge_ask_decode(dom_buffer_slice(&buffer), &username, &reject),
	    DOM_EINPUT);
	assert_string_equal(reject.field, "username");
	assert_string_equal(reject.detail, "is there twice");
	dom_buffer_clear(&buffer);
	dom_pack_put_map(&buffer, 1);
	dom_pack_put_text(&buffer, "name");
	dom_pack_put_text(&buffer, "ana");
	assert_int_equal(
	    wire_challenge_ask_decode(dom_buffer_slice(&buffer), &username, &reject),
	    DOM_EINPUT);
	assert_string_equal(reject.detail, "is missing");
	dom_buffer_clear(&buffer);
	dom_pack_put_map(&buffer, 1);
	dom_pack_put_text(&buffer, "username");
	dom_pack_put_nil(&buffer);
	assert_int_equal(
	    wire_challenge_ask_decode(dom_buffer_slice(&buffer), &username, &reject),
	    DOM_EINPUT);
	assert_string_equal(reject.detail, "must be text");
}

static void
unknown_keys_are_passed_over_whatever_they_hold(void **state)
{
	struct dom_slice username;

	(void)state;
	dom_pack_put_map(&buffer, 3);
	dom_pack_put_text(&buffer, "future");
	dom_pack_put_map(&buffer, 1);
	dom_pack_put_int(&buffer, 1);
	dom_pack_put_array(&buffer, 2);
	dom_pack_put_nil(&buffer);
	dom_pack_put_bool(&buffer, true);
	dom_pack_put_text(&buffer, "username");
	dom_pack_put_text(&buffer, "ana");
	dom_pack_put_text(&buffer, "future");
	dom_pack_put_int(&buffer, -5);
	assert_int_equal(
	    wire_challenge_ask_decode(dom_buffer_slice(&buffer), &username, &reject), DOM_OK);
	assert_true(dom_slice_is(username, "ana"));
}

static void
put_item_with_chunks(unsigned pair_size)
{
	dom_pack_put_map(&buffer, 3);
	dom_pack_put_text(&buffer, "uid");
	dom_pack_put_text(&buffer, UID);
	dom_pack_put_text(&buffer, "version");
	dom_pack_put_int(&buffer, 1);
	dom_pack_put_text(&buffer, "content");
	dom_pack_put_map(&buffer, 4);
	dom_pack_put_text(&buffer, "uid");
	dom_pack_put_text(&buffer, UID);
	dom_pack_put_text(&buffer, "meta");
	dom_pack_put_bin(&buffer, dom_slice("", 0));
	dom_pack_put_text(&buffer, "deleted");
	dom_pack_put_bool(&buffer, false);
	dom_pack_put_text(&buffer, "chunks");
	dom_pack_put_array(&buffer, 1);
	dom_pack_put_array(&buffer, pair_size);
	for (unsigned i = 0; i < pair_size; i++)
		dom_pack_put_text(&buffer, UID);
}

static void
a_chunk_is_one_or_two_elements(void **state)
{
	struct wire_item got;

	(void)state;
	for (unsigned size = 0; size <= 3; size++) {
		dom_buffer_clear(&buffer);
		put_item_with_chunks(size);
		assert_int_equal(wire_item_decode(dom_buffer_slice(&buffer), arena, &got),
		    size == 1 || size == 2 ? DOM_OK : DOM_EINPUT);
		if (size == 1)
			assert_null(got.content.chunks[0].content.data);
		if (size == 2)
			assert_true(dom_slice_is(got.content.chunks[0].content, UID));
	}
}

static void
uids_are_20_to_64_of_the_alphabet(void **state)
{
	char text[66];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t size = 0; size <= 65; size++)
		assert_int_equal(
		    wire_uid_valid(dom_slice(text, size)), size >= 20 && size <= 64);
	for (unsigned byte = 0; byte < 256; byte++) {
		bool is_fine =
		    byte != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
		                        "uvwxyz0123456789-_",
		                     (int)byte) != NULL;

		text[10] = (char)byte;
		assert_int_equal(wire_uid_valid(dom_slice(text, 32)), is_fine);
	}
}

static void
versions_are_bytes(void **state)
{
	static const int values[] = {-1, 0, 1, 255, 256};
	struct wire_item got, is = item();

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		dom_buffer_clear(&buffer);
		is.version = values[i];
		wire_item_encode(&buffer, &is, false);
		assert_int_equal(wire_item_decode(dom_buffer_slice(&buffer), arena, &got),
		    values[i] >= 0 && values[i] <= 255 ? DOM_OK : DOM_EINPUT);
	}
}

static void
too_many_updates_are_a_limit_and_none_are_fine(void **state)
{
	static struct wire_dep entries[WIRE_FETCH_UPDATES_MAX + 1];
	struct wire_dep *got;
	size_t count;

	(void)state;
	for (size_t i = 0; i <= WIRE_FETCH_UPDATES_MAX; i++)
		entries[i].uid = dom_slice_of(UID);
	wire_updates_encode(&buffer, entries, WIRE_FETCH_UPDATES_MAX + 1);
	assert_int_equal(
	    wire_updates_decode(dom_buffer_slice(&buffer), arena, &got, &count, &reject),
	    DOM_ELIMIT);
	dom_buffer_clear(&buffer);
	wire_updates_encode(&buffer, entries, WIRE_FETCH_UPDATES_MAX);
	assert_int_equal(
	    wire_updates_decode(dom_buffer_slice(&buffer), arena, &got, &count, &reject),
	    DOM_OK);
	assert_int_equal(count, WIRE_FETCH_UPDATES_MAX);
	dom_buffer_clear(&buffer);
	wire_updates_encode(&buffer, entries, 0);
	assert_int_equal(
	    wire_updates_decode(dom_buffer_slice(&buffer), arena, &got, &count, &reject),
	    DOM_OK);
	assert_int_equal(count, 0);
}

/* A short body that claims a million chunks gets no memory for them. */
static void
counts_that_the_body_cannot_hold_take_no_memory(void **state)
{
	static uint8_t filler[40000];
	struct wire_item got;

	(void)state;
	put_item_with_chunks(1);
	buffer.size -= 1 + 1 + 2 + 32;
	dom_buffer_append(&buffer, "\xdc\x9c\x40", 3); /* 40000 of them */
	dom_buffer_append(&buffer, filler, sizeof(filler));
	assert_int_equal(wire_item_decode(dom_buffer_slice(&buffer), arena, &got), DOM_EINPUT);
	assert_true(dom_arena_used(arena) < 4096);
}

static void
a_signup_brings_an_operators_code_only_if_there_is_one(void **state)
{
	static uint8_t bytes[104];
	struct wire_signup signup = {.username = dom_slice_of("ana"),
	    .email = dom_slice_of(""),
	    .salt = dom_slice(bytes, 16),
	    .login_public = dom_slice(bytes, 32),
	    .identity_public = dom_slice(bytes, 32),
	    .encrypted_content = dom_slice(bytes, 104)};
	struct wire_signup got;
	size_t without;

	(void)state;
	wire_signup_encode(&buffer, &signup);
	without = buffer.size;
	assert_int_equal(buffer.data[0], 0x85); /* as every other client's: five fields */
	assert_int_equal(wire_signup_decode(dom_buffer_slice(&buffer), &got, &reject), DOM_OK);
	assert_int_equal(got.invitation.size, 0);
	dom_buffer_clear(&buffer);
	signup.invitation = dom_slice_of("7KQ2M-9TXBC-4HJNP-WZ8RD");
	wire_signup_encode(&buffer, &signup);
	assert_true(buffer.size > without);
	assert_int_equal(wire_signup_decode(dom_buffer_slice(&buffer), &got, &reject), DOM_OK);
	assert_true(dom_slice_is(got.invitation, "7KQ2M-9TXBC-4HJNP-WZ8RD"));
}

static void
keys_of_the_wrong_size_are_refused(void **state)
{
	static uint8_t bytes[200];
	struct wire_signup signup = {.username = dom_slice_of("ana"),
	    .email = dom_slice_of(""),
	    .salt = dom_slice(bytes, 16),
	    .login_public = dom_slice(bytes, 32),
	    .identity_public = dom_slice(bytes, 32),
	    .encrypted_content = dom_slice(bytes, 104)};
	struct wire_signup got;
	struct dom_slice *sizes[] = {&signup.salt, &signup.login_public,
	    &signup.identity_public, &signup.encrypted_content};

	(void)state;
	wire_signup_encode(&buffer, &signup);
	assert_int_equal(wire_signup_decode(dom_buffer_slice(&buffer), &got, &reject), DOM_OK);
	assert_true(got.email.data != NULL && got.email.size == 0);
	for (size_t i = 0; i < 4; i++) {
		dom_buffer_clear(&buffer);
		sizes[i]->size--;
		wire_signup_encode(&buffer, &signup);
		sizes[i]->size++;
		assert_int_equal(
		    wire_signup_decode(dom_buffer_slice(&buffer), &got, &reject), DOM_EINPUT);
	}
}

static void
a_change_of_password_needs_its_keys(void **state)
{
	struct wire_response response = {.username = dom_slice_of("ana"),
	    .challenge = dom_slice_of("c"),
	    .host = dom_slice_of("h"),
	    .action = WIRE_ACTION_LOGIN};
	struct wire_response got;

	(void)state;
	wire_response_encode(&buffer, &response);
	assert_int_equal(
	    wire_response_decode(dom_buffer_slice(&buffer), &got, &reject), DOM_OK);
	/* The same map with the other action, as a forger would send it. */
	dom_buffer_clear(&buffer);
	dom_pack_put_map(&buffer, 4);
	dom_pack_put_text(&buffer, "action");
	dom_pack_put_text(&buffer, "changePassword");
	dom_pack_put_text(&buffer, "username");
	dom_pack_put_text(&buffer, "ana");
	dom_pack_put_text(&buffer, "challenge");
	dom_pack_put_bin(&buffer, dom_slice_of("c"));
	dom_pack_put_text(&buffer, "host");
	dom_pack_put_text(&buffer, "h");
	assert_int_equal(
	    wire_response_decode(dom_buffer_slice(&buffer), &got, &reject), DOM_EINPUT);
	assert_string_equal(reject.field, "loginPubkey");
}

static void
errors_come_back_and_foreign_bodies_are_empty(void **state)
{
	struct wire_error_field field = {
	    dom_slice_of("uid"), dom_slice_of("wrong_etag"), dom_slice_of("Wrong etag.")};
	struct wire_error is = {.code = dom_slice_of("item_failed"),
	    .detail = dom_slice_of("No."),
	    .errors = &field,
	    .error_count = 1};
	struct wire_error got;

	(void)state;
	wire_error_encode(&buffer, &is);
	wire_error_decode(dom_buffer_slice(&buffer), arena, &got);
	assert_true(dom_slice_is(got.code, "item_failed") && !got.is_simple);
	assert_int_equal(got.error_count, 1);
	assert_true(dom_slice_is(got.errors[0].code, "wrong_etag"));
	dom_buffer_clear(&buffer);
	is.is_simple = true;
	wire_error_encode(&buffer, &is);
	wire_error_decode(dom_buffer_slice(&buffer), arena, &got);
	assert_true(dom_slice_is(got.detail, "No.") && got.is_simple);
	wire_error_decode(dom_slice_of("{\"detail\": \"Not authenticated\"}"), arena, &got);
	assert_true(got.code.size == 0 && got.detail.size == 0);
	dom_buffer_clear(&buffer);
	dom_pack_put_map(&buffer, 1);
	dom_pack_put_text(&buffer, "detail");
	dom_pack_put_array(&buffer, 0);
	wire_error_decode(dom_buffer_slice(&buffer), arena, &got);
	assert_true(got.code.size == 0 && got.detail.size == 0);
}

static void
removed_memberships_are_absent_when_there_are_none(void **state)
{
	struct dom_slice removed = dom_slice_of(UID);
	struct wire_list_end end = {.done = true, .removed = &removed, .removed_count = 1};
	struct wire_list list;

	(void)state;
	wire_list_begin(&buffer, 0, &end);
	wire_list_finish(&buffer, &end);
	assert_int_equal(
	    wire_list_decode(dom_buffer_slice(&buffer), WIRE_LIST_COLLECTIONS, arena, &list),
	    DOM_OK);
	assert_true(list.done && list.removed_count == 1 && list.stoken.data == NULL);
	assert_true(dom_slice_is(list.removed[0], UID));
	dom_buffer_clear(&buffer);
	end.removed_count = 0;
	wire_list_begin(&buffer, 0, &end);
	wire_list_finish(&buffer, &end);
	assert_null(memmem(buffer.data, buffer.size, "removed", 7));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_batch_comes_back),
	    TEST(every_cut_of_a_batch_is_refused),
	    TEST(every_changed_byte_is_survived),
	    TEST(the_place_of_a_fault_is_named),
	    TEST(a_key_twice_and_a_missing_key_are_refused),
	    TEST(unknown_keys_are_passed_over_whatever_they_hold),
	    TEST(a_chunk_is_one_or_two_elements),
	    TEST(uids_are_20_to_64_of_the_alphabet),
	    TEST(versions_are_bytes),
	    TEST(too_many_updates_are_a_limit_and_none_are_fine),
	    TEST(counts_that_the_body_cannot_hold_take_no_memory),
	    TEST(a_signup_brings_an_operators_code_only_if_there_is_one),
	    TEST(keys_of_the_wrong_size_are_refused),
	    TEST(a_change_of_password_needs_its_keys),
	    TEST(errors_come_back_and_foreign_bodies_are_empty),
	    TEST(removed_memberships_are_absent_when_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
