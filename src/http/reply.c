/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two tables, and what is made of their rows. */
#include "http/reply.h"

#include <assert.h>

#include "wire/etebase.h"
#include "wire/moves.h"

#include "http/limit.h"

static const char type_msgpack[] = "application/msgpack";

/* detail is for replies that bring none of their own. */
struct row {
	int status;
	const char *code;
	bool is_simple; /* shape 1: no "errors" key */
	const char *detail;
};

static const struct row service_rows[] = {
    [SERVICE_DONE] = {200, "", false, ""},
    [SERVICE_AUTHENTICATION_FAILED] = {401, "authentication_failed", true,
        "This session has ended. Please log in again."},
    [SERVICE_NOT_AUTHENTICATED] = {401, "not_authenticated", true, "Please log in."},
    [SERVICE_USER_NOT_FOUND] = {401, "user_not_found", true, "There is no such user here."},
    /* Clients know this one by its text (etebase-protocol 3.1). */
    [SERVICE_USER_NOT_INIT] = {401, "user_not_init", true, "User not properly init"},
    [SERVICE_LOGIN_BAD_SIGNATURE] = {401, "login_bad_signature", false,
        "The password is wrong."},
    [SERVICE_ADMIN_ACCESS_REQUIRED] = {403, "admin_access_required", true,
        "Only an administrator of this collection may do this."},
    [SERVICE_NO_WRITE_ACCESS] = {403, "no_write_access", true,
        "This collection is read-only for you."},
    [SERVICE_CONSENT_REQUIRED] = {403, "consent_required", true,
        "The service this belongs to is off, so nothing was stored. Turn it on with "
        "\"domicile on SERVICE\", then try again."},
    [SERVICE_DOES_NOT_EXIST] = {404, "does_not_exist", false, "It does not exist."},
    [SERVICE_BAD_STOKEN] = {400, "bad_stoken", false,
        "The sync token is not one of this region. Please sync from the start."},
    [SERVICE_STALE_STOKEN] = {409, "stale_stoken", false,
        "The collection has changed meanwhile. Please sync, then try again."},
    [SERVICE_DEP_FAILED] = {409, "dep_failed", false,
        "Something this depends on has changed meanwhile. Please sync, then try again."},
    [SERVICE_ITEM_FAILED] = {409, "item_failed", false,
        "Some items could not be stored, so none was."},
    [SERVICE_FIELD_ERRORS] = {400, "field_errors", false, "Some fields are not valid."},
    [SERVICE_VALIDATION_ERROR] = {422, "validation_error", false,
        "The request is not what this operation expects."},
    [SERVICE_MALFORMED_BODY] = {400, "malformed_body", false,
        "The body is not one MessagePack value."},
    [SERVICE_UNIQUE_UID] = {409, "unique_uid", false, "This uid is taken."},
    [SERVICE_BAD_ETAG] = {400, "bad_etag", false, "A new collection has no etag yet."},
    [SERVICE_BAD_COLLECTION_TYPE] = {400, "bad_collection_type", false,
        "A collection needs a type."},
    [SERVICE_CHUNK_NO_CONTENT] = {400, "chunk_no_content", false,
        "A chunk is neither here nor in the request."},
    [SERVICE_CHUNK_EXISTS] = {409, "chunk_exists", false, "This chunk is here already."},
    [SERVICE_TOO_MANY_ITEMS] = {400, "too_many_items", false,
        "The request names too many items at once."},
    [SERVICE_USER_EXISTS] = {409, "user_exists", false, "This name is taken."},
    [SERVICE_EMAIL_EXISTS] = {409, "email_exists", false, "This e-mail address is taken."},
    [SERVICE_SIGNUP_REFUSED] = {400, "generic", false,
        "Nobody can sign up here by themselves."},
    [SERVICE_WRONG_ACTION] = {400, "wrong_action", false,
        "The request was signed for something else."},
    [SERVICE_CHALLENGE_EXPIRED] = {400, "challenge_expired", false,
        "This took too long. Please try again."},
    [SERVICE_WRONG_USER] = {400, "wrong_user", false, "This was meant for somebody else."},
    [SERVICE_WRONG_HOST] = {400, "wrong_host", false, "This was meant for another server."},
    [SERVICE_NOT_SUPPORTED] = {400, "not_supported", false, "This server does not offer it."},
    [SERVICE_NO_SELF_INVITE] = {400, "no_self_invite", false, "Nobody can invite themselves."},
    [SERVICE_INVITATION_EXISTS] = {400, "invitation_exists", false,
        "This person is invited already."},
    [SERVICE_ALREADY_MEMBER] = {409, "already_member", false,
        "This person is a member of the collection already."},
    [SERVICE_LAST_ADMIN] = {409, "last_admin", false,
        "A collection with several members needs an administrator."},
    [SERVICE_STATEMENT_REFUSED] = {400, "bad_statement", false,
        "The statement is not valid here."},
    [SERVICE_STATEMENT_STALE] = {409, "stale_statement", false,
        "Another device has made a statement meanwhile. Please look again."},
    [SERVICE_BAD_TICKET] = {403, "bad_ticket", false,
        "This ticket is unknown, used or too old: ask for a new one."},
    [SERVICE_TOO_LARGE] = {413, "too_large", false, "The request is too large."},
    [SERVICE_STORAGE_FULL] = {507, "storage_full", false,
        "The server has no space left. Nothing was stored; what is stored can be read."},
    [SERVICE_UNAVAILABLE] = {503, "unavailable", false,
        "The server cannot store this now. Nothing was written; please try again."},
    [SERVICE_QUOTA_EXCEEDED] = {507, "quota_exceeded", false,
        "The account has no space left in this region, so nothing was stored."},
    [SERVICE_TOO_MANY_ATTEMPTS] = {429, "too_many_attempts", false,
        "Too many wrong passwords. Please try again later."},
    [SERVICE_TOO_MANY_REQUESTS] = {429, "too_many_requests", false,
        "Too much of this for now. Please try again later."},
    [SERVICE_CHUNK_DAMAGED] = {500, "chunk_damaged", false,
        "The server's copy of this chunk is damaged."},
    [SERVICE_ACCOUNT_FROZEN] = {503, "account_frozen", false,
        "The account is being handed over to another region. Nothing was stored; please try"
        " again."},
    [SERVICE_ACCOUNT_MOVED] = {403, "account_moved", true,
        "This account lives in another region now. Sign in there; nothing was stored here."},
    [SERVICE_PEER_REFUSED] = {409, "peer_refused", false, "This region does not do that."},
    [SERVICE_PEER_UNTRUSTED] = {409, "peer_untrusted", false,
        "This region does not know the one that asks."},
    [SERVICE_MOVE_REFUSED] = {409, "move_refused", false,
        "The account cannot be moved so. Nothing was changed."},
};
static_assert(sizeof(service_rows) / sizeof(service_rows[0]) == SERVICE_CODE_COUNT,
    "every code has its row");

