/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An entry of the region's catalogue on a terminal. */
#include "cli/entry.h"

#include <stdio.h>
#include <string.h>

#include "base/duration.h"

enum {
	LABEL_WIDTH = 14, /* of the longest, and a space */
	TEXT_WIDTH = 63,
};

void
entry_label(const char *label)
{
	printf("  %-*s", LABEL_WIDTH, label);
}

void
entry_paragraph(const char *label, const char *text)
{
	size_t column = 0;

	entry_label(label);
	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column > 0 && column + word + 1 > TEXT_WIDTH) {
			printf("\n%*s", LABEL_WIDTH + 2, "");
			column = 0;
		}
		printf("%s%.*s", column > 0 ? " " : "", (int)word, text);
		column += word + (column > 0);
		text += word + strspn(text + word, " ");
	}
	putchar('\n');
}

/* A duration of the catalogue in words; as it stands if it is none. */
static const char *
words_of(const char *text, char words_r[DOM_DURATION_WORDS_SIZE])
{
	struct dom_duration duration;

	if (dom_duration_parse(dom_slice_of(text), &duration) != DOM_OK)
		return text;
	dom_duration_words(&duration, words_r);
	return words_r;
}

const char *
entry_kept(const struct dom_catalogue_entry *entry, char text_r[ENTRY_KEPT_SIZE])
{
	char most[DOM_DURATION_WORDS_SIZE], least[DOM_DURATION_WORDS_SIZE];
	int size;

	if (entry->retention[0] == '\0')
		size = snprintf(text_r, ENTRY_KEPT_SIZE,
		    "until you erase it, also what you replace or delete");
	else
		size = snprintf(text_r, ENTRY_KEPT_SIZE,
		    "until you erase it; what you replace or delete is removed after %s",
		    words_of(entry->retention, most));
	if (entry->minimum[0] != '\0' && size < ENTRY_KEPT_SIZE)
		snprintf(text_r + size, (size_t)(ENTRY_KEPT_SIZE - size),
		    ". A law orders to keep it for %s: %s", words_of(entry->minimum, least),
		    entry->law);
	return text_r;
}

void
entry_print_classes(const char *label, const struct dom_catalogue_entry *entry)
{
	char line[4096] = "";
	size_t size = 0;

	for (size_t i = 0; i < entry->data_class_count && size < sizeof(line); i++)
		size += (size_t)snprintf(line + size, sizeof(line) - size, "%s%s",
		    i == 0 ? "" : ", ", entry->data_classes[i]);
	entry_paragraph(label, line);
}

void
entry_print_terms(const struct dom_catalogue_entry *entry)
{
	char line[2048], kept[ENTRY_KEPT_SIZE];

	for (size_t i = 0; i < entry->reader_count; i++) {
		snprintf(line, sizeof(line), "%s: %s", entry->readers[i].who,
		    entry->readers[i].what);
		entry_paragraph(i == 0 ? "Readable by" : "", line);
	}
	entry_paragraph("Kept", entry_kept(entry, kept));
}

void
entry_print(struct cli *cli, const struct dom_catalogue_entry *entry)
{
	char line[2048];

	printf("%s%s%s: %s\n", terminal_strong(&cli->terminal), entry->name,
	    terminal_plain(&cli->terminal), entry->title);
	entry_paragraph("Purpose", entry->purpose);
	entry_print_classes("Stored", entry);
	for (size_t i = 0; i < entry->field_count; i++) {
		snprintf(line, sizeof(line), "%s: %s; without it, %s", entry->fields[i].name,
		    entry->fields[i].why, entry->fields[i].without);
		entry_paragraph(i == 0 ? "Why" : "", line);
	}
	entry_print_terms(entry);
}
