/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile where: in which region the account lives, and who can read it. */
#include <stdlib.h>
#include <string.h>

#include <domicile/move.h>

#include "base/encode.h"

#include "cli/account.h"
#include "cli/json.h"
#include "cli/text.h"

struct shown {
	struct dom_where where;
	struct dom_move *moves;
	size_t move_count;
	size_t device_count;
};

/* The region that still has a copy from before the last move; NULL: none says so. */
static const char *
old_copy(const struct shown *shown)
{
	for (size_t i = 0; i < shown->move_count; i++) {
		if (shown->moves[i].state == DOM_MOVE_HOME)
			return shown->moves[i].source;
	}
	return NULL;
}

static void
print_regions(const struct dom_where *where)
{
	for (size_t i = 0; i < where->region_count; i++)
		printf("%s%s", i == 0 ? "others        " : ", ", where->regions[i]);
	if (where->region_count > 0)
		puts("  (domicile move REGION)");
}

static void
where_print(struct cli *cli, const struct shown *shown)
{
	const struct dom_where *where = &shown->where;
	const char *old = old_copy(shown);
	char key[65], country[8] = "";

	if (where->country[0] != '\0')
		snprintf(country, sizeof(country), " (%s)", where->country);
	printf("account       %s\n", dom_session_address(cli->session));
	printf("region        %s%s%s%s\n", where->region, country,
	    where->group[0] == '\0' ? ", in no group of regions" : ", of the group ",
	    where->group);
	printf("server        %s, release %s\n", where->server, where->release);
	for (size_t i = 0; i < where->address_count; i++)
		printf("%-14s%s\n", i == 0 ? "addresses" : "", where->addresses[i]);
	printf("round trip    %.1f ms (median of 5)\n", (double)where->round_trip_us / 1000);
	if (old != NULL)
		printf("old copy      %s has one still: domicile move --status\n", old);
	print_regions(where);
	dom_hex_encode(dom_slice(where->region_key, sizeof(where->region_key)), key);
	printf("region's key  %s\n", key);
	if (where->group[0] != '\0') {
		dom_hex_encode(dom_slice(where->group_key, sizeof(where->group_key)), key);
		printf("group's key   %s\n", key);
	}
	printf("\nWho can read it: devices that have your key and nobody else. %zu %s logged "
	       "in now (domicile\nsessions). Whoever operates %s keeps it without being able "
	       "to read it, and sees what\ndocs/what-the-operator-sees.md lists: your name, "
	       "sizes and times, which services are on, and from\nwhich address you come.\n",
	    shown->device_count, shown->device_count == 1 ? "device is" : "devices are",
	    where->region);
}

static void
where_json(struct cli *cli, const struct shown *shown)
{
	const struct dom_where *where = &shown->where;
	struct json json = {.out = stdout};
	uint8_t identity[32];

	dom_session_identity(cli->session, identity);
	json_open(&json, NULL, '{');
	json_text(&json, "account", dom_session_address(cli->session));
	json_hex(&json, "identity", dom_slice(identity, sizeof(identity)));
	json_text(&json, "region", where->region);
	json_text(&json, "country", where->country[0] == '\0' ? NULL : where->country);
	json_text(&json, "server", where->server);
	json_text(&json, "release", where->release);
	json_open(&json, "addresses", '[');
	for (size_t i = 0; i < where->address_count; i++)
		json_text(&json, NULL, where->addresses[i]);
	json_close(&json);
	json_real(&json, "round_trip_ms", (double)where->round_trip_us / 1000);
	json_hex(&json, "region_key", dom_slice(where->region_key, sizeof(where->region_key)));
	if (where->group[0] == '\0') {
		json_text(&json, "group", NULL);
	} else {
		json_open(&json, "group", '{');
		json_text(&json, "name", where->group);
		json_hex(&json, "key", dom_slice(where->group_key, sizeof(where->group_key)));
		json_number(&json, "version", where->group_version);
		json_close(&json);
	}
	json_number(&json, "epoch", where->epoch);
	json_text(&json, "old_copy", old_copy(shown));
	json_open(&json, "others", '[');
	for (size_t i = 0; i < where->region_count; i++)
		json_text(&json, NULL, where->regions[i]);
	json_close(&json);
	json_open(&json, "readers", '{');
	json_number(&json, "devices", shown->device_count);
	json_bool(&json, "operator", false);
	json_finish(&json);
}

static enum cli_exit
where_run(struct cli *cli)
{
	struct shown shown = {.moves = NULL};
	struct dom_device *devices = NULL;
	enum cli_exit outcome = account_open(cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	st = dom_where(cli->session, &shown.where);
	if (st == DOM_OK)
		st = dom_devices(cli->session, &devices, &shown.device_count);
	/* A region that cannot move accounts has no list of moves. */
	if (st == DOM_OK && shown.where.group[0] != '\0')
		st = dom_move_status(cli->session, &shown.moves, &shown.move_count);
	if (st != DOM_OK)
		outcome = cli_fail(cli, st, "the region could not be asked");
	else if (options_has(&cli->options, "json"))
		where_json(cli, &shown);
	else
		where_print(cli, &shown);
	free(devices);
	free(shown.moves);
	return outcome;
}

static const struct cli_option where_options[] = {
    {"json", NULL, "for programs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_where = {
    .name = "where",
    .usage = "[--json]",
    .summary = "where your data is, and, apart from that, who can read it",
    .about =
        "Shows the region that keeps the account, its addresses and how far away it is, the\n"
        "group that it belongs to, and the regions that the account could move to; and who "
        "can\n"
        "read what it keeps, which is another question.  The group's key is what\n"
        "domicile-verify --group-key checks certificates with.\n",
    .examples = "  domicile where\n"
                "  domicile where --json | jq -r .region\n",
    .options = where_options,
    .words_min = 0,
    .words_max = 0,
    .run = where_run,
};
