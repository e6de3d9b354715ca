/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region, its users and their collections, some of them shared. */
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "crypto/keys.h"

#include "wire/catalogue.h"

#include "../region_key.h"
#include "rules.h"
#include "services/consent/consent.h"

void
rule_broken(const char *file, int line, const char *rule, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: broken: %s\n  ", file, line, rule);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

uint64_t
dice(uint64_t *state, uint64_t bound)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state >> 16) % bound;
}

/* --- names ----------------------------------------------------------------------- */

void
item_uid(const struct place *place, unsigned item, char text_r[UID_SIZE])
{
	if (item == 0)
		snprintf(text_r, UID_SIZE, "%s", place->uid);
	else
		snprintf(text_r, UID_SIZE, "item-%04u-of-the-place-%04u", item, place->index);
}

void
revision_uid(uint64_t revision, char text_r[UID_SIZE])
{
	snprintf(text_r, UID_SIZE, "revision-%020llu", (unsigned long long)revision);
}

static uint64_t
number_in(struct dom_slice uid, const char *prefix)
{
	char text[UID_SIZE] = "", *end = text;
	uint64_t number = 0;

	RULE(uid.size < sizeof(text), "a uid of %zu characters", uid.size);
	memcpy(text, uid.data, uid.size);
	if (strncmp(text, prefix, strlen(prefix)) == 0)
		number = strtoull(text + strlen(prefix), &end, 10);
	RULE(end != text, "%s is no uid of ours", text);
	return number;
}

bool
is_deletion(uint64_t revision)
{
	return revision > PLACES && revision % 11 == 0;
}

uint64_t
revision_of_uid(struct dom_slice uid)
{
	return number_in(uid, "revision-");
}

unsigned
item_of_uid(const struct place *place, struct dom_slice uid)
{
	uint64_t item;

	if (dom_slice_is(uid, place->uid))
		return 0;
	item = number_in(uid, "item-");
	RULE(item < ITEMS, "there is no item %llu", (unsigned long long)item);
	return (unsigned)item;
}

struct place *
place_of_uid(struct world *world, struct dom_slice uid)
{
	uint64_t index = number_in(uid, "the-collection-number-");

	RULE(index < PLACES, "there is no place %llu", (unsigned long long)index);
	return &world->places[index];
}

struct service_request
request_of(const struct user *user, enum service_op op)
{
	return (struct service_request){.op = op,
	    .limit = -1,
	    .host = dom_slice_of("region.example"),
	    .token = dom_slice_of(user->token)};
}

/* --- the region --------------------------------------------------------------------- */

static enum dom_status
add_user(struct world *world, struct store_txn *txn, struct user *user, unsigned index)
{
	struct store_consent any = {.service = dom_slice_of("any"), .serial = 1, .any = true};
	const struct dom_slice none = dom_slice("", 0);
	struct store_session session = {.expires_ms = INT64_MAX / 2, .device = none};
	struct store_account account = {.initialised = true,
	    .email = none,
	    .salt = none,
	    .login_public = none,
	    .identity_public = none,
	    .encrypted_content = none,
	    .statement_public = none};
	char name[32];
	enum dom_status st;

	snprintf(name, sizeof(name), "user%u", index);
	snprintf(user->token, sizeof(user->token), "%0*u", SERVICE_TOKEN_SIZE, index);
	/* Neither by number nor as they came, so that the order by id shows. */
	memset(user->id, (int)(0xf0 - 40 * ((index * 3) % USERS)), sizeof(user->id));
	account.name = dom_slice_of(name);
	memcpy(account.id, user->id, sizeof(account.id));
	if ((st = store_account_add(txn, &account, &user->number)) != DOM_OK)
		return st;
	session.account = user->number;
	session.used_ms = session.created_ms = dom_monotonic_ms();
	memset(session.id, (int)index, sizeof(session.id));
	st = dom_sha256(dom_slice_of(user->token), session.token_hash);
	if (st == DOM_OK)
		st = store_session_add(txn, &session);
	memcpy(any.terms, wire_catalogue_find(world->catalogue, any.service)->terms,
	    sizeof(any.terms));
	if (st == DOM_OK)
		st = store_consent_set(txn, user->number, &any, NULL, 0);
	return st;
}