static const struct row fault_rows[] = {
    [HTTP_FAULT_NONE] = {500, "server_error", false, "The server made a mistake."},
    [HTTP_FAULT_MALFORMED] = {400, "bad_request", false, "This is not a valid HTTP request."},
    [HTTP_FAULT_NOT_FOUND] = {404, "not_found", false, "There is nothing at this path."},
    [HTTP_FAULT_METHOD] = {405, "method_not_allowed", false,
        "This path does not have this method."},
    [HTTP_FAULT_TIMEOUT] = {408, "request_timeout", false, "The request came in too slowly."},
    [HTTP_FAULT_BODY_SIZE] = {413, "too_large", false,
        "The request's body is larger than this server takes."},
    [HTTP_FAULT_MEDIA_TYPE] = {415, "unsupported_media_type", false,
        "The body must be application/msgpack."},
    [HTTP_FAULT_EXPECTATION] = {417, "expectation_failed", false,
        "The only expectation that is understood is 100-continue."},
    [HTTP_FAULT_QUERY] = {422, "validation_error", false,
        "A parameter of the query is not valid."},
    [HTTP_FAULT_UPGRADE] = {426, "upgrade_required", false,
        "This path speaks WebSocket, version 13, and nothing else."},
    [HTTP_FAULT_RATE] = {429, "too_many_requests", false,
        "Too many requests from your network. Please try again later."},
    [HTTP_FAULT_HEADER_SIZE] = {431, "header_too_large", false,
        "The request's head is larger than this server takes."},
    [HTTP_FAULT_TRANSFER_CODING] = {501, "unsupported_transfer_coding", false,
        "The only transfer coding that is understood is chunked."},
    [HTTP_FAULT_BUSY] = {503, "unavailable", false,
        "The server is busy. Nothing was written; please try again."},
    [HTTP_FAULT_VERSION] = {505, "unsupported_version", false, "This server speaks HTTP/1.1."},
};
static_assert(
    sizeof(fault_rows) / sizeof(fault_rows[0]) == HTTP_FAULT_COUNT, "every fault has its row");

