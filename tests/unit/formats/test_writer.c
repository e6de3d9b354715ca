/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Files of records: what was read and is written reads back the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

#include "testing.h"

#define HEAD "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
#define TAIL "END:VCALENDAR\r\n"
#define ZONE(name, offset)                                                                     \
	"BEGIN:VTIMEZONE\r\nTZID:" name "\r\nBEGIN:STANDARD\r\nTZOFFSETTO:" offset             \
	"\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
#define EVENT(uid, zone)                                                                       \
	"BEGIN:VEVENT\r\nUID:" uid "\r\nDTSTART;TZID=" zone ":20240101T100000\r\nEND:"         \
	"VEVENT\r\n"

static enum dom_status
take(void *context, struct dom_slice bytes)
{
	dom_buffer_append_slice(context, bytes);
	return dom_buffer_finish(context);
}

/* The file that these records make when they are handed over block by block. */
static char *
write_records(
    enum format_kind kind, const char *const *records, size_t count, size_t block_size)
{
	struct dom_buffer out = {0};
	struct format_writer_options options = {
	    .kind = kind, .count = count, .write = take, .context = &out};
	struct format_writer *writer = NULL;
	char *text;

	assert_int_equal(format_writer_open(&options, &writer), DOM_OK);
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(records[i]);

		for (size_t at = 0; at < size; at += block_size) {
			size_t part = size - at < block_size ? size - at : block_size;

			assert_int_equal(
			    format_writer_add(writer, dom_slice(records[i] + at, part)),
			    DOM_OK);
		}
		assert_int_equal(format_writer_end(writer), DOM_OK);
	}
	assert_int_equal(format_writer_finish(writer), DOM_OK);
	format_writer_free(&writer);
	assert_null(writer);
	text = out.size == 0 ? strdup("") : strndup((const char *)out.data, out.size);
	assert_non_null(text);
	dom_buffer_free(&out);
	return text;
}

static void
assert_written(
    enum format_kind kind, const char *const *records, size_t count, const char *file)
{
	static const size_t block_sizes[] = {1, 2, 7, 71, 72, 73, 100000};

	for (size_t i = 0; i < sizeof(block_sizes) / sizeof(block_sizes[0]); i++) {
		char *text = write_records(kind, records, count, block_sizes[i]);

		assert_string_equal(text, file);
		free(text);
	}
}

static void
contacts_follow_each_other_and_get_a_missing_line_ending(void **state)
{
	static const char *const records[] = {"BEGIN:VCARD\nEND:VCARD",
	    "BEGIN:VCARD\r\nEND:VCARD\r\n", "BEGIN:VCARD\rEND:VCARD\r"};

	(void)state;
	assert_written(FORMAT_CONTACT, records, 3,
	    "BEGIN:VCARD\nEND:VCARD\r\nBEGIN:VCARD\r\nEND:VCARD\r\nBEGIN:VCARD\rEND:VCARD\r");
	assert_written(FORMAT_CONTACT, records, 0, "");
}

static void
messages_and_calls_get_a_root_with_the_right_count(void **state)
{
	static const char *const messages[] = {"<sms a=\"1\" />", "<mms>\n</mms>"};
	static const char *const calls[] = {"<call/>"};

	(void)state;
	assert_written(FORMAT_MESSAGE, messages, 2,
	    "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"2\">\n"
	    "  <sms a=\"1\" />\n  <mms>\n</mms>\n</smses>\n");
	assert_written(FORMAT_CALL, calls, 1,
	    "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<calls count=\"1\">\n"
	    "  <call/>\n</calls>\n");
}

