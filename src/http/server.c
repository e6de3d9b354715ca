/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One thread accepts and gives each connection to the loop that has the
 * fewest.  It is not a loop itself, so it can simply wait: for a connection,
 * or, at a limit, for one to go.
 */
#include "http/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/aside.h"
#include "http/held.h"
#include "http/listener.h"
#include "http/loop.h"
#include "http/push.h"
#include "http/rates.h"

enum { PAUSE_MS = 20 }; /* at a limit, before it looks again */

struct http_server {
	struct http_core core;
	struct http_tls *tls;
	struct http_listener listeners[HTTP_LISTENERS_MAX];
	size_t listener_count;
	struct http_loop *loops[HTTP_LOOPS_MAX];
	unsigned loop_count;
	unsigned started; /* loops */
	pthread_t acceptor, waiter;
	bool has_acceptor;
	bool is_stopped;
	int stop_fd;
	pthread_mutex_t lock; /* guards is_quiet */
	pthread_cond_t quiet;
	bool is_quiet;
	bool has_waiter;
};

static struct http_loop *
choose_loop(struct http_server *server)
{
	struct http_loop *chosen = server->loops[0];

	for (unsigned i = 1; i < server->loop_count; i++) {
		if (atomic_load(&server->loops[i]->load) < atomic_load(&chosen->load))
			chosen = server->loops[i];
	}
	return chosen;
}

/* False: it failed in a way that takes time to pass, such as no more descriptors. */
static bool
accept_one(struct http_server *server, const struct http_listener *listener)
{
	const int on = 1;
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno != EMFILE && errno != ENFILE && errno != ENOBUFS &&
		       errno != ENOMEM;
	if (listener->path[0] == '\0')
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	http_loop_adopt(choose_loop(server), fd, listener->is_tls ? server->tls : NULL);
	return true;
}

static bool
is_at_limit(struct http_server *server)
{
	return atomic_load(&server->core.connections) >=
	       server->core.limits.of[HTTP_LIMIT_CONNECTIONS];
}

static void *
acceptor_thread(void *argument)
{
	struct http_server *server = argument;
	struct pollfd watched[HTTP_LISTENERS_MAX + 1];
	bool is_full = false;

	watched[0] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
	for (size_t i = 0; i < server->listener_count; i++)
		watched[i + 1] =
		    (struct pollfd){.fd = server->listeners[i].fd, .events = POLLIN};
	while (!atomic_load(&server->core.is_stopping)) {
		nfds_t count = is_full ? 1 : (nfds_t)server->listener_count + 1;

		bool was_full = is_full;

		if (poll(watched, count, is_full ? PAUSE_MS : -1) < 0)
			continue;
		is_full = is_at_limit(server);
		for (size_t i = 0; i < server->listener_count && !was_full && !is_full; i++) {
			if ((watched[i + 1].revents & POLLIN) != 0)
				is_full = !accept_one(server, &server->listeners[i]) ||
				          is_at_limit(server);
		}
	}
	return NULL;
}

static enum dom_status
open_listeners(struct http_server *server, const struct http_server_options *options,
    char *message_r, size_t message_size)
{
	enum dom_status st;

	if (options->listen_count > HTTP_LISTENERS_MAX) {
		snprintf(message_r, message_size, "at most %d addresses to listen on",
		    HTTP_LISTENERS_MAX);
		return DOM_ELIMIT;
	}
	for (size_t i = 0; i < options->listen_count; i++) {
		if (http_listener_wants_tls(options->listen[i]) && server->tls == NULL &&
		    (st = http_tls_open(options->tls_certificate, options->tls_key,
		         &server->tls, message_r, message_size)) != DOM_OK)
			return st;
		if ((st = http_listener_open(options->listen[i], false, &server->listeners[i],
		         message_r, message_size)) != DOM_OK)
			return st;
		server->listener_count++;
	}
	return DOM_OK;
}

static enum dom_status
open_loops(struct http_server *server, const struct http_server_options *options)
{
	unsigned count = options->loops;
	enum dom_status st;

	if (count == 0)
		count = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (count < 1 || count > HTTP_LOOPS_MAX)
		count = count < 1 ? 1 : HTTP_LOOPS_MAX;
	if ((st = http_pool_open(HTTP_POOL_THREADS, HTTP_POOL_USUAL, &server->core.pool)) !=
	    DOM_OK)
		return st;
	if (options->service->settings.group != NULL &&
	    (st = http_aside_open(&server->core, &server->core.aside)) != DOM_OK)
		return st;
	while (server->loop_count < count) {
		st = http_loop_open(&server->core, server->loop_count, options->log_fd,
		    &server->loops[server->loop_count]);
		if (st != DOM_OK)
			return st;
		server->loop_count++;
	}
	return DOM_OK;
}

