/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_SERVICE_H
#define SERVICES_SERVICE_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/random.h"

#include "crypto/region.h"

#include "wire/move.h"
#include "wire/stoken.h"

#include "store/store.h"

/*
 * The one door between http/ and the rules.  A request is a flat struct, a
 * reply is a flat struct; the rules are handed a transaction, a clock and
 * randomness, and do no I/O of their own.
 *
 *   service_plan()    what the operation needs: a session? a body? the writer?
 *   service_admit()   in a read: authenticate and check the role, before a body is read
 *   service_stage()   outside of any transaction: put large chunks on the disk
 *   service_run()     in a transaction (a job's, if it writes): decode, decide, encode
 *   service_drop()    whatever staging left behind
 */
enum service_op {
	SERVICE_IS_ETEBASE,
	SERVICE_SIGNUP,
	SERVICE_LOGIN_CHALLENGE,
	SERVICE_LOGIN,
	SERVICE_LOGOUT,
	SERVICE_CHANGE_PASSWORD,
	SERVICE_DASHBOARD_URL,
	SERVICE_COLLECTION_CREATE,
	SERVICE_COLLECTION_LIST_MULTI,
	SERVICE_COLLECTION_LIST,
	SERVICE_COLLECTION_GET,
	SERVICE_ITEM_LIST,
	SERVICE_ITEM_GET,
	SERVICE_ITEM_FETCH_UPDATES,
	SERVICE_ITEM_BATCH,
	SERVICE_ITEM_TRANSACTION,
	SERVICE_ITEM_REVISIONS,
	SERVICE_CHUNK_PUT,
	SERVICE_CHUNK_GET,
	SERVICE_MEMBER_LIST,
	SERVICE_MEMBER_SET,
	SERVICE_MEMBER_REMOVE,
	SERVICE_MEMBER_LEAVE,
	SERVICE_PROFILE,
	SERVICE_INVITE,
	SERVICE_OUTGOING_LIST,
	SERVICE_OUTGOING_WITHDRAW,
	SERVICE_INCOMING_LIST,
	SERVICE_INCOMING_GET,
	SERVICE_INCOMING_REJECT,
	SERVICE_INCOMING_ACCEPT,
	/* /domicile/v1/ */
	SERVICE_REGION,
	SERVICE_STATEMENT_KEY,
	SERVICE_STATEMENT_ADD,
	SERVICE_CATALOGUE,
	SERVICE_CONSENTS,
	SERVICE_STATEMENTS,
	SERVICE_ERASURE,
	SERVICE_ERASURES,
	SERVICE_SESSIONS,
	SERVICE_SESSION_REVOKE,
	SERVICE_RETENTION,
	SERVICE_PUSH_TICKET,
	SERVICE_PUSH_SUBSCRIBE,
	SERVICE_PUSH_CHANGES_TICKET,
	SERVICE_PUSH_CHANGES,
	SERVICE_GROUP,
	SERVICE_MOVES,
	SERVICE_MOVE_PLAN,
	SERVICE_MOVE_CERTIFICATE,
	SERVICE_MOVE_ROOM,
	SERVICE_PROPOSAL,
	SERVICE_PROPOSAL_ANSWER,
	SERVICE_HANDOFF,     /* whoever carries it to the target */
	SERVICE_PEER,        /* another region asks: wire/peer.h */
	SERVICE_PEER_CHANGE, /* and for what writes */
#ifdef DOM_TEST_API
	SERVICE_TEST_RESET, /* see account/reset.c */
#endif
	SERVICE_SESSION_TOUCH, /* internal: after a reply with touch_session */
	SERVICE_OP_COUNT,
};

struct service_plan {
	bool needs_session;
	bool takes_body;   /* decoded here; a GET or DELETE ignores what it carries */
	bool body_is_raw;  /* not MessagePack: a chunk */
	bool writes;       /* run it in a job */
	bool opens_socket; /* its success is an upgrade to WebSocket */
	bool runs_aside;   /* a read that is too long for an event loop */
};
const struct service_plan *service_plan(enum service_op op);

