/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How a phone that runs libdomicile comes by its session, and what must be true of what it
 * keeps on its disk: whoever was told that the device is logged in finds it so whatever
 * happens to it, whoever was told that it is not finds nothing left, and what the index says
 * is what the server had said.
 */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "sim/ours.h"

struct folder {
	char text[64];
};

static struct folder
folder_of(const struct phone *phone)
{
	struct folder folder;

	snprintf(folder.text, sizeof(folder.text), SIM_DISK_ROOT "%s/state", phone->name);
	return folder;
}

bool
ours_said(struct phone *phone, enum dom_status st)
{
	if (phone_is_dead(phone))
		return false;
	if (st < 0)
		world_say(
		    phone->world, "%s: %s", phone->name, dom_session_error(phone->session));
	if (st == DOM_EAUTH)
		phone->is_shut_out = true;
	return st == DOM_OK;
}

/* An import that is done again brings no record a second time. */
static void
check_twice(struct phone *phone, char seen[][32], size_t *count, const struct dom_item_row *row)
{
	if (row->deleted || row->name.size >= 32 || row->name.size < 7 ||
	    memcmp(row->name.data, "record ", 7) != 0)
		return;
	for (size_t i = 0; i < *count; i++)
		if (dom_slice_is(row->name, seen[i]))
			world_broken(phone->world, "nothing is stored twice", "%s of %s",
			    seen[i], phone->name);
	snprintf(
	    seen[(*count)++], 32, "%.*s", (int)row->name.size, (const char *)row->name.data);
}

void
ours_check_index(struct phone *phone)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_collection_row *rows;
	size_t count = 0;

	/* Whoever looks from outside meets no fault, and finds a dead machine's disk shut. */
	if (phone_is_dead(phone)) {
		dom_arena_free(&arena);
		return;
	}
	sim_disk_pause(phone->disk, true);
	if (dom_state_collection_all(phone->session->state, arena, &rows, &count) != DOM_OK)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		struct o_mirror_entry entries[PHONE_ENTRIES_MAX];
		struct dom_state_walk *walk = NULL;
		struct dom_item_row row;
		char seen[PHONE_ENTRIES_MAX][32];
		size_t known = 1, seen_count = 0;

		/* Of the main item only the token tells. */
		entries[0] = (struct o_mirror_entry){rows[i].uid, dom_slice(NULL, 0)};
		if (rows[i].token.size == 0 || rows[i].sweep ||
		    dom_state_walk_open(phone->session->state, rows[i].number, false, &walk) !=
		        DOM_OK)
			continue;
		while (known < PHONE_ENTRIES_MAX && dom_state_walk_next(walk, &row) == DOM_OK) {
			check_twice(phone, seen, &seen_count, &row);
			entries[known++] = (struct o_mirror_entry){
			    dom_arena_copy(arena, row.uid), dom_arena_copy(arena, row.etag)};
		}
		dom_state_walk_close(&walk);
		if (known < PHONE_ENTRIES_MAX)
			oracle_check_mirror(phone->world->oracle, phone->account, rows[i].uid,
			    rows[i].token, entries, known);
	}
	sim_disk_pause(phone->disk, false);
	dom_arena_free(&arena);
}

/* --- in and out ---------------------------------------------------------------------------
 */

void
ours_close(struct phone *phone)
{
	dom_session_close(&phone->session);
}

void
ours_forget(struct phone *phone)
{
	struct dom_complaint complaint = {""};
	enum dom_status st;

	ours_close(phone);
	phone->is_shut_out = false;
	if (phone->disk == NULL || phone->kept == OURS_OUT || phone_is_dead(phone))
		return;
	phone->kept = OURS_UNKNOWN;
	st = dom_session_forget(folder_of(phone).text, &complaint);
	if (st == DOM_OK && !phone_is_dead(phone))
		phone->kept = OURS_OUT;
	else
		world_say(phone->world, "%s: %s", phone->name, complaint.text);
}

bool
ours_log_out(struct phone *phone)
{
	struct dom_complaint complaint = {""};
	enum dom_status st;

	phone->kept = OURS_UNKNOWN;
	st = dom_logout(&phone->session, &complaint);
	if (phone_is_dead(phone))
		return false;
	/* The server may not have been told; the files are gone in any case but one. */
	if (st != DOM_EFILE && st != DOM_ENOMEM)
		phone->kept = OURS_OUT;
	return st == DOM_OK;
}

