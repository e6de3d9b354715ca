/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What content is made of: types, padding, pieces, chunks. */
#include <stdlib.h>

#include "crypto/content.h"
#include "crypto/roles.h"

#include "vectors.h"

void
test_collection_type_vectors(void **state)
{
	json_t *all = inside(vectors_crypto(), "collection_type");
	struct dom_account_key *account = NULL;
	json_t *one;
	size_t i;

	(void)state;
	assert_ok(dom_account_key_from_bytes(take_hex(all, "account_key_hex"), &account));
	assert_true(dom_slice_is(take_text(all, "context"), "Acct    "));
	json_array_foreach(inside(all, "cases"), i, one)
	{
		struct dom_slice type = take_text(one, "type");
		struct dom_slice expected = take_hex(one, "uid_hex");
		struct dom_buffer uid = {0}, padded = {0}, name = {0};

		dom_buffer_append_slice(&padded, type);
		dom_pad(&padded, 0, DOM_TYPE_PADDING);
		assert_bytes(dom_buffer_slice(&padded), take_hex(one, "padded_hex"));
		assert_ok(dom_collection_type_seal(account, type, &uid));
		assert_bytes(dom_buffer_slice(&uid), expected);
		assert_bytes(part(expected, 0, DOM_NONCE_SIZE), take_hex(one, "nonce_hex"));
		assert_int_equal(uid.size, take_int(one, "uid_len"));
		assert_ok(dom_collection_type_open(account, expected, &name));
		assert_bytes(dom_buffer_slice(&name), type);
		dom_buffer_free(&uid);
		dom_buffer_free(&padded);
		dom_buffer_free(&name);
	}
	dom_account_key_free(&account);
}

static void
check_padded(json_t *one, size_t block)
{
	struct dom_slice plain = take_hex(one, "in_hex");
	struct dom_buffer padded = {0};
	size_t size;

	dom_buffer_append_slice(&padded, plain);
	dom_pad(&padded, 0, block == 0 ? plain.size + 1 : block);
	assert_bytes(dom_buffer_slice(&padded), take_hex(one, "out_hex"));
	assert_ok(dom_unpad(dom_buffer_slice(&padded), &size));
	assert_int_equal(size, plain.size);
	dom_buffer_free(&padded);
}

static void
check_content_padding(json_t *one)
{
	struct dom_slice plain = take_hex(one, "in_hex");
	struct dom_slice prefix = take_hex(one, "out_prefix_hex");
	struct dom_buffer padded = {0};

	dom_buffer_append_slice(&padded, plain);
	dom_pad(&padded, 0, dom_padded_size(plain.size));
	assert_int_equal(padded.size, take_int(one, "out_len"));
	assert_bytes(part(dom_buffer_slice(&padded), 0, prefix.size), prefix);
	assert_true(take_bool(one, "out_all_zero_after_offset_6"));
	for (size_t i = 6; i < padded.size; i++)
		assert_int_equal(padded.data[i], 0);
	dom_buffer_free(&padded);
}

void
test_padding_vectors(void **state)
{
	json_t *all = inside(vectors_crypto(), "padding"), *one;
	size_t i;

	(void)state;
	json_array_foreach(inside(all, "padme_block"), i, one)
	{
		size_t len = (size_t)take_int(one, "length");
		size_t block = dom_padding_block(len);

		assert_int_equal(block, take_int(one, "getPadding"));
		if (has(one, "padded_length")) {
			struct dom_buffer padded = {0};

			dom_buffer_append_slice(&padded, filled(1, len));
			dom_pad(&padded, 0, block);
			assert_int_equal(padded.size, take_int(one, "padded_length"));
			dom_buffer_free(&padded);
		}
		/* Ours: the same, but where theirs doubles. */
		assert_true(dom_padded_size(len) > len);
		if (block > len)
			assert_int_equal(dom_padded_size(len), block);
		else
			assert_true(dom_padded_size(len) - len <= len / 8);
	}
	json_array_foreach(inside(all, "small"), i, one) check_padded(one, 0);
	json_array_foreach(inside(all, "fixed32"), i, one) check_padded(one, DOM_TYPE_PADDING);
	check_content_padding(inside(all, "content_example"));
}

size_t
split_lengths(struct dom_slice content, size_t step, size_t lengths[CHUNKS_MAX])
{
	struct dom_splitter splitter;
	size_t count = 0, piece = 0;

	dom_splitter_start(&splitter, &dom_split_etebase);
	for (size_t at = 0; at < content.size;) {
		size_t size = content.size - at < step ? content.size - at : step;
		bool cut;
		size_t took = dom_splitter_feed(&splitter, part(content, at, size), &cut);

		at += took;
		piece += took;
		assert_true(cut || took == size);
		assert_true(count < CHUNKS_MAX);
		if (cut) {
			lengths[count++] = piece;
			piece = 0;
		}
	}
	if (piece > 0)
		lengths[count++] = piece;
	return count;
}

static int
compare_sizes(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return left < right ? -1 : left > right;
}

