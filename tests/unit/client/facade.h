/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FACADE_H
#define FACADE_H

#include "wire/certificate.h"

#include "phone.h"

/*
 * Regions that look like others: "sg" and "pt" are the same rules and store as "in" behind
 * names and keys of their own, which makes what a move does to a device seen without a
 * second store.  Each can be told that the account has moved away.
 */
enum facade_name { FACADE_SG, FACADE_PT, FACADE_IN, FACADE_COUNT };

struct facade {
	const char *name, *url;
	struct dom_region_key *key;
	bool has_moved;          /* all that is asked for is answered so */
	unsigned moves_at;       /* .. from this exchange on, counted from now; 0: not yet */
	bool has_erased;         /* 401, and only logging in is told where it went */
	bool is_down;            /* nothing arrives */
	struct dom_buffer moved; /* the body of 403 account_moved */
	struct dom_buffer certificate; /* what is shown of any move; empty: 404 */
	unsigned asked;                /* exchanges that arrived */
	unsigned carried;              /* hand-offs that arrived */
	unsigned acknowledged;         /* acknowledgements that arrived */
};
extern struct facade facades[FACADE_COUNT];
/* The group file that all show; empty: 404. */
extern struct dom_buffer facade_group;

/* --- a device with an account in sg, for each test anew ----------------------------- */

enum { FACADE_RECORDS = 3 };
/* What the account has in its collection "things". */
extern const struct phone_record facade_records[FACADE_RECORDS];
extern struct dom_session *facade_phone;
/* For a group of tests, and for each of them. */
int facade_set_up_once(void **state);
int facade_tear_down_once(void **state);
int facade_set_up(void **state);
int facade_tear_down(void **state);

/* --- the parts of that ---------------------------------------------------------------- */

void facade_start(void);
/*
 * With an account in it that has these records in its collection "things", and a device
 * "model" of sg that has seen them.
 */
void facade_start_with(const struct phone_record *records, size_t count);
/* All is as it was at the start, but for what is stored. */
void facade_reset(void);
/* A device that has the same state folder; what it had is removed. */
void facade_copy_device(const char *from, const char *to);
void facade_stop(void);
/* Sign the group file anew: as version; other_key: by another group. */
void facade_sign_group(uint64_t version, bool other_key);

struct dom_transport *facade_connect(void *context, const char *server_url);
/* Log in at this region, or open what is saved.  NULL: complaint_r says why. */
struct dom_session *facade_log_in(
    const char *device, enum facade_name at, struct dom_complaint *complaint_r);
struct dom_session *facade_open(const char *device);

/* The hand-off of this session's account, not signed yet. */
struct wire_move facade_handoff(
    struct dom_session *session, enum facade_name from, enum facade_name to, uint64_t epoch);
/* From now on `from` says that the account has moved, and shows this hand-off. */
void facade_move(enum facade_name from, const struct wire_move *handoff,
    const struct dom_region_key *signer);
/* The same with all that comes before it: the target has its certificate. */
void facade_move_whole(struct dom_session *session, enum facade_name from, enum facade_name to,
    uint64_t epoch, bool leave_shared);

#endif
