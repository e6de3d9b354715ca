/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Files of records: a vCard stream, <smses> and <calls>; calendars go to writer_calendar.c. */
#include "formats/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/wipe.h"

static bool
is_calendar(const struct format_writer *writer)
{
	return writer->options.kind == FORMAT_EVENT || writer->options.kind == FORMAT_TASK;
}

static bool
is_xml(const struct format_writer *writer)
{
	return writer->options.kind == FORMAT_MESSAGE || writer->options.kind == FORMAT_CALL;
}

static const char *
root_name(const struct format_writer *writer)
{
	return writer->options.kind == FORMAT_CALL ? "calls" : "smses";
}

void
format_writer_put(struct format_writer *writer, struct dom_slice bytes)
{
	enum dom_status st;

	if (writer->failed < 0 || bytes.size == 0)
		return;
	st = writer->options.write(writer->options.context, bytes);
	if (st < 0)
		writer->failed = st;
}

enum dom_status
format_writer_open(const struct format_writer_options *options, struct format_writer **writer_r)
{
	struct format_writer *writer = calloc(1, sizeof(*writer));
	char head[160];
	enum dom_status st;

	if (writer == NULL)
		return DOM_ENOMEM;
	writer->options = *options;
	if (is_xml(writer)) {
		snprintf(head, sizeof(head),
		    "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
		    "<%s count=\"%" PRIu64 "\">\n",
		    root_name(writer), options->count);
		format_writer_put(writer, dom_slice_of(head));
	}
	if ((st = writer->failed) < 0) {
		format_writer_free(&writer);
		return st;
	}
	*writer_r = writer;
	return DOM_OK;
}

enum dom_status
format_writer_add(struct format_writer *writer, struct dom_slice bytes)
{
	if (bytes.size == 0)
		return writer->failed;
	if (!writer->in_record && is_xml(writer))
		format_writer_put(writer, dom_slice_of("  "));
	writer->in_record = true;
	writer->last = bytes.data[bytes.size - 1];
	if (is_calendar(writer))
		format_merger_add(writer, bytes);
	else
		format_writer_put(writer, bytes);
	return writer->failed;
}

enum dom_status
format_writer_end(struct format_writer *writer)
{
	if (is_calendar(writer))
		format_merger_end(writer);
	else if (is_xml(writer))
		format_writer_put(writer, dom_slice_of("\n"));
	else if (writer->in_record && writer->last != '\n' && writer->last != '\r')
		format_writer_put(writer, dom_slice_of("\r\n"));
	writer->in_record = false;
	writer->written++;
	return writer->failed;
}

enum dom_status
format_writer_finish(struct format_writer *writer)
{
	assert(!writer->in_record);
	if (is_calendar(writer))
		format_merger_finish(writer);
	if (is_xml(writer)) {
		format_writer_put(writer, dom_slice_of("</"));
		format_writer_put(writer, dom_slice_of(root_name(writer)));
		format_writer_put(writer, dom_slice_of(">\n"));
	}
	if (writer->failed < 0)
		return writer->failed;
	return writer->written == writer->options.count ? DOM_OK : DOM_EINPUT;
}

void
format_writer_free(struct format_writer **writer)
{
	struct format_writer *old = *writer;

	if (old == NULL)
		return;
	*writer = NULL;
	format_merger_free(&old->merger);
	dom_wipe(old, sizeof(*old));
	free(old);
}
