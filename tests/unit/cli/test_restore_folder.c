/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a restore writes: complete, never in place of another file, never elsewhere. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/restore.h"
#include "testing.h"

static char base[64];

static int
enter_folder(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/domicile-restore-XXXXXX");
	return mkdtemp(base) != NULL && chdir(base) == 0 ? 0 : -1;
}

static int
leave_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

/* Restore one file; the name that it got. */
static const char *
put(struct restore_folder *folder, const char *path, const char *content, bool *kept_r)
{
	static char name[PATH_SIZE_MAX + 1];
	struct restore_file file;

	assert_int_equal(restore_begin(folder, &file), DOM_OK);
	assert_int_equal(restore_write(&file, content, strlen(content)), DOM_OK);
	assert_int_equal(
	    restore_end(folder, &file, path, "plain", 1700000000123, name, kept_r), DOM_OK);
	return name;
}

static void
assert_content(const char *path, const char *content)
{
	char text[256] = "";
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	(void)!fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	assert_string_equal(text, content);
}

static unsigned
parts_left(const char *name)
{
	DIR *folder = opendir(name);
	struct dirent *entry;
	unsigned count = 0;

	while ((entry = readdir(folder)) != NULL)
		count += strstr(entry->d_name, ".part") != NULL;
	closedir(folder);
	return count;
}

static void
a_file_gets_its_folders_bytes_and_time(void **state)
{
	struct restore_folder folder;
	struct stat about;
	bool kept = true;

	(void)state;
	assert_int_equal(restore_open(&folder, "new", "ana", false), RESTORE_READY);
	assert_string_equal(put(&folder, "a/b/c.jpg", "bytes", &kept), "a/b/c.jpg");
	assert_false(kept);
	assert_content("new/a/b/c.jpg", "bytes");
	assert_int_equal(stat("new/a/b/c.jpg", &about), 0);
	assert_int_equal(about.st_mtim.tv_sec, 1700000000);
	assert_int_equal(about.st_mtim.tv_nsec, 123000000);
	assert_int_equal(access("new/.domicile-restore", F_OK), 0);
	assert_int_equal(restore_finish(&folder), DOM_OK);
	restore_close(&folder);
	assert_int_equal(access("new/.domicile-restore", F_OK), -1);
	assert_int_equal(parts_left("new"), 0);
}

static void
two_items_of_one_name_both_stay_even_if_they_are_equal(void **state)
{
	struct restore_folder folder;
	bool kept;

	(void)state;
	assert_int_equal(restore_open(&folder, "new", "ana", false), RESTORE_READY);
	assert_string_equal(put(&folder, "a.jpg", "one", &kept), "a.jpg");
	assert_string_equal(put(&folder, "a.jpg", "two", &kept), "a (2).jpg");
	assert_string_equal(put(&folder, "a.jpg", "one", &kept), "a (3).jpg");
	assert_false(kept);
	assert_content("new/a.jpg", "one");
	assert_content("new/a (2).jpg", "two");
	assert_content("new/a (3).jpg", "one");
	restore_close(&folder);
}

static void
a_name_that_cannot_be_had_gives_way_to_a_plain_one(void **state)
{
	struct restore_folder folder;
	char name[400], path[64];
	bool kept;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(restore_open(&folder, "new", "ana", false), RESTORE_READY);
	assert_string_equal(put(&folder, name, "long", &kept), "plain");
	assert_content("new/plain", "long");
	/* Someone shares a thousand files of one name. */
	for (unsigned number = 1; number <= 1000; number++) {
		snprintf(path, sizeof(path), number == 1 ? "new/a" : "new/a (%u)", number);
		close(open(path, O_WRONLY | O_CREAT, 0600));
	}
	assert_string_equal(put(&folder, "a", "another", &kept), "plain (2)");
	assert_content("new/plain (2)", "another");
	assert_int_equal(parts_left("new"), 0);
	restore_close(&folder);
}

static void
a_second_run_keeps_what_is_there_and_clears_what_a_kill_left(void **state)
{
	struct restore_folder folder;
	struct restore_file file;
	bool kept;

	(void)state;
	assert_int_equal(restore_open(&folder, "new", "ana", false), RESTORE_READY);
	put(&folder, "a.jpg", "one", &kept);
	put(&folder, "a.jpg", "two", &kept);
	assert_int_equal(restore_begin(&folder, &file), DOM_OK);
	close(file.fd); /* as a kill leaves it */
	restore_close(&folder);
	assert_int_equal(parts_left("new"), 1);

	assert_int_equal(restore_open(&folder, "new", "ben", false), RESTORE_OTHER_ACCOUNT);
	restore_close(&folder);
	assert_int_equal(restore_open(&folder, "new", "ana", false), RESTORE_READY);
	assert_int_equal(parts_left("new"), 0);
	assert_string_equal(put(&folder, "a.jpg", "one", &kept), "a.jpg");
	assert_true(kept);
	assert_string_equal(put(&folder, "a.jpg", "two", &kept), "a (2).jpg");
	assert_true(kept);
	assert_string_equal(put(&folder, "b.jpg", "three", &kept), "b.jpg");
	assert_false(kept);
	assert_int_equal(parts_left("new"), 0);
	restore_close(&folder);
}

