/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_CALL_H
#define SERVICES_CALL_H

#include "wire/etebase.h"

#include "services/service.h"

/*
 * One request under way, as the services see it.  Only services/ includes
 * this.  An operation is a function that takes the call and answers DOM_OK
 * (the reply holds the success), DOM_EDENIED (the reply holds the refusal), or
 * a failure of the store or of memory.
 */
struct service_call {
	const struct service *service;
	struct store_txn *txn;
	const struct service_request *request;
	struct service_staged *staged;
	struct dom_arena *arena;
	struct service_reply *reply;
	int64_t now_ms; /* read once, so that a request has one time */
	/* Set by service_authenticate(). */
	struct store_account account;
	struct store_session session;
};

/* Refuse: DOM_EDENIED.  detail is constant or in the arena; NULL: out of memory. */
DOM_MUST_CHECK enum dom_status service_refuse(
    struct service_call *call, enum service_code code, const char *detail);
/* Refuse, but commit what the call has written: DOM_OK. */
DOM_MUST_CHECK enum dom_status service_refuse_and_keep(
    struct service_call *call, enum service_code code, const char *detail);
/* The same as service_refuse() with one entry in "errors". */
DOM_MUST_CHECK enum dom_status service_refuse_field(struct service_call *call,
    enum service_code code, const char *detail, const struct wire_error_field *error);
/* The same with a time to wait; what: there was too much of it, no full stop. */
DOM_MUST_CHECK enum dom_status service_refuse_until(
    struct service_call *call, enum service_code code, const char *what, int64_t wait_ms);
/* A body that a decoder refused with st: 400, 413 or 422. */
DOM_MUST_CHECK enum dom_status service_refuse_body(struct service_call *call,
    enum dom_status st, struct dom_slice body, const struct wire_reject *reject);

/* Who asks; sets call->account and call->session.  Never writes. */
DOM_MUST_CHECK enum dom_status service_authenticate(struct service_call *call);

/*
 * After a write: the owner's position around it (struct service_reply).
 * before: the owner's clock when the request began.
 */
DOM_MUST_CHECK enum dom_status service_position(
    struct service_call *call, int64_t owner, uint64_t before);
/* A sync token of one owner; text_r: WIRE_STOKEN_SIZE(1) + 1 characters. */
DOM_MUST_CHECK enum dom_status service_stoken_one(
    const uint8_t owner_id[STORE_ID_SIZE], uint64_t clock, char *text_r);

#endif
