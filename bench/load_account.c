/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An account as a device makes it, and what it sends, sealed as a device would. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/msgpack.h"

#include "crypto/content.h"

#include "wire/catalogue.h"
#include "wire/etebase.h"
#include "wire/statement.h"

#include "load.h"

#define AUTHENTICATION "/api/v1/authentication/"

struct load_account {
	const struct load_server *server;
	struct dom_random random;
	struct dom_main_key *main;
	struct dom_account_key *account;
	struct dom_identity_key *identity;
	struct dom_collection_key *collection;
	struct dom_item_key *item_key;
	uint8_t identity_public[DOM_PUBLIC_KEY_SIZE];
	char username[40], token[200];
	char collection_uid[DOM_UID_TEXT_SIZE + 1];
	struct dom_buffer batches[LOAD_BATCHES];
	struct dom_buffer chunks[LOAD_CHUNKS];
	struct dom_chunk_uid chunk_uids[LOAD_CHUNKS];
};

static void
must(enum dom_status st, const char *what)
{
	if (st != DOM_OK)
		load_die("%s failed (%d)", what, (int)st);
}

/* body is consumed, reply may be NULL. */
static void
call(struct load_account *account, const char *method, const char *path,
    struct dom_buffer *body, struct dom_buffer *reply)
{
	struct load_ask ask = {.method = method,
	    .path = path,
	    .host = account->server->host,
	    .token = account->token[0] == '\0' ? NULL : account->token};

	if (body != NULL) {
		must(dom_buffer_finish(body), path);
		ask.body = dom_buffer_slice(body);
	}
	load_once(account->server, &ask, reply);
	if (body != NULL)
		dom_buffer_free(body);
}

static void
take_token(struct load_account *account, const struct dom_buffer *reply)
{
	struct wire_login login;

	must(wire_login_decode(dom_buffer_slice(reply), &login), "the answer to a login");
	if (login.token.size >= sizeof(account->token))
		load_die("the token is too long");
	snprintf(account->token, sizeof(account->token), "%.*s", (int)login.token.size,
	    (const char *)login.token.data);
}

static void
sign_up(struct load_account *account)
{
	uint8_t salt[DOM_SALT_SIZE], login_public[DOM_PUBLIC_KEY_SIZE];
	uint8_t sealed[DOM_SECRETS_SIZE], number[6];
	struct dom_buffer body = {0}, reply = {0};

	dom_random_fill(&account->random, number, sizeof(number));
	snprintf(account->username, sizeof(account->username), "bench%02x%02x%02x%02x%02x%02x",
	    number[0], number[1], number[2], number[3], number[4], number[5]);
	dom_random_fill(&account->random, salt, sizeof(salt));
	must(dom_main_key_from_password(dom_slice_of("a password to measure with"),
	         dom_slice(salt, sizeof(salt)), &account->main),
	    "the password's key");
	must(dom_account_create(&account->random, &account->account, &account->identity),
	    "the account's keys");
	must(dom_account_seal(
	         account->main, account->account, account->identity, &account->random, sealed),
	    "the account's secrets");
	dom_main_key_login_public(account->main, login_public);
	dom_identity_public(account->identity, account->identity_public);
	wire_signup_encode(&body,
	    &(struct wire_signup){.username = dom_slice_of(account->username),
	        .email = dom_slice_of(""),
	        .salt = dom_slice(salt, sizeof(salt)),
	        .login_public = dom_slice(login_public, sizeof(login_public)),
	        .identity_public = dom_slice(account->identity_public, DOM_PUBLIC_KEY_SIZE),
	        .encrypted_content = dom_slice(sealed, sizeof(sealed))});
	call(account, "POST", AUTHENTICATION "signup/", &body, &reply);
	take_token(account, &reply);
	dom_buffer_free(&reply);
}

