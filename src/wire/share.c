/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Members and invitations.  Source: etebase-protocol 4.5, 4.6. */
#include "wire/share.h"

#include "crypto/keys.h"

#include "wire/decode.h"

enum {
	COLLECTION_KEY_SIZE_MAX = 1024,
	ITERATOR_SIZE_MAX = 16 << 10, /* any server's */
	/* Bytes that the shortest one takes, so that a count cannot promise more. */
	MEMBER_BYTES_MIN = 24,
	INVITATION_BYTES_MIN = 100,
};

static void
put_uid(struct dom_buffer *body, struct dom_slice uid)
{
	dom_pack_put_text(body, "uid");
	dom_pack_put_str(body, uid);
}

static void
put_version(struct dom_buffer *body, int version)
{
	dom_pack_put_text(body, "version");
	dom_pack_put_int(body, version);
}

static void
put_username(struct dom_buffer *body, struct dom_slice username)
{
	dom_pack_put_text(body, "username");
	dom_pack_put_str(body, username);
}

static void
put_collection(struct dom_buffer *body, struct dom_slice collection)
{
	dom_pack_put_text(body, "collection");
	dom_pack_put_str(body, collection);
}

static void
put_access_level(struct dom_buffer *body, int access_level)
{
	dom_pack_put_text(body, "accessLevel");
	dom_pack_put_int(body, access_level);
}

/* --- members ------------------------------------------------------------------- */

void
wire_member_encode(struct dom_buffer *body, const struct wire_member *member)
{
	dom_pack_put_map(body, 2);
	put_username(body, member->username);
	put_access_level(body, member->access_level);
}

static void
take_member(struct wire_decoder *decoder, void *target)
{
	static const struct wire_field fields[] = {
	    {"username", wire_read_text, offsetof(struct wire_member, username), 1,
	        WIRE_NAME_SIZE_MAX, false},
	    {"accessLevel", wire_read_int, offsetof(struct wire_member, access_level), 0,
	        WIRE_ACCESS_READ_WRITE, false},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), target);
}

enum dom_status
wire_access_decode(struct dom_slice body, int *access_level_r, struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {
	    {"accessLevel", wire_read_int, 0, 0, WIRE_ACCESS_READ_WRITE, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, reject_r);

	*access_level_r = WIRE_ACCESS_READ_ONLY;
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), access_level_r);
	return wire_decoder_finish(&decoder);
}

void
wire_access_encode(struct dom_buffer *body, int access_level)
{
	dom_pack_put_map(body, 1);
	put_access_level(body, access_level);
}

/* --- invitations ----------------------------------------------------------------- */

#define INVITATION_FIELDS                                                                      \
	{"uid", wire_read_uid, offsetof(struct wire_invitation, uid), 0, 0, false},            \
	    {"version", wire_read_int, offsetof(struct wire_invitation, version), 0,           \
	        UINT8_MAX, false},                                                             \
	    {"accessLevel", wire_read_int, offsetof(struct wire_invitation, access_level), 0,  \
	        WIRE_ACCESS_READ_WRITE, false},                                                \
	    {"username", wire_read_text, offsetof(struct wire_invitation, username), 0,        \
	        WIRE_NAME_SIZE_MAX, false},                                                    \
	    {"collection", wire_read_uid, offsetof(struct wire_invitation, collection), 0, 0,  \
	        false},                                                                        \
	{                                                                                      \
		"signedEncryptionKey", wire_read_bytes,                                        \
		    offsetof(struct wire_invitation, signed_key), 0, WIRE_SIGNED_KEY_SIZE_MAX, \
		    false                                                                      \
	}

enum dom_status
wire_invitation_decode(
    struct dom_slice body, struct wire_invitation *invitation_r, struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {INVITATION_FIELDS};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, reject_r);

	*invitation_r = (struct wire_invitation){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), invitation_r);
	return wire_decoder_finish(&decoder);
}

static void
take_invitation(struct wire_decoder *decoder, void *target)
{
	static const struct wire_field fields[] = {
	    INVITATION_FIELDS,
	    {"fromUsername", wire_read_text, offsetof(struct wire_invitation, from_username), 1,
	        WIRE_NAME_SIZE_MAX, false},
	    {"fromPubkey", wire_read_bytes, offsetof(struct wire_invitation, from_public),
	        DOM_PUBLIC_KEY_SIZE, DOM_PUBLIC_KEY_SIZE, false},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), target);
}

