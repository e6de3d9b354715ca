/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef REGION_H
#define REGION_H

/* cmocka.h wants these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <domicile/collection.h>
#include <domicile/consent.h>
#include <domicile/session.h>
#include <domicile/transport.h>

/*
 * A whole region behind a transport, in this process: the router, the rules and
 * a store in a temporary folder, without a socket.  What the connection does
 * wrong is a field of struct region_link.
 */
enum region_fault {
	REGION_LOSE_REQUEST, /* the server never saw it */
	REGION_LOSE_REPLY,   /* the server did it, the answer is lost */
	REGION_DOWN,         /* from here on nothing arrives any more */
	REGION_BUSY,         /* 503, once */
	REGION_TOKEN_DEAD,   /* 401, once */
	REGION_FULL,         /* 507, once */
};

struct region_link {
	unsigned fault_at; /* number of the exchange, from 1; 0: none */
	enum region_fault fault;
	bool without_positions; /* drop the header, as other servers do */
	bool shuffle;           /* answer in another order than asked */
	unsigned exchanges;     /* so far */
	unsigned chunk_puts, chunk_gets, batches, lists; /* of them, those that arrived */
};

extern struct region_link region_link;

void region_start(void);
void region_stop(void);
/*
 * The region's catalogue: what is built in, with the first `from` replaced, or
 * as it is if that is NULL.
 */
void region_catalogue(const char *from, const char *to);
/* A new connection; it counts in region_link. */
struct dom_transport *region_connect(void);
/* Damage a byte of every stored chunk's ciphertext that is answered, or not. */
extern bool region_damages_chunks;
/* Folder for the state of a device, removed with the region. */
const char *region_device(const char *name);
/* Keep what is stored now, and go back to it: its operator restores a backup. */
void region_backup(void);
void region_restore(void);
/* End all sessions of the region's accounts, as if the clock had run out. */
void region_advance_ms(int64_t ms);

#endif
