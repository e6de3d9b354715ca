/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a backup says: each problem where it is, each service's counts, the figures. */
#include <string.h>

#include "base/clock.h"

#include "cli/backup.h"
#include "cli/text.h"

enum { PROBLEMS_PRINTED_MAX = 50, SKIPS_PRINTED_MAX = 20 };

/* The file as the person can open it. */
static void
file_path(const struct walk_root *root, const char *path, char *text_r, size_t size)
{
	size_t end = strlen(root->name);

	if (root->folder < 0)
		snprintf(text_r, size, "%s", root->name);
	else
		snprintf(text_r, size, "%s%s%s", root->name,
		    end > 0 && root->name[end - 1] == '/' ? "" : "/", path);
}

void
backup_problem(struct backup *backup, enum service_id service, uint64_t line, bool damaged,
    const char *what)
{
	char path[8192], clean[8192];

	backup->problems++;
	backup->damaged += damaged;
	backup->services[service].damaged += damaged;
	file_path(&backup->walk.roots[backup->file->argument], backup->file->path, path,
	    sizeof(path));
	if (backup->is_json) {
		json_open(&backup->json, NULL, '{');
		json_text(&backup->json, "file", path);
		if (line == 0)
			json_text(&backup->json, "line", NULL);
		else
			json_number(&backup->json, "line", line);
		json_bool(&backup->json, "damaged", damaged);
		json_text(&backup->json, "what", what);
		json_close(&backup->json);
		return;
	}
	if (backup->printed++ >= PROBLEMS_PRINTED_MAX)
		return;
	terminal_bar_clear(&backup->cli->terminal);
	fflush(stdout);
	fputs(text_clean(path, '?', clean, sizeof(clean)), stderr);
	if (line > 0)
		fprintf(stderr, ":%llu", (unsigned long long)line);
	fprintf(stderr, ": %s\n", text_clean(what, '?', clean, sizeof(clean)));
}

void
backup_problems_end(struct backup *backup)
{
	char count[TEXT_SHORT], path[8192], clean[8192];

	if (!backup->is_json && backup->printed > PROBLEMS_PRINTED_MAX) {
		file_path(&backup->walk.roots[backup->file->argument], backup->file->path, path,
		    sizeof(path));
		terminal_bar_clear(&backup->cli->terminal);
		fprintf(stderr, "%s: and %s more; --json lists them all\n",
		    text_clean(path, '?', clean, sizeof(clean)),
		    text_count(backup->printed - PROBLEMS_PRINTED_MAX, count));
	}
	backup->printed = 0;
}

void
backup_skipped(void *context, const struct walk_root *root, const char *path,
    enum walk_skip why, int error)
{
	struct backup *backup = context;
	char text[8192], clean[8192];
	uint64_t all = 0;

	/* What cannot be read is missing from the backup: that is a fault, not a choice. */
	if (why == WALK_UNREADABLE || why == WALK_DEEP) {
		backup->problems++;
		backup->damaged++;
	}
	file_path(root, path, text, sizeof(text));
	if (backup->is_json) {
		json_open(&backup->json, NULL, '{');
		json_text(&backup->json, "file", text);
		json_text(&backup->json, "why", walk_skip_text(why));
		json_text(&backup->json, "error", error == 0 ? NULL : strerror(error));
		json_close(&backup->json);
		return;
	}
	/* Hidden folders and such are many and expected: only their number is said. */
	if (why == WALK_HIDDEN || why == WALK_SYSTEM)
		return;
	for (size_t at = 0; at < WALK_SKIP_COUNT; at++)
		all += at == WALK_HIDDEN || at == WALK_SYSTEM ? 0 : backup->walk.skipped[at];
	if (all > SKIPS_PRINTED_MAX)
		return;
	fflush(stdout);
	fprintf(stderr, "%s: skipped, %s%s%s\n", text_clean(text, '?', clean, sizeof(clean)),
	    walk_skip_text(why), error == 0 ? "" : ": ", error == 0 ? "" : strerror(error));
}

static void
report_json(struct backup *backup, enum service_id service)
{
	static const char *const names[DOM_RECORD_OUTCOME_COUNT] = {
	    [DOM_RECORD_NEW] = "new",
	    [DOM_RECORD_CHANGED] = "changed",
	    [DOM_RECORD_SAME] = "same",
	    [DOM_RECORD_DUPLICATE] = "duplicate",
	};
	const struct backup_service *part = &backup->services[service];
	struct json *json = &backup->json;

	json_open(json, services[service].name, '{');
	json_bool(json, "on", consented_covers(&backup->consented, service));
	json_bool(json, "done", part->is_done);
	json_number(json, "read", part->read);
	json_number(json, "not_sent", part->not_sent);
	json_number(json, "damaged", part->damaged);
	for (size_t at = 0; at < DOM_RECORD_OUTCOME_COUNT; at++)
		json_number(json, names[at], part->outcomes[at]);
	json_close(json);
}

