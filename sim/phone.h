/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_PHONE_H
#define SIM_PHONE_H

#include "crypto/keys.h"

#include "wire/etebase.h"

#include "sim/disk.h"
#include "sim/history.h"
#include "sim/oracle.h"
#include "sim/time.h"
#include "sim/world.h"

/*
 * A phone of somebody's: it does one thing after the other, on a fiber of its
 * own, as a person or an app would: what fails for a reason that goes away is tried again,
 * what is refused is let be.  Stock phones (stock*.c) speak the protocol as Etebase's
 * apps do; ours (ours*.c) run libdomicile.
 */
enum {
	PHONE_COLLECTIONS_MAX = 24,
	PHONE_ENTRIES_MAX = 192,
	PHONE_QUEUE_MAX = 8,
	PHONE_TOKEN_SIZE = 512,
};

struct phone_entry {
	char item[ORACLE_UID_SIZE], revision[ORACLE_UID_SIZE];
	bool is_deleted;
};
struct phone_collection {
	char uid[ORACLE_UID_SIZE];
	char stoken[PHONE_TOKEN_SIZE];
	char seen[PHONE_TOKEN_SIZE]; /* that the list said */
	int access_level;
	struct phone_entry entries[PHONE_ENTRIES_MAX];
	size_t count;
	bool overflowed;
};

/* Somebody, with the phones that they have. */
struct person {
	char name[24];
	unsigned generation; /* of the account: one that is erased is followed by another */
	unsigned made_generation;         /* that the keys are of */
	unsigned password, password_last; /* a number each; the last one that was tried */
	bool may_be_old;                  /* a change was never answered */
	unsigned account;                 /* the oracle's */
	bool is_signed_up;
	unsigned region; /* where they say the account is .. */
	uint64_t epoch;  /* .. as of this epoch */
	struct dom_account_key *key;
	struct dom_identity_key *identity;
	uint8_t public_key[32];
	/* The last that brought them into each region, as a device carries it; empty: none. */
	struct dom_buffer handoffs[WORLD_REGIONS_MAX];
	bool uses_ours, is_signing_up;
};

struct phone_step {
	enum action_kind action;
	uint64_t seed;
};

/* What goes wrong with the phone itself (trouble.c). */
struct phone_trouble {
	bool is_dead;         /* until its next action, which begins with starting it */
	bool is_dying;        /* the next fault that stops it is one of these: */
	enum fault_kind kind; /* as coverage counts it */
	enum sim_crash crash; /* what becomes of what was not synced */
	unsigned calls_left;  /* it dies at that many calls from now; 0: not so */
	int64_t off_us;       /* then it is off for so long */
	bool is_armed;        /* its disk is to fail, or fails */
	uint64_t number, struck;
};

struct phone {
	struct world *world;
	struct person *person;
	unsigned index, node, account;
	char name[24];
	struct sim_random random;
	struct phone_step queue[PHONE_QUEUE_MAX];
	size_t queued;
	struct time_gate gate;
	bool is_busy, is_ending;
	bool must_do; /* nothing goes wrong any more: what cannot be refused must succeed */

	/* stock */
	char token[64]; /* "": logged out */
	unsigned region;
	char stoken[PHONE_TOKEN_SIZE];
	struct phone_collection *collections; /* PHONE_COLLECTIONS_MAX */
	size_t collection_count;
	/* ours */
	struct dom_session *session;
	struct sim_disk *disk;
	int kept;              /* enum ours_kept */
	unsigned signed_up_as; /* the oracle's account of its last sign-up, from 1 */
	bool is_shut_out;      /* its password is another by now */
	struct phone_trouble trouble;
};

struct phone *phone_new(struct world *world, unsigned index, struct person *person);
void phone_free(struct phone **phone);
/* Do this when what was asked for before is done; false: there is too much of it. */
bool phone_order(struct phone *phone, enum action_kind action, uint64_t seed);
/* Nothing more is asked. */
void phone_end(struct phone *phone);
struct phone *world_phone(struct world *world, unsigned node);
/* Are these the bytes that were stored under this uid? */
void phone_check_chunk(struct world *world, struct dom_slice uid, struct dom_slice data);

/* --- trouble.c ----------------------------------------------------------------------------
 */

/* One of the phones' own faults, now or soon. */
void phone_strike(struct phone *phone, enum fault_kind fault, struct sim_random *random);
/* The process was killed, or the machine lost power: nothing that it does counts. */
bool phone_is_dead(struct phone *phone);
/* The same, at a moment at which it may have been meant to die: a call goes out or comes in. */
bool phone_meets_call(struct phone *phone);
/* What its disk has met is counted. */
void phone_look(struct phone *phone);
/* Nothing is going to go wrong any more. */
void phone_heal(struct phone *phone);
/* In its fiber: a phone that has died is off for a while, and starts again. */
void phone_start_again(struct phone *phone);

/* --- requests (ask.c) ----------------------------------------------------------------------
 */

struct answer {
	int status; /* 0: none */
	enum dom_status failure;
	struct dom_buffer body;
	char code[48];
	bool may_be_done; /* an earlier try was not answered */
};
/* One request; path as printed.  The answer's body is the caller's. */
void phone_ask(struct phone *phone, struct answer *answer_r, const char *method,
    const struct dom_buffer *body, const char *path, ...) __attribute__((format(printf, 5, 6)));
/* The same, tried again as an app does; logs in again after a 401. */
void phone_insist(struct phone *phone, struct answer *answer_r, const char *method,
    const struct dom_buffer *body, const char *path, ...) __attribute__((format(printf, 5, 6)));
static inline bool
is_done(const struct answer *answer)
{
	return answer->status >= 200 && answer->status < 300;
}

/* --- stock ----------------------------------------------------------------------------------
 */

bool stock_act(struct phone *phone, enum action_kind action);
bool stock_log_in(struct phone *phone);
bool stock_sync(struct phone *phone);
void stock_forget(struct phone *phone);
struct phone_collection *stock_pick(struct phone *phone, bool to_write);
void stock_uid(struct phone *phone, char text_r[ORACLE_UID_SIZE], unsigned size);
/* stock_account.c */
bool stock_sign_up(struct phone *phone);
/* The password of that number. */
void person_password(const struct person *person, unsigned number, char text_r[64]);
bool stock_account_act(struct phone *phone, enum action_kind action);
/*
 * Where the account lives by a hand-off; false: it is of an account of that name that was
 * erased, or of a move that another has followed since.
 */
bool stock_learns(struct person *person, const struct wire_move *handoff, unsigned target);
/* Number, sign and send it; may_be_r: a try before the answer may have been taken. */
bool stock_state(struct phone *phone, struct wire_statement *statement, bool *may_be_r);
/* stock_share.c */
bool stock_share_act(struct phone *phone, enum action_kind action);
/* stock_move.c: a move is asked for, or cancelled. */
bool stock_move_act(struct phone *phone, enum action_kind action);
/* prove.c: each move that brought the account here has a certificate, which verifies. */
bool stock_prove(struct phone *phone);
/* The account has moved, and this answer says where to: go there, and log in. */
bool stock_follow(struct phone *phone, const struct answer *answer);

/* --- ours (ours.h) --------------------------------------------------------------------------
 */

bool ours_act(struct phone *phone, enum action_kind action);
void ours_close(struct phone *phone);
/* The account is no more: forget all of it. */
void ours_forget(struct phone *phone);

#endif
