/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Opening and closing a store: folder, lock, database, sweep, writer. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keys.h"

#include "store/sqlite/engine.h"

#define DATABASE_NAME "store.sqlite3"
#define LOCK_NAME "lock"

enum { LOG_PIECE_SIZE = 32 << 10 };

struct opening {
	const struct store_options *options;
	char *message;
	size_t message_size;
};

static enum dom_status opening_fail(const struct opening *opening, enum dom_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum dom_status
opening_fail(const struct opening *opening, enum dom_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(opening->message, opening->message_size, format, args);
	va_end(args);
	return status;
}

/* The folder that path is in. */
static int
parent_open(const char *path)
{
	char *copy = strdup(path);
	const char *parent = ".";
	char *slash;
	int fd;

	if (copy == NULL)
		return -1;
	for (size_t size = strlen(copy); size > 1 && copy[size - 1] == '/'; size--)
		copy[size - 1] = '\0';
	if ((slash = strrchr(copy, '/')) != NULL) {
		slash[slash == copy ? 1 : 0] = '\0';
		parent = copy;
	}
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	return fd;
}

static enum dom_status
open_folder(struct store *store, const struct opening *opening)
{
	const char *path = opening->options->folder;
	bool made = mkdir(path, 0700) == 0;
	struct stat info;
	int parent;

	if (!made && errno != EEXIST)
		return opening_fail(opening, DOM_EFILE, "the folder %s cannot be made: %s",
		    path, strerror(errno));
	store->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->folder < 0 || fstat(store->folder, &info) != 0)
		return opening_fail(opening, DOM_EFILE, "the folder %s cannot be opened: %s",
		    path, strerror(errno));
	if ((info.st_mode & 077) != 0 && fchmod(store->folder, 0700) != 0)
		return opening_fail(opening, DOM_EFILE,
		    "others can read the folder %s, and that cannot be changed: %s", path,
		    strerror(errno));
	if (made) {
		bool synced;

		parent = parent_open(path);
		synced = parent >= 0 && fsync(parent) == 0;
		if (parent >= 0)
			close(parent);
		if (!synced)
			return opening_fail(opening, DOM_ESTORE,
			    "the folder above %s cannot be synced: %s", path, strerror(errno));
	}
	return DOM_OK;
}

