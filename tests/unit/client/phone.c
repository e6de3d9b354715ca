/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "phone.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"

#include "crypto/digest.h"

#define PASSWORD "correct horse battery"

static struct dom_session_options
options_of(const char *device)
{
	return (struct dom_session_options){.state_folder = region_device(device),
	    .server_url = "http://127.0.0.1:8037",
	    .device = device,
	    .transport = region_connect()};
}

const struct dom_credentials phone_credentials = {
    .username = "ana",
    .email = "",
    .password = {(const uint8_t *)PASSWORD, sizeof(PASSWORD) - 1},
};

struct dom_session *
phone_sign_up(const char *device)
{
	struct dom_session_options options = options_of(device);
	struct dom_complaint complaint = {""};
	struct dom_session *session;

	if (dom_signup(&options, &phone_credentials, &session, &complaint) != DOM_OK)
		fail_msg("%s", complaint.text);
	return session;
}

struct dom_session *
phone_log_in(const char *device)
{
	struct dom_session_options options = options_of(device);
	struct dom_complaint complaint = {""};
	struct dom_session *session;

	if (dom_login(&options, &phone_credentials, &session, &complaint) != DOM_OK)
		fail_msg("%s", complaint.text);
	return session;
}

struct dom_session *
phone_open(const char *device)
{
	struct dom_session_options options = options_of(device);
	struct dom_complaint complaint = {""};
	struct dom_session *session;

	if (dom_session_open(&options, &session, &complaint) != DOM_OK)
		fail_msg("%s", complaint.text);
	return session;
}

void
phone_turn_on(struct dom_session *session)
{
	struct dom_catalogue *catalogue;

	assert_ok(session, dom_catalogue_ask(session, &catalogue));
	assert_ok(
	    session, dom_consent_give(session,
	                 &(struct dom_consent){.entry = dom_catalogue_find(catalogue, "any")}));
	dom_catalogue_free(&catalogue);
}

uint8_t *
phone_content(const struct phone_record *record)
{
	uint8_t *content = malloc(record->size + 1);
	uint64_t state = record->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	assert_non_null(content);
	/* seed 0: all zeros, which makes equal chunks. */
	for (size_t i = 0; i < record->size; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		content[i] = record->seed == 0 ? 0 : (uint8_t)(state >> 32);
	}
	return content;
}

struct reading {
	uint8_t *content;
	size_t size;
};

static enum dom_status
read_content(void *context, enum dom_status (*take)(void *take_context, struct dom_slice bytes),
    void *take_context)
{
	struct reading *reading = context;
	enum dom_status st = DOM_OK;

	for (size_t at = 0; at < reading->size && st >= 0; at += 50000) {
		size_t left = reading->size - at;

		st = take(take_context,
		    dom_slice(reading->content + at, left < 50000 ? left : 50000));
	}
	return st;
}

static enum dom_status
put(struct dom_import *import, const struct phone_record *record)
{
	struct reading reading = {.content = phone_content(record), .size = record->size};
	struct dom_record full = {.key = dom_slice_of(record->key),
	    .key_is_uid = record->key_is_uid,
	    .size = record->size,
	    .name = record->name,
	    .source = record->source,
	    .order = record->order,
	    .mtime_ms = 1700000000000,
	    .read = read_content,
	    .context = &reading};
	enum dom_record_outcome outcome;
	enum dom_status st;

	assert_int_equal(
	    dom_sha256(dom_slice(reading.content, reading.size), full.digest), DOM_OK);
	st = dom_import_put(import, &full, &outcome);
	free(reading.content);
	return st;
}

enum dom_status
phone_import(struct dom_session *session, const char *collection_name,
    const struct phone_record *records, size_t count, struct dom_import_counts *counts_r)
{
	struct dom_collection *collection = NULL;
	struct dom_import *import = NULL;
	enum dom_status st, finished;

	*counts_r = (struct dom_import_counts){0};
	if ((st = dom_collection_ensure(
	         session, collection_name, "domicile.test", &collection)) != DOM_OK)
		return st;
	assert_ok(session, dom_import_begin(collection, &import));
	for (size_t i = 0; i < count && st >= 0; i++)
		st = put(import, &records[i]);
	if (st >= 0) {
		finished = dom_import_finish(import, counts_r);
		st = st < 0 ? st : finished;
	} else {
		dom_import_counts(import, counts_r);
	}
	dom_import_free(&import);
	dom_collection_free(&collection);
	return st;
}

enum dom_status
phone_backup(struct dom_session *session, const char *collection,
    const struct phone_record *records, size_t count, struct dom_import_counts *counts_r)
{
	enum dom_status st = dom_sync(session);

	*counts_r = (struct dom_import_counts){0};
	return st < 0 ? st : phone_import(session, collection, records, count, counts_r);
}

/* --- restoring ---------------------------------------------------------------------- */

struct restore {
	const struct phone_record *records;
	size_t count, matched;
	bool *seen;
	struct dom_buffer content;
	char last_source[64];
	uint64_t last_order;
};

static enum dom_status
restore_begin(void *context, const struct dom_item_info *info)
{
	struct restore *restore = context;
	int order = strcmp(info->source, restore->last_source);

	dom_buffer_clear(&restore->content);
	assert_true(order > 0 || (order == 0 && info->order >= restore->last_order));
	snprintf(restore->last_source, sizeof(restore->last_source), "%s", info->source);
	restore->last_order = info->order;
	return DOM_OK;
}

static enum dom_status
restore_data(void *context, struct dom_slice bytes)
{
	struct restore *restore = context;

	dom_buffer_append_slice(&restore->content, bytes);
	return dom_buffer_finish(&restore->content);
}

static enum dom_status
restore_end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	struct restore *restore = context;

	if (status != DOM_OK)
		fail_msg("item %s from %s:%llu, %llu bytes: %s", info->uid, info->source,
		    (unsigned long long)info->order, (unsigned long long)info->size,
		    dom_status_text(status));
	assert_int_equal(info->size, restore->content.size);
	assert_int_equal(info->mtime_ms, 1700000000000);
	for (size_t i = 0; i < restore->count; i++) {
		const struct phone_record *record = &restore->records[i];
		uint8_t *content;
		bool equal;

		if (restore->seen[i] || record->size != restore->content.size ||
		    strcmp(record->source, info->source) != 0)
			continue;
		content = phone_content(record);
		equal = dom_slice_equal(
		    dom_buffer_slice(&restore->content), dom_slice(content, record->size));
		free(content);
		if (!equal)
			continue;
		assert_string_equal(info->name, record->name == NULL ? "" : record->name);
		restore->seen[i] = true;
		restore->matched++;
		return DOM_OK;
	}
	fail_msg("an item of %zu bytes from \"%s\" that was never imported",
	    restore->content.size, info->source);
	return DOM_OK;
}

void
phone_restore_is_identical(struct dom_session *session, const char *collection_name,
    const struct phone_record *records, size_t count)
{
	struct restore restore = {.records = records, .count = count};
	const struct dom_fetch_sink sink = {.begin = restore_begin,
	    .data = restore_data,
	    .end = restore_end,
	    .context = &restore};
	struct dom_collection *collection = NULL;

	restore.seen = calloc(count + 1, sizeof(*restore.seen));
	assert_non_null(restore.seen);
	assert_ok(session, dom_sync(session));
	assert_ok(session, dom_collection_find(session, collection_name, &collection));
	assert_ok(session, dom_collection_fetch(collection, &sink));
	assert_int_equal(restore.matched, count);
	dom_collection_free(&collection);
	dom_buffer_free(&restore.content);
	free(restore.seen);
}
