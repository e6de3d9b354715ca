/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What other regions read.  The rules are not asked: the program is linked with
 * --wrap for service_run and service_may_wait, and the first byte of a body says what they do;
 * and for nanosleep, since nobody needs to rest here.
 */
#include <poll.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

#include "http/aside.h"
#include "http/exchange.h"
#include "http/rates.h"
#include "one_loop.h"
#include "testing.h"

enum { REQUESTS = HTTP_ASIDE_READS_MAX + 2 };

/* As the first byte: may it wait, is it held up, and does a region ask? */
enum { SLOW = 1, STUCK = 2, STRANGER = 4 };

struct asked {
	struct http_exchange_owner owner;
	struct http_exchange *exchange;
	unsigned ready;
};

static struct one_loop one;
static struct asked asked[REQUESTS];
static unsigned asked_count;
static sem_t let_go;
static atomic_int nice_of[2]; /* of the thread that ran the last one, by SLOW */
static atomic_bool ran_here;
static pthread_t here;
static atomic_int inside;              /* runs that are under way */
static atomic_int_least64_t rested_us; /* of all rests */

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left_r);

int
__wrap_nanosleep(const struct timespec *wanted, struct timespec *left_r)
{
	(void)left_r;
	atomic_fetch_add(&rested_us, wanted->tv_sec * 1000000 + wanted->tv_nsec / 1000);
	return 0;
}

enum dom_status __wrap_service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r);
bool __wrap_service_may_wait(
    struct store_txn *txn, const struct service_request *request, struct dom_arena *arena);

enum dom_status
__wrap_service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r)
{
	uint8_t kind = request->body.data[0];
	uint64_t count = 99;

	(void)service, (void)staged, (void)arena;
	*reply_r =
	    (struct service_reply){.body_is_raw = true, .from_region = (kind & STRANGER) == 0};
	atomic_fetch_add(&inside, 1);
	if ((kind & STUCK) != 0)
		(void)sem_wait(&let_go);
	atomic_fetch_sub(&inside, 1);
	atomic_store(&nice_of[kind & SLOW], getpriority(PRIO_PROCESS, 0));
	if (pthread_equal(pthread_self(), here))
		atomic_store(&ran_here, true);
	if (store_region_journal(txn, &count) != DOM_OK || count != 0)
		return DOM_ESTORE;
	dom_buffer_append_text(&reply_r->body, "records");
	return DOM_OK;
}

bool
__wrap_service_may_wait(
    struct store_txn *txn, const struct service_request *request, struct dom_arena *arena)
{
	(void)txn, (void)arena;
	return (request->body.data[0] & SLOW) != 0;
}

static void
on_ready(struct http_exchange_owner *owner)
{
	((struct asked *)owner)->ready++;
}

static int
set_up(void **state)
{
	(void)state;
	memset(asked, 0, sizeof(asked));
	asked_count = 0;
	atomic_store(&ran_here, false);
	atomic_store(&rested_us, 0);
	here = pthread_self();
	one_loop_open(&one);
	one.core.limits.of[HTTP_LIMIT_PEER_READS] = 2;
	return sem_init(&let_go, 0, 0) != 0 ||
	       http_aside_open(&one.core, &one.core.aside) != DOM_OK;
}

static int
tear_down(void **state)
{
	struct http_aside_figures figures;

	(void)state;
	for (unsigned i = 0; i < asked_count; i++)
		http_exchange_free(&asked[i].exchange);
	http_aside_figures(one.core.aside, &figures);
	assert_int_equal(figures.reads, 0);
	assert_int_equal(atomic_load(&one.core.body_bytes), 0);
	assert_int_equal(atomic_load(&one.core.requests_running), 0);
	assert_int_equal(one.loop->running, 0);
	http_aside_close(&one.core.aside);
	http_rates_free(&one.core.rates);
	one_loop_close(&one);
	return sem_destroy(&let_go);
}

static struct http_head
head_of(int64_t body_size)
{
	return (struct http_head){.method = dom_slice_of("POST"),
	    .path = dom_slice_of("/domicile/v1/peer/"),
	    .host = dom_slice_of("home"),
	    .content_length = body_size};
}

