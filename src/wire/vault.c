/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Collections, items, revisions and chunks.  Source: etebase-protocol 4.0, 4.3, 4.4. */
#include "wire/decode.h"

enum {
	COLLECTION_KEY_SIZE_MAX = 1024,
	ENCRYPTION_KEY_SIZE_MAX = 1024,
	STOKEN_SIZE_MAX = 16 << 10, /* any server's */
	ETAG_SIZE_MAX = 64,
	TYPES_MAX = 1000,
	/* Bytes that the shortest one takes, so that a count cannot promise more. */
	CHUNK_BYTES_MIN = 22,
	ITEM_BYTES_MIN = 60,
	DEP_BYTES_MIN = 25,
};

/* --- decoding ---------------------------------------------------------------- */

/* [uid], [uid, nil] or [uid, content] */
static void
read_chunk(struct wire_decoder *decoder, void *element)
{
	struct wire_chunk *chunk = element;
	size_t count = 0;

	if (dom_pack_peek(&decoder->in) == DOM_PACK_ARRAY)
		count = dom_pack_array(&decoder->in);
	if (count != 1 && count != 2) {
		wire_decoder_fail(
		    decoder, DOM_EINPUT, "must be an array of a chunk's uid and its content");
		return;
	}
	chunk->uid = wire_take_uid(decoder);
	if (count == 2 && !dom_pack_nil(&decoder->in))
		chunk->content = wire_take_bytes(decoder, 0, UINT32_MAX);
}

static void
read_chunks(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_revision *revision = target;

	size_t count_max = WIRE_REVISION_CHUNKS_MAX;

	(void)field;
	if (decoder->chunk_count_max != 0)
		count_max = decoder->chunk_count_max - decoder->chunk_count;
	revision->chunks = wire_read_array(decoder, sizeof(*revision->chunks), CHUNK_BYTES_MIN,
	    count_max, read_chunk, &revision->chunk_count);
	decoder->chunk_count += revision->chunk_count;
}

static void
take_revision(struct wire_decoder *decoder, void *target)
{
	static const struct wire_field fields[] = {
	    {"uid", wire_read_uid, offsetof(struct wire_revision, uid), 0, 0, false},
	    {"meta", wire_read_bytes, offsetof(struct wire_revision, meta), 0,
	        WIRE_META_SIZE_MAX, false},
	    {"deleted", wire_read_bool, offsetof(struct wire_revision, deleted), 0, 0, false},
	    {"chunks", read_chunks, 0, 0, 0, false},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), target);
}

static void
read_revision(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	(void)field;
	take_revision(decoder, target);
}

static void
take_item(struct wire_decoder *decoder, void *target)
{
	static const struct wire_field fields[] = {
	    {"uid", wire_read_uid, offsetof(struct wire_item, uid), 0, 0, false},
	    {"version", wire_read_int, offsetof(struct wire_item, version), 0, UINT8_MAX,
	        false},
	    {"encryptionKey", wire_read_bytes, offsetof(struct wire_item, encryption_key), 0,
	        ENCRYPTION_KEY_SIZE_MAX, true},
	    {"etag", wire_read_text, offsetof(struct wire_item, etag), 0, ETAG_SIZE_MAX, true},
	    {"content", read_revision, offsetof(struct wire_item, content), 0, 0, false},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), target);
}

static void
read_item(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	(void)field;
	take_item(decoder, target);
}

static void
take_collection(struct wire_decoder *decoder, void *target)
{
	static const struct wire_field fields[] = {
	    {"item", read_item, offsetof(struct wire_collection, item), 0, 0, false},
	    {"collectionType", wire_read_bytes,
	        offsetof(struct wire_collection, collection_type), 0, WIRE_TYPE_SIZE_MAX, true},
	    {"collectionKey", wire_read_bytes, offsetof(struct wire_collection, collection_key),
	        0, COLLECTION_KEY_SIZE_MAX, false},
	    {"accessLevel", wire_read_int, offsetof(struct wire_collection, access_level), 0,
	        WIRE_ACCESS_READ_WRITE, true},
	    {"stoken", wire_read_text, offsetof(struct wire_collection, stoken), 0,
	        STOKEN_SIZE_MAX, true},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), target);
}

