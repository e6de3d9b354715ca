/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile consents: what was agreed to and withdrawn, and the region's answers. */
#include "cli/consents.h"

#include <string.h>

#include "cli/account.h"
#include "cli/json.h"
#include "cli/text.h"

struct listing {
	struct json json;
	bool is_json;
	uint64_t count;
};

static void
list_json(struct json *json, const struct dom_statement *statement)
{
	json_open(json, NULL, '{');
	json_number(json, "serial", statement->serial);
	json_text(json, "kind", dom_statement_word(statement->kind));
	json_text(json, "service", statement->service[0] == '\0' ? NULL : statement->service);
	json_text(json, "region", statement->region);
	json_time(json, "issued_ms", statement->issued_ms);
	json_time(json, "accepted_ms", statement->accepted_ms);
	if (statement->kind == DOM_STATEMENT_CONSENT) {
		json_number(json, "version", statement->version);
		json_hex(json, "terms", dom_slice(statement->terms, sizeof(statement->terms)));
		json_text(json, "purpose", statement->purpose);
		json_text(json, "retention", statement->retention);
		json_time(json, "until_ms", statement->until_ms);
	}
	if (statement->kind == DOM_STATEMENT_WITHDRAWAL)
		json_text(json, "stored", statement->choice == DOM_ERASE ? "erased" : "kept");
	if (statement->kind == DOM_STATEMENT_MOVE_ORDER)
		json_text(json, "target", statement->target);
	json_bool(json, "receipt", statement->evidence.size > 0);
	json_close(json);
}

static void
list_line(const struct dom_statement *statement)
{
	char time[TEXT_SHORT], until[TEXT_SHORT];

	printf("%4llu  %s  ", (unsigned long long)statement->serial,
	    text_time(statement->accepted_ms, time));
	switch (statement->kind) {
	case DOM_STATEMENT_CONSENT:
		printf("%s on, terms version %u", statement->service, statement->version);
		if (statement->until_ms != 0)
			printf(", until %s", text_time(statement->until_ms, until));
		break;
	case DOM_STATEMENT_WITHDRAWAL:
		printf("%s off, what was stored is %s", statement->service,
		    statement->choice == DOM_ERASE ? "erased" : "kept");
		break;
	case DOM_STATEMENT_ERASURE:
		printf(statement->whole_account ? "the account is erased"
		                                : "the history of an item is erased");
		break;
	case DOM_STATEMENT_MOVE_ORDER:
		printf("move from %s to %s", statement->region, statement->target);
		break;
	case DOM_STATEMENT_MOVE_CANCEL:
		printf("the move is cancelled");
		break;
	case DOM_STATEMENT_MOVE_ACK:
		printf("everything was found in %s", statement->region);
		break;
	}
	puts(statement->evidence.size > 0 ? "" : "  (no receipt)");
}

static enum dom_status
list_one(void *context, const struct dom_statement *statement)
{
	struct listing *listing = context;

	listing->count++;
	if (listing->is_json)
		list_json(&listing->json, statement);
	else
		list_line(statement);
	return cli_stopping ? DOM_ESTOPPED : DOM_OK;
}

static enum cli_exit
consents_list(struct cli *cli)
{
	struct listing listing = {
	    .json = {.out = stdout}, .is_json = options_has(&cli->options, "json")};
	enum dom_status st;

	if (listing.is_json) {
		json_open(&listing.json, NULL, '{');
		json_open(&listing.json, "statements", '[');
	}
	st = dom_statements(cli->session, list_one, &listing);
	if (listing.is_json)
		json_finish(&listing.json);
	if (st != DOM_OK)
		return cli_fail(cli, st, "the history is not whole");
	if (!listing.is_json && listing.count == 0)
		puts("Nothing was ever turned on.");
	else if (!listing.is_json)
		puts("\nEach is signed by you and by the region, and was checked. domicile "
		     "consents export DIR\nwrites them to files that domicile-verify checks "
		     "without a network.");
	return CLI_DONE;
}

static enum cli_exit
consents_run(struct cli *cli)
{
	bool exports =
	    cli->options.word_count > 0 && strcmp(cli->options.words[0], "export") == 0;
	enum cli_exit outcome;

	if (cli->options.word_count > 0 && !exports)
		return cli_usage(cli, "consents does not know what to do with \"%.60s\"",
		    cli->options.words[0]);
	if (!exports && options_has(&cli->options, "format"))
		return cli_usage(cli, "--format is for: domicile consents export DIR");
	outcome = account_open(cli);
	if (outcome != CLI_DONE)
		return outcome;
	return exports ? consents_export(cli) : consents_list(cli);
}

static const struct cli_option consents_options[] = {
    {"format", "NAME", "of an export: native (default), kantara or iso27560"},
    {"json", NULL, "for programs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_consents = {
    .name = "consents",
    .usage = "[--json] | export DIR [--format native|kantara|iso27560]",
    .summary = "what you agreed to and withdrew, with the region's receipts",
    .about =
        "Lists every consent and withdrawal of the account, and what you signed about erasing\n"
        "and moving.  Each is fetched from the region and checked: it is signed by your\n"
        "account, none is missing, and the region's receipt is good under the key that this\n"
        "device knows, or the group's for a region where the account lived before.\n\n"
        "consents export writes them to a new or empty folder: native are *.domicile-receipt\n"
        "files with region.pub, for domicile-verify; kantara is Kantara Consent Receipt 1.1 "
        "and\n"
        "iso27560 is ISO/IEC TS 27560, JSON files for other programs, which prove nothing by\n"
        "themselves.\n",
    .examples = "  domicile consents\n"
                "  domicile consents export ~/my-consents\n"
                "  domicile consents export ~/my-consents-json --format kantara\n",
    .options = consents_options,
    .words_min = 0,
    .words_max = 2,
    .run = consents_run,
};
