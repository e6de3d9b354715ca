/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicilectl user erase: asks, has it erased, and keeps the receipt. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"

#include "wire/evidence.h"

#include "daemon/domicilectl.h"

enum { NAME_SIZE = 256 };
static const char evidence_word[] = "evidence ";

struct saving {
	char path[NAME_SIZE];
	bool has_failed;
};

/* A file of ours in this folder: the account's name has no slash in it. */
static bool
write_new(const char *path, const uint8_t *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool is_written;

	if (fd < 0)
		return false;
	is_written = write(fd, bytes, size) == (ssize_t)size && fsync(fd) == 0;
	return close(fd) == 0 && is_written;
}

static bool
save_evidence(void *context, const char *line)
{
	struct saving *saving = context;
	struct dom_slice text;
	uint8_t *bytes;
	size_t size = 0;

	if (strncmp(line, evidence_word, sizeof(evidence_word) - 1) != 0)
		return false;
	text = dom_slice_of(line + sizeof(evidence_word) - 1);
	bytes = malloc(WIRE_EVIDENCE_SIZE_MAX);
	saving->has_failed =
	    bytes == NULL ||
	    dom_hex_decode(text, bytes, WIRE_EVIDENCE_SIZE_MAX, &size) != DOM_OK ||
	    !write_new(saving->path, bytes, size);
	free(bytes);
	if (saving->has_failed) {
		fprintf(stderr,
		    "domicilectl: the receipt cannot be written to %s: %s. It is, in hex:\n",
		    saving->path, strerror(errno));
		return false;
	}
	printf("receipt: %s\n", saving->path);
	return true;
}

/* The name again, from a person. */
static bool
is_meant(const char *name)
{
	char typed[NAME_SIZE];

	if (isatty(STDIN_FILENO) == 0) {
		fputs("domicilectl: this cannot be undone: say --yes if it is meant\n", stderr);
		return false;
	}
	printf("Everything of %s is erased, and no backup brings it back once it has expired.\n"
	       "Type the name to go on: ",
	    name);
	fflush(stdout);
	if (fgets(typed, sizeof(typed), stdin) == NULL)
		return false;
	typed[strcspn(typed, "\n")] = '\0';
	if (strcmp(typed, name) == 0)
		return true;
	fputs("domicilectl: that is another name: nothing was erased\n", stderr);
	return false;
}

int
ctl_user_erase(const struct ctl *ctl)
{
	const char *words[] = {ctl->command, ctl->argument};
	struct saving saving = {.has_failed = false};
	struct ctl asking = *ctl;
	int result;

	if (strchr(ctl->argument, '/') != NULL ||
	    (size_t)snprintf(saving.path, sizeof(saving.path), "%s.domicile-receipt",
	        ctl->argument) >= sizeof(saving.path)) {
		fputs("domicilectl: there is no account of this name\n", stderr);
		return CTL_FAILED;
	}
	if (access(saving.path, F_OK) == 0) {
		fprintf(stderr,
		    "domicilectl: %s is there already, and the receipt would go there: go to "
		    "another folder, or move it away\n",
		    saving.path);
		return CTL_FAILED;
	}
	if (!ctl->yes && !is_meant(ctl->argument))
		return CTL_WRONG;
	asking.heard = save_evidence;
	asking.context = &saving;
	result = ctl_ask_server(&asking, words, 2);
	return saving.has_failed ? CTL_FAILED : result;
}
