/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Consents as a device gives, shows and withdraws them, and the receipts that it keeps. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buffer.h"

#include "wire/evidence.h"

#include "client/files.h"
#include "phone.h"

static const char *const types[] = {"etebase.vcard"};

static void
give(struct dom_session *phone, const char *service, int64_t until_ms)
{
	struct dom_catalogue *catalogue;
	const struct dom_catalogue_entry *entry;

	assert_ok(phone, dom_catalogue_ask(phone, &catalogue));
	entry = dom_catalogue_find(catalogue, service);
	assert_non_null(entry);
	assert_ok(phone, dom_consent_give(phone, &(struct dom_consent){.entry = entry,
	                                             .catalogue = catalogue,
	                                             .types = types,
	                                             .type_count = 1,
	                                             .until_ms = until_ms}));
	dom_catalogue_free(&catalogue);
}

/* DOM_CONSENT_GONE + 1: neither on nor anything else. */
static enum dom_consent_worth
worth_of(struct dom_session *phone, const char *service)
{
	struct dom_consent_state *states;
	enum dom_consent_worth worth = DOM_CONSENT_GONE + 1;
	size_t count;

	assert_ok(phone, dom_consents(phone, &states, &count));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(states[i].service, service) == 0)
			worth = states[i].worth;
	}
	free(states);
	return worth;
}

static bool
has_file(const char *device, const char *name)
{
	char path[256];
	struct stat info;

	snprintf(path, sizeof(path), "%s/receipts/%s", region_device(device), name);
	return stat(path, &info) == 0 && info.st_size > 0;
}

static bool
has_receipt(const char *device, const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "%s.domicile-receipt", name);
	return has_file(device, file);
}

static void
a_consent_is_to_what_was_shown_and_its_receipt_is_kept(void **state)
{
	struct dom_session *phone;

	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	assert_int_equal(worth_of(phone, "contacts"), DOM_CONSENT_GONE + 1);
	give(phone, "contacts", 0);
	assert_int_equal(worth_of(phone, "contacts"), DOM_CONSENT_ON);
	assert_true(has_receipt("phone", "000001-consent-contacts"));
	/* What was shown is kept as well: the region's catalogue may change. */
	assert_true(has_file("phone", "000001-consent-contacts.catalogue.json"));
	assert_ok(phone, dom_consent_withdraw(phone, "contacts", DOM_KEEP, NULL));
	assert_true(has_receipt("phone", "000002-withdrawal-contacts"));
	assert_int_equal(dom_consent_withdraw(phone, "contacts", DOM_KEEP, NULL), DOM_ABSENT);
	assert_false(has_receipt("phone", "000003-withdrawal-contacts"));
	/* A device that is logged out knows nothing. */
	{
		struct dom_complaint complaint = {""};

		assert_int_equal(dom_logout(&phone, &complaint), DOM_OK);
	}
	assert_false(has_receipt("phone", "000001-consent-contacts"));
	assert_false(has_file("phone", "000001-consent-contacts.catalogue.json"));
	region_stop();
}

static void
changed_terms_are_seen_on_every_device_and_old_ones_cannot_be_agreed_to(void **state)
{
	struct dom_session *phone, *tablet;
	struct dom_catalogue *old;
	const struct dom_catalogue_entry *entry;

	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	tablet = phone_log_in("tablet");
	give(phone, "contacts", 0);
	assert_ok(tablet, dom_catalogue_ask(tablet, &old));
	region_catalogue("Keep a copy of your contacts", "Count your contacts");
	assert_int_equal(worth_of(phone, "contacts"), DOM_CONSENT_CHANGED);
	assert_int_equal(worth_of(tablet, "contacts"), DOM_CONSENT_CHANGED);
	entry = dom_catalogue_find(old, "contacts");
	assert_int_equal(
	    dom_consent_give(
	        tablet, &(struct dom_consent){.entry = entry, .types = types, .type_count = 1}),
	    DOM_EDENIED);
	assert_non_null(strstr(dom_session_error(tablet), "other terms"));
	dom_catalogue_free(&old);
	give(tablet, "contacts", 0);
	assert_int_equal(worth_of(phone, "contacts"), DOM_CONSENT_ON);
	region_catalogue("\"contacts\"", "\"people\"");
	assert_int_equal(worth_of(phone, "contacts"), DOM_CONSENT_GONE);
	dom_session_close(&tablet);
	dom_session_close(&phone);
	region_stop();
}

static void
a_consent_that_has_ended_says_so(void **state)
{
	struct dom_session *phone;

	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	give(phone, "contacts", INT64_C(1) << 42);
	assert_int_equal(worth_of(phone, "contacts"), DOM_CONSENT_ON);
	assert_ok(phone, dom_consent_withdraw(phone, "contacts", DOM_KEEP, NULL));
	{
		struct dom_consent_state *states;
		size_t count;

		give(phone, "contacts", INT64_C(1) << 42);
		assert_ok(phone, dom_consents(phone, &states, &count));
		assert_true(count == 1 && states[0].until_ms == INT64_C(1) << 42);
		assert_true(states[0].serial == 3 && states[0].version == 1);
		free(states);
	}
	dom_session_close(&phone);
	region_stop();
}

struct history {
	unsigned count;
	enum dom_statement_kind kinds[8];
	struct dom_buffer evidence; /* of the last one */
};

