/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile invitations and accept: what others offer to share. */
#include <stdlib.h>
#include <string.h>

#include <domicile/share.h>

#include "cli/account.h"
#include "cli/json.h"
#include "cli/services.h"
#include "cli/share.h"
#include "cli/text.h"

/* A service's name for its type; other apps' types are shown as they are. */
static const char *
kind_of(const char *type)
{
	enum service_id id = service_of_type(type);

	return id == SERVICE_COUNT ? type : services[id].name;
}

static enum dom_status
print_one(struct cli *cli, const struct dom_invitation *invitation)
{
	char name[SHARE_PERSON_SIZE], kind[160];
	struct dom_offer offer;
	enum dom_status st = dom_offer_open(cli->session, invitation->uid, &offer);

	share_person(cli, invitation->name, name);
	if (st == DOM_EINTEGRITY || st == DOM_ABSENT) {
		printf("%s  from %s: %s\n", invitation->uid, name,
		    dom_session_error(cli->session));
		return DOM_OK;
	}
	if (st != DOM_OK)
		return st;
	printf("%s\n  %s offers you %s; you %s once you accept\n  fingerprint of %s:\n%s\n",
	    offer.uid, name, text_clean(kind_of(offer.type), '?', kind, sizeof(kind)),
	    offer.access_level == DOM_ACCESS_READ    ? "may read it"
	    : offer.access_level == DOM_ACCESS_WRITE ? "may read and change it"
	                                             : "administer it with them",
	    name, offer.from.fingerprint);
	return DOM_OK;
}

static void
print_json(const struct dom_invitation *list, size_t count, struct json *json, const char *name)
{
	json_open(json, name, '[');
	for (size_t at = 0; at < count; at++) {
		json_open(json, NULL, '{');
		json_text(json, "id", list[at].uid);
		json_text(json, "collection", list[at].collection);
		json_text(json, "name", list[at].name);
		json_number(json, "access", (uint64_t)list[at].access_level);
		json_close(json);
	}
	json_close(json);
}

static enum dom_status
list_all(struct cli *cli)
{
	struct dom_invitation *received = NULL, *sent = NULL;
	struct json json = {.out = stdout};
	size_t received_count = 0, sent_count = 0;
	char name[SHARE_PERSON_SIZE];
	struct dom_person self;
	enum dom_status st = dom_invitations(cli->session, true, &received, &received_count);

	if (st == DOM_OK)
		st = dom_invitations(cli->session, false, &sent, &sent_count);
	if (st == DOM_OK && options_has(&cli->options, "json")) {
		json_open(&json, NULL, '{');
		print_json(received, received_count, &json, "received");
		print_json(sent, sent_count, &json, "sent");
		json_finish(&json);
	} else if (st == DOM_OK) {
		dom_person_self(cli->session, &self);
		printf("Your own fingerprint, for whoever shares with you to compare:\n%s\n",
		    self.fingerprint);
		for (size_t at = 0; at < received_count && st == DOM_OK; at++)
			st = print_one(cli, &received[at]);
		for (size_t at = 0; at < sent_count; at++)
			printf("%s\n  you have invited %s, who has not answered yet\n",
			    sent[at].uid, share_person(cli, sent[at].name, name));
		if (received_count + sent_count == 0)
			puts("No invitation waits for an answer.");
	}
	free(received);
	free(sent);
	return st;
}

static enum cli_exit
invitations_run(struct cli *cli)
{
	const char *reject = options_value(&cli->options, "reject");
	enum cli_exit outcome = account_open(cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	if (reject == NULL) {
		st = list_all(cli);
		return st == DOM_OK ? CLI_DONE
		                    : cli_fail(cli, st, "the invitations could not be listed");
	}
	if ((st = dom_offer_reject(cli->session, reject)) != DOM_OK)
		return cli_fail(cli, st, "nothing was rejected");
	puts("The invitation is gone. Who sent it can send another.");
	return CLI_DONE;
}

static enum cli_exit
accept_run(struct cli *cli)
{
	struct dom_offer offer;
	char name[SHARE_PERSON_SIZE], kind[160];
	enum cli_exit outcome = account_open(cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	st = dom_offer_open(cli->session, cli->options.words[0], &offer);
	if (st != DOM_OK)
		return cli_fail(cli, st, "nothing was accepted");
	share_person(cli, offer.from.name, name);
	text_clean(kind_of(offer.type), '?', kind, sizeof(kind));
	printf("%s offers you %s. Their fingerprint, as the region tells it:\n\n%s\n\n", name,
	    kind, offer.from.fingerprint);
	if (!options_has(&cli->options, "yes") &&
	    !terminal_confirm(&cli->terminal, "Accept it?")) {
		cli_say(cli, "nothing was accepted%s",
		    terminal_can_ask() ? "" : "; to agree without a terminal: --yes");
		return cli_stopping ? CLI_STOPPED : CLI_REFUSED;
	}
	if ((st = dom_offer_accept(cli->session, &offer)) != DOM_OK)
		return cli_fail(cli, st, "nothing was accepted");
	printf("You are in it now: domicile export shows what is there, under shared/.\n"
	       "To leave it: domicile unshare %s --leave\n",
	    offer.collection);
	return CLI_DONE;
}

static const struct cli_option invitations_options[] = {
    {"reject", "ID", "do not accept it"},
    {"json", NULL, "for programs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_invitations = {
    .name = "invitations",
    .usage = "[--reject ID] [--json]",
    .summary = "what others offer to share with you, and you with them",
    .about =
        "Lists the invitations that wait for an answer: yours to give (domicile accept ID),\n"
        "and those that you have sent (domicile unshare withdraws them).\n",
    .examples = "  domicile invitations\n",
    .options = invitations_options,
    .words_min = 0,
    .words_max = 0,
    .run = invitations_run,
};

static const struct cli_option accept_options[] = {
    {"yes", NULL, "do not ask"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_accept = {
    .name = "accept",
    .usage = "ID [--yes]",
    .summary = "accept an invitation to somebody's collection",
    .about =
        "The collection's key is sealed for your own devices, and you are in it.  Others in\n"
        "it see your name.  Compare the fingerprint if it matters whose it really is.\n",
    .examples = "  domicile accept Wd0q4SNcHb8zMnUoQfT7eXkC2aLi91pv\n",
    .options = accept_options,
    .words_min = 1,
    .words_max = 1,
    .run = accept_run,
};
