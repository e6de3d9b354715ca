/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A request and the rules: what http/exchange.c and http/exchange_run.c do
 * around service_*(), with calls of the simulated network in the place of
 * connections.
 */
#include "sim/serving.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

#include "base/encode.h"

#include "http/reply.h"
#include "services/push/push.h"
#include "sim/movers.h"
#include "sim/oracle.h"
#include "sim/time.h"
#include "sim/world.h"

enum { PUMP_US = 4000, HELD_US = 50 * 1000 };

static void
serving_free(struct serving *serving)
{
	if (serving->next != NULL)
		serving->next->link = serving->link;
	*serving->link = serving->next;
	service_drop(&serving->staged);
	service_reply_free(&serving->reply);
	dom_buffer_free(&serving->response.body);
	push_subscription_free(&serving->response.subscription);
	dom_arena_free(&serving->arena);
	free(serving);
}

static struct serving *
serving_new(struct region *region, struct net_call *call)
{
	struct serving *serving = calloc(1, sizeof(*serving));

	if (serving == NULL || (serving->arena = dom_arena_new(64 << 20)) == NULL)
		abort();
	serving->region = region;
	serving->number = ++region->serving_count;
	serving->call = call;
	serving->link = &region->servings;
	serving->next = region->servings;
	if (serving->next != NULL)
		serving->next->link = &serving->next;
	region->servings = serving;
	return serving;
}

static void
send_response(struct serving *serving)
{
	struct http_response *response = &serving->response;
	struct net_call *call = serving->call;

	if (call != NULL) {
		call->status = response->status;
		dom_buffer_free(&call->reply);
		call->reply = response->body;
		response->body = (struct dom_buffer){0};
		if (response->position_before[0] != '\0')
			snprintf(call->position, sizeof(call->position), "%s %s",
			    response->position_before, response->position_after);
		else
			snprintf(call->position, sizeof(call->position), "%s",
			    response->position_after);
		call->retry_after_seconds = response->retry_after_seconds;
		serving->call = NULL;
		net_answer(call);
	}
	serving_free(serving);
}

static void
refuse(struct serving *serving, enum http_fault fault)
{
	reply_from_fault(fault, NULL, &serving->response);
	send_response(serving);
}

static void touch_session(struct serving *serving);

static void
answer(struct serving *serving, enum dom_status status)
{
	if (status < 0 && status != DOM_EDENIED) {
		service_reply_free(&serving->reply);
		serving->reply = (struct service_reply){0};
		service_failure(status, &serving->reply);
	}
	if (serving->reply.touch_session)
		touch_session(serving);
	oracle_answered(serving);
	reply_from_service(serving->request.op, &serving->reply, &serving->response);
	send_response(serving);
}

/* --- writes ---------------------------------------------------------------------- */

static void
pump(void *context)
{
	struct world_life *of = context;
	struct region *region = of->region;
	bool is_alive = region->is_up && region->life == of->life;

	free(of);
	if (!is_alive)
		return;
	region->pump_is_due = false;
	while (store_pump(region->store) != 0)
		;
	oracle_pumped(region);
	region_look(region);
}

/* --- what is held: as http/held.h ------------------------------------------------ */

static void submit_again(struct serving *serving);

struct held {
	struct world_life *of;
	uint64_t number;
};

static void
held_event(void *context)
{
	struct held held = *(struct held *)context;
	struct region *region = held.of->region;
	bool is_alive = region->is_up && region->life == held.of->life;
	struct serving *serving = is_alive ? region->servings : NULL;

	free(context);
	free(held.of);
	while (serving != NULL && serving->number != held.number)
		serving = serving->next;
	if (serving != NULL && serving->is_held)
		submit_again(serving);
}

static void
retry_after(struct serving *serving, int64_t us)
{
	struct held *held = malloc(sizeof(*held));

	if (held == NULL)
		abort();
	*held = (struct held){world_life_of(serving->region), serving->number};
	time_after(us, held_event, held);
}

/* True: its answer may be another in a moment. */
static bool
park(struct serving *serving)
{
	if (serving->call == NULL || serving->reply.hold_ms == 0)
		return false;
	if (serving->hold_until_us == 0)
		serving->hold_until_us = time_now_us() + INT64_C(1000) * serving->reply.hold_ms;
	if (time_now_us() >= serving->hold_until_us)
		return false;
	serving->is_held = true;
	retry_after(serving, HELD_US);
	return true;
}

void
serving_retry_held(struct region *region)
{
	for (struct serving *serving = region->servings; serving != NULL;
	     serving = serving->next)
		if (serving->is_held)
			retry_after(serving, 0);
}

static enum dom_status
job_run(struct store_txn *txn, struct store_job *job)
{
	struct serving *serving =
	    (struct serving *)((char *)job - offsetof(struct serving, job));

	service_reply_free(&serving->reply);
	serving->reply = (struct service_reply){0};
	return service_run(&serving->region->service, txn, &serving->request, serving->staged,
	    serving->arena, &serving->reply);
}

static void
job_done(struct store_job *job, enum dom_status status)
{
	struct serving *serving =
	    (struct serving *)((char *)job - offsetof(struct serving, job));
	struct region *region = serving->region;
	struct net_call *call = serving->call;

	serving->is_queued = false;
	/* A machine that has stopped says nothing any more. */
	if (sim_disk_is_stopped(region->disk) || !region->is_up) {
		if (status != DOM_EDENIED)
			oracle_uncertain(serving);
		serving->call = NULL;
		if (call != NULL)
			net_cut(call);
		serving_free(serving);
		return;
	}
	if (status == DOM_OK)
		oracle_committed(serving);
	else if (status != DOM_EDENIED)
		oracle_uncertain(serving);
	if (status == DOM_OK && serving->reply.wakes_keeper)
		world_wake_keeper(region);
	if (status == DOM_OK && serving->reply.wakes_mover) {
		movers_wake(region);
		serving_retry_held(region);
	}
	if ((status == DOM_OK || status == DOM_EDENIED) && park(serving))
		return;
	if (serving->request.op == SERVICE_SESSION_TOUCH)
		serving_free(serving);
	else
		answer(serving, status);
}

