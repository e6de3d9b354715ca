/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A region and its persons for the tests of services/. */
#include "house.h"

#include <ftw.h>
#include <unistd.h>

#include "services/consent/consent.h"

struct house house;
const char *house_root;

static void
fill(void *context, void *data, size_t size)
{
	uint64_t *state = context;
	uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		bytes[i] = (uint8_t)(*state >> 32);
	}
}

static int64_t
now_ms(void *context)
{
	return *(int64_t *)context;
}

void
person_make(struct person *person, const char *name)
{
	uint8_t bytes[32];

	person->name = name;
	fill(&house.seed, bytes, sizeof(bytes));
	assert_int_equal(
	    dom_main_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &person->main), DOM_OK);
	assert_int_equal(
	    dom_account_create(&house.service.random, &person->account, &person->identity),
	    DOM_OK);
	dom_main_key_login_public(person->main, person->login_public);
	dom_identity_public(person->identity, person->identity_public);
	assert_int_equal(dom_account_seal(person->main, person->account, person->identity,
	                     &house.service.random, person->secrets),
	    DOM_OK);
}

void
person_free(struct person *person)
{
	dom_main_key_free(&person->main);
	dom_account_key_free(&person->account);
	dom_identity_key_free(&person->identity);
}

void
house_open(const char *region, const char *key_text)
{
	const char *root = house_root;
	struct dom_region_key *key;
	char message[200];

	assert_int_equal(dom_crypto_start(), DOM_OK);
	assert_int_equal(dom_region_key_from_bytes(dom_slice(key_text, 32), &key), DOM_OK);
	house = (struct house){.seed = 20261121, .now_ms = 1700000000000};
	/* No power is cut here, so nothing has to wait for a real disk. */
	if (root == NULL)
		root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(house.folder, sizeof(house.folder), "%s/services-XXXXXX", root);
	assert_non_null(mkdtemp(house.folder));
	assert_int_equal(store_open(&(struct store_options){.folder = house.folder,
	                                .region = region,
	                                .key = key,
	                                .clock = {now_ms, &house.now_ms},
	                                .manual = true,
	                                .chunk_row_size_max = 4096},
	                     &house.store, message, sizeof(message)),
	    DOM_OK);
	assert_int_equal(store_reader_open(house.store, &house.reader), DOM_OK);
	house.service = (struct service){.settings = {.region = region,
	                                     .signup = SERVICE_SIGNUP_OPEN,
	                                     .check_host = true,
	                                     .session_life_ms = 30LL * 24 * 3600 * 1000},
	    .clock = {now_ms, &house.now_ms},
	    .random = {fill, &house.seed},
	    .store = house.store,
	    .key = key};
	set_catalogue(NULL);
	house.arena = dom_arena_new(0);
	assert_non_null(house.arena);
	person_make(&house.ana, "ana");
	person_make(&house.bob, "bob");
	person_make(&house.cyd, "cyd");
}

