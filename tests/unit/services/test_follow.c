/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whoever follows the tokens misses nothing: three persons share collections
 * at random, come and go, write, and sync page by page in between.  After any
 * complete sync a device knows what the region knows.
 */
#include "wire/share.h"

#include "house.h"

enum {
	PERSONS = 3,
	COLLECTIONS = 24,
	ITEMS = 4,
	STEPS = 2500,
};

static uint64_t dice;

static unsigned
roll(unsigned sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice >> 33) % sides;
}

/* What is so. */
static struct {
	unsigned collections;
	unsigned revision[COLLECTIONS][ITEMS]; /* 0: no such item */
	bool is_member[PERSONS][COLLECTIONS];
	int access_level[PERSONS][COLLECTIONS];
} truth;

/* What a device has been told. */
static struct device {
	char stoken[sizeof(house.stoken)];
	bool has[COLLECTIONS];
	int access_level[COLLECTIONS];
	char items_stoken[COLLECTIONS][sizeof(house.stoken)];
	unsigned revision[COLLECTIONS][ITEMS];
} devices[PERSONS];

static unsigned revisions, invitations;

static struct person *
person(unsigned i)
{
	return i == 0 ? &house.ana : i == 1 ? &house.bob : &house.cyd;
}

/* The number at the end of a uid. */
static unsigned
number_of(struct dom_slice text)
{
	unsigned number = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] >= '0' && text.data[i] <= '9')
			number = number * 10 + (unsigned)(text.data[i] - '0');
	}
	return number;
}

/* --- changes ---------------------------------------------------------------------- */

static void
make(unsigned who)
{
	unsigned c = truth.collections;

	if (c == COLLECTIONS)
		return;
	assert_int_equal(create(person(who), c + 1, "type one"), SERVICE_DONE);
	truth.collections++;
	truth.is_member[who][c] = true;
	truth.access_level[who][c] = WIRE_ACCESS_ADMIN;
}

static void
write_item(unsigned who, unsigned c)
{
	unsigned i = roll(ITEMS);
	struct wire_item one = item(i + 1, 'a', NULL);
	enum service_code code;

	one.content.uid = dom_slice_of(uid('r', ++revisions));
	code = put(person(who), SERVICE_ITEM_BATCH, c + 1, &one, 1);
	if (!truth.is_member[who][c])
		assert_int_equal(code, SERVICE_DOES_NOT_EXIST);
	else if (truth.access_level[who][c] == WIRE_ACCESS_READ_ONLY)
		assert_int_equal(code, SERVICE_NO_WRITE_ACCESS);
	else
		assert_int_equal(code, SERVICE_DONE);
	if (code == SERVICE_DONE)
		truth.revision[c][i] = revisions;
}

static void
share(unsigned who, unsigned c, unsigned with)
{
	int access_level = (int)roll(3);
	struct wire_invitation invitation = {.uid = dom_slice_of(uid('v', ++invitations)),
	    .version = 1,
	    .access_level = access_level,
	    .username = dom_slice_of(person(with)->name),
	    .collection = dom_slice_of(uid('c', c + 1)),
	    .signed_key = dom_slice_of("boxed")};

	ask(SERVICE_INVITE, person(who));
	wire_invitation_encode(&house.body, &invitation, false);
	if (send() != SERVICE_DONE)
		return;
	assert_true(truth.access_level[who][c] == WIRE_ACCESS_ADMIN);
	ask(SERVICE_INCOMING_ACCEPT, person(with));
	house.request.invitation_uid = invitation.uid;
	wire_acceptance_encode(
	    &house.body, &(struct wire_acceptance){.collection_type = dom_slice_of("type one"),
	                     .collection_key = dom_slice_of("my key")});
	assert_int_equal(send(), SERVICE_DONE);
	truth.is_member[with][c] = true;
	truth.access_level[with][c] = access_level;
}

static void
set_access(unsigned who, unsigned c, unsigned of)
{
	int access_level = (int)roll(3);

	ask(SERVICE_MEMBER_SET, person(who));
	house.request.collection_uid = dom_slice_of(uid('c', c + 1));
	house.request.username = dom_slice_of(person(of)->name);
	wire_access_encode(&house.body, access_level);
	if (send() == SERVICE_DONE)
		truth.access_level[of][c] = access_level;
}

