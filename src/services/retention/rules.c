/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the rules are, where they come from, and which of them hold together. */
#include "services/retention/rules.h"

#include <assert.h>
#include <stdio.h>

static const char all[] = "all", any[] = "any";
static const int64_t day_ms = 24 * 3600 * 1000;

/* The standard, where the operator has said nothing for all services. */
enum { CHUNKS_DAYS = 7, COLLECTIONS_DAYS = 7, NOTICE_DAYS = 30 };
/*
 * Shorter ones would hit what is under way: uploads send chunks before the
 * revisions that name them, a session's use is written down once an hour.
 */
enum { AT_MOST_DAYS_LEAST = 1, ACCOUNT_DAYS_LEAST = 30, NOTICE_DAYS_LEAST = 7 };

static const char *const what_names[RETENTION_WHAT_COUNT] = {
    [RETENTION_HISTORY] = "history",
    [RETENTION_CHUNKS] = "unreferenced-chunks",
    [RETENTION_COLLECTIONS] = "erased-collections",
    [RETENTION_SESSIONS] = "idle-sessions",
    [RETENTION_ACCOUNTS] = "inactive-accounts",
};

const char *
retention_what_name(enum retention_what what)
{
	assert(what < RETENTION_WHAT_COUNT);
	return what_names[what];
}

static bool
is_for_accounts(enum retention_what what)
{
	return what == RETENTION_SESSIONS || what == RETENTION_ACCOUNTS;
}

static struct dom_duration
days(int64_t count)
{
	return (struct dom_duration){.ms = count * day_ms};
}

/* --- one line ------------------------------------------------------------------ */

enum { WORD_SIZE = 80 };

/* The next word, cut to WORD_SIZE; false: there is none. */
static bool
next_word(const char **at, char word_r[WORD_SIZE])
{
	size_t size = 0;

	*at += strspn(*at, " \t");
	for (; **at != '\0' && **at != ' ' && **at != '\t'; (*at)++)
		if (size < WORD_SIZE - 1)
			word_r[size++] = **at;
	word_r[size] = '\0';
	return size != 0;
}

static bool
read_what(const char *word, enum retention_what *what_r)
{
	for (unsigned i = 0; i < RETENTION_WHAT_COUNT; i++) {
		if (strcmp(word, what_names[i]) == 0) {
			*what_r = (enum retention_what)i;
			return true;
		}
	}
	return false;
}

