/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A very small HTTP server: one page, one thread, one client at a time. */
#include "daemon/metrics.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"

#include "http/listener.h"

enum {
	HEAD_SIZE_MAX = 8 << 10,
	CLIENT_MS = 3000,
	PIECE_MS = 500,
};

struct metrics {
	struct metrics_options options;
	struct metrics_moves *moves; /* NULL: in no group */
	struct http_listener listener;
	int stop_fd;
	pthread_t thread;
	bool has_thread;
};

/* True if a whole head is there. */
static bool
receive_head(int fd, char *head_r)
{
	int64_t give_up_ms = dom_monotonic_ms() + CLIENT_MS;
	size_t size = 0;

	head_r[0] = '\0';
	while (size < HEAD_SIZE_MAX && dom_monotonic_ms() < give_up_ms) {
		ssize_t got = recv(fd, head_r + size, HEAD_SIZE_MAX - size, 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return false;
		size += (size_t)got;
		head_r[size] = '\0';
		if (strstr(head_r, "\r\n\r\n") != NULL)
			return true;
	}
	return false;
}

static void
send_all(int fd, struct dom_slice bytes)
{
	int64_t give_up_ms = dom_monotonic_ms() + CLIENT_MS;

	while (bytes.size != 0 && dom_monotonic_ms() < give_up_ms) {
		ssize_t sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (sent <= 0)
			return;
		bytes = dom_slice(bytes.data + sent, bytes.size - (size_t)sent);
	}
}

static bool
asks_for(const char *head, const char *path)
{
	size_t size = strlen(path);

	return strncmp(head, "GET ", 4) == 0 && strncmp(head + 4, path, size) == 0 &&
	       (head[4 + size] == ' ' || head[4 + size] == '?');
}

static void
answer(const struct metrics *metrics, int fd)
{
	char head[HEAD_SIZE_MAX + 1];
	struct dom_buffer page = {0}, reply = {0};
	bool is_found;

	if (!receive_head(fd, head))
		return;
	is_found = asks_for(head, "/metrics");
	if (is_found)
		metrics_page(&metrics->options, metrics->moves, &page);
	else
		dom_buffer_append_text(&page, "There is only GET /metrics here.\n");
	dom_buffer_print(&reply,
	    "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n",
	    is_found ? "200 OK" : "404 Not Found", page.size);
	dom_buffer_append_slice(&reply, dom_buffer_slice(&page));
	if (dom_buffer_finish(&page) == DOM_OK && dom_buffer_finish(&reply) == DOM_OK)
		send_all(fd, dom_buffer_slice(&reply));
	dom_buffer_free(&page);
	dom_buffer_free(&reply);
}

static void *
metrics_main(void *context)
{
	const struct timeval piece = {.tv_usec = PIECE_MS * 1000};
	struct metrics *metrics = context;
	struct pollfd watched[] = {{.fd = metrics->listener.fd, .events = POLLIN},
	    {.fd = metrics->stop_fd, .events = POLLIN}};

	while (watched[1].revents == 0) {
		int fd;

		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			break;
		if ((watched[0].revents & POLLIN) == 0)
			continue;
		fd = accept4(metrics->listener.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
				usleep(20000);
			continue;
		}
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &piece, sizeof(piece));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &piece, sizeof(piece));
		answer(metrics, fd);
		shutdown(fd, SHUT_RDWR);
		close(fd);
	}
	return NULL;
}

enum dom_status
metrics_open(const struct metrics_options *options, struct metrics **metrics_r, char *message_r,
    size_t message_size)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	enum dom_status st;

	*metrics_r = NULL;
	if (metrics == NULL) {
		snprintf(message_r, message_size, "no memory");
		return DOM_ENOMEM;
	}
	metrics->options = *options;
	metrics->listener.fd = -1;
	if (options->has_group &&
	    (metrics->moves = metrics_moves_new(options->store)) == NULL) {
		free(metrics);
		snprintf(message_r, message_size, "no memory");
		return DOM_ENOMEM;
	}
	metrics->stop_fd = eventfd(0, EFD_CLOEXEC);
	st = http_listener_open(
	    options->listen, false, &metrics->listener, message_r, message_size);
	if (st == DOM_OK && (metrics->stop_fd < 0 || pthread_create(&metrics->thread, NULL,
	                                                 metrics_main, metrics) != 0)) {
		snprintf(message_r, message_size, "no memory for the thread of metrics_listen");
		st = DOM_ENOMEM;
	}
	metrics->has_thread = st == DOM_OK;
	if (st != DOM_OK)
		metrics_close(&metrics);
	*metrics_r = metrics;
	return st;
}

void
metrics_close(struct metrics **metrics)
{
	struct metrics *old = *metrics;
	const uint64_t one = 1;

	if (old == NULL)
		return;
	*metrics = NULL;
	if (old->has_thread) {
		(void)!write(old->stop_fd, &one, sizeof(one));
		pthread_join(old->thread, NULL);
	}
	if (old->listener.fd >= 0)
		http_listener_close(&old->listener);
	if (old->stop_fd >= 0)
		close(old->stop_fd);
	metrics_moves_free(&old->moves);
	free(old);
}
