/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The last lines of commands that look after a store. */
#include "daemon/report.h"

#include <inttypes.h>
#include <stdio.h>

const char report_key_apart[] =
    "the region key is not in the data folder (region_key_file), so that no backup holds it: "
    "keep a copy of it apart, and leave out --with-key";

const char report_untold[] =
    "this region's receipts of erasures say that it makes no backups (backup_keep is none), "
    "and here is one: set backup_keep to how long backups are kept, and restart the server";

void
report_fsck(const struct store_fsck_report *report, char text_r[REPORT_SIZE])
{
	snprintf(text_r, REPORT_SIZE,
	    "fsck: %" PRIu64 " items, %" PRIu64 " revisions, %" PRIu64 " chunks of %" PRIu64
	    " bytes: %" PRIu64 " faults",
	    report->items, report->revisions, report->chunks, report->chunk_bytes,
	    report->faults);
}

void
report_backup(const struct store_backup_report *report, bool with_key, char text_r[REPORT_SIZE])
{
	snprintf(text_r, REPORT_SIZE,
	    "backup: the database and %" PRIu64 " files of %" PRIu64 " bytes, %" PRIu64
	    " of them linked; region.key is%s in it",
	    report->files, report->file_bytes, report->linked, with_key ? "" : " not");
}

void
report_missing(uint64_t missing, char text_r[REPORT_SIZE])
{
	snprintf(text_r, REPORT_SIZE,
	    "the files of %" PRIu64 " chunks are missing, so what they hold is lost unless an "
	    "older backup has them: domicilectl fsck names them",
	    missing);
}
