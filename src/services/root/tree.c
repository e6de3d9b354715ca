/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Entries lie in cells by the first bits of their keys, sorted within each: so
 * a bucket of the definition is a run of cells, in order as it is hashed.
 * There are more cells the more entries there are, so that each stays short
 * enough to be moved when something comes between.
 *
 * The nodes of the Merkle tree lie as in a heap: 1 is the top, 2i and 2i+1 are
 * below i, and the leaves are the last half.
 */
#include "services/root/tree.h"

#include <stdlib.h>

enum {
	BITS_MIN = 8,
	BITS_MAX = 16,
	CELL_ENTRIES = 16, /* on average, before there are more cells */
	CELL_ROOM_MIN = 4,
};
/* A bucket is never smaller than a cell. */
static_assert(WIRE_ROOT_FEW >= CELL_ENTRIES << (BITS_MAX - 1), "few enough buckets");

struct cell {
	struct root_kept *entries;
	uint32_t count, room;
};

struct root_tree {
	struct cell *cells;
	unsigned bits;
	uint64_t count;
	unsigned bucket_count;             /* 0: nothing was asked for yet */
	uint8_t (*nodes)[DOM_SHA256_SIZE]; /* twice as many as buckets; 0 is not used */
	bool *stale;                       /* of each node */
};

struct root_tree *
root_tree_new(void)
{
	struct root_tree *tree = calloc(1, sizeof(*tree));

	if (tree == NULL)
		return NULL;
	tree->bits = BITS_MIN;
	tree->cells = calloc((size_t)1 << tree->bits, sizeof(*tree->cells));
	if (tree->cells == NULL)
		root_tree_free(&tree);
	return tree;
}

static void
free_cells(struct cell *cells, unsigned bits)
{
	for (size_t i = 0; cells != NULL && i < (size_t)1 << bits; i++)
		free(cells[i].entries);
	free(cells);
}

void
root_tree_free(struct root_tree **tree)
{
	struct root_tree *old = *tree;

	if (old == NULL)
		return;
	*tree = NULL;
	free_cells(old->cells, old->bits);
	free(old->nodes);
	free(old->stale);
	free(old);
}

uint64_t
root_tree_count(const struct root_tree *tree)
{
	return tree->count;
}

/* --- cells --------------------------------------------------------------------- */

static size_t
cell_of(unsigned bits, const uint8_t key[DOM_SHA256_SIZE])
{
	return ((size_t)key[0] << 8 | key[1]) >> (16 - bits);
}

