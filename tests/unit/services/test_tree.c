/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A tree that is kept against one that is computed, on both sides of a million records. */
#include <stdlib.h>

#include "base/encode.h"

#include "crypto/keys.h"

#include "services/root/tree.h"
#include "testing.h"

enum { ENTRIES = 3000, CHANGES = 6000 };

static struct dom_sha256 *sha;
static struct root_tree *tree;

static int
set_up(void **state)
{
	(void)state;
	sha = dom_sha256_new();
	tree = root_tree_new();
	return sha == NULL || tree == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_sha256_free(&sha);
	root_tree_free(&tree);
	return 0;
}

static struct root_kept
kept_of(unsigned key, unsigned record)
{
	struct root_kept kept = {.kind = ROOT_KEPT_OTHER};

	assert_int_equal(dom_sha256(dom_slice(&key, sizeof(key)), kept.entry.key), DOM_OK);
	assert_int_equal(
	    dom_sha256(dom_slice(&record, sizeof(record)), kept.entry.record), DOM_OK);
	return kept;
}

/* Straight from the definition: sorted, in 256 buckets, and a tree over those. */
static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct wire_root_entry));
}

static void
assert_digest(const unsigned *records, unsigned count)
{
	static struct wire_root_entry entries[ENTRIES];
	uint8_t level[256][DOM_SHA256_SIZE], digest[DOM_SHA256_SIZE];
	size_t there = 0, at = 0;

	for (unsigned i = 0; i < count; i++) {
		if (records[i] != 0)
			entries[there++] = kept_of(i, records[i]).entry;
	}
	assert_int_equal(root_tree_count(tree), there);
	qsort(entries, there, sizeof(*entries), compare);
	for (unsigned i = 0; i < 256; i++) {
		for (; at < there && entries[at].key[0] == i; at++)
			dom_sha256_add(sha, dom_slice(&entries[at], sizeof(entries[at])));
		assert_int_equal(dom_sha256_finish(sha, level[i]), DOM_OK);
		assert_int_equal(wire_root_leaf(sha, level[i], level[i]), DOM_OK);
	}
	for (unsigned width = 128; width != 0; width /= 2) {
		for (unsigned i = 0; i < width; i++)
			assert_int_equal(wire_root_node(sha, level[2 * (size_t)i],
			                     level[2 * (size_t)i + 1], level[i]),
			    DOM_OK);
	}
	assert_int_equal(root_tree_digest(tree, sha, digest), DOM_OK);
	assert_memory_equal(digest, level[0], sizeof(digest));
}

static void
every_change_is_in_the_next_digest(void **state)
{
	static unsigned records[ENTRIES]; /* 0: not there */
	uint64_t seed = 3;

	(void)state;
	assert_digest(records, ENTRIES);
	for (unsigned change = 1; change <= CHANGES; change++) {
		struct root_kept old, kept;
		const struct root_kept *found;
		unsigned key;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		key = (unsigned)((seed >> 33) % ENTRIES);
		kept = kept_of(key, change);
		found = root_tree_find(tree, kept.entry.key);
		assert_int_equal(found != NULL, records[key] != 0);
		if (found != NULL && seed >> 62 == 0) {
			root_tree_remove(tree, kept.entry.key);
			records[key] = 0;
		} else {
			assert_int_equal(root_tree_put(tree, &kept, &old),
			    found == NULL ? DOM_OK : DOM_CONFLICT);
			if (records[key] != 0) {
				struct root_kept before = kept_of(key, records[key]);

				assert_memory_equal(
				    &old.entry, &before.entry, sizeof(old.entry));
			}
			records[key] = change;
		}
		if (change % 500 == 0)
			assert_digest(records, ENTRIES);
	}
	assert_true(root_tree_count(tree) > ENTRIES / 2);
}

static void
put_revision(unsigned number, uint8_t key_r[DOM_SHA256_SIZE])
{
	char uid[24];
	struct dom_buffer bytes = {0};
	struct root_kept kept = {.kind = ROOT_KEPT_CURRENT}, old;
	struct wire_record record = {.type = WIRE_RECORD_REVISION,
	    .of.revision = {.collection_uid = dom_slice_of("collection"),
	        .item_uid = dom_slice_of("item"),
	        .clock = 5,
	        .version = 1,
	        .encryption_key = dom_slice_of("key"),
	        .is_current = true,
	        .meta = dom_slice_of("meta")}};

	snprintf(uid, sizeof(uid), "uid-%015u", number);
	record.of.revision.uid = dom_slice_of(uid);
	assert_int_equal(wire_root_entry_of(&record, sha, &bytes, &kept.entry), DOM_OK);
	assert_int_equal(root_tree_put(tree, &kept, &old), DOM_OK);
	memcpy(key_r, kept.entry.key, DOM_SHA256_SIZE);
	dom_buffer_free(&bytes);
}

/* The known root is that of tests/unit/wire/test_root.c, of the same records. */
static void
above_a_million_entries_there_are_more_buckets_and_below_again_fewer(void **state)
{
	static const char known[] =
	    "3d850aed5ea6be1208b64daf6f5ddfa2ac2a90ac5f63d1902724152f22408910";
	struct wire_root_head head = {.identity_public = {9},
	    .epoch = 1,
	    .clock = 77,
	    .sum = {.items = WIRE_ROOT_FEW + 1,
	        .revisions = WIRE_ROOT_FEW + 1,
	        .bytes = 7ULL * (WIRE_ROOT_FEW + 1)}};
	uint8_t few[DOM_SHA256_SIZE], again[DOM_SHA256_SIZE], last[DOM_SHA256_SIZE],
	    root[WIRE_ROOT_SIZE];
	struct root_tree *none = root_tree_new();
	char text[2 * WIRE_ROOT_SIZE + 1];

	(void)state;
	for (unsigned i = 0; i < WIRE_ROOT_FEW; i++)
		put_revision(i, last);
	assert_int_equal(root_tree_digest(tree, sha, few), DOM_OK);
	put_revision(WIRE_ROOT_FEW, last);
	assert_int_equal(root_tree_digest(tree, sha, head.records), DOM_OK);
	assert_non_null(none);
	assert_int_equal(root_tree_digest(none, sha, head.chunks), DOM_OK);
	root_tree_free(&none);
	assert_int_equal(wire_root_digest(&head, root), DOM_OK);
	dom_hex_encode(dom_slice(root, sizeof(root)), text);
	assert_string_equal(text, known);
	root_tree_remove(tree, last);
	assert_int_equal(root_tree_digest(tree, sha, again), DOM_OK);
	assert_memory_equal(again, few, sizeof(few));
}

int
main(void)
{
#define TREE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TREE(every_change_is_in_the_next_digest),
	    TREE(above_a_million_entries_there_are_more_buckets_and_below_again_fewer),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