enum dom_status
wire_collection_decode(struct dom_slice body, struct dom_arena *arena,
    struct wire_collection *collection_r, struct wire_reject *reject_r)
{
	struct wire_decoder decoder = wire_decoder_over(body, arena, reject_r);

	*collection_r = (struct wire_collection){0};
	take_collection(&decoder, collection_r);
	return wire_decoder_finish(&decoder);
}

enum dom_status
wire_item_decode(struct dom_slice body, struct dom_arena *arena, struct wire_item *item_r)
{
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);

	*item_r = (struct wire_item){0};
	take_item(&decoder, item_r);
	return wire_decoder_finish(&decoder);
}

struct types {
	struct dom_slice *types;
	size_t count;
};

static void
take_type(struct wire_decoder *decoder, void *element)
{
	*(struct dom_slice *)element = wire_take_bytes(decoder, 0, WIRE_TYPE_SIZE_MAX);
}

static void
read_types(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct types *types = target;

	(void)field;
	types->types = wire_read_array(
	    decoder, sizeof(*types->types), 1, TYPES_MAX, take_type, &types->count);
}

enum dom_status
wire_types_decode(struct dom_slice body, struct dom_arena *arena, struct dom_slice **types_r,
    size_t *count_r, struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {
	    {"collectionTypes", read_types, 0, 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, reject_r);
	struct types types = {0};

	wire_read_map(&decoder, fields, WIRE_COUNT(fields), &types);
	*types_r = types.types;
	*count_r = types.count;
	return wire_decoder_finish(&decoder);
}

static void
take_dep(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"uid", wire_read_uid, offsetof(struct wire_dep, uid), 0, 0, false},
	    {"etag", wire_read_text, offsetof(struct wire_dep, etag), 0, ETAG_SIZE_MAX, false},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

static void
read_deps(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_batch *batch = target;

	(void)field;
	batch->deps = wire_read_array(decoder, sizeof(*batch->deps), DEP_BYTES_MIN,
	    WIRE_BATCH_ITEMS_MAX, take_dep, &batch->dep_count);
}

static void
read_batch_items(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_batch *batch = target;

	(void)field;
	batch->items = wire_read_array(decoder, sizeof(*batch->items), ITEM_BYTES_MIN,
	    WIRE_BATCH_ITEMS_MAX, take_item, &batch->item_count);
}

enum dom_status
wire_batch_decode(struct dom_slice body, struct dom_arena *arena, struct wire_batch *batch_r,
    struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {
	    {"items", read_batch_items, 0, 0, 0, false},
	    {"deps", read_deps, 0, 0, 0, true},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, reject_r);

	/* Each is looked up by the writer, whom everybody waits for. */
	decoder.chunk_count_max = WIRE_REVISION_CHUNKS_MAX;
	*batch_r = (struct wire_batch){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), batch_r);
	return wire_decoder_finish(&decoder);
}

static void
take_update(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"uid", wire_read_uid, offsetof(struct wire_dep, uid), 0, 0, false},
	    {"etag", wire_read_text, offsetof(struct wire_dep, etag), 0, ETAG_SIZE_MAX, true},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

enum dom_status
wire_updates_decode(struct dom_slice body, struct dom_arena *arena, struct wire_dep **entries_r,
    size_t *count_r, struct wire_reject *reject_r)
{
	struct wire_decoder decoder = wire_decoder_over(body, arena, reject_r);

	*entries_r = wire_read_array(&decoder, sizeof(**entries_r), DEP_BYTES_MIN,
	    WIRE_FETCH_UPDATES_MAX, take_update, count_r);
	return wire_decoder_finish(&decoder);
}

static void
take_removed(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"uid", wire_read_uid, 0, 0, 0, false},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

static void
read_removed(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_list *list = target;

	(void)field;
	list->removed = wire_read_array(decoder, sizeof(*list->removed), DEP_BYTES_MIN,
	    SIZE_MAX / DEP_BYTES_MIN, take_removed, &list->removed_count);
}

static void
read_collections(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_list *list = target;

	(void)field;
	list->collections = wire_read_array(decoder, sizeof(*list->collections), ITEM_BYTES_MIN,
	    SIZE_MAX / ITEM_BYTES_MIN, take_collection, &list->count);
}

