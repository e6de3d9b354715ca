/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile on: show what a service means, ask, and sign the consent. */
#include "base/clock.h"

#include "cli/account.h"
#include "cli/services.h"
#include "cli/text.h"

enum { LABEL_WIDTH = 13 }; /* of the longest, and a space */

/* Text behind a label, broken at spaces. */
static void
print_paragraph(const char *label, const char *text)
{
	enum { WIDTH = 64 };
	size_t column = 0;

	printf("  %-*s", LABEL_WIDTH, label);
	while (*text != '\0') {
		size_t word = 0;

		while (text[word] != '\0' && text[word] != ' ')
			word++;
		if (column > 0 && column + word + 1 > WIDTH) {
			printf("\n%*s", LABEL_WIDTH + 2, "");
			column = 0;
		}
		printf("%s%.*s", column > 0 ? " " : "", (int)word, text);
		column += word + (column > 0);
		text += word;
		while (*text == ' ')
			text++;
	}
	putchar('\n');
}

/* What is the same for all services. */
static void
print_common(
    struct cli *cli, const struct service *service, const char *region, int64_t until_ms)
{
	char time[TEXT_SHORT];

	print_paragraph("Readable by", service->readable);
	print_paragraph("Kept", service->retention);
	printf(
	    "  %-*s%s, %s\n", LABEL_WIDTH, "Region", region, dom_session_server(cli->session));
	printf("  %-*s%s\n", LABEL_WIDTH, "On until",
	    until_ms == 0 ? "you turn it off" : text_time(until_ms, time));
}

static void
print_entry(
    struct cli *cli, const struct service *service, const char *region, int64_t until_ms)
{
	printf("%s%s%s: %s\n", terminal_strong(&cli->terminal), service->name,
	    terminal_plain(&cli->terminal), service->title);
	print_paragraph("Purpose", service->purpose);
	print_paragraph("Stored", service->stored);
	print_common(cli, service, region, until_ms);
}

/* Several, and nobody is asked: what is the same for all is said once. */
static void
print_short(struct cli *cli, const enum service_id *ids, const char *region, int64_t until_ms)
{
	puts("Stored from now on, as a copy that you can restore and bring to other devices:");
	for (size_t at = 0; at < cli->options.word_count; at++)
		print_paragraph(services[ids[at]].name, services[ids[at]].stored);
	putchar('\n');
	print_common(cli, &services[ids[0]], region, until_ms);
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
on_give(struct cli *cli, const struct service *service, int64_t until_ms)
{
	const char *const types[] = {service->type};
	const struct dom_consent consent = {
	    .service = service->name,
	    .types = types,
	    .type_count = service->type == NULL ? 0 : 1,
	    .purpose = service->purpose,
	    /* Nothing is erased by time yet, so no time is promised. */
	    .retention = "",
	    .until_ms = until_ms,
	    .catalogue_version = SERVICES_CATALOGUE_VERSION,
	};
	enum dom_status st = dom_consent_give(cli->session, &consent);

	if (st != DOM_OK)
		return cli_fail(cli, st, "it could not be turned on");
	printf("%s is on\n", service->name);
	return CLI_DONE;
}

static enum cli_exit
on_run(struct cli *cli)
{
	enum service_id ids[SERVICES_NAMED_MAX];
	bool yes = options_has(&cli->options, "yes");
	const char *region;
	int64_t until_ms;
	enum cli_exit outcome = services_named(cli, ids);
	enum dom_status st;

	if (outcome == CLI_DONE)
		outcome = on_until(cli, &until_ms);
	if (outcome == CLI_DONE)
		outcome = account_open(cli);
	if (outcome != CLI_DONE)
		return outcome;
	st = dom_session_region(cli->session, &region);
	if (st != DOM_OK)
		return cli_fail(cli, st, "nothing was turned on");
	if (yes && cli->options.word_count > 1)
		print_short(cli, ids, region, until_ms);
	for (size_t at = 0; at < cli->options.word_count; at++) {
		if (!yes || cli->options.word_count == 1)
			print_entry(cli, &services[ids[at]], region, until_ms);
	}
	if (!yes && !terminal_can_ask()) {
		cli_say(cli,
		    "nothing was turned on: there is no terminal to ask on; if you agree "
		    "to the above, give --yes");
		return CLI_USAGE;
	}
	if (!yes && !terminal_confirm(&cli->terminal, "Turn this on?")) {
		cli_say(cli, "nothing was turned on");
		return cli_stopping ? CLI_STOPPED : CLI_REFUSED;
	}
	for (size_t at = 0; at < cli->options.word_count && outcome == CLI_DONE; at++)
		outcome = on_give(cli, &services[ids[at]], until_ms);
	return outcome;
}

static const struct cli_option on_options[] = {
    {"for", "TIME", "turn off again after this time: 48h, 90d, 12w, 1y"},
    {"until", "DATE", "turn off again after this day: 2027-01-31"},
    {"yes", NULL, "do not ask: I agree to what is shown"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_on = {
    .name = "on",
    .usage = "SERVICE... [--for TIME | --until DATE] [--yes]",
    .summary = "turn services on, after showing what that means",
    .about =
        "Shows what each service is for, what is stored, who can read it and how long it is\n"
        "kept, asks, and signs your consent.  From then on the region stores what belongs to\n"
        "the service; before that it refuses every byte.\n\n"
        "services: contacts calendar tasks notes messages calls photos files,\n"
        "and any, for apps that store kinds that domicile does not know.\n",
    .examples = "  domicile on contacts calendar\n"
                "  domicile on photos --for 90d --yes\n",
    .options = on_options,
    .words_min = 1,
    .words_max = SERVICES_NAMED_MAX,
    .run = on_run,
};
