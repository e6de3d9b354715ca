/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sync tokens as text; the format is in the header. */
#include "wire/stoken.h"

#include <assert.h>
#include <string.h>

#include "base/encode.h"

#include "crypto/digest.h"

enum {
	VERSION = 1,
	ENTRY_SIZE = WIRE_OWNER_ID_SIZE + 8,
	CHECK_SIZE = 4,
	BYTES_SIZE_MAX = 1 + WIRE_STOKEN_OWNERS_MAX * ENTRY_SIZE + CHECK_SIZE,
};

static_assert(WIRE_STOKEN_SIZE(WIRE_STOKEN_OWNERS_MAX) == DOM_BASE64_SIZE(BYTES_SIZE_MAX),
    "the header's size is that of these bytes");

/* Over all of the bytes but the check itself. */
static enum dom_status
check_of(const uint8_t *bytes, size_t size, uint8_t check_r[CHECK_SIZE])
{
	uint8_t digest[DOM_SHA256_SIZE];
	enum dom_status st = dom_sha256(dom_slice(bytes, size), digest);

	memcpy(check_r, digest, CHECK_SIZE);
	return st;
}

static uint64_t
clock_read(const uint8_t *bytes)
{
	uint64_t clock = 0;

	for (unsigned i = 0; i < 8; i++)
		clock = clock << 8 | bytes[i];
	return clock;
}

static void
clock_write(uint64_t clock, uint8_t *bytes_r)
{
	for (unsigned i = 0; i < 8; i++)
		bytes_r[i] = (uint8_t)(clock >> (8 * (7 - i)));
}

enum dom_status
wire_stoken_decode(struct dom_slice text, struct wire_stoken *stoken_r)
{
	uint8_t bytes[BYTES_SIZE_MAX];
	uint8_t check[CHECK_SIZE];
	size_t size;

	stoken_r->count = 0;
	if (dom_base64_decode(text, bytes, sizeof(bytes), &size) != DOM_OK)
		return DOM_EINPUT;
	if (size < 1 + ENTRY_SIZE + CHECK_SIZE || (size - 1 - CHECK_SIZE) % ENTRY_SIZE != 0 ||
	    bytes[0] != VERSION)
		return DOM_EINPUT;
	if (check_of(bytes, size - CHECK_SIZE, check) != DOM_OK)
		return DOM_ENOMEM;
	if (memcmp(check, bytes + size - CHECK_SIZE, CHECK_SIZE) != 0)
		return DOM_EINPUT;
	for (size_t i = 0; i < (size - 1 - CHECK_SIZE) / ENTRY_SIZE; i++) {
		struct wire_stoken_entry *entry = &stoken_r->entries[i];

		memcpy(entry->owner_id, bytes + 1 + i * ENTRY_SIZE, WIRE_OWNER_ID_SIZE);
		entry->clock = clock_read(bytes + 1 + i * ENTRY_SIZE + WIRE_OWNER_ID_SIZE);
		if (entry->clock > INT64_MAX ||
		    (i > 0 &&
		        memcmp(entry[-1].owner_id, entry->owner_id, WIRE_OWNER_ID_SIZE) >= 0)) {
			stoken_r->count = 0;
			return DOM_EINPUT;
		}
		stoken_r->count = i + 1;
	}
	return DOM_OK;
}

enum dom_status
wire_stoken_encode(const struct wire_stoken *stoken, char *text_r)
{
	uint8_t bytes[BYTES_SIZE_MAX];
	size_t size = 1;

	assert(stoken->count > 0 && stoken->count <= WIRE_STOKEN_OWNERS_MAX);
	bytes[0] = VERSION;
	for (size_t i = 0; i < stoken->count; i++) {
		memcpy(bytes + size, stoken->entries[i].owner_id, WIRE_OWNER_ID_SIZE);
		clock_write(stoken->entries[i].clock, bytes + size + WIRE_OWNER_ID_SIZE);
		size += ENTRY_SIZE;
	}
	if (check_of(bytes, size, bytes + size) != DOM_OK)
		return DOM_ENOMEM;
	dom_base64_encode(dom_slice(bytes, size + CHECK_SIZE), text_r);
	return DOM_OK;
}

/* Place of the first entry that is not below owner_id. */
static size_t
place_of(const struct wire_stoken *stoken, const uint8_t owner_id[WIRE_OWNER_ID_SIZE])
{
	size_t at = 0;

	while (at < stoken->count &&
	       memcmp(stoken->entries[at].owner_id, owner_id, WIRE_OWNER_ID_SIZE) < 0)
		at++;
	return at;
}

static bool
is_at(const struct wire_stoken *stoken, size_t at, const uint8_t owner_id[WIRE_OWNER_ID_SIZE])
{
	return at < stoken->count &&
	       memcmp(stoken->entries[at].owner_id, owner_id, WIRE_OWNER_ID_SIZE) == 0;
}

uint64_t
wire_stoken_get(const struct wire_stoken *stoken, const uint8_t owner_id[WIRE_OWNER_ID_SIZE])
{
	size_t at = place_of(stoken, owner_id);

	return is_at(stoken, at, owner_id) ? stoken->entries[at].clock : 0;
}

enum dom_status
wire_stoken_set(
    struct wire_stoken *stoken, const uint8_t owner_id[WIRE_OWNER_ID_SIZE], uint64_t clock)
{
	size_t at = place_of(stoken, owner_id);

	if (!is_at(stoken, at, owner_id)) {
		if (stoken->count == WIRE_STOKEN_OWNERS_MAX)
			return DOM_ELIMIT;
		memmove(&stoken->entries[at + 1], &stoken->entries[at],
		    (stoken->count - at) * sizeof(stoken->entries[0]));
		memcpy(stoken->entries[at].owner_id, owner_id, WIRE_OWNER_ID_SIZE);
		stoken->count++;
	}
	stoken->entries[at].clock = clock;
	return DOM_OK;
}