static enum dom_status
note(void *context, const struct dom_statement *statement)
{
	struct history *history = context;

	assert_true(history->count < 8 && statement->serial == history->count + 1);
	assert_string_equal(statement->service, "contacts");
	assert_string_equal(statement->region, "in");
	if (statement->kind == DOM_STATEMENT_CONSENT)
		assert_non_null(strstr(statement->purpose, "contacts"));
	history->kinds[history->count++] = statement->kind;
	dom_buffer_clear(&history->evidence);
	dom_buffer_append_slice(&history->evidence, statement->evidence);
	return DOM_OK;
}

/* A region that was made out of a backup counts from where that one was. */
static void
what_proves_a_statement_is_never_written_over(void **state)
{
	static const char before[] = "of before", name[] = "000002-withdrawal-contacts";
	struct dom_buffer kept = {0};
	struct dom_session *phone;
	char folder[256];

	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	give(phone, "contacts", 0);
	snprintf(folder, sizeof(folder), "%s/receipts", region_device("phone"));
	assert_int_equal(dom_file_write(folder, "000002-withdrawal-contacts.domicile-receipt",
	                     dom_slice_of(before)),
	    DOM_OK);
	assert_ok(phone, dom_consent_withdraw(phone, "contacts", DOM_KEEP, NULL));
	assert_int_equal(
	    dom_file_read(folder, "000002-withdrawal-contacts.domicile-receipt", 1000, &kept),
	    DOM_OK);
	assert_true(dom_slice_is(dom_buffer_slice(&kept), before));
	assert_true(has_receipt("phone", name));
	assert_true(has_receipt("phone", "000002-withdrawal-contacts-2"));
	dom_buffer_free(&kept);
	dom_session_close(&phone);
	region_stop();
}

static void
the_history_is_whole_and_every_entry_proves_itself(void **state)
{
	struct history history = {0};
	struct wire_evidence_view view;
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_session *phone;
	uint8_t region_public[32];
	const char *why;

	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	give(phone, "contacts", 0);
	assert_ok(phone, dom_consent_withdraw(phone, "contacts", DOM_KEEP, NULL));
	give(phone, "contacts", 0);
	assert_ok(phone, dom_statements(phone, note, &history));
	assert_int_equal(history.count, 3);
	assert_int_equal(history.kinds[1], DOM_STATEMENT_WITHDRAWAL);
	assert_ok(phone, dom_region_key(phone, region_public));
	assert_int_equal(wire_evidence_check(dom_buffer_slice(&history.evidence),
	                     dom_slice(region_public, 32), arena, &view, &why),
	    DOM_OK);
	assert_true(view.statement.serial == 3 && view.receipt.kind == WIRE_RECEIPT_TAKEN);
	dom_buffer_free(&history.evidence);
	dom_arena_free(&arena);
	dom_session_close(&phone);
	region_stop();
}

/* Of a region that is not ours. */
static const char other[] =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

static void
a_region_that_tells_another_key_is_not_taken_for_ours(void **state)
{
	static const char *const lost[] = {"state.db", "state.db-wal", "state.db-shm"};
	struct dom_session *phone;
	const char *region;

	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	dom_session_close(&phone);
	/* What it knows of the region is lost but for the key, so it asks again. */
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		dom_file_remove(region_device("phone"), lost[i]);
	phone = phone_open("phone");
	assert_ok(phone, dom_session_region(phone, &region));
	dom_session_close(&phone);
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		dom_file_remove(region_device("phone"), lost[i]);
	assert_int_equal(
	    dom_file_write(region_device("phone"), "region.pub", dom_slice_of(other)), DOM_OK);
	phone = phone_open("phone");
	assert_int_equal(dom_session_region(phone, &region), DOM_EINTEGRITY);
	assert_non_null(strstr(dom_session_error(phone), "not the one that this device knows"));
	dom_session_close(&phone);
	region_stop();
}

static void
another_key_of_the_region_is_refused_with_a_sentence(void **state)
{
	struct dom_catalogue *catalogue;
	struct history history = {0};
	struct dom_session *phone;

	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	give(phone, "contacts", 0);
	/* As if this device had pinned another one when it logged in. */
	assert_int_equal(
	    dom_file_write(region_device("phone"), "region.pub", dom_slice_of(other)), DOM_OK);
	assert_ok(phone, dom_catalogue_ask(phone, &catalogue));
	assert_int_equal(
	    dom_consent_give(
	        phone, &(struct dom_consent){.entry = dom_catalogue_find(catalogue, "contacts"),
	                   .types = types,
	                   .type_count = 1}),
	    DOM_EINTEGRITY);
	dom_catalogue_free(&catalogue);
	assert_non_null(strstr(dom_session_error(phone), "another key"));
	assert_false(has_receipt("phone", "000002-consent-contacts"));
	assert_int_equal(dom_statements(phone, note, &history), DOM_EINTEGRITY);
	assert_int_equal(history.count, 0);
	assert_int_equal(
	    dom_file_write(region_device("phone"), "region.pub", dom_slice_of("x")), DOM_OK);
	assert_int_equal(dom_statements(phone, note, &history), DOM_EFILE);
	dom_buffer_free(&history.evidence);
	dom_session_close(&phone);
	region_stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_consent_is_to_what_was_shown_and_its_receipt_is_kept),
	    cmocka_unit_test(
	        changed_terms_are_seen_on_every_device_and_old_ones_cannot_be_agreed_to),
	    cmocka_unit_test(a_consent_that_has_ended_says_so),
	    cmocka_unit_test(what_proves_a_statement_is_never_written_over),
	    cmocka_unit_test(the_history_is_whole_and_every_entry_proves_itself),
	    cmocka_unit_test(a_region_that_tells_another_key_is_not_taken_for_ours),
	    cmocka_unit_test(another_key_of_the_region_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