/* Up to the end of its body; how far it came. */
static enum http_exchange_step
ask(uint8_t kind)
{
	const struct http_head head = head_of(1);
	struct asked *of = &asked[asked_count++];
	enum http_exchange_step step;

	assert_true(asked_count <= REQUESTS);
	of->owner.ready = on_ready;
	of->owner.peer = (struct http_peer){.bytes = {192, 0, 2, 1}, .size = 4};
	of->exchange = http_exchange_new(one.loop, &of->owner);
	assert_non_null(of->exchange);
	step = http_exchange_head(of->exchange, &head);
	if (step == HTTP_EXCHANGE_BODY)
		step = http_exchange_body(of->exchange, dom_slice(&kind, 1));
	return step == HTTP_EXCHANGE_BODY ? http_exchange_end(of->exchange) : step;
}

/* Deliver what comes back, until so many more are ready. */
static void
wait_for_ready(unsigned count)
{
	struct pollfd watched = {.fd = one.loop->wake_fd, .events = POLLIN};
	unsigned before = 0, ready = 0;

	for (unsigned i = 0; i < asked_count; i++)
		before += asked[i].ready;
	while (ready < before + count) {
		uint64_t wakes;

		assert_int_equal(poll(&watched, 1, 20000), 1);
		assert_int_equal(read(watched.fd, &wakes, sizeof(wakes)), sizeof(wakes));
		(void)one_loop_run(&one);
		ready = 0;
		for (unsigned i = 0; i < asked_count; i++)
			ready += asked[i].ready;
	}
}

static struct http_response *
response(unsigned which)
{
	return &asked[which].exchange->response;
}

static void
assert_put_off(unsigned which)
{
	assert_int_equal(response(which)->status, 503);
	assert_int_equal(response(which)->retry_after_seconds, 1);
}

static void
it_runs_on_a_thread_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	assert_int_equal(response(0)->status, 200);
	assert_string_equal(response(0)->content_type, "application/octet-stream");
	assert_true(dom_slice_is(dom_buffer_slice(&response(0)->body), "records"));
	assert_int_equal(ask(0), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	assert_int_equal(response(1)->status, 200);
	assert_false(atomic_load(&ran_here));
	/* One is the last of all to get a core, the other is not. */
	assert_int_equal(atomic_load(&nice_of[SLOW]), HTTP_POOL_LAST);
	assert_int_equal(atomic_load(&nice_of[0]), getpriority(PRIO_PROCESS, 0));
	/* Both again, on the readers that there are. */
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	assert_int_equal(ask(0), HTTP_EXCHANGE_PENDING);
	wait_for_ready(2);
	assert_int_equal(response(2)->status, 200);
	assert_int_equal(response(3)->status, 200);
}

static void
a_region_of_no_group_answers_at_once(void **state)
{
	struct http_aside *aside = one.core.aside;

	(void)state;
	one.core.aside = NULL;
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_REPLY);
	one.core.aside = aside;
	assert_true(atomic_load(&ran_here));
	assert_int_equal(response(0)->status, 200);
}

static void
people_come_first_but_not_for_ever(void **state)
{
	struct http_aside_figures figures;

	(void)state;
	atomic_store(&one.core.delay_us[0], HTTP_BEHIND_US + 1);
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_REPLY);
	assert_put_off(1);
	/* What an account's writes wait for does not wait. */
	assert_int_equal(ask(0), HTTP_EXCHANGE_PENDING);
	wait_for_ready(2);
	one.loop->now_ms += HTTP_ASIDE_MS - 1;
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_REPLY);
	one.loop->now_ms += 1;
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_REPLY);
	atomic_store(&one.core.delay_us[0], HTTP_BEHIND_US);
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	wait_for_ready(2);
	http_aside_figures(one.core.aside, &figures);
	assert_int_equal(figures.put_off, 3);
}

/* True once so many run at once; false: not for so long. */
static bool
are_inside(int count, int64_t wait_ms)
{
	int64_t give_up_ms = dom_monotonic_ms() + wait_ms;

	while (atomic_load(&inside) != count) {
		if (dom_monotonic_ms() > give_up_ms)
			return false;
		(void)poll(NULL, 0, 1);
	}
	return true;
}