/* Every failure that a client can be told, with its place in etebase-protocol 3.2. */
enum service_code {
	SERVICE_DONE, /* the operation's own success status */
	SERVICE_AUTHENTICATION_FAILED,
	SERVICE_NOT_AUTHENTICATED,
	SERVICE_USER_NOT_FOUND,
	SERVICE_USER_NOT_INIT,
	SERVICE_LOGIN_BAD_SIGNATURE,
	SERVICE_ADMIN_ACCESS_REQUIRED,
	SERVICE_NO_WRITE_ACCESS,
	SERVICE_CONSENT_REQUIRED, /* ours: 403 consent_required */
	SERVICE_DOES_NOT_EXIST,
	SERVICE_BAD_STOKEN,
	SERVICE_STALE_STOKEN,
	SERVICE_DEP_FAILED,
	SERVICE_ITEM_FAILED,
	SERVICE_FIELD_ERRORS,
	SERVICE_VALIDATION_ERROR, /* 422 */
	SERVICE_MALFORMED_BODY,   /* 400: not MessagePack */
	SERVICE_UNIQUE_UID,
	SERVICE_BAD_ETAG,
	SERVICE_BAD_COLLECTION_TYPE,
	SERVICE_CHUNK_NO_CONTENT,
	SERVICE_CHUNK_EXISTS,
	SERVICE_TOO_MANY_ITEMS,
	SERVICE_USER_EXISTS,
	SERVICE_EMAIL_EXISTS,   /* ours: 409 email_exists */
	SERVICE_SIGNUP_REFUSED, /* 400 generic */
	SERVICE_WRONG_ACTION,
	SERVICE_CHALLENGE_EXPIRED,
	SERVICE_WRONG_USER,
	SERVICE_WRONG_HOST,
	SERVICE_NOT_SUPPORTED,
	SERVICE_NO_SELF_INVITE,
	SERVICE_INVITATION_EXISTS,
	SERVICE_ALREADY_MEMBER,    /* ours: 409 already_member */
	SERVICE_LAST_ADMIN,        /* ours: 409 last_admin */
	SERVICE_STATEMENT_REFUSED, /* ours: 400 bad_statement */
	SERVICE_STATEMENT_STALE, /* ours: 409 stale_statement: the serial is not the next one */
	SERVICE_BAD_TICKET,      /* ours: 403 bad_ticket */
	SERVICE_TOO_LARGE,       /* 413 too_large: over a named limit */
	SERVICE_STORAGE_FULL,    /* 507 storage_full */
	SERVICE_UNAVAILABLE,     /* 503 unavailable: the store refuses; detail: if anything was
	                            written */
	SERVICE_QUOTA_EXCEEDED,  /* ours: 507 quota_exceeded */
	SERVICE_TOO_MANY_ATTEMPTS, /* ours: 429 too_many_attempts */
	SERVICE_TOO_MANY_REQUESTS, /* ours: 429 too_many_requests */
	SERVICE_CHUNK_DAMAGED,     /* 500 is reserved for this and for our own faults */
	/* An account that moves, all ours: see services/move/. */
	SERVICE_ACCOUNT_FROZEN, /* 503 account_frozen: for this moment */
	SERVICE_ACCOUNT_MOVED,  /* 403 account_moved, with reply.moved */
	SERVICE_PEER_REFUSED,   /* 409 peer_refused, to another region; reply.abort */
	/* 409 peer_untrusted, to another region, until a group file or a clock is put right */
	SERVICE_PEER_UNTRUSTED,
	SERVICE_MOVE_REFUSED, /* 409 move_refused */
	SERVICE_CODE_COUNT,
};

enum service_prefetch {
	SERVICE_PREFETCH_AUTO,   /* chunk contents inline */
	SERVICE_PREFETCH_MEDIUM, /* chunk uids only */
};

enum {
	SERVICE_LIMIT_DEFAULT = 50,
	SERVICE_LIMIT_MAX = 1000,
	/* A list's page ends early, with done false, once it holds this many bytes. */
	SERVICE_PAGE_SIZE_MAX = 8 << 20,
	SERVICE_CHALLENGE_LIFE_MS = 60 * 1000,
	SERVICE_TOKEN_SIZE = 40,
	SERVICE_DEVICE_SIZE_MAX = 64,
};

