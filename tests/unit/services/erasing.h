/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef ERASING_H
#define ERASING_H

#include "base/encode.h"

#include "wire/evidence.h"

#include "services/erasure/erasure.h"
#include "services/keeper/keeper.h"
#include "sharing.h"

/* For the tests of services/erasure/ and services/keeper/: a journal in memory, and requests.
 */
enum { ITEMS = 3, JOURNAL_MAX = 400 };
#define DAY_MS (24LL * 3600 * 1000)

struct memory_journal {
	struct journal_entry entries[JOURNAL_MAX];
	uint64_t count;
	/* The next append stops after so many entries, as a power cut would; below zero: never.
	 */
	int stops_after;
};
extern struct memory_journal memory_journal;
struct journal journal_in_memory(void);

/* Of the last request. */
extern uint8_t request[STORE_REQUEST_SIZE];
extern struct service_changes changes;
extern struct erasure_ordered ordered;
extern int64_t ana_number;

/*
 * Ana has contacts (collection 1, "type one") and calendar (2, "type two") on,
 * each with ITEMS items; Bob has contacts on, and Cyd is there.
 */
void two_services(void);
int64_t number_of(const char *name);
enum dom_status begin_erasing(
    int scope, int64_t account, const char *service, const char *collection, const char *item);
enum dom_status erase_service(const struct person *person, const char *service);
enum dom_status erase_account(const struct person *person);
enum dom_status order_account(const char *name);

/* The keeper's work, to its end. */
void finish_all(void);
/* As far as the last request came; in the house's arena. */
struct store_erasure the_erasure(void);
struct store_counts count_all(void);
/* Collections that the person owns and nobody is in. */
size_t abandoned_of(const char *name);
enum service_code read_collection(const struct person *person, unsigned collection);
/* Item 1 of collection 1 gets so many more revisions. */
void write_revisions(unsigned count);
size_t revisions_of(const struct person *person, unsigned collection, unsigned number);
/* Item 50 of collection 1 gets a revision with this chunk. */
void put_with_chunk(char revision, unsigned chunk, const char *etag);
enum service_code read_chunk(const struct person *person, unsigned chunk);

/* The files as they are now: no job runs, so this is what a kill would leave, or a backup. */
void copy_folder(void);
void remove_copy(void);
/* From now on the house is what was copied. */
void live_in_copy(void);
/* Follow the journal; how many requests were begun again. */
uint64_t replay(void);
/* One step of a keeper that has just started. */
enum dom_status step(void);

#endif
