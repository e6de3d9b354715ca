/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Frames between domicilectl and domiciled. */
#include "daemon/control_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/msgpack.h"

enum { HEAD_SIZE = 4, BACKLOG = 8 };

static enum dom_status
send_all(int fd, struct dom_slice bytes)
{
	while (bytes.size != 0) {
		ssize_t sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return DOM_ENETWORK;
		bytes = dom_slice(bytes.data + sent, bytes.size - (size_t)sent);
	}
	return DOM_OK;
}

static enum dom_status
receive_all(int fd, uint8_t *bytes_r, size_t size)
{
	while (size != 0) {
		ssize_t got = recv(fd, bytes_r, size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return DOM_ENETWORK;
		bytes_r += got;
		size -= (size_t)got;
	}
	return DOM_OK;
}

/* Takes the frame; its first bytes are room for the size. */
static enum dom_status
send_frame(int fd, struct dom_buffer *frame)
{
	enum dom_status st = dom_buffer_finish(frame);
	size_t size = frame->size - HEAD_SIZE;

	if (st == DOM_OK && size > CONTROL_FRAME_SIZE_MAX)
		st = DOM_ELIMIT;
	if (st == DOM_OK) {
		for (unsigned i = 0; i < HEAD_SIZE; i++)
			frame->data[i] = (uint8_t)(size >> (8 * (HEAD_SIZE - 1 - i)));
		st = send_all(fd, dom_buffer_slice(frame));
	}
	dom_buffer_free(frame);
	return st;
}

static struct dom_buffer
frame_begin(void)
{
	struct dom_buffer frame = {0};

	dom_buffer_append(&frame, "\0\0\0\0", HEAD_SIZE);
	return frame;
}

static enum dom_status
receive_frame(int fd, struct dom_arena *arena, struct dom_pack_reader *reader_r)
{
	uint8_t head[HEAD_SIZE], *bytes;
	size_t size = 0;
	enum dom_status st;

	if ((st = receive_all(fd, head, sizeof(head))) < 0)
		return st;
	for (unsigned i = 0; i < HEAD_SIZE; i++)
		size = size << 8 | head[i];
	if (size == 0 || size > CONTROL_FRAME_SIZE_MAX)
		return DOM_EINPUT;
	if ((bytes = dom_arena_take(arena, size)) == NULL)
		return DOM_ENOMEM;
	if ((st = receive_all(fd, bytes, size)) == DOM_OK)
		*reader_r = dom_pack_reader_over(dom_slice(bytes, size));
	return st;
}

enum dom_status
control_send_words(int fd, const char *const *words, size_t count)
{
	struct dom_buffer frame = frame_begin();

	dom_pack_put_array(&frame, count);
	for (size_t i = 0; i < count; i++)
		dom_pack_put_text(&frame, words[i]);
	return send_frame(fd, &frame);
}

/* Text without a NUL byte in it, with one behind it. */
static const char *
read_text(struct dom_pack_reader *reader, struct dom_arena *arena, size_t size_max)
{
	struct dom_slice text = dom_pack_str(reader);

	if (text.size > size_max ||
	    (text.size != 0 && memchr(text.data, '\0', text.size) != NULL)) {
		dom_pack_reject(reader);
		return "";
	}
	text = dom_arena_copy(arena, text.size == 0 ? dom_slice("", 0) : text);
	return text.data == NULL ? "" : (const char *)text.data;
}

enum dom_status
control_receive_words(
    int fd, struct dom_arena *arena, const char *words_r[CONTROL_WORDS_MAX], size_t *count_r)
{
	struct dom_pack_reader reader;
	enum dom_status st;

	*count_r = 0;
	if ((st = receive_frame(fd, arena, &reader)) < 0)
		return st;
	*count_r = dom_pack_array(&reader);
	if (*count_r == 0 || *count_r > CONTROL_WORDS_MAX)
		return DOM_EINPUT;
	for (size_t i = 0; i < *count_r; i++)
		words_r[i] = read_text(&reader, arena, CONTROL_WORD_SIZE_MAX);
	return dom_pack_finish(&reader);
}

enum dom_status
control_send_line(int fd, enum control_kind kind, const char *line)
{
	struct dom_buffer frame = frame_begin();
	size_t size = strnlen(line, CONTROL_LINE_SIZE_MAX);

	dom_pack_put_map(&frame, 1);
	dom_pack_put_text(&frame, kind == CONTROL_OUT ? "out" : "err");
	/* A cut may fall into a character. */
	while (
	    size == CONTROL_LINE_SIZE_MAX && size > 0 && ((uint8_t)line[size] & 0xc0) == 0x80)
		size--;
	dom_pack_put_str(&frame, dom_slice(line, size));
	return send_frame(fd, &frame);
}

enum dom_status
control_send_end(int fd, int code)
{
	struct dom_buffer frame = frame_begin();

	dom_pack_put_map(&frame, 1);
	dom_pack_put_text(&frame, "end");
	dom_pack_put_int(&frame, code);
	return send_frame(fd, &frame);
}

enum dom_status
control_receive(int fd, struct dom_arena *arena, enum control_kind *kind_r, const char **line_r,
    int *code_r)
{
	struct dom_pack_reader reader;
	struct dom_slice key;
	enum dom_status st;

	if ((st = receive_frame(fd, arena, &reader)) < 0)
		return st;
	if (dom_pack_map(&reader) != 1)
		return DOM_EINPUT;
	key = dom_pack_str(&reader);
	*kind_r = dom_slice_is(key, "end")   ? CONTROL_END
	          : dom_slice_is(key, "err") ? CONTROL_ERR
	                                     : CONTROL_OUT;
	if (*kind_r == CONTROL_END)
		*code_r = (int)dom_pack_int(&reader, 0, 255);
	else
		*line_r = read_text(&reader, arena, CONTROL_FRAME_SIZE_MAX);
	return dom_pack_finish(&reader);
}

/* Through /proc: an address has room for 107 characters, a path may be longer. */
static bool
address_of(int folder, const char *name, struct sockaddr_un *address_r)
{
	int size;

	*address_r = (struct sockaddr_un){.sun_family = AF_UNIX};
	size = snprintf(address_r->sun_path, sizeof(address_r->sun_path), "/proc/self/fd/%d/%s",
	    folder, name);
	if (size > 0 && (size_t)size < sizeof(address_r->sun_path))
		return true;
	errno = ENAMETOOLONG;
	return false;
}

static int
give_up(int fd, int folder)
{
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	errno = error;
	return -1;
}

int
control_bind(const char *data)
{
	int folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct sockaddr_un address;
	mode_t mask;
	int bound;

	if (folder < 0 || !address_of(folder, CONTROL_SOCKET_NAME, &address) ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return give_up(fd, folder);
	unlinkat(folder, CONTROL_SOCKET_NAME, 0); /* of a server that was killed */
	mask = umask(0177);
	bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (bound != 0 || listen(fd, BACKLOG) != 0)
		return give_up(fd, folder);
	close(folder);
	return fd;
}

int
control_connect(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *above = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	int folder = above == NULL ? -1 : open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sockaddr_un address;
	int fd = -1;

	free(above);
	if (folder < 0 || !address_of(folder, slash == NULL ? path : slash + 1, &address) ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return give_up(fd, folder);
	close(folder);
	return fd;
}
