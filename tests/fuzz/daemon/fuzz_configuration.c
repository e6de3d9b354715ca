/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * domiciled.conf out of any bytes: it is taken or refused, the limits of what
 * is taken are in their ranges, and its texts are texts.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/configuration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is wrong is said on standard error, thousands of times a second. */
static void
be_quiet(void)
{
	static bool is_quiet;
	int fd;

	if (is_quiet)
		return;
	is_quiet = true;
	if (getenv("FUZZ_LOUD") == NULL && (fd = open("/dev/null", O_WRONLY | O_CLOEXEC)) >= 0)
		stderr = fdopen(fd, "w");
}

static void
check(const struct configuration *configuration)
{
	for (unsigned i = 0; i < HTTP_LIMIT_COUNT; i++) {
		assert(configuration->limits.of[i] >= http_limit_table[i].least);
		assert(configuration->limits.of[i] <= http_limit_table[i].most);
	}
	assert(configuration->region != NULL && strlen(configuration->region) <= 32);
	assert(configuration->data != NULL && configuration->data[0] == '/');
	assert(configuration->listen_count >= 1 &&
	       configuration->listen_count <= CONFIGURATION_LIST_MAX);
	for (size_t i = 0; i < configuration->listen_count; i++)
		assert(configuration->listen[i][0] != '\0');
	assert(configuration->public_host_count <= CONFIGURATION_LIST_MAX);
	assert(configuration->trusted.count <= HTTP_NETWORKS_MAX);
	for (size_t i = 0; i < configuration->trusted.count; i++)
		assert(configuration->trusted.of[i].bits <= 128);
	assert(configuration->session_days >= 1 && configuration->quota_bytes >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct configuration configuration;
	char path[40];
	int fd;

	be_quiet();
	fd = memfd_create("configuration", MFD_CLOEXEC);
	assert(arena != NULL && fd >= 0);
	if (write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (configuration_read(path, arena, &configuration) == DOM_OK)
		check(&configuration);
	close(fd);
	dom_arena_free(&arena);
	return 0;
}
