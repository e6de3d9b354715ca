/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a phone that runs libdomicile keeps, imports and reads. */
#include <stdio.h>
#include <string.h>

#include <domicile/collection.h>
#include <domicile/erasure.h>

#include "crypto/digest.h"

#include "client/client.h"
#include "sim/ours.h"

enum { RECORDS = 5, RECORD_SIZE_MAX = 2000, LARGE_SIZE = 90000, COLLECTIONS_MAX = 16 };

static const char *const names[] = {"contacts", "calendar", "messages"};
static const char *const types[] = {"sim.contacts", "sim.calendar", "sim.messages"};

/* --- whose collections --------------------------------------------------------------------
 */

struct choice {
	char uids[COLLECTIONS_MAX][ORACLE_UID_SIZE];
	size_t count;
	const struct phone *phone;
	bool is_foreign;
};

static enum dom_status
note(void *context, const struct dom_collection_info *info)
{
	struct choice *choice = context;
	const struct o_collection *model =
	    oracle_collection(choice->phone->world->oracle, dom_slice_of(info->uid));

	if (choice->count < COLLECTIONS_MAX && model != NULL &&
	    (model->owner != choice->phone->account) == choice->is_foreign)
		snprintf(choice->uids[choice->count++], ORACLE_UID_SIZE, "%s", info->uid);
	return DOM_OK;
}

struct dom_collection *
ours_collection(struct phone *phone, bool is_foreign)
{
	struct choice choice = {.phone = phone, .is_foreign = is_foreign};
	struct dom_collection *collection = NULL;

	if (!ours_said(phone, dom_collections_each(phone->session, note, &choice)) ||
	    choice.count == 0)
		return NULL;
	(void)ours_said(phone,
	    dom_collection_open(phone->session,
	        choice.uids[sim_random_below(&phone->random, choice.count)], &collection));
	return collection;
}

/* One's own, made if need be; or what somebody shares. */
static struct dom_collection *
pick(struct phone *phone)
{
	unsigned which = (unsigned)sim_random_below(&phone->random, 3);
	struct dom_collection *collection = NULL;

	if (sim_random_one_in(&phone->random, 6) &&
	    (collection = ours_collection(phone, true)) != NULL)
		return collection;
	(void)ours_said(phone,
	    dom_collection_ensure(phone->session, names[which], types[which], &collection));
	return collection;
}

/* Some of them are everybody's: so that phones meet. */
static void
known_item(struct phone *phone, char uid_r[33])
{
	snprintf(uid_r, 33, "an-item-that-all-know-%010u",
	    (unsigned)sim_random_below(&phone->random, 4));
}

/* --- writing ------------------------------------------------------------------------------
 */

/* Whoever is told that it is stored has had the region's word for it. */
static void
check_told(struct phone *phone, const char *collection_uid, const char *uid, uint64_t since)
{
	struct oracle *oracle = phone->world->oracle;
	const struct o_collection *collection =
	    oracle_collection(oracle, dom_slice_of(collection_uid));
	const struct o_item *item;

	if (collection != NULL) {
		item = oracle_item(
		    oracle, (unsigned)(collection - oracle->collections), dom_slice_of(uid));
		for (unsigned i = oracle->revision_count; i-- != 0;) {
			const struct o_revision *revision = &oracle->revisions[i];

			if (revision->item == item - oracle->items &&
			    revision->sent_at > since &&
			    (revision->state == WRITE_ACKNOWLEDGED ||
			        revision->state == WRITE_LOST))
				return;
		}
	}
	world_broken(phone->world, "what a device says is stored was acknowledged",
	    "%s of %s by %s", uid, collection_uid, phone->name);
}

static bool
put(struct phone *phone, bool deleted)
{
	struct dom_collection *collection = pick(phone);
	uint64_t since = phone->world->oracle->step;
	uint8_t content[3000];
	char uid[33], known[33];
	struct dom_item_new item = {.name = "an item", .deleted = deleted};
	bool was_done;

	if (collection == NULL)
		return false;
	if (!deleted)
		item.content =
		    dom_slice(content, sim_random_below(&phone->random, sizeof(content)));
	sim_random_fill(&phone->random, content, sizeof(content));
	known_item(phone, known);
	if (deleted || sim_random_one_in(&phone->random, 2))
		item.uid = known;
	was_done = ours_said(phone, dom_item_put(collection, &item, uid));
	if (was_done)
		check_told(phone, collection->uid, uid, since);
	dom_collection_free(&collection);
	return was_done;
}

