/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every operation of the API, out of the schema of requests (requests.h). */
#include <string.h>

#include "sim/faults/faults.h"

enum { SCENARIOS_MAX = 100, LARGE_SIZE = 6000 };

static struct scenario list[SCENARIOS_MAX];
static size_t count;
static const struct person *const people[] = {[OWNER] = &house.ana,
    [READER] = &house.bob,
    [WRITER] = &house.cyd,
    [ADMIN] = &dan,
    [STRANGER] = &eve};

static void
op_begin(const struct scenario *scenario)
{
	ask(scenario->endpoint->op,
	    (scenario->endpoint->roles & 1u << NOBODY) != 0 ? NULL : scenario->who);
	scenario->endpoint->build(scenario->who);
	if (scenario->endpoint->wrap != NULL)
		scenario->endpoint->wrap(scenario->who);
}

static enum dom_status
op_act(const struct scenario *scenario)
{
	(void)scenario;
	return region_send();
}

/* --- what is larger than the schema's: chunks that become files ----------------------- */

static struct dom_slice
large(void)
{
	static uint8_t bytes[LARGE_SIZE];

	memset(bytes, 'x', sizeof(bytes));
	return dom_slice(bytes, sizeof(bytes));
}

static void
large_chunk_begin(const struct scenario *scenario)
{
	ask(SERVICE_CHUNK_PUT, scenario->who);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', 30));
	house.request.body = large();
}

static void
large_batch(const struct person *who)
{
	struct wire_item items[8];
	struct wire_chunk chunks[2];

	for (unsigned i = 0; i < 2; i++)
		chunks[i] = (struct wire_chunk){
		    .uid = dom_slice_of(uid('k', 40 + i)), .content = large()};
	for (unsigned i = 0; i < 8; i++)
		items[i] = item(30 + i, 'r', NULL);
	items[3].content.chunks = chunks;
	items[3].content.chunk_count = 2;
	ask(SERVICE_ITEM_BATCH, who);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_batch_encode(&house.body, &(struct wire_batch){.items = items, .item_count = 8});
}

static void
large_batch_begin(const struct scenario *scenario)
{
	large_batch(scenario->who);
}

void
large_put_by(const struct person *who)
{
	large_batch(who);
	if (region_send() != DOM_OK)
		wrong("a batch with large chunks is refused");
}

static void
large_put(const struct scenario *scenario)
{
	large_put_by(scenario->who);
}

static void
large_get_begin(const struct scenario *scenario)
{
	ask(SERVICE_CHUNK_GET, scenario->who);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 33));
	house.request.chunk_uid = dom_slice_of(uid('k', 40));
}

static void
touch_begin(const struct scenario *scenario)
{
	ask(SERVICE_SESSION_TOUCH, scenario->who);
}

static void
add(const struct scenario *scenario)
{
	assert_true(count < SCENARIOS_MAX);
	list[count] = *scenario;
	list[count].act = op_act;
	count++;
}

size_t
op_scenarios(const struct scenario **list_r)
{
	for (size_t i = 0; i < endpoint_count; i++) {
		const struct endpoint *endpoint = &endpoints[i];
		const struct person *who = NULL;

		for (unsigned role = 0; role <= STRANGER && who == NULL; role++) {
			if ((endpoint->roles & 1u << role) != 0)
				who = people[role];
		}
		/* What nobody may do here: see more.c, asked.c. */
		if (who == NULL)
			continue;
		add(&(struct scenario){.name = endpoint->name,
		    .reads_only = !service_plan(endpoint->op)->writes,
		    .begin = op_begin,
		    .endpoint = endpoint,
		    .who = who});
	}
	add(&(struct scenario){
	    .name = "large CHUNK_PUT", .begin = large_chunk_begin, .who = &house.ana});
	add(&(struct scenario){
	    .name = "large ITEM_BATCH", .begin = large_batch_begin, .who = &house.ana});
	add(&(struct scenario){.name = "large CHUNK_GET",
	    .reads_only = true,
	    .prepare = large_put,
	    .begin = large_get_begin,
	    .who = &house.ana});
	add(&(struct scenario){
	    .name = "SESSION_TOUCH", .begin = touch_begin, .who = &house.ana});
	*list_r = list;
	return count;
}

/* --- is it all? ----------------------------------------------------------------------- */

/* Operations that are never done, and why. */
static const char *const never_done[SERVICE_OP_COUNT] = {
    [SERVICE_DASHBOARD_URL] = "answers that there is none",
#ifdef DOM_TEST_API
    [SERVICE_TEST_RESET] = "is in builds for interoperability tests only",
#endif
};

void
op_look_complete(void)
{
	faults_scenario("all scenarios");
	faults_try("operations", SERVICE_OP_COUNT, "");
	totals.scenarios--;
	for (unsigned op = 0; op < SERVICE_OP_COUNT; op++) {
		if (!region_has_done((enum service_op)op) && never_done[op] == NULL)
			wrong("operation %u of services/service.h is in no scenario", op);
		if (region_has_done((enum service_op)op) && never_done[op] != NULL)
			wrong("operation %u is done, although it %s", op, never_done[op]);
	}
}
