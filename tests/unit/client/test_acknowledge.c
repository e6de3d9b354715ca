/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * After a move a device looks for everything that it knew, and signs that it is there; or
 * it signs nothing, and says what is not.
 */
#include <stdio.h>
#include <stdlib.h>

#include <domicile/move.h>

#include "wire/moves.h"

#include "client/client.h"
#include "client/files.h"
#include "facade.h"

static struct dom_move_found found;

/* What this device knows beside what is there. */
static void
know(const char *collection_uid, const char *item, const char *revision)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_collection_row row = {.uid = dom_slice_of(collection_uid),
	    .type = dom_slice("", 0),
	    .name = dom_slice("", 0),
	    .sealed_key = dom_slice("k", 1)};
	int64_t number;

	assert_non_null(arena);
	if (dom_state_collection_find(facade_phone->state, row.uid, arena, &row) == DOM_OK)
		number = row.number;
	else
		assert_int_equal(
		    dom_state_collection_put(facade_phone->state, &row, 0, &number), DOM_OK);
	assert_int_equal(dom_state_item_put(facade_phone->state, number,
	                     &(struct dom_item_row){.uid = dom_slice_of(item),
	                         .etag = dom_slice_of(revision),
	                         .name = dom_slice("", 0),
	                         .source = dom_slice("", 0),
	                         .fingerprint = dom_slice("", 0)}),
	    DOM_OK);
	assert_int_equal(dom_state_commit(facade_phone->state), DOM_OK);
	dom_arena_free(&arena);
}

static void
things_uid(char uid_r[DOM_UID_SIZE_MAX + 1])
{
	struct dom_collection *collection;

	assert_ok(facade_phone, dom_collection_find(facade_phone, "things", &collection));
	memcpy(uid_r, collection->uid, sizeof(collection->uid));
	dom_collection_free(&collection);
}

static void
is_not_signed(const char *why)
{
	assert_int_equal(dom_move_acknowledge(facade_phone, &found), DOM_EINTEGRITY);
	if (strstr(dom_session_error(facade_phone), why) == NULL)
		fail_msg("\"%s\" is not in: %s", why, dom_session_error(facade_phone));
	assert_int_equal(facades[FACADE_IN].acknowledged, 0);
	assert_true(dom_move_pending(facade_phone));
}

static void
what_is_all_there_is_acknowledged_once(void **state)
{
	struct dom_move_certificate certificate;

	(void)state;
	assert_false(dom_move_pending(facade_phone));
	assert_int_equal(dom_move_acknowledge(facade_phone, &found), DOM_ABSENT);
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	assert_ok(facade_phone, dom_sync(facade_phone));
	assert_true(dom_move_pending(facade_phone));
	dom_session_close(&facade_phone);
	facade_phone = facade_open("phone");
	assert_true(dom_move_pending(facade_phone));
	assert_ok(facade_phone, dom_move_acknowledge(facade_phone, &found));
	assert_int_equal(found.revisions, FACADE_RECORDS);
	assert_int_equal(found.lost, 0);
	assert_int_equal(found.epoch, 2);
	assert_string_equal(found.source, "sg");
	assert_string_equal(found.target, "in");
	assert_false(found.by_another);
	assert_int_equal(facades[FACADE_IN].acknowledged, 1);
	assert_false(dom_move_pending(facade_phone));
	assert_int_equal(dom_move_acknowledge(facade_phone, &found), DOM_ABSENT);
	/* What it signed is kept, and so is the certificate if it is asked for. */
	assert_int_equal(dom_move_certificate(facade_phone, "01020304050607080910111213141516",
	                     NULL, NULL, &certificate),
	    DOM_EINTEGRITY);
	assert_non_null(strstr(dom_session_error(facade_phone), "of another move"));
}

