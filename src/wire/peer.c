/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests between regions; the layout is in the header. */
#include "wire/peer.h"

#include <string.h>

#include "base/bytes.h"

#include "crypto/keys.h"

#include "wire/group.h"

static const char domain_peer[] = "domicile/peer/v1";

enum { DOMAIN_SIZE_MAX = 64 };

enum dom_status
wire_peer_signed_decode(struct dom_slice bytes, struct wire_peer_signed *signed_r)
{
	struct dom_reader in = dom_reader_over(bytes);

	signed_r->request = dom_read_string(&in, WIRE_PEER_BODY_SIZE_MAX);
	signed_r->signature = dom_read_bytes(&in, DOM_SIGNATURE_SIZE);
	return dom_reader_finish(&in);
}

enum dom_status
wire_peer_decode(struct dom_slice request, struct wire_peer *peer_r)
{
	struct dom_reader in = dom_reader_over(request);
	struct dom_slice domain = dom_read_string(&in, DOMAIN_SIZE_MAX), move;
	uint8_t op = dom_read_u8(&in);
	uint64_t at;

	*peer_r = (struct wire_peer){0};
	peer_r->from = dom_read_string(&in, WIRE_REGION_SIZE_MAX);
	peer_r->to = dom_read_string(&in, WIRE_REGION_SIZE_MAX);
	move = dom_read_bytes(&in, sizeof(peer_r->move));
	at = dom_read_u64(&in);
	if (in.failed != DOM_OK || !dom_slice_is(domain, domain_peer) || op < WIRE_PEER_OFFER ||
	    op > WIRE_PEER_HOMES || at > INT64_MAX || !wire_region_name_valid(peer_r->from) ||
	    !wire_region_name_valid(peer_r->to))
		return DOM_EINPUT;
	peer_r->op = (enum wire_peer_op)op;
	memcpy(peer_r->move, move.data, sizeof(peer_r->move));
	peer_r->at_ms = (int64_t)at;
	peer_r->body = dom_slice(in.at, (size_t)(in.end - in.at));
	return DOM_OK;
}

void
wire_peer_encode(struct dom_buffer *bytes, const struct wire_peer *peer)
{
	dom_write_string(bytes, dom_slice_of(domain_peer));
	dom_write_u8(bytes, (uint8_t)peer->op);
	dom_write_string(bytes, peer->from);
	dom_write_string(bytes, peer->to);
	dom_buffer_append(bytes, peer->move, sizeof(peer->move));
	dom_write_u64(bytes, (uint64_t)peer->at_ms);
	dom_buffer_append_slice(bytes, peer->body);
}
