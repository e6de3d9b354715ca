/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * libdomicile as a stranger would use it, on its public headers alone: one
 * command per run, for tests/programs/test_interop.py.
 *
 *   interop_client STATE signup URL NAME        password: first line of stdin
 *   interop_client STATE login URL NAME         the same
 *   interop_client STATE passwd                 old and new password, two lines
 *   interop_client STATE consent SERVICE TYPE...
 *   interop_client STATE make NAME TYPE         prints the collection's uid
 *   interop_client STATE put COLLECTION UID|- NAME   content: stdin; prints the uid
 *   interop_client STATE import COLLECTION KEY SHA256   the same by the import
 *   interop_client STATE delete COLLECTION UID
 *   interop_client STATE list                   "uid type items name" of collections
 *   interop_client STATE cat COLLECTION FOLDER  writes FOLDER/UID; "uid status name"
 *   interop_client STATE verify COLLECTION
 *   interop_client STATE logout
 *
 * Exits with 0, or with minus the status and the sentence on stderr.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/collection.h>
#include <domicile/consent.h>
#include <domicile/session.h>

static struct dom_session *session;

static int
give_up(enum dom_status status, const char *what)
{
	fprintf(stderr, "%s\n", what);
	return status < 0 ? -status : 100 + status;
}

static int
failed(enum dom_status status)
{
	return give_up(status, dom_session_error(session));
}

static char *
read_line(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size = getline(&line, &room, stdin);

	if (size > 0 && line[size - 1] == '\n')
		line[size - 1] = '\0';
	return line;
}

static uint8_t *
read_all(size_t *size_r)
{
	size_t room = 1 << 20, size = 0, got;
	uint8_t *content = malloc(room);

	while (content != NULL && (got = fread(content + size, 1, room - size, stdin)) > 0) {
		size += got;
		if (size == room) {
			uint8_t *grown = realloc(content, room *= 2);

			if (grown == NULL)
				free(content);
			content = grown;
		}
	}
	*size_r = size;
	return content;
}

static int
enter(const char *state, bool is_signup, char **words)
{
	const struct dom_session_options options = {
	    .state_folder = state, .server_url = words[0], .device = "interop"};
	struct dom_credentials credentials = {.username = words[1], .email = ""};
	struct dom_complaint complaint = {""};
	char *password = read_line();
	enum dom_status st;

	credentials.password = dom_slice_of(password);
	st = is_signup ? dom_signup(&options, &credentials, &session, &complaint)
	               : dom_login(&options, &credentials, &session, &complaint);
	free(password);
	return st == DOM_OK ? 0 : give_up(st, complaint.text);
}

static int
change_password(void)
{
	char *old_password = read_line(), *new_password = read_line();
	enum dom_status st = dom_change_password(
	    session, dom_slice_of(old_password), dom_slice_of(new_password));

	free(old_password);
	free(new_password);
	return st == DOM_OK ? 0 : failed(st);
}

static int
consent(char **words, size_t count)
{
	struct dom_catalogue *catalogue;
	enum dom_status st = dom_catalogue_ask(session, &catalogue);

	if (st == DOM_OK)
		st = dom_consent_give(session,
		    &(struct dom_consent){.entry = dom_catalogue_find(catalogue, words[0]),
		        .types = (const char *const *)(words + 1),
		        .type_count = count - 1});
	dom_catalogue_free(&catalogue);
	return st == DOM_OK ? 0 : failed(st);
}

static enum dom_status
print_collection(void *context, const struct dom_collection_info *info)
{
	(void)context;
	printf("%s %s %llu %s\n", info->uid, info->type, (unsigned long long)info->items,
	    info->name);
	return DOM_OK;
}

static int
make(char **words)
{
	struct dom_collection *collection = NULL;
	enum dom_status st = dom_collection_ensure(session, words[0], words[1], &collection);

	dom_collection_free(&collection);
	if (st == DOM_OK)
		st = dom_collections_each(session, print_collection, NULL);
	return st == DOM_OK ? 0 : failed(st);
}

static int
put(struct dom_collection *collection, char **words, bool is_deletion)
{
	size_t size = 0;
	uint8_t *content = is_deletion ? NULL : read_all(&size);
	struct dom_item_new item = {.uid = strcmp(words[0], "-") == 0 ? NULL : words[0],
	    .name = is_deletion ? NULL : words[1],
	    .mtime_ms = 1700000000123,
	    .content = dom_slice(content, size),
	    .deleted = is_deletion};
	char uid[33];
	enum dom_status st = dom_item_put(collection, &item, uid);

	free(content);
	if (st != DOM_OK)
		return failed(st);
	puts(uid);
	return 0;
}

struct content {
	uint8_t *bytes;
	size_t size;
};

static enum dom_status
read_content(void *context, enum dom_status (*take)(void *take_context, struct dom_slice bytes),
    void *take_context)
{
	struct content *content = context;

	return take(take_context, dom_slice(content->bytes, content->size));
}

