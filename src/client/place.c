/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which server a session asks, and how it gets there. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/session.h"

/* The host of a URL in lower case, without a port. */
static char *
host_of(const char *url)
{
	const char *start = strstr(url, "://");
	size_t size;
	char *host;

	if (start == NULL)
		return NULL;
	start += 3;
	size = strcspn(start, "/?#");
	if (memchr(start, '@', size) != NULL)
		return NULL;
	if (*start == '[')
		size = strcspn(start, "]/") + 1;
	else
		size = strcspn(start, ":/?#");
	if (size == 0 || (host = strndup(start, size)) == NULL)
		return NULL;
	for (char *at = host; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	return host;
}

/* Where requests go from now on; the transport is another question. */
static enum dom_status
name_server(struct dom_session *session, const char *url)
{
	size_t size = strlen(url);

	free(session->server_url);
	free(session->host);
	session->host = host_of(url);
	if (asprintf(&session->server_url, "%s%s", url,
	        size > 0 && url[size - 1] == '/' ? "" : "/") < 0) {
		session->server_url = NULL;
		return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
	}
	if (session->host == NULL)
		return dom_session_fail(session, DOM_EINPUT,
		    "\"%s\" is not the address of a server; it looks like https://name or "
		    "https://name/path",
		    url);
	return DOM_OK;
}

static enum dom_status
open_transport(struct dom_session *session, const char *url)
{
	const struct dom_transport_options options = {
	    .server_url = session->server_url, .ca_file = session->ca_file};
	enum dom_status st;

	if (session->connect != NULL) {
		session->transport =
		    session->connect(session->connect_context, session->server_url);
		if (session->transport == NULL)
			return dom_session_fail(session, DOM_ENETWORK,
			    "\"%s\" cannot be reached by this program", url);
		return DOM_OK;
	}
	st = dom_transport_curl(&options, &session->transport);
	if (st == DOM_EINPUT)
		return dom_session_fail(session, st,
		    "\"%s\" cannot be used: a server's address begins with https://. Plain "
		    "http:// is only for this machine (localhost, 127.0.0.1), since anyone on "
		    "the way could read who you are",
		    url);
	if (st < 0)
		return dom_session_fail(session, st, "The connection cannot be prepared: %s",
		    session->ca_file == NULL ? dom_status_text(st) : "see the --ca file");
	return DOM_OK;
}

enum dom_status
dom_session_connect(
    struct dom_session *session, const char *url, const struct dom_session_options *options)
{
	enum dom_status st;

	session->connect = options->connect;
	session->connect_context = options->connect_context;
	if (options->ca_file != NULL &&
	    !dom_session_keep_text(&session->ca_file, dom_slice_of(options->ca_file)))
		return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
	if ((st = name_server(session, url)) != DOM_OK || session->transport != NULL)
		return st;
	return open_transport(session, url);
}

enum dom_status
dom_session_go(struct dom_session *session, const char *url, struct dom_place *from_r)
{
	enum dom_status st;

	assert(session->in_flight == 0);
	*from_r = (struct dom_place){.transport = session->transport,
	    .server_url = session->server_url,
	    .host = session->host};
	session->transport = NULL;
	session->server_url = session->host = NULL;
	if ((st = name_server(session, url)) == DOM_OK)
		st = open_transport(session, url);
	if (st != DOM_OK)
		dom_session_return(session, from_r);
	return st;
}

void
dom_session_return(struct dom_session *session, struct dom_place *from)
{
	struct dom_place here = {.transport = session->transport,
	    .server_url = session->server_url,
	    .host = session->host};

	session->transport = from->transport;
	session->server_url = from->server_url;
	session->host = from->host;
	*from = (struct dom_place){0};
	dom_place_close(&here);
}

void
dom_place_close(struct dom_place *place)
{
	if (place->transport != NULL)
		place->transport->close(place->transport);
	free(place->server_url);
	free(place->host);
	*place = (struct dom_place){0};
}
