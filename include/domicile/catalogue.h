/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_CATALOGUE_H
#define DOMICILE_CATALOGUE_H

#include <stddef.h>
#include <stdint.h>

/*
 * One entry of a region's catalogue of services: what a person is told before
 * they turn the service on.  Texts are UTF-8 without control characters; none
 * is NULL, those that the catalogue leaves out are "".  docs/catalogue.md says
 * what each field means.
 */
struct dom_catalogue_field {
	const char *name, *why;
	const char *without; /* what stops working without it */
};
struct dom_catalogue_reader {
	const char *who, *what;
};

enum { DOM_TERMS_SIZE = 32 };

struct dom_catalogue_entry {
	const char *name;    /* "contacts" */
	uint32_t version;    /* from 1 */
	const char *since;   /* "2026-11-21": the day from which these terms hold */
	const char *title;   /* "your address book" */
	const char *purpose; /* a sentence */
	const char *const *data_classes;
	size_t data_class_count;
	const struct dom_catalogue_field *fields;
	size_t field_count;
	/*
	 * ISO 8601 durations.  retention: how long what was replaced or deleted is
	 * kept, "" until it is erased.  minimum: what a law orders, "" nothing.
	 */
	const char *retention, *minimum;
	const char *law; /* which one; "" if and only if minimum is */
	const struct dom_catalogue_reader *readers;
	size_t reader_count;
	/*
	 * Stands for what a person agrees to: service, purpose, data classes,
	 * retention and readers.  A consent holds while these are the same.
	 */
	uint8_t terms[DOM_TERMS_SIZE];
};

#endif
