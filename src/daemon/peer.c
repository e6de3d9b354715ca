/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Asking other regions. */
#include "daemon/peer.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <domicile/transport.h>

#include "base/clock.h"

#include "wire/peer.h"

#include "store/fault.h"

enum {
	CONNECT_SECONDS = 5,
	LOOK_MS = 100,    /* between two looks whether to stop */
	LOOK_MANY_MS = 5, /* where several regions are asked at once */
	WAIT_MS_STANDARD = 60 * 1000,
	TELL_AGAIN_MS = 60 * 60 * 1000,
	TELL_NEXT_MS = 60 * 1000, /* of a trouble that comes and goes */
	REASON_SIZE = 640,
};

/* --- what the operator was told --------------------------------------------------- */

struct news_entry {
	bool is_down; /* as the operator was told */
	bool was_told;
	int64_t told_ms; /* last that it is */
};

struct peer_news {
	const struct wire_group *group;
	pthread_mutex_t lock; /* guards the entries */
	struct news_entry *entries;
};

struct peer_news *
peer_news_new(const struct wire_group *group)
{
	struct peer_news *news = calloc(1, sizeof(*news));

	if (news == NULL ||
	    (news->entries = calloc(group->region_count, sizeof(*news->entries))) == NULL) {
		free(news);
		return NULL;
	}
	news->group = group;
	pthread_mutex_init(&news->lock, NULL);
	return news;
}

void
peer_news_free(struct peer_news **news)
{
	struct peer_news *old = *news;

	if (old == NULL)
		return;
	*news = NULL;
	pthread_mutex_destroy(&old->lock);
	free(old->entries);
	free(old);
}

/*
 * Once for each trouble, then once an hour, and when it is over.  reason NULL: it is.  One that
 * comes back sooner than in a minute is not told yet: a region must not fill the log.
 */
static void
tell(struct peer_news *news, const struct wire_group_region *region, const char *reason)
{
	struct news_entry *entry = &news->entries[region - news->group->regions];
	int64_t now_ms = dom_monotonic_ms();
	bool is_news;

	pthread_mutex_lock(&news->lock);
	is_news = reason == NULL
	              ? entry->is_down
	              : !entry->was_told || now_ms - entry->told_ms >=
	                                        (entry->is_down ? TELL_AGAIN_MS : TELL_NEXT_MS);
	if (is_news) {
		entry->is_down = reason != NULL;
		if (reason != NULL) {
			entry->was_told = true;
			entry->told_ms = now_ms;
		}
	}
	pthread_mutex_unlock(&news->lock);
	if (!is_news)
		return;
	if (reason == NULL)
		fprintf(stderr, "domiciled: the region %.*s answers again\n",
		    (int)region->name.size, (const char *)region->name.data);
	else
		fprintf(stderr,
		    "domiciled: the region %.*s cannot be asked: %s. Moves from and to it "
		    "wait, "
		    "and go on by themselves\n",
		    (int)region->name.size, (const char *)region->name.data, reason);
}

/* --- asking ------------------------------------------------------------------------ */

struct target {
	struct dom_transport *ways[WIRE_GROUP_ADDRESSES_MAX]; /* NULL: not yet */
	unsigned first; /* the address that answered last */
};

struct peer {
	struct peer_options options;
	struct target *targets; /* of the group's regions */
};

/* One request, until it is answered or all addresses were tried. */
struct flight {
	struct peer *peer;
	struct mover_ask *ask;
	struct target *target;
	unsigned address, tried;
	int64_t give_up_ms;
	struct dom_exchange exchange;
	bool is_flying, is_done;
	char reason[REASON_SIZE]; /* of the last address */
};

/* Names for tests; see store/fault.h. */
static void
fault(const char *when, const struct mover_ask *ask)
{
	static const char *const names[] = {[WIRE_PEER_OFFER] = "offer",
	    [WIRE_PEER_RECORDS] = "records",
	    [WIRE_PEER_CHUNKS] = "chunks",
	    [WIRE_PEER_FREEZE] = "freeze",
	    [WIRE_PEER_STATUS] = "status",
	    [WIRE_PEER_SWITCH] = "switch",
	    [WIRE_PEER_ACTIVE] = "active",
	    [WIRE_PEER_ACK] = "ack",
	    [WIRE_PEER_DISCARD] = "discard",
	    [WIRE_PEER_ERASED] = "erased",
	    [WIRE_PEER_HOMES] = "homes"};
	struct wire_peer_signed message;
	struct wire_peer request;
	char name[32];

	if (store_fault_hook == NULL ||
	    wire_peer_signed_decode(ask->body, &message) != DOM_OK ||
	    wire_peer_decode(message.request, &request) != DOM_OK)
		return;
	snprintf(name, sizeof(name), "%s-%s", when, names[request.op]);
	store_fault(name);
}