int
house_set_up(void **state)
{
	(void)state;
	house_open("in", "region key of the tests........");
	return 0;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

int
house_tear_down(void **state)
{
	(void)state;
	service_reply_free(&house.reply);
	dom_buffer_free(&house.body);
	wire_catalogue_free(&house.catalogue);
	dom_arena_free(&house.arena);
	person_free(&house.ana);
	person_free(&house.bob);
	person_free(&house.cyd);
	dom_region_key_free(&house.service.key);
	store_reader_close(&house.reader);
	store_close(&house.store);
	(void)nftw(house.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* --- requests ------------------------------------------------------------------ */

void
ask(enum service_op op, const struct person *person)
{
	service_reply_free(&house.reply);
	dom_buffer_clear(&house.body);
	house.request = (struct service_request){
	    .op = op, .limit = -1, .host = dom_slice_of("region.example")};
	if (person != NULL && person->token[0] != '\0')
		house.request.token = dom_slice_of(person->token);
}

static struct service_staged *staged;

static enum dom_status
job(struct store_txn *txn, void *context)
{
	(void)context;
	return service_run(
	    &house.service, txn, &house.request, staged, house.arena, &house.reply);
}

static enum dom_status
run(void)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	if (service_plan(house.request.op)->writes)
		return store_write(house.store, job, NULL);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = job(txn, NULL);
	store_read_end(&txn);
	return st;
}

static enum service_code
finish(enum dom_status st)
{
	if (st != DOM_OK && st != DOM_EDENIED)
		fail_msg("operation %d: %s", house.request.op, dom_status_text(st));
	/* What is done with a code is a refusal that keeps what it has written. */
	assert_true(st == DOM_OK || house.reply.code != SERVICE_DONE);
	if (house.reply.code != SERVICE_DONE) {
		assert_non_null(house.reply.detail);
		assert_int_equal(house.reply.body.size, 0);
	}
	return house.reply.code;
}

enum service_code
send_without_admission(void)
{
	enum dom_status st;

	service_reply_free(&house.reply);
	if (house.request.body.data == NULL)
		house.request.body = dom_buffer_slice(&house.body);
	staged = NULL;
	if (service_stage_blocks(&house.service, &house.request)) {
		st = service_stage(&house.service, &house.request, house.arena, &staged);
		assert_int_equal(st, DOM_OK);
		service_reply_free(&house.reply);
	}
	st = run();
	service_drop(&staged);
	return finish(st);
}

enum service_code
send(void)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	service_reply_free(&house.reply);
	house.request.body_size_expected =
	    (int64_t)(house.request.body.data == NULL ? house.body.size
	                                              : house.request.body.size);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = service_admit(&house.service, txn, &house.request, house.arena, &house.reply);
	store_read_end(&txn);
	if (st != DOM_OK)
		return finish(st);
	return send_without_admission();
}

enum service_code
get(enum service_op op, const struct person *person)
{
	ask(op, person);
	return send();
}

const char *
nested(void)
{
	return house.reply.error_count == 0 ? ""
	                                    : (const char *)house.reply.errors[0].code.data;
}

/* --- accounts -------------------------------------------------------------------- */

static void
take_token(struct person *person)
{
	struct wire_login login;

	assert_int_equal(
	    wire_login_decode(dom_buffer_slice(&house.reply.body), &login), DOM_OK);
	assert_int_equal(login.token.size, SERVICE_TOKEN_SIZE);
	memcpy(person->token, login.token.data, login.token.size);
	assert_memory_equal(login.identity_public.data, person->identity_public, 32);
}

void
sign_up(struct person *person)
{
	static const uint8_t salt[32] = "salt";

	ask(SERVICE_SIGNUP, NULL);
	wire_signup_encode(&house.body,
	    &(struct wire_signup){.username = dom_slice_of(person->name),
	        .email = dom_slice_of(""),
	        .salt = dom_slice(salt, sizeof(salt)),
	        .login_public = dom_slice(person->login_public, 32),
	        .identity_public = dom_slice(person->identity_public, 32),
	        .encrypted_content = dom_slice(person->secrets, DOM_SECRETS_SIZE)});
	assert_int_equal(send(), SERVICE_DONE);
	take_token(person);
}

void
build_login(const struct person *person, enum wire_action action, const struct person *new_keys)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct wire_challenge challenge;
	struct dom_buffer response = {0};
	struct dom_slice bytes;

	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	wire_challenge_ask_encode(&house.body, dom_slice_of(person->name));
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(
	    wire_challenge_decode(dom_buffer_slice(&house.reply.body), &challenge), DOM_OK);
	wire_response_encode(&response,
	    &(struct wire_response){.username = dom_slice_of(person->name),
	        .challenge = challenge.challenge,
	        .host = dom_slice_of("Region.Example:8033"),
	        .action = action,
	        .login_public = dom_slice(new_keys->login_public, 32),
	        .encrypted_content = dom_slice(new_keys->secrets, DOM_SECRETS_SIZE)});
	bytes = dom_arena_copy(house.arena, dom_buffer_slice(&response));
	dom_buffer_free(&response);
	dom_main_key_sign(person->main, bytes, signature);
	ask(action == WIRE_ACTION_LOGIN ? SERVICE_LOGIN : SERVICE_CHANGE_PASSWORD, person);
	wire_signed_encode(
	    &house.body, &(struct wire_signed){.response = bytes,
	                     .signature = dom_slice(signature, sizeof(signature))});
}

enum service_code
log_in(struct person *person)
{
	enum service_code code;

	build_login(person, WIRE_ACTION_LOGIN, person);
	house.request.token = dom_slice(NULL, 0);
	code = send();
	if (code == SERVICE_DONE)
		take_token(person);
	return code;
}

/* --- consent ------------------------------------------------------------------------ */

void
set_catalogue(const char *text)
{
	struct dom_slice bytes =
	    text == NULL ? consent_catalogue_built_in() : dom_slice_of(text);
	char why[256] = "";

	wire_catalogue_free(&house.catalogue);
	if (wire_catalogue_read(bytes, &house.catalogue, why, sizeof(why)) != DOM_OK)
		fail_msg("%s", why);
	house.service.settings.catalogue = house.catalogue;
}

void
fill_terms(struct wire_statement *statement)
{
	const struct dom_catalogue_entry *entry =
	    wire_catalogue_find(house.catalogue, statement->service);

	if (entry == NULL)
		return;
	statement->catalogue_version = entry->version;
	statement->purpose = dom_slice_of(entry->purpose);
	statement->retention = dom_slice_of(entry->retention);
	memcpy(statement->terms, entry->terms, sizeof(statement->terms));
}

