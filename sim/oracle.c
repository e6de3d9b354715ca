/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The model: what was asked, what was answered, and what follows from it. */
#include "sim/oracle.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/digest.h"

#include "wire/etebase.h"
#include "wire/share.h"

#include "services/root/root.h"
#include "sim/access.h"
#include "sim/phone.h"
#include "sim/plan.h"
#include "sim/serving.h"
#include "sim/time.h"

const char *const oracle_services[ORACLE_SERVICES] = {
    "contacts", "calendar", "messages", "any"};

struct oracle *
oracle_new(struct world *world)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));

	if (oracle == NULL || (oracle->arena = dom_arena_new(0)) == NULL)
		abort();
	oracle->world = world;
	oracle->access = access_new();
	oracle->step = 1;
	return oracle;
}

void
oracle_free(struct oracle **oracle)
{
	struct oracle *old = *oracle;

	if (old == NULL)
		return;
	*oracle = NULL;
	free(old->collections);
	free(old->items);
	free(old->revisions);
	for (unsigned i = 0; i < old->uncertain_count; i++)
		dom_buffer_free(&old->uncertain[i].body);
	free(old->uncertain);
	access_free(&old->access);
	dom_arena_free(&old->arena);
	free(old);
}

/* --- names ----------------------------------------------------------------------- */

uint64_t
oracle_hash(struct dom_slice bytes)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes.size; i++)
		hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void *
grown(void *rows, unsigned count, unsigned *room, size_t size)
{
	if (count < *room)
		return rows;
	*room = *room == 0 ? 256 : *room * 2;
	if ((rows = realloc(rows, *room * size)) == NULL)
		abort();
	return rows;
}

static void
name(char text_r[ORACLE_UID_SIZE], struct dom_slice uid)
{
	snprintf(text_r, ORACLE_UID_SIZE, "%.*s", (int)uid.size, (const char *)uid.data);
}

unsigned
oracle_add_account(
    struct oracle *oracle, const char *text, const uint8_t identity[32], unsigned home)
{
	struct o_account *account = &oracle->accounts[oracle->account_count];

	assert(oracle->account_count < ORACLE_ACCOUNTS_MAX);
	*account = (struct o_account){.home = home, .epoch = 1};
	snprintf(account->name, sizeof(account->name), "%s", text);
	memcpy(account->identity, identity, 32);
	return oracle->account_count++;
}

struct o_collection *
oracle_collection(struct oracle *oracle, struct dom_slice uid)
{
	for (unsigned i = oracle->collection_count; i-- != 0;)
		if (dom_slice_is(uid, oracle->collections[i].uid))
			return &oracle->collections[i];
	return NULL;
}

struct o_collection *
oracle_add_collection(
    struct oracle *oracle, struct dom_slice uid, unsigned owner, struct dom_slice type)
{
	struct o_collection *collection;

	oracle->collections = grown(oracle->collections, oracle->collection_count,
	    &oracle->collection_room, sizeof(*oracle->collections));
	collection = &oracle->collections[oracle->collection_count++];
	*collection = (struct o_collection){.owner = owner};
	oracle_let_in(collection, owner, WIRE_ACCESS_ADMIN);
	name(collection->uid, uid);
	assert(type.size <= sizeof(collection->type));
	memcpy(collection->type, type.data, type.size);
	collection->type_size = type.size;
	return collection;
}

void
oracle_let_in(struct o_collection *collection, unsigned account, int access_level)
{
	collection->may_see |= UINT32_C(1) << account % 32;
	if (access_level != WIRE_ACCESS_READ_ONLY)
		collection->may_write |= UINT32_C(1) << account % 32;
}

struct o_item *
oracle_item(struct oracle *oracle, unsigned collection, struct dom_slice uid)
{
	struct o_item *item;

	for (unsigned i = oracle->item_count; i-- != 0;)
		if (oracle->items[i].collection == collection &&
		    dom_slice_is(uid, oracle->items[i].uid))
			return &oracle->items[i];
	oracle->items = grown(
	    oracle->items, oracle->item_count, &oracle->item_room, sizeof(*oracle->items));
	item = &oracle->items[oracle->item_count++];
	*item = (struct o_item){.collection = collection};
	name(item->uid, uid);
	return item;
}

