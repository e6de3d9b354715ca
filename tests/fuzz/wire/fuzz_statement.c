/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Statements, receipts, evidence, sync tokens, records, groups of regions, and what
 * regions say to each other in a move, where one meaning has one encoding: whatever is taken
 * encodes to exactly the bytes that came in.  The first byte picks.
 */
#include <assert.h>
#include <stdlib.h>

#include "crypto/keys.h"

#include "wire/certificate.h"
#include "wire/evidence.h"
#include "wire/group.h"
#include "wire/move.h"
#include "wire/peer.h"
#include "wire/record.h"
#include "wire/statement.h"
#include "wire/stoken.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
statement(struct dom_slice bytes)
{
	struct dom_arena *arena = dom_arena_new(1 << 20);
	struct dom_buffer again = {0};
	struct wire_statement it;

	if (arena == NULL)
		abort();
	if (wire_statement_decode(bytes, arena, &it) == DOM_OK) {
		wire_statement_encode(&again, &it);
		assert(dom_buffer_finish(&again) == DOM_OK);
		assert(dom_slice_equal(dom_buffer_slice(&again), bytes));
	}
	dom_buffer_free(&again);
	dom_arena_free(&arena);
}

static void
receipt(struct dom_slice bytes)
{
	struct dom_buffer again = {0};
	struct wire_receipt it;

	if (wire_receipt_decode(bytes, &it) == DOM_OK) {
		wire_receipt_encode(&again, &it);
		assert(dom_buffer_finish(&again) == DOM_OK);
		assert(dom_slice_equal(dom_buffer_slice(&again), bytes));
	}
	dom_buffer_free(&again);
}

/* The key of the region that signed what is in the corpus: from 32 times "r". */
static const uint8_t region_public[32] = {
    0x5b,
    0x64,
    0x89,
    0xc9,
    0xc7,
    0xfd,
    0x0d,
    0xcf,
    0x50,
    0x54,
    0x5e,
    0x7c,
    0x16,
    0x48,
    0x86,
    0xef,
    0x40,
    0x49,
    0x1e,
    0xc0,
    0x6c,
    0x7f,
    0x1b,
    0x12,
    0x30,
    0x41,
    0x79,
    0x7e,
    0x81,
    0x17,
    0x53,
    0x5e,
};

static void
evidence(struct dom_slice bytes)
{
	struct dom_arena *arena = dom_arena_new(1 << 20);
	struct dom_buffer again = {0};
	struct wire_evidence_view view;
	struct wire_evidence it;
	const char *why;

	if (arena == NULL)
		abort();
	if (wire_evidence_decode(bytes, &it) == DOM_OK) {
		wire_evidence_encode(&again, &it);
		assert(dom_slice_equal(dom_buffer_slice(&again), bytes));
	}
	if (wire_evidence_check(bytes, dom_slice(region_public, sizeof(region_public)), arena,
	        &view, &why) == DOM_OK)
		assert(memcmp(view.receipt.region_public, region_public, 32) == 0);
	else
		assert(why != NULL);
	dom_buffer_free(&again);
	dom_arena_free(&arena);
}

static void
stoken(struct dom_slice text)
{
	static char again[WIRE_STOKEN_SIZE(WIRE_STOKEN_OWNERS_MAX) + 1];
	static struct wire_stoken it;

	if (wire_stoken_decode(text, &it) != DOM_OK)
		return;
	assert(wire_stoken_encode(&it, again) == DOM_OK);
	assert(dom_slice_is(text, again));
}

static void
record(struct dom_slice bytes)
{
	struct dom_arena *arena = dom_arena_new(4 << 20);
	struct dom_buffer again = {0};
	struct wire_record it;
	struct dom_slice key;

	if (arena == NULL)
		abort();
	if (wire_record_decode(bytes, arena, &it) == DOM_OK) {
		wire_record_encode(&again, &it);
		assert(dom_buffer_finish(&again) == DOM_OK);
		assert(dom_slice_equal(dom_buffer_slice(&again), bytes));
		assert(wire_record_key(bytes, &key) == DOM_OK && key.size <= bytes.size);
	}
	dom_buffer_free(&again);
	dom_arena_free(&arena);
}

static void
move(struct dom_slice bytes)
{
	struct dom_buffer again = {0};
	struct wire_move it;

	if (wire_move_decode(bytes, &it) == DOM_OK) {
		wire_move_encode(&again, &it);
		assert(dom_buffer_finish(&again) == DOM_OK);
		assert(dom_slice_equal(dom_buffer_slice(&again), bytes));
	}
	dom_buffer_free(&again);
}

