/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A step of a copy, of which each asks the source at most once:
 *
 *   no page        RECORDS, or FREEZE once passes are short; then the page is looked through
 *   chunks missing CHUNKS, in rounds; what has come is put down with each
 *   the last one   the page's end and the cursor are put down with it
 *   frozen, all there   compare, promise
 */
#include <stdlib.h>

#include "base/bytes.h"

#include "crypto/digest.h"

#include "services/move/copy.h"
#include "services/move/mover_copy.h"
#include "services/move/target.h"

/* The page is done with, or is not wanted any more. */
static void
drop_page(struct mover_copy *copy)
{
	for (size_t i = 0; i < copy->chunk_count; i++)
		store_staged_free(&copy->chunks[i].staged);
	free(copy->chunks);
	copy->chunks = NULL;
	copy->chunk_count = copy->chunk_room = copy->chunks_put = 0;
	copy->has_page = copy->others_put = false;
	dom_buffer_free(&copy->page);
}

void
mover_copy_thaw(struct mover_copy *copy)
{
	copy->is_frozen = copy->is_complete = false;
	copy->place.short_passes = 0;
	dom_buffer_free(&copy->frozen);
}

void
mover_copy_free(struct mover_copy **copy)
{
	struct mover_copy *old = *copy;

	if (old == NULL)
		return;
	*copy = NULL;
	drop_page(old);
	mover_copy_thaw(old);
	root_book_free(&old->book);
	free(old);
}

/* --- where it was ---------------------------------------------------------------------- */

/* MOVE_MESSAGE_CURSOR: u8 in_pass, is_first, short_passes, is_small, string cursor. */
void
mover_place_encode(struct dom_buffer *bytes, const struct mover_place *place)
{
	dom_write_u8(bytes, place->in_pass);
	dom_write_u8(bytes, place->is_first);
	dom_write_u8(bytes, place->short_passes);
	dom_write_u8(bytes, place->is_small);
	dom_write_string(bytes, dom_slice(place->cursor, place->cursor_size));
}

/* DOM_EINPUT: it is none. */
static enum dom_status
place_decode(struct dom_slice bytes, struct mover_place *place_r)
{
	struct dom_reader in = dom_reader_over(bytes);
	struct dom_slice cursor;

	*place_r = (struct mover_place){0};
	place_r->in_pass = dom_read_u8(&in) != 0;
	place_r->is_first = dom_read_u8(&in) != 0;
	place_r->short_passes = dom_read_u8(&in);
	place_r->is_small = dom_read_u8(&in) != 0;
	cursor = dom_read_string(&in, sizeof(place_r->cursor));
	if (in.failed == DOM_OK && cursor.size != 0)
		memcpy(place_r->cursor, cursor.data, cursor.size);
	place_r->cursor_size = cursor.size;
	return dom_reader_finish(&in);
}

static enum dom_status
recall_place(struct mover *mover, struct store_txn *txn, const struct store_move *move,
    struct mover_copy *copy)
{
	struct wire_signed_move kept;
	enum dom_status st = move_message(txn, move, MOVE_MESSAGE_CURSOR, mover->arena, &kept);

	copy->place.is_first = st == DOM_ABSENT;
	if (st == DOM_OK && place_decode(kept.bytes, &copy->place) != DOM_OK)
		return DOM_ESTORE; /* we wrote it */
	return st == DOM_ABSENT ? DOM_OK : st;
}

static enum dom_status
recall(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	struct mover_copy *copy = errand->copy;
	struct store_txn *txn = NULL;
	struct wire_statement order;
	uint8_t subject[WIRE_SUBJECT_SIZE];
	enum dom_status st;

	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = store_account_by_number(txn, move->account, mover->arena, &copy->account);
	if (st == DOM_OK)
		st = recall_place(mover, txn, move, copy);
	if (st == DOM_OK)
		st = move_order(txn, move, mover->arena, &order, subject);
	if (st == DOM_OK)
		errand->expires_ms = order.expires_ms;
	store_read_end(&txn);
	return st > 0 ? DOM_ESTORE : st; /* a copy that is being made has an account */
}

