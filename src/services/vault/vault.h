/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_VAULT_VAULT_H
#define SERVICES_VAULT_VAULT_H

#include "wire/stoken.h"

#include "services/call.h"
#include "services/consent/consent.h"

/*
 * Collections, items, revisions and chunks: see DESIGN.md beside this file.
 * Source: etebase-protocol 4.3, 4.4 and 5.
 */
enum {
	/* A reply that cannot be split into pages is refused beyond this. */
	VAULT_REPLY_SIZE_MAX = 256 << 20,
	VAULT_SCAN_ROWS = 32,     /* rows held at once while a page is written */
	VAULT_REMOVED_MAX = 1000, /* ended memberships in one page */
	/* Without consent: the body of a request that deletes, .. */
	VAULT_REMOVAL_BODY_SIZE_MAX = 256 << 10,
	/* .. and the metadata of a deleted item, if it had not more before. */
	VAULT_REMOVAL_META_SIZE_MAX = 512,
};

/* The collection of a request, and what the caller is in it. */
struct vault_place {
	struct store_collection collection;
	struct store_member member;
};

/* 404 for outsiders, 403 for readers who want to write. */
DOM_MUST_CHECK enum dom_status vault_open(
    struct service_call *call, bool to_write, struct vault_place *place_r);
/* The same for a uid that the body names. */
DOM_MUST_CHECK enum dom_status vault_open_uid(
    struct service_call *call, struct dom_slice uid, struct vault_place *place_r);
/* The owner's consent for what is in this place. */
DOM_MUST_CHECK enum dom_status vault_consent(struct service_call *call,
    const struct vault_place *place, const struct consent_handle **handle_r);

/* --- operations; after service_authenticate() -------------------------------- */

DOM_MUST_CHECK enum dom_status vault_collection_create(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_collection_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_collection_list_multi(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_collection_get(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_item_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_item_get(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_item_fetch_updates(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_item_batch(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_item_transaction(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_item_revisions(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_chunk_put(struct service_call *call);
DOM_MUST_CHECK enum dom_status vault_chunk_get(struct service_call *call);

/* --- writing: only with consent (write.c) ------------------------------------ */

/* The collection and its creator's membership, whose number is taken later. */
DOM_MUST_CHECK enum dom_status vault_write_collection(struct service_call *call,
    const struct consent_handle *consent, struct dom_slice uid, int64_t *number_r);
/*
 * A revision with its chunks; number 0 for a new item.  It takes the owner's
 * next number.  DOM_ABSENT: a chunk is unknown and brings no content.
 * DOM_CONFLICT: the item has this revision in its history.
 */
DOM_MUST_CHECK enum dom_status vault_write_revision(struct service_call *call,
    const struct consent_handle *consent, const struct store_collection *collection,
    const struct wire_item *item, int64_t number);
/*
 * The revision that marks an item as deleted; it brings no chunks and no more
 * metadata than vault_removes() allows.
 */
DOM_MUST_CHECK enum dom_status vault_write_removal(struct service_call *call,
    const struct consent_removal *removal, const struct store_collection *collection,
    const struct wire_item *item, int64_t number);
/* DOM_CONFLICT: the collection has it already. */
DOM_MUST_CHECK enum dom_status vault_write_chunk(struct service_call *call,
    const struct consent_handle *consent, const struct store_collection *collection,
    struct dom_slice uid, struct dom_slice content);

/* --- large chunks on their way (stage.c) ------------------------------------- */

/* Put what is large on the disk, if the request may store it at all. */
DOM_MUST_CHECK enum dom_status vault_stage(
    struct service_call *call, struct service_staged **staged_r);
/* For a chunk's own request, whose body comes piece by piece; NULL: it would be refused. */
DOM_MUST_CHECK enum dom_status vault_stage_begin(
    struct service_call *call, struct service_staged **staged_r);
/* The handle for content at this place of the body; NULL: it was not staged. */
struct store_staged *vault_staged_find(
    const struct service_call *call, struct dom_slice content);

/* --- sync tokens of requests (token.c) --------------------------------------- */

/* DOM_ABSENT: none was sent.  Garbage is 400 bad_stoken. */
DOM_MUST_CHECK enum dom_status vault_stoken_read(
    struct service_call *call, struct wire_stoken *stoken_r);
/* A clock that the owner has not reached is 400 bad_stoken. */
DOM_MUST_CHECK enum dom_status vault_stoken_check(struct service_call *call,
    const struct wire_stoken *stoken, const uint8_t owner_id[STORE_ID_SIZE], uint64_t clock);
/* Set and write as text in the arena. */
DOM_MUST_CHECK enum dom_status vault_stoken_text(
    struct service_call *call, const struct wire_stoken *stoken, struct dom_slice *text_r);
/* What CollectionOut.stoken is. */
DOM_MUST_CHECK enum dom_status vault_collection_stoken(struct service_call *call,
    const struct store_collection *collection, struct dom_slice *text_r);
uint64_t vault_collection_clock(const struct store_collection *collection);
/*
 * Forget the owners who share nothing with the caller any more, so that a
 * token always has room; of one who comes back everything is shown again.
 */
void vault_stoken_prune(struct service_call *call, const struct store_account *owners,
    size_t owner_count, struct wire_stoken *stoken);

/* --- ended memberships (removed.c) --------------------------------------------- */

/*
 * For a page of a collection list that was asked for with a token: those of
 * the caller's after seen, the caller's own clock in that token.  They share
 * that clock with the collections that the caller owns, so a page that is not
 * the last tells them up to where stoken has come, and the last one all; then
 * stoken moves past them.  done is cleared if there are too many for one page.
 */
DOM_MUST_CHECK enum dom_status vault_removed_report(struct service_call *call, uint64_t seen,
    struct wire_stoken *stoken, bool *done, struct wire_list_end *end);

/* --- pages (page.c) ----------------------------------------------------------- */

/*
 * A list under way.  Rows are encoded one at a time, so that a page costs the
 * memory of its bytes, never that of its rows.
 */
struct vault_page {
	struct service_call *call;
	struct dom_buffer values;
	struct dom_arena *rows;    /* of one scan */
	struct dom_arena *content; /* of one chunk */
	size_t count, count_max;
	bool is_over; /* the next row does not fit */
};

DOM_MUST_CHECK enum dom_status vault_page_open(
    struct service_call *call, struct vault_page *page_r);
void vault_page_close(struct vault_page *page);
/* Rows to ask for next; 0: the page is full. */
unsigned vault_page_room(const struct vault_page *page);
/* True when its bytes are enough. */
bool vault_page_full(const struct vault_page *page);
/* 413, for what must be in one reply. */
DOM_MUST_CHECK enum dom_status vault_page_refuse(struct service_call *call);
/* Write the whole reply. */
DOM_MUST_CHECK enum dom_status vault_page_finish(
    struct vault_page *page, const struct wire_list_end *end);

/*
 * Encode one row; the chunks' contents come along unless prefetch is medium.
 * DOM_ABSENT: it does not fit behind the others, and the page ends before it.
 */
DOM_MUST_CHECK enum dom_status vault_put_item(struct vault_page *page,
    const struct store_collection *collection, const struct store_item *item);
DOM_MUST_CHECK enum dom_status vault_put_revision(struct vault_page *page,
    const struct store_collection *collection, const struct store_revision *revision);
DOM_MUST_CHECK enum dom_status vault_put_collection(
    struct vault_page *page, const struct vault_place *place);

#endif
