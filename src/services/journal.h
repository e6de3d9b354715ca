/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_JOURNAL_H
#define SERVICES_JOURNAL_H

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * The journal of erasures and withdrawals, kept apart from the backups: what
 * it names must not come back when an older backup is restored.  It holds no
 * id and no name, only keyed hashes (dom_region_index(), JOURNAL), so it tells
 * nothing to who does not have the region key.
 *
 * The rules see it as functions that are handed in; daemon/journal.c is the file.
 */
enum journal_kind {
	JOURNAL_WITHDRAWAL = 1, /* subject: the service, which ended; what is stored stays */
	JOURNAL_HISTORY = 2,    /* subject: the collection; item: whose old revisions go */
	JOURNAL_COLLECTION = 3, /* subject: the collection; one of a service that is erased */
	JOURNAL_SERVICE = 4,    /* subject: the service, after the collections that it had */
	JOURNAL_ACCOUNT = 5,
	/*
	 * What was left of an account that moved away; subject: the root that was given
	 * away, item: the epoch since then, in its first 8 bytes.
	 */
	JOURNAL_SOURCE = 6,
};

enum {
	JOURNAL_HASH_SIZE = 32,
	/* Entries that one append() takes: what a cut of the power may tear. */
	JOURNAL_APPEND_MAX = 20,
};

struct journal_entry {
	uint64_t number; /* base + 1, base + 2 ..; set by the journal */
	enum journal_kind kind;
	uint64_t clock; /* of the account, when it was taken */
	int64_t accepted_ms;
	uint8_t request[JOURNAL_HASH_SIZE];
	uint8_t account[JOURNAL_HASH_SIZE];
	uint8_t subject[JOURNAL_HASH_SIZE], item[JOURNAL_HASH_SIZE]; /* zeros: none */
};

struct journal {
	/*
	 * The number before its first entry: 0, or more than any that a lost journal
	 * of the same region can have had.
	 */
	uint64_t base;
	/* The number of its last entry that is on the disk; base: there is none. */
	uint64_t (*count)(void *context);
	/* number: base + 1 to count().  DOM_EINTEGRITY: it is damaged. */
	enum dom_status (*read)(void *context, uint64_t number, struct journal_entry *entry_r);
	/* All of one request.  They are on the disk when it answers DOM_OK. */
	enum dom_status (*append)(
	    void *context, const struct journal_entry *entries, size_t count);
	void *context;
};

#endif
