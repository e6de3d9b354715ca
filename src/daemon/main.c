/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * domiciled: one region's server.  Reads its configuration, opens the store,
 * serves, and stops on SIGTERM or SIGINT: at once idle, within
 * limit_stop_seconds what is on its way; a second signal does not wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keys.h"

#include "daemon/catalogue.h"
#include "daemon/log_file.h"
#include "daemon/notify.h"
#include "daemon/region.h"
#include "daemon/region_key.h"
#include "services/move/guard.h"

enum {
	EXIT_USAGE = 2,
	MESSAGE_SIZE = 1024,
	STOP_LOOK_MS = 20,
	GUARD_LOOK_MS = 2,
	GUARD_WAIT_MS = MOVE_GUARD_START_MS + 500,
	/* Larger blocks, and free memory above this, go back to the system: see run(). */
	OWN_MAPPING_BYTES = 2 << 20,
	KEPT_FREE_BYTES = 4 << 20,
	LOOK_SECONDS = 1,
	FAILURE_AGAIN_LOOKS = 60, /* before the same failure is told again */
	/* Beside connections: the store, chunks on their way, listeners, loops. */
	DESCRIPTORS_SPARE = 256,
};
static const char configuration_standard[] = "/etc/domicile/domiciled.conf";

static const char usage[] =
    "usage: domiciled [-c FILE] [--check-config]\n"
    "\n"
    "Serves one region of domicile.\n"
    "\n"
    "  -c, --config FILE  the configuration, instead of /etc/domicile/domiciled.conf\n"
    "      --check-config say whether the configuration is good, and stop\n"
    "      --help         this\n"
    "      --version      the release\n"
    "\n"
    "See domiciled(8) and domiciled.conf(5).\n";

/* Else a file of ours would take a standard stream's number, and its messages. */
static bool
fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
complain(const char *message)
{
	fprintf(stderr, "domiciled: %s\n", message);
}

/* After a certificate was renewed. */
static void
reload_certificate(struct region *region)
{
	char message[MESSAGE_SIZE];
	enum dom_status st = http_server_reload_tls(region->server, message, sizeof(message));

	if (st == DOM_OK)
		complain("certificate and key are loaded again");
	else if (st < 0)
		fprintf(
		    stderr, "domiciled: %s. The server goes on with the one it has\n", message);
}

/* As many descriptors as we may have, and no more connections than they carry. */
static void
raise_descriptors(struct http_limits *limits)
{
	struct rlimit files;
	int64_t most;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
		return;
	most = (int64_t)files.rlim_cur - DESCRIPTORS_SPARE;
	if (most < 16)
		most = 16;
	if (limits->of[HTTP_LIMIT_CONNECTIONS] > most) {
		fprintf(stderr,
		    "domiciled: only %lld connections at once, since this process may open "
		    "%lld "
		    "files (ulimit -n)\n",
		    (long long)most, (long long)files.rlim_cur);
		limits->of[HTTP_LIMIT_CONNECTIONS] = most;
	}
}

static void
say_conflict(void *context, const char *sentence)
{
	(void)context;
	fprintf(stderr, "domiciled: retention: %s\n", sentence);
}

static void
say_ready(const struct region *region)
{
	const char *url;

	retention_desk_conflicts(region->retention, say_conflict, NULL);

	for (size_t i = 0; (url = http_server_url(region->server, i)) != NULL; i++)
		fprintf(stderr, "domiciled: region %s ready on %s%s\n",
		    region->configuration.region, url, region->configuration.path_prefix);
	if (region->configuration.ready_file != NULL &&
	    !notify_ready_file(region->configuration.ready_file, region->server))
		fprintf(stderr, "domiciled: %s cannot be written: %s\n",
		    region->configuration.ready_file, strerror(errno));
	notify_supervisor("READY=1");
}

/*
 * What is written to a file that has no name any more dies with the process,
 * so nothing more is acknowledged; what was written can still be saved.
 */
static void
look_after_store(struct region *region)
{
	struct stat info;

	if (!region->has_failed && store_failed(region->store)) {
		region->has_failed = true;
		fprintf(stderr,
		    "domiciled: the store refuses every write until a restart: %s\n",
		    store_failure(region->store));
	}
	if (region->is_gone || (region_look_at_store_file(region, &info) &&
	                           info.st_dev == region->store_file.st_dev &&
	                           info.st_ino == region->store_file.st_ino))
		return;
	region->is_gone = true;
	http_server_refuse_writes(region->server);
	fprintf(stderr,
	    "domiciled: %s/%s was removed or replaced while it is in use, so every write is "
	    "refused. Before you stop this server, save the files that it still holds from "
	    "/proc/%ld/fd, or mount the folder again\n",
	    region->configuration.data, region_store_name, (long)getpid());
}

/* Once for each trouble, such as a full disk: the log shows what it did to whom. */
static void
tell_failure(struct region *region)
{
	enum dom_status failure = http_server_failure(region->server);

	if (failure == DOM_OK ||
	    (failure == region->failure && region->failure_looks < FAILURE_AGAIN_LOOKS)) {
		region->failure_looks++;
		return;
	}
	region->failure = failure;
	region->failure_looks = 0;
	fprintf(stderr, "domiciled: requests fail: %s\n", dom_status_text(failure));
}

