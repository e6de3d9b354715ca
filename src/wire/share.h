/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_SHARE_H
#define WIRE_SHARE_H

#include "wire/etebase.h"

/*
 * Bodies of members and invitations, under the rules of wire/etebase.h.
 * Source: etebase-protocol 4.0, 4.5 and 4.6.
 */
enum {
	WIRE_SIGNED_KEY_SIZE_MAX = 4096, /* it holds a key and a type's name */
};

struct wire_member {
	struct dom_slice username;
	int access_level;
};
void wire_member_encode(struct dom_buffer *body, const struct wire_member *member);

/* {accessLevel}: modifying a member */
DOM_MUST_CHECK enum dom_status wire_access_decode(
    struct dom_slice body, int *access_level_r, struct wire_reject *reject_r);
void wire_access_encode(struct dom_buffer *body, int access_level);

struct wire_invitation {
	struct dom_slice uid;
	int version;
	int access_level;
	struct dom_slice username; /* the invited one; an e-mail address in requests */
	struct dom_slice collection;
	struct dom_slice signed_key;
	struct dom_slice from_username, from_public; /* replies only */
};
/* What a request brings; from_username and from_public stay empty. */
DOM_MUST_CHECK enum dom_status wire_invitation_decode(
    struct dom_slice body, struct wire_invitation *invitation_r, struct wire_reject *reject_r);
/* What a reply brings. */
DOM_MUST_CHECK enum dom_status wire_invitation_reply_decode(
    struct dom_slice body, struct wire_invitation *invitation_r);
void wire_invitation_encode(
    struct dom_buffer *body, const struct wire_invitation *invitation, bool is_reply);

/* {collectionType, encryptionKey}: accepting */
struct wire_acceptance {
	struct dom_slice collection_type, collection_key;
};
DOM_MUST_CHECK enum dom_status wire_acceptance_decode(
    struct dom_slice body, struct wire_acceptance *acceptance_r, struct wire_reject *reject_r);
void wire_acceptance_encode(struct dom_buffer *body, const struct wire_acceptance *acceptance);

/* {pubkey}: a user's profile */
DOM_MUST_CHECK enum dom_status wire_profile_decode(
    struct dom_slice body, struct dom_slice *identity_public_r);
void wire_profile_encode(struct dom_buffer *body, struct dom_slice identity_public);

/* Decoded lists; one of the arrays is set, by which is asked for. */
struct wire_share_list {
	struct wire_member *members;
	struct wire_invitation *invitations;
	size_t count;
	struct dom_slice iterator; /* NULL data: nil */
	bool done;
};
DOM_MUST_CHECK enum dom_status wire_member_list_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_share_list *list_r);
DOM_MUST_CHECK enum dom_status wire_invitation_list_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_share_list *list_r);

#endif
