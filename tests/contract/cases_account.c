/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts and sessions. */
#include "contract.h"

static void
an_account_is_found_by_number_id_name_and_email(void **state)
{
	struct world *world = *state;
	struct store_account account = sample_account("ana", 7), found;
	struct store_txn *txn = write_begin(world);
	int64_t number;

	account.email = dom_slice_of("ana@example.org");
	account.disabled = true;
	account.statement_public = dom_slice_of("statement");
	assert_status(store_account_add(txn, &account, &number), DOM_OK);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(store_account_by_number(txn, number, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, number);
	assert_memory_equal(found.id, account.id, STORE_ID_SIZE);
	assert_int_equal(found.clock, 0);
	assert_int_equal(found.epoch, 1);
	assert_int_equal(found.created_ms, 1007);
	assert_true(found.initialised);
	assert_true(found.disabled);
	/* Few ask for the names. */
	assert_slice(found.name, "");
	assert_slice(found.email, "");
	assert_status(store_account_names(txn, world->arena, &found), DOM_OK);
	assert_slice(found.name, "ana");
	assert_slice(found.email, "ana@example.org");
	assert_int_equal(found.state, STORE_ACCOUNT_HOME);
	assert_int_equal(found.active_ms, WORLD_BEGAN_MS);
	assert_int_equal(found.notice_ms, 0);
	assert_slice(found.salt, "salt");
	assert_slice(found.login_public, "login");
	assert_slice(found.identity_public, "identity");
	assert_slice(found.encrypted_content, "content");
	assert_slice(found.statement_public, "statement");
	assert_status(store_account_by_id(txn, account.id, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, number);
	assert_status(store_account_by_name(txn, account.name, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, number);
	assert_status(store_account_by_email(txn, account.email, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, number);
}

static void
an_account_that_is_not_there_is_absent(void **state)
{
	struct world *world = *state;
	struct store_account found;
	uint8_t id[STORE_ID_SIZE] = {0};
	uint64_t clock;
	struct store_txn *txn = write_begin(world);

	add_account(txn, "ana", 1);
	assert_status(store_account_by_number(txn, 99, world->arena, &found), DOM_ABSENT);
	assert_status(store_account_by_id(txn, id, world->arena, &found), DOM_ABSENT);
	assert_status(
	    store_account_by_name(txn, dom_slice_of("an"), world->arena, &found), DOM_ABSENT);
	/* Ana has no address, so the empty one is nobody's. */
	assert_status(
	    store_account_by_email(txn, dom_slice_of(""), world->arena, &found), DOM_ABSENT);
	assert_status(store_account_tick(txn, 99, &clock), DOM_ABSENT);
	assert_status(
	    store_account_set_login(txn, 99, dom_slice_of("l"), dom_slice_of("c")), DOM_ABSENT);
	assert_status(store_account_set_statement_key(txn, 99, dom_slice_of("k")), DOM_ABSENT);
	write_commit(world);
}

static void
names_ids_and_emails_are_unique_but_no_email_is_not(void **state)
{
	struct world *world = *state;
	struct store_account account, other;
	struct store_txn *txn = write_begin(world);
	struct store_counts counts;
	int64_t number;

	account = sample_account("ana", 1);
	account.email = dom_slice_of("a@example.org");
	assert_status(store_account_add(txn, &account, &number), DOM_OK);
	other = sample_account("ana", 2);
	assert_status(store_account_add(txn, &other, &number), DOM_CONFLICT);
	other = sample_account("bo", 1);
	assert_status(store_account_add(txn, &other, &number), DOM_CONFLICT);
	other = sample_account("bo", 2);
	other.email = account.email;
	assert_status(store_account_add(txn, &other, &number), DOM_CONFLICT);
	add_account(txn, "cem", 3);
	add_account(txn, "dua", 4);
	assert_status(store_count(txn, &counts), DOM_OK);
	assert_int_equal(counts.accounts, 3);
	write_commit(world);
}

static void
an_account_is_initialised_once(void **state)
{
	struct world *world = *state;
	struct store_account account = {.name = dom_slice_of("ana")}, found;
	struct store_txn *txn = write_begin(world);

	assert_status(store_account_add(txn, &account, &account.number), DOM_OK);
	assert_status(
	    store_account_by_number(txn, account.number, world->arena, &found), DOM_OK);
	assert_false(found.initialised);
	assert_slice(found.salt, "");
	account.salt = dom_slice_of("s");
	account.login_public = dom_slice_of("l");
	account.identity_public = dom_slice_of("i");
	account.encrypted_content = dom_slice_of("c");
	account.statement_public = dom_slice_of("p");
	assert_status(store_account_initialise(txn, &account), DOM_OK);
	assert_status(store_account_initialise(txn, &account), DOM_CONFLICT);
	account.number = 99;
	assert_status(store_account_initialise(txn, &account), DOM_ABSENT);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_account_by_name(txn, account.name, world->arena, &found), DOM_OK);
	assert_true(found.initialised);
	assert_slice(found.salt, "s");
	assert_slice(found.login_public, "l");
	assert_slice(found.identity_public, "i");
	assert_slice(found.encrypted_content, "c");
	assert_slice(found.statement_public, "p");
}

static void
a_new_password_changes_the_login_key_and_the_content_only(void **state)
{
	struct world *world = *state;
	struct store_account found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);

	assert_status(
	    store_account_set_login(txn, ana, dom_slice_of("new"), dom_slice_of("sealed")),
	    DOM_OK);
	assert_status(store_account_set_statement_key(txn, ana, dom_slice_of("key")), DOM_OK);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_account_by_number(txn, ana, world->arena, &found), DOM_OK);
	assert_slice(found.login_public, "new");
	assert_slice(found.encrypted_content, "sealed");
	assert_slice(found.statement_public, "key");
	assert_slice(found.salt, "salt");
	assert_slice(found.identity_public, "identity");
	assert_status(store_account_by_number(txn, bo, world->arena, &found), DOM_OK);
	assert_slice(found.login_public, "login");
	assert_slice(found.statement_public, "");
}

static void
each_account_counts_for_itself(void **state)
{
	struct world *world = *state;
	struct store_account found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	uint64_t clock;

	for (uint64_t expected = 1; expected <= 3; expected++) {
		assert_status(store_account_tick(txn, ana, &clock), DOM_OK);
		assert_int_equal(clock, expected);
	}
	assert_status(store_account_tick(txn, bo, &clock), DOM_OK);
	assert_int_equal(clock, 1);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(store_account_by_number(txn, ana, world->arena, &found), DOM_OK);
	assert_int_equal(found.clock, 3);
}

/* --- sessions --------------------------------------------------------------- */

static struct store_session
sample_session(int64_t account, uint8_t tag)
{
	struct store_session session = {
	    .account = account,
	    .created_ms = 10,
	    .used_ms = 100 + tag,
	    .expires_ms = 1000 + tag,
	    .device = dom_slice_of("phone"),
	};

	memset(session.token_hash, tag, sizeof(session.token_hash));
	memset(session.id, tag ^ 0xff, sizeof(session.id));
	return session;
}

static void
a_session_is_found_by_its_token_until_it_is_removed(void **state)
{
	struct world *world = *state;
	struct store_session session, found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);

	session = sample_session(ana, 5);
	assert_status(store_session_add(txn, &session), DOM_OK);
	assert_status(store_session_add(txn, &session), DOM_CONFLICT);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(
	    store_session_find(txn, session.token_hash, world->arena, &found), DOM_OK);
	assert_memory_equal(found.token_hash, session.token_hash, sizeof(found.token_hash));
	assert_memory_equal(found.id, session.id, sizeof(found.id));
	assert_int_equal(found.account, ana);
	assert_int_equal(found.created_ms, 10);
	assert_int_equal(found.used_ms, 105);
	assert_int_equal(found.expires_ms, 1005);
	assert_int_equal(found.seen_ms, WORLD_BEGAN_MS);
	assert_slice(found.device, ""); /* for the list */
	read_end(world);
	txn = write_begin(world);
	assert_status(store_session_touch(txn, session.token_hash, 500, 6000), DOM_OK);
	assert_status(
	    store_session_find(txn, session.token_hash, world->arena, &found), DOM_OK);
	assert_int_equal(found.used_ms, 500);
	assert_int_equal(found.expires_ms, 6000);
	assert_status(store_session_remove(txn, session.token_hash), DOM_OK);
	assert_status(
	    store_session_find(txn, session.token_hash, world->arena, &found), DOM_ABSENT);
	assert_status(store_session_remove(txn, session.token_hash), DOM_ABSENT);
	assert_status(store_session_touch(txn, session.token_hash, 1, 2), DOM_ABSENT);
	write_commit(world);
}

