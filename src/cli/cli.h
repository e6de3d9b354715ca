/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <signal.h>

#include <domicile/session.h>

#include "cli/options.h"
#include "cli/terminal.h"

/* What the commands of `domicile` share. */

/* Documented in domicile(1), "EXIT STATUS". */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,  /* something failed, the message says what */
	CLI_DAMAGED = 2, /* some input was damaged or unreadable, the rest is done */
	CLI_REFUSED = 3, /* the services are off: nothing was sent */
	CLI_LOGIN = 4,   /* not logged in, or the password is wrong */
	CLI_NETWORK = 5, /* unreachable or uncertain: the same command again finishes */
	CLI_USAGE = 64,
	CLI_STOPPED = 130, /* by a signal, in good order */
};

struct cli {
	const struct cli_command *command;
	struct options options;
	struct terminal terminal;
	struct dom_session *session;
	char folder[4096]; /* of the account, once it is picked */
};

/* A command: how it is called, what its help says, what it does. */
struct cli_command {
	const char *name;
	const char *usage;                /* what follows the name */
	const char *summary;              /* one line for the list of commands */
	const char *about;                /* paragraphs for its own help */
	const char *examples;             /* lines, each beginning with two spaces */
	const struct cli_option *options; /* ends with a NULL name */
	unsigned words_min, words_max;
	enum cli_exit (*run)(struct cli *cli);
};

extern const struct cli_command cli_signup, cli_login, cli_logout, cli_services, cli_on,
    cli_off, cli_consents, cli_status, cli_backup, cli_restore, cli_export, cli_verify,
    cli_erase, cli_share, cli_unshare, cli_invitations, cli_accept, cli_sessions, cli_password,
    cli_where, cli_move;

/* All of them in the order of the help; ends with NULL. */
extern const struct cli_command *const cli_commands[];

/* Options that every command takes. */
extern const struct cli_option cli_options_common[];

void cli_help(FILE *out);
void cli_help_command(FILE *out, const struct cli_command *command);

/* --- errors ------------------------------------------------------------------ */

/* "domicile: ..." on stderr, made safe for a terminal. */
void cli_say(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A usage error: the sentence, and where to read on.  CLI_USAGE. */
enum cli_exit cli_usage(struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

enum cli_exit cli_exit_of(enum dom_status status);
/* The region did not answer, or not as it should: later it may. */
bool cli_is_away(enum dom_status status);
/*
 * Say what failed and what to do: the sentence that the library left, or the
 * status's own.  `what` says what was being done ("the backup stopped").
 */
enum cli_exit cli_fail(struct cli *cli, enum dom_status status, const char *what);
enum cli_exit cli_complain(
    struct cli *cli, enum dom_status status, const struct dom_complaint *complaint);

/* --- signals ----------------------------------------------------------------- */

/* Set by SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. */
extern volatile sig_atomic_t cli_stopping;
void cli_catch_signals(void);

#endif