static void
a_folder_with_something_in_it_is_refused_unless_asked_for(void **state)
{
	struct restore_folder folder;
	bool kept;
	FILE *out;

	(void)state;
	mkdir("mine", 0700);
	out = fopen("mine/a.jpg", "w");
	fputs("my own", out);
	fclose(out);
	assert_int_equal(restore_open(&folder, "mine", "ana", false), RESTORE_NOT_EMPTY);
	restore_close(&folder);
	assert_int_equal(access("mine/.domicile-restore", F_OK), -1);
	assert_int_equal(restore_open(&folder, "mine", "ana", true), RESTORE_READY);
	assert_string_equal(put(&folder, "a.jpg", "restored", &kept), "a (2).jpg");
	assert_content("mine/a.jpg", "my own");
	restore_close(&folder);
}

static void
a_link_in_the_folder_leads_nowhere(void **state)
{
	struct restore_folder folder;
	bool kept;

	(void)state;
	mkdir("new", 0700);
	mkdir("elsewhere", 0700);
	assert_int_equal(symlink("../elsewhere", "new/photos"), 0);
	assert_int_equal(symlink("../elsewhere/f", "new/f"), 0);
	assert_int_equal(restore_open(&folder, "new", "ana", true), RESTORE_READY);
	assert_string_equal(put(&folder, "photos/a.jpg", "x", &kept), "photos (2)/a.jpg");
	assert_string_equal(put(&folder, "f", "x", &kept), "f (2)");
	assert_int_equal(rmdir("elsewhere"), 0); /* it is still empty */
	restore_close(&folder);
}

static void
a_file_where_a_folder_is_needed_makes_another_folder(void **state)
{
	struct restore_folder folder;
	bool kept;

	(void)state;
	assert_int_equal(restore_open(&folder, "new", "ana", false), RESTORE_READY);
	assert_string_equal(put(&folder, "x", "a file", &kept), "x");
	assert_string_equal(put(&folder, "x/y/z", "below", &kept), "x (2)/y/z");
	assert_content("new/x", "a file");
	assert_content("new/x (2)/y/z", "below");
	/* And the other way round. */
	assert_string_equal(put(&folder, "x (2)", "file", &kept), "x (2) (2)");
	restore_close(&folder);
}

static void
a_dropped_file_leaves_nothing(void **state)
{
	struct restore_folder folder;
	struct restore_file file;
	int fd;

	(void)state;
	assert_int_equal(restore_open(&folder, "new", "ana", false), RESTORE_READY);
	assert_int_equal(restore_begin(&folder, &file), DOM_OK);
	assert_int_equal(restore_write(&file, "half", 4), DOM_OK);
	restore_drop(&folder, &file);
	assert_int_equal(parts_left("new"), 0);
	restore_drop(&folder, &file); /* twice does no harm */
	fd = restore_nameless(&folder);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(parts_left("new"), 0);
	close(fd);
	restore_close(&folder);
}

static void
a_folder_that_cannot_be_made_says_why(void **state)
{
	struct restore_folder folder;

	(void)state;
	assert_int_equal(
	    restore_open(&folder, "no/such/parent", "ana", false), RESTORE_UNUSABLE);
	assert_int_equal(errno, ENOENT);
	restore_close(&folder);
	assert_int_equal(restore_status(ENOSPC), DOM_EFULL);
	assert_int_equal(restore_status(EIO), DOM_EFILE);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(a_name_that_cannot_be_had_gives_way_to_a_plain_one),
	    IN_FOLDER(a_file_gets_its_folders_bytes_and_time),
	    IN_FOLDER(two_items_of_one_name_both_stay_even_if_they_are_equal),
	    IN_FOLDER(a_second_run_keeps_what_is_there_and_clears_what_a_kill_left),
	    IN_FOLDER(a_folder_with_something_in_it_is_refused_unless_asked_for),
	    IN_FOLDER(a_link_in_the_folder_leads_nowhere),
	    IN_FOLDER(a_file_where_a_folder_is_needed_makes_another_folder),
	    IN_FOLDER(a_dropped_file_leaves_nothing),
	    IN_FOLDER(a_folder_that_cannot_be_made_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
