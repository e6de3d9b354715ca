/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading a command line: long options, words, and what was probably meant. */
#include "cli/options.h"

#include <string.h>

#include "cli/text.h"

enum {
	SUGGEST_LIST_MAX = 64,
	/* Of an id of a collection, an item or an invitation; every option is shorter. */
	ID_SIZE_MIN = 20,
	ID_SIZE_MAX = 64,
};

const char *
options_suggest(const char *word, const char *const *list)
{
	const char *best = NULL;
	unsigned best_distance = 3; /* further away is no suggestion but a guess */
	size_t begins = 0;

	/* "sess" means sessions, if nothing else begins so. */
	for (size_t at = 0; list[at] != NULL && strlen(word) >= 2; at++) {
		if (strncmp(list[at], word, strlen(word)) == 0 && begins++ == 0)
			best = list[at];
	}
	if (begins == 1)
		return best;
	best = NULL;
	for (size_t at = 0; list[at] != NULL; at++) {
		unsigned distance = text_distance(word, list[at]);

		/* Of a short word nearly every letter may not be wrong. */
		if (distance * 2 > strlen(list[at]) && distance > 1)
			continue;
		if (distance < best_distance) {
			best = list[at];
			best_distance = distance;
		}
	}
	return best;
}

static const struct cli_option *
options_find(const struct cli_option *table, const char *name, size_t size)
{
	for (; table != NULL && table->name != NULL; table++) {
		if (strlen(table->name) == size && memcmp(table->name, name, size) == 0)
			return table;
	}
	return NULL;
}

/*
 * One id in 64 begins with a hyphen, and nobody who pastes one thinks of that.  Words of
 * small letters are an option that somebody has mistyped: not one id in 30 million is so.
 */
static bool
options_is_id(const char *argument)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	static const char of_options[] = "abcdefghijklmnopqrstuvwxyz-";
	size_t size = strlen(argument);

	return size >= ID_SIZE_MIN && size <= ID_SIZE_MAX &&
	       strspn(argument, letters) == size && strspn(argument, of_options) != size;
}

static void
options_unknown(const char *argument, size_t name_size, const struct cli_option *own,
    const struct cli_option *common, char *fault_r, size_t fault_size)
{
	const char *names[SUGGEST_LIST_MAX + 1];
	char name[64];
	size_t count = 0;
	const char *near;

	if (strncmp(argument, "--password", name_size + 2) == 0 && name_size == 8) {
		snprintf(fault_r, fault_size,
		    "a password on the command line can be read by every program of this "
		    "machine: "
		    "leave it out and type it when asked, or hand it in with --password-fd N");
		return;
	}
	for (const struct cli_option *table = own; count < SUGGEST_LIST_MAX; table++) {
		if (table == NULL || table->name == NULL) {
			if (common == NULL)
				break;
			table = common;
			common = NULL;
			if (table->name == NULL)
				break;
		}
		names[count++] = table->name;
	}
	names[count] = NULL;
	snprintf(name, sizeof(name), "%.*s", (int)name_size, argument + 2);
	near = argument[1] == '-' ? options_suggest(name, names) : NULL;
	snprintf(fault_r, fault_size, "there is no option %.*s%s%s%s",
	    (int)(argument[1] == '-' ? name_size + 2 : 40), argument,
	    near == NULL ? "" : "; did you mean --", near == NULL ? "" : near,
	    near == NULL ? "" : "?");
}

bool
options_parse(struct options *options, const char *const *arguments, size_t count,
    const char **words, const struct cli_option *own, const struct cli_option *common,
    char *fault_r, size_t fault_size)
{
	bool only_words = false;

	*options = (struct options){.words = words};
	for (size_t at = 0; at < count; at++) {
		const char *argument = arguments[at];
		const struct cli_option *option;
		const char *equals;
		size_t size;

		if (only_words || argument[0] != '-' || argument[1] == '\0') {
			words[options->word_count++] = argument;
			continue;
		}
		if (strcmp(argument, "--") == 0) {
			only_words = true;
			continue;
		}
		if (strcmp(argument, "-h") == 0)
			argument = "--help";
		equals = strchr(argument, '=');
		size = (equals == NULL ? strlen(argument) : (size_t)(equals - argument));
		size = size < 2 ? 0 : size - 2;
		option = argument[1] == '-' ? options_find(own, argument + 2, size) : NULL;
		if (option == NULL && argument[1] == '-')
			option = options_find(common, argument + 2, size);
		if (option == NULL && options_is_id(argument)) {
			words[options->word_count++] = argument;
			continue;
		}
		if (option == NULL) {
			options_unknown(argument, size, own, common, fault_r, fault_size);
			return false;
		}
		if (options->given_count == OPTIONS_GIVEN_MAX) {
			snprintf(fault_r, fault_size, "too many options, at most %d",
			    OPTIONS_GIVEN_MAX);
			return false;
		}
		options->given[options->given_count].name = option->name;
		options->given[options->given_count].value = NULL;
		if (option->value == NULL && equals != NULL) {
			snprintf(fault_r, fault_size, "--%s takes no value", option->name);
			return false;
		}
		if (option->value != NULL && equals == NULL && at + 1 == count) {
			snprintf(fault_r, fault_size, "--%s needs a value: %s", option->name,
			    option->value);
			return false;
		}
		if (option->value != NULL)
			options->given[options->given_count].value =
			    equals == NULL ? arguments[++at] : equals + 1;
		options->given_count++;
	}
	return true;
}

bool
options_has(const struct options *options, const char *name)
{
	for (size_t at = 0; at < options->given_count; at++) {
		if (strcmp(options->given[at].name, name) == 0)
			return true;
	}
	return false;
}

const char *
options_value(const struct options *options, const char *name)
{
	for (size_t at = options->given_count; at-- > 0;) {
		if (strcmp(options->given[at].name, name) == 0)
			return options->given[at].value;
	}
	return NULL;
}
