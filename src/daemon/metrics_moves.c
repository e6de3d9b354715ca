/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What moves have come to: every row is counted, a pause once. */
#include <inttypes.h>
#include <stdlib.h>

#include "wire/peer.h"

#include "daemon/metrics.h"
#include "daemon/pause.h"

enum {
	STATES_MAX = 32, /* enum wire_move_state is below it */
	SIDES = 2,
	PAGE_ROWS = 500,
	PAUSE_BUCKETS = 9,
	ARENA_SIZE_MAX = 16 << 20,
};
static const double pause_bounds_s[PAUSE_BUCKETS - 1] = {.05, .1, .2, .3, .5, 1, 2, 5};

struct metrics_moves {
	struct store *store;
	/* Those whose pause is counted: bit n for the move of number n. */
	uint8_t *counted;
	size_t counted_size;
	uint64_t pauses_within[PAUSE_BUCKETS];
	double pause_s; /* of all */
	/* As of the last page. */
	uint64_t states[SIDES][STATES_MAX], attempts, aborted, bytes;
};

struct metrics_moves *
metrics_moves_new(struct store *store)
{
	struct metrics_moves *moves = calloc(1, sizeof(*moves));

	if (moves != NULL)
		moves->store = store;
	return moves;
}

void
metrics_moves_free(struct metrics_moves **moves)
{
	if (*moves == NULL)
		return;
	free((*moves)->counted);
	free(*moves);
	*moves = NULL;
}

/* False: no memory. */
static bool
note_counted(struct metrics_moves *moves, int64_t number)
{
	size_t at = (size_t)number / 8;

	if (at >= moves->counted_size) {
		size_t size = 2 * at + 64;
		uint8_t *grown = realloc(moves->counted, size);

		if (grown == NULL)
			return false;
		for (size_t i = moves->counted_size; i < size; i++)
			grown[i] = 0;
		moves->counted = grown;
		moves->counted_size = size;
	}
	moves->counted[at] |= (uint8_t)(1u << (number % 8));
	return true;
}

static bool
is_counted(const struct metrics_moves *moves, int64_t number)
{
	size_t at = (size_t)number / 8;

	return at < moves->counted_size && (moves->counted[at] & 1u << (number % 8)) != 0;
}

static enum dom_status
count_pause(struct metrics_moves *moves, struct store_txn *txn, const struct store_move *row,
    struct dom_arena *arena)
{
	int64_t pause_ms;
	unsigned bucket = 0;
	enum dom_status st;

	if (is_counted(moves, row->number))
		return DOM_OK;
	if ((st = pause_of(txn, row, arena, &pause_ms)) != DOM_OK)
		return st == DOM_ABSENT ? DOM_OK : st;
	if (!note_counted(moves, row->number))
		return DOM_ENOMEM;
	while (bucket < PAUSE_BUCKETS - 1 && (double)pause_ms / 1e3 > pause_bounds_s[bucket])
		bucket++;
	moves->pauses_within[bucket]++;
	moves->pause_s += (double)pause_ms / 1e3;
	return DOM_OK;
}

static bool
is_given_away(int state)
{
	return state == WIRE_MOVE_GONE || state == WIRE_MOVE_LIVES ||
	       state == WIRE_MOVE_ERASING || state == WIRE_MOVE_ERASED;
}

static enum dom_status
count_row(struct metrics_moves *moves, struct store_txn *txn, const struct store_move *row,
    struct dom_arena *arena)
{
	if (row->state >= 0 && row->state < STATES_MAX && row->side >= 0 && row->side < SIDES)
		moves->states[row->side][row->state]++;
	if (row->side == STORE_MOVE_TARGET) {
		moves->bytes += row->bytes;
		return DOM_OK;
	}
	moves->attempts += row->attempts;
	/* One may be on. */
	if (row->attempts != 0)
		moves->aborted += row->attempts -
		                  (is_given_away(row->state) || row->state == WIRE_MOVE_FROZEN);
	return is_given_away(row->state) ? count_pause(moves, txn, row, arena) : DOM_OK;
}

