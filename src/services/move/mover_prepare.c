/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is here is compared with what the source froze, and the source gets this region's word.
 */
#include "services/move/mover_copy.h"

/* --- the promise ----------------------------------------------------------------------- */

static bool
is_same(const struct wire_move *freeze, const uint8_t root[WIRE_ROOT_SIZE],
    const struct wire_erased *sum)
{
	return memcmp(freeze->root, root, WIRE_ROOT_SIZE) == 0 &&
	       freeze->sum.collections == sum->collections && freeze->sum.items == sum->items &&
	       freeze->sum.revisions == sum->revisions && freeze->sum.chunks == sum->chunks &&
	       freeze->sum.bytes == sum->bytes;
}

static struct root_options
options_of(const struct store_move *move, const struct wire_move *freeze)
{
	struct root_options options = {
	    .scope = WIRE_SCOPE_ACCOUNT, .account = move->account, .clock = freeze->clock};

	memcpy(options.identity_public, move->identity, sizeof(options.identity_public));
	return options;
}

/* The record of the account says whose it is, too. */
static enum dom_status
check_identity(struct store_txn *txn, const struct store_move *move, struct dom_arena *arena)
{
	struct store_account account;
	enum dom_status st = store_account_by_number(txn, move->account, arena, &account);

	if (st != DOM_OK)
		return st;
	return dom_slice_equal(
	           account.identity_public, dom_slice(move->identity, sizeof(move->identity)))
	           ? DOM_OK
	           : DOM_EINTEGRITY;
}

static enum dom_status
check_root(struct store_txn *txn, const struct store_move *move, const struct wire_move *freeze)
{
	struct root_options options = options_of(move, freeze);
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum;
	enum dom_status st = root_compute(txn, &options, root, &sum);

	if (st != DOM_OK)
		return st;
	return is_same(freeze, root, &sum) ? DOM_OK : DOM_EINTEGRITY;
}

static enum dom_status
sign(struct store_txn *txn, const struct mover_promise *promise, const struct store_move *move,
    struct dom_arena *arena)
{
	struct wire_move prepare = *promise->view;
	struct wire_signed_move signed_prepare;
	enum dom_status st = wire_move_digest(promise->freeze, prepare.answers);

	prepare.kind = WIRE_MOVE_PREPARE;
	if (st == DOM_OK)
		st = move_sign(promise->service, &prepare, arena, &signed_prepare);
	if (st == DOM_OK)
		st = move_message_keep(txn, move, MOVE_MESSAGE_FREEZE, promise->freeze);
	if (st == DOM_OK)
		st = move_message_keep(txn, move, MOVE_MESSAGE_PREPARE, &signed_prepare);
	return st;
}

enum dom_status
mover_promise(struct store_txn *txn, const struct mover_promise *promise,
    struct store_move *move, struct dom_arena *arena)
{
	int64_t now_ms = dom_clock_now_ms(&promise->service->clock);
	enum dom_status st;

	st = store_account_set_clock(txn, move->account, promise->view->clock, move->epoch);
	if (st == DOM_OK)
		st = check_identity(txn, move, arena);
	if (st == DOM_OK && !promise->is_compared)
		st = check_root(txn, move, promise->view);
	if (st == DOM_OK)
		st = sign(txn, promise, move, arena);
	if (st == DOM_OK)
		st = store_account_turn(txn, move->account, STORE_ACCOUNT_STAGING,
		    STORE_ACCOUNT_PREPARED, move->epoch);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	memcpy(move->attempt, promise->view->attempt, sizeof(move->attempt));
	move->clock = promise->view->clock;
	move->due_ms = 0;
	if (move->state == WIRE_MOVE_STAGING)
		move_enter(move, MOVE_CAUGHT_UP, now_ms);
	move_enter(move, MOVE_PREPARE, now_ms);
	return DOM_OK;
}

/* --- of a large account ------------------------------------------------------------------ */

enum dom_status
mover_copy_warm(struct mover *mover, struct mover_copy *copy)
{
	struct store_txn *txn = NULL;
	bool ended = false;
	enum dom_status st;

	if (copy->book == NULL && (copy->book = root_book_new(copy->account.number, 0)) == NULL)
		return DOM_ENOMEM;
	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = root_book_follow(copy->book, txn, &ended);
	store_read_end(&txn);
	/* Too large for a book: the root is computed when it is wanted. */
	copy->is_warm = st == DOM_ELIMIT || (st == DOM_OK && ended);
	return st == DOM_ELIMIT ? DOM_OK : st;
}

static enum dom_status
root_of(struct mover *mover, const struct store_move *move, struct mover_copy *copy,
    uint8_t root_r[WIRE_ROOT_SIZE], struct wire_erased *sum_r)
{
	struct root_options options = options_of(move, &copy->freeze_view);
	struct store_txn *txn = NULL;
	enum dom_status st;

	options.stopped = mover->options.stopped;
	options.context = mover->options.context;
	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = copy->book == NULL ? root_compute(txn, &options, root_r, sum_r)
	                        : root_book_root(copy->book, txn, &options, root_r, sum_r);
	store_read_end(&txn);
	return st;
}

struct promising {
	struct mover *mover;
	const struct store_move *before;
	struct mover_promise promise;
	enum mover_put_result result;
};

static enum dom_status
run_promise(struct store_txn *txn, void *context)
{
	struct promising *promising = context;
	struct store_move move;
	enum dom_status st;

	promising->result = MOVER_PUT_LATE;
	st = mover_reload(txn, promising->before, promising->mover->arena, &move);
	if (st == DOM_OK)
		st = mover_promise(txn, &promising->promise, &move, promising->mover->arena);
	if (st == DOM_EINTEGRITY)
		promising->result = MOVER_PUT_DIFFERENT;
	if (st != DOM_OK)
		return st;
	promising->result = MOVER_PUT_PREPARED;
	return store_move_update(txn, &move);
}

enum dom_status
mover_copy_prepare(struct mover *mover, const struct store_move *move, struct mover_copy *copy,
    enum mover_put_result *result_r)
{
	struct promising promising = {.mover = mover,
	    .before = move,
	    .promise = {.service = mover->options.service,
	        .freeze = &copy->freeze,
	        .view = &copy->freeze_view,
	        .is_compared = true}};
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum;
	enum dom_status st = root_of(mover, move, copy, root, &sum);

	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	*result_r = MOVER_PUT_DIFFERENT;
	if (!is_same(&copy->freeze_view, root, &sum))
		return DOM_OK;
	st = mover_write(mover, run_promise, &promising);
	*result_r = promising.result;
	return st == DOM_EINTEGRITY ? DOM_OK : st;
}
