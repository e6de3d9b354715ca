/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading domiciled.conf: inih finds the lines, the table below knows the keys. */
#include "daemon/configuration.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ini_file.h"
#include "daemon/nearest.h"
#include "http/listener.h"

enum {
	MESSAGE_SIZE = 512,
	PREFIX_SIZE_MAX = 64,
	SESSION_DAYS_STANDARD = 90,
	SESSION_DAYS_MAX = 3650,
	MOVES_STANDARD = 4,
};

enum key {
	KEY_REGION,
	KEY_DATA,
	KEY_REGION_KEY_FILE,
	KEY_ERASURE_JOURNAL,
	KEY_BACKUP_KEEP,
	KEY_LISTEN,
	KEY_TLS_CERTIFICATE,
	KEY_TLS_KEY,
	KEY_PUBLIC_HOSTS,
	KEY_PATH_PREFIX,
	KEY_TRUSTED,
	KEY_SIGNUP,
	KEY_CATALOGUE,
	KEY_GROUP,
	KEY_PEER_CA,
	KEY_MOVES,
	KEY_SESSION_DAYS,
	KEY_DEFAULT_QUOTA_BYTES,
	KEY_RETENTION,
	KEY_LOOPS,
	KEY_LOG,
	KEY_READY_FILE,
#ifdef DOM_TEST_API
	KEY_TEST_API,
#endif
	KEY_METRICS_LISTEN,
	KEY_LIMITS, /* from here on: http_limit_table */
	KEY_COUNT = KEY_LIMITS + HTTP_LIMIT_COUNT,
};

static const char *const key_names[KEY_LIMITS] = {
    [KEY_REGION] = "region",
    [KEY_DATA] = "data",
    [KEY_REGION_KEY_FILE] = "region_key_file",
    [KEY_ERASURE_JOURNAL] = "erasure_journal",
    [KEY_BACKUP_KEEP] = "backup_keep",
    [KEY_LISTEN] = "listen",
    [KEY_TLS_CERTIFICATE] = "tls_certificate",
    [KEY_TLS_KEY] = "tls_key",
    [KEY_PUBLIC_HOSTS] = "public_hosts",
    [KEY_PATH_PREFIX] = "path_prefix",
    [KEY_TRUSTED] = "trusted_addresses",
    [KEY_SIGNUP] = "signup",
    [KEY_CATALOGUE] = "catalogue",
    [KEY_GROUP] = "group",
    [KEY_PEER_CA] = "peer_ca",
    [KEY_MOVES] = "moves",
    [KEY_SESSION_DAYS] = "session_days",
    [KEY_DEFAULT_QUOTA_BYTES] = "default_quota_bytes",
    [KEY_RETENTION] = "retention",
    [KEY_LOOPS] = "loops",
    [KEY_LOG] = "log",
    [KEY_READY_FILE] = "ready_file",
#ifdef DOM_TEST_API
    [KEY_TEST_API] = "test_api",
#endif
    [KEY_METRICS_LISTEN] = "metrics_listen",
};

struct reading {
	struct ini_report report;
	int line; /* of what is being read */
	int set_at[KEY_COUNT];
	int listen_line[CONFIGURATION_LIST_MAX];
	struct dom_arena *arena;
	struct configuration *into;
};

static const char *
key_name(unsigned key)
{
	return key < KEY_LIMITS ? key_names[key] : http_limit_table[key - KEY_LIMITS].key;
}

