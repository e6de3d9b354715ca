/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_CONSENT_H
#define DOMICILE_CONSENT_H

#include <domicile/catalogue.h>
#include <domicile/session.h>

/*
 * What the region may store: its catalogue of services, the consents that a
 * person signs to entries of it, and the region's receipts for them.
 *
 * Every receipt is checked against the region's public key, which is pinned
 * when the account logs in, and kept with its statement as one file in the
 * folder receipts/ of the state folder; domicile-verify checks it again
 * without a network.  A logout removes them with everything else; the region
 * has them all, see dom_statements().
 */

/* --- the catalogue ------------------------------------------------------------ */

struct dom_catalogue {
	const struct dom_catalogue_entry *entries;
	size_t count;
	struct dom_slice text; /* the file, byte for byte */
};

/* Asked from the region each time; *catalogue_r: dom_catalogue_free() it. */
DOM_MUST_CHECK enum dom_status dom_catalogue_ask(
    struct dom_session *session, struct dom_catalogue **catalogue_r);
void dom_catalogue_free(struct dom_catalogue **catalogue);
/* NULL: the region does not offer it. */
const struct dom_catalogue_entry *dom_catalogue_find(
    const struct dom_catalogue *catalogue, const char *service);

/* --- giving and withdrawing ----------------------------------------------------- */

/*
 * Give the signed consent for a service: from now on the region stores what
 * belongs to these collection types, under the terms of the entry.
 */
struct dom_consent {
	const struct dom_catalogue_entry *entry; /* that the person was shown */
	/* Where it stands; kept beside the receipt, since the region's may change.  Or NULL. */
	const struct dom_catalogue *catalogue;
	const char *const *types; /* collection types in the clear; none only for "any" */
	size_t type_count;
	int64_t until_ms; /* 0: until withdrawn */
};
/* DOM_EDENIED: the region's terms are others by now; ask for its catalogue again. */
DOM_MUST_CHECK enum dom_status dom_consent_give(
    struct dom_session *session, const struct dom_consent *consent);

enum dom_withdrawal {
	DOM_KEEP,  /* what is stored stays, and can be read and restored */
	DOM_ERASE, /* all of the service's collections are erased */
};
enum { DOM_REQUEST_SIZE = 32 };
/*
 * Works at once.  DOM_ABSENT: it was off, and nothing was sent; with DOM_ERASE
 * it is sent all the same, since what was kept before can still be erased.
 * request_r: the number under which the erasure can be asked for
 * (<domicile/erasure.h>), zeros if nothing is erased; may be NULL.
 */
DOM_MUST_CHECK enum dom_status dom_consent_withdraw(struct dom_session *session,
    const char *service, enum dom_withdrawal choice, uint8_t request_r[DOM_REQUEST_SIZE]);

/* --- what is on ------------------------------------------------------------------ */

enum dom_consent_worth {
	DOM_CONSENT_ON,
	DOM_CONSENT_ENDED,   /* its time is over */
	DOM_CONSENT_CHANGED, /* the region's terms are others now: off until agreed to again */
	DOM_CONSENT_GONE,    /* the region does not offer the service any more */
};
struct dom_consent_state {
	char service[33];
	enum dom_consent_worth worth; /* nothing but DOM_CONSENT_ON is stored */
	int64_t until_ms;
	uint32_t version; /* of the entry that was agreed to */
	uint64_t serial;  /* of the statement */
};
/* What was given and not withdrawn, asked from the server.  *states_r: free() it. */
DOM_MUST_CHECK enum dom_status dom_consents(
    struct dom_session *session, struct dom_consent_state **states_r, size_t *count_r);

/* --- the history ------------------------------------------------------------------ */

enum dom_statement_kind {
	DOM_STATEMENT_CONSENT = 1,
	DOM_STATEMENT_WITHDRAWAL = 2,
	DOM_STATEMENT_ERASURE = 3,
	/* <domicile/move.h> */
	DOM_STATEMENT_MOVE_ORDER = 5,
	DOM_STATEMENT_MOVE_CANCEL = 6,
	DOM_STATEMENT_MOVE_ACK = 7,
};
/* "consent": as files and lists call it. */
const char *dom_statement_word(enum dom_statement_kind kind);

/* One statement of the account as it was signed; borrowed during the call. */
struct dom_statement {
	enum dom_statement_kind kind;
	uint64_t serial;
	uint8_t account[32];            /* its identity's public key */
	int64_t issued_ms, accepted_ms; /* by the device's clock, by the region's */
	const char *region;
	const char *service; /* "" for an erasure, and for moves */
	/* a consent */
	uint32_t version;
	uint8_t terms[DOM_TERMS_SIZE];
	const char *purpose, *retention;
	int64_t until_ms;
	size_t type_count;
	/* a withdrawal */
	enum dom_withdrawal choice;
	/* an erasure: whole account, or the history of one item */
	bool whole_account;
	/* an order to move */
	const char *target; /* region; "" else */
	uint32_t grace_days;
	bool leave_shared;
	/* an order, an acknowledgement: the account's epoch */
	uint64_t epoch;
	/* Contents of a *.domicile-receipt file; size 0: the region gave no receipt. */
	struct dom_slice evidence;
	uint8_t subject[32];    /* its digest, as the receipt names it */
	uint8_t region_key[32]; /* that the receipt is good under */
};
/*
 * All of the account's, oldest first, asked from the region.  Each is checked:
 * DOM_EINTEGRITY if one is not signed by this account's key, a number is
 * missing or a receipt is not good.  each() ends it with a status below zero.
 */
DOM_MUST_CHECK enum dom_status dom_statements(struct dom_session *session,
    enum dom_status (*each)(void *context, const struct dom_statement *statement),
    void *context);

/* The region's public key as it is pinned; DOM_ABSENT: it is not known. */
DOM_MUST_CHECK enum dom_status dom_region_key(
    struct dom_session *session, uint8_t public_key_r[32]);

#endif
