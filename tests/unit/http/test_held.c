/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Requests that wait for a better answer.  The rules are not asked: the program is linked
 * with --wrap=service_run, and the test says what a job answers.
 */
#include "http/held.h"
#include "one_loop.h"
#include "store/move.h"
#include "testing.h"

enum { REQUESTS = 8, HOLD_MS = 2000 };

struct asked {
	struct http_exchange_owner owner;
	struct http_exchange *exchange;
	unsigned ready, runs;
	unsigned hold_ms, writes; /* of its next answers */
	bool wakes_mover, from_region;
	int64_t hold_account;
	enum service_code code;       /* SERVICE_DONE: then it is committed */
	struct http_exchange **drops; /* when it is ready, this carrier dies */
};

static struct one_loop one;
static struct asked asked[REQUESTS];
static bool changes_meanwhile; /* as seen by who says so while a job runs */
static unsigned order[64], order_count;

enum dom_status __wrap_service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r);

enum dom_status
__wrap_service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r)
{
	struct asked *of = &asked[request->body.data[0] % REQUESTS];
	uint64_t count;

	(void)service, (void)staged;
	of->runs++;
	if (order_count < 64)
		order[order_count++] = (unsigned)(of - asked);
	assert_int_equal(store_region_journal(txn, &count), DOM_OK);
	assert_int_equal(store_region_journal_set(txn, count + of->writes), DOM_OK);
	*reply_r = (struct service_reply){.code = of->code,
	    .hold_ms = of->hold_ms,
	    .hold_account = of->hold_account,
	    .from_region = of->from_region,
	    .wakes_mover = of->wakes_mover};
	reply_r->detail = dom_arena_print(arena, "Try %u of it.", of->runs);
	if (changes_meanwhile)
		atomic_fetch_add(&one.core.held_changes, 1);
	return of->code == SERVICE_DONE ? DOM_OK : DOM_EDENIED;
}

static void
on_ready(struct http_exchange_owner *owner)
{
	struct asked *of = (struct asked *)owner;

	of->ready++;
	if (of->drops != NULL && *of->drops != NULL)
		http_exchange_abandon(of->drops);
}

static int
set_up(void **state)
{
	(void)state;
	memset(asked, 0, sizeof(asked));
	changes_meanwhile = false;
	order_count = 0;
	one_loop_open(&one);
	for (unsigned i = 0; i < REQUESTS; i++)
		asked[i] = (struct asked){.owner = {.ready = on_ready},
		    .code = SERVICE_UNAVAILABLE,
		    .hold_ms = HOLD_MS};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REQUESTS; i++)
		http_exchange_free(&asked[i].exchange);
	assert_int_equal(atomic_load(&one.core.held), 0);
	assert_int_equal(atomic_load(&one.core.body_bytes), 0);
	assert_int_equal(atomic_load(&one.core.requests_running), 0);
	assert_int_equal(one.loop->running, 0);
	assert_null(one.loop->held.first);
	one_loop_close(&one);
	return 0;
}

/* Until its job is with the writer. */
static void
ask(unsigned which)
{
	static const char path[] = "/api/v1/authentication/signup/";
	const uint8_t body[] = {(uint8_t)which, 'b', 'o', 'd', 'y'};
	const struct http_head head = {.method = dom_slice_of("POST"),
	    .path = dom_slice_of(path),
	    .host = dom_slice_of("home"),
	    .content_type = dom_slice_of("application/msgpack"),
	    .content_length = sizeof(body)};
	struct asked *of = &asked[which];

	of->exchange = http_exchange_new(one.loop, &of->owner);
	assert_non_null(of->exchange);
	assert_int_equal(http_exchange_head(of->exchange, &head), HTTP_EXCHANGE_BODY);
	assert_int_equal(http_exchange_body(of->exchange, dom_slice(body, sizeof(body))),
	    HTTP_EXCHANGE_BODY);
	assert_int_equal(http_exchange_end(of->exchange), HTTP_EXCHANGE_PENDING);
}

/* Time passes, and what is due is run. */
static void
pass(int64_t ms)
{
	one.loop->now_ms += ms;
	http_held_turn(one.loop);
	(void)one_loop_run(&one);
}

static void
say_it_may_be_worth_it(void)
{
	http_held_retry(&one.core);
	pass(0);
}

static void
assert_answer(unsigned which, int status, const char *words)
{
	const struct http_response *response = &asked[which].exchange->response;

	assert_int_equal(asked[which].ready, 1);
	assert_int_equal(response->status, status);
	if (words != NULL)
		assert_non_null(
		    memmem(response->body.data, response->body.size, words, strlen(words)));
}

