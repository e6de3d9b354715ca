/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_PUSH_H
#define HTTP_PUSH_H

#include "http/loop.h"

/*
 * The sockets of devices that wait for changes (services/push/), one hub for
 * each loop.
 *
 * After a commit the writer leaves a small note in every hub that has sockets:
 * whose clock, which collection, up to where.  The loop then reads, on its own
 * view of the store, what each of its sockets needs: session, membership, data
 * and token of a message come from one snapshot.  A socket is found by what it
 * follows before its first read, so nothing falls between what it catches up
 * on and what is announced.
 *
 * A socket holds at most one message that it could not write yet.  Until that
 * is out it falls behind, and then reads on from where it was; so a slow
 * device costs bounded memory and loses nothing.
 */
struct http_push;
struct push_subscription;

DOM_MUST_CHECK enum dom_status http_push_open(
    struct http_loop *loop, struct http_push **push_r);
void http_push_close(struct http_push **push);

/*
 * The writer's thread, after the commit and before the reply: tell all loops.
 * Loops are alive as long as one of them waits for that reply.
 */
void http_push_announce(struct http_core *core, const struct service_change *change);
/* The same for many. */
void http_push_announce_all(struct http_core *core, const struct service_changes *changes);

/*
 * A connection whose 101 is out becomes a socket.  Takes the transport, which
 * is in the loop's epoll already, and the subscription; input is what came
 * behind the request.
 */
void http_push_adopt(struct http_loop *loop, struct http_transport *transport,
    struct dom_slice input, struct push_subscription **subscription);

/* Some of the work that there is; true: there is more, come back soon. */
bool http_push_turn(struct http_push *push);
bool http_push_is_empty(const struct http_push *push);
/* Pings, and those who do not answer. */
void http_push_sweep(struct http_push *push);
/* Say good-bye to all: 1001. */
void http_push_stop(struct http_push *push);

#endif
