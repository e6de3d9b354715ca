/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The region's receipts: the key that they are checked with, which is pinned
 * when the account logs in, and the folder where they are kept.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/encode.h"

#include "crypto/region.h"

#include "client/call.h"
#include "client/files.h"
#include "client/group.h"
#include "client/session.h"
#include "client/statement.h"

/* The region's public key in hexadecimal, as domicile-verify takes it. */
static const char pin_name[] = "region.pub";
enum { PIN_SIZE = 2 * DOM_PUBLIC_KEY_SIZE + 1 };

/* DOM_ABSENT: there is none yet. */
static enum dom_status
read_pin(struct dom_session *session, uint8_t public_key_r[DOM_PUBLIC_KEY_SIZE])
{
	struct dom_buffer text = {0};
	size_t size = 0;
	enum dom_status st = dom_file_read(session->folder, pin_name, 256, &text);

	if (st == DOM_OK &&
	    (text.size != PIN_SIZE || dom_hex_decode(dom_slice(text.data, PIN_SIZE - 1),
	                                  public_key_r, DOM_PUBLIC_KEY_SIZE, &size) != DOM_OK))
		st = DOM_EINPUT;
	dom_buffer_free(&text);
	if (st < 0)
		return dom_session_fail(session, DOM_EFILE,
		    "The region's public key in %s/%s cannot be read: it is damaged. Log out "
		    "and"
		    " log in again to learn it anew",
		    session->folder, pin_name);
	return st;
}

enum dom_status
dom_session_pin_anew(struct dom_session *session, const uint8_t public_key[DOM_PUBLIC_KEY_SIZE])
{
	char text[PIN_SIZE + 1];
	enum dom_status st;

	dom_hex_encode(dom_slice(public_key, DOM_PUBLIC_KEY_SIZE), text);
	memcpy(text + PIN_SIZE - 1, "\n", 2);
	st = dom_file_write(session->folder, pin_name, dom_slice(text, PIN_SIZE));
	if (st < 0)
		st = dom_session_fail(session, st, "%s/%s cannot be written: %s",
		    session->folder, pin_name, strerror(errno));
	return st;
}

enum dom_status
dom_session_pin(struct dom_session *session, struct dom_slice public_key)
{
	uint8_t known[DOM_PUBLIC_KEY_SIZE];
	enum dom_status st = read_pin(session, known);

	if (st < 0)
		return st;
	if (st == DOM_OK && dom_slice_equal(public_key, dom_slice(known, sizeof(known))))
		return DOM_OK;
	if (st == DOM_OK)
		return dom_session_fail(session, DOM_EINTEGRITY,
		    "The region's public key is not the one that this device knows: either its"
		    " operator made a new one, or this is another server. Nothing was sent. If"
		    " the operator confirms it, log out and log in again");
	return dom_session_pin_anew(session, public_key.data);
}

enum dom_status
dom_region_key(struct dom_session *session, uint8_t public_key_r[32])
{
	const char *region;
	enum dom_status st = read_pin(session, public_key_r);

	if (st != DOM_ABSENT)
		return st;
	session->region[0] = '\0'; /* ask again */
	st = dom_session_region(session, &region);
	return st == DOM_OK ? read_pin(session, public_key_r) : st;
}

/*
 * Whose key is it checked with?  That of the region which took the statement: ours, or
 * one of the group where the account lived before.
 */
static enum dom_status
key_for(struct dom_session *session, const struct wire_evidence *evidence,
    struct dom_arena *arena, uint8_t public_key_r[DOM_PUBLIC_KEY_SIZE])
{
	const struct wire_group_region *region = NULL;
	const struct wire_group *group;
	struct wire_statement statement;

