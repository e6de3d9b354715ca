/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_SHARE_H
#define CLI_SHARE_H

#include "cli/cli.h"

/* What the commands about sharing have in common. */

enum { SHARE_PERSON_SIZE = 1200 };

/* Somebody of the account's region as a person calls them, "ben@lisbon", for the screen. */
const char *share_person(struct cli *cli, const char *name, char text_r[SHARE_PERSON_SIZE]);

#endif
