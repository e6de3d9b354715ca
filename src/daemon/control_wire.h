/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_CONTROL_WIRE_H
#define DAEMON_CONTROL_WIRE_H

#include "base/arena.h"
#include "base/buffer.h"

/*
 * What domicilectl and domiciled say to each other over the socket
 * control.sock in the data folder (mode 0600, so its owner and root only).
 * A frame is its size (32 bits, big-endian) and one MessagePack value:
 *
 *   client  [word, ..]                          once: a command and its arguments
 *   server  {"out": line} or {"err": line}      any number of them
 *           {"end": exit code}                  the last
 */
#define CONTROL_SOCKET_NAME "control.sock"

enum {
	CONTROL_FRAME_SIZE_MAX = 64 << 10,
	CONTROL_WORDS_MAX = 8,
	CONTROL_WORD_SIZE_MAX = 8 << 10,
	CONTROL_LINE_SIZE_MAX = 8 << 10, /* longer ones are cut */
};

enum control_kind { CONTROL_OUT, CONTROL_ERR, CONTROL_END };

/* Both block; DOM_EINPUT: not a frame of ours; DOM_ENETWORK: the other side is gone. */
DOM_MUST_CHECK enum dom_status control_send_words(
    int fd, const char *const *words, size_t count);
DOM_MUST_CHECK enum dom_status control_receive_words(
    int fd, struct dom_arena *arena, const char *words_r[CONTROL_WORDS_MAX], size_t *count_r);
DOM_MUST_CHECK enum dom_status control_send_line(
    int fd, enum control_kind kind, const char *line);
DOM_MUST_CHECK enum dom_status control_send_end(int fd, int code);
/* code_r is set for CONTROL_END, line_r for the others. */
DOM_MUST_CHECK enum dom_status control_receive(int fd, struct dom_arena *arena,
    enum control_kind *kind_r, const char **line_r, int *code_r);

/*
 * The socket of a data folder whose path may be longer than an address takes.
 * -1: errno says why.
 */
int control_bind(const char *data);
int control_connect(const char *path);

#endif
