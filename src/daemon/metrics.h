/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "http/server.h"

/*
 * GET /metrics for Prometheus, on a loopback address of its own: what the
 * region does, and nothing about anybody.  One thread serves one client at a
 * time, and gives each a few seconds.
 */
struct metrics;

struct metrics_moves;
struct retention_desk;

struct metrics_options {
	const char *listen; /* as for http_server_open(), plain */
	struct http_server *server;
	struct store *store;
	const char *data; /* the folder */
	struct retention_desk *retention;
	bool has_group; /* it tells of moves */
};

/* message_r: for an operator. */
DOM_MUST_CHECK enum dom_status metrics_open(const struct metrics_options *options,
    struct metrics **metrics_r, char *message_r, size_t message_size);
/* Before the server and the store are closed. */
void metrics_close(struct metrics **metrics);

/* The page, in Prometheus' text format; metrics_page.c. */
void metrics_page(const struct metrics_options *options, struct metrics_moves *moves,
    struct dom_buffer *page);

/* The part about moves, for a region in a group; metrics_moves.c.  NULL: no memory. */
struct metrics_moves *metrics_moves_new(struct store *store);
void metrics_moves_free(struct metrics_moves **moves);
void metrics_moves_print(struct metrics_moves *moves, struct dom_buffer *page);

#endif
