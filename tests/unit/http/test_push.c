/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Sockets of devices that wait, when an account goes.  The rules are not asked: the
 * program is linked with --wrap=push_next, and the test says what comes next for an account.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/push_hub.h"
#include "one_loop.h"
#include "testing.h"

enum { ANA = 7, BOB = 8, DEVICES = 3 };

static struct one_loop one;
static enum dom_status ana_gets; /* Bob gets nothing */
static unsigned asked[BOB + 1];
static int devices[DEVICES];

enum dom_status __wrap_push_next(const struct service *service, struct store_txn *txn,
    struct push_subscription *subscription, uint64_t upto, struct dom_arena *arena,
    struct push_message *message);

enum dom_status
__wrap_push_next(const struct service *service, struct store_txn *txn,
    struct push_subscription *subscription, uint64_t upto, struct dom_arena *arena,
    struct push_message *message)
{
	(void)service, (void)txn, (void)upto, (void)arena, (void)message;
	asked[subscription->account]++;
	return subscription->account == ANA ? ana_gets : DOM_ABSENT;
}

/* Until nobody has anything to read. */
static void
run(void)
{
	while (http_push_turn(one.loop->push))
		;
}

/* A device's socket, whose handshake is over. */
static int
connect_device(int64_t account, int64_t collection)
{
	struct push_subscription *subscription = calloc(1, sizeof(*subscription));
	struct http_transport transport;
	struct epoll_event event = {.events = EPOLLIN};
	int pair[2];

	assert_non_null(subscription);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(http_transport_open(&transport, pair[0], NULL), DOM_OK);
	assert_int_equal(epoll_ctl(one.loop->epoll_fd, EPOLL_CTL_ADD, pair[0], &event), 0);
	subscription->account = account;
	subscription->collection = collection;
	subscription->owner_count = 1;
	subscription->owners = calloc(1, sizeof(*subscription->owners));
	assert_non_null(subscription->owners);
	atomic_fetch_add(&one.loop->load, 1);
	atomic_fetch_add(&one.core.connections, 1);
	http_push_adopt(one.loop, &transport, dom_slice(NULL, 0), &subscription);
	return pair[1];
}

static int
set_up(void **state)
{
	(void)state;
	one_loop_open(&one);
	ana_gets = DOM_ABSENT;
	memset(asked, 0, sizeof(asked));
	/* Hers, hers of what Bob shares with her, and his. */
	devices[0] = connect_device(ANA, 1);
	devices[1] = connect_device(ANA, 2);
	devices[2] = connect_device(BOB, 2);
	run();
	assert_int_equal(asked[ANA], 2);
	assert_int_equal(asked[BOB], 1);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DEVICES; i++)
		close(devices[i]);
	one_loop_close(&one);
	return 0;
}

static void
assert_quiet(unsigned device)
{
	uint8_t bytes[256];

	assert_int_equal(recv(devices[device], bytes, sizeof(bytes), 0), -1);
}

/* A close frame with these words, and then no more. */
static void
assert_closed(unsigned device, unsigned reason, const char *words)
{
	uint8_t bytes[256];
	ssize_t size = recv(devices[device], bytes, sizeof(bytes), 0);

	assert_true(size >= 4);
	assert_int_equal(bytes[0], 0x88);
	assert_int_equal(bytes[1], size - 2);
	assert_int_equal(bytes[2] << 8 | bytes[3], reason);
	assert_int_equal(size - 4, strlen(words));
	assert_memory_equal(bytes + 4, words, strlen(words));
	assert_int_equal(recv(devices[device], bytes, sizeof(bytes), 0), 0);
}

static void
all_sockets_of_an_account_that_goes_end(void **state)
{
	static const char words[] =
	    "account_moved: this account lives in another region now; any request says where.";

	(void)state;
	ana_gets = DOM_EFENCED;
	http_push_announce(&one.core,
	    &(struct service_change){.owner = ANA, .member = ANA, .clock = 9, .gone = true});
	run();
	assert_closed(0, WEBSOCKET_POLICY, words);
	assert_closed(1, WEBSOCKET_POLICY, words);
	assert_quiet(2);
	assert_int_equal(asked[BOB], 1);
}

static void
while_it_is_frozen_they_stay(void **state)
{
	(void)state;
	http_push_announce(
	    &one.core, &(struct service_change){.owner = ANA, .member = ANA, .clock = 9});
	run();
	for (unsigned i = 0; i < DEVICES; i++)
		assert_quiet(i);
	assert_false(http_push_is_empty(one.loop->push));
}

static void
a_session_that_ends_is_told_no_more_than_that(void **state)
{
	(void)state;
	ana_gets = DOM_EDENIED;
	http_push_announce(
	    &one.core, &(struct service_change){.owner = BOB, .collection = 2, .clock = 9});
	run();
	assert_quiet(0);
	assert_closed(1, WEBSOCKET_POLICY, "");
	assert_quiet(2);
	assert_int_equal(asked[BOB], 2);
}

int
main(void)
{
#define PUSH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    PUSH(all_sockets_of_an_account_that_goes_end),
	    PUSH(while_it_is_frozen_they_stay),
	    PUSH(a_session_that_ends_is_told_no_more_than_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
