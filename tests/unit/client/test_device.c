/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a device keeps, on a disk that loses what was not synced, and one that fails: who was
 * told that it is logged in finds it so, who logged out finds nothing, and a move that was
 * followed halfway is followed to its end.
 */
#include "crypto/region.h"

#include "client/client.h"
#include "facade.h"
#include "sim/disk.h"
#include "sim/vfs.h"

enum { PLACES_MAX = 400 };

static struct sim_disk *model, *disk;

static struct dom_session_options
options_of(const char *folder)
{
	return (struct dom_session_options){.state_folder = folder,
	    .server_url = facades[FACADE_SG].url,
	    .device = "phone",
	    .connect = facade_connect};
}

static enum dom_status
start(struct dom_session **session_r, struct dom_complaint *complaint_r)
{
	const struct dom_session_options options = options_of(SIM_DISK_ROOT "phone/state");

	return dom_session_open(&options, session_r, complaint_r);
}

static struct dom_session *
must_start(void)
{
	struct dom_complaint complaint = {""};
	struct dom_session *session;

	if (start(&session, &complaint) != DOM_OK)
		fail_msg("%s", complaint.text);
	return session;
}

static void
is_out(void)
{
	struct dom_complaint complaint = {""};
	struct dom_session *session = NULL;

	assert_int_equal(start(&session, &complaint), DOM_ABSENT);
}

static void
power_cut(void)
{
	struct sim_random random;

	sim_random_seed(&random, 1);
	sim_disk_crash(disk, SIM_CRASH_LOSE, &random);
}

static int
set_up_once(void **state)
{
	const struct dom_session_options options = options_of(SIM_DISK_ROOT "model/state");
	struct dom_complaint complaint = {""};
	struct dom_session *session;
	struct sim_random random;

	(void)state;
	sim_vfs_install();
	facade_start();
	model = sim_disk_new("model", 1);
	if (dom_signup(&options, &phone_credentials, &session, &complaint) != DOM_OK)
		fail_msg("%s", complaint.text);
	dom_session_close(&session);
	/* All that follows begins with what a power cut leaves of that. */
	sim_random_seed(&random, 1);
	sim_disk_crash(model, SIM_CRASH_LOSE, &random);
	return 0;
}

static int
tear_down_once(void **state)
{
	(void)state;
	sim_disk_free(&model);
	facade_stop();
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	facade_reset();
	disk = sim_disk_new("phone", 2);
	sim_disk_copy(model, disk);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_disk_free(&disk);
	return 0;
}

static void
a_log_in_outlasts_a_power_cut(void **state)
{
	struct dom_session *session;

	(void)state;
	session = must_start();
	assert_string_equal(dom_session_username(session), "ana");
	dom_session_close(&session);
}

