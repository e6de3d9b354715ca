/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The draft of a group file; its form is in the header. */
#include "daemon/group_draft.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#include "daemon/ini_file.h"

/* With the longest key, "address = ", it fits into a line of ini_file.c. */
enum { VALUE_SIZE_MAX = 180 };

struct reading {
	struct ini_report report;
	struct dom_arena *arena;
	struct wire_group *group;
	struct wire_group_region *region; /* of the section that is read */
	unsigned line;
};

static void
problem(struct reading *reading, const char *what)
{
	ini_problem(&reading->report, reading->line, what);
}

static const char *
set_key(struct wire_group_region *region, const char *value)
{
	size_t size;

	if (strlen(value) != 2 * sizeof(region->key) ||
	    dom_hex_decode(dom_slice_of(value), region->key, sizeof(region->key), &size) !=
	        DOM_OK)
		return "key must be 64 small hex digits, as \"domicilectl region key\" prints "
		       "them";
	return NULL;
}

static const char *
set_address(struct wire_group_region *region, struct dom_slice value)
{
	if (!wire_address_valid(value))
		return "address must begin with https:// (http:// on loopback only), without a "
		       "user, a query or spaces";
	if (region->address_count == WIRE_GROUP_ADDRESSES_MAX)
		return "a region has at most eight addresses";
	region->addresses[region->address_count++] = value;
	return NULL;
}

static const char *
set_flag(struct wire_group_region *region, uint8_t flag, const char *value)
{
	if (strcmp(value, "yes") == 0)
		region->flags |= flag;
	else if (strcmp(value, "no") == 0)
		region->flags &= (uint8_t)~flag;
	else
		return "this must be yes or no";
	return NULL;
}

static const char *
set_grace(struct wire_group_region *region, const char *value)
{
	unsigned min, max;
	int used = 0;

	if (sscanf(value, "%4u-%4u%n", &min, &max, &used) != 2 || value[used] != '\0' ||
	    min > max || max > WIRE_GRACE_DAYS_MAX)
		return "grace must be the fewest and the most days, such as 1-30";
	region->grace_min_days = min;
	region->grace_max_days = max;
	return NULL;
}

const char *
group_draft_fault(const char *value)
{
	size_t size = strlen(value);

	if (size > VALUE_SIZE_MAX)
		return "this is longer than the 180 bytes that fit into a line of a draft";
	for (size_t i = 0; i < size; i++)
		if ((uint8_t)value[i] < 0x20 || value[i] == 0x7f)
			return "this has a control character or the end of a line in it";
	if (size != 0 && (value[0] == ' ' || value[size - 1] == ' '))
		return "this begins or ends with a blank";
	if (value[0] == ';' || strstr(value, " ;") != NULL)
		return "a semicolon at the start or after a blank would begin a comment";
	return NULL;
}

bool
group_draft_set(struct wire_group_region *region, struct dom_arena *arena, const char *key,
    const char *value, const char **why_r)
{
	struct dom_slice kept = dom_arena_copy(arena, dom_slice_of(value));

	if (kept.data == NULL)
		*why_r = "no memory";
	else if ((*why_r = group_draft_fault(value)) != NULL)
		return false;
	else if (strcmp(key, "key") == 0)
		*why_r = set_key(region, value);
	else if (strcmp(key, "country") == 0)
		*why_r = (region->country = kept, NULL);
	else if (strcmp(key, "address") == 0)
		*why_r = set_address(region, kept);
	else if (strcmp(key, "takes") == 0)
		*why_r = set_flag(region, WIRE_REGION_TAKES, value);
	else if (strcmp(key, "lets") == 0)
		*why_r = set_flag(region, WIRE_REGION_LETS, value);
	else if (strcmp(key, "grace") == 0)
		*why_r = set_grace(region, value);
	else
		*why_r = "a region has only: key, country, address, takes, lets, grace";
	return *why_r == NULL;
}