static uint64_t
journal(void)
{
	struct store_reader *reader = NULL;
	struct store_txn *txn = NULL;
	uint64_t count = 0;

	assert_int_equal(store_reader_open(one.store, &reader), DOM_OK);
	assert_int_equal(store_read_begin(reader, &txn), DOM_OK);
	assert_int_equal(store_region_journal(txn, &count), DOM_OK);
	store_read_end(&txn);
	store_reader_close(&reader);
	return count;
}

static void
what_has_no_hold_is_answered_at_once(void **state)
{
	(void)state;
	asked[0].hold_ms = 0;
	ask(0);
	assert_int_equal(one_loop_run(&one), 1);
	assert_answer(0, 503, "Try 1 of it.");
	assert_int_equal(http_held_timeout(one.loop), -1);
	assert_int_equal(one.core.metrics.held_ms, 0);
}

static void
a_better_answer_goes_out_as_soon_as_it_is_there(void **state)
{
	(void)state;
	asked[0].writes = 1;
	ask(0);
	assert_int_equal(one_loop_run(&one), 1);
	assert_int_equal(asked[0].ready, 0);
	assert_int_equal(atomic_load(&one.core.held), 1);
	assert_int_equal(http_held_timeout(one.loop), HTTP_HELD_MS);
	/* It waits for nobody, and nobody for it: neither writer nor pool know of it. */
	assert_int_equal(atomic_load(&one.core.requests_running), 0);
	assert_int_equal(one.loop->running, 0);
	assert_int_equal(atomic_load(&one.core.body_bytes), 5);
	pass(HTTP_HELD_MS - 1);
	assert_int_equal(asked[0].runs, 1);
	assert_int_equal(journal(), 0);
	asked[0].code = SERVICE_DONE;
	asked[0].hold_ms = 0;
	say_it_may_be_worth_it();
	assert_answer(0, 200, NULL);
	assert_int_equal(asked[0].runs, 2);
	assert_int_equal(journal(), 1);
	assert_int_equal(atomic_load(&one.core.held), 0);
	assert_int_equal(one.core.metrics.held_within[2], 1); /* up to 50 ms */
	assert_int_equal(one.core.metrics.held_ms, HTTP_HELD_MS - 1);
}

static void
it_is_tried_now_and_then_until_the_time_is_over(void **state)
{
	(void)state;
	ask(0);
	assert_int_equal(one_loop_run(&one), 1);
	for (unsigned i = 1; i < HOLD_MS / HTTP_HELD_MS; i++) {
		pass(HTTP_HELD_MS);
		assert_int_equal(asked[0].runs, 1 + i);
		assert_int_equal(asked[0].ready, 0);
		/* What a run takes, the next one takes again, and not beside it. */
		assert_in_range(dom_arena_used(asked[0].exchange->held.arena), 1, 100);
	}
	pass(HTTP_HELD_MS);
	assert_answer(0, 503, "Try 40 of it.");
	assert_int_equal(asked[0].runs, HOLD_MS / HTTP_HELD_MS);
	assert_int_equal(one.core.metrics.held_within[7], 1); /* up to 2 s */
	/* However long its runs take: one that comes back later than that is the last. */
	ask(1);
	assert_int_equal(one_loop_run(&one), 1);
	one.loop->now_ms += HOLD_MS - 1;
	http_held_turn(one.loop);
	one.loop->now_ms += 1;
	assert_int_equal(one_loop_run(&one), 1);
	assert_answer(1, 503, "Try 2 of it.");
}

static void
what_was_committed_may_be_held_too(void **state)
{
	(void)state;
	asked[0].code = SERVICE_DONE;
	asked[0].writes = 1;
	ask(0);
	(void)one_loop_run(&one);
	assert_int_equal(asked[0].ready, 0);
	assert_int_equal(journal(), 1);
	asked[0].writes = 0;
	asked[0].hold_ms = 0;
	pass(HTTP_HELD_MS);
	assert_answer(0, 200, NULL);
	assert_int_equal(journal(), 1);
}

static void
who_waits_is_run_again_in_the_order_of_coming(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		ask(i);
	(void)one_loop_run(&one);
	say_it_may_be_worth_it();
	asked[1].code = asked[2].code = SERVICE_DONE;
	asked[1].hold_ms = asked[2].hold_ms = 0;
	say_it_may_be_worth_it();
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(order[i], i % 4);
	assert_answer(1, 200, NULL);
	assert_answer(2, 200, NULL);
	assert_int_equal(atomic_load(&one.core.held), 2);
	/* Nothing was said: nothing is run. */
	pass(1);
	assert_int_equal(asked[0].runs, 3);
	http_held_stop(one.loop);
	assert_answer(0, 503, "Try 3 of it.");
	assert_answer(3, 503, "Try 3 of it.");
}

