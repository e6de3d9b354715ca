/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What signup and login share: the password, the folder, the first session. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/wipe.h"

#include "cli/account.h"
#include "cli/text.h"

enum { PASSWORD_CHARACTERS_MIN = 8 };

const struct cli_option account_signup_options[] = {
    {"server", "URL", "the region's server, as its operator names it"},
    {"email", "ADDRESS", "also log in by this address"},
    {"invitation", "CODE", "the code that the region's operator gave you"},
    {"device", "NAME", "what your list of devices calls this one (the region sees it)"},
    {"ca", "FILE", "certificates to trust instead of the system's (PEM)"},
    {"password-fd", "N", "read the password from file descriptor N, for scripts"},
    {NULL, NULL, NULL},
};

const struct cli_option account_login_options[] = {
    {"server", "URL", "the region's server, as its operator names it"},
    {"device", "NAME", "what your list of devices calls this one (the region sees it)"},
    {"ca", "FILE", "certificates to trust instead of the system's (PEM)"},
    {"password-fd", "N", "read the password from file descriptor N, for scripts"},
    {NULL, NULL, NULL},
};

static size_t
characters(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static enum cli_exit
password_failed(struct cli *cli, enum password_outcome outcome)
{
	switch (outcome) {
	case PASSWORD_READ:
		break;
	case PASSWORD_NO_TERMINAL:
		cli_say(cli, "there is no terminal to ask for the password on; give it with "
		             "--password-fd N, for example: --password-fd 3 3<file");
		return CLI_USAGE;
	case PASSWORD_STOPPED:
		cli_say(cli, "stopped: nothing was sent");
		return CLI_STOPPED;
	case PASSWORD_TOO_LONG:
		cli_say(cli, "the password is longer than %d bytes", PASSWORD_SIZE_MAX);
		return CLI_USAGE;
	case PASSWORD_UNREADABLE:
		cli_say(cli, "the password cannot be read from that file descriptor: %s",
		    strerror(errno));
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static enum cli_exit
password_ask(struct cli *cli, const char *prompt, const char *again,
    char password_r[PASSWORD_SIZE_MAX + 1])
{
	const char *given = options_value(&cli->options, "password-fd");
	char second[PASSWORD_SIZE_MAX + 1];
	enum password_outcome outcome;
	uint64_t fd;

	if (given != NULL) {
		if (!text_number(given, INT_MAX, &fd))
			return cli_usage(cli, "--password-fd takes the number of an open file");
		return password_failed(cli, terminal_password_from((int)fd, password_r));
	}
	outcome = terminal_password(prompt, password_r);
	if (outcome != PASSWORD_READ || again == NULL)
		return password_failed(cli, outcome);
	outcome = terminal_password(again, second);
	if (outcome == PASSWORD_READ && strcmp(password_r, second) != 0) {
		dom_wipe(second, sizeof(second));
		cli_say(cli, "the two passwords differ; nothing was sent");
		return CLI_USAGE;
	}
	dom_wipe(second, sizeof(second));
	return password_failed(cli, outcome);
}

enum cli_exit
account_password(struct cli *cli, const char *prompt, const char *again,
    char password_r[PASSWORD_SIZE_MAX + 1])
{
	enum cli_exit outcome = password_ask(cli, prompt, again, password_r);

	if (outcome != CLI_DONE)
		return outcome;
	if (*password_r == '\0') {
		cli_say(cli, "the password is empty; nothing was sent");
		return CLI_USAGE;
	}
	if (again != NULL && characters(password_r) < PASSWORD_CHARACTERS_MIN) {
		cli_say(cli,
		    "the password needs at least %d characters: it is the only thing that "
		    "keeps "
		    "the region's operator from reading your data, and a short one can be "
		    "guessed",
		    PASSWORD_CHARACTERS_MIN);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static enum cli_exit
enter_with(struct cli *cli, account_enter *enter, struct dom_session_options *options,
    const char *password)
{
	const char *email = options_value(&cli->options, "email");
	struct dom_complaint complaint = {""};
	struct dom_credentials credentials = {
	    .username = cli->options.words[0],
	    .email = email == NULL ? "" : email,
	    .password = dom_slice_of(password),
	    .invitation = options_value(&cli->options, "invitation"),
	};
	struct account_notes notes = {0};
	enum dom_status st;

	if (options->ca_file != NULL)
		snprintf(notes.ca_file, sizeof(notes.ca_file), "%s", options->ca_file);
	if (options->device != NULL)
		snprintf(notes.device, sizeof(notes.device), "%s", options->device);
	st = enter(options, &credentials, &cli->session, &complaint);
	if (st != DOM_OK) {
		rmdir(cli->folder); /* only if nothing is in it */
		return cli_complain(cli, st, &complaint);
	}
	if (!account_notes_write(cli->folder, &notes)) {
		cli_say(cli, "%s/notes cannot be written: %s", cli->folder, strerror(errno));
		return CLI_FAILED;
	}
	return CLI_DONE;
}

enum cli_exit
account_begin(struct cli *cli, bool is_new, account_enter *enter)
{
	static char password[PASSWORD_SIZE_MAX + 1];
	const char *server = options_value(&cli->options, "server");
	const char *ca_file = options_value(&cli->options, "ca");
	struct dom_session_options options = {.device = options_value(&cli->options, "device")};
	char url[1024], ca_path[PATH_MAX];
	enum cli_exit outcome;

	if (server == NULL)
		return cli_usage(
		    cli, "which server? for example: --server https://region.example");
	if (options.device != NULL && strlen(options.device) > 64)
		return cli_usage(cli, "the device's name is longer than 64 bytes");
	snprintf(
	    url, sizeof(url), "%s%s", strstr(server, "://") == NULL ? "https://" : "", server);
	if (ca_file != NULL && realpath(ca_file, ca_path) == NULL) {
		cli_say(
		    cli, "%s cannot be read: %s. Nothing was sent", ca_file, strerror(errno));
		return CLI_FAILED;
	}
	outcome = account_place(cli, cli->options.words[0], url);
	if (outcome != CLI_DONE)
		return outcome;
	options.state_folder = cli->folder;
	options.server_url = url;
	options.ca_file = ca_file == NULL ? NULL : ca_path;
	(void)mlock(password, sizeof(password)); /* not into swap, where that is allowed */
	outcome =
	    account_password(cli, "Password: ", is_new ? "The same again: " : NULL, password);
	if (outcome == CLI_DONE)
		outcome = enter_with(cli, enter, &options, password);
	dom_wipe(password, sizeof(password));
	return outcome;
}
