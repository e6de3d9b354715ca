/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which services a collection belongs to.  Types are opaque, but people have
 * signed which of them a service covers.
 */
#include "wire/statement.h"

#include "services/retention/retention.h"

enum { PAGE = 64, SERVICES_MAX = 64 };

struct found {
	struct retention_service services[SERVICES_MAX];
	size_t count;
	struct dom_duration any; /* promised of what no service names */
};

static bool
names(const struct wire_statement *statement, struct dom_slice type)
{
	for (size_t i = 0; i < statement->type_count; i++)
		if (dom_slice_equal(statement->types[i], type))
			return true;
	return false;
}

static struct retention_service *
find(struct found *found, struct dom_slice service)
{
	for (size_t i = 0; i < found->count; i++)
		if (dom_slice_equal(found->services[i].name, service))
			return &found->services[i];
	return NULL;
}

/* What was signed; none if it says none. */
static struct dom_duration
promised(const struct wire_statement *statement)
{
	struct dom_duration duration;

	if (dom_duration_parse(statement->retention, &duration) != DOM_OK)
		return (struct dom_duration){0};
	return duration;
}

static enum dom_status
look_at(struct found *found, const struct store_statement *row, struct dom_slice type,
    struct dom_arena *page, struct dom_arena *arena)
{
	struct wire_statement statement;
	struct retention_service *service = find(found, row->service);
	enum dom_status st;

	if (row->kind != WIRE_CONSENT)
		return DOM_OK;
	if ((st = wire_statement_decode(row->bytes, page, &statement)) != DOM_OK)
		return st == DOM_ENOMEM ? st : DOM_OK;
	if (statement.type_count == 0)
		found->any = promised(&statement);
	if (service == NULL && names(&statement, type)) {
		if (found->count == SERVICES_MAX)
			return DOM_ELIMIT;
		service = &found->services[found->count];
		service->name = dom_arena_copy(arena, row->service);
		if (service->name.data == NULL)
			return DOM_ENOMEM;
		found->count++;
	}
	/* They come in their order: the newest one says it. */
	if (service != NULL)
		service->promised = promised(&statement);
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
    struct dom_arena *arena, struct retention_service **services_r, size_t *count_r)
{
	struct found *found = dom_arena_take(arena, sizeof(*found));
	enum dom_status st;

	if (found == NULL)
		return DOM_ENOMEM;
	st = look_at_all(found, txn, account, type, arena);
	if (st < 0)
		return st;
	if (found->count == 0)
		found->services[found->count++] = (struct retention_service){
		    .name = dom_slice_of("any"), .promised = found->any};
	*services_r = found->services;
	*count_r = found->count;
	return DOM_OK;
}
