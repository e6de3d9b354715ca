/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_ERASING_H
#define CLI_ERASING_H

#include <domicile/erasure.h>

#include "cli/cli.h"

/* What off --erase and erase share: waiting for the region's receipt. */
struct erasing {
	struct cli *cli;
	uint8_t request[DOM_REQUEST_SIZE];
	const char *what;          /* "photos", "the account" */
	const char *folder, *name; /* where the receipt is kept as well; NULL: nowhere */
};

/* Wait with a bar, and say what was erased and where the receipt is. */
enum cli_exit erasing_wait(struct erasing *erasing);

#endif
