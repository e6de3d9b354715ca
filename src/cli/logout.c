/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile logout: end this device's session and forget the account here. */
#include <unistd.h>

#include "cli/account.h"

static enum cli_exit
logout_run(struct cli *cli)
{
	struct dom_complaint complaint = {""};
	enum cli_exit outcome = account_open(cli);
	char path[4200];
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	st = dom_logout(&cli->session, &complaint);
	snprintf(path, sizeof(path), "%s/notes", cli->folder);
	unlink(path);
	rmdir(cli->folder);
	if (st != DOM_OK)
		return cli_complain(cli, st, &complaint);
	puts("logged out; this device has forgotten the account. What is stored stays in the "
	     "region.");
	return CLI_DONE;
}

const struct cli_command cli_logout = {
    .name = "logout",
    .usage = "[--account NAME]",
    .summary = "end this device's session and forget the account here",
    .about =
        "Tells the region that this device's session ended and removes the account's keys and\n"
        "index from this device, even if the region cannot be reached.  What is stored stays\n"
        "in the region.\n",
    .examples = "  domicile logout\n",
    .words_min = 0,
    .words_max = 0,
    .run = logout_run,
};
