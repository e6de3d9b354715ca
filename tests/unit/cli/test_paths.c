/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Names that came from elsewhere stay inside the folder and can be written. */
#include "cli/paths.h"
#include "testing.h"

static char path[PATH_SIZE_MAX + 1];

#define SAFE(name, expected)                                                                   \
	do {                                                                                   \
		path_safe(name, "photo-x", path);                                              \
		assert_string_equal(path, expected);                                           \
	} while (0)

static void
an_honest_name_stays_as_it_is(void **state)
{
	(void)state;
	SAFE("photos/DCIM/IMG_1 (2).jpg", "photos/DCIM/IMG_1 (2).jpg");
	SAFE("what? \"is\" this*|<>:\\.txt", "what? \"is\" this*|<>:\\.txt");
	SAFE("f\xc3\xa9vrier/\xf0\x9f\x98\x80.txt", "f\xc3\xa9vrier/\xf0\x9f\x98\x80.txt");
	SAFE(".hidden/...", ".hidden/...");
}

static void
nothing_leads_out_of_the_folder(void **state)
{
	(void)state;
	SAFE("/etc/passwd", "etc/passwd");
	SAFE("../../etc/passwd", "__/__/etc/passwd");
	SAFE("a/../b", "a/__/b");
	SAFE("a/./b//c/", "a/b/c");
	SAFE("..", "__");
}

static void
control_characters_and_broken_utf8_are_replaced(void **state)
{
	(void)state;
	SAFE("a\nb\x01.txt", "a_b_.txt");
	SAFE("x\xff/\xc3", "x_/_");
	SAFE("\xc2\x85", "_");
}

static void
a_name_that_leaves_nothing_gets_another(void **state)
{
	(void)state;
	SAFE("", "photo-x");
	SAFE("///", "photo-x");
	SAFE("./.", "photo-x");
}

static void
the_restores_own_names_are_not_taken(void **state)
{
	(void)state;
	SAFE(".domicile-restore", "_domicile-restore");
	SAFE("a/.domicile-1.part", "a/_domicile-1.part");
}

static void
long_names_keep_their_ending_and_whole_characters(void **state)
{
	char name[1200];
	size_t size = 0;

	(void)state;
	while (size < 600) {
		memcpy(name + size, "\xc3\xa9", 2);
		size += 2;
	}
	snprintf(name + size, sizeof(name) - size, ".jpeg");
	path_safe(name, "x", path);
	assert_true(strlen(path) <= PATH_NAME_SIZE_MAX);
	assert_string_equal(path + strlen(path) - 5, ".jpeg");
	assert_memory_equal(path + strlen(path) - 7, "\xc3\xa9", 2);
	assert_null(strchr(path, '_'));
}

static void
deep_and_endless_paths_are_bounded(void **state)
{
	char *name = malloc(40001);
	unsigned slashes = 0;

	(void)state;
	for (size_t at = 0; at < 40000; at++)
		name[at] = at % 2 ? '/' : 'a';
	name[40000] = '\0';
	path_safe(name, "x", path);
	for (const char *at = path; *at != '\0'; at++)
		slashes += *at == '/';
	assert_int_equal(slashes, PATH_DEPTH_MAX - 1);
	for (size_t at = 0; at < 40000; at++)
		name[at] = at % 201 == 200 ? '/' : 'b';
	path_safe(name, "x", path);
	assert_true(strlen(path) <= PATH_SIZE_MAX - PATH_NAME_SIZE_MAX);
	assert_true(strlen(path) > 2000);
	free(name);
}

static void
a_variant_has_its_number_before_the_ending(void **state)
{
	char long_name[PATH_NAME_SIZE_MAX + 1];

	(void)state;
	path_variant("photos/a.jpg", 2, path);
	assert_string_equal(path, "photos/a (2).jpg");
	path_variant("d.ir/README", 3, path);
	assert_string_equal(path, "d.ir/README (3)");
	path_variant(".bashrc", 2, path);
	assert_string_equal(path, ".bashrc (2)");
	memset(long_name, 'x', PATH_NAME_SIZE_MAX);
	memcpy(long_name + PATH_NAME_SIZE_MAX - 4, ".png", 5);
	path_variant(long_name, 12, path);
	assert_int_equal(strlen(path), PATH_NAME_SIZE_MAX);
	assert_string_equal(path + PATH_NAME_SIZE_MAX - 9, " (12).png");
}

static void
an_accounts_folder_names_it_and_its_server(void **state)
{
	char folder[256], small[20];

	(void)state;
	assert_true(path_account("ana", "https://region.example:8443", folder, sizeof(folder)));
	assert_string_equal(folder, "ana@region.example_8443");
	assert_true(path_account("ana", "http://127.0.0.1:8037/", folder, sizeof(folder)));
	assert_string_equal(folder, "ana@127.0.0.1_8037");
	assert_true(path_account("a/../b", "http://[::1]:80/x", folder, sizeof(folder)));
	assert_string_equal(folder, "a_.._b@__1_80_x");
	assert_null(strchr(folder, '/'));
	assert_true(path_account("\xc3\xa9 1", "h", folder, sizeof(folder)));
	assert_string_equal(folder, "%C3%A9%201@h");
	assert_true(path_account(".", "h", folder, sizeof(folder)));
	assert_string_equal(folder, "_@h");
	assert_false(path_account("", "https://h", folder, sizeof(folder)));
	assert_false(path_account("ana", "https://", folder, sizeof(folder)));
	assert_false(path_account("ana", "https://a.long.host.example", small, sizeof(small)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_honest_name_stays_as_it_is),
	    cmocka_unit_test(nothing_leads_out_of_the_folder),
	    cmocka_unit_test(control_characters_and_broken_utf8_are_replaced),
	    cmocka_unit_test(a_name_that_leaves_nothing_gets_another),
	    cmocka_unit_test(the_restores_own_names_are_not_taken),
	    cmocka_unit_test(long_names_keep_their_ending_and_whole_characters),
	    cmocka_unit_test(deep_and_endless_paths_are_bounded),
	    cmocka_unit_test(a_variant_has_its_number_before_the_ending),
	    cmocka_unit_test(an_accounts_folder_names_it_and_its_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