/* Two servers in one folder would each trust its own memory of it. */
static enum dom_status
open_lock(struct store *store, const struct opening *opening)
{
	const char *path = opening->options->folder;
	char holder[16] = "";

	store->lock =
	    openat(store->folder, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return opening_fail(opening, errno == ENOSPC ? DOM_EFULL : DOM_EFILE,
		    "the lock in %s cannot be opened: %s", path, strerror(errno));
	if (flock(store->lock, LOCK_EX | LOCK_NB) != 0) {
		ssize_t got = pread(store->lock, holder, sizeof(holder) - 1, 0);

		holder[got > 0 ? strspn(holder, "0123456789") : 0] = '\0';
		return opening_fail(opening, DOM_EDENIED,
		    "the folder %s is in use by another server%s%s: stop that one first", path,
		    holder[0] != '\0' ? ", process " : "", holder);
	}
	/* Only a courtesy to the message above, so a full disk is no matter. */
	if (ftruncate(store->lock, 0) == 0)
		(void)!dprintf(store->lock, "%ld\n", (long)getpid());
	return DOM_OK;
}

/*
 * A sync that failed in the process before may have let go of parts of the log that are not on
 * the disk, though this process reads them from the machine's memory.  A power cut would leave
 * a log that ends earlier than what was built upon it, so all of it is written once more.
 */
static enum dom_status
renew_log(struct store *store, const struct opening *opening)
{
	const char *path = opening->options->folder;
	char piece[LOG_PIECE_SIZE];
	ssize_t got, wrote = 0;
	off_t at = 0;
	int fd = openat(store->folder, DATABASE_NAME "-wal", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool is_synced;

	if (fd < 0)
		return errno == ENOENT
		           ? DOM_OK
		           : opening_fail(opening, DOM_EFILE,
		                 "the log of the database in %s cannot be opened: %s", path,
		                 strerror(errno));
	while ((got = pread(fd, piece, sizeof(piece), at)) > 0 &&
	       (wrote = pwrite(fd, piece, (size_t)got, at)) == got)
		at += got;
	is_synced = got == 0 && fsync(fd) == 0;
	close(fd);
	if (!is_synced)
		return opening_fail(opening,
		    wrote < 0 && errno == ENOSPC ? DOM_EFULL : DOM_ESTORE,
		    "the log of the database in %s cannot be written safely: %s", path,
		    strerror(errno));
	return DOM_OK;
}

/*
 * SQLite gives its log the mode of the database, so that is made first.  No
 * connection is open yet: closing this descriptor drops no lock of SQLite's.
 */
static enum dom_status
open_database(struct store *store, const struct opening *opening)
{
	const char *path = opening->options->folder;
	enum dom_status st;
	int fd;

	if (faccessat(store->folder, STORE_RESTORING_NAME, F_OK, 0) == 0)
		return opening_fail(opening, DOM_EDENIED,
		    "a restore into %s was cut short, so what is there is not complete: empty "
		    "the "
		    "folder, but for region.key, and restore again",
		    path);
	if (asprintf(&store->database, "%s/" DATABASE_NAME, path) < 0) {
		store->database = NULL;
		return opening_fail(opening, DOM_ENOMEM, "no memory to open %s", path);
	}
	fd = openat(
	    store->folder, DATABASE_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) != 0 || fsync(store->folder) != 0) {
		st = opening_fail(opening, errno == ENOSPC ? DOM_EFULL : DOM_EFILE,
		    "%s cannot be opened: %s", store->database, strerror(errno));
		if (fd >= 0)
			close(fd);
		return st;
	}
	close(fd);
	if ((st = renew_log(store, opening)) < 0)
		return st;
	if ((st = store_connect(store, true, &store->writer)) < 0)
		return opening_fail(opening, st, "%s cannot be opened: %s", store->database,
		    store->writer.db == NULL ? "no memory" : sqlite3_errmsg(store->writer.db));
	return store_migrate(
	    store, opening->options->region, opening->message, opening->message_size);
}

static enum dom_status
file_wanted(void *context, const struct blob_name *name)
{
	struct store *store = context;
	struct sql_call call = sql_call(&store->writer, SQL_CHUNK_FILE_WANTED);
	enum dom_status st;

	sql_put_slice(&call, dom_slice(name, sizeof(*name)));
	st = sql_step(&call);
	sql_end(&call);
	return st;
}

static enum dom_status
open_blobs(struct store *store, const struct opening *opening)
{
	const char *path = opening->options->folder;
	struct blobs_sweep sweep = {
	    .wanted = file_wanted, .context = store, .files_max = SWEEP_FILES_MAX};
	enum dom_status st;

	if ((st = blobs_open(store->folder, &store->blobs)) < 0)
		return opening_fail(opening, st, "the folder %s/chunks cannot be opened: %s",
		    path, strerror(errno));
	/* The database answers from here on; what it cannot answer stops the start. */
	if ((st = blobs_sweep(store->blobs, &sweep)) < 0)
		return opening_fail(opening, st, "the folder %s/chunks cannot be swept", path);
	return DOM_OK;
}

/*
 * A sync that failed in the process before may have let go of frames that are not on the
 * disk, and this one still reads them in the machine's memory: what it would append
 * after them would be lost with them.  So all of the log goes to the database, which is
 * written and synced anew, and the log begins again.
 */
static enum dom_status
empty_log(struct store *store, const struct opening *opening)
{
	writer_checkpoint(store, true);
	if (store_failed(store))
		return opening_fail(opening, DOM_ESTORE, "%s cannot be written safely: %s",
		    opening->options->folder, store_failure(store));
	return DOM_OK;
}

static enum dom_status
open_writer(struct store *store, const struct opening *opening)
{
	if (store->manual)
		return DOM_OK;
	if (pthread_create(&store->thread, NULL, writer_main, store) != 0)
		return opening_fail(opening, DOM_ENOMEM, "the writer cannot be started");
	store->thread_started = true;
	return DOM_OK;
}

/* SQLite counts every block of memory under a lock that all threads share; nobody asks. */
static void
configure_once(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum dom_status
store_open(const struct store_options *options, struct store **store_r, char *message_r,
    size_t message_size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct opening opening = {options, message_r, message_size};
	struct store *store = calloc(1, sizeof(*store));
	enum dom_status st;

	assert(options->key != NULL);
	*store_r = NULL;
	if (store == NULL)
		return opening_fail(&opening, DOM_ENOMEM, "no memory to open a store");
	/* It only has an effect before the first database is opened. */
	(void)pthread_once(&once, configure_once);
	store->folder = store->lock = -1;
	store->manual = options->manual;
	store->due_batch_max = DUE_BATCH_MAX;
	store->chunk_row_size_max = options->chunk_row_size_max != 0
	                                ? options->chunk_row_size_max
	                                : STORE_CHUNK_ROW_SIZE_MAX;
	store->key = options->key;
	store->random = options->random.fill != NULL ? options->random : dom_random_system();
	store->clock = options->clock.now_ms != NULL ? options->clock : dom_clock_system();
	store->queue_last = &store->queue_first;
	pthread_mutex_init(&store->queue_lock, NULL);
	pthread_cond_init(&store->queue_filled, NULL);
	pthread_mutex_init(&store->spare_lock, NULL);
	pthread_mutex_init(&store->settle_lock, NULL);
	store_seen_open(store);
	if ((st = open_folder(store, &opening)) < 0 || (st = open_lock(store, &opening)) < 0 ||
	    (st = open_database(store, &opening)) < 0 ||
	    (st = open_blobs(store, &opening)) < 0 || (st = empty_log(store, &opening)) < 0 ||
	    (st = open_writer(store, &opening)) < 0)
		store_close(&store);
	*store_r = store;
	return st;
}

void
store_close(struct store **store)
{
	struct store *old = *store;

	if (old == NULL)
		return;
	*store = NULL;
	assert(atomic_load(&old->readers) == 0);
	pthread_mutex_lock(&old->queue_lock);
	old->stopping = true;
	pthread_cond_signal(&old->queue_filled);
	pthread_mutex_unlock(&old->queue_lock);
	if (old->thread_started)
		pthread_join(old->thread, NULL);
	while (old->manual && old->blobs != NULL && store_pump(old) != 0)
		;
	store_spares_close(old);
	if (old->blobs != NULL)
		writer_checkpoint(old, true);
	/* After a failed sync the log is all there is: it is not to be touched. */
	if (old->writer.db != NULL && atomic_load(&old->failed))
		sqlite3_db_config(old->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sql_disconnect(&old->writer);
	blobs_close(&old->blobs);
	free(old->database);
	if (old->lock >= 0)
		close(old->lock);
	if (old->folder >= 0)
		close(old->folder);
	store_seen_close(old);
	pthread_mutex_destroy(&old->spare_lock);
	pthread_mutex_destroy(&old->settle_lock);
	pthread_cond_destroy(&old->queue_filled);
	pthread_mutex_destroy(&old->queue_lock);
	free(old);
}
