/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From an export to the region and back, against a whole region in this process. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/digest.h"

#include "client/client.h"
#include "phone.h"

static struct dom_session *phone;

static int
set_up(void **state)
{
	(void)state;
	region_start();
	phone = phone_sign_up("phone");
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

static const struct phone_record every_size[] = {
    {.key = "empty", .source = "a", .order = 0, .seed = 1, .size = 0},
    {.key = "short", .name = "a name", .source = "a", .order = 1, .seed = 2, .size = 11},
    {.key = "one chunk", .source = "a", .order = 2, .seed = 3, .size = 16384},
    {.key = "two chunks", .source = "a", .order = 3, .seed = 4, .size = 16385},
    {.key = "inline", .source = "a", .order = 4, .seed = 5, .size = 60 << 10},
    {.key = "ahead", .source = "b", .order = 0, .seed = 6, .size = (60 << 10) + 1},
    {.key = "one piece", .source = "b", .order = 1, .seed = 7, .size = 262144},
    {.key = "large", .source = "b", .order = 2, .seed = 8, .size = 5 << 20},
    {.key = "larger than the window", .source = "b", .order = 3, .seed = 9, .size = 20 << 20},
    {.key = "zeros", .source = "b", .order = 4, .seed = 0, .size = 200000},
    {.key = "many equal chunks", .source = "b", .order = 5, .seed = 0, .size = 9 << 20},
};
enum { EVERY_SIZE = sizeof(every_size) / sizeof(every_size[0]) };

static void
nothing_is_stored_while_the_service_is_off(void **state)
{
	struct dom_import_counts counts;

	(void)state;
	assert_int_equal(
	    phone_backup(phone, "sizes", every_size, EVERY_SIZE, &counts), DOM_ECONSENT);
	assert_non_null(strstr(dom_session_error(phone), "off"));
	phone_turn_on(phone);
}

static void
contents_of_every_size_come_back_identical(void **state)
{
	struct dom_import_counts counts;

	(void)state;
	assert_ok(phone, phone_backup(phone, "sizes", every_size, EVERY_SIZE, &counts));
	assert_int_equal(counts.records[DOM_RECORD_NEW], EVERY_SIZE);
	assert_int_equal(counts.stored, EVERY_SIZE);
	phone_restore_is_identical(phone, "sizes", every_size, EVERY_SIZE);
}

static void
another_device_gets_them_too(void **state)
{
	struct dom_session *other = phone_log_in("other");

	(void)state;
	phone_restore_is_identical(other, "sizes", every_size, EVERY_SIZE);
	region_link.shuffle = true;
	phone_restore_is_identical(other, "sizes", every_size, EVERY_SIZE);
	region_link.shuffle = false;
	dom_session_close(&other);
}

static void
equal_pieces_are_sent_once(void **state)
{
	static const struct phone_record record = {
	    .key = "zeros", .source = "z", .seed = 0, .size = 40 << 20};
	struct dom_import_counts counts;
	unsigned before = region_link.chunk_puts;

	(void)state;
	assert_ok(phone, phone_backup(phone, "zeros", &record, 1, &counts));
	assert_true(region_link.chunk_puts - before <= 4);
	phone_restore_is_identical(phone, "zeros", &record, 1);
}

static void
the_same_again_costs_one_request(void **state)
{
	struct dom_import_counts counts;
	unsigned before = region_link.exchanges;

	(void)state;
	assert_ok(phone, phone_backup(phone, "sizes", every_size, EVERY_SIZE, &counts));
	assert_int_equal(counts.records[DOM_RECORD_SAME], EVERY_SIZE);
	assert_int_equal(counts.stored, 0);
	assert_int_equal(region_link.exchanges - before, 1);
	/* Also from what the files say alone. */
	dom_session_close(&phone);
	phone = phone_open("phone");
	before = region_link.exchanges;
	assert_ok(phone, phone_backup(phone, "sizes", every_size, EVERY_SIZE, &counts));
	assert_int_equal(region_link.exchanges - before, 1);
}

static void
a_server_without_positions_costs_more_requests_but_nothing_is_sent_twice(void **state)
{
	static const struct phone_record records[] = {
	    {.key = "1", .source = "s", .order = 0, .seed = 21, .size = 100},
	    {.key = "2", .source = "s", .order = 1, .seed = 22, .size = 300000},
	};
	struct dom_import_counts counts;
	unsigned before;

	(void)state;
	region_link.without_positions = true;
	assert_ok(phone, phone_backup(phone, "plain", records, 2, &counts));
	before = region_link.batches + region_link.chunk_puts;
	assert_ok(phone, phone_backup(phone, "plain", records, 2, &counts));
	assert_int_equal(counts.records[DOM_RECORD_SAME], 2);
	assert_int_equal(region_link.batches + region_link.chunk_puts, before);
	before = region_link.exchanges;
	assert_ok(phone, phone_backup(phone, "plain", records, 2, &counts));
	assert_int_equal(region_link.exchanges - before, 1);
	region_link.without_positions = false;
	assert_ok(phone, dom_sync(phone));
}

static void
an_edited_large_file_sends_only_the_pieces_that_changed(void **state)
{
	struct phone_record record = {
	    .key = "video", .source = "v", .seed = 31, .size = 8 << 20};
	struct dom_import_counts counts;
	unsigned before;

	(void)state;
	assert_ok(phone, phone_backup(phone, "video", &record, 1, &counts));
	/* The same stream, longer at its end. */
	record.size += 100;
	before = region_link.chunk_puts;
	assert_ok(phone, phone_backup(phone, "video", &record, 1, &counts));
	assert_int_equal(counts.records[DOM_RECORD_CHANGED], 1);
	assert_true(region_link.chunk_puts - before <= 3);
	phone_restore_is_identical(phone, "video", &record, 1);
}

struct lie {
	unsigned calls;
};

static enum dom_status
read_less(void *context, enum dom_status (*take)(void *take_context, struct dom_slice bytes),
    void *take_context)
{
	struct lie *lie = context;

	lie->calls++;
	return take(take_context, dom_slice_of("short"));
}

static void
a_file_that_changes_while_it_is_read_is_not_stored(void **state)
{
	static const struct phone_record good = {
	    .key = "good", .source = "f", .seed = 41, .size = 10};
	struct dom_collection *collection;
	struct dom_import *import;
	struct dom_import_counts counts;
	enum dom_record_outcome outcome;
	struct lie lie = {0};

	(void)state;
	assert_ok(phone, phone_backup(phone, "lies", &good, 1, &counts));
	assert_ok(phone, dom_collection_find(phone, "lies", &collection));
	assert_ok(phone, dom_import_begin(collection, &import));
	for (unsigned i = 0; i < 2; i++) {
		const struct dom_record record = {.key = dom_slice_of(i == 0 ? "s" : "l"),
		    .size = i == 0 ? 6 : 1 << 20,
		    .read = read_less,
		    .context = &lie};

		assert_int_equal(dom_import_put(import, &record, &outcome), DOM_EINTEGRITY);
	}
	assert_int_equal(lie.calls, 2);
	assert_ok(phone, dom_import_finish(import, &counts));
	assert_int_equal(counts.stored, 0);
	dom_import_free(&import);
	dom_collection_free(&collection);
	phone_restore_is_identical(phone, "lies", &good, 1);
}

static void
every_chunk_and_revision_is_verified(void **state)
{
	struct dom_verify_counts counts;
	const struct dom_verify_sink sink = {0};
	struct dom_collection *collection;

	(void)state;
	assert_ok(phone, dom_collection_find(phone, "sizes", &collection));
	assert_ok(phone, dom_collection_verify(collection, &sink, &counts));
	assert_int_equal(counts.items, EVERY_SIZE);
	assert_int_equal(counts.revisions, EVERY_SIZE);
	assert_int_equal(counts.bad, 0);
	assert_true(counts.chunks > 30);
	region_damages_chunks = true;
	assert_ok(phone, dom_collection_verify(collection, &sink, &counts));
	region_damages_chunks = false;
	/* The six that are not inline. */
	assert_int_equal(counts.items, EVERY_SIZE);
	assert_int_equal(counts.bad, 3);
	dom_collection_free(&collection);
}

struct ends {
	unsigned good, bad;
};

static enum dom_status
ends_begin(void *context, const struct dom_item_info *info)
{
	(void)context, (void)info;
	return DOM_OK;
}

static enum dom_status
ends_data(void *context, struct dom_slice bytes)
{
	(void)context, (void)bytes;
	return DOM_OK;
}

static enum dom_status
ends_end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	struct ends *ends = context;

	(void)info;
	ends->good += status == DOM_OK;
	ends->bad += status == DOM_EINTEGRITY;
	return DOM_OK;
}

