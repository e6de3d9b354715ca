/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Names that came from elsewhere, made into names that are safe here. */
#include "cli/paths.h"

#include <stdio.h>
#include <string.h>

#include "cli/text.h"

/* One component; false if nothing of it is left. */
static bool
path_component(const char *text, size_t size, char *out, size_t room, size_t *size_r)
{
	char raw[PATH_NAME_SIZE_MAX + 1], clean[PATH_NAME_SIZE_MAX + 1];
	const char *dot = NULL;
	size_t tail = 0, stem;

	if (size == 0 || (size == 1 && text[0] == '.'))
		return false;
	/* A name that is too long loses its middle, not its ending. */
	for (size_t at = size; at > 1 && size - at < 16; at--) {
		if (text[at - 1] == '.') {
			dot = text + at - 1;
			break;
		}
	}
	if (size > PATH_NAME_SIZE_MAX) {
		tail = dot == NULL ? 0 : size - (size_t)(dot - text);
		stem = PATH_NAME_SIZE_MAX - tail;
		while (stem > 0 && ((unsigned char)text[stem] & 0xc0) == 0x80)
			stem--;
	} else {
		stem = size;
	}
	memcpy(raw, text, stem);
	if (tail > 0)
		memcpy(raw + stem, dot, tail);
	raw[stem + tail] = '\0';
	text_clean(raw, '_', clean, sizeof(clean));
	if (strcmp(clean, "..") == 0)
		memcpy(clean, "__", 2);
	/* These names are the restore's own. */
	if (strncmp(clean, ".domicile-", 10) == 0)
		clean[0] = '_';
	*size_r = strlen(clean);
	if (*size_r == 0 || *size_r > room)
		return false;
	memcpy(out, clean, *size_r);
	return true;
}

void
path_safe(const char *name, const char *other, char path_r[PATH_SIZE_MAX + 1])
{
	const size_t most = PATH_SIZE_MAX - PATH_NAME_SIZE_MAX;
	size_t size = 0;
	unsigned depth = 0;

	for (const char *at = name; *at != '\0' && depth < PATH_DEPTH_MAX;) {
		size_t part = strcspn(at, "/"), got = 0;
		size_t slash = size > 0 ? 1 : 0;

		if (size + slash + 1 < most && path_component(at, part, path_r + size + slash,
		                                   most - size - slash, &got)) {
			if (slash)
				path_r[size] = '/';
			size += slash + got;
			depth++;
		}
		at += part;
		at += *at == '/';
	}
	path_r[size] = '\0';
	if (size == 0)
		snprintf(path_r, PATH_SIZE_MAX + 1, "%s", other);
}

void
path_variant(const char *path, unsigned number, char path_r[PATH_SIZE_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	const char *dot = strrchr(name, '.');
	char mark[16];
	size_t stem, tail, mark_size;

	mark_size = (size_t)snprintf(mark, sizeof(mark), " (%u)", number);
	if (dot == NULL || dot == name || strlen(dot) > 16)
		dot = name + strlen(name);
	tail = strlen(dot);
	stem = (size_t)(dot - name);
	if (stem + tail + mark_size > PATH_NAME_SIZE_MAX)
		stem = text_cut(name, PATH_NAME_SIZE_MAX - tail - mark_size);
	if ((size_t)(name - path) + stem + mark_size + tail > PATH_SIZE_MAX)
		stem = text_cut(name, PATH_SIZE_MAX - (size_t)(name - path) - mark_size - tail);
	snprintf(path_r, PATH_SIZE_MAX + 1, "%.*s%.*s%s%s", (int)(name - path), path, (int)stem,
	    name, mark, dot);
}

bool
path_account(const char *name, const char *server_url, char *folder_r, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+";
	const char *host = strstr(server_url, "://");
	char text[1024];
	size_t out = 0, end;

	host = host == NULL ? server_url : host + 3;
	end = strlen(host);
	while (end > 0 && host[end - 1] == '/')
		end--;
	if (end == 0 || name[0] == '\0' ||
	    snprintf(text, sizeof(text), "%s@%.*s", name, (int)end, host) >= (int)sizeof(text))
		return false;
	for (const char *at = text; *at != '\0'; at++) {
		if (out + 4 > size || out + 4 > PATH_NAME_SIZE_MAX)
			return false;
		if (strchr(plain, *at) != NULL || *at == '@' || *at == '_')
			folder_r[out++] = *at;
		else if (*at == ':' || *at == '/')
			folder_r[out++] = '_';
		else if (*at != '[' && *at != ']')
			out += (size_t)snprintf(
			    folder_r + out, 4, "%%%02X", (unsigned)(unsigned char)*at);
	}
	folder_r[out] = '\0';
	/* A hidden folder would not be found again. */
	if (folder_r[0] == '.')
		folder_r[0] = '_';
	return true;
}