/*
 * At an ordinary start the other regions are asked for a moment before anybody is served; after
 * a restore it may take as long as one of them is away, and the operator hears of it.
 */
static void
wait_for_guard(const struct region *region)
{
	const struct timespec look = {.tv_nsec = GUARD_LOOK_MS * 1000000};
	enum move_guard_answer answer;
	struct dom_slice name;

	for (unsigned waited_ms = 0;
	     waited_ms < GUARD_WAIT_MS && move_guard_is_closed(region->guard);
	     waited_ms += GUARD_LOOK_MS)
		nanosleep(&look, NULL);
	if (!move_guard_is_closed(region->guard))
		return;
	for (size_t i = 0; move_guard_show(region->guard, i, &name, &answer); i++) {
		if (answer == MOVE_GUARD_MISSING)
			fprintf(stderr,
			    "domiciled: this region was restored, and nobody is served before "
			    "region "
			    "%.*s has said which accounts live there; see domicilectl peers\n",
			    (int)name.size, (const char *)name.data);
	}
}

/* Until a signal says so, then until all is quiet. */
static int
serve(struct region *region, const sigset_t *signals)
{
	const struct timespec look = {.tv_nsec = STOP_LOOK_MS * 1000000},
	                      long_look = {.tv_sec = LOOK_SECONDS};
	int caught;

	wait_for_guard(region);
	say_ready(region);
	do {
		if ((caught = sigtimedwait(signals, NULL, &long_look)) == SIGHUP) {
			log_file_reopen(region->configuration.log, region->log_fd);
			reload_certificate(region);
		}
		look_after_store(region);
		tell_failure(region);
	} while (caught != SIGTERM && caught != SIGINT);
	notify_supervisor("STOPPING=1");
	complain("stopping: finishing what is on its way");
	http_server_stop(region->server);
	while (!http_server_wait(region->server, 0)) {
		caught = sigtimedwait(signals, NULL, &look);
		if (caught == SIGTERM || caught == SIGINT) {
			complain("stopped at once by a second signal");
			_exit(1);
		}
	}
	if (region->configuration.ready_file != NULL)
		unlink(region->configuration.ready_file);
	return 0;
}

static int
run(struct region *region)
{
	char message[MESSAGE_SIZE] = "";
	sigset_t signals;
	int result = 1;

	/* Before any thread is made, so that all of them inherit it. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(027);
	/*
	 * Else glibc raises both by itself, and keeps what a rush of large replies took; lower,
	 * each reply of usual size is made of pages that the system must first fill with zeros.
	 */
	mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
	raise_descriptors(&region->configuration.limits);
	if (dom_crypto_start() != DOM_OK)
		complain("cryptography cannot start: no randomness on this machine");
	else if (region_open(region, message, sizeof(message)) != DOM_OK)
		complain(message);
	else if (http_server_start(region->server) != DOM_OK)
		complain("cannot start serving: no memory for threads");
	else
		result = serve(region, &signals);
	region_close(region);
	if (result == 0)
		complain("stopped");
	return result;
}

/* Rules, and a catalogue and a group where there is one yet: they are said together. */
static int
check(struct region *region)
{
	char message[MESSAGE_SIZE];
	int result = EXIT_USAGE;
	enum dom_status st = catalogue_load(
	    region->configuration.catalogue, &region->catalogue, message, sizeof(message));

	if (st == DOM_OK || st == DOM_EFILE)
		st = region_open_group(region, false, message, sizeof(message));
	if (st == DOM_EFILE)
		complain(message);
	if (st == DOM_OK || st == DOM_EFILE)
		st = retention_desk_open(&region->configuration, region->catalogue,
		    &region->retention, message, sizeof(message));
	if (st != DOM_OK) {
		complain(message);
	} else {
		retention_desk_conflicts(region->retention, say_conflict, NULL);
		result = puts("configuration is good") < 0;
	}
	retention_desk_close(&region->retention);
	wire_catalogue_free(&region->catalogue);
	return result;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check-config", no_argument, NULL, 'k'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	const char *path = configuration_standard;
	struct region region = {.log_fd = -1};
	bool only_checks = false;
	int option, result;

	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'k':
			only_checks = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'v':
			puts("domiciled " DOM_RELEASE);
			return 0;
		default:
			fputs("domiciled: see domiciled --help\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "domiciled: \"%s\" is not understood; see domiciled --help\n",
		    argv[optind]);
		return EXIT_USAGE;
	}
	if (!fill_standard_streams() || (region.arena = dom_arena_new(0)) == NULL) {
		complain("no memory");
		return 1;
	}
	if (configuration_read(path, region.arena, &region.configuration) != DOM_OK)
		result = EXIT_USAGE;
	else if (only_checks)
		result = check(&region);
	else
		result = run(&region);
	dom_arena_free(&region.arena);
	return result;
}
