/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Many devices that wait: what a socket costs while nothing happens, and how
 * long one change takes to reach all of them.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "operations.h"

enum {
	READ_SIZE = 16 << 10,
	PATIENCE_MS = 30000,
	QUIET_MS = 500, /* nothing came for so long: all have caught up */
	IDLE_SECONDS = 3,
	BURSTS = 5,
	EVENTS_MAX = 256,
};

struct waiting {
	struct load_socket socket;
	int64_t heard_ns; /* 0: not yet */
};

struct crowd {
	struct waiting *sockets;
	unsigned count;
	int epoll;
};

struct burst {
	double p50_ms, last_ms, cpu_seconds;
};

static const char handshake[] = "GET /domicile/v1/changes/ HTTP/1.1\r\nHost: %s\r\n"
                                "Authorization: Token %s\r\nConnection: Upgrade\r\n"
                                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static long
resident_kib(int pid)
{
	char path[40], line[200];
	long kib = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if ((file = fopen(path, "re")) == NULL)
		load_die("process %d is gone", pid);
	while (kib < 0 && fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "VmRSS: %ld kB", &kib);
	fclose(file);
	return kib;
}

/* All of it, and the reply's head, before the next one: the 101 is what counts. */
static void
upgrade(struct load_socket *socket, const char *request)
{
	struct dom_slice unsent = dom_slice_of(request);
	char reply[2048];
	size_t size = 0, moved;

	while (unsent.size != 0) {
		if (load_socket_send(socket, unsent, &moved) < 0)
			load_die("a socket broke while it was opened");
		unsent = dom_slice(unsent.data + moved, unsent.size - moved);
	}
	for (;;) {
		struct pollfd wait = {.fd = socket->fd, .events = POLLIN};
		enum dom_status st = load_socket_receive(
		    socket, (uint8_t *)reply + size, sizeof(reply) - 1 - size, &moved);

		if (st == DOM_ABSENT && poll(&wait, 1, PATIENCE_MS) == 1)
			continue;
		if (st != DOM_OK)
			load_die("a socket was not opened");
		size += moved;
		reply[size] = '\0';
		if (strstr(reply, "\r\n\r\n") == NULL)
			continue;
		if (strncmp(reply, "HTTP/1.1 101 ", 13) != 0)
			load_die("a socket was refused: %.60s", reply);
		return;
	}
}

static void
crowd_open(struct bench *bench, struct crowd *crowd, unsigned count)
{
	char request[1024];

	load_raise_descriptors(count + 64);
	snprintf(request, sizeof(request), handshake, bench->server.host,
	    load_account_token(bench->account));
	crowd->count = count;
	crowd->sockets = calloc(count, sizeof(*crowd->sockets));
	if (crowd->sockets == NULL || (crowd->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		load_die("%u sockets cannot be had", count);
	for (unsigned i = 0; i < count; i++) {
		struct waiting *waiting = &crowd->sockets[i];
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = waiting};

		load_socket_open(&waiting->socket, &bench->server);
		upgrade(&waiting->socket, request);
		if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, waiting->socket.fd, &event) != 0)
			load_die("epoll_ctl: %s", strerror(errno));
	}
}

static void
crowd_close(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++)
		load_socket_close(&crowd->sockets[i].socket);
	close(crowd->epoll);
	free(crowd->sockets);
}

/* Take what comes for so long, or until as many as wanted have heard something. */
static unsigned
listen_to_all(struct crowd *crowd, int patience_ms, unsigned wanted)
{
	struct epoll_event events[EVENTS_MAX];
	uint8_t bytes[READ_SIZE];
	unsigned heard = 0;
	int ready;

	while (heard < wanted &&
	       (ready = epoll_wait(crowd->epoll, events, EVENTS_MAX, patience_ms)) > 0) {
		for (int i = 0; i < ready; i++) {
			struct waiting *waiting = events[i].data.ptr;
			size_t size;
			enum dom_status st;

			while ((st = load_socket_receive(
			            &waiting->socket, bytes, sizeof(bytes), &size)) == DOM_OK)
				if (waiting->heard_ns == 0) {
					waiting->heard_ns = now_ns();
					heard++;
				}
			if (st < 0)
				load_die("the server has closed a socket");
		}
	}
	return heard;
}

static int
compare_heard(const void *a, const void *b)
{
	const struct waiting *left = a, *right = b;

	return (left->heard_ns > right->heard_ns) - (left->heard_ns < right->heard_ns);
}

