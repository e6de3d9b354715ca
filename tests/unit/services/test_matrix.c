/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Every operation, with every fault in every field and parameter, by everybody:
 * never a fault of ours, never a change after a refusal, never a trace with
 * somebody whom the request is not about.
 *
 * All of it starts from the same store: what a request has written is looked at
 * inside of its job, which is then rolled back.
 */
#include "mutate.h"
#include "services/push/push.h"
#include "witness.h"

enum { NAME_SIZE = 300, PAIRS_STANDARD = 1500 };

/* --- one request ------------------------------------------------------------------------ */

static const struct endpoint *endpoint;
static unsigned role;
static char what[NAME_SIZE]; /* is being tried */
static uint64_t all_before, theirs_before, all_after, theirs_after;
static struct service_staged *staged;
static enum dom_status answered;
static uint64_t tried, succeeded;

static void __attribute__((noreturn, format(printf, 1, 2))) wrong(const char *format, ...)
{
	static const char *const roles[] = {
	    "owner", "reader", "writer", "admin", "stranger", "expired", "nobody"};
	char text[NAME_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_error("%s by %s, %s: %s (code %d: %s)\n", endpoint->name, roles[role], what, text,
	    house.reply.code, house.reply.detail == NULL ? "" : house.reply.detail);
	fail();
	abort();
}

/* What it has written is looked at, and undone. */
static enum dom_status
job(struct store_txn *txn, void *context)
{
	(void)context;
	answered =
	    service_run(&house.service, txn, &house.request, staged, house.arena, &house.reply);
	if (answered != DOM_OK)
		return answered;
	theirs_after = witness_them(NULL);
	all_after = witness_all(NULL);
	return DOM_EDENIED;
}

static enum dom_status
admit(void)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = service_admit(&house.service, txn, &house.request, house.arena, &house.reply);
	store_read_end(&txn);
	return st;
}

static enum dom_status
run(void)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	service_reply_free(&house.reply);
	if (service_stage_blocks(&house.service, &house.request)) {
		st = service_stage(&house.service, &house.request, house.arena, &staged);
		if (st != DOM_OK)
			return st;
	}
	if (service_plan(house.request.op)->writes) {
		answered = DOM_ESTORE;
		st = store_write(house.store, job, NULL);
		service_drop(&staged);
		return answered == DOM_OK && st == DOM_EDENIED ? DOM_OK : answered;
	}
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = service_run(&house.service, txn, &house.request, NULL, house.arena, &house.reply);
	store_read_end(&txn);
	theirs_after = theirs_before;
	all_after = all_before;
	return st;
}

/* Send what is in house.request and house.body; true: it was done. */
static bool
attempt(void)
{
	enum dom_status st;

	tried++;
	if (house.request.body.data == NULL)
		house.request.body = dom_buffer_slice(&house.body);
	service_reply_free(&house.reply);
	all_after = all_before;
	theirs_after = theirs_before;
	if ((st = admit()) == DOM_OK)
		st = run();
	if (st != DOM_OK && st != DOM_EDENIED)
		wrong("it failed: %s", dom_status_text(st));
	if (house.reply.code == SERVICE_STORAGE_FULL ||
	    house.reply.code == SERVICE_UNAVAILABLE ||
	    house.reply.code == SERVICE_QUOTA_EXCEEDED ||
	    house.reply.code == SERVICE_CHUNK_DAMAGED)
		wrong("a fault of ours");
	if (st == DOM_EDENIED && house.reply.code == SERVICE_DONE)
		wrong("it was refused without a reason");
	if (house.reply.code != SERVICE_DONE && house.reply.detail == NULL)
		wrong("it was refused without a sentence");
	/* The one refusal that is kept is of an invitation that has become pointless. */
	if (st == DOM_OK && house.reply.code != SERVICE_DONE &&
	    house.reply.code != SERVICE_ALREADY_MEMBER && all_after != all_before)
		wrong("a refusal has changed something");
	if (st == DOM_EDENIED && witness_all(NULL) != all_before)
		wrong("a refused request was not undone");
	if (theirs_after != theirs_before && !endpoint->tells_others)
		wrong("it has changed what is somebody else's");
	if (house.reply.code == SERVICE_DONE)
		succeeded++;
	return house.reply.code == SERVICE_DONE;
}

