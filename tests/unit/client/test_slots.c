/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Records that share keys: the same files again change nothing, an edited
 * record is one new revision, and no two records overwrite each other.
 */
#include <stdio.h>
#include <stdlib.h>

#include "phone.h"

static struct dom_session *phone;

static int
set_up(void **state)
{
	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	phone_turn_on(phone);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_session_close(&phone);
	region_stop();
	return 0;
}

static void
expect(const char *collection, const struct phone_record *records, size_t count, uint64_t new,
    uint64_t changed, uint64_t same, uint64_t duplicate)
{
	struct dom_import_counts counts;

	assert_ok(phone, phone_backup(phone, collection, records, count, &counts));
	assert_int_equal(counts.records[DOM_RECORD_NEW], new);
	assert_int_equal(counts.records[DOM_RECORD_CHANGED], changed);
	assert_int_equal(counts.records[DOM_RECORD_SAME], same);
	assert_int_equal(counts.records[DOM_RECORD_DUPLICATE], duplicate);
	assert_int_equal(counts.stored, new + changed);
}

/* Three people of one name, in one file. */
static const struct phone_record does[] = {
    {.key = "John Doe", .source = "c.vcf", .order = 0, .seed = 1, .size = 100},
    {.key = "John Doe", .source = "c.vcf", .order = 1, .seed = 2, .size = 100},
    {.key = "John Doe", .source = "c.vcf", .order = 2, .seed = 3, .size = 100},
};

static void
people_of_one_name_are_all_kept(void **state)
{
	(void)state;
	expect("does", does, 3, 3, 0, 0, 0);
	phone_restore_is_identical(phone, "does", does, 3);
	expect("does", does, 3, 0, 0, 3, 0);
}

static void
an_edit_of_any_of_them_is_one_new_revision(void **state)
{
	(void)state;
	for (size_t edited = 0; edited < 3; edited++) {
		struct phone_record now[3];
		char collection[20];

		snprintf(collection, sizeof(collection), "edit %zu", edited);
		memcpy(now, does, sizeof(now));
		expect(collection, now, 3, 3, 0, 0, 0);
		now[edited].seed = 10;
		expect(collection, now, 3, 0, 1, 2, 0);
		expect(collection, now, 3, 0, 0, 3, 0);
		phone_restore_is_identical(phone, collection, now, 3);
	}
}

static void
a_record_that_occurs_twice_is_stored_once(void **state)
{
	const struct phone_record twice[] = {does[0], does[0], does[1]};

	(void)state;
	expect("twice", twice, 3, 2, 0, 0, 1);
	expect("twice", twice, 3, 0, 0, 2, 1);
	phone_restore_is_identical(phone, "twice", does, 2);
}

static void
a_record_that_vanishes_is_kept(void **state)
{
	(void)state;
	expect("vanish", does, 3, 3, 0, 0, 0);
	expect("vanish", does + 1, 2, 0, 0, 2, 0);
	phone_restore_is_identical(phone, "vanish", does, 3);
}

static void
a_uid_finds_its_record_in_another_file(void **state)
{
	struct phone_record record = {
	    .key = "uid:1", .key_is_uid = true, .source = "monday.vcf", .seed = 1, .size = 50};

	(void)state;
	expect("uid", &record, 1, 1, 0, 0, 0);
	record.source = "tuesday.vcf";
	record.seed = 2;
	expect("uid", &record, 1, 0, 1, 0, 0);
	phone_restore_is_identical(phone, "uid", &record, 1);
	/* Without a UID another file's record is another record. */
	record.key = "name";
	record.key_is_uid = false;
	expect("uid", &record, 1, 1, 0, 0, 0);
	record.source = "wednesday.vcf";
	record.seed = 3;
	expect("uid", &record, 1, 1, 0, 0, 0);
}

static void
two_records_of_one_uid_in_one_run_do_not_overwrite_each_other(void **state)
{
	const struct phone_record both[] = {
	    {.key = "u", .key_is_uid = true, .source = "old", .seed = 1, .size = 50},
	    {.key = "u", .key_is_uid = true, .source = "new", .seed = 2, .size = 50},
	};

	(void)state;
	expect("both", both, 2, 2, 0, 0, 0);
	expect("both", both, 2, 0, 0, 2, 0);
	phone_restore_is_identical(phone, "both", both, 2);
}

static void
a_key_with_more_records_than_slots_loses_none(void **state)
{
	enum { MANY = 300 };
	struct phone_record *records = calloc(MANY, sizeof(*records));

	(void)state;
	assert_non_null(records);
	for (size_t i = 0; i < MANY; i++)
		records[i] = (struct phone_record){
		    .key = "", .source = "s", .order = i, .seed = 1000 + i, .size = 20};
	expect("many", records, MANY, MANY, 0, 0, 0);
	expect("many", records, MANY, 0, 0, MANY, 0);
	phone_restore_is_identical(phone, "many", records, MANY);
	free(records);
}

static uint32_t
dice(uint32_t *seed, uint32_t bound)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % bound;
}

/*
 * Random files of records with few keys; then some records are edited in
 * place: exactly those are uploaded, and then nothing.
 */
static void
edits_of_k_records_upload_exactly_k(void **state)
{
	static const char *const keys[] = {"A", "B", "C", "D"};
	static const char *const sources[] = {"x.vcf", "y.vcf"};
	enum { ROUNDS = 60, RECORDS_MAX = 40 };

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct phone_record records[RECORDS_MAX];
		uint32_t seed = 20261121 + round;
		size_t count = 1 + dice(&seed, RECORDS_MAX),
		       split = dice(&seed, (uint32_t)count);
		uint64_t edits = 0;
		char collection[20];

		print_message("round %u\n", round);
		snprintf(collection, sizeof(collection), "random %u", round);
		for (size_t i = 0; i < count; i++)
			records[i] = (struct phone_record){.key = keys[dice(&seed, 4)],
			    .source = sources[i < split ? 0 : 1],
			    .order = i < split ? i : i - split,
			    .seed = 1 + i,
			    .size = 40};
		expect(collection, records, count, count, 0, 0, 0);
		for (unsigned turn = 1; turn <= 3; turn++) {
			edits = 0;
			for (size_t i = 0; i < count; i++)
				if (dice(&seed, 3) == 0) {
					records[i].seed += 1000;
					edits++;
				}
			expect(collection, records, count, 0, edits, count - edits, 0);
			expect(collection, records, count, 0, 0, count, 0);
		}
		phone_restore_is_identical(phone, collection, records, count);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(people_of_one_name_are_all_kept),
	    cmocka_unit_test(an_edit_of_any_of_them_is_one_new_revision),
	    cmocka_unit_test(a_record_that_occurs_twice_is_stored_once),
	    cmocka_unit_test(a_record_that_vanishes_is_kept),
	    cmocka_unit_test(a_uid_finds_its_record_in_another_file),
	    cmocka_unit_test(two_records_of_one_uid_in_one_run_do_not_overwrite_each_other),
	    cmocka_unit_test(a_key_with_more_records_than_slots_loses_none),
	    cmocka_unit_test(edits_of_k_records_upload_exactly_k),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
