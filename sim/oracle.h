/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "wire/statement.h"

#include "sim/world.h"

/*
 * What must be true: a plain model of what was asked and answered, compared
 * with what the regions' stores hold.
 *
 *   a write   sent --answered--> acknowledged (it must be there), refused (it must
 *             not), or unknown (either, but once it was seen it must stay)
 *   a consent as its statement was committed, and what was stored under it
 *   an erasure  from its commit on nothing of it may be read again
 */
enum {
	ORACLE_ACCOUNTS_MAX = 64,
	ORACLE_SERVICES = 4, /* three with a type each, and "any" */
	ORACLE_UID_SIZE = 65,
};
extern const char *const oracle_services[ORACLE_SERVICES];

enum write_state {
	WRITE_UNKNOWN,
	WRITE_ACKNOWLEDGED,
	WRITE_REFUSED,
	WRITE_LOST, /* its region was restored from a backup of before */
};

struct o_revision {
	char uid[ORACLE_UID_SIZE];
	unsigned item;
	enum write_state state;
	unsigned attempts;                 /* under way */
	bool may_be;                       /* one of them was never answered, or sent twice */
	bool was_seen;                     /* in a store */
	bool is_there;                     /* in this check */
	uint64_t sent_at, acknowledged_at; /* the oracle's count of steps; 0: not */
	uint64_t meta_hash;
	bool is_deleted, is_transaction;
	bool may_be_erased; /* with its item's history */
	char etag[ORACLE_UID_SIZE];
	size_t chunk_count;
	unsigned next; /* of its bucket, from 1 */
};

struct o_item {
	char uid[ORACLE_UID_SIZE];
	unsigned collection;
	bool history_erased;
	unsigned acknowledged; /* revisions */
};

struct o_collection {
	char uid[ORACLE_UID_SIZE];
	unsigned owner; /* account */
	enum write_state state;
	bool is_committed;  /* it was made, whatever anybody was told */
	bool is_erased;     /* by a committed statement */
	bool was_remade;    /* after that, under the same uid */
	bool may_be_gone;   /* a deletion of the account or a restore */
	uint32_t may_see;   /* accounts that were ever invited, a bit each */
	uint32_t may_write; /* of these, who was to do more than read */
	uint8_t type[128];
	size_t type_size;
};

struct o_consent {
	bool is_on;
	int64_t until_ms;
	unsigned catalogue_version;
	uint64_t serial;
	uint8_t type[128]; /* one each is enough here */
	size_t type_size;
};

/* An account in one region's store, as of a count of changes to that region's disk. */
struct o_seen {
	uint64_t life, changes;
	bool is_there;
	struct store_account account; /* without its names */
};

struct o_account {
	char name[32];
	uint8_t identity[32];
	bool has_id;
	uint8_t id[STORE_ID_SIZE];
	bool is_made;   /* its sign-up was acknowledged or seen */
	bool is_erased; /* by a committed statement */
	bool is_lost;   /* nothing is promised any more: its region was restored to before it */
	unsigned home;  /* where it was made or came to, as far as acknowledged */
	struct o_consent consents[ORACLE_SERVICES];
	uint64_t epoch;
	unsigned orders;   /* to move, committed */
	bool was_restored; /* while it was between two regions */
	uint8_t root[32];  /* when it was given away, at this clock */
	uint64_t root_clock;
	bool was_given, root_is_old;
	struct o_seen seen[WORLD_REGIONS_MAX];
};

/* A job of which nobody knows whether it is on the disk, until its region starts again. */
struct o_uncertain {
	unsigned region, account;
	bool is_statement; /* else a collection */
	struct dom_buffer body;
};

/* What a backup would bring back. */
struct o_backup {
	uint64_t at;
	struct o_consent consents[ORACLE_ACCOUNTS_MAX][ORACLE_SERVICES];
	bool is_made[ORACLE_ACCOUNTS_MAX];
	unsigned home[ORACLE_ACCOUNTS_MAX];
	uint64_t epoch[ORACLE_ACCOUNTS_MAX];
};

struct access;

struct oracle {
	struct world *world;
	struct access *access;
	uint64_t step;
	struct o_account accounts[ORACLE_ACCOUNTS_MAX];
	unsigned account_count;
	struct o_collection *collections;
	unsigned collection_count, collection_room;
	struct o_item *items;
	unsigned item_count, item_room;
	struct o_revision *revisions;
	unsigned revision_count, revision_room;
	unsigned buckets[4096];
	struct o_backup backups[WORLD_REGIONS_MAX], pending[WORLD_REGIONS_MAX];
	struct o_uncertain *uncertain;
	unsigned uncertain_count, uncertain_room;
	struct dom_arena *arena; /* of a check */
};

struct oracle *oracle_new(struct world *world);
void oracle_free(struct oracle **oracle);

/* --- what phones tell it --------------------------------------------------------- */

unsigned oracle_add_account(
    struct oracle *oracle, const char *name, const uint8_t identity[32], unsigned home);
struct o_collection *oracle_collection(struct oracle *oracle, struct dom_slice uid);
struct o_item *oracle_item(struct oracle *oracle, unsigned collection, struct dom_slice uid);
struct o_revision *oracle_revision(struct oracle *oracle, struct dom_slice uid);
struct o_revision *oracle_add_revision(
    struct oracle *oracle, unsigned item, struct dom_slice uid);
struct o_collection *oracle_add_collection(
    struct oracle *oracle, struct dom_slice uid, unsigned owner, struct dom_slice type);
uint64_t oracle_hash(struct dom_slice bytes);

/* The account may see it, and perhaps write to it, from now on. */
void oracle_let_in(struct o_collection *collection, unsigned account, int access_level);

/* What a reader has of a collection, after a list up to this token was complete. */
struct o_mirror_entry {
	struct dom_slice item, revision;
};
void oracle_check_mirror(struct oracle *oracle, unsigned account, struct dom_slice collection,
    struct dom_slice stoken, const struct o_mirror_entry *entries, size_t count);

/* --- what regions tell it -------------------------------------------------------- */

struct serving;
/* In the order of the commits, before anybody is answered. */
void oracle_committed(struct serving *serving);
/* The commit failed, or the machine stopped about then. */
void oracle_uncertain(struct serving *serving);
void oracle_answered(struct serving *serving);
/* After a group of jobs, or a step of the keeper's. */
void oracle_pumped(struct region *region);
void oracle_started(struct region *region);
void oracle_backup_begins(struct region *region);
void oracle_backup_made(struct region *region);
void oracle_restored(struct region *region);
/* Would a restore take away an account that came here since?  Nobody does that. */
bool oracle_may_restore(struct region *region);

/* --- audit.c: against the stores -----------------------------------------------------------
 */

/* Everything that the account has; is_end: nothing is under way any more. */
void audit_account(struct oracle *oracle, unsigned account, bool is_end);
void audit_all(struct oracle *oracle, bool is_end);
/* In this store; learns its id. */
enum dom_status audit_find(struct store_txn *txn, struct o_account *model,
    struct dom_arena *arena, struct store_account *account_r);
/* The same without its names, and read again only when the region's disk has changed; false:
 * it is not there, or the region cannot be asked. */
bool audit_look(struct oracle *oracle, unsigned account, struct region *region,
    struct store_account *account_r);
/* The region where the account is, as its store says; NULL: in none that is up. */
struct region *audit_home(
    struct oracle *oracle, unsigned account, struct store_account *account_r);

#endif
