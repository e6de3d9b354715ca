/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_ETEBASE_H
#define WIRE_ETEBASE_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"

/*
 * Bodies of the Etebase protocol as structs, for servers and clients alike.
 * Source: etebase-protocol chapters 2.4, 3.1 and 4.
 *
 * Decoding: slices are borrowed from the input, arrays live in the arena.
 * Unknown keys are passed over; a repeated key, a missing required one, a
 * wrong type or a value out of its range is DOM_EINPUT and, where there is a
 * struct wire_reject, named there.  Encoding: appended to the buffer, whose
 * sticky failure the caller checks.  Keys come in the protocol's order.
 *
 * An optional bin or str is absent when its data is NULL; empty when only its
 * size is 0.
 */
enum {
	WIRE_ACCESS_READ_ONLY = 0,
	WIRE_ACCESS_ADMIN = 1,
	WIRE_ACCESS_READ_WRITE = 2,

	WIRE_VERSION = 1,
	WIRE_FETCH_UPDATES_MAX = 200, /* entries */
	WIRE_NAME_SIZE_MAX = 600,     /* 150 characters of UTF-8 */
	WIRE_EMAIL_SIZE_MAX = 254,
	WIRE_META_SIZE_MAX = 1 << 20,
	WIRE_TYPE_SIZE_MAX = 1024,
	WIRE_BATCH_ITEMS_MAX = 10000,
	WIRE_REVISION_CHUNKS_MAX = 1 << 20, /* also of a whole batch */
};

/* What was wrong with a body: "items.0.content.uid: must be text of 20 to 64 ..." */
struct wire_reject {
	char field[64];
	char detail[160];
};

struct wire_chunk {
	struct dom_slice uid;
	struct dom_slice content; /* NULL data: not sent */
};

struct wire_revision {
	struct dom_slice uid;
	struct dom_slice meta;
	bool deleted;
	struct wire_chunk *chunks;
	size_t chunk_count;
};

struct wire_item {
	struct dom_slice uid;
	int version;
	struct dom_slice encryption_key; /* optional */
	struct dom_slice etag;           /* optional; requests only */
	struct wire_revision content;
};

struct wire_collection {
	struct wire_item item;
	struct dom_slice collection_type; /* optional */
	struct dom_slice collection_key;
	int access_level;        /* replies only */
	struct dom_slice stoken; /* replies only */
};

/* Text uids that we accept: [A-Za-z0-9_-]{20,64}. */
bool wire_uid_valid(struct dom_slice uid);

/* --- accounts (4.2) -------------------------------------------------------- */

struct wire_signup {
	struct dom_slice username, email;
	struct dom_slice salt, login_public, identity_public, encrypted_content;
	struct dom_slice invitation; /* ours, optional: an operator's code */
};
DOM_MUST_CHECK enum dom_status wire_signup_decode(
    struct dom_slice body, struct wire_signup *signup_r, struct wire_reject *reject_r);
void wire_signup_encode(struct dom_buffer *body, const struct wire_signup *signup);

/* {username}: login_challenge */
DOM_MUST_CHECK enum dom_status wire_challenge_ask_decode(
    struct dom_slice body, struct dom_slice *username_r, struct wire_reject *reject_r);
void wire_challenge_ask_encode(struct dom_buffer *body, struct dom_slice username);

struct wire_challenge {
	struct dom_slice salt, challenge;
	int version;
};
DOM_MUST_CHECK enum dom_status wire_challenge_decode(
    struct dom_slice body, struct wire_challenge *challenge_r);
void wire_challenge_encode(struct dom_buffer *body, const struct wire_challenge *challenge);

/* {response, signature}: login and change_password */
struct wire_signed {
	struct dom_slice response, signature;
};
DOM_MUST_CHECK enum dom_status wire_signed_decode(
    struct dom_slice body, struct wire_signed *signed_r, struct wire_reject *reject_r);
void wire_signed_encode(struct dom_buffer *body, const struct wire_signed *message);

/* The signed response itself. */
enum wire_action {
	WIRE_ACTION_LOGIN,
	WIRE_ACTION_CHANGE_PASSWORD,
};
struct wire_response {
	struct dom_slice username, challenge, host;
	enum wire_action action;
	struct dom_slice login_public, encrypted_content; /* change password only */
};
DOM_MUST_CHECK enum dom_status wire_response_decode(
    struct dom_slice body, struct wire_response *response_r, struct wire_reject *reject_r);
void wire_response_encode(struct dom_buffer *body, const struct wire_response *response);

/* {token, user}: the answer to signup and login */
struct wire_login {
	struct dom_slice token;
	struct dom_slice username, email, identity_public, encrypted_content;
};
DOM_MUST_CHECK enum dom_status wire_login_decode(
    struct dom_slice body, struct wire_login *login_r);