/* One batch is stored, and everybody hears of it. */
static void
burst_once(struct bench *bench, struct crowd *crowd, const char *collection, unsigned index,
    struct burst *burst_r)
{
	struct load_request request = {0};
	struct load_socket writer;
	char path[PATH_SIZE];
	double cpu;
	int64_t began;
	size_t sent;

	snprintf(path, sizeof(path), "/api/v1/collection/%s/item/batch/", collection);
	bench->server.protocol->prepare(
	    &request, &(struct load_ask){.method = "POST",
	                  .path = path,
	                  .host = bench->server.host,
	                  .token = load_account_token(bench->account),
	                  .body = load_account_batch(bench->account, index)});
	for (unsigned i = 0; i < crowd->count; i++)
		crowd->sockets[i].heard_ns = 0;
	load_socket_open(&writer, &bench->server);
	cpu = load_cpu_seconds(bench->pids, bench->pid_count);
	began = now_ns();
	while (request.wire.size != 0) {
		if (load_socket_send(&writer, dom_buffer_slice(&request.wire), &sent) < 0)
			load_die("the change could not be sent");
		dom_buffer_drop(&request.wire, sent);
	}
	if (listen_to_all(crowd, PATIENCE_MS, crowd->count) < crowd->count)
		load_die("not every socket heard of a change");
	burst_r->cpu_seconds = load_cpu_seconds(bench->pids, bench->pid_count) - cpu;
	load_socket_close(&writer);
	dom_buffer_free(&request.wire);
	/* Where a socket stands in the array does not matter: epoll has its address. */
	{
		struct waiting *copy = calloc(crowd->count, sizeof(*copy));

		if (copy == NULL)
			load_die("there is not enough memory");
		memcpy(copy, crowd->sockets, crowd->count * sizeof(*copy));
		qsort(copy, crowd->count, sizeof(*copy), compare_heard);
		burst_r->p50_ms = 1e-6 * (double)(copy[crowd->count / 2].heard_ns - began);
		burst_r->last_ms = 1e-6 * (double)(copy[crowd->count - 1].heard_ns - began);
		free(copy);
	}
}

static int
compare_bursts(const void *a, const void *b)
{
	const struct burst *left = a, *right = b;

	return (left->last_ms > right->last_ms) - (left->last_ms < right->last_ms);
}

void
bench_push(struct bench *bench, unsigned count)
{
	const char *collection = load_account_collection(bench->account);
	struct burst bursts[BURSTS], *median = &bursts[BURSTS / 2];
	struct crowd crowd = {0};
	double idle_cpu, opened;
	long before, after;

	if (bench->pid_count != 1 || count == 0)
		load_die("push takes one server and at least one socket");
	if (bench->server.tls != NULL)
		SSL_CTX_set_read_ahead(bench->server.tls, 0); /* or each of ours takes 64 KiB */
	before = resident_kib(bench->pids[0]);
	opened = 1e-9 * (double)now_ns();
	crowd_open(bench, &crowd, count);
	opened = 1e-9 * (double)now_ns() - opened;
	(void)listen_to_all(&crowd, QUIET_MS, count + 1);
	after = resident_kib(bench->pids[0]);
	idle_cpu = load_cpu_seconds(bench->pids, bench->pid_count);
	sleep(IDLE_SECONDS);
	idle_cpu = load_cpu_seconds(bench->pids, bench->pid_count) - idle_cpu;
	for (unsigned i = 0; i < BURSTS; i++) {
		burst_once(bench, &crowd, collection, i, &bursts[i]);
		(void)listen_to_all(&crowd, QUIET_MS, count + 1);
	}
	qsort(bursts, BURSTS, sizeof(bursts[0]), compare_bursts);
	printf("op=push sockets=%u open_seconds=%.3f before_kib=%ld after_kib=%ld "
	       "socket_kib=%.2f idle_cpu_share=%.5f burst_p50_ms=%.1f burst_last_ms=%.1f "
	       "burst_cpu=%.4f burst_kib=%ld\n",
	    count, opened, before, after, (double)(after - before) / count,
	    idle_cpu / IDLE_SECONDS, median->p50_ms, median->last_ms, median->cpu_seconds,
	    resident_kib(bench->pids[0]));
	fflush(stdout);
	crowd_close(&crowd);
}