/* Borrowed; lives as long as the request is being served. */
struct service_request {
	enum service_op op;
	struct dom_slice token;  /* the session token's text; data NULL: none was sent */
	bool token_malformed;    /* an Authorization that is not "Token x" or "Bearer x" */
	struct dom_slice host;   /* Host header, as sent */
	struct dom_slice device; /* Domicile-Device, decoded; may be empty */
	struct dom_slice peer;   /* where it comes from, for limits; may be empty */
	struct dom_slice collection_uid, item_uid,
	    chunk_uid; /* from the path, percent-decoded */
	struct dom_slice session_id;
	struct dom_slice erasure; /* its number, in hex */
	struct dom_slice invitation_uid;
	struct dom_slice username; /* from the path, or the query; data NULL: absent */
	struct dom_slice ticket;   /* of a subscription; data NULL: none */
	/* query */
	struct dom_slice stoken, iterator; /* data NULL: absent */
	int64_t limit;                     /* -1: absent */
	enum service_prefetch prefetch;
	bool with_collection;
	uint64_t after;             /* statements/?after= */
	struct dom_slice move_id;   /* in hex */
	struct dom_slice region_to; /* moves/plan/?to= */
	/* Its size, known when it is admitted; 0: not known. */
	int64_t body_size_expected;
	struct dom_slice body;
};

/* What a committed write has changed, for the devices that wait: see services/push/. */
struct service_change {
	int64_t owner;      /* account number; 0: nothing */
	int64_t collection; /* 0: none, or a new one */
	uint64_t clock;     /* the owner's, of the last change */
	int64_t member;     /* account whose memberships have changed; 0: none */
	bool gone;          /* and that account does not live here any more: its sockets end */
};

/* Many of them; overflowed: more than are listed, so everyone must look. */
enum { SERVICE_CHANGES_MAX = 64 };
struct service_changes {
	struct service_change at[SERVICE_CHANGES_MAX];
	size_t count;
	bool overflowed;
};
void service_changes_add(struct service_changes *changes, const struct service_change *change);

struct push_subscription;
struct push_tickets;
struct wire_moved;

/* {0} is an empty reply; body and errors live in the arena or the buffer. */
struct service_reply {
	enum service_code code;
	struct dom_buffer body; /* success: MessagePack, or a chunk's bytes */
	bool body_is_raw;       /* application/octet-stream */
	const char *detail;     /* failure: a sentence for a person */
	struct wire_error_field *errors;
	size_t error_count;
	unsigned retry_after_seconds; /* failure: 0, or when it may be tried again */
	bool from_region; /* another region asks, and its signature holds: it is no stranger */
	bool touch_session; /* the session's expiry wants a write */
	/*
	 * For the header Domicile-Position, as sync tokens of the owner alone; "":
	 * none.  A write says the owner's clock before and after it; a collection
	 * list without a type filter whose page is the last says the clock of its
	 * snapshot as "after".  See docs/architecture.md, "The account and its clock".
	 */
	char position_before[WIRE_STOKEN_SIZE(1) + 1];
	char position_after[WIRE_STOKEN_SIZE(1) + 1];
	struct service_change change;          /* to be announced once it is on the disk */
	const struct service_changes *changes; /* and these; NULL: none; in the arena */
	bool wakes_keeper; /* a success leaves work behind, see services/keeper/ */
	bool wakes_mover;  /* the same, see services/move/; what is held may be asked again */
	/*
	 * This answer of a job may become a better one within the moment: keep the request and
	 * run its job again until so long after the first time (http/held.h).  0: it may not.
	 */
	unsigned hold_ms;
	int64_t hold_account; /* not before this account is frozen no more; 0: who knows */
	const struct wire_moved *moved; /* of SERVICE_ACCOUNT_MOVED, in the arena; NULL: none */
	struct wire_signed_move abort;  /* of SERVICE_PEER_REFUSED: this attempt is over */
	/* A success that opens a socket: what it follows; owned. */
	struct push_subscription *subscription;
};
void service_reply_free(struct service_reply *reply);

enum service_signup {
	SERVICE_SIGNUP_CLOSED,     /* only for accounts that an operator has made */
	SERVICE_SIGNUP_INVITATION, /* and with a code, see services/operator.h */
	SERVICE_SIGNUP_OPEN,
};

