/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What was agreed to and withdrawn: each statement with the region's receipt as a
 * file that domicile-verify checks, all of them in words, the terms and the key.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <domicile/consent.h>

#include "base/encode.h"

#include "cli/consents.h"
#include "cli/export.h"

enum { RECEIPT_SIZE_MAX = 128 << 10, FORMER_MAX = 64 };

struct consents {
	struct export *export;
	struct json json;
	const char *region;          /* where the account lives now */
	char former[FORMER_MAX][65]; /* regions whose keys are written */
	size_t former_count;
};

static void
put_consent(struct json *json, const struct dom_statement *statement)
{
	char time[TEXT_SHORT];

	json_number(json, "catalogue_version", statement->version);
	json_hex(json, "terms", dom_slice(statement->terms, sizeof(statement->terms)));
	json_text(json, "purpose", statement->purpose);
	json_text(json, "retention", statement->retention);
	json_text(json, "until",
	    statement->until_ms == 0 ? NULL : export_time(statement->until_ms, time));
	json_number(json, "types", statement->type_count);
}

/* The account has lived elsewhere: what that region signed is checked with its key. */
static enum dom_status
put_former_key(struct consents *consents, const struct dom_statement *statement)
{
	char path[128], hex[2 * sizeof(statement->region_key) + 2];

	if (strcmp(statement->region, consents->region) == 0 ||
	    consents->former_count == FORMER_MAX || !consents_region_is_file(statement->region))
		return DOM_OK;
	for (size_t i = 0; i < consents->former_count; i++) {
		if (strcmp(consents->former[i], statement->region) == 0)
			return DOM_OK;
	}
	snprintf(consents->former[consents->former_count++], sizeof(consents->former[0]),
	    "%.64s", statement->region);
	dom_hex_encode(dom_slice(statement->region_key, sizeof(statement->region_key)), hex);
	hex[2 * sizeof(statement->region_key)] = '\n';
	snprintf(path, sizeof(path), "consents/region-%.64s.pub", statement->region);
	return export_bytes(
	    consents->export, path, dom_slice(hex, 2 * sizeof(statement->region_key) + 1));
}

static enum dom_status
put_statement(void *context, const struct dom_statement *statement)
{
	struct consents *consents = context;
	struct export *export = consents->export;
	struct json *json = &consents->json;
	char time[TEXT_SHORT], name[128];
	enum dom_status st;

	if (cli_stopping)
		return DOM_ESTOPPED;
	snprintf(name, sizeof(name), "consents/%04llu-%.32s%s%s.domicile-receipt",
	    (unsigned long long)statement->serial, statement->service,
	    statement->service[0] == '\0' ? "" : "-", dom_statement_word(statement->kind));
	json_open(json, NULL, '{');
	json_number(json, "number", statement->serial);
	json_text(json, "kind", dom_statement_word(statement->kind));
	json_text(json, "region", statement->region);
	json_text(json, "service", statement->service[0] == '\0' ? NULL : statement->service);
	json_text(json, "signed", export_time(statement->issued_ms, time));
	json_text(json, "accepted", export_time(statement->accepted_ms, time));
	if (statement->kind == DOM_STATEMENT_CONSENT)
		put_consent(json, statement);
	if (statement->kind == DOM_STATEMENT_WITHDRAWAL)
		json_text(json, "stored",
		    statement->choice == DOM_ERASE ? "to be erased" : "to be kept");
	if (statement->kind == DOM_STATEMENT_ERASURE)
		json_text(json, "scope",
		    statement->whole_account ? "the account" : "the history of an item");
	if (statement->kind == DOM_STATEMENT_MOVE_ORDER)
		json_text(json, "target", statement->target);
	json_text(json, "receipt", statement->evidence.size == 0 ? NULL : name);
	json_close(json);
	export->statements++;
	if (statement->evidence.size == 0)
		return DOM_OK;
	export->receipts++;
	st = export_bytes(export, name, statement->evidence);
	return st == DOM_OK ? put_former_key(consents, statement) : st;
}