static void
read_items(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_list *list = target;

	(void)field;
	list->items = wire_read_array(decoder, sizeof(*list->items), ITEM_BYTES_MIN,
	    SIZE_MAX / ITEM_BYTES_MIN, take_item, &list->count);
}

static void
read_revisions(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_list *list = target;

	(void)field;
	list->revisions = wire_read_array(decoder, sizeof(*list->revisions), DEP_BYTES_MIN,
	    SIZE_MAX / DEP_BYTES_MIN, take_revision, &list->count);
}

enum dom_status
wire_list_decode(struct dom_slice body, enum wire_list_kind kind, struct dom_arena *arena,
    struct wire_list *list_r)
{
	struct wire_field fields[] = {
	    {"data", read_items, 0, 0, 0, false},
	    {"stoken", wire_read_text, offsetof(struct wire_list, stoken), 0, STOKEN_SIZE_MAX,
	        true},
	    {"done", wire_read_bool, offsetof(struct wire_list, done), 0, 0, false},
	    {"removedMemberships", read_removed, 0, 0, 0, true},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);

	if (kind == WIRE_LIST_COLLECTIONS)
		fields[0].read = read_collections;
	if (kind == WIRE_LIST_REVISIONS) {
		fields[0].read = read_revisions;
		fields[1].name = "iterator";
	}
	*list_r = (struct wire_list){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), list_r);
	return wire_decoder_finish(&decoder);
}

/* --- encoding ---------------------------------------------------------------- */

static void
put_bin_or_nil(struct dom_buffer *body, struct dom_slice bytes)
{
	if (bytes.data == NULL)
		dom_pack_put_nil(body);
	else
		dom_pack_put_bin(body, bytes);
}

static void
put_str_or_nil(struct dom_buffer *body, struct dom_slice text)
{
	if (text.data == NULL)
		dom_pack_put_nil(body);
	else
		dom_pack_put_str(body, text);
}

void
wire_revision_begin(
    struct dom_buffer *body, const struct wire_revision *revision, size_t chunk_count)
{
	dom_pack_put_map(body, 4);
	dom_pack_put_text(body, "uid");
	dom_pack_put_str(body, revision->uid);
	dom_pack_put_text(body, "meta");
	dom_pack_put_bin(body, revision->meta);
	dom_pack_put_text(body, "deleted");
	dom_pack_put_bool(body, revision->deleted);
	dom_pack_put_text(body, "chunks");
	dom_pack_put_array(body, chunk_count);
}

void
wire_chunk_encode(struct dom_buffer *body, const struct wire_chunk *chunk)
{
	dom_pack_put_array(body, 2);
	dom_pack_put_str(body, chunk->uid);
	put_bin_or_nil(body, chunk->content);
}

static void
put_chunks(struct dom_buffer *body, const struct wire_revision *revision)
{
	for (size_t i = 0; i < revision->chunk_count; i++)
		wire_chunk_encode(body, &revision->chunks[i]);
}

void
wire_revision_encode(struct dom_buffer *body, const struct wire_revision *revision)
{
	wire_revision_begin(body, revision, revision->chunk_count);
	put_chunks(body, revision);
}

void
wire_item_begin(
    struct dom_buffer *body, const struct wire_item *item, bool is_reply, size_t chunk_count)
{
	bool has_key = is_reply || item->encryption_key.data != NULL;

	dom_pack_put_map(body, 3 + (has_key ? 1 : 0) + (is_reply ? 0 : 1));
	dom_pack_put_text(body, "uid");
	dom_pack_put_str(body, item->uid);
	dom_pack_put_text(body, "version");
	dom_pack_put_int(body, item->version);
	if (has_key) {
		dom_pack_put_text(body, "encryptionKey");
		put_bin_or_nil(body, item->encryption_key);
	}
	if (!is_reply) {
		dom_pack_put_text(body, "etag");
		put_str_or_nil(body, item->etag);
	}
	dom_pack_put_text(body, "content");
	wire_revision_begin(body, &item->content, chunk_count);
}

