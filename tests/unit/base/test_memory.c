/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Arenas, growing buffers, and the fixed-order encodings in them. */
/* cmocka.h needs the others before it. */
/* clang-format off */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <malloc.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/bytes.h"

static void
test_an_arena_gives_zeroed_aligned_bytes_that_do_not_overlap(void **state)
{
	struct dom_arena *arena = dom_arena_new(0);
	uint8_t *last = NULL;
	size_t last_size = 0;

	(void)state;
	mallopt(M_PERTURB, 0x5a); /* new memory is never zero by luck */
	assert_non_null(arena);
	for (unsigned round = 0; round < 2; round++) {
		for (size_t size = 0; size < 3000; size += 7) {
			uint8_t *bytes = dom_arena_take(arena, size);

			assert_non_null(bytes);
			assert_int_equal((uintptr_t)bytes % 16, 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(bytes[i], 0);
			for (size_t i = 0; i < last_size; i++)
				assert_int_equal(last[i], 0xee);
			memset(bytes, 0xee, size);
			last = bytes;
			last_size = size;
		}
		/* The second round is on used memory: it must look new. */
		assert_true(dom_arena_used(arena) > 600000);
		dom_arena_reset(arena);
		assert_int_equal(dom_arena_used(arena), 0);
		last_size = 0;
	}
	dom_arena_free(&arena);
	assert_null(arena);
	dom_arena_free(&arena);
}

static void
test_an_arena_keeps_to_its_limit_and_goes_on_after_it(void **state)
{
	struct dom_arena *arena = dom_arena_new(64);

	(void)state;
	assert_non_null(arena);
	assert_null(dom_arena_take(arena, 65));
	assert_non_null(dom_arena_take(arena, 40)); /* counts as 48 */
	assert_null(dom_arena_take(arena, 17));
	assert_non_null(dom_arena_take(arena, 16));
	assert_int_equal(dom_arena_used(arena), 64);
	assert_null(dom_arena_take(arena, 1));
	dom_arena_reset(arena);
	assert_non_null(dom_arena_take(arena, 64));
	dom_arena_free(&arena);
}

static void
test_a_reset_gives_a_large_block_back(void **state)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct mallinfo2 before = mallinfo2(), after;

	(void)state;
	assert_non_null(arena);
	assert_non_null(dom_arena_take(arena, 64 << 20));
	dom_arena_reset(arena);
	after = mallinfo2();
	assert_true(after.hblkhd + after.uordblks < before.hblkhd + before.uordblks + (2 << 20));
	dom_arena_free(&arena);
}

static void
test_sizes_that_overflow_are_no_memory(void **state)
{
	struct dom_arena *arena = dom_arena_new(0);

	(void)state;
	assert_non_null(arena);
	assert_null(dom_arena_take(arena, SIZE_MAX));
	assert_null(dom_arena_array(arena, SIZE_MAX / 2, 3));
	assert_null(dom_arena_array(arena, (size_t)1 << 33, (size_t)1 << 33));
	assert_null(dom_arena_copy(arena, (struct dom_slice){NULL, SIZE_MAX}).data);
	assert_non_null(dom_arena_array(arena, 0, 8));
	dom_arena_free(&arena);
}

static void
test_copies_and_prints_end_in_nul(void **state)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_slice copy;
	char *text;

	(void)state;
	assert_non_null(arena);
	copy = dom_arena_copy(arena, dom_slice("ab\0c and more", 4));
	assert_int_equal(copy.size, 4);
	assert_memory_equal(copy.data, "ab\0c", 5);
	copy = dom_arena_copy(arena, dom_slice(NULL, 0));
	assert_int_equal(copy.size, 0);
	assert_non_null(copy.data);
	assert_int_equal(copy.data[0], 0);
	text = dom_arena_print(arena, "%s@%s:%d", "ana", "in", 7);
	assert_string_equal(text, "ana@in:7");
	dom_arena_free(&arena);
}

