/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "http/message.h"
#include "services/service.h"

/*
 * The one place where an outcome becomes a status, a code and a body.
 * Source: etebase-protocol 3.1 and 3.2.
 */

/* Takes the body out of reply; leaves what is not about it in response alone. */
void reply_from_service(
    enum service_op op, struct service_reply *reply, struct http_response *response);

/* detail: a sentence, or NULL for the standing one. */
void reply_from_fault(
    enum http_fault fault, const char *detail, struct http_response *response);

/* Plain text, for what is between browsers and us. */
void reply_with_text(int status, const char *text, struct http_response *response);

/* For tests: the row of a code; false if it has none. */
bool reply_row(enum service_code code, int *status_r, const char **code_text_r);

#endif
