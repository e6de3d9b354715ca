/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_RETENTION_H
#define WIRE_RETENTION_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"

/*
 * GET retention/: how long a region keeps what nobody needs any more, and
 * whether this account was told that it will be erased.
 *
 * {rules: [{what: str, service: str, kind: "at-most" | "at-least", keep: str,
 * notice: str?, reason: str?}], told: int?, end: int?}; keep and notice are
 * ISO 8601 durations; told and end milliseconds since 1970.  docs/retention.md.
 */
enum { WIRE_RETENTION_RULES_MAX = 128, WIRE_RETENTION_REASON_SIZE_MAX = 512 };

struct wire_retention_rule {
	struct dom_slice what, service, kind, keep;
	struct dom_slice notice, reason; /* NULL data: none */
};

struct wire_retention {
	struct wire_retention_rule *rules;
	size_t count;
	int64_t told_ms, end_ms; /* 0: this account was not told */
};

DOM_MUST_CHECK enum dom_status wire_retention_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_retention *retention_r);
void wire_retention_encode(struct dom_buffer *body, const struct wire_retention *retention);

#endif
