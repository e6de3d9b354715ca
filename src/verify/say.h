/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef VERIFY_SAY_H
#define VERIFY_SAY_H

#include "verify/verify.h"

/* How sentences are put together. */

/* Text of somebody else's: what could steer a terminal is shown as "?". */
void say_text(FILE *out, struct dom_slice text);
void say_time(FILE *out, int64_t ms);
void say_hex(FILE *out, const uint8_t *bytes, size_t size);
/* "1 item", "2 items" */
void say_count(FILE *out, uint64_t count, const char *what);

/* "1 collection, 2 items, ..." */
void say_sum(FILE *out, const struct wire_erased *sum);

/* What a certificate proves of a move, and what it does not. */
void say_certificate(FILE *out, const struct wire_certificate_view *view);

#endif
