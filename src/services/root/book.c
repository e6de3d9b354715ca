/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The book of an account's records; see book.h.  Revisions and chunks come when
 * they have changed; all else comes whole with every pass, so what did not come
 * with one is gone.
 */
#include "services/root/book.h"

#include <stdlib.h>

#include "base/bytes.h"

#include "services/move/copy.h"
#include "services/root/tree.h"

enum { RECORDS, CHUNKS, TREES };

struct root_book {
	int64_t account;
	uint64_t records_max;
	bool is_too_large;
	struct root_tree *trees[TREES]; /* NULL: it knows nothing */
	struct copy_cursor cursor;
	bool reads;    /* within a pass */
	bool mark;     /* of this pass */
	bool has_pass; /* one has ended */
	bool is_wrong; /* something went that the cursor does not tell */
	/* Keys of what comes whole. */
	uint8_t (*whole)[DOM_SHA256_SIZE];
	size_t whole_count, whole_room;
	struct wire_erased sum;
	uint64_t chunk_bytes;
	struct dom_sha256 *sha;
	struct dom_arena *arena; /* of a record */
	struct dom_buffer records, bytes;
};

struct root_book *
root_book_new(int64_t account, uint64_t records_max)
{
	struct root_book *book = calloc(1, sizeof(*book));

	if (book == NULL)
		return NULL;
	book->account = account;
	book->records_max = records_max == 0 ? (uint64_t)ROOT_BOOK_RECORDS_MAX : records_max;
	book->sha = dom_sha256_new();
	book->arena = dom_arena_new(0);
	if (book->sha == NULL || book->arena == NULL)
		root_book_free(&book);
	return book;
}

void
root_book_forget(struct root_book *book)
{
	root_tree_free(&book->trees[RECORDS]);
	root_tree_free(&book->trees[CHUNKS]);
	free(book->whole);
	book->whole = NULL;
	book->whole_count = book->whole_room = 0;
	book->cursor = (struct copy_cursor){0};
	book->sum = (struct wire_erased){0};
	book->chunk_bytes = 0;
	book->reads = book->has_pass = book->is_wrong = book->is_too_large = false;
	dom_buffer_free(&book->records);
	dom_buffer_free(&book->bytes);
	dom_arena_reset(book->arena);
}

void
root_book_free(struct root_book **book)
{
	struct root_book *old = *book;

	if (old == NULL)
		return;
	*book = NULL;
	if (old->arena != NULL)
		root_book_forget(old);
	dom_sha256_free(&old->sha);
	dom_arena_free(&old->arena);
	free(old);
}

uint64_t
root_book_records(const struct root_book *book)
{
	if (book->trees[RECORDS] == NULL)
		return 0;
	return root_tree_count(book->trees[RECORDS]) + root_tree_count(book->trees[CHUNKS]);
}

/* --- taking records -------------------------------------------------------------- */

static bool
comes_whole(enum wire_record_type type)
{
	return type != WIRE_RECORD_REVISION && type != WIRE_RECORD_CHUNK;
}

static enum root_kept_kind
kind_of(const struct wire_record *record)
{
	switch (record->type) {
	case WIRE_RECORD_COLLECTION:
		return ROOT_KEPT_COLLECTION;
	case WIRE_RECORD_REVISION:
		return record->of.revision.is_current ? ROOT_KEPT_CURRENT : ROOT_KEPT_HISTORY;
	case WIRE_RECORD_CHUNK:
		return ROOT_KEPT_CHUNK;
	default:
		return ROOT_KEPT_OTHER;
	}
}

/* sign: 1 it came, -1 it went; the arithmetic wraps as it should. */
static void
count(struct root_book *book, const struct root_kept *kept, int sign)
{
	uint64_t one = (uint64_t)(int64_t)sign, bytes = kept->bytes * one;
	struct wire_erased *sum = &book->sum;

	sum->bytes += bytes;
	switch ((enum root_kept_kind)kept->kind) {
	case ROOT_KEPT_COLLECTION:
		sum->collections += one;
		break;
	case ROOT_KEPT_CURRENT:
		sum->items += one;
		sum->revisions += one;
		break;
	case ROOT_KEPT_HISTORY:
		sum->revisions += one;
		break;
	case ROOT_KEPT_CHUNK:
		sum->chunks += one;
		book->chunk_bytes += bytes;
		break;
	case ROOT_KEPT_OTHER:
		break;
	}
}

static enum dom_status
note_whole(struct root_book *book, const uint8_t key[DOM_SHA256_SIZE])
{
	if (book->whole_count == book->whole_room) {
		size_t room = book->whole_room == 0 ? 64 : 2 * book->whole_room;
		uint8_t(*wider)[DOM_SHA256_SIZE] = realloc(book->whole, room * sizeof(*wider));

		if (wider == NULL)
			return DOM_ENOMEM;
		book->whole = wider;
		book->whole_room = room;
	}
	memcpy(book->whole[book->whole_count++], key, DOM_SHA256_SIZE);
	return DOM_OK;
}

static enum dom_status
take(struct root_book *book, const struct wire_record *record)
{
	struct root_tree *tree =
	    book->trees[record->type == WIRE_RECORD_CHUNK ? CHUNKS : RECORDS];
	struct root_kept kept = {.kind = kind_of(record), .mark = book->mark}, old;
	struct wire_erased sum = {0};
	enum dom_status st;

	wire_root_count(record, &sum);
	if (sum.bytes >> 56 != 0)
		return DOM_EINPUT;
	kept.bytes = sum.bytes;
	if ((st = wire_root_entry_of(record, book->sha, &book->bytes, &kept.entry)) != DOM_OK)
		return st;
	st = root_tree_put(tree, &kept, &old);
	if (st == DOM_CONFLICT)
		count(book, &old, -1);
	else if (st == DOM_OK && comes_whole(record->type) &&
	         (st = note_whole(book, kept.entry.key)) == DOM_OK &&
	         record->type == WIRE_RECORD_ERASURE && book->has_pass)
		book->is_wrong = true;
	if (st < 0)
		return st;
	count(book, &kept, 1);
	return root_book_records(book) > book->records_max ? DOM_ELIMIT : DOM_OK;
}