struct o_revision *
oracle_revision(struct oracle *oracle, struct dom_slice uid)
{
	unsigned at = oracle->buckets[oracle_hash(uid) % 4096];

	for (; at != 0; at = oracle->revisions[at - 1].next)
		if (dom_slice_is(uid, oracle->revisions[at - 1].uid))
			return &oracle->revisions[at - 1];
	return NULL;
}

struct o_revision *
oracle_add_revision(struct oracle *oracle, unsigned item, struct dom_slice uid)
{
	unsigned *bucket = &oracle->buckets[oracle_hash(uid) % 4096];
	struct o_revision *revision;

	oracle->revisions = grown(oracle->revisions, oracle->revision_count,
	    &oracle->revision_room, sizeof(*oracle->revisions));
	revision = &oracle->revisions[oracle->revision_count++];
	*revision = (struct o_revision){.item = item, .next = *bucket};
	name(revision->uid, uid);
	*bucket = oracle->revision_count;
	return revision;
}

/* --- consents ------------------------------------------------------------------------------
 */

static bool
covers(const struct region *region, const struct o_consent *consent, unsigned service,
    struct dom_slice type)
{
	/* It is over when the region's own clock says so. */
	int64_t now_ms = time_now_ms() + region->clock_off_ms;

	if (!consent->is_on || (consent->until_ms != 0 && consent->until_ms <= now_ms))
		return false;
	/* Only the first service's terms ever change: see read_catalogue(). */
	if (service == 0 && consent->catalogue_version != region->catalogue_version)
		return false;
	return service == ORACLE_SERVICES - 1 ||
	       dom_slice_equal(type, dom_slice(consent->type, consent->type_size));
}

static bool
is_covered(const struct region *region, const struct o_account *owner, struct dom_slice type)
{
	for (unsigned i = 0; i < ORACLE_SERVICES; i++)
		if (covers(region, &owner->consents[i], i, type))
			return true;
	return false;
}

static void
check_consent(struct serving *serving, struct dom_slice collection_uid)
{
	struct world *world = serving->region->world;
	const struct o_collection *collection =
	    oracle_collection(world->oracle, collection_uid);
	const struct o_account *owner;

	if (collection == NULL)
		return;
	owner = &world->oracle->accounts[collection->owner];
	if (owner->is_lost)
		return;
	if (!is_covered(
	        serving->region, owner, dom_slice(collection->type, collection->type_size)))
		world_broken(world, "no byte without a consent that covers it",
		    "%s of %s into %s of %s", route_op_name(serving->request.op),
		    world_phone(world, serving->call == NULL ? 0 : serving->call->from)->name,
		    collection->uid, owner->name);
}

/* Deletions need none. */
static bool
only_deletes(struct serving *serving)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_batch batch;
	struct wire_reject reject;
	bool only = true;

	if (wire_batch_decode(serving->request.body, arena, &batch, &reject) == DOM_OK)
		for (size_t i = 0; i < batch.item_count; i++)
			only = only && batch.items[i].content.deleted;
	dom_arena_free(&arena);
	return only;
}

static unsigned
service_of(struct dom_slice text)
{
	unsigned i;

	for (i = 0; i < ORACLE_SERVICES && !dom_slice_is(text, oracle_services[i]); i++)
		;
	assert(i < ORACLE_SERVICES);
	return i;
}

static void
note_erased(struct oracle *oracle, unsigned account, const uint8_t *type, size_t type_size)
{
	for (unsigned i = 0; i < oracle->collection_count; i++) {
		struct o_collection *collection = &oracle->collections[i];

		/* What is made later, by a try that is still under way, is not meant. */
		if (collection->owner == account && collection->is_committed &&
		    (type == NULL || (collection->type_size == type_size &&
		                         memcmp(collection->type, type, type_size) == 0)))
			collection->is_erased = true;
	}
}

