/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_CATALOGUE_H
#define WIRE_CATALOGUE_H

#include <domicile/catalogue.h>
#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * A region's catalogue of services: one JSON file, read by the server when it
 * starts and by clients before they ask a person.  docs/catalogue.md is the
 * format.  Strict: an unknown key, a missing one or a text with control
 * characters is refused, and why says where.
 */
enum {
	WIRE_CATALOGUE_SIZE_MAX = 256 << 10,
	WIRE_CATALOGUE_SERVICES_MAX = 32,
	WIRE_CATALOGUE_LIST_MAX = 32,  /* data classes, fields, readers of a service */
	WIRE_CATALOGUE_TEXT_MAX = 512, /* bytes; a purpose: WIRE_PURPOSE_SIZE_MAX */
};

/* Immutable once it is read: any thread may look. */
struct wire_catalogue {
	struct dom_slice text; /* as it was read, byte for byte */
	const struct dom_catalogue_entry *entries;
	size_t count;
	struct dom_arena *arena; /* holds all of it */
};

/*
 * DOM_OK: free it.  DOM_EINPUT, DOM_ELIMIT: why_r says what is wrong, with the
 * line where the text is no JSON, else with the service and the key.
 */
DOM_MUST_CHECK enum dom_status wire_catalogue_read(
    struct dom_slice text, struct wire_catalogue **catalogue_r, char *why_r, size_t why_size);
void wire_catalogue_free(struct wire_catalogue **catalogue);

/* NULL: the catalogue has no such service. */
const struct dom_catalogue_entry *wire_catalogue_find(
    const struct wire_catalogue *catalogue, struct dom_slice service);

#endif
