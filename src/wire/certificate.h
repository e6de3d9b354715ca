/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_CERTIFICATE_H
#define WIRE_CERTIFICATE_H

#include "wire/evidence.h"
#include "wire/group.h"
#include "wire/move.h"

/*
 * The certificate of a move, one file (*.domicile-certificate) that anybody can check without a
 * network who has the group's public key.  Strings with a 32-bit length in front:
 *
 *   string  domain       "domicile/move-certificate/v1"
 *   string  group        the group file (wire/group.h)
 *   string  order        evidence: the person's order, and that the source took it
 *   string  freeze,      string its signature      by the source
 *   string  prepare,     string its signature      by the target
 *   string  hand-off,    string its signature      by the source
 *   string  activation,  string its signature      by the target
 *   string  ack          evidence: what a device has found at the target, and that it took
 * that; empty: none, the days of grace ended without string  erased       receipt of the source
 * (wire/receipt.h) that answers the order string  its signature; both empty: the source still
 * has its copy
 *
 * Every byte is under a signature, or the length of what is.
 */
enum { WIRE_CERTIFICATE_SIZE_MAX = WIRE_GROUP_SIZE_MAX + 2 * WIRE_EVIDENCE_SIZE_MAX + 8192 };

struct wire_certificate {
	struct dom_slice group, order;
	struct wire_signed_move freeze, prepare, handoff, active;
	struct dom_slice ack;
	struct dom_slice erased, erased_signature;
};

/* What it says, once it has been checked; borrowed from its bytes and the arena. */
struct wire_certificate_view {
	struct wire_group group;
	const struct wire_group_region *source, *target;
	struct wire_evidence_view order, ack;
	struct wire_move freeze, prepare, handoff, active;
	struct wire_receipt erased;
	bool has_ack, has_erased;
};

/* Is it one at all?  What begins otherwise is something else. */
bool wire_certificate_is(struct dom_slice bytes);
void wire_certificate_encode(
    struct dom_buffer *bytes, const struct wire_certificate *certificate);
DOM_MUST_CHECK enum dom_status wire_certificate_decode(
    struct dom_slice bytes, struct wire_certificate *certificate_r);

/*
 * The group is signed by group_public; the order is the account's and names two of its regions;
 * each message is signed by its region and follows the one before it, with the same root; the
 * acknowledgement and the erasure are of this move.
 *
 *   why_r           a sentence unless DOM_OK, constant
 *
 *   DOM_EINPUT      these are not the bytes of a certificate
 *   DOM_EINTEGRITY  they are, and prove nothing
 *   DOM_ENOMEM
 */
DOM_MUST_CHECK enum dom_status wire_certificate_check(struct dom_slice bytes,
    struct dom_slice group_public, struct dom_arena *arena,
    struct wire_certificate_view *view_r, const char **why_r);

#endif
