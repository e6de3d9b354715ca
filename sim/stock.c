/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A phone with an app like Etebase's: contents are opaque, lists are followed
 * by their tokens, and nothing of /domicile/v1/ is known but consents, which
 * its owner gives in another way.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"

#include "crypto/digest.h"

#include "sim/phone.h"
#include "sim/plan.h"

enum { ITEMS_MAX = 3, CHUNKS_MAX = 2, CHUNK_SIZE_MAX = 2000, PAGE_LIMIT = 5 };

void
stock_uid(struct phone *phone, char text_r[ORACLE_UID_SIZE], unsigned size)
{
	uint8_t bytes[48];
	char text[DOM_BASE64_SIZE(48) + 1];

	sim_random_fill(&phone->random, bytes, sizeof(bytes));
	dom_base64_encode(dom_slice(bytes, sizeof(bytes)), text);
	snprintf(text_r, ORACLE_UID_SIZE, "%.*s", (int)size, text);
}

/* --- what it knows -------------------------------------------------------------------------
 */

static struct phone_collection *
find(struct phone *phone, struct dom_slice uid)
{
	for (size_t i = 0; i < phone->collection_count; i++)
		if (dom_slice_is(uid, phone->collections[i].uid))
			return &phone->collections[i];
	return NULL;
}

static struct phone_collection *
keep(struct phone *phone, struct dom_slice uid)
{
	struct phone_collection *collection = find(phone, uid);

	if (collection != NULL)
		return collection;
	if (phone->collection_count == PHONE_COLLECTIONS_MAX)
		return NULL;
	collection = &phone->collections[phone->collection_count++];
	memset(collection, 0, sizeof(*collection));
	snprintf(collection->uid, sizeof(collection->uid), "%.*s", (int)uid.size,
	    (const char *)uid.data);
	return collection;
}

static void
drop(struct phone *phone, struct dom_slice uid)
{
	struct phone_collection *collection = find(phone, uid);

	if (collection != NULL)
		*collection = phone->collections[--phone->collection_count];
}

void
stock_forget(struct phone *phone)
{
	phone->collection_count = 0;
	phone->stoken[0] = '\0';
}

static void
keep_entry(struct phone_collection *collection, const struct wire_item *item)
{
	struct phone_entry *entry = NULL;

	for (size_t i = 0; i < collection->count && entry == NULL; i++)
		if (dom_slice_is(item->uid, collection->entries[i].item))
			entry = &collection->entries[i];
	if (entry == NULL && collection->count == PHONE_ENTRIES_MAX) {
		collection->overflowed = true;
		return;
	}
	if (entry == NULL)
		entry = &collection->entries[collection->count++];
	snprintf(entry->item, sizeof(entry->item), "%.*s", (int)item->uid.size,
	    (const char *)item->uid.data);
	snprintf(entry->revision, sizeof(entry->revision), "%.*s", (int)item->content.uid.size,
	    (const char *)item->content.uid.data);
	entry->is_deleted = item->content.deleted;
}

static void
keep_token(char *token, struct dom_slice text)
{
	snprintf(token, PHONE_TOKEN_SIZE, "%.*s", (int)text.size,
	    text.size == 0 ? "" : (const char *)text.data);
}

struct phone_collection *
stock_pick(struct phone *phone, bool to_write)
{
	size_t count = phone->collection_count, first;

	if (count == 0)
		return NULL;
	first = sim_random_below(&phone->random, count);
	for (size_t i = 0; i < count; i++) {
		struct phone_collection *collection = &phone->collections[(first + i) % count];

		/* Now and then they try what they may not. */
		if (!to_write || collection->access_level != WIRE_ACCESS_READ_ONLY ||
		    time_now_us() / 1000 % 4 == 0)
			return collection;
	}
	return NULL;
}

/* --- reading --------------------------------------------------------------------------------
 */

/* What the history checker knows an item and a revision by. */
static void
note_read(struct phone *phone, const struct phone_collection *collection,
    const struct wire_item *item, int64_t began)
{
	world_note_read(
	    phone->world, dom_slice_of(collection->uid), item->uid, item->content.uid, began);
}

