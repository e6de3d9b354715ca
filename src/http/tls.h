/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "http/transport.h"

/* For transport.c: borrowed. */
SSL_CTX *http_tls_context(struct http_tls *tls);

#endif
