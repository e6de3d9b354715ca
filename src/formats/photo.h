/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_PHOTO_H
#define FORMATS_PHOTO_H

#include <stdint.h>

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * A look into a photo or video for the index; its bytes are kept as they are.
 * Source: EXIF 2.32 tags as in docs/formats.md; read by libexif.
 */
struct format_photo {
	const char *mime; /* "image/jpeg", ...; constant */
	int64_t taken_s;  /* seconds since 1970 as the camera's wall clock said; 0: unknown */
	uint16_t orientation; /* 1 to 8, 0: unknown */
	bool has_place;       /* it has GPS coordinates */
	bool place_removed; /* camera EXIF but no GPS IFD: an Android app without the permission
	                     */
	char make[64], model[64]; /* printable ASCII, may be empty */
	const char
	    *damage; /* NULL, or what is wrong: "the JPEG ends before its picture does" */
};

/* fd is read by pread() and stays the caller's; memory is bounded. */
DOM_MUST_CHECK enum dom_status format_photo_look(int fd, struct format_photo *photo_r);

#endif