static enum dom_status
take_all(struct root_book *book)
{
	struct dom_reader in = dom_reader_over(dom_buffer_slice(&book->records));
	enum dom_status st = DOM_OK;

	while (st == DOM_OK && in.at != in.end) {
		struct wire_record record;

		dom_arena_reset(book->arena);
		st = wire_record_decode(
		    dom_read_string(&in, WIRE_RECORD_SIZE_MAX), book->arena, &record);
		if (st == DOM_OK)
			st = take(book, &record);
	}
	return st;
}

/* What comes whole and did not come with this pass is not there any more. */
static void
end_pass(struct root_book *book)
{
	size_t left = 0;

	for (size_t i = 0; i < book->whole_count; i++) {
		const struct root_kept *kept =
		    root_tree_find(book->trees[RECORDS], book->whole[i]);

		assert(kept != NULL);
		if (kept->mark == book->mark) {
			memmove(book->whole[left++], book->whole[i], DOM_SHA256_SIZE);
			continue;
		}
		book->is_wrong |= kept->kind == ROOT_KEPT_COLLECTION;
		count(book, kept, -1);
		root_tree_remove(book->trees[RECORDS], book->whole[i]);
	}
	book->whole_count = left;
	book->reads = false;
	book->has_pass = true;
}

/* --- following -------------------------------------------------------------------- */

static enum dom_status
make_trees(struct root_book *book)
{
	for (unsigned i = 0; i < TREES; i++) {
		if (book->trees[i] == NULL && (book->trees[i] = root_tree_new()) == NULL)
			return DOM_ENOMEM;
	}
	return DOM_OK;
}

static enum dom_status
read_page(struct root_book *book, struct store_txn *txn, bool *ended_r)
{
	struct store_account account;
	enum dom_status st;

	if ((st = make_trees(book)) != DOM_OK)
		return st;
	dom_arena_reset(book->arena);
	st = store_account_by_number(txn, book->account, book->arena, &account);
	if (st != DOM_OK)
		return st;
	if (!book->reads)
		book->mark = !book->mark;
	book->reads = true;
	dom_buffer_clear(&book->records);
	st = copy_read(txn, &account, &book->cursor, &book->records, ended_r);
	return st == DOM_OK ? take_all(book) : st;
}

enum dom_status
root_book_follow(struct root_book *book, struct store_txn *txn, bool *ended_r)
{
	enum dom_status st = book->is_too_large ? DOM_ELIMIT : read_page(book, txn, ended_r);

	if (st == DOM_OK && *ended_r)
		end_pass(book);
	if (st == DOM_OK && !book->is_wrong)
		return st;
	*ended_r = false;
	root_book_forget(book);
	book->is_too_large = st == DOM_ELIMIT;
	return st;
}

/* The rest of a pass, or a whole one, in this snapshot. */
static enum dom_status
follow_pass(struct root_book *book, struct store_txn *txn, const struct root_options *options)
{
	enum dom_status st = DOM_OK;
	bool ended = false;

	while (st == DOM_OK && !ended) {
		if (options->stopped != NULL && options->stopped(options->context))
			return DOM_ESTOPPED;
		st = root_book_follow(book, txn, &ended);
	}
	return st;
}

/* One whole pass in one snapshot leaves nothing out of it. */
static enum dom_status
follow_to(struct root_book *book, struct store_txn *txn, const struct root_options *options)
{
	struct store_usage usage;
	enum dom_status st = DOM_OK;

	if (book->reads)
		st = follow_pass(book, txn, options);
	if (st == DOM_OK)
		st = follow_pass(book, txn, options);
	if (st == DOM_OK)
		st = store_account_usage(txn, book->account, &usage);
	if (st != DOM_OK || usage.chunk_bytes == book->chunk_bytes)
		return st;
	root_book_forget(book);
	return follow_pass(book, txn, options);
}

static enum dom_status
digest(struct root_book *book, struct store_txn *txn, const struct root_options *options,
    uint8_t root_r[WIRE_ROOT_SIZE])
{
	struct wire_root_head head = {.clock = options->clock, .sum = book->sum};
	struct store_account account;
	enum dom_status st;

	dom_arena_reset(book->arena);
	st = store_account_by_number(txn, book->account, book->arena, &account);
	if (st != DOM_OK ||
	    (st = root_tree_digest(book->trees[RECORDS], book->sha, head.records)) != DOM_OK ||
	    (st = root_tree_digest(book->trees[CHUNKS], book->sha, head.chunks)) != DOM_OK)
		return st;
	head.epoch = account.epoch;
	memcpy(head.identity_public, options->identity_public, sizeof(head.identity_public));
	return wire_root_digest(&head, root_r);
}

enum dom_status
root_book_root(struct root_book *book, struct store_txn *txn,
    const struct root_options *options, uint8_t root_r[WIRE_ROOT_SIZE],
    struct wire_erased *sum_r)
{
	enum dom_status st;

	assert(options->scope == WIRE_SCOPE_ACCOUNT && options->account == book->account);
	st = follow_to(book, txn, options);
	if (st == DOM_ELIMIT)
		return root_compute(txn, options, root_r, sum_r);
	if (st != DOM_OK || (st = digest(book, txn, options, root_r)) != DOM_OK)
		return st;
	*sum_r = book->sum;
	return DOM_OK;
}
