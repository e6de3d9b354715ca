/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The services that this release knows; what they mean is in the region's catalogue. */
#include "cli/services.h"

#include <string.h>

const struct service services[SERVICE_COUNT] = {
    [SERVICE_CONTACTS] = {"contacts", "etebase.vcard", "contact", "contacts"},
    [SERVICE_CALENDAR] = {"calendar", "etebase.vevent", "event", "events"},
    [SERVICE_TASKS] = {"tasks", "etebase.vtodo", "task", "tasks"},
    [SERVICE_NOTES] = {"notes", "etebase.md.note", "note", "notes"},
    [SERVICE_MESSAGES] = {"messages", "domicile.message", "message", "messages"},
    [SERVICE_CALLS] = {"calls", "domicile.call", "call", "calls"},
    [SERVICE_PHOTOS] = {"photos", "domicile.photo", "photo", "photos"},
    [SERVICE_FILES] = {"files", "domicile.file", "file", "files"},
    [SERVICE_ANY] = {"any", NULL, "item", "items"},
};

const char *const service_names[SERVICE_COUNT + 1] = {"contacts", "calendar", "tasks", "notes",
    "messages", "calls", "photos", "files", "any", NULL};

enum service_id
service_find(const char *name)
{
	unsigned at = 0;

	while (at < SERVICE_COUNT && strcmp(services[at].name, name) != 0)
		at++;
	return (enum service_id)at;
}

enum service_id
service_of_type(const char *type)
{
	unsigned at = 0;

	while (at < SERVICE_ANY && strcmp(services[at].type, type) != 0)
		at++;
	return at < SERVICE_ANY ? (enum service_id)at : SERVICE_COUNT;
}

enum service_id
service_of_kind(enum format_kind kind)
{
	switch (kind) {
	case FORMAT_CONTACT:
		return SERVICE_CONTACTS;
	case FORMAT_EVENT:
		return SERVICE_CALENDAR;
	case FORMAT_TASK:
		return SERVICE_TASKS;
	case FORMAT_MESSAGE:
		return SERVICE_MESSAGES;
	case FORMAT_CALL:
		return SERVICE_CALLS;
	case FORMAT_KIND_COUNT:
		break;
	}
	return SERVICE_COUNT;
}

enum cli_exit
services_named(struct cli *cli, enum service_id ids_r[SERVICES_NAMED_MAX])
{
	for (size_t at = 0; at < cli->options.word_count; at++) {
		const char *near;

		ids_r[at] = service_find(cli->options.words[at]);
		if (ids_r[at] != SERVICE_COUNT)
			continue;
		near = options_suggest(cli->options.words[at], service_names);
		return cli_usage(cli,
		    "there is no service %.40s%s%s%s; there are: contacts calendar tasks notes "
		    "messages calls photos files, and any",
		    cli->options.words[at], near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
	}
	return CLI_DONE;
}
