/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_PUSH_HUB_H
#define HTTP_PUSH_HUB_H

#include "http/push.h"
#include "http/websocket.h"
#include "services/push/push.h"

/* What push.c (who is told) and push_socket.c (how) share; nobody else includes this. */
enum {
	PUSH_BUCKETS = 4096,
	PUSH_NOTES_MAX = 512, /* more: all sockets look for themselves */
	PUSH_WORDS_SIZE_MAX = WEBSOCKET_CONTROL_SIZE_MAX - 2,
};

struct push_socket;

/* That a socket follows something, in the bucket of its key. */
struct push_link {
	uint64_t key;
	struct push_socket *socket;
	struct push_link *next, **at; /* at NULL: in no bucket */
};

struct push_socket {
	struct http_watch watch;
	struct http_push *push;
	struct push_socket *next, **link;             /* in push->sockets */
	struct push_socket *ready_next, **ready_link; /* in push->ready; link NULL: not */
	struct http_transport transport;
	uint32_t interest; /* what epoll knows */
	bool is_closing;   /* our close frame is in out, or was */
	bool has_ended;    /* and is out: waiting for the client to go */
	bool is_deaf;      /* nothing that comes in is looked at any more */
	bool is_behind;    /* there may be something to send */
	bool has_moved;    /* what it follows may be another set now */
	uint64_t upto;     /* as push_next() has it */
	struct websocket in;
	struct dom_buffer out; /* frames, not written yet from out_at on */
	size_t out_at;
	int64_t held;     /* for out, in core->reply_bytes */
	int64_t since_ms; /* since out is not empty, or since it is closing */
	int64_t heard_ms, pinged_ms;
	struct push_subscription *subscription;
	struct push_link *links;
	size_t link_count;
};

struct http_push {
	struct http_loop *loop;
	struct push_socket *sockets;
	struct push_socket *ready, **ready_last;
	struct push_link **buckets; /* NULL before the first socket */
	struct dom_arena *arena;    /* of one push_next() */
	struct push_message message;
	struct dom_buffer frame;
	atomic_uint socket_count; /* those that notes are for */

	pthread_mutex_t lock; /* guards what follows */
	struct service_change notes[PUSH_NOTES_MAX];
	unsigned note_first, note_count;
	bool has_overflowed;
	bool is_woken;
};

/* --- push.c ------------------------------------------------------------------- */

void push_socket_ready(struct push_socket *socket);
void push_socket_unready(struct push_socket *socket);
/* Find it by what it follows now.  False: no memory. */
bool push_socket_follow(struct push_socket *socket);
void push_socket_unfollow(struct push_socket *socket);

/* --- push_socket.c ------------------------------------------------------------ */

void push_socket_free(struct push_socket *socket);
/* words: for a person, of at most PUSH_WORDS_SIZE_MAX.  False: it is gone. */
bool push_socket_close(
    struct push_socket *socket, enum websocket_reason reason, const char *words);
/* A message, whole.  False: it is gone. */
bool push_socket_send(struct push_socket *socket, struct dom_slice body);
bool push_socket_is_full(const struct push_socket *socket);
void push_socket_look(struct push_socket *socket); /* at its time limits; may free it */

#endif
