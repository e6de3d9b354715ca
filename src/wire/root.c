/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The root in bounded memory.  Kept are a tree's entries from `from` on that fit;
 * when there are more, the upper half is dropped and `to` falls, and what is at
 * or above it is the business of a later pass.  Entries leave in ascending order,
 * so buckets are hashed one after the other, and of the Merkle tree only one
 * digest per level waits for its right neighbour.
 */
#include "wire/root.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

#include "crypto/digest.h"

static const char domain_root[] = "domicile/account-root/v1";

enum {
	DIGEST_SIZE = DOM_SHA256_SIZE,
	LEVELS_MAX = WIRE_ROOT_LEVELS_MAX + 1, /* of 65,536 leaves */
	ROOM_FIRST = 64,
};

struct tree {
	uint8_t from[DIGEST_SIZE], to[DIGEST_SIZE];
	bool has_to;
	unsigned passes;
	uint64_t seen, records; /* in this pass, in the first one */
	/* Leaving: */
	unsigned bucket_count, bucket; /* bucket: the one being hashed */
	uint8_t waiting[LEVELS_MAX][DIGEST_SIZE];
	unsigned leaves; /* its bits say which levels wait */
	unsigned empty;  /* its bits say which of these have nothing in them */
	bool is_filled;  /* the bucket has something in it */
	uint8_t digest[DIGEST_SIZE];
};

enum { RECORDS, CHUNKS, TREES };

struct wire_root {
	struct tree trees[TREES];
	unsigned active; /* one after the other, so that each has all of the memory */
	struct wire_root_entry *entries;
	size_t count, room, capacity; /* room grows up to capacity */
	struct dom_sha256 *sha, *bucket_sha;
	uint8_t empty[LEVELS_MAX][DIGEST_SIZE]; /* see wire_root_empty() */
	bool has_empty;
	struct dom_buffer bytes;
	struct wire_erased sum;
};

struct wire_root *
wire_root_new(size_t memory_max)
{
	struct wire_root *root = calloc(1, sizeof(*root));

	assert(memory_max >= WIRE_ROOT_MEMORY_MIN);
	if (root == NULL)
		return NULL;
	root->capacity = memory_max / sizeof(struct wire_root_entry);
	root->sha = dom_sha256_new();
	root->bucket_sha = dom_sha256_new();
	if (root->sha == NULL || root->bucket_sha == NULL)
		wire_root_free(&root);
	return root;
}

void
wire_root_free(struct wire_root **root)
{
	struct wire_root *old = *root;

	if (old == NULL)
		return;
	*root = NULL;
	free(old->entries);
	dom_sha256_free(&old->sha);
	dom_sha256_free(&old->bucket_sha);
	dom_buffer_free(&old->bytes);
	free(old);
}

/* --- collecting --------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct wire_root_entry));
}

static void
drop_upper_half(struct wire_root *root, struct tree *tree)
{
	struct wire_root_entry *entries = root->entries;

	qsort(entries, root->count, sizeof(*entries), compare);
	root->count /= 2;
	memcpy(tree->to, entries[root->count].key, DIGEST_SIZE);
	tree->has_to = true;
	/* An entry that equals the border stays on its other side, or order would matter. */
	while (
	    root->count > 0 && memcmp(entries[root->count - 1].key, tree->to, DIGEST_SIZE) == 0)
		root->count--;
}

bool
wire_root_wants(const struct wire_root *root, bool chunks)
{
	return root->active == (chunks ? CHUNKS : RECORDS);
}

void
wire_root_count(const struct wire_record *record, struct wire_erased *sum)
{
	const struct wire_record_revision *revision = &record->of.revision;

	switch (record->type) {
	case WIRE_RECORD_COLLECTION:
		sum->collections++;
		break;
	case WIRE_RECORD_REVISION:
		sum->revisions++;
		sum->bytes += revision->meta.size;
		if (!revision->is_current)
			break;
		sum->items++;
		sum->bytes += revision->encryption_key.size;
		break;
	case WIRE_RECORD_CHUNK:
		sum->chunks++;
		sum->bytes += record->of.chunk.size;
		break;
	default:
		break;
	}
}

static enum dom_status
digest(struct dom_sha256 *sha, struct dom_slice bytes, uint8_t digest_r[DIGEST_SIZE])
{
	dom_sha256_add(sha, bytes);
	return dom_sha256_finish(sha, digest_r);
}

/* The record as it is hashed, and the digest of its key. */
static enum dom_status
encode(const struct wire_record *record, struct dom_sha256 *sha, struct dom_buffer *bytes,
    uint8_t key_r[DIGEST_SIZE])
{
	struct wire_record timeless;
	struct dom_slice named;
	enum dom_status st;

	if (record->type == WIRE_RECORD_CHUNK) {
		timeless = *record;
		timeless.of.chunk.stored_ms = 0;
		record = &timeless;
	}
	dom_buffer_clear(bytes);
	wire_record_encode(bytes, record);
	if ((st = dom_buffer_finish(bytes)) != DOM_OK ||
	    (st = wire_record_key(dom_buffer_slice(bytes), &named)) != DOM_OK)
		return st;
	return digest(sha, named, key_r);
}

