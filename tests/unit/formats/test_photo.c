/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Recognising files, and what a photo says about itself. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

#include "formats/photo.h"
#include "testing.h"

static enum format_file
recognise(const char *head, const char *name)
{
	return format_recognise(dom_slice_of(head), name);
}

static void
files_are_recognised_by_their_first_bytes(void **state)
{
	(void)state;
	assert_int_equal(recognise("BEGIN:VCARD\r\n", "x"), FORMAT_FILE_VCARD);
	assert_int_equal(recognise("\xEF\xBB\xBF \r\nbegin:vcard", "x.ics"), FORMAT_FILE_VCARD);
	assert_int_equal(recognise("BEGIN:VCALENDAR\n", ""), FORMAT_FILE_ICALENDAR);
	assert_int_equal(
	    recognise("<?xml version='1.0'?><!-- <calls> --><!DOCTYPE smses>\n<smses>", ""),
	    FORMAT_FILE_MESSAGES_XML);
	assert_int_equal(recognise("<calls count=\"1\">", "sms-1.xml"), FORMAT_FILE_CALLS_XML);
	assert_int_equal(recognise("<smsesx>", ""), FORMAT_FILE_OTHER);
	assert_int_equal(recognise("<html>", "index.xml"), FORMAT_FILE_OTHER);
	assert_int_equal(recognise("\xFF\xD8\xFF\xE0", "notes.txt"), FORMAT_FILE_PHOTO);
	assert_int_equal(recognise("BM: a text", "a.txt"), FORMAT_FILE_OTHER);
	assert_int_equal(recognise("hello", "hello"), FORMAT_FILE_OTHER);
	assert_int_equal(recognise("", ""), FORMAT_FILE_OTHER);
}

static void
a_damaged_file_is_recognised_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(recognise("", "a.VCF"), FORMAT_FILE_VCARD);
	assert_int_equal(recognise("BEG", "a.ics"), FORMAT_FILE_ICALENDAR);
	assert_int_equal(recognise("<?xml vers", "sms-2024.xml"), FORMAT_FILE_MESSAGES_XML);
	assert_int_equal(recognise("", "calls-2024.xml"), FORMAT_FILE_CALLS_XML);
	assert_int_equal(recognise("junk", "IMG.JPG"), FORMAT_FILE_PHOTO);
	assert_int_equal(format_recognise(dom_slice("a\0b", 3), "a.vcf"), FORMAT_FILE_OTHER);
}

static struct format_photo
look(const void *bytes, size_t size)
{
	struct format_photo photo;
	int fd = file_of(bytes, size);

	assert_int_equal(format_photo_look(fd, &photo), DOM_OK);
	close(fd);
	return photo;
}