static void
group(struct dom_slice bytes)
{
	struct dom_arena *arena = dom_arena_new(1 << 20);
	struct dom_buffer again = {0};
	struct wire_group it;
	const char *why = NULL;

	if (arena == NULL)
		abort();
	if (wire_group_decode(bytes, arena, &it, &why) == DOM_OK) {
		wire_group_encode(&again, &it);
		assert(dom_buffer_finish(&again) == DOM_OK);
		assert(bytes.size == again.size + DOM_SIGNATURE_SIZE);
		assert(memcmp(bytes.data, again.data, again.size) == 0);
	} else {
		assert(why != NULL);
	}
	dom_buffer_free(&again);
	dom_arena_free(&arena);
}

/* Whoever the group says: its key is in the file, so that fuzzing gets past it. */
static void
certificate(struct dom_slice bytes)
{
	struct dom_arena *arena = dom_arena_new(2 << 20);
	struct dom_buffer again = {0};
	struct wire_certificate_view view;
	struct wire_certificate it;
	struct wire_group of;
	const char *why = NULL;

	if (arena == NULL)
		abort();
	if (wire_certificate_decode(bytes, &it) == DOM_OK) {
		wire_certificate_encode(&again, &it);
		assert(dom_slice_equal(dom_buffer_slice(&again), bytes));
		if (wire_group_decode(it.group, arena, &of, &why) == DOM_OK &&
		    wire_certificate_check(
		        bytes, dom_slice(of.key, sizeof(of.key)), arena, &view, &why) < 0)
			assert(why != NULL);
	}
	dom_buffer_free(&again);
	dom_arena_free(&arena);
}

static void
peer(struct dom_slice bytes)
{
	struct dom_buffer again = {0};
	struct wire_peer it;

	if (wire_peer_decode(bytes, &it) == DOM_OK) {
		wire_peer_encode(&again, &it);
		assert(dom_slice_equal(dom_buffer_slice(&again), bytes));
	}
	dom_buffer_free(&again);
}

/* What regions ask and answer; the next byte picks which. */
static void
peer_body(struct dom_slice bytes)
{
	struct dom_arena *arena = dom_arena_new(1 << 20);
	struct dom_slice body =
	    bytes.size == 0 ? bytes : dom_slice(bytes.data + 1, bytes.size - 1);
	struct dom_buffer again = {0};
	enum dom_status st = DOM_EINPUT;
	size_t count;
	union {
		struct wire_peer_offer offer;
		struct wire_peer_records records;
		struct wire_peer_chunk *chunks;
		struct wire_peer_frozen frozen;
		struct wire_peer_status status;
		struct wire_signed_move message;
		struct wire_peer_home *homes;
	} it;
	bool ended;

	if (arena == NULL)
		abort();
	switch (bytes.size == 0 ? 0xff : bytes.data[0] % 7) {
	case 0:
		if ((st = wire_peer_offer_decode(body, &it.offer)) == DOM_OK)
			wire_peer_offer_encode(&again, &it.offer);
		break;
	case 1:
		if ((st = wire_peer_records_decode(body, &it.records)) == DOM_OK)
			wire_peer_records_encode(&again, &it.records);
		break;
	case 2:
		if ((st = wire_peer_chunks_decode(body, arena, &it.chunks, &count)) == DOM_OK)
			wire_peer_chunks_encode(&again, it.chunks, count);
		break;
	case 3:
		if ((st = wire_peer_frozen_decode(body, &it.frozen)) == DOM_OK)
			wire_peer_frozen_encode(&again, &it.frozen);
		break;
	case 4:
		if ((st = wire_peer_status_decode(body, &it.status)) == DOM_OK)
			wire_peer_status_encode(&again, &it.status);
		break;
	case 5:
		if ((st = wire_peer_message_decode(body, &it.message)) == DOM_OK)
			wire_peer_message_encode(&again, &it.message);
		break;
	case 6:
		st = wire_peer_homes_decode(body, arena, &ended, &it.homes, &count);
		if (st == DOM_OK)
			wire_peer_homes_encode(&again, ended, it.homes, count);
		break;
	}
	if (st == DOM_OK)
		assert(dom_slice_equal(dom_buffer_slice(&again), body));
	dom_buffer_free(&again);
	dom_arena_free(&arena);
}

static void (*const kinds[])(struct dom_slice bytes) = {
    statement, stoken, receipt, evidence, record, move, group, certificate, peer, peer_body};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	kinds[data[0] % (sizeof(kinds) / sizeof(kinds[0]))](dom_slice(data + 1, size - 1));
	return 0;
}