/* Where the key is, or belongs. */
static uint32_t
place_in(const struct cell *cell, const uint8_t key[DOM_SHA256_SIZE], bool *is_there_r)
{
	uint32_t low = 0, high = cell->count;

	*is_there_r = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = memcmp(cell->entries[middle].entry.key, key, DOM_SHA256_SIZE);

		if (order == 0) {
			*is_there_r = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum dom_status
make_room(struct cell *cell, uint32_t count)
{
	struct root_kept *wider;

	if (count <= cell->room)
		return DOM_OK;
	if ((wider = realloc(cell->entries, count * sizeof(*wider))) == NULL)
		return DOM_ENOMEM;
	cell->entries = wider;
	cell->room = count;
	return DOM_OK;
}

/* Each cell becomes two; its entries are sorted, so they are split at one place. */
static enum dom_status
split_cells(struct root_tree *tree)
{
	unsigned bits = tree->bits + 1;
	struct cell *cells = calloc((size_t)1 << bits, sizeof(*cells));
	enum dom_status st = cells == NULL ? DOM_ENOMEM : DOM_OK;

	for (size_t i = 0; st == DOM_OK && i < (size_t)1 << tree->bits; i++) {
		const struct cell *from = &tree->cells[i];
		uint32_t lower = 0;

		while (lower < from->count &&
		       cell_of(bits, from->entries[lower].entry.key) == 2 * i)
			lower++;
		for (unsigned half = 0; st == DOM_OK && half < 2; half++) {
			struct cell *to = &cells[2 * i + half];
			uint32_t first = half == 0 ? 0 : lower;
			uint32_t count = half == 0 ? lower : from->count - lower;

			if (count == 0)
				continue;
			if ((st = make_room(to, count)) != DOM_OK)
				break;
			memcpy(
			    to->entries, &from->entries[first], count * sizeof(*to->entries));
			to->count = count;
		}
	}
	if (st != DOM_OK) {
		free_cells(cells, bits);
		return st;
	}
	free_cells(tree->cells, tree->bits);
	tree->cells = cells;
	tree->bits = bits;
	return DOM_OK;
}

/* The bucket with this key, and what is above it. */
static void
mark_stale(struct root_tree *tree, const uint8_t key[DOM_SHA256_SIZE])
{
	size_t node;

	if (tree->bucket_count == 0)
		return;
	node = tree->bucket_count + wire_root_bucket_of(tree->bucket_count, key);
	for (; node != 0 && !tree->stale[node]; node /= 2)
		tree->stale[node] = true;
}

enum dom_status
root_tree_put(struct root_tree *tree, const struct root_kept *kept, struct root_kept *old_r)
{
	struct cell *cell;
	enum dom_status st;
	uint32_t place;
	bool is_there;

	if (tree->count >= (uint64_t)CELL_ENTRIES << tree->bits && tree->bits < BITS_MAX &&
	    (st = split_cells(tree)) != DOM_OK)
		return st;
	cell = &tree->cells[cell_of(tree->bits, kept->entry.key)];
	place = place_in(cell, kept->entry.key, &is_there);
	if (is_there) {
		*old_r = cell->entries[place];
		if (memcmp(&old_r->entry, &kept->entry, sizeof(kept->entry)) != 0)
			mark_stale(tree, kept->entry.key);
		cell->entries[place] = *kept;
		return DOM_CONFLICT;
	}
	if (cell->count == cell->room &&
	    (st = make_room(cell, cell->room + CELL_ROOM_MIN + cell->room / 8)) != DOM_OK)
		return st;
	memmove(&cell->entries[place + 1], &cell->entries[place],
	    (cell->count - place) * sizeof(*cell->entries));
	cell->entries[place] = *kept;
	cell->count++;
	tree->count++;
	mark_stale(tree, kept->entry.key);
	return DOM_OK;
}

const struct root_kept *
root_tree_find(const struct root_tree *tree, const uint8_t key[DOM_SHA256_SIZE])
{
	const struct cell *cell = &tree->cells[cell_of(tree->bits, key)];
	bool is_there;
	uint32_t place = place_in(cell, key, &is_there);

	return is_there ? &cell->entries[place] : NULL;
}

void
root_tree_remove(struct root_tree *tree, const uint8_t key[DOM_SHA256_SIZE])
{
	struct cell *cell = &tree->cells[cell_of(tree->bits, key)];
	bool is_there;
	uint32_t place = place_in(cell, key, &is_there);

	assert(is_there);
	mark_stale(tree, key);
	cell->count--;
	tree->count--;
	memmove(&cell->entries[place], &cell->entries[place + 1],
	    (cell->count - place) * sizeof(*cell->entries));
}

/* --- digests -------------------------------------------------------------------- */

/* What has nothing in it is the same everywhere on its level. */
static enum dom_status
fill_nodes(uint8_t (*nodes)[DOM_SHA256_SIZE], unsigned bucket_count, struct dom_sha256 *sha)
{
	uint8_t empty[WIRE_ROOT_LEVELS_MAX + 1][DOM_SHA256_SIZE];
	unsigned levels = bucket_count == 256 ? 8 : WIRE_ROOT_LEVELS_MAX;
	enum dom_status st = wire_root_empty(sha, levels, empty);

	for (unsigned level = 0; st == DOM_OK && level <= levels; level++) {
		size_t first = bucket_count >> level;

		for (size_t i = first; i < 2 * first; i++)
			memcpy(nodes[i], empty[level], DOM_SHA256_SIZE);
	}
	return st;
}

static void
mark_all_stale(struct root_tree *tree)
{
	for (size_t i = 0; i < (size_t)1 << tree->bits; i++) {
		const struct cell *cell = &tree->cells[i];

		for (uint32_t at = 0; at < cell->count; at++)
			mark_stale(tree, cell->entries[at].entry.key);
	}
}

/* As many buckets as the definition says, all of them unknown if those are others. */
static enum dom_status
make_nodes(struct root_tree *tree, struct dom_sha256 *sha)
{
	unsigned bucket_count = wire_root_bucket_count(tree->count);
	uint8_t(*nodes)[DOM_SHA256_SIZE];
	bool *stale;
	enum dom_status st = DOM_ENOMEM;

	if (tree->bucket_count == bucket_count)
		return DOM_OK;
	nodes = calloc(2 * (size_t)bucket_count, sizeof(*nodes));
	stale = calloc(2 * (size_t)bucket_count, sizeof(*stale));
	if (nodes == NULL || stale == NULL ||
	    (st = fill_nodes(nodes, bucket_count, sha)) != DOM_OK) {
		free(nodes);
		free(stale);
		return st;
	}
	free(tree->nodes);
	free(tree->stale);
	tree->nodes = nodes;
	tree->stale = stale;
	tree->bucket_count = bucket_count;
	mark_all_stale(tree);
	return DOM_OK;
}

static enum dom_status
digest_bucket(const struct root_tree *tree, size_t bucket, struct dom_sha256 *sha,
    uint8_t digest_r[DOM_SHA256_SIZE])
{
	size_t cells = ((size_t)1 << tree->bits) / tree->bucket_count;
	enum dom_status st;

	assert(cells != 0);
	for (size_t i = bucket * cells; i < (bucket + 1) * cells; i++) {
		const struct cell *cell = &tree->cells[i];

		for (uint32_t at = 0; at < cell->count; at++)
			dom_sha256_add(sha, dom_slice(&cell->entries[at].entry,
			                        sizeof(cell->entries[at].entry)));
	}
	st = dom_sha256_finish(sha, digest_r);
	return st == DOM_OK ? wire_root_leaf(sha, digest_r, digest_r) : st;
}

enum dom_status
root_tree_digest(
    struct root_tree *tree, struct dom_sha256 *sha, uint8_t digest_r[DOM_SHA256_SIZE])
{
	enum dom_status st = make_nodes(tree, sha);

	/* What is below comes before what is above it. */
	for (size_t i = 2 * (size_t)tree->bucket_count; st == DOM_OK && --i != 0;) {
		if (!tree->stale[i])
			continue;
		st = i >= tree->bucket_count
		         ? digest_bucket(tree, i - tree->bucket_count, sha, tree->nodes[i])
		         : wire_root_node(
		               sha, tree->nodes[2 * i], tree->nodes[2 * i + 1], tree->nodes[i]);
		tree->stale[i] = st != DOM_OK;
	}
	if (st == DOM_OK)
		memcpy(digest_r, tree->nodes[1], DOM_SHA256_SIZE);
	return st;
}