enum dom_status
http_server_open(const struct http_server_options *options, struct http_server **server_r,
    char *message_r, size_t message_size)
{
	struct http_server *server = calloc(1, sizeof(*server));
	enum dom_status st = DOM_ENOMEM;

	if (server == NULL)
		goto failed;
	server->core.service = options->service;
	server->core.keeper_wake = options->keeper_wake;
	server->core.keeper = options->keeper;
	server->core.mover_wake = options->mover_wake;
	server->core.mover = options->mover;
	server->core.store = options->store;
	server->core.limits = options->limits;
	server->core.trusted = options->trusted;
	server->core.prefix = options->prefix;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->quiet, NULL);
	server->core.rates = http_rates_new(&options->limits, &options->service->random);
	if (server->core.rates == NULL)
		goto failed;
	if ((server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		goto failed;
	if ((st = open_listeners(server, options, message_r, message_size)) != DOM_OK) {
		http_server_close(&server);
		return st;
	}
	if ((st = open_loops(server, options)) != DOM_OK)
		goto failed;
	*server_r = server;
	return DOM_OK;
failed:
	snprintf(message_r, message_size, "cannot start serving: %s", dom_status_text(st));
	http_server_close(&server);
	return st;
}

enum dom_status
http_server_start(struct http_server *server)
{
	enum dom_status st;

	for (; server->started < server->loop_count; server->started++) {
		if ((st = http_loop_start(server->loops[server->started])) != DOM_OK)
			return st;
	}
	if (pthread_create(&server->acceptor, NULL, acceptor_thread, server) != 0)
		return DOM_ENOMEM;
	server->has_acceptor = true;
	return DOM_OK;
}

const char *
http_server_url(const struct http_server *server, size_t index)
{
	return index < server->listener_count ? server->listeners[index].url : NULL;
}

void
http_server_announce(struct http_server *server, const struct service_changes *changes)
{
	http_push_announce_all(&server->core, changes);
}

enum dom_status
http_server_failure(struct http_server *server)
{
	return (enum dom_status)atomic_exchange(&server->core.failure, DOM_OK);
}

void
http_server_figures(struct http_server *server, struct http_figures *figures_r)
{
	struct http_core *core = &server->core;
	struct http_aside_figures aside;

	figures_r->delay_us = 0;
	for (unsigned op = 0; op <= SERVICE_OP_COUNT; op++) {
		for (unsigned i = 0; i < HTTP_STATUS_CLASSES; i++)
			figures_r->requests[op][i] =
			    atomic_load(&core->metrics.requests[op][i]);
	}
	figures_r->bytes_in = atomic_load(&core->metrics.bytes_in);
	figures_r->bytes_out = atomic_load(&core->metrics.bytes_out);
	figures_r->microseconds = atomic_load(&core->metrics.microseconds);
	figures_r->connections = atomic_load(&core->connections);
	figures_r->writing = atomic_load(&core->requests_running);
	figures_r->held = atomic_load(&core->held);
	figures_r->held_ms = atomic_load(&core->metrics.held_ms);
	for (unsigned i = 0; i < HTTP_HELD_BUCKETS; i++)
		figures_r->held_within[i] = atomic_load(&core->metrics.held_within[i]);
	http_aside_figures(core->aside, &aside);
	figures_r->peer_reads = aside.reads;
	figures_r->peer_reads_put_off = aside.put_off;
	for (unsigned i = 0; i < core->loop_count; i++) {
		int64_t delay_us = atomic_load(&core->delay_us[i]);

		if (delay_us > figures_r->delay_us)
			figures_r->delay_us = delay_us;
	}
	figures_r->body_bytes = atomic_load(&core->body_bytes);
	figures_r->reply_bytes = atomic_load(&core->reply_bytes);
}

void
http_server_retry_held(struct http_server *server)
{
	http_held_retry(&server->core);
}

void
http_server_refuse_writes(struct http_server *server)
{
	atomic_store(&server->core.refuses_writes, true);
}

enum dom_status
http_server_reload_tls(struct http_server *server, char *message_r, size_t message_size)
{
	if (server->tls == NULL)
		return DOM_ABSENT;
	return http_tls_reload(server->tls, message_r, message_size);
}

/* Joins what ends by itself, so that http_server_wait() can have a limit. */
static void *
waiter_thread(void *argument)
{
	struct http_server *server = argument;

	for (unsigned i = 0; i < server->started; i++)
		http_loop_join(server->loops[i]);
	pthread_mutex_lock(&server->lock);
	server->is_quiet = true;
	pthread_cond_broadcast(&server->quiet);
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

void
http_server_stop(struct http_server *server)
{
	const uint64_t one = 1;

	if (server->is_stopped)
		return;
	server->is_stopped = true;
	atomic_store(&server->core.is_stopping, true);
	if (write(server->stop_fd, &one, sizeof(one)) < 0)
		abort(); /* an empty counter takes a one */
	/* First the acceptor, so that no loop ends before the last connection reaches it. */
	if (server->has_acceptor)
		pthread_join(server->acceptor, NULL);
	for (size_t i = 0; i < server->listener_count; i++)
		http_listener_close(&server->listeners[i]);
	for (unsigned i = 0; i < server->started; i++)
		http_loop_wake(server->loops[i]);
	if (pthread_create(&server->waiter, NULL, waiter_thread, server) == 0)
		server->has_waiter = true;
	else
		waiter_thread(server);
}

bool
http_server_wait(struct http_server *server, int64_t wait_ms)
{
	struct timespec until;
	bool is_quiet;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&server->lock);
	while (!server->is_quiet) {
		if (pthread_cond_timedwait(&server->quiet, &server->lock, &until) != 0)
			break;
	}
	is_quiet = server->is_quiet;
	pthread_mutex_unlock(&server->lock);
	return is_quiet;
}

void
http_server_close(struct http_server **server)
{
	struct http_server *old = *server;

	if (old == NULL)
		return;
	*server = NULL;
	if (old->started != 0) {
		http_server_stop(old);
		if (old->has_waiter)
			pthread_join(old->waiter, NULL);
	}
	http_pool_close(&old->core.pool);
	http_aside_close(&old->core.aside);
	for (unsigned i = 0; i < old->loop_count; i++)
		http_loop_close(&old->loops[i]);
	for (size_t i = 0; i < old->listener_count; i++)
		http_listener_close(&old->listeners[i]);
	http_tls_close(&old->tls);
	http_rates_free(&old->core.rates);
	if (old->stop_fd > 0)
		close(old->stop_fd);
	pthread_cond_destroy(&old->quiet);
	pthread_mutex_destroy(&old->lock);
	free(old);
}
