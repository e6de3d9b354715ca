/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A region from its configuration: what is opened in which order, and closed. */
#include "daemon/region.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/catalogue.h"
#include "daemon/log_file.h"
#include "daemon/recover.h"
#include "daemon/region_key.h"
#include "services/account/attempts.h"
#include "services/move/guard.h"
#include "services/move/served.h"
#include "services/push/push.h"

static void
complain(const char *message)
{
	fprintf(stderr, "domiciled: %s\n", message);
}

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

/* After a commit that leaves work for them. */
static void
wake_movers(void *context)
{
	struct region *region = context;

	if (region->movers != NULL)
		mover_threads_wake(region->movers);
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
	    .mover_wake = wake_movers,
	    .mover = region,
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
	wake_movers(region);
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

bool
region_look_at_store_file(const struct region *region, struct stat *info_r)
{
	char *path;
	bool is_there;

	if (asprintf(&path, "%s/%s", region->configuration.data, region_store_name) < 0)
		return false;
	is_there = stat(path, info_r) == 0;
	free(path);
	return is_there;
}

enum dom_status
region_open_group(struct region *region, bool with_key, char *message_r, size_t message_size)
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

/* On the thread of a mover: what is held may go on, and there may be something to erase. */
static void
move_changed(void *context)
{
	struct region *region = context;

	http_server_retry_held(region->server);
	keeper_thread_wake(region->keeper);
}

static enum dom_status
open_movers(struct region *region, char *message_r, size_t message_size)
{
	const struct mover_threads_options options = {.service = &region->service,
	    .store = region->store,
	    .lanes = region->configuration.moves,
	    .peer_ca = region->configuration.peer_ca,
	    .wake = move_changed,
	    .context = region};

	return region->group == NULL
	           ? DOM_OK
	           : mover_threads_open(&options, &region->movers, message_r, message_size);
}

/* What is restored from here on is what the journal says, too. */
static enum dom_status
open_guard(struct region *region, char *message_r, size_t message_size)
{
	enum dom_status st = move_guard_open(&region->service, region->store, &region->guard);

	region->service.guard = region->guard;
	if (st != DOM_OK)
		snprintf(message_r, message_size,
		    "it cannot be known which accounts may be served: %s", dom_status_text(st));
	return st;
}

static enum dom_status
open_store(struct region *region, char *message_r, size_t message_size)
{
	const struct store_options options = {.folder = region->configuration.data,
	    .region = region->configuration.region,
	    .key = region->key};
	enum dom_status st = store_open(&options, &region->store, message_r, message_size);

	if (st != DOM_OK || region_look_at_store_file(region, &region->store_file))
		return st;
	snprintf(message_r, message_size, "%s/%s cannot be looked at: %s", options.folder,
	    region_store_name, strerror(errno));
	return DOM_EFILE;
}

/* What the rules work with; the journal and the guard come after it. */
static enum dom_status
make_service(struct region *region, char *message_r, size_t message_size)
{
	const struct configuration *configuration = &region->configuration;
	struct service *service = &region->service;

	*service = (struct service){
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
	    .random = dom_random_system(),
	    .key = region->key,
	    .store = region->store,
	    .tickets = push_tickets_open(&ticket_lock),
	    .served = move_served_new(),
	};
	service->attempts = open_attempts(region);
	if (region->group != NULL) {
		service->settings.group = &region->group->group;
		service->settings.group_file = region->group->bytes;
	}
	if (service->tickets != NULL && service->attempts != NULL && service->served != NULL)
		return DOM_OK;
	snprintf(message_r, message_size, "no memory");
	return DOM_ENOMEM;
}

static enum dom_status
open_metrics(struct region *region, char *message_r, size_t message_size)
{
	const struct metrics_options options = {.listen = region->configuration.metrics_listen,
	    .server = region->server,
	    .store = region->store,
	    .data = region->configuration.data,
	    .retention = region->retention,
	    .has_group = region->group != NULL};

	return options.listen == NULL
	           ? DOM_OK
	           : metrics_open(&options, &region->metrics, message_r, message_size);
}

static enum dom_status
open_control(struct region *region, char *message_r, size_t message_size)
{
	const struct control_options options = {.service = &region->service,
	    .store = region->store,
	    .data = region->configuration.data,
	    .has_own_key_file = region->configuration.has_own_key_file,
	    .retention = region->retention,
	    .begun = operator_began,
	    .context = region};

	return control_open(&options, &region->control, message_r, message_size);
}

enum dom_status
region_open(struct region *region, char *message_r, size_t message_size)
{
	const struct configuration *configuration = &region->configuration;
	const struct dom_random random = dom_random_system();
	enum dom_status st;

	if ((st = log_file_open(
	         configuration->log, &region->log_fd, message_r, message_size)) != DOM_OK ||
	    (st = catalogue_load(configuration->catalogue, &region->catalogue, message_r,
	         message_size)) != DOM_OK ||
	    (st = retention_desk_open(configuration, region->catalogue, &region->retention,
	         message_r, message_size)) != DOM_OK ||
	    (st = region_key_load(configuration->region_key_file, configuration->data, &random,
	         &region->key, message_r, message_size)) != DOM_OK ||
	    (st = region_open_group(region, true, message_r, message_size)) != DOM_OK ||
	    (st = open_store(region, message_r, message_size)) != DOM_OK ||
	    (st = make_service(region, message_r, message_size)) != DOM_OK ||
	    (st = open_keeper(region, message_r, message_size)) != DOM_OK ||
	    (st = open_guard(region, message_r, message_size)) != DOM_OK ||
	    (st = open_server(region, message_r, message_size)) != DOM_OK ||
	    (st = open_movers(region, message_r, message_size)) != DOM_OK)
		return st;
	retention_desk_announce(region->retention, operator_began, region);
	if ((st = open_metrics(region, message_r, message_size)) != DOM_OK)
		return st;
	return open_control(region, message_r, message_size);
}

void
region_close(struct region *region)
{
	if (region->retention != NULL)
		retention_desk_announce(region->retention, NULL, NULL);
	control_close(&region->control);
	metrics_close(&region->metrics);
	/* They have held requests asked again until the server is closed. */
	mover_threads_stop(region->movers);
	http_server_close(&region->server);
	mover_threads_close(&region->movers);
	region->service.guard = NULL;
	move_guard_close(&region->guard);
	keeper_thread_close(&region->keeper);
	journal_file_close(&region->journal);
	store_close(&region->store);
	push_tickets_close(&region->service.tickets);
	login_attempts_free(&region->service.attempts);
	move_served_free(&region->service.served);
	dom_region_key_free(&region->key);
	retention_desk_close(&region->retention);
	wire_catalogue_free(&region->catalogue);
	if (region->log_fd >= 0)
		close(region->log_fd);
}
