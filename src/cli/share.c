/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile share and unshare: who else is in a collection. */
#include "cli/share.h"

#include <stdlib.h>
#include <string.h>

#include <domicile/share.h>

#include "cli/account.h"
#include "cli/collections.h"
#include "cli/text.h"

enum { UID_SIZE = 65 };

/* "may read it", "may read and change it", "administers it". */
static const char *
access_text(int access_level)
{
	switch (access_level) {
	case DOM_ACCESS_READ:
		return "may read it";
	case DOM_ACCESS_WRITE:
		return "may read and change it";
	default:
		return "administers it";
	}
}

static const char *
region_of(struct cli *cli)
{
	const char *region;

	return dom_session_region(cli->session, &region) == DOM_OK ? region : "";
}

const char *
share_person(struct cli *cli, const char *name, char text_r[SHARE_PERSON_SIZE])
{
	char clean[DOM_NAME_ROOM];
	const char *region = region_of(cli);

	snprintf(text_r, SHARE_PERSON_SIZE, "%.1100s%s%s",
	    text_clean(name, '?', clean, sizeof(clean)), *region == '\0' ? "" : "@", region);
	return text_r;
}

/* What somebody is called in the region, of what was typed. */
static const char *
typed_name(struct cli *cli, const char *typed, char text_r[SHARE_PERSON_SIZE])
{
	const char *region = region_of(cli);
	size_t size = strlen(typed), end = strlen(region);

	if (end > 0 && size > end + 1 && typed[size - end - 1] == '@' &&
	    strcmp(typed + size - end, region) == 0)
		size -= end + 1;
	snprintf(text_r, SHARE_PERSON_SIZE, "%.*s",
	    (int)(size < SHARE_PERSON_SIZE ? size : SHARE_PERSON_SIZE - 1), typed);
	return text_r;
}

/*
 * The collection that a word means: a service of which the account has one
 * collection, or a collection's uid.  What is wrong has been said.
 */
static enum cli_exit
pick(struct cli *cli, const char *word, char uid_r[UID_SIZE])
{
	enum service_id id = service_find(word);
	struct known_collections all;
	size_t found = 0;
	enum dom_status st = dom_sync(cli->session);

	if (st == DOM_OK)
		st = collections_list(cli->session, &all);
	if (st != DOM_OK)
		return cli_fail(cli, st, "the account could not be looked at");
	for (size_t at = 0; at < all.count; at++) {
		if (strcmp(all.list[at].uid, word) != 0 &&
		    (id == SERVICE_COUNT || all.list[at].service != id))
			continue;
		snprintf(uid_r, UID_SIZE, "%s", all.list[at].uid);
		found++;
	}
	if (found > 1)
		cli_say(
		    cli, "there are %zu collections of %s; name one by its ID:", found, word);
	for (size_t at = 0; at < all.count && found > 1; at++) {
		if (all.list[at].service == id)
			cli_say(cli, "  %s  %s", all.list[at].uid, all.list[at].name);
	}
	if (found == 0)
		cli_say(cli,
		    "the account has no collection of %s yet: back something up first, or name "
		    "a collection by its ID",
		    word);
	collections_free(&all);
	return found == 1 ? CLI_DONE : CLI_USAGE;
}

static enum cli_exit
share_list(struct cli *cli, const char *uid)
{
	struct dom_invitation *sent = NULL;
	struct dom_member *members = NULL;
	size_t member_count = 0, sent_count = 0;
	char name[SHARE_PERSON_SIZE];
	enum dom_status st = dom_members(cli->session, uid, &members, &member_count);

	if (st == DOM_OK)
		st = dom_invitations(cli->session, false, &sent, &sent_count);
	for (size_t at = 0; at < member_count && st == DOM_OK; at++)
		printf("%s %s\n", share_person(cli, members[at].name, name),
		    access_text(members[at].access_level));
	for (size_t at = 0; at < sent_count && st == DOM_OK; at++) {
		if (strcmp(sent[at].collection, uid) == 0)
			printf("%s is invited and has not answered yet\n",
			    share_person(cli, sent[at].name, name));
	}
	free(members);
	free(sent);
	return st == DOM_OK ? CLI_DONE : cli_fail(cli, st, "the members could not be listed");
}

/* The access that the options ask for. */
static enum cli_exit
access_wanted(struct cli *cli, enum dom_access *access_r)
{
	bool reads = options_has(&cli->options, "read-only");
	bool administers = options_has(&cli->options, "admin");

	if (reads && administers)
		return cli_usage(cli, "--read-only and --admin contradict each other");
	*access_r = reads ? DOM_ACCESS_READ : administers ? DOM_ACCESS_ADMIN : DOM_ACCESS_WRITE;
	return CLI_DONE;
}

