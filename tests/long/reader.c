/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Readers: clients that follow their tokens and hold what they were shown.
 * Every reply is compared with what the model says of its snapshot.
 */
#include <stdlib.h>

#include "rules.h"

enum { LIMIT_MAX = 60, ROWS_MAX = 256, UPDATES_MAX = 12 };

struct answer {
	struct wire_list list;
	struct wire_stoken before, after; /* the tokens as sent and as answered */
};

static void
read_stoken(struct dom_slice text, struct wire_stoken *stoken_r)
{
	*stoken_r = (struct wire_stoken){.count = 0};
	if (text.size != 0)
		RULE(wire_stoken_decode(text, stoken_r) == DOM_OK, "a token that is none");
}

/*
 * Ask in one snapshot, and note its clocks.  It shows what was acknowledged
 * before it began, and no part of a request without the others.
 */
static void
ask(struct reader *reader, struct service_request *request, enum wire_list_kind kind,
    struct answer *answer_r)
{
	struct world *world = reader->world;
	uint64_t acknowledged[USERS];
	struct service_reply reply = {0};
	struct store_txn *txn = NULL;
	struct dom_slice body;

	dom_arena_reset(reader->arena);
	for (unsigned i = 0; i < USERS; i++)
		acknowledged[i] = atomic_load(&world->users[i].acknowledged);
	RULE(store_read_begin(reader->store, &txn) == DOM_OK, "a snapshot");
	RULE(service_run(&world->service, txn, request, NULL, reader->arena, &reply) == DOM_OK,
	    "refused: %s", reply.detail == NULL ? "" : reply.detail);
	for (unsigned i = 0; i < USERS; i++) {
		struct user *user = &world->users[i];
		struct store_account account;

		RULE(store_account_by_number(txn, user->number, reader->arena, &account) ==
		         DOM_OK,
		    "an account");
		reader->clocks[i] = account.clock;
		RULE(account.clock >= acknowledged[i], "%llu was acknowledged, %llu is shown",
		    (unsigned long long)acknowledged[i], (unsigned long long)account.clock);
		pthread_mutex_lock(&user->lock);
		RULE(account.clock <= user->clock && user->is_end[account.clock],
		    "a snapshot in the middle of a request: %llu",
		    (unsigned long long)account.clock);
		pthread_mutex_unlock(&user->lock);
	}
	store_read_end(&txn);
	body = dom_arena_copy(reader->arena, dom_buffer_slice(&reply.body));
	RULE(wire_list_decode(body, kind, reader->arena, &answer_r->list) == DOM_OK, "a list");
	service_reply_free(&reply);
	read_stoken(request->stoken, &answer_r->before);
	if (kind != WIRE_LIST_REVISIONS)
		read_stoken(answer_r->list.stoken, &answer_r->after);
	atomic_fetch_add(&world->asked, 1);
}

static void
keep_stoken(const struct answer *answer, char *text_r)
{
	RULE(answer->list.stoken.size < STOKEN_SIZE, "a token that is too long");
	memset(text_r, 0, STOKEN_SIZE);
	if (answer->list.stoken.size != 0)
		memcpy(text_r, answer->list.stoken.data, answer->list.stoken.size);
}

/* The answer's token is the one sent, with these owners' numbers instead. */
static void
check_stoken(
    const struct world *world, const struct answer *answer, const uint64_t expected[USERS])
{
	for (unsigned i = 0; i < USERS; i++) {
		const uint8_t *id = world->users[i].id;

		RULE(wire_stoken_get(&answer->after, id) == expected[i],
		    "the token says %llu instead of %llu",
		    (unsigned long long)wire_stoken_get(&answer->after, id),
		    (unsigned long long)expected[i]);
	}
}

static void
stoken_clocks(const struct world *world, const struct wire_stoken *stoken, uint64_t *clocks_r)
{
	for (unsigned i = 0; i < USERS; i++)
		clocks_r[i] = wire_stoken_get(stoken, world->users[i].id);
}

/* --- items -------------------------------------------------------------------------- */