static void
submit_as(struct serving *serving, enum dom_status st)
{
	struct region *region = serving->region;

	serving->job = (struct store_job){.run = job_run, .done = job_done};
	if (st == DOM_OK)
		st = store_submit(region->store, &serving->job);
	if (st != DOM_OK) {
		job_done(&serving->job, st == DOM_ELIMIT ? DOM_ESTORE : st);
		region_look(region);
		return;
	}
	serving->is_queued = true;
	if (region->pump_is_due)
		return;
	region->pump_is_due = true;
	time_after(
	    (int64_t)sim_random_below(&region->random, PUMP_US), pump, world_life_of(region));
}

static void
submit(struct serving *serving)
{
	submit_as(serving, service_stage(&serving->region->service, &serving->request,
	                       serving->arena, &serving->staged));
}

static void
submit_again(struct serving *serving)
{
	serving->is_held = false;
	submit_as(serving, DOM_OK);
}

static void
touch_session(struct serving *serving)
{
	struct serving *touch = serving_new(serving->region, NULL);

	touch->request.op = SERVICE_SESSION_TOUCH;
	touch->request.token = dom_arena_copy(touch->arena, serving->request.token);
	submit(touch);
}

/* --- reads, and before ----------------------------------------------------------- */

static enum dom_status
read_with(struct serving *serving,
    enum dom_status (*run)(struct serving *serving, struct store_txn *txn))
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_read_begin(serving->region->reader, &txn)) == DOM_OK)
		st = run(serving, txn);
	store_read_end(&txn);
	return st;
}

static enum dom_status
run_admit(struct serving *serving, struct store_txn *txn)
{
	return service_admit(
	    &serving->region->service, txn, &serving->request, serving->arena, &serving->reply);
}

static enum dom_status
run_read(struct serving *serving, struct store_txn *txn)
{
	service_reply_free(&serving->reply);
	serving->reply = (struct service_reply){0};
	return service_run(&serving->region->service, txn, &serving->request, NULL,
	    serving->arena, &serving->reply);
}

/* "Token x" */
static void
read_authorization(const char *value, struct service_request *request)
{
	const char *space = value == NULL ? NULL : strchr(value, ' ');

	if (value == NULL)
		return;
	if (space == NULL || space[1] == '\0')
		request->token_malformed = true;
	else
		request->token = dom_slice_of(space + 1);
}

static bool
read_device(struct serving *serving, const char *value)
{
	size_t size;
	uint8_t *name = dom_arena_take(serving->arena, SERVICE_DEVICE_SIZE_MAX);

	if (name == NULL || dom_base64_decode(dom_slice_of(value), name,
	                        SERVICE_DEVICE_SIZE_MAX, &size) != DOM_OK)
		return false;
	serving->request.device = dom_slice(name, size);
	return true;
}

void
region_take(struct region *region, struct net_call *call)
{
	struct serving *serving = serving_new(region, call);
	struct service_request *request = &serving->request;
	const char *query = strchr(call->path, '?');
	struct http_head head = {.method = dom_slice_of(call->method),
	    .path = dom_slice(
	        call->path, query == NULL ? strlen(call->path) : (size_t)(query - call->path)),
	    .query = dom_slice_of(query == NULL ? "" : query + 1),
	    .host = dom_slice_of(region->host),
	    .content_length = (int64_t)call->body.size};
	const struct service_plan *plan;
	enum route_answer found;
	struct route route;
	enum dom_status st;

	found = route_find("", &head, serving->arena, &route, request);
	if (found != ROUTE_FOUND) {
		refuse(serving, found == ROUTE_METHOD      ? HTTP_FAULT_METHOD
		                : found == ROUTE_MALFORMED ? HTTP_FAULT_MALFORMED
		                                           : HTTP_FAULT_NOT_FOUND);
		return;
	}
	plan = service_plan(route.op);
	request->host = head.host;
	request->body_size_expected = head.content_length;
	if (plan->opens_socket) {
		refuse(serving, HTTP_FAULT_UPGRADE);
		return;
	}
	if (plan->needs_session)
		read_authorization(call->authorization, request);
	if (!plan->needs_session && call->device != NULL &&
	    !read_device(serving, call->device)) {
		refuse(serving, HTTP_FAULT_MALFORMED);
		return;
	}
	if (plan->needs_session &&
	    (plan->takes_body || plan->writes || route.query_fault != NULL) &&
	    (st = read_with(serving, run_admit)) != DOM_OK) {
		answer(serving, st);
		region_look(region);
		return;
	}
	if (route.query_fault != NULL) {
		refuse(serving, HTTP_FAULT_QUERY);
		return;
	}
	if (plan->takes_body)
		request->body = dom_buffer_slice(&call->body);
	if (plan->writes) {
		submit(serving);
		return;
	}
	st = read_with(serving, run_read);
	answer(serving, st);
	region_look(region);
}

void
serving_drop_all(struct region *region)
{
	struct serving *serving = region->servings, *next;

	for (; serving != NULL; serving = next) {
		struct net_call *call = serving->call;

		next = serving->next;
		if (serving->is_queued)
			continue;
		serving->call = NULL;
		if (call != NULL)
			net_cut(call);
		serving_free(serving);
	}
}