static void
note_history_erased(struct oracle *oracle, const struct wire_statement *statement)
{
	struct o_collection *collection = oracle_collection(oracle, statement->collection_uid);
	struct o_item *item;

	if (collection == NULL)
		return;
	item = oracle_item(
	    oracle, (unsigned)(collection - oracle->collections), statement->item_uid);
	item->history_erased = true;
	for (unsigned i = 0; i < oracle->revision_count; i++)
		if (&oracle->items[oracle->revisions[i].item] == item)
			oracle->revisions[i].may_be_erased = true;
}

static void
note_statement(struct region *region, unsigned account, struct dom_slice body)
{
	struct oracle *oracle = region->world->oracle;
	struct o_account *of = &oracle->accounts[account];
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_signed_statement message;
	struct wire_statement statement;
	struct o_consent *consent;

	if (wire_signed_statement_decode(body, &message) != DOM_OK ||
	    wire_statement_decode(message.statement, arena, &statement) != DOM_OK)
		abort();
	switch (statement.kind) {
	case WIRE_CONSENT:
		consent = &of->consents[service_of(statement.service)];
		if (statement.serial <= consent->serial)
			break;
		consent->is_on = true;
		consent->serial = statement.serial;
		consent->until_ms = statement.until_ms;
		consent->catalogue_version = region->catalogue_version;
		if (statement.type_count != 0) {
			consent->type_size = statement.types[0].size;
			memcpy(consent->type, statement.types[0].data, consent->type_size);
		}
		break;
	case WIRE_WITHDRAWAL:
		consent = &of->consents[service_of(statement.service)];
		if (statement.serial <= consent->serial)
			break;
		consent->is_on = false;
		consent->serial = statement.serial;
		if (statement.erase && consent->type_size != 0)
			note_erased(oracle, account, consent->type, consent->type_size);
		break;
	case WIRE_MOVE_ORDER:
		of->orders++;
		break;
	case WIRE_ERASURE:
		if (statement.scope == WIRE_SCOPE_ITEM) {
			note_history_erased(oracle, &statement);
		} else {
			of->is_erased = true;
			note_erased(oracle, account, NULL, 0);
		}
		break;
	default:
		break;
	}
	dom_arena_free(&arena);
}

/* One of this uid is made anew: what was in the one that was erased is in no store again. */
static void
forget_erased(struct oracle *oracle, unsigned collection, struct dom_slice but)
{
	for (unsigned i = 0; i < oracle->revision_count; i++) {
		struct o_revision *revision = &oracle->revisions[i];

		if (oracle->items[revision->item].collection != collection ||
		    dom_slice_is(but, revision->uid))
			continue;
		revision->may_be_erased = true;
		if (revision->attempts == 0)
			revision->state = WRITE_REFUSED;
	}
}

static void
note_creation(struct region *region, unsigned account, struct dom_slice body)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_collection wire;
	struct wire_reject reject;
	struct o_collection *collection;

	if (wire_collection_decode(body, arena, &wire, &reject) == DOM_OK &&
	    (collection = oracle_collection(region->world->oracle, wire.item.uid)) != NULL) {
		/* Perhaps for the second time: after an erasure, or in the next account. */
		collection->was_remade |= collection->is_erased;
		if (collection->is_erased)
			forget_erased(region->world->oracle,
			    (unsigned)(collection - region->world->oracle->collections),
			    wire.item.content.uid);
		collection->is_committed = true;
		collection->is_erased = false;
		collection->owner = account;
		oracle_let_in(collection, account, WIRE_ACCESS_ADMIN);
	}
	dom_arena_free(&arena);
}

/*
 * Who is let in is who has that name when it is carried out: perhaps the account that followed
 * an erased one while the request was on its way.
 */
static void
note_invitation(struct oracle *oracle, struct dom_slice body)
{
	struct wire_invitation wire;
	struct wire_reject reject;
	struct o_collection *collection;

	if (wire_invitation_decode(body, &wire, &reject) != DOM_OK ||
	    (collection = oracle_collection(oracle, wire.collection)) == NULL)
		return;
	for (unsigned i = 0; i < oracle->account_count; i++)
		if (dom_slice_is(wire.username, oracle->accounts[i].name) &&
		    !oracle->accounts[i].is_erased)
			oracle_let_in(collection, i, wire.access_level);
}

