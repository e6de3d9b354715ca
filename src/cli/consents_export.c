/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile consents export: a file for each statement, in a folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"

#include "cli/consents.h"
#include "cli/text.h"

const char *const consents_formats[CONSENTS_FORMAT_COUNT + 1] = {
    "native", "kantara", "iso27560", NULL};

/* When each consent was withdrawn is known only from what comes after it. */
struct withdrawn {
	char service[33];
	uint64_t serial;
	int64_t ms;
};

struct exporting {
	struct cli *cli;
	enum consents_format format;
	const char *folder;
	struct consents_context context;
	struct withdrawn *withdrawn;
	size_t withdrawn_count;
	uint64_t written, without_receipt;
	int error; /* errno of the file that could not be written */
};

static enum dom_status
note_withdrawal(void *context, const struct dom_statement *statement)
{
	struct exporting *exporting = context;
	struct withdrawn *more;

	if (statement->kind != DOM_STATEMENT_CONSENT &&
	    statement->kind != DOM_STATEMENT_WITHDRAWAL)
		return DOM_OK;
	more = reallocarray(exporting->withdrawn, exporting->withdrawn_count + 1,
	    sizeof(*exporting->withdrawn));
	if (more == NULL)
		return DOM_ENOMEM;
	exporting->withdrawn = more;
	more[exporting->withdrawn_count] =
	    (struct withdrawn){.serial = statement->serial, .ms = statement->accepted_ms};
	snprintf(more[exporting->withdrawn_count++].service, sizeof(more->service), "%s",
	    statement->service);
	return DOM_OK;
}

/* The next statement about the same service ends this one; 0: none came. */
static int64_t
ended_ms(const struct exporting *exporting, const struct dom_statement *statement)
{
	for (size_t i = 0; i < exporting->withdrawn_count; i++) {
		const struct withdrawn *next = &exporting->withdrawn[i];

		if (next->serial > statement->serial &&
		    strcmp(next->service, statement->service) == 0)
			return next->ms;
	}
	return 0;
}

static FILE *
open_new(const char *folder, const char *name)
{
	char path[PATH_MAX];
	FILE *out;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out == NULL && fd >= 0)
		close(fd);
	return out;
}

/* On the disk, or errno. */
static bool
close_whole(FILE *out, bool good)
{
	int saved;

	good = fflush(out) == 0 && good && ferror(out) == 0 && fsync(fileno(out)) == 0;
	saved = errno;
	good = fclose(out) == 0 && good;
	errno = good ? errno : saved;
	return good;
}

static void
name_of(const struct exporting *exporting, const struct dom_statement *statement, char *name_r,
    size_t size)
{
	static const char *const ends[] = {[CONSENTS_NATIVE] = "domicile-receipt",
	    [CONSENTS_KANTARA] = "kantara.json",
	    [CONSENTS_ISO27560] = "iso27560.json"};

	snprintf(name_r, size, "%06llu-%s%s%s.%s", (unsigned long long)statement->serial,
	    dom_statement_word(statement->kind), statement->service[0] == '\0' ? "" : "-",
	    statement->service, ends[exporting->format]);
}

bool
consents_region_is_file(const char *region)
{
	size_t size = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return size > 0 && region[size] == '\0';
}

static bool
write_hex(FILE *out, const uint8_t key[32])
{
	char text[65];

	dom_hex_encode(dom_slice(key, 32), text);
	return out != NULL && close_whole(out, fprintf(out, "%s\n", text) > 0);
}

/* The account has lived elsewhere: what that region signed is checked with its key. */
static bool
write_former_key(const struct exporting *exporting, const struct dom_statement *statement)
{
	char name[96];
	FILE *out;

	if (exporting->format != CONSENTS_NATIVE ||
	    strcmp(statement->region, exporting->context.region) == 0 ||
	    !consents_region_is_file(statement->region))
		return true;
	snprintf(name, sizeof(name), "region-%.64s.pub", statement->region);
	out = open_new(exporting->folder, name);
	return (out == NULL && errno == EEXIST) || write_hex(out, statement->region_key);
}

static enum dom_status
export_one(void *context, const struct dom_statement *statement)
{
	struct exporting *exporting = context;
	char name[128];
	FILE *out;
	bool good;

	if (exporting->format == CONSENTS_NATIVE && statement->evidence.size == 0) {
		exporting->without_receipt++;
		return DOM_OK;
	}
	/* These formats know consents alone; a withdrawal is said with the one it ends. */
	if (exporting->format != CONSENTS_NATIVE && statement->kind != DOM_STATEMENT_CONSENT)
		return DOM_OK;
	name_of(exporting, statement, name, sizeof(name));
	out = open_new(exporting->folder, name);
	if (out != NULL) {
		exporting->context.withdrawn_ms = ended_ms(exporting, statement);
		if (exporting->format == CONSENTS_NATIVE)
			good = fwrite(statement->evidence.data, 1, statement->evidence.size,
			           out) == statement->evidence.size;
		else
			good = consents_write(
			    out, exporting->format, &exporting->context, statement);
		good = close_whole(out, good) && write_former_key(exporting, statement);
	}
	if (out == NULL || !good) {
		exporting->error = errno;
		return DOM_EFILE;
	}
	exporting->written++;
	return cli_stopping ? DOM_ESTOPPED : DOM_OK;
}