void wire_login_encode(struct dom_buffer *body, const struct wire_login *login);

/* --- collections and items (4.3, 4.4) -------------------------------------- */

DOM_MUST_CHECK enum dom_status wire_collection_decode(struct dom_slice body,
    struct dom_arena *arena, struct wire_collection *collection_r,
    struct wire_reject *reject_r);
/* is_reply: with accessLevel and stoken, without etag. */
void wire_collection_encode(
    struct dom_buffer *body, const struct wire_collection *collection, bool is_reply);
void wire_item_encode(struct dom_buffer *body, const struct wire_item *item, bool is_reply);
void wire_revision_encode(struct dom_buffer *body, const struct wire_revision *revision);
/*
 * Replies up to and without the chunks: the caller goes on with chunk_count
 * calls of wire_chunk_encode(), so that large content passes piece by piece.
 */
void wire_collection_begin(
    struct dom_buffer *body, const struct wire_collection *collection, size_t chunk_count);
void wire_item_begin(
    struct dom_buffer *body, const struct wire_item *item, bool is_reply, size_t chunk_count);
void wire_revision_begin(
    struct dom_buffer *body, const struct wire_revision *revision, size_t chunk_count);
void wire_chunk_encode(struct dom_buffer *body, const struct wire_chunk *chunk);
DOM_MUST_CHECK enum dom_status wire_item_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_item *item_r);

/* {collectionTypes}: list_multi */
DOM_MUST_CHECK enum dom_status wire_types_decode(struct dom_slice body, struct dom_arena *arena,
    struct dom_slice **types_r, size_t *count_r, struct wire_reject *reject_r);
void wire_types_encode(struct dom_buffer *body, const struct dom_slice *types, size_t count);

/* {items, deps?}: batch and transaction */
struct wire_dep {
	struct dom_slice uid, etag;
};
struct wire_batch {
	struct wire_item *items;
	size_t item_count;
	struct wire_dep *deps;
	size_t dep_count;
};
DOM_MUST_CHECK enum dom_status wire_batch_decode(struct dom_slice body, struct dom_arena *arena,
    struct wire_batch *batch_r, struct wire_reject *reject_r);
/* Only the pair {deps: [..]}, for who writes the map in parts. */
void wire_deps_encode(struct dom_buffer *body, const struct wire_dep *deps, size_t count);
void wire_batch_encode(struct dom_buffer *body, const struct wire_batch *batch);

/* [{uid, etag?}]: fetch_updates; DOM_ELIMIT over WIRE_FETCH_UPDATES_MAX */
DOM_MUST_CHECK enum dom_status wire_updates_decode(struct dom_slice body,
    struct dom_arena *arena, struct wire_dep **entries_r, size_t *count_r,
    struct wire_reject *reject_r);
void wire_updates_encode(struct dom_buffer *body, const struct wire_dep *entries, size_t count);

/*
 * Lists.  An encoder writes {data: [count values ...]; the caller then encodes
 * each value and ends with wire_list_end().
 */
struct wire_list_end {
	struct dom_slice stoken; /* NULL data: nil */
	bool done;
	bool is_iterator;                /* the cursor's key is "iterator" */
	const struct dom_slice *removed; /* removedMemberships; absent if there are none */
	size_t removed_count;
};
void wire_list_begin(struct dom_buffer *body, size_t count, const struct wire_list_end *end);
void wire_list_finish(struct dom_buffer *body, const struct wire_list_end *end);

/* Decoded lists: exactly one of the arrays is set, by what the caller asks for. */
struct wire_list {
	struct wire_collection *collections;
	struct wire_item *items;
	struct wire_revision *revisions;
	size_t count;
	struct dom_slice stoken; /* or iterator; NULL data: nil */
	bool done;
	struct dom_slice *removed;
	size_t removed_count;
};
enum wire_list_kind {
	WIRE_LIST_COLLECTIONS,
	WIRE_LIST_ITEMS,
	WIRE_LIST_REVISIONS,
};
DOM_MUST_CHECK enum dom_status wire_list_decode(struct dom_slice body, enum wire_list_kind kind,
    struct dom_arena *arena, struct wire_list *list_r);

/* --- errors (3.1) ----------------------------------------------------------- */

struct wire_error_field {
	struct dom_slice field, code, detail;
};
struct wire_error {
	struct dom_slice code, detail;
	bool is_simple; /* shape 1: no "errors" key; decoded: no errors listed */
	struct wire_error_field *errors;
	size_t error_count;
	/* Ours, to another region: this attempt to move is over.  NULL data: none. */
	struct dom_slice abort, signature;
};
void wire_error_encode(struct dom_buffer *body, const struct wire_error *error);
/* Anything that is not such a body gives empty slices.  Nothing fails but DOM_ENOMEM. */
enum dom_status wire_error_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_error *error_r);

#endif
