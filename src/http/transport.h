/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_TRANSPORT_H
#define HTTP_TRANSPORT_H

#include <openssl/ssl.h>
#include <sys/types.h>

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * A non-blocking connection's bytes, plain or under TLS 1.2 and 1.3.
 */
struct http_tls; /* certificate and settings, shared by all connections */

/* message_r: a sentence for an operator. */
DOM_MUST_CHECK enum dom_status http_tls_open(const char *certificate_path, const char *key_path,
    struct http_tls **tls_r, char *message_r, size_t message_size);
/* Read both files again: new connections have them, others keep what they have. */
DOM_MUST_CHECK enum dom_status http_tls_reload(
    struct http_tls *tls, char *message_r, size_t message_size);
void http_tls_close(struct http_tls **tls);

struct http_transport {
	int fd;
	SSL *ssl; /* NULL: plain */
	/* What epoll should report before the next try. */
	uint32_t read_wants, write_wants;
};

enum {
	HTTP_TRANSPORT_AGAIN = -1,  /* see read_wants, write_wants */
	HTTP_TRANSPORT_BROKEN = -2, /* close it */
};

/* Takes fd on DOM_OK.  tls NULL: plain. */
DOM_MUST_CHECK enum dom_status http_transport_open(
    struct http_transport *transport, int fd, struct http_tls *tls);
/* Bytes read; 0: the peer has ended; or one of the above. */
ssize_t http_transport_read(struct http_transport *transport, void *data, size_t size);
/* Bytes written, at least 1 of a size above 0; or one of the above. */
ssize_t http_transport_write(struct http_transport *transport, struct dom_slice data);
/* True until the TLS handshake is over. */
bool http_transport_is_opening(const struct http_transport *transport);
/* True if the TLS handshake has settled on HTTP/2. */
bool http_transport_is_http2(const struct http_transport *transport);
/* Nothing more will be written; reading goes on. */
void http_transport_end(struct http_transport *transport);
void http_transport_close(struct http_transport *transport);

#endif
