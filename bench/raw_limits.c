/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the disk and SQLite could do without a server: the same rows committed,
 * or the same files written, each durable before the next.
 *
 *   raw_limits batches STORE FOLDER N    N commits of 50 items, as a region stored them
 *   raw_limits sessions STORE FOLDER N   N commits of one session
 *   raw_limits files FILES FOLDER N C    N files chunk0 .. written and synced by C threads
 *   raw_limits files FILES FOLDER N C direct   the same, past the page cache
 *
 * STORE is a region's store.sqlite3, which is only read: tables, indexes and
 * rows are copied from it, so they are the region's own.  FOLDER is where to
 * write; what is written stays there, as a server's data does: memory of files
 * that were just removed would be faster.  One line of key=value is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

enum {
	BATCH_ITEMS = 50,
	COLUMNS_MAX = 32,
	PATH_SIZE = 400,
	FILES_MAX = 32,
	THREADS_MAX = 16,
	SESSIONS_MAX = 100,
	BLOCK_SIZE = 4096
};

_Noreturn static void __attribute__((format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	fputs("raw_limits: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void
say(const char *name, unsigned count, double started)
{
	printf("op=%s units=%u seconds=%.6f\n", name, count, now() - started);
}

/* --- rows ------------------------------------------------------------------------- */

struct rows {
	sqlite3_value **values; /* columns of the first row, then of the second ... */
	unsigned columns, count;
	sqlite3_stmt *insert;
};

static sqlite3_stmt *
prepare(sqlite3 *db, const char *text)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK)
		die("%s: %s", text, sqlite3_errmsg(db));
	return statement;
}

static void
execute(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", text, sqlite3_errmsg(db));
}

/* The table's rows, after the condition, and how to insert one. */
static void
read_rows(sqlite3 *from, sqlite3 *to, const char *table, const char *condition, unsigned most,
    struct rows *rows_r)
{
	char text[PATH_SIZE], marks[3 * COLUMNS_MAX] = "";
	sqlite3_stmt *select;

	*rows_r = (struct rows){0};
	snprintf(text, sizeof(text), "SELECT * FROM %s %s LIMIT %u", table, condition, most);
	select = prepare(from, text);
	rows_r->columns = (unsigned)sqlite3_column_count(select);
	rows_r->values = calloc((size_t)most * rows_r->columns + 1, sizeof(sqlite3_value *));
	if (rows_r->values == NULL || rows_r->columns > COLUMNS_MAX)
		die("table %s does not fit", table);
	while (sqlite3_step(select) == SQLITE_ROW && rows_r->count < most) {
		for (unsigned i = 0; i < rows_r->columns; i++)
			rows_r->values[rows_r->count * rows_r->columns + i] =
			    sqlite3_value_dup(sqlite3_column_value(select, (int)i));
		rows_r->count++;
	}
	sqlite3_finalize(select);
	for (unsigned i = 0; i < rows_r->columns; i++)
		strcat(marks, i == 0 ? "?" : ", ?");
	snprintf(text, sizeof(text), "INSERT INTO %s VALUES (%s)", table, marks);
	rows_r->insert = prepare(to, text);
}

static void
insert_row(struct rows *rows, unsigned index)
{
	for (unsigned i = 0; i < rows->columns; i++)
		sqlite3_bind_value(
		    rows->insert, (int)i + 1, rows->values[index * rows->columns + i]);
	if (sqlite3_step(rows->insert) != SQLITE_DONE)
		die("a row was not taken: %s", sqlite3_errmsg(sqlite3_db_handle(rows->insert)));
	sqlite3_reset(rows->insert);
}

static void
rows_free(struct rows *rows)
{
	for (size_t i = 0; i < (size_t)rows->count * rows->columns; i++)
		sqlite3_value_free(rows->values[i]);
	free(rows->values);
	sqlite3_finalize(rows->insert);
}

/* The same tables and indexes, and how the region's store is set. */
static void
copy_schema(sqlite3 *from, sqlite3 *to)
{
	sqlite3_stmt *select = prepare(from,
	    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
	    " ORDER BY type = 'index', rowid");

	execute(to, "PRAGMA journal_mode = WAL");
	execute(to, "PRAGMA synchronous = FULL");
	while (sqlite3_step(select) == SQLITE_ROW)
		execute(to, (const char *)sqlite3_column_text(select, 0));
	sqlite3_finalize(select);
}

static void
step(sqlite3_stmt *statement)
{
	if (sqlite3_step(statement) != SQLITE_DONE)
		die("%s", sqlite3_errmsg(sqlite3_db_handle(statement)));
	sqlite3_reset(statement);
}

/* Of the largest collection, with the clocks that a batch moves. */
static void
batches(sqlite3 *from, sqlite3 *to, unsigned count)
{
	static const char where[] =
	    "WHERE collection = (SELECT collection FROM item GROUP BY collection"
	    " ORDER BY count(*) DESC LIMIT 1)";
	char text[PATH_SIZE];
	struct rows accounts, collections, items, chunks;
	unsigned chunk = 0;
	double started;

	read_rows(from, to, "account", "", 1, &accounts);
	insert_row(&accounts, 0);
	read_rows(from, to, "collection", "", 1, &collections);
	insert_row(&collections, 0);
	snprintf(text, sizeof(text), "%s AND length(chunks) > 0 ORDER BY number", where);
	read_rows(from, to, "item", text, count * BATCH_ITEMS, &items);
	snprintf(text, sizeof(text), "%s ORDER BY number", where);
	read_rows(from, to, "chunk", text, count * BATCH_ITEMS, &chunks);
	if (items.count != count * BATCH_ITEMS || chunks.count != items.count)
		die("the store has %u items and %u chunks", items.count, chunks.count);
	started = now();
	{
		sqlite3_stmt *begin = prepare(to, "BEGIN IMMEDIATE");
		sqlite3_stmt *tick = prepare(to, "UPDATE account SET clock = clock + 1");
		sqlite3_stmt *move =
		    prepare(to, "UPDATE collection SET items_clock = items_clock + 1");
		sqlite3_stmt *commit = prepare(to, "COMMIT");

		for (unsigned i = 0; i < count; i++) {
			step(begin);
			for (unsigned j = 0; j < BATCH_ITEMS; j++) {
				insert_row(&chunks, chunk++);
				insert_row(&items, i * BATCH_ITEMS + j);
			}
			step(tick);
			step(move);
			step(commit);
		}
		say("batches", count * BATCH_ITEMS, started);
		sqlite3_finalize(begin);
		sqlite3_finalize(tick);
		sqlite3_finalize(move);
		sqlite3_finalize(commit);
	}
	rows_free(&accounts);
	rows_free(&collections);
	rows_free(&items);
	rows_free(&chunks);
}

/*
 * What a login stores, a commit each: its row, in place of an older one, since an
 * account has so many sessions and no more.
 */
static void
sessions(sqlite3 *from, sqlite3 *to, unsigned count)
{
	sqlite3_stmt *begin, *remove, *commit;
	struct rows rows;
	double started;

	read_rows(from, to, "session", "ORDER BY number DESC", SESSIONS_MAX, &rows);
	if (rows.count == 0)
		die("the store has no sessions");
	for (unsigned i = 0; i < rows.count; i++)
		insert_row(&rows, i);
	begin = prepare(to, "BEGIN IMMEDIATE");
	remove = prepare(to, "DELETE FROM session WHERE number = ?");
	commit = prepare(to, "COMMIT");
	started = now();
	for (unsigned i = 0; i < count; i++) {
		unsigned index = i % rows.count;

		step(begin);
		sqlite3_bind_value(remove, 1, rows.values[index * rows.columns]);
		step(remove);
		insert_row(&rows, index);
		step(commit);
	}
	say("sessions", count, started);
	sqlite3_finalize(begin);
	sqlite3_finalize(remove);
	sqlite3_finalize(commit);
	rows_free(&rows);
}

static void
sqlite_limit(const char *store, const char *folder, unsigned count,
    void (*measure)(sqlite3 *from, sqlite3 *to, unsigned count))
{
	char path[PATH_SIZE];
	sqlite3 *from, *to;

	snprintf(path, sizeof(path), "%.350s/raw-%d.sqlite3", folder, (int)getpid());
	if (sqlite3_open_v2(store, &from, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		die("%s: %s", store, sqlite3_errmsg(from));
	if (sqlite3_open(path, &to) != SQLITE_OK)
		die("%s: %s", path, sqlite3_errmsg(to));
	copy_schema(from, to);
	measure(from, to, count);
	sqlite3_close(from);
	sqlite3_close(to);
}

/* --- files -------------------------------------------------------------------------- */

static struct {
	uint8_t *bytes;
	size_t size;
} contents[FILES_MAX];

static struct {
	pthread_mutex_t lock;
	unsigned at, count;
	const char *folder;
	int folder_fd;
	bool is_direct;
} work = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
read_contents(const char *folder)
{
	for (unsigned i = 0; i < FILES_MAX; i++) {
		char path[PATH_SIZE];
		long size;
		FILE *file;

		snprintf(path, sizeof(path), "%.350s/chunk%u", folder, i);
		if ((file = fopen(path, "re")) == NULL || fseek(file, 0, SEEK_END) != 0 ||
		    (size = ftell(file)) <= 0 || fseek(file, 0, SEEK_SET) != 0 ||
		    (contents[i].bytes = aligned_alloc(BLOCK_SIZE,
		         (size_t)size / BLOCK_SIZE * BLOCK_SIZE + BLOCK_SIZE)) == NULL ||
		    fread(contents[i].bytes, 1, (size_t)size, file) != (size_t)size)
			die("%s: %s", path, strerror(errno));
		contents[i].size = (size_t)size;
		fclose(file);
	}
}

static void
raw_path(char path_r[PATH_SIZE], unsigned index)
{
	snprintf(path_r, PATH_SIZE, "%.350s/raw-%d-%u", work.folder, (int)getpid(), index);
}

/* As safe as the server's: the bytes, and that the file is there. */
static void
write_file(unsigned index)
{
	char path[PATH_SIZE];
	const uint8_t *bytes = contents[index % FILES_MAX].bytes;
	size_t left = contents[index % FILES_MAX].size;
	int fd;

	raw_path(path, index);
	if ((fd = open(path,
	         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | (work.is_direct ? O_DIRECT : 0),
	         0600)) < 0)
		die("%s: %s", path, strerror(errno));
	while (left > 0) {
		size_t part = left;
		ssize_t written;

		/* What is no whole block goes the usual way. */
		if (work.is_direct && left > BLOCK_SIZE)
			part = left / BLOCK_SIZE * BLOCK_SIZE;
		else if (work.is_direct && fcntl(fd, F_SETFL, 0) != 0)
			die("%s: %s", path, strerror(errno));
		written = write(fd, bytes, part);

		if (written < 0)
			die("%s: %s", path, strerror(errno));
		bytes += written;
		left -= (size_t)written;
	}
	if (fsync(fd) != 0 || close(fd) != 0 || fsync(work.folder_fd) != 0)
		die("%s: %s", path, strerror(errno));
}

static void *
write_files(void *context)
{
	(void)context;
	for (;;) {
		unsigned index;

		pthread_mutex_lock(&work.lock);
		index = work.at++;
		pthread_mutex_unlock(&work.lock);
		if (index >= work.count)
			return NULL;
		write_file(index);
	}
}

static void
files_limit(const char *contents_folder, const char *folder, unsigned count, unsigned threads)
{
	pthread_t handles[THREADS_MAX];
	double started;

	if (threads == 0 || threads > THREADS_MAX)
		die("1 to %d threads", THREADS_MAX);
	read_contents(contents_folder);
	work.count = count;
	work.folder = folder;
	if ((work.folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		die("%s: %s", folder, strerror(errno));
	started = now();
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&handles[i], NULL, write_files, NULL) != 0)
			die("a thread does not start");
	for (unsigned i = 0; i < threads; i++)
		pthread_join(handles[i], NULL);
	say("files", count, started);
	for (unsigned i = 0; i < FILES_MAX; i++)
		free(contents[i].bytes);
	close(work.folder_fd);
}

int
main(int argc, char **argv)
{
	unsigned count = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;

	if (argc == 5 && count > 0 && strcmp(argv[1], "batches") == 0)
		sqlite_limit(argv[2], argv[3], count, batches);
	else if (argc == 5 && count > 0 && strcmp(argv[1], "sessions") == 0)
		sqlite_limit(argv[2], argv[3], count, sessions);
	else if ((argc == 6 || (argc == 7 && strcmp(argv[6], "direct") == 0)) && count > 0 &&
	         strcmp(argv[1], "files") == 0) {
		work.is_direct = argc == 7;
		files_limit(argv[2], argv[3], count, (unsigned)strtoul(argv[5], NULL, 10));
	} else {
		die("the opening comment of bench/raw_limits.c says what it takes");
	}
	return 0;
}
