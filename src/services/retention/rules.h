/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_RETENTION_RULES_H
#define SERVICES_RETENTION_RULES_H

#include "base/arena.h"
#include "base/duration.h"

#include "wire/catalogue.h"

/*
 * How long a region keeps what nobody needs any more: rules, as the operator
 * and the catalogue of services say them.  docs/retention.md is for people.
 *
 * Every rule that applies holds: of several at-most the first one to pass
 * erases.  Where an at-least may end after an at-most, they conflict: that is
 * listed, and nothing that both apply to is erased until one is changed.
 */
enum retention_what {
	RETENTION_HISTORY,     /* revisions, since they were replaced */
	RETENTION_CHUNKS,      /* that no revision names, since they were stored */
	RETENTION_COLLECTIONS, /* that nobody is a member of, since the last one left */
	RETENTION_SESSIONS,    /* since they were used */
	RETENTION_ACCOUNTS,    /* since a session of theirs was used */
	RETENTION_WHAT_COUNT,
};

enum retention_kind { RETENTION_AT_MOST, RETENTION_AT_LEAST };

enum {
	RETENTION_RULES_MAX = 128,
	RETENTION_LINES_MAX = 32, /* of the operator's */
	RETENTION_SERVICE_SIZE_MAX = 32,
	RETENTION_TEXT_SIZE = 512, /* of a rule or a conflict in words */
};

struct retention_rule {
	enum retention_what what;
	enum retention_kind kind;
	const char *service; /* "all": every one; always so for sessions and accounts */
	struct dom_duration keep;
	struct dom_duration notice; /* accounts, at most: how long before the end */
	const char *reason;         /* at least: what orders it; else "" */
	const char *source;         /* who says so: "domiciled.conf", "catalogue" .. */
};

/* Immutable once they are made: any thread may look. */
struct retention_rules {
	struct retention_rule rules[RETENTION_RULES_MAX];
	size_t count;
	/* [i][j]: i orders to keep for longer than j allows, should both apply. */
	bool contradicts[RETENTION_RULES_MAX][RETENTION_RULES_MAX];
};

/* "history" .., as it is written in a rule. */
const char *retention_what_name(enum retention_what what);

/*
 * One line of the operator's:
 *   WHAT SERVICE|all at-most DURATION [notice DURATION]
 *   WHAT SERVICE|all at-least DURATION REASON
 * Texts live in the arena.  DOM_EINPUT: why_r says in a sentence what is wrong.
 */
DOM_MUST_CHECK enum dom_status retention_rule_parse(const char *line, struct dom_arena *arena,
    struct retention_rule *rule_r, char *why_r, size_t why_size);

struct retention_origin {
	const struct retention_rule *lines; /* the operator's */
	size_t line_count;
	const struct wire_catalogue *catalogue; /* NULL: none; outlives the rules */
	int64_t session_life_ms;                /* 0: sessions have no end of their own */
};

/*
 * All that holds in the region: the operator's, the catalogue's, and the
 * standard for what needs one and has none.  DOM_EINPUT, DOM_ELIMIT: why_r.
 */
DOM_MUST_CHECK enum dom_status retention_rules_make(const struct retention_origin *origin,
    struct retention_rules *rules_r, char *why_r, size_t why_size);

/* A service that something belongs to. */
struct retention_service {
	struct dom_slice name;
	/*
	 * How long history is kept by the newest consent that its owner has signed
	 * to it, none if zero: an at-most too, also when the catalogue says
	 * another by now.
	 */
	struct dom_duration promised;
};

/*
 * What is older than *before_ms_r (T) may go, of what belongs to these services
 * (NULL and 0: none, so only rules for all apply), at region time time_ms.
 *   DOM_ABSENT    no rule erases it yet
 *   DOM_CONFLICT  rules conflict: nothing is erased
 */
DOM_MUST_CHECK enum dom_status retention_before(const struct retention_rules *rules,
    enum retention_what what, const struct retention_service *services, size_t service_count,
    int64_t time_ms, int64_t *before_ms_r);
/* The latest of these by rules for any services; what was promised may be later. */
DOM_MUST_CHECK enum dom_status retention_before_latest(const struct retention_rules *rules,
    enum retention_what what, int64_t time_ms, int64_t *before_ms_r);
/* Nothing that is younger is due, whatever was promised: what is kept, is for a day. */
int64_t retention_before_all(int64_t time_ms);
/* Is there a rule for a service, so that it matters which one owns something? */
bool retention_needs_services(const struct retention_rules *rules, enum retention_what what);

/*
 * Accounts: an owner who was last seen before *before_ms_r is told; who was
 * told before *told_before_ms_r has been told for long enough.  As above.
 */
DOM_MUST_CHECK enum dom_status retention_notice_before(const struct retention_rules *rules,
    int64_t time_ms, int64_t *before_ms_r, int64_t *told_before_ms_r);
/* When an account is erased that was last active and told then; DOM_ABSENT: never. */
DOM_MUST_CHECK enum dom_status retention_account_end(
    const struct retention_rules *rules, int64_t active_ms, int64_t told_ms, int64_t *end_ms_r);

struct retention_conflict {
	const struct retention_rule *least, *most;
};
/* The n-th, from 0; false: there are no more. */
bool retention_conflict(
    const struct retention_rules *rules, size_t n, struct retention_conflict *conflict_r);

/* In words, for a person; RETENTION_TEXT_SIZE. */
void retention_rule_text(const struct retention_rule *rule, char *text_r);
void retention_conflict_text(const struct retention_conflict *conflict, char *text_r);

#endif
