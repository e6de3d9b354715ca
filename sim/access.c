/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sessions, as far as requests have shown them, and which of them have ended. */
#include "sim/access.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#include "crypto/digest.h"

#include "sim/disk.h"
#include "sim/oracle.h"
#include "sim/serving.h"

struct session {
	unsigned region;
	uint64_t token; /* its hash */
	uint8_t id[STORE_ID_SIZE];
	int64_t account; /* number */
	bool is_over;
};

struct access {
	struct session *sessions;
	size_t count, room;
};

struct access *
access_new(void)
{
	struct access *access = calloc(1, sizeof(*access));

	if (access == NULL)
		abort();
	return access;
}

void
access_free(struct access **access)
{
	struct access *old = *access;

	if (old == NULL)
		return;
	*access = NULL;
	free(old->sessions);
	free(old);
}

static struct session *
find(const struct access *access, const struct serving *serving)
{
	uint64_t token = oracle_hash(serving->request.token);

	for (size_t i = 0; i < access->count; i++)
		if (access->sessions[i].region == serving->region->index &&
		    access->sessions[i].token == token)
			return &access->sessions[i];
	return NULL;
}

static void
learn(struct access *access, const struct serving *serving)
{
	struct region *region = serving->region;
	struct dom_arena *arena = dom_arena_new(0);
	uint8_t hash[STORE_TOKEN_HASH_SIZE];
	struct store_session session;
	struct store_txn *txn = NULL;

	sim_disk_pause(region->disk, true);
	if (dom_sha256(serving->request.token, hash) == DOM_OK &&
	    store_read_begin(region->reader, &txn) == DOM_OK &&
	    store_session_find(txn, hash, arena, &session) == DOM_OK) {
		struct session *kept;

		if (access->count == access->room) {
			access->room = access->room == 0 ? 64 : 2 * access->room;
			access->sessions =
			    realloc(access->sessions, access->room * sizeof(*access->sessions));
			if (access->sessions == NULL)
				abort();
		}
		kept = &access->sessions[access->count++];
		*kept = (struct session){.region = region->index,
		    .token = oracle_hash(serving->request.token),
		    .account = session.account};
		memcpy(kept->id, session.id, sizeof(kept->id));
	}
	store_read_end(&txn);
	sim_disk_pause(region->disk, false);
	dom_arena_free(&arena);
}

/* Whoever knew the old password is out; who asked goes on. */
static void
end_others(struct access *access, const struct session *own)
{
	for (size_t i = 0; i < access->count; i++) {
		struct session *session = &access->sessions[i];

		if (session != own && session->region == own->region &&
		    session->account == own->account)
			session->is_over = true;
	}
}

static void
end_named(struct access *access, const struct session *own, struct dom_slice name)
{
	uint8_t id[STORE_ID_SIZE];
	size_t size;

	if (dom_base64_decode(name, id, sizeof(id), &size) != DOM_OK || size != sizeof(id))
		return;
	for (size_t i = 0; i < access->count; i++)
		if (access->sessions[i].region == own->region &&
		    memcmp(access->sessions[i].id, id, sizeof(id)) == 0)
			access->sessions[i].is_over = true;
}

void
access_committed(struct access *access, const struct serving *serving)
{
	struct session *own = find(access, serving);

	if (own == NULL)
		return;
	switch (serving->request.op) {
	case SERVICE_LOGOUT:
		own->is_over = true;
		break;
	case SERVICE_CHANGE_PASSWORD:
		end_others(access, own);
		break;
	case SERVICE_SESSION_REVOKE:
		end_named(access, own, serving->request.session_id);
		break;
	default:
		break;
	}
}

void
access_answered(struct access *access, struct serving *serving)
{
	const struct session *session;

	/* These two may be what has ended it. */
	if (serving->request.op == SERVICE_LOGOUT ||
	    serving->request.op == SERVICE_SESSION_REVOKE ||
	    !service_plan(serving->request.op)->needs_session)
		return;
	if ((session = find(access, serving)) == NULL)
		learn(access, serving);
	else if (session->is_over)
		world_broken(serving->region->world, "a session that ended lets nobody in",
		    "%s in %s", route_op_name(serving->request.op), serving->region->name);
}

void
access_restored(struct access *access, const struct region *region)
{
	size_t kept = 0;

	for (size_t i = 0; i < access->count; i++)
		if (access->sessions[i].region != region->index)
			access->sessions[kept++] = access->sessions[i];
	access->count = kept;
}
