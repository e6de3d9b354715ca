/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A device whose account has moved to another region: it goes on there, with its tokens,
 * in the middle of whatever it does; and what is not proven is not believed.
 */
#include <stdio.h>
#include <stdlib.h>

#include <domicile/move.h>

#include "crypto/region.h"

#include "wire/etebase.h"

#include "client/client.h"
#include "client/files.h"
#include "facade.h"

static void
move_to_in(uint64_t epoch)
{
	struct wire_move handoff = facade_handoff(facade_phone, FACADE_SG, FACADE_IN, epoch);

	facade_move(FACADE_SG, &handoff, facades[FACADE_SG].key);
}

static void
reopen(void)
{
	dom_session_close(&facade_phone);
	facade_phone = facade_open("phone");
}

static void
is_in(enum facade_name name)
{
	uint8_t pinned[32], public_key[32];
	const char *region;

	assert_ok(facade_phone, dom_session_region(facade_phone, &region));
	assert_string_equal(region, facades[name].name);
	assert_int_equal(strncmp(dom_session_server(facade_phone), facades[name].url,
	                     strlen(facades[name].url)),
	    0);
	assert_ok(facade_phone, dom_region_key(facade_phone, pinned));
	dom_region_sign_public(facades[name].key, public_key);
	assert_memory_equal(pinned, public_key, sizeof(pinned));
}

static void
it_goes_on_in_the_new_region_with_its_tokens(void **state)
{
	unsigned asked;

	(void)state;
	assert_string_equal(dom_session_address(facade_phone), "ana@sg");
	is_in(FACADE_SG);
	move_to_in(2);
	region_link.lists = 0;
	assert_ok(facade_phone, dom_sync(facade_phone));
	assert_int_equal(region_link.lists, 1);
	assert_int_equal(facades[FACADE_IN].carried, 1);
	assert_string_equal(dom_session_address(facade_phone), "ana@in");
	is_in(FACADE_IN);
	/* From now on the old region is not asked any more, in another run neither. */
	asked = facades[FACADE_SG].asked;
	reopen();
	is_in(FACADE_IN);
	assert_ok(facade_phone, dom_sync(facade_phone));
	assert_int_equal(region_link.lists, 2);
	assert_int_equal(facades[FACADE_SG].asked, asked);
	phone_restore_is_identical(facade_phone, "things", facade_records, FACADE_RECORDS);
}

static void
it_follows_through_several_regions(void **state)
{
	struct wire_move second = facade_handoff(facade_phone, FACADE_PT, FACADE_IN, 3),
	                 first = facade_handoff(facade_phone, FACADE_SG, FACADE_PT, 2);

	(void)state;
	facade_move(FACADE_SG, &first, facades[FACADE_SG].key);
	facade_move(FACADE_PT, &second, facades[FACADE_PT].key);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_in(FACADE_IN);
	assert_int_equal(facades[FACADE_PT].carried, 1);
	assert_int_equal(facades[FACADE_IN].carried, 1);
	/* And back, one after the other. */
	facades[FACADE_SG].has_moved = false;
	second = facade_handoff(facade_phone, FACADE_IN, FACADE_SG, 4);
	facade_move(FACADE_IN, &second, facades[FACADE_IN].key);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_in(FACADE_SG);
	reopen();
	is_in(FACADE_SG);
}

/* What it knew, byte for byte. */
static void
take_files(struct dom_buffer *files)
{
	static const char *const names[] = {"session", "region.pub", "storage.key"};

	dom_buffer_clear(files);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(
		    dom_file_read(region_device("phone"), names[i], 1 << 20, files), DOM_OK);
}

/* It says why, changes nothing, and goes on when the region tells the truth again. */
static void
is_refused(const char *why)
{
	struct dom_buffer before = {0}, after = {0};

	take_files(&before);
	assert_int_equal(dom_sync(facade_phone), DOM_EINTEGRITY);
	if (strstr(dom_session_error(facade_phone), why) == NULL)
		fail_msg("\"%s\" is not in: %s", why, dom_session_error(facade_phone));
	take_files(&after);
	assert_true(dom_slice_equal(dom_buffer_slice(&before), dom_buffer_slice(&after)));
	is_in(FACADE_SG);
	for (int i = 0; i < FACADE_COUNT; i++)
		facades[i].has_moved = false;
	assert_ok(facade_phone, dom_sync(facade_phone));
	assert_false(dom_move_pending(facade_phone));
	reopen();
	is_in(FACADE_SG);
	dom_buffer_free(&before);
	dom_buffer_free(&after);
}

