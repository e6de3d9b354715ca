/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A look into photos: what kind, whether whole, when taken, with a place or without. */
#include "formats/photo.h"

#include <assert.h>
#include <libexif/exif-data.h>
#include <libexif/exif-utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "formats/magic.h"
#include "formats/window.h"

/* JPEG markers, ITU-T T.81 table B.1. */
enum {
	JPEG_TEM = 0x01,
	JPEG_RST0 = 0xD0,
	JPEG_RST7 = 0xD7,
	JPEG_SOI = 0xD8,
	JPEG_EOI = 0xD9,
	JPEG_SOS = 0xDA,
	JPEG_APP1 = 0xE1,
	EXIF_SIZE_MAX = 65533, /* what a segment holds beside its length */
};

static const char jpeg_cut[] = "the JPEG ends before its picture does";
static const char jpeg_broken[] = "the JPEG's structure is broken";

/* False: the file ends first. */
static bool
window_skip(struct format_window *window, size_t size)
{
	while (size > 0) {
		size_t have = format_window_fill(window, 1);
		size_t step = have < size ? have : size;

		if (step == 0)
			return false;
		window->at += step;
		size -= step;
	}
	return true;
}

/* The marker behind its FF bytes, or 0: there is none, or the file ends. */
static uint8_t
jpeg_marker(struct format_window *window)
{
	if (format_window_fill(window, 1) == 0 || window->bytes[window->at] != 0xFF)
		return 0;
	while (format_window_fill(window, 1) > 0) {
		uint8_t byte = window->bytes[window->at++];

		if (byte != 0xFF)
			return byte;
	}
	return 0;
}

/* From the picture's data to the marker behind it; FF 00 and RSTn are data.  False: the file
 * ends. */
static bool
jpeg_skip_data(struct format_window *window)
{
	while (format_window_fill(window, 2) >= 2) {
		const uint8_t *from = window->bytes + window->at;
		const uint8_t *found = memchr(from, 0xFF, window->size - window->at - 1);

		if (found == NULL) {
			window->at = window->size - 1;
			continue;
		}
		window->at = (size_t)(found - window->bytes);
		if (found[1] == 0xFF) {
			window->at++;
		} else if (found[1] == 0 || (found[1] >= JPEG_RST0 && found[1] <= JPEG_RST7)) {
			window->at += 2;
		} else {
			return true;
		}
	}
	return false;
}

static void
text_take(ExifData *exif, ExifIfd ifd, ExifTag tag, char *text_r, size_t size)
{
	const ExifEntry *entry = exif_content_get_entry(exif->ifd[ifd], tag);
	size_t used = 0;

	text_r[0] = '\0';
	if (entry == NULL || entry->format != EXIF_FORMAT_ASCII || entry->data == NULL)
		return;
	for (unsigned i = 0; i < entry->size && used + 1 < size && entry->data[i] != '\0'; i++)
		if (entry->data[i] >= ' ' && entry->data[i] <= '~')
			text_r[used++] = (char)entry->data[i];
	while (used > 0 && text_r[used - 1] == ' ')
		used--;
	text_r[used] = '\0';
}

