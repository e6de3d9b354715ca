/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_SHARE_H
#define DOMICILE_SHARE_H

#include <domicile/collection.h>
#include <domicile/sharing.h>

/*
 * Sharing collections with others of the region.
 *
 * A collection's key goes to somebody in a box that only their identity key
 * opens.  Which key that is, the region says; a region that lies could so get
 * at the key itself.  Therefore a person is found first, and what is shared is
 * boxed for the very key whose fingerprint was shown: people who compare it by
 * another way need not trust the region.
 */
enum { DOM_FINGERPRINT_ROOM = 90 };

struct dom_person {
	char name[DOM_NAME_ROOM];
	uint8_t public_key[32];
	/* Three lines of digits, the same on both sides (etebase-protocol 6.12). */
	char fingerprint[DOM_FINGERPRINT_ROOM];
};
/* By name, or by e-mail address.  DOM_ABSENT: nobody of this region. */
DOM_MUST_CHECK enum dom_status dom_person_find(
    struct dom_session *session, const char *name, struct dom_person *person_r);

/* We, for others to compare. */
void dom_person_self(const struct dom_session *session, struct dom_person *person_r);

/*
 * Invite somebody to a collection that this device knows and administers.
 * DOM_CONFLICT: they are in it, or invited already.  DOM_EDENIED: they are we,
 * or we are no administrator of it.
 */
DOM_MUST_CHECK enum dom_status dom_share(
    struct dom_collection *collection, const struct dom_person *with, enum dom_access access);
/*
 * They are in it no more, and our invitation for them is withdrawn.  What they
 * have seen they may have kept.  DOM_ABSENT: neither was there.
 */
DOM_MUST_CHECK enum dom_status dom_unshare(
    struct dom_session *session, const char *collection_uid, const char *name);
/* Leave what somebody shares with us. */
DOM_MUST_CHECK enum dom_status dom_unshare_self(
    struct dom_session *session, const char *collection_uid);

/* An invitation for us, opened: the box is whole and for us. */
struct dom_offer {
	char uid[65];
	char collection[65];
	char type[129]; /* of the collection, in the clear; plain text */
	int access_level;
	struct dom_person from;
};
/* DOM_ABSENT: there is no such invitation.  DOM_EINTEGRITY: its box does not open. */
DOM_MUST_CHECK enum dom_status dom_offer_open(
    struct dom_session *session, const char *invitation_uid, struct dom_offer *offer_r);
/*
 * Become a member: the key is sealed for our own devices.  It must still be
 * from the person who was shown (DOM_EINTEGRITY).
 */
DOM_MUST_CHECK enum dom_status dom_offer_accept(
    struct dom_session *session, const struct dom_offer *offer);
DOM_MUST_CHECK enum dom_status dom_offer_reject(
    struct dom_session *session, const char *invitation_uid);

#endif