static void
a_damaged_chunk_spoils_its_item_and_no_other(void **state)
{
	struct ends ends = {0};
	const struct dom_fetch_sink sink = {
	    .begin = ends_begin, .data = ends_data, .end = ends_end, .context = &ends};
	struct dom_collection *collection;

	(void)state;
	assert_ok(phone, dom_collection_find(phone, "sizes", &collection));
	region_damages_chunks = true;
	assert_ok(phone, dom_collection_fetch(collection, &sink));
	region_damages_chunks = false;
	assert_int_equal(ends.good + ends.bad, EVERY_SIZE);
	assert_int_equal(ends.bad, 3);
	dom_collection_free(&collection);
}

static void
an_item_that_another_device_deleted_is_not_restored_and_comes_back_when_imported(void **state)
{
	static const struct phone_record records[] = {
	    {.key = "keep", .source = "d", .order = 0, .seed = 51, .size = 100},
	    {.key = "drop", .source = "d", .order = 1, .seed = 52, .size = 100},
	};
	struct dom_session *other = phone_log_in("deleter");
	struct dom_import_counts counts;
	struct dom_collection *collection;
	struct dom_item_new tomb = {.deleted = true};
	char uid[33], name[33];
	const char drop[] = "drop\0\0\0\0";

	(void)state;
	assert_ok(phone, phone_backup(phone, "deleting", records, 2, &counts));
	assert_ok(other, dom_sync(other));
	assert_ok(other, dom_collection_find(other, "deleting", &collection));
	/* The uid of the record's first slot, the way the import makes it. */
	dom_collection_record_uid(collection->key, dom_slice(drop, 4 + 1 + 4), name);
	tomb.uid = name;
	assert_ok(other, dom_item_put(collection, &tomb, uid));
	dom_collection_free(&collection);
	phone_restore_is_identical(phone, "deleting", records, 1);
	assert_ok(phone, phone_backup(phone, "deleting", records, 2, &counts));
	assert_int_equal(counts.records[DOM_RECORD_SAME], 1);
	assert_int_equal(counts.records[DOM_RECORD_NEW], 1);
	phone_restore_is_identical(other, "deleting", records, 2);
	dom_session_close(&other);
}

