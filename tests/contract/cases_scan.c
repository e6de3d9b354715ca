/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Walking all that a collection holds: history, chunks, what consents name. */
#include "contract.h"
#include "store/scan.h"

static int64_t
item_number(struct world *world, struct store_txn *txn, int64_t collection, const char *uid)
{
	struct dom_slice etag;
	int64_t number = 0;

	assert_status(
	    store_item_etag(txn, collection, dom_slice_of(uid), world->arena, &number, &etag),
	    DOM_OK);
	return number;
}

/* "item/revision item/revision ...", read in pages of limit rows. */
static const char *
history(struct world *world, int64_t collection, unsigned limit)
{
	struct store_txn *txn = read_begin(world);
	struct store_history_at at = {0};
	struct store_history *rows;
	const char *text = "";
	size_t count;

	do {
		assert_status(
		    store_history_scan(txn, collection, at, limit, world->arena, &rows, &count),
		    DOM_OK);
		assert_true(count <= limit);
		for (size_t i = 0; i < count; i++) {
			text = dom_arena_print(world->arena, "%s%s%.*s/%.*s", text,
			    text[0] == '\0' ? "" : " ", (int)rows[i].item_uid.size,
			    (const char *)rows[i].item_uid.data, (int)rows[i].revision.uid.size,
			    (const char *)rows[i].revision.uid.data);
			assert_int_equal(rows[i].version, 1);
			assert_int_equal(rows[i].replaced_ms, WORLD_BEGAN_MS);
			assert_slice(rows[i].revision.meta, "meta");
			assert_null(rows[i].encryption_key.data);
			assert_int_equal(rows[i].at.clock, rows[i].revision.clock);
			at = rows[i].at;
		}
	} while (count != 0);
	read_end(world);
	return text;
}

static void
history_comes_item_by_item_without_the_current_ones(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	int64_t mine = add_collection(txn, "c1", ana), other = add_collection(txn, "c2", ana);

	assert_status(put_item(txn, mine, "i", "i1", 1), DOM_OK);
	assert_status(put_item(txn, mine, "j", "j1", 2), DOM_OK);
	assert_status(put_item(txn, mine, "never changed", "k1", 3), DOM_OK);
	assert_status(put_item(txn, other, "i", "o1", 4), DOM_OK);
	for (unsigned i = 0; i < 3; i++) {
		char i_uid[8], j_uid[8], o_uid[8];

		snprintf(i_uid, sizeof(i_uid), "i%u", i + 2);
		snprintf(j_uid, sizeof(j_uid), "j%u", i + 2);
		snprintf(o_uid, sizeof(o_uid), "o%u", i + 2);
		assert_status(put_revision(txn, mine, item_number(world, txn, mine, "j"), j_uid,
		                  10 + 3 * i),
		    DOM_OK);
		assert_status(put_revision(txn, mine, item_number(world, txn, mine, "i"), i_uid,
		                  11 + 3 * i),
		    DOM_OK);
		assert_status(put_revision(txn, other, item_number(world, txn, other, "i"),
		                  o_uid, 12 + 3 * i),
		    DOM_OK);
	}
	write_commit(world);
	/* j was changed before i the last time. */
	for (unsigned limit = 1; limit < 8; limit++)
		assert_string_equal(
		    history(world, mine, limit), "j/j1 j/j2 j/j3 i/i1 i/i2 i/i3");
	assert_string_equal(history(world, other, 100), "i/o1 i/o2 i/o3");
}

static void
chunks_come_by_uid_with_their_digest(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	int64_t mine = add_collection(txn, "c1", ana), other = add_collection(txn, "c2", ana);
	static const char *const uids[] = {"b", "a", "c"};
	/* SHA-256 of "abc" (FIPS 180-4, example). */
	static const uint8_t first[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
	struct dom_slice after = {0};
	struct store_chunk chunk;
	int64_t *numbers;
	uint8_t id[STORE_ID_SIZE];
	size_t count;

	memset(id, 1, sizeof(id));
	write_commit(world);
	for (unsigned i = 0; i < 4; i++) {
		struct store_staged *staged;

		assert_status(
		    store_chunk_stage(world->store, id, dom_slice_of("abc"), &staged), DOM_OK);
		txn = write_begin(world);
		assert_status(store_chunk_put(txn, i < 3 ? mine : other,
		                  dom_slice_of(i < 3 ? uids[i] : "other"), staged),
		    DOM_OK);
		write_commit(world);
		store_staged_free(&staged);
	}
	txn = read_begin(world);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const sorted[] = {"a", "b", "c"};

		assert_status(store_chunk_numbers(
		                  txn, mine, after, 1, world->arena, &numbers, &count, &after),
		    DOM_OK);
		assert_int_equal(count, 1);
		assert_slice(after, sorted[i]);
		assert_status(
		    store_chunk_by_number(txn, numbers[0], world->arena, &chunk), DOM_OK);
		assert_slice(chunk.uid, sorted[i]);
		assert_int_equal(chunk.size, 3);
		assert_memory_equal(chunk.sha256, first, sizeof(first));
	}
	assert_status(
	    store_chunk_numbers(txn, mine, after, 1, world->arena, &numbers, &count, &after),
	    DOM_OK);
	assert_int_equal(count, 0);
	assert_null(after.data);
	assert_status(
	    store_chunk_numbers(txn, mine, after, 9, world->arena, &numbers, &count, &after),
	    DOM_OK);
	assert_int_equal(count, 3);
	assert_null(after.data);
	assert_status(store_chunk_by_number(txn, 99, world->arena, &chunk), DOM_ABSENT);
}

static void
a_consents_types_come_sorted(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	struct dom_slice types[] = {dom_slice_of("two"), dom_slice_of("one")}, *found;
	struct store_consent consent = {.service = dom_slice_of("contacts"), .serial = 1};
	size_t count;

	assert_status(store_consent_set(txn, ana, &consent, types, 2), DOM_OK);
	consent.service = dom_slice_of("any");
	consent.any = true;
	assert_status(store_consent_set(txn, ana, &consent, NULL, 0), DOM_OK);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_consent_types(
	                  txn, ana, dom_slice_of("contacts"), world->arena, &found, &count),
	    DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(found[0], "one");
	assert_slice(found[1], "two");
	assert_status(
	    store_consent_types(txn, ana, dom_slice_of("any"), world->arena, &found, &count),
	    DOM_OK);
	assert_int_equal(count, 0);
}

const struct CMUnitTest scan_cases[] = {
    CONTRACT_CASE(history_comes_item_by_item_without_the_current_ones),
    CONTRACT_CASE(chunks_come_by_uid_with_their_digest),
    CONTRACT_CASE(a_consents_types_come_sorted),
};
const size_t scan_case_count = sizeof(scan_cases) / sizeof(scan_cases[0]);