static void
report_count(uint64_t count, const char *what, bool *some)
{
	char number[TEXT_SHORT];

	if (count == 0)
		return;
	printf("%s%s %s", *some ? ", " : "", text_count(count, number), what);
	*some = true;
}

void
backup_report(struct backup *backup, enum service_id service)
{
	const struct backup_service *part = &backup->services[service];
	const struct service *about = &services[service];
	char count[TEXT_SHORT], room[CONSENTED_WHY_SIZE];
	const char *why;
	bool some = false;

	if (backup->is_json || (part->read == 0 && part->damaged == 0))
		return;
	terminal_bar_clear(&backup->cli->terminal);
	if (part->read == part->not_sent && part->read > 0 && !backup->is_dry) {
		why = consented_why(&backup->consented, service, room);
		printf("%s is off%s%s%s: %s %s %s not sent. To keep %s: domicile on %s\n",
		    about->name, why == NULL ? "" : " (", why == NULL ? "" : why,
		    why == NULL ? "" : ")", text_count(part->not_sent, count),
		    part->not_sent == 1 ? about->one : about->many,
		    part->not_sent == 1 ? "was" : "were", part->not_sent == 1 ? "it" : "them",
		    about->name);
		fflush(stdout);
		return;
	}
	printf("%-9s %s read: ", about->name, text_count(part->read, count));
	if (backup->is_dry) {
		bool on = consented_covers(&backup->consented, service);

		printf(on ? "would be compared with what is stored, and what is new sent"
		          : "the service is off, so none would be sent");
		some = true;
	}
	report_count(part->outcomes[DOM_RECORD_NEW], "new", &some);
	report_count(part->outcomes[DOM_RECORD_CHANGED], "changed", &some);
	report_count(part->outcomes[DOM_RECORD_SAME], "already stored", &some);
	report_count(part->outcomes[DOM_RECORD_DUPLICATE], "the same twice", &some);
	report_count(backup->is_dry ? 0 : part->not_sent, "not sent", &some);
	report_count(part->damaged, "damaged", &some);
	puts(some ? "" : "nothing");
	fflush(stdout);
}

static void
close_json(struct backup *backup, int64_t took_ms, enum cli_exit outcome)
{
	struct json *json = &backup->json;
	struct dom_figures figures = {0};

	dom_session_figures(backup->cli->session, &figures);
	json_close(json); /* problems */
	json_open(json, "services", '{');
	for (unsigned at = 0; at < SERVICE_ANY; at++)
		report_json(backup, (enum service_id)at);
	json_close(json);
	json_open(json, "figures", '{');
	json_number(json, "requests", figures.requests);
	json_number(json, "sent_bytes", figures.sent_bytes);
	json_number(json, "received_bytes", figures.received_bytes);
	json_number(json, "milliseconds", (uint64_t)took_ms);
	json_close(json);
	json_number(json, "exit", (uint64_t)outcome);
	json_finish(json);
}

void
backup_close(struct backup *backup, int64_t started_ms, enum cli_exit outcome)
{
	const uint64_t *skipped = backup->walk.skipped;
	int64_t took_ms = dom_monotonic_ms() - started_ms;
	char count[TEXT_SHORT], bytes[TEXT_SHORT], time[TEXT_SHORT];
	struct dom_figures figures = {0};
	bool some = false;

	if (backup->is_json) {
		close_json(backup, took_ms, outcome);
		return;
	}
	if (skipped[WALK_LINK] + skipped[WALK_SPECIAL] + skipped[WALK_HIDDEN] +
	        skipped[WALK_SYSTEM] >
	    0) {
		printf("skipped   ");
		report_count(skipped[WALK_LINK], "symbolic links", &some);
		report_count(skipped[WALK_SPECIAL], "that are no files", &some);
		report_count(skipped[WALK_HIDDEN], "hidden folders", &some);
		report_count(skipped[WALK_SYSTEM], "files that systems leave behind", &some);
		putchar('\n');
	}
	if (backup->photos_without_place > 0)
		printf(
		    "note      %s photos do not say where they were taken; Android removes the "
		    "place unless an app may see it\n",
		    text_count(backup->photos_without_place, count));
	dom_session_figures(backup->cli->session, &figures);
	printf("%s: %s sent in %s request%s, %s\n",
	    outcome == CLI_DONE      ? "done"
	    : outcome == CLI_DAMAGED ? "done, except for what was damaged"
	                             : "not done",
	    text_bytes(figures.sent_bytes, bytes), text_count(figures.requests, count),
	    figures.requests == 1 ? "" : "s", text_seconds(took_ms, time));
}