static enum dom_status
enter(struct phone *phone, bool is_signup, unsigned password)
{
	struct person *person = phone->person;
	const struct region *region = &phone->world->regions[person->region];
	struct dom_complaint complaint = {""};
	const struct folder folder = folder_of(phone);
	char url[64], name[32], text[64];
	struct dom_session_options options = {.state_folder = folder.text,
	    .server_url = url,
	    .device = phone->name,
	    .connect = way_to,
	    .connect_context = phone};
	struct dom_credentials credentials = {.username = name, .email = ""};
	enum dom_status st;

	snprintf(url, sizeof(url), "https://%s", region->host);
	snprintf(name, sizeof(name), "%s%u", person->name, person->generation);
	person_password(person, password, text);
	credentials.password = dom_slice_of(text);
	phone->kept = OURS_UNKNOWN;
	st = is_signup ? dom_signup(&options, &credentials, &phone->session, &complaint)
	               : dom_login(&options, &credentials, &phone->session, &complaint);
	if (phone_is_dead(phone))
		return DOM_ESTOPPED;
	if (st == DOM_OK)
		phone->kept = OURS_IN;
	else
		world_say(phone->world, "%s: %s", phone->name, complaint.text);
	return st;
}

/* Whose account it is, now that it is known. */
static void
know_account(struct phone *phone)
{
	struct o_account *model = &phone->world->oracle->accounts[phone->account];

	dom_session_identity(phone->session, model->identity);
	model->is_made = true;
	phone->person->is_signed_up = true;
}

static bool
sign_up(struct phone *phone)
{
	struct oracle *oracle = phone->world->oracle;
	struct person *person = phone->person;
	static const uint8_t unknown[32];
	char name[32];
	bool was_done;

	if (oracle->account_count == ORACLE_ACCOUNTS_MAX)
		return false;
	/* Whoever does not hear the answer takes another name. */
	person->generation++;
	person->password = person->password_last = 0;
	snprintf(name, sizeof(name), "%s%u", person->name, person->generation);
	person->account = oracle_add_account(oracle, name, unknown, person->region);
	phone->account = person->account;
	phone->signed_up_as = phone->account + 1;
	person->is_signing_up = true;
	was_done = enter(phone, true, person->password) == DOM_OK;
	person->is_signing_up = false;
	if (was_done)
		know_account(phone);
	return was_done;
}

/* Which one holds is known only after an answer: another phone may be changing it. */
static bool
log_in(struct phone *phone)
{
	struct person *person = phone->person;
	enum dom_status st = enter(phone, false, person->password);

	for (unsigned number = person->password_last + 1;
	     st == DOM_EAUTH && number-- != 0 && phone->account == person->account;) {
		if (number == person->password || (st = enter(phone, false, number)) != DOM_OK)
			continue;
		person->password = number;
	}
	return st == DOM_OK;
}

/* Is it the account that the person has now?  A sign-up that was cut off may have been done. */
static bool
is_right_account(struct phone *phone)
{
	const struct o_account *model = &phone->world->oracle->accounts[phone->account];
	uint8_t identity[32];

	if (!phone->person->is_signed_up && phone->signed_up_as == phone->account + 1 &&
	    phone->account == phone->person->account && !phone->person->is_signing_up)
		know_account(phone);
	dom_session_identity(phone->session, identity);
	return phone->person->is_signed_up &&
	       memcmp(identity, model->identity, sizeof(identity)) == 0;
}

/* The program starts, and finds what it had kept. */
static bool
open_again(struct phone *phone)
{
	struct dom_complaint complaint = {""};
	const struct folder folder = folder_of(phone);
	const struct dom_session_options options = {.state_folder = folder.text,
	    .device = phone->name,
	    .connect = way_to,
	    .connect_context = phone};
	bool was_armed = phone->trouble.is_armed;
	enum dom_status st = dom_session_open(&options, &phone->session, &complaint);

	if (phone_is_dead(phone))
		return false;
	if (st == DOM_OK && phone->kept == OURS_OUT)
		world_broken(
		    phone->world, "a log-in that has ended stays ended", "%s", phone->name);
	if (st == DOM_ABSENT && phone->kept != OURS_IN) {
		phone->kept = OURS_OUT;
		return false;
	}
	if (st != DOM_OK) {
		if (!was_armed)
			world_broken(phone->world, "a device opens again by itself",
			    "%s: %s (%s)", phone->name, complaint.text, dom_status_text(st));
		world_say(phone->world, "%s: %s", phone->name, complaint.text);
		return false;
	}
	if (!is_right_account(phone)) {
		ours_forget(phone);
		return false;
	}
	phone->kept = OURS_IN;
	ours_check_index(phone);
	return true;
}

bool
ours_open(struct phone *phone)
{
	struct person *person = phone->person;
	const struct o_account *model = &phone->world->oracle->accounts[person->account];

	/* Erased, or its region was restored to a time before it. */
	if (person->is_signed_up && (model->is_lost || model->is_erased)) {
		person->is_signed_up = false;
		ours_forget(phone);
	}
	if (phone->is_shut_out)
		ours_forget(phone);
	if (phone->session != NULL || open_again(phone))
		return true;
	if (phone_is_dead(phone) || phone->kept != OURS_OUT)
		return false;
	/* One device of a person signs up, the others log in. */
	if (!person->is_signed_up)
		return !person->is_signing_up && sign_up(phone);
	return log_in(phone);
}

bool
ours_restart(struct phone *phone)
{
	ours_close(phone);
	return ours_open(phone);
}