/* Success is 200 where nothing else is said (etebase-protocol 4.0). */
static int
success_status(enum service_op op)
{
	switch (op) {
	case SERVICE_COLLECTION_CREATE:
	case SERVICE_CHUNK_PUT:
	case SERVICE_INVITE:
	case SERVICE_INCOMING_ACCEPT:
		return 201;
	case SERVICE_LOGOUT:
	case SERVICE_CHANGE_PASSWORD:
	case SERVICE_SESSION_REVOKE:
	case SERVICE_STATEMENT_KEY:
	case SERVICE_MEMBER_SET:
	case SERVICE_MEMBER_REMOVE:
	case SERVICE_MEMBER_LEAVE:
	case SERVICE_OUTGOING_WITHDRAW:
	case SERVICE_INCOMING_REJECT:
#ifdef DOM_TEST_API
	case SERVICE_TEST_RESET:
#endif
		return 204;
	default:
		return 200;
	}
}

bool
reply_row(enum service_code code, int *status_r, const char **code_text_r)
{
	*status_r = service_rows[code].status;
	*code_text_r = service_rows[code].code;
	return service_rows[code].status != 0 && service_rows[code].code != NULL &&
	       service_rows[code].detail != NULL;
}

/* What the row says and the reply does not comes from the row. */
static void
answer_with_error(
    const struct row *row, const struct service_reply *reply, struct http_response *response)
{
	const struct wire_error error = {
	    .code = dom_slice_of(row->code),
	    .detail = dom_slice_of(reply->detail == NULL ? row->detail : reply->detail),
	    .is_simple = row->is_simple,
	    .errors = reply->errors,
	    .error_count = reply->error_count,
	    .abort = reply->abort.bytes,
	    .signature = reply->abort.signature,
	};

	response->status = row->status;
	response->content_type = type_msgpack;
	dom_buffer_free(&response->body);
	response->body = (struct dom_buffer){0};
	if (reply->moved != NULL)
		wire_moved_encode(&response->body, reply->moved);
	else
		wire_error_encode(&response->body, &error);
	/* Clients go by the status: without memory for a body it goes out alone. */
	if (dom_buffer_finish(&response->body) != DOM_OK) {
		dom_buffer_free(&response->body);
		response->content_type = NULL;
	}
	if (row == &service_rows[SERVICE_ACCOUNT_FROZEN])
		response->retry_after_seconds = HTTP_FROZEN_RETRY_SECONDS;
	else if (row->status == 503)
		response->retry_after_seconds = HTTP_RETRY_AFTER_SECONDS;
}

void
reply_from_service(
    enum service_op op, struct service_reply *reply, struct http_response *response)
{
	assert(reply->code < SERVICE_CODE_COUNT);
	if (reply->code != SERVICE_DONE) {
		answer_with_error(&service_rows[reply->code], reply, response);
		if (reply->retry_after_seconds != 0)
			response->retry_after_seconds = reply->retry_after_seconds;
		return;
	}
	if (dom_buffer_finish(&reply->body) != DOM_OK) {
		reply_from_fault(HTTP_FAULT_BUSY, NULL, response);
		return;
	}
	response->status = reply->subscription != NULL ? 101 : success_status(op);
	response->subscription = reply->subscription;
	reply->subscription = NULL;
	dom_buffer_free(&response->body);
	response->body = reply->body;
	reply->body = (struct dom_buffer){0};
	if (response->body.size != 0 && response->status == 204)
		response->status = 200; /* 204 cannot carry one */
	static_assert(
	    sizeof(response->position_after) >= sizeof(reply->position_after), "fits");
	memcpy(
	    response->position_before, reply->position_before, sizeof(reply->position_before));
	memcpy(response->position_after, reply->position_after, sizeof(reply->position_after));
	if (op == SERVICE_GROUP)
		response->cache_seconds = HTTP_GROUP_CACHE_SECONDS;
	if (op == SERVICE_MOVE_CERTIFICATE)
		response->download_name = "move.certificate";
	if (reply->body_is_raw)
		response->content_type = "application/octet-stream";
	else
		response->content_type = response->body.size == 0 ? NULL : type_msgpack;
}

void
reply_from_fault(enum http_fault fault, const char *detail, struct http_response *response)
{
	answer_with_error(
	    &fault_rows[fault], &(const struct service_reply){.detail = detail}, response);
}

void
reply_with_text(int status, const char *text, struct http_response *response)
{
	response->status = status;
	response->content_type = "text/plain; charset=utf-8";
	dom_buffer_free(&response->body);
	response->body = (struct dom_buffer){0};
	dom_buffer_append_text(&response->body, text);
}
