/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who is told of a change: notes from the writer, the register of who follows
 * what, and the turns in which sockets read on.
 *
 *   note --taken--> sockets of its key are READY --turn--> they read and send
 *
 * The next note is taken when no socket is READY any more, so that who keeps
 * up gets each batch as a message of its own.
 */
#include "http/push.h"

#include <stdlib.h>

#include "http/push_hub.h"

enum {
	SOCKETS_A_TURN = 64, /* before requests get their turn */
	MESSAGES_A_TURN = 8, /* of one socket */
};

enum dom_status
http_push_open(struct http_loop *loop, struct http_push **push_r)
{
	struct http_push *push = calloc(1, sizeof(*push));

	if (push == NULL)
		return DOM_ENOMEM;
	push->loop = loop;
	push->ready_last = &push->ready;
	pthread_mutex_init(&push->lock, NULL);
	*push_r = push;
	return DOM_OK;
}

void
http_push_close(struct http_push **push)
{
	struct http_push *old = *push;

	if (old == NULL)
		return;
	*push = NULL;
	while (old->sockets != NULL)
		push_socket_free(old->sockets);
	dom_arena_free(&old->arena);
	dom_buffer_free(&old->message.body);
	dom_buffer_free(&old->frame);
	pthread_mutex_destroy(&old->lock);
	free(old->buckets);
	free(old);
}

/* --- notes --------------------------------------------------------------------- */

static void
leave_note(struct http_push *push, const struct service_change *change)
{
	bool must_wake;

	/* A socket counts itself before it reads: who is not counted yet sees the commit. */
	if (atomic_load(&push->socket_count) == 0)
		return;
	pthread_mutex_lock(&push->lock);
	if (push->note_count == PUSH_NOTES_MAX)
		push->has_overflowed = true;
	else
		push->notes[(push->note_first + push->note_count++) % PUSH_NOTES_MAX] = *change;
	must_wake = !push->is_woken;
	push->is_woken = true;
	pthread_mutex_unlock(&push->lock);
	if (must_wake)
		http_loop_wake(push->loop);
}

void
http_push_announce(struct http_core *core, const struct service_change *change)
{
	if (change->owner == 0)
		return;
	for (unsigned i = 0; i < core->loop_count; i++)
		leave_note(core->loops[i]->push, change);
}

static void
overflow(struct http_push *push)
{
	bool must_wake;

	if (atomic_load(&push->socket_count) == 0)
		return;
	pthread_mutex_lock(&push->lock);
	push->has_overflowed = true;
	must_wake = !push->is_woken;
	push->is_woken = true;
	pthread_mutex_unlock(&push->lock);
	if (must_wake)
		http_loop_wake(push->loop);
}

void
http_push_announce_all(struct http_core *core, const struct service_changes *changes)
{
	for (unsigned i = 0; changes->overflowed && i < core->loop_count; i++)
		overflow(core->loops[i]->push);
	for (size_t i = 0; !changes->overflowed && i < changes->count; i++)
		http_push_announce(core, &changes->at[i]);
}

static bool
take_note(struct http_push *push, struct service_change *change_r, bool *overflowed_r)
{
	bool has;

	pthread_mutex_lock(&push->lock);
	*overflowed_r = push->has_overflowed;
	/* What is in the notes is in the store: all sockets read to its end. */
	if (push->has_overflowed)
		push->note_count = 0;
	push->has_overflowed = false;
	has = push->note_count != 0;
	if (has) {
		*change_r = push->notes[push->note_first];
		push->note_first = (push->note_first + 1) % PUSH_NOTES_MAX;
		push->note_count--;
	} else {
		push->is_woken = false;
	}
	pthread_mutex_unlock(&push->lock);
	return has || *overflowed_r;
}

/* --- who follows what ----------------------------------------------------------- */

static uint64_t
key_of_collection(int64_t collection)
{
	return (uint64_t)collection << 1;
}

/* For those that follow everything of an owner. */
static uint64_t
key_of_owner(int64_t owner)
{
	return (uint64_t)owner << 1 | 1;
}

