/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Load on a region's server, or on a server of plain files, one operation at a
 * time; tools/bench drives it.  It reads a command a line and answers each with
 * one line of key=value; C is connections at once, N requests in all:
 *
 *   login C N            a challenge and its signed answer each
 *   upload C N           batches of 50 items of 1 KiB into a new collection
 *   sync LIMIT C N       all of 10,000 items, page after page; N times per connection
 *   empty-sync C N       a collection's list with the newest token
 *   list-multi C N       the list of collections with the newest token
 *   chunk-upload C N     1 MiB each, into a new collection
 *   chunk-download C N
 *   push N               N sockets that wait for changes: memory, and a change to all
 *   attack N S           N slow clients for S seconds; a line when they begin, one at the end
 *   save FOLDER          the replies of sync, chunk-download and the empty ones as files
 *   urls FOLDER          a line for each of these files in urls-NAME, and the token
 *   fetch COUNT C N PATH GET PATH0 .. PATHn of COUNT files by turns
 *
 *   server_load --url URL [--ca FILE] [--protocol http1] [--pids N,N] [--files]
 *
 * --files: there is no account, only fetch.  Requests are sealed and encoded
 * before the clock starts, but for a login's signature.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/keys.h"

#include "load.h"
#include "operations.h"

static bool
command(struct bench *bench, const char *line)
{
	static const struct {
		const char *name;
		void (*run)(struct bench *bench, unsigned connections, unsigned count);
	} plain[] = {{"login", bench_login}, {"upload", bench_upload},
	    {"empty-sync", bench_empty_sync}, {"list-multi", bench_list_multi},
	    {"chunk-upload", bench_chunk_upload}, {"chunk-download", bench_chunk_download}};
	char name[32] = "", text[300] = "";
	unsigned a = 0, b = 0, c = 0;

	if (sscanf(line, "fetch %u %u %u %299s", &a, &b, &c, text) == 4 && a > 0 &&
	    a <= FILES_MAX) {
		bench_fetch(bench, a, b, c, text);
		return true;
	}
	if (bench->account == NULL)
		return false;
	if (sscanf(line, "push %u", &a) == 1) {
		bench_push(bench, a);
		return true;
	}
	if (sscanf(line, "attack %u %u", &a, &b) == 2) {
		bench_attack(bench, a, b);
		return true;
	}
	if (sscanf(line, "save %299s", text) == 1) {
		bench_save(bench, text);
		return true;
	}
	if (sscanf(line, "urls %299s", text) == 1) {
		bench_urls(bench, text);
		return true;
	}
	if (sscanf(line, "sync %u %u %u", &a, &b, &c) == 3 && a > 0) {
		bench_sync(bench, a, b, c);
		return true;
	}
	if (sscanf(line, "%31s %u %u", name, &a, &b) != 3)
		return false;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(name, plain[i].name) == 0) {
			plain[i].run(bench, a, b);
			return true;
		}
	return false;
}

static void
read_pids(struct bench *bench, const char *text)
{
	for (char *rest; *text != '\0' && bench->pid_count < LOAD_PIDS_MAX; text = rest) {
		bench->pids[bench->pid_count++] = (int)strtol(text, &rest, 10);
		rest += *rest == ',';
		if (rest == text)
			load_die("--pids takes numbers");
	}
}

static void
bench_close(struct bench *bench)
{
	for (unsigned i = 0; i < LIMITS_MAX; i++) {
		for (unsigned j = 0; j < bench->pages[i].count; j++) {
			dom_buffer_free(&bench->pages[i].requests[j].wire);
			dom_buffer_free(&bench->pages[i].bodies[j]);
		}
		free(bench->pages[i].requests);
		free(bench->pages[i].bodies);
	}
	load_account_close(&bench->account);
	load_account_close(&bench->visitor);
	load_server_close(&bench->server);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"url", required_argument, NULL, 'u'},
	    {"ca", required_argument, NULL, 'c'}, {"protocol", required_argument, NULL, 'p'},
	    {"pids", required_argument, NULL, 'i'}, {"files", no_argument, NULL, 'f'}, {0}};
	const char *url = NULL, *ca_file = NULL, *protocol = "http1";
	struct bench bench = {.account = NULL};
	bool files_only = false;
	char line[400];
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'u':
			url = optarg;
			break;
		case 'c':
			ca_file = optarg;
			break;
		case 'p':
			protocol = optarg;
			break;
		case 'i':
			read_pids(&bench, optarg);
			break;
		case 'f':
			files_only = true;
			break;
		default:
			return 2;
		}
	}
	if (url == NULL)
		load_die("--url is missing");
	if (dom_crypto_start() != DOM_OK)
		load_die("libsodium does not start");
	load_server_open(&bench.server, url, protocol, ca_file);
	if (!files_only)
		bench.account = load_account_open(&bench.server);
	printf("op=ready protocol=%s tls=%d\n", protocol, bench.server.tls != NULL);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL)
		if (!command(&bench, line))
			load_die("this is no command: %s", line);
	bench_close(&bench);
	return 0;
}
