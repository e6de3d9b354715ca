/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A phone that runs libdomicile, unchanged: its transport ends in the simulated network, its
 * state lies on a simulated disk of its own, and it waits in virtual time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/collection.h>
#include <domicile/consent.h>
#include <domicile/move.h>
#include <domicile/session.h>

#include "client/client.h"
#include "sim/disk.h"
#include "sim/phone.h"

static const char *const names[] = {"contacts", "calendar", "messages"};

/* --- the transport -------------------------------------------------------------------- */

struct way {
	struct dom_transport transport; /* first */
	struct phone *phone;
	unsigned region;
	struct dom_exchange *answered, *under_way;
	struct time_gate gate;
	bool is_closed;
	size_t calls;
};

static void
release(struct way *way)
{
	if (way->is_closed && way->calls == 0)
		free(way);
}

/* What a call brings back to an exchange, which may be gone. */
struct carried {
	struct way *way;
	struct dom_exchange *exchange;
};

static void
came_back(struct net_call *call)
{
	struct carried *carried = call->context;
	struct way *way = carried->way;
	struct dom_exchange *exchange = carried->exchange, **at;

	free(carried);
	way->calls--;
	if (!way->is_closed) {
		for (at = &way->under_way; *at != exchange; at = &(*at)->next)
			;
		*at = exchange->next;
		exchange->status = call->status;
		exchange->failure = call->failure;
		snprintf(
		    exchange->reason, sizeof(exchange->reason), "the network is simulated");
		snprintf(exchange->position, sizeof(exchange->position), "%s", call->position);
		exchange->retry_after_seconds = call->retry_after_seconds;
		exchange->reply = malloc(call->reply.size + 1);
		if (exchange->reply == NULL)
			abort();
		if (call->reply.size != 0)
			memcpy(exchange->reply, call->reply.data, call->reply.size);
		exchange->reply_size = call->reply.size;
		exchange->next = way->answered;
		way->answered = exchange;
		time_open(&way->gate);
	}
	release(way);
}

static char *
header(const struct dom_exchange *exchange, const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; exchange->headers[i] != NULL; i++)
		if (strncmp(exchange->headers[i], name, size) == 0)
			return strdup(exchange->headers[i] + size);
	return NULL;
}

static enum dom_status
way_submit(struct dom_transport *transport, struct dom_exchange *exchange)
{
	struct way *way = (struct way *)transport;
	struct carried *carried = malloc(sizeof(*carried));
	struct net_call *call;
	char path[1024];

	if (carried == NULL)
		return DOM_ENOMEM;
	snprintf(path, sizeof(path), "/%s", exchange->path);
	call = net_call_new(way->phone->world, way->phone->node, way->region, exchange->method,
	    path, exchange->body);
	call->account = way->phone->account;
	call->authorization = header(exchange, "Authorization: ");
	call->device = header(exchange, "Domicile-Device: ");
	*carried = (struct carried){way, exchange};
	call->done = came_back;
	call->context = carried;
	way->calls++;
	exchange->next = way->under_way;
	way->under_way = exchange;
	net_send(call);
	return DOM_OK;
}

static enum dom_status
way_poll(struct dom_transport *transport, int timeout_ms)
{
	struct way *way = (struct way *)transport;

	if (way->answered == NULL && timeout_ms > 0)
		(void)time_wait(&way->gate, INT64_C(1000) * timeout_ms);
	while (way->answered != NULL) {
		struct dom_exchange *exchange = way->answered;

		way->answered = exchange->next;
		exchange->done(exchange);
	}
	return DOM_OK;
}

static void
way_close(struct dom_transport *transport)
{
	struct way *way = (struct way *)transport;

	while (way->under_way != NULL) {
		struct dom_exchange *exchange = way->under_way;

		way->under_way = exchange->next;
		exchange->status = 0;
		exchange->failure = DOM_EUNCERTAIN;
		exchange->done(exchange);
	}
	way->is_closed = true;
	release(way);
}

static unsigned
region_at(const struct world *world, const char *url)
{
	for (unsigned i = 0; i < world->region_count; i++)
		if (strstr(url, world->regions[i].host) != NULL)
			return i;
	return 0;
}

static struct dom_transport *
way_to(void *context, const char *server_url)
{
	struct phone *phone = context;
	struct way *way = calloc(1, sizeof(*way));

	if (way == NULL)
		abort();
	way->transport = (struct dom_transport){way_submit, way_poll, way_close};
	way->phone = phone;
	way->region = region_at(phone->world, server_url);
	return &way->transport;
}

