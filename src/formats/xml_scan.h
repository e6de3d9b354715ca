/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_XML_SCAN_H
#define FORMATS_XML_SCAN_H

#include "formats/window.h"

/*
 * A streaming tokenizer for the XML that phones write.  It differs from a
 * general parser where their files need it: an attribute's value of any size
 * comes in parts, references to UTF-16 surrogates are accepted, as a pair or
 * alone, and after an error the caller can go on at the next record.  It never
 * expands entities: those of a DOCTYPE are errors.  Input is UTF-8 and is
 * handed on as it stands.
 *
 *   open -> (attribute)* -> open_end or open_empty -> ... -> close
 */
enum format_xml_event {
	FORMAT_XML_END,        /* the file's end, perhaps too early; or the window failed */
	FORMAT_XML_BAD,        /* not XML: see wrong */
	FORMAT_XML_OPEN,       /* "<name": see name, offset, line */
	FORMAT_XML_ATTRIBUTE,  /* see name; its value went to the sink */
	FORMAT_XML_OPEN_END,   /* ">" */
	FORMAT_XML_OPEN_EMPTY, /* "/>" */
	FORMAT_XML_CLOSE,      /* "</name>" */
	FORMAT_XML_TEXT,       /* character data that is not white space, passed over */
	FORMAT_XML_DOCTYPE,    /* passed over */
};

enum { FORMAT_XML_NAME_SIZE = 128 };

struct format_xml {
	struct format_window *window;
	bool in_tag; /* between OPEN and its end */
	char name[FORMAT_XML_NAME_SIZE];
	uint64_t offset; /* of the '<' */
	uint64_t line;
	const char *wrong; /* constant */
	/*
	 * Attribute values, decoded, in as many parts as it takes; begin says
	 * whether they are wanted.
	 */
	bool (*value_begin)(void *context, const char *name);
	void (*value_part)(void *context, struct dom_slice part);
	void *context;
};

enum format_xml_event format_xml_next(struct format_xml *xml);

/*
 * After an error: go on to the next "<name" or "</name", from the reading place
 * on, for which is_start answers true.  False: there is none.
 */
bool format_xml_resume(
    struct format_xml *xml, bool (*is_start)(const char *name, bool closing));

/* Go back to the '<' of the tag that OPEN or CLOSE just told of. */
void format_xml_again(struct format_xml *xml);

#endif
