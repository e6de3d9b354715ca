/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_SHARE_H
#define CLI_SHARE_H

#include "cli/cli.h"

/* What the commands about sharing have in common. */

/* "may read it", "may read and change it", "administers it". */
const char *share_access_text(int access_level);
/*
 * The collection that a word means: a service of which the account has one
 * collection, or a collection's uid.  What is wrong has been said.
 */
enum { SHARE_UID_SIZE = 65 };
enum cli_exit share_pick(struct cli *cli, const char *word, char uid_r[SHARE_UID_SIZE]);

/*
 * Somebody of the account's region as a person calls them, "ben@lisbon", for the screen;
 * and what they are called there, of what was typed.
 */
enum { SHARE_PERSON_SIZE = 1200 };
const char *share_person(struct cli *cli, const char *name, char text_r[SHARE_PERSON_SIZE]);
const char *share_typed(struct cli *cli, const char *typed, char text_r[SHARE_PERSON_SIZE]);

#endif
