/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_MOVE_H
#define DOMICILE_MOVE_H

#include <domicile/session.h>

/*
 * Moving the account to another region of the group that its region belongs to,
 * while its devices go on writing.  docs/moving.md has the protocol.
 *
 * The group file says which regions there are, with their keys; it is kept when
 * this device logs in, its key is pinned then, and one of another key or of a lower
 * version is refused.  When the account has moved, every function of the library
 * follows it by itself: the old region's hand-off is checked (signed by its key of
 * the group, of this account, of a later epoch than was seen before), brought to the new
 * region, and the device logs in there.  Tokens stay valid, so nothing is synced anew.
 */

enum {
	DOM_MOVE_ID_TEXT_SIZE = 32, /* hexadecimal */
	DOM_MOVE_PROBLEMS_MAX = 16,
};

/* --- before ----------------------------------------------------------------------- */

/* What becomes of a service that is on. */
enum dom_move_terms {
	DOM_TERMS_SAME,   /* the same terms there: it stays on */
	DOM_TERMS_OTHER,  /* what is stored moves; it is off there until agreed to again */
	DOM_TERMS_ABSENT, /* what is stored moves; the region does not offer the service */
};
struct dom_move_service {
	char name[33];
	enum dom_move_terms terms;
};

struct dom_move_region {
	char name[65], country[3]; /* country: ISO 3166-1 alpha-2, or "" */
	char address[257];         /* where it was asked */
	char release[65];
	int64_t round_trip_us; /* median of five */
	int64_t clock_ms;      /* how far its clock is ahead of this device's */
};

struct dom_move_plan {
	struct dom_move_region source, target;
	/* Nothing is in the way, as far as both regions say; else the sentences. */
	bool possible;
	size_t problem_count;
	char problems[DOM_MOVE_PROBLEMS_MAX][640];

	uint64_t bytes, items, chunks; /* what moves */
	uint64_t shared;               /* own collections that others are in */
	uint64_t memberships;          /* in collections of others: those do not move */
	uint64_t epoch;
	uint32_t grace_min_days, grace_max_days; /* that the source keeps its copy */

	struct dom_move_service *services; /* that are on */
	size_t service_count;

	/* What to expect. */
	uint64_t rate_bytes; /* in a second, as a sample came from the source; 0: too
	                        little is stored to measure it */
	int64_t duration_ms; /* of copying, at that rate */
	int64_t pause_ms;    /* in which writes wait */
};

/*
 * Ask both regions, and change nothing: space, quota, whether the name is free, the policy
 * of both, clocks, releases, terms, who shares.  About 20 requests.
 *
 *   target       region, as the group file names it
 *   leave_shared others lose the collections that move (else they are a problem)
 *   plan_r       dom_move_plan_free() it
 *
 *   DOM_ABSENT      the region is in no group, or the group has no region of this name
 *   DOM_CONFLICT    the account is there already
 */
DOM_MUST_CHECK enum dom_status dom_move_plan(struct dom_session *session, const char *target,
    bool leave_shared, struct dom_move_plan **plan_r);
void dom_move_plan_free(struct dom_move_plan **plan);

/* --- moving ----------------------------------------------------------------------- */

/* As the region says that is asked; the source counts until the account is handed over. */
enum dom_move_state {
	/* at the source */
	DOM_MOVE_ORDERED,   /* the target has not taken it on yet */
	DOM_MOVE_EXPORTING, /* it is copied; everything goes on as before */
	DOM_MOVE_FROZEN,    /* writes wait, for seconds at most */
	DOM_MOVE_GONE,      /* handed over */
	DOM_MOVE_ACTIVE,    /* the target says that it lives there */
	DOM_MOVE_ERASING,   /* the source's copy goes */
	DOM_MOVE_ERASED,
	DOM_MOVE_CANCELLED,
	/* at the target */
	DOM_MOVE_STAGING,
	DOM_MOVE_FREEZING,
	DOM_MOVE_PREPARED,
	DOM_MOVE_HOME,    /* it lives here; the source still has its copy */
	DOM_MOVE_SETTLED, /* the source has signed that its copy is erased */
	DOM_MOVE_DISCARDED,
	DOM_MOVE_STATE_COUNT,
};
struct dom_move {
	char id[DOM_MOVE_ID_TEXT_SIZE + 1];
	bool at_target; /* it is the target that says so */
	enum dom_move_state state;
	char source[65], target[65];
	uint64_t epoch;            /* in which the account lived at the source */
	uint64_t bytes, bytes_all; /* copied so far */
	uint64_t attempts;         /* at handing over */
	int64_t started_ms, changed_ms;
	char why[513]; /* it was cancelled, or waits: a sentence; or "" */
};
/* Will nothing more happen by itself? */
bool dom_move_is_over(const struct dom_move *move);
/* "copying" */
const char *dom_move_state_text(enum dom_move_state state);

/* The account's moves as its region knows them, newest first.  *moves_r: free() it. */
DOM_MUST_CHECK enum dom_status dom_move_status(
    struct dom_session *session, struct dom_move **moves_r, size_t *count_r);

