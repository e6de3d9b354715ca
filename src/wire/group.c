/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The group file; the layout is in the header. */
#include "wire/group.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"

#include "crypto/region.h"

#include "wire/statement.h"

static const char domain_group[] = "domicile/group/v1";

enum { DOMAIN_SIZE_MAX = 64 };

bool
wire_region_name_valid(struct dom_slice name)
{
	return wire_service_valid(name); /* the same rule */
}

/* The host in what follows "scheme://", without its port. */
static struct dom_slice
host_of(struct dom_slice rest)
{
	struct dom_slice host = {.data = rest.data};

	if (rest.size > 0 && rest.data[0] == '[') {
		while (host.size < rest.size && rest.data[host.size] != ']')
			host.size++;
		host.size += host.size < rest.size;
		return host;
	}
	while (
	    host.size < rest.size && rest.data[host.size] != ':' && rest.data[host.size] != '/')
		host.size++;
	return host;
}

/* Addresses are told apart by their text, so only the usual ones are known. */
static bool
is_loopback(struct dom_slice host)
{
	static const char four[] = "127.";

	if (dom_slice_is(host, "localhost") || dom_slice_is(host, "[::1]"))
		return true;
	if (host.size <= sizeof(four) - 1 || memcmp(host.data, four, sizeof(four) - 1) != 0)
		return false;
	for (size_t i = 0; i < host.size; i++)
		if (host.data[i] != '.' && (host.data[i] < '0' || host.data[i] > '9'))
			return false;
	return true;
}

static bool
begins(struct dom_slice text, const char *with, struct dom_slice *rest_r)
{
	size_t size = strlen(with);

	if (text.size < size || memcmp(text.data, with, size) != 0)
		return false;
	*rest_r = dom_slice(text.data + size, text.size - size);
	return true;
}

bool
wire_address_valid(struct dom_slice address)
{
	struct dom_slice rest, host;
	bool is_plain;

	if (address.size > WIRE_ADDRESS_SIZE_MAX)
		return false;
	for (size_t i = 0; i < address.size; i++)
		if (address.data[i] <= ' ' || address.data[i] >= 0x7f ||
		    strchr("@?#\\\"<>", address.data[i]) != NULL)
			return false;
	is_plain = begins(address, "http://", &rest);
	if (!is_plain && !begins(address, "https://", &rest))
		return false;
	host = host_of(rest);
	return host.size > 0 && (!is_plain || is_loopback(host));
}

static bool
is_country(struct dom_slice country)
{
	return country.size == 0 ||
	       (country.size == 2 && country.data[0] >= 'A' && country.data[0] <= 'Z' &&
	           country.data[1] >= 'A' && country.data[1] <= 'Z');
}

static int
compare(struct dom_slice a, struct dom_slice b)
{
	size_t shorter = a.size < b.size ? a.size : b.size;
	int order = memcmp(a.data, b.data, shorter);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static const char *
region_fault(const struct wire_group_region *region)
{
	if (!wire_region_name_valid(region->name))
		return "a region's name must be up to 32 small letters, digits and hyphens, a "
		       "letter first";
	if (memcmp(region->key, (const uint8_t[32]){0}, 32) == 0)
		return "a region needs its key";
	if (!is_country(region->country))
		return "a region's country must be two capital letters (ISO 3166-1), or none";
	if (region->address_count == 0 || region->address_count > WIRE_GROUP_ADDRESSES_MAX)
		return "a region needs one to eight addresses";
	for (size_t i = 0; i < region->address_count; i++)
		if (!wire_address_valid(region->addresses[i]))
			return "a region's address must begin with https:// (http:// on "
			       "loopback "
			       "only), without a user, a query or spaces";
	if ((region->flags & ~(WIRE_REGION_TAKES | WIRE_REGION_LETS)) != 0)
		return "a region has a policy that this release does not know";
	if (region->grace_min_days > region->grace_max_days ||
	    region->grace_max_days > WIRE_GRACE_DAYS_MAX)
		return "a region's days of grace must be a smallest and a largest number, up "
		       "to "
		       "3650";
	return NULL;
}

/* What people read must not steer their terminals. */
static bool
is_plain_text(struct dom_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < ' ' || text.data[i] == 0x7f)
			return false;
	return dom_utf8_valid(text);
}

static const char *
group_fault(const struct wire_group *group)
{
	const char *fault;

	if (group->version == 0 || group->version > INT64_MAX)
		return "a group's version must be 1 or more";
	if (group->issued_ms < 0)
		return "a group's time must not be before 1970";
	if (group->name.size == 0 || group->name.size > WIRE_GROUP_NAME_SIZE_MAX ||
	    !is_plain_text(group->name))
		return "a group's name must be 1 to 64 bytes of UTF-8 on one line";
	if (group->region_count > WIRE_GROUP_REGIONS_MAX)
		return "a group has at most 256 regions";
	for (size_t i = 0; i < group->region_count; i++) {
		if ((fault = region_fault(&group->regions[i])) != NULL)
			return fault;
		if (i > 0 && compare(group->regions[i - 1].name, group->regions[i].name) >= 0)
			return "a group's regions must follow by name, each name once";
		for (size_t j = 0; j < i; j++)
			if (memcmp(group->regions[i].key, group->regions[j].key, 32) == 0)
				return "two regions of a group have the same key";
	}
	return NULL;
}