	if (session->region[0] != '\0' &&
	    wire_statement_decode(evidence->statement, arena, &statement) == DOM_OK &&
	    !dom_slice_is(statement.region, session->region) &&
	    dom_group_kept(session, &group) == DOM_OK)
		region = wire_group_find(group, statement.region);
	if (region == NULL)
		return dom_region_key(session, public_key_r);
	memcpy(public_key_r, region->key, DOM_PUBLIC_KEY_SIZE);
	return DOM_OK;
}

enum dom_status
dom_evidence_check(struct dom_session *session, const struct wire_evidence *evidence,
    struct dom_arena *arena, struct wire_evidence_view *view_r)
{
	uint8_t pinned[DOM_PUBLIC_KEY_SIZE];
	struct wire_receipt receipt;
	const char *why;
	enum dom_status st = key_for(session, evidence, arena, pinned);

	if (st != DOM_OK)
		return st < 0 ? st
		              : dom_session_fail(session, DOM_ESERVER,
		                    "The region does not tell its public key");
	if (wire_receipt_decode(evidence->receipt, &receipt) == DOM_OK &&
	    memcmp(receipt.region_public, pinned, sizeof(pinned)) != 0)
		return dom_session_fail(session, DOM_EINTEGRITY,
		    "The region signed with another key than the one that this device knows, so"
		    " its receipt proves nothing. Ask its operator; if the key was changed, log"
		    " out and log in again");
	st = wire_evidence_check_parts(
	    evidence, dom_slice(pinned, sizeof(pinned)), arena, view_r, &why);
	if (st == DOM_OK && memcmp(view_r->statement.account, session->identity_public,
	                        DOM_PUBLIC_KEY_SIZE) != 0) {
		st = DOM_EINTEGRITY;
		why = "It is about another account";
	}
	if (st != DOM_OK)
		return dom_session_fail(session, st == DOM_ENOMEM ? st : DOM_EINTEGRITY,
		    "The region's receipt is not good: %s", why);
	return DOM_OK;
}

void
dom_evidence_drop_sent(struct dom_session *session, const char *name)
{
	char folder[PATH_MAX], file[128];

	if (snprintf(folder, sizeof(folder), "%s/" DOM_RECEIPTS_FOLDER, session->folder) <
	        (int)sizeof(folder) &&
	    snprintf(file, sizeof(file), "%s" DOM_SENT_SUFFIX DOM_RECEIPT_SUFFIX, name) <
	        (int)sizeof(file))
		dom_file_remove(folder, file);
}

static enum dom_status
keep_file(
    struct dom_session *session, const char *name, const char *suffix, struct dom_slice content)
{
	char folder[PATH_MAX], file[128];
	enum dom_status st = DOM_EFILE;

	errno = ENAMETOOLONG;
	if (snprintf(folder, sizeof(folder), "%s/" DOM_RECEIPTS_FOLDER, session->folder) <
	        (int)sizeof(folder) &&
	    snprintf(file, sizeof(file), "%s%s", name, suffix) < (int)sizeof(file)) {
		st = dom_folder_make(folder);
		if (st == DOM_OK)
			st = dom_file_write(folder, file, content);
	}
	if (st < 0)
		st = dom_session_fail(session, st,
		    "It is done, but what proves it cannot be kept in %s/" DOM_RECEIPTS_FOLDER
		    ": %s. domicile consents export fetches it again",
		    session->folder, strerror(errno));
	return st;
}

enum dom_status
dom_evidence_keep(
    struct dom_session *session, const struct wire_evidence *evidence, const char *name)
{
	struct dom_buffer bytes = {0};
	enum dom_status st;

	wire_evidence_encode(&bytes, evidence);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK)
		st = keep_file(session, name, DOM_RECEIPT_SUFFIX, dom_buffer_slice(&bytes));
	else
		st = dom_session_fail(session, st, "There is not enough memory");
	dom_buffer_free(&bytes);
	return st;
}

enum dom_status
dom_shown_keep(struct dom_session *session, struct dom_slice text, const char *name)
{
	return keep_file(session, name, DOM_SHOWN_SUFFIX, text);
}
