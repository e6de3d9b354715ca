/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef MOVE_PAIR_H
#define MOVE_PAIR_H

#include "wire/group.h"
#include "wire/move.h"
#include "wire/peer.h"

#include "erasing.h"
#include "services/move/mover.h"
#include "store/move.h"

/*
 * Two regions of one group, "in" and "sg", in one process: at any moment `house` is one of
 * them, so that everything in house.h works on it.  They ask each other through functions, in
 * which a test may lose, repeat, delay and change messages.  Nothing moves but by steps.
 */
enum { PAIR_REGIONS = 2 };

struct pair {
	int at;                            /* which of them `house` is */
	struct house houses[PAIR_REGIONS]; /* that of `at` lies in `house` */
	struct service services[PAIR_REGIONS];
	struct memory_journal journals[PAIR_REGIONS];
	struct mover *asks[PAIR_REGIONS], *answers[PAIR_REGIONS];
	struct keeper *keepers[PAIR_REGIONS];
	struct wire_group group;
	struct dom_buffer group_file;
	struct dom_arena *arena;
	unsigned asked;   /* requests that were sent */
	size_t arena_max; /* bytes that a request by ask_as() may use; 0: as many as it likes */
	/*
	 * Called for each request before it is delivered and with its answer: false, it is
	 * lost on the way there, or back.  NULL: nothing is.
	 */
	bool (*deliver)(const struct mover_ask *ask, enum wire_peer_op op, int to);
	bool (*answered)(struct mover_ask *ask, enum wire_peer_op op, int to);
	unsigned restarts;
	bool rests[PAIR_REGIONS]; /* its keeper does nothing for now */
	char told[256];
	struct dom_buffer answer;
};
extern struct pair pair;
extern const char *pair_roots[PAIR_REGIONS]; /* as house_root, for each */

int pair_set_up(void **state);
int pair_tear_down(void **state);
#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, pair_set_up, pair_tear_down)

/* `house` is that region from now on. */
void be(int region);
/* Its store is closed and opened again, as after a crash that lost nothing; movers too. */
void restart(int region);
/* The same, and something happens to its folder while it is closed. */
void restart_after(int region, void (*happens)(const char *folder));

/* Ana's account in region 0 with two collections, histories and chunks, all consents given. */
void pair_fill(void);
void write_items(unsigned collection, unsigned from, unsigned count, char revision);
void write_chunk(unsigned collection, unsigned number, size_t size);
/* Ana says, in the region that `house` is: the account moves to the other one. */
enum service_code order_move(uint64_t epoch);
enum service_code order_move_of(struct person *person, uint64_t epoch);
enum service_code cancel_move(void);
/* She has looked at what has come, which the region signed as of this epoch. */
enum service_code acknowledge(uint64_t epoch);
/*
 * One region asks the other with this body; what it was told in pair.told, a reply's body in
 * pair.answer.
 */
enum service_code ask_as(int from, enum wire_peer_op op, const uint8_t move[16],
    struct dom_slice body, int64_t at_ms);
/* Deliver a request once more; nobody hears the answer. */
void ask_again(const struct mover_ask *ask, int to);

/* One step of each mover and keeper that is due; false: nobody had anything to do. */
bool pair_step(void);
/* Steps until the move is in that state in that region; the clock goes on while all wait. */
void pair_run_until(int region, int state);
/* The newest move of either side; state -1: there is none. */
struct store_move the_move(int region);

/* Of ana's account, where it is; the_move() is of anybody's. */
struct store_move move_of(int region, const struct person *person);
/* Accounts called ana that serve writes. */
unsigned homes(void);
int account_state(int region);
void root_at(int region, uint8_t root_r[32], struct wire_erased *sum_r);

#endif