static void
test_a_buffer_keeps_what_was_appended(void **state)
{
	struct dom_buffer buffer = {0};
	uint8_t *room;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint8_t byte = (uint8_t)(i * 7);

		dom_buffer_append(&buffer, &byte, 1);
	}
	assert_int_equal(buffer.size, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buffer.data[i], (uint8_t)(i * 7));
	dom_buffer_drop(&buffer, 99990);
	assert_int_equal(buffer.size, 10);
	assert_int_equal(buffer.data[0], (uint8_t)(99990 * 7));
	dom_buffer_drop(&buffer, 11);
	assert_int_equal(buffer.size, 0);
	dom_buffer_append(&buffer, NULL, 0);
	dom_buffer_append_text(&buffer, "text ");
	dom_buffer_print(&buffer, "%05u", 42u);
	room = dom_buffer_room(&buffer, 3);
	assert_non_null(room);
	assert_int_equal(buffer.size, 10);
	memcpy(room, "end", 3);
	dom_buffer_grew(&buffer, 3);
	assert_true(dom_slice_is(dom_buffer_slice(&buffer), "text 00042end"));
	assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
	dom_buffer_free(&buffer);
	assert_null(buffer.data);
}

static void
test_the_first_failure_of_a_buffer_sticks_until_it_is_cleared(void **state)
{
	struct dom_buffer buffer = {.size_max = 5};

	(void)state;
	dom_buffer_append_text(&buffer, "12345");
	assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
	dom_buffer_append_text(&buffer, "6");
	assert_int_equal(dom_buffer_finish(&buffer), DOM_ELIMIT);
	dom_buffer_drop(&buffer, 5);
	dom_buffer_append_text(&buffer, "x"); /* would fit now */
	assert_null(dom_buffer_room(&buffer, 1));
	assert_int_equal(buffer.size, 0);
	assert_int_equal(dom_buffer_finish(&buffer), DOM_ELIMIT);
	dom_buffer_clear(&buffer);
	dom_buffer_append_text(&buffer, "x");
	assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
	assert_null(dom_buffer_room(&buffer, SIZE_MAX));
	assert_int_equal(dom_buffer_finish(&buffer), DOM_ELIMIT);
	dom_buffer_free(&buffer);
}

static void
write_all(struct dom_buffer *buffer)
{
	dom_write_u8(buffer, 0xfe);
	dom_write_u32(buffer, 0x01020304);
	dom_write_u64(buffer, UINT64_C(0x05060708090a0b0c));
	dom_write_string(buffer, dom_slice_of("abc"));
	dom_write_string(buffer, dom_slice_of(""));
}

static void
test_fixed_encodings_are_big_endian_and_come_back(void **state)
{
	static const uint8_t expected[] = {
	    0xfe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0};
	struct dom_buffer buffer = {0};
	struct dom_reader in;

	(void)state;
	write_all(&buffer);
	assert_int_equal(buffer.size, sizeof(expected));
	assert_memory_equal(buffer.data, expected, sizeof(expected));
	in = dom_reader_over(dom_buffer_slice(&buffer));
	assert_int_equal(dom_read_u8(&in), 0xfe);
	assert_int_equal(dom_read_u32(&in), 0x01020304);
	assert_int_equal(dom_read_u64(&in), UINT64_C(0x05060708090a0b0c));
	assert_int_equal(dom_reader_finish(&in), DOM_EINPUT); /* something is left */
	assert_true(dom_slice_is(dom_read_string(&in, 3), "abc"));
	assert_int_equal(dom_read_string(&in, 0).size, 0);
	assert_int_equal(dom_reader_finish(&in), DOM_OK);
	dom_buffer_free(&buffer);
}