/* Two names are made on the way, and whoever is refused tries again. */
static void
a_log_in_after_one_that_failed_outlasts_a_power_cut(void **state)
{
	const struct dom_session_options options = options_of(SIM_DISK_ROOT "phone/new/state");

	(void)state;
	/* The syncs of the two names. */
	for (unsigned at = 1; at <= 2; at++) {
		struct dom_complaint complaint = {""};
		struct dom_session *session = NULL;

		sim_disk_fail(disk, SIM_FAULT_SYNC, at, false);
		if (dom_login(&options, &phone_credentials, &session, &complaint) != DOM_OK &&
		    dom_login(&options, &phone_credentials, &session, &complaint) != DOM_OK)
			fail_msg("%s", complaint.text);
		assert_int_not_equal(sim_disk_struck(disk), 0);
		sim_disk_heal(disk);
		dom_session_close(&session);
		power_cut();
		if (dom_session_open(&options, &session, &complaint) != DOM_OK)
			fail_msg("sync %u: %s", at, complaint.text);
		dom_session_close(&session);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void
a_log_out_outlasts_a_power_cut(void **state)
{
	struct dom_complaint complaint = {""};

	(void)state;
	assert_int_equal(dom_session_forget(SIM_DISK_ROOT "phone/state", &complaint), DOM_OK);
	power_cut();
	is_out();
}

/* How many places told of the failure. */
static unsigned
log_out_everywhere(bool stays)
{
	unsigned told = 0;

	for (unsigned at = 1; at < PLACES_MAX; at++) {
		struct dom_complaint complaint = {""};
		enum dom_status st;
		bool was_struck;

		sim_disk_fail(disk, SIM_FAULT_EIO, at, stays);
		st = dom_session_forget(SIM_DISK_ROOT "phone/state", &complaint);
		was_struck = sim_disk_struck(disk) != 0;
		sim_disk_heal(disk);
		if (st == DOM_OK) {
			is_out();
		} else {
			assert_int_equal(st, DOM_EFILE);
			assert_true(complaint.text[0] != '\0');
			told++;
		}
		tear_down(NULL);
		set_up(NULL);
		if (!was_struck)
			return told;
	}
	fail_msg("it never ends");
	return 0;
}

static void
a_log_out_whose_files_stay_says_so(void **state)
{
	(void)state;
	/* The lock, and the two files that log in. */
	assert_true(log_out_everywhere(false) >= 3);
	assert_true(log_out_everywhere(true) >= 3);
}

static void
a_folder_that_cannot_be_looked_at_is_not_logged_out(void **state)
{
	unsigned at;

	(void)state;
	for (at = 1; at < PLACES_MAX; at++) {
		struct dom_complaint complaint = {""};
		struct dom_session *session = NULL;
		enum dom_status st;

		sim_disk_fail(disk, SIM_FAULT_EIO, at, false);
		st = start(&session, &complaint);
		dom_session_close(&session);
		assert_true(st <= DOM_OK);
		if (sim_disk_struck(disk) == 0)
			break;
		sim_disk_heal(disk);
		session = must_start();
		dom_session_close(&session);
	}
	assert_true(at > 4 && at < PLACES_MAX);
}

static void
is_in(struct dom_session *session)
{
	uint8_t pinned[DOM_PUBLIC_KEY_SIZE], public_key[DOM_PUBLIC_KEY_SIZE];

	assert_string_equal(dom_session_address(session), "ana@in");
	assert_int_equal(dom_region_key(session, pinned), DOM_OK);
	dom_region_sign_public(facades[FACADE_IN].key, public_key);
	assert_memory_equal(pinned, public_key, sizeof(pinned));
}

static void
a_move_is_followed_whenever_the_machine_stops(void **state)
{
	unsigned at;

	(void)state;
	for (at = 1; at < PLACES_MAX; at++) {
		struct dom_session *session = must_start();
		struct wire_move handoff = facade_handoff(session, FACADE_SG, FACADE_IN, 2);
		enum dom_status st;
		bool was_stopped;

		facade_move(FACADE_SG, &handoff, facades[FACADE_SG].key);
		sim_disk_fail(disk, SIM_FAULT_STOPPED_AFTER, at, false);
		st = dom_sync(session);
		was_stopped = sim_disk_is_stopped(disk);
		assert_true(was_stopped || st == DOM_OK);
		dom_session_close(&session);
		if (!was_stopped)
			sim_disk_heal(disk);
		power_cut();
		session = must_start();
		assert_ok(session, dom_sync(session));
		is_in(session);
		dom_session_close(&session);
		session = must_start();
		is_in(session);
		dom_session_close(&session);
		tear_down(NULL);
		set_up(NULL);
		if (!was_stopped)
			break;
	}
	print_message("%u places to stop at\n", at - 1);
	assert_true(at > 10 && at < PLACES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_log_in_outlasts_a_power_cut, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_log_in_after_one_that_failed_outlasts_a_power_cut, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_log_out_outlasts_a_power_cut, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_log_out_whose_files_stay_says_so, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_folder_that_cannot_be_looked_at_is_not_logged_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_move_is_followed_whenever_the_machine_stops, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, set_up_once, tear_down_once);
}
