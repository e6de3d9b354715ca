/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_GROUP_H
#define WIRE_GROUP_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"

/*
 * The group file: the regions that trust each other, signed by the group's
 * key.  Regions and clients pin that key, and refuse a file with a lower
 * version than they have seen.  Fixed order, big-endian, strings with a 32-bit
 * length in front:
 *
 *   string  domain       "domicile/group/v1"
 *   32      group        the group's public key
 *   u64     version      1 for the first, each change counts on
 *   u64     issued       milliseconds since 1970
 *   string  name         of the group
 *   u32     count        of regions, which follow by ascending name:
 *     string  name
 *     string  country    ISO 3166-1 alpha-2, or empty
 *     32      key        the region's public signing key
 *     u32     count      of addresses
 *     string  address .. URLs: https, or http on loopback
 *     u8      flags      WIRE_REGION_TAKES, WIRE_REGION_LETS
 *     u32     grace_min  days that a source keeps its copy after a move ..
 *     u32     grace_max  .. at least and at most, as an order may say
 *   64      signature    Ed25519 by the group's key over all before it
 */
enum {
	WIRE_GROUP_SIZE_MAX = 256 << 10,
	WIRE_GROUP_REGIONS_MAX = 256,
	WIRE_GROUP_ADDRESSES_MAX = 8,
	WIRE_GROUP_NAME_SIZE_MAX = 64,
	WIRE_ADDRESS_SIZE_MAX = 256,
	WIRE_GRACE_DAYS_MAX = 3650,
	WIRE_REGION_TAKES = 1, /* accounts of other regions */
	WIRE_REGION_LETS = 2,  /* its accounts move away */
};

struct wire_group_region {
	struct dom_slice name;
	struct dom_slice country;
	uint8_t key[32];
	struct dom_slice addresses[WIRE_GROUP_ADDRESSES_MAX];
	size_t address_count;
	uint8_t flags;
	uint32_t grace_min_days, grace_max_days;
};

struct wire_group {
	uint8_t key[32];
	uint64_t version;
	int64_t issued_ms;
	struct dom_slice name;
	struct wire_group_region *regions;
	size_t region_count;
};

/* [a-z][a-z0-9-]{0,30}, as in the configuration of a region. */
bool wire_region_name_valid(struct dom_slice name);
/* https://..., or http:// on a loopback address; no spaces, no user, no query. */
bool wire_address_valid(struct dom_slice address);

/*
 * Everything but the signature.  DOM_EINPUT with a sentence in *why_r
 * (constant): what a decoder would refuse.
 */
DOM_MUST_CHECK enum dom_status wire_group_check(
    const struct wire_group *group, const char **why_r);
/* The bytes to sign, appended; of a group that wire_group_check() accepts. */
void wire_group_encode(struct dom_buffer *bytes, const struct wire_group *group);
/*
 * A whole file.  Slices point into it.  DOM_EINPUT: no group file;
 * DOM_EINTEGRITY: its signature is not the key's that it names; *why_r is a
 * sentence (constant).  Whether that key is the right one is the caller's
 * question.
 */
DOM_MUST_CHECK enum dom_status wire_group_decode(struct dom_slice file, struct dom_arena *arena,
    struct wire_group *group_r, const char **why_r);
/* NULL: the group has no region of this name. */
const struct wire_group_region *wire_group_find(
    const struct wire_group *group, struct dom_slice name);

#endif
