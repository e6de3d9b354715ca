/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile services: what the region offers, and what of it is on. */
#include <string.h>

#include <domicile/consent.h>

#include "cli/account.h"
#include "cli/consented.h"
#include "cli/entry.h"
#include "cli/json.h"
#include "cli/kept.h"
#include "cli/text.h"

enum { SHOWN_MAX = 64 };

struct offer {
	struct cli *cli;
	struct dom_catalogue *catalogue;
	struct dom_retention *kept; /* NULL: the region does not say */
	struct consented consented;
};

/* Was it named, or nothing at all? */
static bool
is_wanted(const struct cli *cli, const char *name)
{
	for (size_t at = 0; at < cli->options.word_count; at++) {
		if (strcmp(cli->options.words[at], name) == 0)
			return true;
	}
	return cli->options.word_count == 0;
}

static void
print_json_entry(
    struct json *json, const struct offer *offer, const struct dom_catalogue_entry *entry)
{
	enum service_id id = service_find(entry->name);

	json_open(json, NULL, '{');
	json_text(json, "name", entry->name);
	json_text(json, "state",
	    id == SERVICE_COUNT ? "unknown" : consented_word(&offer->consented, id));
	json_time(json, "until_ms", id == SERVICE_COUNT ? 0 : offer->consented.until_ms[id]);
	json_number(json, "version", entry->version);
	json_text(json, "since", entry->since);
	json_text(json, "title", entry->title);
	json_text(json, "purpose", entry->purpose);
	json_open(json, "data_classes", '[');
	for (size_t i = 0; i < entry->data_class_count; i++)
		json_text(json, NULL, entry->data_classes[i]);
	json_close(json);
	json_text(json, "retention", entry->retention);
	json_text(json, "minimum", entry->minimum);
	json_text(json, "law", entry->law);
	json_open(json, "readers", '[');
	for (size_t i = 0; i < entry->reader_count; i++) {
		json_open(json, NULL, '{');
		json_text(json, "who", entry->readers[i].who);
		json_text(json, "what", entry->readers[i].what);
		json_close(json);
	}
	json_close(json);
	json_hex(json, "terms", dom_slice(entry->terms, sizeof(entry->terms)));
	json_close(json);
}

static void
print_json(const struct offer *offer)
{
	struct json json = {.out = stdout};

	json_open(&json, NULL, '{');
	json_open(&json, "services", '[');
	for (size_t i = 0; i < offer->catalogue->count; i++) {
		if (is_wanted(offer->cli, offer->catalogue->entries[i].name))
			print_json_entry(&json, offer, &offer->catalogue->entries[i]);
	}
	json_close(&json);
	if (offer->kept != NULL)
		kept_json(&json, offer->kept);
	json_finish(&json);
}

/* "on until 2027-01-31 00:00", "off: it ended on ..." */
static void
print_state(const struct offer *offer, enum service_id id)
{
	const struct consented *consented = &offer->consented;
	char why[CONSENTED_WHY_SIZE], time[TEXT_SHORT];

	if (id == SERVICE_COUNT)
		printf("off; this release of domicile cannot use it\n");
	else if (consented->on[id] && consented->until_ms[id] != 0)
		printf("on until %s\n", text_time(consented->until_ms[id], time));
	else if (consented->on[id])
		printf("on\n");
	else if (consented_why(consented, id, why) != NULL)
		printf("off: %s%s\n", why,
		    consented->on[SERVICE_ANY] ? "; \"any\" covers it, so it is stored" : "");
	else if (consented->on[SERVICE_ANY])
		printf("stored, because \"any\" is on\n");
	else
		printf("off\n");
}

