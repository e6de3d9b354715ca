/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile status: the account, what is on, how much is stored. */
#include <string.h>

#include <domicile/collection.h>

#include "cli/account.h"
#include "cli/consented.h"
#include "cli/json.h"
#include "cli/move.h"
#include "cli/text.h"

struct status {
	struct account_notes notes;
	struct consented consented;
	const char *region;
	uint64_t items[SERVICE_COUNT], bytes[SERVICE_COUNT]; /* "any": types we do not know */
	enum dom_status reached; /* DOM_OK, or why the server could not be asked */
};

static enum dom_status
status_collection(void *context, const struct dom_collection_info *info)
{
	struct status *status = context;
	enum service_id service = service_of_type(info->type);

	if (service == SERVICE_COUNT)
		service = SERVICE_ANY;
	status->items[service] += info->items;
	status->bytes[service] += info->bytes;
	return DOM_OK;
}

static void
status_json(struct cli *cli, const struct status *status)
{
	struct json json = {.out = stdout};

	json_open(&json, NULL, '{');
	json_text(&json, "account", dom_session_username(cli->session));
	json_text(&json, "address", dom_session_address(cli->session));
	json_text(&json, "region", status->region);
	json_text(&json, "server", dom_session_server(cli->session));
	json_text(
	    &json, "device", status->notes.device[0] == '\0' ? NULL : status->notes.device);
	json_time(&json, "last_backup_ms", status->notes.backup_ms);
	json_bool(&json, "reached", status->reached == DOM_OK);
	json_open(&json, "services", '{');
	for (unsigned at = 0; at < SERVICE_COUNT; at++) {
		json_open(&json, services[at].name, '{');
		if (status->reached == DOM_OK)
			json_bool(&json, "on", status->consented.on[at]);
		else
			json_text(&json, "on", NULL);
		json_text(&json, "state",
		    status->reached == DOM_OK
		        ? consented_word(&status->consented, (enum service_id)at)
		        : NULL);
		json_time(&json, "until_ms", status->consented.until_ms[at]);
		json_number(&json, "items", status->items[at]);
		json_number(&json, "bytes", status->bytes[at]);
		json_close(&json);
	}
	json_close(&json);
	if (status->reached == DOM_OK)
		move_proposal_json(cli, &json);
	json_finish(&json);
}

static void
status_print(struct cli *cli, const struct status *status)
{
	char count[TEXT_SHORT], bytes[TEXT_SHORT], time[TEXT_SHORT], clean[80];

	printf("account      %s%s\n", dom_session_address(cli->session),
	    status->region == NULL ? " (its region is not known)" : "");
	printf("server       %s%s\n", dom_session_server(cli->session),
	    status->reached == DOM_OK ? ""
	                              : " (not reached: this is what the device remembers)");
	printf("this device  %s\n",
	    status->notes.device[0] == '\0'
	        ? "has no name"
	        : text_clean(status->notes.device, '?', clean, sizeof(clean)));
	printf("last backup  %s\n\n", text_time(status->notes.backup_ms, time));
	for (unsigned at = 0; at < SERVICE_COUNT; at++) {
		bool on = status->consented.on[at];
		char why[CONSENTED_WHY_SIZE];

		if (at == SERVICE_ANY && !on && status->items[at] == 0)
			continue;
		printf("%-9s %s%-3s%s  %10s %-8s  %9s", services[at].name,
		    on ? terminal_strong(&cli->terminal) : "",
		    status->reached != DOM_OK ? "?"
		    : on                      ? "on"
		    : consented_covers(&status->consented, (enum service_id)at)
		        ? "any" /* not by itself, but stored all the same */
		        : "off",
		    on ? terminal_plain(&cli->terminal) : "",
		    text_count(status->items[at], count), services[at].many,
		    text_bytes(status->bytes[at], bytes));
		if (on && status->consented.until_ms[at] != 0)
			printf("  until %s", text_time(status->consented.until_ms[at], time));
		putchar('\n');
		if (consented_why(&status->consented, (enum service_id)at, why) != NULL)
			printf("          %s\n", why);
	}
	if (status->reached == DOM_OK)
		move_proposal_print(cli);
}

static enum cli_exit
status_run(struct cli *cli)
{
	struct status status = {0};
	enum cli_exit outcome = account_open(cli);

	if (outcome != CLI_DONE)
		return outcome;
	account_notes_read(cli->folder, &status.notes);
	status.reached = dom_sync(cli->session);
	if (status.reached == DOM_OK)
		status.reached = consented_ask(cli->session, &status.consented);
	if (status.reached != DOM_OK)
		outcome = cli_fail(cli, status.reached, "the region could not be asked");
	if (outcome == CLI_LOGIN || outcome == CLI_STOPPED)
		return outcome;
	if (dom_session_region(cli->session, &status.region) != DOM_OK)
		status.region = NULL;
	if (dom_collections_each(cli->session, status_collection, &status) != DOM_OK)
		return cli_fail(cli, DOM_ESTORE, "what this device remembers cannot be read");
	if (options_has(&cli->options, "json"))
		status_json(cli, &status);
	else
		status_print(cli, &status);
	return outcome;
}

static const struct cli_option status_options[] = {
    {"json", NULL, "for programs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_status = {
    .name = "status",
    .usage = "[--json]",
    .summary = "the account, what is on, how much is stored",
    .about = "Shows the account, its region, which services are on, and how much of each is "
             "stored.\n",
    .examples = "  domicile status\n"
                "  domicile status --json | jq .services.photos.items\n",
    .options = status_options,
    .words_min = 0,
    .words_max = 0,
    .run = status_run,
};
