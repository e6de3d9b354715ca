/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Cutting content, the stored order of its pieces, and reading the index back. */
#include <stdlib.h>

#include "base/msgpack.h"

#include "crypto/content.h"

#include "testing.h"

enum { PIECES_MAX = 1024 };

struct cut_content {
	const uint8_t *bytes;
	size_t size;
	size_t starts[PIECES_MAX + 1];
	struct dom_chunk_uid uids[PIECES_MAX];
	size_t count;
};

/* The protocol's loop as it is written down: every byte summed, nothing reset. */
static size_t
cut_as_specified(const struct dom_split *split, const uint8_t *bytes, size_t size,
    size_t starts[PIECES_MAX + 1])
{
	struct dom_rollsum sum;
	size_t count = 0, start = 0;

	dom_rollsum_start(&sum);
	starts[0] = 0;
	for (size_t at = 0; at < size; at++) {
		dom_rollsum_add(&sum, bytes[at]);
		if (at - start >= split->size_min &&
		    (at - start >= split->size_max || (sum.s2 & split->mask) == split->mask)) {
			assert_true(count < PIECES_MAX - 1);
			starts[++count] = start = at;
		}
	}
	if (start < size)
		starts[++count] = size;
	return count;
}

static size_t
cut_by_splitter(const struct dom_split *split, const uint8_t *bytes, size_t size, size_t step,
    size_t starts[PIECES_MAX + 1])
{
	struct dom_splitter splitter;
	size_t count = 0, start = 0;

	dom_splitter_start(&splitter, split);
	starts[0] = 0;
	for (size_t at = 0; at < size;) {
		size_t left = size - at < step ? size - at : step;
		bool cut;

		at += dom_splitter_feed(&splitter, dom_slice(bytes + at, left), &cut);
		if (cut) {
			assert_true(count < PIECES_MAX - 1);
			starts[++count] = start = at;
		}
	}
	if (start < size)
		starts[++count] = size;
	return count;
}

static void
test_the_splitter_cuts_as_the_protocol_says_however_it_is_fed(void **state)
{
	static const size_t steps[] = {1, 63, 64, 65, 16384, 100000, SIZE_MAX};
	/*
	 * A small minimum and mask make many cuts, some at the first place that
	 * is allowed; under 7 bits the oldest byte, which weighs 64, has no say.
	 */
	static const struct dom_split splits[] = {
	    {.size_min = 64, .size_max = 300, .mask = 0x7f},
	    {.size_min = 4096, .size_max = 65536, .mask = 0xfff},
	};
	enum { SIZE = 100000, SIZE_LARGE = 1 << 20 };
	uint8_t *bytes = malloc(SIZE_LARGE);
	size_t expected[PIECES_MAX + 1], got[PIECES_MAX + 1];
	uint64_t seed = 4711;

	(void)state;
	assert_non_null(bytes);
	test_random_fill(&seed, bytes, SIZE_LARGE);
	memset(bytes + 5000, 0, 2000); /* and some without a cut */
	for (size_t s = 0; s < 2; s++) {
		size_t size = s == 0 ? SIZE : SIZE_LARGE;
		size_t count = cut_as_specified(&splits[s], bytes, size, expected);

		assert_true(count > 10);
		for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
			assert_int_equal(
			    cut_by_splitter(&splits[s], bytes, size, steps[i], got), count);
			assert_memory_equal(got, expected, (count + 1) * sizeof(*got));
		}
	}
	assert_int_equal(cut_as_specified(&dom_split_large, bytes, SIZE_LARGE, expected),
	    cut_by_splitter(&dom_split_large, bytes, SIZE_LARGE, 8192, got));
	assert_int_equal(got[1], expected[1]);
	free(bytes);
}

static void
content_cut(struct cut_content *content, const uint8_t *bytes, size_t size)
{
	struct dom_item_key *key = dom_item_key_new();
	uint8_t key_bytes[DOM_KEY_SIZE] = {9};

	assert_non_null(key);
	assert_ok(dom_item_key_from_bytes(dom_slice(key_bytes, sizeof(key_bytes)), key));
	content->bytes = bytes;
	content->size = size;
	content->count =
	    cut_by_splitter(&dom_split_etebase, bytes, size, 1000, content->starts);
	for (size_t i = 0; i < content->count; i++) {
		struct dom_slice piece = dom_slice(
		    bytes + content->starts[i], content->starts[i + 1] - content->starts[i]);

		dom_chunk_uid_of(key, piece, &content->uids[i]);
	}
	dom_item_key_free(&key);
}

