/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The catalogue of services: what is read can be shown on a terminal, and reads
 * as the same again; what is refused says why.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/catalogue.h"
#include "wire/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
	for (; *text != '\0'; text++)
		assert((uint8_t)*text >= 0x20 && *text != 0x7f);
}

static void
check_entry(const struct dom_catalogue_entry *entry)
{
	assert(wire_service_valid(dom_slice_of(entry->name)) && entry->version > 0);
	assert((entry->minimum[0] == '\0') == (entry->law[0] == '\0'));
	check_text(entry->title);
	check_text(entry->purpose);
	check_text(entry->law);
	for (size_t i = 0; i < entry->data_class_count; i++)
		check_text(entry->data_classes[i]);
	for (size_t i = 0; i < entry->field_count; i++) {
		check_text(entry->fields[i].name);
		check_text(entry->fields[i].why);
		check_text(entry->fields[i].without);
	}
	for (size_t i = 0; i < entry->reader_count; i++) {
		check_text(entry->readers[i].who);
		check_text(entry->readers[i].what);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_catalogue *first, *second;
	char why[256] = "";
	enum dom_status st =
	    wire_catalogue_read(dom_slice(data, size), &first, why, sizeof(why));

	if (st != DOM_OK) {
		assert(first == NULL && why[0] != '\0');
		return 0;
	}
	assert(dom_slice_equal(first->text, dom_slice(data, size)) && first->count > 0);
	if (wire_catalogue_read(first->text, &second, why, sizeof(why)) != DOM_OK)
		abort();
	assert(first->count == second->count);
	for (size_t i = 0; i < first->count; i++) {
		check_entry(&first->entries[i]);
		assert(wire_catalogue_find(first, dom_slice_of(first->entries[i].name)) ==
		       &first->entries[i]);
		assert(memcmp(first->entries[i].terms, second->entries[i].terms,
		           DOM_TERMS_SIZE) == 0);
	}
	wire_catalogue_free(&first);
	wire_catalogue_free(&second);
	return 0;
}
