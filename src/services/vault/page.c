/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Pages of a list, row by row. */
#include "services/vault/vault.h"

enum dom_status
vault_page_open(struct service_call *call, struct vault_page *page_r)
{
	int64_t limit = call->request->limit;

	*page_r = (struct vault_page){.call = call};
	if (limit < -1)
		return service_refuse(call, SERVICE_VALIDATION_ERROR,
		    "\"limit\" must be a number that is not negative.");
	if (limit == -1)
		limit = SERVICE_LIMIT_DEFAULT;
	page_r->count_max = limit > SERVICE_LIMIT_MAX ? SERVICE_LIMIT_MAX : (size_t)limit;
	page_r->values.size_max = VAULT_REPLY_SIZE_MAX;
	page_r->rows = dom_arena_new(0);
	page_r->content = dom_arena_new(0);
	return page_r->rows == NULL || page_r->content == NULL ? DOM_ENOMEM : DOM_OK;
}

void
vault_page_close(struct vault_page *page)
{
	dom_buffer_free(&page->values);
	dom_arena_free(&page->rows);
	dom_arena_free(&page->content);
}

bool
vault_page_full(const struct vault_page *page)
{
	return page->is_over || page->values.size >= SERVICE_PAGE_SIZE_MAX ||
	       page->count >= page->count_max;
}

unsigned
vault_page_room(const struct vault_page *page)
{
	size_t room = page->count_max - page->count;

	if (vault_page_full(page))
		return 0;
	return room > VAULT_SCAN_ROWS ? VAULT_SCAN_ROWS : (unsigned)room;
}

enum dom_status
vault_page_refuse(struct service_call *call)
{
	return service_refuse(call, SERVICE_TOO_LARGE,
	    "This is too large for one reply: ask with prefetch=medium and download the chunks"
	    " one by one.");
}

enum dom_status
vault_page_finish(struct vault_page *page, const struct wire_list_end *end)
{
	struct dom_buffer *body = &page->call->reply->body;

	wire_list_begin(body, page->count, end);
	dom_buffer_append_slice(body, dom_buffer_slice(&page->values));
	wire_list_finish(body, end);
	return dom_buffer_finish(body);
}

/*
 * A chunk that the disk has spoiled is sent without content, so that one bad
 * sector does not stop the sync of everything else; its download says what is
 * wrong.
 */
static enum dom_status
put_chunk(
    struct vault_page *page, const struct store_collection *collection, struct dom_slice uid)
{
	struct wire_chunk chunk = {.uid = uid};
	struct dom_slice content;
	enum dom_status st = DOM_OK;

	if (page->call->request->prefetch == SERVICE_PREFETCH_AUTO) {
		dom_arena_reset(page->content);
		st = store_chunk_get(
		    page->call->txn, collection->number, uid, page->content, &content);
		if (st == DOM_OK)
			chunk.content = content.size == 0 ? dom_slice("", 0) : content;
		else if (st == DOM_ABSENT || st == DOM_EINTEGRITY)
			st = DOM_OK;
	}
	wire_chunk_encode(&page->values, &chunk);
	return st;
}

/* The end of a row that began at start. */
static enum dom_status
put_chunks(struct vault_page *page, const struct store_collection *collection,
    const struct store_revision *revision, size_t start)
{
	enum dom_status st = DOM_OK;

	for (size_t i = 0; i < revision->chunk_count && st == DOM_OK; i++) {
		st = put_chunk(page, collection, revision->chunks[i]);
		if (st == DOM_OK)
			st = dom_buffer_finish(&page->values);
	}
	if (st == DOM_OK)
		st = dom_buffer_finish(&page->values);
	if (st == DOM_ELIMIT && page->count == 0)
		return vault_page_refuse(page->call);
	if (st == DOM_ELIMIT) {
		dom_buffer_cut(&page->values, start);
		page->is_over = true;
		return DOM_ABSENT;
	}
	page->count++;
	return st;
}

static struct wire_revision
wire_revision_of(const struct store_revision *revision)
{
	return (struct wire_revision){
	    .uid = revision->uid, .meta = revision->meta, .deleted = revision->deleted};
}

static struct wire_item
wire_item_of(const struct store_item *item)
{
	return (struct wire_item){.uid = item->uid,
	    .version = item->version,
	    .encryption_key = item->encryption_key,
	    .content = wire_revision_of(&item->current)};
}

enum dom_status
vault_put_item(struct vault_page *page, const struct store_collection *collection,
    const struct store_item *item)
{
	struct wire_item wire = wire_item_of(item);
	size_t start = page->values.size;

	wire_item_begin(&page->values, &wire, true, item->current.chunk_count);
	return put_chunks(page, collection, &item->current, start);
}

enum dom_status
vault_put_revision(struct vault_page *page, const struct store_collection *collection,
    const struct store_revision *revision)
{
	struct wire_revision wire = wire_revision_of(revision);
	size_t start = page->values.size;

	wire_revision_begin(&page->values, &wire, revision->chunk_count);
	return put_chunks(page, collection, revision, start);
}

enum dom_status
vault_put_collection(struct vault_page *page, const struct vault_place *place)
{
	const struct store_collection *collection = &place->collection;
	struct service_call *call = page->call;
	struct wire_collection wire = {.collection_key = place->member.collection_key,
	    .access_level = place->member.access_level};
	struct store_item main;
	size_t start = page->values.size;
	enum dom_status st;

	st = store_item_find(call->txn, collection->number, collection->uid, page->rows, &main);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	if (place->member.collection_type.size != 0)
		wire.collection_type = place->member.collection_type;
	if ((st = vault_collection_stoken(call, collection, &wire.stoken)) != DOM_OK)
		return st;
	wire.item = wire_item_of(&main);
	wire_collection_begin(&page->values, &wire, main.current.chunk_count);
	return put_chunks(page, collection, &main.current, start);
}
