/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <domicile/collection.h>
#include <domicile/session.h>

#include "base/arena.h"
#include "base/buffer.h"

#include "crypto/keys.h"

#include "client/position.h"
#include "client/state.h"

/*
 * What the parts of libdomicile share: the session with its calls, and an
 * open collection.  DESIGN.md has the picture.
 */
enum {
	DOM_TOKEN_SIZE_MAX = 255,
	DOM_ERROR_SIZE = 1024,
	DOM_ADDRESS_SIZE = 1200,
	DOM_ETAG_SIZE_MAX = 64,
};

struct dom_call;
struct dom_group;

struct dom_session {
	struct dom_transport *transport;
	struct dom_transport *(*connect)(void *context, const char *server_url);
	void *connect_context;
	struct dom_state *state;
	struct dom_random random;
	struct dom_main_key *main;
	struct dom_account_key *account;
	struct dom_identity_key *identity;
	uint8_t identity_public[DOM_PUBLIC_KEY_SIZE];
	struct dom_buffer encrypted_content;
	char *folder, *server_url, *host, *username, *email, *device, *ca_file;
	char token[DOM_TOKEN_SIZE_MAX + 1];
	unsigned token_generation; /* counts the log-ins of this session */
	char region[65];
	char address[DOM_ADDRESS_SIZE];
	struct dom_position position;
	struct dom_figures figures;
	int lock_fd;

	/* calls (call.c) */
	size_t in_flight;
	struct dom_call *delayed;      /* wait for their time to be sent again */
	struct dom_call *unauthorised; /* wait for a new log-in */
	bool logging_in;               /* or following: only what that sends goes out */

	/* moving (group.c, follow.c) */
	struct dom_group *group; /* as it is kept; NULL: not read yet, or there is none */
	struct dom_call *moved;  /* wait until the account was followed */
	bool draining;           /* what is submitted waits in moved */
	unsigned home;           /* counts the regions of this session */
	bool closing;
	unsigned retry_first_ms; /* the first pause after 503; it doubles */

	char error[DOM_ERROR_SIZE];
	/* Why logging in again is refused; "": it was not tried or it worked. */
	char shut_out[DOM_ERROR_SIZE];
};

/* Sets the sentence for the person; returns status. */
enum dom_status dom_session_fail(struct dom_session *session, enum dom_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a failure of the local state. */
enum dom_status dom_session_fail_state(struct dom_session *session, enum dom_status status);

/* Log in again with the stored main key; the session file follows. */
DOM_MUST_CHECK enum dom_status dom_session_log_in(struct dom_session *session);
/* Write the session file. */
DOM_MUST_CHECK enum dom_status dom_session_write(struct dom_session *session);

/*
 * A write was acknowledged and its rows are in the state's open transaction:
 * move the position and the tokens along.  collection 0: none was written to.
 */
DOM_MUST_CHECK enum dom_status dom_session_wrote(
    struct dom_session *session, const char *header, int64_t collection);

/* Commit the local state; if that fails, we no longer know where we stand. */
DOM_MUST_CHECK enum dom_status dom_session_commit(struct dom_session *session);

struct wire_collection;
struct wire_item;
struct wire_revision;

struct dom_collection {
	struct dom_session *session;
	int64_t number; /* in the local state */
	char uid[DOM_UID_SIZE_MAX + 1];
	struct dom_collection_key *key;
	uint8_t sealed_key[DOM_WRAPPED_KEY_SIZE]; /* the same, as the server has it */
	/*
	 * The revision of its main item, which only the collection of this key has: each
	 * write depends on it.  One that was made anew under the same uid refuses what is
	 * sealed with the former key, which nobody else could read.  "": not known yet.
	 */
	char etag[DOM_ETAG_SIZE_MAX + 1];
};

/*
 * Ask the server for the collection, and take its key, main item and items as they are now.
 * What was sealed or named with the key before must not be sent.
 */
DOM_MUST_CHECK enum dom_status dom_collection_renew(struct dom_collection *collection);
/* The same after a failure, whose sentence stays: the next run begins with what is there. */
void dom_collection_learn(struct dom_collection *collection);
/* Does the server have one of another key by now?  Changes nothing here. */
DOM_MUST_CHECK enum dom_status dom_collection_is_remade(
    const struct dom_collection *collection, bool *remade_r);
/* Is this answer to a write because the main item is another than collection->etag? */
bool dom_collection_is_other(const struct dom_call *call);

/* The key of an item: its own if it has one, else derived from its uid. */
DOM_MUST_CHECK enum dom_status dom_collection_item_key(const struct dom_collection *collection,
    struct dom_slice uid, struct dom_slice encryption_key, struct dom_item_key *key);

/*
 * What the index keeps of an item's digest: keyed, so that the file does not
 * tell which known photo is in it.
 */
void dom_collection_fingerprint(const struct dom_collection *collection,
    const uint8_t digest[32], char text_r[DOM_UID_TEXT_SIZE + 1]);

/* Into *collection_r from its row; DOM_EINTEGRITY: its key does not open. */
DOM_MUST_CHECK enum dom_status dom_collection_from_row(struct dom_session *session,
    const struct dom_collection_row *row, struct dom_collection **collection_r);

/*
 * Check a revision and append its metadata.  uids of chunks go to the arena.
 * DOM_EINTEGRITY.
 */
DOM_MUST_CHECK enum dom_status dom_revision_check(const struct dom_item_key *key,
    struct dom_slice item_uid, const struct wire_revision *revision, struct dom_arena *arena,
    struct dom_buffer *meta_plain);

/* Keep what a collection's wire form says; its number and the token it has here. */
DOM_MUST_CHECK enum dom_status dom_sync_collection(struct dom_session *session,
    const struct wire_collection *wire, struct dom_arena *arena, int64_t *number_r);
/* Bring a collection's items up to date. */
DOM_MUST_CHECK enum dom_status dom_sync_items(
    struct dom_session *session, struct dom_slice uid, bool *bad_token_r);
/* Percent-encode into the arena; NULL: no memory. */
const char *dom_url_escape(struct dom_arena *arena, struct dom_slice text);

#endif