static void
register_statement_key(struct load_account *account)
{
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer response = {0}, body = {0};

	dom_statement_public(account->account, public_key);
	wire_statement_key_response(&response,
	    dom_slice(account->identity_public, DOM_PUBLIC_KEY_SIZE),
	    dom_slice(public_key, sizeof(public_key)));
	dom_main_key_sign(account->main, dom_buffer_slice(&response), signature);
	wire_statement_key_encode(&body,
	    &(struct wire_statement_key){.pubkey = dom_slice(public_key, sizeof(public_key)),
	        .response = dom_buffer_slice(&response),
	        .signature = dom_slice(signature, sizeof(signature))});
	call(account, "PUT", "/domicile/v1/statement-key/", &body, NULL);
	dom_buffer_free(&response);
}

static void
consent_to_all(struct load_account *account)
{
	const struct dom_clock clock = dom_clock_system();
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0}, body = {0}, reply = {0};
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_consents consents;
	struct wire_catalogue *catalogue;
	const struct dom_catalogue_entry *any;
	struct wire_statement statement = {.kind = WIRE_CONSENT};
	char why[256];

	register_statement_key(account);
	call(account, "GET", "/domicile/v1/catalogue/", NULL, &reply);
	must(wire_catalogue_read(dom_buffer_slice(&reply), &catalogue, why, sizeof(why)),
	    "the catalogue");
	if ((any = wire_catalogue_find(catalogue, dom_slice_of("any"))) == NULL)
		load_die("the region does not offer \"any\"");
	statement.service = dom_slice_of(any->name);
	statement.catalogue_version = any->version;
	statement.purpose = dom_slice_of(any->purpose);
	statement.retention = dom_slice_of(any->retention);
	memcpy(statement.terms, any->terms, sizeof(statement.terms));
	dom_buffer_free(&reply);
	call(account, "GET", "/domicile/v1/consents/", NULL, &reply);
	if (arena == NULL)
		load_die("there is not enough memory");
	must(wire_consents_decode(dom_buffer_slice(&reply), arena, &consents), "the consents");
	memcpy(statement.account, account->identity_public, DOM_PUBLIC_KEY_SIZE);
	statement.serial = consents.serial + 1;
	statement.issued_ms = dom_clock_now_ms(&clock);
	statement.region = consents.region;
	wire_statement_encode(&bytes, &statement);
	dom_statement_sign(account->account, dom_buffer_slice(&bytes), signature);
	wire_signed_statement_encode(
	    &body, &(struct wire_signed_statement){.statement = dom_buffer_slice(&bytes),
	               .signature = dom_slice(signature, sizeof(signature))});
	call(account, "POST", "/domicile/v1/statements/", &body, NULL);
	wire_catalogue_free(&catalogue);
	dom_arena_free(&arena);
	dom_buffer_free(&bytes);
	dom_buffer_free(&reply);
}

/* --- sealing -------------------------------------------------------------------- */

/* Seal an item that consists of its name and, if plain is not empty, one chunk. */
struct sealed {
	char uid[DOM_REVISION_UID_SIZE + 1];
	struct dom_chunk_uid chunk_uid;
	struct dom_buffer meta, content;
	struct wire_chunk chunk;
};

static void
seal_item(struct load_account *account, struct dom_slice item_uid, const char *name,
    struct dom_slice plain, struct sealed *sealed, struct wire_item *item)
{
	struct dom_buffer meta = {0};
	size_t chunk_count = plain.size > 0;

	must(dom_item_key_derive(account->collection, item_uid, account->item_key),
	    "an item's key");
	if (chunk_count > 0) {
		dom_chunk_uid_of(account->item_key, plain, &sealed->chunk_uid);
		must(dom_chunk_seal(
		         account->item_key, plain, &account->random, &sealed->content),
		    "a chunk");
		sealed->chunk.uid = dom_slice(sealed->chunk_uid.text, DOM_CHUNK_UID_SIZE);
		sealed->chunk.content = dom_buffer_slice(&sealed->content);
	}
	dom_pack_put_map(&meta, 2);
	dom_pack_put_text(&meta, "name");
	dom_pack_put_text(&meta, name);
	dom_pack_put_text(&meta, "mtime");
	dom_pack_put_int(&meta, 1700000000000);
	must(dom_revision_seal(account->item_key, item_uid, false, dom_buffer_slice(&meta),
	         &sealed->chunk.uid, chunk_count, &account->random, sealed->uid, &sealed->meta),
	    "a revision");
	dom_buffer_free(&meta);
	item->uid = item_uid;
	item->version = WIRE_VERSION;
	item->content =
	    (struct wire_revision){.uid = dom_slice(sealed->uid, DOM_REVISION_UID_SIZE),
	        .meta = dom_buffer_slice(&sealed->meta),
	        .chunks = &sealed->chunk,
	        .chunk_count = chunk_count};
}

