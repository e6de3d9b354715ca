/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicilectl's commands: asking the server, or working on the folder without one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/amount.h"
#include "daemon/configuration.h"
#include "daemon/control_wire.h"
#include "daemon/domicilectl.h"
#include "daemon/region_key.h"
#include "daemon/report.h"

enum { MESSAGE_SIZE = 1024, NO_SERVER = -1 };

static void
complain(const char *message)
{
	fprintf(stderr, "domicilectl: %s\n", message);
}

bool
ctl_configure(const struct ctl *ctl, struct configuration *configuration_r)
{
	return configuration_read(ctl->configuration, ctl->arena, configuration_r) == DOM_OK;
}

/* Everything that the server says, to its end. */
static int
listen_to(const struct ctl *ctl, int fd)
{
	enum control_kind kind = CONTROL_OUT;
	const char *line = "";
	int code = CTL_FAILED;

	for (;;) {
		dom_arena_reset(ctl->arena);
		if (control_receive(fd, ctl->arena, &kind, &line, &code) != DOM_OK) {
			complain(
			    "the server ended the connection before it was done: see its log "
			    "for why, then try again");
			return CTL_FAILED;
		}
		if (kind == CONTROL_END)
			return code;
		if (kind == CONTROL_OUT && ctl->heard != NULL && ctl->heard(ctl->context, line))
			continue;
		if (kind == CONTROL_OUT)
			puts(line);
		else
			complain(line);
	}
}