static struct push_link **
bucket_of(const struct http_push *push, uint64_t key)
{
	return &push->buckets[(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PUSH_BUCKETS];
}

void
push_socket_unfollow(struct push_socket *socket)
{
	for (size_t i = 0; i < socket->link_count; i++) {
		struct push_link *link = &socket->links[i];

		if (link->at == NULL)
			continue;
		*link->at = link->next;
		if (link->next != NULL)
			link->next->at = link->at;
	}
	free(socket->links);
	socket->links = NULL;
	socket->link_count = 0;
}

bool
push_socket_follow(struct push_socket *socket)
{
	const struct push_subscription *subscription = socket->subscription;
	struct http_push *push = socket->push;
	size_t count = subscription->collection != 0 ? 1 : subscription->owner_count;

	push_socket_unfollow(socket);
	if (push->buckets == NULL &&
	    (push->buckets = calloc(PUSH_BUCKETS, sizeof(struct push_link *))) == NULL)
		return false;
	if ((socket->links = calloc(count, sizeof(*socket->links))) == NULL)
		return false;
	socket->link_count = count;
	for (size_t i = 0; i < count; i++) {
		struct push_link *link = &socket->links[i], **bucket;

		link->key = subscription->collection != 0
		                ? key_of_collection(subscription->collection)
		                : key_of_owner(subscription->owners[i].number);
		link->socket = socket;
		bucket = bucket_of(push, link->key);
		link->next = *bucket;
		link->at = bucket;
		if (link->next != NULL)
			link->next->at = &link->next;
		*bucket = link;
	}
	return true;
}

/* --- turns ------------------------------------------------------------------------ */

void
push_socket_ready(struct push_socket *socket)
{
	struct http_push *push = socket->push;

	if (socket->ready_link != NULL)
		return;
	socket->ready_next = NULL;
	socket->ready_link = push->ready_last;
	*push->ready_last = socket;
	push->ready_last = &socket->ready_next;
}

void
push_socket_unready(struct push_socket *socket)
{
	if (socket->ready_link == NULL)
		return;
	*socket->ready_link = socket->ready_next;
	if (socket->ready_next != NULL)
		socket->ready_next->ready_link = socket->ready_link;
	else
		socket->push->ready_last = socket->ready_link;
	socket->ready_link = NULL;
}

/* Who still writes an earlier message becomes ready when that is out. */
static void
make_behind(struct push_socket *socket, uint64_t upto)
{
	if (!socket->is_behind || socket->upto < upto)
		socket->upto = upto;
	socket->is_behind = true;
	if (!push_socket_is_full(socket))
		push_socket_ready(socket);
}

static void
note_key(struct http_push *push, uint64_t key, const struct service_change *change)
{
	if (push->buckets == NULL)
		return;
	for (struct push_link *link = *bucket_of(push, key); link != NULL; link = link->next) {
		struct push_socket *socket = link->socket;

		if (link->key != key)
			continue;
		if (change->member == socket->subscription->account)
			socket->has_moved = true;
		make_behind(
		    socket, socket->subscription->collection != 0 ? change->clock : UINT64_MAX);
	}
}

/* Whatever they follow: those of others, too. */
static void
note_account(struct http_push *push, int64_t account)
{
	for (struct push_socket *socket = push->sockets; socket != NULL; socket = socket->next)
		if (socket->subscription->account == account)
			make_behind(socket, UINT64_MAX);
}

/* False: there is none. */
static bool
use_note(struct http_push *push)
{
	struct service_change change;
	bool overflowed;

	if (!take_note(push, &change, &overflowed))
		return false;
	if (overflowed) {
		for (struct push_socket *socket = push->sockets; socket != NULL;
		     socket = socket->next) {
			socket->has_moved = true;
			make_behind(socket, UINT64_MAX);
		}
		return true;
	}
	if (change.gone)
		note_account(push, change.member);
	if (change.collection != 0)
		note_key(push, key_of_collection(change.collection), &change);
	note_key(push, key_of_owner(change.owner), &change);
	if (change.member != 0 && change.member != change.owner)
		note_key(push, key_of_owner(change.member), &change);
	return true;
}

/* Why it cannot go on.  What fails now may work on another try; the client knows how. */
static bool
end(struct push_socket *socket, enum dom_status why)
{
	if (why == DOM_EFENCED)
		return push_socket_close(socket, WEBSOCKET_POLICY,
		    "account_moved: this account lives in another region now; any request"
		    " says where.");
	return push_socket_close(
	    socket, why == DOM_EDENIED ? WEBSOCKET_POLICY : WEBSOCKET_TRY_AGAIN, "");
}

/* What it may read has changed: follow that.  False: it is gone. */
static bool
renew(struct push_socket *socket, struct store_txn *txn)
{
	bool moved = false;
	enum dom_status st = DOM_OK;

	socket->has_moved = false;
	if (socket->subscription->collection == 0)
		st = push_owners_renew(txn, socket->subscription, socket->push->arena, &moved);
	if (st != DOM_OK || (moved && !push_socket_follow(socket)))
		return end(socket, st);
	return true;
}

/* Read and send until it is full, or there is nothing, or others are to have their turn. */
static void
read_on(struct push_socket *socket, struct store_txn *txn)
{
	struct http_push *push = socket->push;
	const struct service *service = push->loop->core->service;

	for (unsigned count = 0; socket->is_behind && !push_socket_is_full(socket); count++) {
		enum dom_status st;

		if (count == MESSAGES_A_TURN) {
			push_socket_ready(socket);
			return;
		}
		dom_arena_reset(push->arena);
		if (socket->has_moved && !renew(socket, txn))
			return;
		st = push_next(service, txn, socket->subscription, socket->upto, push->arena,
		    &push->message);
		if (st == DOM_ABSENT) {
			socket->is_behind = false;
		} else if (st == DOM_OK) {
			if (!push_socket_send(socket, dom_buffer_slice(&push->message.body)))
				return;
		} else {
			(void)end(socket, st);
			return;
		}
	}
}

static void
forget_message(struct http_push *push)
{
	dom_buffer_free(&push->message.body);
	push->message = (struct push_message){0};
	dom_buffer_free(&push->frame);
	dom_arena_reset(push->arena);
}

/* No view of the store: they must not wait for a change that they have missed. */
static void
give_up(struct http_push *push)
{
	while (push->ready != NULL) {
		struct push_socket *socket = push->ready;

		push_socket_unready(socket);
		(void)push_socket_close(socket, WEBSOCKET_TRY_AGAIN, "");
	}
}

bool
http_push_turn(struct http_push *push)
{
	struct store_txn *txn = NULL;

	while (push->ready == NULL) {
		if (!use_note(push))
			return false;
	}
	if (push->arena == NULL &&
	    (push->arena = dom_arena_new(HTTP_ARENA_BYTES_MAX)) == NULL) {
		give_up(push);
		return false;
	}
	if (store_read_begin(push->loop->reader, &txn) != DOM_OK) {
		give_up(push);
		return false;
	}
	for (unsigned i = 0; i < SOCKETS_A_TURN && push->ready != NULL; i++) {
		struct push_socket *socket = push->ready;

		push_socket_unready(socket);
		read_on(socket, txn);
	}
	store_read_end(&txn);
	forget_message(push);
	return true;
}

bool
http_push_is_empty(const struct http_push *push)
{
	return push->sockets == NULL;
}

void
http_push_sweep(struct http_push *push)
{
	struct push_socket *socket = push->sockets, *next;

	for (; socket != NULL; socket = next) {
		next = socket->next;
		push_socket_look(socket);
	}
}

void
http_push_stop(struct http_push *push)
{
	struct push_socket *socket = push->sockets, *next;

	for (; socket != NULL; socket = next) {
		next = socket->next;
		(void)push_socket_close(socket, WEBSOCKET_GOING_AWAY, "");
	}
}