struct dom_move_order {
	const char *target;
	bool leave_shared;   /* else the order is refused while others share what moves */
	uint32_t grace_days; /* that the source keeps its copy if no device acknowledges */
};
/*
 * Sign the order and send it.  It holds for a week, or 119 days if it agrees to a
 * proposal.  Copying begins by itself, and goes on when this program has ended.  A move to the
 * same region that is under way is taken up: DOM_OK.
 *
 *   id_r   of the move
 *
 *   DOM_CONFLICT  another move is under way
 *   DOM_EDENIED   the region refuses it; the session's error says why
 */
DOM_MUST_CHECK enum dom_status dom_move_order(struct dom_session *session,
    const struct dom_move_order *order, char id_r[DOM_MOVE_ID_TEXT_SIZE + 1]);
/*
 * id NULL: the one that is under way.  DOM_ABSENT: none is.  DOM_EDENIED: it is handed over
 * already; it can only be moved back.
 */
DOM_MUST_CHECK enum dom_status dom_move_cancel(struct dom_session *session, const char *id);

/* --- when the operator asks ---------------------------------------------------------- */

/*
 * An operator who closes a region, or empties it, asks people to let their accounts move;
 * none moves without its own order.  An order to that region is kept until the operator's
 * plan comes to it.
 */
enum dom_proposal_answer {
	DOM_PROPOSAL_OPEN,
	DOM_PROPOSAL_REFUSED,
	DOM_PROPOSAL_AGREED,   /* an order waits for its turn */
	DOM_PROPOSAL_RELEASED, /* the move has begun */
};
struct dom_proposal {
	char target[65];
	int64_t told_ms, begins_ms; /* of the plan */
	uint32_t grace_days;        /* that an order which agrees names */
	enum dom_proposal_answer answer;
};
/* DOM_ABSENT: nothing is asked, or the region is in no group. */
DOM_MUST_CHECK enum dom_status dom_move_proposal(
    struct dom_session *session, struct dom_proposal *proposal_r);
/* DOM_ABSENT: nothing is asked.  DOM_EDENIED: an order has agreed; cancel that. */
DOM_MUST_CHECK enum dom_status dom_move_refuse(struct dom_session *session);

/* --- afterwards ------------------------------------------------------------------- */

struct dom_move_found {
	char id[DOM_MOVE_ID_TEXT_SIZE + 1];
	char source[65], target[65];
	uint64_t epoch;
	uint8_t root[32];
	uint64_t revisions; /* that this device knew, and that are there */
	uint64_t lost;      /* that it knew, and that are not */
	uint64_t left;      /* collections that ended: shared ones, or erased by their owner */
	bool by_another;    /* another device has acknowledged before */
};
/* Has this device come along with a move that it has not acknowledged yet?  Asks nobody. */
bool dom_move_pending(struct dom_session *session);
/*
 * Sync in the new region, and compare: every revision that this device knew when the account
 * moved must be there, the account must live in the epoch that follows the order's, and the
 * root must be the one that both regions signed.  Then it signs that, and the source may
 * erase its copy.
 *
 *   DOM_ABSENT      there is nothing to acknowledge
 *   DOM_EINTEGRITY  something is not there, or not proven: nothing was signed, and the source
 *                   keeps its copy until the days of grace are over
 */
DOM_MUST_CHECK enum dom_status dom_move_acknowledge(
    struct dom_session *session, struct dom_move_found *found_r);

struct dom_move_certificate {
	char source[65], target[65];
	uint64_t epoch; /* in which the account lives at the target */
	uint8_t root[32];
	uint64_t collections, items, revisions, chunks, bytes; /* what moved */
	int64_t frozen_ms, handed_over_ms;                     /* the source's clock */
	bool has_ack, has_erased;                              /* these may come later */
	char file[4400];                                       /* where it was written */
};
/*
 * Fetch the proof of a move, check it, and write it to folder/name; name NULL: among the
 * receipts of the state folder.  domicile-verify checks it again without a network.
 *
 *   DOM_ABSENT      the region has none (yet)
 *   DOM_EINTEGRITY  it proves nothing; it was not written
 *   DOM_EFILE       it cannot be written, or another file of that name is there
 */
DOM_MUST_CHECK enum dom_status dom_move_certificate(struct dom_session *session, const char *id,
    const char *folder, const char *name, struct dom_move_certificate *certificate_r);

/* --- where ------------------------------------------------------------------------- */

struct dom_where {
	char region[65], country[3]; /* country: "" if no group says it */
	char server[1024];           /* that this device asks */
	char release[65];
	size_t address_count;
	char addresses[8][257]; /* that the group file names */
	/* the group; name "": the region is in none */
	char group[65];
	uint8_t group_key[32];
	uint64_t group_version;
	uint8_t region_key[32];
	uint64_t epoch;        /* 0: not known */
	int64_t round_trip_us; /* median of five */
	char regions[64][65];  /* others of the group that take accounts */
	size_t region_count;
};
DOM_MUST_CHECK enum dom_status dom_where(
    struct dom_session *session, struct dom_where *where_r);

#endif