/* With the key, anybody can check the files; the catalogue says what the terms of today are. */
static bool
write_key(const struct exporting *exporting)
{
	struct dom_slice catalogue = exporting->context.catalogue->text;
	FILE *out = open_new(exporting->folder, "region.pub");

	if (!write_hex(out, exporting->context.region_public))
		return false;
	out = open_new(exporting->folder, "catalogue.json");
	return out != NULL && close_whole(out, fwrite(catalogue.data, 1, catalogue.size, out) ==
	                                           catalogue.size);
}

/* Made if it is missing; one that holds something is refused. */
static enum cli_exit
open_folder(struct cli *cli, const char *folder)
{
	struct dirent *entry;
	DIR *entries;
	bool is_empty = true;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
		cli_say(cli, "%s cannot be made: %s", folder, strerror(errno));
		return CLI_FAILED;
	}
	entries = opendir(folder);
	if (entries == NULL) {
		cli_say(cli, "%s cannot be read: %s", folder, strerror(errno));
		return CLI_FAILED;
	}
	while ((entry = readdir(entries)) != NULL)
		is_empty = is_empty && (strcmp(entry->d_name, ".") == 0 ||
		                           strcmp(entry->d_name, "..") == 0);
	closedir(entries);
	if (is_empty)
		return CLI_DONE;
	cli_say(cli, "%s is not empty; name a new folder. Nothing was written", folder);
	return CLI_FAILED;
}

static enum cli_exit
export_all(struct exporting *exporting)
{
	struct cli *cli = exporting->cli;
	struct dom_catalogue *catalogue = NULL;
	uint8_t region_public[32];
	char count[TEXT_SHORT];
	enum dom_status st;

	exporting->context.account = dom_session_username(cli->session);
	exporting->context.server = dom_session_server(cli->session);
	exporting->context.region_public = region_public;
	st = dom_session_region(cli->session, &exporting->context.region);
	if (st == DOM_OK)
		st = dom_region_key(cli->session, region_public);
	if (st == DOM_OK)
		st = dom_catalogue_ask(cli->session, &catalogue);
	exporting->context.catalogue = catalogue;
	if (st == DOM_OK)
		st = dom_statements(cli->session, note_withdrawal, exporting);
	if (st == DOM_OK)
		st = dom_statements(cli->session, export_one, exporting);
	if (st == DOM_OK && exporting->format == CONSENTS_NATIVE && !write_key(exporting)) {
		exporting->error = errno;
		st = DOM_EFILE;
	}
	dom_catalogue_free(&catalogue);
	if (st == DOM_EFILE && exporting->error != 0) {
		cli_say(cli, "a file in %s cannot be written: %s", exporting->folder,
		    strerror(exporting->error));
		return CLI_FAILED;
	}
	if (st != DOM_OK)
		return cli_fail(cli, st, "the export is not whole");
	printf("%s record%s in %s\n", text_count(exporting->written, count),
	    exporting->written == 1 ? "" : "s", exporting->folder);
	if (exporting->without_receipt > 0)
		printf(
		    "%s statements have no receipt: they are from before the region gave any\n",
		    text_count(exporting->without_receipt, count));
	return CLI_DONE;
}

enum cli_exit
consents_export(struct cli *cli)
{
	const char *format = options_value(&cli->options, "format");
	struct exporting exporting = {.cli = cli};
	const char *near;
	enum cli_exit outcome;

	if (cli->options.word_count < 2)
		return cli_usage(cli, "export to which folder?");
	exporting.folder = cli->options.words[1];
	while (format != NULL && exporting.format < CONSENTS_FORMAT_COUNT &&
	       strcmp(consents_formats[exporting.format], format) != 0)
		exporting.format++;
	if (exporting.format == CONSENTS_FORMAT_COUNT) {
		near = options_suggest(format, consents_formats);
		return cli_usage(cli,
		    "there is no format %.40s%s%s%s; there are: native, kantara, iso27560",
		    format, near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
		    near == NULL ? "" : "?");
	}
	outcome = open_folder(cli, exporting.folder);
	if (outcome == CLI_DONE)
		outcome = export_all(&exporting);
	free(exporting.withdrawn);
	return outcome;
}