static enum cli_exit
share_with(struct cli *cli, const char *uid, const char *name, enum dom_access access)
{
	struct dom_collection *collection = NULL;
	struct dom_person person;
	char shown[SHARE_PERSON_SIZE];
	enum dom_status st = dom_person_find(cli->session, name, &person);

	if (st != DOM_OK)
		return cli_fail(cli, st, "nothing was shared");
	printf("%s's fingerprint, as the region tells it:\n\n%s\n\n"
	       "It is theirs if \"domicile invitations\" shows it to them as their own: "
	       "compare by "
	       "phone, or face\nto face. A region that lies here could read what you share.\n",
	    share_person(cli, name, shown), person.fingerprint);
	if (!options_has(&cli->options, "yes") &&
	    !terminal_confirm(&cli->terminal, "Share with this person?")) {
		cli_say(cli, "nothing was shared%s",
		    terminal_can_ask() ? "" : "; to agree without a terminal: --yes");
		return cli_stopping ? CLI_STOPPED : CLI_REFUSED;
	}
	st = dom_collection_open(cli->session, uid, &collection);
	if (st == DOM_OK)
		st = dom_share(collection, &person, access);
	dom_collection_free(&collection);
	if (st != DOM_OK)
		return cli_fail(cli, st, "nothing was shared");
	printf("%s is invited, and %s once the invitation is accepted.\n", shown,
	    access_text((int)access));
	return CLI_DONE;
}

static enum cli_exit
share_run(struct cli *cli)
{
	const char *name = options_value(&cli->options, "with");
	char uid[UID_SIZE], typed[SHARE_PERSON_SIZE];
	enum dom_access access = DOM_ACCESS_WRITE;
	enum cli_exit outcome = access_wanted(cli, &access);

	if (outcome == CLI_DONE)
		outcome = account_open(cli);
	if (outcome == CLI_DONE)
		outcome = pick(cli, cli->options.words[0], uid);
	if (outcome != CLI_DONE)
		return outcome;
	return name == NULL ? share_list(cli, uid)
	                    : share_with(cli, uid, typed_name(cli, name, typed), access);
}

static enum cli_exit
unshare_run(struct cli *cli)
{
	const char *name = options_value(&cli->options, "with");
	bool leaves = options_has(&cli->options, "leave");
	char uid[UID_SIZE], typed[SHARE_PERSON_SIZE], shown[SHARE_PERSON_SIZE];
	enum cli_exit outcome;
	enum dom_status st;

	if ((name == NULL) == !leaves)
		return cli_usage(
		    cli, "say whom to end it with (--with NAME), or that you go (--leave)");
	outcome = account_open(cli);
	if (outcome == CLI_DONE)
		outcome = pick(cli, cli->options.words[0], uid);
	if (outcome != CLI_DONE)
		return outcome;
	st = leaves ? dom_unshare_self(cli->session, uid)
	            : dom_unshare(cli->session, uid, typed_name(cli, name, typed));
	if (st != DOM_OK)
		return cli_fail(cli, st, "nothing was changed");
	if (leaves)
		puts("You are not in it any more.");
	else
		printf(
		    "%s is not in it any more, and sees nothing that is written from now on. "
		    "What they\nhave read they may have kept.\n",
		    share_person(cli, typed, shown));
	return CLI_DONE;
}

static const struct cli_option share_options[] = {
    {"with", "NAME", "whom to invite; without it, who is in it is listed"},
    {"read-only", NULL, "they may read it and not change it"},
    {"admin", NULL, "they may change it and decide who else is in it"},
    {"yes", NULL, "the fingerprint was compared: do not ask"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_share = {
    .name = "share",
    .usage = "SERVICE|ID [--with NAME] [--read-only | --admin] [--yes]",
    .summary = "share a collection with somebody of the region",
    .about =
        "Invites somebody of the same region to a collection: they may read and change it,\n"
        "unless you say otherwise.  Its key goes to them in a box that only they can open;\n"
        "compare the fingerprint that is shown, since the region could name another's.  What\n"
        "they write uses your space, and needs your consent for the service.\n",
    .examples = "  domicile share calendar --with ben\n"
                "  domicile share photos --with ben --read-only\n"
                "  domicile share calendar\n",
    .options = share_options,
    .words_min = 1,
    .words_max = 1,
    .run = share_run,
};

static const struct cli_option unshare_options[] = {
    {"with", "NAME", "who goes; an invitation that waits is withdrawn"},
    {"leave", NULL, "you go, from what somebody shares with you"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_unshare = {
    .name = "unshare",
    .usage = "SERVICE|ID (--with NAME | --leave)",
    .summary = "end it: somebody goes, or you leave",
    .about =
        "From that moment they see nothing new and change nothing.  What they have read they\n"
        "may have kept: sharing cannot be undone, only ended.\n",
    .examples = "  domicile unshare calendar --with ben\n"
                "  domicile unshare yjTDMEWuVxoaPdFg6pOnT-hT9O2vNxl_ --leave\n",
    .options = unshare_options,
    .words_min = 1,
    .words_max = 1,
    .run = unshare_run,
};