/* The rows are these, in this order; what the client holds only ever gets newer. */
static void
take_items(struct reader *reader, const struct place *place, const struct answer *answer,
    const struct model_row *rows, size_t count, bool keep)
{
	RULE(answer->list.count == count, "%zu rows instead of %zu", answer->list.count, count);
	for (size_t i = 0; i < count; i++) {
		const struct wire_item *item = &answer->list.items[i];
		uint64_t revision = revision_of_uid(item->content.uid);
		uint64_t *held = &reader->etags[place->index][rows[i].item];

		RULE(item_of_uid(place, item->uid) == rows[i].item &&
		         revision == rows[i].revision,
		    "row %zu is revision %llu instead of %llu", i, (unsigned long long)revision,
		    (unsigned long long)rows[i].revision);
		RULE(item->content.deleted == is_deletion(revision),
		    "revision %llu: deleted is %d", (unsigned long long)revision,
		    item->content.deleted);
		if (keep)
			*held = revision;
	}
	atomic_fetch_add(&reader->world->rows, (long)count);
}

/* One page; true: there is no more. */
static bool
page_of_items(struct reader *reader, struct place *place)
{
	struct world *world = reader->world;
	struct service_request request =
	    request_of(&world->users[reader->user], SERVICE_ITEM_LIST);
	struct model_row rows[ROWS_MAX];
	uint64_t expected[USERS];
	struct answer answer;
	size_t limit = SERVICE_LIMIT_DEFAULT, all, count;

	request.collection_uid = dom_slice_of(place->uid);
	request.with_collection = true;
	request.prefetch = SERVICE_PREFETCH_MEDIUM;
	if (dice(&reader->state, 4) != 0)
		request.limit = (int64_t)(limit = dice(&reader->state, LIMIT_MAX));
	if (reader->place_stoken[place->index][0] != '\0')
		request.stoken = dom_slice_of(reader->place_stoken[place->index]);
	ask(reader, &request, WIRE_LIST_ITEMS, &answer);
	stoken_clocks(world, &answer.before, expected);
	all = model_items(world, place, expected[place->owner], reader->clocks[place->owner],
	    true, rows, ROWS_MAX);
	count = all < limit ? all : limit;
	take_items(reader, place, &answer, rows, count, true);
	RULE(answer.list.done == (all <= limit), "%zu of %zu rows, and done is %d", count, all,
	    answer.list.done);
	if (count != 0)
		expected[place->owner] = rows[count - 1].clock;
	check_stoken(world, &answer, expected);
	keep_stoken(&answer, reader->place_stoken[place->index]);
	atomic_fetch_add(&world->pages, 1);
	return answer.list.done;
}

/* What a client asks that knows some items and their etags. */
static void
fetch_updates(struct reader *reader, struct place *place)
{
	struct world *world = reader->world;
	struct service_request request =
	    request_of(&world->users[reader->user], SERVICE_ITEM_FETCH_UPDATES);
	char uids[UPDATES_MAX][UID_SIZE], etags[UPDATES_MAX][UID_SIZE];
	struct wire_dep entries[UPDATES_MAX];
	struct model_row rows[ROWS_MAX];
	uint64_t expected[USERS];
	struct answer answer;
	unsigned first = (unsigned)dice(&reader->state, ITEMS);
	size_t count = 0, all;

	for (unsigned i = 0; i < UPDATES_MAX; i++) {
		unsigned item = (first + i) % ITEMS;
		uint64_t etag = reader->etags[place->index][item];

		item_uid(place, item, uids[i]);
		revision_uid(etag, etags[i]);
		entries[i] = (struct wire_dep){.uid = dom_slice_of(uids[i])};
		if (etag != 0)
			entries[i].etag = dom_slice_of(etags[i]);
	}
	dom_buffer_clear(&reader->body);
	wire_updates_encode(&reader->body, entries, UPDATES_MAX);
	request.body = dom_buffer_slice(&reader->body);
	request.collection_uid = dom_slice_of(place->uid);
	if (dice(&reader->state, 2) == 0 && reader->place_stoken[place->index][0] != '\0')
		request.stoken = dom_slice_of(reader->place_stoken[place->index]);
	ask(reader, &request, WIRE_LIST_ITEMS, &answer);
	stoken_clocks(world, &answer.before, expected);
	all = model_items(world, place, expected[place->owner], reader->clocks[place->owner],
	    true, rows, ROWS_MAX);
	for (size_t i = 0; i < all; i++) {
		if ((rows[i].item + ITEMS - first) % ITEMS < UPDATES_MAX &&
		    rows[i].revision != reader->etags[place->index][rows[i].item])
			rows[count++] = rows[i];
	}
	/* Its token speaks of these items alone, so the client does not keep it. */
	take_items(reader, place, &answer, rows, count, false);
	if (count != 0)
		expected[place->owner] = rows[count - 1].clock;
	check_stoken(world, &answer, expected);
	RULE(answer.list.done, "updates come at once");
	atomic_fetch_add(&world->updates, 1);
}

