/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The file of the erasures' journal: see journal.h for its bytes. */
#include "daemon/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

#include "crypto/digest.h"

enum {
	CHECK_SIZE = 32,
	CHECK_AT = JOURNAL_RECORD_SIZE - CHECK_SIZE,
	REGION_AT = 32,
	BASE_AT = 64,
};
static_assert(8 + 8 + 8 + 8 + 4 * JOURNAL_HASH_SIZE == CHECK_AT, "a record's fields");
static_assert((int)CHECK_SIZE == (int)DOM_SHA256_SIZE, "the check");

static const char magic[] = "domicile erasures v1\n";

struct journal_file {
	int fd;
	char *path, *fresh_path; /* where it lies, and where a new one is written */
	bool has_failed; /* what stands behind the last entry is not known: see renew() */
	uint64_t base;   /* the header's place in the numbers */
	uint64_t count;  /* number of the last entry that is on the disk */
	uint8_t check[CHECK_SIZE]; /* of the last record, or of the header */
	uint8_t region[JOURNAL_REGION_SIZE];
};

/* --- records ------------------------------------------------------------------- */

static enum dom_status
check_of(const uint8_t before[CHECK_SIZE], const uint8_t *record, uint8_t check_r[CHECK_SIZE])
{
	uint8_t bytes[CHECK_SIZE + CHECK_AT] = {0};

	if (before != NULL)
		memcpy(bytes, before, CHECK_SIZE);
	memcpy(bytes + CHECK_SIZE, record, CHECK_AT);
	return dom_sha256(dom_slice(bytes, sizeof(bytes)), check_r);
}