static void
the_certificate_is_kept_where_it_is_wanted(void **state)
{
	struct dom_move_certificate certificate;
	char folder[300], id[DOM_MOVE_ID_TEXT_SIZE + 1];

	(void)state;
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	assert_ok(facade_phone, dom_sync(facade_phone));
	assert_ok(facade_phone, dom_move_acknowledge(facade_phone, &found));
	memcpy(id, found.id, sizeof(id));
	assert_ok(
	    facade_phone, dom_move_certificate(facade_phone, id, NULL, NULL, &certificate));
	assert_string_equal(certificate.source, "sg");
	assert_string_equal(certificate.target, "in");
	assert_int_equal(certificate.epoch, 2);
	assert_false(certificate.has_ack || certificate.has_erased);
	assert_non_null(strstr(certificate.file, id));
	/* Again: a later one of the same move takes its place. */
	assert_ok(
	    facade_phone, dom_move_certificate(facade_phone, id, NULL, NULL, &certificate));
	snprintf(folder, sizeof(folder), "%s/receipts", region_device("phone"));
	assert_int_equal(dom_file_write(folder, "mine", dom_slice_of("something")), DOM_OK);
	assert_int_equal(
	    dom_move_certificate(facade_phone, id, folder, "mine", &certificate), DOM_EFILE);
	assert_non_null(strstr(dom_session_error(facade_phone), "is there already"));
	facades[FACADE_IN].certificate.data[500] ^= 1;
	assert_int_equal(dom_move_certificate(facade_phone, id, folder, "other", &certificate),
	    DOM_EINTEGRITY);
	assert_false(dom_file_exists(folder, "other"));
	dom_buffer_clear(&facades[FACADE_IN].certificate);
	assert_int_equal(
	    dom_move_certificate(facade_phone, id, folder, "other", &certificate), DOM_ABSENT);
}

static void
a_revision_that_is_not_there_is_missed(void **state)
{
	char things[DOM_UID_SIZE_MAX + 1];

	(void)state;
	things_uid(things);
	know(things, "an-item-that-nobody-has", "AAAAAAAAAAAAAAAAAAAAAA");
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_not_signed("1 of 4 revisions that this device knew are not in region in");
	/* However often it is asked, and whatever the list from the start has made of the
	 * index. */
	assert_int_equal(dom_state_forget_tokens(facade_phone->state), DOM_OK);
	assert_int_equal(dom_state_commit(facade_phone->state), DOM_OK);
	is_not_signed("1 of 4 revisions");
	assert_int_equal(found.lost, 1);
}

/* An item of the collection "things". */
static void
some_item(const char *things, char item_r[DOM_UID_SIZE_MAX + 1])
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_collection_row collection;
	struct dom_state_walk *walk;
	struct dom_item_row row;

	assert_non_null(arena);
	assert_int_equal(dom_state_collection_find(
	                     facade_phone->state, dom_slice_of(things), arena, &collection),
	    DOM_OK);
	assert_int_equal(
	    dom_state_walk_open(facade_phone->state, collection.number, true, &walk), DOM_OK);
	assert_int_equal(dom_state_walk_next(walk, &row), DOM_OK);
	snprintf(item_r, DOM_UID_SIZE_MAX + 1, "%.*s", (int)row.uid.size,
	    (const char *)row.uid.data);
	dom_state_walk_close(&walk);
	dom_arena_free(&arena);
}

/* The region shows an older state of an item than the device has seen. */
static void
an_item_that_went_back_is_missed(void **state)
{
	char things[DOM_UID_SIZE_MAX + 1], item[DOM_UID_SIZE_MAX + 1];

	(void)state;
	things_uid(things);
	some_item(things, item);
	know(things, item, "AAAAAAAAAAAAAAAAAAAAAA");
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_not_signed("1 of 3 revisions");
}

/* What was learned between two moves counts, too, also if nobody looked after the first. */
static void
of_two_moves_the_last_counts(void **state)
{
	char things[DOM_UID_SIZE_MAX + 1], item[DOM_UID_SIZE_MAX + 1];

	(void)state;
	things_uid(things);
	some_item(things, item);
	facade_move_whole(facade_phone, FACADE_SG, FACADE_PT, 2, false);
	assert_ok(facade_phone, dom_sync(facade_phone));
	know(things, item, "AAAAAAAAAAAAAAAAAAAAAA");
	facade_move_whole(facade_phone, FACADE_PT, FACADE_IN, 3, false);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_not_signed("1 of 3 revisions");
	assert_int_equal(found.epoch, 3);
	assert_string_equal(found.source, "pt");
}

/* Another device went on writing: what was known is in the history. */
static void
what_was_changed_since_is_found_in_the_history(void **state)
{
	struct phone_record changed[FACADE_RECORDS];
	struct dom_import_counts counts;
	struct dom_session *other;

	(void)state;
	memcpy(changed, facade_records, sizeof(changed));
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	assert_ok(facade_phone, dom_sync(facade_phone));
	facade_copy_device("model", "other");
	other = facade_open("other");
	for (uint64_t round = 0; round < 3; round++) {
		changed[0].seed += 10;
		changed[1].seed += 10;
		assert_ok(
		    other, phone_backup(other, "things", changed, FACADE_RECORDS, &counts));
		assert_int_equal(counts.records[DOM_RECORD_CHANGED], 2);
	}
	assert_ok(facade_phone, dom_move_acknowledge(facade_phone, &found));
	assert_int_equal(found.revisions, FACADE_RECORDS);
	/* As it was, for the other tests. */
	assert_ok(
	    other, phone_backup(other, "things", facade_records, FACADE_RECORDS, &counts));
	dom_session_close(&other);
}

