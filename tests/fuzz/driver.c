/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Runs a fuzz target over the files named, and over the files of the folders
 * named (not of folders in them), so that a corpus is an ordinary test that
 * needs no fuzzer.  Each input also runs cut short, at every length of a
 * small one: a parser that reads past its input shows here first.
 *
 * Fails if it ran nothing: a corpus that was moved must not pass.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	INPUT_SIZE_MAX = 64 * 1024 * 1024,
	CUT_EVERYWHERE_SIZE_MAX = 512, /* larger inputs are cut at CUT_COUNT places */
	CUT_COUNT = 64,
};

static unsigned inputs_run;

/* A copy of its own, of exactly this size, so that a sanitizer sees its end. */
static int
run_bytes(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	if (copy == NULL)
		return -1;
	if (size != 0)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return 0;
}

static int
run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	struct stat info;
	size_t size, step;
	int failed = -1;

	if (file == NULL || fstat(fileno(file), &info) != 0)
		goto out;
	if (info.st_size > INPUT_SIZE_MAX) {
		errno = EFBIG;
		goto out;
	}
	size = (size_t)info.st_size;
	data = malloc(size == 0 ? 1 : size);
	if (data == NULL || fread(data, 1, size, file) != size)
		goto out;
	step = size <= CUT_EVERYWHERE_SIZE_MAX ? 1 : size / CUT_COUNT;
	for (size_t cut = 0; cut < size; cut += step) {
		if (run_bytes(data, cut) != 0)
			goto out;
	}
	if (run_bytes(data, size) != 0)
		goto out;
	inputs_run++;
	failed = 0;
out:
	if (failed)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	free(data);
	if (file != NULL)
		fclose(file);
	return failed;
}

static int
run_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int failed = 0;

	if (folder == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	while (!failed && (entry = readdir(folder)) != NULL) {
		struct stat info;
		char *inside;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&inside, "%s/%s", path, entry->d_name) < 0) {
			failed = -1;
			break;
		}
		if (stat(inside, &info) != 0) {
			fprintf(stderr, "%s: %s\n", inside, strerror(errno));
			failed = -1;
		} else if (S_ISREG(info.st_mode)) {
			failed = run_file(inside);
		}
		free(inside);
	}
	closedir(folder);
	return failed;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat info;

		if (stat(argv[i], &info) != 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		if ((S_ISDIR(info.st_mode) ? run_folder(argv[i]) : run_file(argv[i])) != 0)
			return 1;
	}
	if (inputs_run == 0) {
		fprintf(stderr, "no input: name corpus files or folders\n");
		return 1;
	}
	printf("%u inputs\n", inputs_run);
	return 0;
}
