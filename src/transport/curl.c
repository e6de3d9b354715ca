/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The transport over libcurl's multi interface: connections are re-used and
 * limited in number, certificates are checked, redirects are not followed.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <domicile/transport.h>

#include "base/clock.h"

enum {
	CONNECTIONS_DEFAULT = 6,
	IDLE_HANDLES_MAX = 8,
	CONNECT_TIMEOUT_S = 10,
	STALL_TIMEOUT_S = 30,
	STALL_BYTES_PER_S = 32, /* both ways; below it for so long, nothing moves */
	TRANSFER_BUFFER_SIZE = 256 << 10,
	REPLY_SIZE_MAX_DEFAULT = 128 << 20,
	REPLY_HEAD_SIZE_MAX = 64 << 10,
	/* A server that drips shall not hold a client for ever. */
	DRIP_ALLOWED_MS = 60 * 1000,
	DRIP_BYTES_PER_S_MIN = 100,
	REPLY_MS_MAX = 60 * 60 * 1000,
};

struct flight {
	CURL *handle;
	struct curl_slist *headers;
	struct dom_exchange *exchange;
	char *url;
	size_t capacity;
	bool too_large, too_slow;
	size_t head_size;
	bool head_ended;       /* the empty line behind the headers came */
	int64_t body_began_ms; /* 0: not yet */
	char error[CURL_ERROR_SIZE];
	struct flight *next;
};

struct transport {
	struct dom_transport api;
	CURLM *multi;
	CURLSH *share; /* TLS sessions, so that a new connection resumes */
	char *base, *ca_file, *user_agent;
	size_t reply_size_max;
	long connect_seconds;
	bool loopback, is_https;
	struct flight *flights;
	CURL *idle[IDLE_HANDLES_MAX];
	size_t idle_count;
};

static bool
is_dripping(struct flight *flight, size_t size)
{
	int64_t now_ms = dom_monotonic_ms(), taken_ms;

	if (flight->body_began_ms == 0)
		flight->body_began_ms = now_ms;
	taken_ms = now_ms - flight->body_began_ms;
	flight->too_slow = taken_ms > REPLY_MS_MAX ||
	                   (taken_ms > DRIP_ALLOWED_MS &&
	                       size * 1000 / (uint64_t)taken_ms < DRIP_BYTES_PER_S_MIN);
	return flight->too_slow;
}

static size_t
reply_size_max(const struct transport *transport, const struct dom_exchange *exchange)
{
	return exchange->reply_size_max != 0 &&
	               exchange->reply_size_max < transport->reply_size_max
	           ? exchange->reply_size_max
	           : transport->reply_size_max;
}