static void
sealed_free(struct sealed *sealed)
{
	dom_buffer_free(&sealed->meta);
	dom_buffer_free(&sealed->content);
}

const char *
load_account_collection(struct load_account *account)
{
	uint8_t sealed_key[DOM_WRAPPED_KEY_SIZE];
	struct wire_collection wire = {.access_level = WIRE_ACCESS_ADMIN};
	struct dom_buffer type = {0}, body = {0};
	struct sealed sealed = {0};

	dom_uid_create(&account->random, account->collection_uid);
	must(dom_collection_type_seal(account->account, dom_slice_of("bench.items"), &type),
	    "a collection's type");
	must(dom_collection_key_seal(account->account, account->collection,
	         dom_buffer_slice(&type), &account->random, sealed_key),
	    "a collection's key");
	wire.collection_type = dom_buffer_slice(&type);
	wire.collection_key = dom_slice(sealed_key, sizeof(sealed_key));
	seal_item(account, dom_slice_of(account->collection_uid), "Bench", dom_slice(NULL, 0),
	    &sealed, &wire.item);
	wire_collection_encode(&body, &wire, false);
	call(account, "POST", "/api/v1/collection/", &body, NULL);
	sealed_free(&sealed);
	dom_buffer_free(&type);
	return account->collection_uid;
}

struct dom_slice
load_account_batch(struct load_account *account, unsigned index)
{
	struct dom_buffer *batch = &account->batches[index % LOAD_BATCHES];
	struct sealed sealed[LOAD_BATCH_ITEMS] = {{{0}}};
	char uids[LOAD_BATCH_ITEMS][DOM_UID_TEXT_SIZE + 1];
	struct wire_item items[LOAD_BATCH_ITEMS] = {{{0}}};
	uint8_t plain[LOAD_ITEM_SIZE];

	if (batch->size > 0)
		return dom_buffer_slice(batch);
	for (unsigned i = 0; i < LOAD_BATCH_ITEMS; i++) {
		dom_random_fill(&account->random, plain, sizeof(plain));
		dom_uid_create(&account->random, uids[i]);
		seal_item(account, dom_slice_of(uids[i]), "item",
		    dom_slice(plain, sizeof(plain)), &sealed[i], &items[i]);
	}
	wire_batch_encode(
	    batch, &(struct wire_batch){.items = items, .item_count = LOAD_BATCH_ITEMS});
	must(dom_buffer_finish(batch), "a batch");
	for (unsigned i = 0; i < LOAD_BATCH_ITEMS; i++)
		sealed_free(&sealed[i]);
	return dom_buffer_slice(batch);
}

struct dom_slice
load_account_chunk(struct load_account *account, unsigned index, const char **uid_r)
{
	struct dom_buffer *chunk = &account->chunks[index % LOAD_CHUNKS];
	struct dom_chunk_uid *uid = &account->chunk_uids[index % LOAD_CHUNKS];
	size_t size = LOAD_CHUNK_SIZE;
	uint8_t *plain;

	*uid_r = uid->text;
	if (chunk->size > 0)
		return dom_buffer_slice(chunk);
	/* As much as fits into the size when it is padded and sealed. */
	while (dom_chunk_sealed_size(size) > LOAD_CHUNK_SIZE)
		size--;
	if ((plain = malloc(size)) == NULL)
		load_die("there is not enough memory for a chunk");
	dom_random_fill(&account->random, plain, size);
	must(dom_item_key_derive(
	         account->collection, dom_slice_of("item-of-large-chunks"), account->item_key),
	    "an item's key");
	dom_chunk_uid_of(account->item_key, dom_slice(plain, size), uid);
	must(dom_chunk_seal(account->item_key, dom_slice(plain, size), &account->random, chunk),
	    "a chunk");
	free(plain);
	return dom_buffer_slice(chunk);
}

