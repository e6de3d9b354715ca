/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A client's address, for limits alone: it is neither logged nor kept. */
#include "http/peer.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { MAPPED_AT = 12, MAPPED_SIZE = 4 }; /* an IPv4 address in an IPv6 one */

struct dom_slice
http_peer(int fd, uint8_t bytes_r[HTTP_PEER_SIZE])
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (fd <= 0 || getpeername(fd, (struct sockaddr *)&address, &size) != 0)
		return dom_slice(NULL, 0);
	if (address.ss_family == AF_INET) {
		const struct sockaddr_in *four = (const struct sockaddr_in *)&address;

		memcpy(bytes_r, &four->sin_addr, MAPPED_SIZE);
		return dom_slice(bytes_r, MAPPED_SIZE);
	}
	if (address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address;

		if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
			memcpy(bytes_r, &six->sin6_addr.s6_addr[MAPPED_AT], MAPPED_SIZE);
			return dom_slice(bytes_r, MAPPED_SIZE);
		}
		memcpy(bytes_r, six->sin6_addr.s6_addr, HTTP_PEER_SIZE);
		return dom_slice(bytes_r, HTTP_PEER_SIZE);
	}
	return dom_slice(NULL, 0);
}
