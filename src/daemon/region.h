/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_REGION_H
#define DAEMON_REGION_H

#include <sys/stat.h>

#include "base/arena.h"

#include "daemon/configuration.h"
#include "daemon/control.h"
#include "daemon/group_file.h"
#include "daemon/journal.h"
#include "daemon/keeper.h"
#include "daemon/metrics.h"
#include "daemon/mover.h"
#include "daemon/retention.h"
#include "http/server.h"

/* What is open while it serves. */
struct region {
	struct configuration configuration;
	struct dom_region_key *key;
	struct wire_catalogue *catalogue;
	struct dom_arena *arena;  /* configuration and group */
	struct group_file *group; /* NULL: in none */
	struct retention_desk *retention;
	struct store *store;
	struct service service;
	struct http_server *server;
	struct journal_file *journal;
	struct keeper_thread *keeper;
	struct mover_threads *movers; /* NULL: in no group */
	struct move_guard *guard;
	struct control *control;
	struct metrics *metrics; /* NULL: off */
	int log_fd;

	struct stat store_file;   /* as it was opened */
	bool is_gone, has_failed; /* and the operator was told */
	enum dom_status failure;  /* that the operator was told last */
	unsigned failure_looks;   /* since then */
};

/*
 * Opens all that the configuration says; it listens, and nobody is served yet.
 * Whatever comes of it, region_close() follows.
 */
DOM_MUST_CHECK enum dom_status region_open(
    struct region *region, char *message_r, size_t message_size);
void region_close(struct region *region);

/*
 * The group, which may be looked at before there is anything else.  with_key:
 * there is a key, which it must say is ours, and it is pinned.
 */
DOM_MUST_CHECK enum dom_status region_open_group(
    struct region *region, bool with_key, char *message_r, size_t message_size);
/* False: the store has no such file any more. */
bool region_look_at_store_file(const struct region *region, struct stat *info_r);

#endif
