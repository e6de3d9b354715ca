/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef LEAVING_H
#define LEAVING_H

#include "wire/evidence.h"
#include "wire/group.h"
#include "wire/moves.h"
#include "wire/peer.h"

#include "services/move/answers.h"
#include "services/move/parts.h"
#include "sharing.h"

/*
 * The house, region "in", as the source of a move: it is in a group with "sg", whose key the
 * tests hold and in whose name they ask, and with "us", which has nothing to do with it.
 */
struct leaving {
	struct dom_region_key *sg, *us;
	struct dom_buffer group_file, body, request;
	struct dom_arena *arena; /* lives as long as the test */
	uint8_t move[WIRE_MOVE_ID_SIZE], subject[WIRE_SUBJECT_SIZE];
	struct wire_peer_status status; /* of the last status() */
	struct move_answers *answers;
	unsigned wakes;
};
extern struct leaving leaving;

int leaving_set_up(void **state);
int leaving_tear_down(void **state);
#define LEAVING_TEST(name)                                                                     \
	cmocka_unit_test_setup_teardown(name, leaving_set_up, leaving_tear_down)

/* What Ana may order next. */
struct wire_statement order_of_ana(void);
/* Orders it: leaving.move and .subject are this move's. */
enum service_code order_it(struct wire_statement *order);
enum service_code cancel_it(void);

/* Ask as region `from`, signed by its key; the body is in leaving.body. */
enum service_code peer_asks(enum wire_peer_op op);
enum service_code peer_asks_as(
    enum wire_peer_op op, struct wire_peer *peer, const struct dom_region_key *key);
enum service_code ask_cursor(enum wire_peer_op op, struct dom_slice cursor);
enum service_code ask_message(enum wire_peer_op op, const struct wire_signed_move *message);
/* How far the source says it is. */
enum wire_move_state status(void);

/* Sign as sg, or whoever; at_ms is now.  Lives as long as the test. */
struct wire_signed_move sign_move(
    const struct wire_move *message, const struct dom_region_key *key);
/* What sg says to this. */
struct wire_move answer_to(const struct wire_signed_move *before, enum wire_move_kind kind);
/* Copied for as long as the test lives. */
struct wire_signed_move keep_message(const struct wire_signed_move *message);

/* One step of the source's work, and all of them until there is nothing to do now. */
enum dom_status answer_step(void);
void work(void);
void restart(void);

/* Get there. */
void accepted(void);                  /* ordered, and sg has accepted it */
struct wire_signed_move frozen(void); /* and frozen; the freeze */
struct wire_signed_move given_away(struct wire_signed_move *prepare_r); /* the hand-off */
struct store_move the_move(void);
struct store_account the_account(const struct person *person);

/* What Ana's device is told of her moves. */
void list_moves(struct wire_moves_entry **entries_r, size_t *count_r);
/* A revision of item `number` that names chunk `number`, of ten bytes. */
void store_chunk(const struct person *person, unsigned collection, unsigned number);
enum service_code ask_chunk(unsigned collection, unsigned chunk);
/* 403 account_moved, to sg, with the proof. */
void expect_moved(enum service_code code);
/* What sg says when it is home; Ana's acknowledgement, taken by sg, perhaps changed. */
struct wire_signed_move active_for(const struct wire_signed_move *handoff);
struct dom_slice ack_for(
    const struct wire_signed_move *handoff, void (*change)(struct wire_statement *ack));
enum service_code ask_ack(struct dom_slice evidence);

#endif
