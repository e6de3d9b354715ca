/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Listening sockets: text to address, address to socket. */
#include "http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	TEXT_SIZE_MAX = 256,
	BACKLOG = 1024,
};

/* The text's parts; in its own memory. */
struct parts {
	char text[TEXT_SIZE_MAX];
	const char *host; /* without brackets; NULL: path */
	const char *port;
	const char *path; /* of a Unix socket */
	bool is_tls;
};

static enum dom_status
split(const char *text, struct parts *parts_r, char *message_r, size_t message_size)
{
	char *at, *colon;

	*parts_r = (struct parts){0};
	if (strlen(text) >= sizeof(parts_r->text))
		goto wrong;
	strcpy(parts_r->text, text);
	if ((at = strpbrk(parts_r->text, " \t")) != NULL) {
		*at++ = '\0';
		at += strspn(at, " \t");
		if (strcmp(at, "tls") != 0)
			goto wrong;
		parts_r->is_tls = true;
	}
	at = parts_r->text;
	if (strncmp(at, "unix:", 5) == 0) {
		parts_r->path = at + 5;
		if (parts_r->path[0] != '/' || parts_r->is_tls)
			goto wrong;
		return DOM_OK;
	}
	if ((colon = strrchr(at, ':')) == NULL || colon == at || colon[1] == '\0')
		goto wrong;
	*colon = '\0';
	parts_r->port = colon + 1;
	if (strspn(parts_r->port, "0123456789") != strlen(parts_r->port) ||
	    strlen(parts_r->port) > 5 || atol(parts_r->port) > 65535)
		goto wrong;
	if (at[0] == '[') {
		if (colon[-1] != ']')
			goto wrong;
		colon[-1] = '\0';
		at++;
	} else if (strchr(at, ':') != NULL) {
		goto wrong;
	}
	parts_r->host = at;
	return DOM_OK;
wrong:
	snprintf(message_r, message_size,
	    "\"%s\" is not an address to listen on. Write 127.0.0.1:8037, [::]:8443 tls, or "
	    "unix:/run/domicile/http.sock",
	    text);
	return DOM_EINPUT;
}

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		return ntohl(in.sin_addr.s_addr) >> 24 == 127;
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) &&
		           in6.sin6_addr.s6_addr[12] == 127);
	}
	return false;
}

static enum dom_status
bind_failed(const char *text, int error, char *message_r, size_t message_size)
{
	const char *advice;

	switch (error) {
	case EADDRINUSE:
		advice =
		    "another program listens there, perhaps another domiciled. Stop it, or "
		    "choose another port with \"listen\"";
		break;
	case EACCES:
		advice = "this user may not. Choose a port above 1023, or give the service "
		         "CAP_NET_BIND_SERVICE";
		break;
	case EADDRNOTAVAIL:
		advice = "this machine does not have that address. Choose one that it has, or "
		         "[::] for all";
		break;
	default:
		advice = "see \"listen\" in domiciled.conf(5)";
	}
	snprintf(message_r, message_size, "cannot listen on %s: %s: %s", text, strerror(error),
	    advice);
	return DOM_ENETWORK;
}

static void
note_url(struct http_listener *listener, const char *host)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	unsigned port = 0;

	if (getsockname(listener->fd, (struct sockaddr *)&bound, &size) == 0) {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;

		memcpy(&in, &bound, sizeof(in));
		memcpy(&in6, &bound, sizeof(in6));
		port = ntohs(bound.ss_family == AF_INET6 ? in6.sin6_port : in.sin_port);
	}
	snprintf(listener->url, sizeof(listener->url),
	    strchr(host, ':') == NULL ? "%s://%.120s:%u" : "%s://[%.120s]:%u",
	    listener->is_tls ? "https" : "http", host, port);
}

static enum dom_status
open_inet(const char *text, const struct parts *parts, bool is_check_only,
    struct http_listener *listener, char *message_r, size_t message_size)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	const int on = 1, off = 0;
	struct addrinfo *found = NULL;
	int error = getaddrinfo(parts->host, parts->port, &hints, &found);

	if (error != 0) {
		snprintf(message_r, message_size, "cannot listen on %s: %s: %s", text,
		    parts->host, gai_strerror(error));
		return DOM_ENETWORK;
	}
	for (const struct addrinfo *at = found; at != NULL && !parts->is_tls;
	     at = at->ai_next) {
		if (is_loopback(at->ai_addr))
			continue;
		freeaddrinfo(found);
		snprintf(message_r, message_size,
		    "will not listen on %s without TLS: sessions could be read on the way. Add "
		    "\"tls\" to it and set tls_certificate and tls_key, or listen on 127.0.0.1 "
		    "or a Unix socket behind a proxy that has TLS",
		    text);
		return DOM_EINPUT;
	}
	if (is_check_only) {
		freeaddrinfo(found);
		return DOM_OK;
	}
	listener->fd = socket(
	    found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol);
	if (listener->fd >= 0) {
		setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (found->ai_family == AF_INET6)
			setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	}
	if (listener->fd < 0 || bind(listener->fd, found->ai_addr, found->ai_addrlen) != 0 ||
	    listen(listener->fd, BACKLOG) != 0) {
		error = errno;
		freeaddrinfo(found);
		http_listener_close(listener);
		return bind_failed(text, error, message_r, message_size);
	}
	freeaddrinfo(found);
	note_url(listener, parts->host);
	return DOM_OK;
}

/* A socket that nobody answers on is left over from a server that was killed. */
static void
remove_stale(const struct sockaddr_un *address)
{
	struct stat info;
	int fd;

	if (lstat(address->sun_path, &info) != 0 || !S_ISSOCK(info.st_mode))
		return;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

static enum dom_status
open_unix(const char *text, const char *path, bool is_check_only,
    struct http_listener *listener, char *message_r, size_t message_size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(message_r, message_size,
		    "cannot listen on %s: the path of a Unix socket has at most %zu characters",
		    text, sizeof(address.sun_path) - 1);
		return DOM_EINPUT;
	}
	if (is_check_only)
		return DOM_OK;
	strcpy(address.sun_path, path);
	remove_stale(&address);
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Whoever may use it is the group's business: 0660, never more. */
	if (listener->fd < 0 ||
	    bind(listener->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(path, 0660) != 0 || listen(listener->fd, BACKLOG) != 0) {
		error = errno;
		http_listener_close(listener);
		return bind_failed(text, error, message_r, message_size);
	}
	strcpy(listener->path, path);
	snprintf(listener->url, sizeof(listener->url), "unix:%s", path);
	return DOM_OK;
}

enum dom_status
http_listener_open(const char *text, bool is_check_only, struct http_listener *listener_r,
    char *message_r, size_t message_size)
{
	struct parts parts;
	enum dom_status st;

	*listener_r = (struct http_listener){.fd = -1};
	if ((st = split(text, &parts, message_r, message_size)) != DOM_OK)
		return st;
	listener_r->is_tls = parts.is_tls;
	if (parts.path != NULL)
		return open_unix(
		    text, parts.path, is_check_only, listener_r, message_r, message_size);
	return open_inet(text, &parts, is_check_only, listener_r, message_r, message_size);
}

void
http_listener_close(struct http_listener *listener)
{
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
	if (listener->path[0] != '\0')
		unlink(listener->path);
	listener->path[0] = '\0';
}

bool
http_listener_wants_tls(const char *text)
{
	size_t size = strlen(text);

	return size > 4 && strcmp(text + size - 3, "tls") == 0 &&
	       (text[size - 4] == ' ' || text[size - 4] == '\t');
}
