/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Linked into domiciled-faulty, which is domiciled that ends itself, as a power
 * cut would: DOMICILE_FAULT is one of
 *
 *   before-STATE   within the job in which a move enters it
 *   after-STATE    once that job is on the disk, before anybody is told
 *   send-OP        before another region is asked
 *   got-OP         when it has answered, before anything is made of that
 *
 * with ":N" for the Nth time; see store/fault.h.  It is never installed.
 */
#include "store/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	pthread_mutex_t lock;
	char name[64];
	long left; /* times until it happens */
	bool waits_for_commit, is_armed;
} fault = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = 1};

static void
end(void)
{
	fputs("domiciled: the fault of this test: ", stderr);
	fputs(fault.name, stderr);
	fputs("\n", stderr);
	raise(SIGKILL);
}

static void
reached(const char *name)
{
	bool is_commit = name != NULL && strcmp(name, "commit") == 0;

	if (name == NULL)
		return;
	pthread_mutex_lock(&fault.lock);
	if (is_commit && fault.is_armed)
		end();
	if (!is_commit && strcmp(name, fault.name) == 0 && --fault.left == 0) {
		if (!fault.waits_for_commit)
			end();
		fault.is_armed = true;
	}
	pthread_mutex_unlock(&fault.lock);
}

static void __attribute__((constructor)) set_up(void)
{
	static const char before[] = "before-", after[] = "after-";
	const char *wanted = getenv("DOMICILE_FAULT"), *number;

	if (wanted == NULL)
		return;
	if (strncmp(wanted, before, strlen(before)) == 0) {
		wanted += strlen(before);
	} else if (strncmp(wanted, after, strlen(after)) == 0) {
		wanted += strlen(after);
		fault.waits_for_commit = true;
	}
	snprintf(fault.name, sizeof(fault.name), "%s", wanted);
	if ((number = strchr(wanted, ':')) != NULL) {
		fault.name[strcspn(fault.name, ":")] = '\0';
		fault.left = strtol(number + 1, NULL, 10);
	}
	store_fault_hook = reached;
}
