/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_ROOT_TREE_H
#define SERVICES_ROOT_TREE_H

#include "wire/root.h"

/*
 * One of the root's two trees (wire/root.h), kept: entries come, are replaced
 * and go, and a digest that was asked for costs the buckets that have changed
 * since the last one, with the nodes above them.
 */
struct root_tree;

/* What is kept of a record: its entry, and what it counts in the sum. */
enum root_kept_kind {
	ROOT_KEPT_OTHER,
	ROOT_KEPT_COLLECTION,
	ROOT_KEPT_CURRENT,
	ROOT_KEPT_HISTORY,
	ROOT_KEPT_CHUNK,
};
struct root_kept {
	struct wire_root_entry entry;
	uint64_t bytes : 56, kind : 4, mark : 1; /* mark: the keeper's own */
};

/* NULL: no memory. */
struct root_tree *root_tree_new(void);
void root_tree_free(struct root_tree **tree);

uint64_t root_tree_count(const struct root_tree *tree);
/*
 * One that has this key already is replaced: *old_r, and DOM_CONFLICT.
 * DOM_ENOMEM: nothing was changed.
 */
DOM_MUST_CHECK enum dom_status root_tree_put(
    struct root_tree *tree, const struct root_kept *kept, struct root_kept *old_r);
/* Borrowed until the tree changes; NULL: there is none. */
const struct root_kept *root_tree_find(
    const struct root_tree *tree, const uint8_t key[DOM_SHA256_SIZE]);
/* It must be there. */
void root_tree_remove(struct root_tree *tree, const uint8_t key[DOM_SHA256_SIZE]);

/* DOM_ENOMEM. */
DOM_MUST_CHECK enum dom_status root_tree_digest(
    struct root_tree *tree, struct dom_sha256 *sha, uint8_t digest_r[DOM_SHA256_SIZE]);

#endif
