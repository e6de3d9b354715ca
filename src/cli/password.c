/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile password: a new password, and with it the end of all other sessions. */
#include <string.h>
#include <sys/mman.h>

#include "base/wipe.h"

#include "cli/account.h"

static struct {
	char old[PASSWORD_SIZE_MAX + 1], new[PASSWORD_SIZE_MAX + 1];
} passwords;

static enum cli_exit
password_ask_both(struct cli *cli)
{
	enum cli_exit outcome =
	    account_password(cli, "The password until now: ", NULL, passwords.old);

	if (outcome == CLI_DONE)
		outcome = account_password(
		    cli, "The new password: ", "The new one again: ", passwords.new);
	if (outcome == CLI_DONE && strcmp(passwords.old, passwords.new) == 0) {
		cli_say(cli, "the new password is the old one; nothing was changed");
		return CLI_USAGE;
	}
	return outcome;
}

static enum cli_exit
password_change(struct cli *cli)
{
	enum dom_status st = dom_change_password(
	    cli->session, dom_slice_of(passwords.old), dom_slice_of(passwords.new));

	if (st == DOM_EAUTH && !cli_stopping) {
		cli_say(cli, "%s", dom_session_error(cli->session));
		return CLI_LOGIN;
	}
	if (st != DOM_OK)
		return cli_fail(cli, st, "changing the password");
	puts(
	    "The password is changed. This device stays logged in; all others are logged out: "
	    "log in\nthere again with the new password (domicile logout, then domicile login). "
	    "What is stored\nstays as it is.");
	return CLI_DONE;
}

static enum cli_exit
password_run(struct cli *cli)
{
	enum cli_exit outcome = account_open(cli);

	if (outcome != CLI_DONE)
		return outcome;
	(void)mlock(&passwords, sizeof(passwords)); /* not into swap, where that is allowed */
	outcome = password_ask_both(cli);
	if (outcome == CLI_DONE)
		outcome = password_change(cli);
	dom_wipe(&passwords, sizeof(passwords));
	return outcome;
}

static const struct cli_option password_options[] = {
    {"password-fd", "N", "read both from file descriptor N: the old one, then the new"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_password = {
    .name = "password",
    .usage = "[--password-fd N]",
    .summary = "change the password; all other devices are logged out",
    .about =
        "Asks for the password until now and for the new one, twice.  Neither is sent: the "
        "new\n"
        "one makes a new key for your keys, so nothing that is stored has to be sent again.\n"
        "All other devices and apps are logged out, and whoever has keys of before cannot log\n"
        "in any more: do this when a device is lost, after ending its session.  What a lost\n"
        "device had stored on itself it still has.\n",
    .examples = "  domicile password\n  domicile password --password-fd 3 3<two-lines\n",
    .options = password_options,
    .words_min = 0,
    .words_max = 0,
    .run = password_run,
};
