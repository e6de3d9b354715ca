/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "http/transport.h"

/* For transport.c: a new one, or NULL.  Any thread. */
SSL *http_tls_connection(struct http_tls *tls);

#endif
