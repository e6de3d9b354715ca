/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_CONTROL_PARTS_H
#define DAEMON_CONTROL_PARTS_H

#include "daemon/control.h"
#include "daemon/control_wire.h"

/* What the files with domicilectl's commands share; control_say.c. */
enum {
	CONTROL_TIME_SIZE = 32,
	CONTROL_PAGE_ROWS = 200,
	/* What a command exits with. */
	CONTROL_DONE = 0,
	CONTROL_FAILED = 1,
	CONTROL_WRONG = 2,
};

/* A line; a client that does not take its lines any more stops its command. */
void control_say(struct control_call *call, enum control_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* CONTROL_FAILED; detail NULL: what the store's status means. */
int control_fail(struct control_call *call, enum dom_status status, const char *detail);
/* UTC, as ISO 8601 has it. */
void control_time(int64_t ms, char text_r[CONTROL_TIME_SIZE]);

/*
 * Says the rows after *after, at most CONTROL_PAGE_ROWS, and moves it along; *count_r 0:
 * there were none.
 */
typedef enum dom_status control_page(
    struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r);
/*
 * Page after page to the end, or until the command is to stop.  A snapshot for each page: a
 * list of many rows holds up no checkpoint.
 */
int control_list(struct control_call *call, control_page *page);

/* control_evacuate.c */
int control_evacuate_survey(struct control_call *call);
int control_evacuate_tell(struct control_call *call);
int control_evacuate_release(struct control_call *call);
int control_evacuate_phases(struct control_call *call);
int control_evacuate_withdraw(struct control_call *call);

/* control_moves.c */
int control_moves(struct control_call *call);
int control_peers(struct control_call *call);
int control_peers_confirm(struct control_call *call);
/* control_erase.c */
int control_user_erase(struct control_call *call);
int control_erasures(struct control_call *call);
int control_clock(struct control_call *call);
int control_clock_confirm(struct control_call *call);

#endif