static void
check_mirror(struct phone *phone, const struct phone_collection *collection)
{
	struct o_mirror_entry entries[PHONE_ENTRIES_MAX];

	if (collection->overflowed)
		return;
	for (size_t i = 0; i < collection->count; i++)
		entries[i] = (struct o_mirror_entry){dom_slice_of(collection->entries[i].item),
		    dom_slice_of(collection->entries[i].revision)};
	oracle_check_mirror(phone->world->oracle, phone->account, dom_slice_of(collection->uid),
	    dom_slice_of(collection->stoken), entries, collection->count);
}

/* The items of a collection since its token, or all of them. */
static bool
sync_items(struct phone *phone, const char *uid)
{
	struct dom_arena *arena = dom_arena_new(0);
	bool is_end = false, is_good = true;
	unsigned relisted = 0;

	while (is_good && !is_end) {
		struct phone_collection *collection = find(phone, dom_slice_of(uid));
		struct answer answer;
		struct wire_list list;
		int64_t began = world_moment(phone->world);

		if (collection == NULL)
			break;
		phone_insist(phone, &answer, "GET", NULL,
		    "/api/v1/collection/%s/item/?limit=%u&withCollection=true%s%s", uid,
		    PAGE_LIMIT + (unsigned)sim_random_below(&phone->random, 40),
		    collection->stoken[0] == '\0' ? "" : "&stoken=", collection->stoken);
		dom_arena_reset(arena);
		/* Meanwhile the phone may have forgotten it, at a log-in. */
		collection = find(phone, dom_slice_of(uid));
		is_good = collection != NULL && is_done(&answer) &&
		          wire_list_decode(dom_buffer_slice(&answer.body), WIRE_LIST_ITEMS,
		              arena, &list) == DOM_OK;
		if (collection != NULL && answer.status == 400 && relisted++ == 0) {
			collection->stoken[0] = '\0';
			collection->count = 0;
			is_good = true;
			dom_buffer_free(&answer.body);
			continue;
		}
		/* It was left or erased since it was listed. */
		if (answer.status == 404 && collection != NULL) {
			drop(phone, dom_slice_of(uid));
			dom_buffer_free(&answer.body);
			dom_arena_free(&arena);
			return true;
		}
		for (size_t i = 0; is_good && i < list.count; i++) {
			keep_entry(collection, &list.items[i]);
			note_read(phone, collection, &list.items[i], began);
		}
		if (is_good && list.stoken.size != 0)
			keep_token(collection->stoken, list.stoken);
		is_end = is_good && list.done;
		dom_buffer_free(&answer.body);
	}
	if (is_end && find(phone, dom_slice_of(uid)) != NULL)
		check_mirror(phone, find(phone, dom_slice_of(uid)));
	dom_arena_free(&arena);
	return is_end;
}

static bool
take_collections(struct phone *phone, const struct wire_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct wire_collection *wire = &list->collections[i];
		struct phone_collection *collection = keep(phone, wire->item.uid);

		if (collection == NULL)
			continue;
		collection->access_level = wire->access_level;
		keep_token(collection->seen, wire->stoken);
	}
	for (size_t i = 0; i < list->removed_count; i++)
		drop(phone, list->removed[i]);
	if (list->stoken.size != 0)
		keep_token(phone->stoken, list->stoken);
	return list->done;
}

bool
stock_sync(struct phone *phone)
{
	struct dom_arena *arena = dom_arena_new(0);
	char uids[PHONE_COLLECTIONS_MAX][ORACLE_UID_SIZE];
	bool is_end = false, is_good = true;
	unsigned relisted = 0;
	size_t count = 0;

	while (is_good && !is_end) {
		struct answer answer;
		struct wire_list list;

		phone_insist(phone, &answer, "GET", NULL, "/api/v1/collection/?limit=%u%s%s",
		    1 + (unsigned)sim_random_below(&phone->random, 6),
		    phone->stoken[0] == '\0' ? "" : "&stoken=", phone->stoken);
		dom_arena_reset(arena);
		is_good =
		    is_done(&answer) && wire_list_decode(dom_buffer_slice(&answer.body),
		                            WIRE_LIST_COLLECTIONS, arena, &list) == DOM_OK;
		if (answer.status == 400 && relisted++ == 0) {
			stock_forget(phone);
			is_good = true;
		} else if (is_good) {
			is_end = take_collections(phone, &list);
		}
		dom_buffer_free(&answer.body);
	}
	for (size_t i = 0; i < phone->collection_count; i++)
		if (strcmp(phone->collections[i].seen, phone->collections[i].stoken) != 0)
			memcpy(uids[count++], phone->collections[i].uid, ORACLE_UID_SIZE);
	for (size_t i = 0; i < count && is_good; i++)
		is_good = sync_items(phone, uids[i]);
	dom_arena_free(&arena);
	return is_end && is_good;
}