static bool
is_service_name(const char *word)
{
	size_t size = strlen(word);

	return size != 0 && size <= RETENTION_SERVICE_SIZE_MAX &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

static enum dom_status
read_duration(const char **at, const char *name, struct dom_duration *duration_r, char *why_r,
    size_t why_size)
{
	char word[WORD_SIZE];

	if (!next_word(at, word)) {
		snprintf(why_r, why_size,
		    "after \"%s\" comes how long, an ISO 8601 duration such as P90D or P1Y6M",
		    name);
		return DOM_EINPUT;
	}
	if (dom_duration_parse(dom_slice_of(word), duration_r) == DOM_OK &&
	    !dom_duration_is_zero(duration_r))
		return DOM_OK;
	snprintf(why_r, why_size,
	    "\"%s\" is not how long: that is an ISO 8601 duration such as P90D or P1Y6M", word);
	return DOM_EINPUT;
}

static enum dom_status
check_at_most(const struct retention_rule *rule, char *why_r, size_t why_size)
{
	const struct dom_duration least =
	    days(rule->what == RETENTION_ACCOUNTS ? ACCOUNT_DAYS_LEAST : AT_MOST_DAYS_LEAST);
	const struct dom_duration notice_least = days(NOTICE_DAYS_LEAST);
	char words[DOM_DURATION_WORDS_SIZE];

	if (dom_duration_may_exceed(&least, &rule->keep)) {
		dom_duration_words(&least, words);
		snprintf(why_r, why_size, "%s cannot be kept for less than %s",
		    what_names[rule->what], words);
		return DOM_EINPUT;
	}
	if (rule->what != RETENTION_ACCOUNTS)
		return DOM_OK;
	if (dom_duration_may_exceed(&notice_least, &rule->notice) ||
	    dom_duration_may_exceed(&rule->notice, &rule->keep)) {
		snprintf(why_r, why_size,
		    "notice must be at least P%dD, and no longer than the account is kept",
		    NOTICE_DAYS_LEAST);
		return DOM_EINPUT;
	}
	return DOM_OK;
}

static enum dom_status
read_at_most(const char *at, struct retention_rule *rule, char *why_r, size_t why_size)
{
	char word[WORD_SIZE];
	enum dom_status st;

	if (rule->what == RETENTION_ACCOUNTS)
		rule->notice = days(NOTICE_DAYS);
	if (next_word(&at, word)) {
		if (rule->what != RETENTION_ACCOUNTS || strcmp(word, "notice") != 0) {
			snprintf(why_r, why_size, "\"%s\" is too much in this rule%s", word,
			    rule->what == RETENTION_ACCOUNTS ? "; \"notice P30D\" may follow"
			                                     : "");
			return DOM_EINPUT;
		}
		if ((st = read_duration(&at, "notice", &rule->notice, why_r, why_size)) !=
		    DOM_OK)
			return st;
		if (next_word(&at, word)) {
			snprintf(why_r, why_size, "\"%s\" is too much in this rule", word);
			return DOM_EINPUT;
		}
	}
	return check_at_most(rule, why_r, why_size);
}

static enum dom_status
read_at_least(const char *at, struct dom_arena *arena, struct retention_rule *rule, char *why_r,
    size_t why_size)
{
	if (rule->what == RETENTION_SESSIONS) {
		snprintf(why_r, why_size,
		    "idle-sessions has no at-least: nothing is lost with a session but a "
		    "login");
		return DOM_EINPUT;
	}
	at += strspn(at, " \t");
	if (*at == '\0') {
		snprintf(why_r, why_size,
		    "at-least needs a reason after how long: the law that orders it, such as "
		    "\"at-least P6M Act 12, section 3\"");
		return DOM_EINPUT;
	}
	rule->reason = dom_arena_print(arena, "%s", at);
	return rule->reason == NULL ? DOM_ENOMEM : DOM_OK;
}

static enum dom_status
read_service(const char *word, struct dom_arena *arena, struct retention_rule *rule,
    char *why_r, size_t why_size)
{
	if (is_for_accounts(rule->what) && strcmp(word, all) != 0) {
		snprintf(why_r, why_size, "%s is for all services: write \"%s all\"",
		    what_names[rule->what], what_names[rule->what]);
		return DOM_EINPUT;
	}
	if (!is_service_name(word)) {
		snprintf(why_r, why_size, "after \"%s\" comes a service's name, or all",
		    what_names[rule->what]);
		return DOM_EINPUT;
	}
	rule->service = dom_arena_print(arena, "%s", word);
	return rule->service == NULL ? DOM_ENOMEM : DOM_OK;
}

enum dom_status
retention_rule_parse(const char *line, struct dom_arena *arena, struct retention_rule *rule_r,
    char *why_r, size_t why_size)
{
	struct retention_rule rule = {.reason = "", .source = "domiciled.conf"};
	char word[WORD_SIZE];
	enum dom_status st;

	if (!next_word(&line, word) || !read_what(word, &rule.what)) {
		snprintf(why_r, why_size,
		    "a rule begins with what it is about: history, unreferenced-chunks, "
		    "erased-collections, idle-sessions or inactive-accounts, not \"%s\"",
		    word);
		return DOM_EINPUT;
	}
	next_word(&line, word);
	if ((st = read_service(word, arena, &rule, why_r, why_size)) != DOM_OK)
		return st;
	next_word(&line, word);
	if (strcmp(word, "at-most") != 0 && strcmp(word, "at-least") != 0) {
		snprintf(why_r, why_size,
		    "after the service comes at-most or at-least, not \"%s\"", word);
		return DOM_EINPUT;
	}
	rule.kind = strcmp(word, "at-most") == 0 ? RETENTION_AT_MOST : RETENTION_AT_LEAST;
	if ((st = read_duration(&line, word, &rule.keep, why_r, why_size)) != DOM_OK)
		return st;
	st = rule.kind == RETENTION_AT_MOST
	         ? read_at_most(line, &rule, why_r, why_size)
	         : read_at_least(line, arena, &rule, why_r, why_size);
	if (st == DOM_OK)
		*rule_r = rule;
	return st;
}

/* --- all of them ------------------------------------------------------------------ */

static enum dom_status
add(struct retention_rules *rules, const struct retention_rule *rule, char *why_r,
    size_t why_size)
{
	if (rules->count == RETENTION_RULES_MAX) {
		snprintf(why_r, why_size, "there are more than %d rules of retention",
		    RETENTION_RULES_MAX);
		return DOM_ELIMIT;
	}
	rules->rules[rules->count++] = *rule;
	return DOM_OK;
}

static bool
is_known_service(const struct wire_catalogue *catalogue, const char *service)
{
	return strcmp(service, all) == 0 || strcmp(service, any) == 0 || catalogue == NULL ||
	       wire_catalogue_find(catalogue, dom_slice_of(service)) != NULL;
}

static enum dom_status
add_lines(const struct retention_origin *origin, struct retention_rules *rules, char *why_r,
    size_t why_size)
{
	enum dom_status st = DOM_OK;
	unsigned ends = 0;

	for (size_t i = 0; st == DOM_OK && i < origin->line_count; i++) {
		if (!is_known_service(origin->catalogue, origin->lines[i].service)) {
			snprintf(why_r, why_size,
			    "a rule of retention is for \"%s\", and the catalogue has no such "
			    "service",
			    origin->lines[i].service);
			return DOM_EINPUT;
		}
		st = add(rules, &origin->lines[i], why_r, why_size);
	}
	for (size_t i = 0; i < rules->count; i++)
		ends += rules->rules[i].what == RETENTION_ACCOUNTS &&
		        rules->rules[i].kind == RETENTION_AT_MOST;
	if (st == DOM_OK && ends > 1) {
		snprintf(why_r, why_size, "inactive-accounts has more than one at-most");
		return DOM_EINPUT;
	}
	return st;
}

/* What the catalogue promises, and the law that it names, are about history. */
static enum dom_status
add_entry(const struct dom_catalogue_entry *entry, struct retention_rules *rules, char *why_r,
    size_t why_size)
{
	struct retention_rule rule = {.what = RETENTION_HISTORY,
	    .service = entry->name,
	    .reason = "",
	    .source = "catalogue"};
	enum dom_status st = DOM_OK;

	if (entry->retention[0] != '\0') {
		if (dom_duration_parse(dom_slice_of(entry->retention), &rule.keep) != DOM_OK ||
		    check_at_most(&rule, why_r, why_size) != DOM_OK) {
			snprintf(why_r, why_size,
			    "the catalogue's retention of %s must be P1D or longer, not \"%s\"",
			    entry->name, entry->retention);
			return DOM_EINPUT;
		}
		st = add(rules, &rule, why_r, why_size);
	}
	if (st != DOM_OK || entry->minimum[0] == '\0')
		return st;
	rule.kind = RETENTION_AT_LEAST;
	rule.reason = entry->law;
	if (dom_duration_parse(dom_slice_of(entry->minimum), &rule.keep) != DOM_OK) {
		snprintf(why_r, why_size,
		    "the catalogue's minimum of %s is no duration: \"%s\"", entry->name,
		    entry->minimum);
		return DOM_EINPUT;
	}
	return add(rules, &rule, why_r, why_size);
}

static bool
has_at_most_for_all(const struct retention_rules *rules, enum retention_what what)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (rules->rules[i].what == what && rules->rules[i].kind == RETENTION_AT_MOST &&
		    strcmp(rules->rules[i].service, all) == 0)
			return true;
	}
	return false;
}