static void
two_devices_that_import_the_same_share_the_items(void **state)
{
	static const struct phone_record records[] = {
	    {.key = "1", .source = "s", .order = 0, .seed = 61, .size = 100},
	    {.key = "2", .source = "s", .order = 1, .seed = 62, .size = 70000},
	};
	struct dom_session *other = phone_log_in("second");
	struct dom_import_counts counts;

	(void)state;
	/* Both saw an account without this collection. */
	assert_ok(other, dom_sync(other));
	assert_ok(phone, phone_backup(phone, "both", records, 2, &counts));
	assert_ok(other, phone_import(other, "both", records, 2, &counts));
	assert_int_equal(counts.records[DOM_RECORD_SAME], 2);
	phone_restore_is_identical(phone, "both", records, 2);
	phone_restore_is_identical(other, "both", records, 2);
	dom_session_close(&other);
}

static void
withdrawn_consent_refuses_the_next_byte_and_keeps_what_is_stored(void **state)
{
	static const struct phone_record more = {
	    .key = "more", .source = "w", .seed = 71, .size = 70000};
	struct dom_import_counts counts;
	struct dom_consent_state *states;
	size_t count;

	(void)state;
	assert_ok(phone, dom_consents(phone, &states, &count));
	assert_int_equal(count, 1);
	assert_string_equal(states[0].service, "any");
	free(states);
	assert_ok(phone, dom_consent_withdraw(phone, "any", DOM_KEEP, NULL));
	assert_int_equal(dom_consent_withdraw(phone, "any", DOM_KEEP, NULL), DOM_ABSENT);
	assert_int_equal(phone_backup(phone, "sizes", &more, 1, &counts), DOM_ECONSENT);
	phone_restore_is_identical(phone, "sizes", every_size, EVERY_SIZE);
	phone_turn_on(phone);
	assert_ok(phone, phone_backup(phone, "late", &more, 1, &counts));
}