enum dom_status
wire_group_check(const struct wire_group *group, const char **why_r)
{
	*why_r = group_fault(group);
	return *why_r == NULL ? DOM_OK : DOM_EINPUT;
}

void
wire_group_encode(struct dom_buffer *bytes, const struct wire_group *group)
{
	assert(group_fault(group) == NULL);
	dom_write_string(bytes, dom_slice_of(domain_group));
	dom_buffer_append(bytes, group->key, sizeof(group->key));
	dom_write_u64(bytes, group->version);
	dom_write_u64(bytes, (uint64_t)group->issued_ms);
	dom_write_string(bytes, group->name);
	dom_write_u32(bytes, (uint32_t)group->region_count);
	for (size_t i = 0; i < group->region_count; i++) {
		const struct wire_group_region *region = &group->regions[i];

		dom_write_string(bytes, region->name);
		dom_write_string(bytes, region->country);
		dom_buffer_append(bytes, region->key, sizeof(region->key));
		dom_write_u32(bytes, (uint32_t)region->address_count);
		for (size_t j = 0; j < region->address_count; j++)
			dom_write_string(bytes, region->addresses[j]);
		dom_write_u8(bytes, region->flags);
		dom_write_u32(bytes, region->grace_min_days);
		dom_write_u32(bytes, region->grace_max_days);
	}
}

static void
read_key(struct dom_reader *in, uint8_t key_r[32])
{
	struct dom_slice key = dom_read_bytes(in, 32);

	if (in->failed == DOM_OK)
		memcpy(key_r, key.data, 32);
}

static void
read_region(struct dom_reader *in, struct wire_group_region *region)
{
	uint32_t count;

	region->name = dom_read_string(in, WIRE_REGION_SIZE_MAX);
	region->country = dom_read_string(in, 2);
	read_key(in, region->key);
	count = dom_read_u32(in);
	if (count > WIRE_GROUP_ADDRESSES_MAX) {
		in->failed = DOM_EINPUT;
		return;
	}
	region->address_count = count;
	for (uint32_t i = 0; i < count; i++)
		region->addresses[i] = dom_read_string(in, WIRE_ADDRESS_SIZE_MAX);
	region->flags = dom_read_u8(in);
	region->grace_min_days = dom_read_u32(in);
	region->grace_max_days = dom_read_u32(in);
}

static enum dom_status
read_group(struct dom_reader *in, struct dom_arena *arena, struct wire_group *group)
{
	uint64_t issued;
	uint32_t count;

	if (!dom_slice_is(dom_read_string(in, DOMAIN_SIZE_MAX), domain_group))
		return DOM_EINPUT;
	read_key(in, group->key);
	group->version = dom_read_u64(in);
	issued = dom_read_u64(in);
	group->issued_ms = issued > INT64_MAX ? -1 : (int64_t)issued;
	group->name = dom_read_string(in, WIRE_GROUP_NAME_SIZE_MAX);
	count = dom_read_u32(in);
	if (in->failed != DOM_OK || count > WIRE_GROUP_REGIONS_MAX)
		return DOM_EINPUT;
	group->regions = dom_arena_array(arena, count + 1, sizeof(*group->regions));
	if (group->regions == NULL)
		return DOM_ENOMEM;
	for (uint32_t i = 0; i < count && in->failed == DOM_OK; i++)
		read_region(in, &group->regions[i]);
	group->region_count = count;
	return in->failed;
}

enum dom_status
wire_group_decode(struct dom_slice file, struct dom_arena *arena, struct wire_group *group_r,
    const char **why_r)
{
	struct dom_reader in = dom_reader_over(file);
	struct dom_slice body, signature;
	enum dom_status st;

	*group_r = (struct wire_group){0};
	*why_r = "this is not a group file";
	if (file.size > WIRE_GROUP_SIZE_MAX)
		return DOM_EINPUT;
	if ((st = read_group(&in, arena, group_r)) < 0)
		return st;
	body = dom_slice(file.data, (size_t)(in.at - file.data));
	signature = dom_read_bytes(&in, DOM_SIGNATURE_SIZE);
	if ((st = dom_reader_finish(&in)) < 0)
		return st;
	if (!dom_verify(dom_slice(group_r->key, sizeof(group_r->key)), body, signature)) {
		*why_r = "the group file was changed after it was signed, or is damaged";
		return DOM_EINTEGRITY;
	}
	return wire_group_check(group_r, why_r);
}

const struct wire_group_region *
wire_group_find(const struct wire_group *group, struct dom_slice name)
{
	for (size_t i = 0; i < group->region_count; i++)
		if (dom_slice_equal(group->regions[i].name, name))
			return &group->regions[i];
	return NULL;
}