/* Arrange, then read the content back from what would be stored. */
static size_t
arrange_and_read(const struct cut_content *content, const struct dom_random *random,
    size_t stored[PIECES_MAX])
{
	struct dom_buffer index = {0};
	uint32_t places[PIECES_MAX];
	size_t stored_count, count, at = 0;

	assert_ok(dom_content_arrange(
	    content->uids, content->count, random, stored, &stored_count, &index));
	for (size_t i = 0; i < stored_count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(
			    content->uids[stored[i]].text, content->uids[stored[j]].text);
	}
	assert_ok(dom_content_index_read(
	    dom_buffer_slice(&index), stored_count, places, index.size, &count));
	assert_int_equal(count, content->count);
	for (size_t i = 0; i < count; i++) {
		size_t piece = stored[places[i]];
		size_t size = content->starts[piece + 1] - content->starts[piece];

		assert_true(at + size <= content->size);
		assert_memory_equal(
		    content->bytes + content->starts[piece], content->bytes + at, size);
		at += size;
	}
	assert_int_equal(at, content->size);
	dom_buffer_free(&index);
	return stored_count;
}

static void
test_content_of_equal_pieces_is_read_back_in_every_order(void **state)
{
	enum { SIZE = 1 << 20, RUNS = 1000, TAIL = 5000 };
	uint8_t *bytes = calloc(1, SIZE);
	struct cut_content zeros, mixed, equal;
	size_t stored[PIECES_MAX];
	uint64_t seed = 31;
	struct dom_random random = test_random(&seed);
	unsigned first_places[2] = {0, 0};

	(void)state;
	assert_non_null(bytes);
	content_cut(&zeros, bytes, 200000);
	assert_int_equal(zeros.count, 4);
	content_cut(&equal, bytes, (size_t)4 * 65536); /* every piece equal */
	assert_int_equal(equal.count, 4);
	for (unsigned run = 0; run < RUNS; run++) {
		assert_int_equal(arrange_and_read(&zeros, &random, stored), 2);
		first_places[stored[0] == 3]++;
		assert_int_equal(arrange_and_read(&equal, &random, stored), 1);
	}
	/* Two orders, each about half of the time. */
	assert_in_range(first_places[0], RUNS / 2 - RUNS / 10, RUNS / 2 + RUNS / 10);
	test_random_fill(&seed, bytes + 262144, TAIL);
	content_cut(&mixed, bytes, 262144 + TAIL);
	for (unsigned run = 0; run < RUNS; run++)
		arrange_and_read(&mixed, &random, stored);
	free(bytes);
}

static void
test_content_with_some_equal_pieces_is_read_back(void **state)
{
	enum { RUN = 150000, SIZE = 3 * RUN, RUNS = 300 };
	uint8_t *bytes = malloc(SIZE);
	struct cut_content content;
	size_t stored[PIECES_MAX], stored_count;
	uint64_t seed = 12;
	struct dom_random random = test_random(&seed);

	(void)state;
	assert_non_null(bytes);
	/* The same random run three times: cuts fall alike in all of them. */
	test_random_fill(&seed, bytes, RUN);
	memcpy(bytes + RUN, bytes, RUN);
	memcpy(bytes + 2 * RUN, bytes, RUN);
	content_cut(&content, bytes, SIZE);
	for (unsigned run = 0; run < RUNS; run++) {
		stored_count = arrange_and_read(&content, &random, stored);
		assert_in_range(stored_count, 5, content.count - 3);
	}
	free(bytes);
}

static void
test_every_order_of_pieces_is_equally_likely(void **state)
{
	enum { COUNT = 4, ORDERS = 256, RUNS = 24000 };
	struct dom_chunk_uid uids[COUNT];
	struct dom_buffer index = {0};
	unsigned seen[ORDERS] = {0}, orders = 0;
	size_t stored[COUNT], stored_count;
	uint64_t seed = 77;
	struct dom_random random = test_random(&seed);

	(void)state;
	memset(uids, 0, sizeof(uids));
	for (unsigned i = 0; i < COUNT; i++)
		memset(uids[i].text, (char)('A' + i), DOM_CHUNK_UID_SIZE);
	for (unsigned run = 0; run < RUNS; run++) {
		unsigned order = 0;

		dom_buffer_clear(&index);
		assert_ok(
		    dom_content_arrange(uids, COUNT, &random, stored, &stored_count, &index));
		assert_int_equal(stored_count, COUNT);
		for (unsigned i = 0; i < COUNT; i++)
			order = order << 2 | (unsigned)stored[i];
		seen[order]++;
	}
	for (unsigned i = 0; i < ORDERS; i++) {
		if (seen[i] == 0)
			continue;
		orders++;
		assert_in_range(seen[i], 850, 1150); /* 1000 expected, five sigma */
	}
	assert_int_equal(orders, 24);
	dom_buffer_free(&index);
}

