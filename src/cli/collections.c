/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The account's collections by service, and which of them a command is for. */
#include "cli/collections.h"

#include <stdlib.h>
#include <string.h>

static enum dom_status
collections_add(void *context, const struct dom_collection_info *info)
{
	struct known_collections *all = context;
	struct known_collection *list = realloc(all->list, (all->count + 1) * sizeof(*list));

	if (list == NULL)
		return DOM_ENOMEM;
	all->list = list;
	list[all->count] = (struct known_collection){
	    .uid = strdup(info->uid),
	    .type = strdup(info->type),
	    .name = strdup(info->name),
	    .access_level = info->access_level,
	    .service = service_of_type(info->type),
	    .items = info->items,
	    .bytes = info->bytes,
	};
	list = &list[all->count++];
	return list->uid == NULL || list->type == NULL || list->name == NULL ? DOM_ENOMEM
	                                                                     : DOM_OK;
}

static int
by_service(const void *a, const void *b)
{
	const struct known_collection *one = a, *other = b;

	if (one->service != other->service)
		return one->service < other->service ? -1 : 1;
	return strcmp(one->uid, other->uid);
}

enum dom_status
collections_list(struct dom_session *session, struct known_collections *all_r)
{
	enum dom_status st;

	*all_r = (struct known_collections){0};
	st = dom_collections_each(session, collections_add, all_r);
	if (st == DOM_OK && all_r->count > 0)
		qsort(all_r->list, all_r->count, sizeof(*all_r->list), by_service);
	return st;
}

void
collections_free(struct known_collections *all)
{
	for (size_t at = 0; at < all->count; at++) {
		free(all->list[at].uid);
		free(all->list[at].type);
		free(all->list[at].name);
	}
	free(all->list);
	*all = (struct known_collections){0};
}

enum cli_exit
collections_wanted(struct cli *cli, bool wanted_r[SERVICE_COUNT + 1])
{
	bool all = !options_has(&cli->options, "service");

	for (size_t at = 0; at <= SERVICE_COUNT; at++)
		wanted_r[at] = all;
	for (size_t at = 0; at < cli->options.given_count; at++) {
		const char *name = cli->options.given[at].value, *near;
		enum service_id service;

		if (strcmp(cli->options.given[at].name, "service") != 0)
			continue;
		service = service_find(name);
		if (service < SERVICE_ANY) {
			wanted_r[service] = true;
			continue;
		}
		near = options_suggest(name, service_names);
		return cli_usage(cli, "there is no service %.40s%s%s%s", name,
		    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
		    near == NULL ? "" : "?");
	}
	return CLI_DONE;
}
