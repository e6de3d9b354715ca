/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The sentence that a person sees for each status. */
#include <domicile/status.h>

const char *
dom_status_text(enum dom_status status)
{
	switch (status) {
	case DOM_OK:
		return "done";
	case DOM_ABSENT:
		return "there is no such thing";
	case DOM_CONFLICT:
		return "it exists already, or another device wrote first";
	case DOM_EINPUT:
		return "the input is damaged or not of the expected kind";
	case DOM_EDENIED:
		return "the server refused this";
	case DOM_ESTORE:
		return "the disk or the database failed; nothing was written";
	case DOM_EUNCERTAIN:
		return "the connection broke before the answer came; it may have been written";
	case DOM_ENOMEM:
		return "there is not enough memory; nothing was written";
	case DOM_ELIMIT:
		return "this is more than a limit allows";
	case DOM_ENETWORK:
		return "the server cannot be reached; nothing was sent";
	case DOM_EINTEGRITY:
		return "the data does not verify: it is damaged or was tampered with";
	case DOM_EFULL:
		return "there is no space left; nothing was written";
	case DOM_EFILE:
		return "a file cannot be read or written";
	case DOM_ECONSENT:
		return "no consent covers this: the service is off";
	case DOM_EAUTH:
		return "not logged in, or the password is wrong";
	case DOM_ESERVER:
		return "the server failed or speaks another protocol";
	case DOM_EFENCED:
		return "the account does not take writes in this region; nothing was written";
	case DOM_ESTOPPED:
		return "stopped as asked";
	}
	return "unknown status";
}
