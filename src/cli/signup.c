/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile signup: a new account with new keys, and nothing turned on. */
#include "cli/account.h"

static enum cli_exit
signup_run(struct cli *cli)
{
	const char *region;
	enum cli_exit outcome = account_begin(cli, true, dom_signup);

	if (outcome != CLI_DONE)
		return outcome;
	if (dom_session_region(cli->session, &region) != DOM_OK)
		region = "?";
	printf("You are %s now. Everything is off: turn on what you want kept, for example\n"
	       "  domicile on contacts photos\n"
	       "Keep the password safe: nobody can reset it, not even the operator of region "
	       "%s.\n",
	    dom_session_address(cli->session), region);
	return CLI_DONE;
}

const struct cli_command cli_signup = {
    .name = "signup",
    .usage = "NAME --server URL [--invitation CODE] [--email ADDRESS] [--device NAME]",
    .summary = "make an account in a region",
    .about =
        "Makes an account with new keys on the region's server and logs this device in.\n"
        "Nothing is turned on.  The password is asked for twice and never sent: it makes the\n"
        "key that opens your data, so nobody can reset it for you.\n"
        "Where the region takes new accounts by invitation, its operator gives you a code.\n",
    .examples = "  domicile signup ana --server https://region.example\n"
                "  domicile signup ana --server https://region.example"
                " --invitation 7KQ2M-9TXBC-4HJNP-WZ8RD\n"
                "  domicile signup ana --server http://127.0.0.1:8037 --password-fd 3 3<file\n",
    .options = account_signup_options,
    .words_min = 1,
    .words_max = 1,
    .run = signup_run,
};