/* --- who asks ------------------------------------------------------------------------- */

static struct person ended; /* Ana, with a session that is over */

static const struct person *
who(void)
{
	static const struct person *const people[ROLE_COUNT] = {
	    &house.ana, &house.bob, &house.cyd, &dan, &eve, &house.ana, &house.ana};

	return people[role];
}

static void
begin(void)
{
	dom_arena_reset(house.arena);
	ask(endpoint->op, role == NOBODY ? NULL : who());
	if (role == EXPIRED)
		house.request.token = dom_slice_of(ended.token);
	endpoint->build(who());
}

static void
finish(void)
{
	if (endpoint->wrap != NULL)
		endpoint->wrap(who());
}

static bool
may(void)
{
	return (endpoint->roles & 1u << role) != 0;
}

static void
try_the_good_one(void)
{
	snprintf(what, sizeof(what), "the good request");
	begin();
	finish();
	if (attempt() != may())
		wrong(may() ? "it was refused" : "it was done");
}

/* --- bodies ------------------------------------------------------------------------------ */

static struct dom_buffer changed;

static void
try_change(const struct change *change, const char *name, bool is_refused, bool is_same)
{
	bool is_done;

	snprintf(what, sizeof(what), "\"%s\" is %s", change->path, name);
	begin();
	dom_buffer_clear(&changed);
	if (!mutate(dom_buffer_slice(&house.body), change, &changed))
		wrong("the schema has what the request has not");
	dom_buffer_clear(&house.body);
	dom_buffer_append_slice(&house.body, dom_buffer_slice(&changed));
	finish();
	is_done = attempt();
	if (is_done && is_refused)
		wrong("it was done");
	if (is_done && !may())
		wrong("it was done by who may not");
	if (is_same && is_done != may())
		wrong("it was refused");
}

static void
try_field(const struct field *field)
{
	struct change change = {.path = field->path};
	struct replacement list[REPLACEMENTS_MAX];
	size_t count;
	bool is_element;

	count = replacements(field, list);
	for (size_t i = 0; i < count; i++) {
		/* The arena is used again by each attempt. */
		struct dom_buffer value = {0};

		dom_buffer_append_slice(&value, list[i].value);
		change.kind = REPLACE;
		change.value = dom_buffer_slice(&value);
		try_change(&change, list[i].name, list[i].is_refused, false);
		dom_buffer_free(&value);
		count = replacements(field, list);
	}
	if (field->path[0] == '\0') {
		if (field->kind == MAP) {
			change.kind = ADD_UNKNOWN;
			try_change(&change, "with something unknown", false, true);
		}
		return;
	}
	/* An array's element has no name: one less or more is another array. */
	is_element = field->path[strlen(field->path) - 1] >= '0' &&
	             field->path[strlen(field->path) - 1] <= '9';
	change.kind = OMIT;
	try_change(&change, "missing", !field->optional && !is_element, false);
	change.kind = DUPLICATE;
	try_change(&change, "there twice", !is_element, false);
	if (field->kind == MAP) {
		change.kind = ADD_UNKNOWN;
		try_change(&change, "with something unknown", false, true);
	}
}

/* Cut at every place, and with something after it. */
static void
try_lengths(void)
{
	size_t size;
	bool is_done;

	begin();
	size = house.body.size;
	for (size_t cut = 0; cut <= size + 1; cut += cut < 64 || cut > size - 8 ? 1 : 7) {
		snprintf(what, sizeof(what), "%zu of %zu bytes", cut, size);
		begin();
		dom_buffer_append_text(&house.body, "\xc0");
		house.body.size = cut;
		finish();
		is_done = attempt();
		if (is_done && (!may() || cut != size))
			wrong("it was done");
	}
}

/* What looks like a bomb. */
static void
try_depth(void)
{
	for (unsigned kind = 0; kind < 2; kind++) {
		snprintf(
		    what, sizeof(what), "%s in one another", kind == 0 ? "arrays" : "maps");
		begin();
		dom_buffer_clear(&house.body);
		for (unsigned i = 0; i < 30000; i++)
			dom_buffer_append_text(&house.body, kind == 0 ? "\x91"
			                                              : "\x81\xa1"
			                                                "a");
		finish();
		if (attempt())
			wrong("it was done");
	}
}

