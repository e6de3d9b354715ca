/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which services a collection belongs to.  Types are opaque, but people have
 * signed which of them a service covers.
 */
#include "wire/statement.h"

#include "services/retention/retention.h"

enum { PAGE = 64, SERVICES_MAX = 64 };

struct found {
	struct dom_slice services[SERVICES_MAX];
	size_t count;
};

static bool
names(const struct wire_statement *statement, struct dom_slice type)
{
	for (size_t i = 0; i < statement->type_count; i++)
		if (dom_slice_equal(statement->types[i], type))
			return true;
	return false;
}

static bool
has(const struct found *found, struct dom_slice service)
{
	for (size_t i = 0; i < found->count; i++)
		if (dom_slice_equal(found->services[i], service))
			return true;
	return false;
}

static enum dom_status
look_at(struct found *found, const struct store_statement *row, struct dom_slice type,
    struct dom_arena *page, struct dom_arena *arena)
{
	struct wire_statement statement;
	struct dom_slice service;
	enum dom_status st;

	if (row->kind != WIRE_CONSENT || has(found, row->service))
		return DOM_OK;
	if ((st = wire_statement_decode(row->bytes, page, &statement)) != DOM_OK)
		return st == DOM_ENOMEM ? st : DOM_OK;
	if (!names(&statement, type))
		return DOM_OK;
	if (found->count == SERVICES_MAX)
		return DOM_ELIMIT;
	if ((service = dom_arena_copy(arena, row->service)).data == NULL)
		return DOM_ENOMEM;
	found->services[found->count++] = service;
	return DOM_OK;
}

/* Statements have no limit for an account, so a page's memory is used again. */
static enum dom_status
look_at_all(struct found *found, struct store_txn *txn, int64_t account, struct dom_slice type,
    struct dom_arena *arena)
{
	struct dom_arena *page = dom_arena_new(0);
	struct store_statement *rows;
	uint64_t after = 0;
	size_t count;
	enum dom_status st = page == NULL ? DOM_ENOMEM : DOM_OK;

	while (st == DOM_OK) {
		dom_arena_reset(page);
		st = store_statement_list(txn, account, after, PAGE, page, &rows, &count);
		if (st != DOM_OK || count == 0)
			break;
		after = rows[count - 1].serial;
		for (size_t i = 0; st == DOM_OK && i < count; i++)
			st = look_at(found, &rows[i], type, page, arena);
	}
	dom_arena_free(&page);
	return st;
}

enum dom_status
retention_services(struct store_txn *txn, int64_t account, struct dom_slice type,
    struct dom_arena *arena, struct dom_slice **services_r, size_t *count_r)
{
	struct found *found = dom_arena_take(arena, sizeof(*found));
	enum dom_status st = DOM_OK;

	if (found == NULL)
		return DOM_ENOMEM;
	if (type.size != 0)
		st = look_at_all(found, txn, account, type, arena);
	if (st < 0)
		return st;
	if (found->count == 0)
		found->services[found->count++] = dom_slice_of("any");
	*services_r = found->services;
	*count_r = found->count;
	return DOM_OK;
}
