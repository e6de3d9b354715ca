/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Names of accounts, e-mail addresses and hosts: what is valid, what is the same. */
#include "services/account/account.h"

static uint8_t
lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool
is_word(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

enum dom_status
account_name_fold(struct dom_arena *arena, struct dom_slice text, struct dom_slice *folded_r)
{
	uint8_t *folded = dom_arena_take(arena, text.size + 1);

	if (folded == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < text.size; i++)
		folded[i] = lower(text.data[i]);
	*folded_r = dom_slice(folded, text.size);
	return DOM_OK;
}

const char *
account_name_fault(struct dom_slice folded)
{
	if (folded.size > ACCOUNT_NAME_CHARACTERS_MAX)
		return "A username has at most 150 characters.";
	for (size_t i = 0; i < folded.size; i++) {
		uint8_t byte = folded.data[i];

		/* Other letters need Unicode folding, or two names could look the same. */
		if (!is_word(byte) && (byte == '\0' || strchr("._@+-", byte) == NULL))
			return "A username is made of the letters a to z, digits, and"
			       " . _ @ + - only.";
	}
	return NULL;
}

static bool
domain_valid(struct dom_slice domain)
{
	uint8_t before = '.';

	for (size_t i = 0; i < domain.size; i++) {
		uint8_t byte = domain.data[i];

		if (byte == '.' ? before == '.' : !is_word(byte) && byte != '-')
			return false;
		before = byte;
	}
	return domain.size > 0 && before != '.';
}

const char *
account_email_fault(struct dom_slice folded)
{
	static const char fault[] = "This is not an e-mail address like name@example.org.";
	const uint8_t *at;
	size_t local_size;

	if (folded.size == 0)
		return NULL;
	at = memchr(folded.data, '@', folded.size);
	if (at == NULL)
		return fault;
	local_size = (size_t)(at - folded.data);
	if (local_size == 0 || local_size > 64)
		return fault;
	for (size_t i = 0; i < local_size; i++) {
		if (folded.data[i] <= ' ' || folded.data[i] == 0x7f ||
		    strchr("()<>[]:;,\\\"", folded.data[i]) != NULL)
			return fault;
	}
	return domain_valid(dom_slice(at + 1, folded.size - local_size - 1)) ? NULL : fault;
}

enum dom_status
account_find(struct service_call *call, struct dom_slice login, struct store_account *account_r)
{
	struct dom_slice folded;
	enum dom_status st;

	if ((st = account_name_fold(call->arena, login, &folded)) != DOM_OK)
		return st;
	if (folded.size == 0)
		return DOM_ABSENT;
	st = store_account_by_name(call->txn, folded, call->arena, account_r);
	if (st != DOM_ABSENT)
		return st;
	return store_account_by_email(call->txn, folded, call->arena, account_r);
}

bool
account_lives_here(const struct store_account *account)
{
	return account->state == STORE_ACCOUNT_HOME || account->state == STORE_ACCOUNT_FROZEN;
}

/* "[::1]:8033" is "::1", "Example.org:443" is "Example.org". */
static struct dom_slice
host_strip(struct dom_slice host)
{
	const uint8_t *end, *colon;

	if (host.size == 0)
		return host;
	if (host.data[0] == '[') {
		end = memchr(host.data, ']', host.size);
		return end == NULL ? host
		                   : dom_slice(host.data + 1, (size_t)(end - host.data) - 1);
	}
	colon = memchr(host.data, ':', host.size);
	/* Two colons without brackets: an IPv6 literal, which has no port. */
	if (colon == NULL ||
	    memchr(colon + 1, ':', host.size - (size_t)(colon + 1 - host.data)))
		return host;
	return dom_slice(host.data, (size_t)(colon - host.data));
}

static bool
host_same(struct dom_slice a, struct dom_slice b)
{
	a = host_strip(a);
	b = host_strip(b);
	if (a.size != b.size || a.size == 0)
		return false;
	for (size_t i = 0; i < a.size; i++) {
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	}
	return true;
}

bool
account_host_is_ours(const struct service_call *call, struct dom_slice host)
{
	const struct service_settings *settings = &call->service->settings;

	if (!settings->check_host)
		return true;
	if (settings->host_count == 0)
		return host_same(host, call->request->host);
	for (size_t i = 0; i < settings->host_count; i++) {
		if (host_same(host, dom_slice_of(settings->hosts[i])))
			return true;
	}
	return false;
}