void
register_statement_key(const struct person *person)
{
	uint8_t public[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer response = {0};

	dom_statement_public(person->account, public);
	wire_statement_key_response(&response, dom_slice(person->identity_public, 32),
	    dom_slice(public, sizeof(public)));
	dom_main_key_sign(person->main, dom_buffer_slice(&response), signature);
	ask(SERVICE_STATEMENT_KEY, person);
	wire_statement_key_encode(&house.body,
	    &(struct wire_statement_key){.pubkey = dom_slice(public, sizeof(public)),
	        .response = dom_buffer_slice(&response),
	        .signature = dom_slice(signature, sizeof(signature))});
	dom_buffer_free(&response);
	assert_int_equal(send(), SERVICE_DONE);
}

enum service_code
state_it(struct person *person, struct wire_statement *statement)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};
	enum service_code code;

	wire_statement_encode(&bytes, statement);
	dom_statement_sign(person->account, dom_buffer_slice(&bytes), signature);
	ask(SERVICE_STATEMENT_ADD, person);
	wire_signed_statement_encode(
	    &house.body, &(struct wire_signed_statement){.statement = dom_buffer_slice(&bytes),
	                     .signature = dom_slice(signature, sizeof(signature))});
	dom_buffer_free(&bytes);
	code = send();
	if (code == SERVICE_DONE)
		person->serial = statement->serial;
	return code;
}

struct wire_statement
consent_to_contacts(void)
{
	static struct dom_slice types[1];
	struct wire_statement statement = {.kind = WIRE_CONSENT,
	    .serial = house.ana.serial + 1,
	    .issued_ms = house.now_ms,
	    .region = dom_slice_of(house.service.settings.region),
	    .service = dom_slice_of("contacts"),
	    .types = types,
	    .type_count = 1};

	types[0] = dom_slice_of("type one");
	memcpy(statement.account, house.ana.identity_public, sizeof(statement.account));
	fill_terms(&statement);
	return statement;
}

static struct wire_statement
statement_of(const struct person *person, const char *service)
{
	struct wire_statement statement = {.kind = WIRE_CONSENT,
	    .serial = person->serial + 1,
	    .issued_ms = house.now_ms,
	    .region = dom_slice_of(house.service.settings.region),
	    .service = dom_slice_of(service)};

	fill_terms(&statement);
	memcpy(statement.account, person->identity_public, 32);
	return statement;
}

enum service_code
consent(struct person *person, const char *service, const char *type)
{
	struct wire_statement statement = statement_of(person, service);
	struct dom_slice types[1] = {dom_slice_of(type)};

	statement.types = types;
	statement.type_count = type == NULL ? 0 : 1;
	return state_it(person, &statement);
}

enum service_code
withdraw(struct person *person, const char *service)
{
	struct wire_statement statement = statement_of(person, service);

	statement.kind = WIRE_WITHDRAWAL;
	return state_it(person, &statement);
}

void
turn_on(struct person *person)
{
	sign_up(person);
	register_statement_key(person);
	assert_int_equal(consent(person, "contacts", "type one"), SERVICE_DONE);
}

/* --- vault ---------------------------------------------------------------------------- */

const char *
uid(char letter, unsigned number)
{
	char *text = dom_arena_take(house.arena, 33);

	assert_non_null(text);
	memset(text, letter, 32);
	for (unsigned i = 31; number != 0; i--, number /= 10)
		text[i] = (char)('0' + number % 10);
	return text;
}

struct wire_item
item(unsigned number, char revision, const char *etag)
{
	return (struct wire_item){.uid = dom_slice_of(uid('i', number)),
	    .version = 1,
	    .etag = dom_slice_of(etag),
	    .content = {
	        .uid = dom_slice_of(uid(revision, number)), .meta = dom_slice_of("meta")}};
}

enum service_code
create(const struct person *person, unsigned number, const char *type)
{
	struct wire_collection collection = {.item = item(number, 'm', NULL),
	    .collection_type = dom_slice_of(type),
	    .collection_key = dom_slice_of("key")};

	collection.item.uid = dom_slice_of(uid('c', number));
	ask(SERVICE_COLLECTION_CREATE, person);
	wire_collection_encode(&house.body, &collection, false);
	return send();
}

enum service_code
put(const struct person *person, enum service_op op, unsigned collection,
    struct wire_item *items, size_t count)
{
	ask(op, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	wire_batch_encode(
	    &house.body, &(struct wire_batch){.items = items, .item_count = count});
	return send();
}

static void
take_list(enum wire_list_kind kind)
{
	assert_int_equal(wire_list_decode(dom_buffer_slice(&house.reply.body), kind,
	                     house.arena, &house.list),
	    DOM_OK);
	snprintf(house.stoken, sizeof(house.stoken), "%.*s", (int)house.list.stoken.size,
	    house.list.stoken.data == NULL ? "" : (const char *)house.list.stoken.data);
}

void
list_items(const struct person *person, unsigned collection, const char *stoken)
{
	int64_t limit = house.request.limit;

	ask(SERVICE_ITEM_LIST, person);
	house.request.limit = limit;
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.stoken = dom_arena_copy(house.arena, dom_slice_of(stoken));
	assert_int_equal(send(), SERVICE_DONE);
	take_list(WIRE_LIST_ITEMS);
}

void
list_collections(const struct person *person, const char *stoken)
{
	int64_t limit = house.request.limit;

	ask(SERVICE_COLLECTION_LIST, person);
	house.request.limit = limit;
	house.request.stoken = dom_arena_copy(house.arena, dom_slice_of(stoken));
	assert_int_equal(send(), SERVICE_DONE);
	take_list(WIRE_LIST_COLLECTIONS);
}
