/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include "store/care.h"

/* What an operator is told at the end, by the server and without one. */
enum { REPORT_SIZE = 320 };

/* Why --with-key is refused where region_key_file is set. */
extern const char report_key_apart[];
/* With a backup where backup_keep is none: receipts would not be true. */
extern const char report_untold[];

void report_fsck(const struct store_fsck_report *report, char text_r[REPORT_SIZE]);
void report_backup(
    const struct store_backup_report *report, bool with_key, char text_r[REPORT_SIZE]);
void report_missing(uint64_t missing, char text_r[REPORT_SIZE]);

#endif
