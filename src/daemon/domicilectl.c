/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * domicilectl: what an operator says to a region.  Most commands are for the
 * server that runs, over its socket; fsck and backup also work while none
 * runs, restore only then.
 */
#include "daemon/domicilectl.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keys.h"

#include "daemon/nearest.h"

static const char configuration_standard[] = "/etc/domicile/domiciled.conf";

static const char usage[] =
    "usage: domicilectl [-c FILE | --socket PATH] COMMAND\n"
    "\n"
    "Looks after a region of domicile.\n"
    "\n"
    "  user add NAME [--email E]  make an account; who signs up with the name first owns it\n"
    "  user list                  name, e-mail, time made, state; separated by tabs\n"
    "  user disable NAME          refuse its sessions and logins; nothing is deleted\n"
    "  user enable NAME           take them again\n"
    "  user quota NAME SIZE       what it may keep, such as 5G; \"default\" for what the "
    "region\n"
    "                             says\n"
    "  invite [--uses N] [--for 7d] [--quota SIZE]\n"
    "                             print a code with which somebody may sign up\n"
    "  invite list                number, made, ends, used, quota, state; separated by tabs\n"
    "  invite revoke N            take one back, by its number or its code\n"
    "  retention                  how long what is kept, and which rules conflict\n"
    "  retention report           what was removed by these rules since the server started\n"
    "  retention notices          whose account ends for lack of use: name, e-mail, told, end\n"
    "  user erase NAME [--yes]    erase an account, with everything in it; there is no way "
    "back\n"
    "  erasures                   number, time, what, state, counts; separated by tabs\n"
    "  clock [confirm]            the region's time; confirm: the machine's clock is right\n"
    "  stats                      figures of the store\n"
    "  fsck                       examine the store; changes nothing\n"
    "  backup DIR [--with-key]    a copy of one moment, in a new folder\n"
    "  restore DIR                make the store out of a backup, while no server runs\n"
    "      [--journal FILE]       the journal of erasures, if it is not in its place\n"
    "      [--without-journal]    what was erased since the backup comes back\n"
    "  region init DIR --name NAME [--listen ADDRESS] [--address URL] [--group FILE]\n"
    "      [--certificate FILE --certificate-key FILE]\n"
    "                             make a new region: folder, key, configuration, next steps\n"
    "  region key                 print its public key, for the group\n"
    "  moves [--all] [--json] [--watch]\n"
    "                             accounts that come and go: state, progress, pause\n"
    "  peers [confirm]            after a restore: who has said what lives there; confirm:\n"
    "                             serve without those that have not\n"
    "  evacuate --plan FILE --dry-run [--from DATE] [--plot FILE.svg]\n"
    "                             what moving accounts by this plan takes: days, load, pause\n"
    "  evacuate --plan FILE --to REGION\n"
    "                             do it: tell people, move who agrees, show how far it is\n"
    "  evacuate --withdraw        take back what nobody has agreed to\n"
    "  group init|add|set|remove|sign|show\n"
    "                             the signed file that says which regions trust each other\n"
    "\n"
    "  -c, --config FILE  the region's configuration, instead of "
    "/etc/domicile/domiciled.conf\n"
    "      --socket PATH  the server's socket, instead of control.sock in its data folder\n"
    "      --help         this\n"
    "      --version      the release\n"
    "\n"
    "Exit status: 0 done; 1 it failed, or something is wrong with the store; 2 the command is\n"
    "wrong.  See domicilectl(8).\n";

enum {
	TAKES_EMAIL = 1 << 0,
	TAKES_KEY = 1 << 1,
	TAKES_INVITE = 1 << 2,
	TAKES_YES = 1 << 3,
	TAKES_JOURNAL = 1 << 4,
	TAKES_REGION = 1 << 5, /* "region init" alone, which reads them itself */
	TAKES_PLAN = 1 << 6,
	TAKES_MOVES = 1 << 7,
};

struct command {
	const char *name;
	bool has_second; /* a second word follows, such as in "user add" */
	size_t arguments;
	unsigned takes; /* options */
	int (*run)(const struct ctl *ctl);
};

