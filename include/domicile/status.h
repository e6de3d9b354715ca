/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_STATUS_H
#define DOMICILE_STATUS_H

/*
 * What every function of domicile answers: below zero it failed, zero it is
 * done, above zero it is an ordinary answer that is not "done".
 */
enum dom_status {
	DOM_OK = 0,
	DOM_ABSENT = 1,   /* asked for something that is not there */
	DOM_CONFLICT = 2, /* another device wrote first, or it exists already */

	DOM_EINPUT = -1,     /* the input is not what it claims to be */
	DOM_EDENIED = -2,    /* the other side knows us and says no */
	DOM_ESTORE = -3,     /* the disk or database failed; nothing was written */
	DOM_EUNCERTAIN = -4, /* the connection broke: perhaps written, ask again */
	DOM_ENOMEM = -5,     /* no memory; nothing was written */
	DOM_ELIMIT = -6,     /* larger or more than a named limit allows */
	DOM_ENETWORK = -7,   /* the server cannot be reached; nothing was sent */
	DOM_EINTEGRITY = -8, /* a tag, MAC or signature does not verify */
	DOM_EFULL = -9,      /* no space left; nothing was written */
	DOM_EFILE = -10,     /* a file cannot be read or written, errno says why */
	DOM_ECONSENT = -11,  /* no consent covers this: the service is off */
	DOM_EAUTH = -12,     /* not logged in, or the password is wrong */
	DOM_ESERVER = -13,   /* the server failed or speaks another protocol */
	DOM_ESTOPPED = -14,  /* the caller asked to stop */
	DOM_EFENCED = -15,   /* the account is not at home in this region, or not just now */
};

#define DOM_MUST_CHECK __attribute__((warn_unused_result))

/*
 * One sentence in English for a person, without a full stop.  Borrowed and
 * constant; any value is accepted.
 */
const char *dom_status_text(enum dom_status status);

#endif