static void
exchange_done(struct dom_exchange *exchange)
{
	struct flight *flight = exchange->context;

	flight->is_flying = false;
}

static struct dom_transport *
way_to(struct flight *flight)
{
	const struct wire_group_region *region = flight->ask->region;
	struct dom_transport **way = &flight->target->ways[flight->address];
	char url[WIRE_ADDRESS_SIZE_MAX + 1];
	enum dom_status st;

	if (*way != NULL)
		return *way;
	snprintf(url, sizeof(url), "%.*s", (int)region->addresses[flight->address].size,
	    (const char *)region->addresses[flight->address].data);
	st = dom_transport_curl(&(struct dom_transport_options){.server_url = url,
	                            .ca_file = flight->peer->options.ca_file,
	                            .user_agent = "domiciled/" DOM_RELEASE,
	                            .connections_max = MOVER_ASKS_MAX,
	                            .reply_size_max = MOVER_REPLY_SIZE_MAX,
	                            .connect_seconds = CONNECT_SECONDS},
	    way);
	if (st != DOM_OK)
		snprintf(flight->reason, sizeof(flight->reason), "%s: %s", url,
		    st == DOM_EINPUT ? "this is no address of a region" : dom_status_text(st));
	return st == DOM_OK ? *way : NULL;
}

/* The one that answered last, then the others in order. */
static unsigned
next_address(const struct flight *flight)
{
	unsigned first = flight->target->first, turn = flight->tried;

	return turn == 0 ? first : turn <= first ? turn - 1 : turn;
}

/* False: there is no other address, or no time. */
static bool
launch(struct flight *flight)
{
	static const char *const headers[] = {
	    "Content-Type: application/octet-stream", "Accept: application/msgpack", NULL};
	int64_t left_ms = flight->give_up_ms - dom_monotonic_ms();
	struct dom_transport *way;

	while (flight->tried < flight->ask->region->address_count && left_ms > 0) {
		flight->address = next_address(flight);
		flight->tried++;
		if ((way = way_to(flight)) == NULL)
			continue;
		flight->exchange = (struct dom_exchange){.method = "POST",
		    .path =
		        flight->ask->change ? "domicile/v1/peer/change/" : "domicile/v1/peer/",
		    .headers = headers,
		    .body = flight->ask->body,
		    .reply_size_max = flight->ask->reply_size_max,
		    .wait_ms = (unsigned)left_ms,
		    .done = exchange_done,
		    .context = flight};
		flight->is_flying = way->submit(way, &flight->exchange) == DOM_OK;
		if (flight->is_flying)
			return true;
		snprintf(flight->reason, sizeof(flight->reason), "no memory");
	}
	return false;
}

/* A proxy, or another server than a region's: the next address may be better. */
static bool
is_elsewhere(int status)
{
	return (status >= 300 && status < 400) || status == 404 || status == 405 ||
	       status == 502 || status == 504;
}

static void
take_answer(struct flight *flight)
{
	struct mover_ask *ask = flight->ask;
	struct dom_exchange *exchange = &flight->exchange;

	ask->failure = DOM_OK;
	ask->status = exchange->status;
	ask->retry_after_seconds = exchange->retry_after_seconds;
	ask->reply = (struct dom_buffer){.data = exchange->reply,
	    .size = exchange->reply_size,
	    .capacity = exchange->reply_size};
	exchange->reply = NULL;
	flight->target->first = flight->address;
	flight->is_done = true;
	tell(flight->peer->options.news, ask->region, NULL);
	fault("got", ask);
}

static void
give_up(struct flight *flight, enum dom_status failure)
{
	flight->ask->failure = failure;
	flight->is_done = true;
}

