/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile login: an account that exists, on this device. */
#include "cli/account.h"
#include "cli/kept.h"

/* Who was away for long hears of it; other servers have nothing to say. */
static void
say_notice(struct cli *cli)
{
	struct dom_retention *kept = NULL;

	if (dom_retention_ask(cli->session, &kept) == DOM_OK)
		kept_notice(stdout, kept);
	dom_retention_free(&kept);
}

static enum cli_exit
login_run(struct cli *cli)
{
	const char *region;
	enum cli_exit outcome = account_begin(cli, false, dom_login);

	if (outcome != CLI_DONE)
		return outcome;
	if (dom_session_region(cli->session, &region) != DOM_OK)
		region = "?";
	printf("logged in as %s, region %s\n", dom_session_address(cli->session), region);
	say_notice(cli);
	return CLI_DONE;
}

const struct cli_command cli_login = {
    .name = "login",
    .usage = "NAME --server URL [--device NAME]",
    .summary = "use an account on this device",
    .about = "Logs this device in to an account that exists.  The password is not sent.\n",
    .examples = "  domicile login ana --server https://region.example --device laptop\n",
    .options = account_login_options,
    .words_min = 1,
    .words_max = 1,
    .run = login_run,
};