static void
more_than_the_limit_get_their_answer_at_once(void **state)
{
	(void)state;
	one.core.limits.of[HTTP_LIMIT_HELD_REQUESTS] = 2;
	for (unsigned i = 0; i < 3; i++)
		ask(i);
	(void)one_loop_run(&one);
	assert_answer(2, 503, "Try 1 of it.");
	assert_int_equal(atomic_load(&one.core.held), 2);
	/* Those that are run again keep their place .. */
	pass(HTTP_HELD_MS);
	ask(3);
	(void)one_loop_run(&one);
	assert_answer(3, 503, "Try 1 of it.");
	/* .. until they have their answer. */
	asked[0].hold_ms = 0;
	pass(HTTP_HELD_MS);
	ask(4);
	(void)one_loop_run(&one);
	assert_int_equal(asked[4].ready, 0);
	/* A region is what the others wait for. */
	asked[5].from_region = true;
	ask(5);
	(void)one_loop_run(&one);
	assert_int_equal(asked[5].ready, 0);
	assert_int_equal(atomic_load(&one.core.held), 3);
	/* But for them there is a limit, too. */
	one.core.limits.of[HTTP_LIMIT_HELD_REQUESTS] = 3 - HTTP_HELD_REGIONS;
	asked[6].from_region = true;
	ask(6);
	(void)one_loop_run(&one);
	assert_answer(6, 503, "Try 1 of it.");
	http_held_stop(one.loop);
	assert_answer(4, 503, NULL);
}

static void
a_carrier_that_dies_lets_go(void **state)
{
	(void)state;
	ask(0);
	(void)one_loop_run(&one);
	http_exchange_abandon(&asked[0].exchange);
	assert_int_equal(atomic_load(&one.core.held), 0);
	assert_int_equal(atomic_load(&one.core.body_bytes), 0);
	/* With the writer: when it is back. */
	ask(1);
	(void)one_loop_run(&one);
	one.loop->now_ms += HTTP_HELD_MS;
	http_held_turn(one.loop);
	http_exchange_abandon(&asked[1].exchange);
	assert_int_equal(atomic_load(&one.core.held), 1);
	assert_int_equal(one_loop_run(&one), 1);
	assert_int_equal(atomic_load(&one.core.held), 0);
	/* Before it was held at all. */
	ask(2);
	http_exchange_abandon(&asked[2].exchange);
	assert_int_equal(one_loop_run(&one), 1);
	assert_int_equal(asked[0].ready + asked[1].ready + asked[2].ready, 0);
}

/* An answer may end a connection, and with it others that are held. */
static void
carriers_may_die_of_an_answer(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		ask(i);
	(void)one_loop_run(&one);
	asked[0].drops = &asked[1].exchange;
	asked[2].drops = &asked[3].exchange;
	pass(HOLD_MS);
	assert_answer(0, 503, NULL);
	assert_answer(2, 503, NULL);
	assert_null(asked[1].exchange);
	assert_null(asked[3].exchange);
	assert_int_equal(asked[1].ready + asked[3].ready, 0);
}

static void
what_is_said_while_a_job_runs_is_not_missed(void **state)
{
	(void)state;
	changes_meanwhile = true;
	ask(0);
	(void)one_loop_run(&one);
	changes_meanwhile = false;
	assert_int_equal(http_held_timeout(one.loop), 0);
	pass(0);
	assert_int_equal(asked[0].runs, 2);
	assert_int_equal(http_held_timeout(one.loop), HTTP_HELD_MS);
	http_held_stop(one.loop);
	assert_answer(0, 503, NULL);
}

static enum dom_status
add_frozen(struct store_txn *txn, void *context)
{
	const struct store_account account = {
	    .name = dom_slice_of("ana"), .email = dom_slice_of("")};
	int64_t *number = context;
	enum dom_status st = store_account_add(txn, &account, number);

	return st != DOM_OK ? st
	                    : store_account_turn(
	                          txn, *number, STORE_ACCOUNT_HOME, STORE_ACCOUNT_FROZEN, 1);
}

static enum dom_status
thaw(struct store_txn *txn, void *context)
{
	return store_account_turn(
	    txn, *(const int64_t *)context, STORE_ACCOUNT_FROZEN, STORE_ACCOUNT_HOME, 1);
}

