/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_SERVICES_GUARDING_H
#define TESTS_SERVICES_GUARDING_H

#include "leaving.h"
#include "services/move/guard.h"

/*
 * A region whose store is made out of a backup, and what its peers answer when it asks what
 * lives there: sg what a test tells, us that nothing does.
 */

enum { SG, US, PEERS };

struct guarding {
	struct move_guard *guard;
	int64_t wait_ms; /* that its last step wants to rest */
	bool is_silent[PEERS];
	int status; /* of answers; 0: 200 */
	struct wire_peer_home homes[4];
	size_t count, page; /* of homes; page: 0, all at once */
	bool never_ends;
	unsigned asked[PEERS], most; /* most: at once */
};
extern struct guarding guarding;

int guarding_set_up(void **state);
int guarding_tear_down(void **state);
/* Both, for a loop in a test. */
void guarding_fresh(void **state);
#define GUARDING_CASE(name)                                                                    \
	cmocka_unit_test_setup_teardown(name, guarding_set_up, guarding_tear_down)

enum dom_status guard_step(void);
/* Until it has nothing to ask now. */
void guard_work(void);
/* From now on sg says this of the move that the store has. */
void others_tell(const struct wire_signed_move *message, bool is_prepared);

/* The store is closed and opened, and the guard with it. */
void start_again(void);
void back_up(void);
/* told: by the restore itself; else somebody turned the disk back. */
void live_in_backup(bool told);

/* Does ana's device get an answer? */
enum service_code ask_for_lists(void);
/* Ana has something, and a backup is made while she is at home and has ordered nothing. */
void fill_and_back_up(void);
/* sg's answer to a freeze. */
struct wire_signed_move prepare_of(const struct wire_signed_move *freeze);
/* A whole move, and a backup on its way. */
enum when { BEFORE_ORDER, BEFORE_FREEZE, WHILE_FROZEN, AFTER, WHENS };
void move_with_backup(enum when when, struct wire_signed_move *freeze_r,
    struct wire_signed_move *prepare_r, struct wire_signed_move *handoff_r);
/* Ana has moved to sg, which this region knows. */
void expect_gone(uint64_t epoch);

#endif