static void
with_nobody_there_they_run_at_once_and_without_a_rest(void **state)
{
	(void)state;
	atomic_store(&one.core.asked_ms[0], dom_monotonic_ms() - HTTP_PEOPLE_MS);
	assert_int_equal(ask(SLOW | STUCK), HTTP_EXCHANGE_PENDING);
	assert_int_equal(ask(SLOW | STUCK), HTTP_EXCHANGE_PENDING);
	assert_true(are_inside(2, 20000));
	(void)sem_post(&let_go);
	(void)sem_post(&let_go);
	wait_for_ready(2);
	assert_int_equal(atomic_load(&rested_us), 0);
}

static void
with_people_there_one_runs_for_a_part_of_the_time(void **state)
{
	enum { STUCK_MS = 100 };

	(void)state;
	/* As a request of theirs does. */
	atomic_store(&one.core.asked_ms[0], dom_monotonic_ms() + 60000);
	assert_int_equal(ask(SLOW | STUCK), HTTP_EXCHANGE_PENDING);
	assert_int_equal(ask(SLOW | STUCK), HTTP_EXCHANGE_PENDING);
	assert_true(are_inside(1, 20000));
	assert_false(are_inside(2, STUCK_MS));
	/* What may not wait does not. */
	assert_int_equal(ask(0), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	(void)sem_post(&let_go);
	(void)sem_post(&let_go);
	wait_for_ready(2);
	http_aside_close(&one.core.aside); /* its threads have had their rest */
	assert_in_range(atomic_load(&rested_us),
	    (STUCK_MS * HTTP_ASIDE_RESTS < HTTP_ASIDE_REST_MS_MAX ? STUCK_MS * HTTP_ASIDE_RESTS
	                                                          : HTTP_ASIDE_REST_MS_MAX) *
	        1000,
	    2 * HTTP_ASIDE_REST_MS_MAX * 1000);
}

static void
a_stranger_is_no_reason_to_rest(void **state)
{
	(void)state;
	atomic_store(&one.core.asked_ms[0], dom_monotonic_ms() + 60000);
	assert_int_equal(ask(SLOW | STRANGER), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	http_aside_close(&one.core.aside);
	assert_int_equal(atomic_load(&rested_us), 0);
}

static void
who_asks_for_something_is_there(void **state)
{
	const struct http_head head = {.method = dom_slice_of("GET"),
	    .path = dom_slice_of("/api/v1/authentication/is_etebase/"),
	    .host = dom_slice_of("home")};
	struct asked *of = &asked[asked_count++];

	(void)state;
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	assert_int_equal(atomic_load(&one.core.asked_ms[0]), 0);
	of->exchange = http_exchange_new(one.loop, &of->owner);
	assert_int_equal(http_exchange_head(of->exchange, &head), HTTP_EXCHANGE_BODY);
	assert_int_equal(atomic_load(&one.core.asked_ms[0]), one.loop->now_ms);
}

static void
a_server_that_stops_does_not_rest(void **state)
{
	(void)state;
	atomic_store(&one.core.asked_ms[0], dom_monotonic_ms() + 60000);
	atomic_store(&one.core.is_stopping, true);
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	http_aside_close(&one.core.aside);
	assert_int_equal(atomic_load(&rested_us), 0);
}

static enum dom_status
do_nothing(struct store_txn *txn, struct store_job *job)
{
	(void)txn, (void)job;
	return DOM_OK;
}

static void
be_done(struct store_job *job, enum dom_status status)
{
	(void)job, (void)status;
}

static void
people_who_write_come_first_too(void **state)
{
	struct store_job jobs[HTTP_BEHIND_JOBS + 1];

	(void)state;
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	for (unsigned i = 0; i <= HTTP_BEHIND_JOBS; i++) {
		jobs[i] = (struct store_job){.run = do_nothing, .done = be_done};
		assert_int_equal(store_submit(one.store, &jobs[i]), DOM_OK);
	}
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_REPLY);
	assert_put_off(1);
	(void)store_pump(one.store);
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
}

static void
no_more_wait_than_there_is_room_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HTTP_ASIDE_READS_MAX; i++)
		assert_int_equal(ask(SLOW | STUCK), HTTP_EXCHANGE_PENDING);
	assert_int_equal(ask(SLOW), HTTP_EXCHANGE_REPLY);
	assert_put_off(HTTP_ASIDE_READS_MAX);
	/* All threads for what may wait are held up; this has its own. */
	assert_int_equal(ask(0), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	assert_int_equal(response(HTTP_ASIDE_READS_MAX + 1)->status, 200);
	for (unsigned i = 0; i < HTTP_ASIDE_READS_MAX; i++)
		(void)sem_post(&let_go);
	wait_for_ready(HTTP_ASIDE_READS_MAX);
	for (unsigned i = 0; i < HTTP_ASIDE_READS_MAX; i++)
		assert_int_equal(response(i)->status, 200);
}