/* --- the session ------------------------------------------------------------------------ */

struct folder {
	char text[64];
};

static struct folder
folder_of(const struct phone *phone)
{
	struct folder folder;

	snprintf(folder.text, sizeof(folder.text), SIM_DISK_ROOT "%s/state", phone->name);
	return folder;
}

static bool
enter(struct phone *phone, bool is_signup)
{
	struct person *person = phone->person;
	const struct region *region = &phone->world->regions[person->region];
	struct dom_complaint complaint = {""};
	const struct folder folder = folder_of(phone);
	char url[64], name[32];
	struct dom_session_options options = {.state_folder = folder.text,
	    .server_url = url,
	    .device = phone->name,
	    .connect = way_to,
	    .connect_context = phone};
	struct dom_credentials credentials = {
	    .username = name, .email = "", .password = dom_slice_of("a password for all")};
	enum dom_status st;

	snprintf(url, sizeof(url), "https://%s", region->host);
	snprintf(name, sizeof(name), "%s%u", person->name, person->generation);
	st = is_signup ? dom_signup(&options, &credentials, &phone->session, &complaint)
	               : dom_login(&options, &credentials, &phone->session, &complaint);
	if (st != DOM_OK)
		world_say(phone->world, "%s: %s", phone->name, complaint.text);
	return st == DOM_OK;
}

static bool
sign_up(struct phone *phone)
{
	struct oracle *oracle = phone->world->oracle;
	struct person *person = phone->person;
	static const uint8_t unknown[32];
	char name[32];

	if (oracle->account_count == ORACLE_ACCOUNTS_MAX)
		return false;
	/* Whoever does not hear the answer takes another name. */
	person->generation++;
	snprintf(name, sizeof(name), "%s%u", person->name, person->generation);
	person->account = oracle_add_account(oracle, name, unknown, person->region);
	phone->account = person->account;
	person->is_signing_up = true;
	person->is_signed_up = enter(phone, true);
	person->is_signing_up = false;
	if (!person->is_signed_up)
		return false;
	dom_session_identity(phone->session, oracle->accounts[person->account].identity);
	oracle->accounts[person->account].is_made = true;
	return true;
}

/* One device of a person signs up, the others log in. */
static bool
open_session(struct phone *phone)
{
	const struct o_account *model = &phone->world->oracle->accounts[phone->person->account];

	/* Its region was restored to a time before it. */
	if (phone->person->is_signed_up && model->is_lost) {
		phone->person->is_signed_up = false;
		ours_forget(phone);
	}
	if (phone->session != NULL)
		return true;
	if (!phone->person->is_signed_up)
		return !phone->person->is_signing_up && sign_up(phone);
	return enter(phone, false);
}

void
ours_close(struct phone *phone)
{
	dom_session_close(&phone->session);
}

void
ours_forget(struct phone *phone)
{
	struct dom_complaint complaint;

	if (phone->session == NULL)
		return;
	ours_close(phone);
	if (dom_session_forget(folder_of(phone).text, &complaint) != DOM_OK)
		world_say(phone->world, "%s: %s", phone->name, complaint.text);
}

/* --- what it does --------------------------------------------------------------------------
 */

static bool
said(struct phone *phone, enum dom_status st)
{
	if (st < 0)
		world_say(
		    phone->world, "%s: %s", phone->name, dom_session_error(phone->session));
	return st == DOM_OK;
}

static bool
turn_on(struct phone *phone)
{
	static const char *const types[] = {"sim.contacts", "sim.calendar", "sim.messages"};
	unsigned which = (unsigned)sim_random_below(&phone->random, ORACLE_SERVICES);
	struct dom_catalogue *catalogue = NULL;
	struct dom_consent consent = {
	    .types = &types[which % 3], .type_count = which == ORACLE_SERVICES - 1 ? 0 : 1};
	bool was_done = said(phone, dom_catalogue_ask(phone->session, &catalogue));

	if (was_done) {
		consent.entry = dom_catalogue_find(catalogue, oracle_services[which]);
		was_done = said(phone, dom_consent_give(phone->session, &consent));
	}
	dom_catalogue_free(&catalogue);
	return was_done;
}

static bool
turn_off(struct phone *phone)
{
	return said(
	    phone, dom_consent_withdraw(phone->session,
	               oracle_services[sim_random_below(&phone->random, ORACLE_SERVICES)],
	               DOM_KEEP, NULL));
}

