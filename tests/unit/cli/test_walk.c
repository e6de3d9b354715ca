/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which files a backup is about: in order, without links, without what systems leave behind. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/paths.h"
#include "cli/walk.h"
#include "testing.h"

static char folder[64];
static char skipped[4096];

static void
put(const char *path, const char *content)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(content, out);
	assert_int_equal(fclose(out), 0);
}

static int
enter_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/domicile-walk-XXXXXX");
	skipped[0] = '\0';
	return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int
leave_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void
note_skip(void *context, const struct walk_root *root, const char *path, enum walk_skip why,
    int error)
{
	size_t size = strlen(skipped);

	(void)context;
	(void)root;
	(void)error;
	snprintf(skipped + size, sizeof(skipped) - size, "%s: %s\n", path, walk_skip_text(why));
}

static void
files_come_in_order_with_what_they_are(void **state)
{
	struct walk walk = {0};

	(void)state;
	mkdir("b", 0700);
	mkdir("b/c", 0700);
	put("b/c/x.vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n");
	put("b/a.txt", "hello");
	put("z.xml", "<?xml version='1.0'?>\n<smses count=\"0\"></smses>");
	put("a.jpg", "\xff\xd8\xff\xe0 and so on");
	assert_int_equal(walk_add(&walk, "."), DOM_OK);
	assert_int_equal(walk.count, 4);
	assert_string_equal(walk.files[0].path, "a.jpg");
	assert_int_equal(walk.files[0].kind, FORMAT_FILE_PHOTO);
	assert_string_equal(walk.files[1].path, "b/a.txt");
	assert_int_equal(walk.files[1].kind, FORMAT_FILE_OTHER);
	assert_int_equal(walk.files[1].size, 5);
	assert_string_equal(walk.files[2].path, "b/c/x.vcf");
	assert_int_equal(walk.files[2].kind, FORMAT_FILE_VCARD);
	assert_string_equal(walk.files[3].path, "z.xml");
	assert_int_equal(walk.files[3].kind, FORMAT_FILE_MESSAGES_XML);
	walk_free(&walk);
}

static void
links_pipes_hidden_folders_and_litter_are_passed_over_and_told(void **state)
{
	struct walk walk = {.skip = note_skip};

	(void)state;
	mkdir("dir", 0700);
	put("dir/keep.txt", "k");
	put("dir/.bashrc", "hidden files are files");
	put("dir/.DS_Store", "x");
	put("dir/Thumbs.db", "x");
	mkdir("dir/.thumbnails", 0700);
	put("dir/.thumbnails/t.jpg", "x");
	assert_int_equal(symlink("/etc/passwd", "dir/link"), 0);
	assert_int_equal(symlink("/etc", "dir/links"), 0);
	assert_int_equal(mkfifo("dir/pipe", 0600), 0);
	assert_int_equal(walk_add(&walk, "dir"), DOM_OK);
	assert_int_equal(walk.count, 2);
	assert_string_equal(walk.files[0].path, ".bashrc");
	assert_string_equal(walk.files[1].path, "keep.txt");
	assert_int_equal(walk.skipped[WALK_LINK], 2);
	assert_int_equal(walk.skipped[WALK_SPECIAL], 1);
	assert_int_equal(walk.skipped[WALK_HIDDEN], 1);
	assert_int_equal(walk.skipped[WALK_SYSTEM], 2);
	assert_non_null(strstr(skipped, "link: a symbolic link\n"));
	assert_non_null(strstr(skipped, ".thumbnails: a hidden folder\n"));
	walk_free(&walk);
}

static void
a_file_that_is_named_goes_by_its_own_name(void **state)
{
	struct walk walk = {0};
	int fd;
	char byte;

	(void)state;
	mkdir("sub", 0700);
	put("sub/one.bin", "1");
	assert_int_equal(walk_add(&walk, "sub/one.bin"), DOM_OK);
	assert_string_equal(walk.files[0].path, "one.bin");
	fd = walk_open(&walk, &walk.files[0]);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, '1');
	close(fd);
	assert_int_equal(walk_add(&walk, "missing"), DOM_EFILE);
	assert_int_equal(errno, ENOENT);
	walk_free(&walk);
}

static void
a_folder_that_became_a_link_since_is_not_followed(void **state)
{
	struct walk walk = {0};
	int fd;

	(void)state;
	mkdir("top", 0700);
	mkdir("top/in", 0700);
	put("top/in/f", "mine");
	mkdir("other", 0700);
	put("other/f", "not mine");
	assert_int_equal(walk_add(&walk, "top"), DOM_OK);
	fd = walk_open(&walk, &walk.files[0]);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(rename("top/in", "away"), 0);
	assert_int_equal(symlink("../other", "top/in"), 0);
	assert_int_equal(walk_open(&walk, &walk.files[0]), -1);
	/* The same for the file itself. */
	assert_int_equal(unlink("top/in"), 0);
	assert_int_equal(rename("away", "top/in"), 0);
	assert_int_equal(unlink("top/in/f"), 0);
	assert_int_equal(symlink("../../other/f", "top/in/f"), 0);
	assert_int_equal(walk_open(&walk, &walk.files[0]), -1);
	walk_free(&walk);
}

static void
endless_depth_has_an_end(void **state)
{
	struct walk walk = {0};

	(void)state;
	for (unsigned at = 0; at < PATH_DEPTH_MAX + 6; at++) {
		assert_int_equal(mkdir("d", 0700), 0);
		assert_int_equal(chdir("d"), 0);
	}
	put("deepest", "x");
	assert_int_equal(chdir(folder), 0);
	put("shallow", "x");
	assert_int_equal(walk_add(&walk, "."), DOM_OK);
	assert_int_equal(walk.count, 1);
	assert_int_equal(walk.skipped[WALK_DEEP], 1);
	walk_free(&walk);
}

static bool
stop_now(void *context)
{
	(void)context;
	return true;
}

static void
it_stops_when_asked(void **state)
{
	struct walk walk = {.stop = stop_now};

	(void)state;
	put("a", "a");
	assert_int_equal(walk_add(&walk, "."), DOM_ESTOPPED);
	assert_int_equal(walk.count, 0);
	walk_free(&walk);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(files_come_in_order_with_what_they_are),
	    IN_FOLDER(links_pipes_hidden_folders_and_litter_are_passed_over_and_told),
	    IN_FOLDER(a_file_that_is_named_goes_by_its_own_name),
	    IN_FOLDER(a_folder_that_became_a_link_since_is_not_followed),
	    IN_FOLDER(endless_depth_has_an_end),
	    IN_FOLDER(it_stops_when_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
