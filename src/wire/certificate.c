/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The certificate of a move: put together, taken apart, checked link by link. */
#include "wire/certificate.h"

#include <string.h>

#include "base/bytes.h"

#include "crypto/keys.h"
#include "crypto/region.h"

static const char domain_certificate[] = "domicile/move-certificate/v1";

enum { DOMAIN_SIZE_MAX = 64 };

/* One that is being checked; the first fault ends it. */
struct checking {
	struct wire_certificate parts;
	struct wire_certificate_view *view;
	struct dom_arena *arena;
	const char *why;
};

bool
wire_certificate_is(struct dom_slice bytes)
{
	struct dom_reader in = dom_reader_over(bytes);

	return dom_slice_is(dom_read_string(&in, DOMAIN_SIZE_MAX), domain_certificate);
}

static void
write_move(struct dom_buffer *bytes, const struct wire_signed_move *message)
{
	dom_write_string(bytes, message->bytes);
	dom_write_string(bytes, message->signature);
}

void
wire_certificate_encode(struct dom_buffer *bytes, const struct wire_certificate *certificate)
{
	dom_write_string(bytes, dom_slice_of(domain_certificate));
	dom_write_string(bytes, certificate->group);
	dom_write_string(bytes, certificate->order);
	write_move(bytes, &certificate->freeze);
	write_move(bytes, &certificate->prepare);
	write_move(bytes, &certificate->handoff);
	write_move(bytes, &certificate->active);
	dom_write_string(bytes, certificate->ack);
	dom_write_string(bytes, certificate->erased);
	dom_write_string(bytes, certificate->erased_signature);
}

static void
read_move(struct dom_reader *in, struct wire_signed_move *message)
{
	message->bytes = dom_read_string(in, WIRE_MOVE_SIZE_MAX);
	message->signature = dom_read_string(in, DOM_SIGNATURE_SIZE);
}

enum dom_status
wire_certificate_decode(struct dom_slice bytes, struct wire_certificate *certificate_r)
{
	struct dom_reader in = dom_reader_over(bytes);

	*certificate_r = (struct wire_certificate){0};
	if (!dom_slice_is(dom_read_string(&in, DOMAIN_SIZE_MAX), domain_certificate))
		return DOM_EINPUT;
	certificate_r->group = dom_read_string(&in, WIRE_GROUP_SIZE_MAX);
	certificate_r->order = dom_read_string(&in, WIRE_EVIDENCE_SIZE_MAX);
	read_move(&in, &certificate_r->freeze);
	read_move(&in, &certificate_r->prepare);
	read_move(&in, &certificate_r->handoff);
	read_move(&in, &certificate_r->active);
	certificate_r->ack = dom_read_string(&in, WIRE_EVIDENCE_SIZE_MAX);
	certificate_r->erased = dom_read_string(&in, WIRE_RECEIPT_SIZE_MAX);
	certificate_r->erased_signature = dom_read_string(&in, DOM_SIGNATURE_SIZE);
	return dom_reader_finish(&in);
}

/* Keeps the first reason. */
static enum dom_status
fail(struct checking *checking, enum dom_status st, const char *why)
{
	if (checking->why == NULL)
		checking->why = st == DOM_ENOMEM ? "There is not enough memory" : why;
	return st == DOM_ENOMEM ? DOM_ENOMEM : DOM_EINTEGRITY;
}

static struct dom_slice
key_of(const struct wire_group_region *region)
{
	return dom_slice(region->key, sizeof(region->key));
}

static enum dom_status
check_group(struct checking *checking, struct dom_slice group_public)
{
	struct wire_group *group = &checking->view->group;
	const char *why;
	enum dom_status st =
	    wire_group_decode(checking->parts.group, checking->arena, group, &why);

	if (st != DOM_OK)
		return fail(checking, st, "The group file in it is damaged or was changed");
	if (!dom_slice_equal(dom_slice(group->key, sizeof(group->key)), group_public))
		return fail(checking, DOM_EINTEGRITY,
		    "It is of another group of regions: their group key is another one");
	return DOM_OK;
}

