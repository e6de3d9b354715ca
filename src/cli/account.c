/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Where this device keeps its accounts, and which of them is meant. */
#include "cli/account.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/paths.h"
#include "cli/text.h"

enum { ACCOUNTS_SHOWN_MAX = 16 };

static bool
account_root(char *root_r, size_t size)
{
	static const struct {
		const char *variable, *below;
	} places[] = {{"DOMICILE_STATE", ""}, {"XDG_STATE_HOME", "/domicile"},
	    {"HOME", "/.local/state/domicile"}};

	for (size_t at = 0; at < sizeof(places) / sizeof(places[0]); at++) {
		const char *value = getenv(places[at].variable);

		if (value != NULL && *value != '\0')
			return snprintf(root_r, size, "%s%s", value, places[at].below) <
			       (int)size;
	}
	return false;
}

static bool
make_folders(const char *path)
{
	char part[4096];
	size_t size = strlen(path);

	if (size >= sizeof(part))
		return false;
	for (size_t at = 1; at <= size; at++) {
		if (path[at] != '/' && path[at] != '\0')
			continue;
		memcpy(part, path, at);
		part[at] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return false;
	}
	return true;
}

void
account_notes_read(const char *folder, struct account_notes *notes_r)
{
	char path[4200], line[4110];
	FILE *in;

	*notes_r = (struct account_notes){0};
	snprintf(path, sizeof(path), "%s/notes", folder);
	in = fopen(path, "re");
	if (in == NULL)
		return;
	while (fgets(line, sizeof(line), in) != NULL) {
		uint64_t number;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "ca=", 3) == 0)
			snprintf(
			    notes_r->ca_file, sizeof(notes_r->ca_file), "%.4095s", line + 3);
		else if (strncmp(line, "device=", 7) == 0)
			snprintf(notes_r->device, sizeof(notes_r->device), "%.64s", line + 7);
		else if (strncmp(line, "backup=", 7) == 0 &&
		         text_number(line + 7, INT64_MAX, &number))
			notes_r->backup_ms = (int64_t)number;
		else if (strncmp(line, "path=", 5) == 0)
			snprintf(notes_r->backup_path, sizeof(notes_r->backup_path), "%.4095s",
			    line + 5);
		else if (strncmp(line, "address=", 8) == 0)
			snprintf(
			    notes_r->address, sizeof(notes_r->address), "%.1199s", line + 8);
	}
	fclose(in);
}

bool
account_notes_write(const char *folder, const struct account_notes *notes)
{
	char path[4200], temporary[4200];
	FILE *out;
	int fd;
	bool good;

	snprintf(path, sizeof(path), "%s/notes", folder);
	snprintf(temporary, sizeof(temporary), "%s/notes.new", folder);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	fprintf(out, "ca=%s\ndevice=%s\nbackup=%lld\npath=%s\naddress=%s\n", notes->ca_file,
	    notes->device, (long long)notes->backup_ms, notes->backup_path, notes->address);
	good = fflush(out) == 0 && fsync(fd) == 0;
	good = fclose(out) == 0 && good;
	return good && rename(temporary, path) == 0;
}

void
account_note_address(struct cli *cli)
{
	struct account_notes notes;
	const char *address;

	if (cli->session == NULL || cli->folder[0] == '\0')
		return;
	address = dom_session_address(cli->session);
	account_notes_read(cli->folder, &notes);
	if (strcmp(notes.address, address) == 0 || strchr(address, '\n') != NULL)
		return;
	snprintf(notes.address, sizeof(notes.address), "%s", address);
	/* It only helps to say which account is meant. */
	(void)account_notes_write(cli->folder, &notes);
}

