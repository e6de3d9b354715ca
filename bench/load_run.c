/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Many connections through a plan, with time, processor time and errors counted. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum { RECEIVE_SIZE = 256 << 10, PATIENCE_MS = 60000 };

struct connection {
	struct load_socket socket;
	void *state;
	struct dom_slice unsent;
	struct load_reply reply;
	int64_t started_ns;
	unsigned index;
	bool is_busy, waits_to_send;
};

struct run {
	const struct load_server *server;
	const struct load_plan *plan;
	struct load_result *result;
	struct connection connections[LOAD_CONNECTIONS_MAX];
	uint8_t received[RECEIVE_SIZE];
	int64_t *took_ns;
	size_t took_room;
	unsigned busy;
	int epoll;
};

static int64_t
clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Of all its threads, in nanoseconds: /proc/PID/stat only counts in hundredths of a second. */
static int64_t
process_cpu_ns(int pid)
{
	char path[300];
	struct dirent *entry;
	int64_t sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if ((tasks = opendir(path)) == NULL)
		load_die("process %d is gone", pid);
	while ((entry = readdir(tasks)) != NULL) {
		long long used = 0;
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(
		    path, sizeof(path), "/proc/%d/task/%.20s/schedstat", pid, entry->d_name);
		if ((file = fopen(path, "re")) == NULL)
			continue;
		if (fscanf(file, "%lld", &used) == 1)
			sum += used;
		fclose(file);
	}
	closedir(tasks);
	return sum;
}

double
load_cpu_seconds(const int *pids, unsigned count)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += process_cpu_ns(pids[i]);
	return 1e-9 * (double)sum;
}

static void
watch(struct run *run, struct connection *connection, int operation)
{
	struct epoll_event event = {
	    .events = EPOLLIN | (connection->waits_to_send ? (uint32_t)EPOLLOUT : 0),
	    .data.ptr = connection};

	if (epoll_ctl(run->epoll, operation, connection->socket.fd, &event) != 0)
		load_die("epoll_ctl: %s", strerror(errno));
}

static void
send_some(struct run *run, struct connection *connection)
{
	bool waited = connection->waits_to_send;
	enum dom_status st = DOM_OK;

	while (st == DOM_OK && connection->unsent.size > 0) {
		size_t sent;

		st = load_socket_send(&connection->socket, connection->unsent, &sent);
		connection->unsent.data += sent;
		connection->unsent.size -= sent;
	}
	if (st < 0)
		load_die("%s hung up while a request was sent", run->server->host);
	connection->waits_to_send = connection->unsent.size > 0;
	if (connection->waits_to_send != waited)
		watch(run, connection, EPOLL_CTL_MOD);
}

/* The connection's next request, if it has one. */
static void
advance(struct run *run, struct connection *connection, const struct load_reply *reply)
{
	const struct load_request *request =
	    run->plan->next(run->plan->context, connection->index, reply);

	if (request == NULL) {
		connection->is_busy = false;
		run->busy--;
		return;
	}
	dom_buffer_clear(&connection->reply.body);
	connection->reply.size = 0;
	connection->reply.status = 0;
	connection->unsent = run->server->protocol->begin(connection->state, request);
	connection->started_ns = clock_ns(CLOCK_MONOTONIC);
	send_some(run, connection);
}

static void
note(struct run *run, const struct connection *connection)
{
	struct load_result *result = run->result;
	int status = connection->reply.status;

	if (result->requests == run->took_room) {
		run->took_room = run->took_room == 0 ? 1024 : 2 * run->took_room;
		run->took_ns =
		    reallocarray(run->took_ns, run->took_room, sizeof(*run->took_ns));
		if (run->took_ns == NULL)
			load_die("there is not enough memory");
	}
	run->took_ns[result->requests++] = clock_ns(CLOCK_MONOTONIC) - connection->started_ns;
	result->bytes += connection->reply.size;
	if (status >= 200 && status < 300)
		return;
	result->errors++;
	if (result->first_error == 0)
		result->first_error = status;
}

static void
receive_all(struct run *run, struct connection *connection)
{
	size_t size;
	enum dom_status st;

	while (connection->is_busy) {
		st = load_socket_receive(
		    &connection->socket, run->received, sizeof(run->received), &size);
		if (st == DOM_ABSENT)
			return;
		if (st == DOM_OK)
			st = run->server->protocol->feed(connection->state,
			    dom_slice(run->received, size), &connection->reply);
		if (st < 0)
			load_die("%s hung up, or its reply is none", run->server->host);
		if (st == DOM_OK) {
			note(run, connection);
			advance(run, connection, &connection->reply);
		}
	}
}

