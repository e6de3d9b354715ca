/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A client's address, for limits alone: it is neither logged nor kept. */
#include "http/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	ADDRESS_SIZE = 16,
	MAPPED_AT = 12, /* an IPv4 address in an IPv6 one */
	MAPPED_SIZE = 4,
	TEXT_SIZE = 64,
};

static void
map(const struct in_addr *four, uint8_t bytes_r[ADDRESS_SIZE])
{
	memset(bytes_r, 0, ADDRESS_SIZE);
	bytes_r[MAPPED_AT - 2] = bytes_r[MAPPED_AT - 1] = 0xff;
	memcpy(bytes_r + MAPPED_AT, four, MAPPED_SIZE);
}

bool
http_network_parse(const char *text, struct http_network *network_r)
{
	const char *slash = strchr(text, '/');
	size_t size = slash == NULL ? strlen(text) : (size_t)(slash - text);
	char address[TEXT_SIZE];
	struct in_addr four;
	unsigned most = 128, before = 0;
	char *end;
	long bits;

	if (size >= sizeof(address))
		return false;
	memcpy(address, text, size);
	address[size] = '\0';
	if (inet_pton(AF_INET, address, &four) == 1) {
		map(&four, network_r->bytes);
		most = 32;
		before = 96;
	} else if (inet_pton(AF_INET6, address, network_r->bytes) != 1) {
		return false;
	}
	network_r->bits = before + most;
	if (slash == NULL)
		return true;
	errno = 0;
	bits = strtol(slash + 1, &end, 10);
	if (errno != 0 || slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits < 0 ||
	    bits > (long)most)
		return false;
	network_r->bits = before + (unsigned)bits;
	return true;
}

struct http_networks
http_networks_standard(void)
{
	return (struct http_networks){
	    .of = {{.bytes = {[10] = 0xff, [11] = 0xff, [12] = 127}, .bits = 104},
	        {.bytes = {[15] = 1}, .bits = 128}},
	    .count = 2};
}

static bool
is_in(const uint8_t address[ADDRESS_SIZE], const struct http_network *network)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	return memcmp(address, network->bytes, whole) == 0 &&
	       (rest == 0 || ((address[whole] ^ network->bytes[whole]) >> (8 - rest)) == 0);
}

struct http_peer
http_peer_of(const struct sockaddr_storage *address, const struct http_networks *trusted)
{
	struct http_peer peer = {.size = 0};
	uint8_t bytes[ADDRESS_SIZE];
	bool is_four = address->ss_family == AF_INET;

	if (is_four)
		map(&((const struct sockaddr_in *)address)->sin_addr, bytes);
	else if (address->ss_family == AF_INET6)
		memcpy(
		    bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof(bytes));
	else
		return peer;
	for (size_t i = 0; i < trusted->count; i++) {
		if (is_in(bytes, &trusted->of[i]))
			return peer;
	}
	is_four =
	    is_four || IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)address)->sin6_addr);
	peer.size = is_four ? MAPPED_SIZE : HTTP_PEER_SIZE;
	memcpy(peer.bytes, bytes + (is_four ? MAPPED_AT : 0), peer.size);
	return peer;
}

struct http_peer
http_peer_of_socket(int fd, const struct http_networks *trusted)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getpeername(fd, (struct sockaddr *)&address, &size) != 0)
		return (struct http_peer){.size = 0};
	return http_peer_of(&address, trusted);
}