static void
images_and_videos_are_named_by_type(void **state)
{
	static const struct {
		const char *mime;
		size_t size;
		const char *bytes;
	} rows[] = {
	    {"image/png", 8, "\x89PNG\r\n\x1A\n"},
	    {"image/gif", 6, "GIF89a"},
	    {"image/webp", 12, "RIFF\1\2\3\4WEBP"},
	    {"image/heic", 12,
	        "\0\0\0\x18"
	        "ftypheic"},
	    {"image/heif", 12,
	        "\0\0\0\x18"
	        "ftypmif1"},
	    {"image/avif", 12,
	        "\0\0\0\x18"
	        "ftypavif"},
	    {"video/mp4", 12,
	        "\0\0\0\x18"
	        "ftypisom"},
	    {"video/quicktime", 12,
	        "\0\0\0\x18"
	        "ftypqt  "},
	    {"video/3gpp", 12,
	        "\0\0\0\x18"
	        "ftyp3gp4"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct format_photo photo = look(rows[i].bytes, rows[i].size);

		assert_string_equal(photo.mime, rows[i].mime);
		assert_null(photo.damage);
	}
	assert_non_null(look("text", 4).damage);
	assert_string_equal(look("", 0).damage, "the file is empty");
}

static void
put16(struct dom_buffer *out, unsigned value)
{
	uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

	dom_buffer_append(out, bytes, 2);
}

static void
put32(struct dom_buffer *out, unsigned value)
{
	put16(out, value >> 16);
	put16(out, value & 0xFFFF);
}

static void
put_entry(struct dom_buffer *out, unsigned tag, unsigned type, unsigned count, unsigned value)
{
	put16(out, tag);
	put16(out, type);
	put32(out, count);
	put32(out, value);
}

/*
 * A JPEG with a big-endian EXIF segment of its own making: IFD 0 at 8 with
 * make, orientation and the two pointers, then the EXIF IFD with a time, then
 * the GPS IFD.
 */
static struct dom_buffer
make_jpeg(bool with_place)
{
	struct dom_buffer tiff = {0}, out = {0};
	unsigned entries = with_place ? 4 : 3;
	unsigned exif_at = 8 + 2 + 12 * entries + 4;
	unsigned time_at = exif_at + 2 + 12 + 4;
	unsigned gps_at = time_at + 20;
	unsigned ratio_at = gps_at + 2 + 4 * 12 + 4;

	dom_buffer_append(&tiff, "MM\0*\0\0\0\x08", 8);
	put16(&tiff, entries);
	put_entry(&tiff, 0x010F, 2, 4, 0x41636D00); /* "Acm" */
	put_entry(&tiff, 0x0112, 3, 1, 6u << 16);
	put_entry(&tiff, 0x8769, 4, 1, exif_at);
	if (with_place)
		put_entry(&tiff, 0x8825, 4, 1, gps_at);
	put32(&tiff, 0);
	put16(&tiff, 1);
	put_entry(&tiff, 0x9003, 2, 20, time_at);
	put32(&tiff, 0);
	dom_buffer_append(&tiff, "2023:05:12 10:15:30", 20);
	if (with_place) {
		put16(&tiff, 4);
		put_entry(&tiff, 1, 2, 2, 0x4E000000);
		put_entry(&tiff, 2, 5, 3, ratio_at);
		put_entry(&tiff, 3, 2, 2, 0x45000000);
		put_entry(&tiff, 4, 5, 3, ratio_at);
		put32(&tiff, 0);
		for (unsigned i = 0; i < 3; i++) {
			put32(&tiff, 10 + i);
			put32(&tiff, 1);
		}
	}
	dom_buffer_append(&out, "\xFF\xD8\xFF\xE1", 4);
	put16(&out, (unsigned)tiff.size + 8);
	dom_buffer_append(&out, "Exif\0\0", 6);
	dom_buffer_append_slice(&out, dom_buffer_slice(&tiff));
	/* A scan with stuffed bytes, a restart marker and a second scan, as progressive files
	 * have. */
	dom_buffer_append(&out,
	    "\xFF\xDA\0\x04\1\2"
	    "ab\xFF\0c\xFF\xD0"
	    "d",
	    14);
	dom_buffer_append(&out, "\xFF\xC4\0\x03\1\xFF\xDA\0\x02z\xFF\xFF\xD9", 13);
	dom_buffer_free(&tiff);
	assert_int_equal(dom_buffer_finish(&out), DOM_OK);
	return out;
}

static void
exif_tells_when_and_with_what_it_was_taken(void **state)
{
	struct dom_buffer jpeg = make_jpeg(true);
	struct format_photo photo = look(jpeg.data, jpeg.size);

	(void)state;
	assert_string_equal(photo.mime, "image/jpeg");
	assert_null(photo.damage);
	assert_string_equal(photo.make, "Acm");
	assert_string_equal(photo.model, "");
	assert_int_equal(photo.orientation, 6);
	assert_int_equal(photo.taken_s, 1683886530);
	assert_true(photo.has_place);
	assert_false(photo.place_removed);
	dom_buffer_free(&jpeg);
}

static void
camera_exif_without_a_place_looks_removed(void **state)
{
	struct dom_buffer jpeg = make_jpeg(false);
	struct format_photo photo = look(jpeg.data, jpeg.size);

	(void)state;
	assert_null(photo.damage);
	assert_false(photo.has_place);
	assert_true(photo.place_removed);
	dom_buffer_free(&jpeg);
}

static void
what_follows_the_picture_is_no_damage(void **state)
{
	struct dom_buffer jpeg = make_jpeg(true);

	(void)state;
	dom_buffer_append(&jpeg, "a film\xFF", 7);
	assert_null(look(jpeg.data, jpeg.size).damage);
	dom_buffer_free(&jpeg);
}

static void
a_jpeg_cut_anywhere_is_damaged(void **state)
{
	struct dom_buffer jpeg = make_jpeg(true);

	(void)state;
	for (size_t cut = 0; cut < jpeg.size; cut++)
		assert_non_null(look(jpeg.data, cut).damage);
	assert_null(look(jpeg.data, jpeg.size).damage);
	jpeg.data[4] = 0;
	jpeg.data[5] = 1; /* a segment cannot be shorter than its length field */
	assert_string_equal(
	    look(jpeg.data, jpeg.size).damage, "the JPEG's structure is broken");
	dom_buffer_free(&jpeg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_are_recognised_by_their_first_bytes),
	    cmocka_unit_test(a_damaged_file_is_recognised_by_its_name),
	    cmocka_unit_test(images_and_videos_are_named_by_type),
	    cmocka_unit_test(exif_tells_when_and_with_what_it_was_taken),
	    cmocka_unit_test(camera_exif_without_a_place_looks_removed),
	    cmocka_unit_test(what_follows_the_picture_is_no_damage),
	    cmocka_unit_test(a_jpeg_cut_anywhere_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
