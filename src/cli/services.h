/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_SERVICES_H
#define CLI_SERVICES_H

#include <stdint.h>

#include "cli/cli.h"
#include "formats/records.h"

/*
 * The services that this release can read and write.  What each is for, and
 * what a person agrees to, is in the region's catalogue (entry.h).
 */
enum service_id {
	SERVICE_CONTACTS,
	SERVICE_CALENDAR,
	SERVICE_TASKS,
	SERVICE_NOTES,
	SERVICE_MESSAGES,
	SERVICE_CALLS,
	SERVICE_PHOTOS,
	SERVICE_FILES,
	SERVICE_ANY, /* for apps with collection types of their own */
	SERVICE_COUNT,
};

struct service {
	const char *name;       /* also the name of its collection */
	const char *type;       /* Etebase collection type; NULL: any */
	const char *one, *many; /* what its items are called */
};

extern const struct service services[SERVICE_COUNT];
/* Their names, for suggestions; ends with NULL. */
extern const char *const service_names[SERVICE_COUNT + 1];

/* SERVICE_COUNT if there is none. */
enum service_id service_find(const char *name);
enum service_id service_of_type(const char *type);
enum service_id service_of_kind(enum format_kind kind);

/* The command's words as services, one each; an unknown one is a usage error. */
enum { SERVICES_NAMED_MAX = 64 };
enum cli_exit services_named(struct cli *cli, enum service_id ids_r[SERVICES_NAMED_MAX]);

#endif