static void
what_is_not_proven_is_refused(void **state)
{
	const struct dom_region_key *sg = facades[FACADE_SG].key, *in = facades[FACADE_IN].key;
	struct wire_move handoff = facade_handoff(facade_phone, FACADE_SG, FACADE_IN, 2), wrong;

	(void)state;
	facade_move(FACADE_SG, &handoff, in);
	is_refused("not signed by the region that had it");
	wrong = handoff;
	wrong.account[0] ^= 1;
	facade_move(FACADE_SG, &wrong, sg);
	is_refused("of another account");
	wrong = handoff;
	wrong.kind = WIRE_MOVE_ACTIVE;
	facade_move(FACADE_SG, &wrong, sg);
	is_refused("shows no hand-off");
	wrong = facade_handoff(facade_phone, FACADE_PT, FACADE_IN, 2);
	facade_move(FACADE_SG, &wrong, facades[FACADE_PT].key);
	is_refused("of another region");
	wrong = handoff;
	wrong.target = dom_slice_of("elsewhere");
	facade_move(FACADE_SG, &wrong, sg);
	is_refused("not in the group");
	facade_move(FACADE_SG, &handoff, sg);
	facades[FACADE_SG].moved.data[facades[FACADE_SG].moved.size / 2] ^= 0x40;
	is_refused("does not prove it");
	facade_move(FACADE_SG, &handoff, sg);
	dom_buffer_clear(&facades[FACADE_SG].moved);
	wire_error_encode(&facades[FACADE_SG].moved,
	    &(struct wire_error){.code = dom_slice_of("account_moved"),
	        .detail = dom_slice_of("Go somewhere else."),
	        .is_simple = true});
	is_refused("cannot be read");
	assert_int_equal(facades[FACADE_IN].carried, 0);
}

/* A region that shows what it signed when the account left it the first time. */
static void
an_earlier_hand_off_does_not_count_again(void **state)
{
	struct wire_move back;

	(void)state;
	move_to_in(2);
	assert_ok(facade_phone, dom_sync(facade_phone));
	facades[FACADE_SG].has_moved = false;
	back = facade_handoff(facade_phone, FACADE_IN, FACADE_SG, 3);
	facade_move(FACADE_IN, &back, facades[FACADE_IN].key);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_in(FACADE_SG);
	assert_true(dom_move_pending(facade_phone));
	facades[FACADE_IN].has_moved = false;
	facades[FACADE_SG].has_moved = true;
	assert_int_equal(dom_sync(facade_phone), DOM_EINTEGRITY);
	assert_non_null(strstr(dom_session_error(facade_phone), "from an earlier move"));
	is_in(FACADE_SG);
}

/* Two regions that send it back and forth, and sign whatever it takes. */
static void
nobody_is_sent_around_for_ever(void **state)
{
	uint64_t epoch = 2;
	enum dom_status st = DOM_OK;
	unsigned moves = 0;

	(void)state;
	for (; st == DOM_OK && moves < 100; moves++) {
		enum facade_name from = moves % 2 == 0 ? FACADE_SG : FACADE_PT;
		enum facade_name to = moves % 2 == 0 ? FACADE_PT : FACADE_SG;
		struct wire_move handoff = facade_handoff(facade_phone, from, to, epoch++);

		facades[to].has_moved = false;
		facade_move(from, &handoff, facades[from].key);
		st = dom_sync(facade_phone);
	}
	assert_int_equal(st, DOM_EINTEGRITY);
	assert_non_null(strstr(dom_session_error(facade_phone), "again and again"));
	assert_true(moves > 2 && moves < 20);
}

static void
a_region_that_cannot_be_reached_changes_nothing(void **state)
{
	(void)state;
	move_to_in(2);
	facades[FACADE_IN].is_down = true;
	assert_int_equal(dom_sync(facade_phone), DOM_ENETWORK);
	assert_non_null(strstr(dom_session_error(facade_phone),
	    "has moved to region in, which cannot be reached"));
	is_in(FACADE_SG);
	reopen();
	is_in(FACADE_SG);
	facades[FACADE_IN].is_down = false;
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_in(FACADE_IN);
}

/* At the address of the target answers somebody else. */
static void
whoever_answers_there_must_be_the_region(void **state)
{
	const struct dom_region_key *key = facades[FACADE_IN].key;

	(void)state;
	move_to_in(2);
	facades[FACADE_IN].key = facades[FACADE_PT].key;
	assert_int_equal(dom_sync(facade_phone), DOM_EINTEGRITY);
	assert_non_null(
	    strstr(dom_session_error(facade_phone), "does not answer as region in"));
	facades[FACADE_IN].key = (struct dom_region_key *)(uintptr_t)key;
	is_in(FACADE_SG);
}