static void
neighbours_with_equal_properties_share_a_calendar_and_its_zones(void **state)
{
	static const char *const records[] = {
	    HEAD ZONE("A", "1") EVENT("1", "A") TAIL,
	    HEAD ZONE("A", "1") ZONE("B", "2") EVENT("2", "B") EVENT("2", "A") TAIL,
	    HEAD "BEGIN:X-THING\r\nEND:X-THING\r\n" TAIL,
	};

	(void)state;
	assert_written(FORMAT_EVENT, records, 3,
	    HEAD ZONE("A", "1") EVENT("1", "A") ZONE("B", "2") EVENT("2", "B")
	        EVENT("2", "A") "BEGIN:X-THING\r\nEND:X-THING\r\n" TAIL);
}

static void
other_properties_or_another_zone_of_the_same_name_open_a_new_calendar(void **state)
{
	static const char *const records[] = {
	    HEAD ZONE("A", "1") EVENT("1", "A") TAIL,
	    HEAD ZONE("A", "9") EVENT("2", "A") TAIL,
	    "BEGIN:VCALENDAR\nX:1\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n",
	    "BEGIN:VCALENDAR\nX:2\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n",
	};

	(void)state;
	assert_written(FORMAT_EVENT, records, 4,
	    HEAD ZONE("A", "1") EVENT("1", "A") TAIL HEAD ZONE("A", "9") EVENT("2", "A") TAIL
	    "BEGIN:VCALENDAR\nX:1\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n"
	    "BEGIN:VCALENDAR\nX:2\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n");
}

static void
long_lines_and_lines_like_ends_go_through(void **state)
{
	char record[1024] = HEAD "X-LONG:";
	const char *records[] = {record};

	(void)state;
	memset(record + strlen(record), 'y', 200);
	strcat(record, "\r\nBEGIN:VEVENT\r\nATTACH:");
	memset(record + strlen(record), 'z', 300);
	strcat(record, "\r\n END:VCALENDAR\r\nEND:VEVENT\r\n" TAIL);
	assert_written(FORMAT_EVENT, records, 1, record);
}

static void
lines_that_end_in_cr_alone_are_lines_too(void **state)
{
	static const char *const records[] = {
	    "BEGIN:VCALENDAR\rX:1\rBEGIN:VTIMEZONE\rTZID:A\rEND:VTIMEZONE\rBEGIN:VEVENT\rEND:"
	    "VEVENT\r"
	    "END:VCALENDAR\r",
	    "BEGIN:VCALENDAR\rX:1\rBEGIN:VEVENT\rEND:VEVENT\rEND:VCALENDAR\r",
	};

	(void)state;
	assert_written(FORMAT_EVENT, records, 2,
	    "BEGIN:VCALENDAR\rX:1\rBEGIN:VTIMEZONE\rTZID:A\rEND:VTIMEZONE\rBEGIN:VEVENT\rEND:"
	    "VEVENT\r"
	    "BEGIN:VEVENT\rEND:VEVENT\rEND:VCALENDAR\r");
}

/* What makes a second backup of a restored file upload nothing. */
static void
what_was_written_reads_back_as_the_same_records(void **state)
{
	const char *file = HEAD ZONE("Z", "1") ZONE("A", "2") EVENT("1", "A") EVENT("2", "Z")
	    EVENT("1", "Z") TAIL
	    "BEGIN:VCALENDAR\nX:1\n" EVENT("4", "none") "END:VCALENDAR\n" HEAD EVENT("5", "x")
	        TAIL;
	struct seen *before = scan_text(FORMAT_FILE_ICALENDAR, file);
	const char *records[8];
	struct seen *after;
	char *text;

	(void)state;
	assert_int_equal(before->record_count, 4);
	for (size_t i = 0; i < before->record_count; i++)
		records[i] = before->records[i].bytes;
	text = write_records(FORMAT_EVENT, records, before->record_count, 11);
	after = scan_text(FORMAT_FILE_ICALENDAR, text);
	assert_int_equal(after->problem_count, 0);
	assert_int_equal(after->record_count, before->record_count);
	for (size_t i = 0; i < before->record_count; i++) {
		assert_string_equal(after->records[i].bytes, before->records[i].bytes);
		assert_string_equal(after->records[i].key, before->records[i].key);
	}
	free(text);
	seen_free(&before);
	seen_free(&after);
}

