/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_COLLECTIONS_H
#define CLI_COLLECTIONS_H

#include <domicile/collection.h>

#include "cli/cli.h"
#include "cli/services.h"

/* The account's collections, its own and those of other apps, by service. */
struct known_collection {
	char *uid, *type, *name;
	int access_level;        /* enum dom_access */
	enum service_id service; /* SERVICE_COUNT: a type that we do not know */
	uint64_t items, bytes;
};
struct known_collections {
	struct known_collection *list;
	size_t count;
};

/* As this device knows them; sorted by service, so records come before photos. */
DOM_MUST_CHECK enum dom_status collections_list(
    struct dom_session *session, struct known_collections *all_r);
void collections_free(struct known_collections *all);

/* The services that --service names, all without it; [SERVICE_COUNT]: unknown types. */
enum cli_exit collections_wanted(struct cli *cli, bool wanted_r[SERVICE_COUNT + 1]);

#endif