static void
uploads_under_way_end_in_the_new_region(void **state)
{
	struct phone_record more[40];
	struct dom_import_counts counts;
	char keys[40][8];
	bool done = false;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%u", i);
		more[i] = (struct phone_record){.key = keys[i],
		    .source = "t",
		    .order = i,
		    .seed = 100 + i,
		    .size = i % 3 == 0 ? 150000 : 1000};
	}
	/* At every exchange in turn, until one that does not come any more. */
	for (unsigned at = 1; !done && at < 100; at += 3) {
		struct wire_move handoff =
		    facade_handoff(facade_phone, FACADE_SG, FACADE_IN, 2 * (uint64_t)at);

		facade_move(FACADE_SG, &handoff, facades[FACADE_SG].key);
		facades[FACADE_SG].has_moved = false;
		facades[FACADE_SG].moves_at = at;
		for (unsigned i = 0; i < 40; i++)
			more[i].seed++;
		region_link.shuffle = true;
		assert_ok(facade_phone, phone_backup(facade_phone, "more", more, 40, &counts));
		region_link.shuffle = false;
		assert_int_equal(counts.stored, 40);
		phone_restore_is_identical(facade_phone, "more", more, 40);
		done = facades[FACADE_SG].moves_at > 0;
		is_in(done ? FACADE_SG : FACADE_IN);
		/* Home again, for the next round. */
		handoff =
		    facade_handoff(facade_phone, FACADE_IN, FACADE_SG, 2 * (uint64_t)at + 1);
		facades[FACADE_SG].has_moved = false;
		facade_move(FACADE_IN, &handoff, facades[FACADE_IN].key);
		facade_phone->home = 0;
		assert_ok(facade_phone, dom_sync(facade_phone));
		facades[FACADE_IN].has_moved = false;
		is_in(FACADE_SG);
	}
	assert_true(done);
}

/* The source has erased all but that it knows where the account went. */
static void
who_is_logged_out_there_finds_the_way_too(void **state)
{
	(void)state;
	move_to_in(2);
	facades[FACADE_SG].has_erased = true;
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_in(FACADE_IN);
}

static void
logging_in_at_the_old_region_ends_in_the_new_one(void **state)
{
	struct dom_complaint complaint;
	struct dom_session *tablet;
	struct wire_move forged = facade_handoff(facade_phone, FACADE_SG, FACADE_IN, 2);
	const char *region;

	(void)state;
	move_to_in(2);
	tablet = facade_log_in("tablet", FACADE_SG, &complaint);
	if (tablet == NULL)
		fail_msg("%s", complaint.text);
	assert_ok(tablet, dom_session_region(tablet, &region));
	assert_string_equal(region, "in");
	assert_false(dom_move_pending(tablet));
	assert_ok(tablet, dom_sync(tablet));
	dom_session_close(&tablet);
	/* One of another account is seen when its keys come. */
	forged.account[5] ^= 1;
	facade_move(FACADE_SG, &forged, facades[FACADE_SG].key);
	assert_null(facade_log_in("watch", FACADE_SG, &complaint));
	assert_non_null(strstr(complaint.text, "another account"));
	assert_false(dom_file_exists(region_device("watch"), "session"));
}

/* A stop after each of the four things that change; the first two are one commit each. */
static void
a_stop_on_the_way_is_mended(void **state)
{
	struct dom_buffer old_pin = {0}, old_session = {0};

	(void)state;
	assert_int_equal(
	    dom_file_read(region_device("phone"), "region.pub", 1000, &old_pin), DOM_OK);
	assert_int_equal(
	    dom_file_read(region_device("phone"), "session", 1 << 16, &old_session), DOM_OK);
	move_to_in(2);
	assert_ok(facade_phone, dom_sync(facade_phone));
	/* Before region.pub. */
	assert_int_equal(
	    dom_file_write(region_device("phone"), "region.pub", dom_buffer_slice(&old_pin)),
	    DOM_OK);
	reopen();
	is_in(FACADE_IN);
	/* Before the region's name, too. */
	assert_int_equal(
	    dom_state_set(facade_phone->state, "region", dom_slice_of("sg")), DOM_OK);
	assert_int_equal(dom_state_set(facade_phone->state, "epoch", dom_slice_of("")), DOM_OK);
	assert_int_equal(dom_state_commit(facade_phone->state), DOM_OK);
	assert_int_equal(
	    dom_file_write(region_device("phone"), "region.pub", dom_buffer_slice(&old_pin)),
	    DOM_OK);
	reopen();
	is_in(FACADE_IN);
	/* Before the session: it is as if nothing had been, and is followed again. */
	assert_int_equal(
	    dom_state_set(facade_phone->state, "region", dom_slice_of("sg")), DOM_OK);
	assert_int_equal(dom_state_set(facade_phone->state, "epoch", dom_slice_of("")), DOM_OK);
	assert_int_equal(dom_state_commit(facade_phone->state), DOM_OK);
	dom_session_close(&facade_phone);
	assert_int_equal(
	    dom_file_write(region_device("phone"), "region.pub", dom_buffer_slice(&old_pin)),
	    DOM_OK);
	assert_int_equal(
	    dom_file_write(region_device("phone"), "session", dom_buffer_slice(&old_session)),
	    DOM_OK);
	facade_phone = facade_open("phone");
	is_in(FACADE_SG);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_in(FACADE_IN);
	dom_buffer_free(&old_pin);
	dom_buffer_free(&old_session);
}