static void
drive(struct run *run)
{
	struct epoll_event events[LOAD_CONNECTIONS_MAX];

	for (unsigned i = 0; i < run->plan->connections; i++) {
		run->connections[i].is_busy = true;
		run->busy++;
		advance(run, &run->connections[i], NULL);
	}
	while (run->busy > 0) {
		int count = epoll_wait(run->epoll, events, LOAD_CONNECTIONS_MAX, PATIENCE_MS);

		if (count == 0)
			load_die("%s did not answer for a minute", run->server->host);
		if (count < 0 && errno != EINTR)
			load_die("epoll_wait: %s", strerror(errno));
		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;

			if ((events[i].events & EPOLLOUT) != 0)
				send_some(run, connection);
			if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
				receive_all(run, connection);
		}
	}
}

static int
compare_ns(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

void
load_run(const struct load_server *server, const struct load_plan *plan,
    struct load_result *result_r)
{
	struct run *run = calloc(1, sizeof(*run));
	int64_t wall, client_cpu;
	double server_cpu;

	*result_r = (struct load_result){0};
	if (run == NULL || plan->connections > LOAD_CONNECTIONS_MAX ||
	    (run->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		load_die("%u connections cannot be had", plan->connections);
	run->server = server;
	run->plan = plan;
	run->result = result_r;
	for (unsigned i = 0; i < plan->connections; i++) {
		struct connection *connection = &run->connections[i];

		connection->index = i;
		connection->reply.keeps_body = plan->keeps_bodies;
		if ((connection->state = server->protocol->open()) == NULL)
			load_die("there is not enough memory");
		load_socket_open(&connection->socket, server);
		watch(run, connection, EPOLL_CTL_ADD);
	}
	server_cpu = load_cpu_seconds(plan->pids, plan->pid_count);
	client_cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	wall = clock_ns(CLOCK_MONOTONIC);
	drive(run);
	result_r->seconds = 1e-9 * (double)(clock_ns(CLOCK_MONOTONIC) - wall);
	result_r->client_cpu_seconds =
	    1e-9 * (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - client_cpu);
	result_r->server_cpu_seconds =
	    load_cpu_seconds(plan->pids, plan->pid_count) - server_cpu;
	if (result_r->requests > 0) {
		size_t count = result_r->requests;

		qsort(run->took_ns, count, sizeof(*run->took_ns), compare_ns);
		result_r->p50_ms = 1e-6 * (double)run->took_ns[count / 2];
		result_r->p99_ms = 1e-6 * (double)run->took_ns[count * 99 / 100];
	}
	for (unsigned i = 0; i < plan->connections; i++) {
		load_socket_close(&run->connections[i].socket);
		server->protocol->close(run->connections[i].state);
		dom_buffer_free(&run->connections[i].reply.body);
	}
	close(run->epoll);
	free(run->took_ns);
	free(run);
}

/* --- one request ---------------------------------------------------------------- */

struct once {
	const struct load_request *request;
	const char *what;
	struct dom_buffer *body;
};

static const struct load_request *
once_next(void *context, unsigned connection, const struct load_reply *reply)
{
	struct once *once = context;

	(void)connection;
	if (reply == NULL)
		return once->request;
	if (reply->status < 200 || reply->status > 299)
		load_die("%s: status %d: %.*s", once->what, reply->status,
		    (int)reply->body.size,
		    reply->body.size == 0 ? "" : (const char *)reply->body.data);
	if (once->body != NULL)
		dom_buffer_append_slice(once->body, dom_buffer_slice(&reply->body));
	return NULL;
}

void
load_once(
    const struct load_server *server, const struct load_ask *ask, struct dom_buffer *reply_body)
{
	struct load_request request = {0};
	struct once once = {.request = &request, .what = ask->path, .body = reply_body};
	struct load_plan plan = {
	    .connections = 1, .keeps_bodies = true, .next = once_next, .context = &once};
	struct load_result result;

	if (reply_body != NULL)
		dom_buffer_clear(reply_body);
	server->protocol->prepare(&request, ask);
	load_run(server, &plan, &result);
	dom_buffer_free(&request.wire);
	if (reply_body != NULL && dom_buffer_finish(reply_body) < 0)
		load_die("there is not enough memory for a reply");
}
