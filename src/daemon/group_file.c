/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which group, and which version of it, this region has seen. */
#include "daemon/group_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"

#include "daemon/files.h"

static const char seen_name[] = "group.seen";

enum { KEY_TEXT_SIZE = 2 * 32 + 1 };

struct loading {
	const struct group_file_options *options;
	struct dom_arena *arena;
	struct group_file *file, seen;
	bool has_seen;
	int data;
	char *message;
	size_t message_size;
};

static enum dom_status __attribute__((format(printf, 3, 4)))
refuse(const struct loading *loading, enum dom_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(loading->message, loading->message_size, format, args);
	va_end(args);
	return status;
}

static enum dom_status
no_memory(const struct loading *loading)
{
	return refuse(loading, DOM_ENOMEM, "no memory");
}

/* DOM_ABSENT, DOM_EFILE: nothing was said of it yet. */
static enum dom_status
read_group(const struct loading *loading, int folder, const char *name, struct group_file *into,
    const char **why_r)
{
	struct dom_buffer bytes = {0};
	enum dom_status st = file_get(folder, name, 0, WIRE_GROUP_SIZE_MAX, &bytes);

	*why_r = NULL;
	if (st == DOM_OK) {
		into->bytes = dom_arena_copy(loading->arena, dom_buffer_slice(&bytes));
		st = into->bytes.data == NULL
		         ? DOM_ENOMEM
		         : wire_group_decode(into->bytes, loading->arena, &into->group, why_r);
	}
	dom_buffer_free(&bytes);
	return st;
}

static enum dom_status
read_given(struct loading *loading)
{
	const char *path = loading->options->path, *why;
	enum dom_status st = read_group(loading, AT_FDCWD, path, loading->file, &why);

	if (st == DOM_OK)
		return DOM_OK;
	if (st == DOM_ENOMEM)
		return no_memory(loading);
	if (st == DOM_ABSENT || st == DOM_EFILE)
		return refuse(loading, DOM_EFILE,
		    "the group file %s cannot be read: %s. Without it this region would not "
		    "know "
		    "whom to trust: put it there, or remove \"group\" from the configuration",
		    path,
		    strerror(st == DOM_ABSENT  ? ENOENT
		             : errno == EINVAL ? EFBIG
		                               : errno));
	return refuse(loading, DOM_EINPUT,
	    "the group file %s is refused: %s. Take it anew from whoever signs for the group",
	    path, why);
}

static enum dom_status
read_seen(struct loading *loading)
{
	const char *data = loading->options->data, *why;
	enum dom_status st;

	loading->data = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (loading->data < 0 && errno == ENOENT)
		return DOM_OK;
	st = loading->data < 0
	         ? DOM_EFILE
	         : read_group(loading, loading->data, seen_name, &loading->seen, &why);
	loading->has_seen = st == DOM_OK;
	if (st == DOM_OK || st == DOM_ABSENT)
		return DOM_OK;
	if (st == DOM_ENOMEM)
		return no_memory(loading);
	if (st == DOM_EFILE)
		return refuse(
		    loading, st, "%s/%s cannot be read: %s", data, seen_name, strerror(errno));
	return refuse(loading, st,
	    "%s/%s, the group file that was accepted last, is damaged: %s. If you are sure of "
	    "the one in the configuration, remove the damaged one and start again",
	    data, seen_name, why);
}

/* Never back, and never to what another key has signed. */
static enum dom_status
compare_seen(const struct loading *loading)
{
	const struct group_file_options *options = loading->options;
	const struct wire_group *group = &loading->file->group, *seen = &loading->seen.group;
	char key[KEY_TEXT_SIZE], seen_key[KEY_TEXT_SIZE];

	dom_hex_encode(dom_slice(group->key, sizeof(group->key)), key);
	dom_hex_encode(dom_slice(seen->key, sizeof(seen->key)), seen_key);
	if (strcmp(key, seen_key) != 0)
		return refuse(loading, DOM_EDENIED,
		    "the group file %s is signed by the key %s, but this region belongs to a "
		    "group of the key %s. Whoever has a group's key decides who may ask for "
		    "accounts. If this region is to change over to the other group, remove "
		    "%s/%s "
		    "and start again; else take the file from the group that it belongs to",
		    options->path, key, seen_key, options->data, seen_name);
	if (group->version < seen->version)
		return refuse(loading, DOM_EDENIED,
		    "the group file %s is version %" PRIu64 ", but this region has seen "
		    "version "
		    "%" PRIu64
		    ": an old one could bring back a region that was removed. Take the newest "
		    "from whoever signs for the group; the last one seen is %s/%s",
		    options->path, group->version, seen->version, options->data, seen_name);
	if (group->version == seen->version &&
	    !dom_slice_equal(loading->file->bytes, loading->seen.bytes))
		return refuse(loading, DOM_EDENIED,
		    "the group file %s is version %" PRIu64 " like %s/%s, but says something "
		    "else: the group's key was used for two. Ask whoever signs for the group, "
		    "and take a file of a higher version",
		    options->path, group->version, options->data, seen_name);
	return DOM_OK;
}

