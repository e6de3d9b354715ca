/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The gate: the only maker of consent handles. */
#include <assert.h>
#include <time.h>

#include "wire/catalogue.h"

#include "services/consent/consent.h"

struct consent_handle {
	const struct store_txn *txn;
	int64_t owner;
};

struct consent_removal {
	const struct store_txn *txn;
	int64_t owner;
};

static_assert((int)STORE_TERMS_SIZE == (int)DOM_TERMS_SIZE, "terms are stored whole");

enum dom_status
consent_now(const struct service_call *call, int64_t *now_ms_r)
{
	enum dom_status st = store_region_time(call->txn, now_ms_r);

	if (st == DOM_OK && *now_ms_r < call->now_ms)
		*now_ms_r = call->now_ms;
	return st > 0 ? DOM_ESTORE : st;
}

enum consent_worth
consent_worth(
    const struct service_call *call, const struct store_consent *consent, int64_t now_ms)
{
	const struct dom_catalogue_entry *entry =
	    wire_catalogue_find(call->service->settings.catalogue, consent->service);

	if (entry == NULL)
		return CONSENT_GONE;
	if (memcmp(consent->terms, entry->terms, DOM_TERMS_SIZE) != 0)
		return CONSENT_CHANGED;
	if (consent->until_ms != 0 && consent->until_ms <= now_ms)
		return CONSENT_ENDED;
	return CONSENT_LIVE;
}

/* The day in UTC, in the arena; NULL: no memory. */
static const char *
day_of(struct service_call *call, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm day;

	if (gmtime_r(&seconds, &day) == NULL)
		return "an unknown day";
	return dom_arena_print(
	    call->arena, "%04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
}

/* Why this consent, which covers the type, is not enough. */
static const char *
explain(struct service_call *call, const struct store_consent *consent, int64_t now_ms)
{
	const struct dom_catalogue_entry *entry =
	    wire_catalogue_find(call->service->settings.catalogue, consent->service);
	const char *name = (const char *)consent->service.data, *day;
	int size = (int)consent->service.size;

	switch (consent_worth(call, consent, now_ms)) {
	case CONSENT_GONE:
		return dom_arena_print(call->arena,
		    "This region does not offer %.*s any more, so nothing was stored. What is"
		    " there can be read, exported and erased.",
		    size, name);
	case CONSENT_CHANGED:
		return dom_arena_print(call->arena,
		    "The terms of %.*s in this region (what it is for, what is stored, who can"
		    " read it) changed on %s: it is off until you agree again, so nothing was"
		    " stored. Read them and agree with \"domicile on %.*s\".",
		    size, name, entry->since, size, name);
	case CONSENT_ENDED:
		if ((day = day_of(call, consent->until_ms)) == NULL)
			return NULL;
		return dom_arena_print(call->arena,
		    "Your consent to %.*s ended on %s, so nothing was stored. Turn it on again"
		    " with \"domicile on %.*s\".",
		    size, name, day, size, name);
	case CONSENT_LIVE:
		break;
	}
	return "The service this belongs to was turned on this moment: try again.";
}

static enum dom_status
refuse(struct service_call *call, int64_t owner, struct dom_slice type, int64_t now_ms)
{
	struct store_consent *rows;
	size_t count;
	enum dom_status st;

	/* What the owner has agreed to is nobody else's business. */
	if (owner != call->account.number)
		return service_refuse(call, SERVICE_CONSENT_REQUIRED,
		    "The service this belongs to is off for the owner of this collection, so"
		    " nothing was stored. Only they can turn it on.");
	/* At time 0 nothing has ended. */
	st = store_consent_covers(call->txn, owner, type, 0, call->arena, &rows, &count);
	if (st < 0)
		return st;
	if (count != 0)
		return service_refuse(
		    call, SERVICE_CONSENT_REQUIRED, explain(call, &rows[0], now_ms));
	/* Types are opaque to us, so which service this is, only the client knows. */
	return service_refuse(call, SERVICE_CONSENT_REQUIRED,
	    "The service this belongs to is off, so nothing was stored. Turn it on with"
	    " \"domicile on SERVICE\", then try again.");
}

enum dom_status
consent_check(struct service_call *call, int64_t owner, struct dom_slice type,
    const struct consent_handle **handle_r)
{
	struct store_consent *rows;
	struct consent_handle *handle;
	bool is_covered = false;
	int64_t now_ms;
	size_t count;
	enum dom_status st;

	*handle_r = NULL;
	if ((st = consent_now(call, &now_ms)) != DOM_OK)
		return st;
	st = store_consent_covers(call->txn, owner, type, now_ms, call->arena, &rows, &count);
	if (st < 0)
		return st;
	for (size_t i = 0; i < count && !is_covered; i++)
		is_covered = consent_worth(call, &rows[i], now_ms) == CONSENT_LIVE;
	if (!is_covered)
		return refuse(call, owner, type, now_ms);
	handle = dom_arena_take(call->arena, sizeof(*handle));
	if (handle == NULL)
		return DOM_ENOMEM;
	*handle = (struct consent_handle){.txn = call->txn, .owner = owner};
	*handle_r = handle;
	return DOM_OK;
}

bool
consent_covers(const struct consent_handle *handle, const struct store_txn *txn, int64_t owner)
{
	return handle != NULL && handle->txn == txn && handle->owner == owner;
}

enum dom_status
consent_remove(
    struct service_call *call, int64_t owner, const struct consent_removal **handle_r)
{
	struct consent_removal *handle = dom_arena_take(call->arena, sizeof(*handle));

	*handle_r = handle;
	if (handle == NULL)
		return DOM_ENOMEM;
	*handle = (struct consent_removal){.txn = call->txn, .owner = owner};
	return DOM_OK;
}

bool
consent_removes(
    const struct consent_removal *handle, const struct store_txn *txn, int64_t owner)
{
	return handle != NULL && handle->txn == txn && handle->owner == owner;
}