/* line 0: about the whole file. */
static void __attribute__((format(printf, 3, 4)))
problem(struct reading *reading, int line, const char *format, ...)
{
	char text[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ini_problem(&reading->report, (unsigned)line, text);
}

static const char *
keep(struct reading *reading, const char *text)
{
	struct dom_slice copy = dom_arena_copy(reading->arena, dom_slice_of(text));

	if (copy.data == NULL)
		problem(reading, reading->line, "no memory");
	return copy.data == NULL ? "" : (const char *)copy.data;
}

static int64_t
number(
    struct reading *reading, const char *name, const char *value, int64_t least, int64_t most)
{
	char *end;
	long long read;

	errno = 0;
	read = strtoll(value, &end, 10);
	if (errno != 0 || *end != '\0' || end == value || read < least || read > most) {
		problem(reading, reading->line,
		    "%s must be a whole number from %lld to %lld, not \"%s\"", name,
		    (long long)least, (long long)most, value);
		return least;
	}
	return read;
}

/* Parts between commas, without the blanks around them. */
static void
list(struct reading *reading, const char *name, const char *value, const char **entries,
    int *lines, size_t *count)
{
	while (*value != '\0') {
		size_t size = strcspn(value, ","), used = size;
		char *entry;

		while (used != 0 && isspace((unsigned char)value[used - 1]))
			used--;
		if (used == 0) {
			problem(reading, reading->line, "%s has an empty entry", name);
		} else if (*count == CONFIGURATION_LIST_MAX) {
			problem(reading, reading->line, "%s has more than %d entries", name,
			    CONFIGURATION_LIST_MAX);
			return;
		} else if ((entry = dom_arena_print(
		                reading->arena, "%.*s", (int)used, value)) != NULL) {
			if (lines != NULL)
				lines[*count] = reading->line;
			entries[(*count)++] = entry;
		}
		value += size;
		if (*value == ',')
			value++;
		while (isspace((unsigned char)*value))
			value++;
	}
}

static void
set_signup(struct reading *reading, const char *value)
{
	if (strcmp(value, "open") == 0)
		reading->into->signup = SERVICE_SIGNUP_OPEN;
	else if (strcmp(value, "invitation") == 0)
		reading->into->signup = SERVICE_SIGNUP_INVITATION;
	else if (strcmp(value, "closed") != 0)
		problem(reading, reading->line,
		    "signup must be open, invitation or closed, not \"%s\"", value);
}

static void
set_trusted(struct reading *reading, const char *value)
{
	const char *texts[CONFIGURATION_LIST_MAX];
	struct http_networks *trusted = &reading->into->trusted;
	size_t count = 0;

	static_assert((int)CONFIGURATION_LIST_MAX <= (int)HTTP_NETWORKS_MAX, "fits");
	if (reading->set_at[KEY_TRUSTED] == 0)
		trusted->count = 0;
	if (strcmp(value, "none") == 0)
		return;
	list(reading, "trusted_addresses", value, texts, NULL, &count);
	for (size_t i = 0; i < count; i++) {
		if (trusted->count == HTTP_NETWORKS_MAX) {
			problem(reading, reading->line,
			    "trusted_addresses has more than %d entries", HTTP_NETWORKS_MAX);
			return;
		}
		if (!http_network_parse(texts[i], &trusted->of[trusted->count]))
			problem(reading, reading->line,
			    "trusted_addresses takes addresses and networks such as 192.0.2.7 "
			    "or 2001:db8::/32, or none, not \"%s\"",
			    texts[i]);
		else
			trusted->count++;
	}
}

static void
set_region(struct reading *reading, const char *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz", more[] = "0123456789-";
	bool is_valid = value[0] != '\0' && strchr(letters, value[0]) != NULL;
	size_t size = strlen(value);

	for (size_t i = 0; i < size; i++)
		is_valid = is_valid && (strchr(letters, value[i]) != NULL ||
		                           strchr(more, value[i]) != NULL);
	if (!is_valid || size > 32)
		problem(reading, reading->line,
		    "region must be a name such as \"in\" or \"sg-1\": up to 32 small letters, "
		    "digits and hyphens, a letter first");
	reading->into->region = keep(reading, value);
}

static const char *
absolute(struct reading *reading, const char *name, const char *value)
{
	if (value[0] != '/')
		problem(reading, reading->line,
		    "%s must be a path that begins with a slash, not \"%s\": what it meant "
		    "would "
		    "depend on where domiciled is started",
		    name, value);
	return keep(reading, value);
}

static void
set_prefix(struct reading *reading, const char *value)
{
	size_t size = strlen(value);

	while (size != 0 && value[size - 1] == '/')
		size--;
	if (size > PREFIX_SIZE_MAX || (size != 0 && value[0] != '/') ||
	    strpbrk(value, "?#% \t") != NULL)
		problem(reading, reading->line,
		    "path_prefix must be the beginning of a path such as /sync");
	reading->into->path_prefix = dom_arena_print(reading->arena, "%.*s", (int)size, value);
}

static void
set_backup_keep(struct reading *reading, const char *value)
{
	if (strcmp(value, "none") != 0 &&
	    (dom_duration_parse(dom_slice_of(value), &reading->into->backup_keep) != DOM_OK ||
	        dom_duration_is_zero(&reading->into->backup_keep)))
		problem(reading, reading->line,
		    "backup_keep must be a time such as P90D or P6M, or none if no backups are "
		    "made, not \"%s\"",
		    value);
}

static void
set_retention(struct reading *reading, const char *value)
{
	struct configuration *into = reading->into;
	char why[MESSAGE_SIZE];

	if (into->retention_count == RETENTION_LINES_MAX)
		problem(reading, reading->line, "retention has more than %d rules",
		    RETENTION_LINES_MAX);
	else if (retention_rule_parse(value, reading->arena,
	             &into->retention[into->retention_count], why, sizeof(why)) != DOM_OK)
		problem(reading, reading->line, "retention: %s", why);
	else
		into->retention_count++;
}

/* The setting that is a path and nothing else; NULL: this key is another kind. */
static const char **
path_of(struct configuration *into, unsigned key)
{
	switch (key) {
	case KEY_DATA:
		return &into->data;
	case KEY_REGION_KEY_FILE:
		return &into->region_key_file;
	case KEY_ERASURE_JOURNAL:
		return &into->erasure_journal;
	case KEY_TLS_CERTIFICATE:
		return &into->tls_certificate;
	case KEY_TLS_KEY:
		return &into->tls_key;
	case KEY_CATALOGUE:
		return &into->catalogue;
	case KEY_GROUP:
		return &into->group;
	case KEY_PEER_CA:
		return &into->peer_ca;
	case KEY_READY_FILE:
		return &into->ready_file;
	default:
		return NULL;
	}
}

static void
set(struct reading *reading, unsigned key, const char *value)
{
	struct configuration *into = reading->into;
	const char *name = key_name(key), **path = path_of(into, key);

	if (path != NULL) {
		*path = absolute(reading, name, value);
		return;
	}
	switch (key) {
	case KEY_REGION:
		set_region(reading, value);
		break;
	case KEY_BACKUP_KEEP:
		set_backup_keep(reading, value);
		break;
	case KEY_LISTEN:
		list(reading, name, value, into->listen, reading->listen_line,
		    &into->listen_count);
		break;
	case KEY_PUBLIC_HOSTS:
		list(reading, name, value, into->public_hosts, NULL, &into->public_host_count);
		break;
	case KEY_PATH_PREFIX:
		set_prefix(reading, value);
		break;
	case KEY_TRUSTED:
		set_trusted(reading, value);
		break;
	case KEY_SIGNUP:
		set_signup(reading, value);
		break;
	case KEY_SESSION_DAYS:
		into->session_days = number(reading, name, value, 1, SESSION_DAYS_MAX);
		break;
	case KEY_DEFAULT_QUOTA_BYTES:
		into->quota_bytes = number(reading, name, value, 0, INT64_MAX);
		break;
	case KEY_RETENTION:
		set_retention(reading, value);
		break;
	case KEY_MOVES:
		into->moves =
		    (unsigned)number(reading, name, value, 1, CONFIGURATION_MOVES_MAX);
		break;
	case KEY_LOOPS:
		into->loops = (unsigned)number(reading, name, value, 0, HTTP_LOOPS_MAX);
		break;
	case KEY_LOG:
		into->log = strcmp(value, "stderr") == 0 || strcmp(value, "none") == 0
		                ? keep(reading, value)
		                : absolute(reading, name, value);
		break;
#ifdef DOM_TEST_API
	case KEY_TEST_API:
		into->test_api = strcmp(value, "yes") == 0;
		if (!into->test_api && strcmp(value, "no") != 0)
			problem(reading, reading->line,
			    "test_api must be yes or no, not \"%s\"", value);
		break;
#endif
	case KEY_METRICS_LISTEN:
		into->metrics_listen = keep(reading, value);
		break;
	default:
		into->limits.of[key - KEY_LIMITS] =
		    number(reading, name, value, http_limit_table[key - KEY_LIMITS].least,
		        http_limit_table[key - KEY_LIMITS].most);
	}
}

static void
unknown_key(struct reading *reading, const char *name)
{
	const char *names[KEY_COUNT], *near;

	for (unsigned key = 0; key < KEY_COUNT; key++)
		names[key] = key_name(key);
	near = nearest_word(name, names, KEY_COUNT);
	if (near != NULL)
		problem(reading, reading->line, "there is no key \"%s\"; did you mean \"%s\"?",
		    name, near);
	else
		problem(reading, reading->line,
		    "there is no key \"%s\"; domiciled.conf(5) lists them", name);
}

static void
set_entry(
    void *context, unsigned line, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;

	reading->line = (int)line;
	if (section[0] != '\0') {
		problem(reading, reading->line,
		    "\"%s\" stands in a section [%s]; this file has none. Remove the line with "
		    "the brackets",
		    name, section);
		return;
	}
	for (unsigned key = 0; key < KEY_COUNT; key++) {
		if (strcmp(name, key_name(key)) != 0)
			continue;
		if (value[0] == '\0')
			problem(reading, reading->line, "%s has no value", name);
		else if (reading->set_at[key] != 0 && key != KEY_LISTEN &&
		         key != KEY_PUBLIC_HOSTS && key != KEY_TRUSTED && key != KEY_RETENTION)
			problem(reading, reading->line, "%s is set already in line %d", name,
			    reading->set_at[key]);
		else
			set(reading, key, value);
		reading->set_at[key] = reading->line;
		return;
	}
	unknown_key(reading, name);
}

static void
check_metrics(struct reading *reading)
{
	const char *address = reading->into->metrics_listen;
	struct http_listener listener;
	char message[MESSAGE_SIZE];

	if (address == NULL)
		return;
	if (http_listener_wants_tls(address))
		problem(reading, reading->set_at[KEY_METRICS_LISTEN],
		    "metrics_listen is plain HTTP for this machine alone: remove \"tls\"");
	else if (http_listener_open(address, true, &listener, message, sizeof(message)) !=
	         DOM_OK)
		problem(reading, reading->set_at[KEY_METRICS_LISTEN], "%s", message);
}

/* What lies in the data folder unless it was put elsewhere. */
static void
set_files(struct reading *reading)
{
	struct configuration *into = reading->into;
	const char *in_data;

	if (into->data == NULL)
		return;
	in_data = dom_arena_print(reading->arena, "%s/region.key", into->data);
	if (into->region_key_file == NULL)
		into->region_key_file = in_data;
	if (into->erasure_journal == NULL)
		into->erasure_journal =
		    dom_arena_print(reading->arena, "%s/erasures.journal", into->data);
	if (in_data == NULL || into->erasure_journal == NULL)
		problem(reading, 0, "no memory");
	else
		into->has_own_key_file = strcmp(into->region_key_file, in_data) != 0;
}

/* What no line alone can say. */
static void
check_whole(struct reading *reading)
{
	struct configuration *into = reading->into;
	bool wants_tls = false;

	if (reading->set_at[KEY_REGION] == 0)
		problem(reading, 0,
		    "\"region\" is missing: the name of this region, such as \"region = "
		    "home\"");
	if (reading->set_at[KEY_DATA] == 0)
		problem(reading, 0,
		    "\"data\" is missing: the folder for all data, such as "
		    "\"data = /var/lib/domicile\"");
	set_files(reading);
	if (reading->set_at[KEY_LISTEN] == 0)
		into->listen[into->listen_count++] = "127.0.0.1:8037";
	for (size_t i = 0; i < into->listen_count; i++) {
		struct http_listener listener;
		char message[MESSAGE_SIZE];

		wants_tls = wants_tls || http_listener_wants_tls(into->listen[i]);
		if (http_listener_open(
		        into->listen[i], true, &listener, message, sizeof(message)) != DOM_OK)
			problem(reading, reading->listen_line[i], "%s", message);
#ifdef DOM_TEST_API
		/* Plain HTTP is for loopback addresses alone; a socket may have a proxy. */
		if (into->test_api && (http_listener_wants_tls(into->listen[i]) ||
		                          strncmp(into->listen[i], "unix:", 5) == 0))
			problem(reading, reading->listen_line[i],
			    "with test_api, which lets anyone reset accounts, domiciled only "
			    "listens on loopback addresses without TLS, such as "
			    "127.0.0.1:8037");
#endif
	}
	check_metrics(reading);
	if (wants_tls && (into->tls_certificate == NULL || into->tls_key == NULL))
		problem(reading, reading->set_at[KEY_LISTEN],
		    "listen asks for TLS, so tls_certificate and tls_key must be set");
	if (into->group == NULL && (into->peer_ca != NULL || reading->set_at[KEY_MOVES] != 0))
		problem(reading,
		    reading->set_at[into->peer_ca != NULL ? KEY_PEER_CA : KEY_MOVES],
		    "peer_ca and moves are for a region in a group: set \"group\", too");
	if ((into->tls_certificate == NULL) != (into->tls_key == NULL))
		problem(reading, 0, "tls_certificate and tls_key belong together");
	if (into->limits.of[HTTP_LIMIT_BODY_MEMORY_BYTES] <
	    into->limits.of[HTTP_LIMIT_BODY_BYTES])
		problem(reading, reading->set_at[KEY_LIMITS + HTTP_LIMIT_BODY_MEMORY_BYTES],
		    "limit_body_memory_bytes must be at least limit_body_bytes (%lld), or no "
		    "large request could ever be served",
		    (long long)into->limits.of[HTTP_LIMIT_BODY_BYTES]);
}

enum dom_status
configuration_read(
    const char *path, struct dom_arena *arena, struct configuration *configuration_r)
{
	struct reading reading = {.report = {.program = "domiciled", .path = path},
	    .arena = arena,
	    .into = configuration_r};
	const struct ini_file file = {.report = &reading.report,
	    .wrong_line = "this line is not \"key = value\"",
	    .long_line = "Lists may be written as several lines with the same key",
	    .entry = set_entry,
	    .context = &reading};
	enum dom_status st;

	*configuration_r = (struct configuration){.path_prefix = "",
	    .signup = SERVICE_SIGNUP_CLOSED,
	    .session_days = SESSION_DAYS_STANDARD,
	    .moves = MOVES_STANDARD,
	    .log = "stderr",
	    .trusted = http_networks_standard(),
	    .limits = http_limits_standard()};
	if ((st = ini_file_read(&file)) == DOM_EFILE) {
		problem(&reading, 0,
		    "the configuration cannot be read: %s. Name another file with -c",
		    strerror(errno));
		return st;
	}
	if (st == DOM_OK)
		check_whole(&reading);
	return ini_report_end(&reading.report);
}