static const struct command commands[] = {
    {"user add", true, 1, TAKES_EMAIL, ctl_user_add},
    {"user list", true, 0, 0, ctl_plain},
    {"user disable", true, 1, 0, ctl_plain},
    {"user enable", true, 1, 0, ctl_plain},
    {"user erase", true, 1, TAKES_YES, ctl_user_erase},
    {"user quota", true, 2, 0, ctl_user_quota},
    {"invite list", true, 0, 0, ctl_plain},
    {"invite revoke", true, 1, 0, ctl_plain},
    {"invite", false, 0, TAKES_INVITE, ctl_invite},
    {"retention report", true, 0, 0, ctl_plain},
    {"retention notices", true, 0, 0, ctl_plain},
    {"retention", false, 0, 0, ctl_plain},
    {"erasures", false, 0, 0, ctl_plain},
    {"clock confirm", true, 0, 0, ctl_plain},
    {"clock", false, 0, 0, ctl_plain},
    {"stats", false, 0, 0, ctl_plain},
    {"fsck", false, 0, 0, ctl_fsck},
    {"backup", false, 1, TAKES_KEY, ctl_backup},
    {"restore", false, 1, TAKES_JOURNAL, ctl_restore},
    {"evacuate", false, 0, TAKES_PLAN, ctl_evacuate},
    {"moves", false, 0, TAKES_MOVES, ctl_moves},
    {"peers confirm", true, 0, 0, ctl_plain},
    {"peers", false, 0, 0, ctl_plain},
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]), NAME_SIZE = 64 };

static int
unknown_command(const char *name)
{
	const char *names[COMMAND_COUNT], *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	near = nearest_word(name, names, COMMAND_COUNT);
	if (near != NULL)
		fprintf(stderr,
		    "domicilectl: there is no command \"%s\"; did you mean \"%s\"?\n", name,
		    near);
	else
		fprintf(stderr,
		    "domicilectl: there is no command \"%s\"; see domicilectl --help\n", name);
	return CTL_WRONG;
}

/* Options that some commands take: with a value, or without. */
static const struct given_option {
	const char *name;
	size_t at; /* in struct ctl: const char *, or bool */
	bool has_value;
	unsigned takes; /* 0: every command */
} given[] = {
    {"config", offsetof(struct ctl, configuration), true, 0},
    {"socket", offsetof(struct ctl, socket), true, 0},
    {"email", offsetof(struct ctl, email), true, TAKES_EMAIL},
    {"with-key", offsetof(struct ctl, with_key), false, TAKES_KEY},
    {"yes", offsetof(struct ctl, yes), false, TAKES_YES},
    {"journal", offsetof(struct ctl, journal), true, TAKES_JOURNAL},
    {"without-journal", offsetof(struct ctl, without_journal), false, TAKES_JOURNAL},
    {"uses", offsetof(struct ctl, uses), true, TAKES_INVITE},
    {"for", offsetof(struct ctl, life), true, TAKES_INVITE},
    {"quota", offsetof(struct ctl, quota), true, TAKES_INVITE},
    {"name", offsetof(struct ctl, name), true, TAKES_REGION},
    {"listen", offsetof(struct ctl, listen), true, TAKES_REGION},
    {"address", offsetof(struct ctl, address), true, TAKES_REGION},
    {"group", offsetof(struct ctl, group), true, TAKES_REGION},
    {"certificate", offsetof(struct ctl, certificate), true, TAKES_REGION},
    {"certificate-key", offsetof(struct ctl, certificate_key), true, TAKES_REGION},
    {"plan", offsetof(struct ctl, plan), true, TAKES_PLAN},
    {"to", offsetof(struct ctl, to), true, TAKES_PLAN},
    {"withdraw", offsetof(struct ctl, withdraw), false, TAKES_PLAN},
    {"plot", offsetof(struct ctl, plot), true, TAKES_PLAN},
    {"from", offsetof(struct ctl, from), true, TAKES_PLAN},
    {"dry-run", offsetof(struct ctl, dry_run), false, TAKES_PLAN},
    {"json", offsetof(struct ctl, json), false, TAKES_MOVES},
    {"watch", offsetof(struct ctl, watch), false, TAKES_MOVES},
    {"all", offsetof(struct ctl, all), false, TAKES_MOVES},
};
enum { GIVEN_COUNT = sizeof(given) / sizeof(given[0]), GIVEN_FIRST = 256 };

static const char **
text_of(struct ctl *ctl, const struct given_option *option)
{
	return (const char **)((char *)ctl + option->at);
}

static bool *
flag_of(struct ctl *ctl, const struct given_option *option)
{
	return (bool *)((char *)ctl + option->at);
}

