/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Tickets: who showed a session a moment ago may open one socket without it,
 * since a browser's WebSocket cannot send one.  A fixed table; a ticket's text
 * names its slot, so taking one looks at one slot.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/encode.h"

#include "crypto/digest.h"

#include "services/push/push.h"

struct slot {
	int64_t expires_ms; /* 0: free */
	struct push_ticket ticket;
	uint8_t bytes[PUSH_TICKET_BYTES];
};

struct push_tickets {
	struct push_lock lock;
	struct slot slots[PUSH_TICKETS_MAX];
};

static_assert(PUSH_TICKETS_MAX <= 1 << 16, "two bytes name a slot");
static_assert(DOM_BASE64_SIZE(PUSH_TICKET_BYTES) == PUSH_TICKET_SIZE, "the text's size");

struct push_tickets *
push_tickets_open(const struct push_lock *lock)
{
	struct push_tickets *tickets = calloc(1, sizeof(*tickets));

	if (tickets != NULL)
		tickets->lock = *lock;
	return tickets;
}

void
push_tickets_close(struct push_tickets **tickets)
{
	struct push_tickets *old = *tickets;

	if (old == NULL)
		return;
	*tickets = NULL;
	free(old);
}

/* A clock that was set back must not keep tickets alive for long. */
static bool
is_alive(const struct slot *slot, int64_t now_ms)
{
	return slot->expires_ms > now_ms && slot->expires_ms - now_ms <= PUSH_TICKET_LIFE_MS;
}

/* A free one, or the account's oldest if it has too many; NULL: none. */
static struct slot *
choose_slot_locked(struct push_tickets *tickets, int64_t account, int64_t now_ms)
{
	struct slot *unused = NULL, *oldest = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < PUSH_TICKETS_MAX; i++) {
		struct slot *slot = &tickets->slots[i];

		if (!is_alive(slot, now_ms)) {
			unused = unused == NULL ? slot : unused;
		} else if (slot->ticket.account == account) {
			count++;
			if (oldest == NULL || slot->expires_ms < oldest->expires_ms)
				oldest = slot;
		}
	}
	return count >= PUSH_TICKETS_OF_ACCOUNT_MAX || unused == NULL ? oldest : unused;
}

enum dom_status
push_ticket_put(struct push_tickets *tickets, const struct push_ticket *ticket, int64_t now_ms,
    uint8_t fresh[PUSH_TICKET_BYTES], char text_r[PUSH_TICKET_SIZE + 1])
{
	struct slot *slot;

	tickets->lock.take(tickets->lock.context);
	slot = choose_slot_locked(tickets, ticket->account, now_ms);
	if (slot != NULL) {
		size_t index = (size_t)(slot - tickets->slots);

		fresh[0] = (uint8_t)(index >> 8);
		fresh[1] = (uint8_t)index;
		*slot = (struct slot){
		    .expires_ms = now_ms + PUSH_TICKET_LIFE_MS, .ticket = *ticket};
		memcpy(slot->bytes, fresh, PUSH_TICKET_BYTES);
	}
	tickets->lock.give(tickets->lock.context);
	if (slot == NULL)
		return DOM_ELIMIT;
	dom_base64_encode(dom_slice(fresh, PUSH_TICKET_BYTES), text_r);
	return DOM_OK;
}

enum dom_status
push_ticket_take(struct push_tickets *tickets, struct dom_slice text, int64_t now_ms,
    struct push_ticket *ticket_r)
{
	uint8_t bytes[PUSH_TICKET_BYTES];
	enum dom_status st = DOM_ABSENT;
	struct slot *slot;
	size_t size, index;

	if (text.size != PUSH_TICKET_SIZE ||
	    dom_base64_decode(text, bytes, sizeof(bytes), &size) != DOM_OK)
		return DOM_ABSENT;
	index = (size_t)bytes[0] << 8 | bytes[1];
	if (index >= PUSH_TICKETS_MAX)
		return DOM_ABSENT;
	tickets->lock.take(tickets->lock.context);
	slot = &tickets->slots[index];
	if (is_alive(slot, now_ms) && dom_equal_secret(slot->bytes, bytes, sizeof(bytes))) {
		*ticket_r = slot->ticket;
		*slot = (struct slot){0};
		st = DOM_OK;
	}
	tickets->lock.give(tickets->lock.context);
	return st;
}
