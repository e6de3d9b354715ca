/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_PEER_H
#define HTTP_PEER_H

#include <sys/socket.h>

#include <domicile/slice.h>

/*
 * Who is on the other side of a socket, as far as limits go: the four bytes of
 * an IPv4 address, or the eight of an IPv6 network, since a client has one to
 * itself.  Size 0, nobody in particular: Unix sockets, trusted networks, and
 * where the kernel cannot tell.
 */
enum { HTTP_PEER_SIZE = 8, HTTP_NETWORKS_MAX = 16 };

struct http_peer {
	uint8_t bytes[HTTP_PEER_SIZE];
	uint8_t size;
};

struct http_network {
	uint8_t bytes[16]; /* of IPv4: as an IPv4-mapped IPv6 address */
	unsigned bits;     /* that count */
};

/* Whose requests are not counted, such as a proxy's. */
struct http_networks {
	struct http_network of[HTTP_NETWORKS_MAX];
	size_t count;
};

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"; false: it is none. */
bool http_network_parse(const char *text, struct http_network *network_r);
/* This machine, which a proxy on it comes from. */
struct http_networks http_networks_standard(void);

struct http_peer http_peer_of(
    const struct sockaddr_storage *address, const struct http_networks *trusted);
struct http_peer http_peer_of_socket(int fd, const struct http_networks *trusted);

static inline struct dom_slice
http_peer_slice(const struct http_peer *peer)
{
	return dom_slice(peer->bytes, peer->size);
}

#endif
