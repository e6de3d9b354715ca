/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_ACCOUNT_H
#define CLI_ACCOUNT_H

#include "cli/cli.h"

/*
 * Where this device keeps the accounts that it is logged in to: a folder each
 * below $DOMICILE_STATE, $XDG_STATE_HOME/domicile or ~/.local/state/domicile.
 * Beside libdomicile's own files lies `notes`, what only the command needs.
 */
struct account_notes {
	char ca_file[4096]; /* "": the system's certificates */
	char device[65];
	int64_t backup_ms;      /* when the last whole backup ended, 0: never */
	char backup_path[4096]; /* what the last backup was about, "": none */
	char address[1200];     /* "ana@lisbon", where it lived last; "": not known */
};

void account_notes_read(const char *folder, struct account_notes *notes_r);
/* errno on failure. */
bool account_notes_write(const char *folder, const struct account_notes *notes);

/* Note where the account of the session lives by now, if that has changed. */
void account_note_address(struct cli *cli);

/* The folder for a new account, with its parents made; cli->folder. */
enum cli_exit account_place(struct cli *cli, const char *name, const char *server_url);
/* What the command keeps beside the library's files, once those are gone. */
void account_remove_rest(const char *folder);
/* Which account is meant; cli->folder. */
enum cli_exit account_pick(struct cli *cli);
/* cli->session, opened from cli->folder. */
DOM_MUST_CHECK enum dom_status account_enter_picked(
    struct cli *cli, struct dom_complaint *complaint_r);
/* Both, and what is wrong is said. */
enum cli_exit account_open(struct cli *cli);

/*
 * A password: asked for, or the next line of --password-fd.  `again`: it is a
 * new one, asked for twice and checked; NULL: it is one that exists.  The
 * caller wipes it, also after a failure.
 */
enum cli_exit account_password(struct cli *cli, const char *prompt, const char *again,
    char password_r[PASSWORD_SIZE_MAX + 1]);
/* What signup and login share once the password is there. */
typedef enum dom_status account_enter(const struct dom_session_options *options,
    const struct dom_credentials *credentials, struct dom_session **session_r,
    struct dom_complaint *complaint_r);
enum cli_exit account_begin(struct cli *cli, bool is_new, account_enter *enter);

extern const struct cli_option account_signup_options[], account_login_options[];

#endif
