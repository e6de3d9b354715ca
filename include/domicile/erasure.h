/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_ERASURE_H
#define DOMICILE_ERASURE_H

#include <domicile/consent.h>
#include <domicile/session.h>

/*
 * Erasing, and the region's signed word that it is done.  What a service has
 * stored is erased by withdrawing it (<domicile/consent.h>, DOM_ERASE).  Each
 * is a signed statement; from the region's answer on nothing of it can be read
 * by anybody, and the region removes the bytes behind it.
 */

/*
 * The account with everything in it, on all devices.  The session ends with
 * it; dom_erasure_wait() still works, dom_session_forget() takes the rest.
 */
DOM_MUST_CHECK enum dom_status dom_erase_account(
    struct dom_session *session, uint8_t request_r[DOM_REQUEST_SIZE]);
/*
 * All revisions of one item but the current one.  DOM_ABSENT: there is no such
 * item in a collection that the account owns.
 */
DOM_MUST_CHECK enum dom_status dom_erase_history(struct dom_session *session,
    const char *collection_uid, const char *item_uid, uint8_t request_r[DOM_REQUEST_SIZE]);

enum dom_erasure_state {
	DOM_ERASURE_WAITING,
	DOM_ERASURE_ERASING,
	DOM_ERASURE_SETTLING, /* waiting for the last byte to leave the disk */
	DOM_ERASURE_ERASED,
};
struct dom_erasure {
	enum dom_erasure_state state;
	uint64_t collections, items, revisions, chunks, bytes; /* so far */
	/* Once it is erased: */
	int64_t ended_ms;
	int64_t backups_ms; /* no backup holds it after this; 0: none is made */
	char receipt[128];  /* the file's name in the folder of receipts */
};

struct dom_erasure_wait {
	uint8_t request[DOM_REQUEST_SIZE];
	int64_t wait_ms; /* 0: look once; below zero: until it is done */
	/* Now and then; false: stop waiting.  May be NULL. */
	bool (*progress)(void *context, const struct dom_erasure *erasure);
	void *context;
	/* A folder where the receipt is kept as well, or NULL; it must not be there yet. */
	const char *folder, *name;
};
/*
 * Wait for the region's receipt, check it, and keep it beside the statement's.
 *
 *   DOM_OK          *erasure_r says what was erased
 *   DOM_CONFLICT    it is not done yet
 *   DOM_ABSENT      the region knows no such request
 *   DOM_EINTEGRITY  the receipt is not good; the session's error says why
 *   DOM_EFILE       it is good, and cannot be kept
 */
DOM_MUST_CHECK enum dom_status dom_erasure_wait(struct dom_session *session,
    const struct dom_erasure_wait *wait, struct dom_erasure *erasure_r);

/* What this device asked to erase and has no receipt for yet. */
struct dom_erasure_waiting {
	uint8_t request[DOM_REQUEST_SIZE];
	char service[33]; /* "": an item's history, or the account */
	bool whole_account;
};
/* *waiting_r: free() it. */
DOM_MUST_CHECK enum dom_status dom_erasures_waiting(
    struct dom_session *session, struct dom_erasure_waiting **waiting_r, size_t *count_r);

#endif