/* "2023:05:12 10:15:30"; 0: it is no time. */
static int64_t
time_parse(const char *text)
{
	struct tm tm = {0};
	int used = 0;

	if (sscanf(text, "%4d:%2d:%2d %2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
	        &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6 ||
	    used != 19)
		return 0;
	if (tm.tm_year < 1826 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 ||
	    tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm);
}

static void
exif_take(struct format_photo *photo, const uint8_t *bytes, unsigned size)
{
	ExifData *exif = exif_data_new();
	const ExifEntry *entry;
	char when[32];

	if (exif == NULL)
		return;
	exif_data_load_data(exif, bytes, size);
	text_take(exif, EXIF_IFD_0, EXIF_TAG_MAKE, photo->make, sizeof(photo->make));
	text_take(exif, EXIF_IFD_0, EXIF_TAG_MODEL, photo->model, sizeof(photo->model));
	text_take(exif, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, when, sizeof(when));
	if ((photo->taken_s = time_parse(when)) == 0) {
		text_take(exif, EXIF_IFD_0, EXIF_TAG_DATE_TIME, when, sizeof(when));
		photo->taken_s = time_parse(when);
	}
	entry = exif_content_get_entry(exif->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
	if (entry != NULL && entry->format == EXIF_FORMAT_SHORT && entry->size >= 2)
		photo->orientation =
		    exif_get_short(entry->data, exif_data_get_byte_order(exif));
	if (photo->orientation > 8)
		photo->orientation = 0;
	photo->has_place = exif_content_get_entry(exif->ifd[EXIF_IFD_GPS],
	                       (ExifTag)EXIF_TAG_GPS_LATITUDE) != NULL &&
	                   exif_content_get_entry(exif->ifd[EXIF_IFD_GPS],
	                       (ExifTag)EXIF_TAG_GPS_LONGITUDE) != NULL;
	photo->place_removed = exif->ifd[EXIF_IFD_GPS]->count == 0 &&
	                       (photo->make[0] != '\0' || photo->model[0] != '\0');
	exif_data_unref(exif);
}

/* A segment with a length; false: it is broken, or the file ends in it. */
static bool
jpeg_segment(
    struct format_window *window, uint8_t marker, struct format_photo *photo, bool *exif_seen)
{
	size_t size;

	if (format_window_fill(window, 2) < 2)
		return false;
	size = (size_t)window->bytes[window->at] << 8 | window->bytes[window->at + 1];
	if (size < 2) {
		photo->damage = jpeg_broken;
		return false;
	}
	window->at += 2;
	size -= 2;
	if (marker == JPEG_APP1 && !*exif_seen && format_window_fill(window, size) >= size &&
	    size > 6 && memcmp(window->bytes + window->at, "Exif\0", 5) == 0) {
		*exif_seen = true;
		exif_take(photo, window->bytes + window->at, (unsigned)size);
	}
	return window_skip(window, size);
}

static_assert((int)EXIF_SIZE_MAX <= (int)FORMAT_WINDOW_SIZE, "a segment fits into the window");

static void
jpeg_look(struct format_window *window, struct format_photo *photo)
{
	bool exif_seen = false;
	bool data_seen = false;
	uint8_t marker;

	window->at += 2; /* SOI, by which it was recognised */
	photo->damage = jpeg_cut;
	while ((marker = jpeg_marker(window)) != 0) {
		if (marker == JPEG_EOI) {
			photo->damage = data_seen ? NULL : "the JPEG holds no picture";
			return;
		}
		if (marker == JPEG_TEM || marker == JPEG_SOI ||
		    (marker >= JPEG_RST0 && marker <= JPEG_RST7))
			continue;
		if (!jpeg_segment(window, marker, photo, &exif_seen))
			return;
		if (marker == JPEG_SOS) {
			data_seen = true;
			if (!jpeg_skip_data(window))
				return;
		}
	}
	if (format_window_fill(window, 1) > 0)
		photo->damage = jpeg_broken;
}

enum dom_status
format_photo_look(int fd, struct format_photo *photo)
{
	struct format_window *window = format_window_new(fd, NULL);
	enum dom_status st;
	size_t size;

	memset(photo, 0, sizeof(*photo));
	if (window == NULL)
		return DOM_ENOMEM;
	size = format_window_fill(window, FORMAT_HEAD_SIZE);
	photo->mime = format_magic(dom_slice(window->bytes, size));
	if (photo->mime == NULL) {
		photo->mime = "application/octet-stream";
		photo->damage =
		    size == 0
		        ? "the file is empty"
		        : "it is named like a photo or video, but it is none that we know";
	} else if (strcmp(photo->mime, "image/jpeg") == 0) {
		jpeg_look(window, photo);
	}
	st = window->failed;
	format_window_free(&window);
	return st;
}
