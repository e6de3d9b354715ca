/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * domicilectl group: who trusts whom.  Works on files alone, in a folder that
 * belongs to no region:
 *
 *   group.key     the group's secret, mode 0600
 *   group.conf    the draft, see group_draft.h
 *   group.signed  what regions and clients get; its version counts on
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/wipe.h"

#include "crypto/group.h"

#include "daemon/domicilectl.h"
#include "daemon/files.h"
#include "daemon/group_draft.h"
#include "daemon/nearest.h"

#define KEY_NAME "group.key"
#define DRAFT_NAME "group.conf"
#define SIGNED_NAME "group.signed"

enum { TIME_SIZE = 32 };

static int
fail(const char *folder, const char *name, const char *what)
{
	fprintf(stderr, "domicilectl: %s/%s cannot be %s: %s\n", folder, name, what,
	    strerror(errno));
	return CTL_FAILED;
}

static int
out_of_memory(void)
{
	fputs("domicilectl: no memory\n", stderr);
	return CTL_FAILED;
}

static int
open_folder(const char *path)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		fprintf(stderr,
		    "domicilectl: the folder %s cannot be opened: %s. \"domicilectl group init "
		    "%s NAME\" makes one\n",
		    path, strerror(errno), path);
	return folder;
}

static int
load_key(const char *path, int folder, struct dom_group_key **key_r)
{
	struct dom_buffer bytes = {0};
	struct stat info;
	enum dom_status st;

	if (fstatat(folder, KEY_NAME, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (info.st_mode & 077) != 0) {
		fprintf(stderr,
		    "domicilectl: %s/" KEY_NAME " can be read by others (mode %04o). If nobody "
		    "has read it: chmod 600 it. Else make a new group: whoever has this key "
		    "decides which regions are trusted\n",
		    path, (unsigned)info.st_mode & 07777u);
		return CTL_FAILED;
	}
	st = file_get(folder, KEY_NAME, O_NOFOLLOW, DOM_KEY_SIZE + 1, &bytes);
	if (st == DOM_OK)
		st = dom_group_key_from_bytes(dom_buffer_slice(&bytes), key_r);
	dom_wipe(bytes.data, bytes.size);
	dom_buffer_free(&bytes);
	if (st == DOM_EINPUT) {
		fprintf(stderr, "domicilectl: %s/" KEY_NAME " is not a group's key\n", path);
		return CTL_FAILED;
	}
	if (st == DOM_ABSENT)
		errno = ENOENT;
	return st == DOM_OK ? CTL_DONE : fail(path, KEY_NAME, "read");
}

/* --- commands --------------------------------------------------------------- */

static int
group_init(struct ctl *ctl, char **words, size_t count)
{
	const struct dom_random random = dom_random_system();
	/* The version only so that the rest can be checked. */
	const struct wire_group group = {.name = dom_slice_of(words[1]), .version = 1};
	struct dom_buffer text = {0};
	uint8_t secret[DOM_KEY_SIZE];
	const char *why = group_draft_fault(words[1]);
	int folder, result = CTL_DONE;

	(void)ctl;
	(void)count;
	if (why != NULL || wire_group_check(&group, &why) != DOM_OK) {
		fprintf(stderr, "domicilectl: the group's name: %s. Nothing was made\n", why);
		return CTL_WRONG;
	}
	if (mkdir(words[0], 0700) != 0 && errno != EEXIST) {
		fprintf(stderr, "domicilectl: the folder %s cannot be made: %s\n", words[0],
		    strerror(errno));
		return CTL_FAILED;
	}
	if ((folder = open_folder(words[0])) < 0)
		return CTL_FAILED;
	dom_random_fill(&random, secret, sizeof(secret));
	group_draft_print(&text, &group);
	if (dom_buffer_finish(&text) != DOM_OK)
		result = out_of_memory();
	/* The key last: without it the folder is not begun, and init can be repeated. */
	else if (!file_put(folder, DRAFT_NAME, dom_buffer_slice(&text), 0644, false))
		result = fail(words[0], DRAFT_NAME, "made");
	else if (!file_put(folder, KEY_NAME, dom_slice(secret, sizeof(secret)), 0600, false))
		result = fail(words[0], KEY_NAME, "made");
	else
		printf(
		    "%s/" KEY_NAME " is the group's secret: keep it apart from every region, "
		    "and a copy of it in a safe place.\nNext: domicilectl group add %s REGION "
		    "key=HEX address=https://..., then domicilectl group sign %s\n",
		    words[0], words[0], words[0]);
	dom_wipe(secret, sizeof(secret));
	dom_buffer_free(&text);
	close(folder);
	return result;
}

static char *
path_of(struct ctl *ctl, const char *folder, const char *name)
{
	return dom_arena_print(ctl->arena, "%s/%s", folder, name);
}

static int
read_draft(struct ctl *ctl, const char *folder, struct wire_group *group)
{
	const char *path = path_of(ctl, folder, DRAFT_NAME);

	if (path == NULL)
		return out_of_memory();
	return group_draft_read(path, ctl->arena, group) == DOM_OK ? CTL_DONE : CTL_FAILED;
}

/* Words such as "country=SG"; each one of `keys`.  The first address replaces all. */
static int
set_words(struct ctl *ctl, struct wire_group_region *region, char **words, size_t count)
{
	bool has_address = false;

	for (size_t i = 0; i < count; i++) {
		char *equals = strchr(words[i], '=');
		const char *key, *why;

		if (equals == NULL) {
			fprintf(stderr,
			    "domicilectl: \"%s\" is not \"key=value\", such as country=SG\n",
			    words[i]);
			return CTL_WRONG;
		}
		key = dom_arena_print(ctl->arena, "%.*s", (int)(equals - words[i]), words[i]);
		if (key == NULL)
			return out_of_memory();
		if (strcmp(key, "address") == 0 && !has_address) {
			has_address = true;
			region->address_count = 0;
		}
		if (!group_draft_set(region, ctl->arena, key, equals + 1, &why)) {
			fprintf(stderr, "domicilectl: %s: %s\n",
			    group_draft_fault(words[i]) == NULL ? words[i] : key, why);
			return CTL_WRONG;
		}
	}
	return CTL_DONE;
}

static int
write_draft(const char *path, const struct wire_group *group)
{
	struct dom_buffer text = {0};
	int folder = open_folder(path), result = CTL_FAILED;

	if (folder < 0)
		return result;
	group_draft_print(&text, group);
	if (dom_buffer_finish(&text) != DOM_OK)
		result = out_of_memory();
	else if (!file_put(folder, DRAFT_NAME, dom_buffer_slice(&text), 0644, true))
		result = fail(path, DRAFT_NAME, "written");
	else
		result = CTL_DONE;
	dom_buffer_free(&text);
	close(folder);
	return result;
}

/* A copy that may be changed; *at_r its place. */
static struct wire_group_region *
find(struct wire_group *group, const char *name, size_t *at_r)
{
	for (*at_r = 0; *at_r < group->region_count; ++*at_r)
		if (dom_slice_is(group->regions[*at_r].name, name))
			return &group->regions[*at_r];
	return NULL;
}

static int
finish_change(const char *path, const struct wire_group *group, const char *what)
{
	int result = write_draft(path, group);

	if (result == CTL_DONE)
		printf("%s in the draft. It counts once it is signed: domicilectl group sign "
		       "%s\n",
		    what, path);
	return result;
}

static int
group_add(struct ctl *ctl, char **words, size_t count)
{
	struct wire_group_region fresh = {.name = dom_slice_of(words[1]),
	    .flags = WIRE_REGION_TAKES | WIRE_REGION_LETS,
	    .grace_min_days = 1,
	    .grace_max_days = 30};
	struct wire_group group;
	size_t at;
	int result;

	if ((result = read_draft(ctl, words[0], &group)) != CTL_DONE ||
	    (result = set_words(ctl, &fresh, words + 2, count - 2)) != CTL_DONE)
		return result;
	if (!wire_region_name_valid(fresh.name) || find(&group, words[1], &at) != NULL ||
	    group.region_count == WIRE_GROUP_REGIONS_MAX) {
		fprintf(stderr,
		    "domicilectl: %s cannot be added: it is in the draft already (see group "
		    "set), or is not a name of up to 32 small letters, digits and hyphens, or "
		    "the group has 256 regions\n",
		    words[1]);
		return CTL_WRONG;
	}
	group.regions[group.region_count++] = fresh;
	return finish_change(words[0], &group, "added");
}

static int
unknown_region(const char *name)
{
	fprintf(stderr, "domicilectl: the draft has no region %s\n", name);
	return CTL_WRONG;
}

static int
group_set(struct ctl *ctl, char **words, size_t count)
{
	struct wire_group_region *region;
	struct wire_group group;
	size_t at;
	int result = read_draft(ctl, words[0], &group);

	if (result != CTL_DONE)
		return result;
	if ((region = find(&group, words[1], &at)) == NULL)
		return unknown_region(words[1]);
	if ((result = set_words(ctl, region, words + 2, count - 2)) != CTL_DONE)
		return result;
	return finish_change(words[0], &group, "changed");
}

static int
group_remove(struct ctl *ctl, char **words, size_t count)
{
	struct wire_group group;
	size_t at;
	int result = read_draft(ctl, words[0], &group);

	(void)count;
	if (result != CTL_DONE)
		return result;
	if (find(&group, words[1], &at) == NULL)
		return unknown_region(words[1]);
	group.region_count--;
	memmove(&group.regions[at], &group.regions[at + 1],
	    (group.region_count - at) * sizeof(group.regions[0]));
	return finish_change(words[0], &group, "removed");
}

/*
 * DOM_ABSENT: nothing was signed yet.  What is wrong otherwise was said, of shown.  flags:
 * O_NOFOLLOW for a name in a folder of ours.
 */
static enum dom_status
read_signed(int folder, const char *name, int flags, const char *shown, struct dom_arena *arena,
    struct wire_group *group)
{
	struct dom_buffer bytes = {0};
	struct dom_slice kept;
	const char *why;
	enum dom_status st = file_get(folder, name, flags, WIRE_GROUP_SIZE_MAX + 1, &bytes);

	if (st == DOM_OK) {
		kept = dom_arena_copy(arena, dom_buffer_slice(&bytes));
		st = kept.data == NULL ? DOM_ENOMEM
		                       : wire_group_decode(kept, arena, group, &why);
		if (st == DOM_ENOMEM)
			out_of_memory();
		else if (st < 0)
			fprintf(stderr, "domicilectl: %s: %s\n", shown, why);
	} else if (st < 0) {
		/* EINVAL: see file_get(). */
		fprintf(stderr, "domicilectl: %s cannot be read: %s\n", shown,
		    errno == EINVAL ? "it is no file, or larger than any group's"
		                    : strerror(errno));
	}
	dom_buffer_free(&bytes);
	return st;
}

static int
group_sign(struct ctl *ctl, char **words, size_t count)
{
	const struct dom_clock clock = dom_clock_system();
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_group_key *key = NULL;
	struct wire_group group, before;
	struct dom_buffer bytes = {0};
	const char *why, *path = path_of(ctl, words[0], SIGNED_NAME);
	enum dom_status st;
	int folder, result = read_draft(ctl, words[0], &group);

	(void)count;
	if (result != CTL_DONE)
		return result;
	if (path == NULL)
		return out_of_memory();
	if ((folder = open_folder(words[0])) < 0)
		return CTL_FAILED;
	result = CTL_FAILED;
	st = read_signed(folder, SIGNED_NAME, O_NOFOLLOW, path, ctl->arena, &before);
	if (st < 0 || (result = load_key(words[0], folder, &key)) != CTL_DONE)
		goto out;
	group.version = st == DOM_OK ? before.version + 1 : 1;
	group.issued_ms = dom_clock_now_ms(&clock);
	dom_group_public(key, group.key);
	result = CTL_FAILED;
	if (st == DOM_OK && memcmp(before.key, group.key, sizeof(group.key)) != 0) {
		fprintf(stderr,
		    "domicilectl: %s/" SIGNED_NAME " is signed with another key than this "
		    "folder's: put the right " KEY_NAME " there\n",
		    words[0]);
		goto out;
	}
	if (wire_group_check(&group, &why) != DOM_OK) {
		fprintf(stderr, "domicilectl: nothing was signed: %s\n", why);
		goto out;
	}
	wire_group_encode(&bytes, &group);
	dom_group_sign(key, dom_buffer_slice(&bytes), signature);
	dom_buffer_append(&bytes, signature, sizeof(signature));
	if (dom_buffer_finish(&bytes) != DOM_OK) {
		out_of_memory();
	} else if (!file_put(folder, SIGNED_NAME, dom_buffer_slice(&bytes), 0644, true)) {
		fail(words[0], SIGNED_NAME, "written");
	} else {
		printf("signed version %" PRIu64 " with %zu region%s: give %s/" SIGNED_NAME
		       " to each region (\"group = FILE\" in its configuration)\n",
		    group.version, group.region_count, group.region_count == 1 ? "" : "s",
		    words[0]);
		result = CTL_DONE;
	}
out:
	if (key != NULL)
		dom_group_key_free(&key);
	dom_buffer_free(&bytes);
	close(folder);
	return result;
}

static void
print_group(const struct wire_group *group, const char *draft)
{
	char key[2 * sizeof(group->key) + 1], when[TIME_SIZE] = "?";
	time_t issued = (time_t)(group->issued_ms / 1000);
	struct tm parts;

	if (gmtime_r(&issued, &parts) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &parts);
	dom_hex_encode(dom_slice(group->key, sizeof(group->key)), key);
	printf("# version %" PRIu64 ", signed %s\n# group key %s\n%s", group->version, when,
	    key, draft);
}

/* A folder's signed file, or any signed file. */
static int
group_show(struct ctl *ctl, char **words, size_t count)
{
	const char *path = words[0];
	struct dom_buffer text = {0};
	struct wire_group group;
	struct stat info;
	enum dom_status st;

	(void)count;
	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode) &&
	    (path = path_of(ctl, path, SIGNED_NAME)) == NULL)
		return out_of_memory();
	st = read_signed(AT_FDCWD, path, 0, path, ctl->arena, &group);
	if (st == DOM_ABSENT)
		fprintf(stderr, "domicilectl: %s holds no signed group file\n", words[0]);
	if (st != DOM_OK)
		return CTL_FAILED;
	group_draft_print(&text, &group);
	dom_buffer_append(&text, "", 1);
	st = dom_buffer_finish(&text);
	if (st == DOM_OK)
		print_group(&group, (const char *)text.data);
	dom_buffer_free(&text);
	return st == DOM_OK ? CTL_DONE : out_of_memory();
}

