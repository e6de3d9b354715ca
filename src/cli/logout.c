/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile logout: end this device's session and forget the account here. */
#include <unistd.h>

#include "cli/account.h"

void
account_remove_rest(const char *folder)
{
	static const char *const names[] = {"notes", "notes.new"};
	char path[4200];

	for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[at]);
		unlink(path);
	}
	rmdir(folder);
}

/* A session that cannot be opened must not keep its person from logging in again. */
static enum cli_exit
logout_damaged(struct cli *cli)
{
	struct dom_complaint complaint = {""};
	enum dom_status st = dom_session_forget(cli->folder, &complaint);

	if (st != DOM_OK)
		return cli_complain(cli, st, &complaint);
	account_remove_rest(cli->folder);
	cli_say(cli, "this device has forgotten the account, but the region could not be told: "
	             "end its session from another device with domicile sessions --revoke");
	return CLI_FAILED;
}

static enum cli_exit
logout_run(struct cli *cli)
{
	struct dom_complaint complaint = {""};
	enum dom_status st;
	enum cli_exit outcome = account_pick(cli);

	if (outcome != CLI_DONE)
		return outcome;
	st = account_enter_picked(cli, &complaint);
	if (st == DOM_EINTEGRITY || st == DOM_EINPUT || st == DOM_EFILE || st == DOM_ESTORE)
		return logout_damaged(cli);
	if (st != DOM_OK)
		return cli_complain(cli, st, &complaint);
	st = dom_logout(&cli->session, &complaint);
	account_remove_rest(cli->folder);
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