/* NO_SERVER: none listens there. */
static int
ask(const struct ctl *ctl, const char *const *words, size_t count)
{
	const char *path = ctl->socket;
	struct configuration configuration;
	enum dom_status sent;
	int fd, result;

	if (path == NULL) {
		if (!ctl_configure(ctl, &configuration))
			return CTL_WRONG;
		path =
		    dom_arena_print(ctl->arena, "%s/" CONTROL_SOCKET_NAME, configuration.data);
		if (path == NULL)
			return CTL_FAILED;
	}
	if ((fd = control_connect(path)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return NO_SERVER;
		fprintf(stderr,
		    "domicilectl: the server's socket %s cannot be used: %s. Only the user "
		    "that "
		    "domiciled runs as, and root, may\n",
		    path, strerror(errno));
		return CTL_FAILED;
	}
	/* A server that does not take the command has said why. */
	if ((sent = control_send_words(fd, words, count)) == DOM_OK || sent == DOM_ENETWORK) {
		result = listen_to(ctl, fd);
	} else {
		complain("the command is too long");
		result = CTL_WRONG;
	}
	close(fd);
	return result;
}

int
ctl_ask_server(const struct ctl *ctl, const char *const *words, size_t count)
{
	int result = ask(ctl, words, count);

	if (result != NO_SERVER)
		return result;
	complain(
	    "no server runs for this region: start domiciled, or name another configuration "
	    "with -c or another socket with --socket");
	return CTL_FAILED;
}

int
ctl_plain(const struct ctl *ctl)
{
	const char *words[] = {ctl->command, ctl->argument, ctl->second};

	return ctl_ask_server(ctl, words,
	    ctl->argument == NULL ? 1
	    : ctl->second == NULL ? 2
	                          : 3);
}

int
ctl_user_add(const struct ctl *ctl)
{
	const char *words[] = {
	    ctl->command, ctl->argument, ctl->email == NULL ? "" : ctl->email};

	return ctl_ask_server(ctl, words, 3);
}

/* Bytes in digits, as the server takes them; NULL: it is no size. */
static const char *
bytes_of(const struct ctl *ctl, const char *size)
{
	int64_t bytes;

	if (strcmp(size, "default") == 0)
		return size;
	if (amount_bytes(size, &bytes))
		return dom_arena_print(ctl->arena, "%" PRId64, bytes);
	fprintf(stderr,
	    "domicilectl: a size is a number of bytes such as 500M or 5G, or default, not "
	    "\"%s\"\n",
	    size);
	return NULL;
}

int
ctl_user_quota(const struct ctl *ctl)
{
	const char *words[] = {ctl->command, ctl->argument, bytes_of(ctl, ctl->second)};

	return words[2] == NULL ? CTL_WRONG : ctl_ask_server(ctl, words, 3);
}

int
ctl_invite(const struct ctl *ctl)
{
	const char *life = ctl->life == NULL ? "7d" : ctl->life;
	const char *words[] = {ctl->command, ctl->uses == NULL ? "1" : ctl->uses, NULL,
	    bytes_of(ctl, ctl->quota == NULL ? "default" : ctl->quota)};
	int64_t ms;

	if (words[3] == NULL)
		return CTL_WRONG;
	if (!amount_life(life, &ms)) {
		fprintf(stderr,
		    "domicilectl: --for takes a time such as 12h, 7d or 4w, not \"%s\"\n",
		    life);
		return CTL_WRONG;
	}
	words[2] = dom_arena_print(ctl->arena, "%" PRId64, ms);
	return words[2] == NULL ? CTL_FAILED : ctl_ask_server(ctl, words, 4);
}

/* --- without a server ------------------------------------------------------- */

/*
 * What we make must be the server's to use afterwards.  A folder that is not
 * there yet is whose we are.
 */
bool
ctl_is_ours(const char *folder)
{
	struct stat info;

	if (stat(folder, &info) != 0 || info.st_uid == geteuid())
		return true;
	fprintf(stderr,
	    "domicilectl: %s belongs to another user (%lu), who could not use what is made "
	    "here: "
	    "run this as that user, such as with runuser(1)\n",
	    folder, (unsigned long)info.st_uid);
	return false;
}

/* The region whose folder to work on; false: it has been said why not. */
static bool
offline(const struct ctl *ctl, struct configuration *configuration_r)
{
	if (ctl->socket != NULL) {
		complain("no server listens on this socket; without one, name the region's "
		         "configuration with -c");
		return false;
	}
	return ctl_configure(ctl, configuration_r) && ctl_is_ours(configuration_r->data);
}

static void
found(void *context, const char *sentence)
{
	(void)context;
	puts(sentence);
}

int
ctl_fsck(const struct ctl *ctl)
{
	struct configuration configuration;
	struct store_fsck_report report;
	struct store_care care = {.offline = true};
	char message[MESSAGE_SIZE], text[REPORT_SIZE];
	int result = ask(ctl, &ctl->command, 1);

	if (result != NO_SERVER)
		return result;
	if (!offline(ctl, &configuration))
		return CTL_FAILED;
	care.folder = configuration.data;
	if (store_fsck(&care, found, NULL, &report, message, sizeof(message)) != DOM_OK) {
		complain(message);
		return CTL_FAILED;
	}
	report_fsck(&report, text);
	puts(text);
	return report.faults == 0 ? CTL_DONE : CTL_FAILED;
}

static int
backup_offline(const struct ctl *ctl, const char *target)
{
	struct configuration configuration;
	struct store_backup_report report;
	struct store_care care = {.offline = true};
	char message[MESSAGE_SIZE], text[REPORT_SIZE];

	if (!offline(ctl, &configuration))
		return CTL_FAILED;
	if (ctl->with_key && configuration.has_own_key_file) {
		complain(report_key_apart);
		return CTL_WRONG;
	}
	care.folder = configuration.data;
	if (store_backup(&care, target, ctl->with_key ? region_key_name : NULL, &report,
	        message, sizeof(message)) != DOM_OK) {
		complain(message);
		return CTL_FAILED;
	}
	report_backup(&report, ctl->with_key, text);
	puts(text);
	if (dom_duration_is_zero(&configuration.backup_keep))
		complain(report_untold);
	if (report.missing == 0)
		return CTL_DONE;
	report_missing(report.missing, text);
	complain(text);
	return CTL_FAILED;
}

int
ctl_backup(const struct ctl *ctl)
{
	const char *words[3] = {ctl->command, NULL, ctl->with_key ? "with-key" : ""};
	char *here = NULL;
	int result;

	/* The server stands in another folder. */
	words[1] = ctl->argument;
	if (ctl->argument[0] != '/') {
		char folder[4096];

		if (getcwd(folder, sizeof(folder)) == NULL ||
		    (here = dom_arena_print(ctl->arena, "%s/%s", folder, ctl->argument)) ==
		        NULL) {
			complain("this folder has no name: give the backup's from the root");
			return CTL_FAILED;
		}
		words[1] = here;
	}
	if ((here = strdup(words[1])) == NULL)
		return CTL_FAILED;
	words[1] = here; /* the arena is used again while the server is heard */
	result = ask(ctl, words, 3);
	if (result == NO_SERVER)
		result = backup_offline(ctl, here);
	free(here);
	return result;
}