/* Whose order, and which regions: those of the order, with the keys that the group gives them.
 */
static enum dom_status
check_order(struct checking *checking)
{
	struct wire_certificate_view *view = checking->view;
	const struct wire_group_region *source = NULL;
	struct wire_statement named;
	struct wire_evidence evidence;
	const char *why = "The order in it is none";
	enum dom_status st = wire_evidence_decode(checking->parts.order, &evidence);

	if (st == DOM_OK)
		st = wire_statement_decode(evidence.statement, checking->arena, &named);
	if (st != DOM_OK)
		return fail(checking, st, why);
	if (named.kind != WIRE_MOVE_ORDER)
		return fail(checking, DOM_EINTEGRITY,
		    "It begins with something that is no order to move");
	source = wire_group_find(&view->group, named.region);
	view->target = wire_group_find(&view->group, named.target);
	if (source == NULL || view->target == NULL)
		return fail(checking, DOM_EINTEGRITY,
		    "The order names a region that does not belong to the group");
	view->source = source;
	st = wire_evidence_check_parts(
	    &evidence, key_of(source), checking->arena, &view->order, &why);
	if (st != DOM_OK)
		return fail(checking, st, why);
	if (view->order.receipt.kind != WIRE_RECEIPT_TAKEN)
		return fail(checking, DOM_EINTEGRITY,
		    "The source has not signed that it took the order");
	return DOM_OK;
}

/* Signed by its region, and of this move. */
static enum dom_status
check_message(struct checking *checking, const struct wire_signed_move *message,
    enum wire_move_kind kind, struct wire_move *move_r)
{
	const struct wire_certificate_view *view = checking->view;
	struct dom_slice key = key_of(wire_move_is_source(kind) ? view->source : view->target);
	enum dom_status st = wire_move_decode(message->bytes, move_r);

	if (st != DOM_OK || move_r->kind != kind)
		return fail(checking, DOM_EINTEGRITY,
		    "A message of the move in it is none, or is in another's place");
	if (!dom_verify(key, message->bytes, message->signature))
		return fail(checking, DOM_EINTEGRITY,
		    "A message of the move is not signed by its region");
	return DOM_OK;
}

static enum dom_status
check_freeze(struct checking *checking)
{
	const struct wire_statement *order = &checking->view->order.statement;
	const uint8_t *subject = checking->view->order.receipt.subject;
	struct wire_move *freeze = &checking->view->freeze;
	enum dom_status st =
	    check_message(checking, &checking->parts.freeze, WIRE_MOVE_FREEZE, freeze);

	if (st != DOM_OK)
		return st;
	if (memcmp(freeze->answers, subject, sizeof(freeze->answers)) != 0 ||
	    memcmp(freeze->move, subject, sizeof(freeze->move)) != 0)
		return fail(
		    checking, DOM_EINTEGRITY, "The source froze the account for another order");
	if (memcmp(freeze->account, order->account, sizeof(freeze->account)) != 0 ||
	    !dom_slice_equal(freeze->source, order->region) ||
	    !dom_slice_equal(freeze->target, order->target) || freeze->epoch != order->epoch)
		return fail(checking, DOM_EINTEGRITY,
		    "The account, a region or the epoch is not what the order says");
	return DOM_OK;
}

static enum dom_status
check_link(struct checking *checking, const struct wire_signed_move *before,
    const struct wire_move *before_view, const struct wire_signed_move *next,
    enum wire_move_kind kind, struct wire_move *next_r)
{
	uint8_t digest[32];
	const char *why;
	enum dom_status st = check_message(checking, next, kind, next_r);

	if (st != DOM_OK)
		return st;
	if ((st = wire_move_digest(before, digest)) != DOM_OK)
		return fail(checking, st, NULL);
	why = wire_move_follows(before_view, digest, next_r);
	return why == NULL ? DOM_OK : fail(checking, DOM_EINTEGRITY, why);
}

