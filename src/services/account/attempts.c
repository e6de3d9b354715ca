/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Attempts: of an account, and of an address. */
#include "services/account/attempts.h"

#include <stdlib.h>

#include "services/rate.h"

enum { SETS = 4096, OWN = 'a', PEER = 'p' };
#define HOUR_US INT64_C(3600000000)

struct login_attempts {
	struct rate_rule own, peer;
	struct rate_table *table;
};

struct login_attempts *
login_attempts_new(const struct login_limits *limits, const struct dom_random *random)
{
	struct login_attempts *attempts = malloc(sizeof(*attempts));

	if (attempts == NULL)
		return NULL;
	*attempts = (struct login_attempts){
	    .own = rate_rule_of(limits->burst, limits->per_hour, HOUR_US),
	    .peer = rate_rule_of(limits->address_burst, limits->address_per_hour, HOUR_US),
	    .table = rate_table_new(SETS, random)};
	if (attempts->table == NULL)
		login_attempts_free(&attempts);
	return attempts;
}

void
login_attempts_free(struct login_attempts **attempts)
{
	if (*attempts == NULL)
		return;
	rate_table_free(&(*attempts)->table);
	free(*attempts);
	*attempts = NULL;
}

static struct dom_slice
name_of(const uint8_t *account)
{
	return dom_slice(account, account == NULL ? 0 : STORE_ID_SIZE);
}

int64_t
login_attempts_take(struct login_attempts *attempts, const uint8_t *account,
    struct dom_slice peer, int64_t now_ms)
{
	const struct dom_slice name = name_of(account);
	int64_t now_us = now_ms * 1000, own_us, peer_us;

	/* Taken before the other is looked for, which may forget a full one. */
	own_us = rate_take(attempts->table, &attempts->own, OWN, name, now_us);
	if (own_us == 0)
		peer_us = rate_take(attempts->table, &attempts->peer, PEER, peer, now_us);
	else
		peer_us = rate_wait(attempts->table, &attempts->peer, PEER, peer, now_us);
	if (own_us == 0 && peer_us != 0)
		rate_give_back(attempts->table, &attempts->own, OWN, name, now_us);
	return ((own_us > peer_us ? own_us : peer_us) + 999) / 1000;
}

void
login_attempts_give_back(struct login_attempts *attempts, const uint8_t *account,
    struct dom_slice peer, int64_t now_ms)
{
	rate_give_back(attempts->table, &attempts->own, OWN, name_of(account), now_ms * 1000);
	rate_give_back(attempts->table, &attempts->peer, PEER, peer, now_ms * 1000);
}