static void
a_region_restored_from_a_backup_is_listed_anew_and_gets_what_it_lost(void **state)
{
	static const struct phone_record records[] = {
	    {.key = "still there", .source = "r", .order = 0, .seed = 91, .size = 100},
	    {.key = "lost", .source = "r", .order = 1, .seed = 92, .size = 100},
	};
	struct dom_import_counts counts;
	struct dom_collection *collection;
	struct dom_item_row lost;
	char uid[33], fingerprint[33];
	const char name[] = "lost\0\0\0\0";
	uint8_t *content = phone_content(&records[1]), digest[32];

	(void)state;
	assert_ok(phone, phone_backup(phone, "restored", records, 1, &counts));
	assert_ok(phone, dom_collection_find(phone, "restored", &collection));
	/* As if the second had been there too, and tokens of a later time. */
	dom_collection_record_uid(collection->key, dom_slice(name, 4 + 1 + 4), uid);
	assert_int_equal(dom_sha256(dom_slice(content, 100), digest), DOM_OK);
	free(content);
	dom_collection_fingerprint(collection, digest, fingerprint);
	lost = (struct dom_item_row){.uid = dom_slice_of(uid),
	    .etag = dom_slice_of("etag"),
	    .fingerprint = dom_slice_of(fingerprint)};
	assert_int_equal(dom_state_item_put(phone->state, collection->number, &lost), DOM_OK);
	assert_int_equal(
	    dom_state_set(phone->state, "token", dom_slice_of("from-the-future")), DOM_OK);
	assert_int_equal(dom_state_commit(phone->state), DOM_OK);
	dom_collection_free(&collection);
	assert_ok(phone, phone_backup(phone, "restored", records, 2, &counts));
	assert_int_equal(counts.records[DOM_RECORD_SAME], 1);
	assert_int_equal(counts.records[DOM_RECORD_NEW], 1);
	phone_restore_is_identical(phone, "restored", records, 2);
}

static void
devices_are_listed_and_revoked(void **state)
{
	struct dom_session *other = phone_log_in("to revoke");
	struct dom_device *devices;
	size_t count;
	unsigned seen = 0;

	(void)state;
	assert_ok(phone, dom_devices(phone, &devices, &count));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(devices[i].name, "to revoke") == 0) {
			assert_false(devices[i].is_this);
			assert_ok(phone, dom_device_revoke(phone, devices[i].id));
			seen++;
		}
		if (devices[i].is_this)
			assert_string_equal(devices[i].name, "phone");
	}
	free(devices);
	assert_int_equal(seen, 1);
	assert_int_equal(dom_device_revoke(phone, "AAAAAAAAAAAAAAAAAAAAAA"), DOM_ABSENT);
	/* It has its main key and logs in again by itself. */
	assert_ok(other, dom_sync(other));
	dom_session_close(&other);
}

static void
an_expired_session_is_renewed_without_a_password(void **state)
{
	static const struct phone_record record = {
	    .key = "after", .source = "x", .seed = 81, .size = 100000};
	struct dom_import_counts counts;

	(void)state;
	region_advance_ms(40LL * 24 * 3600 * 1000);
	assert_ok(phone, phone_backup(phone, "renewed", &record, 1, &counts));
	dom_session_close(&phone);
	phone = phone_open("phone");
	phone_restore_is_identical(phone, "renewed", &record, 1);
}

static void
one_folder_has_one_session_at_a_time(void **state)
{
	struct dom_session_options options = {
	    .state_folder = region_device("phone"), .transport = region_connect()};
	struct dom_complaint complaint = {""};
	struct dom_session *second;

	(void)state;
	assert_int_equal(dom_session_open(&options, &second, &complaint), DOM_CONFLICT);
	assert_null(second);
	assert_non_null(strstr(complaint.text, "at the moment"));
	options.state_folder = region_device("nobody");
	options.transport = region_connect();
	assert_int_equal(dom_session_open(&options, &second, &complaint), DOM_ABSENT);
}