/* --- asking for a page ------------------------------------------------------------------- */

static enum dom_status
cursor_body(struct mover *mover, const struct mover_copy *copy, struct dom_slice *body_r)
{
	struct dom_buffer body = {0};
	enum dom_status st;

	dom_write_string(&body, dom_slice(copy->place.cursor, copy->place.cursor_size));
	if ((st = dom_buffer_finish(&body)) == DOM_OK) {
		*body_r = dom_arena_copy(mover->arena, dom_buffer_slice(&body));
		if (body_r->data == NULL)
			st = DOM_ENOMEM;
	}
	dom_buffer_free(&body);
	return st;
}

/* Of this move and attempt, and of the order. */
static enum dom_status
check_freeze(struct mover *mover, const struct store_move *move, struct mover_copy *copy,
    const struct wire_signed_move *freeze)
{
	struct wire_statement order;
	uint8_t digest[WIRE_SUBJECT_SIZE];
	struct store_txn *txn = NULL;
	const char *why;
	enum dom_status st;

	st = move_open(
	    mover->options.service, move, WIRE_MOVE_FREEZE, freeze, &copy->freeze_view, &why);
	if (st != DOM_OK)
		return st;
	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = move_order(txn, move, mover->arena, &order, digest);
	store_read_end(&txn);
	if (st == DOM_OK && (memcmp(copy->freeze_view.answers, digest, sizeof(digest)) != 0 ||
	                        copy->freeze_view.epoch != move->epoch))
		return DOM_EINTEGRITY;
	return st;
}

static enum dom_status
take_frozen(struct mover *mover, const struct store_move *move, struct mover_copy *copy)
{
	struct wire_peer_frozen frozen;
	enum dom_status st = wire_peer_frozen_decode(dom_buffer_slice(&copy->page), &frozen);

	if (st != DOM_OK)
		return st;
	if ((st = check_freeze(mover, move, copy, &frozen.freeze)) != DOM_OK)
		return st;
	if (copy->freeze_view.clock > COPY_CLOCK_MAX)
		return DOM_EINPUT;
	/* It outlives the page. */
	dom_buffer_clear(&copy->frozen);
	dom_buffer_append_slice(&copy->frozen, frozen.freeze.bytes);
	dom_buffer_append_slice(&copy->frozen, frozen.freeze.signature);
	if ((st = dom_buffer_finish(&copy->frozen)) != DOM_OK)
		return st;
	copy->freeze.bytes = dom_slice(copy->frozen.data, frozen.freeze.bytes.size);
	copy->freeze.signature = dom_slice(
	    copy->frozen.data + frozen.freeze.bytes.size, frozen.freeze.signature.size);
	if (wire_move_decode(copy->freeze.bytes, &copy->freeze_view) != DOM_OK)
		return DOM_EINTEGRITY;
	copy->is_frozen = true;
	copy->records = frozen.records;
	copy->cursor_next = frozen.cursor;
	copy->ended = frozen.complete;
	copy->clock = copy->freeze_view.clock;
	return DOM_OK;
}

static enum dom_status
take_records(struct mover_copy *copy)
{
	struct wire_peer_records records;
	enum dom_status st = wire_peer_records_decode(dom_buffer_slice(&copy->page), &records);

	if (st != DOM_OK)
		return st;
	if (records.clock > COPY_CLOCK_MAX)
		return DOM_EINPUT;
	/* A page that leads nowhere would be asked for without end. */
	if (!records.ended && dom_slice_equal(records.cursor,
	                          dom_slice(copy->place.cursor, copy->place.cursor_size)))
		return DOM_EINPUT;
	copy->records = records.records;
	copy->cursor_next = records.cursor;
	copy->ended = records.ended;
	copy->clock = records.clock;
	copy->bytes_total = records.bytes;
	return DOM_OK;
}

