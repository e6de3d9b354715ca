/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What was erased stays erased: the journal is followed before anybody is served. */
#include "daemon/recover.h"

#include <stdio.h>

#include "crypto/keys.h"

#include "daemon/region_key.h"
#include "services/erasure/erasure.h"
#include "services/keeper/keeper.h"
#include "store/care.h"

enum { CONFLICTS_MAX = 100 };

/*
 * A backup of before must not take entries of the new journal for those that it
 * knew of the lost one: the new one's numbers are above all of those.
 */
static uint64_t
base_after(int64_t now_ms)
{
	return store_restore_floor(now_ms);
}

static enum dom_status
run_forget(struct store_txn *txn, void *context)
{
	const uint64_t *base = context;

	return store_region_journal_set(txn, *base);
}

static enum dom_status
known_entries(struct store *store, uint64_t *known_r)
{
	struct store_reader *reader = NULL;
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_reader_open(store, &reader)) == DOM_OK &&
	    (st = store_read_begin(reader, &txn)) == DOM_OK)
		st = store_region_journal(txn, known_r);
	store_read_end(&txn);
	store_reader_close(&reader);
	return st;
}

enum dom_status
recover_journal(const struct recovery *recovery, struct journal_file **file_r,
    uint64_t *followed_r, char *message_r, size_t message_size)
{
	struct journal_options options = {.path = recovery->configuration->erasure_journal};
	struct journal journal;
	enum dom_status st = DOM_OK;

	*file_r = NULL;
	erasure_hash_region(
	    recovery->service->key, recovery->configuration->region, options.region);
	if (recovery->forgets) {
		options.base = base_after(dom_clock_now_ms(&recovery->service->clock));
		st = store_write(recovery->store, run_forget, &options.base);
	}
	if (st == DOM_OK)
		st = known_entries(recovery->store, &options.known);
	if (st != DOM_OK) {
		snprintf(message_r, message_size,
		    "the journal of erasures cannot be followed: %s", dom_status_text(st));
		return st > 0 ? DOM_ESTORE : st;
	}
	if ((st = journal_file_open(&options, file_r, message_r, message_size)) != DOM_OK)
		return st;
	journal = journal_file_functions(*file_r);
	st = erasure_replay(recovery->service, recovery->store, &journal, followed_r);
	if (st == DOM_OK)
		return DOM_OK;
	snprintf(message_r, message_size,
	    "the journal of erasures %s cannot be followed: %s. Until it is, what was erased "
	    "could come back, so nobody is served",
	    options.path, dom_status_text(st));
	journal_file_close(file_r);
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
finish(const struct recovery *recovery, struct journal_file *file, char *message_r,
    size_t message_size)
{
	const struct keeper_options options = {.service = recovery->service,
	    .store = recovery->store,
	    .journal = journal_file_functions(file)};
	struct keeper *keeper;
	enum dom_status st = keeper_open(&options, &keeper);

	if (st == DOM_OK)
		st = keeper_finish(keeper, CONFLICTS_MAX);
	keeper_close(&keeper);
	if (st != DOM_OK)
		snprintf(message_r, message_size,
		    "what was erased after the backup is not removed to its end: %s. It cannot "
		    "be read any more, and the server goes on with it when it starts",
		    dom_status_text(st));
	return st;
}

enum dom_status
recover_restored(const struct configuration *configuration, bool forgets, uint64_t *followed_r,
    char *message_r, size_t message_size)
{
	struct service service = {.settings = {.region = configuration->region,
	                              .backup_keep = configuration->backup_keep},
	    .clock = dom_clock_system(),
	    .random = dom_random_system()};
	struct recovery recovery = {
	    .configuration = configuration, .service = &service, .forgets = forgets};
	struct journal_file *file = NULL;
	enum dom_status st;

	*followed_r = 0;
	message_r[0] = '\0';
	if ((st = region_key_load(configuration->region_key_file, configuration->data, NULL,
	         &service.key, message_r, message_size)) == DOM_OK &&
	    (st = store_open(&(struct store_options){.folder = configuration->data,
	                         .region = configuration->region,
	                         .key = service.key},
	         &recovery.store, message_r, message_size)) == DOM_OK &&
	    (st = recover_journal(&recovery, &file, followed_r, message_r, message_size)) ==
	        DOM_OK)
		st = finish(&recovery, file, message_r, message_size);
	journal_file_close(&file);
	store_close(&recovery.store);
	dom_region_key_free(&service.key);
	return st;
}