static enum dom_status
add_standard(const struct retention_origin *origin, struct retention_rules *rules, char *why_r,
    size_t why_size)
{
	const struct retention_rule standard[] = {
	    {RETENTION_CHUNKS, RETENTION_AT_MOST, all, days(CHUNKS_DAYS), {0}, "", "standard"},
	    {RETENTION_COLLECTIONS, RETENTION_AT_MOST, all, days(COLLECTIONS_DAYS), {0}, "",
	        "standard"},
	};
	const struct retention_rule sessions = {RETENTION_SESSIONS, RETENTION_AT_MOST, all,
	    {.ms = origin->session_life_ms}, {0}, "", "session_days"};
	enum dom_status st = DOM_OK;

	for (size_t i = 0; st == DOM_OK && i < sizeof(standard) / sizeof(standard[0]); i++)
		if (!has_at_most_for_all(rules, standard[i].what))
			st = add(rules, &standard[i], why_r, why_size);
	if (st == DOM_OK && origin->session_life_ms > 0)
		st = add(rules, &sessions, why_r, why_size);
	return st;
}

static bool
contradict(const struct retention_rule *least, const struct retention_rule *most)
{
	return least->what == most->what && least->kind == RETENTION_AT_LEAST &&
	       most->kind == RETENTION_AT_MOST &&
	       dom_duration_may_exceed(&least->keep, &most->keep);
}