/* --- what regions tell ----------------------------------------------------------- */

/* It came before anybody looked: the root has it, and no clock counts it. */
static void
note_early_chunk(struct serving *serving)
{
	struct o_account *account =
	    &serving->region->world->oracle->accounts[serving->call->account];

	if (account->home != serving->region->index)
		account->root_is_old = true;
}

void
oracle_committed(struct serving *serving)
{
	struct world *world = serving->region->world;
	struct phone *phone =
	    serving->call == NULL ? NULL : world_phone(world, serving->call->from);

	world->oracle->step++;
	if (phone == NULL || serving->reply.code != SERVICE_DONE)
		return;
	access_committed(world->oracle->access, serving);
	switch (serving->request.op) {
	case SERVICE_ITEM_BATCH:
	case SERVICE_ITEM_TRANSACTION:
		if (!only_deletes(serving))
			check_consent(serving, serving->request.collection_uid);
		break;
	case SERVICE_SIGNUP:
		world->oracle->accounts[serving->call->account].is_made = true;
		break;
	case SERVICE_COLLECTION_CREATE:
		note_creation(serving->region, serving->call->account, serving->request.body);
		break;
	case SERVICE_INVITE:
		note_invitation(world->oracle, serving->request.body);
		break;
	case SERVICE_CHUNK_PUT:
		check_consent(serving, serving->request.collection_uid);
		note_early_chunk(serving);
		break;
	case SERVICE_STATEMENT_ADD:
		/* A copy of the call may come late: whose session it was says whose it is. */
		note_statement(serving->region, serving->call->account, serving->request.body);
		break;
	default:
		break;
	}
}

void
oracle_uncertain(struct serving *serving)
{
	struct oracle *oracle = serving->region->world->oracle;
	struct o_uncertain *uncertain;

	if (serving->call != NULL && serving->reply.code == SERVICE_DONE &&
	    serving->request.op == SERVICE_INVITE)
		note_invitation(oracle, serving->request.body);
	if (serving->call != NULL && serving->request.op == SERVICE_CHUNK_PUT)
		note_early_chunk(serving);
	if (serving->call == NULL || serving->reply.code != SERVICE_DONE ||
	    (serving->request.op != SERVICE_STATEMENT_ADD &&
	        serving->request.op != SERVICE_COLLECTION_CREATE))
		return;
	oracle->uncertain = grown(oracle->uncertain, oracle->uncertain_count,
	    &oracle->uncertain_room, sizeof(*oracle->uncertain));
	uncertain = &oracle->uncertain[oracle->uncertain_count++];
	*uncertain = (struct o_uncertain){.region = serving->region->index,
	    .account = serving->call->account,
	    .is_statement = serving->request.op == SERVICE_STATEMENT_ADD};
	dom_buffer_append_slice(&uncertain->body, serving->request.body);
}

/* Is this statement on the disk? */
static bool
has_statement(struct region *region, unsigned account, struct dom_slice body)
{
	struct oracle *oracle = region->world->oracle;
	struct wire_signed_statement message;
	struct store_account row;
	struct store_statement *rows;
	struct store_txn *txn;
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_statement statement;
	size_t count = 0;
	bool has = false;

	if (wire_signed_statement_decode(body, &message) != DOM_OK ||
	    wire_statement_decode(message.statement, arena, &statement) != DOM_OK)
		abort();
	if (store_read_begin(region->reader, &txn) != DOM_OK) {
		dom_arena_free(&arena);
		return false;
	}
	if (audit_find(txn, &oracle->accounts[account], arena, &row) == DOM_OK &&
	    store_statement_list(
	        txn, row.number, statement.serial - 1, 1, arena, &rows, &count) == DOM_OK)
		has = count == 1 && dom_slice_equal(rows[0].bytes, message.statement);
	store_read_end(&txn);
	dom_arena_free(&arena);
	return has;
}