enum dom_status
wire_invitation_reply_decode(struct dom_slice body, struct wire_invitation *invitation_r)
{
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*invitation_r = (struct wire_invitation){0};
	take_invitation(&decoder, invitation_r);
	return wire_decoder_finish(&decoder);
}

void
wire_invitation_encode(
    struct dom_buffer *body, const struct wire_invitation *invitation, bool is_reply)
{
	/* The client's order, and the server's. */
	if (is_reply) {
		dom_pack_put_map(body, 8);
		put_uid(body, invitation->uid);
		put_version(body, invitation->version);
		put_access_level(body, invitation->access_level);
		put_username(body, invitation->username);
		put_collection(body, invitation->collection);
	} else {
		dom_pack_put_map(body, 6);
		put_version(body, invitation->version);
		put_uid(body, invitation->uid);
		put_username(body, invitation->username);
		put_collection(body, invitation->collection);
		put_access_level(body, invitation->access_level);
	}
	dom_pack_put_text(body, "signedEncryptionKey");
	dom_pack_put_bin(body, invitation->signed_key);
	if (!is_reply)
		return;
	dom_pack_put_text(body, "fromUsername");
	dom_pack_put_str(body, invitation->from_username);
	dom_pack_put_text(body, "fromPubkey");
	dom_pack_put_bin(body, invitation->from_public);
}

enum dom_status
wire_acceptance_decode(
    struct dom_slice body, struct wire_acceptance *acceptance_r, struct wire_reject *reject_r)
{
	static const struct wire_field fields[] = {
	    {"collectionType", wire_read_bytes,
	        offsetof(struct wire_acceptance, collection_type), 0, WIRE_TYPE_SIZE_MAX,
	        false},
	    {"encryptionKey", wire_read_bytes, offsetof(struct wire_acceptance, collection_key),
	        0, COLLECTION_KEY_SIZE_MAX, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, reject_r);

	*acceptance_r = (struct wire_acceptance){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), acceptance_r);
	return wire_decoder_finish(&decoder);
}

void
wire_acceptance_encode(struct dom_buffer *body, const struct wire_acceptance *acceptance)
{
	dom_pack_put_map(body, 2);
	dom_pack_put_text(body, "collectionType");
	dom_pack_put_bin(body, acceptance->collection_type);
	dom_pack_put_text(body, "encryptionKey");
	dom_pack_put_bin(body, acceptance->collection_key);
}

/* --- profiles ---------------------------------------------------------------------- */

enum dom_status
wire_profile_decode(struct dom_slice body, struct dom_slice *identity_public_r)
{
	static const struct wire_field fields[] = {
	    {"pubkey", wire_read_bytes, 0, DOM_PUBLIC_KEY_SIZE, DOM_PUBLIC_KEY_SIZE, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*identity_public_r = dom_slice(NULL, 0);
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), identity_public_r);
	return wire_decoder_finish(&decoder);
}

void
wire_profile_encode(struct dom_buffer *body, struct dom_slice identity_public)
{
	dom_pack_put_map(body, 1);
	dom_pack_put_text(body, "pubkey");
	dom_pack_put_bin(body, identity_public);
}

/* --- lists -------------------------------------------------------------------------- */

static void
read_members(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_share_list *list = target;

	(void)field;
	list->members = wire_read_array(decoder, sizeof(*list->members), MEMBER_BYTES_MIN,
	    SIZE_MAX / MEMBER_BYTES_MIN, take_member, &list->count);
}

static void
read_invitations(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_share_list *list = target;

	(void)field;
	list->invitations =
	    wire_read_array(decoder, sizeof(*list->invitations), INVITATION_BYTES_MIN,
	        SIZE_MAX / INVITATION_BYTES_MIN, take_invitation, &list->count);
}

static enum dom_status
list_decode(struct dom_slice body, struct dom_arena *arena,
    void (*read)(struct wire_decoder *, const struct wire_field *, void *),
    struct wire_share_list *list_r)
{
	const struct wire_field fields[] = {
	    {"data", read, 0, 0, 0, false},
	    {"iterator", wire_read_text, offsetof(struct wire_share_list, iterator), 0,
	        ITERATOR_SIZE_MAX, true},
	    {"done", wire_read_bool, offsetof(struct wire_share_list, done), 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);

	*list_r = (struct wire_share_list){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), list_r);
	return wire_decoder_finish(&decoder);
}

enum dom_status
wire_member_list_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_share_list *list_r)
{
	return list_decode(body, arena, read_members, list_r);
}

enum dom_status
wire_invitation_list_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_share_list *list_r)
{
	return list_decode(body, arena, read_invitations, list_r);
}