/* --- logging in ------------------------------------------------------------------ */

void
load_account_ask_challenge(struct load_account *account, struct load_request *request)
{
	struct dom_buffer body = {0};

	wire_challenge_ask_encode(&body, dom_slice_of(account->username));
	must(dom_buffer_finish(&body), "a request for a challenge");
	account->server->protocol->prepare(
	    request, &(struct load_ask){.method = "POST",
	                 .path = AUTHENTICATION "login_challenge/",
	                 .host = account->server->host,
	                 .body = dom_buffer_slice(&body)});
	dom_buffer_free(&body);
}

static enum dom_status
encode_answer(struct load_account *account, struct dom_slice challenge, struct dom_buffer *body)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer response = {0};
	struct wire_challenge wire;

	if (wire_challenge_decode(challenge, &wire) != DOM_OK)
		return DOM_EINPUT;
	wire_response_encode(
	    &response, &(struct wire_response){.username = dom_slice_of(account->username),
	                   .challenge = wire.challenge,
	                   .host = dom_slice_of(account->server->host),
	                   .action = WIRE_ACTION_LOGIN});
	must(dom_buffer_finish(&response), "an answer to a challenge");
	dom_main_key_sign(account->main, dom_buffer_slice(&response), signature);
	wire_signed_encode(body, &(struct wire_signed){.response = dom_buffer_slice(&response),
	                             .signature = dom_slice(signature, sizeof(signature))});
	must(dom_buffer_finish(body), "an answer to a challenge");
	dom_buffer_free(&response);
	return DOM_OK;
}

enum dom_status
load_account_answer_challenge(
    struct load_account *account, struct dom_slice challenge, struct load_request *request)
{
	struct dom_buffer body = {0};
	enum dom_status st = encode_answer(account, challenge, &body);

	if (st == DOM_OK)
		account->server->protocol->prepare(
		    request, &(struct load_ask){.method = "POST",
		                 .path = AUTHENTICATION "login/",
		                 .host = account->server->host,
		                 .body = dom_buffer_slice(&body)});
	dom_buffer_free(&body);
	return st;
}

static void
log_in(struct load_account *account)
{
	struct dom_buffer body = {0}, reply = {0};

	account->token[0] = '\0';
	wire_challenge_ask_encode(&body, dom_slice_of(account->username));
	call(account, "POST", AUTHENTICATION "login_challenge/", &body, &reply);
	body = (struct dom_buffer){0};
	must(encode_answer(account, dom_buffer_slice(&reply), &body), "the challenge");
	call(account, "POST", AUTHENTICATION "login/", &body, &reply);
	take_token(account, &reply);
	dom_buffer_free(&reply);
}

/* --- as a whole ------------------------------------------------------------------- */

struct load_account *
load_account_open(const struct load_server *server)
{
	struct load_account *account = calloc(1, sizeof(*account));

	if (account == NULL || (account->item_key = dom_item_key_new()) == NULL)
		load_die("there is not enough memory");
	account->server = server;
	account->random = dom_random_system();
	must(dom_collection_key_create(&account->random, &account->collection),
	    "a collection's key");
	sign_up(account);
	log_in(account);
	consent_to_all(account);
	return account;
}

void
load_account_close(struct load_account **account)
{
	struct load_account *old = *account;

	if (old == NULL)
		return;
	*account = NULL;
	for (unsigned i = 0; i < LOAD_BATCHES; i++)
		dom_buffer_free(&old->batches[i]);
	for (unsigned i = 0; i < LOAD_CHUNKS; i++)
		dom_buffer_free(&old->chunks[i]);
	dom_main_key_free(&old->main);
	dom_account_key_free(&old->account);
	dom_identity_key_free(&old->identity);
	dom_collection_key_free(&old->collection);
	dom_item_key_free(&old->item_key);
	free(old);
}

const char *
load_account_token(const struct load_account *account)
{
	return account->token;
}
