/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_ROOT_H
#define WIRE_ROOT_H

#include <assert.h>

#include "crypto/digest.h"

#include "wire/receipt.h"
#include "wire/record.h"

/*
 * The root: one digest of everything that an account, or a part of it, consists
 * of.  Whoever holds the same records computes the same.
 *
 *   entry    SHA-256(the record's type and key), SHA-256(the record): 64 bytes,
 *            see wire/record.h
 *   bucket   SHA-256 over its entries by ascending bytes.  An entry's bucket is
 *            the first byte of the key's digest (256 buckets), or the first two
 *            (65,536) if the tree has more than WIRE_ROOT_FEW records
 *   tree     the Merkle tree hash of RFC 6962, section 2.1, whose leaves are the
 *            buckets' digests in order: a leaf is SHA-256(0, digest), a node
 *            SHA-256(1, left, right)
 *   root     SHA-256 over
 *              string  "domicile/account-root/v1"
 *              32      the account's identity public key
 *              u64     epoch
 *              u64     the account's clock
 *              32      the tree of all records but chunks
 *              32      the tree of the chunks
 *              u64     collections, items, revisions, chunks, bytes
 *
 * Items are counted by their current revision; bytes are those of metadata, of
 * items' own keys, and of the chunks.  When a chunk was stored counts as 0, since
 * a store that had to tell would read all of the chunk.
 *
 * Entries are sorted in bounded memory, first those of the records, then those of
 * the chunks: those that do not fit wait for another pass, for which the caller
 * gives the same again, in any order.
 */
enum {
	WIRE_ROOT_FEW = 1000000,
	WIRE_ROOT_MEMORY_MIN = 64 << 10,
	WIRE_ROOT_MEMORY = 32 << 20, /* good for half a million of either in a pass */
};

struct wire_root;

/* memory_max: bytes for entries, at least WIRE_ROOT_MEMORY_MIN.  NULL: no memory. */
struct wire_root *wire_root_new(size_t memory_max);
void wire_root_free(struct wire_root **root);

/* Does this pass need the chunks, or the other records?  The others may be left out. */
bool wire_root_wants(const struct wire_root *root, bool chunks);
/* DOM_ENOMEM; DOM_EINPUT: one key stands in more records than memory holds. */
DOM_MUST_CHECK enum dom_status wire_root_add(
    struct wire_root *root, const struct wire_record *record);
/*
 * All that it wants was given.  again_r: there is another pass.
 * DOM_EINPUT: they were not as many as in the first pass.
 */
DOM_MUST_CHECK enum dom_status wire_root_pass(struct wire_root *root, bool *again_r);
/* After the last pass.  sum_r: what was counted. */
DOM_MUST_CHECK enum dom_status wire_root_finish(struct wire_root *root,
    const uint8_t identity_public[32], uint64_t epoch, uint64_t clock,
    uint8_t root_r[WIRE_ROOT_SIZE], struct wire_erased *sum_r);

/* --- its parts, for whoever keeps a root up to date (services/root/book.h) -------- */

struct wire_root_entry {
	uint8_t key[DOM_SHA256_SIZE], record[DOM_SHA256_SIZE];
};
static_assert(sizeof(struct wire_root_entry) == 64, "hashed as it stands");

/* Of a record; bytes: for its encoding, written over.  DOM_ENOMEM. */
DOM_MUST_CHECK enum dom_status wire_root_entry_of(const struct wire_record *record,
    struct dom_sha256 *sha, struct dom_buffer *bytes, struct wire_root_entry *entry_r);
/* What the record counts in the sum; added. */
void wire_root_count(const struct wire_record *record, struct wire_erased *sum);

/* 256 or 65,536. */
unsigned wire_root_bucket_count(uint64_t records);
unsigned wire_root_bucket_of(unsigned bucket_count, const uint8_t key[DOM_SHA256_SIZE]);
/* The tree's leaf of a bucket's digest, and the node of two of the tree's digests. */
DOM_MUST_CHECK enum dom_status wire_root_leaf(struct dom_sha256 *sha,
    const uint8_t bucket[DOM_SHA256_SIZE], uint8_t digest_r[DOM_SHA256_SIZE]);
DOM_MUST_CHECK enum dom_status wire_root_node(struct dom_sha256 *sha,
    const uint8_t left[DOM_SHA256_SIZE], const uint8_t right[DOM_SHA256_SIZE],
    uint8_t digest_r[DOM_SHA256_SIZE]);

/*
 * Of a tree, or a part of one, that has nothing in it: [0] a leaf, [n] the node above 2^n of
 * them.  digests_r has room for levels + 1.
 */
enum { WIRE_ROOT_LEVELS_MAX = 16 };
DOM_MUST_CHECK enum dom_status wire_root_empty(
    struct dom_sha256 *sha, unsigned levels, uint8_t (*digests_r)[DOM_SHA256_SIZE]);

/* What the root is the digest of, but for the domain. */
struct wire_root_head {
	uint8_t identity_public[32];
	uint64_t epoch, clock;
	uint8_t records[DOM_SHA256_SIZE], chunks[DOM_SHA256_SIZE]; /* the two trees */
	struct wire_erased sum;
};
DOM_MUST_CHECK enum dom_status wire_root_digest(
    const struct wire_root_head *head, uint8_t root_r[WIRE_ROOT_SIZE]);

#endif