static void
put_u64(uint8_t *at, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static enum dom_status
encode(const struct journal_entry *entry, uint64_t number, const uint8_t before[CHECK_SIZE],
    uint8_t record_r[JOURNAL_RECORD_SIZE])
{
	memset(record_r, 0, JOURNAL_RECORD_SIZE);
	put_u64(record_r, number);
	record_r[8] = (uint8_t)entry->kind;
	put_u64(record_r + 16, entry->clock);
	put_u64(record_r + 24, (uint64_t)entry->accepted_ms);
	memcpy(record_r + 32, entry->request, JOURNAL_HASH_SIZE);
	memcpy(record_r + 64, entry->account, JOURNAL_HASH_SIZE);
	memcpy(record_r + 96, entry->subject, JOURNAL_HASH_SIZE);
	memcpy(record_r + 128, entry->item, JOURNAL_HASH_SIZE);
	return check_of(before, record_r, record_r + CHECK_AT);
}

/* DOM_EINTEGRITY: not the record of that number. */
static enum dom_status
decode(const uint8_t record[JOURNAL_RECORD_SIZE], uint64_t number,
    const uint8_t before[CHECK_SIZE], struct journal_entry *entry_r)
{
	struct dom_reader in = dom_reader_over(dom_slice(record, CHECK_AT));
	uint8_t check[CHECK_SIZE];
	enum dom_status st;

	if ((st = check_of(before, record, check)) != DOM_OK)
		return st;
	if (memcmp(check, record + CHECK_AT, CHECK_SIZE) != 0)
		return DOM_EINTEGRITY;
	entry_r->number = dom_read_u64(&in);
	entry_r->kind = (enum journal_kind)dom_read_u8(&in);
	(void)dom_read_bytes(&in, 7);
	entry_r->clock = dom_read_u64(&in);
	entry_r->accepted_ms = (int64_t)dom_read_u64(&in);
	memcpy(entry_r->request, record + 32, JOURNAL_HASH_SIZE);
	memcpy(entry_r->account, record + 64, JOURNAL_HASH_SIZE);
	memcpy(entry_r->subject, record + 96, JOURNAL_HASH_SIZE);
	memcpy(entry_r->item, record + 128, JOURNAL_HASH_SIZE);
	return entry_r->number == number && entry_r->kind >= JOURNAL_WITHDRAWAL &&
	               entry_r->kind <= JOURNAL_SOURCE
	           ? DOM_OK
	           : DOM_EINTEGRITY;
}

/* Number base is the header. */
static off_t
place_of(const struct journal_file *file, uint64_t number)
{
	return (off_t)((number - file->base) * JOURNAL_RECORD_SIZE);
}

static enum dom_status
read_record(
    const struct journal_file *file, uint64_t number, uint8_t record_r[JOURNAL_RECORD_SIZE])
{
	ssize_t size = pread(file->fd, record_r, JOURNAL_RECORD_SIZE, place_of(file, number));

	return size == JOURNAL_RECORD_SIZE ? DOM_OK : size < 0 ? DOM_EFILE : DOM_EINTEGRITY;
}

/* --- as the rules see it --------------------------------------------------------- */

static uint64_t
count_entries(void *context)
{
	const struct journal_file *file = context;

	return file->count;
}

static enum dom_status
read_entry(void *context, uint64_t number, struct journal_entry *entry_r)
{
	const struct journal_file *file = context;
	uint8_t before[JOURNAL_RECORD_SIZE], record[JOURNAL_RECORD_SIZE];
	enum dom_status st;

	assert(number > file->base && number <= file->count);
	if ((st = read_record(file, number - 1, before)) != DOM_OK ||
	    (st = read_record(file, number, record)) != DOM_OK)
		return st;
	return decode(record, number, before + CHECK_AT, entry_r);
}

static bool
write_all(int fd, const uint8_t *at, size_t left, off_t place)
{
	while (left != 0) {
		ssize_t size = pwrite(fd, at, left, place);

		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return false;
		at += size;
		left -= (size_t)size;
		place += size;
	}
	return true;
}

/* --- appending ------------------------------------------------------------------- */

static enum dom_status
failure_of_disk(void)
{
	return errno == ENOSPC || errno == EDQUOT ? DOM_EFULL : DOM_EFILE;
}

static enum dom_status
sync_folder(const char *path)
{
	char *folder = strdup(path), *slash;
	int fd;
	bool is_synced;

	if (folder == NULL)
		return DOM_ENOMEM;
	slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	fd = open(slash == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return DOM_EFILE;
	is_synced = fsync(fd) == 0;
	close(fd);
	return is_synced ? DOM_OK : DOM_EFILE;
}

/* The header and all entries; DOM_EINTEGRITY: they are not those that were synced. */
static enum dom_status
copy_records(const struct journal_file *file, int fd)
{
	uint8_t record[JOURNAL_RECORD_SIZE], check[CHECK_SIZE] = {0};
	struct journal_entry entry;
	enum dom_status st;

	for (uint64_t number = file->base; number <= file->count; number++) {
		if ((st = read_record(file, number, record)) != DOM_OK)
			return st;
		if (number != file->base)
			st = decode(record, number, check, &entry);
		else if ((st = check_of(NULL, record, check)) == DOM_OK &&
		         memcmp(check, record + CHECK_AT, CHECK_SIZE) != 0)
			st = DOM_EINTEGRITY;
		if (st != DOM_OK)
			return st;
		memcpy(check, record + CHECK_AT, CHECK_SIZE);
		if (!write_all(fd, record, sizeof(record), place_of(file, number)))
			return failure_of_disk();
	}
	return memcmp(check, file->check, CHECK_SIZE) == 0 ? DOM_OK : DOM_EINTEGRITY;
}

/* As who it belongs to, also if this is root, for domicilectl restore. */
static enum dom_status
open_fresh(const struct journal_file *file, int *fd_r)
{
	struct stat info;

	if (unlink(file->fresh_path) != 0 && errno != ENOENT)
		return DOM_EFILE;
	*fd_r =
	    open(file->fresh_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd_r < 0)
		return failure_of_disk();
	if (fstat(file->fd, &info) == 0 && flock(*fd_r, LOCK_EX | LOCK_NB) == 0 &&
	    (info.st_uid == geteuid() || geteuid() != 0 ||
	        fchown(*fd_r, info.st_uid, info.st_gid) == 0))
		return DOM_OK;
	return DOM_EFILE;
}

/*
 * A sync that failed may have let go of what it could not write, and the next one says that
 * all is well: that file is never synced again.  What is known to be on the disk, which each
 * check proves, and the records that are wanted now go into a new file.  Whichever of the
 * two a power cut leaves has all that was acknowledged.
 */
static enum dom_status
renew(struct journal_file *file, const uint8_t *records, size_t size)
{
	int fd = -1;
	enum dom_status st = open_fresh(file, &fd);

	if (st == DOM_OK)
		st = copy_records(file, fd);
	if (st == DOM_OK && !write_all(fd, records, size, place_of(file, file->count + 1)))
		st = failure_of_disk();
	if (st == DOM_OK && (fsync(fd) != 0 || rename(file->fresh_path, file->path) != 0))
		st = DOM_EFILE;
	if (st != DOM_OK) {
		if (fd >= 0)
			close(fd);
		unlink(file->fresh_path);
		return st;
	}
	/* If its name is not on the disk, the next one is made out of this one. */
	close(file->fd);
	file->fd = fd;
	return sync_folder(file->path);
}

static enum dom_status
add_records(struct journal_file *file, const uint8_t *records, size_t size)
{
	const off_t place = place_of(file, file->count + 1);
	enum dom_status st;

	if (!write_all(file->fd, records, size, place)) {
		st = failure_of_disk();
		/* Whole records of it must not stay: who asks again would have them twice. */
		file->has_failed = ftruncate(file->fd, place) != 0;
		return st;
	}
	if (fdatasync(file->fd) == 0)
		return DOM_OK;
	file->has_failed = true;
	return DOM_EFILE;
}

static enum dom_status
append_entries(void *context, const struct journal_entry *entries, size_t count)
{
	struct journal_file *file = context;
	uint8_t records[JOURNAL_APPEND_MAX][JOURNAL_RECORD_SIZE];
	const uint8_t *before = file->check;
	enum dom_status st;

	assert(count <= JOURNAL_APPEND_MAX);
	for (size_t i = 0; i < count; i++) {
		st = encode(&entries[i], file->count + 1 + i, before, records[i]);
		if (st != DOM_OK)
			return st;
		before = records[i] + CHECK_AT;
	}
	st = (file->has_failed ? renew : add_records)(
	    file, records[0], count * sizeof(records[0]));
	if (st != DOM_OK)
		return st;
	file->has_failed = false;
	file->count += count;
	memcpy(file->check, before, CHECK_SIZE);
	return DOM_OK;
}

struct journal
journal_file_functions(struct journal_file *file)
{
	return (struct journal){.base = file->base,
	    .count = count_entries,
	    .read = read_entry,
	    .append = append_entries,
	    .context = file};
}

/* --- opening --------------------------------------------------------------------- */

struct opening {
	const struct journal_options *options;
	char *message;
	size_t message_size;
};

static enum dom_status __attribute__((format(printf, 3, 4)))
refuse(const struct opening *opening, enum dom_status status, const char *format, ...)
{
	va_list args;
	int used = snprintf(opening->message, opening->message_size,
	    "the journal of erasures %s ", opening->options->path);

	va_start(args, format);
	if (used >= 0 && (size_t)used < opening->message_size)
		vsnprintf(opening->message + used, opening->message_size - (size_t)used, format,
		    args);
	va_end(args);
	return status;
}

static enum dom_status
make_header(struct journal_file *file, const struct opening *opening)
{
	uint8_t header[JOURNAL_RECORD_SIZE] = {0};
	enum dom_status st;

	memcpy(header, magic, sizeof(magic) - 1);
	memcpy(header + REGION_AT, opening->options->region, JOURNAL_REGION_SIZE);
	put_u64(header + BASE_AT, opening->options->base);
	if ((st = check_of(NULL, header, header + CHECK_AT)) != DOM_OK)
		return refuse(opening, st, "cannot be made: no memory");
	if (!write_all(file->fd, header, sizeof(header), 0) || fsync(file->fd) != 0 ||
	    sync_folder(opening->options->path) != DOM_OK)
		return refuse(opening, DOM_EFILE, "cannot be made: %s", strerror(errno));
	return DOM_OK;
}

static enum dom_status
check_header(struct journal_file *file, const struct opening *opening)
{
	uint8_t header[JOURNAL_RECORD_SIZE], check[CHECK_SIZE];
	struct dom_reader in;
	enum dom_status st;

	if ((st = read_record(file, file->base, header)) == DOM_EFILE)
		return refuse(opening, st, "cannot be read: %s", strerror(errno));
	if (st == DOM_OK)
		st = check_of(NULL, header, check);
	if (st == DOM_ENOMEM)
		return refuse(opening, st, "cannot be read: no memory");
	if (st != DOM_OK || memcmp(header, magic, sizeof(magic) - 1) != 0 ||
	    memcmp(check, header + CHECK_AT, CHECK_SIZE) != 0)
		return refuse(opening, DOM_EINTEGRITY,
		    "is not one, or its beginning is damaged: restore the newest copy of it");
	if (memcmp(header + REGION_AT, opening->options->region, JOURNAL_REGION_SIZE) != 0)
		return refuse(opening, DOM_EDENIED,
		    "belongs to another region, or was made with another region key");
	memcpy(file->check, check, CHECK_SIZE);
	in = dom_reader_over(dom_slice(header + BASE_AT, 8));
	file->base = file->count = dom_read_u64(&in);
	return DOM_OK;
}

/* Every record up to the first that is not whole. */
static enum dom_status
read_through(struct journal_file *file, uint64_t whole)
{
	enum dom_status st = DOM_OK;

	while (file->count < whole) {
		uint8_t record[JOURNAL_RECORD_SIZE];
		struct journal_entry entry;

		if ((st = read_record(file, file->count + 1, record)) != DOM_OK ||
		    (st = decode(record, file->count + 1, file->check, &entry)) != DOM_OK)
			break;
		memcpy(file->check, record + CHECK_AT, CHECK_SIZE);
		file->count++;
	}
	return st == DOM_EINTEGRITY ? DOM_OK : st;
}

/* An entry that was appended after another request's, or ends its own with more behind it. */
static bool
comes_later(const uint8_t record[JOURNAL_RECORD_SIZE], uint64_t number,
    const uint8_t before[CHECK_SIZE], uint64_t whole)
{
	struct journal_entry entry;

	return decode(record, number, before, &entry) == DOM_OK &&
	       entry.kind != JOURNAL_COLLECTION &&
	       (entry.kind != JOURNAL_SERVICE || number < whole);
}

/*
 * Is the first record that is not whole older than the last append?  What is
 * appended at once is of one request: its collections and the service, or one
 * entry alone.  So what stands before a later request's was on the disk.
 */
static bool
is_older(const struct journal_file *file, uint64_t whole)
{
	uint8_t record[JOURNAL_RECORD_SIZE], stored[CHECK_SIZE], right[CHECK_SIZE];
	uint64_t number = file->count + 1;

	if (number >= whole || read_record(file, number, record) != DOM_OK ||
	    check_of(file->check, record, right) != DOM_OK)
		return false;
	/* Either its fields are damaged or its check: the next one covers the right one. */
	memcpy(stored, record + CHECK_AT, CHECK_SIZE);
	while (++number <= whole && read_record(file, number, record) == DOM_OK) {
		if (comes_later(record, number, stored, whole) ||
		    comes_later(record, number, right, whole))
			return true;
		memcpy(stored, record + CHECK_AT, CHECK_SIZE);
		memcpy(right, stored, CHECK_SIZE);
	}
	return false;
}

/*
 * A sync that failed may have let go of what it could not write, and the next program
 * still reads that in the machine's memory.  The store is told of what is read here, so what
 * the last append, or the making, may have left so is written once more.
 */
static enum dom_status
write_again(const struct journal_file *file, const struct opening *opening)
{
	uint64_t number = file->base;

	if (file->count - file->base > JOURNAL_APPEND_MAX)
		number = file->count - JOURNAL_APPEND_MAX;
	for (; number <= file->count; number++) {
		uint8_t record[JOURNAL_RECORD_SIZE];

		if (read_record(file, number, record) != DOM_OK ||
		    !write_all(file->fd, record, sizeof(record), place_of(file, number)))
			return refuse(
			    opening, DOM_EFILE, "cannot be written: %s", strerror(errno));
	}
	if (fsync(file->fd) != 0 || sync_folder(opening->options->path) != DOM_OK)
		return refuse(opening, DOM_EFILE, "cannot be synced: %s", strerror(errno));
	return DOM_OK;
}

static enum dom_status
check_records(struct journal_file *file, const struct opening *opening)
{
	const struct journal_options *options = opening->options;
	struct stat info;
	uint64_t whole;
	enum dom_status st;

	if (fstat(file->fd, &info) != 0)
		return refuse(opening, DOM_EFILE, "cannot be read: %s", strerror(errno));
	whole = file->base + (uint64_t)info.st_size / JOURNAL_RECORD_SIZE - 1;
	if ((st = read_through(file, whole)) != DOM_OK)
		return refuse(opening, st, "cannot be read: %s",
		    st == DOM_EFILE ? strerror(errno) : dom_status_text(st));
	if (whole - file->count > JOURNAL_APPEND_MAX || is_older(file, whole))
		return refuse(opening, DOM_EINTEGRITY,
		    "is damaged at entry %" PRIu64 " of %" PRIu64
		    ": restore the newest copy of it. Without it, what was erased could come "
		    "back from a backup",
		    file->count + 1, whole);
	if (file->count < options->known)
		return refuse(opening, DOM_EINTEGRITY,
		    "ends after %" PRIu64 " entries, but the store has seen %" PRIu64
		    " of it: restore the newest copy of it",
		    file->count, options->known);
	if (info.st_size == place_of(file, file->count + 1) || options->read_only)
		return DOM_OK;
	if (ftruncate(file->fd, place_of(file, file->count + 1)) != 0 || fsync(file->fd) != 0)
		return refuse(opening, DOM_EFILE, "cannot be written: %s", strerror(errno));
	snprintf(opening->message, opening->message_size,
	    "the journal of erasures had an entry that was cut short, after entry %" PRIu64
	    ": a store that asked for it writes it again; one that was just restored cannot, "
	    "so restore again with a newer copy of the journal if there is one",
	    file->count);
	return DOM_OK;
}

/* Who had the lock may have put a new file in its place meanwhile. */
static bool
is_at_path(const char *path, const struct stat *info)
{
	struct stat there;

	return lstat(path, &there) == 0 && there.st_dev == info->st_dev &&
	       there.st_ino == info->st_ino;
}

static enum dom_status
open_file(struct journal_file *file, const struct opening *opening)
{
	const struct journal_options *options = opening->options;
	const bool makes = !options->read_only && (options->known == 0 || options->base != 0);
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (makes ? O_CREAT : 0) |
	                  (options->read_only ? O_RDONLY : O_RDWR);
	struct stat info;

	if ((file->fd = open(options->path, flags, 0600)) < 0 && errno == ENOENT &&
	    options->known != 0)
		return refuse(opening, DOM_EFILE,
		    "is missing, but the store has seen %" PRIu64
		    " entries of it: restore the newest copy of it",
		    options->known);
	if (file->fd < 0)
		return refuse(opening, DOM_EFILE, "cannot be opened: %s", strerror(errno));
	if (fstat(file->fd, &info) != 0 || !S_ISREG(info.st_mode))
		return refuse(opening, DOM_EINPUT, "is not a file");
	/* A second server, or domicilectl restore beside one, would number entries twice. */
	if (!options->read_only &&
	    (flock(file->fd, LOCK_EX | LOCK_NB) != 0 || !is_at_path(options->path, &info)))
		return refuse(opening, DOM_EDENIED, "is in use by another program");
	/* Of a new file that a power cut or a kill came before. */
	if (!options->read_only)
		unlink(file->fresh_path);
	/* Shorter than its header: the very first start was cut short. */
	if (makes && info.st_size < JOURNAL_RECORD_SIZE && make_header(file, opening) != DOM_OK)
		return DOM_EFILE;
	return DOM_OK;
}

enum dom_status
journal_file_open(const struct journal_options *options, struct journal_file **file_r,
    char *message_r, size_t message_size)
{
	const struct opening opening = {
	    .options = options, .message = message_r, .message_size = message_size};
	struct journal_file *file = calloc(1, sizeof(*file));
	enum dom_status st;

	*file_r = NULL;
	message_r[0] = '\0';
	if (file == NULL)
		return refuse(&opening, DOM_ENOMEM, "cannot be opened: no memory");
	file->fd = -1;
	if ((file->path = strdup(options->path)) == NULL ||
	    asprintf(&file->fresh_path, "%s.new", options->path) < 0) {
		file->fresh_path = NULL;
		journal_file_close(&file);
		return refuse(&opening, DOM_ENOMEM, "cannot be opened: no memory");
	}
	if ((st = open_file(file, &opening)) == DOM_OK &&
	    (st = check_header(file, &opening)) == DOM_OK &&
	    (st = check_records(file, &opening)) == DOM_OK &&
	    (options->read_only || (st = write_again(file, &opening)) == DOM_OK))
		*file_r = file;
	else
		journal_file_close(&file);
	return st;
}

void
journal_file_close(struct journal_file **file)
{
	struct journal_file *old = *file;

	if (old == NULL)
		return;
	*file = NULL;
	if (old->fd >= 0)
		close(old->fd);
	free(old->path);
	free(old->fresh_path);
	free(old);
}
