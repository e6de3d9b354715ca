/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile erase: the account, earlier revisions, and receipts that were not waited for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/account.h"
#include "cli/erasing.h"

enum { NAME_SIZE = 512 };

/* --- receipts ---------------------------------------------------------------------- */

static enum cli_exit
erase_receipts(struct cli *cli)
{
	struct dom_erasure_waiting *waiting;
	enum cli_exit outcome = CLI_DONE;
	size_t count;
	enum dom_status st = dom_erasures_waiting(cli->session, &waiting, &count);

	if (st != DOM_OK)
		return cli_fail(cli, st, "the receipts cannot be looked for");
	if (count == 0)
		puts("No receipt is missing.");
	for (size_t at = 0; at < count && outcome == CLI_DONE; at++) {
		struct erasing erasing = {.cli = cli,
		    .what = waiting[at].whole_account        ? "the account"
		            : waiting[at].service[0] != '\0' ? waiting[at].service
		                                             : "earlier revisions"};

		memcpy(erasing.request, waiting[at].request, sizeof(erasing.request));
		outcome = erasing_wait(&erasing);
	}
	free(waiting);
	return outcome;
}

/* --- earlier revisions --------------------------------------------------------------- */

static enum cli_exit
erase_history(struct cli *cli)
{
	enum cli_exit outcome = CLI_DONE;

	for (size_t at = 1; at < cli->options.word_count && outcome == CLI_DONE; at++) {
		struct erasing erasing = {.cli = cli, .what = cli->options.words[at]};
		const char *slash = strchr(erasing.what, '/');
		char collection[128];
		enum dom_status st;

		if (slash == NULL || (size_t)(slash - erasing.what) >= sizeof(collection))
			return cli_usage(cli,
			    "\"%s\" is not COLLECTION/ITEM, as index.json of an export names "
			    "it",
			    erasing.what);
		snprintf(collection, sizeof(collection), "%.*s", (int)(slash - erasing.what),
		    erasing.what);
		st = dom_erase_history(cli->session, collection, slash + 1, erasing.request);
		if (st != DOM_OK)
			return cli_fail(cli, st, "its earlier revisions are not erased");
		outcome = erasing_wait(&erasing);
	}
	return outcome;
}

/* --- the account ----------------------------------------------------------------------- */

/* The name, typed again, or said by --yes. */
static enum cli_exit
is_meant(struct cli *cli)
{
	const char *name = dom_session_username(cli->session);
	const char *said = options_value(&cli->options, "yes");
	char question[3 * NAME_SIZE], typed[NAME_SIZE];

	if (said == NULL && !terminal_can_ask())
		return cli_usage(cli,
		    "this cannot be undone, and there is no terminal to ask on: --yes %s says "
		    "that it is meant",
		    name);
	if (said == NULL) {
		snprintf(question, sizeof(question),
		    "Everything that %.600s keeps is erased, on all devices, also "
		    "what is shared with others.\nIt cannot be brought back. Type %s to erase "
		    "it:",
		    name, name);
		if (!terminal_ask(&cli->terminal, question, typed, sizeof(typed)))
			return CLI_STOPPED;
		said = typed;
	}
	if (strcmp(said, name) == 0)
		return CLI_DONE;
	cli_say(cli, "the account is called %s: nothing was erased", name);
	return CLI_USAGE;
}

/* What is left here is keys of something that does not exist. */
static enum cli_exit
forget(struct cli *cli)
{
	struct dom_complaint complaint = {""};
	enum dom_status st;

	dom_session_close(&cli->session);
	st = dom_session_forget(cli->folder, &complaint);
	if (st != DOM_OK)
		return cli_complain(cli, st, &complaint);
	account_remove_rest(cli->folder);
	puts("This device has forgotten the account.");
	return CLI_DONE;
}

static enum cli_exit
erase_account(struct cli *cli)
{
	struct erasing erasing = {.cli = cli, .what = "the account", .folder = "."};
	char file[NAME_SIZE];
	enum cli_exit outcome = is_meant(cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	snprintf(
	    file, sizeof(file), "%.200s.domicile-receipt", dom_session_username(cli->session));
	erasing.name = file;
	/* Before anything is erased: the receipt must have its place. */
	if (strchr(file, '/') != NULL || access(file, F_OK) == 0) {
		cli_say(cli,
		    "the receipt would be written to %s here, which is there already: go to "
		    "another folder. Nothing was erased",
		    file);
		return CLI_FAILED;
	}
	if (access(".", W_OK) != 0) {
		cli_say(cli,
		    "the receipt would be written to %s here: %s. Go to another folder. "
		    "Nothing "
		    "was erased",
		    file, strerror(errno));
		return CLI_FAILED;
	}
	if ((st = dom_erase_account(cli->session, erasing.request)) != DOM_OK)
		return cli_fail(cli, st, "the account may not be erased");
	puts("Nobody can log in or read anything of it any more.");
	outcome = erasing_wait(&erasing);
	return outcome == CLI_DONE ? forget(cli) : outcome;
}

static enum cli_exit
erase_run(struct cli *cli)
{
	static const char *const kinds[] = {"account", "history", "receipts", NULL};
	const char *kind = cli->options.words[0];
	bool history = strcmp(kind, "history") == 0;
	const char *near;
	enum cli_exit outcome;

	if (!history && strcmp(kind, "account") != 0 && strcmp(kind, "receipts") != 0) {
		near = options_suggest(kind, kinds);
		return near != NULL
		           ? cli_usage(cli, "\"%s\" is not known; did you mean %s?", kind, near)
		           : cli_usage(cli,
		                 "\"%s\" cannot be erased: say account, history or receipts. "
		                 "What a service has stored is erased by domicile off SERVICE "
		                 "--erase",
		                 kind);
	}
	if (history != (cli->options.word_count > 1))
		return cli_usage(
		    cli, history ? "which items? COLLECTION/ITEM" : "only history takes names");
	if ((outcome = account_open(cli)) != CLI_DONE)
		return outcome;
	return history          ? erase_history(cli)
	       : kind[0] == 'a' ? erase_account(cli)
	                        : erase_receipts(cli);
}

static const struct cli_option erase_options[] = {
    {"yes", "NAME", "do not ask; the account's name says that it is meant"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_erase = {
    .name = "erase",
    .usage = "account [--yes NAME] | history COLLECTION/ITEM... | receipts",
    .summary = "erase the account, or earlier revisions, with the region's receipt",
    .about =
        "Asks the region, in a signed statement, to erase.  From its answer on nobody can\n"
        "read it, on any device; then the region removes the bytes, waits until they have\n"
        "left its disk, and signs a receipt that domicile-verify checks: what was erased,\n"
        "when, and how long backups may still hold it.\n"
        "\n"
        "account erases all that the account keeps and the account itself; the receipt is\n"
        "written to NAME.domicile-receipt here, and this device forgets the account.\n"
        "history erases the earlier revisions of items, named as account/items.json of\n"
        "an export names them; what is current stays.  receipts fetches those that were not "
        "waited\n"
        "for.  What a service has stored is erased by domicile off SERVICE --erase.\n",
    .examples = "  domicile erase account\n"
                "  domicile erase history COLLECTION/ITEM\n"
                "  domicile erase receipts\n",
    .options = erase_options,
    .words_min = 1,
    .words_max = 100,
    .run = erase_run,
};
