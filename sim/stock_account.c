/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts, devices and statements, as a stock phone's owner handles them. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/region.h"

#include "wire/catalogue.h"
#include "wire/evidence.h"
#include "wire/moves.h"
#include "wire/receipt.h"
#include "wire/statement.h"

#include "sim/phone.h"

static const char authentication[] = "/api/v1/authentication/";

void
person_password(const struct person *person, unsigned number, char text_r[64])
{
	snprintf(text_r, 64, "%s's password number %u", person->name, number);
}

static struct dom_main_key *
main_key(const struct person *person, unsigned number, struct dom_slice salt)
{
	struct dom_main_key *key = NULL;
	char password[64];

	person_password(person, number, password);
	if (dom_main_key_from_password(dom_slice_of(password), salt, &key) != DOM_OK)
		abort();
	return key;
}

static bool
take_token(struct phone *phone, const struct answer *answer)
{
	struct wire_login login;

	if (!is_done(answer) ||
	    wire_login_decode(dom_buffer_slice(&answer->body), &login) != DOM_OK)
		return false;
	snprintf(phone->token, sizeof(phone->token), "%.*s", (int)login.token.size,
	    (const char *)login.token.data);
	return true;
}

/* --- signing up ------------------------------------------------------------------ */

/* Keys of a new account; a retry is for the same one. */
static void
make_keys(struct phone *phone)
{
	struct person *person = phone->person;
	const struct dom_random random = sim_random_source(&phone->random);

	dom_account_key_free(&person->key);
	dom_identity_key_free(&person->identity);
	if (dom_account_create(&random, &person->key, &person->identity) != DOM_OK)
		abort();
	dom_identity_public(person->identity, person->public_key);
	person->account = oracle_add_account(
	    phone->world->oracle, person->name, person->public_key, person->region);
}

bool
stock_sign_up(struct phone *phone)
{
	struct person *person = phone->person;
	const struct dom_random random = sim_random_source(&phone->random);
	uint8_t salt[DOM_SALT_SIZE], login_public[DOM_PUBLIC_KEY_SIZE],
	    sealed[DOM_SECRETS_SIZE];
	struct dom_main_key *main = NULL;
	struct dom_buffer body = {0};
	struct answer answer;
	bool was_done;

	if (phone->world->oracle->account_count == ORACLE_ACCOUNTS_MAX)
		return false;
	phone->token[0] = '\0';
	stock_forget(phone);
	if (person->key == NULL || person->generation != person->made_generation) {
		make_keys(phone);
		person->made_generation = person->generation;
	}
	phone->account = person->account;
	/* Where it was tried first: what the account before this one says of moves is over. */
	person->region = phone->world->oracle->accounts[person->account].home;
	phone->region = person->region;
	memset(salt, (int)person->generation + 1, sizeof(salt));
	main = main_key(person, person->password, dom_slice(salt, sizeof(salt)));
	if (dom_account_seal(main, person->key, person->identity, &random, sealed) != DOM_OK)
		abort();
	dom_main_key_login_public(main, login_public);
	dom_main_key_free(&main);
	wire_signup_encode(
	    &body, &(struct wire_signup){.username = dom_slice_of(person->name),
	               .email = dom_slice_of(""),
	               .salt = dom_slice(salt, sizeof(salt)),
	               .login_public = dom_slice(login_public, sizeof(login_public)),
	               .identity_public = dom_slice(person->public_key, DOM_PUBLIC_KEY_SIZE),
	               .encrypted_content = dom_slice(sealed, sizeof(sealed)),
	               .invitation = dom_slice_of("")});
	phone_insist(phone, &answer, "POST", &body, "%ssignup/", authentication);
	was_done = take_token(phone, &answer);
	/* The answer of a try before was lost. */
	if (!was_done && answer.status == 409 && stock_log_in(phone))
		was_done = true;
	if (was_done)
		person->is_signed_up = true;
	dom_buffer_free(&answer.body);
	dom_buffer_free(&body);
	return was_done;
}

/* --- logging in ------------------------------------------------------------------ */

static bool
ask_challenge(struct phone *phone, struct answer *answer_r, struct wire_challenge *challenge_r)
{
	struct dom_buffer body = {0};

	wire_challenge_ask_encode(&body, dom_slice_of(phone->person->name));
	phone_insist(phone, answer_r, "POST", &body, "%slogin_challenge/", authentication);
	dom_buffer_free(&body);
	return is_done(answer_r) &&
	       wire_challenge_decode(dom_buffer_slice(&answer_r->body), challenge_r) == DOM_OK;
}

