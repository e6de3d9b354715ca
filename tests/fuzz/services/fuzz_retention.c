/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Lines of rules of retention: what is taken can be said in words, and comes
 * with others to a time that is past, or to a conflict that is listed.
 */
#include <assert.h>
#include <stdlib.h>

#include "services/retention/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t now_ms = INT64_C(1795219200000); /* 2026-11-21 */
enum { LINE_SIZE_MAX = 200 };

static struct retention_rules rules;

/* Each line is a rule; wrong ones are left out. */
static size_t
read_lines(char *text, struct dom_arena *arena, struct retention_rule *lines)
{
	char why[256], words[RETENTION_TEXT_SIZE], *rest = NULL;
	size_t count = 0;

	for (char *line = strtok_r(text, "\n", &rest);
	     line != NULL && count < RETENTION_LINES_MAX; line = strtok_r(NULL, "\n", &rest)) {
		if (strlen(line) > LINE_SIZE_MAX)
			continue;
		why[0] = '\0';
		if (retention_rule_parse(line, arena, &lines[count], why, sizeof(why)) ==
		    DOM_OK) {
			retention_rule_text(&lines[count], words);
			assert(strlen(words) < sizeof(words) - 1);
			count++;
		} else {
			assert(why[0] != '\0');
		}
	}
	return count;
}

static void
ask(enum retention_what what, const char *service)
{
	const struct retention_service of = {.name = dom_slice_of(service)};
	struct retention_conflict conflict;
	int64_t before_ms;
	enum dom_status st = retention_before(&rules, what, &of, 1, now_ms, &before_ms);

	assert(st != DOM_OK || before_ms <= now_ms);
	/* Of one service, nothing is held back that is not listed. */
	assert(st != DOM_CONFLICT || retention_conflict(&rules, 0, &conflict));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct retention_rule lines[RETENTION_LINES_MAX];
	struct retention_origin origin = {.lines = lines, .session_life_ms = 1};
	struct retention_conflict conflict;
	char words[RETENTION_TEXT_SIZE], why[256], *text;

	if (arena == NULL || (text = dom_arena_print(arena, "%.*s", (int)size,
	                          size == 0 ? "" : (const char *)data)) == NULL)
		abort();
	origin.line_count = read_lines(text, arena, lines);
	if (retention_rules_make(&origin, &rules, why, sizeof(why)) == DOM_OK) {
		for (unsigned what = 0; what < RETENTION_WHAT_COUNT; what++) {
			ask((enum retention_what)what, "contacts");
			ask((enum retention_what)what, "any");
		}
		for (size_t n = 0; retention_conflict(&rules, n, &conflict); n++)
			retention_conflict_text(&conflict, words);
	}
	dom_arena_free(&arena);
	return 0;
}
