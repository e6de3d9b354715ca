/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "http/loop.h"

/*
 * Connections of a loop; its thread only.  Each serves one request after the
 * other: what a client sends ahead waits.
 */

/* Takes fd; it has been counted already. */
void http_connection_open(struct http_loop *loop, int fd, struct http_tls *tls);
/* Go on where a turn was cut short for the sake of others. */
void http_connections_again(struct http_loop *loop);
/* Close what is over its time. */
void http_connections_sweep(struct http_loop *loop);
/* Close what is idle; the others follow with their replies. */
void http_connections_stop(struct http_loop *loop);

#endif