static enum dom_status
check_chain(struct checking *checking)
{
	const struct wire_certificate *parts = &checking->parts;
	struct wire_certificate_view *view = checking->view;
	enum dom_status st = check_freeze(checking);

	if (st == DOM_OK)
		st = check_link(checking, &parts->freeze, &view->freeze, &parts->prepare,
		    WIRE_MOVE_PREPARE, &view->prepare);
	if (st == DOM_OK)
		st = check_link(checking, &parts->prepare, &view->prepare, &parts->handoff,
		    WIRE_MOVE_HANDOFF, &view->handoff);
	if (st == DOM_OK)
		st = check_link(checking, &parts->handoff, &view->handoff, &parts->active,
		    WIRE_MOVE_ACTIVE, &view->active);
	return st;
}

static enum dom_status
check_ack(struct checking *checking)
{
	struct wire_certificate_view *view = checking->view;
	const struct wire_statement *ack = &view->ack.statement;
	const char *why;
	enum dom_status st;

	view->has_ack = checking->parts.ack.size != 0;
	if (!view->has_ack)
		return DOM_OK;
	st = wire_evidence_check(
	    checking->parts.ack, key_of(view->target), checking->arena, &view->ack, &why);
	if (st != DOM_OK)
		return fail(checking, st, why);
	if (ack->kind != WIRE_MOVE_ACK || view->ack.receipt.kind != WIRE_RECEIPT_TAKEN ||
	    memcmp(ack->move, view->active.move, sizeof(ack->move)) != 0 ||
	    memcmp(ack->account, view->active.account, sizeof(ack->account)) != 0 ||
	    memcmp(ack->root, view->active.root, sizeof(ack->root)) != 0 ||
	    ack->epoch != view->active.epoch)
		return fail(
		    checking, DOM_EINTEGRITY, "The acknowledgement is not of this move");
	if (!dom_slice_equal(
	        view->ack.parts.statement_public, view->order.parts.statement_public))
		return fail(checking, DOM_EINTEGRITY,
		    "The acknowledgement is signed by another key than the order");
	return DOM_OK;
}

static enum dom_status
check_erased(struct checking *checking)
{
	const struct wire_certificate *parts = &checking->parts;
	struct wire_certificate_view *view = checking->view;
	struct dom_slice key = key_of(view->source);

	view->has_erased = parts->erased.size != 0 || parts->erased_signature.size != 0;
	if (!view->has_erased)
		return DOM_OK;
	if (wire_receipt_decode(parts->erased, &view->erased) != DOM_OK ||
	    !dom_verify(key, parts->erased, parts->erased_signature))
		return fail(checking, DOM_EINTEGRITY,
		    "What says that the source erased its copy is not signed by it");
	if (view->erased.kind != WIRE_RECEIPT_ERASED ||
	    view->erased.scope != WIRE_SCOPE_SOURCE ||
	    memcmp(view->erased.subject, view->order.receipt.subject, WIRE_SUBJECT_SIZE) != 0 ||
	    memcmp(view->erased.root, view->handoff.root, WIRE_ROOT_SIZE) != 0 ||
	    !dom_slice_equal(view->erased.region, view->handoff.source) ||
	    !dom_slice_equal(
	        dom_slice(view->erased.region_public, sizeof(view->erased.region_public)), key))
		return fail(checking, DOM_EINTEGRITY,
		    "What the source erased is not what it gave away");
	return DOM_OK;
}

enum dom_status
wire_certificate_check(struct dom_slice bytes, struct dom_slice group_public,
    struct dom_arena *arena, struct wire_certificate_view *view_r, const char **why_r)
{
	struct checking checking = {.view = view_r, .arena = arena};
	enum dom_status st = wire_certificate_decode(bytes, &checking.parts);

	*view_r = (struct wire_certificate_view){0};
	*why_r = "This is not a certificate of domicile, or it is cut short";
	if (st != DOM_OK)
		return st;
	if ((st = check_group(&checking, group_public)) == DOM_OK &&
	    (st = check_order(&checking)) == DOM_OK &&
	    (st = check_chain(&checking)) == DOM_OK && (st = check_ack(&checking)) == DOM_OK)
		st = check_erased(&checking);
	*why_r = checking.why;
	return st;
}
