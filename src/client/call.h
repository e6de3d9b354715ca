/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

#include "client/client.h"

/*
 * One request and what became of it.  A call is sent again after 503 (a few
 * times, with growing pauses), once after 401 with a new log-in, and at the new
 * region when the account has moved there; its done() sees only the end.
 *
 *   NEW --submit--> IN FLIGHT --reply--> finished, done()
 *                     ^    |
 *                     |    +-- 503 ----------------> DELAYED --------+
 *                     |    +-- 401 ----------------> UNAUTHORISED ---+
 *                     |    +-- 403 account_moved --> MOVED ----------+
 *                     +----------------------------------------------+
 */
enum {
	DOM_CALL_RETRIES = 4,
	DOM_CALL_WAIT_SECONDS_MAX = 60, /* that a server may ask for */
	DOM_CALL_RETRY_FIRST_MS = 250,
};

struct dom_call {
	struct dom_exchange exchange;
	struct dom_session *session;
	struct dom_buffer body;
	char *path;
	const char *headers[6];
	char authorization[DOM_TOKEN_SIZE_MAX + 32];
	char device[160];
	bool anonymous;    /* send no token */
	bool sends_device; /* send the device's name */
	bool stays;        /* asked of this very server: account_moved is its end */

	/* the end */
	bool finished;
	enum dom_status status;
	char code[48];     /* the server's, "" if it sent none */
	char nested[48];   /* code of the first of its errors */
	char message[640]; /* for a person; empty if status is DOM_OK */

	void (*done)(struct dom_call *call); /* may be NULL */
	void *context;
	uint64_t tag; /* the caller's */

	/* call.c's own */
	unsigned tries;
	bool renewed;
	bool orphan;
	unsigned token_generation;
	unsigned home; /* the session's, when it was sent */
	int64_t not_before_ms;
	struct dom_call *next;
};

/* path: below the server's URL.  NULL: no memory. */
struct dom_call *dom_call_new(struct dom_session *session, const char *method,
    const char *path_format, ...) __attribute__((format(printf, 3, 4)));
/* One that is under way is let go: it frees itself when it ends, done() is not called. */
void dom_call_free(struct dom_call **call);

/* Below zero: it did not start, and done() will not come; the call says why. */
DOM_MUST_CHECK enum dom_status dom_call_submit(struct dom_call *call);

/*
 * Submit and wait.  The session's error is set if it did not succeed.
 * Other calls' done() run meanwhile.
 */
DOM_MUST_CHECK enum dom_status dom_call_run(struct dom_call *call);

static inline struct dom_slice
dom_call_reply(const struct dom_call *call)
{
	return dom_slice(call->exchange.reply, call->exchange.reply_size);
}

/* The call's failure becomes the session's error; returns its status. */
enum dom_status dom_call_fail(struct dom_call *call);

/* Let calls go on for at most timeout_ms, or until one ends. */
DOM_MUST_CHECK enum dom_status dom_session_work(struct dom_session *session, int timeout_ms);

/*
 * Wait until nothing is in flight; what is submitted meanwhile, and what waits to be
 * sent again, goes where the account is followed to.
 */
DOM_MUST_CHECK enum dom_status dom_session_drain(struct dom_session *session);

/* The session closes: calls that wait to be sent again end as uncertain. */
void dom_session_drop_calls(struct dom_session *session);

#endif
