/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The domicile command: picks the command, reads its options, says what failed. */
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/account.h"
#include "cli/cli.h"
#include "cli/move.h"
#include "cli/text.h"

enum { LARGE_BLOCK_SIZE = 128 << 10 };

const struct cli_command *const cli_commands[] = {&cli_signup, &cli_login, &cli_logout,
    &cli_services, &cli_on, &cli_off, &cli_consents, &cli_status, &cli_backup, &cli_restore,
    &cli_export, &cli_verify, &cli_erase, &cli_share, &cli_unshare, &cli_invitations,
    &cli_accept, &cli_where, &cli_move, &cli_sessions, &cli_password, NULL};

const struct cli_option cli_options_common[] = {
    {"account", "NAME", "which account, if this device knows several"},
    {"help", NULL, "what the command does, its options and examples"},
    {NULL, NULL, NULL},
};

void
cli_say(struct cli *cli, const char *format, ...)
{
	char raw[2048], clean[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	terminal_bar_clear(&cli->terminal);
	fflush(stdout);
	fprintf(stderr, "domicile: %s\n", text_clean(raw, '?', clean, sizeof(clean)));
}

enum cli_exit
cli_usage(struct cli *cli, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	cli_say(cli, "%s", text);
	if (cli->command != NULL)
		cli_say(cli, "usage: domicile %s %s; more: domicile help %s",
		    cli->command->name, cli->command->usage, cli->command->name);
	else
		cli_say(cli, "domicile help lists the commands");
	return CLI_USAGE;
}

enum cli_exit
cli_exit_of(enum dom_status status)
{
	switch (status) {
	case DOM_OK:
		return CLI_DONE;
	case DOM_EAUTH:
		return CLI_LOGIN;
	case DOM_ENETWORK:
	case DOM_EUNCERTAIN:
		return CLI_NETWORK;
	case DOM_ECONSENT:
		return CLI_REFUSED;
	case DOM_ESTOPPED:
		return CLI_STOPPED;
	default:
		return CLI_FAILED;
	}
}

bool
cli_is_away(enum dom_status status)
{
	return status == DOM_ENETWORK || status == DOM_EUNCERTAIN || status == DOM_ESERVER;
}

/* What the person can do; the library's sentence says what happened. */
static const char *
advice(enum dom_status status)
{
	switch (status) {
	case DOM_ENETWORK:
	case DOM_EUNCERTAIN:
		return "what was acknowledged is safe; the same command again finishes the job";
	case DOM_ESERVER:
		return "nothing acknowledged is lost; try again later, the region's operator "
		       "can "
		       "see the reason in the server's log";
	case DOM_EAUTH:
		return "to log in again: domicile logout, then domicile login NAME --server "
		       "URL";
	case DOM_EFULL:
		return "free some space, then run the same command again: it finishes the job";
	case DOM_CONFLICT:
		return "if another domicile command is running for this account, wait for it "
		       "to end";
	case DOM_EINTEGRITY:
		return "it was not used; run domicile verify to see how much is affected";
	default:
		return NULL;
	}
}

enum cli_exit
cli_fail(struct cli *cli, enum dom_status status, const char *what)
{
	const char *error = cli->session == NULL ? "" : dom_session_error(cli->session);

	if (cli_stopping) {
		cli_say(cli,
		    "%s because you asked; what was finished is kept, and the same command "
		    "again does the rest",
		    what);
		return CLI_STOPPED;
	}
	cli_say(cli, "%s: %s", what, *error == '\0' ? dom_status_text(status) : error);
	if (advice(status) != NULL && (*error == '\0' || status == DOM_EAUTH))
		cli_say(cli, "%s", advice(status));
	return cli_exit_of(status < 0 ? status : DOM_EINPUT);
}

enum cli_exit
cli_complain(struct cli *cli, enum dom_status status, const struct dom_complaint *complaint)
{
	if (cli_stopping) {
		cli_say(cli, "stopped because you asked");
		return CLI_STOPPED;
	}
	cli_say(
	    cli, "%s", complaint->text[0] == '\0' ? dom_status_text(status) : complaint->text);
	if (complaint->text[0] == '\0' && advice(status) != NULL)
		cli_say(cli, "%s", advice(status));
	return cli_exit_of(status < 0 ? status : DOM_EINPUT);
}

static const struct cli_command *
find_command(const char *name)
{
	for (size_t at = 0; cli_commands[at] != NULL; at++) {
		if (strcmp(cli_commands[at]->name, name) == 0)
			return cli_commands[at];
	}
	return NULL;
}

static enum cli_exit
unknown_command(struct cli *cli, const char *name)
{
	const char *names[32];
	size_t count = 0;
	const char *near;

	for (; cli_commands[count] != NULL; count++)
		names[count] = cli_commands[count]->name;
	names[count++] = "help";
	names[count] = NULL;
	near = options_suggest(name, names);
	return cli_usage(cli, "there is no command %.40s%s%s%s", name,
	    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
	    near == NULL ? "" : "?");
}

static enum cli_exit
help(struct cli *cli, const char *name)
{
	const struct cli_command *command;

	if (name == NULL || strcmp(name, "help") == 0) {
		cli_help(stdout);
		return CLI_DONE;
	}
	command = find_command(name);
	if (command == NULL)
		return unknown_command(cli, name);
	cli_help_command(stdout, command);
	return CLI_DONE;
}

static enum cli_exit
run(struct cli *cli, const char *const *arguments, size_t count, const char **words)
{
	const struct cli_command *command;
	enum cli_exit outcome, settled;
	char fault[512];

	if (count == 0) {
		cli_help(stderr);
		return CLI_USAGE;
	}
	if (strcmp(arguments[0], "--version") == 0) {
		printf("domicile %s\n", DOM_RELEASE);
		return CLI_DONE;
	}
	if (strcmp(arguments[0], "help") == 0 || strcmp(arguments[0], "--help") == 0 ||
	    strcmp(arguments[0], "-h") == 0)
		return help(cli, count > 1 ? arguments[1] : NULL);
	command = find_command(arguments[0]);
	if (command == NULL)
		return unknown_command(cli, arguments[0]);
	cli->command = command;
	if (!options_parse(&cli->options, arguments + 1, count - 1, words, command->options,
	        cli_options_common, fault, sizeof(fault)))
		return cli_usage(cli, "%s", fault);
	if (options_has(&cli->options, "help")) {
		cli_help_command(stdout, command);
		return CLI_DONE;
	}
	if (cli->options.word_count < command->words_min)
		return cli_usage(cli, "%s needs more: %s", command->name, command->usage);
	if (cli->options.word_count > command->words_max)
		return cli_usage(cli, "%s does not know what to do with \"%.60s\"",
		    command->name, cli->options.words[command->words_max]);
	outcome = command->run(cli);
	/* Whatever the command was: it may have come to another region. */
	settled = outcome == CLI_DONE ? move_settle(cli) : outcome;
	account_note_address(cli);
	return settled;
}

int
main(int argc, char **argv)
{
	static struct cli cli;
	/* Keys and passwords must not end in a core file. */
	const struct rlimit no_core = {0, 0};
	const char **words = calloc((size_t)argc + 1, sizeof(*words));
	enum cli_exit outcome;

	if (words == NULL)
		return CLI_FAILED;
	setlocale(LC_CTYPE, "");
	setrlimit(RLIMIT_CORE, &no_core);
	/*
	 * Chunks of many sizes come and go.  Left alone, the allocator learns to keep
	 * them all in its heap, which then grows with its holes.
	 */
	mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_SIZE);
	cli_catch_signals();
	terminal_start(&cli.terminal);
	outcome =
	    run(&cli, (const char *const *)argv + 1, (size_t)(argc > 0 ? argc - 1 : 0), words);
	terminal_bar_end(&cli.terminal);
	dom_session_close(&cli.session);
	free(words);
	if ((fflush(stdout) != 0 || ferror(stdout)) && outcome == CLI_DONE) {
		cli_say(&cli, "the output could not be written: %s", strerror(errno));
		outcome = CLI_FAILED;
	}
	return outcome;
}
