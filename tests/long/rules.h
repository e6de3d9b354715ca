/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef RULES_H
#define RULES_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "wire/etebase.h"
#include "wire/stoken.h"

#include "services/service.h"

/*
 * A region under concurrency, with a model that knows every answer.  Source:
 * etebase-protocol 5.5.
 *
 * Writers submit requests as jobs; on the store's thread, beside service_run(),
 * the model decides what the reply must be and notes what was written and under
 * which numbers.  Readers ask in snapshots of their own; a snapshot's clocks say
 * which part of the notes it must show, so every reply is compared in full.
 * Beside that each reader is a client that follows its tokens and knows nothing
 * else; what it holds in the end must be what was written.
 */
enum {
	USERS = 5,
	PLACES_EACH = 4,
	PLACES = USERS * PLACES_EACH,
	ITEMS = 48, /* of a collection; 0 is the main item */
	TYPES = 2,
	BATCH_MAX = 9,
	WRITERS_MAX = 6,
	READERS_MAX = 4,
	UID_SIZE = 40,
	STOKEN_SIZE = WIRE_STOKEN_SIZE(USERS) + 1,
};

/* One revision, by the number that it got.  next and previous: places in the notes, from 1. */
struct note {
	uint64_t clock;
	uint64_t revision;
	uint32_t item;
	uint32_t next, previous;
};

struct member {
	bool is_in;
	int access_level;
	uint64_t clock;
};

struct place {
	unsigned index, owner, type;
	char uid[UID_SIZE];
	int64_t number;
	uint64_t members_clock;
	struct member members[USERS];
	struct note *notes; /* under the owner's lock, as is current */
	uint32_t count, room;
	uint32_t current[ITEMS]; /* 0: there is no such item yet */
};

struct user {
	int64_t number;
	uint8_t id[STORE_ID_SIZE];
	char token[SERVICE_TOKEN_SIZE + 1];
	pthread_mutex_t lock;
	uint64_t clock; /* of what has run */
	bool *is_end;   /* by clock: a request's last number */
	size_t is_end_room;
	_Atomic uint64_t acknowledged; /* a client was told */
};

struct world {
	char folder[64];
	struct store *store;
	struct service service;
	struct wire_catalogue *catalogue;
	struct user users[USERS];
	struct place places[PLACES];
	uint64_t seed;
	unsigned pause_us; /* of a writer between two requests; 0: a busy server */
	atomic_long steps; /* of the writers, still to be made */
	_Atomic uint64_t revision;
	atomic_bool over; /* nobody writes any more */
	/* What happened, to be told and to see that it did. */
	atomic_long written, refused_stale, refused_etag, refused_dep, refused_role, retried;
	atomic_long asked, pages, rows, updates, histories;
};

/* The first broken rule ends the program: later ones would only follow from it. */
#define RULE(holds, ...)                                                                       \
	do {                                                                                   \
		if (!(holds))                                                                  \
			rule_broken(__FILE__, __LINE__, #holds, __VA_ARGS__);                  \
	} while (0)
_Noreturn void rule_broken(const char *file, int line, const char *rule, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

/* Whole numbers below bound; a thread has a state of its own. */
uint64_t dice(uint64_t *state, uint64_t bound);

/* --- world.c ------------------------------------------------------------------- */

void world_open(struct world *world, uint64_t seed);
void world_close(struct world *world);
void item_uid(const struct place *place, unsigned item, char text_r[UID_SIZE]);
void revision_uid(uint64_t revision, char text_r[UID_SIZE]);
bool is_deletion(uint64_t revision);
unsigned item_of_uid(const struct place *place, struct dom_slice uid);
uint64_t revision_of_uid(struct dom_slice uid);
struct place *place_of_uid(struct world *world, struct dom_slice uid);
/* A request of this user, with nothing in it. */
struct service_request request_of(const struct user *user, enum service_op op);

/* --- model.c -------------------------------------------------------------------- */

/* With the owner's lock held. */
uint64_t model_items_clock_locked(const struct place *place, uint64_t clock);
uint64_t model_etag_locked(const struct place *place, unsigned item, uint64_t clock);
/* The newest number of the place, as its sync token says it. */
uint64_t model_place_clock_locked(const struct place *place, uint64_t clock);
/* After a request of the owner's places took its numbers. */
void model_note_locked(struct place *place, unsigned item, uint64_t revision, uint64_t clock);
void model_end_locked(struct user *owner, uint64_t clock);

struct model_row {
	unsigned item;
	uint64_t clock, revision;
};
/*
 * Items with clock > after as a snapshot at clock shows them, in order; at most
 * room of them, the number of all is returned.
 */
size_t model_items(struct world *world, const struct place *place, uint64_t after,
    uint64_t clock, bool with_main, struct model_row *rows_r, size_t room);
/* Newest first. */
size_t model_history(struct world *world, const struct place *place, unsigned item,
    uint64_t clock, struct model_row *rows_r, size_t room);

/* --- writer.c, reader.c ------------------------------------------------------------ */

struct writer {
	struct world *world;
	uint64_t state;
	unsigned jobs; /* at once */
};
void *writer_run(void *writer);

struct reader {
	struct world *world;
	uint64_t state;
	unsigned user;
	struct store_reader *store;
	struct dom_arena *arena;
	struct dom_buffer body;
	uint64_t clocks[USERS]; /* of the snapshot */
	/* What this client has: a token for each list, and the revision of each item. */
	char stoken[STOKEN_SIZE], place_stoken[PLACES][STOKEN_SIZE];
	bool is_behind[PLACES];
	unsigned types; /* a mask: which ones it follows */
	uint64_t etags[PLACES][ITEMS];
};
void *reader_run(void *reader);
/* All that is new, once nobody writes; then compare. */
void reader_finish(struct reader *reader);

#endif
