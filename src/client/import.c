/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bringing records in: which slot, what was read, what became of it. */
#include <stdlib.h>

#include "crypto/digest.h"

#include "client/slots.h"
#include "client/upload.h"

struct dom_import {
	struct dom_session *session;
	struct dom_collection *collection;
	struct dom_upload *upload;
	struct dom_slots slots;
	struct dom_slot slot;
	struct dom_sha256 *sha;
	struct dom_buffer small; /* content of the record at work */
	struct dom_import_counts counts;
	enum dom_status failed;

	/* of the record at work */
	const struct dom_record *record;
	uint64_t size;
	bool is_large;
	bool changed;          /* it is not what it was said to be */
	enum dom_status taken; /* what take() answered last */
};

enum dom_status
dom_import_begin(struct dom_collection *collection, struct dom_import **import_r)
{
	struct dom_import *import = calloc(1, sizeof(*import));
	enum dom_status st;

	*import_r = NULL;
	if (import == NULL || (import->sha = dom_sha256_new()) == NULL) {
		free(import);
		return dom_session_fail(
		    collection->session, DOM_ENOMEM, "There is not enough memory");
	}
	import->session = collection->session;
	import->collection = collection;
	dom_slots_start(&import->slots, collection);
	if ((st = dom_upload_open(collection, &import->upload)) < 0) {
		dom_import_free(&import);
		return st;
	}
	*import_r = import;
	return DOM_OK;
}

void
dom_import_free(struct dom_import **import)
{
	struct dom_import *old = *import;

	if (old == NULL)
		return;
	*import = NULL;
	dom_upload_close(&old->upload);
	dom_slots_free(&old->slots);
	dom_buffer_free(&old->slot.extra);
	dom_buffer_free(&old->small);
	dom_sha256_free(&old->sha);
	free(old);
}

static enum dom_status
take_bytes(struct dom_import *import, struct dom_slice bytes)
{
	import->size += bytes.size;
	if (import->size > import->record->size) {
		import->changed = true;
		return DOM_EINTEGRITY;
	}
	dom_sha256_add(import->sha, bytes);
	if (import->is_large)
		return dom_upload_feed(import->upload, bytes);
	dom_buffer_append_slice(&import->small, bytes);
	if (dom_buffer_finish(&import->small) < 0)
		return dom_session_fail(
		    import->session, DOM_ENOMEM, "There is not enough memory");
	return DOM_OK;
}

static enum dom_status
take(void *context, struct dom_slice bytes)
{
	struct dom_import *import = context;

	return import->taken = take_bytes(import, bytes);
}

/* Read and upload the record into its slot. */
static enum dom_status
send_record(struct dom_import *import, const struct dom_record *record)
{
	struct dom_slot *slot = &import->slot;
	struct dom_upload_options options = {
	    .uid = dom_slice_of(slot->uid),
	    .name = dom_slice_of(record->name),
	    .source = dom_slice_of(record->source),
	    .order = record->order,
	    .size = record->size,
	    .mtime_ms = record->mtime_ms,
	    .fingerprint = dom_slice_of(slot->fingerprint),
	    .is_revision = slot->outcome == DOM_RECORD_CHANGED && slot->chunks > 1,
	};
	uint8_t digest[DOM_SHA256_SIZE];
	enum dom_status st, ended;

	memcpy(options.digest, record->digest, sizeof(options.digest));
	if (slot->extra.size > 0)
		options.extra = dom_buffer_slice(&slot->extra);
	import->record = record;
	import->size = 0;
	import->changed = false;
	import->taken = DOM_OK;
	import->is_large = record->size > DOM_INLINE_SIZE_MAX;
	dom_buffer_clear(&import->small);
	if (import->is_large && (st = dom_upload_begin(import->upload, &options)) < 0)
		return st;
	st = record->read(record->context, take, import);
	if (st == DOM_EINTEGRITY && import->taken == DOM_OK)
		import->changed = true; /* the reader saw it first */
	else if (st < 0 && import->taken == DOM_OK)
		dom_session_fail(import->session, st, "%s", dom_status_text(st));
	ended = dom_sha256_finish(import->sha, digest);
	if (st >= 0 && ended < 0)
		st = ended;
	if (st >= 0 && (import->size != record->size ||
	                   memcmp(digest, record->digest, sizeof(digest)) != 0)) {
		import->changed = true;
		st = DOM_EINTEGRITY;
	}
	if (st < 0) {
		dom_upload_abandon(import->upload);
		return st;
	}
	return import->is_large ? dom_upload_end(import->upload)
	                        : dom_upload_small(import->upload, &options,
	                              dom_buffer_slice(&import->small));
}

enum dom_status
dom_import_put(struct dom_import *import, const struct dom_record *record,
    enum dom_record_outcome *outcome_r)
{
	enum dom_status st;

	if (import->failed < 0)
		return import->failed;
	st = dom_slots_choose(&import->slots, record, &import->slot);
	if (st == DOM_ENOMEM)
		dom_session_fail(import->session, st, "There is not enough memory");
	if (st < 0)
		return import->failed = st;
	*outcome_r = import->slot.outcome;
	if (import->slot.outcome == DOM_RECORD_NEW ||
	    import->slot.outcome == DOM_RECORD_CHANGED) {
		if ((st = send_record(import, record)) < 0) {
			if (import->changed)
				return dom_session_fail(import->session, DOM_EINTEGRITY,
				    "This changed while it was read, so it was not stored; the "
				    "next "
				    "backup takes it");
			/* Its own trouble, not the import's: the others go on. */
			if (st == DOM_EFILE && import->taken == DOM_OK)
				return st;
			return import->failed = st;
		}
	}
	if (import->slot.outcome != DOM_RECORD_DUPLICATE &&
	    (st = dom_slots_use(&import->slots, &import->slot)) < 0)
		return import->failed =
		           dom_session_fail(import->session, st, "There is not enough memory");
	import->counts.records[import->slot.outcome]++;
	return DOM_OK;
}

void
dom_import_counts(const struct dom_import *import, struct dom_import_counts *counts_r)
{
	*counts_r = import->counts;
	dom_upload_counts(import->upload, &counts_r->stored, &counts_r->stored_bytes);
}

enum dom_status
dom_import_finish(struct dom_import *import, struct dom_import_counts *counts_r)
{
	enum dom_status st = dom_upload_finish(import->upload);

	dom_import_counts(import, counts_r);
	return import->failed < 0 ? import->failed : st;
}
