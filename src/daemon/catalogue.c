/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading the file that says what can be turned on in this region. */
#include "daemon/catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/consent/consent.h"

/* As much as a catalogue may be, and a byte more if the file has it. */
static enum dom_status
read_file(const char *path, char *text_r, size_t *size_r)
{
	FILE *in = fopen(path, "re");
	enum dom_status st = DOM_OK;

	if (in == NULL)
		return DOM_EFILE;
	errno = 0;
	*size_r = fread(text_r, 1, WIRE_CATALOGUE_SIZE_MAX + 1, in);
	if (ferror(in) != 0)
		st = DOM_EFILE;
	fclose(in);
	return st;
}

enum dom_status
catalogue_load(
    const char *path, struct wire_catalogue **catalogue_r, char *message_r, size_t message_size)
{
	const char *name = path == NULL ? "the catalogue that is built in" : path;
	struct dom_slice bytes = consent_catalogue_built_in();
	char *text = NULL, why[512] = "";
	size_t size = 0;
	enum dom_status st = DOM_OK;

	*catalogue_r = NULL;
	if (path != NULL) {
		text = malloc(WIRE_CATALOGUE_SIZE_MAX + 1);
		if (text == NULL || (st = read_file(path, text, &size)) != DOM_OK) {
			snprintf(message_r, message_size,
			    "the catalogue of services %s cannot be read: %s", path,
			    text == NULL ? "no memory" : strerror(errno));
			free(text);
			return DOM_EFILE;
		}
		bytes = dom_slice(text, size);
	}
	st = wire_catalogue_read(bytes, catalogue_r, why, sizeof(why));
	if (st != DOM_OK)
		snprintf(message_r, message_size, "%s: %s. See docs/catalogue.md", name, why);
	free(text);
	return st;
}
