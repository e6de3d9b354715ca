/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The turns of an event loop. */
#include "http/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

#include "http/connection.h"
#include "http/exchange.h"
#include "http/held.h"
#include "http/push.h"

enum {
	EVENTS_MAX = 128,
	SWEEP_MS = 250, /* how exactly time limits are kept */
};

struct arrival {
	struct http_message message;
	struct http_loop *loop;
	struct http_tls *tls;
	int fd;
};

static void
wake_event(struct http_watch *watch, uint32_t events)
{
	struct http_loop *loop =
	    (struct http_loop *)((char *)watch - offsetof(struct http_loop, wake));
	uint64_t count;

	(void)events;
	/* The messages wait until every event of this turn has been seen. */
	if (read(loop->wake_fd, &count, sizeof(count)) < 0)
		return;
}

enum dom_status
http_loop_open(struct http_core *core, unsigned index, int log_fd, struct http_loop **loop_r)
{
	struct http_loop *loop = calloc(1, sizeof(*loop));
	struct epoll_event event;
	enum dom_status st;

	if (loop == NULL)
		return DOM_ENOMEM;
	loop->core = core;
	loop->index = index;
	http_log_init(&loop->log, log_fd, index);
	loop->wake.event = wake_event;
	loop->last = &loop->first;
	loop->held.last = &loop->held.first;
	pthread_mutex_init(&loop->lock, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	event = (struct epoll_event){.events = EPOLLIN, .data.ptr = &loop->wake};
	if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
	    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0) {
		http_loop_close(&loop);
		return DOM_ENOMEM;
	}
	if ((st = store_reader_open(core->store, &loop->reader)) != DOM_OK) {
		http_loop_close(&loop);
		return st;
	}
	if ((st = http_push_open(loop, &loop->push)) != DOM_OK) {
		http_loop_close(&loop);
		return st;
	}
	core->loops[core->loop_count++] = loop;
	*loop_r = loop;
	return DOM_OK;
}

void
http_loop_close(struct http_loop **loop)
{
	struct http_loop *old = *loop;

	if (old == NULL)
		return;
	*loop = NULL;
	http_exchange_free_spares(old);
	http_push_close(&old->push);
	if (old->reader != NULL)
		store_reader_close(&old->reader);
	if (old->epoll_fd >= 0)
		close(old->epoll_fd);
	if (old->wake_fd >= 0)
		close(old->wake_fd);
	pthread_mutex_destroy(&old->lock);
	http_log_free(&old->log);
	free(old);
}

void
http_loop_wake(struct http_loop *loop)
{
	const uint64_t one = 1;

	/* A full counter wakes as well. */
	if (write(loop->wake_fd, &one, sizeof(one)) < 0)
		return;
}

void
http_loop_post(struct http_loop *loop, struct http_message *message)
{
	bool was_empty;

	message->next = NULL;
	pthread_mutex_lock(&loop->lock);
	was_empty = loop->first == NULL;
	if (was_empty)
		loop->posted_us = dom_monotonic_us();
	*loop->last = message;
	loop->last = &message->next;
	/* Under the lock: once the message is delivered, a loop that stops may be gone. */
	if (was_empty)
		http_loop_wake(loop);
	pthread_mutex_unlock(&loop->lock);
}

static void
arrival_deliver(struct http_message *message)
{
	struct arrival *arrival =
	    (struct arrival *)((char *)message - offsetof(struct arrival, message));

	http_connection_open(arrival->loop, arrival->fd, arrival->tls);
	free(arrival);
}

void
http_loop_adopt(struct http_loop *loop, int fd, struct http_tls *tls)
{
	struct arrival *arrival = malloc(sizeof(*arrival));

	if (arrival == NULL) {
		close(fd);
		return;
	}
	*arrival = (struct arrival){
	    .message.deliver = arrival_deliver, .loop = loop, .tls = tls, .fd = fd};
	atomic_fetch_add(&loop->load, 1);
	atomic_fetch_add(&loop->core->connections, 1);
	http_loop_post(loop, &arrival->message);
}

static void
deliver_messages(struct http_loop *loop)
{
	struct http_message *message;

	pthread_mutex_lock(&loop->lock);
	message = loop->first;
	if (message != NULL)
		http_delay_message(&loop->delay, dom_monotonic_us() - loop->posted_us);
	loop->first = NULL;
	loop->last = &loop->first;
	pthread_mutex_unlock(&loop->lock);
	while (message != NULL) {
		struct http_message *next = message->next;

		message->deliver(message);
		message = next;
	}
}

static bool
has_messages(struct http_loop *loop)
{
	bool has;

	pthread_mutex_lock(&loop->lock);
	has = loop->first != NULL;
	pthread_mutex_unlock(&loop->lock);
	return has;
}

static void
see_stop(struct http_loop *loop)
{
	if (loop->is_stopping || !atomic_load(&loop->core->is_stopping))
		return;
	loop->is_stopping = true;
	loop->stop_by_ms = loop->now_ms + loop->core->limits.of[HTTP_LIMIT_STOP_SECONDS] * 1000;
	http_held_stop(loop);
	http_connections_stop(loop);
	http_push_stop(loop->push);
}

static void
note_turn(struct http_loop *loop, int64_t began_us)
{
	int64_t mean_us;

	if (http_delay_turn(&loop->delay, began_us, dom_monotonic_us(), &mean_us))
		atomic_store(&loop->core->delay_us[loop->index], mean_us);
}

static void *
loop_thread(void *argument)
{
	struct http_loop *loop = argument;
	struct epoll_event events[EVENTS_MAX];
	int64_t swept_ms = 0;

	bool pushes = false; /* at once again */

	while (!loop->is_stopping || loop->connections != NULL || loop->running != 0 ||
	       !http_push_is_empty(loop->push) || has_messages(loop)) {
		bool is_idle = loop->connections == NULL && http_push_is_empty(loop->push);
		int timeout = is_idle ? -1 : SWEEP_MS;
		int held = http_held_timeout(loop);
		int64_t began_us;
		int count;

		http_log_flush(&loop->log);
		if (held >= 0 && held < timeout)
			timeout = held;
		if (loop->again != NULL || pushes)
			timeout = 0;
		/* Nobody is there to wait, and perhaps for long. */
		if (is_idle)
			atomic_store(&loop->core->delay_us[loop->index], 0);
		count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, timeout);
		began_us = dom_monotonic_us();
		loop->now_ms = began_us / 1000;
		for (int i = 0; i < count; i++) {
			struct http_watch *watch = events[i].data.ptr;

			watch->event(watch, events[i].events);
		}
		http_connections_again(loop);
		deliver_messages(loop);
		http_held_turn(loop);
		pushes = http_push_turn(loop->push);
		see_stop(loop);
		if (loop->now_ms - swept_ms >= SWEEP_MS) {
			swept_ms = loop->now_ms;
			http_connections_sweep(loop);
			http_push_sweep(loop->push);
		}
		note_turn(loop, began_us);
	}
	return NULL;
}

enum dom_status
http_loop_start(struct http_loop *loop)
{
	loop->now_ms = dom_monotonic_ms();
	return pthread_create(&loop->thread, NULL, loop_thread, loop) == 0 ? DOM_OK
	                                                                   : DOM_ENOMEM;
}

void
http_loop_join(struct http_loop *loop)
{
	pthread_join(loop->thread, NULL);
}