static size_t
take_body(char *data, size_t size, size_t count, void *context)
{
	struct flight *flight = context;
	struct dom_exchange *exchange = flight->exchange;
	struct transport *transport;
	size_t added = size * count, needed = exchange->reply_size + added;

	curl_easy_getinfo(flight->handle, CURLINFO_PRIVATE, &transport);
	if (needed > reply_size_max(transport, exchange)) {
		flight->too_large = true;
		return 0;
	}
	if (is_dripping(flight, needed))
		return 0;
	if (needed > flight->capacity) {
		curl_off_t announced = -1;
		size_t capacity = flight->capacity * 2;
		uint8_t *grown;

		curl_easy_getinfo(
		    flight->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
		if (announced > 0 && (uint64_t)announced <= reply_size_max(transport, exchange))
			capacity = (size_t)announced;
		if (capacity < needed)
			capacity = needed < 4096 ? 4096 : needed;
		if ((grown = realloc(exchange->reply, capacity)) == NULL)
			return 0;
		exchange->reply = grown;
		flight->capacity = capacity;
	}
	memcpy(exchange->reply + exchange->reply_size, data, added);
	exchange->reply_size = needed;
	return added;
}

/* The value of a line that is the header of this name ("name:"); data NULL: it is not. */
static struct dom_slice
header_value(const char *line, size_t left, const char *name)
{
	size_t name_size = strlen(name);
	const char *value = line + name_size, *end = line + left;

	if (left <= name_size || strncasecmp(line, name, name_size) != 0)
		return dom_slice(NULL, 0);
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
		end--;
	return dom_slice(value, (size_t)(end - value));
}

/* Seconds; a date is not read, nor what is more than a day. */
static unsigned
retry_after(struct dom_slice value)
{
	unsigned seconds = 0;

	for (size_t i = 0; i < value.size; i++) {
		if (value.data[i] < '0' || value.data[i] > '9' || seconds > 86400)
			return 0;
		seconds = seconds * 10 + (unsigned)(value.data[i] - '0');
	}
	return seconds > 86400 ? 0 : seconds;
}

static size_t
take_header(char *line, size_t size, size_t count, void *context)
{
	struct flight *flight = context;
	struct dom_exchange *exchange = flight->exchange;
	size_t left = size * count;
	struct dom_slice value;

	exchange->received_bytes += left;
	if ((flight->head_size += left) > REPLY_HEAD_SIZE_MAX) {
		flight->too_large = true;
		return 0;
	}
	flight->head_ended = left <= 2 && (line[0] == '\r' || line[0] == '\n');
	value = header_value(line, left, "domicile-position:");
	if (value.data != NULL && value.size < sizeof(exchange->position))
		snprintf(exchange->position, sizeof(exchange->position), "%.*s",
		    (int)value.size, (const char *)value.data);
	value = header_value(line, left, "retry-after:");
	if (value.data != NULL)
		exchange->retry_after_seconds = retry_after(value);
	return left;
}

static bool
set_options(struct transport *transport, struct flight *flight)
{
	const struct dom_exchange *exchange = flight->exchange;
	CURL *h = flight->handle;
	CURLcode bad = CURLE_OK;

#define SET(option, value) bad = bad != CURLE_OK ? bad : curl_easy_setopt(h, option, value)
	SET(CURLOPT_URL, flight->url);
	SET(CURLOPT_PRIVATE, transport);
	SET(CURLOPT_ERRORBUFFER, flight->error);
	SET(CURLOPT_HTTPHEADER, flight->headers);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, flight);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, flight);
	SET(CURLOPT_USERAGENT, transport->user_agent);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, transport->connect_seconds);
	SET(CURLOPT_TIMEOUT_MS, (long)exchange->wait_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_S);
	SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_TIMEOUT_S);
	SET(CURLOPT_BUFFERSIZE, (long)TRANSFER_BUFFER_SIZE);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)TRANSFER_BUFFER_SIZE);
	SET(CURLOPT_SHARE, transport->share);
	/* By ALPN, under TLS only; then requests share a connection instead of opening more. */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_PIPEWAIT, transport->is_https ? 1L : 0L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (transport->ca_file != NULL)
		SET(CURLOPT_CAINFO, transport->ca_file);
	if (transport->loopback)
		SET(CURLOPT_PROXY, ""); /* a proxy's "localhost" is another host */
	if (strcmp(exchange->method, "POST") == 0 || strcmp(exchange->method, "PUT") == 0) {
		/* The bytes are borrowed, not copied. */
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.size);
		SET(CURLOPT_POSTFIELDS,
		    exchange->body.data == NULL ? "" : (const char *)exchange->body.data);
	}
	SET(CURLOPT_CUSTOMREQUEST, exchange->method);
#undef SET
	return bad == CURLE_OK;
}

static void
flight_free(struct transport *transport, struct flight *flight, bool keep_handle)
{
	if (flight->handle != NULL) {
		/*
		 * Where requests share a connection, libcurl 7.88 does not clean up after
		 * one of them while others go on, and its handle takes no buffer size.
		 */
		if (keep_handle && !transport->is_https &&
		    transport->idle_count < IDLE_HANDLES_MAX) {
			curl_easy_reset(flight->handle);
			transport->idle[transport->idle_count++] = flight->handle;
		} else {
			curl_easy_cleanup(flight->handle);
		}
	}
	curl_slist_free_all(flight->headers);
	free(flight->url);
	free(flight);
}

static bool
add_header(struct flight *flight, const char *line)
{
	struct curl_slist *longer = curl_slist_append(flight->headers, line);

	if (longer == NULL)
		return false;
	flight->headers = longer;
	return true;
}

