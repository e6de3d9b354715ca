/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Starting libsodium, its randomness, and its guarded memory. */
#include <sodium.h>

#include "crypto/keys.h"
#include "crypto/manager.h"

enum dom_status
dom_crypto_start(void)
{
	return sodium_init() < 0 ? DOM_ENOMEM : DOM_OK;
}

static void
system_fill(void *context, void *data, size_t size)
{
	(void)context;
	randombytes_buf(data, size);
}

struct dom_random
dom_random_system(void)
{
	return (struct dom_random){.fill = system_fill};
}

void *
dom_secret_new(size_t size)
{
	void *secret = sodium_malloc(size);

	if (secret != NULL)
		sodium_memzero(secret, size);
	return secret;
}
