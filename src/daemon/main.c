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
#include "daemon/configuration.h"
#include "daemon/control.h"
#include "daemon/group_file.h"
#include "daemon/journal.h"
#include "daemon/keeper.h"
#include "daemon/log_file.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/recover.h"
#include "daemon/region_key.h"
#include "daemon/retention.h"
#include "http/server.h"
#include "services/account/attempts.h"
#include "services/push/push.h"

enum {
	EXIT_USAGE = 2,
	MESSAGE_SIZE = 1024,
	STOP_LOOK_MS = 20,
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

/* What is open while it serves. */
struct region {
	struct configuration configuration;
	struct dom_region_key *key;
	struct wire_catalogue *catalogue;
	struct dom_arena *arena;  /* configuration and group */
	struct group_file *group; /* NULL: in none */
	struct retention_desk *retention;
	struct store *store;
	struct service service;
	struct http_server *server;
	struct journal_file *journal;
	struct keeper_thread *keeper;
	struct control *control;
	struct metrics *metrics; /* NULL: off */
	int log_fd;

	struct stat store_file;   /* as it was opened */
	bool is_gone, has_failed; /* and the operator was told */
	enum dom_status failure;  /* that the operator was told last */
	unsigned failure_looks;   /* since then */
};

static pthread_mutex_t ticket_mutex = PTHREAD_MUTEX_INITIALIZER;

static void
ticket_lock_take(void *context)
{
	pthread_mutex_lock(context);
}

static void
ticket_lock_give(void *context)
{
	pthread_mutex_unlock(context);
}

static const struct push_lock ticket_lock = {
    .take = ticket_lock_take, .give = ticket_lock_give, .context = &ticket_mutex};

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

static enum dom_status
open_server(struct region *region, char *message_r, size_t message_size)
{
	const struct configuration *configuration = &region->configuration;
	const struct http_server_options options = {
	    .service = &region->service,
	    .store = region->store,
	    .limits = configuration->limits,
	    .trusted = configuration->trusted,
	    .prefix = configuration->path_prefix,
	    .loops = configuration->loops,
	    .log_fd = region->log_fd,
	    .listen = configuration->listen,
	    .listen_count = configuration->listen_count,
	    .tls_certificate = configuration->tls_certificate,
	    .tls_key = configuration->tls_key,
	    .keeper_wake = keeper_thread_wake,
	    .keeper = region->keeper,
	};

	return http_server_open(&options, &region->server, message_r, message_size);
}

static struct service_limits
limits_of(const struct configuration *configuration)
{
	const int64_t *of = configuration->limits.of;

	return (struct service_limits){.collections = of[HTTP_LIMIT_COLLECTIONS],
	    .members = of[HTTP_LIMIT_MEMBERS],
	    .invitations = of[HTTP_LIMIT_INVITATIONS],
	    .sessions = of[HTTP_LIMIT_SESSIONS],
	    .statements_per_day = of[HTTP_LIMIT_STATEMENTS_PER_DAY]};
}

/* What the journal knows and the store does not comes first: nobody is served before. */
static enum dom_status
open_keeper(struct region *region, char *message_r, size_t message_size)
{
	const struct recovery recovery = {.configuration = &region->configuration,
	    .service = &region->service,
	    .store = region->store};
	struct keeper_options options = {.service = &region->service, .store = region->store};
	uint64_t followed;
	enum dom_status st;

	if ((st = recover_journal(
	         &recovery, &region->journal, &followed, message_r, message_size)) != DOM_OK)
		return st;
	if (message_r[0] != '\0')
		complain(message_r);
	if (followed != 0)
		fprintf(stderr,
		    "domiciled: this store was made out of a backup: %llu erasures and "
		    "withdrawals of the journal are followed again\n",
		    (unsigned long long)followed);
	options.journal = journal_file_functions(region->journal);
	return keeper_thread_open(
	    &options, region->retention, &region->keeper, message_r, message_size);
}

/* On the thread of an operator's command, or the keeper's. */
static void
operator_began(void *context, const struct service_changes *changes)
{
	struct region *region = context;

	http_server_announce(region->server, changes);
	keeper_thread_wake(region->keeper);
}

static struct login_attempts *
open_attempts(const struct region *region)
{
	const int64_t *of = region->configuration.limits.of;

	return login_attempts_new(
	    &(struct login_limits){.burst = of[HTTP_LIMIT_LOGIN_BURST],
	        .per_hour = of[HTTP_LIMIT_LOGIN_PER_HOUR],
	        .address_burst = of[HTTP_LIMIT_LOGIN_ADDRESS_BURST],
	        .address_per_hour = of[HTTP_LIMIT_LOGIN_ADDRESS_PER_HOUR]},
	    &region->service.random);
}

/* False: there is no such file. */
static bool
look_at_store_file(const struct region *region, struct stat *info_r)
{
	char *path;
	bool is_there;

	if (asprintf(&path, "%s/%s", region->configuration.data, region_store_name) < 0)
		return false;
	is_there = stat(path, info_r) == 0;
	free(path);
	return is_there;
}

/* Nothing is checked against our key before there is one. */
static enum dom_status
open_group(struct region *region, bool with_key, char *message_r, size_t message_size)
{
	const struct group_file_options options = {.path = region->configuration.group,
	    .data = region->configuration.data,
	    .region = region->configuration.region,
	    .key = with_key ? region->key : NULL};
	enum dom_status st =
	    group_file_load(&options, region->arena, &region->group, message_r, message_size);

	if (st == DOM_OK && message_r[0] != '\0')
		complain(message_r);
	return st;
}

static enum dom_status
region_open(struct region *region, char *message_r, size_t message_size)
{
	const struct configuration *configuration = &region->configuration;
	const struct dom_random random = dom_random_system();
	enum dom_status st;

	if ((st = log_file_open(
	         configuration->log, &region->log_fd, message_r, message_size)) != DOM_OK)
		return st;
	if ((st = catalogue_load(configuration->catalogue, &region->catalogue, message_r,
	         message_size)) != DOM_OK)
		return st;
	if ((st = retention_desk_open(configuration, region->catalogue, &region->retention,
	         message_r, message_size)) != DOM_OK)
		return st;
	if ((st = region_key_load(configuration->region_key_file, configuration->data, &random,
	         &region->key, message_r, message_size)) != DOM_OK)
		return st;
	if ((st = open_group(region, true, message_r, message_size)) != DOM_OK)
		return st;
	if ((st = store_open(&(struct store_options){.folder = configuration->data,
	                         .region = configuration->region,
	                         .key = region->key},
	         &region->store, message_r, message_size)) != DOM_OK)
		return st;
	if (!look_at_store_file(region, &region->store_file)) {
		snprintf(message_r, message_size, "%s/%s cannot be looked at: %s",
		    configuration->data, region_store_name, strerror(errno));
		return DOM_EFILE;
	}
	region->service = (struct service){
	    .settings =
	        {
	            .region = configuration->region,
	            .signup = configuration->signup,
	            .check_host = true,
	            .hosts = configuration->public_hosts,
	            .host_count = configuration->public_host_count,
	            .quota_bytes = configuration->quota_bytes,
	            .catalogue = region->catalogue,
	            .limits = limits_of(configuration),
	            .session_life_ms = configuration->session_days * 24 * 3600 * 1000,
	            .retention = retention_desk_rules(region->retention),
	            .backup_keep = configuration->backup_keep,
#ifdef DOM_TEST_API
	            .test_api = configuration->test_api,
#endif
	        },
	    .clock = dom_clock_system(),
	    .random = random,
	    .key = region->key,
	    .store = region->store,
	    .tickets = push_tickets_open(&ticket_lock),
	};
	if (region->group != NULL) {
		region->service.settings.group = &region->group->group;
		region->service.settings.group_file = region->group->bytes;
	}
	region->service.attempts = open_attempts(region);
	if (region->service.tickets == NULL || region->service.attempts == NULL) {
		snprintf(message_r, message_size, "no memory");
		return DOM_ENOMEM;
	}
	if ((st = open_keeper(region, message_r, message_size)) != DOM_OK ||
	    (st = open_server(region, message_r, message_size)) != DOM_OK)
		return st;
	retention_desk_announce(region->retention, operator_began, region);
	if (configuration->metrics_listen != NULL &&
	    (st = metrics_open(
	         &(struct metrics_options){.listen = configuration->metrics_listen,
	             .server = region->server,
	             .store = region->store,
	             .data = configuration->data,
	             .retention = region->retention},
	         &region->metrics, message_r, message_size)) != DOM_OK)
		return st;
	return control_open(&(struct control_options){.service = &region->service,
	                        .store = region->store,
	                        .data = configuration->data,
	                        .has_own_key_file = configuration->has_own_key_file,
	                        .retention = region->retention,
	                        .begun = operator_began,
	                        .context = region},
	    &region->control, message_r, message_size);
}

static void
region_close(struct region *region)
{
	if (region->retention != NULL)
		retention_desk_announce(region->retention, NULL, NULL);
	control_close(&region->control);
	metrics_close(&region->metrics);
	http_server_close(&region->server);
	keeper_thread_close(&region->keeper);
	journal_file_close(&region->journal);
	store_close(&region->store);
	push_tickets_close(&region->service.tickets);
	login_attempts_free(&region->service.attempts);
	dom_region_key_free(&region->key);
	retention_desk_close(&region->retention);
	wire_catalogue_free(&region->catalogue);
	if (region->log_fd >= 0)
		close(region->log_fd);
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
	if (region->is_gone ||
	    (look_at_store_file(region, &info) && info.st_dev == region->store_file.st_dev &&
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

/* Until a signal says so, then until all is quiet. */
static int
serve(struct region *region, const sigset_t *signals)
{
	const struct timespec look = {.tv_nsec = STOP_LOOK_MS * 1000000},
	                      long_look = {.tv_sec = LOOK_SECONDS};
	int caught;

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
		st = open_group(region, false, message, sizeof(message));
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
