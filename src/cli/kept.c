/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's rules of retention as sentences. */
#include "cli/kept.h"

#include <string.h>

#include "base/duration.h"

#include "cli/text.h"

static const char *
what_text(const char *what)
{
	static const struct {
		const char *what, *text;
	} texts[] = {
	    {"history", "what was replaced or deleted"},
	    {"unreferenced-chunks", "parts of uploads that were given up"},
	    {"erased-collections", "collections that everybody has left"},
	    {"idle-sessions", "logins of devices that are not used"},
	    {"inactive-accounts", "the account, if nobody uses it"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].what, what) == 0)
			return texts[i].text;
	return what;
}

/* The client has seen that it is one. */
static const char *
words(const char *text, char words_r[DOM_DURATION_WORDS_SIZE])
{
	struct dom_duration duration;

	if (dom_duration_parse(dom_slice_of(text), &duration) != DOM_OK)
		return text;
	dom_duration_words(&duration, words_r);
	return words_r;
}

void
kept_print(FILE *out, const struct dom_retention *kept)
{
	char keep[DOM_DURATION_WORDS_SIZE], notice[DOM_DURATION_WORDS_SIZE];
	bool bounds_history = false;

	fputs("Besides what is there now, the region keeps:\n", out);
	for (size_t i = 0; i < kept->count; i++) {
		const struct dom_retention_rule *rule = &kept->rules[i];
		bool of_all = strcmp(rule->service, "all") == 0;

		bounds_history |=
		    of_all && !rule->at_least && strcmp(rule->what, "history") == 0;
		fprintf(out, "  %s%s%s: %s %s", what_text(rule->what), of_all ? "" : ", of ",
		    of_all ? "" : rule->service, rule->at_least ? "at least" : "at most",
		    words(rule->keep, keep));
		if (rule->reason[0] != '\0')
			fprintf(out, ", ordered by %s", rule->reason);
		if (rule->notice[0] != '\0')
			fprintf(out, ", told %s before", words(rule->notice, notice));
		fputc('\n', out);
	}
	if (!bounds_history)
		fputs("  what was replaced or deleted, of all else: until you erase it\n", out);
}

void
kept_json(struct json *json, const struct dom_retention *kept)
{
	json_open(json, "retention", '[');
	for (size_t i = 0; i < kept->count; i++) {
		const struct dom_retention_rule *rule = &kept->rules[i];

		json_open(json, NULL, '{');
		json_text(json, "what", rule->what);
		json_text(json, "service", rule->service);
		json_text(json, "kind", rule->at_least ? "at-least" : "at-most");
		json_text(json, "keep", rule->keep);
		json_text(json, "notice", rule->notice[0] == '\0' ? NULL : rule->notice);
		json_text(json, "reason", rule->reason[0] == '\0' ? NULL : rule->reason);
		json_close(json);
	}
	json_close(json);
	json_time(json, "told_ms", kept->told_ms);
	json_time(json, "end_ms", kept->end_ms);
}

void
kept_notice(FILE *out, const struct dom_retention *kept)
{
	char told[TEXT_SHORT], end[TEXT_SHORT];

	if (kept->told_ms == 0)
		return;
	text_time(kept->told_ms, told);
	if (kept->end_ms == 0)
		fprintf(out,
		    "This account was not used for so long that the region noted on %s that it "
		    "would be erased. You use it now, so it stays.\n",
		    told);
	else
		fprintf(out,
		    "This account was not used for long: the region noted on %s that it will "
		    "be "
		    "erased on %s. Any use of it, such as a backup, ends that.\n",
		    told, text_time(kept->end_ms, end));
}