enum cli_exit
account_place(struct cli *cli, const char *name, const char *server_url)
{
	char root[3800], folder[256];

	if (!account_root(root, sizeof(root)))
		return cli_usage(cli, "where to keep the account is not known: set HOME or "
		                      "DOMICILE_STATE");
	if (!path_account(name, server_url, folder, sizeof(folder)))
		return cli_usage(
		    cli, "the name and server together are too long, or one is empty");
	snprintf(cli->folder, sizeof(cli->folder), "%s/%s", root, folder);
	if (!make_folders(root)) {
		cli_say(cli,
		    "%s cannot be made: %s. Nothing was sent; DOMICILE_STATE names another "
		    "folder",
		    root, strerror(errno));
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static bool
is_account(const char *root, const char *name)
{
	char path[4200];

	if (name[0] == '.')
		return false;
	snprintf(path, sizeof(path), "%s/%s/session", root, name);
	return access(path, F_OK) == 0;
}

/*
 * Does the option mean this folder?  "ana" means ana@region_8443 too, and so does
 * "ana@lisbon" if it lives there.
 */
static bool
is_meant(const char *wanted, const char *folder, const char *address)
{
	size_t size;

	if (wanted == NULL || strcmp(wanted, folder) == 0 || strcmp(wanted, address) == 0)
		return true;
	size = strlen(wanted);
	return strncmp(wanted, folder, size) == 0 && folder[size] == '@';
}

enum cli_exit
account_pick(struct cli *cli)
{
	const char *wanted = options_value(&cli->options, "account");
	char root[3800], names[ACCOUNTS_SHOWN_MAX * 96] = "", found[256] = "", path[4200];
	struct account_notes notes;
	size_t size = 0, count = 0;
	struct dirent *entry;
	DIR *folder;

	if (!account_root(root, sizeof(root)))
		return cli_usage(
		    cli, "set HOME or DOMICILE_STATE: they say where accounts are kept");
	folder = opendir(root);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (!is_account(root, entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", root, entry->d_name);
		account_notes_read(path, &notes);
		if (!is_meant(wanted, entry->d_name, notes.address))
			continue;
		snprintf(found, sizeof(found), "%s", entry->d_name);
		if (size < sizeof(names))
			size += (size_t)snprintf(names + size, sizeof(names) - size,
			    "%s%s%s%.64s%s", count == 0 ? "" : ", ", entry->d_name,
			    notes.address[0] == '\0' ? "" : " (", notes.address,
			    notes.address[0] == '\0' ? "" : ")");
		count++;
	}
	if (folder != NULL)
		closedir(folder);
	if (count == 0) {
		if (wanted != NULL)
			cli_say(
			    cli, "this device is not logged in to an account \"%s\"", wanted);
		else
			cli_say(cli, "this device is not logged in to any account");
		cli_say(cli,
		    "log in with: domicile login NAME --server URL (or make an account: "
		    "domicile signup NAME --server URL)");
		return CLI_LOGIN;
	}
	if (count > 1)
		return cli_usage(cli,
		    "this device has %zu accounts, say which with --account: %s", count, names);
	snprintf(cli->folder, sizeof(cli->folder), "%s/%s", root, found);
	return CLI_DONE;
}

enum dom_status
account_enter_picked(struct cli *cli, struct dom_complaint *complaint_r)
{
	struct account_notes notes;
	struct dom_session_options options;

	account_notes_read(cli->folder, &notes);
	options = (struct dom_session_options){
	    .state_folder = cli->folder,
	    .ca_file = notes.ca_file[0] == '\0' ? NULL : notes.ca_file,
	};
	return dom_session_open(&options, &cli->session, complaint_r);
}

enum cli_exit
account_open(struct cli *cli)
{
	struct dom_complaint complaint = {""};
	enum cli_exit outcome = account_pick(cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	st = account_enter_picked(cli, &complaint);
	if (st == DOM_ABSENT) {
		cli_say(cli, "this device is logged out of that account; log in with: "
		             "domicile login NAME --server URL");
		return CLI_LOGIN;
	}
	if (st == DOM_OK)
		return CLI_DONE;
	outcome = cli_complain(cli, st, &complaint);
	if (st == DOM_EINTEGRITY || st == DOM_EINPUT || st == DOM_EFILE)
		cli_say(cli, "if it stays so: domicile logout, then domicile login NAME "
		             "--server URL");
	return outcome;
}