static void
a_collection_that_is_gone_is_missed_unless_it_was_left(void **state)
{
	(void)state;
	know("a-collection-of-somebody-else", "an-item-that-nobody-has",
	    "AAAAAAAAAAAAAAAAAAAAAA");
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	assert_ok(facade_phone, dom_sync(facade_phone));
	/* As the list says with a note that the membership ended. */
	assert_int_equal(dom_state_collection_remove(facade_phone->state,
	                     dom_slice_of("a-collection-of-somebody-else")),
	    DOM_OK);
	assert_int_equal(dom_state_commit(facade_phone->state), DOM_OK);
	is_not_signed("1 of 4 revisions");
	/* The same move, if the order said to leave what is shared. */
	facade_tear_down(NULL);
	facade_set_up(NULL);
	know("a-collection-of-somebody-else", "an-item-that-nobody-has",
	    "AAAAAAAAAAAAAAAAAAAAAA");
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, true);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_not_signed("1 of 4 revisions"); /* the list does not say that it ended */
	assert_int_equal(dom_state_collection_remove(facade_phone->state,
	                     dom_slice_of("a-collection-of-somebody-else")),
	    DOM_OK);
	assert_int_equal(dom_state_commit(facade_phone->state), DOM_OK);
	assert_ok(facade_phone, dom_move_acknowledge(facade_phone, &found));
	assert_int_equal(found.left, 1);
	assert_int_equal(found.revisions, FACADE_RECORDS);
}

/* The regions agree with each other, but not with what this device was shown. */
static void
another_certificate_than_that_of_the_hand_off_is_refused(void **state)
{
	struct wire_moved moved;
	struct wire_move shown;

	(void)state;
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	shown = facade_handoff(facade_phone, FACADE_SG, FACADE_IN, 2);
	facade_move(FACADE_SG, &shown, facades[FACADE_SG].key);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_not_signed("of another move");
	/* Of the same move, but what it was shown then had another root. */
	facade_tear_down(NULL);
	facade_set_up(NULL);
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	assert_int_equal(
	    wire_moved_decode(dom_buffer_slice(&facades[FACADE_SG].moved), &moved), DOM_OK);
	assert_int_equal(wire_move_decode(moved.handoff.bytes, &shown), DOM_OK);
	shown.source = dom_slice_of("sg");
	shown.target = dom_slice_of("in");
	shown.root[0] ^= 1;
	facade_move(FACADE_SG, &shown, facades[FACADE_SG].key);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_not_signed("not of the hand-off that this device was shown");
}

static void
a_region_without_a_certificate_is_asked_again_later(void **state)
{
	struct dom_buffer kept;

	(void)state;
	facade_move_whole(facade_phone, FACADE_SG, FACADE_IN, 2, false);
	kept = facades[FACADE_IN].certificate;
	facades[FACADE_IN].certificate = (struct dom_buffer){0};
	assert_ok(facade_phone, dom_sync(facade_phone));
	assert_int_equal(dom_move_acknowledge(facade_phone, &found), DOM_ESERVER);
	assert_true(dom_move_pending(facade_phone));
	facades[FACADE_IN].certificate = kept;
	assert_ok(facade_phone, dom_move_acknowledge(facade_phone, &found));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        what_is_all_there_is_acknowledged_once, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_certificate_is_kept_where_it_is_wanted, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_revision_that_is_not_there_is_missed, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_item_that_went_back_is_missed, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        of_two_moves_the_last_counts, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(what_was_changed_since_is_found_in_the_history,
	        facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_collection_that_is_gone_is_missed_unless_it_was_left, facade_set_up,
	        facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        another_certificate_than_that_of_the_hand_off_is_refused, facade_set_up,
	        facade_tear_down),
	    cmocka_unit_test_setup_teardown(a_region_without_a_certificate_is_asked_again_later,
	        facade_set_up, facade_tear_down),
	};

	return cmocka_run_group_tests(tests, facade_set_up_once, facade_tear_down_once);
}
