/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_TRANSPORT_H
#define DOMICILE_TRANSPORT_H

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * How libdomicile reaches a server: requests are submitted, many may be in
 * flight, and finished ones come back from poll().  The library ships one over
 * libcurl (HTTP/1.1 with connection re-use, TLS); a simulator brings its own.
 */
struct dom_exchange {
	/* request: set by the library, valid until done() */
	const char *method;         /* "GET", "POST", "PUT", "DELETE" */
	const char *path;           /* below the server's URL, with its query: "api/v1/..." */
	const char *const *headers; /* "Name: value", ends with NULL */
	struct dom_slice body;
	size_t reply_size_max; /* a larger reply fails; 0: the transport's limit */
	unsigned wait_ms;      /* for all of it, then it fails; 0: while something moves */

	/* reply: set by the transport before done() */
	int status;              /* HTTP status; 0: no complete reply came */
	enum dom_status failure; /* status is 0: DOM_ENETWORK (surely not received) or
	                            DOM_EUNCERTAIN; DOM_ELIMIT: over reply_size_max */
	char reason[160];        /* status is 0: for a person, "Connection refused" */
	uint8_t *reply;          /* malloc()ed by the transport, freed by the library */
	size_t reply_size;
	char position[512];           /* the reply's Domicile-Position header, or "" */
	unsigned retry_after_seconds; /* the reply's Retry-After header, a number; 0: none */
	uint64_t sent_bytes, received_bytes; /* headers included */

	void (*done)(struct dom_exchange *exchange);
	void *context;
	struct dom_exchange *next; /* the transport's, while in flight */
};

struct dom_transport {
	/* Start; done() comes from a later poll(), exactly once. */
	enum dom_status (*submit)(
	    struct dom_transport *transport, struct dom_exchange *exchange);
	/* Work for at most timeout_ms or until something finishes. */
	enum dom_status (*poll)(struct dom_transport *transport, int timeout_ms);
	/* Exchanges still in flight end with DOM_EUNCERTAIN. */
	void (*close)(struct dom_transport *transport);
};

struct dom_transport_options {
	const char *server_url;   /* http:// or https://, with or without a path */
	const char *ca_file;      /* PEM, NULL: the system's certificates */
	const char *user_agent;   /* NULL: "libdomicile/RELEASE" */
	unsigned connections_max; /* 0: 6 */
	size_t reply_size_max;    /* 0: 128 MiB */
	unsigned connect_seconds; /* 0: 10 */
};

/* DOM_EINPUT: not a URL of a server, or http:// to a host that is not this one. */
DOM_MUST_CHECK enum dom_status dom_transport_curl(
    const struct dom_transport_options *options, struct dom_transport **transport_r);

#endif