/* What a phone exports: the same records again and again, edited now and then. */
struct record {
	uint8_t content[LARGE_SIZE];
	size_t size;
};

static enum dom_status
read_record(void *context, enum dom_status (*take)(void *take_context, struct dom_slice bytes),
    void *take_context)
{
	const struct record *record = context;

	return take(take_context, dom_slice(record->content, record->size));
}

static enum dom_status
import_one(struct phone *phone, struct dom_import *import, unsigned number, bool is_large)
{
	static struct record record; /* nobody else runs until it is read */
	unsigned edition = (unsigned)sim_random_below(&phone->random, 3);
	enum dom_record_outcome outcome;
	struct sim_random bytes;
	char name[32];
	struct dom_record record_of = {.key_is_uid = true,
	    .name = name,
	    .source = "export",
	    .order = number,
	    .read = read_record,
	    .context = &record};

	snprintf(name, sizeof(name), "record %u%s", number, is_large ? ", a large one" : "");
	sim_random_seed(&bytes, number * 10 + edition);
	record.size = is_large ? LARGE_SIZE : sim_random_below(&bytes, RECORD_SIZE_MAX);
	sim_random_fill(&bytes, record.content, record.size);
	record_of.key = dom_slice_of(name);
	record_of.size = record.size;
	if (dom_sha256(dom_slice(record.content, record.size), record_of.digest) != DOM_OK)
		return DOM_ENOMEM;
	return dom_import_put(import, &record_of, &outcome);
}

/* The same import again finishes what one before it began, and brings nothing twice. */
static bool
import_records(struct phone *phone, bool is_large)
{
	unsigned count = is_large ? 1 : 1 + (unsigned)sim_random_below(&phone->random, RECORDS);
	unsigned first = (unsigned)sim_random_below(&phone->random, RECORDS);
	struct dom_collection *collection = NULL;
	struct dom_import *import = NULL;
	struct dom_import_counts counts;
	bool was_done;

	if (sim_random_one_in(&phone->random, 2) && !ours_said(phone, dom_sync(phone->session)))
		return false;
	if ((collection = pick(phone)) == NULL)
		return false;
	was_done = ours_said(phone, dom_import_begin(collection, &import));
	for (unsigned i = 0; i < count && was_done; i++)
		was_done = ours_said(
		    phone, import_one(phone, import, (first + i) % RECORDS, is_large));
	if (was_done)
		was_done = ours_said(phone, dom_import_finish(import, &counts));
	dom_import_free(&import);
	dom_collection_free(&collection);
	return was_done;
}

static bool
erase_history(struct phone *phone)
{
	struct dom_collection *collection = ours_collection(phone, false);
	uint8_t request[DOM_REQUEST_SIZE];
	char uid[33];
	bool was_done;

	if (collection == NULL)
		return false;
	known_item(phone, uid);
	was_done =
	    ours_said(phone, dom_erase_history(phone->session, collection->uid, uid, request));
	dom_collection_free(&collection);
	return was_done;
}

/* --- reading ------------------------------------------------------------------------------
 */

static enum dom_status
take_begin(void *context, const struct dom_item_info *info)
{
	(void)context, (void)info;
	return DOM_OK;
}

static enum dom_status
take_data(void *context, struct dom_slice bytes)
{
	(void)context, (void)bytes;
	return DOM_OK;
}

/* Each is decrypted and checked by the library. */
static enum dom_status
take_end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	struct phone *phone = context;

	if (status == DOM_EINTEGRITY)
		world_broken(phone->world, "what was stored can be read", "item %s by %s",
		    info->uid, phone->name);
	return DOM_OK;
}

static bool
fetch(struct phone *phone)
{
	const struct dom_fetch_sink sink = {take_begin, take_data, take_end, phone};
	struct dom_collection *collection =
	    ours_collection(phone, sim_random_one_in(&phone->random, 4));
	bool was_done =
	    collection != NULL && ours_said(phone, dom_collection_fetch(collection, &sink));

	dom_collection_free(&collection);
	return was_done;
}

bool
ours_item_act(struct phone *phone, enum action_kind action)
{
	switch (action) {
	case ACTION_WRITE:
	case ACTION_CREATE:
		return put(phone, false);
	case ACTION_DELETE:
		return put(phone, true);
	case ACTION_TRANSACTION:
		return import_records(phone, false);
	case ACTION_CHUNK:
		return import_records(phone, true);
	case ACTION_READ:
	case ACTION_LIST:
		return fetch(phone);
	case ACTION_ERASE_HISTORY:
		return erase_history(phone);
	default:
		return false;
	}
}