static const struct command {
	const char *name, *usage;
	size_t words_min, words_max;
	int (*run)(struct ctl *ctl, char **words, size_t count);
} commands[] = {
    {"init", "DIR NAME", 2, 2, group_init},
    {"add", "DIR REGION key=HEX address=URL [country=CC] [takes=no] [lets=no] [grace=1-30]", 4,
        16, group_add},
    {"set", "DIR REGION KEY=VALUE...", 3, 16, group_set},
    {"remove", "DIR REGION", 2, 2, group_remove},
    {"sign", "DIR", 1, 1, group_sign},
    {"show", "DIR|FILE", 1, 1, group_show},
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

int
ctl_group(struct ctl *ctl, char **words, size_t count)
{
	const char *names[COMMAND_COUNT], *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		names[i] = commands[i].name;
		if (count == 0 || strcmp(words[0], names[i]) != 0)
			continue;
		if (count - 1 >= commands[i].words_min && count - 1 <= commands[i].words_max)
			return commands[i].run(ctl, words + 1, count - 1);
		fprintf(
		    stderr, "usage: domicilectl group %s %s\n", names[i], commands[i].usage);
		return CTL_WRONG;
	}
	near = count == 0 ? NULL : nearest_word(words[0], names, COMMAND_COUNT);
	fprintf(stderr,
	    "domicilectl: group has the commands init, add, set, remove, sign and show%s%s%s\n",
	    near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
	    near == NULL ? "" : "\"?");
	return CTL_WRONG;
}
