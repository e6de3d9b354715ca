/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * ISO 8601 durations out of any bytes: what is read prints to a text that
 * means the same, and counting with it neither overflows nor is early.
 */
#include <assert.h>

#include "base/duration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
count_with(const struct dom_duration *duration, int64_t now_ms)
{
	int64_t limit_ms, due_ms;

	if (dom_duration_before(now_ms, duration, &limit_ms) != DOM_OK)
		return;
	assert(limit_ms <= now_ms);
	assert(dom_duration_after(limit_ms, duration, &due_ms) == DOM_OK);
	assert(due_ms <= now_ms);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dom_duration duration, again;
	char text[DOM_DURATION_TEXT_SIZE], words[DOM_DURATION_WORDS_SIZE];
	enum dom_status st = dom_duration_parse(dom_slice(data, size), &duration);
	uint64_t time = 0;

	assert(st == DOM_OK || dom_duration_is_zero(&duration));
	if (st != DOM_OK)
		return 0;
	dom_duration_print(&duration, text);
	dom_duration_words(&duration, words);
	assert(strlen(text) < sizeof(text) - 1 && strlen(words) < sizeof(words) - 1);
	assert(dom_duration_parse(dom_slice_of(text), &again) == DOM_OK);
	assert(again.months == duration.months && again.ms == duration.ms);
	/* Any time, drawn from the text's own bytes. */
	for (size_t i = 0; i < size; i++)
		time = time * 31 + data[i];
	count_with(&duration, (int64_t)(time % UINT64_C(253402300799999)));
	count_with(&duration, (int64_t)time);
	return 0;
}
