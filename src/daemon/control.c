/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The operator's socket: who may come in, and a thread for each of them. */
#include "daemon/control.h"

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

#include "daemon/control_wire.h"

enum {
	CLIENTS_MAX = 8,
	ARENA_SIZE_MAX = 16 << 20,
	RECEIVE_SECONDS = 10,
	SEND_SECONDS = 60,
};

struct client {
	struct control *control;
	pthread_t thread;
	bool is_started; /* the acceptor's: it is to be joined */
	atomic_bool is_done;
	atomic_bool stop;
	int fd;
};

struct control {
	struct control_options options;
	int listen_fd, stop_fd;
	pthread_t acceptor;
	bool has_acceptor;
	int64_t started_ms;
	struct client clients[CLIENTS_MAX];
};

/* The socket's mode says the same; this holds if somebody changes that. */
static bool
is_operator(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static int
run(struct client *client, struct dom_arena *arena)
{
	const char *words[CONTROL_WORDS_MAX];
	struct control_call call = {.options = &client->control->options,
	    .fd = client->fd,
	    .stop = &client->stop,
	    .arena = arena,
	    .words = words,
	    .started_ms = client->control->started_ms};
	enum dom_status st;

	st = control_receive_words(client->fd, arena, words, &call.word_count);
	if (st == DOM_OK)
		return control_run(&call);
	st = control_send_line(client->fd, CONTROL_ERR,
	    "the server did not understand the request: are domicilectl and domiciled of the "
	    "same release?");
	return st == DOM_OK ? 2 : 1;
}

static void *
client_main(void *context)
{
	struct client *client = context;
	struct dom_arena *arena = dom_arena_new(ARENA_SIZE_MAX);
	/* Nobody is told of a client that went away. */
	enum dom_status st = DOM_OK;

	if (arena != NULL)
		st = control_send_end(client->fd, run(client, arena));
	(void)st;
	dom_arena_free(&arena);
	shutdown(client->fd, SHUT_RDWR);
	/* Closed by who joins: until then its number is not given to another. */
	atomic_store(&client->is_done, true);
	return NULL;
}

static struct client *
free_client(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->is_started && atomic_load(&client->is_done)) {
			pthread_join(client->thread, NULL);
			close(client->fd);
			client->is_started = false;
		}
		if (!client->is_started)
			return client;
	}
	return NULL;
}

static void
refuse(int fd, const char *why)
{
	if (control_send_line(fd, CONTROL_ERR, why) == DOM_OK &&
	    control_send_end(fd, 1) == DOM_OK)
		shutdown(fd, SHUT_WR);
	close(fd);
}

static void
admit(struct control *control, int fd)
{
	const struct timeval receive = {.tv_sec = RECEIVE_SECONDS},
	                     send_wait = {.tv_sec = SEND_SECONDS};
	struct client *client;

	if (!is_operator(fd)) {
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof(receive));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_wait, sizeof(send_wait));
	if ((client = free_client(control)) == NULL) {
		refuse(fd, "too many commands are running at once: try again when one is done");
		return;
	}
	client->control = control;
	client->fd = fd;
	atomic_store(&client->is_done, false);
	atomic_store(&client->stop, false);
	client->is_started = pthread_create(&client->thread, NULL, client_main, client) == 0;
	if (!client->is_started)
		refuse(fd, "the server has no memory for another command");
}

static void *
acceptor_main(void *context)
{
	struct control *control = context;
	struct pollfd watched[] = {{.fd = control->listen_fd, .events = POLLIN},
	    {.fd = control->stop_fd, .events = POLLIN}};

	while (watched[1].revents == 0) {
		int fd;

		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			break;
		if ((watched[0].revents & POLLIN) == 0)
			continue;
		if ((fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
			admit(control, fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			usleep(20000);
	}
	return NULL;
}

enum dom_status
control_open(const struct control_options *options, struct control **control_r, char *message_r,
    size_t message_size)
{
	struct control *control = calloc(1, sizeof(*control));

	*control_r = NULL;
	if (control == NULL) {
		snprintf(message_r, message_size, "no memory");
		return DOM_ENOMEM;
	}
	control->options = *options;
	control->started_ms = dom_clock_now_ms(&options->service->clock);
	control->stop_fd = eventfd(0, EFD_CLOEXEC);
	control->listen_fd = control_bind(options->data);
	if (control->listen_fd < 0 || control->stop_fd < 0) {
		snprintf(message_r, message_size,
		    "%s/" CONTROL_SOCKET_NAME " cannot be made: %s. domicilectl needs it",
		    options->data, strerror(errno));
		control_close(&control);
		return DOM_EFILE;
	}
	control->has_acceptor =
	    pthread_create(&control->acceptor, NULL, acceptor_main, control) == 0;
	if (!control->has_acceptor) {
		snprintf(message_r, message_size, "no memory for a thread");
		control_close(&control);
		return DOM_ENOMEM;
	}
	*control_r = control;
	return DOM_OK;
}

void
control_close(struct control **control)
{
	struct control *old = *control;
	const uint64_t one = 1;

	if (old == NULL)
		return;
	*control = NULL;
	if (old->has_acceptor) {
		(void)!write(old->stop_fd, &one, sizeof(one));
		pthread_join(old->acceptor, NULL);
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (!old->clients[i].is_started)
			continue;
		atomic_store(&old->clients[i].stop, true);
		/* One that waits for a slow client must not wait any more. */
		shutdown(old->clients[i].fd, SHUT_RD);
		pthread_join(old->clients[i].thread, NULL);
		close(old->clients[i].fd);
	}
	if (old->listen_fd >= 0)
		close(old->listen_fd);
	if (old->stop_fd >= 0)
		close(old->stop_fd);
	free(old);
}