static enum dom_status
curl_submit(struct dom_transport *api, struct dom_exchange *exchange)
{
	struct transport *transport = (struct transport *)api;
	struct flight *flight = calloc(1, sizeof(*flight));
	bool good;

	if (flight == NULL)
		return DOM_ENOMEM;
	flight->exchange = exchange;
	exchange->reply = NULL;
	exchange->reply_size = 0;
	flight->handle = transport->idle_count > 0 ? transport->idle[--transport->idle_count]
	                                           : curl_easy_init();
	good = flight->handle != NULL &&
	       asprintf(&flight->url, "%s%s", transport->base, exchange->path) >= 0;
	/* "Expect: 100-continue" would cost a round trip. */
	good = good && add_header(flight, "Expect:");
	for (const char *const *line = exchange->headers; good && *line != NULL; line++)
		good = add_header(flight, *line);
	good = good && set_options(transport, flight) &&
	       curl_multi_add_handle(transport->multi, flight->handle) == CURLM_OK;
	if (!good) {
		flight_free(transport, flight, false);
		return DOM_ENOMEM;
	}
	flight->next = transport->flights;
	transport->flights = flight;
	return DOM_OK;
}

static struct flight *
take_flight(struct transport *transport, const CURL *handle)
{
	for (struct flight **at = &transport->flights; *at != NULL; at = &(*at)->next) {
		struct flight *flight = *at;

		if (handle == NULL || flight->handle == handle) {
			*at = flight->next;
			return flight;
		}
	}
	return NULL;
}

/* Did the request surely not reach the server? */
static bool
surely_unsent(CURL *handle, CURLcode code)
{
	long request_size = 0;

	curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &request_size);
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		return true;
	default:
		return request_size == 0;
	}
}

static void
finish(struct transport *transport, struct flight *flight, CURLcode code)
{
	struct dom_exchange *exchange = flight->exchange;
	curl_off_t uploaded = 0, downloaded = 0;
	long request_size = 0, status = 0;

	curl_easy_getinfo(flight->handle, CURLINFO_SIZE_UPLOAD_T, &uploaded);
	curl_easy_getinfo(flight->handle, CURLINFO_SIZE_DOWNLOAD_T, &downloaded);
	curl_easy_getinfo(flight->handle, CURLINFO_REQUEST_SIZE, &request_size);
	/*
	 * The size of a request is that of its head, and since libcurl 8.8 of its body
	 * as well; before, only of a body that left together with its head.
	 */
	exchange->sent_bytes =
	    (uint64_t)request_size + (request_size > uploaded ? 0 : (uint64_t)uploaded);
	exchange->received_bytes += (uint64_t)downloaded;
	/* libcurl takes a reply whose headers were cut off for a whole one. */
	if (code == CURLE_OK && !flight->head_ended)
		code = CURLE_PARTIAL_FILE;
	if (code == CURLE_OK)
		curl_easy_getinfo(flight->handle, CURLINFO_RESPONSE_CODE, &status);
	exchange->status = (int)status;
	if (status == 0) {
		const char *why =
		    flight->error[0] != '\0' ? flight->error : curl_easy_strerror(code);

		exchange->failure = surely_unsent(flight->handle, code) ? DOM_ENETWORK
		                    : flight->too_large && exchange->reply_size_max != 0
		                        ? DOM_ELIMIT
		                        : DOM_EUNCERTAIN;
		snprintf(exchange->reason, sizeof(exchange->reason), "%.150s",
		    flight->too_large  ? "its answer is larger than allowed"
		    : flight->too_slow ? "its answer comes too slowly"
		                       : why);
	}
	curl_multi_remove_handle(transport->multi, flight->handle);
	flight_free(transport, flight, true);
	exchange->done(exchange);
}

static enum dom_status
curl_poll(struct dom_transport *api, int timeout_ms)
{
	struct transport *transport = (struct transport *)api;
	int running = 0, left = 0;
	bool finished = false;

	for (int turn = 0; turn < 2; turn++) {
		CURLMsg *message;

		if (curl_multi_perform(transport->multi, &running) != CURLM_OK)
			return DOM_ENETWORK;
		while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
			CURLcode code = message->data.result;
			struct flight *flight;

			if (message->msg != CURLMSG_DONE ||
			    (flight = take_flight(transport, message->easy_handle)) == NULL)
				continue;
			finish(transport, flight, code);
			finished = true;
		}
		if (finished || turn == 1 || timeout_ms <= 0)
			break;
		if (curl_multi_poll(transport->multi, NULL, 0, timeout_ms, NULL) != CURLM_OK)
			return DOM_ENETWORK;
	}
	return DOM_OK;
}