static void
sign_response(struct dom_buffer *body, const struct dom_main_key *main,
    const struct wire_response *response)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};

	wire_response_encode(&bytes, response);
	dom_main_key_sign(main, dom_buffer_slice(&bytes), signature);
	wire_signed_encode(body, &(struct wire_signed){.response = dom_buffer_slice(&bytes),
	                             .signature = dom_slice(signature, sizeof(signature))});
	dom_buffer_free(&bytes);
}

bool
stock_learns(struct person *person, const struct wire_move *handoff, unsigned target)
{
	if (person->generation != person->made_generation ||
	    memcmp(handoff->account, person->public_key, sizeof(handoff->account)) != 0 ||
	    handoff->epoch <= person->epoch)
		return false;
	person->epoch = handoff->epoch;
	person->region = target;
	return true;
}

/* The account lives elsewhere: that is where to log in. */
static bool
move_on(struct phone *phone, const struct answer *answer)
{
	struct person *person = phone->person;
	struct wire_moved moved;
	struct wire_move handoff;

	if (strcmp(answer->code, "account_moved") != 0 ||
	    wire_moved_decode(dom_buffer_slice(&answer->body), &moved) != DOM_OK ||
	    wire_move_decode(moved.handoff.bytes, &handoff) != DOM_OK)
		return false;
	for (unsigned i = 0; i < phone->world->region_count; i++) {
		if (!dom_slice_is(moved.region, phone->world->regions[i].name) ||
		    !stock_learns(person, &handoff, i))
			continue;
		phone->region = i;
		return true;
	}
	return false;
}

/* Where the account is not any more: *moved_r says so. */
static bool
log_in_with(struct phone *phone, unsigned password, bool *moved_r)
{
	const struct region *region = &phone->world->regions[phone->region];
	struct answer asked, answer = {0};
	struct wire_challenge challenge;
	struct dom_main_key *main;
	struct dom_buffer body = {0};
	bool was_done = false;

	if (ask_challenge(phone, &asked, &challenge)) {
		main = main_key(phone->person, password, challenge.salt);
		sign_response(&body, main,
		    &(struct wire_response){.username = dom_slice_of(phone->person->name),
		        .challenge = challenge.challenge,
		        .host = dom_slice_of(region->host),
		        .action = WIRE_ACTION_LOGIN});
		dom_main_key_free(&main);
		phone_ask(phone, &answer, "POST", &body, "%slogin/", authentication);
		was_done = take_token(phone, &answer);
	}
	*moved_r = move_on(phone, &asked) || move_on(phone, &answer);
	dom_buffer_free(&body);
	dom_buffer_free(&answer.body);
	dom_buffer_free(&asked.body);
	return was_done;
}

/* The account is no more: erased, or its region was restored to a time before it. */
static bool
begin_anew(struct phone *phone, unsigned account)
{
	const struct o_account *model = &phone->world->oracle->accounts[account];
	struct person *person = phone->person;

	if (!model->is_lost && !model->is_erased)
		return false;
	if (person->account == account) {
		person->generation++;
		person->is_signed_up = false;
		person->epoch = 0;
		person->password = person->password_last = 0;
		person->may_be_old = false;
	}
	phone->token[0] = '\0';
	stock_forget(phone);
	return true;
}

/* After a lost answer, a restore, or at the same time as another phone's change: any of them.
 */
static bool
try_passwords(struct phone *phone, bool *moved_r)
{
	struct person *person = phone->person;

	if (log_in_with(phone, person->password, moved_r)) {
		person->may_be_old = false;
		return true;
	}
	for (unsigned password = person->password_last + 1; password-- != 0 && !*moved_r;) {
		if (password == person->password || !log_in_with(phone, password, moved_r))
			continue;
		person->password = password;
		person->may_be_old = false;
		return true;
	}
	return false;
}

/*
 * A region that was restored from before an account came there does not know where it went on
 * to; people do.
 */
static bool
look_elsewhere(struct phone *phone)
{
	struct world *world = phone->world;
	struct person *person = phone->person;
	unsigned forgetful = person->region;
	bool moved;

	if (world->regions[forgetful].restores == 0)
		return false;
	for (unsigned i = 1; i < world->region_count; i++) {
		moved = false;
		phone->region = (forgetful + i) % world->region_count;
		if (!try_passwords(phone, &moved))
			continue;
		person->region = phone->region;
		return true;
	}
	phone->region = forgetful;
	return false;
}

