/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include <stdio.h>

#include "wire/certificate.h"
#include "wire/evidence.h"

/*
 * domicile-verify: checks evidence (*.domicile-receipt) and certificates of moves
 * (*.domicile-certificate) without a network, and says what each one proves and what it does
 * not.
 */

/* What was found out about one file. */
struct verify_finding {
	const char *file;
	const char *why;                /* a sentence; NULL: it is valid */
	struct wire_evidence_view view; /* only of valid evidence */
	bool is_certificate;
	struct wire_certificate_view certificate; /* only of a valid one */
};

/*
 * At most size_max bytes of a file, or of standard input for "-".
 * false: why_r says why not.
 */
bool verify_read(
    const char *file, size_t size_max, struct dom_buffer *bytes_r, const char **why_r);
/* A public key: 64 hex digits, or the name of a file that holds them. */
bool verify_key(const char *text, uint8_t key_r[32], const char **why_r);

/* For a person. */
void verify_say(FILE *out, const struct verify_finding *finding);
/* For programs: one document, {"files": [...]}. */
DOM_MUST_CHECK enum dom_status verify_json(
    FILE *out, const struct verify_finding *findings, size_t count);

#endif