/* The terms that the statements are about, and the key that the receipts are checked with. */
static enum dom_status
put_region(struct export *export)
{
	struct dom_session *session = export->restore.cli->session;
	struct dom_catalogue *catalogue = NULL;
	uint8_t key[32];
	char hex[2 * sizeof(key) + 2];
	enum dom_status st = dom_region_key(session, key);

	if (st == DOM_OK) {
		dom_hex_encode(dom_slice(key, sizeof(key)), hex);
		hex[2 * sizeof(key)] = '\n';
		st = export_bytes(
		    export, "consents/region.pub", dom_slice(hex, 2 * sizeof(key) + 1));
	}
	if (st == DOM_OK || st == DOM_ABSENT)
		st = dom_catalogue_ask(session, &catalogue);
	if (st == DOM_OK)
		st = export_bytes(export, "consents/catalogue.json", catalogue->text);
	dom_catalogue_free(&catalogue);
	return st;
}

/* One of the receipts that this device keeps. */
static enum dom_status
put_kept(struct export *export, int folder, const char *name)
{
	static uint8_t bytes[RECEIPT_SIZE_MAX];
	char path[sizeof("consents/") + NAME_MAX];
	size_t size = 0;
	ssize_t got = -1;
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	while (fd >= 0 && size < sizeof(bytes) &&
	       (got = read(fd, bytes + size, sizeof(bytes) - size)) > 0)
		size += (size_t)got;
	if (fd >= 0)
		close(fd);
	if (got != 0) {
		cli_say(
		    export->restore.cli, "the receipt %s cannot be read and is left out", name);
		export->restore.bad++;
		return export_loss(export, name, name, DOM_EFILE);
	}
	snprintf(path, sizeof(path), "consents/%s", name);
	export->receipts++;
	return export_bytes(export, path, dom_slice(bytes, size));
}

/*
 * What the region signed when it had erased something: only the device that
 * waited for it has that, see <domicile/erasure.h>.
 */
static enum dom_status
put_erased(struct export *export)
{
	static const char ending[] = "-erased.domicile-receipt";
	char name[sizeof(export->restore.cli->folder) + sizeof("/receipts")];
	struct dirent *entry;
	enum dom_status st = DOM_OK;
	DIR *folder;

	snprintf(name, sizeof(name), "%s/receipts", export->restore.cli->folder);
	if ((folder = opendir(name)) == NULL)
		return DOM_OK; /* nothing was signed on this device */
	while (st == DOM_OK && (entry = readdir(folder)) != NULL) {
		size_t size = strlen(entry->d_name);

		if (size > strlen(ending) &&
		    strcmp(entry->d_name + size - strlen(ending), ending) == 0)
			st = put_kept(export, dirfd(folder), entry->d_name);
	}
	closedir(folder);
	return st;
}

enum dom_status
export_consents(struct export *export)
{
	struct consents consents = {.export = export};
	struct export_text text;
	char count[TEXT_SHORT], receipts[TEXT_SHORT];
	enum dom_status st = dom_session_region(export->restore.cli->session, &consents.region);

	if (st == DOM_OK)
		st = export_text_begin(export, &text);
	if (st != DOM_OK)
		return st;
	consents.json = (struct json){.out = text.out};
	json_open(&consents.json, NULL, '[');
	st = dom_statements(export->restore.cli->session, put_statement, &consents);
	json_finish(&consents.json);
	if (st == DOM_OK)
		st = put_erased(export);
	if (st != DOM_OK) {
		export_text_drop(export, &text);
		return st;
	}
	if (!export->is_json)
		printf("consents  %s statement%s, %s receipt%s: consents/\n",
		    text_count(export->statements, count), export->statements == 1 ? "" : "s",
		    text_count(export->receipts, receipts), export->receipts == 1 ? "" : "s");
	st = export_text_end(export, &text, "consents/statements.json");
	return st == DOM_OK ? put_region(export) : st;
}
