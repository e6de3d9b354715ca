/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How other regions are asked: addresses, limits, time, and what an operator is told. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/keys.h"

#include "daemon/peer.h"
#include "testing.h"

enum {
	CONNECTIONS_MAX = 16,
	REQUEST_SIZE_MAX = 4096,
	LARGE_SIZE = 100000,
	WAIT_MS = 20000, /* that nothing here needs */
	SHORT_MS = 200,
};

/* What a region answers, and who asked it. */
enum manner { ANSWER, LATER, REFUSE, REDIRECT, MISSING, LARGE, SILENT, CUT };

struct connection {
	int fd;
	char request[REQUEST_SIZE_MAX];
	size_t size;
};

struct region {
	pthread_t thread;
	int listen_fd, stop[2];
	char address[64];
	struct connection connections[CONNECTIONS_MAX];
	size_t count;
	atomic_int manner;
	atomic_uint connected, asked, changes;
};

static void
answer(struct region *region, int fd, const char *request)
{
	static const char *const heads[] = {
	    [ANSWER] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	    [LATER] = "HTTP/1.1 503 x\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno",
	    [REFUSE] = "HTTP/1.1 409 x\r\nContent-Length: 3\r\n\r\nwhy",
	    [REDIRECT] = "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/\r\n"
	                 "Content-Length: 0\r\n\r\n",
	    [MISSING] = "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n",
	    [CUT] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"};
	enum manner manner = (enum manner)atomic_load(&region->manner);
	char large[LARGE_SIZE + 128];
	int size;

	atomic_fetch_add(&region->asked, 1);
	if (strncmp(request, "POST /domicile/v1/peer/change/ ", 31) == 0)
		atomic_fetch_add(&region->changes, 1);
	else
		assert_memory_equal(request, "POST /domicile/v1/peer/ ", 24);
	if (manner == SILENT)
		return;
	if (manner == LARGE) {
		size = snprintf(large, sizeof(large),
		    "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE_SIZE);
		memset(large + size, 'x', LARGE_SIZE);
		/* Who hangs up in the middle has seen enough. */
		(void)!send(fd, large, (size_t)size + LARGE_SIZE, MSG_NOSIGNAL);
		return;
	}
	(void)!send(fd, heads[manner], strlen(heads[manner]), MSG_NOSIGNAL);
	if (manner == CUT)
		shutdown(fd, SHUT_RDWR);
}

/* False: it has gone. */
static bool
hear(struct region *region, struct connection *from)
{
	ssize_t got = recv(from->fd, from->request + from->size,
	    sizeof(from->request) - 1 - from->size, MSG_DONTWAIT);
	char *end, *length;

	if (got <= 0)
		return false;
	from->size += (size_t)got;
	from->request[from->size] = '\0';
	if ((end = strstr(from->request, "\r\n\r\n")) == NULL)
		return true;
	length = strstr(from->request, "Content-Length: ");
	assert_non_null(length);
	if (strlen(end + 4) < (size_t)atoi(length + 16))
		return true;
	answer(region, from->fd, from->request);
	from->size = 0;
	return true;
}

static void *
region_main(void *context)
{
	struct region *region = context;

	for (;;) {
		struct pollfd watched[CONNECTIONS_MAX + 2];
		size_t count = region->count;

		watched[0] = (struct pollfd){.fd = region->stop[0], .events = POLLIN};
		watched[1] = (struct pollfd){.fd = region->listen_fd, .events = POLLIN};
		for (size_t i = 0; i < count; i++)
			watched[i + 2] =
			    (struct pollfd){.fd = region->connections[i].fd, .events = POLLIN};
		poll(watched, count + 2, -1);
		if (watched[0].revents != 0)
			return NULL;
		for (size_t i = 0; i < count; i++) {
			struct connection *connection = &region->connections[i];

			if (watched[i + 2].revents == 0 || hear(region, connection))
				continue;
			close(connection->fd);
			connection->fd = -1;
		}
		if (watched[1].revents != 0 && region->count < CONNECTIONS_MAX) {
			region->connections[region->count++].fd =
			    accept(region->listen_fd, NULL, NULL);
			atomic_fetch_add(&region->connected, 1);
		}
	}
}

/* An address; without a thread nobody listens there. */
static void
region_start(struct region *region, bool listens)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	region->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(region->listen_fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(region->listen_fd, (struct sockaddr *)&address, &size), 0);
	snprintf(region->address, sizeof(region->address), "http://127.0.0.1:%u",
	    ntohs(address.sin_port));
	assert_int_equal(pipe(region->stop), 0);
	if (!listens)
		return;
	assert_int_equal(listen(region->listen_fd, 16), 0);
	assert_int_equal(pthread_create(&region->thread, NULL, region_main, region), 0);
}

static void
region_stop(struct region *region, bool listened)
{
	if (listened) {
		assert_int_equal(write(region->stop[1], "x", 1), 1);
		pthread_join(region->thread, NULL);
	}
	for (size_t i = 0; i < region->count; i++)
		if (region->connections[i].fd >= 0)
			close(region->connections[i].fd);
	close(region->listen_fd);
	close(region->stop[0]);
	close(region->stop[1]);
}

/* --- a group of one other region with two addresses -------------------------------- */

struct place {
	struct region first, second;
	bool has_first;
	struct wire_group_region region;
	struct wire_group group;
	struct peer_news *news;
	struct peer *peer;
	atomic_bool stopped;
	FILE *said;
	int real_stderr;
};

static bool
stopped(void *context)
{
	struct place *place = context;

	return atomic_load(&place->stopped);
}

static void
open_place(struct place *place, bool has_first)
{
	place->has_first = has_first;
	region_start(&place->first, has_first);
	region_start(&place->second, true);
	place->region = (struct wire_group_region){.name = dom_slice_of("sg"),
	    .addresses = {dom_slice_of(place->first.address),
	        dom_slice_of(place->second.address)},
	    .address_count = 2};
	place->group = (struct wire_group){.regions = &place->region, .region_count = 1};
	place->news = peer_news_new(&place->group);
	place->peer = peer_new(&(struct peer_options){
	    .group = &place->group, .news = place->news, .stopped = stopped, .context = place});
	assert_non_null(place->peer);
	/* What an operator is told goes to a file. */
	fflush(stderr);
	place->real_stderr = dup(STDERR_FILENO);
	assert_non_null(place->said = tmpfile());
	dup2(fileno(place->said), STDERR_FILENO);
}

static void
close_place(struct place *place)
{
	dup2(place->real_stderr, STDERR_FILENO);
	close(place->real_stderr);
	fclose(place->said);
	peer_free(&place->peer);
	peer_news_free(&place->news);
	region_stop(&place->first, place->has_first);
	region_stop(&place->second, true);
}

static unsigned
lines_said(struct place *place, const char *with)
{
	char line[1024];
	unsigned count = 0;

	rewind(place->said);
	while (fgets(line, sizeof(line), place->said) != NULL)
		count += strstr(line, with) != NULL;
	return count;
}

static struct mover_ask
ask_for(struct place *place, unsigned wait_ms)
{
	return (struct mover_ask){.region = &place->region,
	    .body = dom_slice_of("a request"),
	    .reply_size_max = LARGE_SIZE / 2,
	    .wait_ms = wait_ms};
}

static enum dom_status
run(struct place *place, struct mover_ask *asks, size_t count)
{
	struct mover_peer functions = peer_functions(place->peer);

	return functions.ask(functions.context, asks, count);
}

static void
expect_answer(struct place *place, int status, const char *body)
{
	struct mover_ask ask = ask_for(place, WAIT_MS);

	assert_int_equal(run(place, &ask, 1), DOM_OK);
	assert_int_equal(ask.failure, DOM_OK);
	assert_int_equal(ask.status, status);
	assert_true(dom_slice_is(dom_buffer_slice(&ask.reply), body));
	assert_int_equal(ask.retry_after_seconds, status == 503 ? 7 : 0);
	dom_buffer_free(&ask.reply);
}

static void
expect_failure(struct place *place, enum dom_status failure, unsigned wait_ms)
{
	struct mover_ask ask = ask_for(place, wait_ms);

	assert_int_equal(run(place, &ask, 1), DOM_OK);
	assert_int_equal(ask.failure, failure);
	assert_int_equal(ask.status, 0);
	assert_int_equal(ask.reply.size, 0);
}

static void
test_an_answer_is_an_answer_whatever_its_status(void **state)
{
	struct place place = {0};

	(void)state;
	open_place(&place, true);
	expect_answer(&place, 200, "hello");
	atomic_store(&place.first.manner, LATER);
	expect_answer(&place, 503, "no");
	atomic_store(&place.first.manner, REFUSE);
	expect_answer(&place, 409, "why");
	/* All on the connection of the first, and nobody else was bothered. */
	assert_int_equal(place.first.connected, 1);
	assert_int_equal(place.first.asked, 3);
	assert_int_equal(place.second.asked, 0);
	close_place(&place);
}

static void
test_four_are_under_way_at_once(void **state)
{
	struct mover_ask asks[MOVER_ASKS_MAX];
	struct place place = {0};

	(void)state;
	open_place(&place, true);
	for (size_t turn = 0; turn < 5; turn++) {
		for (size_t i = 0; i < MOVER_ASKS_MAX; i++) {
			asks[i] = ask_for(&place, WAIT_MS);
			asks[i].change = i % 2 == 1;
		}
		assert_int_equal(run(&place, asks, MOVER_ASKS_MAX), DOM_OK);
		for (size_t i = 0; i < MOVER_ASKS_MAX; i++) {
			assert_int_equal(asks[i].status, 200);
			dom_buffer_free(&asks[i].reply);
		}
	}
	assert_int_equal(place.first.asked, 5 * MOVER_ASKS_MAX);
	assert_int_equal(place.first.changes, 5 * MOVER_ASKS_MAX / 2);
	assert_in_range(place.first.connected, 1, MOVER_ASKS_MAX);
	close_place(&place);
}

static void
test_the_next_address_is_tried_and_stays(void **state)
{
	struct place place = {0};

	(void)state;
	open_place(&place, false); /* nobody listens at the first */
	expect_answer(&place, 200, "hello");
	expect_answer(&place, 200, "hello");
	assert_int_equal(place.second.asked, 2);
	/* Someone answered, so nobody need be told. */
	assert_int_equal(lines_said(&place, ""), 0);
	close_place(&place);
}

static void
test_what_is_no_region_is_passed_over(void **state)
{
	const enum manner manners[] = {REDIRECT, MISSING, CUT};

	(void)state;
	for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
		struct place place = {0};

		open_place(&place, true);
		atomic_store(&place.first.manner, manners[i]);
		expect_answer(&place, 200, "hello");
		assert_int_equal(place.first.asked, 1);
		assert_int_equal(place.second.asked, 1);
		close_place(&place);
	}
}