/* All revisions of an item, newest first, page by page in one model of the first page. */
static void
history(struct reader *reader, struct place *place, unsigned item)
{
	struct world *world = reader->world;
	struct service_request request =
	    request_of(&world->users[reader->user], SERVICE_ITEM_REVISIONS);
	struct model_row rows[ROWS_MAX];
	struct answer answer;
	char uid[UID_SIZE];
	size_t limit = 1 + dice(&reader->state, LIMIT_MAX), all;

	item_uid(place, item, uid);
	request.collection_uid = dom_slice_of(place->uid);
	request.item_uid = dom_slice_of(uid);
	request.limit = (int64_t)limit;
	ask(reader, &request, WIRE_LIST_REVISIONS, &answer);
	all = model_history(world, place, item, reader->clocks[place->owner], rows, ROWS_MAX);
	RULE(answer.list.count == (all < limit ? all : limit) &&
	         answer.list.done == (all <= limit),
	    "%zu of %zu revisions, and done is %d", answer.list.count, all, answer.list.done);
	for (size_t i = 0; i < answer.list.count; i++)
		RULE(revision_of_uid(answer.list.revisions[i].uid) == rows[i].revision,
		    "another history");
	atomic_fetch_add(&world->histories, 1);
}

/* --- collections ------------------------------------------------------------------------ */

struct membership {
	struct place *place;
	uint64_t clock;
};

static int
by_owner_and_clock(const void *a, const void *b, void *context)
{
	const struct membership *left = a, *right = b;
	const struct world *world = context;
	int order = memcmp(world->users[left->place->owner].id,
	    world->users[right->place->owner].id, STORE_ID_SIZE);

	if (order != 0)
		return order;
	return (left->clock > right->clock) - (left->clock < right->clock);
}

/* What a list of collections shows behind these numbers, in order. */
static size_t
model_collections(
    struct reader *reader, const uint64_t after[USERS], struct membership rows_r[PLACES])
{
	struct world *world = reader->world;
	size_t count = 0;

	for (unsigned i = 0; i < PLACES; i++) {
		struct place *place = &world->places[i];
		const struct member *member = &place->members[reader->user];
		struct user *owner = &world->users[place->owner];
		uint64_t clock;

		if (!member->is_in || (reader->types & 1u << place->type) == 0)
			continue;
		pthread_mutex_lock(&owner->lock);
		clock = model_items_clock_locked(place, reader->clocks[place->owner]);
		pthread_mutex_unlock(&owner->lock);
		if (clock < member->clock)
			clock = member->clock;
		if (clock > after[place->owner])
			rows_r[count++] = (struct membership){.place = place, .clock = clock};
	}
	qsort_r(rows_r, count, sizeof(*rows_r), by_owner_and_clock, world);
	return count;
}

/* The whole of every request that any part of is visible lies behind this token. */
static void
check_collection(
    struct reader *reader, const struct wire_collection *row, const struct place *place)
{
	struct world *world = reader->world;
	struct user *owner = &world->users[place->owner];
	uint64_t clock, etag;
	struct wire_stoken stoken;

	pthread_mutex_lock(&owner->lock);
	clock = model_place_clock_locked(place, reader->clocks[place->owner]);
	etag = model_etag_locked(place, 0, reader->clocks[place->owner]);
	pthread_mutex_unlock(&owner->lock);
	read_stoken(row->stoken, &stoken);
	RULE(stoken.count == 1 && wire_stoken_get(&stoken, owner->id) == clock,
	    "the collection's token is not %llu", (unsigned long long)clock);
	RULE(revision_of_uid(row->item.content.uid) == etag, "another main item");
	RULE(row->access_level == place->members[reader->user].access_level, "another access");
}

static void
encode_types(struct reader *reader, struct service_request *request)
{
	static const char *const names[TYPES] = {"type 0", "type 1"};
	struct dom_slice types[TYPES];
	size_t count = 0;

	for (unsigned i = 0; i < TYPES; i++) {
		if ((reader->types & 1u << i) != 0)
			types[count++] = dom_slice_of(names[i]);
	}
	dom_buffer_clear(&reader->body);
	wire_types_encode(&reader->body, types, count);
	request->body = dom_buffer_slice(&reader->body);
}