static void
a_carrier_may_die_meanwhile(void **state)
{
	(void)state;
	assert_int_equal(ask(SLOW | STUCK), HTTP_EXCHANGE_PENDING);
	http_exchange_abandon(&asked[0].exchange);
	(void)sem_post(&let_go);
	assert_int_equal(ask(0), HTTP_EXCHANGE_PENDING);
	wait_for_ready(1);
	while (one.loop->running != 0) {
		struct pollfd watched = {.fd = one.loop->wake_fd, .events = POLLIN};
		uint64_t wakes;

		assert_int_equal(poll(&watched, 1, 20000), 1);
		assert_int_equal(read(watched.fd, &wakes, sizeof(wakes)), sizeof(wakes));
		(void)one_loop_run(&one);
	}
	assert_int_equal(asked[0].ready, 0);
}

static void
only_strangers_are_counted(void **state)
{
	const struct dom_random random = dom_random_system();
	struct http_limits limits = http_limits_standard();
	struct http_peer peer = {.bytes = {192, 0, 2, 1}, .size = 4};

	(void)state;
	limits.of[HTTP_LIMIT_REQUEST_ADDRESS_BURST] = 2;
	limits.of[HTTP_LIMIT_REQUEST_ADDRESS_PER_SECOND] = 1;
	one.core.rates = http_rates_new(&limits, &random);
	assert_non_null(one.core.rates);
	/* A region may ask however often, also from where others have asked too much. */
	for (unsigned i = 0; i < 5; i++)
		(void)http_rates_request(one.core.rates, &peer, dom_monotonic_us());
	assert_int_not_equal(http_rates_request(one.core.rates, &peer, dom_monotonic_us()), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(ask(0), HTTP_EXCHANGE_PENDING);
	wait_for_ready(5);
	/* Who only says so is looked at twice, and then not any more. */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ask(STRANGER), HTTP_EXCHANGE_PENDING);
		wait_for_ready(1);
	}
	assert_int_equal(ask(STRANGER), HTTP_EXCHANGE_REPLY);
	assert_int_equal(response(7)->status, 429);
	assert_int_equal(response(7)->retry_after_seconds, 1);
}

static void
its_body_has_a_limit_of_its_own(void **state)
{
	struct http_head head = head_of(HTTP_PEER_BODY_BYTES_MAX + 1);
	struct asked *of = &asked[asked_count++];

	(void)state;
	of->exchange = http_exchange_new(one.loop, &of->owner);
	assert_int_equal(http_exchange_head(of->exchange, &head), HTTP_EXCHANGE_REPLY);
	assert_int_equal(of->exchange->response.status, 413);
	http_exchange_free(&of->exchange);
	head = head_of(HTTP_PEER_BODY_BYTES_MAX);
	of->exchange = http_exchange_new(one.loop, &of->owner);
	assert_int_equal(http_exchange_head(of->exchange, &head), HTTP_EXCHANGE_BODY);
}

int
main(void)
{
#define ASIDE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    ASIDE(it_runs_on_a_thread_of_its_own),
	    ASIDE(a_region_of_no_group_answers_at_once),
	    ASIDE(people_come_first_but_not_for_ever),
	    ASIDE(people_who_write_come_first_too),
	    ASIDE(with_nobody_there_they_run_at_once_and_without_a_rest),
	    ASIDE(with_people_there_one_runs_for_a_part_of_the_time),
	    ASIDE(a_stranger_is_no_reason_to_rest),
	    ASIDE(who_asks_for_something_is_there),
	    ASIDE(a_server_that_stops_does_not_rest),
	    ASIDE(no_more_wait_than_there_is_room_for),
	    ASIDE(a_carrier_may_die_meanwhile),
	    ASIDE(only_strangers_are_counted),
	    ASIDE(its_body_has_a_limit_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