static bool
put(struct phone *phone)
{
	static const char *const types[] = {"sim.contacts", "sim.calendar", "sim.messages"};
	unsigned which = (unsigned)sim_random_below(&phone->random, 3);
	struct dom_collection *collection = NULL;
	uint8_t content[3000];
	char uid[33], known[33];
	struct dom_item_new item = {.name = "an item",
	    .content = dom_slice(content, sim_random_below(&phone->random, sizeof(content)))};
	bool was_done;

	sim_random_fill(&phone->random, content, sizeof(content));
	/* Some of them are everybody's: so that phones meet. */
	snprintf(known, sizeof(known), "an-item-of-%s-%020u", names[which],
	    (unsigned)sim_random_below(&phone->random, 4));
	if (sim_random_one_in(&phone->random, 2))
		item.uid = known;
	was_done = said(phone, dom_collection_ensure(
	                           phone->session, names[which], types[which], &collection)) &&
	           said(phone, dom_item_put(collection, &item, uid));
	dom_collection_free(&collection);
	return was_done;
}

/* What the index says, against the store up to the same token. */
static void
check_index(struct phone *phone)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_collection_row *rows;
	size_t count = 0;

	if (dom_state_collection_all(phone->session->state, arena, &rows, &count) != DOM_OK)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		struct o_mirror_entry entries[PHONE_ENTRIES_MAX];
		struct dom_state_walk *walk = NULL;
		struct dom_item_row row;
		size_t known = 1;

		/* Of the main item only the token tells. */
		entries[0] = (struct o_mirror_entry){rows[i].uid, dom_slice(NULL, 0)};
		if (rows[i].token.size == 0 || rows[i].sweep ||
		    dom_state_walk_open(phone->session->state, rows[i].number, false, &walk) !=
		        DOM_OK)
			continue;
		while (known < PHONE_ENTRIES_MAX && dom_state_walk_next(walk, &row) == DOM_OK)
			entries[known++] = (struct o_mirror_entry){
			    dom_arena_copy(arena, row.uid), dom_arena_copy(arena, row.etag)};
		dom_state_walk_close(&walk);
		if (known < PHONE_ENTRIES_MAX)
			oracle_check_mirror(phone->world->oracle, phone->account, rows[i].uid,
			    rows[i].token, entries, known);
	}
	dom_arena_free(&arena);
}

static bool
synchronise(struct phone *phone)
{
	struct dom_move_found found;
	bool was_done = said(phone, dom_sync(phone->session));

	if (was_done)
		check_index(phone);
	if (was_done && dom_move_pending(phone->session))
		(void)said(phone, dom_move_acknowledge(phone->session, &found));
	return was_done;
}

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
	struct dom_collection *collection = NULL;
	bool was_done =
	    dom_collection_find(phone->session, names[sim_random_below(&phone->random, 3)],
	        &collection) == DOM_OK &&
	    said(phone, dom_collection_fetch(collection, &sink));

	dom_collection_free(&collection);
	return was_done;
}

static bool
log_out(struct phone *phone)
{
	struct dom_complaint complaint;

	return dom_logout(&phone->session, &complaint) == DOM_OK;
}

static bool
order_move(struct phone *phone)
{
	struct world *world = phone->world;
	struct dom_move_order order = {
	    .target =
	        world->regions[sim_random_below(&phone->random, world->region_count)].name,
	    .leave_shared = true};
	char id[DOM_MOVE_ID_TEXT_SIZE + 1];

	return said(phone, dom_move_order(phone->session, &order, id));
}

bool
ours_act(struct phone *phone, enum action_kind action)
{
	if (!open_session(phone))
		return false;
	switch (action) {
	case ACTION_ON:
		return turn_on(phone);
	case ACTION_OFF:
		return turn_off(phone);
	case ACTION_WRITE:
	case ACTION_TRANSACTION:
	case ACTION_CHUNK:
	case ACTION_CREATE:
		return put(phone);
	case ACTION_SYNC:
		return synchronise(phone);
	case ACTION_READ:
	case ACTION_LIST:
		return fetch(phone);
	case ACTION_LOGIN:
		return true;
	case ACTION_LOGOUT:
		return log_out(phone);
	case ACTION_MOVE:
		return order_move(phone);
	case ACTION_MOVE_CANCEL:
		return said(phone, dom_move_cancel(phone->session, NULL));
	default:
		return false;
	}
}