bool
stock_log_in(struct phone *phone)
{
	struct person *person = phone->person;
	bool moved = true;

	phone->token[0] = '\0';
	if (phone->account != person->account)
		stock_forget(phone);
	phone->account = person->account;
	while (moved) {
		moved = false;
		phone->region = person->region;
		if (try_passwords(phone, &moved))
			return true;
	}
	if (look_elsewhere(phone))
		return true;
	/* Not again from within a sign-up. */
	return person->is_signed_up && begin_anew(phone, phone->account) &&
	       stock_sign_up(phone);
}

static bool
change_password(struct phone *phone)
{
	struct person *person = phone->person;
	const struct dom_random random = sim_random_source(&phone->random);
	uint8_t sealed[DOM_SECRETS_SIZE], fresh[DOM_PUBLIC_KEY_SIZE];
	struct answer asked = {0}, answer = {0};
	struct wire_challenge challenge;
	struct dom_main_key *old = NULL, *new = NULL;
	struct dom_buffer body = {0};
	bool was_done = false;

	if (!person->may_be_old && ask_challenge(phone, &asked, &challenge)) {
		old = main_key(person, person->password, challenge.salt);
		new = main_key(person, person->password_last + 1, challenge.salt);
		if (dom_account_seal(new, person->key, person->identity, &random, sealed) !=
		    DOM_OK)
			abort();
		dom_main_key_login_public(new, fresh);
		sign_response(&body, old,
		    &(struct wire_response){.username = dom_slice_of(person->name),
		        .challenge = challenge.challenge,
		        .host = dom_slice_of(phone->world->regions[phone->region].host),
		        .action = WIRE_ACTION_CHANGE_PASSWORD,
		        .login_public = dom_slice(fresh, sizeof(fresh)),
		        .encrypted_content = dom_slice(sealed, sizeof(sealed))});
		person->password = ++person->password_last;
		person->may_be_old = true;
		phone_ask(phone, &answer, "POST", &body, "%schange_password/", authentication);
		was_done = is_done(&answer);
		if (was_done)
			person->may_be_old = false;
	}
	/* Who has moved is told so in an answer to the challenge, too. */
	dom_buffer_free(&answer.body);
	dom_buffer_free(&asked.body);
	dom_main_key_free(&old);
	dom_main_key_free(&new);
	dom_buffer_free(&body);
	return was_done;
}

/* --- statements ----------------------------------------------------------------------------
 */

static bool
register_key(struct phone *phone)
{
	struct person *person = phone->person;
	uint8_t statement_public[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer response = {0}, body = {0};
	struct dom_main_key *main;
	struct wire_challenge challenge;
	struct answer asked, answer;
	bool was_done = false;

	if (!ask_challenge(phone, &asked, &challenge)) {
		dom_buffer_free(&asked.body);
		return false;
	}
	main = main_key(person, person->password, challenge.salt);
	dom_statement_public(person->key, statement_public);
	wire_statement_key_response(&response,
	    dom_slice(person->public_key, DOM_PUBLIC_KEY_SIZE),
	    dom_slice(statement_public, sizeof(statement_public)));
	dom_main_key_sign(main, dom_buffer_slice(&response), signature);
	wire_statement_key_encode(
	    &body, &(struct wire_statement_key){
	               .pubkey = dom_slice(statement_public, sizeof(statement_public)),
	               .response = dom_buffer_slice(&response),
	               .signature = dom_slice(signature, sizeof(signature))});
	phone_insist(phone, &answer, "PUT", &body, "/domicile/v1/statement-key/");
	was_done = is_done(&answer);
	dom_main_key_free(&main);
	dom_buffer_free(&answer.body);
	dom_buffer_free(&asked.body);
	dom_buffer_free(&response);
	dom_buffer_free(&body);
	return was_done;
}

/* Every receipt verifies. */
static void
check_receipt(struct phone *phone, const struct region *region,
    const uint8_t statement_public[DOM_PUBLIC_KEY_SIZE], struct dom_slice statement,
    struct dom_slice signature, struct dom_slice reply)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_countersigned receipt;
	struct wire_evidence_view view;
	const char *why = "it cannot be read";

	if (wire_countersigned_decode(reply, &receipt) != DOM_OK ||
	    wire_evidence_check_parts(
	        &(struct wire_evidence){
	            .statement_public = dom_slice(statement_public, DOM_PUBLIC_KEY_SIZE),
	            .statement = statement,
	            .signature = signature,
	            .receipt = receipt.receipt,
	            .receipt_signature = receipt.signature},
	        dom_slice(region->public_key, sizeof(region->public_key)), arena, &view,
	        &why) != DOM_OK)
		world_broken(phone->world, "every receipt verifies", "%s of %s: %s",
		    phone->name, region->name, why);
	dom_arena_free(&arena);
}