enum dom_status
wire_root_entry_of(const struct wire_record *record, struct dom_sha256 *sha,
    struct dom_buffer *bytes, struct wire_root_entry *entry_r)
{
	enum dom_status st = encode(record, sha, bytes, entry_r->key);

	return st == DOM_OK ? digest(sha, dom_buffer_slice(bytes), entry_r->record) : st;
}

/* Most accounts are small: what is not needed is not taken. */
static bool
grow(struct wire_root *root)
{
	size_t room = root->room == 0 ? ROOM_FIRST : 2 * root->room;
	struct wire_root_entry *entries;

	if (room > root->capacity)
		room = root->capacity;
	if ((entries = reallocarray(root->entries, room, sizeof(*entries))) == NULL)
		return false;
	root->entries = entries;
	root->room = room;
	return true;
}

enum dom_status
wire_root_add(struct wire_root *root, const struct wire_record *record)
{
	unsigned number = record->type == WIRE_RECORD_CHUNK ? CHUNKS : RECORDS;
	struct tree *tree = &root->trees[number];
	struct wire_root_entry *entry;
	uint8_t key[DIGEST_SIZE];
	enum dom_status st;

	if (number != root->active)
		return DOM_OK;
	tree->seen++;
	if (tree->passes == 0)
		wire_root_count(record, &root->sum);
	if ((st = encode(record, root->sha, &root->bytes, key)) != DOM_OK)
		return st;
	if (memcmp(key, tree->from, DIGEST_SIZE) < 0 ||
	    (tree->has_to && memcmp(key, tree->to, DIGEST_SIZE) >= 0))
		return DOM_OK;
	if (root->count == root->capacity) {
		drop_upper_half(root, tree);
		/* Nothing is below the border: all of it has one key, which no store has. */
		if (root->count == 0)
			return DOM_EINPUT;
		if (memcmp(key, tree->to, DIGEST_SIZE) >= 0)
			return DOM_OK;
	}
	if (root->count == root->room && !grow(root))
		return DOM_ENOMEM;
	entry = &root->entries[root->count++];
	memcpy(entry->key, key, DIGEST_SIZE);
	return digest(root->sha, dom_buffer_slice(&root->bytes), entry->record);
}

/* --- leaving ------------------------------------------------------------------ */

enum dom_status
wire_root_leaf(
    struct dom_sha256 *sha, const uint8_t bucket[DIGEST_SIZE], uint8_t digest_r[DIGEST_SIZE])
{
	dom_sha256_add(sha, dom_slice("\0", 1));
	return digest(sha, dom_slice(bucket, DIGEST_SIZE), digest_r);
}

enum dom_status
wire_root_node(struct dom_sha256 *sha, const uint8_t left[DIGEST_SIZE],
    const uint8_t right[DIGEST_SIZE], uint8_t digest_r[DIGEST_SIZE])
{
	dom_sha256_add(sha, dom_slice("\1", 1));
	dom_sha256_add(sha, dom_slice(left, DIGEST_SIZE));
	return digest(sha, dom_slice(right, DIGEST_SIZE), digest_r);
}

enum dom_status
wire_root_empty(struct dom_sha256 *sha, unsigned levels, uint8_t (*digests_r)[DIGEST_SIZE])
{
	enum dom_status st = dom_sha256_finish(sha, digests_r[0]);

	assert(levels <= WIRE_ROOT_LEVELS_MAX);
	if (st == DOM_OK)
		st = wire_root_leaf(sha, digests_r[0], digests_r[0]);
	for (unsigned i = 0; st == DOM_OK && i < levels; i++)
		st = wire_root_node(sha, digests_r[i], digests_r[i], digests_r[i + 1]);
	return st;
}

/* A node of this level is complete, which may complete others above it. */
static enum dom_status
end_node(struct wire_root *root, struct tree *tree, unsigned level, uint8_t digest[DIGEST_SIZE],
    bool is_empty)
{
	enum dom_status st = DOM_OK;

	tree->bucket += 1u << level;
	for (unsigned leaves = 1u << level; st == DOM_OK; level++) {
		unsigned bit = 1u << level;

		assert(level < LEVELS_MAX);
		if ((tree->leaves & bit) == 0) {
			memcpy(tree->waiting[level], digest, DIGEST_SIZE);
			tree->empty = is_empty ? tree->empty | bit : tree->empty & ~bit;
			tree->leaves += leaves;
			break;
		}
		/* Most of a small account's tree: it need not be hashed again and again. */
		is_empty = is_empty && (tree->empty & bit) != 0;
		if (is_empty)
			memcpy(digest, root->empty[level + 1], DIGEST_SIZE);
		else
			st = wire_root_node(root->sha, tree->waiting[level], digest, digest);
	}
	return st;
}

