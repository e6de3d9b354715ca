/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_CARE_H
#define STORE_CARE_H

#include <stdatomic.h>

#include "store/store.h"

/*
 * Looking after a store as an operator does: examine, back up, restore.  The
 * first two work on the folder beside the server that uses it, on a snapshot
 * of their own; they take their time and block, so never on a loop or on the
 * writer.  message_r says in a sentence what went wrong and what to do.
 */
struct store_care {
	const char *folder;      /* the store's */
	bool offline;            /* no server may use the folder meanwhile: take its lock */
	const atomic_bool *stop; /* NULL: never; true: end soon with DOM_ESTOPPED */
};

struct store_fsck_report {
	uint64_t items, revisions, chunks, chunk_bytes; /* that were looked at */
	uint64_t faults;
};

/*
 * The structure of the database, every chunk's presence, size and SHA-256,
 * every chunk that a revision names, every clock.  Changes nothing.  found()
 * gets one sentence for each fault, with ids and never contents.  DOM_OK: all
 * was looked at, the report says what was found.
 */
DOM_MUST_CHECK enum dom_status store_fsck(const struct store_care *care,
    void (*found)(void *context, const char *sentence), void *context,
    struct store_fsck_report *report_r, char *message_r, size_t message_size);

struct store_backup_report {
	uint64_t files, file_bytes; /* of chunks */
	uint64_t linked;            /* of those files: shared with the store, not copied */
	uint64_t missing; /* chunks' files that the store itself has lost, see store_fsck() */
};

/*
 * A consistent copy in a new folder: the database as of one moment and every
 * chunk that it names.  It is built as TARGET.part and takes its name once all
 * of it is on the disk; a failure leaves nothing.  also: a file of the folder
 * that is copied too, NULL for none.
 */
DOM_MUST_CHECK enum dom_status store_backup(const struct store_care *care, const char *target,
    const char *also, struct store_backup_report *report_r, char *message_r,
    size_t message_size);

/*
 * What a restored account's clock is raised to at least: by this much, and to
 * the seconds since 2020 times 2^20, so that restoring the same backup twice
 * passes what was handed out in between, too.
 * Source: etebase-protocol 5.5, rule 11.
 */
#define STORE_RESTORE_RAISE (UINT64_C(1) << 32)
uint64_t store_restore_floor(int64_t now_ms);

struct store_restore_report {
	uint64_t accounts, sessions_ended;
	uint64_t files, file_bytes, missing;
};

/*
 * Make a store out of a backup, in a folder without one.  also: a file that
 * belongs to it and that must be in the folder already or in the backup, NULL
 * for none; keeps: one that may be in the folder and stays, NULL for none.
 * Clocks are raised, sessions end (one that was revoked since the backup must
 * not come back), and the restore is recorded, all before the database takes
 * its name: until then no server starts on it.
 */
DOM_MUST_CHECK enum dom_status store_restore(const char *backup, const char *folder,
    const char *region, const char *also, const char *keeps, int64_t now_ms,
    struct store_restore_report *report_r, char *message_r, size_t message_size);

#endif