/* One that was erased is nobody's, until it is made anew: was it? */
static bool
has_made(struct region *region, unsigned account, struct dom_slice body)
{
	struct oracle *oracle = region->world->oracle;
	struct dom_arena *arena = dom_arena_new(0);
	const struct o_collection *model;
	struct store_collection collection;
	struct store_account owner;
	struct store_member member;
	struct wire_collection wire;
	struct wire_reject reject;
	struct store_txn *txn;
	bool has = false;

	if (wire_collection_decode(body, arena, &wire, &reject) == DOM_OK &&
	    (model = oracle_collection(oracle, wire.item.uid)) != NULL && model->is_erased &&
	    store_read_begin(region->reader, &txn) == DOM_OK) {
		has = audit_find(txn, &oracle->accounts[account], arena, &owner) == DOM_OK &&
		      store_collection_find(txn, wire.item.uid, arena, &collection) == DOM_OK &&
		      store_member_find(txn, collection.number, owner.number, arena, &member) ==
		          DOM_OK;
		store_read_end(&txn);
	}
	dom_arena_free(&arena);
	return has;
}

static bool
has_collection(struct region *region, struct dom_slice uid)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct store_collection collection;
	struct store_txn *txn;
	bool has = false;

	if (store_read_begin(region->reader, &txn) == DOM_OK) {
		has = store_collection_find(txn, uid, arena, &collection) == DOM_OK;
		store_read_end(&txn);
	}
	dom_arena_free(&arena);
	return has;
}

/* Nobody has been served yet. */
static void
resolve(struct region *region)
{
	struct oracle *oracle = region->world->oracle;
	unsigned kept = 0;

	for (unsigned i = 0; i < oracle->collection_count; i++)
		if (!oracle->collections[i].is_committed &&
		    has_collection(region, dom_slice_of(oracle->collections[i].uid)))
			oracle->collections[i].is_committed = true;
	for (unsigned i = 0; i < oracle->uncertain_count; i++) {
		struct o_uncertain *uncertain = &oracle->uncertain[i];
		struct dom_slice body = dom_buffer_slice(&uncertain->body);

		if (uncertain->region != region->index) {
			oracle->uncertain[kept++] = *uncertain;
			continue;
		}
		if (uncertain->is_statement && has_statement(region, uncertain->account, body))
			note_statement(region, uncertain->account, body);
		if (!uncertain->is_statement && has_made(region, uncertain->account, body))
			note_creation(region, uncertain->account, body);
		dom_buffer_free(&uncertain->body);
	}
	oracle->uncertain_count = kept;
}

/*
 * Whose session it is, as the store says: a phone may still use one of an account that its
 * owner has given up.
 */
static bool
is_sender(struct serving *serving, uint32_t let_in)
{
	struct oracle *oracle = serving->region->world->oracle;
	struct dom_arena *arena = dom_arena_new(0);
	uint8_t hash[STORE_TOKEN_HASH_SIZE];
	struct store_session session;
	struct store_account account;
	struct store_txn *txn = NULL;
	bool is = false;

	if (dom_sha256(serving->request.token, hash) == DOM_OK &&
	    store_read_begin(serving->region->reader, &txn) == DOM_OK &&
	    store_session_find(txn, hash, arena, &session) == DOM_OK &&
	    store_account_by_number(txn, session.account, arena, &account) == DOM_OK) {
		for (unsigned i = 0; i < oracle->account_count; i++)
			is = is || ((let_in >> i % 32 & 1) != 0 && oracle->accounts[i].has_id &&
			               memcmp(oracle->accounts[i].id, account.id,
			                   sizeof(account.id)) == 0);
	}
	store_read_end(&txn);
	dom_arena_free(&arena);
	return is;
}

static bool
puts_something(enum service_op op)
{
	return op == SERVICE_ITEM_BATCH || op == SERVICE_ITEM_TRANSACTION ||
	       op == SERVICE_CHUNK_PUT;
}

static bool
was_let_in(struct serving *serving, uint32_t let_in)
{
	return (let_in >> serving->call->account % 32 & 1) != 0 || is_sender(serving, let_in);
}

