/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include <domicile/status.h>

/*
 * A listening socket from its text:
 *
 *   127.0.0.1:8037        plain HTTP, loopback addresses only
 *   [::]:8443 tls         HTTPS on every address, IPv4 too
 *   cloud.example:443 tls
 *   unix:/run/x.sock      plain HTTP for a proxy on the same machine
 *
 * Plain HTTP that others could listen in on is refused.
 */
enum { HTTP_LISTENER_URL_SIZE = 160 };

struct http_listener {
	int fd;
	bool is_tls;
	char url[HTTP_LISTENER_URL_SIZE]; /* "https://[::]:8443", "unix:/run/x.sock" */
	char path[108];                   /* of a Unix socket, to be removed; else empty */
};

/*
 * Check the text and, unless is_check_only, bind and listen.  message_r: what
 * is wrong, what it means, and what to do.
 */
DOM_MUST_CHECK enum dom_status http_listener_open(const char *text, bool is_check_only,
    struct http_listener *listener_r, char *message_r, size_t message_size);
void http_listener_close(struct http_listener *listener);

/* For configuration: does this text ask for TLS? */
bool http_listener_wants_tls(const char *text);

#endif
