/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HOUSE_H
#define HOUSE_H

#include "wire/catalogue.h"
#include "wire/etebase.h"
#include "wire/statement.h"

#include "services/service.h"
#include "testing.h"

/*
 * A region in a temporary folder with a clock that stands still, randomness
 * from a seed, and persons who hold the keys that real clients hold.  Requests
 * go through service_admit(), service_stage() and service_run(), as http/
 * sends them.
 */
struct person {
	const char *name;
	struct dom_main_key *main;
	struct dom_account_key *account;
	struct dom_identity_key *identity;
	uint8_t login_public[DOM_PUBLIC_KEY_SIZE];
	uint8_t identity_public[DOM_PUBLIC_KEY_SIZE];
	uint8_t secrets[DOM_SECRETS_SIZE];
	char token[SERVICE_TOKEN_SIZE + 1]; /* "": not logged in */
	uint64_t serial;                    /* of the last statement */
};

struct house {
	char folder[64];
	struct store *store;
	struct store_reader *reader;
	struct service service;
	struct dom_arena *arena; /* the last request's, and what tests build */
	struct dom_buffer body;  /* the next request's */
	struct service_reply reply;
	struct service_request request;
	struct wire_catalogue *catalogue; /* of the settings */
	int64_t now_ms;
	uint64_t seed;
	struct person ana, bob, cyd;
	/* From the last list. */
	struct wire_list list;
	char stoken[WIRE_STOKEN_SIZE(4) + 1];
};

extern struct house house;
extern const char *house_root; /* where its folder is made; NULL: where it costs least */

/* Keys for one more; the name is borrowed. */
void person_make(struct person *person, const char *name);
void person_free(struct person *person);

/* key_text: 32 bytes.  house_set_up() is of "in". */
void house_open(const char *region, const char *key_text);
int house_set_up(void **state);
int house_tear_down(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_set_up, house_tear_down)

/* A new request; everything else is set by the test in house.request and house.body. */
void ask(enum service_op op, const struct person *person);
/* Send it; the code of the reply.  Any status but OK and DENIED fails the test. */
enum service_code send(void);
/* service_run() alone, without what comes before it. */
enum service_code send_without_admission(void);
/* The code, and nothing else, for an ask without a body. */
enum service_code get(enum service_op op, const struct person *person);
/* The first nested error's code. */
const char *nested(void);

void sign_up(struct person *person);
enum service_code log_in(struct person *person);
/* The signed body of login or change_password in house.body. */
void build_login(
    const struct person *person, enum wire_action action, const struct person *new_keys);
void register_statement_key(const struct person *person);
/* The region's catalogue from now on, as after a restart; NULL: the one built in. */
void set_catalogue(const char *text);
/* The terms of the statement's service, as the catalogue has them now. */
void fill_terms(struct wire_statement *statement);
/* What Ana may say next: contacts, with the terms as they are now, for "type one". */
struct wire_statement consent_to_contacts(void);
/* Consents to a type ("any" without one) or withdraws, next serial. */
enum service_code consent(struct person *person, const char *service, const char *type);
enum service_code withdraw(struct person *person, const char *service);
enum service_code state_it(struct person *person, struct wire_statement *statement);
void turn_on(struct person *person);

/* Uids: a letter repeated, then a number. */
const char *uid(char letter, unsigned number);
struct wire_item item(unsigned number, char revision, const char *etag);
enum service_code create(const struct person *person, unsigned number, const char *type);
enum service_code put(const struct person *person, enum service_op op, unsigned collection,
    struct wire_item *items, size_t count);
/* Items of a collection into house.list and house.stoken. */
void list_items(const struct person *person, unsigned collection, const char *stoken);
void list_collections(const struct person *person, const char *stoken);

#endif
