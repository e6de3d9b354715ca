/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What regions sign while an account moves; the layout is in the header. */
#include "wire/move.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

#include "crypto/digest.h"

#include "wire/group.h"

static const char domain_move[] = "domicile/move/v1";

enum { DOMAIN_SIZE_MAX = 64 };

bool
wire_move_is_source(enum wire_move_kind kind)
{
	return kind == WIRE_MOVE_FREEZE || kind == WIRE_MOVE_ABORT || kind == WIRE_MOVE_HANDOFF;
}

static bool
has_state(enum wire_move_kind kind)
{
	return kind != WIRE_MOVE_ABORT && kind != WIRE_MOVE_DISCARD;
}

static void
read_into(struct dom_reader *in, uint8_t *bytes_r, size_t size)
{
	struct dom_slice bytes = dom_read_bytes(in, size);

	if (in->failed == DOM_OK)
		memcpy(bytes_r, bytes.data, size);
}

static void
read_state(struct dom_reader *in, struct wire_move *move)
{
	move->clock = dom_read_u64(in);
	read_into(in, move->root, sizeof(move->root));
	move->sum.collections = dom_read_u64(in);
	move->sum.items = dom_read_u64(in);
	move->sum.revisions = dom_read_u64(in);
	move->sum.chunks = dom_read_u64(in);
	move->sum.bytes = dom_read_u64(in);
}

enum dom_status
wire_move_decode(struct dom_slice bytes, struct wire_move *move_r)
{
	struct dom_reader in = dom_reader_over(bytes);
	struct dom_slice domain = dom_read_string(&in, DOMAIN_SIZE_MAX);
	uint8_t kind = dom_read_u8(&in);
	uint64_t at;

	*move_r = (struct wire_move){0};
	if (bytes.size > WIRE_MOVE_SIZE_MAX || in.failed != DOM_OK ||
	    !dom_slice_is(domain, domain_move) || kind < WIRE_MOVE_FREEZE ||
	    kind > WIRE_MOVE_DISCARD)
		return DOM_EINPUT;
	move_r->kind = (enum wire_move_kind)kind;
	read_into(&in, move_r->move, sizeof(move_r->move));
	read_into(&in, move_r->attempt, sizeof(move_r->attempt));
	read_into(&in, move_r->account, sizeof(move_r->account));
	move_r->source = dom_read_string(&in, WIRE_REGION_SIZE_MAX);
	move_r->target = dom_read_string(&in, WIRE_REGION_SIZE_MAX);
	move_r->epoch = dom_read_u64(&in);
	at = dom_read_u64(&in);
	read_into(&in, move_r->answers, sizeof(move_r->answers));
	if (has_state(move_r->kind))
		read_state(&in, move_r);
	if (in.failed != DOM_OK || at > INT64_MAX || move_r->epoch == 0 ||
	    move_r->epoch > INT64_MAX || move_r->clock > INT64_MAX ||
	    !wire_region_name_valid(move_r->source) ||
	    !wire_region_name_valid(move_r->target) ||
	    dom_slice_equal(move_r->source, move_r->target))
		return DOM_EINPUT;
	move_r->at_ms = (int64_t)at;
	return dom_reader_finish(&in);
}

void
wire_move_encode(struct dom_buffer *bytes, const struct wire_move *move)
{
	assert(move->kind >= WIRE_MOVE_FREEZE && move->kind <= WIRE_MOVE_DISCARD);
	dom_write_string(bytes, dom_slice_of(domain_move));
	dom_write_u8(bytes, (uint8_t)move->kind);
	dom_buffer_append(bytes, move->move, sizeof(move->move));
	dom_buffer_append(bytes, move->attempt, sizeof(move->attempt));
	dom_buffer_append(bytes, move->account, sizeof(move->account));
	dom_write_string(bytes, move->source);
	dom_write_string(bytes, move->target);
	dom_write_u64(bytes, move->epoch);
	dom_write_u64(bytes, (uint64_t)move->at_ms);
	dom_buffer_append(bytes, move->answers, sizeof(move->answers));
	if (!has_state(move->kind))
		return;
	dom_write_u64(bytes, move->clock);
	dom_buffer_append(bytes, move->root, sizeof(move->root));
	dom_write_u64(bytes, move->sum.collections);
	dom_write_u64(bytes, move->sum.items);
	dom_write_u64(bytes, move->sum.revisions);
	dom_write_u64(bytes, move->sum.chunks);
	dom_write_u64(bytes, move->sum.bytes);
}

enum dom_status
wire_move_digest(const struct wire_signed_move *message, uint8_t digest_r[32])
{
	struct dom_buffer bytes = {0};
	enum dom_status st;

	dom_buffer_append_slice(&bytes, message->bytes);
	dom_buffer_append_slice(&bytes, message->signature);
	st = dom_buffer_finish(&bytes);
	if (st == DOM_OK)
		st = dom_sha256(dom_buffer_slice(&bytes), digest_r);
	dom_buffer_free(&bytes);
	return st;
}

/* 0: nothing that has a digest comes before it. */
static enum wire_move_kind
kind_before(enum wire_move_kind kind)
{
	switch (kind) {
	case WIRE_MOVE_PREPARE:
	case WIRE_MOVE_ABORT:
		return WIRE_MOVE_FREEZE;
	case WIRE_MOVE_HANDOFF:
		return WIRE_MOVE_PREPARE;
	case WIRE_MOVE_ACTIVE:
		return WIRE_MOVE_HANDOFF;
	case WIRE_MOVE_FREEZE:
	case WIRE_MOVE_DISCARD:
		break;
	}
	return (enum wire_move_kind)0;
}

static bool
same_state(const struct wire_move *a, const struct wire_move *b)
{
	return a->clock == b->clock && memcmp(a->root, b->root, sizeof(a->root)) == 0 &&
	       a->sum.collections == b->sum.collections && a->sum.items == b->sum.items &&
	       a->sum.revisions == b->sum.revisions && a->sum.chunks == b->sum.chunks &&
	       a->sum.bytes == b->sum.bytes;
}

const char *
wire_move_follows(
    const struct wire_move *before, const uint8_t digest[32], const struct wire_move *next)
{
	uint64_t epoch = before->epoch + (next->kind == WIRE_MOVE_HANDOFF);

	if (kind_before(next->kind) != before->kind)
		return "a message of this kind does not follow the one before it";
	if (memcmp(next->answers, digest, sizeof(next->answers)) != 0)
		return "the message answers another one";
	if (memcmp(next->move, before->move, sizeof(next->move)) != 0 ||
	    memcmp(next->attempt, before->attempt, sizeof(next->attempt)) != 0)
		return "the message belongs to another move, or to another attempt of it";
	if (memcmp(next->account, before->account, sizeof(next->account)) != 0)
		return "the message is about another account";
	if (!dom_slice_equal(next->source, before->source) ||
	    !dom_slice_equal(next->target, before->target))
		return "the message names other regions";
	if (next->epoch != epoch)
		return "the message has the wrong epoch";
	if (has_state(next->kind) && !same_state(next, before))
		return "the two regions do not have the same state: something was lost or "
		       "changed";
	return NULL;
}
