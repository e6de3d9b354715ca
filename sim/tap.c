/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sim/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/etebase.h"

#include "sim/history.h"
#include "sim/oracle.h"
#include "sim/phone.h"

enum { SENT_MAX = 64 };

/* The revisions of one request. */
struct tapped {
	unsigned revisions[SENT_MAX];
	size_t count;
	int64_t began;       /* for the history checker */
	uint64_t restores;   /* of the region, by then */
	unsigned collection; /* that it creates, from 1; 0: none */
};

static void
note_revision(struct oracle *oracle, struct tapped *tapped, unsigned item,
    const struct wire_item *wire, bool is_transaction)
{
	struct o_revision *revision = oracle_revision(oracle, wire->content.uid);

	if (revision == NULL) {
		revision = oracle_add_revision(oracle, item, wire->content.uid);
		revision->sent_at = ++oracle->step;
		revision->meta_hash = oracle_hash(wire->content.meta);
		revision->is_deleted = wire->content.deleted;
		revision->is_transaction = is_transaction;
		revision->chunk_count = wire->content.chunk_count;
		snprintf(revision->etag, sizeof(revision->etag), "%.*s", (int)wire->etag.size,
		    (const char *)wire->etag.data);
	}
	if (revision->state == WRITE_REFUSED)
		revision->state = WRITE_UNKNOWN;
	revision->attempts++;
	if (tapped->count < SENT_MAX)
		tapped->revisions[tapped->count++] = (unsigned)(revision - oracle->revisions);
}

static void
note_batch(struct net_call *call, struct tapped *tapped, struct dom_slice collection_uid,
    bool is_transaction)
{
	struct oracle *oracle = call->world->oracle;
	struct o_collection *collection = oracle_collection(oracle, collection_uid);
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_batch batch;
	struct wire_reject reject;

	if (collection != NULL && wire_batch_decode(dom_buffer_slice(&call->body), arena,
	                              &batch, &reject) == DOM_OK) {
		unsigned index = (unsigned)(collection - oracle->collections);

		for (size_t i = 0; i < batch.item_count; i++) {
			struct o_item *item = oracle_item(oracle, index, batch.items[i].uid);

			note_revision(oracle, tapped, (unsigned)(item - oracle->items),
			    &batch.items[i], is_transaction);
		}
	}
	dom_arena_free(&arena);
}

static void
note_creation(struct net_call *call, struct tapped *tapped)
{
	struct oracle *oracle = call->world->oracle;
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_collection wire;
	struct wire_reject reject;

	if (wire_collection_decode(dom_buffer_slice(&call->body), arena, &wire, &reject) ==
	    DOM_OK) {
		struct o_collection *collection = oracle_collection(oracle, wire.item.uid);
		struct o_item *item;

		if (collection == NULL)
			collection = oracle_add_collection(
			    oracle, wire.item.uid, call->account, wire.collection_type);
		/* Tried again in the account that followed an erased one. */
		if (!collection->is_committed && collection->owner != call->account) {
			collection->owner = call->account;
			oracle_let_in(collection, call->account, WIRE_ACCESS_ADMIN);
		}
		tapped->collection = (unsigned)(collection - oracle->collections) + 1;
		item = oracle_item(oracle, tapped->collection - 1, wire.item.uid);
		note_revision(
		    oracle, tapped, (unsigned)(item - oracle->items), &wire.item, true);
	}
	dom_arena_free(&arena);
}

/* What stands between prefix and the next slash. */
static struct dom_slice
segment(const char *path, const char *prefix, const char **rest_r)
{
	size_t size = strlen(prefix);
	const char *end;

	if (strncmp(path, prefix, size) != 0 || (end = strchr(path + size, '/')) == NULL)
		return dom_slice(NULL, 0);
	*rest_r = end + 1;
	return dom_slice(path + size, (size_t)(end - path) - size);
}

void
tap_sent(struct net_call *call)
{
	static const char collections[] = "/api/v1/collection/";
	struct tapped *tapped;
	struct dom_slice uid;
	const char *rest;

	if (world_phone(call->world, call->from) == NULL || strcmp(call->method, "POST") != 0)
		return;
	if ((tapped = calloc(1, sizeof(*tapped))) == NULL)
		abort();
	tapped->began = world_moment(call->world);
	tapped->restores = call->world->regions[call->to].restores;
	if (strcmp(call->path, collections) == 0)
		note_creation(call, tapped);
	else if ((uid = segment(call->path, collections, &rest)).data != NULL &&
	         strncmp(rest, "item/batch/", 11) == 0)
		note_batch(call, tapped, uid, false);
	else if (uid.data != NULL && strncmp(rest, "item/transaction/", 17) == 0)
		note_batch(call, tapped, uid, true);
	if (tapped->count == 0) {
		free(tapped);
		tapped = NULL;
	}
	call->tapped = tapped;
}

/*
 * A 503 may follow a commit that failed, of which nobody knows; every other
 * refusal says that nothing was stored.
 */
static bool
is_refusal(const struct net_call *call)
{
	return (call->status >= 400 && call->status < 500) || call->status == 507;
}

static void
judge(struct net_call *call, const struct tapped *tapped, struct o_revision *revision)
{
	struct world *world = call->world;
	struct cover *cover = world->cover;
	bool is_acknowledged = call->status >= 200 && call->status < 300;
	/* What was done before a restore, and is told after it, is gone. */
	bool was_restored = world->regions[call->to].restores != tapped->restores;
	bool may_be = !is_acknowledged && (call->was_copied || !is_refusal(call));
	uint64_t value = (uint64_t)(revision - world->oracle->revisions) + 1;

	revision->attempts--;
	if (may_be)
		revision->may_be = true;
	if ((is_acknowledged || may_be) &&
	    !history_write(world->history, revision->item, value, tapped->began,
	        is_acknowledged ? world_moment(world) : HISTORY_OPEN))
		abort();
	if (was_restored) {
		revision->may_be = true;
		revision->state = WRITE_LOST;
		return;
	}
	if (is_acknowledged) {
		cover->acknowledged++;
		revision->state = WRITE_ACKNOWLEDGED;
		if (revision->acknowledged_at == 0) {
			revision->acknowledged_at = ++call->world->oracle->step;
			call->world->oracle->items[revision->item].acknowledged++;
		}
		return;
	}
	if (!is_refusal(call))
		cover->uncertain++;
	else if (revision->state == WRITE_UNKNOWN && !revision->may_be &&
	         revision->attempts == 0) {
		cover->refused++;
		revision->state = WRITE_REFUSED;
	}
}

void
tap_done(struct net_call *call)
{
	struct oracle *oracle = call->world->oracle;
	struct tapped *tapped = call->tapped;

	if (tapped == NULL)
		return;
	call->tapped = NULL;
	for (size_t i = 0; i < tapped->count; i++)
		judge(call, tapped, &oracle->revisions[tapped->revisions[i]]);
	if (tapped->collection != 0 && call->status >= 200 && call->status < 300 &&
	    tapped->restores == call->world->regions[call->to].restores)
		oracle->collections[tapped->collection - 1].state = WRITE_ACKNOWLEDGED;
	free(tapped);
}