static enum dom_status
count_all(struct metrics_moves *moves, struct store_reader *reader, struct dom_arena *arena)
{
	int64_t after = 0;
	size_t count;
	enum dom_status st;

	do {
		struct store_txn *txn = NULL;
		struct store_move *rows;

		dom_arena_reset(arena);
		count = 0;
		if ((st = store_read_begin(reader, &txn)) == DOM_OK)
			st =
			    store_move_list(txn, after, false, PAGE_ROWS, arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = rows[i].number;
			st = count_row(moves, txn, &rows[i], arena);
		}
		store_read_end(&txn);
	} while (st == DOM_OK && count != 0);
	return st;
}

static void
print_counts(const struct metrics_moves *moves, struct dom_buffer *page)
{
	static const char *const sides[SIDES] = {"source", "target"};

	dom_buffer_append_text(page, "# HELP domicile_moves Accounts that moved or move, by "
	                             "where they stand.\n# TYPE domicile_moves gauge\n");
	for (unsigned side = 0; side < SIDES; side++) {
		for (int state = 0; state < STATES_MAX; state++) {
			const char *name = wire_move_state_name(state);

			if (name != NULL && (state >= WIRE_MOVE_STAGING) == (side == 1))
				dom_buffer_print(page,
				    "domicile_moves{side=\"%s\",state=\"%s\"} %" PRIu64 "\n",
				    sides[side], name, moves->states[side][state]);
		}
	}
	dom_buffer_print(page,
	    "# HELP domicile_move_attempts_total Handovers that began here.\n"
	    "# TYPE domicile_move_attempts_total counter\n"
	    "domicile_move_attempts_total %" PRIu64 "\n"
	    "# HELP domicile_move_attempts_aborted_total Handovers that this region ended "
	    "again.\n"
	    "# TYPE domicile_move_attempts_aborted_total counter\n"
	    "domicile_move_attempts_aborted_total %" PRIu64 "\n"
	    "# HELP domicile_move_copied_bytes_total Bytes copied from other regions.\n"
	    "# TYPE domicile_move_copied_bytes_total counter\n"
	    "domicile_move_copied_bytes_total %" PRIu64 "\n",
	    moves->attempts, moves->aborted, moves->bytes);
}

static void
print_pauses(const struct metrics_moves *moves, struct dom_buffer *page)
{
	uint64_t within = 0;

	dom_buffer_append_text(page,
	    "# HELP domicile_move_pause_seconds How long nobody could write to an account "
	    "that was handed over.\n# TYPE domicile_move_pause_seconds histogram\n");
	for (unsigned i = 0; i < PAUSE_BUCKETS - 1; i++) {
		within += moves->pauses_within[i];
		dom_buffer_print(page,
		    "domicile_move_pause_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
		    pause_bounds_s[i], within);
	}
	within += moves->pauses_within[PAUSE_BUCKETS - 1];
	dom_buffer_print(page,
	    "domicile_move_pause_seconds_bucket{le=\"+Inf\"} %" PRIu64
	    "\ndomicile_move_pause_seconds_sum %.3f\ndomicile_move_pause_seconds_count %" PRIu64
	    "\n",
	    within, moves->pause_s, within);
}

void
metrics_moves_print(struct metrics_moves *moves, struct dom_buffer *page)
{
	struct dom_arena *arena = dom_arena_new(ARENA_SIZE_MAX);
	struct store_reader *reader = NULL;

	for (unsigned side = 0; side < SIDES; side++)
		for (unsigned state = 0; state < STATES_MAX; state++)
			moves->states[side][state] = 0;
	moves->attempts = moves->aborted = moves->bytes = 0;
	/* Figures that are not all there are worse than none. */
	if (arena != NULL && store_reader_open(moves->store, &reader) == DOM_OK &&
	    count_all(moves, reader, arena) == DOM_OK) {
		print_counts(moves, page);
		print_pauses(moves, page);
	}
	store_reader_close(&reader);
	dom_arena_free(&arena);
}
