/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_MOVE_H
#define CLI_MOVE_H

#include <domicile/move.h>

#include "cli/cli.h"
#include "cli/json.h"

/* What the files of `domicile move` share. */
struct moving {
	struct cli *cli;
	bool is_json;
	char target[65];
	char id[DOM_MOVE_ID_TEXT_SIZE + 1]; /* "": not ordered yet */
	/* the end */
	bool has_found;
	struct dom_move_found found; /* by this device */
	struct dom_move last;        /* as the region said last */
	struct dom_move_certificate certificate;
};

/* What is to be expected. */
void move_plan_print(struct cli *cli, const struct dom_move_plan *plan);
void move_plan_json(const struct dom_move_plan *plan);

/* What the operator asks, in words; nothing if that is not known or is over. */
void move_proposal_print(struct cli *cli);
void move_proposal_json(struct cli *cli, struct json *json);

/* Follow the move until it is over as far as a person waits for it. */
enum cli_exit move_wait(struct moving *moving);
/* From the new region on: acknowledge, wait a while for the old copy's end, the certificate. */
enum cli_exit move_finish(struct moving *moving);

/*
 * After any command: if this device has come to another region, look whether everything is
 * there, and sign that.  What is wrong is said; CLI_DONE or CLI_FAILED.
 */
enum cli_exit move_settle(struct cli *cli);

#endif