/* What came of an exchange: an answer, the next address, or the end. */
static void
land(struct flight *flight)
{
	const struct wire_group_region *region = flight->ask->region;
	struct dom_exchange *exchange = &flight->exchange;
	struct dom_slice address = region->addresses[flight->address];
	enum dom_status failure = exchange->failure;

	if (exchange->status != 0 && !is_elsewhere(exchange->status)) {
		take_answer(flight);
		return;
	}
	free(exchange->reply);
	exchange->reply = NULL;
	if (exchange->status != 0) {
		failure = DOM_ENETWORK;
		snprintf(flight->reason, sizeof(flight->reason),
		    "%.*s answers %d: is this a region's address?", (int)address.size,
		    (const char *)address.data, exchange->status);
	} else {
		snprintf(flight->reason, sizeof(flight->reason), "%.*s: %s", (int)address.size,
		    (const char *)address.data, exchange->reason);
	}
	if (failure != DOM_ELIMIT && launch(flight))
		return;
	give_up(flight, failure);
	tell(flight->peer->options.news, region, flight->reason);
}

/* A closed transport has ended what was under way on it. */
static void
poll_way(struct flight *flight, int timeout_ms)
{
	struct dom_transport **at = &flight->target->ways[flight->address], *way = *at;

	if (way->poll(way, timeout_ms) == DOM_OK)
		return;
	*at = NULL;
	way->close(way);
}

static void
stop_all(struct flight *flights, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct dom_transport **at = &flights[i].target->ways[flights[i].address];

		if (flights[i].is_flying) {
			struct dom_transport *way = *at;

			*at = NULL;
			way->close(way);
		}
		if (!flights[i].is_done) {
			free(flights[i].exchange.reply);
			give_up(&flights[i], DOM_ESTOPPED);
		}
	}
}

/* One look at all of them; how many are not done. */
static size_t
turn(struct flight *flights, size_t count)
{
	struct dom_transport *last = NULL;
	bool is_mixed = false;
	size_t open = 0;

	for (size_t i = 0; i < count; i++) {
		struct dom_transport *way = flights[i].target->ways[flights[i].address];

		if (!flights[i].is_flying)
			continue;
		is_mixed = is_mixed || (last != NULL && last != way);
		last = way;
	}
	last = NULL;
	for (size_t i = 0; i < count; i++) {
		struct dom_transport *way = flights[i].target->ways[flights[i].address];

		if (!flights[i].is_flying || way == last)
			continue;
		last = way;
		poll_way(&flights[i], is_mixed ? LOOK_MANY_MS : LOOK_MS);
	}
	for (size_t i = 0; i < count; i++) {
		if (!flights[i].is_done && !flights[i].is_flying)
			land(&flights[i]);
		open += !flights[i].is_done;
	}
	return open;
}

static enum dom_status
ask(void *context, struct mover_ask *asks, size_t count)
{
	struct peer *peer = context;
	struct flight flights[MOVER_ASKS_MAX] = {0};
	size_t open = 0;

	for (size_t i = 0; i < count && i < MOVER_ASKS_MAX; i++) {
		struct flight *flight = &flights[i];
		unsigned wait_ms = asks[i].wait_ms == 0 ? WAIT_MS_STANDARD : asks[i].wait_ms;

		*flight = (struct flight){.peer = peer,
		    .ask = &asks[i],
		    .target = &peer->targets[asks[i].region - peer->options.group->regions],
		    .give_up_ms = dom_monotonic_ms() + wait_ms};
		asks[i].status = 0;
		asks[i].retry_after_seconds = 0;
		fault("send", &asks[i]);
		if (launch(flight)) {
			open++;
		} else {
			give_up(flight, DOM_ENETWORK);
			tell(peer->options.news, asks[i].region, flight->reason);
		}
	}
	while (open != 0) {
		if (peer->options.stopped(peer->options.context)) {
			stop_all(flights, count);
			return DOM_ESTOPPED;
		}
		open = turn(flights, count);
	}
	return DOM_OK;
}

struct peer *
peer_new(const struct peer_options *options)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL || (peer->targets = calloc(options->group->region_count,
	                         sizeof(*peer->targets))) == NULL) {
		free(peer);
		return NULL;
	}
	peer->options = *options;
	return peer;
}

void
peer_free(struct peer **peer)
{
	struct peer *old = *peer;

	if (old == NULL)
		return;
	*peer = NULL;
	for (size_t i = 0; i < old->options.group->region_count; i++) {
		for (size_t j = 0; j < WIRE_GROUP_ADDRESSES_MAX; j++) {
			struct dom_transport *way = old->targets[i].ways[j];

			if (way != NULL)
				way->close(way);
		}
	}
	free(old->targets);
	free(old);
}

struct mover_peer
peer_functions(struct peer *peer)
{
	return (struct mover_peer){.ask = ask, .context = peer};
}
