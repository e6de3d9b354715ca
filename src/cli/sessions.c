/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile sessions: which devices are logged in; end one. */
#include <stdlib.h>

#include "cli/account.h"
#include "cli/json.h"
#include "cli/text.h"

static void
sessions_print(struct cli *cli, const struct dom_device *devices, size_t count)
{
	char made[TEXT_SHORT], used[TEXT_SHORT], name[80];

	printf("%-22s  %-20s  %-16s  %s\n", "ID", "DEVICE", "SINCE", "LAST USED");
	for (size_t at = 0; at < count; at++) {
		text_clean(devices[at].name, '?', name, sizeof(name));
		printf("%-22s  %-20s  %-16s  %s%s%s%s\n", devices[at].id,
		    name[0] == '\0' ? "(no name)" : name,
		    text_time(devices[at].created_ms, made),
		    text_time(devices[at].used_ms, used),
		    devices[at].is_this ? terminal_strong(&cli->terminal) : "",
		    devices[at].is_this ? "  this device" : "",
		    devices[at].is_this ? terminal_plain(&cli->terminal) : "");
	}
}

static void
sessions_json(const struct dom_device *devices, size_t count)
{
	struct json json = {.out = stdout};

	json_open(&json, NULL, '[');
	for (size_t at = 0; at < count; at++) {
		json_open(&json, NULL, '{');
		json_text(&json, "id", devices[at].id);
		json_text(
		    &json, "device", devices[at].name[0] == '\0' ? NULL : devices[at].name);
		json_time(&json, "created_ms", devices[at].created_ms);
		json_time(&json, "used_ms", devices[at].used_ms);
		json_bool(&json, "is_this", devices[at].is_this);
		json_close(&json);
	}
	json_finish(&json);
}

static enum cli_exit
sessions_run(struct cli *cli)
{
	const char *revoke = options_value(&cli->options, "revoke");
	struct dom_device *devices = NULL;
	size_t count = 0;
	enum cli_exit outcome = account_open(cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	if (revoke != NULL) {
		st = dom_device_revoke(cli->session, revoke);
		if (st == DOM_ABSENT) {
			cli_say(cli,
			    "no session has the id %.40s; domicile sessions lists them",
			    revoke);
			return CLI_FAILED;
		}
		if (st != DOM_OK)
			return cli_fail(cli, st, "the session was not ended");
		printf(
		    "%s is logged out. If that device is lost, change the password too "
		    "(domicile password):\nit may still hold the account's keys and could log "
		    "in again until then.\n",
		    revoke);
		return CLI_DONE;
	}
	st = dom_devices(cli->session, &devices, &count);
	if (st != DOM_OK)
		return cli_fail(cli, st, "the devices could not be listed");
	if (options_has(&cli->options, "json"))
		sessions_json(devices, count);
	else
		sessions_print(cli, devices, count);
	free(devices);
	return CLI_DONE;
}

static const struct cli_option sessions_options[] = {
    {"revoke", "ID", "end that session: a lost phone, an app no longer used"},
    {"json", NULL, "for programs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_sessions = {
    .name = "sessions",
    .usage = "[--revoke ID] [--json]",
    .summary = "the devices that are logged in; end one",
    .about =
        "Lists the devices and apps that are logged in to the account.  --revoke ends one.  A\n"
        "lost device may still hold the account's keys, so change the password too (domicile\n"
        "password); what it stored on itself is not erased.\n",
    .examples = "  domicile sessions\n  domicile sessions --revoke 3q2-7wEjRWeJq83vASNFZw\n",
    .options = sessions_options,
    .words_min = 0,
    .words_max = 0,
    .run = sessions_run,
};