/* 0: as many as they like. */
struct service_limits {
	int64_t collections; /* that an account owns */
	int64_t members;     /* of a collection */
	int64_t invitations; /* that an account has sent and that wait */
	int64_t sessions;    /* of an account */
	int64_t statements_per_day;
};

struct retention_rules;
struct wire_group;

/* How long a request is held back, see struct service_reply. */
enum { SERVICE_HOLD_WRITE_MS = 2000, SERVICE_HOLD_FREEZE_MS = 4000 };

struct service_settings {
	const char *region; /* name */
	enum service_signup signup;
	bool check_host;          /* compare a login's host with hosts[] */
	const char *const *hosts; /* public names; empty: the Host header */
	size_t host_count;
	int64_t session_life_ms;                 /* sliding */
	const struct retention_rules *retention; /* NULL: none */
	/* What can be turned on; NULL: nothing can be. */
	const struct wire_catalogue *catalogue;
	struct dom_duration backup_keep; /* of backups; zero: none are made */
#ifdef DOM_TEST_API
	bool test_api;
#endif
	struct service_limits limits;
	int64_t quota_bytes; /* of chunks for each account without its own; 0: no limit */
	/* Whom accounts may move to and come from, and its file; NULL: nobody. */
	const struct wire_group *group;
	struct dom_slice group_file;
};

struct login_attempts;
struct move_served;
struct move_guard;

struct service {
	struct service_settings settings;
	struct dom_clock clock;
	struct dom_random random;
	struct dom_region_key *key;
	struct store *store;             /* only for staging */
	struct push_tickets *tickets;    /* NULL: no push */
	struct login_attempts *attempts; /* NULL: logins may fail as often as they like */
	struct move_guard *guard;        /* NULL: accounts are served at once */
	struct move_served *served;      /* NULL: how far a copy is, is not shown */
};

/*
 * DOM_OK: go on and read the body.  DOM_EDENIED: reply_r says why.  Also
 * DOM_ENOMEM, DOM_ESTORE.  Never writes.
 */
DOM_MUST_CHECK enum dom_status service_admit(const struct service *service,
    struct store_txn *txn, const struct service_request *request, struct dom_arena *arena,
    struct service_reply *reply_r);

struct service_staged; /* chunks on their way; NULL if there are none */

/* Does staging this request block on the disk?  Then call service_stage() on a pool. */
bool service_stage_blocks(const struct service *service, const struct service_request *request);
DOM_MUST_CHECK enum dom_status service_stage(const struct service *service,
    const struct service_request *request, struct dom_arena *arena,
    struct service_staged **staged_r);
/*
 * The same for a body that is one large chunk and still to come.  Begin in a
 * read, once the request is admitted: staged_r is NULL if it is not to be, or
 * need not be, staged so.  Then its bytes from the first to the last, and the
 * end, on a pool: one thread at a time.  After a failure it can only be
 * dropped.
 */
DOM_MUST_CHECK enum dom_status service_stage_begin(const struct service *service,
    struct store_txn *txn, const struct service_request *request, size_t body_size,
    struct dom_arena *arena, struct service_staged **staged_r);
DOM_MUST_CHECK enum dom_status service_stage_add(
    struct service_staged *staged, struct dom_slice piece);
DOM_MUST_CHECK enum dom_status service_stage_end(struct service_staged *staged);
void service_drop(struct service_staged **staged);

/* Is it of no use yet to run the job again that answered so?  In a read. */
bool service_hold_goes_on(
    struct store_txn *txn, const struct service_reply *reply, struct dom_arena *arena);

/* Of what runs_aside: may it be put off while other people wait?  In a read. */
bool service_may_wait(
    struct store_txn *txn, const struct service_request *request, struct dom_arena *arena);

/*
 * DOM_OK: reply_r holds the success, or a refusal that is to be kept; commit.  DOM_EDENIED:
 * reply_r holds the refusal, roll back.  DOM_ENOMEM, DOM_ESTORE, DOM_EFULL: no reply; see
 * service_failure().
 */
DOM_MUST_CHECK enum dom_status service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r);

/*
 * The reply for a status below zero that no rule explains: storage full,
 * unavailable.  Only after DOM_EUNCERTAIN may something have been stored.
 */
void service_failure(enum dom_status status, struct service_reply *reply_r);

#endif