/* One page; true: there is no more. */
static bool
page_of_collections(struct reader *reader)
{
	struct world *world = reader->world;
	bool is_all = reader->types == (1u << TYPES) - 1 && dice(&reader->state, 2) == 0;
	struct service_request request = request_of(&world->users[reader->user],
	    is_all ? SERVICE_COLLECTION_LIST : SERVICE_COLLECTION_LIST_MULTI);
	struct membership rows[PLACES];
	uint64_t expected[USERS];
	struct answer answer;
	size_t limit = SERVICE_LIMIT_DEFAULT, all, count;

	if (!is_all)
		encode_types(reader, &request);
	if (dice(&reader->state, 3) != 0)
		request.limit = (int64_t)(limit = dice(&reader->state, 8));
	if (reader->stoken[0] != '\0')
		request.stoken = dom_slice_of(reader->stoken);
	ask(reader, &request, WIRE_LIST_COLLECTIONS, &answer);
	stoken_clocks(world, &answer.before, expected);
	all = model_collections(reader, expected, rows);
	count = all < limit ? all : limit;
	RULE(answer.list.count == count && answer.list.done == (all <= limit),
	    "%zu collections, done %d, instead of %zu of %zu", answer.list.count,
	    answer.list.done, count, all);
	for (size_t i = 0; i < count; i++) {
		const struct wire_collection *row = &answer.list.collections[i];

		RULE(place_of_uid(world, row->item.uid) == rows[i].place, "row %zu is %.*s", i,
		    (int)row->item.uid.size, (const char *)row->item.uid.data);
		check_collection(reader, row, rows[i].place);
		reader->is_behind[rows[i].place->index] = true;
		expected[rows[i].place->owner] = rows[i].clock;
	}
	check_stoken(world, &answer, expected);
	keep_stoken(&answer, reader->stoken);
	atomic_fetch_add(&world->pages, 1);
	return answer.list.done;
}

/* --- a client ------------------------------------------------------------------------------
 */

/* As etebase-protocol 5.7 says: items only of collections that the list has named. */
static void
sync(struct reader *reader, bool to_the_end)
{
	struct world *world = reader->world;

	for (unsigned i = 0; !page_of_collections(reader) && (to_the_end || i < 8); i++)
		;
	for (unsigned i = 0; i < PLACES; i++) {
		bool done = false;

		if (!reader->is_behind[i])
			continue;
		for (unsigned pages = 0; !done && (to_the_end || pages < 4); pages++)
			done = page_of_items(reader, &world->places[i]);
		reader->is_behind[i] = !done;
	}
}

static void
forget(struct reader *reader)
{
	memset(reader->stoken, 0, sizeof(reader->stoken));
	memset(reader->place_stoken, 0, sizeof(reader->place_stoken));
	memset(reader->is_behind, 0, sizeof(reader->is_behind));
	memset(reader->etags, 0, sizeof(reader->etags));
	reader->types = 1 + (unsigned)dice(&reader->state, (1u << TYPES) - 1);
}

void *
reader_run(void *context)
{
	struct reader *reader = context;
	struct world *world = reader->world;

	RULE(store_reader_open(world->store, &reader->store) == DOM_OK &&
	         (reader->arena = dom_arena_new(0)) != NULL,
	    "a reader");
	forget(reader);
	while (!atomic_load(&world->over)) {
		struct place *place = &world->places[dice(&reader->state, PLACES)];
		unsigned item = (unsigned)dice(&reader->state, ITEMS);

		if (dice(&reader->state, 500) == 0)
			forget(reader);
		sync(reader, false);
		if (!place->members[reader->user].is_in)
			continue;
		fetch_updates(reader, place);
		if (reader->etags[place->index][item] != 0)
			history(reader, place, item);
	}
	return NULL;
}

void
reader_finish(struct reader *reader)
{
	struct world *world = reader->world;
	struct model_row rows[ROWS_MAX];

	sync(reader, true);
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *place = &world->places[i];
		unsigned held = 0;
		size_t count;

		if (!place->members[reader->user].is_in ||
		    (reader->types & 1u << place->type) == 0)
			continue;
		for (unsigned item = 0; item < ITEMS; item++)
			held += reader->etags[i][item] != 0;
		count = model_items(world, place, 0, UINT64_MAX, true, rows, ROWS_MAX);
		RULE(held == count, "%u items were shown, %zu are there", held, count);
		for (size_t row = 0; row < count; row++)
			RULE(reader->etags[i][rows[row].item] == rows[row].revision,
			    "an update of item %u was missed", rows[row].item);
	}
	dom_buffer_free(&reader->body);
	dom_arena_free(&reader->arena);
	store_reader_close(&reader->store);
}
