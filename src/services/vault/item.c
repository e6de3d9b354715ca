/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading items and their revisions. */
#include <stdlib.h>

#include "services/vault/vault.h"

static const char no_item[] = "There is no such item in this collection.";

/* Encode as many items as the page takes; *after_r: the last one's clock. */
static enum dom_status
put_items(struct vault_page *page, const struct store_collection *collection, uint64_t *after_r,
    bool *done_r)
{
	struct service_call *call = page->call;
	struct store_item *rows;
	size_t count;
	unsigned room;
	enum dom_status st;

	for (;;) {
		room = vault_page_room(page);
		dom_arena_reset(page->rows);
		/* With a full page, look whether anything is left. */
		st = store_item_scan(call->txn, collection, *after_r,
		    call->request->with_collection, room == 0 ? 1 : room, page->rows, &rows,
		    &count);
		if (st < 0)
			return st;
		if (room == 0 || count == 0) {
			*done_r = count == 0;
			return DOM_OK;
		}
		for (size_t i = 0; i < count && !vault_page_full(page); i++) {
			st = vault_put_item(page, collection, &rows[i]);
			if (st == DOM_ABSENT)
				break;
			if (st != DOM_OK)
				return st;
			*after_r = rows[i].current.clock;
		}
	}
}

/* The request's token, checked against this collection's owner. */
static enum dom_status
read_stoken(struct service_call *call, const struct store_collection *collection,
    struct wire_stoken *stoken_r)
{
	struct store_account owner;
	enum dom_status st = vault_stoken_read(call, stoken_r);

	if (st != DOM_OK)
		return st;
	st = store_account_by_number(call->txn, collection->owner, call->arena, &owner);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	return vault_stoken_check(call, stoken_r, owner.id, owner.clock);
}

/* The token of a page whose newest row has this clock; as sent, if it has no rows. */
static enum dom_status
write_stoken(struct service_call *call, const struct store_collection *collection,
    struct wire_stoken *stoken, size_t count, uint64_t clock, struct dom_slice *text_r)
{
	enum dom_status st;

	if (count == 0) {
		if (call->request->stoken.size != 0)
			*text_r = call->request->stoken;
		return DOM_OK;
	}
	if ((st = wire_stoken_set(stoken, collection->owner_id, clock)) != DOM_OK)
		return st;
	return vault_stoken_text(call, stoken, text_r);
}

enum dom_status
vault_item_list(struct service_call *call)
{
	struct wire_list_end end = {0};
	struct vault_place place;
	struct wire_stoken stoken;
	struct vault_page page = {0};
	uint64_t after;
	enum dom_status st;

	if ((st = vault_open(call, false, &place)) != DOM_OK)
		return st;
	if ((st = read_stoken(call, &place.collection, &stoken)) < 0)
		return st;
	after = wire_stoken_get(&stoken, place.collection.owner_id);
	if ((st = vault_page_open(call, &page)) == DOM_OK)
		st = put_items(&page, &place.collection, &after, &end.done);
	if (st == DOM_OK)
		st = write_stoken(
		    call, &place.collection, &stoken, page.count, after, &end.stoken);
	if (st == DOM_OK)
		st = vault_page_finish(&page, &end);
	vault_page_close(&page);
	return st;
}

/* DOM_EDENIED: 404. */
static enum dom_status
find_item(struct service_call *call, const struct store_collection *collection,
    struct store_item *item_r)
{
	enum dom_status st = DOM_ABSENT;

	if (wire_uid_valid(call->request->item_uid))
		st = store_item_find(call->txn, collection->number, call->request->item_uid,
		    call->arena, item_r);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, no_item);
	return st;
}

enum dom_status
vault_item_get(struct service_call *call)
{
	struct vault_place place;
	struct vault_page page = {0};
	struct store_item item;
	enum dom_status st;

	if ((st = vault_open(call, false, &place)) != DOM_OK)
		return st;
	if ((st = find_item(call, &place.collection, &item)) != DOM_OK)
		return st;
	if ((st = vault_page_open(call, &page)) == DOM_OK)
		st = vault_put_item(&page, &place.collection, &item);
	if (st == DOM_OK) {
		call->reply->body = page.values;
		page.values = (struct dom_buffer){0};
	}
	vault_page_close(&page);
	return st;
}

/* One listed item that is to be sent. */
struct update {
	uint64_t clock;
	struct dom_slice uid;
};

static int
update_compare(const void *a, const void *b)
{
	const struct update *left = a, *right = b;

	return (left->clock > right->clock) - (left->clock < right->clock);
}

/* Which of the listed items are newer than the token and not at the etag sent. */
static enum dom_status
choose_updates(struct vault_page *page, const struct store_collection *collection,
    uint64_t after, const struct wire_dep *entries, size_t entry_count, struct update *updates,
    size_t *count_r)
{
	struct store_item item;
	size_t count = 0;
	enum dom_status st;

	for (size_t i = 0; i < entry_count; i++) {
		dom_arena_reset(page->rows);
		st = store_item_find(
		    page->call->txn, collection->number, entries[i].uid, page->rows, &item);
		if (st < 0)
			return st;
		if (st == DOM_ABSENT || item.current.clock <= after ||
		    (entries[i].etag.data != NULL &&
		        dom_slice_equal(entries[i].etag, item.current.uid)))
			continue;
		updates[count++] =
		    (struct update){.clock = item.current.clock, .uid = entries[i].uid};
	}
	qsort(updates, count, sizeof(*updates), update_compare);
	*count_r = count;
	return DOM_OK;
}

