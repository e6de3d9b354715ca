/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_PEER_H
#define DAEMON_PEER_H

#include "wire/group.h"

#include "services/move/mover.h"

/*
 * How a mover asks other regions: POST over HTTPS (HTTP on loopback) to the
 * addresses that the group says, one after the other until one answers; the
 * one that answered is asked first from then on.  Connections stay open,
 * redirects are not followed.
 */

/* What the operator was told of which region; for all threads together. */
struct peer_news;
/* group: outlives it.  NULL: no memory. */
struct peer_news *peer_news_new(const struct wire_group *group);
void peer_news_free(struct peer_news **news);

struct peer_options {
	const struct wire_group *group; /* outlives it; asks point into it */
	const char *ca_file;            /* PEM, besides the system's; NULL: none */
	struct peer_news *news;
	/* Asked ten times a second: true, give up. */
	bool (*stopped)(void *context);
	void *context;
};

/* One thread. */
struct peer;
/* NULL: no memory. */
struct peer *peer_new(const struct peer_options *options);
void peer_free(struct peer **peer);
struct mover_peer peer_functions(struct peer *peer);

#endif