/* What the group says of us is what others believe of us. */
static enum dom_status
check_own(const struct loading *loading)
{
	const struct group_file_options *options = loading->options;
	const struct wire_group *group = &loading->file->group;
	const struct wire_group_region *own =
	    wire_group_find(group, dom_slice_of(options->region));
	uint8_t public[DOM_PUBLIC_KEY_SIZE];
	char key[KEY_TEXT_SIZE], own_key[KEY_TEXT_SIZE];

	if (own == NULL)
		return refuse(loading, DOM_EDENIED,
		    "version %" PRIu64
		    " of the group file %s does not have the region %s. \"domicilectl region "
		    "key\" prints what whoever signs for the group adds; or remove \"group\" "
		    "from the configuration, if this region does not belong to it any more",
		    group->version, options->path, options->region);
	if (options->key == NULL)
		return DOM_OK;
	dom_region_sign_public(options->key, public);
	if (memcmp(public, own->key, sizeof(public)) == 0)
		return DOM_OK;
	dom_hex_encode(dom_slice(public, sizeof(public)), key);
	dom_hex_encode(dom_slice(own->key, sizeof(own->key)), own_key);
	return refuse(loading, DOM_EDENIED,
	    "the group file %s says that the region %s signs with %s, but this one signs with "
	    "%s: others would believe nothing that it says. Whoever signs for the group puts "
	    "it right with \"domicilectl group set DIR %s key=%s\"; if another region has this "
	    "name, one of the two needs another",
	    options->path, options->region, own_key, key, options->region, key);
}

static enum dom_status
pin(const struct loading *loading)
{
	if (loading->options->key == NULL ||
	    (loading->has_seen && loading->seen.group.version == loading->file->group.version))
		return DOM_OK;
	if (loading->data >= 0 &&
	    file_put(loading->data, seen_name, loading->file->bytes, 0640, true))
		return DOM_OK;
	return refuse(loading, DOM_EFILE,
	    "%s/%s cannot be written: %s. It keeps an older group file from being taken for a "
	    "newer one",
	    loading->options->data, seen_name, strerror(loading->data < 0 ? ENOENT : errno));
}

/* Others may still wait for what this region owes them. */
static void
say_left(const struct loading *loading)
{
	if (loading->has_seen)
		snprintf(loading->message, loading->message_size,
		    "this region is in no group any more: moves that are not at their end "
		    "stand "
		    "still until \"group\" is in the configuration again; the last group file "
		    "is "
		    "%s/%s",
		    loading->options->data, seen_name);
}

enum dom_status
group_file_load(const struct group_file_options *options, struct dom_arena *arena,
    struct group_file **file_r, char *message_r, size_t message_size)
{
	struct loading loading = {.options = options,
	    .arena = arena,
	    .data = -1,
	    .message = message_r,
	    .message_size = message_size};
	enum dom_status st;

	*file_r = NULL;
	message_r[0] = '\0';
	if ((loading.file = dom_arena_take(arena, sizeof(*loading.file))) == NULL)
		return no_memory(&loading);
	st = read_seen(&loading);
	if (options->path == NULL) {
		message_r[0] = '\0';
		say_left(&loading);
		st = DOM_OK;
		goto out;
	}
	if (st < 0 || (st = read_given(&loading)) < 0 ||
	    (loading.has_seen && (st = compare_seen(&loading)) < 0) ||
	    (st = check_own(&loading)) < 0 || (st = pin(&loading)) < 0)
		goto out;
	*file_r = loading.file;
out:
	if (loading.data >= 0)
		close(loading.data);
	return st;
}
