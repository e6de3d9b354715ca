/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_CONSENTS_H
#define CLI_CONSENTS_H

#include <domicile/consent.h>

#include "cli/cli.h"

/*
 * The history of consents as files that other programs read; one file for
 * each statement in a folder.
 */
enum consents_format {
	CONSENTS_NATIVE,   /* *.domicile-receipt, for domicile-verify, and region.pub */
	CONSENTS_KANTARA,  /* Kantara Consent Receipt 1.1, JSON */
	CONSENTS_ISO27560, /* ISO/IEC TS 27560:2023, JSON */
	CONSENTS_FORMAT_COUNT,
};

/* The words of --format, ends with NULL. */
extern const char *const consents_formats[CONSENTS_FORMAT_COUNT + 1];

/* What stands in every record. */
struct consents_context {
	const char *account, *region, *server;
	const uint8_t *region_public;          /* 32 bytes */
	const struct dom_catalogue *catalogue; /* what the terms of today are */
	int64_t withdrawn_ms; /* of the statement at hand, when it was withdrawn; 0: not */
};

/* Write the records of a format other than native; errno on failure. */
bool consents_write(FILE *out, enum consents_format format,
    const struct consents_context *context, const struct dom_statement *statement);

/* May the name of a region, as somebody wrote it, be part of a file's name? */
bool consents_region_is_file(const char *region);

/* `domicile consents export`, once the account is open. */
enum cli_exit consents_export(struct cli *cli);

#endif
