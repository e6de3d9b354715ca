/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rows of collections as records. */
#include "services/root/root.h"
#include "store/erase.h"
#include "store/scan.h"

static struct wire_record
revision_record(
    struct dom_slice collection_uid, struct dom_slice item_uid, const struct store_revision *it)
{
	return (struct wire_record){.type = WIRE_RECORD_REVISION,
	    .of.revision = {.collection_uid = collection_uid,
	        .item_uid = item_uid,
	        .uid = it->uid,
	        .clock = it->clock,
	        .deleted = it->deleted,
	        .meta = it->meta,
	        .chunks = it->chunks,
	        .chunk_count = it->chunk_count}};
}

struct wire_record
root_item_record(struct dom_slice collection_uid, const struct store_item *item)
{
	struct wire_record record = revision_record(collection_uid, item->uid, &item->current);

	record.of.revision.version = (uint8_t)item->version;
	record.of.revision.encryption_key = item->encryption_key;
	record.of.revision.is_current = true;
	return record;
}

struct wire_record
root_history_record(struct dom_slice collection_uid, const struct store_history *row)
{
	struct wire_record record =
	    revision_record(collection_uid, row->item_uid, &row->revision);

	record.of.revision.version = (uint8_t)row->version;
	record.of.revision.encryption_key = row->encryption_key;
	record.of.revision.replaced_ms = row->replaced_ms;
	return record;
}

enum dom_status
root_collection_record(struct store_txn *txn, const struct store_owned *owned,
    struct dom_arena *arena, struct wire_record *record_r)
{
	const struct store_collection *collection = &owned->collection;
	struct store_member member;
	enum dom_status st;

	*record_r = (struct wire_record){.type = WIRE_RECORD_COLLECTION,
	    .of.collection = {.uid = collection->uid,
	        .items_clock = collection->items_clock,
	        .members_clock = collection->members_clock,
	        .abandoned_ms = owned->abandoned ? owned->abandoned_ms : 0}};
	st = store_member_find(txn, collection->number, collection->owner, arena, &member);
	if (st == DOM_ABSENT)
		return DOM_OK;
	if (st != DOM_OK)
		return st;
	record_r->of.collection.is_member = true;
	record_r->of.collection.member_clock = member.clock;
	record_r->of.collection.access_level = (uint8_t)member.access_level;
	record_r->of.collection.collection_key = member.collection_key;
	record_r->of.collection.collection_type = member.collection_type;
	return DOM_OK;
}