static void
end(unsigned who, unsigned c, unsigned of)
{
	ask(who == of ? SERVICE_MEMBER_LEAVE : SERVICE_MEMBER_REMOVE, person(who));
	house.request.collection_uid = dom_slice_of(uid('c', c + 1));
	house.request.username = dom_slice_of(person(of)->name);
	if (send() == SERVICE_DONE)
		truth.is_member[of][c] = false;
}

/* --- following ---------------------------------------------------------------------- */

static void
follow_items(unsigned who, unsigned c)
{
	struct device *device = &devices[who];

	do {
		house.request.limit = 1 + roll(3);
		list_items(person(who), c + 1, device->items_stoken[c]);
		for (size_t i = 0; i < house.list.count; i++)
			device->revision[c][number_of(house.list.items[i].uid) - 1] =
			    number_of(house.list.items[i].content.uid);
		snprintf(device->items_stoken[c], sizeof(device->items_stoken[c]), "%s",
		    house.stoken);
	} while (!house.list.done);
}

/* One page; true if it was the last. */
static bool
follow(unsigned who)
{
	struct device *device = &devices[who];
	unsigned changed[COLLECTIONS];
	size_t count;
	bool done;

	house.request.limit = roll(6); /* 0 only asks */
	list_collections(person(who), device->stoken);
	count = house.list.count;
	done = house.list.done;
	for (size_t i = 0; i < count; i++) {
		changed[i] = number_of(house.list.collections[i].item.uid) - 1;
		device->has[changed[i]] = true;
		device->access_level[changed[i]] = house.list.collections[i].access_level;
	}
	for (size_t i = 0; i < house.list.removed_count; i++)
		device->has[number_of(house.list.removed[i]) - 1] = false;
	snprintf(device->stoken, sizeof(device->stoken), "%s", house.stoken);
	for (size_t i = 0; i < count; i++)
		follow_items(who, changed[i]);
	return done;
}

static void
follow_to_the_end(unsigned who)
{
	unsigned pages = 0;

	while (!follow(who))
		assert_true(++pages < 1000);
	for (unsigned c = 0; c < truth.collections; c++) {
		assert_int_equal(devices[who].has[c], truth.is_member[who][c]);
		if (!truth.is_member[who][c])
			continue;
		assert_int_equal(devices[who].access_level[c], truth.access_level[who][c]);
		assert_memory_equal(
		    devices[who].revision[c], truth.revision[c], sizeof(truth.revision[c]));
	}
}

/* Somebody's device is new, or has lost everything. */
static void
forget(unsigned who)
{
	memset(&devices[who], 0, sizeof(devices[who]));
}

static void
step(void)
{
	unsigned who = roll(PERSONS), other = roll(PERSONS), c;

	if (truth.collections == 0 || roll(100) < 2) {
		make(who);
		return;
	}
	c = roll(truth.collections);
	switch (roll(10)) {
	case 0:
	case 1:
	case 2:
		write_item(who, c);
		break;
	case 3:
	case 4:
		share(who, c, other);
		break;
	case 5:
		set_access(who, c, other);
		break;
	case 6:
		end(who, c, other);
		break;
	case 7:
	case 8:
		follow(who);
		break;
	default:
		if (roll(20) == 0)
			forget(who);
		follow_to_the_end(who);
		break;
	}
}

static void
run(uint64_t seed)
{
	dice = seed;
	revisions = invitations = 0;
	memset(&truth, 0, sizeof(truth));
	memset(devices, 0, sizeof(devices));
	for (unsigned i = 0; i < PERSONS; i++)
		turn_on(person(i));
	for (unsigned i = 0; i < STEPS; i++) {
		step();
		dom_arena_reset(house.arena);
	}
	for (unsigned i = 0; i < PERSONS; i++)
		follow_to_the_end(i);
}

static void
who_follows_the_tokens_misses_no_change_and_no_removal(void **state)
{
	(void)state;
	run(20261121);
}

static void
nor_with_other_dice(void **state)
{
	(void)state;
	run(4242424242);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(who_follows_the_tokens_misses_no_change_and_no_removal),
	    TEST(nor_with_other_dice),
	};

	return cmocka_run_group_tests_name("following", tests, NULL, NULL);
}