void
wire_item_encode(struct dom_buffer *body, const struct wire_item *item, bool is_reply)
{
	wire_item_begin(body, item, is_reply, item->content.chunk_count);
	put_chunks(body, &item->content);
}

static void
put_collection_keys(struct dom_buffer *body, const struct wire_collection *collection)
{
	dom_pack_put_text(body, "collectionType");
	put_bin_or_nil(body, collection->collection_type);
	dom_pack_put_text(body, "collectionKey");
	dom_pack_put_bin(body, collection->collection_key);
}

void
wire_collection_begin(
    struct dom_buffer *body, const struct wire_collection *collection, size_t chunk_count)
{
	dom_pack_put_map(body, 5);
	put_collection_keys(body, collection);
	dom_pack_put_text(body, "accessLevel");
	dom_pack_put_int(body, collection->access_level);
	dom_pack_put_text(body, "stoken");
	put_str_or_nil(body, collection->stoken);
	dom_pack_put_text(body, "item");
	wire_item_begin(body, &collection->item, true, chunk_count);
}

void
wire_collection_encode(
    struct dom_buffer *body, const struct wire_collection *collection, bool is_reply)
{
	if (is_reply) {
		wire_collection_begin(body, collection, collection->item.content.chunk_count);
		put_chunks(body, &collection->item.content);
		return;
	}
	dom_pack_put_map(body, 3);
	dom_pack_put_text(body, "item");
	wire_item_encode(body, &collection->item, false);
	put_collection_keys(body, collection);
}

void
wire_types_encode(struct dom_buffer *body, const struct dom_slice *types, size_t count)
{
	dom_pack_put_map(body, 1);
	dom_pack_put_text(body, "collectionTypes");
	dom_pack_put_array(body, count);
	for (size_t i = 0; i < count; i++)
		dom_pack_put_bin(body, types[i]);
}

/* The etag's key is left out when there is none. */
static void
put_dep(struct dom_buffer *body, const struct wire_dep *dep)
{
	dom_pack_put_map(body, dep->etag.data == NULL ? 1 : 2);
	dom_pack_put_text(body, "uid");
	dom_pack_put_str(body, dep->uid);
	if (dep->etag.data != NULL) {
		dom_pack_put_text(body, "etag");
		dom_pack_put_str(body, dep->etag);
	}
}

void
wire_deps_encode(struct dom_buffer *body, const struct wire_dep *deps, size_t count)
{
	dom_pack_put_text(body, "deps");
	dom_pack_put_array(body, count);
	for (size_t i = 0; i < count; i++)
		put_dep(body, &deps[i]);
}

void
wire_batch_encode(struct dom_buffer *body, const struct wire_batch *batch)
{
	dom_pack_put_map(body, batch->dep_count == 0 ? 1 : 2);
	dom_pack_put_text(body, "items");
	dom_pack_put_array(body, batch->item_count);
	for (size_t i = 0; i < batch->item_count; i++)
		wire_item_encode(body, &batch->items[i], false);
	if (batch->dep_count != 0)
		wire_deps_encode(body, batch->deps, batch->dep_count);
}

void
wire_updates_encode(struct dom_buffer *body, const struct wire_dep *entries, size_t count)
{
	dom_pack_put_array(body, count);
	for (size_t i = 0; i < count; i++)
		put_dep(body, &entries[i]);
}

void
wire_list_begin(struct dom_buffer *body, size_t count, const struct wire_list_end *end)
{
	dom_pack_put_map(body, end->removed_count == 0 ? 3 : 4);
	dom_pack_put_text(body, "data");
	dom_pack_put_array(body, count);
}

void
wire_list_finish(struct dom_buffer *body, const struct wire_list_end *end)
{
	dom_pack_put_text(body, end->is_iterator ? "iterator" : "stoken");
	put_str_or_nil(body, end->stoken);
	dom_pack_put_text(body, "done");
	dom_pack_put_bool(body, end->done);
	if (end->removed_count == 0)
		return;
	dom_pack_put_text(body, "removedMemberships");
	dom_pack_put_array(body, end->removed_count);
	for (size_t i = 0; i < end->removed_count; i++) {
		dom_pack_put_map(body, 1);
		dom_pack_put_text(body, "uid");
		dom_pack_put_str(body, end->removed[i]);
	}
}