/* Nobody reads what they were never let into, nor writes where they may only read. */
void
oracle_answered(struct serving *serving)
{
	struct world *world = serving->region->world;
	struct phone *phone =
	    serving->call == NULL ? NULL : world_phone(world, serving->call->from);
	const struct o_collection *collection;

	if (phone == NULL || serving->reply.code != SERVICE_DONE)
		return;
	access_answered(world->oracle->access, serving);
	if (serving->request.collection_uid.size == 0)
		return;
	collection = oracle_collection(world->oracle, serving->request.collection_uid);
	if (collection == NULL)
		return;
	if (!was_let_in(serving, collection->may_see))
		world_broken(world, "no account sees another's data", "%s of %s by %s",
		    route_op_name(serving->request.op), collection->uid, phone->name);
	else if (puts_something(serving->request.op) &&
	         !was_let_in(serving, collection->may_write))
		world_broken(world, "who may only read writes nothing", "%s of %s by %s",
		    route_op_name(serving->request.op), collection->uid, phone->name);
	if (collection->is_erased && !service_plan(serving->request.op)->writes)
		world_broken(world, "nothing erased comes back", "%s of %s by %s",
		    route_op_name(serving->request.op), collection->uid, phone->name);
}

/* --- moves ----------------------------------------------------------------------- */

static bool
root_of(struct region *region, struct store_txn *txn, const struct store_account *account,
    const uint8_t identity[32], uint8_t root_r[32])
{
	struct root_options options = {
	    .scope = WIRE_SCOPE_ACCOUNT, .account = account->number, .clock = account->clock};
	struct wire_erased sum;

	(void)region;
	memcpy(options.identity_public, identity, sizeof(options.identity_public));
	return root_compute(txn, &options, root_r, &sum) == DOM_OK;
}

/* It is at home here since this moment. */
static void
arrive(struct region *region, struct store_txn *txn, struct o_account *model,
    const struct store_account *account)
{
	struct world *world = region->world;
	uint8_t root[32];

	world->cover->moves++;
	world->cover->moves_back += model->epoch > 1;
	world_say(world, "%s has moved from %s to %s", model->name,
	    world->regions[model->home].name, region->name);
	/* The root is of the epoch too, so what was given away is counted as one more. */
	if (model->was_given && !model->root_is_old && model->root_clock == account->clock &&
	    root_of(region, txn, account, model->identity, root) &&
	    memcmp(root, model->root, sizeof(root)) != 0)
		world_broken(world, "roots before and after a move are equal", "%s in %s",
		    model->name, region->name);
	model->home = region->index;
	model->epoch = account->epoch;
	model->was_given = model->root_is_old = false;
	if (model->was_restored)
		model->is_lost = true;
}

/* Given away here: what it was, as the target must have it. */
static void
depart(struct region *region, struct store_txn *txn, struct o_account *model,
    const struct store_account *account)
{
	model->was_given = root_of(region, txn, account, model->identity, model->root);
	model->root_clock = account->clock;
}

/* What came or went in this region's last commits. */
static void
look_at_move(struct region *region, unsigned index, const struct store_account *account)
{
	struct o_account *model = &region->world->oracle->accounts[index];
	bool has_come = account->state == STORE_ACCOUNT_HOME && region->index != model->home &&
	                account->epoch > model->epoch;
	bool has_gone = account->state == STORE_ACCOUNT_GONE && region->index == model->home &&
	                !model->was_given && account->epoch == model->epoch + 1;
	struct store_txn *txn;

	/* Where nothing is ever restored. */
	if (region->world->plan->shuttles && region->index == model->home &&
	    account->state == STORE_ACCOUNT_GONE && account->epoch <= model->epoch)
		world_broken(region->world, "each home has an epoch of its own",
		    "%s is gone from %s, and no epoch has ended there", model->name,
		    region->name);
	if ((!has_come && !has_gone) || store_read_begin(region->reader, &txn) != DOM_OK)
		return;
	if (has_come)
		arrive(region, txn, model, account);
	else
		depart(region, txn, model, account);
	store_read_end(&txn);
}

