/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Clients that hold a server up as well as they may: a third send a head a
 * byte a second, a third an allowed body at little more than the lowest rate,
 * a third say nothing once they are connected.  Who is thrown out comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "load.h"
#include "operations.h"

enum {
	KINDS = 3, /* slow head, slow body, silence */
	PAUSE_MS = 1000,
	PIECE_SIZE = 1200, /* of a body, each PAUSE_MS */
	BODY_SIZE = 1 << 20,
};

struct slow {
	struct load_socket socket;
	unsigned kind;
	size_t sent; /* of the head, if that is what is slow */
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
pause_until(int64_t at_ms)
{
	int64_t left_ms = at_ms - now_ms();
	struct timespec left = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};

	if (left_ms > 0)
		nanosleep(&left, NULL);
}

/* False: the server has had enough of it. */
static bool
say_some(struct slow *slow, struct dom_slice bytes)
{
	uint8_t reply[512];
	size_t moved;

	if (load_socket_receive(&slow->socket, reply, sizeof(reply), &moved) != DOM_ABSENT)
		return false; /* a reply, before the request was over, or the end */
	return bytes.size == 0 || load_socket_send(&slow->socket, bytes, &moved) >= 0;
}

static void
slow_open(struct bench *bench, struct slow *slow)
{
	char head[1024];

	load_socket_open(&slow->socket, &bench->server);
	slow->sent = 0;
	if (slow->kind != 1)
		return;
	snprintf(head, sizeof(head),
	    "PUT /api/v1/collection/%s/item/item-of-slow-clients/chunk/chunk-of-slow-clients/ "
	    "HTTP/1.1\r\nHost: %s\r\nAuthorization: Token %s\r\nContent-Length: %d\r\n\r\n",
	    bench->stored, bench->server.host, load_account_token(bench->account), BODY_SIZE);
	(void)say_some(slow, dom_slice_of(head));
}

static bool
slow_go_on(struct slow *slow)
{
	static const char head[] =
	    "GET /api/v1/collection/ HTTP/1.1\r\nHost: slow\r\nAccept-Language: ";
	static const uint8_t body[PIECE_SIZE];
	size_t at = slow->sent++;

	if (slow->kind == 0)
		return say_some(
		    slow, dom_slice(head + (at < sizeof(head) - 1 ? at : sizeof(head) - 2), 1));
	return say_some(
	    slow, slow->kind == 1 ? dom_slice(body, sizeof(body)) : dom_slice(NULL, 0));
}

void
bench_attack(struct bench *bench, unsigned count, unsigned seconds)
{
	struct slow *slow = calloc(count, sizeof(*slow));
	unsigned thrown_out = 0;
	int64_t until_ms, next_ms;

	load_raise_descriptors(count + 64);
	if (slow == NULL)
		load_die("there is not enough memory");
	if (bench->server.tls != NULL)
		SSL_CTX_set_read_ahead(bench->server.tls, 0);
	snprintf(bench->stored, sizeof(bench->stored), "%s",
	    load_account_collection(bench->account));
	for (unsigned i = 0; i < count; i++) {
		slow[i].kind = i % KINDS;
		slow_open(bench, &slow[i]);
	}
	printf("op=attack-begins connections=%u\n", count);
	fflush(stdout);
	next_ms = now_ms();
	until_ms = next_ms + (int64_t)seconds * 1000;
	while (now_ms() < until_ms) {
		/* Spread over the pause, as strangers are. */
		for (unsigned i = 0; i < count; i++) {
			if (i % 10 == 0)
				pause_until(next_ms + (int64_t)PAUSE_MS * i / count);
			if (slow_go_on(&slow[i]))
				continue;
			thrown_out++;
			load_socket_close(&slow[i].socket);
			slow_open(bench, &slow[i]);
		}
		next_ms += PAUSE_MS;
		pause_until(next_ms);
	}
	for (unsigned i = 0; i < count; i++)
		load_socket_close(&slow[i].socket);
	free(slow);
	bench->stored[0] = '\0';
	printf("op=attack connections=%u thrown_out=%u\n", count, thrown_out);
	fflush(stdout);
}
