/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * index.html: the page that a person opens.  It is static, loads nothing and
 * runs nothing, and every text in it that came from elsewhere is escaped.
 */
#include <string.h>

#include "cli/export.h"

enum { PAGE_FILES_MAX = 1000 }; /* index.json has all */

static void
put_text(FILE *out, const char *text)
{
	char clean[PATH_SIZE_MAX + 1];

	for (const char *at = text_clean(text, '?', clean, sizeof(clean)); *at != '\0'; at++) {
		switch (*at) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			putc(*at, out);
			break;
		}
	}
}

/* A path as a relative address: whatever is not plain is written as %XX. */
static void
put_address(FILE *out, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789-._~/";

	fputs("./", out); /* "a:b" is a path, not a scheme */
	for (; *path != '\0'; path++) {
		if (strchr(plain, *path) != NULL)
			putc(*path, out);
		else
			fprintf(out, "%%%02X", (unsigned)(unsigned char)*path);
	}
}

static void
put_row(FILE *out, const char *what, const char *value)
{
	fputs("<tr><th>", out);
	put_text(out, what);
	fputs("</th><td>", out);
	put_text(out, value);
	fputs("</td></tr>\n", out);
}

static void
put_facts(FILE *out, const struct export *export)
{
	struct dom_session *session = export->restore.cli->session;
	char time[TEXT_SHORT], size[TEXT_SHORT], count[TEXT_SHORT], files[128];

	fputs("<table>\n", out);
	put_row(out, "account", dom_session_address(session));
	if (dom_session_email(session)[0] != '\0')
		put_row(out, "e-mail", dom_session_email(session));
	put_row(out, "region", export->region);
	put_row(out, "server", dom_session_server(session));
	put_row(out, "exported", export_time(export->now_ms, time));
	snprintf(files, sizeof(files), "%s, %s", text_count(export->entry_count, count),
	    text_bytes(export->entry_bytes, size));
	put_row(out, "files", files);
	fputs("</table>\n", out);
}

static void
put_parts(FILE *out)
{
	static const char *const parts[][2] = {
	    {"content/", "what is yours, in formats that other programs read; domicile backup "
	                 "content/ stores it again"},
	    {"shared/", "what others share with you"},
	    {"other/", "what other apps stored, in formats that domicile does not know"},
	    {"history/", "earlier revisions, if you asked for them"},
	    {"account/",
	        "the account, the devices that are logged in, the collections, and what "
	        "is noted of each item"},
	    {"consents/", "what you agreed to and withdrew, with the region's receipts; "
	                  "domicile-verify --region-key consents/region.pub checks them"},
	    {"index.json", "every file with its SHA-256, for programs"},
	};

	fputs("<h2>What is where</h2>\n<table>\n", out);
	for (size_t at = 0; at < sizeof(parts) / sizeof(parts[0]); at++)
		put_row(out, parts[at][0], parts[at][1]);
	fputs("</table>\n", out);
}

static void
put_files(FILE *out, const struct export *export)
{
	char size[TEXT_SHORT], count[TEXT_SHORT];
	uint64_t shown = 0;

	fputs("<h2>Files</h2>\n<table>\n", out);
	for (const struct export_entry *at = export->entries;
	     at != NULL && shown < PAGE_FILES_MAX; at = at->next, shown++) {
		fputs("<tr><td><a href=\"", out);
		put_address(out, at->path);
		fputs("\">", out);
		put_text(out, at->path);
		fprintf(out, "</a></td><td>%s</td><td>", text_bytes(at->size, size));
		if (at->records > 0)
			fprintf(out, "%s items", text_count(at->records, count));
		fputs("</td></tr>\n", out);
	}
	fputs("</table>\n", out);
	if (shown < export->entry_count)
		fprintf(out, "<p>%s more are in index.json.</p>\n",
		    text_count(export->entry_count - shown, count));
}

static void
put_losses(FILE *out, const struct export *export)
{
	char count[TEXT_SHORT];
	uint64_t shown = 0;

	if (export->losses == NULL)
		return;
	fprintf(out,
	    "<h2>Left out</h2>\n<p>%s items could not be had; what the region sent for them "
	    "was "
	    "damaged.</p>\n<table>\n",
	    text_count(export->restore.bad, count));
	for (const struct export_loss *at = export->losses;
	     at != NULL && shown < PAGE_FILES_MAX; at = at->next, shown++)
		put_row(out, at->name[0] == '\0' ? at->item : at->name, at->why);
	fputs("</table>\n", out);
}

enum dom_status
export_page(struct export *export)
{
	struct export_text text;
	enum dom_status st = export_text_begin(export, &text);
	FILE *out = text.out;

	if (st != DOM_OK)
		return st;
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width\">\n"
	      "<title>domicile export</title>\n<style>\n"
	      "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 "
	      "1em; "
	      "line-height: 1.5 }\n"
	      "th { text-align: left; vertical-align: top; padding-right: 1em }\n"
	      "td { vertical-align: top; padding-right: 1em; overflow-wrap: anywhere }\n"
	      "</style>\n</head>\n<body>\n<h1>Everything that domicile held for you</h1>\n",
	    out);
	put_facts(out, export);
	put_parts(out);
	put_losses(out, export);
	put_files(out, export);
	fputs("</body>\n</html>\n", out);
	return export_text_end(export, &text, "index.html");
}
