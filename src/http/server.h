/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/limit.h"
#include "http/metrics.h"
#include "http/peer.h"
#include "services/service.h"

/*
 * The HTTP side of a region: listening sockets, loops, pool.  One thread opens,
 * stops and closes it.
 */
struct http_server;

struct http_server_options {
	const struct service *service;
	struct store *store;
	struct http_limits limits;
	struct http_networks trusted; /* whose addresses are not counted */
	const char *prefix;           /* of every path, "" or "/sync" */
	unsigned loops;               /* 0: one for each core */
	int log_fd;                   /* -1: no request log */
	const char *const *listen;    /* see http/listener.h */
	size_t listen_count;
	const char *tls_certificate, *tls_key; /* paths; NULL if no address has TLS */
	/* After a commit that left work behind; on the writer's thread.  NULL: none. */
	void (*keeper_wake)(void *keeper);
	void *keeper;
	/* The same, for whoever moves accounts.  What is held is run again by itself. */
	void (*mover_wake)(void *mover);
	void *mover;
};

/* Listens already: clients that come now wait.  message_r: for an operator. */
DOM_MUST_CHECK enum dom_status http_server_open(const struct http_server_options *options,
    struct http_server **server_r, char *message_r, size_t message_size);
DOM_MUST_CHECK enum dom_status http_server_start(struct http_server *server);
/* Where it listens, borrowed; NULL beyond the last. */
const char *http_server_url(const struct http_server *server, size_t index);

/*
 * Any thread.  What failed for another reason than its request since the last
 * call, such as DOM_EFULL; DOM_OK: nothing.
 */
enum dom_status http_server_failure(struct http_server *server);
/* Any thread. */
void http_server_figures(struct http_server *server, struct http_figures *figures_r);
/* Any thread, until it is closed.  Tell the devices that wait of what others did. */
void http_server_announce(struct http_server *server, const struct service_changes *changes);
/*
 * Any thread, until it is closed.  After a commit that may change the answers
 * to requests that are held (service_reply.hold_ms): they are run again.
 */
void http_server_retry_held(struct http_server *server);
/* Any thread.  From now on whatever would write gets a 503. */
void http_server_refuse_writes(struct http_server *server);

/*
 * Certificate and key are read again; nobody is dropped.  DOM_ABSENT: it has no
 * TLS.  On a failure it goes on with what it has.
 */
DOM_MUST_CHECK enum dom_status http_server_reload_tls(
    struct http_server *server, char *message_r, size_t message_size);

/* No new connections; requests on their way get their replies. */
void http_server_stop(struct http_server *server);
/* Wait for the end after http_server_stop(): true when all is quiet. */
bool http_server_wait(struct http_server *server, int64_t wait_ms);
/* Waits for the end.  Before store_close(). */
void http_server_close(struct http_server **server);

#endif