static void
print_list(const struct offer *offer)
{
	const struct terminal *terminal = &offer->cli->terminal;

	for (size_t i = 0; i < offer->catalogue->count; i++) {
		const struct dom_catalogue_entry *entry = &offer->catalogue->entries[i];
		enum service_id id = service_find(entry->name);
		bool on = id != SERVICE_COUNT && offer->consented.on[id];
		const char *word =
		    id == SERVICE_COUNT ? "off" : consented_word(&offer->consented, id);

		printf("%s%-9s  %-7s%s  %s\n", on ? terminal_strong(terminal) : "", entry->name,
		    word, on ? terminal_plain(terminal) : "", entry->title);
		if (id == SERVICE_COUNT ||
		    (strcmp(word, "on") != 0 && strcmp(word, "off") != 0) ||
		    offer->consented.until_ms[id] != 0) {
			printf("           ");
			print_state(offer, id);
		}
	}
	putchar('\n');
	if (offer->kept != NULL) {
		kept_print(stdout, offer->kept);
		kept_notice(stdout, offer->kept);
		putchar('\n');
	}
	puts("domicile services NAME shows what it is for and what you agree to; domicile on "
	     "NAME\nturns it on.");
}

static void
print_whole(const struct offer *offer)
{
	for (size_t i = 0; i < offer->catalogue->count; i++) {
		const struct dom_catalogue_entry *entry = &offer->catalogue->entries[i];

		if (!is_wanted(offer->cli, entry->name))
			continue;
		entry_print(offer->cli, entry);
		entry_label("Terms");
		printf("version %u, since %s\n", entry->version, entry->since);
		entry_label("Now");
		print_state(offer, service_find(entry->name));
	}
}

/* A word that is no service of this region is a wrong use. */
static enum cli_exit
check_words(const struct offer *offer)
{
	const char *names[SHOWN_MAX + 1], *near;
	size_t count = 0;

	for (; count < offer->catalogue->count && count < SHOWN_MAX; count++)
		names[count] = offer->catalogue->entries[count].name;
	names[count] = NULL;
	for (size_t at = 0; at < offer->cli->options.word_count; at++) {
		const char *word = offer->cli->options.words[at];

		if (dom_catalogue_find(offer->catalogue, word) != NULL)
			continue;
		near = options_suggest(word, names);
		return cli_usage(offer->cli, "this region offers no service %.40s%s%s%s", word,
		    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
		    near == NULL ? "" : "?");
	}
	return CLI_DONE;
}

static enum cli_exit
services_run(struct cli *cli)
{
	struct offer offer = {.cli = cli};
	enum cli_exit outcome = account_open(cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	st = dom_catalogue_ask(cli->session, &offer.catalogue);
	if (st == DOM_OK)
		st = consented_ask(cli->session, &offer.consented);
	if (st == DOM_OK && (st = dom_retention_ask(cli->session, &offer.kept)) == DOM_ABSENT)
		st = DOM_OK;
	if (st == DOM_OK)
		outcome = check_words(&offer);
	else
		outcome = cli_fail(cli, st, "the region could not be asked");
	if (outcome == CLI_DONE && options_has(&cli->options, "json"))
		print_json(&offer);
	else if (outcome == CLI_DONE && cli->options.word_count > 0)
		print_whole(&offer);
	else if (outcome == CLI_DONE)
		print_list(&offer);
	dom_retention_free(&offer.kept);
	dom_catalogue_free(&offer.catalogue);
	return outcome;
}

static const struct cli_option services_options[] = {
    {"json", NULL, "for programs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_services = {
    .name = "services",
    .usage = "[SERVICE...] [--json]",
    .summary = "what the region offers, and what of it is on",
    .about = "Shows the region's catalogue and your consents: what is on, off, ended, or off "
             "because\n"
             "the region changed what you agreed to; and how long the region keeps what is not "
             "needed\n"
             "any more.  With names, all that you agree to when you turn them on.\n",
    .examples = "  domicile services\n"
                "  domicile services photos\n",
    .options = services_options,
    .words_min = 0,
    .words_max = SERVICES_NAMED_MAX,
    .run = services_run,
};
