/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "house.h"

/*
 * The schema of requests, for the matrix: each operation with a good request,
 * who may make it, and what its fields and parameters are.
 *
 * The world: Ana owns collection 1, with items 1 and 2 and chunk 1; Bob reads
 * it, Cyd writes, Dan is its other admin, Eve is a stranger with an invitation
 * to it.  Zoe has collection 2 and a session, and has invited Yan: nobody's
 * request is about them.
 */
enum {
	OWNER,
	READER,
	WRITER,
	ADMIN,
	STRANGER,
	EXPIRED, /* the owner's, whose session is over */
	NOBODY,  /* no token at all */
	ROLE_COUNT,
};
enum {
	R_OWNER = 1 << OWNER,
	R_READER = 1 << READER,
	R_WRITER = 1 << WRITER,
	R_ADMIN = 1 << ADMIN,
	R_STRANGER = 1 << STRANGER,
	R_MEMBERS = R_OWNER | R_READER | R_WRITER | R_ADMIN,
	R_WRITERS = R_OWNER | R_WRITER | R_ADMIN,
	R_ADMINS = R_OWNER | R_ADMIN,
	R_ALL = R_MEMBERS | R_STRANGER,
	R_ANYONE = R_ALL | 1 << EXPIRED | 1 << NOBODY,
};

/* Parameters of path and query. */
enum {
	P_COLLECTION = 1 << 0,
	P_ITEM = 1 << 1,
	P_CHUNK = 1 << 2,
	P_SESSION = 1 << 3,
	P_INVITATION = 1 << 4,
	P_USERNAME = 1 << 5,
	P_TICKET = 1 << 6,
	P_STOKEN = 1 << 7,
	P_ITERATOR = 1 << 8,
	P_ERASURE = 1 << 9,
	P_MOVE = 1 << 10,
	P_TO = 1 << 11,
	P_TEXTS = (1 << 12) - 1,
	P_LIMIT = 1 << 12,
	P_PREFETCH = 1 << 13,
	P_AFTER = 1 << 14,
	P_LIST = P_STOKEN | P_LIMIT | P_PREFETCH,
	P_ALL = (1 << 15) - 1,
};

enum kind { UID, TEXT, BYTES, INT, BOOL, ARRAY, MAP };

struct field {
	const char *path; /* "items.0.uid"; "" is the body */
	enum kind kind;
	int64_t least, most; /* bytes, or values; most 0 of an array: no limit worth trying */
	bool optional;
};

struct endpoint {
	const char *name;
	enum service_op op;
	unsigned roles;  /* for whom the good request succeeds */
	unsigned params; /* that it reads */
	/* house.request and house.body, after ask(); who: whose keys sign. */
	void (*build)(const struct person *who);
	/* What is mutated lies inside of something signed: make the body of it. */
	void (*wrap)(const struct person *who);
	const struct field *fields; /* ends without a path */
	bool tells_others;          /* its success may be noticed by whoever it names */
};

extern const struct endpoint endpoints[];
extern const size_t endpoint_count;

/* The world's people besides the house's. */
enum { SESSION_ID_SIZE = 22 };
extern char other_session[SESSION_ID_SIZE + 1]; /* Zoe's */
extern struct person dan, eve, gil, zoe, yan;
/* A cmocka set-up and its tear-down: the world is in the store, all are logged in. */
int world_set_up(void **state);
int world_tear_down(void **state);

#endif
