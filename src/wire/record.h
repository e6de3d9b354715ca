/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_RECORD_H
#define WIRE_RECORD_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"

/*
 * A row of an account in its canonical form: the same bytes in every region,
 * since nothing in it is local to a server.  The account's root is computed
 * over records (wire/root.h), and they are what regions send each other when it
 * moves: what is hashed is what is sent.
 *
 * Fixed order, big-endian, strings with a 32-bit length in front, "optional" a
 * byte 0, or 1 and the string; times in milliseconds since 1970.  A record is
 *
 *   u8      type
 *   string  key          names it among the account's records of this type
 *   ..      what is in the struct, in its order; key fields are in key alone
 */
enum wire_record_type {
	WIRE_RECORD_ACCOUNT = 1,
	WIRE_RECORD_COLLECTION = 2,
	WIRE_RECORD_REVISION = 3,
	WIRE_RECORD_CHUNK = 4,
	WIRE_RECORD_STATEMENT = 5,
	WIRE_RECORD_CONSENT = 6,
	WIRE_RECORD_REMOVED = 7,
	WIRE_RECORD_ERASURE = 8,
};

enum {
	WIRE_RECORD_SIZE_MAX = 64 << 20,
	WIRE_RECORD_CHUNKS_MAX = 1 << 20, /* that one revision names */
	WIRE_RECORD_TYPES_MAX = 32,
	WIRE_RECORD_KEY_SIZE_MAX = 1024,
};

/* Key: empty. */
struct wire_record_account {
	struct dom_slice name, email;
	int64_t created_ms;
	struct dom_slice salt, login_public, identity_public, encrypted_content,
	    statement_public;
	int64_t quota_bytes; /* below zero: what the region says */
};

/* Key: uid. */
struct wire_record_collection {
	struct dom_slice uid;
	uint64_t items_clock, members_clock;
	int64_t abandoned_ms; /* 0: it is not */
	/* The owner's own membership, if it is a member. */
	bool is_member;
	uint64_t member_clock;
	uint8_t access_level;
	struct dom_slice collection_key, collection_type;
};

/* Key: collection's uid, item's uid, revision's uid, each a string. */
struct wire_record_revision {
	struct dom_slice collection_uid, item_uid, uid;
	uint64_t clock;
	uint8_t version;                 /* of the item */
	struct dom_slice encryption_key; /* of the item; optional */
	bool deleted;
	bool is_current;
	int64_t replaced_ms; /* since when it is history, by the region's time; 0: current */
	struct dom_slice meta;
	struct dom_slice *chunks; /* uids in order */
	size_t chunk_count;
};

/* Key: collection's uid, chunk's uid. */
struct wire_record_chunk {
	struct dom_slice collection_uid, uid;
	uint64_t size;
	uint8_t sha256[32];
	int64_t stored_ms;
};

/* Key: serial. */
struct wire_record_statement {
	uint64_t serial, clock;
	uint8_t kind;
	int64_t accepted_ms;
	struct dom_slice service, bytes, signature, receipt, receipt_signature;
};

/* Key: service. */
struct wire_record_consent {
	struct dom_slice service;
	uint64_t serial;
	int64_t until_ms;
	bool any;
	uint32_t version;
	uint8_t terms[32];
	struct dom_slice *types; /* ascending */
	size_t type_count;
};

/* Key: uid. */
struct wire_record_removed {
	struct dom_slice uid;
	uint64_t clock;
	struct dom_slice collection_type;
};

/* Of an erasure that is done.  Key: request. */
struct wire_record_erasure {
	uint8_t request[32];
	uint8_t scope;
	int64_t requested_ms, ended_ms;
	struct dom_slice service, collection_uid, item_uid;
	struct dom_slice receipt, receipt_signature;
};

struct wire_record {
	enum wire_record_type type;
	union {
		struct wire_record_account account;
		struct wire_record_collection collection;
		struct wire_record_revision revision;
		struct wire_record_chunk chunk;
		struct wire_record_statement statement;
		struct wire_record_consent consent;
		struct wire_record_removed removed;
		struct wire_record_erasure erasure;
	} of;
};

/* Appended. */
void wire_record_encode(struct dom_buffer *bytes, const struct wire_record *record);
/*
 * The whole of bytes is one record; slices are borrowed from it, lists lie in
 * the arena.  DOM_EINPUT: it is none.  DOM_ENOMEM.
 */
DOM_MUST_CHECK enum dom_status wire_record_decode(
    struct dom_slice bytes, struct dom_arena *arena, struct wire_record *record_r);
/* Type and key of an encoded record, its first bytes, without decoding the rest. */
DOM_MUST_CHECK enum dom_status wire_record_key(struct dom_slice bytes, struct dom_slice *key_r);

#endif
