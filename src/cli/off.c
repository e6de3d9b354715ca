/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile off: withdraw the consent; the next byte is refused. */
#include <domicile/consent.h>

#include "cli/account.h"
#include "cli/consented.h"
#include "cli/erasing.h"
#include "cli/services.h"

struct off {
	struct cli *cli;
	struct consented consented;
	enum service_id ids[SERVICES_NAMED_MAX];
	enum dom_withdrawal choice;
	bool changed;
};

/* Keep or erase: said by an option, else asked, else kept. */
static enum cli_exit
off_choose(struct off *off)
{
	struct cli *cli = off->cli;
	bool keep = options_has(&cli->options, "keep");

	if (keep && options_has(&cli->options, "erase"))
		return cli_usage(cli, "--keep and --erase are opposites; give one of them");
	off->choice = options_has(&cli->options, "erase") ? DOM_ERASE : DOM_KEEP;
	if (keep || off->choice == DOM_ERASE || !terminal_can_ask())
		return CLI_DONE;
	if (terminal_confirm(&cli->terminal,
	        "Also erase what is stored of it in the region? It cannot be brought back"))
		off->choice = DOM_ERASE;
	return cli_stopping ? CLI_STOPPED : CLI_DONE;
}

static enum cli_exit
off_one(struct off *off, enum service_id id)
{
	const char *name = services[id].name;
	struct erasing erasing = {.cli = off->cli, .what = name};
	enum dom_status st =
	    dom_consent_withdraw(off->cli->session, name, off->choice, erasing.request);

	if (st != DOM_OK && st != DOM_ABSENT)
		return cli_fail(off->cli, st, "it could not be turned off");
	printf(st == DOM_OK ? "%s is off\n" : "%s was off already\n", name);
	off->consented.on[id] = false;
	off->changed |= st == DOM_OK;
	return st == DOM_OK && off->choice == DOM_ERASE ? erasing_wait(&erasing) : CLI_DONE;
}

/* What was turned off by its name and is still stored, because "any" is on. */
static enum cli_exit
off_any(struct off *off)
{
	struct cli *cli = off->cli;
	enum cli_exit outcome;

	if (!off->consented.on[SERVICE_ANY])
		return CLI_DONE;
	cli_say(cli, "\"any\" is on and covers this too: the region goes on storing it until "
	             "any is off");
	if (!terminal_can_ask()) {
		cli_say(cli, "to turn that off as well: domicile off any");
		return CLI_FAILED;
	}
	if (!terminal_confirm(&cli->terminal, "Turn any off too?"))
		return cli_stopping ? CLI_STOPPED : CLI_FAILED;
	off->choice = DOM_KEEP; /* what other services have stored was not meant */
	outcome = off_one(off, SERVICE_ANY);
	return outcome;
}

static enum cli_exit
off_run(struct cli *cli)
{
	static struct off off;
	enum cli_exit outcome;
	enum dom_status st;
	bool erases;

	off = (struct off){.cli = cli};
	outcome = services_named(cli, off.ids);
	if (outcome == CLI_DONE)
		outcome = account_open(cli);
	if (outcome == CLI_DONE)
		outcome = off_choose(&off);
	if (outcome != CLI_DONE)
		return outcome;
	st = consented_ask(cli->session, &off.consented);
	if (st != DOM_OK)
		return cli_fail(cli, st, "nothing was turned off");
	for (size_t at = 0; at < cli->options.word_count && outcome == CLI_DONE; at++)
		outcome = off_one(&off, off.ids[at]);
	erases = off.choice == DOM_ERASE;
	if (outcome == CLI_DONE)
		outcome = off_any(&off);
	/* While any is on, it would not be true. */
	if (off.changed && !off.consented.on[SERVICE_ANY])
		puts(erases ? "Nothing new is stored from now on."
		            : "Nothing new is stored from now on. What is stored stays"
		              " encrypted in the region and\ncan be restored; --erase erases"
		              " it.");
	return outcome;
}

static const struct cli_option off_options[] = {
    {"keep", NULL,
        "what is stored stays, and can be restored; also without a terminal to ask on"},
    {"erase", NULL, "what is stored is erased, and cannot be brought back"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_off = {
    .name = "off",
    .usage = "SERVICE... [--keep | --erase]",
    .summary = "turn services off; the next byte is refused",
    .about =
        "Withdraws your consent: from that moment the region refuses everything that belongs\n"
        "to the service, from every device and app.  It asks whether what is stored is to be\n"
        "erased as well; without a terminal to ask on it stays, encrypted as it is, and can\n"
        "still be restored.  While any is on, it covers every service: then off says so, and\n"
        "fails unless any is turned off too.\n",
    .examples = "  domicile off messages calls\n"
                "  domicile off photos --erase\n",
    .options = off_options,
    .words_min = 1,
    .words_max = SERVICES_NAMED_MAX,
    .run = off_run,
};