static enum dom_status
put_updates(struct vault_page *page, const struct store_collection *collection,
    const struct update *updates, size_t count)
{
	struct store_item item;
	enum dom_status st;

	for (size_t i = 0; i < count; i++) {
		/* Listed twice: sorted, so it is the neighbour. */
		if (i > 0 && updates[i].clock == updates[i - 1].clock)
			continue;
		dom_arena_reset(page->rows);
		st = store_item_find(
		    page->call->txn, collection->number, updates[i].uid, page->rows, &item);
		if (st != DOM_OK)
			return st < 0 ? st : DOM_ESTORE;
		st = vault_put_item(page, collection, &item);
		if (st == DOM_ABSENT)
			return vault_page_refuse(page->call);
		if (st != DOM_OK)
			return st;
	}
	return DOM_OK;
}

static enum dom_status
fetch(struct service_call *call, const struct store_collection *collection,
    const struct wire_dep *entries, size_t entry_count)
{
	struct wire_list_end end = {.done = true};
	struct wire_stoken stoken;
	struct vault_page page = {0};
	struct update *updates =
	    dom_arena_array(call->arena, entry_count + 1, sizeof(*updates));
	size_t count = 0;
	enum dom_status st;

	if (updates == NULL)
		return DOM_ENOMEM;
	if ((st = read_stoken(call, collection, &stoken)) < 0)
		return st;
	if ((st = vault_page_open(call, &page)) == DOM_OK)
		st = choose_updates(&page, collection,
		    wire_stoken_get(&stoken, collection->owner_id), entries, entry_count,
		    updates, &count);
	if (st == DOM_OK)
		st = put_updates(&page, collection, updates, count);
	if (st == DOM_OK)
		st = write_stoken(call, collection, &stoken, count,
		    count == 0 ? 0 : updates[count - 1].clock, &end.stoken);
	if (st == DOM_OK)
		st = vault_page_finish(&page, &end);
	vault_page_close(&page);
	return st;
}

enum dom_status
vault_item_fetch_updates(struct service_call *call)
{
	struct vault_place place;
	struct wire_reject reject;
	struct wire_dep *entries;
	size_t entry_count;
	enum dom_status st;

	if ((st = vault_open(call, false, &place)) != DOM_OK)
		return st;
	st = wire_updates_decode(
	    call->request->body, call->arena, &entries, &entry_count, &reject);
	if (st == DOM_ELIMIT)
		return service_refuse(call, SERVICE_TOO_MANY_ITEMS,
		    "At most 200 items can be asked for at once.");
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	return fetch(call, &place.collection, entries, entry_count);
}

/* Newest first, from before (0: from the newest); uid of the last one in *last_r. */
static enum dom_status
put_revisions(struct vault_page *page, const struct store_collection *collection,
    const struct store_item *item, uint64_t before, struct wire_list_end *end)
{
	struct service_call *call = page->call;
	struct store_revision *rows;
	size_t count;
	unsigned room;
	enum dom_status st;

	for (;;) {
		room = vault_page_room(page);
		dom_arena_reset(page->rows);
		st = store_revision_scan(call->txn, item->number, before, room == 0 ? 1 : room,
		    page->rows, &rows, &count);
		if (st < 0)
			return st;
		if (room == 0 || count == 0) {
			end->done = count == 0;
			return DOM_OK;
		}
		for (size_t i = 0; i < count && !vault_page_full(page); i++) {
			st = vault_put_revision(page, collection, &rows[i]);
			if (st == DOM_ABSENT)
				break;
			if (st != DOM_OK)
				return st;
			before = rows[i].clock;
			end->stoken = dom_arena_copy(call->arena, rows[i].uid);
			if (end->stoken.data == NULL)
				return DOM_ENOMEM;
		}
	}
}

enum dom_status
vault_item_revisions(struct service_call *call)
{
	struct wire_list_end end = {.is_iterator = true};
	struct vault_place place;
	struct vault_page page = {0};
	struct store_item item;
	struct store_revision from = {0};
	enum dom_status st;

	if ((st = vault_open(call, false, &place)) != DOM_OK)
		return st;
	if ((st = find_item(call, &place.collection, &item)) != DOM_OK)
		return st;
	if (call->request->iterator.data != NULL) {
		st = store_revision_find(
		    call->txn, item.number, call->request->iterator, call->arena, &from);
		if (st == DOM_ABSENT)
			return service_refuse(call, SERVICE_DOES_NOT_EXIST,
			    "The iterator is not a revision of this item.");
		if (st != DOM_OK)
			return st;
	}
	if ((st = vault_page_open(call, &page)) == DOM_OK)
		st = put_revisions(&page, &place.collection, &item, from.clock, &end);
	if (st == DOM_OK)
		st = vault_page_finish(&page, &end);
	vault_page_close(&page);
	return st;
}