/* The digest comes as hex, so that this file needs no cryptography. */
static int
import(struct dom_collection *collection, char **words)
{
	struct content content = {NULL, 0};
	struct dom_import_counts counts;
	struct dom_import *import = NULL;
	enum dom_record_outcome outcome;
	struct dom_record record = {
	    .key = dom_slice_of(words[0]), .read = read_content, .context = &content};
	enum dom_status st;

	for (size_t i = 0; i < sizeof(record.digest); i++) {
		unsigned byte = 0;

		if (sscanf(words[1] + 2 * i, "%2x", &byte) != 1)
			return give_up(DOM_EINPUT, "a digest is 64 hex digits");
		record.digest[i] = (uint8_t)byte;
	}
	content.bytes = read_all(&content.size);
	record.size = content.size;
	if ((st = dom_import_begin(collection, &import)) == DOM_OK &&
	    (st = dom_import_put(import, &record, &outcome)) == DOM_OK)
		st = dom_import_finish(import, &counts);
	dom_import_free(&import);
	free(content.bytes);
	return st == DOM_OK ? 0 : failed(st);
}

struct output {
	const char *folder;
	FILE *file;
};

static enum dom_status
cat_begin(void *context, const struct dom_item_info *info)
{
	struct output *output = context;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", output->folder, info->uid);
	output->file = fopen(path, "wb");
	return output->file == NULL ? DOM_EFILE : DOM_OK;
}

static enum dom_status
cat_data(void *context, struct dom_slice bytes)
{
	struct output *output = context;

	return fwrite(bytes.data, 1, bytes.size, output->file) == bytes.size ? DOM_OK
	                                                                     : DOM_EFILE;
}

static enum dom_status
cat_end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	struct output *output = context;

	if (fclose(output->file) != 0)
		return DOM_EFILE;
	printf("%s %d %s\n", info->uid, status, info->name);
	return DOM_OK;
}

static int
cat(struct dom_collection *collection, char **words)
{
	struct output output = {.folder = words[0]};
	const struct dom_fetch_sink sink = {
	    .begin = cat_begin, .data = cat_data, .end = cat_end, .context = &output};
	enum dom_status st = dom_collection_fetch(collection, &sink);

	return st == DOM_OK ? 0 : failed(st);
}

static void
print_problem(void *context, const char *item_uid, const char *what)
{
	(void)context;
	printf("%s: %s\n", item_uid, what);
}

static int
verify(struct dom_collection *collection)
{
	const struct dom_verify_sink sink = {.problem = print_problem};
	struct dom_verify_counts counts;
	enum dom_status st = dom_collection_verify(collection, &sink, &counts);

	if (st != DOM_OK)
		return failed(st);
	printf("%llu items, %llu revisions, %llu chunks, %llu bad\n",
	    (unsigned long long)counts.items, (unsigned long long)counts.revisions,
	    (unsigned long long)counts.chunks, (unsigned long long)counts.bad);
	return 0;
}

static int
in_collection(const char *command, char **words, size_t count)
{
	struct dom_collection *collection = NULL;
	enum dom_status st = dom_collection_open(session, words[0], &collection);
	int code;

	if (st != DOM_OK)
		return failed(st);
	if (strcmp(command, "put") == 0 && count == 3)
		code = put(collection, words + 1, false);
	else if (strcmp(command, "import") == 0 && count == 3)
		code = import(collection, words + 1);
	else if (strcmp(command, "delete") == 0 && count == 2)
		code = put(collection, words + 1, true);
	else if (strcmp(command, "cat") == 0 && count == 2)
		code = cat(collection, words + 1);
	else if (strcmp(command, "verify") == 0 && count == 1)
		code = verify(collection);
	else
		code = give_up(DOM_EINPUT, "no such command");
	dom_collection_free(&collection);
	return code;
}

static int
run(const char *state, const char *command, char **words, size_t count)
{
	const struct dom_session_options options = {.state_folder = state};
	struct dom_complaint complaint = {""};
	enum dom_status st;

	if (strcmp(command, "signup") == 0 && count == 2)
		return enter(state, true, words);
	if (strcmp(command, "login") == 0 && count == 2)
		return enter(state, false, words);
	if ((st = dom_session_open(&options, &session, &complaint)) != DOM_OK)
		return give_up(st, complaint.text);
	if (strcmp(command, "logout") == 0) {
		st = dom_logout(&session, &complaint);
		return st == DOM_OK ? 0 : give_up(st, complaint.text);
	}
	if (strcmp(command, "passwd") == 0)
		return change_password();
	if (strcmp(command, "consent") == 0 && count >= 1)
		return consent(words, count);
	if ((st = dom_sync(session)) != DOM_OK)
		return failed(st);
	if (strcmp(command, "make") == 0 && count == 2)
		return make(words);
	if (strcmp(command, "list") == 0) {
		st = dom_collections_each(session, print_collection, NULL);
		return st == DOM_OK ? 0 : failed(st);
	}
	return count == 0 ? give_up(DOM_EINPUT, "no such command")
	                  : in_collection(command, words, count);
}

int
main(int argc, char **argv)
{
	int code;

	if (argc < 3)
		return give_up(DOM_EINPUT, "interop_client STATE COMMAND ...");
	code = run(argv[1], argv[2], argv + 3, (size_t)(argc - 3));
	dom_session_close(&session);
	return code;
}
