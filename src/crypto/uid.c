/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The uids that we make: 24 bytes, random or from a name, as 32 characters. */
#include <assert.h>

#include "base/encode.h"

#include "crypto/roles.h"

enum { UID_SIZE = 24 };

static_assert(DOM_BASE64_SIZE(UID_SIZE) == DOM_UID_TEXT_SIZE, "uid text");

void
dom_uid_create(const struct dom_random *random, char uid_r[DOM_UID_TEXT_SIZE + 1])
{
	uint8_t uid[UID_SIZE];

	dom_random_fill(random, uid, sizeof(uid));
	dom_base64_encode(dom_slice(uid, sizeof(uid)), uid_r);
}

void
dom_named_uid(
    const uint8_t key[DOM_KEY_SIZE], struct dom_slice name, char uid_r[DOM_UID_TEXT_SIZE + 1])
{
	uint8_t mac[DOM_MAC_SIZE];

	dom_mac(key, name, mac);
	dom_base64_encode(dom_slice(mac, UID_SIZE), uid_r);
}
