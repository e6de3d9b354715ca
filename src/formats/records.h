/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_RECORDS_H
#define FORMATS_RECORDS_H

#include <stdint.h>

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * Reading what phones export, one record at a time.
 *
 * A scan makes one pass over a file with bounded memory, whatever the size of
 * the file or of one record.  It does not hand out contents: a record is a list
 * of places in the file, whose bytes in that order are the record, exactly as
 * they stood.  Whoever wants the content reads those places.
 *
 * Sources: vCard 2.1, RFC 2426 (3.0), RFC 6350 (4.0); iCalendar RFC 5545;
 * SMS Backup & Restore XML (docs/formats.md).
 */
enum format_kind {
	FORMAT_CONTACT, /* one BEGIN:VCARD .. END:VCARD */
	FORMAT_EVENT,   /* a VCALENDAR with all components of one UID: VEVENT, VJOURNAL,
	                   VFREEBUSY, others */
	FORMAT_TASK,    /* the same, with VTODO */
	FORMAT_MESSAGE, /* one <sms .../> or <mms> .. </mms> */
	FORMAT_CALL,    /* one <call .../> */
	FORMAT_KIND_COUNT,
};

/* What a file is, by its first bytes and its name. */
enum format_file {
	FORMAT_FILE_OTHER,
	FORMAT_FILE_VCARD,
	FORMAT_FILE_ICALENDAR,
	FORMAT_FILE_MESSAGES_XML, /* <smses> */
	FORMAT_FILE_CALLS_XML,    /* <calls> */
	FORMAT_FILE_PHOTO,        /* an image or a video */
};

enum {
	FORMAT_HEAD_SIZE = 4096, /* bytes that format_recognise() wants, if there are as many */
	FORMAT_KEY_SIZE_MAX = 1024, /* longer keys are replaced by their digest */
	FORMAT_LINE_SIZE_MAX =
	    64 << 20, /* of vCard and iCalendar, unfolded; longer: a bad record */
};

/*
 * name: the file's name, may be empty.  Leading byte order mark, white space,
 * XML comments and processing instructions are passed over.
 */
enum format_file format_recognise(struct dom_slice head, const char *name);

/* Bytes of a record: size bytes at offset in the file, or those of literal. */
struct format_piece {
	const char *literal; /* NULL: from the file */
	uint64_t offset;
	uint64_t size;
};

struct format_record {
	enum format_kind kind;
	/*
	 * What makes it the same record when the file is exported again, as opaque
	 * bytes of at most FORMAT_KEY_SIZE_MAX: the UID (of an event or task, its
	 * digest) if there is one, else
	 * what rarely changes (a contact's names, a message's date, address, box
	 * and text).  Two different records may share a key.
	 */
	struct dom_slice key;
	bool key_is_uid; /* the record itself claims that the key is unique in the world */
	const struct format_piece *pieces;
	size_t piece_count;
	uint64_t size;      /* of all pieces */
	uint8_t digest[32]; /* SHA-256 of all pieces */
	uint64_t line;      /* where it starts, from 1 */
};

struct format_problem {
	uint64_t line;
	bool damaged; /* false: worth saying, but nothing was left out */
	const char
	    *what; /* "no END:VCARD before the end of the file": a sentence without full stop */
};

/* Everything is borrowed for the time of the call.  A status below zero ends the scan with it.
 */
struct format_sink {
	enum dom_status (*record)(void *context, const struct format_record *record);
	enum dom_status (*problem)(void *context, const struct format_problem *problem);
	/* Bytes read so far; may be NULL. */
	void (*progress)(void *context, uint64_t offset);
	void *context;
};

/*
 * Read a whole file of records; fd is read by pread() from offset 0 and stays
 * the caller's.  Bad records go to sink->problem and the good ones beside
 * them to sink->record.  A file that ends early is a problem too (damaged).
 *
 *   DOM_OK      the end was reached, with problems or without
 *   DOM_EINPUT  file is not one of the four kinds of records
 *   DOM_EFILE   errno says why;  DOM_ENOMEM;  what the sink answered
 */
DOM_MUST_CHECK enum dom_status format_scan(
    int fd, enum format_file file, const struct format_sink *sink);

/*
 * Write the bytes of a record's pieces to the sink in order, in blocks of at
 * most 64 KiB.  DOM_EFILE: errno; a file that became shorter is EIO.
 */
DOM_MUST_CHECK enum dom_status format_record_read(int fd, const struct format_piece *pieces,
    size_t piece_count, enum dom_status (*take)(void *context, struct dom_slice bytes),
    void *context);

/*
 * SHA-256 and size of a whole file, for those that are kept as they are; fd is
 * read by pread() and stays the caller's.  progress may be NULL; what it
 * answers below zero ends the reading.  DOM_EFILE: errno says why.
 */
DOM_MUST_CHECK enum dom_status format_file_digest(int fd,
    enum dom_status (*progress)(void *context, uint64_t offset), void *context,
    uint8_t digest_r[32], uint64_t *size_r);

/*
 * One file with many records of one kind, written record by record:
 * a vCard or iCalendar stream, or <smses>/<calls> with the right count.
 * Neighbouring events whose calendars have the same properties share one
 * VCALENDAR, with each time zone once.
 */
struct format_writer;

struct format_writer_options {
	enum format_kind kind;
	uint64_t count; /* records that will follow */
	/* Takes the file's bytes in order; a status below zero ends the writing. */
	enum dom_status (*write)(void *context, struct dom_slice bytes);
	void *context;
};

DOM_MUST_CHECK enum dom_status format_writer_open(
    const struct format_writer_options *options, struct format_writer **writer_r);
/* The record's content, in as many calls as wanted, then the end of the record. */
DOM_MUST_CHECK enum dom_status format_writer_add(
    struct format_writer *writer, struct dom_slice bytes);
DOM_MUST_CHECK enum dom_status format_writer_end(struct format_writer *writer);
/* The file's end.  DOM_EINPUT: fewer or more records than promised. */
DOM_MUST_CHECK enum dom_status format_writer_finish(struct format_writer *writer);
void format_writer_free(struct format_writer **writer);

/* "contacts.vcf", "calendar.ics", "tasks.ics", "messages.xml", "calls.xml" */
const char *format_kind_file(enum format_kind kind);

#endif
