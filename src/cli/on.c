/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile on: show what a service means, ask, and sign the consent. */
#include <domicile/consent.h>

#include "base/clock.h"

#include "cli/account.h"
#include "cli/entry.h"
#include "cli/sample.h"
#include "cli/services.h"
#include "cli/text.h"

struct on {
	struct cli *cli;
	struct dom_catalogue *catalogue;
	struct sample sample;
	enum service_id ids[SERVICES_NAMED_MAX];
	const struct dom_catalogue_entry *entries[SERVICES_NAMED_MAX];
	size_t count;
	const char *region;
	int64_t until_ms;
};

static void
print_place(const struct on *on)
{
	char time[TEXT_SHORT];

	entry_label("Region");
	printf("%s, %s\n", on->region, dom_session_server(on->cli->session));
	entry_label("On until");
	printf("%s\n", on->until_ms == 0 ? "you turn it off, as easily as on"
	                                 : text_time(on->until_ms, time));
}

/* Several, and nobody is asked: what is the same for all is said once. */
static void
print_short(const struct on *on)
{
	puts("Stored from now on, as a copy that you can restore and bring to other devices:");
	for (size_t at = 0; at < on->count; at++)
		entry_print_classes(on->entries[at]->name, on->entries[at]);
	putchar('\n');
	entry_print_terms(on->entries[0]);
	print_place(on);
}

static void
print_whole(struct on *on)
{
	for (size_t at = 0; at < on->count; at++) {
		entry_print(on->cli, on->entries[at]);
		sample_print(on->cli, &on->sample, on->ids[at]);
		print_place(on);
		if (on->ids[at] == SERVICE_ANY)
			entry_paragraph("Note",
			    "any covers every service, also those that you turn off later by"
			    " their own name; turn any off to end that");
	}
}

/* When the consent ends; 0 if it does not. */
static enum cli_exit
on_until(struct cli *cli, int64_t *until_ms_r)
{
	const char *span = options_value(&cli->options, "for");
	const char *date = options_value(&cli->options, "until");
	struct dom_clock clock = dom_clock_system();
	int64_t now_ms = dom_clock_now_ms(&clock), ms;

	*until_ms_r = 0;
	if (span != NULL && date != NULL)
		return cli_usage(cli, "--for and --until say the same; give one of them");
	if (span != NULL) {
		if (!text_span(span, &ms))
			return cli_usage(cli, "--for takes a time like 48h, 90d, 12w or 1y");
		*until_ms_r = now_ms + ms;
	}
	if (date != NULL) {
		if (!text_date(date, &ms))
			return cli_usage(cli, "--until takes a date like 2027-01-31");
		if (ms <= now_ms)
			return cli_usage(cli, "%s is past", date);
		*until_ms_r = ms;
	}
	return CLI_DONE;
}

static enum cli_exit
on_give(struct on *on, size_t at)
{
	const char *const types[] = {services[on->ids[at]].type};
	const struct dom_consent consent = {
	    .entry = on->entries[at],
	    .catalogue = on->catalogue,
	    .types = types,
	    .type_count = types[0] == NULL ? 0 : 1,
	    .until_ms = on->until_ms,
	};
	enum dom_status st = dom_consent_give(on->cli->session, &consent);

	if (st != DOM_OK)
		return cli_fail(on->cli, st, "it could not be turned on");
	printf("%s is on\n", on->entries[at]->name);
	return CLI_DONE;
}

/* What the region says about each of them now. */
static enum cli_exit
on_look(struct on *on)
{
	struct cli *cli = on->cli;
	enum dom_status st = dom_session_region(cli->session, &on->region);

	if (st == DOM_OK)
		st = dom_catalogue_ask(cli->session, &on->catalogue);
	if (st != DOM_OK)
		return cli_fail(cli, st, "nothing was turned on");
	for (; on->count < cli->options.word_count; on->count++) {
		const char *name = services[on->ids[on->count]].name;

		on->entries[on->count] = dom_catalogue_find(on->catalogue, name);
		if (on->entries[on->count] != NULL)
			continue;
		cli_say(cli,
		    "this region does not offer %s; nothing was turned on. domicile services"
		    " lists what it offers",
		    name);
		return CLI_REFUSED;
	}
	return sample_open(cli, &on->sample);
}

static enum cli_exit
on_ask(struct on *on)
{
	struct cli *cli = on->cli;

	if (options_has(&cli->options, "yes")) {
		if (on->count > 1)
			print_short(on);
		else
			print_whole(on);
		return CLI_DONE;
	}
	print_whole(on);
	if (!terminal_can_ask()) {
		cli_say(cli,
		    "nothing was turned on: there is no terminal to ask on; if you agree "
		    "to the above, give --yes");
		return CLI_USAGE;
	}
	if (terminal_confirm(&cli->terminal, "Turn this on?"))
		return CLI_DONE;
	cli_say(cli, "nothing was turned on");
	return cli_stopping ? CLI_STOPPED : CLI_REFUSED;
}

static enum cli_exit
on_run(struct cli *cli)
{
	static struct on on;
	enum cli_exit outcome;

	on = (struct on){.cli = cli};
	outcome = services_named(cli, on.ids);
	if (outcome == CLI_DONE)
		outcome = on_until(cli, &on.until_ms);
	if (outcome == CLI_DONE)
		outcome = account_open(cli);
	if (outcome == CLI_DONE)
		outcome = on_look(&on);
	if (outcome == CLI_DONE)
		outcome = on_ask(&on);
	for (size_t at = 0; at < on.count && outcome == CLI_DONE; at++)
		outcome = on_give(&on, at);
	sample_close(&on.sample);
	dom_catalogue_free(&on.catalogue);
	return outcome;
}

static const struct cli_option on_options[] = {
    {"for", "TIME", "turn off again after this time: 48h, 90d, 12w, 1y"},
    {"until", "DATE", "turn off again after this day: 2027-01-31"},
    {"sample", "PATH", "show the first record of this file or folder that would be sent"},
    {"yes", NULL, "do not ask: I agree to what is shown"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_on = {
    .name = "on",
    .usage = "SERVICE... [--for TIME | --until DATE] [--sample PATH] [--yes]",
    .summary = "turn services on, after showing what that means",
    .about =
        "Shows what the region's catalogue says: what each service is for, what is stored and\n"
        "why, who can read it and how long it is kept; and the first record that would be "
        "sent.\n"
        "Then it asks, signs your consent to just that, and keeps the region's receipt.  From\n"
        "then on the region stores what belongs to the service; before that it refuses every\n"
        "byte.  When the region changes what you agreed to, the service is off until you "
        "agree\n"
        "again.\n\n"
        "services: contacts calendar tasks notes messages calls photos files,\n"
        "and any, for apps that store kinds that domicile does not know.\n",
    .examples = "  domicile on contacts calendar\n"
                "  domicile on photos --for 90d --yes\n",
    .options = on_options,
    .words_min = 1,
    .words_max = SERVICES_NAMED_MAX,
    .run = on_run,
};