void
oracle_pumped(struct region *region)
{
	struct oracle *oracle = region->world->oracle;
	uint64_t changes = sim_disk_operations(region->disk, SIM_FAULT_STOP);
	struct store_account account;

	if (region->is_armed || !region->is_up || region->world->region_count < 2 ||
	    (region->looked_life == region->life && region->looked_changes == changes))
		return;
	for (unsigned i = 0; i < oracle->account_count; i++) {
		if (oracle->accounts[i].orders == 0 || oracle->accounts[i].is_erased ||
		    oracle->accounts[i].is_lost)
			continue;
		dom_arena_reset(oracle->arena);
		if (audit_look(oracle, i, region, &account))
			look_at_move(region, i, &account);
		(void)audit_home(oracle, i, &account);
	}
	region->looked_life = region->life;
	region->looked_changes = changes;
}

void
oracle_started(struct region *region)
{
	resolve(region);
}

/* --- backups --------------------------------------------------------------------- */

void
oracle_backup_begins(struct region *region)
{
	struct oracle *oracle = region->world->oracle;
	struct o_backup *backup = &oracle->pending[region->index];

	backup->at = ++oracle->step;
	memset(backup->is_made, 0, sizeof(backup->is_made));
	for (unsigned i = 0; i < oracle->account_count; i++) {
		memcpy(backup->consents[i], oracle->accounts[i].consents,
		    sizeof(backup->consents[i]));
		backup->is_made[i] = oracle->accounts[i].is_made;
		backup->home[i] = oracle->accounts[i].home;
		backup->epoch[i] = oracle->accounts[i].epoch;
	}
}

void
oracle_backup_made(struct region *region)
{
	struct oracle *oracle = region->world->oracle;

	oracle->backups[region->index] = oracle->pending[region->index];
}

/* What was withdrawn since stays so: the journal is followed.  What was given is not there. */
static void
restore_consents(struct o_account *account, const struct o_consent *of_backup)
{
	for (unsigned i = 0; i < ORACLE_SERVICES; i++) {
		bool was_withdrawn = !account->consents[i].is_on &&
		                     account->consents[i].serial > of_backup[i].serial;

		account->consents[i] = of_backup[i];
		if (was_withdrawn)
			account->consents[i].is_on = false;
	}
}

bool
oracle_may_restore(struct region *region)
{
	const struct oracle *oracle = region->world->oracle;
	const struct o_backup *backup = &oracle->backups[region->index];

	for (unsigned i = 0; i < oracle->account_count; i++) {
		const struct o_account *account = &oracle->accounts[i];

		if (account->home == region->index && account->is_made &&
		    account->orders != 0 &&
		    (!backup->is_made[i] || backup->home[i] != account->home ||
		        backup->epoch[i] != account->epoch))
			return false;
	}
	return true;
}

void
oracle_restored(struct region *region)
{
	struct oracle *oracle = region->world->oracle;
	const struct o_backup *backup = &oracle->backups[region->index];

	access_restored(oracle->access, region);
	for (unsigned i = 0; i < oracle->account_count; i++) {
		struct o_account *account = &oracle->accounts[i];

		if (account->home != region->index)
			continue;
		account->was_restored = account->was_given;
		if (!backup->is_made[i])
			account->is_lost = true;
		else
			restore_consents(account, backup->consents[i]);
	}
	for (unsigned i = 0; i < oracle->revision_count; i++) {
		struct o_revision *revision = &oracle->revisions[i];
		const struct o_collection *collection =
		    &oracle->collections[oracle->items[revision->item].collection];

		if (oracle->accounts[collection->owner].home == region->index &&
		    (revision->acknowledged_at == 0 || revision->acknowledged_at > backup->at))
			revision->state = WRITE_LOST;
	}
	for (unsigned i = 0; i < oracle->collection_count; i++) {
		struct o_collection *collection = &oracle->collections[i];

		if (oracle->accounts[collection->owner].home == region->index)
			collection->may_be_gone = true;
	}
}
