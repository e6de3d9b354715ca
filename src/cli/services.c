/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The catalogue of services: what a person is told before they turn one on. */
#include "cli/services.h"

#include <string.h>

#define READABLE                                                                               \
	"only you: it is encrypted on your device, and the key never leaves your devices. "    \
	"The "                                                                                 \
	"region sees how much there is and when it changes, never what it says"
#define RETENTION                                                                              \
	"until you erase it. Turning the service off stops new data at once; what is stored "  \
	"stays encrypted in the region"

const struct service services[SERVICE_COUNT] = {
    [SERVICE_CONTACTS] = {"contacts", "etebase.vcard", "contact", "contacts",
        "your address book",
        "Keep a copy of your contacts in the region you chose and bring it to your other "
        "devices.",
        "each contact with everything in it: names, numbers, addresses, notes, its picture",
        READABLE, RETENTION},
    [SERVICE_CALENDAR] = {"calendar", "etebase.vevent", "event", "events", "your calendar",
        "Keep a copy of your calendar in the region you chose and bring it to your other "
        "devices.",
        "each event with its times, places, guests, reminders and notes", READABLE, RETENTION},
    [SERVICE_TASKS] = {"tasks", "etebase.vtodo", "task", "tasks", "your tasks",
        "Keep a copy of your tasks in the region you chose and bring it to your other devices.",
        "each task with its dates, notes and state", READABLE, RETENTION},
    [SERVICE_NOTES] = {"notes", "etebase.md.note", "note", "notes", "your notes",
        "Keep a copy of your notes in the region you chose and bring it to your other devices.",
        "each note with its title and text", READABLE, RETENTION},
    [SERVICE_MESSAGES] = {"messages", "domicile.message", "message", "messages",
        "your SMS and MMS messages",
        "Keep a copy of your text and picture messages in the region you chose, so that you "
        "can "
        "restore them.",
        "each message with its text, pictures, time and the number it came from or went to",
        READABLE, RETENTION},
    [SERVICE_CALLS] = {"calls", "domicile.call", "call", "calls", "your call log",
        "Keep a copy of your call log in the region you chose, so that you can restore it.",
        "each call with its number, time, length and direction", READABLE, RETENTION},
    [SERVICE_PHOTOS] = {"photos", "domicile.photo", "photo", "photos", "your photos and videos",
        "Keep a copy of your photos and videos in the region you chose, so that you can "
        "restore "
        "them.",
        "each file with its name and all its bytes, also the place and camera noted in it",
        READABLE, RETENTION},
    [SERVICE_FILES] = {"files", "domicile.file", "file", "files", "other files",
        "Keep a copy of the files that you name in the region you chose, so that you can "
        "restore "
        "them.",
        "each file with its name and all its bytes", READABLE, RETENTION},
    [SERVICE_ANY] = {"any", NULL, "item", "items",
        "whatever any app stores, also kinds that domicile does not know",
        "Let every app that you log in to store what it likes in the region you chose.",
        "anything: this turns on all services at once, and those that do not exist yet",
        READABLE, RETENTION},
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
