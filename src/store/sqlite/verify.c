/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Nobody is given a damaged chunk: each is compared with its digest whenever
 * it is read.  SHA-256 would be half of a download's work, so a chunk that
 * passed it leaves a tag under a key that only this process knows, and when it
 * is read again the tag, which takes an eighth of the time, decides that
 * these are the same bytes.  Whatever differs from its tag goes through
 * SHA-256 again.
 *
 * The digest is the key, not the file: a row that points at another's file
 * has another digest.
 */
#include <stdlib.h>

#include "base/wipe.h"

#include "crypto/keys.h"

#include "store/sqlite/engine.h"

enum {
	SEEN_COUNT = 1 << 15, /* the newest of those that share a place stays */
	TAGGED_SIZE_MIN = 16 << 10,
};

struct seen {
	struct dom_quick_key key;
	struct {
		uint8_t sha256[DOM_SHA256_SIZE]; /* zeros: nothing is here */
		uint8_t tag[DOM_QUICK_TAG_SIZE];
	} chunks[SEEN_COUNT];
};

void
store_seen_open(struct store *store)
{
	struct dom_random random = dom_random_system();

	pthread_mutex_init(&store->seen_lock, NULL);
	/* Pages of it that are never used are never there. */
	if ((store->seen = calloc(1, sizeof(*store->seen))) != NULL)
		dom_random_fill(&random, store->seen->key.bytes, DOM_QUICK_KEY_SIZE);
}

void
store_seen_close(struct store *store)
{
	if (store->seen != NULL)
		dom_wipe(&store->seen->key, sizeof(store->seen->key));
	free(store->seen);
	store->seen = NULL;
	pthread_mutex_destroy(&store->seen_lock);
}

static size_t
place_of(const uint8_t sha256[DOM_SHA256_SIZE])
{
	return ((size_t)sha256[0] << 8 | sha256[1]) % SEEN_COUNT;
}

static bool
is_seen(struct store *store, const uint8_t sha256[DOM_SHA256_SIZE],
    const uint8_t tag[DOM_QUICK_TAG_SIZE])
{
	size_t place = place_of(sha256);
	bool is;

	pthread_mutex_lock(&store->seen_lock);
	is = memcmp(store->seen->chunks[place].sha256, sha256, DOM_SHA256_SIZE) == 0 &&
	     memcmp(store->seen->chunks[place].tag, tag, DOM_QUICK_TAG_SIZE) == 0;
	pthread_mutex_unlock(&store->seen_lock);
	return is;
}

static void
see(struct store *store, const uint8_t sha256[DOM_SHA256_SIZE],
    const uint8_t tag[DOM_QUICK_TAG_SIZE])
{
	size_t place = place_of(sha256);

	pthread_mutex_lock(&store->seen_lock);
	memcpy(store->seen->chunks[place].sha256, sha256, DOM_SHA256_SIZE);
	memcpy(store->seen->chunks[place].tag, tag, DOM_QUICK_TAG_SIZE);
	pthread_mutex_unlock(&store->seen_lock);
}

enum dom_status
store_verify(struct store *store, struct dom_slice data, const uint8_t sha256[DOM_SHA256_SIZE])
{
	uint8_t found[DOM_SHA256_SIZE], tag[DOM_QUICK_TAG_SIZE];
	bool is_tagged = store->seen != NULL && data.size >= TAGGED_SIZE_MIN;
	enum dom_status st;

	if (is_tagged && (st = dom_quick_tag(&store->seen->key, data, tag)) != DOM_OK)
		return st;
	if (is_tagged && is_seen(store, sha256, tag))
		return DOM_OK;
	if ((st = dom_sha256(data, found)) != DOM_OK)
		return st;
	if (memcmp(found, sha256, sizeof(found)) != 0)
		return DOM_EINTEGRITY;
	if (is_tagged)
		see(store, sha256, tag);
	return DOM_OK;
}
