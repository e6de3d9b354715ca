/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef PHONE_H
#define PHONE_H

#include "region.h"

/* An account in the region, devices of it, and exports to bring in. */
struct phone_record {
	const char *key;
	bool key_is_uid;
	const char *name, *source;
	uint64_t order;
	uint64_t seed; /* of the content */
	size_t size;
};

extern const struct dom_credentials phone_credentials;

/* Sign up as "ana" on a device, or log in on another. */
struct dom_session *phone_sign_up(const char *device);
struct dom_session *phone_log_in(const char *device);
struct dom_session *phone_open(const char *device);
/* Turn everything on. */
void phone_turn_on(struct dom_session *session);
/* The content of a record; the caller frees it. */
uint8_t *phone_content(const struct phone_record *record);

/*
 * Import all of them.  Returns the first status below zero; outcomes are
 * counted whatever happens.
 */
enum dom_status phone_import(struct dom_session *session, const char *collection,
    const struct phone_record *records, size_t count, struct dom_import_counts *counts_r);
/* Sync, then import. */
enum dom_status phone_backup(struct dom_session *session, const char *collection,
    const struct phone_record *records, size_t count, struct dom_import_counts *counts_r);
/* Fetch the collection; every record must be there once, and nothing else. */
void phone_restore_is_identical(struct dom_session *session, const char *collection,
    const struct phone_record *records, size_t count);

#define assert_ok(session, call)                                                               \
	do {                                                                                   \
		enum dom_status phone_status = (call);                                         \
		if (phone_status != DOM_OK)                                                    \
			fail_msg("%s: %d %s", #call, phone_status,                             \
			    (session) == NULL ? "" : dom_session_error(session));              \
	} while (0)

#endif
