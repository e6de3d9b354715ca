/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Edit distance between a typing error and the words that exist. */
#include "daemon/nearest.h"

#include <string.h>

enum { WORD_SIZE_MAX = 64 };

/* Insertions, deletions and changes from a to b, in one row of the usual table. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_SIZE_MAX + 1], b_size = strlen(b);

	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[b_size];
}

const char *
nearest_word(const char *typed, const char *const *words, size_t count)
{
	size_t best = strlen(typed) / 3 + 2; /* more would be another word */
	const char *nearest = NULL;

	if (strlen(typed) > WORD_SIZE_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t apart;

		if (strlen(words[i]) > WORD_SIZE_MAX)
			continue;
		apart = distance(typed, words[i]);
		if (apart < best) {
			best = apart;
			nearest = words[i];
		}
	}
	return nearest;
}