static void
curl_close(struct dom_transport *api)
{
	struct transport *transport = (struct transport *)api;
	struct flight *flight;

	while ((flight = take_flight(transport, NULL)) != NULL) {
		struct dom_exchange *exchange = flight->exchange;

		curl_multi_remove_handle(transport->multi, flight->handle);
		flight_free(transport, flight, false);
		exchange->status = 0;
		exchange->failure = DOM_EUNCERTAIN;
		snprintf(exchange->reason, sizeof(exchange->reason), "it was closed");
		exchange->done(exchange);
	}
	while (transport->idle_count > 0)
		curl_easy_cleanup(transport->idle[--transport->idle_count]);
	if (transport->multi != NULL)
		curl_multi_cleanup(transport->multi);
	if (transport->share != NULL)
		curl_share_cleanup(transport->share);
	free(transport->base);
	free(transport->ca_file);
	free(transport->user_agent);
	free(transport);
	curl_global_cleanup();
}

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	char bare[64];
	size_t size = strlen(host);

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (size < 3 || host[0] != '[' || host[size - 1] != ']' || size >= sizeof(bare))
		return false;
	memcpy(bare, host + 1, size - 2);
	bare[size - 2] = '\0';
	return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* DOM_EINPUT unless it is https://host.. or http://loopback.. without more. */
static enum dom_status
check_url(const char *url, bool *loopback_r)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL, *extra = NULL;
	enum dom_status st = DOM_EINPUT;

	if (parts == NULL)
		return DOM_ENOMEM;
	if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		goto out;
	*loopback_r = is_loopback(host);
	if (curl_url_get(parts, CURLUPART_USER, &extra, 0) == CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_QUERY, &extra, 0) == CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_FRAGMENT, &extra, 0) == CURLUE_OK)
		goto out;
	if (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && *loopback_r))
		st = DOM_OK;
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(extra);
	curl_url_cleanup(parts);
	return st;
}

enum dom_status
dom_transport_curl(
    const struct dom_transport_options *options, struct dom_transport **transport_r)
{
	struct transport *transport;
	size_t size = strlen(options->server_url);
	long connections = options->connections_max == 0 ? CONNECTIONS_DEFAULT
	                                                 : (long)options->connections_max;
	enum dom_status st;

	*transport_r = NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return DOM_ENOMEM;
	if ((transport = calloc(1, sizeof(*transport))) == NULL) {
		curl_global_cleanup();
		return DOM_ENOMEM;
	}
	transport->api = (struct dom_transport){
	    .submit = curl_submit, .poll = curl_poll, .close = curl_close};
	if ((st = check_url(options->server_url, &transport->loopback)) < 0) {
		curl_close(&transport->api);
		return st;
	}
	transport->reply_size_max =
	    options->reply_size_max == 0 ? REPLY_SIZE_MAX_DEFAULT : options->reply_size_max;
	transport->connect_seconds =
	    options->connect_seconds == 0 ? CONNECT_TIMEOUT_S : (long)options->connect_seconds;
	transport->is_https = strncasecmp(options->server_url, "https:", 6) == 0;
	transport->multi = curl_multi_init();
	transport->share = curl_share_init();
	if (asprintf(&transport->base, "%s%s", options->server_url,
	        size > 0 && options->server_url[size - 1] == '/' ? "" : "/") < 0)
		transport->base = NULL;
	transport->user_agent = strdup(
	    options->user_agent == NULL ? "libdomicile/" DOM_RELEASE : options->user_agent);
	if (options->ca_file != NULL)
		transport->ca_file = strdup(options->ca_file);
	if (transport->multi == NULL || transport->share == NULL || transport->base == NULL ||
	    transport->user_agent == NULL ||
	    (options->ca_file != NULL && transport->ca_file == NULL) ||
	    curl_share_setopt(transport->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) !=
	        CURLSHE_OK ||
	    curl_multi_setopt(
	        transport->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) != CURLM_OK ||
	    curl_multi_setopt(transport->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections) !=
	        CURLM_OK) {
		curl_close(&transport->api);
		return DOM_ENOMEM;
	}
	*transport_r = &transport->api;
	return DOM_OK;
}
