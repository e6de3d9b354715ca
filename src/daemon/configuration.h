/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_CONFIGURATION_H
#define DAEMON_CONFIGURATION_H

#include "base/arena.h"
#include "base/duration.h"

#include "http/limit.h"
#include "http/peer.h"
#include "services/retention/rules.h"
#include "services/service.h"

/*
 * domiciled.conf: "key = value" lines, see domiciled.conf(5).  Everything
 * that is wrong is said at once, each with its line and with what to do.
 */
enum {
	CONFIGURATION_LIST_MAX = 16, /* addresses, or names */
	CONFIGURATION_MOVES_MAX = 16,
};

struct configuration {
	const char *region, *data;
	const char *region_key_file;     /* a path; in the data folder unless it was set */
	const char *erasure_journal;     /* a path, too */
	bool has_own_key_file;           /* the key lies elsewhere: no backup holds it */
	struct dom_duration backup_keep; /* how long backups are kept; zero: none are made */
	const char *listen[CONFIGURATION_LIST_MAX];
	size_t listen_count;
	const char *tls_certificate, *tls_key; /* NULL: not set */
	const char *public_hosts[CONFIGURATION_LIST_MAX];
	size_t public_host_count;
	const char *path_prefix; /* "" or "/sync" */
	enum service_signup signup;
	const char *catalogue; /* of services; NULL: the one that is built in */
	const char *group;     /* a path: which regions trust each other; NULL: in no group */
	const char *peer_ca;   /* a path: what other regions' certificates are checked with */
	unsigned moves;        /* accounts that move at once */
	int64_t session_days;
	int64_t quota_bytes;        /* 0: no limit */
	unsigned loops;             /* 0: one for each core */
	const char *log;            /* "stderr", "none" or a path */
	const char *ready_file;     /* NULL: none */
	const char *metrics_listen; /* NULL: none */
	struct retention_rule retention[RETENTION_LINES_MAX];
	size_t retention_count;
	struct http_limits limits;
	struct http_networks trusted;
#ifdef DOM_TEST_API
	bool test_api;
#endif
};

/*
 * Texts live in the arena.  On anything but DOM_OK the problems have been
 * printed to standard error, one line each.
 */
DOM_MUST_CHECK enum dom_status configuration_read(
    const char *path, struct dom_arena *arena, struct configuration *configuration_r);

#endif