static void
test_a_fixed_encoding_cut_short_fails_and_yields_nothing_more(void **state)
{
	struct dom_buffer buffer = {0};

	(void)state;
	write_all(&buffer);
	for (size_t size = 0; size < buffer.size; size++) {
		struct dom_reader in = dom_reader_over(dom_slice(buffer.data, size));

		dom_read_u8(&in);
		dom_read_u32(&in);
		dom_read_u64(&in);
		dom_read_string(&in, 3);
		dom_read_string(&in, 3);
		assert_int_equal(dom_reader_finish(&in), DOM_EINPUT);
		assert_int_equal(dom_read_u8(&in), 0);
		assert_null(dom_read_bytes(&in, 0).data);
	}
	dom_buffer_free(&buffer);
}

static void
test_a_string_over_its_bound_is_refused(void **state)
{
	static const uint8_t bytes[] = {0, 0, 0, 3, 'a', 'b', 'c'};
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a'};
	struct dom_reader in = dom_reader_over(dom_slice(bytes, sizeof(bytes)));

	(void)state;
	assert_null(dom_read_string(&in, 2).data);
	assert_int_equal(dom_reader_finish(&in), DOM_EINPUT);
	in = dom_reader_over(dom_slice(huge, sizeof(huge)));
	assert_null(dom_read_string(&in, SIZE_MAX).data);
	assert_int_equal(dom_reader_finish(&in), DOM_EINPUT);
}

static void
test_a_drop_wipes_what_it_leaves_behind(void **state)
{
	struct dom_buffer buffer = {0};

	(void)state;
	dom_buffer_append_text(&buffer, "keepsecret");
	dom_buffer_drop(&buffer, 4);
	assert_memory_equal(buffer.data, "secret\0\0\0", 10);
	dom_buffer_free(&buffer);
}

static void
test_a_cut_goes_back_before_a_failure_and_wipes(void **state)
{
	struct dom_buffer buffer = {.size_max = 10};

	(void)state;
	dom_buffer_append_text(&buffer, "keep");
	dom_buffer_append_text(&buffer, "secret");
	dom_buffer_append_text(&buffer, "!");
	assert_int_equal(dom_buffer_finish(&buffer), DOM_ELIMIT);
	dom_buffer_cut(&buffer, 4);
	assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
	assert_int_equal(buffer.size, 4);
	assert_memory_equal(buffer.data, "keep\0\0\0\0\0", 10);
	dom_buffer_free(&buffer);
}

static void
test_a_print_may_fill_a_buffer_to_its_limit(void **state)
{
	struct dom_buffer buffer = {.size_max = 5};

	(void)state;
	dom_buffer_print(&buffer, "%05u", 42u);
	assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
	assert_true(dom_slice_is(dom_buffer_slice(&buffer), "00042"));
	dom_buffer_print(&buffer, "%u", 1u);
	assert_int_equal(dom_buffer_finish(&buffer), DOM_ELIMIT);
	dom_buffer_free(&buffer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_arena_gives_zeroed_aligned_bytes_that_do_not_overlap),
	    cmocka_unit_test(test_an_arena_keeps_to_its_limit_and_goes_on_after_it),
	    cmocka_unit_test(test_a_reset_gives_a_large_block_back),
	    cmocka_unit_test(test_sizes_that_overflow_are_no_memory),
	    cmocka_unit_test(test_copies_and_prints_end_in_nul),
	    cmocka_unit_test(test_a_drop_wipes_what_it_leaves_behind),
	    cmocka_unit_test(test_a_cut_goes_back_before_a_failure_and_wipes),
	    cmocka_unit_test(test_a_print_may_fill_a_buffer_to_its_limit),
	    cmocka_unit_test(test_a_buffer_keeps_what_was_appended),
	    cmocka_unit_test(test_the_first_failure_of_a_buffer_sticks_until_it_is_cleared),
	    cmocka_unit_test(test_fixed_encodings_are_big_endian_and_come_back),
	    cmocka_unit_test(test_a_fixed_encoding_cut_short_fails_and_yields_nothing_more),
	    cmocka_unit_test(test_a_string_over_its_bound_is_refused),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