static void
test_a_redirect_is_followed_nowhere(void **state)
{
	struct place place = {0};

	(void)state;
	open_place(&place, true);
	atomic_store(&place.first.manner, REDIRECT);
	atomic_store(&place.second.manner, REDIRECT);
	expect_failure(&place, DOM_ENETWORK, WAIT_MS);
	assert_int_equal(lines_said(&place, "answers 307"), 1);
	close_place(&place);
}

static void
test_a_large_answer_is_not_kept(void **state)
{
	struct place place = {0};

	(void)state;
	open_place(&place, true);
	atomic_store(&place.first.manner, LARGE);
	expect_failure(&place, DOM_ELIMIT, WAIT_MS);
	assert_int_equal(place.second.asked, 0);
	assert_int_equal(lines_said(&place, "larger than allowed"), 1);
	close_place(&place);
}

static void
test_who_never_answers_is_left(void **state)
{
	struct mover_ask asks[2];
	struct place place = {0};

	(void)state;
	open_place(&place, true);
	atomic_store(&place.first.manner, SILENT);
	asks[0] = ask_for(&place, SHORT_MS);
	asks[1] = ask_for(&place, SHORT_MS);
	assert_int_equal(run(&place, asks, 2), DOM_OK);
	assert_int_equal(asks[0].failure, DOM_EUNCERTAIN);
	assert_int_equal(asks[1].failure, DOM_EUNCERTAIN);
	atomic_store(&place.first.manner, ANSWER);
	expect_answer(&place, 200, "hello");
	close_place(&place);
}

