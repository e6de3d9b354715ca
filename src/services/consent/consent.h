/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_CONSENT_CONSENT_H
#define SERVICES_CONSENT_CONSENT_H

#include "services/call.h"

/*
 * Consent: see DESIGN.md beside this file.
 *
 * A handle is the proof that, in this transaction, a live consent of the owner
 * covers a collection type, under the terms that hold now.  consent_check()
 * alone makes one, and the vault stores nothing without one.
 */
struct consent_handle;

enum { CONSENT_ISSUED_SKEW_MS = 24 * 60 * 60 * 1000 };

/*
 * owner: number of the account that owns the collection; type: the owner's
 * type of it, empty for none.  DOM_EDENIED: 403 consent_required, in the reply.
 */
DOM_MUST_CHECK enum dom_status consent_check(struct service_call *call, int64_t owner,
    struct dom_slice type, const struct consent_handle **handle_r);

/* Is the handle for this owner, in this transaction?  For asserts. */
bool consent_covers(
    const struct consent_handle *handle, const struct store_txn *txn, int64_t owner);

/*
 * Erasing needs no consent.  This one lets vault_write_removal() mark what is
 * there as deleted, and nothing else: it is another type.
 */
struct consent_removal;
DOM_MUST_CHECK enum dom_status consent_remove(
    struct service_call *call, int64_t owner, const struct consent_removal **handle_r);
bool consent_removes(
    const struct consent_removal *handle, const struct store_txn *txn, int64_t owner);

/* What a stored consent is worth now. */
enum consent_worth {
	CONSENT_LIVE,
	CONSENT_ENDED,   /* its time is over */
	CONSENT_CHANGED, /* given under other terms than the region's */
	CONSENT_GONE,    /* the region does not offer the service any more */
};
enum consent_worth consent_worth(
    const struct service_call *call, const struct store_consent *consent, int64_t now_ms);

/*
 * The time that consents end by: the wall clock, but never before the region's
 * own time, so that a clock that is set back makes nothing live again.
 */
DOM_MUST_CHECK enum dom_status consent_now(const struct service_call *call, int64_t *now_ms_r);

/* The catalogue that domiciled carries; settings may name another. */
struct dom_slice consent_catalogue_built_in(void);

/* Operations; after service_authenticate(), but for the catalogue. */
DOM_MUST_CHECK enum dom_status consent_statement_key(struct service_call *call);
DOM_MUST_CHECK enum dom_status consent_statement_add(struct service_call *call);
DOM_MUST_CHECK enum dom_status consent_statement_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status consent_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status consent_catalogue(struct service_call *call);

#endif