static bool
list(struct phone *phone)
{
	struct phone_collection *collection = stock_pick(phone, false);
	char uid[ORACLE_UID_SIZE];

	if (collection == NULL)
		return false;
	memcpy(uid, collection->uid, sizeof(uid));
	collection->stoken[0] = '\0';
	collection->count = 0;
	collection->overflowed = false;
	return sync_items(phone, uid);
}

static bool
read_item(struct phone *phone)
{
	struct phone_collection *collection = stock_pick(phone, false);
	struct dom_arena *arena = dom_arena_new(0);
	struct phone_collection of;
	struct wire_item item;
	struct answer answer;
	int64_t began;
	bool is_good;

	if (collection == NULL || collection->count == 0) {
		dom_arena_free(&arena);
		return false;
	}
	memcpy(of.uid, collection->uid, sizeof(of.uid));
	began = world_moment(phone->world);
	phone_insist(phone, &answer, "GET", NULL, "/api/v1/collection/%s/item/%s/", of.uid,
	    collection->entries[sim_random_below(&phone->random, collection->count)].item);
	is_good = is_done(&answer) &&
	          wire_item_decode(dom_buffer_slice(&answer.body), arena, &item) == DOM_OK;
	if (is_good)
		note_read(phone, &of, &item, began);
	for (size_t i = 0; is_good && i < item.content.chunk_count; i++)
		if (item.content.chunks[i].content.data != NULL)
			phone_check_chunk(phone->world, item.content.chunks[i].uid,
			    item.content.chunks[i].content);
	dom_buffer_free(&answer.body);
	dom_arena_free(&arena);
	return is_good;
}

/* --- writing --------------------------------------------------------------------------------
 */

struct draft {
	struct wire_item items[ITEMS_MAX];
	struct wire_chunk chunks[ITEMS_MAX][CHUNKS_MAX];
	char uids[ITEMS_MAX][ORACLE_UID_SIZE], revisions[ITEMS_MAX][ORACLE_UID_SIZE];
	char etags[ITEMS_MAX][ORACLE_UID_SIZE];
	char chunk_uids[ITEMS_MAX][CHUNKS_MAX][ORACLE_UID_SIZE];
	uint8_t metas[ITEMS_MAX][64], contents[ITEMS_MAX][CHUNKS_MAX][CHUNK_SIZE_MAX];
	size_t count;
};

static void
fill_chunk(struct phone *phone, struct draft *draft, size_t item, size_t at)
{
	struct wire_chunk *chunk = &draft->chunks[item][at];
	size_t size = 1 + sim_random_below(&phone->random, CHUNK_SIZE_MAX);
	uint8_t digest[DOM_SHA256_SIZE];
	char text[DOM_BASE64_SIZE(DOM_SHA256_SIZE) + 1];

	sim_random_fill(&phone->random, draft->contents[item][at], size);
	chunk->content = dom_slice(draft->contents[item][at], size);
	if (dom_sha256(chunk->content, digest) != DOM_OK)
		abort();
	dom_base64_encode(dom_slice(digest, sizeof(digest)), text);
	snprintf(draft->chunk_uids[item][at], ORACLE_UID_SIZE, "stock-%.37s", text);
	chunk->uid = dom_slice_of(draft->chunk_uids[item][at]);
}

/* Accounts stay small where moves are all that counts: what is written is copied each time. */
static unsigned
at_most(const struct phone *phone, unsigned most)
{
	return phone->world->plan->shuttles ? 1 : most;
}