static void
while_the_account_is_frozen_the_writer_is_left_alone(void **state)
{
	int64_t number;

	(void)state;
	assert_int_equal(store_write(one.store, add_frozen, &number), DOM_OK);
	asked[0].hold_account = number;
	ask(0);
	ask(1); /* for what, nobody knows */
	(void)one_loop_run(&one);
	for (unsigned i = 0; i < 10; i++)
		pass(HTTP_HELD_MS);
	say_it_may_be_worth_it();
	assert_int_equal(asked[0].runs, 1);
	assert_int_equal(asked[1].runs, 12);
	assert_int_equal(store_write(one.store, thaw, &number), DOM_OK);
	asked[0].hold_ms = 0;
	pass(HTTP_HELD_MS);
	assert_answer(0, 503, "Try 2 of it.");
	/* Its time is over all the same. */
	assert_int_equal(asked[1].ready, 0);
	pass(HOLD_MS);
	assert_answer(1, 503, NULL);
}

static void
count_wake(void *mover)
{
	++*(unsigned *)mover;
}

/* What moves an account on may be what others wait for. */
static void
a_write_that_is_for_the_mover_is_for_the_held_too(void **state)
{
	unsigned wakes = 0;

	(void)state;
	one.core.mover_wake = count_wake;
	one.core.mover = &wakes;
	ask(0);
	(void)one_loop_run(&one);
	asked[0].hold_ms = asked[1].hold_ms = 0;
	asked[1].wakes_mover = true;
	ask(1);
	(void)one_loop_run(&one);
	assert_answer(1, 503, NULL); /* refused: nothing has changed */
	assert_int_equal(wakes, 0);
	pass(0);
	assert_int_equal(asked[0].ready, 0);
	asked[2] = asked[1];
	asked[2].code = SERVICE_DONE;
	asked[2].ready = 0;
	ask(2);
	(void)one_loop_run(&one);
	assert_int_equal(wakes, 1);
	pass(0);
	assert_answer(0, 503, "Try 2 of it.");
}

static void
it_does_not_push_into_a_queue_that_is_full(void **state)
{
	(void)state;
	ask(0);
	(void)one_loop_run(&one);
	one.core.limits.of[HTTP_LIMIT_REQUESTS] = 0;
	pass(HTTP_HELD_MS);
	assert_int_equal(asked[0].runs, 1);
	one.core.limits.of[HTTP_LIMIT_REQUESTS] = 1;
	pass(HTTP_HELD_MS);
	assert_int_equal(asked[0].runs, 2);
	one.core.limits.of[HTTP_LIMIT_REQUESTS] = 0;
	pass(HOLD_MS);
	assert_answer(0, 503, "Try 2 of it.");
}

static void
where_nothing_is_written_any_more_nobody_waits(void **state)
{
	(void)state;
	ask(0);
	(void)one_loop_run(&one);
	atomic_store(&one.core.refuses_writes, true);
	pass(HTTP_HELD_MS);
	assert_answer(0, 503, "Try 1 of it.");
	assert_int_equal(asked[0].runs, 1);
}

static void
a_server_that_stops_holds_nobody(void **state)
{
	(void)state;
	ask(0);
	ask(1);
	(void)one_loop_run(&one);
	ask(2); /* still with the writer */
	one.loop->is_stopping = true;
	http_held_stop(one.loop);
	assert_answer(0, 503, "Try 1 of it.");
	assert_answer(1, 503, "Try 1 of it.");
	assert_int_equal(one_loop_run(&one), 1);
	assert_answer(2, 503, "Try 1 of it.");
}

int
main(void)
{
#define HELD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    HELD(what_has_no_hold_is_answered_at_once),
	    HELD(a_better_answer_goes_out_as_soon_as_it_is_there),
	    HELD(it_is_tried_now_and_then_until_the_time_is_over),
	    HELD(what_was_committed_may_be_held_too),
	    HELD(who_waits_is_run_again_in_the_order_of_coming),
	    HELD(more_than_the_limit_get_their_answer_at_once),
	    HELD(a_carrier_that_dies_lets_go),
	    HELD(carriers_may_die_of_an_answer),
	    HELD(what_is_said_while_a_job_runs_is_not_missed),
	    HELD(while_the_account_is_frozen_the_writer_is_left_alone),
	    HELD(a_write_that_is_for_the_mover_is_for_the_held_too),
	    HELD(it_does_not_push_into_a_queue_that_is_full),
	    HELD(where_nothing_is_written_any_more_nobody_waits),
	    HELD(a_server_that_stops_holds_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