static void
test_one_piece_needs_no_index_and_none_nothing(void **state)
{
	struct dom_chunk_uid uid = {{0}};
	struct dom_buffer index = {0};
	size_t stored[1], stored_count = 9;
	uint64_t seed = 1;
	struct dom_random random = test_random(&seed);

	(void)state;
	assert_ok(dom_content_arrange(NULL, 0, &random, stored, &stored_count, &index));
	assert_int_equal(stored_count, 0);
	assert_int_equal(index.size, 0);
	memset(uid.text, 'A', DOM_CHUNK_UID_SIZE);
	assert_ok(dom_content_arrange(&uid, 1, &random, stored, &stored_count, &index));
	assert_int_equal(stored_count, 1);
	assert_int_equal(stored[0], 0);
	assert_int_equal(index.size, 0);
	dom_buffer_free(&index);
}

static void
test_an_index_out_of_range_or_of_another_shape_is_refused(void **state)
{
	static const struct {
		const char *index;
		size_t size;
		size_t stored_count;
		enum dom_status expected;
	} cases[] = {
	    {"\x91\x92\x00\x01", 4, 2, DOM_OK},
	    {"\x91\x92\x00\x02", 4, 2, DOM_EINTEGRITY}, /* one too far */
	    {"\x91\x92\x00\xff", 4, 2, DOM_EINTEGRITY}, /* -1 */
	    {"\x91\x92\x00\xce\xff\xff\xff\xff", 8, 2, DOM_EINTEGRITY},
	    {"\x91\x92\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 12, 2, DOM_EINTEGRITY},
	    {"\x91\x91\x01", 3, 1, DOM_EINTEGRITY},             /* one entry, out of range */
	    {"\x91\x92\x00\xc0", 4, 2, DOM_EINTEGRITY},         /* nil */
	    {"\x91\x92\x00\xa1x", 5, 2, DOM_EINTEGRITY},        /* text */
	    {"\x91\x92\x00", 3, 2, DOM_EINTEGRITY},             /* cut off */
	    {"\x91\x92\x00\x01\x00", 5, 2, DOM_EINTEGRITY},     /* more behind it */
	    {"\x90", 1, 2, DOM_EINTEGRITY},                     /* no list in it */
	    {"\x92\x92\x00\x01\x81\xa1x\x01", 8, 2, DOM_OK},    /* reserved element */
	    {"\x91\xdd\xff\xff\xff\xff", 6, 2, DOM_EINTEGRITY}, /* count bomb */
	    {"", 0, 2, DOM_EINTEGRITY},
	    {"\x91\x92\x00\x00", 4, 0, DOM_EINTEGRITY}, /* nothing is stored */
	    {"\x91\x93\x00\x00\x00", 5, 1, DOM_ELIMIT}, /* more than there is room for */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t places[2];
		size_t count;

		assert_int_equal(
		    dom_content_index_read(dom_slice(cases[i].index, cases[i].size),
		        cases[i].stored_count, places, 2, &count),
		    cases[i].expected);
		assert_int_equal(count, cases[i].expected == DOM_OK ? 2 : 0);
	}
}

static void
test_an_index_of_one_or_none_means_the_first_chunk(void **state)
{
	static const char *const indexes[] = {"\x91\x90", "\x91\x91\x01"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint32_t places[1] = {7};
		size_t count;

		assert_ok(
		    dom_content_index_read(dom_slice_of(indexes[i]), 2, places, 1, &count));
		assert_int_equal(count, 1);
		assert_int_equal(places[0], 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_splitter_cuts_as_the_protocol_says_however_it_is_fed),
	    cmocka_unit_test(test_content_of_equal_pieces_is_read_back_in_every_order),
	    cmocka_unit_test(test_content_with_some_equal_pieces_is_read_back),
	    cmocka_unit_test(test_every_order_of_pieces_is_equally_likely),
	    cmocka_unit_test(test_one_piece_needs_no_index_and_none_nothing),
	    cmocka_unit_test(test_an_index_out_of_range_or_of_another_shape_is_refused),
	    cmocka_unit_test(test_an_index_of_one_or_none_means_the_first_chunk),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