static void
a_session_needs_an_account(void **state)
{
	struct world *world = *state;
	struct store_session session = sample_session(99, 1);
	struct store_txn *txn = write_begin(world);

	assert_status(store_session_add(txn, &session), DOM_ABSENT);
	write_commit(world);
}

static void
sessions_are_listed_by_newest_use_and_revoked_by_their_owner_only(void **state)
{
	struct world *world = *state;
	struct store_session session, *list;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	size_t count;

	for (uint8_t tag = 1; tag <= 20; tag++) {
		session = sample_session(tag % 2 == 0 ? ana : bo, tag);
		assert_status(store_session_add(txn, &session), DOM_OK);
	}
	session = sample_session(ana, 2);
	assert_status(store_session_touch(txn, session.token_hash, 900, 9000), DOM_OK);
	session = sample_session(bo, 1);
	assert_status(store_session_remove_id(txn, ana, session.id), DOM_ABSENT);
	assert_status(store_session_remove_id(txn, bo, session.id), DOM_OK);
	assert_status(store_session_list(txn, ana, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 10);
	assert_int_equal(list[0].token_hash[0], 2);
	assert_int_equal(list[1].token_hash[0], 20);
	assert_int_equal(list[9].token_hash[0], 4);
	assert_slice(list[9].device, "phone");
	session = sample_session(ana, 8);
	assert_status(store_session_remove_others(txn, ana, session.token_hash), DOM_OK);
	assert_status(store_session_list(txn, ana, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(list[0].token_hash[0], 8);
	assert_status(store_session_list(txn, bo, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 9);
	write_commit(world);
}

static void
sessions_that_ended_expire_a_few_at_a_time(void **state)
{
	struct world *world = *state;
	struct store_session session, *list;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	uint64_t removed;
	size_t count;

	for (uint8_t tag = 1; tag <= 5; tag++) {
		session = sample_session(ana, tag);
		assert_status(store_session_add(txn, &session), DOM_OK);
	}
	assert_status(store_region_time_set(txn, 1004), DOM_OK); /* three have ended */
	assert_status(store_sessions_due(txn, 0, 2, &removed), DOM_OK);
	assert_int_equal(removed, 2);
	assert_status(store_session_list(txn, ana, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 3);
	assert_int_equal(list[2].token_hash[0], 3); /* the oldest went first */
	assert_status(store_sessions_due(txn, 0, 2, &removed), DOM_OK);
	assert_int_equal(removed, 1);
	assert_status(store_sessions_due(txn, 0, 2, &removed), DOM_OK);
	assert_int_equal(removed, 0);
	assert_status(store_session_list(txn, ana, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 2);
	write_commit(world);
}

static void
the_sessions_that_were_used_last_are_kept(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	static const int64_t used_ms[] = {50, 90, 70, 90, 10};
	struct store_session *rows;
	size_t count;

	for (uint8_t i = 0; i < 5; i++)
		assert_status(
		    store_session_add(txn, &(struct store_session){.token_hash = {i, 1},
		                               .id = {i},
		                               .account = i == 4 ? bo : ana,
		                               .used_ms = used_ms[i],
		                               .expires_ms = 1000}),
		    DOM_OK);
	assert_status(store_session_trim(txn, ana, 4), DOM_OK);
	assert_status(store_session_list(txn, ana, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 4);
	assert_status(store_session_trim(txn, ana, 2), DOM_OK);
	assert_status(store_session_list(txn, ana, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_int_equal(rows[0].id[0], 3);
	assert_int_equal(rows[1].id[0], 1);
	assert_status(store_session_trim(txn, ana, 0), DOM_OK);
	assert_status(store_session_list(txn, ana, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 0);
	assert_status(store_session_list(txn, bo, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	write_commit(world);
}

static void
collections_are_counted_for_their_owner(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	uint64_t count;

	assert_status(store_collection_count(txn, ana, &count), DOM_OK);
	assert_int_equal(count, 0);
	add_collection(txn, "c1", ana);
	add_collection(txn, "c2", bo);
	add_collection(txn, "c3", ana);
	assert_status(store_collection_count(txn, ana, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_status(store_collection_count(txn, bo, &count), DOM_OK);
	assert_int_equal(count, 1);
	write_commit(world);
}

const struct CMUnitTest account_cases[] = {
    CONTRACT_CASE(an_account_is_found_by_number_id_name_and_email),
    CONTRACT_CASE(an_account_that_is_not_there_is_absent),
    CONTRACT_CASE(names_ids_and_emails_are_unique_but_no_email_is_not),
    CONTRACT_CASE(an_account_is_initialised_once),
    CONTRACT_CASE(a_new_password_changes_the_login_key_and_the_content_only),
    CONTRACT_CASE(each_account_counts_for_itself),
    CONTRACT_CASE(a_session_is_found_by_its_token_until_it_is_removed),
    CONTRACT_CASE(a_session_needs_an_account),
    CONTRACT_CASE(sessions_are_listed_by_newest_use_and_revoked_by_their_owner_only),
    CONTRACT_CASE(sessions_that_ended_expire_a_few_at_a_time),
    CONTRACT_CASE(the_sessions_that_were_used_last_are_kept),
    CONTRACT_CASE(collections_are_counted_for_their_owner),
};
const size_t account_case_count = sizeof(account_cases) / sizeof(account_cases[0]);