/* --- parameters ------------------------------------------------------------------------ */

static void
set_parameter(unsigned parameter, struct dom_slice text)
{
	struct service_request *request = &house.request;
	struct dom_slice *const slots[] = {&request->collection_uid, &request->item_uid,
	    &request->chunk_uid, &request->session_id, &request->invitation_uid,
	    &request->username, &request->ticket, &request->stoken, &request->iterator,
	    &request->erasure, &request->move_id, &request->region_to};

	*slots[parameter] = text;
}

static void
try_texts(unsigned parameter)
{
	struct dom_slice list[REPLACEMENTS_MAX];
	size_t count = texts(list);

	for (size_t i = 0; i < count; i++) {
		begin();
		count = texts(list);
		/* A path has no empty part, and http/ hands none on. */
		if (list[i].data == NULL && (1u << parameter & (P_STOKEN - 1)) != 0)
			list[i] = dom_slice("", 0);
		snprintf(what, sizeof(what), "parameter %u is text %zu", parameter, i);
		set_parameter(parameter, list[i]);
		finish();
		if (attempt() && !may() && list[i].size != 0)
			wrong("it was done by who may not");
	}
}

static void
try_numbers(void)
{
	static const int64_t limits[] = {-1, 0, 1, 50, 1000, 1001, INT64_MAX};
	static const uint64_t afters[] = {0, 1, 2, INT64_MAX, UINT64_MAX};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		snprintf(what, sizeof(what), "limit %lld", (long long)limits[i]);
		begin();
		house.request.limit = limits[i];
		house.request.prefetch =
		    i % 2 == 0 ? SERVICE_PREFETCH_AUTO : SERVICE_PREFETCH_MEDIUM;
		finish();
		if (attempt() && !may())
			wrong("it was done by who may not");
	}
	for (size_t i = 0; i < sizeof(afters) / sizeof(afters[0]); i++) {
		snprintf(what, sizeof(what), "after %llu", (unsigned long long)afters[i]);
		begin();
		house.request.after = afters[i];
		house.request.with_collection = true;
		finish();
		if (attempt() && !may())
			wrong("it was done by who may not");
	}
}

/* --- all of it --------------------------------------------------------------------------- */

static void
try_endpoint(void)
{
	try_the_good_one();
	for (const struct field *field = endpoint->fields; field != NULL && field->path != NULL;
	     field++)
		try_field(field);
	if (endpoint->fields != NULL) {
		try_lengths();
		try_depth();
	}
	for (unsigned i = 0; 1u << i <= P_TEXTS; i++) {
		if ((endpoint->params & 1u << i) != 0)
			try_texts(i);
	}
	if ((endpoint->params & (P_LIMIT | P_PREFETCH | P_AFTER)) != 0)
		try_numbers();
}

static void
no_lock(void *context)
{
	(void)context;
}

static const struct push_lock unlocked = {.take = no_lock, .give = no_lock};

static int
set_up(void **state)
{
	uint64_t rows = 0;

	if (world_set_up(state) != 0)
		return -1;
	ended = house.ana;
	house.service.settings.session_life_ms = 0;
	assert_int_equal(log_in(&ended), SERVICE_DONE);
	house.service.settings.session_life_ms = 30LL * 24 * 3600 * 1000;
	house.service.tickets = push_tickets_open(&unlocked);
	assert_non_null(house.service.tickets);
	witness_open();
	all_before = witness_all(&rows);
	assert_true(rows > 40);
	theirs_before = witness_them(&rows);
	assert_true(rows > 10);
	tried = succeeded = 0;
	return 0;
}

static int
tear_down(void **state)
{
	witness_close();
	push_tickets_close(&house.service.tickets);
	dom_buffer_free(&changed);
	return world_tear_down(state);
}