/* A pass of one page that says the same as the one before it. */
static enum dom_status
is_old_news(struct mover_copy *copy, bool *is_r)
{
	uint8_t digest[32];
	enum dom_status st = dom_sha256(copy->records, digest);

	*is_r = st == DOM_OK && copy->has_digest && !copy->place.in_pass && copy->ended &&
	        !copy->is_frozen && copy->chunk_count == 0 &&
	        memcmp(copy->digest, digest, sizeof(digest)) == 0;
	memcpy(copy->digest, digest, sizeof(digest));
	copy->has_digest =
	    st == DOM_OK && !copy->place.in_pass && copy->ended && copy->chunk_count == 0;
	return st;
}

struct mover_place
mover_copy_next(const struct mover_copy *copy)
{
	struct mover_place next = copy->place;
	bool is_short = copy->pass_bytes <= MOVER_SHORT_PASS_SIZE;
	/* If all there is is short, so is whatever can be left. */
	unsigned passes = next.is_first ? MOVER_SHORT_PASSES : 1;

	memcpy(next.cursor, copy->cursor_next.data, copy->cursor_next.size);
	next.cursor_size = copy->cursor_next.size;
	next.in_pass = !copy->ended;
	if (!copy->ended)
		return next;
	if (!is_short)
		next.short_passes = 0;
	else if (next.short_passes < MOVER_SHORT_PASSES)
		next.short_passes = (uint8_t)(next.short_passes + passes);
	next.is_small = next.is_small || (next.is_first && is_short);
	next.is_first = false;
	return next;
}

void
mover_copy_page_done(struct mover_copy *copy)
{
	copy->place = mover_copy_next(copy);
	if (copy->ended) {
		copy->is_complete = copy->is_frozen;
		copy->pass_bytes = 0;
	}
	drop_page(copy);
}

/* --- what became of it -------------------------------------------------------------------- */

static enum dom_status
after_put(struct mover *mover, const struct store_move *move, struct mover_errand *errand,
    enum mover_put_result result)
{
	switch (result) {
	case MOVER_PUT_DONE:
		return DOM_OK;
	case MOVER_PUT_PREPARED:
		mover_copy_free(&errand->copy);
		mover_wake(mover);
		return DOM_OK;
	case MOVER_PUT_DIFFERENT:
		/* If the source has ended the attempt meanwhile, they may. */
		errand->differs = errand->in_doubt = true;
		return DOM_OK;
	case MOVER_PUT_QUOTA:
		return mover_give_up(mover, move,
		    "The account holds more than the target region gives an account: nothing "
		    "was"
		    " moved.");
	case MOVER_PUT_NONSENSE:
		return mover_give_up(mover, move,
		    "What the source region sent contradicts itself: nothing was moved.");
	case MOVER_PUT_LATE:
		mover_copy_free(&errand->copy);
		return DOM_OK;
	}
	return DOM_ESTORE;
}

/* Of a request of this step. */
static enum dom_status
after_answer(struct mover *mover, const struct store_move *move, struct mover_errand *errand,
    enum dom_status st)
{
	if (st == DOM_EDENIED) {
		/* The source knows why: it is asked. */
		errand->in_doubt = true;
		mover_copy_free(&errand->copy);
		return DOM_OK;
	}
	if (st == DOM_EINPUT || st == DOM_EINTEGRITY) {
		mover_copy_free(&errand->copy);
		return mover_give_up(mover, move,
		    "What the source region sent is not what it said it would be: nothing was"
		    " moved.");
	}
	return st == DOM_CONFLICT ? mover_try_later(mover, move, errand) : st;
}

static enum dom_status
put_until(struct mover *mover, const struct store_move *move, struct mover_errand *errand,
    size_t until)
{
	enum mover_put_result result;
	enum dom_status st = mover_copy_put(mover, move, errand->copy, until, &result);

	return st == DOM_OK ? after_put(mover, move, errand, result) : st;
}