static void
a_promise_that_was_not_kept_is_told(void **state)
{
	struct dom_buffer out = {0};
	struct format_writer_options options = {
	    .kind = FORMAT_CALL, .count = 2, .write = take, .context = &out};
	struct format_writer *writer = NULL;

	(void)state;
	assert_int_equal(format_writer_open(&options, &writer), DOM_OK);
	assert_int_equal(format_writer_add(writer, dom_slice_of("<call/>")), DOM_OK);
	assert_int_equal(format_writer_end(writer), DOM_OK);
	assert_int_equal(format_writer_finish(writer), DOM_EINPUT);
	format_writer_free(&writer);
	dom_buffer_free(&out);
}

static enum dom_status
refuse(void *context, struct dom_slice bytes)
{
	size_t *left = context;

	if (bytes.size > *left)
		return DOM_EFULL;
	*left -= bytes.size;
	return DOM_OK;
}

static void
a_full_disk_is_told_wherever_it_happens(void **state)
{
	const char *record = HEAD ZONE("A", "1") EVENT("1", "A") TAIL;

	(void)state;
	for (size_t room = 0; room < strlen(record); room++) {
		size_t left = room;
		struct format_writer_options options = {
		    .kind = FORMAT_EVENT, .count = 1, .write = refuse, .context = &left};
		struct format_writer *writer = NULL;

		assert_int_equal(format_writer_open(&options, &writer), DOM_OK);
		(void)!format_writer_add(writer, dom_slice_of(record));
		(void)!format_writer_end(writer);
		assert_int_equal(format_writer_finish(writer), DOM_EFULL);
		format_writer_free(&writer);
	}
}

static void
a_file_that_became_shorter_is_an_error(void **state)
{
	int fd = file_of("0123456789", 10);
	struct format_piece pieces[] = {
	    {.literal = "x", .size = 1}, {.offset = 4, .size = 6}, {.offset = 8, .size = 4}};
	struct dom_buffer out = {0};

	(void)state;
	assert_int_equal(format_record_read(fd, pieces, 2, take, &out), DOM_OK);
	assert_true(dom_slice_is(dom_buffer_slice(&out), "x456789"));
	errno = 0;
	assert_int_equal(format_record_read(fd, pieces, 3, take, &out), DOM_EFILE);
	assert_int_equal(errno, EIO);
	dom_buffer_free(&out);
	close(fd);
}

static void
every_kind_has_a_file_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(format_kind_file(FORMAT_CONTACT), "contacts.vcf");
	assert_string_equal(format_kind_file(FORMAT_EVENT), "calendar.ics");
	assert_string_equal(format_kind_file(FORMAT_TASK), "tasks.ics");
	assert_string_equal(format_kind_file(FORMAT_MESSAGE), "messages.xml");
	assert_string_equal(format_kind_file(FORMAT_CALL), "calls.xml");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(contacts_follow_each_other_and_get_a_missing_line_ending),
	    cmocka_unit_test(messages_and_calls_get_a_root_with_the_right_count),
	    cmocka_unit_test(neighbours_with_equal_properties_share_a_calendar_and_its_zones),
	    cmocka_unit_test(
	        other_properties_or_another_zone_of_the_same_name_open_a_new_calendar),
	    cmocka_unit_test(long_lines_and_lines_like_ends_go_through),
	    cmocka_unit_test(lines_that_end_in_cr_alone_are_lines_too),
	    cmocka_unit_test(what_was_written_reads_back_as_the_same_records),
	    cmocka_unit_test(a_promise_that_was_not_kept_is_told),
	    cmocka_unit_test(a_full_disk_is_told_wherever_it_happens),
	    cmocka_unit_test(a_file_that_became_shorter_is_an_error),
	    cmocka_unit_test(every_kind_has_a_file_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