/* One that was given and that this command does not have, or NULL. */
static const char *
option_not_taken(struct ctl *ctl, const struct command *command)
{
	for (size_t i = 0; i < GIVEN_COUNT; i++) {
		bool is_given = given[i].has_value ? *text_of(ctl, &given[i]) != NULL
		                                   : *flag_of(ctl, &given[i]);

		if (is_given && given[i].takes != 0 && (command->takes & given[i].takes) == 0)
			return given[i].name;
	}
	return NULL;
}

/* Is there a command of two words that begins with this one? */
static bool
has_second_words(const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].has_second && strncmp(commands[i].name, word, size) == 0 &&
		    commands[i].name[size] == ' ')
			return true;
	}
	return false;
}

static int
run_command(struct ctl *ctl, char **words, size_t count)
{
	const struct command *command = NULL;
	const char *wrong;
	char name[NAME_SIZE];
	size_t used = 1;

	if (count == 0) {
		fputs(usage, stderr);
		return CTL_WRONG;
	}
	if (strcmp(words[0], "region") == 0)
		return ctl_region(ctl, words + 1, count - 1);
	if (strcmp(words[0], "group") == 0)
		return ctl_group(ctl, words + 1, count - 1);
	for (size_t i = 0; i < COMMAND_COUNT && command == NULL; i++) {
		snprintf(name, sizeof(name), "%s%s%s", words[0],
		    commands[i].has_second && count > 1 ? " " : "",
		    commands[i].has_second && count > 1 ? words[1] : "");
		if (strcmp(name, commands[i].name) == 0)
			command = &commands[i];
	}
	/* A second word that is none of those that can follow, or none that may. */
	if (command == NULL || (!command->has_second && command->arguments == 0 && count > 1 &&
	                           has_second_words(words[0]))) {
		snprintf(name, sizeof(name), "%s%s%s", words[0],
		    has_second_words(words[0]) && count > 1 ? " " : "",
		    has_second_words(words[0]) && count > 1 ? words[1] : "");
		return unknown_command(name);
	}
	used += command->has_second;
	if (count - used != command->arguments) {
		fprintf(stderr, "domicilectl: %s takes %zu argument%s, not %zu\n",
		    command->name, command->arguments, command->arguments == 1 ? "" : "s",
		    count - used);
		return CTL_WRONG;
	}
	if ((wrong = option_not_taken(ctl, command)) != NULL) {
		fprintf(stderr, "domicilectl: %s has no option --%s\n", command->name, wrong);
		return CTL_WRONG;
	}
	ctl->command = command->name;
	ctl->argument = command->arguments != 0 ? words[used] : NULL;
	ctl->second = command->arguments > 1 ? words[used + 1] : NULL;
	return command->run(ctl);
}

/* False: *result_r is what to end with. */
static bool
read_options(struct ctl *ctl, int argc, char **argv, int *result_r)
{
	struct option options[GIVEN_COUNT + 3] = {
	    [GIVEN_COUNT] = {"help", no_argument, NULL, 'h'},
	    [GIVEN_COUNT + 1] = {"version", no_argument, NULL, 'v'}};
	int option;

	for (int i = 0; i < GIVEN_COUNT; i++)
		options[i] = (struct option){given[i].name,
		    given[i].has_value ? required_argument : no_argument, NULL,
		    GIVEN_FIRST + i};
	*result_r = CTL_DONE;
	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (option == 'c') {
			ctl->configuration = optarg;
		} else if (option == 'h') {
			fputs(usage, stdout);
			return false;
		} else if (option == 'v') {
			puts("domicilectl " DOM_RELEASE);
			return false;
		} else if (option < GIVEN_FIRST) {
			fputs("domicilectl: see domicilectl --help\n", stderr);
			*result_r = CTL_WRONG;
			return false;
		} else if (given[option - GIVEN_FIRST].has_value) {
			*text_of(ctl, &given[option - GIVEN_FIRST]) = optarg;
		} else {
			*flag_of(ctl, &given[option - GIVEN_FIRST]) = true;
		}
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = {.configuration = configuration_standard};
	int result;

	if (!read_options(&ctl, argc, argv, &result))
		return result;
	if (dom_crypto_start() != DOM_OK || (ctl.arena = dom_arena_new(0)) == NULL) {
		fputs("domicilectl: no memory, or no randomness on this machine\n", stderr);
		return CTL_FAILED;
	}
	result = run_command(&ctl, argv + optind, (size_t)(argc - optind));
	dom_arena_free(&ctl.arena);
	/* Who reads a list must not take a part for all. */
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		perror("domicilectl: standard output");
		result = CTL_FAILED;
	}
	return result;
}
