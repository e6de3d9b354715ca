/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The server's side of TLS: 1.2 with forward secrecy and 1.3, tickets for
 * quick returns (phones come back often), HTTP/2 or HTTP/1.1 by ALPN.
 */
#include "http/tls.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_tls {
	char *certificate_path, *key_path;
	pthread_mutex_t lock; /* guards context */
	SSL_CTX *context;
};

static const unsigned char protocol_list[] = "\x02h2\x08http/1.1";

static int
select_protocol(SSL *ssl, const unsigned char **protocol_r, unsigned char *size_r,
    const unsigned char *offered, unsigned offered_size, void *context)
{
	unsigned char *selected;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&selected, size_r, protocol_list, sizeof(protocol_list) - 1,
	        offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*protocol_r = selected;
	return SSL_TLSEXT_ERR_OK;
}

static const char *
openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason == NULL ? "unknown reason" : reason;
}

/* A key with a password would make OpenSSL ask for it at the terminal. */
static int
refuse_password(char *password, int size, int is_writing, void *context)
{
	(void)password;
	(void)size;
	(void)is_writing;
	(void)context;
	return -1;
}

static bool
context_set_up(SSL_CTX *context)
{
	static const unsigned char session_context[] = "domicile";

	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(context,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	        SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
	SSL_CTX_set_default_passwd_cb(context, refuse_password);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(
	           context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL:!PSK:!SRP") == 1 &&
	       SSL_CTX_set_num_tickets(context, 1) == 1 &&
	       SSL_CTX_set_session_id_context(
	           context, session_context, sizeof(session_context) - 1) == 1;
}

static enum dom_status
context_open(const char *certificate_path, const char *key_path, SSL_CTX **context_r,
    char *message_r, size_t message_size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL || !context_set_up(context)) {
		snprintf(message_r, message_size, "TLS cannot be set up: %s", openssl_reason());
	} else if (SSL_CTX_use_certificate_chain_file(context, certificate_path) != 1) {
		snprintf(message_r, message_size,
		    "the certificate %s cannot be used: %s. It must be a PEM file that the "
		    "server may read, its own certificate first, then the intermediate ones",
		    certificate_path, openssl_reason());
	} else if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1 ||
	           SSL_CTX_check_private_key(context) != 1) {
		snprintf(message_r, message_size,
		    "the key %s cannot be used: %s. It must be a PEM file without a password "
		    "that the server may read, and belong to the certificate %s",
		    key_path, openssl_reason(), certificate_path);
	} else {
		*context_r = context;
		return DOM_OK;
	}
	ERR_clear_error();
	SSL_CTX_free(context);
	return DOM_EFILE;
}

enum dom_status
http_tls_open(const char *certificate_path, const char *key_path, struct http_tls **tls_r,
    char *message_r, size_t message_size)
{
	struct http_tls *tls = calloc(1, sizeof(*tls));
	enum dom_status st = DOM_ENOMEM;

	if (tls == NULL || (tls->certificate_path = strdup(certificate_path)) == NULL ||
	    (tls->key_path = strdup(key_path)) == NULL)
		snprintf(message_r, message_size, "TLS cannot be set up: no memory");
	else
		st = context_open(
		    certificate_path, key_path, &tls->context, message_r, message_size);
	if (st == DOM_OK && pthread_mutex_init(&tls->lock, NULL) == 0) {
		*tls_r = tls;
		return DOM_OK;
	}
	if (tls != NULL) {
		SSL_CTX_free(tls->context);
		free(tls->certificate_path);
		free(tls->key_path);
	}
	free(tls);
	return st == DOM_OK ? DOM_ENOMEM : st;
}

enum dom_status
http_tls_reload(struct http_tls *tls, char *message_r, size_t message_size)
{
	SSL_CTX *fresh, *old;
	enum dom_status st;

	if ((st = context_open(tls->certificate_path, tls->key_path, &fresh, message_r,
	         message_size)) != DOM_OK)
		return st;
	pthread_mutex_lock(&tls->lock);
	old = tls->context;
	tls->context = fresh;
	pthread_mutex_unlock(&tls->lock);
	SSL_CTX_free(old); /* lives on while a connection has it */
	return DOM_OK;
}

void
http_tls_close(struct http_tls **tls)
{
	struct http_tls *old = *tls;

	if (old == NULL)
		return;
	*tls = NULL;
	pthread_mutex_destroy(&old->lock);
	SSL_CTX_free(old->context);
	free(old->certificate_path);
	free(old->key_path);
	free(old);
}

SSL *
http_tls_connection(struct http_tls *tls)
{
	SSL *ssl;

	pthread_mutex_lock(&tls->lock);
	ssl = SSL_new(tls->context);
	pthread_mutex_unlock(&tls->lock);
	return ssl;
}
