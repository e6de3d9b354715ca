/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The figures in Prometheus' text format, version 0.0.4. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/metrics.h"
#include "daemon/region_key.h"
#include "daemon/retention.h"
#include "http/router.h"

static void
describe(struct dom_buffer *page, const char *name, const char *type, const char *help)
{
	dom_buffer_print(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
number(struct dom_buffer *page, const char *name, const char *type, const char *help,
    uint64_t value)
{
	describe(page, name, type, help);
	dom_buffer_print(page, "%s %" PRIu64 "\n", name, value);
}

/* Counters may be read a moment apart. */
static uint64_t
not_below_zero(int64_t value)
{
	return value < 0 ? 0 : (uint64_t)value;
}

static void
requests(struct dom_buffer *page, const struct http_figures *figures)
{
	static const char *const classes[HTTP_STATUS_CLASSES] = {
	    "other", "1xx", "2xx", "3xx", "4xx", "5xx"};

	describe(page, "domicile_requests_total", "counter", "Requests answered.");
	for (unsigned op = 0; op <= SERVICE_OP_COUNT; op++) {
		for (unsigned i = 0; i < HTTP_STATUS_CLASSES; i++) {
			if (figures->requests[op][i] != 0)
				dom_buffer_print(page,
				    "domicile_requests_total{op=\"%s\",status=\"%s\"} %" PRIu64
				    "\n",
				    route_op_name((enum service_op)op), classes[i],
				    figures->requests[op][i]);
		}
	}
	number(page, "domicile_request_bytes_total", "counter",
	    "Bytes of requests, heads included.", figures->bytes_in);
	number(page, "domicile_reply_bytes_total", "counter", "Bytes of replies' bodies.",
	    figures->bytes_out);
	describe(page, "domicile_request_seconds_total", "counter",
	    "Time from a request's head to its reply, of all requests.");
	dom_buffer_print(
	    page, "domicile_request_seconds_total %.6f\n", (double)figures->microseconds / 1e6);
	number(page, "domicile_connections", "gauge", "Open connections.",
	    not_below_zero(figures->connections));
	number(page, "domicile_requests_writing", "gauge",
	    "Requests that wait for the disk now.", not_below_zero(figures->writing));
	number(page, "domicile_body_memory_bytes", "gauge",
	    "Bytes held for bodies that are on their way.",
	    not_below_zero(figures->body_bytes));
	number(page, "domicile_reply_memory_bytes", "gauge",
	    "Bytes held for replies that clients have not taken yet.",
	    not_below_zero(figures->reply_bytes));
}

static void
others(struct dom_buffer *page, const struct http_figures *figures)
{
	number(page, "domicile_loop_delay_microseconds", "gauge",
	    "How long requests wait for their turn, a moment ago.",
	    not_below_zero(figures->delay_us));
	number(page, "domicile_peer_reads", "gauge",
	    "Reads for other regions that are under way.", not_below_zero(figures->peer_reads));
	number(page, "domicile_peer_reads_put_off_total", "counter",
	    "Reads that other regions were told to ask for later.",
	    figures->peer_reads_put_off);
}

static void
held(struct dom_buffer *page, const struct http_figures *figures)
{
	uint64_t within = 0;

	number(page, "domicile_requests_held", "gauge",
	    "Requests whose account is being handed over.", not_below_zero(figures->held));
	describe(page, "domicile_request_held_seconds", "histogram",
	    "How long such requests were held before they were answered.");
	for (unsigned i = 0; i < HTTP_HELD_BUCKETS; i++) {
		within += figures->held_within[i];
		if (i < HTTP_HELD_BUCKETS - 1)
			dom_buffer_print(page,
			    "domicile_request_held_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
			    http_held_bounds_ms[i] / 1e3, within);
	}
	dom_buffer_print(page,
	    "domicile_request_held_seconds_bucket{le=\"+Inf\"} %" PRIu64
	    "\ndomicile_request_held_seconds_sum %.3f"
	    "\ndomicile_request_held_seconds_count %" PRIu64 "\n",
	    within, (double)figures->held_ms / 1e3, within);
}

static void
commits(struct dom_buffer *page, const struct store_figures *figures)
{
	uint64_t within = 0;

	describe(page, "domicile_commit_seconds", "histogram",
	    "Time of a commit, its sync included.");
	for (unsigned i = 0; i < STORE_COMMIT_BUCKETS - 1; i++) {
		within += figures->commits_within[i];
		dom_buffer_print(page,
		    "domicile_commit_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
		    store_commit_bounds_us[i] / 1e6, within);
	}
	within += figures->commits_within[STORE_COMMIT_BUCKETS - 1];
	dom_buffer_print(
	    page, "domicile_commit_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", within);
	dom_buffer_print(page,
	    "domicile_commit_seconds_sum %.6f\ndomicile_commit_seconds_count %" PRIu64 "\n",
	    (double)figures->commit_us / 1e6, within);
}

static void
groups(struct dom_buffer *page, const struct store_figures *figures)
{
	uint64_t within = 0;

	describe(page, "domicile_commit_jobs", "histogram", "Jobs that shared a commit.");
	for (unsigned i = 0; i < STORE_GROUP_BUCKETS; i++) {
		within += figures->groups_within[i];
		dom_buffer_print(page, "domicile_commit_jobs_bucket{le=\"%u\"} %" PRIu64 "\n",
		    1u << i, within);
	}
	dom_buffer_print(page,
	    "domicile_commit_jobs_bucket{le=\"+Inf\"} %" PRIu64
	    "\ndomicile_commit_jobs_sum %" PRIu64 "\ndomicile_commit_jobs_count %" PRIu64 "\n",
	    within, figures->jobs, within);
	number(page, "domicile_jobs_queued", "gauge", "Jobs that wait for the writer.",
	    figures->queued);
	number(page, "domicile_store_failed", "gauge",
	    "1: the store refuses every write until a restart.", figures->failed ? 1 : 0);
}

static void
retention(struct dom_buffer *page, const struct retention_figures *figures)
{
	describe(page, "domicile_retention_removed_total", "counter",
	    "What was removed by the rules of retention.");
	for (unsigned i = 0; i < RETENTION_WHAT_COUNT; i++)
		dom_buffer_print(page,
		    "domicile_retention_removed_total{what=\"%s\"} %" PRIu64 "\n",
		    retention_what_name((enum retention_what)i), figures->removed[i]);
	number(page, "domicile_retention_removed_bytes_total", "counter",
	    "Bytes of what was removed by the rules of retention.", figures->bytes);
	number(page, "domicile_retention_notices_total", "counter",
	    "Accounts told that they end for lack of use.", figures->notices);
	number(page, "domicile_retention_sweeps_total", "counter",
	    "Sweeps that came to their end.", figures->sweeps);
	describe(page, "domicile_retention_held", "gauge",
	    "What the last sweep left alone since rules conflict.");
	for (unsigned i = 0; i < RETENTION_WHAT_COUNT; i++)
		dom_buffer_print(page, "domicile_retention_held{what=\"%s\"} %" PRIu64 "\n",
		    retention_what_name((enum retention_what)i), figures->held[i]);
}

static uint64_t
file_bytes(const char *data, const char *suffix)
{
	struct stat info;
	uint64_t bytes = 0;
	char *path;

	if (asprintf(&path, "%s/%s%s", data, region_store_name, suffix) < 0)
		return 0;
	if (stat(path, &info) == 0)
		bytes = (uint64_t)info.st_size;
	free(path);
	return bytes;
}

void
metrics_page(
    const struct metrics_options *options, struct metrics_moves *moves, struct dom_buffer *page)
{
	struct http_figures *http = calloc(1, sizeof(*http));
	struct store_figures store;
	struct retention_figures swept;
	struct statvfs disk;

	if (http != NULL) {
		http_server_figures(options->server, http);
		requests(page, http);
		held(page, http);
		others(page, http);
	}
	free(http);
	store_figures(options->store, &store);
	commits(page, &store);
	groups(page, &store);
	retention_desk_figures(options->retention, &swept);
	retention(page, &swept);
	if (moves != NULL)
		metrics_moves_print(moves, page);
	number(page, "domicile_database_bytes", "gauge", "Size of the database.",
	    file_bytes(options->data, ""));
	number(page, "domicile_log_bytes", "gauge", "Size of the database's write-ahead log.",
	    file_bytes(options->data, "-wal"));
	if (statvfs(options->data, &disk) == 0)
		number(page, "domicile_disk_free_bytes", "gauge",
		    "Free space on the disk of the data folder.",
		    (uint64_t)disk.f_bavail * disk.f_frsize);
}