static void
fill_item(struct phone *phone, struct draft *draft, const struct phone_entry *known)
{
	size_t at = draft->count++;
	struct wire_item *item = &draft->items[at];
	size_t meta_size = 20 + sim_random_below(&phone->random, 44);

	if (known == NULL)
		stock_uid(phone, draft->uids[at], 32);
	else
		memcpy(draft->uids[at], known->item, ORACLE_UID_SIZE);
	if (known != NULL)
		memcpy(draft->etags[at], known->revision, ORACLE_UID_SIZE);
	stock_uid(phone, draft->revisions[at], 22);
	sim_random_fill(&phone->random, draft->metas[at], meta_size);
	item->uid = dom_slice_of(draft->uids[at]);
	item->version = 1;
	item->content.uid = dom_slice_of(draft->revisions[at]);
	item->content.meta = dom_slice(draft->metas[at], meta_size);
	item->content.chunks = draft->chunks[at];
	item->content.chunk_count =
	    sim_random_below(&phone->random, at_most(phone, CHUNKS_MAX) + 1);
	for (size_t i = 0; i < item->content.chunk_count; i++)
		fill_chunk(phone, draft, at, i);
}

/* Often the newest: so that phones meet. */
static const struct phone_entry *
pick_entry(struct phone *phone, const struct phone_collection *collection)
{
	size_t count = collection->count;

	if (count == 0)
		return NULL;
	if (sim_random_one_in(&phone->random, 2))
		return &collection
		            ->entries[sim_random_below(&phone->random, count < 3 ? count : 3)];
	return &collection->entries[sim_random_below(&phone->random, count)];
}

static bool
is_drafted(const struct draft *draft, const struct phone_entry *entry)
{
	for (size_t i = 0; i < draft->count; i++)
		if (strcmp(draft->uids[i], entry->item) == 0)
			return true;
	return false;
}

static bool
send_draft(struct phone *phone, const char *uid, struct draft *draft, bool is_transaction,
    const char *stoken)
{
	struct dom_buffer body = {0};
	struct answer answer;
	bool was_done;

	wire_batch_encode(
	    &body, &(struct wire_batch){.items = draft->items, .item_count = draft->count});
	phone_insist(phone, &answer, "POST", &body, "/api/v1/collection/%s/item/%s/%s%s", uid,
	    is_transaction ? "transaction" : "batch",
	    stoken[0] == '\0' ? "" : "?stoken=", stoken);
	was_done = is_done(&answer);
	if (!was_done && answer.status == 409)
		(void)sync_items(phone, uid);
	dom_buffer_free(&answer.body);
	dom_buffer_free(&body);
	return was_done;
}

static bool
write_items(struct phone *phone, bool is_transaction, bool is_deletion)
{
	struct phone_collection *collection = stock_pick(phone, true);
	struct draft *draft = calloc(1, sizeof(*draft));
	size_t wanted = 1 + sim_random_below(&phone->random, at_most(phone, ITEMS_MAX));
	char uid[ORACLE_UID_SIZE], stoken[PHONE_TOKEN_SIZE] = "";
	bool was_done = false;

	if (draft == NULL)
		abort();
	for (size_t i = 0; collection != NULL && i < wanted; i++) {
		const struct phone_entry *entry =
		    is_deletion || sim_random_one_in(&phone->random, 2)
		        ? pick_entry(phone, collection)
		        : NULL;

		if (entry != NULL && (is_drafted(draft, entry) || entry->is_deleted ||
		                         strcmp(entry->item, collection->uid) == 0))
			continue;
		if (entry == NULL && is_deletion)
			continue;
		fill_item(phone, draft, entry);
		if (is_transaction && entry != NULL)
			draft->items[draft->count - 1].etag =
			    dom_slice_of(draft->etags[draft->count - 1]);
		if (is_deletion) {
			draft->items[draft->count - 1].content.deleted = true;
			draft->items[draft->count - 1].content.chunk_count = 0;
		}
	}
	if (draft->count != 0) {
		memcpy(uid, collection->uid, sizeof(uid));
		if (is_transaction && sim_random_one_in(&phone->random, 3))
			memcpy(stoken, collection->stoken, sizeof(stoken));
		was_done = send_draft(phone, uid, draft, is_transaction, stoken);
	}
	free(draft);
	return was_done;
}

