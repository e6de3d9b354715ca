/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_PEER_H
#define HTTP_PEER_H

#include <domicile/slice.h>

/*
 * Who is on the other side of a socket, as far as limits go: the four bytes of
 * an IPv4 address, or the eight of an IPv6 network, since a client has one to
 * itself.  The absent slice for Unix sockets, and where the kernel cannot tell.
 */
enum { HTTP_PEER_SIZE = 8 };
struct dom_slice http_peer(int fd, uint8_t bytes_r[HTTP_PEER_SIZE]);

#endif