/* The next number; false: it is not known now. */
static bool
next_serial(struct phone *phone, uint64_t *serial_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_consents consents;
	struct answer answer;
	bool is_good;

	phone_insist(phone, &answer, "GET", NULL, "/domicile/v1/consents/");
	is_good = is_done(&answer) && wire_consents_decode(dom_buffer_slice(&answer.body),
	                                  arena, &consents) == DOM_OK;
	if (is_good)
		*serial_r = consents.serial + 1;
	if (is_good && consents.statement_key.data == NULL)
		is_good = register_key(phone);
	dom_buffer_free(&answer.body);
	dom_arena_free(&arena);
	return is_good;
}

bool
stock_state(struct phone *phone, struct wire_statement *statement, bool *may_be_r)
{
	const struct region *region = &phone->world->regions[phone->region];
	struct dom_buffer bytes = {0}, body = {0};
	/* By the time of the answer this person may have begun another account. */
	uint8_t signature[DOM_SIGNATURE_SIZE], statement_public[DOM_PUBLIC_KEY_SIZE];
	struct answer answer = {0};
	bool was_done = false;

	*may_be_r = false;
	if (!next_serial(phone, &statement->serial))
		return false;
	memcpy(statement->account, phone->person->public_key, DOM_PUBLIC_KEY_SIZE);
	sim_random_fill(&phone->random, statement->nonce, sizeof(statement->nonce));
	statement->issued_ms = time_now_ms();
	statement->region = dom_slice_of(region->name);
	wire_statement_encode(&bytes, statement);
	dom_statement_public(phone->person->key, statement_public);
	dom_statement_sign(phone->person->key, dom_buffer_slice(&bytes), signature);
	wire_signed_statement_encode(
	    &body, &(struct wire_signed_statement){.statement = dom_buffer_slice(&bytes),
	               .signature = dom_slice(signature, sizeof(signature))});
	phone_insist(phone, &answer, "POST", &body, "/domicile/v1/statements/");
	was_done = is_done(&answer);
	*may_be_r = answer.may_be_done;
	if (was_done)
		check_receipt(phone, region, statement_public, dom_buffer_slice(&bytes),
		    dom_slice(signature, sizeof(signature)), dom_buffer_slice(&answer.body));
	dom_buffer_free(&answer.body);
	dom_buffer_free(&bytes);
	dom_buffer_free(&body);
	return was_done;
}

static bool
turn_on(struct phone *phone)
{
	static const char *const types[] = {"sim.contacts", "sim.calendar", "sim.messages"};
	const struct wire_catalogue *catalogue = phone->world->regions[phone->region].catalogue;
	unsigned which = (unsigned)sim_random_below(&phone->random, ORACLE_SERVICES);
	const struct dom_catalogue_entry *entry =
	    wire_catalogue_find(catalogue, dom_slice_of(oracle_services[which]));
	struct wire_statement statement = {.kind = WIRE_CONSENT};
	struct dom_buffer type = {0}, purpose = {0}, retention = {0};
	struct dom_slice slice;
	bool was_done, may_be;

	assert(entry != NULL);
	/* The region may start with another catalogue before this is over. */
	dom_buffer_append_text(&purpose, entry->purpose);
	dom_buffer_append_text(&retention, entry->retention);
	statement.service = dom_slice_of(oracle_services[which]);
	statement.catalogue_version = entry->version;
	memcpy(statement.terms, entry->terms, sizeof(statement.terms));
	statement.purpose = dom_buffer_slice(&purpose);
	statement.retention = dom_buffer_slice(&retention);
	if (sim_random_one_in(&phone->random, 3))
		statement.until_ms =
		    time_now_ms() +
		    (int64_t)(1 + sim_random_below(&phone->random, 48)) * 3600000;
	if (which != ORACLE_SERVICES - 1) {
		if (dom_collection_type_seal(
		        phone->person->key, dom_slice_of(types[which]), &type) != DOM_OK)
			abort();
		slice = dom_buffer_slice(&type);
		statement.types = &slice;
		statement.type_count = 1;
	}
	was_done = stock_state(phone, &statement, &may_be);
	dom_buffer_free(&purpose);
	dom_buffer_free(&retention);
	dom_buffer_free(&type);
	return was_done;
}

