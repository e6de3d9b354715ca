/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <openssl/ssl.h>

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/buffer.h"

/*
 * A load client that costs little, so that it is not what is measured: requests
 * are encoded once, and one thread drives all connections with epoll.
 *
 *   load_socket.c    TCP and TLS
 *   load_http1.c     HTTP/1.1; another protocol is another struct load_protocol
 *   load_run.c       many connections through a plan, timed
 *   load_account.c   an account with its keys, and what it sends
 *
 * It trusts the server that it measures no more than others do, but it ends the
 * program when something fails that a measurement cannot do without.
 */

/* Say what failed and end. */
_Noreturn void load_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- requests and replies ---------------------------------------------------- */

struct load_request {
	struct dom_buffer wire; /* the protocol's, ready to be sent again and again */
};

struct load_ask {
	const char *method;
	const char *path; /* with its query, from the first slash on */
	const char *host;
	const char *token; /* NULL: none */
	struct dom_slice body;
};

struct load_reply {
	int status;
	size_t size; /* of the body, also where it is not kept */
	bool keeps_body;
	struct dom_buffer body;
};

struct load_protocol {
	const char *name;
	const char *alpn; /* as TLS wants it: a length, then the name */
	void (*prepare)(struct load_request *request, const struct load_ask *ask);
	/* A connection's state. */
	void *(*open)(void);
	void (*close)(void *state);
	/* Bytes to send, borrowed until the reply is complete. */
	struct dom_slice (*begin)(void *state, const struct load_request *request);
	/*
	 * What arrived.  DOM_OK: the reply is complete; DOM_ABSENT: there is more to
	 * come; below zero: this is no reply.
	 */
	enum dom_status (*feed)(void *state, struct dom_slice bytes, struct load_reply *reply);
};

extern const struct load_protocol load_http1;

/* NULL: there is none of this name. */
const struct load_protocol *load_protocol_named(const char *name);

/* --- sockets ------------------------------------------------------------------ */

struct load_server {
	char host[64]; /* "127.0.0.1:8037" */
	int port;
	SSL_CTX *tls; /* NULL: plain */
	const struct load_protocol *protocol;
};

/* url: http:// or https:// of a port of 127.0.0.1; ca_file for https. */
void load_server_open(
    struct load_server *server, const char *url, const char *protocol, const char *ca_file);
void load_server_close(struct load_server *server);

/* As many files as that may be open; ends the program if they may not. */
void load_raise_descriptors(unsigned wanted);

struct load_socket {
	int fd;
	SSL *ssl; /* NULL: plain */
};

/* Connected, greeted, and then non-blocking. */
void load_socket_open(struct load_socket *socket, const struct load_server *server);
void load_socket_close(struct load_socket *socket);

/* DOM_ABSENT: not now.  DOM_ENETWORK: it broke or ended. */
enum dom_status load_socket_send(
    struct load_socket *socket, struct dom_slice bytes, size_t *sent_r);
enum dom_status load_socket_receive(
    struct load_socket *socket, uint8_t *bytes, size_t room, size_t *size_r);

/* --- running ------------------------------------------------------------------ */

enum { LOAD_CONNECTIONS_MAX = 64, LOAD_PIDS_MAX = 8 };

struct load_plan {
	unsigned connections;
	bool keeps_bodies;
	/* Whose processor time is counted. */
	const int *pids;
	unsigned pid_count;
	/*
	 * The connection's next request, or NULL when it has no more to do; reply is
	 * that of its last one, NULL at first.
	 */
	const struct load_request *(*next)(
	    void *context, unsigned connection, const struct load_reply *reply);
	void *context;
};

struct load_result {
	uint64_t requests, errors, bytes;
	double seconds, server_cpu_seconds, client_cpu_seconds;
	double p50_ms, p99_ms; /* of single requests */
	int first_error;       /* its HTTP status, 0: none */
};

/* Connections are opened before the clock starts. */
void load_run(const struct load_server *server, const struct load_plan *plan,
    struct load_result *result_r);

/* Of all threads of these processes, since they began. */
double load_cpu_seconds(const int *pids, unsigned count);

/* One request on a connection of its own; ends the program unless it is a success. */
void load_once(const struct load_server *server, const struct load_ask *ask,
    struct dom_buffer *reply_body);

/* --- an account ---------------------------------------------------------------- */

enum {
	LOAD_BATCH_ITEMS = 50,
	LOAD_BATCHES = 200,
	LOAD_ITEM_SIZE = 1024,
	LOAD_CHUNKS = 32,
	LOAD_CHUNK_SIZE = 1 << 20, /* as it is sent */
};

struct load_account;

/* Sign up, log in, and consent to everything. */
struct load_account *load_account_open(const struct load_server *server);
void load_account_close(struct load_account **account);

const char *load_account_token(const struct load_account *account);
/* A new collection with no items; its uid, until the next one. */
const char *load_account_collection(struct load_account *account);
/* The body of batch index, sealed when it is first asked for. */
struct dom_slice load_account_batch(struct load_account *account, unsigned index);
/* A sealed chunk and its uid. */
struct dom_slice load_account_chunk(
    struct load_account *account, unsigned index, const char **uid_r);

/* A login's two requests: what to ask, and what to answer the challenge with. */
void load_account_ask_challenge(struct load_account *account, struct load_request *request);
/* DOM_EINPUT: that was no challenge. */
enum dom_status load_account_answer_challenge(
    struct load_account *account, struct dom_slice challenge, struct load_request *request);

#endif
