/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_SESSION_H
#define CRYPTO_SESSION_H

#include "base/arena.h"

#include "crypto/keys.h"

/*
 * A saved session, as text that Etebase clients exchange.  Source:
 * etebase-protocol 7.2.  It holds the main key: without a storage key it is
 * only encoded, not protected.
 */
enum { DOM_SESSION_TEXT_SIZE_MAX = 65536 };

struct dom_saved_session {
	struct dom_slice username;
	struct dom_slice email;
	struct dom_slice pubkey; /* identity, 32 bytes */
	struct dom_slice encrypted_content;
	struct dom_slice server_url;
	struct dom_slice auth_token; /* NULL data: none */
};

/* storage_key: 32 bytes, or an empty slice for none.  The text is appended. */
DOM_MUST_CHECK enum dom_status dom_session_save(const struct dom_saved_session *session,
    const struct dom_main_key *main, struct dom_slice storage_key,
    const struct dom_random *random, struct dom_buffer *text);
/*
 * Slices live in the arena.  DOM_EINPUT: not a session (or the storage key is of
 * another size); DOM_EINTEGRITY: sealed under another key.
 */
DOM_MUST_CHECK enum dom_status dom_session_restore(struct dom_slice text,
    struct dom_slice storage_key, struct dom_arena *arena, struct dom_saved_session *session_r,
    struct dom_main_key **main_r);

#endif