static void
files_are_the_owners_only_and_hold_no_password_or_content(void **state)
{
	static const char *const names[] = {"session", "storage.key", "state.db"};
	char path[300];
	struct stat status;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", region_device("phone"), names[i]);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
	}
	assert_int_equal(stat(region_device("phone"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

static void
logging_out_removes_the_files_whatever_the_server_says(void **state)
{
	struct dom_session *gone = phone_log_in("gone");
	struct dom_complaint complaint = {""};
	struct stat status;

	(void)state;
	region_link.fault = REGION_LOSE_REQUEST;
	region_link.fault_at = region_link.exchanges + 1;
	assert_int_equal(dom_logout(&gone, &complaint), DOM_EUNCERTAIN);
	region_link.fault_at = 0;
	assert_null(gone);
	assert_int_not_equal(stat(region_device("gone"), &status), 0);
	gone = phone_log_in("gone");
	assert_int_equal(dom_logout(&gone, &complaint), DOM_OK);
	assert_int_not_equal(stat(region_device("gone"), &status), 0);
}

static void
a_changed_password_logs_in_and_the_old_one_does_not(void **state)
{
	struct dom_session_options options = {.state_folder = region_device("new password"),
	    .server_url = "http://127.0.0.1:8037",
	    .transport = region_connect()};
	const struct dom_slice old = dom_slice_of("correct horse battery");
	const struct dom_slice new = dom_slice_of("another one");
	struct dom_credentials ana = {.username = "ana", .password = old};
	struct dom_complaint complaint = {""};
	struct dom_session *session;

	(void)state;
	assert_int_equal(dom_change_password(phone, new, new), DOM_EAUTH);
	assert_ok(phone, dom_change_password(phone, old, new));
	assert_int_equal(dom_login(&options, &ana, &session, &complaint), DOM_EAUTH);
	options.transport = region_connect();
	ana.password = new;
	if (dom_login(&options, &ana, &session, &complaint) != DOM_OK)
		fail_msg("%s", complaint.text);
	phone_restore_is_identical(session, "sizes", every_size, EVERY_SIZE);
	dom_session_close(&session);
	/* The device that changed it goes on, after its session ends too. */
	region_advance_ms(40LL * 24 * 3600 * 1000);
	assert_ok(phone, dom_sync(phone));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_stored_while_the_service_is_off),
	    cmocka_unit_test(contents_of_every_size_come_back_identical),
	    cmocka_unit_test(another_device_gets_them_too),
	    cmocka_unit_test(the_same_again_costs_one_request),
	    cmocka_unit_test(equal_pieces_are_sent_once),
	    cmocka_unit_test(
	        a_server_without_positions_costs_more_requests_but_nothing_is_sent_twice),
	    cmocka_unit_test(an_edited_large_file_sends_only_the_pieces_that_changed),
	    cmocka_unit_test(a_file_that_changes_while_it_is_read_is_not_stored),
	    cmocka_unit_test(every_chunk_and_revision_is_verified),
	    cmocka_unit_test(a_damaged_chunk_spoils_its_item_and_no_other),
	    cmocka_unit_test(
	        an_item_that_another_device_deleted_is_not_restored_and_comes_back_when_imported),
	    cmocka_unit_test(two_devices_that_import_the_same_share_the_items),
	    cmocka_unit_test(withdrawn_consent_refuses_the_next_byte_and_keeps_what_is_stored),
	    cmocka_unit_test(
	        a_region_restored_from_a_backup_is_listed_anew_and_gets_what_it_lost),
	    cmocka_unit_test(devices_are_listed_and_revoked),
	    cmocka_unit_test(an_expired_session_is_renewed_without_a_password),
	    cmocka_unit_test(one_folder_has_one_session_at_a_time),
	    cmocka_unit_test(files_are_the_owners_only_and_hold_no_password_or_content),
	    cmocka_unit_test(logging_out_removes_the_files_whatever_the_server_says),
	    cmocka_unit_test(a_changed_password_logs_in_and_the_old_one_does_not),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
