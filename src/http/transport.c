/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sockets, with or without TLS. */
#include "http/transport.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/tls.h"

enum dom_status
http_transport_open(struct http_transport *transport, int fd, struct http_tls *tls)
{
	*transport =
	    (struct http_transport){.fd = fd, .read_wants = EPOLLIN, .write_wants = EPOLLOUT};
	if (tls == NULL)
		return DOM_OK;
	if ((transport->ssl = http_tls_connection(tls)) == NULL ||
	    SSL_set_fd(transport->ssl, fd) != 1) {
		SSL_free(transport->ssl);
		ERR_clear_error();
		return DOM_ENOMEM;
	}
	SSL_set_accept_state(transport->ssl);
	return DOM_OK;
}

/* What an SSL_read() or SSL_write() that took nothing means. */
static ssize_t
ssl_outcome(const struct http_transport *transport, int result, uint32_t *wants)
{
	int error = SSL_get_error(transport->ssl, result);

	ERR_clear_error();
	switch (error) {
	case SSL_ERROR_WANT_READ:
		*wants = EPOLLIN;
		return HTTP_TRANSPORT_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*wants = EPOLLOUT;
		return HTTP_TRANSPORT_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return HTTP_TRANSPORT_BROKEN;
	}
}

static ssize_t
socket_outcome(ssize_t result)
{
	if (result >= 0)
		return result;
	return errno == EAGAIN || errno == EWOULDBLOCK ? HTTP_TRANSPORT_AGAIN
	                                               : HTTP_TRANSPORT_BROKEN;
}

ssize_t
http_transport_read(struct http_transport *transport, void *data, size_t size)
{
	ssize_t result;

	if (transport->ssl != NULL) {
		int taken;

		ERR_clear_error();
		taken = SSL_read(transport->ssl, data, size > INT_MAX ? INT_MAX : (int)size);
		return taken > 0 ? taken
		                 : ssl_outcome(transport, taken, &transport->read_wants);
	}
	do
		result = recv(transport->fd, data, size, 0);
	while (result < 0 && errno == EINTR);
	return socket_outcome(result);
}

ssize_t
http_transport_write(struct http_transport *transport, struct dom_slice data)
{
	ssize_t result;

	if (transport->ssl != NULL) {
		int size = data.size > INT_MAX ? INT_MAX : (int)data.size, written;

		ERR_clear_error();
		written = SSL_write(transport->ssl, data.data, size);
		if (written > 0)
			return written;
		result = ssl_outcome(transport, written, &transport->write_wants);
		return result == 0 ? HTTP_TRANSPORT_BROKEN : result;
	}
	do
		result = send(transport->fd, data.data, data.size, MSG_NOSIGNAL);
	while (result < 0 && errno == EINTR);
	return socket_outcome(result);
}

bool
http_transport_is_opening(const struct http_transport *transport)
{
	return transport->ssl != NULL && !SSL_is_init_finished(transport->ssl);
}

bool
http_transport_is_http2(const struct http_transport *transport)
{
	const unsigned char *protocol = NULL;
	unsigned size = 0;

	if (transport->ssl == NULL)
		return false;
	SSL_get0_alpn_selected(transport->ssl, &protocol, &size);
	return dom_slice_is(dom_slice(protocol, size), "h2");
}

void
http_transport_end(struct http_transport *transport)
{
	if (transport->ssl != NULL && SSL_is_init_finished(transport->ssl)) {
		ERR_clear_error();
		(void)SSL_shutdown(transport->ssl);
		ERR_clear_error();
	}
	shutdown(transport->fd, SHUT_WR);
}

void
http_transport_close(struct http_transport *transport)
{
	if (transport->ssl != NULL)
		SSL_free(transport->ssl);
	transport->ssl = NULL;
	if (transport->fd >= 0)
		close(transport->fd);
	transport->fd = -1;
}