/* What a client stores: each distinct piece once in any order, the index last. */
static void
check_stored_lengths(
    json_t *stored, struct dom_slice content, const size_t *lengths, size_t count)
{
	struct dom_chunk_uid uids[CHUNKS_MAX];
	size_t order[CHUNKS_MAX], ours[CHUNKS_MAX], theirs[CHUNKS_MAX], stored_count, at = 0;
	struct dom_item_key *key = dom_item_key_new();
	struct dom_random random = dom_random_system();
	struct dom_buffer index = {0};

	assert_non_null(key);
	assert_ok(dom_item_key_from_bytes(filled(7, DOM_KEY_SIZE), key));
	for (size_t i = 0; i < count; i++) {
		dom_chunk_uid_of(key, part(content, at, lengths[i]), &uids[i]);
		at += lengths[i];
	}
	assert_ok(dom_content_arrange(uids, count, &random, order, &stored_count, &index));
	for (size_t i = 0; i < stored_count; i++)
		ours[i] = lengths[order[i]];
	if (count > 1)
		ours[stored_count++] = index.size;
	assert_int_equal(json_array_size(stored), stored_count);
	for (size_t i = 0; i < stored_count; i++)
		theirs[i] = (size_t)json_integer_value(json_array_get(stored, i));
	assert_int_equal(ours[stored_count - 1], theirs[stored_count - 1]);
	qsort(ours, stored_count, sizeof(*ours), compare_sizes);
	qsort(theirs, stored_count, sizeof(*theirs), compare_sizes);
	assert_memory_equal(ours, theirs, stored_count * sizeof(*ours));
	dom_buffer_free(&index);
	dom_item_key_free(&key);
}

struct dom_slice
take_content(json_t *one)
{
	if (has(one, "hex"))
		return take_hex(one, "hex");
	if (has(one, "fill_byte"))
		return filled(
		    (uint8_t)take_int(one, "fill_byte"), (size_t)take_int(one, "length"));
	return from_seed(take_hex(one, "seed_hex"), (size_t)take_int(one, "length"));
}

void
test_chunker_vectors(void **state)
{
	json_t *all = inside(vectors_crypto(), "chunker"), *one;
	static const size_t steps[] = {1, 1000, 65536, 1 << 20};
	struct dom_slice stream = from_seed(filled(0, 32), 200);
	struct dom_rollsum sum;
	size_t i, fed = 0;

	(void)state;
	dom_rollsum_start(&sum);
	json_array_foreach(inside(all, "rollsum_on_drg_zero_seed"), i, one)
	{
		for (size_t until = (size_t)take_int(one, "after_bytes"); fed < until; fed++)
			dom_rollsum_add(&sum, stream.data[fed]);
		assert_int_equal(sum.s1, take_int(one, "s1"));
		assert_int_equal(sum.s2, take_int(one, "s2"));
	}
	json_array_foreach(inside(all, "cases"), i, one)
	{
		json_t *in_order = take_list(one, "chunk_lengths_in_order");
		json_t *stored =
		    take_list(one, "client_stored_plain_lengths_shuffled_incl_index_chunk");
		struct dom_slice content = take_content(one);
		size_t lengths[CHUNKS_MAX], count = 0;

		take_note(one, "name");
		for (size_t s = 0; s < sizeof(steps) / sizeof(*steps); s++) {
			count = split_lengths(content, steps[s], lengths);
			assert_int_equal(count, json_array_size(in_order));
			for (size_t c = 0; c < count; c++)
				assert_int_equal(lengths[c],
				    json_integer_value(json_array_get(in_order, c)));
		}
		check_stored_lengths(stored, content, lengths, count);
		json_decref(in_order);
		json_decref(stored);
	}
}

void
check_chunk(const struct dom_item_key *key, struct dom_slice uid, struct dom_slice plain,
    struct dom_slice expected)
{
	struct dom_buffer sealed = {0}, opened = {0};
	struct dom_random random;
	struct script script;

	random = script_random(&script, part(expected, 0, DOM_NONCE_SIZE));
	assert_ok(dom_chunk_seal(key, plain, &random, &sealed));
	script_finish(&script);
	assert_bytes(dom_buffer_slice(&sealed), expected);
	assert_int_equal(dom_chunk_sealed_size(plain.size), expected.size);
	assert_ok(dom_chunk_open(key, uid, expected, &opened));
	assert_bytes(dom_buffer_slice(&opened), plain);
	dom_buffer_free(&sealed);
	dom_buffer_free(&opened);
}

void
test_chunk_vectors(void **state)
{
	json_t *one = inside(vectors_crypto(), "chunk");
	struct dom_slice plain = take_hex(one, "plain_hex");
	struct dom_slice uid = take_text(one, "chunk_uid_b64");
	struct dom_slice sealed = take_hex(one, "encrypted_hex");
	struct dom_item_key *key = dom_item_key_new();
	struct dom_chunk_uid made;

	(void)state;
	assert_non_null(key);
	assert_true(dom_slice_is(take_text(one, "context"), "ColItem "));
	assert_ok(dom_item_key_from_bytes(take_hex(one, "item_key_hex"), key));
	dom_chunk_uid_of(key, plain, &made);
	assert_bytes(dom_slice_of(made.text), uid);
	assert_bytes(from_b64(made.text), take_hex(one, "chunk_uid_mac_hex"));
	assert_int_equal(dom_padded_size(plain.size), take_int(one, "padded_len"));
	assert_bytes(part(sealed, 0, DOM_NONCE_SIZE), take_hex(one, "nonce_hex"));
	check_chunk(key, uid, plain, sealed);
	dom_item_key_free(&key);
}