static void
the_group_never_goes_back(void **state)
{
	struct dom_where where;

	(void)state;
	assert_ok(facade_phone, dom_where(facade_phone, &where));
	assert_string_equal(where.region, "sg");
	assert_string_equal(where.country, "IN");
	assert_string_equal(where.group, "Our family");
	assert_int_equal(where.group_version, 1);
	assert_int_equal(where.region_count, 2);
	assert_string_equal(where.addresses[0], facades[FACADE_SG].url);
	facade_sign_group(3, false);
	assert_ok(facade_phone, dom_where(facade_phone, &where));
	assert_int_equal(where.group_version, 3);
	facade_sign_group(2, false);
	assert_int_equal(dom_where(facade_phone, &where), DOM_EINTEGRITY);
	assert_non_null(strstr(dom_session_error(facade_phone), "older group file"));
	facade_sign_group(4, true);
	reopen();
	assert_int_equal(dom_where(facade_phone, &where), DOM_EINTEGRITY);
	assert_non_null(strstr(dom_session_error(facade_phone), "another group of regions"));
	/* What this device knows serves it, whatever is shown now. */
	move_to_in(2);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_in(FACADE_IN);
}

/* One that logged in before the region belonged to a group, or is without its file. */
static void
the_group_is_met_on_the_way_if_it_must_be(void **state)
{
	(void)state;
	dom_session_close(&facade_phone);
	dom_file_remove(region_device("phone"), "group");
	facade_phone = facade_open("phone");
	move_to_in(2);
	assert_ok(facade_phone, dom_sync(facade_phone));
	is_in(FACADE_IN);
}

/* Nor is a group believed that gives the account's own region another key. */
static void
a_group_that_contradicts_the_pinned_key_is_refused(void **state)
{
	struct dom_region_key *sg = facades[FACADE_SG].key;
	struct dom_where where;

	(void)state;
	dom_session_close(&facade_phone);
	dom_file_remove(region_device("phone"), "group");
	facade_phone = facade_open("phone");
	facades[FACADE_SG].key = facades[FACADE_PT].key;
	facades[FACADE_PT].key = sg;
	facade_sign_group(1, false);
	assert_int_equal(dom_where(facade_phone, &where), DOM_EINTEGRITY);
	assert_non_null(
	    strstr(dom_session_error(facade_phone), "with the key that this device knows"));
	move_to_in(2);
	assert_int_equal(dom_sync(facade_phone), DOM_EINTEGRITY);
	facades[FACADE_PT].key = facades[FACADE_SG].key;
	facades[FACADE_SG].key = sg;
	is_in(FACADE_SG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        it_goes_on_in_the_new_region_with_its_tokens, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        it_follows_through_several_regions, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        what_is_not_proven_is_refused, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_earlier_hand_off_does_not_count_again, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        nobody_is_sent_around_for_ever, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(a_region_that_cannot_be_reached_changes_nothing,
	        facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        whoever_answers_there_must_be_the_region, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        uploads_under_way_end_in_the_new_region, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        who_is_logged_out_there_finds_the_way_too, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(logging_in_at_the_old_region_ends_in_the_new_one,
	        facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_stop_on_the_way_is_mended, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_group_never_goes_back, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_group_is_met_on_the_way_if_it_must_be, facade_set_up, facade_tear_down),
	    cmocka_unit_test_setup_teardown(a_group_that_contradicts_the_pinned_key_is_refused,
	        facade_set_up, facade_tear_down),
	};

	return cmocka_run_group_tests(tests, facade_set_up_once, facade_tear_down_once);
}
