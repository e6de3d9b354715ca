/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Connections of the load client to a port of this machine, with TLS or without. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { READ_AHEAD_SIZE = 64 << 10 };

void
load_die(const char *format, ...)
{
	va_list args;

	fputs("load: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void
load_raise_descriptors(unsigned wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		load_die("getrlimit: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_cur < wanted || setrlimit(RLIMIT_NOFILE, &limit) != 0)
		load_die("%u open files are wanted: ulimit -n", wanted);
}

void
load_server_open(
    struct load_server *server, const char *url, const char *protocol, const char *ca_file)
{
	bool has_tls = strncmp(url, "https://", 8) == 0;

	*server = (struct load_server){.protocol = load_protocol_named(protocol)};
	if (server->protocol == NULL)
		load_die("there is no protocol \"%s\"", protocol);
	if (sscanf(url, has_tls ? "https://127.0.0.1:%d" : "http://127.0.0.1:%d",
	        &server->port) != 1)
		load_die("%s is not a port of 127.0.0.1", url);
	snprintf(server->host, sizeof(server->host), "127.0.0.1:%d", server->port);
	if (!has_tls)
		return;
	server->tls = SSL_CTX_new(TLS_client_method());
	if (server->tls == NULL || ca_file == NULL ||
	    SSL_CTX_load_verify_locations(server->tls, ca_file, NULL) != 1 ||
	    SSL_CTX_set_min_proto_version(server->tls, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_alpn_protos(server->tls, (const unsigned char *)server->protocol->alpn,
	        (unsigned)strlen(server->protocol->alpn)) != 0)
		load_die("TLS cannot be set up with the certificate of %s", url);
	SSL_CTX_set_verify(server->tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(
	    server->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Several records with one read(). */
	SSL_CTX_set_read_ahead(server->tls, 1);
	SSL_CTX_set_default_read_buffer_len(server->tls, READ_AHEAD_SIZE);
}

void
load_server_close(struct load_server *server)
{
	SSL_CTX_free(server->tls);
	server->tls = NULL;
}

void
load_socket_open(struct load_socket *socket_r, const struct load_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)server->port),
	    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int on = 1;

	socket_r->ssl = NULL;
	socket_r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_r->fd < 0 ||
	    connect(socket_r->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		load_die("%s cannot be reached: %s", server->host, strerror(errno));
	setsockopt(socket_r->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (server->tls != NULL) {
		socket_r->ssl = SSL_new(server->tls);
		if (socket_r->ssl == NULL || SSL_set_fd(socket_r->ssl, socket_r->fd) != 1 ||
		    SSL_connect(socket_r->ssl) != 1)
			load_die("%s does not greet as it should", server->host);
	}
	if (fcntl(socket_r->fd, F_SETFL, O_NONBLOCK) != 0)
		load_die("fcntl: %s", strerror(errno));
}

void
load_socket_close(struct load_socket *socket)
{
	SSL_free(socket->ssl);
	socket->ssl = NULL;
	if (socket->fd >= 0)
		close(socket->fd);
	socket->fd = -1;
}

static enum dom_status
tls_outcome(const struct load_socket *socket, int result)
{
	int error = SSL_get_error(socket->ssl, result);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? DOM_ABSENT
	                                                                     : DOM_ENETWORK;
}

enum dom_status
load_socket_send(struct load_socket *socket, struct dom_slice bytes, size_t *sent_r)
{
	ssize_t sent;

	*sent_r = 0;
	if (socket->ssl != NULL) {
		int result = SSL_write_ex(socket->ssl, bytes.data, bytes.size, sent_r);

		return result == 1 ? DOM_OK : tls_outcome(socket, result);
	}
	sent = send(socket->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? DOM_ABSENT : DOM_ENETWORK;
	*sent_r = (size_t)sent;
	return DOM_OK;
}

enum dom_status
load_socket_receive(struct load_socket *socket, uint8_t *bytes, size_t room, size_t *size_r)
{
	ssize_t size;

	*size_r = 0;
	if (socket->ssl != NULL) {
		int result = SSL_read_ex(socket->ssl, bytes, room, size_r);

		return result == 1 ? DOM_OK : tls_outcome(socket, result);
	}
	size = recv(socket->fd, bytes, room, 0);
	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? DOM_ABSENT : DOM_ENETWORK;
	*size_r = (size_t)size;
	return size == 0 ? DOM_ENETWORK : DOM_OK;
}
