/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include <domicile/collection.h>

#include "cli/cli.h"
#include "cli/consented.h"
#include "cli/json.h"
#include "cli/walk.h"

/*
 * One run of `domicile backup`.
 *
 * Files are taken kind by kind (contacts, calendars, messages, calls, photos,
 * others), each into the collection of its service.  A service that is off is
 * counted only.
 */
struct backup_service {
	struct dom_collection *collection; /* once something belongs into it */
	struct dom_import *import;
	bool is_done;      /* everything was acknowledged */
	uint64_t read;     /* records or files of this service */
	uint64_t not_sent; /* of them, because it is off */
	uint64_t damaged;  /* left out, or kept although it is damaged */
	uint64_t outcomes[DOM_RECORD_OUTCOME_COUNT];
};

struct backup {
	struct cli *cli;
	struct consented consented;
	struct walk walk;
	struct backup_service services[SERVICE_COUNT];
	bool is_dry;
	bool is_json;
	struct json json;
	uint64_t problems, damaged; /* problems that left something out */
	uint64_t bytes_done;        /* of the files of this kind that are finished */
	uint64_t items;             /* of this kind */
	uint64_t photos_without_place;
	/* the file at hand */
	const struct walk_file *file;
	int fd;
	unsigned printed; /* of its problems */
	uint64_t records; /* handed on so far */
};

/* Is it on, and is this no dry run? */
bool backup_sends(const struct backup *backup, enum service_id service);

/* A file of records, a photo or any other file.  Below zero ends the backup. */
DOM_MUST_CHECK enum dom_status backup_records(struct backup *backup);
DOM_MUST_CHECK enum dom_status backup_whole(struct backup *backup, enum service_id service);

/*
 * Hand a record to its service's import.  DOM_EINTEGRITY: the file changed
 * while it was read, said as a problem, go on.
 */
DOM_MUST_CHECK enum dom_status backup_put(
    struct backup *backup, enum service_id service, const struct dom_record *record);
/* Wait for what belongs to a service. */
DOM_MUST_CHECK enum dom_status backup_finish(struct backup *backup, enum service_id service);

/* line 0: none.  service: whose fault it counts as. */
void backup_problem(struct backup *backup, enum service_id service, uint64_t line, bool damaged,
    const char *what);
void backup_problems_end(struct backup *backup);
void backup_skipped(void *context, const struct walk_root *root, const char *path,
    enum walk_skip why, int error);
/* What became of a service's items, once it is finished. */
void backup_report(struct backup *backup, enum service_id service);
/* The last lines, or the rest of the JSON. */
void backup_close(struct backup *backup, int64_t started_ms, enum cli_exit outcome);

#endif
