/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Images and videos by their first bytes; sources in docs/formats.md. */
#include "formats/magic.h"

#include <domicile/slice.h>

struct magic {
	const char *mime;
	size_t at;
	size_t size;
	const char *bytes;
};

static const struct magic magics[] = {
    {"image/jpeg", 0, 3, "\xFF\xD8\xFF"},
    {"image/png", 0, 8, "\x89PNG\r\n\x1A\n"},
    {"image/gif", 0, 6, "GIF87a"},
    {"image/gif", 0, 6, "GIF89a"},
    {"image/tiff", 0, 4, "II*\0"},
    {"image/tiff", 0, 4, "MM\0*"},
    {"video/webm", 0, 4, "\x1A\x45\xDF\xA3"},
};

/* ISO base media files (ISO/IEC 14496-12): "ftyp" and the major brand behind the first size. */
static const struct {
	const char *brand;
	size_t size;
	const char *mime;
} brands[] = {
    {"heic", 4, "image/heic"},
    {"heix", 4, "image/heic"},
    {"hevc", 4, "image/heic"},
    {"heim", 4, "image/heic"},
    {"heis", 4, "image/heic"},
    {"mif1", 4, "image/heif"},
    {"msf1", 4, "image/heif"},
    {"avif", 4, "image/avif"},
    {"avis", 4, "image/avif"},
    {"qt  ", 4, "video/quicktime"},
    {"3g", 2, "video/3gpp"},
    {"isom", 4, "video/mp4"},
    {"iso", 3, "video/mp4"},
    {"mp4", 3, "video/mp4"},
    {"avc1", 4, "video/mp4"},
    {"M4V", 3, "video/mp4"},
    {"dash", 4, "video/mp4"},
    {"MSNV", 4, "video/mp4"},
    {"crx ", 4, "image/x-canon-cr3"},
};

const char *
format_magic(struct dom_slice head)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (head.size >= magics[i].at + magics[i].size &&
		    memcmp(head.data + magics[i].at, magics[i].bytes, magics[i].size) == 0)
			return magics[i].mime;
	if (head.size >= 12 && memcmp(head.data, "RIFF", 4) == 0) {
		if (memcmp(head.data + 8, "WEBP", 4) == 0)
			return "image/webp";
		if (memcmp(head.data + 8, "AVI ", 4) == 0)
			return "video/x-msvideo";
		return NULL;
	}
	/* "BM" alone would take any text: the reserved words must be zero as well. */
	if (head.size >= 14 && memcmp(head.data, "BM", 2) == 0 &&
	    memcmp(head.data + 6, "\0\0\0\0", 4) == 0)
		return "image/bmp";
	if (head.size >= 12 && memcmp(head.data + 4, "ftyp", 4) == 0)
		for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
			if (memcmp(head.data + 8, brands[i].brand, brands[i].size) == 0)
				return brands[i].mime;
	return NULL;
}