static bool
turn_off(struct phone *phone, bool erase)
{
	struct wire_statement statement = {.kind = WIRE_WITHDRAWAL, .erase = erase};
	bool may_be;

	/* What "any" had let in depends on the rest; its erasing is the unit tests'. */
	statement.service = dom_slice_of(oracle_services[sim_random_below(
	    &phone->random, ORACLE_SERVICES - (erase ? 1 : 0))]);
	return stock_state(phone, &statement, &may_be);
}

static bool
erase_history(struct phone *phone)
{
	struct wire_statement statement = {.kind = WIRE_ERASURE, .scope = WIRE_SCOPE_ITEM};
	struct phone_collection *collection = stock_pick(phone, true);
	char uid[ORACLE_UID_SIZE], item[ORACLE_UID_SIZE];
	bool may_be;

	if (collection == NULL || collection->count == 0)
		return false;
	memcpy(uid, collection->uid, sizeof(uid));
	memcpy(item,
	    collection->entries[sim_random_below(&phone->random, collection->count)].item,
	    sizeof(item));
	statement.service = dom_slice_of("");
	statement.collection_uid = dom_slice_of(uid);
	statement.item_uid = dom_slice_of(item);
	return stock_state(phone, &statement, &may_be);
}

static bool
erase_account(struct phone *phone)
{
	struct wire_statement statement = {.kind = WIRE_ERASURE, .scope = WIRE_SCOPE_ACCOUNT};
	unsigned account = phone->account;
	bool was_done, may_be;

	statement.service = statement.collection_uid = statement.item_uid = dom_slice_of("");
	was_done = stock_state(phone, &statement, &may_be);
	return begin_anew(phone, account) || was_done;
}

/* --- devices --------------------------------------------------------------------- */

static bool
log_out(struct phone *phone)
{
	struct answer answer;
	bool was_done;

	phone_ask(phone, &answer, "POST", NULL, "%slogout/", authentication);
	was_done = is_done(&answer);
	dom_buffer_free(&answer.body);
	phone->token[0] = '\0';
	stock_forget(phone);
	return was_done;
}

static bool
revoke(struct phone *phone)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_session *sessions;
	struct answer answer, gone = {0};
	bool was_done = false;
	size_t count = 0;

	phone_insist(phone, &answer, "GET", NULL, "/domicile/v1/sessions/");
	if (is_done(&answer) && wire_sessions_decode(dom_buffer_slice(&answer.body), arena,
	                            &sessions, &count) == DOM_OK) {
		for (size_t i = 0; i < count && !was_done; i++) {
			if (sessions[i].is_current)
				continue;
			phone_insist(phone, &gone, "DELETE", NULL,
			    "/domicile/v1/sessions/%.*s/", (int)sessions[i].id.size,
			    (const char *)sessions[i].id.data);
			was_done = is_done(&gone);
			dom_buffer_free(&gone.body);
		}
	}
	dom_buffer_free(&answer.body);
	dom_arena_free(&arena);
	return was_done;
}

bool
stock_account_act(struct phone *phone, enum action_kind action)
{
	switch (action) {
	case ACTION_ON:
		return turn_on(phone);
	case ACTION_OFF:
		return turn_off(phone, false);
	case ACTION_ERASE_SERVICE:
		return turn_off(phone, true);
	case ACTION_ERASE_HISTORY:
		return erase_history(phone);
	case ACTION_ERASE_ACCOUNT:
		return erase_account(phone);
	case ACTION_PASSWORD:
		return change_password(phone);
	case ACTION_LOGIN:
		return stock_log_in(phone);
	case ACTION_LOGOUT:
		return log_out(phone);
	case ACTION_REVOKE:
		return revoke(phone);
	case ACTION_MOVE:
	case ACTION_MOVE_CANCEL:
		return stock_move_act(phone, action);
	case ACTION_PROVE:
		return stock_prove(phone);
	default:
		return false;
	}
}