static void *
stop_soon(void *context)
{
	struct place *place = context;

	while (atomic_load(&place->first.asked) < 2)
		usleep(1000);
	atomic_store(&place->stopped, true);
	return NULL;
}

static void
test_stopping_waits_for_nobody(void **state)
{
	struct mover_ask asks[2];
	struct place place = {0};
	pthread_t stopper;

	(void)state;
	open_place(&place, true);
	atomic_store(&place.first.manner, SILENT);
	for (size_t i = 0; i < 2; i++)
		asks[i] = ask_for(&place, 0);
	assert_int_equal(pthread_create(&stopper, NULL, stop_soon, &place), 0);
	assert_int_equal(run(&place, asks, 2), DOM_ESTOPPED);
	pthread_join(stopper, NULL);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(asks[i].failure, DOM_ESTOPPED);
	assert_int_equal(lines_said(&place, ""), 0);
	close_place(&place);
}

static void
go_to(struct place *place, struct dom_slice address)
{
	place->region.addresses[0] = address;
	peer_free(&place->peer);
	place->peer = peer_new(&(struct peer_options){
	    .group = &place->group, .news = place->news, .stopped = stopped, .context = place});
}

static void
test_a_trouble_is_told_once_and_its_end_too(void **state)
{
	struct place place = {0};
	struct dom_slice nowhere;

	(void)state;
	open_place(&place, false);
	place.region.address_count = 1;
	nowhere = place.region.addresses[0];
	for (unsigned i = 0; i < 3; i++)
		expect_failure(&place, DOM_ENETWORK, WAIT_MS);
	assert_int_equal(lines_said(&place, "the region sg cannot be asked: http://127"), 1);
	go_to(&place, dom_slice_of(place.second.address));
	expect_answer(&place, 200, "hello");
	expect_answer(&place, 200, "hello");
	assert_int_equal(lines_said(&place, "the region sg answers again"), 1);
	assert_int_equal(lines_said(&place, ""), 2);
	/* One that comes and goes does not fill the log. */
	for (unsigned i = 0; i < 3; i++) {
		go_to(&place, nowhere);
		expect_failure(&place, DOM_ENETWORK, WAIT_MS);
		go_to(&place, dom_slice_of(place.second.address));
		expect_answer(&place, 200, "hello");
	}
	assert_int_equal(lines_said(&place, ""), 2);
	close_place(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_an_answer_is_an_answer_whatever_its_status),
	    cmocka_unit_test(test_four_are_under_way_at_once),
	    cmocka_unit_test(test_the_next_address_is_tried_and_stays),
	    cmocka_unit_test(test_what_is_no_region_is_passed_over),
	    cmocka_unit_test(test_a_redirect_is_followed_nowhere),
	    cmocka_unit_test(test_a_large_answer_is_not_kept),
	    cmocka_unit_test(test_who_never_answers_is_left),
	    cmocka_unit_test(test_stopping_waits_for_nobody),
	    cmocka_unit_test(test_a_trouble_is_told_once_and_its_end_too),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
