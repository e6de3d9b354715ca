/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile off: withdraw the consent; the next byte is refused. */
#include "cli/account.h"
#include "cli/services.h"

static enum cli_exit
off_run(struct cli *cli)
{
	enum service_id ids[SERVICES_NAMED_MAX];
	enum cli_exit outcome = services_named(cli, ids);
	bool changed = false;

	if (outcome == CLI_DONE)
		outcome = account_open(cli);
	if (outcome != CLI_DONE)
		return outcome;
	for (size_t at = 0; at < cli->options.word_count; at++) {
		const char *name = services[ids[at]].name;
		enum dom_status st = dom_consent_withdraw(cli->session, name);

		if (st != DOM_OK && st != DOM_ABSENT)
			return cli_fail(cli, st, "it could not be turned off");
		printf(st == DOM_OK ? "%s is off\n" : "%s was off already\n", name);
		changed |= st == DOM_OK;
	}
	if (changed)
		puts("Nothing new is stored from now on. What is stored stays encrypted in the "
		     "region;\nthis release cannot erase it yet.");
	return CLI_DONE;
}

const struct cli_command cli_off = {
    .name = "off",
    .usage = "SERVICE...",
    .summary = "turn services off; the next byte is refused",
    .about =
        "Withdraws your consent: from that moment the region refuses everything that belongs\n"
        "to the service, from every device and app.  What is stored stays encrypted in the\n"
        "region and can still be restored; this release cannot erase it yet.\n",
    .examples = "  domicile off messages calls\n",
    .words_min = 1,
    .words_max = SERVICES_NAMED_MAX,
    .run = off_run,
};