enum dom_status
retention_rules_make(const struct retention_origin *origin, struct retention_rules *rules_r,
    char *why_r, size_t why_size)
{
	enum dom_status st;

	rules_r->count = 0;
	st = add_lines(origin, rules_r, why_r, why_size);
	for (size_t i = 0;
	     st == DOM_OK && origin->catalogue != NULL && i < origin->catalogue->count; i++)
		st = add_entry(&origin->catalogue->entries[i], rules_r, why_r, why_size);
	if (st == DOM_OK)
		st = add_standard(origin, rules_r, why_r, why_size);
	for (size_t i = 0; i < rules_r->count; i++)
		for (size_t j = 0; j < rules_r->count; j++)
			rules_r->contradicts[i][j] =
			    contradict(&rules_r->rules[i], &rules_r->rules[j]);
	return st;
}

/* --- conflicts ------------------------------------------------------------------- */

static bool
may_meet(const struct retention_rule *one, const struct retention_rule *other)
{
	return strcmp(one->service, all) == 0 || strcmp(other->service, all) == 0 ||
	       strcmp(one->service, other->service) == 0;
}

bool
retention_conflict(
    const struct retention_rules *rules, size_t n, struct retention_conflict *conflict_r)
{
	for (size_t i = 0; i < rules->count; i++) {
		for (size_t j = 0; j < rules->count; j++) {
			if (!rules->contradicts[i][j] ||
			    !may_meet(&rules->rules[i], &rules->rules[j]) || n-- != 0)
				continue;
			*conflict_r = (struct retention_conflict){
			    .least = &rules->rules[i], .most = &rules->rules[j]};
			return true;
		}
	}
	return false;
}

/* --- in words -------------------------------------------------------------------- */

static void
about(const struct retention_rule *rule, char *text_r, size_t size)
{
	if (strcmp(rule->service, all) == 0)
		snprintf(text_r, size, "%s", what_names[rule->what]);
	else
		snprintf(text_r, size, "%s of %s", what_names[rule->what], rule->service);
}

void
retention_rule_text(const struct retention_rule *rule, char *text_r)
{
	char keep[DOM_DURATION_WORDS_SIZE], notice[DOM_DURATION_WORDS_SIZE], name[WORD_SIZE];

	about(rule, name, sizeof(name));
	dom_duration_words(&rule->keep, keep);
	dom_duration_words(&rule->notice, notice);
	if (rule->kind == RETENTION_AT_LEAST)
		snprintf(text_r, RETENTION_TEXT_SIZE, "%s: at least %s, ordered by %s (%s)",
		    name, keep, rule->reason, rule->source);
	else if (rule->what == RETENTION_ACCOUNTS)
		snprintf(text_r, RETENTION_TEXT_SIZE,
		    "%s: at most %s, with a notice %s before (%s)", name, keep, notice,
		    rule->source);
	else
		snprintf(text_r, RETENTION_TEXT_SIZE, "%s: at most %s (%s)", name, keep,
		    rule->source);
}

void
retention_conflict_text(const struct retention_conflict *conflict, char *text_r)
{
	const struct retention_rule *least = conflict->least, *most = conflict->most;
	char least_keep[DOM_DURATION_WORDS_SIZE], most_keep[DOM_DURATION_WORDS_SIZE];
	char name[WORD_SIZE];

	/* What both apply to is what the narrower one is about. */
	about(strcmp(least->service, all) == 0 ? most : least, name, sizeof(name));
	dom_duration_words(&least->keep, least_keep);
	dom_duration_words(&most->keep, most_keep);
	snprintf(text_r, RETENTION_TEXT_SIZE,
	    "%s: %s orders at least %s (%s), %s allows at most %s; nothing of it is erased "
	    "until "
	    "one of them changes",
	    name, least->reason, least_keep, least->source, most->source, most_keep);
}