static void
add_place(struct world *world, struct store_txn *txn, struct place *place)
{
	struct user *owner = &world->users[place->owner];
	char uid[UID_SIZE], type[16];
	struct wire_collection collection = {
	    .item = {.version = 1, .content = {.meta = dom_slice_of("meta")}},
	    .collection_key = dom_slice_of("key"),
	};
	struct service_request request = request_of(owner, SERVICE_COLLECTION_CREATE);
	struct dom_arena *arena = dom_arena_new(0);
	struct service_reply reply = {0};
	struct dom_buffer body = {0};
	struct store_collection found;
	uint64_t revision = atomic_fetch_add(&world->revision, 1) + 1;

	revision_uid(revision, uid);
	snprintf(type, sizeof(type), "type %u", place->type);
	collection.item.uid = dom_slice_of(place->uid);
	collection.item.content.uid = dom_slice_of(uid);
	collection.collection_type = dom_slice_of(type);
	wire_collection_encode(&body, &collection, false);
	request.body = dom_buffer_slice(&body);
	RULE(arena != NULL &&
	         service_run(&world->service, txn, &request, NULL, arena, &reply) == DOM_OK,
	    "a collection is made: %s", reply.detail == NULL ? "" : reply.detail);
	RULE(store_collection_find(txn, dom_slice_of(place->uid), arena, &found) == DOM_OK,
	    "it is there");
	place->number = found.number;
	model_note_locked(place, 0, revision, owner->clock + 1);
	model_end_locked(owner, owner->clock + 2);
	place->members_clock = owner->clock;
	place->members[place->owner] = (struct member){
	    .is_in = true, .access_level = WIRE_ACCESS_ADMIN, .clock = owner->clock};
	service_reply_free(&reply);
	dom_buffer_free(&body);
	dom_arena_free(&arena);
}

static enum dom_status
add_member(struct store_txn *txn, struct world *world, struct place *place, unsigned user,
    int access_level)
{
	struct user *owner = &world->users[place->owner];
	char type[16];
	struct store_member member = {.collection = place->number,
	    .account = world->users[user].number,
	    .access_level = access_level,
	    .collection_key = dom_slice_of("key")};
	enum dom_status st = store_account_tick(txn, owner->number, &member.clock);

	snprintf(type, sizeof(type), "type %u", place->type);
	member.collection_type = dom_slice_of(type);
	if (st == DOM_OK)
		st = store_member_add(txn, &member);
	model_end_locked(owner, member.clock);
	place->members_clock = member.clock;
	place->members[user] =
	    (struct member){.is_in = true, .access_level = access_level, .clock = member.clock};
	return st;
}

static enum dom_status
populate(struct store_txn *txn, void *context)
{
	struct world *world = context;
	enum dom_status st = DOM_OK;

	for (unsigned i = 0; i < USERS && st == DOM_OK; i++)
		st = add_user(world, txn, &world->users[i], i);
	for (unsigned i = 0; i < PLACES && st == DOM_OK; i++)
		add_place(world, txn, &world->places[i]);
	for (unsigned i = 0; i < PLACES && st == DOM_OK; i++) {
		struct place *place = &world->places[i];

		/* A place in two is for two, and one in four for three. */
		if (i % 2 == 0)
			st = add_member(txn, world, place, (place->owner + 1) % USERS,
			    WIRE_ACCESS_READ_WRITE);
		if (i % 4 == 0 && st == DOM_OK)
			st = add_member(txn, world, place, (place->owner + 3) % USERS,
			    WIRE_ACCESS_READ_ONLY);
	}
	return st;
}

void
world_open(struct world *world, uint64_t seed)
{
	char message[256];

	*world = (struct world){.seed = seed};
	RULE(wire_catalogue_read(consent_catalogue_built_in(), &world->catalogue, message,
	         sizeof(message)) == DOM_OK,
	    "%s", message);
	snprintf(world->folder, sizeof(world->folder), "%s/rules-XXXXXX",
	    getenv("TMPDIR") == NULL || strlen(getenv("TMPDIR")) > 40 ? "/tmp"
	                                                              : getenv("TMPDIR"));
	RULE(mkdtemp(world->folder) != NULL, "no folder %s", world->folder);
	RULE(store_open(
	         &(struct store_options){
	             .folder = world->folder, .region = "in", .key = test_region_key()},
	         &world->store, message, sizeof(message)) == DOM_OK,
	    "%s", message);
	world->service = (struct service){.settings = {.region = "in",
	                                      .catalogue = world->catalogue,
	                                      .session_life_ms = INT64_C(1) << 40},
	    .clock = dom_clock_system(),
	    .random = dom_random_system(),
	    .store = world->store};
	for (unsigned i = 0; i < USERS; i++)
		pthread_mutex_init(&world->users[i].lock, NULL);
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *place = &world->places[i];

		*place =
		    (struct place){.index = i, .owner = i % USERS, .type = (i / USERS) % TYPES};
		snprintf(place->uid, sizeof(place->uid), "the-collection-number-%04u", i);
	}
	RULE(store_write(world->store, populate, world) == DOM_OK, "the region is made");
	for (unsigned i = 0; i < USERS; i++)
		atomic_store(&world->users[i].acknowledged, world->users[i].clock);
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

void
world_close(struct world *world)
{
	store_close(&world->store);
	wire_catalogue_free(&world->catalogue);
	nftw(world->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	for (unsigned i = 0; i < USERS; i++) {
		pthread_mutex_destroy(&world->users[i].lock);
		free(world->users[i].is_end);
	}
	for (unsigned i = 0; i < PLACES; i++)
		free(world->places[i].notes);
}