static void
no_fault_in_a_request_is_ours_or_harms_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < endpoint_count; i++) {
		endpoint = &endpoints[i];
		for (role = 0; role < ROLE_COUNT; role++)
			try_endpoint();
	}
	print_message("%llu requests, %llu done\n", (unsigned long long)tried,
	    (unsigned long long)succeeded);
	assert_true(tried > 10000 && succeeded > 1000 && succeeded < tried / 2);
}

static uint32_t
dice(uint32_t bound)
{
	return dom_random_below(&house.service.random, bound);
}

/* One field, chosen and changed by dice. */
static void
change_something(void)
{
	struct replacement list[REPLACEMENTS_MAX];
	struct change change = {.kind = REPLACE};
	struct dom_buffer out = {0};
	size_t count = 0;

	while (endpoint->fields[count].path != NULL)
		count++;
	change.path = endpoint->fields[dice((uint32_t)count)].path;
	for (const struct field *field = endpoint->fields; field->path != NULL; field++) {
		if (field->path == change.path) {
			count = replacements(field, list);
			change.value = list[dice((uint32_t)count)].value;
		}
	}
	if (change.path[0] != '\0' && dice(4) == 0)
		change.kind = dice(2) == 0 ? OMIT : DUPLICATE;
	/* The first change may have taken the place of the second away, or made it no value. */
	if (mutate(dom_buffer_slice(&house.body), &change, &out)) {
		dom_buffer_clear(&house.body);
		dom_buffer_append_slice(&house.body, dom_buffer_slice(&out));
	}
	dom_buffer_free(&out);
}

/* What one fault stops at, two may get past.  MATRIX_PAIRS: how many. */
static void
two_faults_at_once_do_no_more_harm(void **state)
{
	const char *text = getenv("MATRIX_PAIRS");
	unsigned long pairs = text == NULL ? PAIRS_STANDARD : strtoul(text, NULL, 10);
	struct dom_slice list[REPLACEMENTS_MAX];

	(void)state;
	for (unsigned long i = 0; i < pairs; i++) {
		endpoint = &endpoints[dice((uint32_t)endpoint_count)];
		role = dice(ROLE_COUNT);
		snprintf(what, sizeof(what), "pair %lu", i);
		begin();
		if (endpoint->fields != NULL) {
			change_something();
			if (dice(2) == 0)
				change_something();
		}
		finish();
		for (unsigned p = 0; 1u << p <= P_TEXTS; p++) {
			size_t count = texts(list);

			if ((endpoint->params & 1u << p) != 0 && dice(3) == 0)
				set_parameter(p, list[1 + dice((uint32_t)count - 1)]);
		}
		house.request.limit = dice(3) == 0 ? (int64_t)dice(2000) - 1 : -1;
		(void)attempt();
	}
	print_message("%lu pairs, %llu done\n", pairs, (unsigned long long)succeeded);
	assert_true(succeeded > pairs / 100);
}

/* Operations that have no row yet are at least asked with nothing, and with rubbish. */
static void
no_operation_fails_on_rubbish(void **state)
{
	static const char *const bodies[] = {
	    "", "\xc0", "\x80", "\x90", "\xa4text", "\xff", "{}"};
	static struct endpoint any = {.name = "some operation", .params = P_ALL};
	struct dom_slice list[REPLACEMENTS_MAX];
	size_t count = texts(list);

	(void)state;
	endpoint = &any;
	for (unsigned op = 0; op < SERVICE_OP_COUNT; op++) {
		any.op = (enum service_op)op;
		any.tells_others = false;
		for (role = 0; role < ROLE_COUNT; role++) {
			for (size_t i = 0; i < count; i++) {
				snprintf(
				    what, sizeof(what), "rubbish %zu for operation %u", i, op);
				dom_arena_reset(house.arena);
				ask(any.op, role == NOBODY ? NULL : who());
				count = texts(list);
				for (unsigned p = 0; 1u << p <= P_TEXTS; p++)
					set_parameter(p,
					    list[i].data == NULL ? dom_slice("", 0) : list[i]);
				dom_buffer_append_text(&house.body,
				    bodies[i % (sizeof(bodies) / sizeof(bodies[0]))]);
				(void)attempt();
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        no_fault_in_a_request_is_ours_or_harms_another, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        two_faults_at_once_do_no_more_harm, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_operation_fails_on_rubbish, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
