/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_STATEMENT_H
#define CLIENT_STATEMENT_H

#include <domicile/consent.h>

#include "wire/evidence.h"
#include "wire/statement.h"

#include "client/client.h"

/*
 * Statements and receipts, for whoever has something signed: consent.c and
 * the erasing.
 */

/* Where receipts are kept, below the state folder. */
#define DOM_RECEIPTS_FOLDER "receipts"
#define DOM_RECEIPT_SUFFIX ".domicile-receipt"
#define DOM_SHOWN_SUFFIX ".catalogue.json" /* what a consent is to, as it was shown */
#define DOM_CERTIFICATE_SUFFIX ".domicile-certificate" /* of a move */
/* Before it: of a statement that asks to erase and has no receipt yet. */
#define DOM_SENT_SUFFIX "-sent"

struct dom_statement_sent {
	char name[96]; /* of its files among the receipts */
	/* Of what is erased; zeros: nothing is.  Also set after a failure if it may be. */
	uint8_t request[DOM_REQUEST_SIZE];
	uint8_t subject[WIRE_SUBJECT_SIZE]; /* of the statement; set once it was sent */
};

/*
 * Number, sign and send a statement, all but account, nonce, serial, time and
 * region of which is the caller's; check the region's receipt, and keep both.
 *
 *   must_be_on    DOM_ABSENT if no consent to the service stands
 *
 *   DOM_EINTEGRITY  it was taken, but the receipt is not good
 *   DOM_EFILE       it was taken, but the receipt cannot be kept
 */
DOM_MUST_CHECK enum dom_status dom_statement_send(struct dom_session *session,
    struct wire_statement *statement, bool must_be_on, struct dom_statement_sent *sent_r);

/*
 * Check evidence of this account against the pinned key of the region, or, of a region
 * where the account lived before, the key that the group has for it; the view is borrowed from
 * the arena and the evidence.  DOM_EINTEGRITY: the session's error says why.
 */
DOM_MUST_CHECK enum dom_status dom_evidence_check(struct dom_session *session,
    const struct wire_evidence *evidence, struct dom_arena *arena,
    struct wire_evidence_view *view_r);
/*
 * Write it to a file of the receipts' folder, as NAME.domicile-receipt.
 */
DOM_MUST_CHECK enum dom_status dom_evidence_keep(
    struct dom_session *session, const struct wire_evidence *evidence, const char *name);
/* What a consent is to, beside its receipt: NAME.catalogue.json. */
DOM_MUST_CHECK enum dom_status dom_shown_keep(
    struct dom_session *session, struct dom_slice text, const char *name);
/* The one that was kept before NAME was sent is not needed any more. */
void dom_evidence_drop_sent(struct dom_session *session, const char *name);

/*
 * Ask what is on; the slices live in the call and the arena.  call_r: free it,
 * whatever comes out.
 */
struct dom_call;
DOM_MUST_CHECK enum dom_status dom_consents_ask(struct dom_session *session,
    struct dom_arena *arena, struct wire_consents *consents_r, struct dom_call **call_r);

#endif
