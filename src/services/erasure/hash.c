/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Names as the journal knows them: each kind apart, and nothing without the region key. */
#include <assert.h>

#include "base/bytes.h"

#include "crypto/rest.h"

#include "services/erasure/erasure.h"

static_assert((int)JOURNAL_HASH_SIZE == (int)DOM_INDEX_SIZE, "the same hashes");

enum { TEXT_SIZE_MAX = 512 };

static void
hash_parts(const struct dom_region_key *key, char kind, struct dom_slice first,
    struct dom_slice second, uint8_t hash_r[JOURNAL_HASH_SIZE])
{
	uint8_t text[TEXT_SIZE_MAX];

	/* Ids have one size, so where the second begins is never in doubt. */
	assert(1 + first.size + second.size <= sizeof(text));
	text[0] = (uint8_t)kind;
	memcpy(text + 1, first.data, first.size);
	if (second.size != 0)
		memcpy(text + 1 + first.size, second.data, second.size);
	dom_region_index(
	    key, DOM_INDEX_JOURNAL, dom_slice(text, 1 + first.size + second.size), hash_r);
}

void
erasure_hash_account(const struct dom_region_key *key, const uint8_t id[STORE_ID_SIZE],
    uint8_t hash_r[JOURNAL_HASH_SIZE])
{
	hash_parts(key, 'a', dom_slice(id, STORE_ID_SIZE), dom_slice("", 0), hash_r);
}

void
erasure_hash_service(const struct dom_region_key *key, const uint8_t account_id[STORE_ID_SIZE],
    struct dom_slice service, uint8_t hash_r[JOURNAL_HASH_SIZE])
{
	hash_parts(key, 's', dom_slice(account_id, STORE_ID_SIZE), service, hash_r);
}

void
erasure_hash_uid(
    const struct dom_region_key *key, struct dom_slice uid, uint8_t hash_r[JOURNAL_HASH_SIZE])
{
	hash_parts(key, 'u', uid, dom_slice("", 0), hash_r);
}

void
erasure_put_epoch(uint64_t epoch, uint8_t item_r[JOURNAL_HASH_SIZE])
{
	memset(item_r, 0, JOURNAL_HASH_SIZE);
	for (unsigned i = 0; i < 8; i++)
		item_r[i] = (uint8_t)(epoch >> (56 - 8 * i));
}

uint64_t
erasure_get_epoch(const uint8_t item[JOURNAL_HASH_SIZE])
{
	struct dom_reader in = dom_reader_over(dom_slice(item, JOURNAL_HASH_SIZE));

	return dom_read_u64(&in);
}

void
erasure_hash_region(
    const struct dom_region_key *key, const char *region, uint8_t hash_r[JOURNAL_HASH_SIZE])
{
	hash_parts(key, 'r', dom_slice_of(region), dom_slice("", 0), hash_r);
}
