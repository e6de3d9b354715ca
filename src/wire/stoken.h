/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_STOKEN_H
#define WIRE_STOKEN_H

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * Sync tokens: a vector of (owner id, clock), as text.  Source: docs/architecture.md,
 * "Sync tokens"; etebase-protocol chapter 5.
 *
 * Bytes before Base64: 1 version (1), then for each entry by ascending owner
 * id: 16 owner id, 8 clock (big-endian); last 4 bytes of check (BLAKE2b or
 * SHA-256 of what is before).  The check finds damage and tokens of other
 * servers; it is no secret: a made-up token shows its maker nothing that they
 * may not read.
 */
enum {
	WIRE_OWNER_ID_SIZE = 16,
	WIRE_STOKEN_OWNERS_MAX = 256,
};

struct wire_stoken_entry {
	uint8_t owner_id[WIRE_OWNER_ID_SIZE];
	uint64_t clock;
};

struct wire_stoken {
	size_t count;
	struct wire_stoken_entry entries[WIRE_STOKEN_OWNERS_MAX]; /* by ascending owner id */
};

/* Text characters for count entries, without the terminator. */
#define WIRE_STOKEN_SIZE(count) ((((1 + (count)*24 + 4)) * 4 + 2) / 3)

/* DOM_EINPUT: not one of our tokens. */
DOM_MUST_CHECK enum dom_status wire_stoken_decode(
    struct dom_slice text, struct wire_stoken *stoken_r);
/* text_r: WIRE_STOKEN_SIZE(stoken->count) + 1 bytes. */
DOM_MUST_CHECK enum dom_status wire_stoken_encode(
    const struct wire_stoken *stoken, char *text_r);
/* The clock for an owner; 0 if it is not in the vector: nothing of it seen yet. */
uint64_t wire_stoken_get(
    const struct wire_stoken *stoken, const uint8_t owner_id[WIRE_OWNER_ID_SIZE]);
/* DOM_ELIMIT: over WIRE_STOKEN_OWNERS_MAX owners. */
DOM_MUST_CHECK enum dom_status wire_stoken_set(
    struct wire_stoken *stoken, const uint8_t owner_id[WIRE_OWNER_ID_SIZE], uint64_t clock);

#endif