/* NULL: it cannot be begun, and why was said. */
static struct wire_group_region *
begin_region(struct reading *reading, const char *name)
{
	struct wire_group *group = reading->group;
	struct dom_slice kept = dom_arena_copy(reading->arena, dom_slice_of(name));

	if (kept.data == NULL)
		problem(reading, "no memory");
	else if (!wire_region_name_valid(kept))
		problem(reading,
		    "a region's name must be up to 32 small letters, digits and hyphens, a "
		    "letter first");
	else if (wire_group_find(group, kept) != NULL)
		problem(reading, "this region has a section already");
	else if (group->region_count == WIRE_GROUP_REGIONS_MAX)
		problem(reading, "a group has at most 256 regions");
	else {
		struct wire_group_region *region = &group->regions[group->region_count++];

		*region = (struct wire_group_region){.name = kept};
		return region;
	}
	return NULL;
}

static void
set(void *context, unsigned line, const char *section, const char *key, const char *value)
{
	struct reading *reading = context;
	const char *why = NULL;

	reading->line = line;
	if (section[0] == '\0') {
		struct dom_slice kept = dom_arena_copy(reading->arena, dom_slice_of(value));

		if (strcmp(key, "name") != 0)
			problem(reading, "before the first [region] there is only: name");
		else if (kept.data == NULL)
			problem(reading, "no memory");
		else
			reading->group->name = kept;
		return;
	}
	/* A section's name comes with each of its lines, and sections do not mix. */
	if (reading->region == NULL || !dom_slice_is(reading->region->name, section))
		reading->region = begin_region(reading, section);
	if (reading->region != NULL &&
	    !group_draft_set(reading->region, reading->arena, key, value, &why))
		problem(reading, why);
}

static int
by_name(const void *a, const void *b)
{
	const struct wire_group_region *one = a, *other = b;
	size_t size = one->name.size < other->name.size ? one->name.size : other->name.size;
	int order = memcmp(one->name.data, other->name.data, size);

	return order != 0
	           ? order
	           : (one->name.size > other->name.size) - (one->name.size < other->name.size);
}

enum dom_status
group_draft_read(const char *path, struct dom_arena *arena, struct wire_group *group_r)
{
	struct reading reading = {.report = {.program = "domicilectl", .path = path},
	    .arena = arena,
	    .group = group_r};
	const struct ini_file file = {.report = &reading.report,
	    .wrong_line = "this line is neither \"[region]\" nor \"key = value\"",
	    .long_line = "Addresses may be several lines with the same key",
	    .entry = set,
	    .context = &reading};

	*group_r = (struct wire_group){.regions = dom_arena_array(arena, WIRE_GROUP_REGIONS_MAX,
	                                   sizeof(*group_r->regions))};
	if (group_r->regions == NULL)
		return DOM_ENOMEM;
	if (ini_file_read(&file) == DOM_EFILE) {
		fprintf(stderr, "domicilectl: the draft %s cannot be read: %s\n", path,
		    strerror(errno));
		return DOM_EFILE;
	}
	qsort(group_r->regions, group_r->region_count, sizeof(*group_r->regions), by_name);
	return ini_report_end(&reading.report);
}

static void
print_region(struct dom_buffer *text, const struct wire_group_region *region)
{
	char key[2 * sizeof(region->key) + 1];

	dom_hex_encode(dom_slice(region->key, sizeof(region->key)), key);
	dom_buffer_append_text(text, "[");
	dom_buffer_append_slice(text, region->name);
	dom_buffer_print(text, "]\nkey = %s\n", key);
	if (region->country.size != 0) {
		dom_buffer_append_text(text, "country = ");
		dom_buffer_append_slice(text, region->country);
		dom_buffer_append_text(text, "\n");
	}
	for (size_t i = 0; i < region->address_count; i++) {
		dom_buffer_append_text(text, "address = ");
		dom_buffer_append_slice(text, region->addresses[i]);
		dom_buffer_append_text(text, "\n");
	}
	dom_buffer_print(text, "takes = %s\nlets = %s\ngrace = %" PRIu32 "-%" PRIu32 "\n",
	    (region->flags & WIRE_REGION_TAKES) != 0 ? "yes" : "no",
	    (region->flags & WIRE_REGION_LETS) != 0 ? "yes" : "no", region->grace_min_days,
	    region->grace_max_days);
}

void
group_draft_print(struct dom_buffer *text, const struct wire_group *group)
{
	dom_buffer_append_text(text, "name = ");
	dom_buffer_append_slice(text, group->name);
	dom_buffer_append_text(text, "\n");
	for (size_t i = 0; i < group->region_count; i++) {
		dom_buffer_append_text(text, "\n");
		print_region(text, &group->regions[i]);
	}
}