/* A large chunk goes ahead of the revision that names it. */
static bool
write_chunk(struct phone *phone)
{
	struct phone_collection *collection = stock_pick(phone, true);
	struct draft *draft = calloc(1, sizeof(*draft));
	struct dom_buffer body = {0};
	char uid[ORACLE_UID_SIZE];
	struct answer answer;
	bool was_done = false;

	if (draft == NULL)
		abort();
	if (collection != NULL) {
		memcpy(uid, collection->uid, sizeof(uid));
		fill_item(phone, draft, NULL);
		draft->items[0].content.chunk_count = 1;
		fill_chunk(phone, draft, 0, 0);
		dom_buffer_append_slice(&body, draft->chunks[0][0].content);
		phone_insist(phone, &answer, "PUT", &body,
		    "/api/v1/collection/%s/item/%s/chunk/%s/", uid, draft->uids[0],
		    draft->chunk_uids[0][0]);
		draft->chunks[0][0].content = dom_slice(NULL, 0);
		if (is_done(&answer) || answer.status == 409)
			was_done = send_draft(phone, uid, draft, false, "");
		dom_buffer_free(&answer.body);
	}
	dom_buffer_free(&body);
	free(draft);
	return was_done;
}

static bool
create(struct phone *phone)
{
	static const char *const types[] = {"sim.contacts", "sim.calendar", "sim.messages"};
	struct draft *draft = calloc(1, sizeof(*draft));
	struct dom_buffer body = {0}, type = {0};
	struct wire_collection wire = {.collection_key = dom_slice_of("an opaque key")};
	struct answer answer;
	bool was_done;

	if (draft == NULL)
		abort();
	fill_item(phone, draft, NULL);
	if (dom_collection_type_seal(phone->person->key,
	        dom_slice_of(types[sim_random_below(&phone->random, 3)]), &type) != DOM_OK)
		abort();
	wire.item = draft->items[0];
	wire.collection_type = dom_buffer_slice(&type);
	wire_collection_encode(&body, &wire, false);
	phone_insist(phone, &answer, "POST", &body, "/api/v1/collection/");
	was_done = is_done(&answer);
	if (was_done) {
		struct phone_collection *collection = keep(phone, wire.item.uid);

		if (collection != NULL)
			collection->access_level = WIRE_ACCESS_ADMIN;
	}
	dom_buffer_free(&answer.body);
	dom_buffer_free(&type);
	dom_buffer_free(&body);
	free(draft);
	return was_done;
}

/* Something of anybody's, whether this account may see it or not: the oracle judges. */
static bool
snoop(struct phone *phone)
{
	const struct oracle *oracle = phone->world->oracle;
	static const char *const what[] = {"", "item/", "member/"};
	struct answer answer;
	char uid[ORACLE_UID_SIZE];

	if (oracle->collection_count == 0)
		return false;
	memcpy(uid,
	    oracle->collections[sim_random_below(&phone->random, oracle->collection_count)].uid,
	    sizeof(uid));
	phone_ask(phone, &answer, "GET", NULL, "/api/v1/collection/%s/%s", uid,
	    what[sim_random_below(&phone->random, 3)]);
	dom_buffer_free(&answer.body);
	return true;
}

bool
stock_act(struct phone *phone, enum action_kind action)
{
	if (!phone->person->is_signed_up) {
		if (!stock_sign_up(phone))
			return false;
	} else if (phone->token[0] == '\0' && !stock_log_in(phone)) {
		return false;
	}
	switch (action) {
	case ACTION_WRITE:
		if (phone->collection_count == 0 && !create(phone))
			return false;
		return write_items(phone, false, false);
	case ACTION_TRANSACTION:
		return write_items(phone, true, false);
	case ACTION_DELETE:
		return write_items(phone, false, true);
	case ACTION_CHUNK:
		return write_chunk(phone);
	case ACTION_READ:
		return read_item(phone);
	case ACTION_LIST:
		return list(phone);
	case ACTION_SYNC:
		return stock_sync(phone);
	case ACTION_CREATE:
		return create(phone);
	case ACTION_SNOOP:
		return snoop(phone);
	case ACTION_SHARE:
	case ACTION_ANSWER:
	case ACTION_UNSHARE:
		return stock_share_act(phone, action);
	default:
		return stock_account_act(phone, action);
	}
}