/* The bucket that is being hashed is complete, and all before `until` are empty. */
static enum dom_status
end_buckets(struct wire_root *root, struct tree *tree, unsigned until)
{
	uint8_t digest[DIGEST_SIZE];
	enum dom_status st = DOM_OK;

	if (tree->is_filled && tree->bucket < until) {
		tree->is_filled = false;
		if ((st = dom_sha256_finish(root->bucket_sha, digest)) == DOM_OK &&
		    (st = wire_root_leaf(root->sha, digest, digest)) == DOM_OK)
			st = end_node(root, tree, 0, digest, false);
	}
	while (st == DOM_OK && tree->bucket < until) {
		unsigned level = 0;

		/* The largest subtree that begins here and has nothing in it. */
		while (
		    (tree->bucket >> level & 1) == 0 && tree->bucket + (2u << level) <= until)
			level++;
		memcpy(digest, root->empty[level], DIGEST_SIZE);
		st = end_node(root, tree, level, digest, true);
	}
	return st;
}

unsigned
wire_root_bucket_count(uint64_t records)
{
	return records > WIRE_ROOT_FEW ? 65536 : 256;
}

unsigned
wire_root_bucket_of(unsigned bucket_count, const uint8_t key[DIGEST_SIZE])
{
	return bucket_count == 256 ? key[0] : (unsigned)key[0] << 8 | key[1];
}

static enum dom_status
leave(struct wire_root *root, struct tree *tree)
{
	enum dom_status st = DOM_OK;

	if (!root->has_empty)
		st = wire_root_empty(root->sha, WIRE_ROOT_LEVELS_MAX, root->empty);
	root->has_empty = st == DOM_OK;
	if (root->count != 0)
		qsort(root->entries, root->count, sizeof(*root->entries), compare);
	for (size_t i = 0; i < root->count && st == DOM_OK; i++) {
		unsigned bucket = wire_root_bucket_of(tree->bucket_count, root->entries[i].key);

		st = end_buckets(root, tree, bucket);
		dom_sha256_add(root->bucket_sha,
		    dom_slice(&root->entries[i], sizeof(struct wire_root_entry)));
		tree->is_filled = true;
	}
	root->count = 0;
	if (tree->has_to) {
		memcpy(tree->from, tree->to, DIGEST_SIZE);
		tree->has_to = false;
		return st;
	}
	if (st == DOM_OK)
		st = end_buckets(root, tree, tree->bucket_count);
	/* A power of two of leaves: one digest is left, on the level above all others. */
	memcpy(tree->digest, tree->waiting[tree->bucket_count == 256 ? 8 : 16], DIGEST_SIZE);
	root->active++;
	return st;
}

enum dom_status
wire_root_pass(struct wire_root *root, bool *again_r)
{
	struct tree *tree = &root->trees[root->active];
	enum dom_status st;

	assert(root->active < TREES);
	if (tree->passes++ == 0) {
		tree->records = tree->seen;
		tree->bucket_count = wire_root_bucket_count(tree->records);
	} else if (tree->seen != tree->records) {
		return DOM_EINPUT;
	}
	tree->seen = 0;
	st = leave(root, tree);
	*again_r = root->active < TREES;
	return st;
}

enum dom_status
wire_root_digest(const struct wire_root_head *head, uint8_t root_r[WIRE_ROOT_SIZE])
{
	const struct wire_erased *sum = &head->sum;
	struct dom_buffer bytes = {0};
	enum dom_status st;

	dom_write_string(&bytes, dom_slice_of(domain_root));
	dom_buffer_append(&bytes, head->identity_public, sizeof(head->identity_public));
	dom_write_u64(&bytes, head->epoch);
	dom_write_u64(&bytes, head->clock);
	dom_buffer_append(&bytes, head->records, DIGEST_SIZE);
	dom_buffer_append(&bytes, head->chunks, DIGEST_SIZE);
	dom_write_u64(&bytes, sum->collections);
	dom_write_u64(&bytes, sum->items);
	dom_write_u64(&bytes, sum->revisions);
	dom_write_u64(&bytes, sum->chunks);
	dom_write_u64(&bytes, sum->bytes);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK)
		st = dom_sha256(dom_buffer_slice(&bytes), root_r);
	dom_buffer_free(&bytes);
	return st;
}

enum dom_status
wire_root_finish(struct wire_root *root, const uint8_t identity_public[32], uint64_t epoch,
    uint64_t clock, uint8_t root_r[WIRE_ROOT_SIZE], struct wire_erased *sum_r)
{
	struct wire_root_head head = {.epoch = epoch, .clock = clock, .sum = root->sum};

	assert(root->active == TREES);
	memcpy(head.identity_public, identity_public, sizeof(head.identity_public));
	memcpy(head.records, root->trees[RECORDS].digest, DIGEST_SIZE);
	memcpy(head.chunks, root->trees[CHUNKS].digest, DIGEST_SIZE);
	*sum_r = root->sum;
	return wire_root_digest(&head, root_r);
}