/* Only where a region takes larger bodies than most, and a client sends such a chunk in one. */
static const char too_large[] =
    "A chunk of the account is larger than 128 MiB, which is more than regions hand over: "
    "nothing "
    "was moved. Store that file again in smaller pieces, and it can be.";
static_assert(MOVER_CHUNK_SIZE_MAX == 128 << 20, "as the sentence says");

static enum dom_status
ask_page(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	struct mover_copy *copy = errand->copy;
	bool freezes = !copy->place.in_pass && !copy->is_frozen &&
	               copy->place.short_passes >= MOVER_SHORT_PASSES;
	enum wire_peer_op op = freezes ? WIRE_PEER_FREEZE : WIRE_PEER_RECORDS;
	struct wire_error refusal;
	struct dom_slice body;
	bool is_old;
	enum dom_status st;

	if (freezes && !copy->place.is_small && !copy->is_warm)
		return mover_copy_warm(mover, copy);
	if ((st = cursor_body(mover, copy, &body)) != DOM_OK)
		return st;
	st = mover_ask_one(mover, move, op, body, MOVER_PAGE_REPLY_MAX, &refusal);
	/* It may be a while until the next attempt: what is left then has to be short again. */
	if (st == DOM_CONFLICT && freezes)
		copy->place.short_passes = 0;
	if (st != DOM_OK)
		return after_answer(mover, move, errand, st);
	copy->page = mover->asks[0].reply;
	mover->asks[0].reply = (struct dom_buffer){0};
	st = freezes ? take_frozen(mover, move, copy) : take_records(copy);
	if (st == DOM_OK)
		st = mover_copy_look(mover, copy);
	if (st == DOM_ELIMIT) {
		mover_copy_free(&errand->copy);
		return mover_give_up(mover, move, too_large);
	}
	if (st == DOM_OK)
		st = is_old_news(copy, &is_old);
	if (st != DOM_OK) {
		/* It is asked for again, and looked through from its beginning. */
		drop_page(copy);
		return after_answer(mover, move, errand, st);
	}
	mover_went_well(errand);
	if (freezes)
		errand->hurry_until_ms =
		    dom_clock_now_ms(&mover->options.service->clock) + MOVE_FROZEN_MS_MAX;
	copy->has_page = true;
	copy->is_warm = copy->is_warm && is_old;
	copy->put_bytes = copy->page.size;
	copy->pass_bytes += copy->page.size;
	if (is_old) {
		mover_copy_page_done(copy);
		return DOM_OK;
	}
	return copy->chunk_count == 0 ? put_until(mover, move, errand, 0) : DOM_OK;
}

static enum dom_status
ask_chunks(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	size_t until;
	enum dom_status st = mover_copy_fetch(mover, move, errand->copy, &until);

	if (st != DOM_OK)
		return after_answer(mover, move, errand, st);
	mover_went_well(errand);
	return put_until(mover, move, errand, until);
}

static enum dom_status
compare(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	enum mover_put_result result;
	enum dom_status st = mover_copy_prepare(mover, move, errand->copy, &result);

	return st == DOM_OK ? after_put(mover, move, errand, result) : st;
}

enum dom_status
mover_pull(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	enum dom_status st;

	if (errand->copy == NULL) {
		if ((errand->copy = calloc(1, sizeof(*errand->copy))) == NULL)
			return DOM_ENOMEM;
		if ((st = recall(mover, move, errand)) != DOM_OK) {
			mover_copy_free(&errand->copy);
			return st;
		}
	}
	/* The source ends a move whose order has expired; if it does not, this region does. */
	if (mover_has_expired(mover, errand)) {
		mover_copy_free(&errand->copy);
		errand->in_doubt = true;
		return DOM_OK;
	}
	if (errand->copy->has_page)
		return errand->copy->chunks_put < errand->copy->chunk_count
		           ? ask_chunks(mover, move, errand)
		           : put_until(mover, move, errand, errand->copy->chunk_count);
	if (errand->copy->is_complete)
		return compare(mover, move, errand);
	return ask_page(mover, move, errand);
}
