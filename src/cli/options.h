/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Long options, a table per command; a wrong word gets a suggestion. */

struct cli_option {
	const char *name;  /* without the dashes */
	const char *value; /* what the help calls it; NULL: a switch */
	const char *help;
};

enum { OPTIONS_GIVEN_MAX = 64 };

struct options {
	struct {
		const char *name; /* the table's own string */
		const char *value;
	} given[OPTIONS_GIVEN_MAX];
	size_t given_count;
	const char **words; /* what is not an option, in order */
	size_t word_count;
};

/*
 * Parse count arguments against two tables (either may be NULL) that end with a
 * NULL name.  `words` must hold count pointers.  An id of the protocol is a word,
 * whatever it begins with.  False: fault_r has a sentence.
 */
bool options_parse(struct options *options, const char *const *arguments, size_t count,
    const char **words, const struct cli_option *own, const struct cli_option *common,
    char *fault_r, size_t fault_size);

bool options_has(const struct options *options, const char *name);
/* The last one given, or NULL. */
const char *options_value(const struct options *options, const char *name);

/*
 * The entry of a NULL-terminated list that the word was probably meant to be;
 * NULL if none is near.
 */
const char *options_suggest(const char *word, const char *const *list);

#endif
