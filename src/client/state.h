/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"

/*
 * The local state of one account: an index of what the server holds, in one
 * SQLite file.  It is a cache: everything in it can be learned again from the
 * server.  What must agree (rows and the token that covers them) is changed in
 * one transaction: the first change begins it, dom_state_commit() ends it.
 *
 * DOM_ESTORE, DOM_EFULL, DOM_ENOMEM: dom_state_message() says why.
 */
struct dom_state;

enum { DOM_FINGERPRINT_TEXT_SIZE = 32 };

/* DOM_EINTEGRITY: the file is damaged. */
DOM_MUST_CHECK enum dom_status dom_state_open(
    const char *file, struct dom_state **state_r, char *message_r, size_t message_size);
void dom_state_close(struct dom_state **state);
const char *dom_state_message(const struct dom_state *state);
/* The file itself is damaged: only a new one helps. */
bool dom_state_damaged(const struct dom_state *state);

DOM_MUST_CHECK enum dom_status dom_state_commit(struct dom_state *state);
/*
 * The same, and it outlasts a power cut.  Without that the last commits may be gone after one,
 * which costs a sync: only what comes before a change of another file needs it.
 */
DOM_MUST_CHECK enum dom_status dom_state_commit_for_good(struct dom_state *state);
/* Forget what was changed since the last commit. */
void dom_state_rollback(struct dom_state *state);

/* --- single values: the list token, the region's name ------------------------ */

DOM_MUST_CHECK enum dom_status dom_state_set(
    struct dom_state *state, const char *key, struct dom_slice value);
/* A missing value is the empty text. */
DOM_MUST_CHECK enum dom_status dom_state_get(struct dom_state *state, const char *key,
    struct dom_arena *arena, struct dom_slice *value_r);

/* --- collections --------------------------------------------------------------- */

struct dom_collection_row {
	int64_t number;
	struct dom_slice uid, type, name;
	struct dom_slice sealed_type, sealed_key; /* as on the wire */
	struct dom_slice encryption_key;          /* the main item's own, NULL data: none */
	struct dom_slice etag;                    /* the main item's revision, "" unknown */
	int access_level;
	bool deleted;
	struct dom_slice token; /* covers the items that are here; "" none */
	bool sweep;             /* a listing from the start is under way: sweep at its end */
};

/* Add or replace all but token and sweep; number_r: its number. */
DOM_MUST_CHECK enum dom_status dom_state_collection_put(struct dom_state *state,
    const struct dom_collection_row *row, int64_t seen, int64_t *number_r);
DOM_MUST_CHECK enum dom_status dom_state_collection_find(struct dom_state *state,
    struct dom_slice uid, struct dom_arena *arena, struct dom_collection_row *row_r);
DOM_MUST_CHECK enum dom_status dom_state_collection_all(struct dom_state *state,
    struct dom_arena *arena, struct dom_collection_row **rows_r, size_t *count_r);
DOM_MUST_CHECK enum dom_status dom_state_collection_token(
    struct dom_state *state, int64_t collection, struct dom_slice token);
/* A listing from the start begins: no token, and rows it does not meet are swept at its end. */
DOM_MUST_CHECK enum dom_status dom_state_collection_relist(
    struct dom_state *state, int64_t collection);
DOM_MUST_CHECK enum dom_status dom_state_collection_sweep(
    struct dom_state *state, int64_t collection);
DOM_MUST_CHECK enum dom_status dom_state_collection_remove(
    struct dom_state *state, struct dom_slice uid);
/* Remove all that were last put with another seen. */
DOM_MUST_CHECK enum dom_status dom_state_collections_unseen(
    struct dom_state *state, int64_t seen);
/* Forget every token and what chunks were sent. */
DOM_MUST_CHECK enum dom_status dom_state_forget_tokens(struct dom_state *state);
/* Live items, and the bytes that their metadata claim. */
DOM_MUST_CHECK enum dom_status dom_state_collection_count(
    struct dom_state *state, int64_t collection, uint64_t *items_r, uint64_t *bytes_r);

/* --- items ----------------------------------------------------------------------- */

struct dom_item_row {
	struct dom_slice uid, etag, name, source;
	uint64_t order;
	int64_t mtime_ms;
	int64_t size; /* -1: unknown */
	bool deleted;
	struct dom_slice fingerprint; /* empty: no digest in its metadata */
	uint64_t chunks;
	struct dom_slice extra; /* metadata of other apps: pairs as MessagePack */
};

DOM_MUST_CHECK enum dom_status dom_state_item_put(
    struct dom_state *state, int64_t collection, const struct dom_item_row *row);
/* The slices live until the state is used again. */
DOM_MUST_CHECK enum dom_status dom_state_item_find(struct dom_state *state, int64_t collection,
    struct dom_slice uid, struct dom_item_row *row_r);

/* A walk over items: live ones by source and order, or all by age. */
struct dom_state_walk;
DOM_MUST_CHECK enum dom_status dom_state_walk_open(struct dom_state *state, int64_t collection,
    bool only_live, struct dom_state_walk **walk_r);
/* DOM_ABSENT: that was the last one.  Slices live until the next call. */
DOM_MUST_CHECK enum dom_status dom_state_walk_next(
    struct dom_state_walk *walk, struct dom_item_row *row_r);
void dom_state_walk_close(struct dom_state_walk **walk);

/* --- chunks that the server acknowledged for a revision that is not yet sent ------ */

DOM_MUST_CHECK enum dom_status dom_state_chunk_add(
    struct dom_state *state, int64_t collection, struct dom_slice item, struct dom_slice chunk);
DOM_MUST_CHECK enum dom_status dom_state_chunk_has(
    struct dom_state *state, int64_t collection, struct dom_slice item, struct dom_slice chunk);
/* item NULL data: those of the whole collection. */
DOM_MUST_CHECK enum dom_status dom_state_chunk_drop(
    struct dom_state *state, int64_t collection, struct dom_slice item);

/* --- what was known when the account moved (state_known.c) ------------------------- */

/* All that the index has now, beside what was taken before and not forgotten. */
DOM_MUST_CHECK enum dom_status dom_state_known_take(struct dom_state *state);
DOM_MUST_CHECK enum dom_status dom_state_known_forget(struct dom_state *state);
/* Nothing of it was found yet. */
DOM_MUST_CHECK enum dom_status dom_state_known_begin(struct dom_state *state);
DOM_MUST_CHECK enum dom_status dom_state_known_collections(struct dom_state *state,
    struct dom_arena *arena, struct dom_slice **uids_r, size_t *count_r);
/* The revision that was known of an item; lives until the next use.  DOM_ABSENT: none. */
DOM_MUST_CHECK enum dom_status dom_state_known_find(struct dom_state *state,
    struct dom_slice collection, struct dom_slice item, struct dom_slice *revision_r);
DOM_MUST_CHECK enum dom_status dom_state_known_found(
    struct dom_state *state, struct dom_slice collection, struct dom_slice item);
/* The account is not in this collection any more: what was in it is not looked for. */
DOM_MUST_CHECK enum dom_status dom_state_known_left(
    struct dom_state *state, struct dom_slice collection);
DOM_MUST_CHECK enum dom_status dom_state_known_count(
    struct dom_state *state, uint64_t *found_r, uint64_t *lost_r);

#endif
