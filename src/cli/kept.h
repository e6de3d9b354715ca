/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_KEPT_H
#define CLI_KEPT_H

#include <stdio.h>

#include <domicile/retention.h>

#include "cli/json.h"

/* How long the region keeps what is not needed any more, for people to read. */
void kept_print(FILE *out, const struct dom_retention *kept);
/* Arrays and members of the object that is open. */
void kept_json(struct json *json, const struct dom_retention *kept);
/* What the region has told about this account's end, if it has told. */
void kept_notice(FILE *out, const struct dom_retention *kept);

#endif
